//! Results on disk: what survives, what heals, and what several share.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use pipeline_cache::{
    Codecs, Compression, DiskCache, DiskOptions, MemoryCache, OpenError, TieredCache,
};
use pipeline_core::cache::{Cache, Evicted, Origin, Tier};
use pipeline_core::{Image, Key, Labels, Layout, Mask, SampleType, Value};
use tempfile::TempDir;

use crate::values::key;

pub(crate) const MADE: Origin<'_> =
    Origin { step: "made", time: Duration::from_secs(1), inputs: &[], maker: None, identity: None };

/// A picture of its own for each number: floats of 1 to 4 channels, small ones and large ones.
pub(crate) fn picture(number: u64) -> Image {
    let side = if number.is_multiple_of(2) { 40 } else { 200 };
    let layout = Layout::new(side, side, 1 + (number % 4) as u16, SampleType::F32);
    let mut image = Image::zeros(layout).unwrap();
    let samples = image.samples_mut::<f32>().into_iter().flatten();
    samples.zip(0..).for_each(|(sample, at)| *sample = number as f32 + at as f32 / 7.0);
    image
}

pub(crate) fn open(folder: &Path) -> DiskCache {
    DiskCache::open(folder, DiskOptions::default()).unwrap()
}

pub(crate) fn put(cache: &DiskCache, number: u64) -> Vec<Evicted> {
    cache.put(key(number), &Value::new(picture(number)), MADE)
}

/// Whether the picture of this number is there. Another one is a failure.
#[track_caller]
pub(crate) fn has(cache: &DiskCache, number: u64) -> bool {
    let known = cache.contains(&key(number));
    let Some(hit) = cache.get(&key(number)) else { return false };
    assert!(known, "{number} is found but not known");
    assert_eq!(hit.tier, Tier::Disk);
    assert_eq!(hit.value.downcast_ref::<Image>(), Some(&picture(number)), "number {number}");
    true
}

#[test]
fn what_is_not_kept_is_thrown_out_by_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let options = || DiskOptions { codecs: Codecs::none(), ..DiskOptions::default() };
    let disk = || DiskCache::open(folder.path(), options()).unwrap();
    let tiers = || TieredCache::new(MemoryCache::new(0), disk()).unwrap().with_delay(Duration::MAX);
    let origin = Origin { identity: Some(key(9)), ..MADE };
    let (cache, value) = (disk(), Value::new(picture(1)));
    cache.put(key(1), &value, origin);
    assert_eq!((cache.contains(&key(1)), cache.identity(&key(1))), (false, Some(key(9))));
    assert!(cache.purge(&key(1)).unwrap() && !cache.purge(&key(1)).unwrap());
    assert_eq!(cache.identity(&key(1)), None);
    drop(cache);
    assert_eq!(disk().identity(&key(1)), None);
    // Also while it waits to be written.
    let cache = tiers();
    cache.put(key(1), &value, origin);
    assert!(cache.purge(&key(1)).unwrap());
    cache.flush();
    assert_eq!(cache.identity(&key(1)), None);
}

/// All files of large values.
fn blobs(folder: &TempDir) -> Vec<PathBuf> {
    files(&folder.path().join("blobs"))
}

pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

#[test]
fn results_are_there_after_a_restart_and_for_others() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path());
    let second = open(folder.path());
    (0..10).for_each(|number| assert_eq!(put(&first, number), []));
    // What others write is seen within a few milliseconds.
    while second.get(&key(9)).is_none() {}
    let misses = second.stats().misses;
    assert!((0..10).all(|number| has(&second, number)));
    assert_eq!(second.stats().misses, misses);
    (10..20).for_each(|number| assert_eq!(put(&second, number), []));
    drop((first, second));
    let third = open(folder.path());
    assert!((0..20).all(|number| has(&third, number)));
    assert!(!has(&third, 20));
    let stats = third.stats();
    assert_eq!((stats.entries, stats.hits, stats.misses), (20, 20, 1));
    assert_eq!(stats.saved, Duration::from_secs(20));
    assert_eq!(third.take_faults(), []);
}

