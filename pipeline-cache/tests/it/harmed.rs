//! Whatever happens to the files of a cache on disk, what it finds is right.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pipeline_cache::{DiskCache, DiskOptions};
use pipeline_core::cache::{Cache, Origin};
use pipeline_core::{Image, Value};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::values::key;

/// Two caches on one directory are used in turn.
#[derive(Debug, Clone)]
enum Op {
    Put {
        by: usize,
        at: u64,
    },
    Get {
        by: usize,
        at: u64,
    },
    /// The program ends and another one takes its place.
    Restart {
        by: usize,
    },
    /// Something is done to a file, here and there.
    Harm {
        file: usize,
        harm: Harm,
        place: usize,
    },
    /// Two files change places.
    Swap {
        one: usize,
        other: usize,
    },
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Harm {
    Flip,
    Zero,
    Cut,
    Empty,
    Lengthen,
    Repeat,
    Replace,
    Remove,
}

pub(crate) const HARMS: [Harm; 8] = [
    Harm::Flip,
    Harm::Zero,
    Harm::Cut,
    Harm::Empty,
    Harm::Lengthen,
    Harm::Repeat,
    Harm::Replace,
    Harm::Remove,
];

fn op() -> impl Strategy<Value = Op> {
    let (by, at, file) = (0..2usize, 0..16u64, 0..1000usize);
    let harm = prop::sample::select(&HARMS);
    prop_oneof![
        8 => (by.clone(), at.clone()).prop_map(|(by, at)| Op::Put { by, at }),
        8 => (by.clone(), at).prop_map(|(by, at)| Op::Get { by, at }),
        2 => by.prop_map(|by| Op::Restart { by }),
        3 => (file.clone(), harm, 0..1_000_000usize)
            .prop_map(|(file, harm, place)| Op::Harm { file, harm, place }),
        1 => (file.clone(), file).prop_map(|(one, other)| Op::Swap { one, other }),
    ]
}

/// The picture of a number: small, large, or so large that it is mapped.
fn picture(number: u64) -> Image {
    let side = match number % 8 {
        0 | 2 | 4 | 6 => 10,
        7 => 520,
        _ => 140,
    };
    let small = u16::try_from(number % 1000).unwrap();
    let numbers = (0..side * side).map(|at| u16::try_from(at / 7).unwrap() + small);
    if number % 4 == 1 {
        // These are stored in fewer bytes.
        return Image::from_samples(side, side, 1, numbers.collect::<Vec<u16>>()).unwrap();
    }
    let samples: Vec<f32> = numbers.map(|number| f32::from(number) / 3.0).collect();
    Image::from_samples(side, side, 1, samples).unwrap()
}

/// All that a cache keeps in a directory, but for what says that it is one.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.file_name().is_some_and(|name| name != "VERSION") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Does it to a copy that takes the place of the file, as one who must not cut off what is mapped.
pub(crate) fn harm(path: &Path, harm: Harm, place: usize) {
    let mut bytes = fs::read(path).unwrap_or_default();
    let at = place.checked_rem(bytes.len()).unwrap_or(0);
    match harm {
        Harm::Flip => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << (place % 8)),
        Harm::Zero => bytes.iter_mut().skip(at).take(4096).for_each(|byte| *byte = 0),
        Harm::Cut => bytes.truncate(at),
        Harm::Empty => bytes.clear(),
        Harm::Lengthen => bytes.extend(vec![7; place % 5000]),
        Harm::Repeat => bytes.extend(bytes.clone()),
        Harm::Replace => bytes = b"something else".repeat(place % 1000),
        Harm::Remove => return fs::remove_file(path).unwrap_or(()),
    }
    let aside = path.with_extension("aside");
    fs::write(&aside, bytes).unwrap();
    fs::rename(aside, path).unwrap();
}

#[test]
fn what_is_found_is_right_whatever_is_done_to_the_files() {
    let config = ProptestConfig {
        cases: 300,
        rng_seed: RngSeed::Fixed(11),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(ops in prop::collection::vec(op(), 1..60), budget in 0..3usize)| {
        let folder = tempfile::tempdir().unwrap();
        let options = DiskOptions { budget: [200_000, 2_500_000, u64::MAX][budget], ..DiskOptions::default() };
        let open = || DiskCache::open(folder.path(), options.clone()).unwrap();
        let mut caches = [open(), open()];
        let origin = Origin { step: "made", time: Duration::from_secs(1), inputs: &[], maker: None, identity: None };
        for op in ops {
            match op {
                Op::Put { by, at } => {
                    caches[by].put(key(at), &Value::new(picture(at)), origin);
                }
                Op::Get { by, at } => {
                    if let Some(hit) = caches[by].get(&key(at)) {
                        prop_assert_eq!(hit.value.downcast_ref::<Image>(), Some(&picture(at)));
                    }
                }
                Op::Restart { by } => caches[by] = open(),
                Op::Harm { file, harm: kind, place } => {
                    let files = files(folder.path());
                    if let Some(path) = files.get(file % files.len().max(1)) {
                        harm(path, kind, place);
                    }
                }
                Op::Swap { one, other } => {
                    let files = files(folder.path());
                    if files.len() >= 2 {
                        let (one, other) = (&files[one % files.len()], &files[other % files.len()]);
                        let aside = folder.path().join("blobs.aside");
                        fs::rename(one, &aside).unwrap();
                        let _ = fs::rename(other, one);
                        let _ = fs::rename(&aside, other);
                        let _ = fs::remove_file(aside);
                    }
                }
            }
        }
        // Whatever was done, what is looked for and then put is there.
        for cache in [&caches[0], &caches[1], &open()] {
            for at in [0, 1] {
                cache.get(&key(at));
                cache.put(key(at), &Value::new(picture(at)), origin);
                let hit = cache.get(&key(at));
                let found = hit.as_ref().and_then(|hit| hit.value.downcast_ref::<Image>());
                prop_assert_eq!(found, Some(&picture(at)), "{:?}", cache.take_faults());
            }
        }
    });
}
