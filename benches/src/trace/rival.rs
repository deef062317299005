//! Caches that a session can be replayed on.

use std::collections::HashMap;
use std::time::Duration;

use lru::LruCache;
use pipeline_cache::{MemoryCache, Policy};
use pipeline_core::cache::{Cache, Origin};
use pipeline_core::{Data, Key, Value};

use super::session::Node;

/// What the replay needs of a cache.
pub trait Rival {
    /// A request begins.
    fn begin(&mut self) {}

    /// Whether a result is there; counts as a use.
    fn get(&mut self, key: &Key) -> bool;

    /// Takes in what a step has made.
    fn put(&mut self, key: Key, node: &Node, step: usize, inputs: &[Key]);
}

/// Stands for so many bytes.
#[derive(Debug)]
pub struct Load(pub u64);

impl Data for Load {
    const NAME: &'static str = "load";

    fn size_bytes(&self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// The cache of this project.
#[derive(Debug)]
pub struct Ours {
    cache: MemoryCache,
    /// Whether what is made has its place in the budget before it is there.
    reserves: bool,
}

impl Ours {
    /// Within a budget.
    #[must_use]
    pub fn new(budget: u64) -> Self {
        let cache = MemoryCache::new(budget).with_policy(Policy::Worth);
        Self { cache, reserves: true }
    }

    /// Within a budget that what is being made is no part of.
    #[must_use]
    pub fn beside(budget: u64) -> Self {
        Self { reserves: false, ..Self::new(budget) }
    }
}

impl Rival for Ours {
    fn begin(&mut self) {
        self.cache.begin();
    }

    fn get(&mut self, key: &Key) -> bool {
        self.cache.get(key).is_some()
    }

    fn put(&mut self, key: Key, node: &Node, step: usize, inputs: &[Key]) {
        let claim = self.reserves.then(|| self.cache.claim(&key, node.bytes));
        let step = step.to_string();
        let time = Duration::from_secs_f64(node.seconds);
        self.cache.put(
            key,
            &Value::new(Load(node.bytes)),
            Origin { step: &step, time, inputs, maker: None, identity: None },
        );
        drop(claim);
    }
}

/// Keeps nothing.
#[derive(Debug, Default)]
pub struct Nothing;

impl Rival for Nothing {
    fn get(&mut self, _: &Key) -> bool {
        false
    }

    fn put(&mut self, _: Key, _: &Node, _: usize, _: &[Key]) {}
}

/// Keeps everything.
#[derive(Debug, Default)]
pub struct Endless(HashMap<Key, ()>);

impl Rival for Endless {
    fn get(&mut self, key: &Key) -> bool {
        self.0.contains_key(key)
    }

    fn put(&mut self, key: Key, _: &Node, _: usize, _: &[Key]) {
        self.0.insert(key, ());
    }
}

/// What was not used for longest goes first: the crate `lru` under a byte budget.
#[derive(Debug)]
pub struct Lru {
    entries: LruCache<Key, u64>,
    room: u64,
}

impl Lru {
    /// Within a budget.
    #[must_use]
    pub fn new(budget: u64) -> Self {
        Self { entries: LruCache::unbounded(), room: budget }
    }
}

impl Rival for Lru {
    fn get(&mut self, key: &Key) -> bool {
        self.entries.get(key).is_some()
    }

    fn put(&mut self, key: Key, node: &Node, _: usize, _: &[Key]) {
        while node.bytes > self.room {
            let Some((_, bytes)) = self.entries.pop_lru() else { return };
            self.room += bytes;
        }
        self.room -= node.bytes;
        self.entries.put(key, node.bytes);
    }
}

/// Greedy dual size frequency (Cherkasova 1998): what has least uses × seconds ÷ bytes, above what
/// the last to go had.
#[derive(Debug)]
pub struct Gdsf {
    entries: HashMap<Key, Scored>,
    room: u64,
    floor: f64,
}

#[derive(Debug)]
struct Scored {
    uses: f64,
    worth: f64,
    bytes: u64,
    score: f64,
}

impl Gdsf {
    /// Within a budget.
    #[must_use]
    pub fn new(budget: u64) -> Self {
        Self { entries: HashMap::new(), room: budget, floor: 0.0 }
    }
}

impl Rival for Gdsf {
    fn get(&mut self, key: &Key) -> bool {
        let Some(entry) = self.entries.get_mut(key) else { return false };
        entry.uses += 1.0;
        entry.score = self.floor + entry.uses * entry.worth;
        true
    }

    #[expect(clippy::cast_precision_loss, reason = "a score")]
    fn put(&mut self, key: Key, node: &Node, _: usize, _: &[Key]) {
        let worth = node.seconds / node.bytes as f64;
        let score = self.floor + worth;
        while node.bytes > self.room {
            let least = self.entries.iter().min_by(|a, b| a.1.score.total_cmp(&b.1.score));
            let Some(least) = least.map(|(key, _)| *key) else { return };
            // What comes may itself be what has least.
            if self.entries[&least].score > score {
                self.floor = score;
                return;
            }
            let Some(gone) = self.entries.remove(&least) else { return };
            self.floor = gone.score;
            self.room += gone.bytes;
        }
        self.room -= node.bytes;
        self.entries.insert(key, Scored { uses: 1.0, worth, bytes: node.bytes, score });
    }
}

/// The crate `moka` as it is set up by default, weighed in kilobytes.
#[derive(Debug)]
pub struct Moka(moka::sync::Cache<Key, u32>);

impl Moka {
    /// Within a budget.
    #[must_use]
    pub fn new(budget: u64) -> Self {
        let builder = moka::sync::Cache::builder().weigher(|_, &kilobytes: &u32| kilobytes);
        Self(builder.max_capacity(budget / 1000).build())
    }
}

impl Rival for Moka {
    fn get(&mut self, key: &Key) -> bool {
        self.0.get(key).is_some()
    }

    fn put(&mut self, key: Key, node: &Node, _: usize, _: &[Key]) {
        self.0.insert(key, kilobytes(node));
        // It evicts later, on its own time; a step would leave it that.
        self.0.run_pending_tasks();
    }
}

/// The crate `quick_cache` as it is set up by default, weighed in kilobytes, in one shard.
#[derive(Debug)]
pub struct Quick(quick_cache::unsync::Cache<Key, u32, Kilobytes>);

/// Weighs by what is stored.
#[derive(Debug, Clone)]
struct Kilobytes;

impl quick_cache::Weighter<Key, u32> for Kilobytes {
    fn weight(&self, _: &Key, kilobytes: &u32) -> u64 {
        (*kilobytes).into()
    }
}

impl Quick {
    /// Within a budget.
    #[must_use]
    pub fn new(budget: u64) -> Self {
        Self(quick_cache::unsync::Cache::with_weighter(100, budget / 1000, Kilobytes))
    }
}

impl Rival for Quick {
    fn get(&mut self, key: &Key) -> bool {
        self.0.get(key).is_some()
    }

    fn put(&mut self, key: Key, node: &Node, _: usize, _: &[Key]) {
        self.0.insert(key, kilobytes(node));
    }
}

fn kilobytes(node: &Node) -> u32 {
    u32::try_from(node.bytes / 1000).unwrap_or(u32::MAX)
}
