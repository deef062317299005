//! Results in memory: what was used last stays.
//!
//! One map, one order of last use and one lock. Shards would split the budget, so that a large
//! value might have no shard to go to, and save nothing: a look-up holds the lock for some tens of
//! nanoseconds, a step takes a thousand times as long. Values are weighed before the lock is taken
//! and dropped after it is let go, so no code of theirs runs under it.

use std::hash::{BuildHasherDefault, Hasher};
use std::time::Duration;

use lru::LruCache;
use parking_lot::Mutex;
use pipeline_core::cache::{Cache, Cost, Evicted, Hit, Tier};
use pipeline_core::{Key, Value};

use crate::ledger::{Ledger, Weight};
use crate::stats::Stats;

/// Results in memory under a byte budget; what was not used for longest goes first.
///
/// Sharing it between executors is fine: put it into an `Arc` and clone that.
#[derive(Debug)]
pub struct MemoryCache {
    state: Mutex<State>,
}

/// One stored value, as [`MemoryCache::entries`] lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryInfo {
    /// The key.
    pub key: Key,
    /// Bytes that the entry keeps alive. Those of a shared buffer are in every entry that shares
    /// it, so the sum may be more than the cache holds.
    pub bytes: u64,
    /// The time the value took to make.
    pub time: Duration,
    /// How often it was asked for.
    pub hits: u64,
}

struct State {
    entries: Entries,
    ledger: Ledger,
    /// The counters; what is held is filled in when somebody asks.
    stats: Stats,
}

type Entries = LruCache<Key, Entry, BuildHasherDefault<KeyState>>;

#[derive(Debug)]
struct Entry {
    value: Value,
    weight: Weight,
    time: Duration,
    hits: u64,
}

/// What the map and the order of use need for one entry: the node with key, entry and two links,
/// its header in the allocator, and the table's slots, of which there is at the lowest load a bit
/// more than twice as many as entries.
const OVERHEAD: u64 = (size_of::<Key>()
    + size_of::<Entry>()
    + 4 * size_of::<usize>()
    + 5 * (2 * size_of::<usize>() + 1) / 2) as u64;

impl MemoryCache {
    /// A cache that holds at most `budget` bytes.
    #[must_use]
    pub fn new(budget: u64) -> Self {
        let state = State {
            entries: Entries::unbounded_with_hasher(BuildHasherDefault::default()),
            ledger: Ledger::new(budget),
            stats: Stats::default(),
        };
        Self { state: Mutex::new(state) }
    }

    /// What it has done and what it holds.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let state = self.state.lock();
        Stats {
            entries: state.entries.len().try_into().unwrap_or(u64::MAX),
            bytes: state.ledger.held(),
            budget: state.ledger.budget(),
            ..state.stats
        }
    }

    /// What it holds, the last used first. Locks the cache for the time of the copy.
    #[must_use]
    pub fn entries(&self) -> Vec<EntryInfo> {
        let info = |(key, entry): (&Key, &Entry)| EntryInfo {
            key: *key,
            bytes: entry.weight.total(),
            time: entry.time,
            hits: entry.hits,
        };
        self.state.lock().entries.iter().map(info).collect()
    }

    /// Changes the budget, and says what had to go for it.
    pub fn resize(&self, budget: u64) -> Vec<Evicted> {
        let mut state = self.state.lock();
        state.ledger.set_budget(budget);
        let mut gone = Gone::default();
        let State { entries, ledger, stats } = &mut *state;
        while ledger.is_over() && gone.evict(entries, ledger) {}
        stats.evictions += gone.count();
        drop(state);
        gone.report()
    }

    /// Throws out the value under `key`. Returns whether there was one.
    ///
    /// For people who look into what a step does; results never have to be thrown out to be right.
    pub fn purge(&self, key: &Key) -> bool {
        let mut state = self.state.lock();
        let entry = state.entries.pop(key);
        if let Some(entry) = &entry {
            state.ledger.release(&entry.weight);
        }
        drop(state);
        entry.is_some()
    }

    /// Throws out everything. The counters go on.
    pub fn clear(&self) {
        let empty = Entries::unbounded_with_hasher(BuildHasherDefault::default());
        let mut state = self.state.lock();
        let entries = std::mem::replace(&mut state.entries, empty);
        state.ledger.clear();
        drop(state);
        drop(entries);
    }
}

impl Cache for MemoryCache {
    fn get(&self, key: &Key) -> Option<Hit> {
        let mut state = self.state.lock();
        let State { entries, stats, .. } = &mut *state;
        let Some(entry) = entries.get_mut(key) else {
            stats.misses += 1;
            return None;
        };
        entry.hits += 1;
        stats.hits += 1;
        stats.saved = stats.saved.saturating_add(entry.time);
        Some(Hit { value: entry.value.clone(), tier: Tier::Memory })
    }

    /// Takes the value in, unless it is there already: then this counts as a use of it.
    fn put(&self, key: Key, value: &Value, cost: Cost) -> Vec<Evicted> {
        let weight = Weight::of(value, OVERHEAD);
        let mut gone = Gone::default();
        let mut state = self.state.lock();
        let State { entries, ledger, stats } = &mut *state;
        if entries.promote(&key) {
            return Vec::new();
        }
        let fits =
            ledger.could_fit(&weight) && ledger.book(&weight, |ledger| gone.evict(entries, ledger));
        if fits {
            entries.put(key, Entry { value: value.clone(), weight, time: cost.time, hits: 0 });
            stats.inserts += 1;
        } else {
            stats.refusals += 1;
        }
        stats.evictions += gone.count();
        drop(state);
        gone.report()
    }

    fn contains(&self, key: &Key) -> bool {
        self.state.lock().entries.contains(key)
    }
}

/// Entries on their way out: collected under the lock, dropped after it.
#[derive(Default)]
struct Gone {
    entries: Vec<Entry>,
    report: Vec<Evicted>,
}

impl Gone {
    /// Takes the entry out that was not used for longest. Returns whether there was one.
    fn evict(&mut self, entries: &mut Entries, ledger: &mut Ledger) -> bool {
        let Some((key, entry)) = entries.pop_lru() else { return false };
        let bytes = ledger.release(&entry.weight);
        self.report.push(Evicted { key, bytes, tier: Tier::Memory });
        self.entries.push(entry);
        true
    }

    fn count(&self) -> u64 {
        self.report.len().try_into().unwrap_or(u64::MAX)
    }

    /// Drops the entries and says which they were; the bytes are what each freed.
    fn report(self) -> Vec<Evicted> {
        self.report
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("entries", &self.entries.len())
            .field("bytes", &self.ledger.held())
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}

/// Folds a key into a number. Keys are digests and spread well by themselves; folding all of one
/// keeps keys apart that a program has made up and that differ in a few bytes only.
#[derive(Debug, Default)]
struct KeyState(u64);

impl Hasher for KeyState {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    }

    fn write_usize(&mut self, _: usize) {
        // The length of a key, which is always the same.
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
