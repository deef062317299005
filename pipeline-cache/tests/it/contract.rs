//! The contract that every cache is held to.

use std::sync::Arc;

use pipeline_cache::{Codecs, DiskCache, DiskOptions, MemoryCache, TieredCache};
use pipeline_core::testkit::{CountingCache, cache};

#[test]
fn the_memory_cache_keeps_the_contract_under_any_budget() {
    for budget in [1_000, 30_000, 300_000, 64 << 20, u64::MAX] {
        cache::check(|| MemoryCache::new(budget));
    }
    cache::check(|| CountingCache::over(Arc::new(MemoryCache::new(100_000))));
}

#[test]
fn the_disk_cache_keeps_the_contract_under_any_budget() {
    let folder = tempfile::tempdir().unwrap();
    for budget in [1_000, 100_000, 1_000_000, u64::MAX] {
        let number = std::cell::Cell::new(0);
        cache::check(|| {
            number.set(number.get() + 1);
            let place = folder.path().join(format!("{budget}/{}", number.get()));
            let codecs = Codecs::default().with::<cache::Token>();
            let options = DiskOptions { budget, codecs, ..DiskOptions::default() };
            DiskCache::open(place, options).unwrap()
        });
    }
}

#[test]
fn memory_before_a_disk_keeps_the_contract_under_any_budgets() {
    let folder = tempfile::tempdir().unwrap();
    for (memory, budget) in [(1_000, u64::MAX), (30_000, 100_000), (u64::MAX, 1_000)] {
        let number = std::cell::Cell::new(0);
        cache::check(|| {
            number.set(number.get() + 1);
            let place = folder.path().join(format!("{budget}/{}", number.get()));
            let codecs = Codecs::default().with::<cache::Token>();
            let options = DiskOptions { budget, codecs, ..DiskOptions::default() };
            let disk = DiskCache::open(place, options).unwrap();
            TieredCache::new(MemoryCache::new(memory), disk).unwrap()
        });
    }
}