#[test]
fn large_values_are_read_where_they_lie_and_small_ones_share_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path());
    (0..10).for_each(|number| assert_eq!(put(&cache, number), []));
    assert_eq!(blobs(&folder).len(), 5);
    assert_eq!(files(&folder.path().join("records")).len(), 1);
    assert_eq!(files(&folder.path().join("unfinished")), Vec::<PathBuf>::new());
    // Samples of a mapped file begin where its second 64 bytes do.
    let image = Image::from_samples(2000, 1000, 1, vec![7f32; 2_000_000]).unwrap();
    cache.put(key(20), &Value::new(image.clone()), MADE);
    let hit = cache.get(&key(20)).unwrap();
    let found = hit.value.downcast_ref::<Image>().unwrap();
    assert_eq!(found, &image);
    assert_eq!(found.bytes().as_ptr().addr() % 4096, 64);
}

#[test]
fn integers_are_stored_in_fewer_bytes_where_that_pays() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = 1u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.to_be_bytes()
    };
    // Nine bits of noise, as a camera has.
    let deep = (0..600 * 500).map(|_| {
        let [high, low, ..] = noise();
        100 + u16::from_be_bytes([high >> 7, low])
    });
    let deep: Vec<u16> = deep.collect();
    let image = Image::from_samples(600, 500, 1, deep).unwrap();
    let photo: Vec<u8> = (0..600 * 500).map(|_| noise()[0]).collect();
    let photo = Image::from_samples(600, 500, 1, photo).unwrap();
    let bits = (0..400 * 400u32).map(|at| u8::from((at % 400 / 50 + at / 400 / 30) % 3 == 0));
    let mask = Mask::from_bytes(400, 400, bits.collect()).unwrap();
    let labels: Vec<u32> = (0..200 * 300u32).map(|at| at / 4000).collect();
    let labels = Labels::new(200, 300, labels).unwrap();
    let values = [
        Value::new(image),
        Value::new(mask),
        Value::new(labels),
        Value::new(photo),
        Value::new(picture(1)),
    ];
    let sizes = |compression| {
        let folder = folder.path().join(format!("{compression:?}"));
        let options = DiskOptions { compression, ..DiskOptions::default() };
        let cache = DiskCache::open(&folder, options.clone()).unwrap();
        let sizes: Vec<u64> = (0..)
            .zip(&values)
            .map(|(number, value)| {
                let before = cache.stats().bytes;
                cache.put(key(number), value, MADE);
                cache.stats().bytes - before - 256
            })
            .collect();
        for cache in [cache, DiskCache::open(&folder, options).unwrap()] {
            for (number, value) in (0..).zip(&values) {
                let found = cache.get(&key(number)).unwrap().value;
                let digest = |value: &Value| value.digest().unwrap().unwrap();
                assert_eq!(digest(&found), digest(value), "{number}");
            }
            assert_eq!(cache.take_faults(), []);
        }
        sizes
    };
    let (packed, plain) = (sizes(Compression::WherePays), sizes(Compression::Nothing));
    for (number, (packed, plain)) in packed.iter().zip(&plain).enumerate() {
        // Neither noise in every bit nor floats.
        let is_shorter = number < 3;
        assert_eq!(packed * 3 <= plain * 2, is_shorter, "{number}: {packed} of {plain}");
        assert!(is_shorter || packed == plain, "{number}: {packed} of {plain}");
    }
}

#[test]
fn the_same_content_is_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path());
    let value = Value::new(picture(1));
    (0..10).for_each(|number| assert_eq!(cache.put(key(number), &value, MADE), []));
    assert_eq!(blobs(&folder).len(), 1);
    let stats = cache.stats();
    assert_eq!((stats.entries, stats.bytes), (10, 200 * 200 * 2 * 4 + 64 + 10 * 256));
}

