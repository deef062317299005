//! Memory in front of a disk: what is written, when, and what a second process finds.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pipeline_cache::{Codecs, Compression, DiskCache, DiskOptions, MemoryCache, TieredCache};
use pipeline_core::cache::{Cache, Claim, Maker, Origin, Tier};
use pipeline_core::data::{Codec, Data, Samples};
use pipeline_core::event::{EventKind, Status};
use pipeline_core::key::KeyHasher;
use pipeline_core::testkit::{Recorder, image_of};
use pipeline_core::{
    Context, Executor, Graph, Image, In, Key, NodeId, Options, Result, RunOptions, Step, Value,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::values::{key, take_time};

fn open(folder: &Path, memory: u64) -> TieredCache {
    let compression = Compression::Nothing;
    let options = DiskOptions { compression, ..DiskOptions::default() };
    let disk = DiskCache::open(folder, options).unwrap();
    TieredCache::new(MemoryCache::new(memory), disk).unwrap()
}

fn picture(number: u8) -> Value {
    Value::new(image_of::<u8>(&[&[number; 100][..]; 100]))
}

fn origin<'a>(step: &'a str, millis: u64, inputs: &'a [Key]) -> Origin<'a> {
    Origin { step, time: Duration::from_millis(millis), inputs, maker: None, identity: None }
}

#[test]
fn what_is_written_is_there_for_the_next_and_then_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path(), 1 << 20);
    first.put(key(1), &picture(1), origin("blur", 100, &[]));
    assert_eq!(first.get(&key(1)).unwrap().tier, Tier::Memory);
    drop(first);
    let second = open(folder.path(), 1 << 20);
    assert!(second.contains(&key(1)) && !second.contains(&key(2)));
    assert_eq!(second.get(&key(1)).unwrap().tier, Tier::Disk);
    assert_eq!(second.get(&key(1)).unwrap().tier, Tier::Memory);
    assert_eq!(second.disk().stats().saved, Duration::from_millis(100));
    // In memory too it is what it took to make, not what it took to read.
    assert_eq!(second.memory().stats().saved, Duration::from_millis(100));
    assert_eq!(second.memory().entries()[0].time, Duration::from_millis(100));
}

#[test]
fn only_what_takes_longer_to_make_than_to_read_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path(), 1 << 20);
    let quick = Origin { time: Duration::from_micros(1), ..origin("invert", 0, &[]) };
    cache.put(key(1), &picture(1), quick);
    cache.put(key(2), &picture(2), origin("blur", 100, &[]));
    cache.flush();
    assert_eq!(cache.disk().stats().puts, 1);
    assert!(!cache.disk().contains(&key(1)) && cache.disk().contains(&key(2)));
    assert!(cache.contains(&key(1)), "it is in memory");
}

#[test]
fn of_a_slider_that_moves_the_last_position_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path(), 1 << 20).with_delay(Duration::MAX);
    let photo = [key(1)];
    // Another node of the same step that reads the same, and is not touched.
    cache.put(key(300), &picture(3), by(2, "blur", &photo));
    for position in 0..20 {
        let (blurred, sharp) = (key(100 + position), key(200 + position));
        cache.put(blurred, &picture(1), by(0, "blur", &photo));
        cache.put(sharp, &picture(2), by(1, "sharpen", &[blurred]));
    }
    cache.flush();
    let written: Vec<u64> =
        (0..400).filter(|&number| cache.disk().contains(&key(number))).collect();
    assert_eq!(written, [119, 219, 300]);
    assert_eq!(cache.unwritten(), 0);
}

#[test]
fn outputs_and_graphs_do_not_take_the_place_of_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path(), 1 << 20).with_delay(Duration::MAX);
    let photo = [key(1)];
    for (graph, port, number) in [(1, 0, 10), (1, 1, 11), (2, 0, 12), (1, 0, 13)] {
        let maker = Maker { graph, node: NodeId::from_index(0), port };
        let origin = Origin { maker: Some(maker), ..origin("split", 100, &photo) };
        cache.put(key(number), &picture(1), origin);
    }
    cache.flush();
    let written: Vec<u64> = (0..20).filter(|&n| cache.disk().contains(&key(n))).collect();
    assert_eq!(written, [11, 12, 13]);
}

