//! The contract that every cache is held to.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;

use pipeline_cache::{Codecs, DiskCache, DiskOptions, MemoryCache, Recorder, TieredCache};
use pipeline_core::cache::Cache;
use pipeline_core::testkit::{CountingCache, cache};

#[test]
fn the_memory_cache_keeps_the_contract_under_any_budget() {
    for budget in [1_000, 30_000, 300_000, 64 << 20, u64::MAX] {
        cache::check(|| MemoryCache::new(budget));
    }
    cache::check(|| CountingCache::over(Arc::new(MemoryCache::new(100_000))));
}

#[test]
fn a_recorder_passes_everything_on_and_tells_of_a_full_disk() {
    let folder = tempfile::tempdir().unwrap();
    let record = |path: &Path| Recorder::create(Arc::new(MemoryCache::new(300_000)), path).unwrap();
    cache::check(|| record(&folder.path().join("trace")));
    assert_eq!(record(&folder.path().join("trace")).take_faults(), []);
    if let Ok(full) = Path::new("/dev/full").canonicalize() {
        let recorder = record(&full);
        recorder.begin();
        recorder.flush();
        recorder.begin();
        let faults = recorder.take_faults();
        assert_eq!((faults.len(), &faults[0].path), (1, &full));
        assert!(faults[0].what.contains("not recorded"), "{}", faults[0].what);
        assert_eq!(recorder.take_faults(), []);
    }
}

/// Caches on disk, each in a directory of its own.
fn disks(folder: &Path, budget: u64) -> impl Fn() -> DiskCache {
    let number = Cell::new(0);
    move || {
        number.set(number.get() + 1);
        let codecs = Codecs::default().with::<cache::Token>();
        let options = DiskOptions { budget, codecs, ..DiskOptions::default() };
        DiskCache::open(folder.join(format!("{budget}/{}", number.get())), options).unwrap()
    }
}

#[test]
fn the_disk_cache_keeps_the_contract_under_any_budget() {
    let folder = tempfile::tempdir().unwrap();
    for budget in [1_000, 100_000, 1_000_000, u64::MAX] {
        cache::check(disks(folder.path(), budget));
    }
}

#[test]
fn memory_before_a_disk_keeps_the_contract_under_any_budgets() {
    let folder = tempfile::tempdir().unwrap();
    for (memory, budget) in [(1_000, u64::MAX), (30_000, 100_000), (u64::MAX, 1_000)] {
        let disk = disks(folder.path(), budget);
        cache::check(|| TieredCache::new(MemoryCache::new(memory), disk()).unwrap());
    }
}