#[test]
fn what_saves_least_per_byte_goes_first() {
    let folder = tempfile::tempdir().unwrap();
    let options = DiskOptions { budget: 4_000_000, ..DiskOptions::default() };
    let cache = DiskCache::open(folder.path(), options.clone()).unwrap();
    let origin = |seconds| Origin { time: Duration::from_secs(seconds), ..MADE };
    let pictures: Vec<u64> = (0..12).map(|number| 4 * number + 3).collect();
    let mut gone = Vec::new();
    for (&number, seconds) in pictures.iter().zip([9, 1, 8, 2, 7, 3, 6, 4, 5, 10, 11, 12]) {
        gone.extend(cache.put(key(number), &Value::new(picture(number)), origin(seconds)));
        assert!(cache.stats().bytes <= options.budget);
    }
    assert!(!gone.is_empty());
    // The longest are there, as many as fit.
    assert!([0, 9, 10, 11].iter().all(|&at| gone.iter().all(|gone| gone.key != key(pictures[at]))));
    assert!(gone.iter().any(|gone| gone.key == key(pictures[1])));
    let held = pictures.iter().filter(|&&number| has(&cache, number)).count();
    assert_eq!(held + gone.len(), pictures.len());
    assert_eq!(blobs(&folder).len(), held);
    drop(cache);
    let again = DiskCache::open(folder.path(), options).unwrap();
    assert_eq!(pictures.iter().filter(|&&number| has(&again, number)).count(), held);
}

#[test]
fn what_was_left_half_written_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let options = DiskOptions { budget: 400_000, ..DiskOptions::default() };
    drop(open(folder.path()));
    let orphan = folder.path().join("blobs/ab").join("c".repeat(62));
    let foreign = folder.path().join("blobs/ab/notes.txt");
    let half = folder.path().join("unfinished/1-2-3");
    for path in [&orphan, &foreign, &half] {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, [7; 1000]).unwrap();
    }
    let cache = DiskCache::open(folder.path(), options).unwrap();
    let gone: usize = [1, 3, 5, 7].iter().map(|&number| put(&cache, number).len()).sum();
    assert!(gone > 0);
    assert!(!orphan.exists() && !half.exists() && !foreign.exists());
}

#[test]
fn a_result_that_was_thrown_out_and_made_again_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let options = DiskOptions { budget: 400_000, ..DiskOptions::default() };
    let first = DiskCache::open(folder.path(), options.clone()).unwrap();
    put(&first, 1);
    let second = DiskCache::open(folder.path(), options).unwrap();
    // Another one takes its place, told of in a later file.
    put(&second, 5);
    put(&second, 9);
    let gone: Vec<u64> = [1, 5, 9].into_iter().filter(|&number| !has(&second, number)).collect();
    assert!(!gone.is_empty());
    // It is written again, told of in the first file.
    while first.get(&key(1)).is_some() {}
    put(&first, 1);
    assert!(has(&first, 1));
    drop((first, second));
    assert!(has(&open(folder.path()), 1));
}

#[test]
fn many_programs_leave_few_files() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..100 {
        let cache = open(folder.path());
        put(&cache, number);
    }
    let count = files(&folder.path().join("records")).len();
    assert!(count < 40, "{count} files");
    let cache = open(folder.path());
    assert!((0..100).all(|number| has(&cache, number)));
    assert_eq!(cache.take_faults(), []);
}

/// Does something to a file.
type Harm = fn(&Path);

