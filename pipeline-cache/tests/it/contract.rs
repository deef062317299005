//! The contract that every cache is held to.

use std::sync::Arc;

use pipeline_cache::MemoryCache;
use pipeline_core::testkit::{CountingCache, cache};

#[test]
fn the_memory_cache_keeps_the_contract_under_any_budget() {
    for budget in [1_000, 30_000, 300_000, 64 << 20, u64::MAX] {
        cache::check(|| MemoryCache::new(budget));
    }
    cache::check(|| CountingCache::over(Arc::new(MemoryCache::new(100_000))));
}