#[test]
fn all_that_waits_is_found_and_written_once() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path(), 1 << 30).with_delay(Duration::MAX);
    let value = Value::new(image_of::<u8>(&[&[7; 10][..]; 10]));
    // Each reads the one before and one that all read.
    for number in 1..5000 {
        let maker = Maker { graph: 1, node: NodeId::from_index(number), port: 0 };
        let inputs = [key(0), key(u64::from(number) - 1)];
        let origin = Origin { maker: Some(maker), ..origin("made", 100, &inputs) };
        cache.put(key(number.into()), &value, origin);
    }
    cache.memory().clear();
    assert!((1..5000).all(|number| cache.get(&key(number)).is_some()));
    assert_eq!(cache.disk().stats().puts, 0);
    // Another value of the first one's parameter: nothing of the chain is to be written.
    let maker = Maker { graph: 1, node: NodeId::from_index(1), port: 0 };
    let inputs = [key(0), key(0)];
    cache.put(key(9000), &value, Origin { maker: Some(maker), ..origin("made", 100, &inputs) });
    cache.flush();
    assert_eq!((cache.disk().stats().puts, cache.unwritten()), (1, 0));
}

fn by<'a>(node: u32, step: &'a str, inputs: &'a [Key]) -> Origin<'a> {
    let maker = Maker { graph: 1, node: NodeId::from_index(node), port: 0 };
    Origin { maker: Some(maker), ..origin(step, 100, inputs) }
}

/// A value without a codec.
#[derive(Debug)]
struct Unwritten;

impl Data for Unwritten {
    const NAME: &'static str = "unwritten";

    fn size_bytes(&self) -> usize {
        100
    }
}

#[test]
fn what_was_made_from_what_is_replaced_is_not_written_where_only_a_name_is() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path(), 1 << 20).with_delay(Duration::MAX);
    let photo = [key(0)];
    let put = |number: u64| {
        let identity = Some(key(100 + number));
        cache.put(
            key(number),
            &Value::new(Unwritten),
            Origin { identity, ..by(1, "count", &photo) },
        );
    };
    put(1);
    cache.put(key(5), &picture(1), by(2, "blur", &[key(1)]));
    put(2);
    cache.flush();
    assert_eq!([1, 2].map(|number| cache.identity(&key(number))), [None, Some(key(102))]);
    assert!(!cache.disk().contains(&key(5)));
}

#[test]
fn what_waited_long_enough_is_written_without_being_asked() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path(), 1 << 20).with_delay(Duration::from_millis(1));
    cache.put(key(1), &picture(1), origin("blur", 100, &[]));
    while cache.disk().stats().puts == 0 {
        std::thread::yield_now();
    }
    assert!(cache.disk().contains(&key(1)));
}

#[test]
fn what_waits_takes_a_quarter_of_the_memory_at_the_most() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path(), 200_000).with_delay(Duration::MAX);
    // Each takes a little more than 10 000 bytes.
    for number in 0..4 {
        cache.put(key(number), &picture(1), origin("blur", 100, &[key(100 + number)]));
    }
    assert_eq!((cache.unwritten(), cache.disk().stats().puts), (0, 0));
    // What waits longest is written at once, or not at all if there is no time for it.
    for number in 4..100 {
        cache.put(key(number), &picture(1), origin("blur", 100, &[key(100 + number)]));
    }
    cache.flush();
    let (puts, unwritten) = (cache.disk().stats().puts, cache.unwritten());
    assert!(puts >= 4 && puts + unwritten == 100, "{puts} and {unwritten}");
    assert!((96..100).all(|number| cache.disk().contains(&key(number))), "what came last");
    let faults = cache.take_faults();
    assert_eq!(
        faults.iter().map(|fault| &*fault.path).collect::<Vec<_>>(),
        match unwritten {
            0 => vec![],
            _ => vec![folder.path()],
        }
    );
    assert_eq!(cache.take_faults(), []);
    // One alone may be larger.
    let large = Value::new(image_of::<u8>(&[&[7; 300][..]; 300]));
    cache.put(key(200), &large, origin("blur", 100, &[key(120)]));
    cache.flush();
    assert!(cache.disk().contains(&key(200)));
}