/// Puts a file in the place of another.
fn replace(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

const HARMS: [(&str, Harm); 6] = [
    ("a changed bit", |path| {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        replace(path, bytes);
    }),
    ("cut off", |path| {
        let bytes = fs::read(path).unwrap();
        replace(path, &bytes[..bytes.len() / 2]);
    }),
    ("nothing in it", |path| replace(path, [])),
    ("something else in it", |path| replace(path, "foreign")),
    ("longer", |path| {
        let mut bytes = fs::read(path).unwrap();
        bytes.extend([0; 100]);
        replace(path, bytes);
    }),
    ("gone", |path| fs::remove_file(path).unwrap()),
];

#[test]
fn a_harmed_file_costs_its_own_results_and_heals() {
    for (what, harm) in HARMS {
        let folder = tempfile::tempdir().unwrap();
        let cache = open(folder.path());
        let numbers = [1, 3, 5, 7, 9];
        numbers.iter().for_each(|&number| assert_eq!(put(&cache, number), []));
        drop(cache);
        let harmed = blobs(&folder)[0].clone();
        harm(&harmed);
        let cache = open(folder.path());
        let held: Vec<u64> = numbers.into_iter().filter(|&number| has(&cache, number)).collect();
        assert_eq!(held.len(), 4, "{what}");
        let faults = cache.take_faults();
        if what != "gone" {
            assert_eq!(faults.len(), 1, "{what}");
            assert_eq!(faults[0].path, harmed, "{what}");
        }
        assert!(!harmed.exists(), "{what}");
        numbers.iter().for_each(|&number| assert_eq!(put(&cache, number), []));
        assert!(numbers.iter().all(|&number| has(&cache, number)), "{what}");
        assert!(numbers.iter().all(|&number| has(&open(folder.path()), number)), "{what}");
    }
}

#[test]
fn swapped_files_are_not_taken_for_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path());
    // Two of the same size.
    [1, 5].iter().for_each(|&number| assert_eq!(put(&cache, number), []));
    drop(cache);
    let paths = blobs(&folder);
    let (first, second) = (fs::read(&paths[0]).unwrap(), fs::read(&paths[1]).unwrap());
    replace(&paths[0], second);
    replace(&paths[1], first);
    let cache = open(folder.path());
    assert!(!has(&cache, 1) && !has(&cache, 5));
    assert_eq!(cache.stats().damaged, 2);
}

#[test]
fn a_harmed_segment_costs_the_records_that_are_harmed() {
    for (what, harm) in HARMS {
        let folder = tempfile::tempdir().unwrap();
        let cache = open(folder.path());
        (0..20).for_each(|number| assert_eq!(put(&cache, number), []));
        drop(cache);
        harm(&files(&folder.path().join("records"))[0]);
        let cache = open(folder.path());
        let held = (0..20).filter(|&number| has(&cache, number)).count();
        let expected = match what {
            "a changed bit" => 19..20,
            "cut off" => 5..19,
            "longer" => 20..21,
            _ => 0..1,
        };
        assert!(expected.contains(&held), "{what}: {held}");
        (0..20).for_each(|number| assert_eq!(put(&cache, number), []));
        assert!((0..20).all(|number| has(&open(folder.path()), number)), "{what}");
    }
}

#[test]
fn a_file_may_go_while_its_value_is_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path());
    put(&cache, 1);
    let value = Value::new(mapped(5));
    cache.put(key(100), &value, MADE);
    let [hit, large] = [1, 100].map(|number| cache.get(&key(number)).unwrap());
    fs::remove_dir_all(folder.path()).unwrap();
    assert_eq!(hit.value.downcast_ref::<Image>(), Some(&picture(1)));
    assert_eq!(large.value.downcast_ref::<Image>(), Some(&mapped(5)));
    assert!(!has(&cache, 1));
    // The folders are made anew.
    put(&cache, 3);
    assert!(has(&cache, 3));
    drop(cache);
    assert!(has(&open(folder.path()), 3));
}

/// A picture that is so large that its file is mapped.
fn mapped(first: u8) -> Image {
    let mut image = Image::zeros(Layout::new(700, 500, 1, SampleType::F32)).unwrap();
    let samples = image.samples_mut::<f32>().into_iter().flatten();
    samples.zip(0..).for_each(|(sample, at)| *sample = f32::from(first) + at as f32 / 7.0);
    image
}

#[test]
fn a_file_that_is_replaced_after_it_was_read_is_found_out() {
    for maps in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let options = DiskOptions { maps, ..DiskOptions::default() };
        let cache = DiskCache::open(folder.path(), options).unwrap();
        cache.put(key(100), &Value::new(mapped(5)), MADE);
        let get = || cache.get(&key(100)).map(|hit| hit.value);
        // The second time its digest is known.
        let before = [get().unwrap(), get().unwrap()];
        let [path] = &blobs(&folder)[..] else { panic!("one large value") };
        let (mut bytes, modified) =
            (fs::read(path).unwrap(), fs::metadata(path).unwrap().modified().unwrap());
        *bytes.last_mut().unwrap() ^= 1;
        replace(path, &bytes);
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(modified).unwrap();
        assert!(get().is_none(), "with maps: {maps}");
        assert_eq!((cache.stats().damaged, cache.take_faults().len()), (1, 1));
        // Whoever has it keeps it, and it is made again.
        let is_whole = |value: &Value| value.downcast_ref::<Image>() == Some(&mapped(5));
        assert!(before.iter().all(is_whole));
        cache.put(key(100), &Value::new(mapped(5)), MADE);
        assert!(get().is_some_and(|value| is_whole(&value)));
    }
}

