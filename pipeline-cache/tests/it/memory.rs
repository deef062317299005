//! The memory cache case by case.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Weak};
use std::time::Duration;

use pipeline_cache::{MemoryCache, Policy, Stats};
use pipeline_core::cache::{Cache, Claim, Evicted, Origin, Tier};
use pipeline_core::{Data, Image, Key, SampleType, Value};

use crate::values::{key, number, sharing, value};

const MIB: usize = 1 << 20;

fn put(cache: &MemoryCache, at: u64, value: &Value) -> Vec<u64> {
    let gone = cache.put(key(at), value, Origin::default());
    gone.iter().map(|gone| place(&gone.key)).collect()
}

fn place(key: &Key) -> u64 {
    key.as_bytes()[24..].iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

fn has(cache: &MemoryCache, places: std::ops::Range<u64>) -> Vec<u64> {
    places.filter(|&place| cache.contains(&key(place))).collect()
}

/// Room for three values of a mebibyte and what the cache needs for them.
fn for_three() -> MemoryCache {
    MemoryCache::new(3 * MIB as u64 + 4000).with_policy(Policy::LeastRecent)
}

#[test]
fn what_was_not_used_for_longest_goes_first() {
    let cache = for_three();
    for place in 0..3 {
        assert_eq!(put(&cache, place, &value(place, MIB)), [0u64; 0]);
    }
    assert_eq!(number(&cache.get(&key(0)).unwrap().value), 0);
    assert!(cache.contains(&key(1)), "looking is not using");
    assert_eq!(put(&cache, 3, &value(3, MIB)), [1]);
    assert_eq!(put(&cache, 2, &value(2, MIB)), [0u64; 0], "putting again is using");
    assert_eq!(put(&cache, 4, &value(4, MIB)), [0]);
    assert_eq!(has(&cache, 0..9), [2, 3, 4]);
}

#[test]
fn the_first_value_under_a_key_stays() {
    let cache = for_three();
    put(&cache, 1, &value(10, MIB));
    put(&cache, 1, &value(20, 2 * MIB));
    assert_eq!(number(&cache.get(&key(1)).unwrap().value), 10);
    assert_eq!(cache.stats().inserts, 1);
}

#[test]
fn one_large_value_drives_out_as_many_as_it_needs() {
    let cache = for_three();
    (0..3).for_each(|place| drop(put(&cache, place, &value(place, MIB))));
    assert_eq!(put(&cache, 3, &value(3, 2 * MIB)), [0, 1]);
    assert_eq!(has(&cache, 0..9), [2, 3]);
}

#[test]
fn a_value_larger_than_the_budget_is_refused_and_the_others_stay() {
    let cache = for_three();
    (0..3).for_each(|place| drop(put(&cache, place, &value(place, MIB))));
    for size in [4 * MIB, usize::MAX] {
        assert_eq!(put(&cache, 9, &value(9, size)), [0u64; 0]);
        assert_eq!(put(&cache, 9, &sharing(9, 77, size)), [0u64; 0]);
    }
    assert_eq!(has(&cache, 0..10), [0, 1, 2]);
    assert_eq!(cache.stats().refusals, 4);
}

#[test]
fn a_shared_buffer_counts_once_and_until_the_last_goes() {
    let cache = MemoryCache::new(4 * MIB as u64).with_policy(Policy::LeastRecent);
    (0..100).for_each(|place| drop(put(&cache, place, &sharing(place, 5, 2 * MIB))));
    assert_eq!(cache.stats().entries, 100);
    assert!(cache.stats().bytes < 2 * MIB as u64 + 100 * 700);
    (0..99).for_each(|place| assert!(cache.purge(&key(place))));
    assert!(cache.stats().bytes > 2 * MIB as u64);
    assert!(cache.purge(&key(99)));
    assert_eq!(cache.stats().bytes, 0);
}

#[test]
fn room_is_not_made_by_freeing_the_buffer_that_comes_in() {
    let cache = for_three();
    put(&cache, 0, &sharing(0, 5, 2 * MIB));
    put(&cache, 1, &value(1, MIB));
    // The oldest shares its buffer with what comes in, so dropping it frees next to nothing.
    assert_eq!(put(&cache, 2, &sharing(2, 5, 2 * MIB)), [0u64; 0]);
    assert_eq!(put(&cache, 3, &value(3, MIB / 2)), [0, 1]);
    assert_eq!(has(&cache, 0..9), [2, 3]);
}

#[test]
fn clones_of_an_image_share_and_copies_do_not() {
    let cache = MemoryCache::new(1 << 30);
    let layout = pipeline_core::Layout::new(1024, 1024, 1, SampleType::U8);
    let image = Image::zeros(layout).unwrap();
    for place in 0..10 {
        put(&cache, place, &Value::new(image.clone()));
    }
    let bytes = cache.stats().bytes;
    assert!((MIB as u64..2 * MIB as u64).contains(&bytes), "{bytes}");
    put(&cache, 10, &Value::new(Image::zeros(layout).unwrap()));
    let bytes = cache.stats().bytes;
    assert!((2 * MIB as u64..3 * MIB as u64).contains(&bytes), "{bytes}");
}

#[test]
fn a_smaller_budget_holds_at_once() {
    let cache = for_three();
    (0..3).for_each(|place| drop(put(&cache, place, &value(place, MIB))));
    let held = cache.stats().bytes;
    let gone = cache.resize(2 * MIB as u64);
    let expected =
        [0, 1].map(|place| Evicted { key: key(place), bytes: held / 3, tier: Tier::Memory });
    assert_eq!(gone, expected);
    assert_eq!(cache.stats().bytes, held / 3);
    assert_eq!(cache.resize(0).len(), 1);
    assert_eq!(put(&cache, 1, &value(1, 0)), [0u64; 0]);
    assert_eq!((cache.stats().bytes, cache.stats().entries), (0, 0));
    cache.resize(u64::MAX);
    put(&cache, 1, &value(1, usize::MAX - (1 << 20)));
    put(&cache, 2, &value(2, usize::MAX - (1 << 20)));
    assert!(cache.stats().bytes <= cache.stats().budget);
}

#[test]
fn statistics_count_everything() {
    let cache = for_three();
    let origin = Origin { time: Duration::from_millis(30), ..Origin::default() };
    assert!(cache.get(&key(0)).is_none());
    (0..4).for_each(|place| drop(cache.put(key(place), &value(place, MIB), origin)));
    assert!(cache.get(&key(3)).is_some());
    assert!(cache.get(&key(3)).is_some());
    assert!(!cache.contains(&key(0)));
    let stats = cache.stats();
    let expected = Stats {
        hits: 2,
        misses: 1,
        inserts: 4,
        evictions: 1,
        refusals: 0,
        saved: Duration::from_millis(60),
        entries: 3,
        ..stats
    };
    assert_eq!(stats, expected);
    let listed: Vec<_> = cache.entries().iter().map(|e| (place(&e.key), e.hits, e.time)).collect();
    assert_eq!(listed, [(3, 2, origin.time), (2, 0, origin.time), (1, 0, origin.time)]);

    cache.clear();
    assert!(cache.entries().is_empty());
    let cleared = cache.stats();
    assert_eq!((cleared.bytes, cleared.entries, cleared.inserts), (0, 0, 4));
}

#[test]
fn a_time_without_end_counts_as_centuries() {
    let cache = for_three();
    let origin = Origin { time: Duration::MAX, ..Origin::default() };
    cache.put(key(1), &value(1, 8), origin);
    cache.get(&key(1));
    cache.get(&key(1));
    assert_eq!(cache.stats().saved, Duration::from_nanos(u64::MAX));
}

/// Calls the cache while it is dropped.
#[derive(Debug)]
struct Clinging(Weak<MemoryCache>);

impl Data for Clinging {
    const NAME: &'static str = "clinging";

    fn size_bytes(&self) -> usize {
        MIB
    }
}

impl Drop for Clinging {
    fn drop(&mut self) {
        if let Some(cache) = self.0.upgrade() {
            put(&cache, 1000, &value(1000, 8));
        }
    }
}

#[test]
fn a_value_may_call_the_cache_while_it_is_dropped() {
    let cache = Arc::new(for_three());
    let clinging = || Value::new(Clinging(Arc::downgrade(&cache)));
    (0..9).for_each(|place| drop(put(&cache, place, &clinging())));
    assert!(cache.contains(&key(1000)), "on eviction");
    cache.purge(&key(1000));
    cache.purge(&key(8));
    assert!(cache.contains(&key(1000)), "on purge");
    cache.purge(&key(1000));
    cache.resize(MIB as u64);
    assert!(cache.contains(&key(1000)), "on resize");
    cache.resize(3 * MIB as u64);
    put(&cache, 1, &clinging());
    cache.clear();
    assert_eq!(cache.entries().len(), 1, "on clear");
}

#[test]
fn many_threads_find_only_what_was_put() {
    let cache = Arc::new(MemoryCache::new(20_000));
    let start = Barrier::new(4);
    std::thread::scope(|scope| {
        for thread in 0..4u64 {
            let (cache, start) = (&cache, &start);
            scope.spawn(move || {
                start.wait();
                for step in 0..20_000u64 {
                    let at = (step * 31 + thread * 17) % 64;
                    match step % 4 {
                        0 => drop(put(cache, at, &value(at, 500))),
                        1 => drop(put(cache, at, &sharing(at, 1 + (at % 3) as usize, 2000))),
                        2 => {
                            let hit = cache.get(&key(at));
                            assert!(hit.is_none_or(|hit| number(&hit.value) == at));
                        }
                        _ => {
                            let stats = cache.stats();
                            assert!(stats.bytes <= stats.budget);
                            if step % 4096 == 3 {
                                cache.resize(10_000 + (step + thread) % 10_000);
                            }
                        }
                    }
                }
            });
        }
    });
    let left = cache.entries();
    left.iter().for_each(|entry| assert!(cache.purge(&entry.key)));
    assert_eq!(cache.stats().bytes, 0);
}

#[test]
fn a_window_of_a_buffer_keeps_all_of_it() {
    let cache = MemoryCache::new(MIB as u64);
    let frame = pipeline_core::Layout::new(1024, 1024, 1, SampleType::U8);
    let samples = vec![0u8; 4 * MIB];
    let stack = pipeline_core::Stack::new(frame, 4, samples.into()).unwrap();
    put(&cache, 0, &Value::new(stack.frame(1).unwrap()));
    assert_eq!(cache.stats().refusals, 1, "four mebibytes live behind the one");
}

/// Room for five values of a mebibyte and what the cache needs for them; five are there.
fn of_five() -> MemoryCache {
    let cache = MemoryCache::new(5 * MIB as u64 + 8000).with_policy(Policy::LeastRecent);
    (0..5).for_each(|place| assert_eq!(put(&cache, place, &value(place, MIB)), [0u64; 0]));
    cache
}

#[test]
fn room_is_made_for_a_result_before_it_is_there() {
    let cache = of_five();
    let claim = cache.claim(&key(5), MIB as u64);
    assert_eq!(has(&cache, 0..9), [1, 2, 3, 4]);
    assert!(matches!(cache.claim(&key(5), MIB as u64), Claim::Elsewhere));
    assert_eq!(has(&cache, 0..9), [1, 2, 3, 4], "it is one result");
    assert_eq!(put(&cache, 6, &value(6, MIB)), [0, 1], "its room is not for others");
    assert_eq!(put(&cache, 5, &value(5, MIB)), [0u64; 0]);
    assert_eq!(has(&cache, 0..9), [2, 3, 4, 5, 6]);
    for place in [7, 8] {
        put(&cache, place, &value(place, 2 * MIB));
    }
    assert_eq!(has(&cache, 0..9), [5, 7, 8], "who made it has it too, so it frees nothing");
    drop(claim);
    put(&cache, 0, &value(0, MIB));
    assert_eq!(has(&cache, 0..9), [0, 7, 8]);
    assert!(matches!(cache.claim(&key(8), MIB as u64), Claim::Made));
}

#[test]
fn a_result_of_any_size_is_made_by_one_at_a_time() {
    let cache = MemoryCache::new(MIB as u64);
    for bytes in [0, 1000, MIB as u64 / 8, MIB as u64, u64::MAX] {
        let claim = cache.claim(&key(1), bytes);
        assert!(matches!(claim, Claim::Mine(_)));
        assert!(matches!(cache.claim(&key(1), bytes), Claim::Elsewhere), "{bytes}");
        assert!(matches!(cache.claim(&key(2), bytes), Claim::Mine(_)), "{bytes}");
        drop(claim);
    }
    let claim = cache.claim(&key(1), 8);
    put(&cache, 1, &value(1, 8));
    assert!(matches!(cache.claim(&key(1), 8), Claim::Made));
    drop(claim);
}

#[test]
fn room_for_what_comes_to_nothing_is_given_back() {
    let cache = of_five();
    drop(cache.claim(&key(5), MIB as u64));
    assert_eq!(put(&cache, 6, &value(6, MIB)), [0], "who went is told with the next that comes");
    assert_eq!(has(&cache, 0..9), [1, 2, 3, 4, 6]);
    for bytes in [2 * MIB as u64, u64::MAX] {
        drop(cache.claim(&key(5), bytes));
        assert_eq!(has(&cache, 0..9), [1, 2, 3, 4, 6], "what is large drives nothing out");
    }
}

#[test]
fn room_for_half_of_the_budget_is_made_at_the_most() {
    let cache = of_five();
    let pin = cache.pin((0..5).map(key));
    let claims = [10, 11, 12, 13, 14, 15].map(|place| cache.claim(&key(place), MIB as u64));
    assert_eq!(has(&cache, 0..9), [2, 3, 4]);
    // Who has no room makes it when the result is there, and of what others have it takes nothing.
    assert_eq!(put(&cache, 12, &value(12, MIB)), [0, 1, 2]);
    assert_eq!(put(&cache, 10, &value(10, MIB)), [0u64; 0]);
    assert_eq!(has(&cache, 0..20), [3, 4, 10, 12]);
    cache.resize(3 * MIB as u64);
    assert_eq!(has(&cache, 0..20), [10, 12], "there is room for one more");
    assert_eq!(put(&cache, 11, &value(11, MIB)), [0u64; 0]);
    assert!(cache.stats().bytes <= cache.stats().budget);
    drop((claims, pin));
}

#[test]
fn what_its_maker_kept_from_going_goes_when_it_is_done() {
    let cache = of_five();
    let claim = cache.claim(&key(5), MIB as u64);
    put(&cache, 5, &value(5, MIB));
    assert_eq!(cache.resize(MIB as u64 / 2).len(), 4);
    assert_eq!(has(&cache, 0..9), [5], "its maker has it too, so it would free nothing");
    drop(claim);
    assert_eq!(has(&cache, 0..9), [0u64; 0]);
    assert!(cache.stats().bytes <= cache.stats().budget);
    assert_eq!(put(&cache, 6, &value(6, 8)), [5], "who went is told with the next that comes");
}

#[test]
fn what_is_being_made_outlives_a_cache_that_is_cleared() {
    let cache = of_five();
    let claim = cache.claim(&key(5), MIB as u64);
    cache.clear();
    (0..5).for_each(|place| drop(put(&cache, place, &value(place, MIB))));
    assert_eq!(has(&cache, 0..9), [1, 2, 3, 4], "its room is still its own");
    assert_eq!(put(&cache, 5, &value(5, MIB)), [0u64; 0]);
    drop(cache.pin([key(5)]));
    (6..8).for_each(|place| drop(put(&cache, place, &value(place, 2 * MIB))));
    assert_eq!(has(&cache, 0..9), [5, 6, 7], "a pin that goes does not let it go");
    assert!(cache.purge(&key(5)));
    drop(claim);
    put(&cache, 8, &value(8, MIB));
    assert_eq!(has(&cache, 0..9), [6, 7, 8]);
}

#[test]
fn what_cannot_have_room_costs_nothing_of_what_is_known() {
    let cache = MemoryCache::new(8 * MIB as u64);
    let origin = Origin { time: Duration::from_millis(50), ..Origin::default() };
    (0..12).for_each(|place| drop(cache.put(key(place), &value(place, MIB), origin)));
    let claims = [20, 21].map(|place| cache.claim(&key(place), 3 * MIB as u64 / 2));
    let (held, before) = (has(&cache, 0..12), cache.stats());
    let origin = Origin { time: Duration::from_secs(50), ..origin };
    let gone = cache.put(key(30), &value(30, 6 * MIB), origin);
    assert!(gone.iter().all(|gone| !held.contains(&place(&gone.key))), "it went before");
    let after = cache.stats();
    assert_eq!(has(&cache, 0..12), held);
    assert_eq!(after.refusals, before.refusals + 1);
    assert!(after.bytes >= before.bytes, "what went is remembered");
    drop(claims);
}

#[test]
fn of_what_was_used_longest_ago_nothing_goes_for_what_has_no_room_beside_what_is_being_made() {
    let cache = of_five();
    let claim = cache.claim(&key(10), 0);
    assert_eq!(put(&cache, 10, &value(10, 2 * MIB)), [0, 1]);
    let before = cache.stats();
    // Its maker has the one that is there, which does not go.
    assert_eq!(put(&cache, 11, &value(11, 4 * MIB)), [0u64; 0]);
    assert_eq!(has(&cache, 0..20), [2, 3, 4, 10]);
    assert_eq!(cache.stats(), Stats { refusals: before.refusals + 1, ..before });
    drop(claim);
    assert_eq!(put(&cache, 11, &value(11, 4 * MIB)), [2, 3, 4, 10]);
}

#[test]
fn what_is_worth_more_than_what_comes_stays_and_so_does_what_would_have_gone_with_it() {
    let cache = MemoryCache::new(3 * MIB as u64 + 4000);
    let of = |millis| Origin { time: Duration::from_millis(millis), ..Origin::default() };
    for (place, millis) in [(0, 1), (1, 900), (2, 900)] {
        cache.put(key(place), &value(place, MIB), of(millis));
    }
    let before = cache.stats();
    // Per byte it is worth more than the first, and less than the others.
    assert!(cache.put(key(3), &value(3, 2 * MIB), of(100)).is_empty());
    assert_eq!(has(&cache, 0..9), [0, 1, 2]);
    let bytes = cache.stats().bytes;
    assert_eq!(cache.stats(), Stats { refusals: 1, bytes, ..before });
    assert_eq!(cache.put(key(4), &value(4, MIB), of(100)).len(), 1);
    assert_eq!(has(&cache, 0..9), [1, 2, 4]);
}

/// How many values are alive.
static ALIVE: AtomicUsize = AtomicUsize::new(0);

/// Counted as long as it lives.
#[derive(Debug)]
struct Alive;

impl Data for Alive {
    const NAME: &'static str = "alive";

    fn size_bytes(&self) -> usize {
        MIB
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
fn no_more_than_the_budget_is_alive_while_threads_make_results() {
    for policy in [Policy::Worth, Policy::LeastRecent] {
        let cache = MemoryCache::new(8 * MIB as u64 + 20_000).with_policy(policy);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let cache = &cache;
                scope.spawn(move || {
                    for at in 0..500 {
                        let key = key(thread * 1000 + at);
                        let claim = cache.claim(&key, MIB as u64);
                        let alive = ALIVE.fetch_add(1, Ordering::SeqCst) + 1;
                        assert!(alive <= 8, "{alive} mebibytes");
                        let value = Value::new(Alive);
                        let time = Duration::from_micros(at % 7 * 100);
                        cache.put(key, &value, Origin { time, ..Origin::default() });
                        drop((value, claim));
                    }
                });
            }
        });
        assert!(cache.stats().entries >= 4, "{:?}", cache.stats());
        drop(cache);
        assert_eq!(ALIVE.load(Ordering::SeqCst), 0);
    }
}
