//! The program's cache, whose panics end nothing.
//!
//! A cache is code of others and called on the threads of the executor, under its locks even. What
//! it panics at is missed, not kept or not there, which is always allowed; the next run that
//! somebody listens to tells of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crate::cache::{Cache, Claim, Evicted, Fault, Hit, Origin};
use crate::data::{DataType, Value};
use crate::key::Key;
use crate::sync::Mutex;

use super::slots::dispose;
use super::task::panic_text;

/// A cache that never panics, around one that may.
#[derive(Debug)]
pub(super) struct Guarded {
    cache: Arc<dyn Cache>,
    /// What the last panic said that nobody has been told of.
    panic: Mutex<Option<String>>,
}

impl Guarded {
    pub(super) fn new(cache: Arc<dyn Cache>) -> Self {
        Self { cache, panic: Mutex::new(None) }
    }

    /// What the cache panicked with since this was asked last.
    pub(super) fn take_panic(&self) -> Option<String> {
        self.panic.lock().take()
    }

    fn ask<R: Default>(&self, call: impl FnOnce(&dyn Cache) -> R) -> R {
        catch_unwind(AssertUnwindSafe(|| call(&*self.cache))).unwrap_or_else(|payload| {
            *self.panic.lock() = Some(panic_text(&*payload));
            dispose(payload);
            R::default()
        })
    }
}

// A method with a default that is not passed on would cut the program's own off.
#[deny(clippy::missing_trait_methods)]
impl Cache for Guarded {
    fn begin(&self) {
        self.ask(|cache| cache.begin());
    }

    fn get(&self, key: &Key) -> Option<Hit> {
        self.ask(|cache| cache.get(key))
    }

    fn put(&self, key: Key, value: &Value, origin: Origin<'_>) -> Vec<Evicted> {
        self.ask(|cache| cache.put(key, value, origin))
    }

    fn contains(&self, key: &Key) -> bool {
        self.ask(|cache| cache.contains(key))
    }

    fn identity(&self, key: &Key) -> Option<Key> {
        self.ask(|cache| cache.identity(key))
    }

    fn remember(&self, name: Key, identity: Key, time: Duration) {
        self.ask(|cache| cache.remember(name, identity, time));
    }

    fn keeps(&self, data: DataType) -> bool {
        self.ask(|cache| cache.keeps(data))
    }

    fn claim(&self, key: &Key, bytes: u64) -> Claim {
        self.ask(|cache| cache.claim(key, bytes))
    }

    fn take_faults(&self) -> Vec<Fault> {
        self.ask(|cache| cache.take_faults())
    }
}
