//! Types and their codecs: those that fail, those that nobody knows, and stacks.

use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pipeline_cache::{Codecs, DiskCache, DiskOptions, Durability};
use pipeline_core::cache::Cache;
use pipeline_core::data::{Codec, Data, ReadFrames, Stack};
use pipeline_core::testkit::image_of;
use pipeline_core::{Error, Image, Layout, Result, SampleType, Value};

use crate::disk::{MADE, files, has, open, put};
use crate::values::key;

/// A value whose codec does what it is told.
#[derive(Debug)]
struct Odd(Codes);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Codes {
    Well,
    FailsToWrite,
    FindsNoRoom,
    FindsNoRoomOnce,
    PanicsWhileItWrites,
    FailsToRead,
    PanicsWhileItReads,
    FindsNoMemoryOnce,
}

/// How often a value was written that finds no room the first time.
static TRIED: AtomicUsize = AtomicUsize::new(0);

/// How often a value was read that finds no memory the first time.
static READ: AtomicUsize = AtomicUsize::new(0);

const CODES: [Codes; 8] = [
    Codes::Well,
    Codes::FailsToWrite,
    Codes::FindsNoRoom,
    Codes::FindsNoRoomOnce,
    Codes::PanicsWhileItWrites,
    Codes::FailsToRead,
    Codes::PanicsWhileItReads,
    Codes::FindsNoMemoryOnce,
];

impl Data for Odd {
    const NAME: &'static str = "odd";

    fn size_bytes(&self) -> usize {
        100_000
    }

    fn codec() -> Option<Codec<Self>> {
        Some(Codec::new(
            1,
            |Self(codes), out| {
                out.write_all(&vec![*codes as u8; 100_000])?;
                match codes {
                    Codes::FailsToWrite => Err(ErrorKind::Other.into()),
                    Codes::FindsNoRoom => Err(ErrorKind::StorageFull.into()),
                    Codes::FindsNoRoomOnce if TRIED.fetch_add(1, Ordering::Relaxed) == 0 => {
                        Err(ErrorKind::StorageFull.into())
                    }
                    Codes::PanicsWhileItWrites => panic!("while it writes"),
                    _ => Ok(()),
                }
            },
            |bytes| match CODES[usize::from(bytes[0])] {
                Codes::PanicsWhileItReads => panic!("while it reads"),
                Codes::FindsNoMemoryOnce if READ.fetch_add(1, Ordering::Relaxed) == 0 => {
                    Err(Error::TooLarge { what: "odd".to_owned(), needed: 2, allowed: 1 })
                }
                Codes::FailsToRead => Err(Error::input("odd", 0, "1")),
                codes => Ok(Self(codes)),
            },
        ))
    }
}

#[test]
fn a_codec_that_fails_or_panics_costs_its_own_result() {
    let folder = tempfile::tempdir().unwrap();
    let options = DiskOptions { codecs: Codecs::default().with::<Odd>(), ..DiskOptions::default() };
    let cache = DiskCache::open(folder.path(), options).unwrap();
    (1..3).for_each(|number| assert_eq!(put(&cache, number), []));
    for (codes, number) in CODES.into_iter().zip(10..) {
        let evicted = cache.put(key(number), &Value::new(Odd(codes)), MADE);
        // Where the disk says that it is full, something goes for it.
        let is_full = [Codes::FindsNoRoom, Codes::FindsNoRoomOnce].contains(&codes);
        assert_eq!(!evicted.is_empty(), is_full, "{codes:?}");
        let hit = cache.get(&key(number));
        let faults = cache.take_faults();
        if [Codes::Well, Codes::FindsNoRoomOnce].contains(&codes) {
            assert_eq!(hit.unwrap().value.downcast_ref::<Odd>().unwrap().0, codes);
            assert_eq!(faults, []);
        } else {
            assert!(hit.is_none(), "{codes:?}");
            assert_eq!(faults.len(), 1, "{codes:?}: {faults:?}");
        }
    }
    assert_eq!(files(&folder.path().join("unfinished")), Vec::<PathBuf>::new());
    // What found no memory is read when there is some.
    assert!(cache.get(&key(17)).is_some());
    assert_eq!(cache.take_faults(), []);
    // What cannot be read is told of once, and is written no second time.
    let (puts, number) = (cache.stats().puts, key(15));
    cache.put(number, &Value::new(Odd(Codes::FailsToRead)), MADE);
    assert!(cache.get(&number).is_none() && !cache.contains(&number));
    assert_eq!((cache.stats().puts, cache.take_faults()), (puts, vec![]));
}

/// A value of the same bytes as one that cannot be read, and more of them than it says.
#[derive(Debug)]
struct Large;

