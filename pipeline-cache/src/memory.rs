//! Results in memory.
//!
//! One map and one lock. Shards would split the budget, so that a large value might have no shard
//! to go to, and save nothing: a look-up holds the lock for some tens of nanoseconds, a step takes
//! a thousand times as long. Values are weighed before the lock is taken and dropped after it is
//! let go, so no code of theirs runs under it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use pipeline_core::cache::{Cache, Claim, Claimed, Evicted, Hit, Origin, Tier};
use pipeline_core::{Key, Value};

use crate::ledger::Weight;
use crate::pressure::{Gauge, Pressure};
use crate::stats::Stats;
use crate::store::{Gone, Store};

/// Results in memory under a byte budget.
///
/// What has to go is what [`Policy`] says. Sharing the cache between executors is fine: put it into
/// an `Arc` and clone that.
pub struct MemoryCache {
    store: Arc<Mutex<Store>>,
    pressure: Option<Gauge>,
}

impl std::fmt::Debug for MemoryCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryCache").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

/// What goes first when room is short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Policy {
    /// What costs least to lose: the chance that it is asked for, times the time to make it again
    /// from what is held, per byte. The chance is learnt for each step while the cache is in use.
    #[default]
    Worth,
    /// What was not used for longest.
    LeastRecent,
}

/// One stored value, as [`MemoryCache::entries`] lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryInfo {
    /// The key.
    pub key: Key,
    /// The step that made the value; empty if there are more than 255 kinds of steps.
    pub step: Arc<str>,
    /// Bytes that the entry keeps alive. Those of a shared buffer are in every entry that shares
    /// it, so the sum may be more than the cache holds.
    pub bytes: u64,
    /// The time the value took to make.
    pub time: Duration,
    /// How often it was asked for.
    pub hits: u64,
}

impl MemoryCache {
    /// A cache that holds at most `budget` bytes.
    #[must_use]
    pub fn new(budget: u64) -> Self {
        let store = Store::new(budget, Policy::default(), None);
        Self { store: Arc::new(Mutex::new(store)), pressure: None }
    }

    /// The same cache, empty, with another policy.
    #[must_use]
    pub fn with_policy(self, policy: Policy) -> Self {
        self.store.lock().set_policy(policy);
        self
    }

    /// The same cache, empty, in which no value is found that came longer ago than that.
    ///
    /// Results never need it: what a key stands for it stands for ever. It is for programs that
    /// give memory back: what is too old goes when a run begins, or when
    /// [`drop_overdue`](Self::drop_overdue) is called, as by a clock of the program when nobody
    /// works.
    #[must_use]
    pub fn with_max_age(self, age: Duration) -> Self {
        self.store.lock().set_max_age(age);
        self
    }

    /// Throws out what came longer ago than [`with_max_age`](Self::with_max_age) says. Returns how
    /// many values that were.
    pub fn drop_overdue(&self) -> usize {
        let overdue = self.store.lock().take_overdue();
        overdue.len()
    }

    /// The same cache, which asks how short memory is, once a second while runs begin and values
    /// come in. It holds a quarter of its budget less each time that memory is short, down to a
    /// quarter, and a quarter more each time that it is not.
    #[must_use]
    pub fn with_pressure(self, source: impl Fn() -> Pressure + Send + Sync + 'static) -> Self {
        Self { pressure: Some(Gauge::new(source)), ..self }
    }

