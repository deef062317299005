//! A directory that several caches share, and its budget.

use std::fs;
use std::path::Path;

use pipeline_cache::{Codecs, DiskCache, DiskOptions};
use pipeline_core::cache::{Cache, Origin};
use pipeline_core::data::{Codec, Data};
use pipeline_core::{Image, Key, Value};

use crate::disk::{MADE, files, has, open, picture, put};
use crate::values::key;

/// All bytes of a directory.
fn size(folder: &Path) -> u64 {
    files(folder).iter().map(|path| fs::metadata(path).unwrap().len()).sum()
}

fn with_budget(folder: &Path, budget: u64) -> DiskCache {
    DiskCache::open(folder, DiskOptions { budget, ..DiskOptions::default() }).unwrap()
}

#[test]
fn small_values_keep_to_the_budget_too() {
    let folder = tempfile::tempdir().unwrap();
    let cache = with_budget(folder.path(), 2_000_000);
    let value = |number: u64| {
        let words = (0..50u64).flat_map(|at| (at * number).to_le_bytes());
        Value::new(Image::from_samples(20, 20, 1, words.collect::<Vec<u8>>()).unwrap())
    };
    for number in 0..20_000 {
        cache.put(key(number), &value(number), MADE);
    }
    let size = size(folder.path());
    assert!(size < 5_000_000, "{size} bytes");
    let stats = cache.stats();
    assert!(stats.bytes <= 2_000_000 && stats.entries > 1000, "{stats:?}");
    let again = with_budget(folder.path(), 2_000_000);
    assert_eq!((again.stats().entries, again.stats().bytes), (stats.entries, stats.bytes));
    assert_eq!((cache.take_faults(), again.take_faults()), (vec![], vec![]));
}

#[test]
fn what_was_thrown_out_stays_out_for_all() {
    let folder = tempfile::tempdir().unwrap();
    // The one that throws out has begun its records before the other.
    let first = with_budget(folder.path(), 700_000);
    put(&first, 0);
    let second = open(folder.path());
    put(&second, 1);
    // Both have made this one.
    first.put(key(5), &Value::new(picture(5)), MADE);
    second.put(key(5), &Value::new(picture(5)), MADE);
    while !first.contains(&key(1)) {}
    let gone: Vec<Key> =
        [9, 13].iter().flat_map(|&at| put(&first, at)).map(|gone| gone.key).collect();
    assert!(!gone.is_empty());
    let newcomer = open(folder.path());
    for number in [0, 1, 5, 9, 13] {
        let is_gone = gone.contains(&key(number));
        assert_eq!(newcomer.contains(&key(number)), !is_gone, "{number}");
        assert_eq!(has(&newcomer, number), !is_gone, "{number}");
    }
    assert_eq!(newcomer.stats().bytes, first.stats().bytes);
    assert_eq!(newcomer.take_faults(), []);
}

#[test]
fn tidying_up_is_no_fault_of_others() {
    let folder = tempfile::tempdir().unwrap();
    let other = with_budget(folder.path(), 1_000_000);
    for number in 0..80 {
        let cache = with_budget(folder.path(), 1_000_000);
        put(&cache, number);
        put(&other, 1000 + number);
        assert_eq!(cache.take_faults(), []);
    }
    assert_eq!(other.take_faults(), []);
    assert!(files(&folder.path().join("records")).len() < 40);
}

#[test]
fn many_that_write_and_throw_out_at_once_keep_to_the_budget() {
    let folder = tempfile::tempdir().unwrap();
    let caches = [0, 1].map(|_| with_budget(folder.path(), 3_000_000));
    std::thread::scope(|scope| {
        for (thread, cache) in caches.iter().chain(&caches).enumerate() {
            scope.spawn(move || {
                for number in 0..60 {
                    put(cache, thread as u64 * 30 + number);
                    has(cache, number * 2);
                }
            });
        }
    });
    for cache in &caches {
        assert_eq!(cache.take_faults(), []);
    }
    let size = size(&folder.path().join("blobs"));
    assert!(size <= 3_500_000, "{size} bytes");
    let again = open(folder.path());
    assert!((0..150).filter(|&number| has(&again, number)).count() > 5);
    assert_eq!(again.stats().bytes, with_budget(folder.path(), 3_000_000).stats().bytes);
}

/// A type whose bytes mean something else than they did, by its codec.
#[derive(Debug, PartialEq)]
struct Meant<const VERSION: u32>(u8);

impl<const VERSION: u32> Data for Meant<VERSION> {
    const NAME: &'static str = "meant";

    fn size_bytes(&self) -> usize {
        1
    }

    fn codec() -> Option<Codec<Self>> {
        Some(Codec::new(
            VERSION,
            |value, out| out.write_all(&[value.0]),
            |bytes| Ok(Self(bytes[0])),
        ))
    }
}