#[test]
fn only_a_cache_of_this_layout_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("photo.png"), "not ours").unwrap();
    let foreign = DiskCache::open(folder.path(), DiskOptions::default()).unwrap_err();
    assert!(matches!(foreign, OpenError::Foreign { .. }), "{foreign}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left in it");

    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let version = folder.path().join("VERSION");
    let layout_4 = "pipeline cache, layout 4\n".repeat(2);
    for text in ["pipeline cache, layout 1\n", "pipeline cache, layout 2\n", &layout_4] {
        fs::write(&version, text).unwrap();
        let newer = DiskCache::open(folder.path(), DiskOptions::default()).unwrap_err();
        assert!(matches!(newer, OpenError::Version { .. }), "{newer}");
        assert_eq!(fs::read_to_string(&version).unwrap(), text);
    }
    // Without the tag of a cache, what stands there is somebody else's.
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("VERSION"), "1.2.3").unwrap();
    let foreign = DiskCache::open(folder.path(), DiskOptions::default()).unwrap_err();
    assert!(matches!(foreign, OpenError::Version { .. }), "{foreign}");
    assert_eq!(fs::read_to_string(folder.path().join("VERSION")).unwrap(), "1.2.3");

    let file = folder.path().join("a file");
    fs::write(&file, "").unwrap();
    let error = DiskCache::open(&file, DiskOptions::default()).unwrap_err();
    assert!(error.to_string().contains("a file"), "{error}");
}

#[test]
fn what_is_left_of_a_cache_becomes_one_again() {
    let folder = tempfile::tempdir().unwrap();
    let version = folder.path().join("VERSION");
    put(&open(folder.path()), 1);
    // A loss of power leaves files without a byte in them.
    replace(&version, []);
    assert!(has(&open(folder.path()), 1));
    fs::remove_file(&version).unwrap();
    assert!(has(&open(folder.path()), 1));
    assert!(version.exists());
    // Whatever bit is flipped, and wherever it is cut off.
    let whole = fs::read(&version).unwrap();
    for at in 0..whole.len() {
        let mut harmed = whole.clone();
        harmed[at] ^= 1 << (at % 8);
        for bytes in [&harmed[..], &whole[..at]] {
            replace(&version, bytes);
            assert!(has(&open(folder.path()), 1), "byte {at}");
            assert_eq!(fs::read(&version).unwrap(), whole);
        }
    }
    // The two files that say what it is, if they change places or one of them is harmed.
    let tag = folder.path().join("CACHEDIR.TAG");
    let text = fs::read(&tag).unwrap();
    for harmed in [&whole[..], b"something else", b""] {
        replace(&tag, harmed);
        assert!(has(&open(folder.path()), 1));
        assert_eq!(fs::read(&tag).unwrap(), text);
    }
    replace(&tag, &whole);
    replace(&version, &text);
    assert!(has(&open(folder.path()), 1));
    assert_eq!((fs::read(&tag).unwrap(), fs::read(&version).unwrap()), (text, whole));
    // Somebody else's folders of these names are not ours.
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("records")).unwrap();
    let foreign = DiskCache::open(folder.path(), DiskOptions::default()).unwrap_err();
    assert!(matches!(foreign, OpenError::Foreign { .. }), "{foreign}");
}

#[test]
fn a_directory_may_have_any_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Ergebnisse für Ω – 2026/ein Ordner");
    let cache = open(&path);
    (0..4).for_each(|number| assert_eq!(put(&cache, number), []));
    assert!((0..4).all(|number| has(&open(&path), number)));
}