#[test]
fn while_a_parameter_moves_what_has_no_room_to_wait_goes() {
    let folder = tempfile::tempdir().unwrap();
    // One picture may wait.
    let cache = open(folder.path(), 60_000).with_delay(Duration::MAX);
    let photo = [key(0)];
    let soft = |position: u64| key(100 + position);
    // From the second position on it is known that one follows the other.
    for position in 0..2 {
        cache.put(soft(position), &picture(1), by(1, "blur", &photo));
    }
    for position in 2..50 {
        cache.put(soft(position), &picture(1), by(1, "blur", &photo));
        cache.put(key(200 + position), &picture(2), by(2, "invert", &[soft(position)]));
    }
    assert_eq!(cache.disk().stats().puts, 0);
    cache.flush();
    assert_eq!(cache.disk().stats().puts, 1);
    assert!(cache.disk().contains(&key(249)), "the result that spares making the other");
    assert_eq!((cache.unwritten(), cache.take_faults()), (95, vec![]));
}

/// A value that panics when it is written, or when it goes.
#[derive(Debug)]
struct Bad {
    when_it_goes: bool,
}

impl Data for Bad {
    const NAME: &'static str = "bad";

    fn size_bytes(&self) -> usize {
        100
    }

    fn codec() -> Option<Codec<Self>> {
        let fail = |_: &Samples<u8>| Err(pipeline_core::Error::failed("it is never read"));
        Some(Codec::new(
            1,
            |bad, _| if bad.when_it_goes { Ok(()) } else { panic!("when it is written") },
            fail,
        ))
    }
}

impl Drop for Bad {
    fn drop(&mut self) {
        assert!(!self.when_it_goes, "when it goes");
    }
}

#[test]
fn a_value_that_panics_ends_no_writing() {
    let folder = tempfile::tempdir().unwrap();
    let codecs = Codecs::default().with::<Bad>();
    let options = DiskOptions { codecs, ..DiskOptions::default() };
    let disk = DiskCache::open(folder.path(), options).unwrap();
    // Too small to hold any, so that the last to let one go is the thread that writes.
    let cache = TieredCache::new(MemoryCache::new(10), disk).unwrap();
    for (number, when_it_goes) in [false, true].into_iter().enumerate() {
        let value = Value::new(Bad { when_it_goes });
        cache.put(key(number as u64), &value, origin("made", 100, &[]));
        drop(value);
        cache.flush();
        assert_eq!(cache.take_faults().len(), 1, "{when_it_goes}");
    }
    cache.put(key(9), &picture(1), origin("blur", 100, &[]));
    cache.flush();
    assert!(cache.disk().contains(&key(9)));
}

#[test]
fn items_of_a_batch_do_not_take_the_place_of_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path(), 4 << 20);
    for item in 0..20 {
        // One reads a result, and one the item itself, which has no key.
        cache.put(key(100 + item), &picture(1), by(0, "blur", &[key(item)]));
        cache.put(key(200 + item), &picture(2), origin("blur", 100, &[]));
    }
    drop(cache);
    let cache = open(folder.path(), 4 << 20);
    assert!((0..20).all(|item| [100, 200].iter().all(|from| cache.contains(&key(from + item)))));
}

/// Makes a picture, which takes its time.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Make {}

impl Step for Make {
    const NAME: &'static str = "make";
    type Input = ();
    type Output = Image;

    fn run(&self, (): (), _: &Context<'_>) -> Result<Image> {
        // Longer than it takes to read a picture of these.
        take_time(Duration::from_millis(20));
        Ok(image_of::<u8>(&[&[7; 400][..]; 400]))
    }
}

/// Turns black into white.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Invert {}

impl Step for Invert {
    const NAME: &'static str = "invert";
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, _: &Context<'_>) -> Result<Image> {
        // Longer than it takes to read a picture of these.
        take_time(Duration::from_millis(20));
        let mut image = image.into_owned();
        image.samples_mut::<u8>().into_iter().flatten().for_each(|sample| *sample = 255 - *sample);
        Ok(image)
    }
}

