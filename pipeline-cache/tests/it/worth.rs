//! What goes first when everything has its worth.

use std::time::Duration;

use pipeline_cache::{MemoryCache, Policy, Pressure};
use pipeline_core::Key;
use pipeline_core::cache::{Cache, Origin};

use crate::values::{key, value};

const MIB: usize = 1 << 20;

/// Room for so many values of a mebibyte and what the cache needs for them.
fn room_for(values: u64) -> MemoryCache {
    MemoryCache::new(values * (MIB as u64 + 20_000))
}

fn put(cache: &MemoryCache, at: u64, bytes: usize, millis: u64, inputs: &[u64]) {
    let inputs: Vec<Key> = inputs.iter().map(|&input| key(input)).collect();
    let origin = Origin {
        step: "step",
        time: Duration::from_millis(millis),
        inputs: &inputs,
        maker: None,
        identity: None,
    };
    cache.put(key(at), &value(at, bytes), origin);
}

fn held(cache: &MemoryCache, places: std::ops::Range<u64>) -> Vec<u64> {
    places.filter(|&place| cache.contains(&key(place))).collect()
}

#[test]
fn what_is_made_again_fastest_goes_first() {
    let cache = room_for(3);
    put(&cache, 0, MIB, 900, &[]);
    put(&cache, 1, MIB, 5, &[]);
    put(&cache, 2, MIB, 80, &[]);
    put(&cache, 3, MIB, 60, &[]);
    assert_eq!(held(&cache, 0..9), [0, 2, 3]);
}

#[test]
fn what_takes_most_room_for_its_time_goes_first() {
    let cache = room_for(4);
    put(&cache, 0, 3 * MIB, 30, &[]);
    put(&cache, 1, MIB, 20, &[]);
    put(&cache, 2, MIB, 20, &[]);
    assert_eq!(held(&cache, 0..9), [1, 2]);
}

#[test]
fn time_to_make_a_result_again_is_that_of_all_that_is_not_held() {
    let cache = room_for(2);
    put(&cache, 0, MIB, 500, &[]);
    assert!(cache.purge(&key(0)));
    // Made in 10 ms from something that took 500 and is gone, and in 100 ms from nothing.
    put(&cache, 1, MIB, 10, &[0]);
    put(&cache, 2, MIB, 100, &[]);
    put(&cache, 3, MIB, 200, &[]);
    assert_eq!(held(&cache, 0..9), [1, 3]);
    // While it is held, the 10 ms are all.
    let cache = room_for(3);
    put(&cache, 0, MIB, 500, &[]);
    put(&cache, 1, MIB, 10, &[0]);
    put(&cache, 2, MIB, 100, &[]);
    put(&cache, 3, MIB, 200, &[]);
    assert_eq!(held(&cache, 0..9), [0, 2, 3]);
}

#[test]
fn what_is_asked_for_in_each_request_outlives_what_is_asked_for_once() {
    let cache = room_for(3);
    for place in 0..3 {
        put(&cache, place, MIB, 100, &[]);
    }
    for _ in 0..10 {
        cache.begin();
        cache.get(&key(0));
        cache.get(&key(2));
    }
    put(&cache, 3, MIB, 100, &[]);
    assert_eq!(held(&cache, 0..9), [0, 2, 3]);
}

#[test]
fn what_is_needed_to_make_what_went_is_worth_more_for_it() {
    let cache = room_for(3);
    // The same cost and age, but 5 was made from 1 and went.
    put(&cache, 0, MIB, 100, &[]);
    put(&cache, 1, MIB, 100, &[]);
    put(&cache, 5, MIB, 1, &[1]);
    put(&cache, 2, MIB, 400, &[]);
    assert_eq!(held(&cache, 0..9), [0, 1, 2]);
    put(&cache, 3, MIB, 400, &[]);
    assert_eq!(held(&cache, 0..9), [1, 2, 3]);
}

#[test]
fn what_went_is_forgotten_before_the_budget_is_passed() {
    let cache = MemoryCache::new(64 << 10);
    for at in 0..5_000 {
        put(&cache, at, 8 << 10, at % 7, &[at.saturating_sub(1)]);
        let stats = cache.stats();
        assert!(stats.bytes <= stats.budget, "{} bytes", stats.bytes);
    }
    // Nearly all of the budget is a single value, and the bookkeeping makes way for it.
    put(&cache, 9_000, 62 << 10, 9_000, &[]);
    assert!(cache.contains(&key(9_000)));
}

#[test]
fn what_is_pinned_goes_last() {
    for policy in [Policy::Worth, Policy::LeastRecent] {
        let cache = room_for(3).with_policy(policy);
        // Pinned before it is there, and twice.
        let pins = [cache.pin([key(0), key(7)]), cache.pin([key(0)])];
        (0..3).for_each(|at| put(&cache, at, MIB, at, &[]));
        for at in 3..9 {
            put(&cache, at, MIB, 100 * at, &[]);
            assert!(cache.contains(&key(0)), "{policy:?} {at}");
        }
        let [both, once] = pins;
        drop(both);
        put(&cache, 9, MIB, 1000, &[]);
        assert_eq!(held(&cache, 0..20), [0, 8, 9], "{policy:?}");
        drop(once);
        put(&cache, 10, MIB, 1100, &[]);
        assert_eq!(held(&cache, 0..20), [8, 9, 10], "{policy:?}");
        // What does not fit beside it drives it out all the same.
        let _pin = cache.pin([key(8), key(9), key(10)]);
        put(&cache, 11, 3 * MIB, 100_000, &[]);
        assert_eq!(held(&cache, 0..20), [11], "{policy:?}");
    }
}

