//! The memory cache against a naive one: a sorted map and a clock.

use std::collections::{BTreeMap, BTreeSet};

use pipeline_cache::{MemoryCache, Policy};
use pipeline_core::Value;
use pipeline_core::cache::{Cache, Origin};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::values::{key, number, sharing, value};

#[derive(Debug, Clone)]
enum Op {
    Put { at: u64, own: usize },
    Share { at: u64, buffer: usize },
    Get(u64),
    Contains(u64),
    Purge(u64),
    Resize(u64),
    Clear,
}

/// What buffer `id` takes, so that a buffer has one size.
fn size_of_buffer(id: usize) -> usize {
    [0, 700, 3_000, 9_000, 60_000][id]
}

fn op() -> impl Strategy<Value = Op> {
    let at = 0..24u64;
    prop_oneof![
        6 => (at.clone(), 0..12_000usize).prop_map(|(at, own)| Op::Put { at, own }),
        6 => (at.clone(), 1..5usize).prop_map(|(at, buffer)| Op::Share { at, buffer }),
        8 => at.clone().prop_map(Op::Get),
        2 => at.clone().prop_map(Op::Contains),
        2 => at.prop_map(Op::Purge),
        1 => prop_oneof![Just(0), 0..50_000u64, Just(u64::MAX)].prop_map(Op::Resize),
        1 => Just(Op::Clear),
    ]
}

/// What is stored, without any regard to speed.
#[derive(Default)]
struct Naive {
    clock: u64,
    entries: BTreeMap<u64, Stored>,
    budget: u64,
}

struct Stored {
    number: u64,
    own: u64,
    buffer: Option<usize>,
    used: u64,
}

impl Naive {
    fn bytes(&self) -> u64 {
        let own: u64 = self.entries.values().map(|stored| stored.own).sum();
        let buffers: BTreeSet<_> =
            self.entries.values().filter_map(|stored| stored.buffer).collect();
        own + buffers.iter().map(|&id| size_of_buffer(id) as u64).sum::<u64>()
    }

    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    /// Takes entries out, the least used first, but never the one under `keep`.
    fn shrink(&mut self, keep: Option<u64>) -> Vec<u64> {
        let mut gone = Vec::new();
        while self.bytes() > self.budget {
            let others = self.entries.iter().filter(|(at, _)| Some(**at) != keep);
            let oldest = others.min_by_key(|(_, stored)| stored.used).map(|(at, _)| *at);
            let Some(oldest) = oldest else { break };
            self.entries.remove(&oldest);
            gone.push(oldest);
        }
        gone
    }

    fn put(&mut self, at: u64, number: u64, own: u64, buffer: Option<usize>) -> Vec<u64> {
        let used = self.tick();
        if let Some(stored) = self.entries.get_mut(&at) {
            stored.used = used;
            return Vec::new();
        }
        if own + buffer.map_or(0, |id| size_of_buffer(id) as u64) > self.budget {
            return Vec::new();
        }
        self.entries.insert(at, Stored { number, own, buffer, used });
        self.shrink(Some(at))
    }
}

/// What the cache needs for an entry, learnt from the cache itself.
fn overhead(example: &Value) -> u64 {
    let cache = MemoryCache::new(u64::MAX).with_policy(Policy::LeastRecent);
    cache.put(key(0), example, Origin::default());
    cache.stats().bytes
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        rng_seed: RngSeed::Fixed(7),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn it_does_what_a_naive_cache_does(ops in prop::collection::vec(op(), 1..300)) {
        let (alone, holder) = (overhead(&value(0, 0)), overhead(&sharing(0, 1, 0)));
        let cache = MemoryCache::new(30_000).with_policy(Policy::LeastRecent);
        let mut naive = Naive { budget: 30_000, ..Naive::default() };
        for (op, number_of_put) in ops.into_iter().zip(0..) {
            let gone = |evicted: Vec<pipeline_core::cache::Evicted>| -> Vec<_> {
                evicted.into_iter().map(|evicted| evicted.key).collect()
            };
            let keys = |places: Vec<u64>| places.into_iter().map(key).collect::<Vec<_>>();
            let before = cache.stats();
            match op {
                Op::Put { at, own } => {
                    let value = value(number_of_put, own);
                    let evicted = cache.put(key(at), &value, Origin::default());
                    let freed: u64 = evicted.iter().map(|evicted| evicted.bytes).sum();
                    let new = cache.stats().inserts - before.inserts;
                    let now = before.bytes + new * (alone + own as u64) - freed;
                    prop_assert_eq!(cache.stats().bytes, now);
                    let expected = naive.put(at, number_of_put, alone + own as u64, None);
                    prop_assert_eq!(gone(evicted), keys(expected));
                }
                Op::Share { at, buffer } => {
                    let value = sharing(number_of_put, buffer, size_of_buffer(buffer));
                    let evicted = cache.put(key(at), &value, Origin::default());
                    let expected = naive.put(at, number_of_put, holder, Some(buffer));
                    prop_assert_eq!(gone(evicted), keys(expected));
                }
                Op::Get(at) => {
                    let used = naive.tick();
                    let found = cache.get(&key(at)).map(|hit| number(&hit.value));
                    let expected = naive.entries.get_mut(&at).map(|stored| {
                        stored.used = used;
                        stored.number
                    });
                    prop_assert_eq!(found, expected);
                }
                Op::Contains(at) => {
                    prop_assert_eq!(cache.contains(&key(at)), naive.entries.contains_key(&at));
                }
                Op::Purge(at) => {
                    prop_assert_eq!(cache.purge(&key(at)), naive.entries.remove(&at).is_some());
                }
                Op::Resize(budget) => {
                    naive.budget = budget;
                    prop_assert_eq!(gone(cache.resize(budget)), keys(naive.shrink(None)));
                }
                Op::Clear => {
                    cache.clear();
                    naive.entries.clear();
                }
            }
            let stats = cache.stats();
            prop_assert!(stats.bytes <= stats.budget);
            prop_assert_eq!(stats.bytes, naive.bytes());
            let mut order: Vec<_> = naive.entries.iter().map(|(at, s)| (s.used, key(*at))).collect();
            order.sort_by_key(|&(used, _)| std::cmp::Reverse(used));
            let listed: Vec<_> = cache.entries().iter().map(|entry| entry.key).collect();
            prop_assert_eq!(listed, order.into_iter().map(|(_, key)| key).collect::<Vec<_>>());
        }
    }
}