/// Runs the graph with a cache in this directory, as a process of its own would.
fn run(folder: &Path) -> (Vec<String>, Vec<String>) {
    let recorder = Recorder::new();
    let executor = Executor::new(Options {
        cache: Some(Arc::new(open(folder, 4 << 20))),
        observers: vec![Arc::new(recorder.clone())],
        ..Options::default()
    })
    .unwrap();
    let mut graph = Graph::new();
    let made = graph.add("made", Make {}, ());
    let inverted = graph.add("inverted", Invert {}, made);
    let report = executor.run(&graph, &RunOptions::default()).unwrap();
    let output = report.output(inverted).unwrap();
    assert!(output.samples::<u8>().unwrap().iter().all(|&sample| sample == 248));
    recorder.hear_out(report.run());
    let warnings = recorder.take().into_iter().filter_map(|event| match event.kind {
        EventKind::Warning(warning) => Some(format!("{}: {}", warning.code, warning.message)),
        _ => None,
    });
    let computed = report.nodes_that(Status::Computed);
    (computed.iter().map(ToString::to_string).collect(), warnings.collect())
}

#[test]
fn a_second_program_is_served_from_disk_and_told_of_what_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(folder.path()), (vec!["made".to_owned(), "inverted".to_owned()], vec![]));
    assert_eq!(run(folder.path()), (vec![], vec![]));

    for entry in std::fs::read_dir(folder.path().join("blobs")).unwrap() {
        for file in std::fs::read_dir(entry.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            std::fs::remove_file(&path).unwrap();
            std::fs::write(path, "damaged").unwrap();
        }
    }
    let (computed, warnings) = run(folder.path());
    assert_eq!(computed, ["made", "inverted"]);
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    let place = folder.path().join("blobs").display().to_string();
    for warning in warnings {
        assert!(warning.starts_with("cache_fault: ") && warning.contains(&place), "{warning}");
    }
    assert_eq!(run(folder.path()), (vec![], vec![]));
}

#[test]
fn what_is_purged_goes_from_both_tiers_and_is_not_written_later() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path(), 1 << 20).with_delay(Duration::from_secs(3600));
    for number in 0..6 {
        let step = if number < 3 { "blur" } else { "sharpen" };
        cache.put(key(number.into()), &picture(number), origin(step, 100, &[]));
        if number % 3 == 0 {
            cache.flush();
        }
    }
    // On disk are 0 and all up to 3; 4 and 5 wait.
    assert!(cache.purge(&key(0)).unwrap() && cache.purge(&key(4)).unwrap());
    assert!(!cache.purge(&key(0)).unwrap() && !cache.purge(&key(9)).unwrap());
    cache.purge_step("blur").unwrap();
    let there: Vec<u64> = (0..6).filter(|&number| cache.contains(&key(number))).collect();
    assert_eq!(there, [3, 5]);
    cache.clear().unwrap();
    assert!((0..6).all(|number| !cache.contains(&key(number))));
    drop(cache);
    assert_eq!(open(folder.path(), 1 << 20).disk().entries(), []);
}

#[test]
fn what_waits_is_found_and_few_of_it_is_kept_from_others() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path(), 1 << 20).with_delay(Duration::from_secs(3600));
    let other = DiskCache::open(folder.path(), DiskOptions::default()).unwrap();
    // With files of their own, most of them.
    let key = |number: u64| KeyHasher::result().number(number).finish();
    let small = |number: u64| {
        let [low, ..] = number.to_le_bytes();
        Value::new(image_of::<u8>(&[&[low; 4]]))
    };
    for number in 0..300 {
        let claim = cache.claim(&key(number), 0);
        assert!(matches!(claim, Claim::Mine(_)));
        cache.put(key(number), &small(number), origin("blur", 100, &[]));
        drop(claim);
        assert!(cache.contains(&key(number)));
        assert!(matches!(cache.claim(&key(number), 0), Claim::Made));
    }
    let kept = |number: &u64| matches!(other.claim(&key(*number), 0), Claim::Elsewhere);
    let kept = (0..300).filter(kept).count();
    // Some share a file with one that is kept.
    assert!((1..=80).contains(&kept), "{kept}");
    cache.memory().clear();
    assert!((0..300).all(|number| cache.get(&key(number)).is_some()), "what waits is here");
    cache.flush();
    let is_there = |number| matches!(other.claim(&key(number), 0), Claim::Made);
    assert!((0..300).all(|number| cache.get(&key(number)).is_some() && is_there(number)));
}