#[test]
fn what_came_too_long_ago_is_not_found() {
    let cache = room_for(3).with_max_age(Duration::ZERO);
    let hour = room_for(3).with_max_age(Duration::from_secs(3600));
    for cache in [&cache, &hour] {
        put(cache, 0, MIB, 100, &[]);
    }
    // The clock goes on while a value is made.
    while cache.contains(&key(0)) {}
    assert!(cache.get(&key(0)).is_none() && hour.get(&key(0)).is_some());
    put(&cache, 0, MIB, 100, &[]);
    assert_eq!(cache.stats().inserts, 2, "it comes in again");
    while cache.contains(&key(0)) {}
    cache.begin();
    assert_eq!(cache.stats().entries, 0, "what is too old goes with the next request");
    put(&cache, 0, MIB, 100, &[]);
    while cache.contains(&key(0)) {}
    assert_eq!((cache.stats().entries, cache.drop_overdue()), (1, 1), "or when somebody says so");
    assert_eq!((cache.stats().entries, hour.drop_overdue()), (0, 0));
}

#[test]
fn less_is_held_while_memory_is_short() {
    let cache = room_for(8).with_pressure(|| Pressure::High);
    (0..20).for_each(|at| put(&cache, at, MIB, 100, &[]));
    let stats = cache.stats();
    assert_eq!(stats.entries, 6);
    assert!(stats.bytes <= stats.budget - stats.budget / 4);
    let cache = room_for(8).with_pressure(|| Pressure::Low);
    (0..20).for_each(|at| put(&cache, at, MIB, 100, &[]));
    assert_eq!(cache.stats().entries, 8);
    // Runs that only find what is there ask too, and the next value tells what went.
    let cache = cache.with_pressure(|| Pressure::High);
    cache.begin();
    assert_eq!(cache.stats().entries, 6);
    let evicted = cache.put(key(40), &value(40, 8), Origin::default());
    assert_eq!(evicted.len(), 2);
}

#[test]
fn what_a_step_has_made_can_be_thrown_out() {
    let cache = room_for(9);
    for (at, step) in (0..).zip(["blur", "gain", "blur"]) {
        let origin = Origin { step, ..Origin::default() };
        cache.put(key(at), &value(at, MIB), origin);
    }
    assert_eq!(cache.purge_step("blur"), 2);
    assert_eq!(cache.purge_step("blur"), 0);
    let listed: Vec<_> = cache.entries().into_iter().map(|entry| (entry.key, entry.step)).collect();
    assert_eq!(listed, [(key(1), "gain".into())]);
}

#[test]
fn the_names_of_inputs_are_part_of_the_budget() {
    let cache = MemoryCache::new(100_000);
    for at in 0..200 {
        let inputs: Vec<u64> = (0..at).collect();
        put(&cache, at, 100, 1 + at, &inputs);
        let stats = cache.stats();
        assert!(stats.bytes <= stats.budget, "{} bytes", stats.bytes);
    }
    let (few, many) = (MemoryCache::new(1 << 20), MemoryCache::new(1 << 20));
    for cache in [&few, &many] {
        (0..50).for_each(|at| put(cache, at, 8, 1, &[]));
    }
    put(&few, 50, 8, 1, &[]);
    put(&many, 50, 8, 1, &(0..50).collect::<Vec<_>>());
    assert_eq!(many.stats().bytes - few.stats().bytes, 50 * 8);
}

#[test]
fn what_is_left_of_many_results_is_still_known() {
    for policy in [Policy::Worth, Policy::LeastRecent] {
        let cache = MemoryCache::new(64 << 20).with_policy(policy);
        // Two of a hundred stay while the others go, and one is made from the one before.
        for at in 0..20_000u64 {
            let inputs = if at % 50 == 25 { vec![at - 25] } else { vec![] };
            put(&cache, at, 100, 10, &inputs);
        }
        let stays = |at: &u64| at.is_multiple_of(25);
        (0..20_000).filter(|at| !stays(at)).for_each(|at| assert!(cache.purge(&key(at))));
        for _ in 0..3 {
            cache.begin();
            let there: Vec<u64> = (0..20_000).filter(|&at| cache.get(&key(at)).is_some()).collect();
            assert!(there.iter().all(stays) && there.len() == 800, "{policy:?}");
            assert_eq!(cache.entries().len(), 800);
        }
        put(&cache, 30_000, 60 << 20, 100_000, &[]);
        assert!(cache.contains(&key(30_000)));
        let stats = cache.stats();
        assert!(stats.bytes <= stats.budget);
        (0..4000).for_each(|at| put(&cache, 40_000 + at, 100, 10, &[at]));
        assert!(cache.contains(&key(43_999)));
    }
}