impl Data for Large {
    const NAME: &'static str = "large";

    fn size_bytes(&self) -> usize {
        100
    }

    fn codec() -> Option<Codec<Self>> {
        let write =
            |_: &Self, out: &mut dyn Write| out.write_all(&vec![Codes::FailsToRead as u8; 100_000]);
        Some(Codec::new(1, write, |_| Ok(Self)))
    }
}

#[test]
fn bytes_that_one_type_cannot_read_another_one_reads() {
    let folder = tempfile::tempdir().unwrap();
    let codecs = Codecs::default().with::<Odd>().with::<Large>();
    let cache =
        DiskCache::open(folder.path(), DiskOptions { codecs, ..DiskOptions::default() }).unwrap();
    cache.put(key(1), &Value::new(Odd(Codes::FailsToRead)), MADE);
    assert!(cache.get(&key(1)).is_none());
    cache.put(key(2), &Value::new(Large), MADE);
    assert!(cache.get(&key(2)).is_some() && cache.contains(&key(2)) && !cache.contains(&key(1)));
}

#[test]
fn what_needs_more_bytes_than_it_says_drives_nothing_out_that_it_does_not_replace() {
    let folder = tempfile::tempdir().unwrap();
    let codecs = Codecs::default().with::<Large>();
    let options = DiskOptions { codecs, budget: 50_000, ..DiskOptions::default() };
    let cache = DiskCache::open(folder.path(), options).unwrap();
    let small = Value::new(image_of::<u8>(&[&[7; 40][..]; 40]));
    (0..9).for_each(|number| assert_eq!(cache.put(key(number), &small, MADE), []));
    assert_eq!(cache.put(key(10), &Value::new(Large), MADE), []);
    assert!((0..9).all(|number| cache.contains(&key(number))) && !cache.contains(&key(10)));
    assert_eq!(cache.take_faults(), []);
}

#[test]
fn types_that_a_program_does_not_know_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let options = DiskOptions { codecs: Codecs::default().with::<Odd>(), ..DiskOptions::default() };
    let knows = DiskCache::open(folder.path(), options).unwrap();
    let value = Value::new(Odd(Codes::Well));
    knows.put(key(1), &value, MADE);
    let knows_not = open(folder.path());
    assert!(!has(&knows_not, 1));
    knows_not.put(key(2), &value, MADE);
    assert!(!has(&knows_not, 2));
    assert_eq!((knows_not.stats().puts, knows_not.take_faults()), (0, vec![]));
    assert!(knows.contains(&key(1)));
}

#[test]
fn stacks_come_back_packed_or_not() {
    for durability in [Durability::Process, Durability::Power] {
        let folder = tempfile::tempdir().unwrap();
        let options = DiskOptions { durability, ..DiskOptions::default() };
        let cache = DiskCache::open(folder.path(), options.clone()).unwrap();
        let frame = Layout::new(200, 100, 1, SampleType::U16);
        // Noise, and frames of one value each, which are packed.
        let noise: Vec<u16> =
            (0..2_000_000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 16) as u16).collect();
        let ramp: Vec<u16> = (0..200u16).flat_map(|number| vec![number; 20_000]).collect();
        let stacks = [(100, noise), (200, ramp)]
            .map(|(frames, samples)| Stack::new(frame, frames, samples.into()).unwrap());
        for (stack, number) in stacks.iter().zip(0..) {
            cache.put(key(number), &Value::new(stack.clone()), MADE);
        }
        drop(cache);
        let cache = DiskCache::open(folder.path(), options).unwrap();
        for (stack, number) in stacks.iter().zip(0..) {
            let hit = cache.get(&key(number)).unwrap();
            let found = hit.value.downcast_ref::<Stack>().unwrap();
            assert_eq!((found.layout(), found.frames()), (stack.layout(), stack.frames()));
            assert!(found.bytes() == stack.bytes());
        }
        assert_eq!(cache.take_faults(), []);
    }
}

/// Frames that nobody reads.
#[derive(Debug)]
struct Unread;

impl ReadFrames for Unread {
    fn read(&self, _: usize) -> Result<Image> {
        panic!("nobody asked for a frame")
    }
}

#[test]
fn frames_of_a_file_are_not_copied_into_the_directory() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path());
    let frame = Layout::new(200, 100, 1, SampleType::U16);
    let stack = Stack::read_by(frame, 1000, Arc::new(Unread)).unwrap();
    assert_eq!(cache.put(key(1), &Value::new(stack), MADE), []);
    assert!(!cache.contains(&key(1)));
    assert_eq!((cache.stats().puts, cache.take_faults()), (0, vec![]));
}
