//! A cache that counts how often it is asked.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::cache::{Cache, Claim, Evicted, Fault, Hit, Origin, Tier};
use crate::data::{DataType, Value};
use crate::key::Key;

/// Counts the calls of another cache, or of one that keeps everything.
#[derive(Debug)]
pub struct CountingCache {
    inner: Arc<dyn Cache>,
    gets: AtomicUsize,
    hits: AtomicUsize,
    puts: AtomicUsize,
    looks: AtomicUsize,
}

impl CountingCache {
    /// Counts the calls of `inner`.
    #[must_use]
    pub fn over(inner: Arc<dyn Cache>) -> Self {
        let zero = || AtomicUsize::new(0);
        Self { inner, gets: zero(), hits: zero(), puts: zero(), looks: zero() }
    }

    /// How often a value was asked for.
    #[must_use]
    pub fn gets(&self) -> usize {
        self.gets.load(Ordering::Relaxed)
    }

    /// How often a value was asked for and found.
    #[must_use]
    pub fn hits(&self) -> usize {
        self.hits.load(Ordering::Relaxed)
    }

    /// How often a value was given.
    #[must_use]
    pub fn puts(&self) -> usize {
        self.puts.load(Ordering::Relaxed)
    }

    /// How often it was only asked whether there is a value.
    #[must_use]
    pub fn looks(&self) -> usize {
        self.looks.load(Ordering::Relaxed)
    }
}

impl Default for CountingCache {
    /// Keeps everything for ever.
    fn default() -> Self {
        Self::over(Arc::new(Hoard::default()))
    }
}

#[deny(clippy::missing_trait_methods)]
impl Cache for CountingCache {
    fn begin(&self) {
        self.inner.begin();
    }

    fn get(&self, key: &Key) -> Option<Hit> {
        self.gets.fetch_add(1, Ordering::Relaxed);
        let hit = self.inner.get(key);
        self.hits.fetch_add(usize::from(hit.is_some()), Ordering::Relaxed);
        hit
    }

    fn put(&self, key: Key, value: &Value, origin: Origin<'_>) -> Vec<Evicted> {
        self.puts.fetch_add(1, Ordering::Relaxed);
        self.inner.put(key, value, origin)
    }

    fn contains(&self, key: &Key) -> bool {
        self.looks.fetch_add(1, Ordering::Relaxed);
        self.inner.contains(key)
    }

    fn identity(&self, key: &Key) -> Option<Key> {
        self.inner.identity(key)
    }

    fn remember(&self, name: Key, identity: Key, time: Duration) {
        self.inner.remember(name, identity, time);
    }

    fn keeps(&self, data: DataType) -> bool {
        self.inner.keeps(data)
    }

    fn claim(&self, key: &Key, bytes: u64) -> Claim {
        self.inner.claim(key, bytes)
    }

    fn take_faults(&self) -> Vec<Fault> {
        self.inner.take_faults()
    }
}

#[derive(Debug, Default)]
struct Hoard(Mutex<HashMap<Key, Value>>);

impl Cache for Hoard {
    fn get(&self, key: &Key) -> Option<Hit> {
        let value = self.0.lock().get(key)?.clone();
        Some(Hit { value, tier: Tier::Memory })
    }

    fn put(&self, key: Key, value: &Value, _: Origin<'_>) -> Vec<Evicted> {
        self.0.lock().entry(key).or_insert_with(|| value.clone());
        Vec::new()
    }

    fn contains(&self, key: &Key) -> bool {
        self.0.lock().contains_key(key)
    }
}