#[test]
fn two_versions_of_a_program_make_their_own_results() {
    let folder = tempfile::tempdir().unwrap();
    let with = |codecs: Codecs| {
        DiskCache::open(folder.path(), DiskOptions { codecs, ..DiskOptions::default() }).unwrap()
    };
    let older = with(Codecs::default().with::<Meant<1>>());
    let newer = with(Codecs::default().with::<Meant<2>>());
    older.put(key(1), &Value::new(Meant::<1>(3)), MADE);
    assert!(newer.get(&key(1)).is_none());
    newer.put(key(1), &Value::new(Meant::<2>(4)), MADE);
    let hit = newer.get(&key(1)).unwrap();
    assert_eq!(hit.value.downcast_ref::<Meant<2>>(), Some(&Meant(4)));
    let hit = older.get(&key(1)).unwrap();
    assert_eq!(hit.value.downcast_ref::<Meant<1>>(), Some(&Meant(3)));
    assert_eq!((older.take_faults(), newer.take_faults()), (vec![], vec![]));
    // A process that made its own hears of the other's, and throwing out is of both.
    assert_eq!((older.entries().len(), newer.entries().len()), (2, 2));
    // Nor does one take the place of the other for those who come later, until both are purged.
    drop((older, newer));
    let older = with(Codecs::default().with::<Meant<1>>());
    let newer = with(Codecs::default().with::<Meant<2>>());
    assert!(older.contains(&key(1)) && newer.contains(&key(1)));
    assert_eq!((older.stats().entries, newer.stats().entries), (2, 2));
    assert!(newer.purge(&key(1)).unwrap());
    assert_eq!(newer.entries(), []);
    for codecs in [Codecs::default().with::<Meant<1>>(), Codecs::default().with::<Meant<2>>()] {
        assert_eq!(with(codecs).stats().entries, 0);
    }
}

#[test]
fn what_is_purged_is_gone_for_all() {
    let folder = tempfile::tempdir().unwrap();
    let (own, other) = (open(folder.path()), open(folder.path()));
    (0..6).for_each(|number| assert_eq!(put(&own, number), []));
    let of_another = Origin { step: "drawn", ..MADE };
    own.put(key(6), &Value::new(picture(6)), of_another);
    own.put(key(7), &Value::new(picture(7)), of_another);
    let mut names: Vec<String> = own.entries().iter().map(|entry| entry.step.to_string()).collect();
    names.sort();
    assert_eq!(names, [vec!["drawn"; 2], vec!["made"; 6]].concat());
    while !other.contains(&key(7)) {}
    assert!((0..8).all(|number| has(&other, number)));

    assert!(own.purge(&key(1)).unwrap() && !own.purge(&key(1)).unwrap());
    assert_eq!(other.purge_step("drawn").unwrap(), 2);
    for cache in [&own, &other, &open(folder.path())] {
        // Others hear of it when they look for what they do not know, or list what there is.
        assert_eq!(cache.entries().len(), 5);
        let there: Vec<u64> = (0..8).filter(|&number| has(cache, number)).collect();
        assert_eq!(there, [0, 2, 3, 4, 5]);
    }
    assert_eq!(own.clear().unwrap(), 5);
    assert_eq!(files(&folder.path().join("blobs")), Vec::<std::path::PathBuf>::new());
    for cache in [&own, &other, &open(folder.path())] {
        assert_eq!((cache.entries(), cache.stats().bytes), (vec![], 0));
        assert_eq!(cache.take_faults(), []);
    }
    // And is made again.
    assert_eq!(put(&other, 1), []);
    assert!(has(&open(folder.path()), 1));
}

#[test]
fn a_smaller_budget_throws_out_at_once_and_a_larger_one_takes_more() {
    let folder = tempfile::tempdir().unwrap();
    let cache = with_budget(folder.path(), 2_000_000);
    (0..6).for_each(|number| assert_eq!(put(&cache, 1 + 4 * number), []));
    let held = cache.stats().bytes;
    let gone = cache.resize(held / 2);
    assert!(!gone.is_empty());
    let stats = cache.stats();
    assert!(stats.bytes <= held / 2 && stats.budget == held / 2, "{stats:?}");
    assert_eq!(stats.entries, 6 - gone.len() as u64);
    assert_eq!(cache.resize(2_000_000), []);
    (0..6).for_each(|number| assert_eq!(put(&cache, 1 + 4 * number), []));
    assert_eq!((cache.stats().bytes, cache.take_faults()), (held, vec![]));
}

#[test]
fn threads_of_several_programs_keep_to_the_budget_and_find_what_is_right() {
    const BUDGET: u64 = 1_500_000;
    let folder = tempfile::tempdir().unwrap();
    let caches = [(); 3].map(|()| with_budget(folder.path(), BUDGET));
    std::thread::scope(|scope| {
        for (thread, cache) in (0..6u64).zip(caches.iter().cycle()) {
            scope.spawn(move || {
                let mut random = thread;
                for _ in 0..150 {
                    random =
                        random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(thread + 1);
                    let number = (random >> 33) % 40;
                    if random >> 40 & 1 == 0 {
                        put(cache, number);
                    } else if let Some(hit) = cache.get(&key(number)) {
                        assert_eq!(hit.value.downcast_ref::<Image>(), Some(&picture(number)));
                    }
                }
            });
        }
    });
    let last = with_budget(folder.path(), BUDGET);
    // Each may have put one more before it heard of the others'.
    let most = BUDGET + 6 * 700_000;
    assert!(last.stats().bytes <= most, "{:?}", last.stats());
    put(&last, 41);
    assert!(last.stats().bytes <= BUDGET, "{:?}", last.stats());
    for cache in caches.iter().chain([&last]) {
        assert_eq!((cache.stats().damaged, cache.take_faults()), (0, vec![]));
    }
    let blobs: u64 = files(&folder.path().join("blobs"))
        .iter()
        .map(|path| fs::metadata(path).unwrap().len())
        .sum();
    assert!(blobs <= most, "{blobs} bytes of files");
}