#[test]
fn what_is_in_the_way_of_a_part_is_removed() {
    for part in ["unfinished", "records", "blobs", "claims"] {
        let folder = tempfile::tempdir().unwrap();
        put(&open(folder.path()), 0);
        let place = folder.path().join(part);
        let _ = fs::remove_dir_all(&place);
        fs::write(&place, "in the way").unwrap();
        let cache = open(folder.path());
        assert_eq!([put(&cache, 1), put(&cache, 2)], [vec![], vec![]]);
        assert!(has(&cache, 1) && has(&cache, 2), "{part}");
        cache.take_faults();
        let cache = open(folder.path());
        assert!(has(&cache, 1) && has(&cache, 2), "{part}");
        assert_eq!(cache.take_faults(), []);
    }
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path());
    put(&cache, 1);
    let [blob] = &blobs(&folder)[..] else { panic!("one large value") };
    let place = blob.parent().unwrap();
    fs::remove_dir_all(place).unwrap();
    fs::write(place, "in the way").unwrap();
    fs::create_dir(folder.path().join("records/a folder.records")).unwrap();
    fs::remove_file(folder.path().join("lock")).unwrap();
    fs::create_dir(folder.path().join("lock")).unwrap();
    assert!(!has(&cache, 1));
    cache.take_faults();
    put(&cache, 1);
    assert!(has(&cache, 1));
    assert_eq!(cache.take_faults(), []);
    fs::remove_file(blob).unwrap();
    fs::create_dir_all(blob.join("in the way")).unwrap();
    assert!(!has(&cache, 1));
    assert_eq!(cache.take_faults().len(), 1);
    put(&cache, 1);
    assert!(has(&cache, 1));
    assert_eq!(cache.take_faults(), []);
}

#[test]
fn where_nothing_can_be_written_results_are_still_found() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path());
    assert_eq!(put(&cache, 1), []);
    // What somebody else keeps there is not thrown away.
    let lock = folder.path().join("lock");
    fs::remove_file(&lock).unwrap();
    fs::create_dir(&lock).unwrap();
    fs::write(lock.join("notes.txt"), "not ours").unwrap();
    for cache in [cache, open(folder.path())] {
        assert_eq!(put(&cache, 3), []);
        assert!(has(&cache, 1) && !has(&cache, 3));
        let faults = cache.take_faults();
        assert_eq!(faults.len(), 1, "{faults:?}");
    }
    assert!(lock.join("notes.txt").exists());
}

#[test]
fn files_of_another_time_are_read_and_thrown_out_as_others() {
    let options = DiskOptions { budget: 4_000_000, ..DiskOptions::default() };
    let in_2100 = SystemTime::UNIX_EPOCH + Duration::from_secs(4_102_444_800);
    for time in [SystemTime::UNIX_EPOCH, in_2100] {
        let folder = tempfile::tempdir().unwrap();
        let cache = DiskCache::open(folder.path(), options.clone()).unwrap();
        (0..8).for_each(|number| assert_eq!(put(&cache, number), []));
        let set_back = || {
            for path in files(folder.path()) {
                let is_locked = fs::metadata(&path).unwrap().permissions().readonly();
                let file = fs::File::options().read(true).write(!is_locked).open(&path).unwrap();
                file.set_modified(time).unwrap();
            }
        };
        set_back();
        assert!((0..8).all(|number| has(&cache, number)), "in a process that was there before");
        let another = DiskCache::open(folder.path(), options.clone()).unwrap();
        assert!((0..8).all(|number| has(&another, number)));
        let gone: usize = (8..40).map(|number| put(&another, number).len()).sum();
        assert!(gone > 0 && another.stats().bytes <= options.budget);
        set_back();
        let left = (0..40).filter(|&number| has(&cache, number)).count();
        assert_eq!(left, another.entries().len());
        assert_eq!((cache.take_faults(), another.take_faults()), (vec![], vec![]));
    }
}

#[test]
fn keys_that_differ_in_little_have_their_own_results() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path());
    put(&cache, 1);
    assert!(!cache.contains(&key(1).port(1)));
    assert!(cache.get(&Key::from_bytes([0; 32])).is_none());
}