    /// What it has done and what it holds.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.store.lock().stats()
    }

    /// What it holds, what was used by the last requests first. Locks the cache for the time of the
    /// copy.
    #[must_use]
    pub fn entries(&self) -> Vec<EntryInfo> {
        self.store.lock().infos()
    }

    /// Changes the budget, and says what had to go for it.
    pub fn resize(&self, budget: u64) -> Vec<Evicted> {
        let mut gone = Gone::default();
        self.store.lock().set_budget(budget, &mut gone);
        gone.report()
    }

    /// Throws out the value under `key`. Returns whether there was one.
    ///
    /// For people who look into what a step does; results never have to be thrown out to be right.
    pub fn purge(&self, key: &Key) -> bool {
        let entry = self.store.lock().purge(key);
        entry.is_some()
    }

    /// Throws out all values that steps of this name have made. Returns how many there were.
    pub fn purge_step(&self, name: &str) -> usize {
        let entries = self.store.lock().purge_step(name);
        entries.len()
    }

    /// Throws out everything, and what was learnt with it. The counters, the pins and what is being
    /// made go on.
    pub fn clear(&self) {
        let full = self.store.lock().emptied();
        drop(full);
    }

    /// Keeps the values of these keys until all others are gone, for as long as the pin lives:
    /// what is on screen, and what the step that is being edited reads. They need not be there yet.
    ///
    /// A pinned value goes all the same where it does not fit into the budget.
    #[must_use]
    pub fn pin(&self, keys: impl IntoIterator<Item = Key>) -> Pin {
        let keys: Vec<Key> = keys.into_iter().collect();
        self.store.lock().pin(&keys);
        Pin { store: Arc::clone(&self.store), keys }
    }
}

impl MemoryCache {
    /// Takes a value in that took `made` to make, and to lose it costs the time of its origin.
    pub(crate) fn keep(
        &self,
        key: Key,
        value: &Value,
        origin: Origin<'_>,
        made: Duration,
    ) -> Vec<Evicted> {
        let weight = Weight::of(value);
        let steps = self.pressure.as_ref().and_then(|gauge| gauge.look(Instant::now()));
        let mut gone = Gone::default();
        let mut store = self.store.lock();
        if let Some(steps) = steps {
            store.give_back(steps, &mut gone);
        }
        store.put(key, (value, weight), (origin, made), &mut gone);
        drop(store);
        gone.report()
    }
}

impl Cache for MemoryCache {
    fn begin(&self) {
        let steps = self.pressure.as_ref().and_then(|gauge| gauge.look(Instant::now()));
        let mut gone = Gone::default();
        let mut store = self.store.lock();
        if let Some(steps) = steps {
            store.relieve(steps, &mut gone);
        }
        store.begin();
        let overdue = store.take_overdue();
        drop(store);
        drop((overdue, gone));
    }

    fn get(&self, key: &Key) -> Option<Hit> {
        let value = self.store.lock().get(key)?;
        Some(Hit { value, tier: Tier::Memory })
    }

    /// Takes the value in, unless it is there already, or is worth less than what would have to go.
    fn put(&self, key: Key, value: &Value, origin: Origin<'_>) -> Vec<Evicted> {
        self.keep(key, value, origin, origin.time)
    }

    fn contains(&self, key: &Key) -> bool {
        self.store.lock().contains(key)
    }

    /// Others who share the cache wait until the claim is dropped.
    ///
    /// Room is made for what is about to be made, so that what is held and what is being made are
    /// within the budget together, as far as sizes are known. Nothing goes for what takes more than
    /// a quarter of the budget before it is there and known to be worth more, nor for more than
    /// half of the budget at a time.
    fn claim(&self, key: &Key, bytes: u64) -> Claim {
        let mut gone = Gone::default();
        let mut store = self.store.lock();
        if store.contains(key) {
            return Claim::Made;
        }
        let is_mine = store.begin_making(*key, bytes, &mut gone);
        drop(store);
        if is_mine {
            Claim::Mine(Claimed::new(Making { store: Arc::clone(&self.store), key: *key }))
        } else {
            Claim::Elsewhere
        }
    }
}

/// A result that is being made.
struct Making {
    store: Arc<Mutex<Store>>,
    key: Key,
}

impl Drop for Making {
    fn drop(&mut self) {
        let mut gone = Gone::default();
        self.store.lock().end_making(&self.key, &mut gone);
    }
}

/// Keeps values until all others are gone; see [`MemoryCache::pin`].
pub struct Pin {
    store: Arc<Mutex<Store>>,
    keys: Vec<Key>,
}

impl Drop for Pin {
    fn drop(&mut self) {
        self.store.lock().unpin(&self.keys);
    }
}

impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pin").field("keys", &self.keys).finish_non_exhaustive()
    }
}
