//! What a program knows after a restart without looking at what it has on disk.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pipeline_cache::{Codecs, DiskCache, DiskOptions, MemoryCache, TieredCache};
use pipeline_core::cache::Cache;
use pipeline_core::data::{Codec, Data};
use pipeline_core::event::Status;
use pipeline_core::step::CutOff;
use pipeline_core::{
    Context, Error, Executor, Graph, Image, In, Node, Options, Result, RunOptions, Spec, Step,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::values::take_time;

/// How often a number was encoded or decoded: whoever looks at what is kept does one or the other.
static LOOKED_AT: AtomicUsize = AtomicUsize::new(0);

/// Held by a test that has numbers.
static ALONE: Mutex<()> = Mutex::new(());

#[derive(Debug, PartialEq)]
struct Number(u8);

impl Data for Number {
    const NAME: &'static str = "looked at";

    fn size_bytes(&self) -> usize {
        1
    }

    fn codec() -> Option<Codec<Self>> {
        Some(Codec::new(
            1,
            |number, out| {
                LOOKED_AT.fetch_add(1, Ordering::Relaxed);
                out.write_all(&[number.0])
            },
            |bytes| {
                LOOKED_AT.fetch_add(1, Ordering::Relaxed);
                let number = bytes.first().ok_or_else(|| Error::failed("nothing"))?;
                Ok(Self(*number))
            },
        ))
    }
}

/// Whether the sum of its inputs and a number is above ten, which is often the same.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Above {
    number: u8,
    name: String,
}

impl Step for Above {
    const NAME: &'static str = "above";
    type Input = Vec<In<Number>>;
    type Output = Number;

    fn run(&self, inputs: Vec<In<Number>>, _: &Context<'_>) -> Result<Number> {
        take_time(LONG);
        let sum = inputs.iter().fold(self.number, |sum, input| sum + input.0);
        Ok(Number(u8::from(sum > 10)))
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}

/// Long enough to be worth a file.
const LONG: Duration = Duration::from_millis(2);

fn executor(folder: &Path, has_memory: bool) -> Executor {
    let codecs = Codecs::default().with::<Number>();
    let disk = DiskCache::open(folder, DiskOptions { codecs, ..DiskOptions::default() }).unwrap();
    let cache: Arc<dyn Cache> = if has_memory {
        Arc::new(TieredCache::new(MemoryCache::new(1 << 20), disk).unwrap())
    } else {
        Arc::new(disk)
    };
    Executor::new(Options { threads: Some(1), cache: Some(cache), ..Options::default() }).unwrap()
}

fn graph(number: u8) -> (Graph, Node<Number>) {
    let mut graph = Graph::new();
    let top = graph.add("top", Above { number, name: "top".into() }, vec![]);
    let middle = graph.add("middle", Above { number: 1, name: "middle".into() }, vec![top]);
    let end = graph.add("end", Above { number: 10, name: "end".into() }, vec![middle]);
    graph.target(end);
    (graph, end)
}

#[test]
fn what_content_decides_is_known_after_a_restart_without_a_look_at_it() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for has_memory in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let run = |number: u8| {
            let before = LOOKED_AT.load(Ordering::Relaxed);
            let (graph, end) = graph(number);
            let executor = executor(folder.path(), has_memory);
            let report = executor.run(&graph, &RunOptions::default()).unwrap();
            report.ok().unwrap();
            assert_eq!(*report.output(end).unwrap(), Number(0));
            let looked_at = LOOKED_AT.load(Ordering::Relaxed) - before;
            let computed = report.nodes_that(Status::Computed);
            let computed: Vec<String> = computed.iter().map(ToString::to_string).collect();
            // What waits is written before the next program comes.
            drop(executor);
            (computed, looked_at)
        };
        let (computed, _) = run(5);
        assert_eq!(computed, ["top", "middle", "end"]);
        // Only the result that is asked for is read.
        assert_eq!(run(5), (vec![], 1));
        // Another number gives the same answer, by which the rest is found.
        let (computed, looked_at) = run(6);
        assert_eq!(computed, ["top"]);
        // The top is digested, and written unless it waits; the others are read.
        assert_eq!(looked_at, 4 - usize::from(has_memory));
        assert_eq!(run(6), (vec![], 1));
    }
}

/// Whether a number is odd, as a type that the cache here does not take.
#[derive(Debug)]
struct Mark(u8);

impl Data for Mark {
    const NAME: &'static str = "mark";

    fn size_bytes(&self) -> usize {
        1
    }

    fn codec() -> Option<Codec<Self>> {
        let read = |_: &pipeline_core::data::Samples<u8>| Err(Error::failed("it is never read"));
        Some(Codec::new(1, |mark, out| out.write_all(&[mark.0]), read))
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Odd {
    /// Whether its content decides only where that pays.
    pays: bool,
}

impl Step for Odd {
    const NAME: &'static str = "odd";
    type Input = In<Number>;
    type Output = Mark;

    fn run(&self, number: In<Number>, _: &Context<'_>) -> Result<Mark> {
        take_time(LONG);
        Ok(Mark(number.0 % 2))
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(if self.pays { CutOff::Auto } else { CutOff::Always })
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Counted {}

impl Step for Counted {
    const NAME: &'static str = "counted";
    type Input = In<Mark>;
    type Output = Number;

    fn run(&self, mark: In<Mark>, _: &Context<'_>) -> Result<Number> {
        take_time(LONG);
        Ok(Number(mark.0))
    }
}

/// The nodes of a count of what is not written that this executor runs.
fn counted(executor: &Executor, number: u8, pays: bool) -> Vec<String> {
    let mut graph = Graph::new();
    let top = graph.add("top", Above { number, name: "top".into() }, vec![]);
    let odd = graph.add("odd", Odd { pays }, top);
    let end = graph.add("end", Counted {}, odd);
    graph.target(end);
    let report = executor.run(&graph, &RunOptions::default()).unwrap();
    report.ok().unwrap();
    report.nodes_that(Status::Computed).iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_not_written_is_known_by_its_content_after_a_restart() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for has_memory in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let run = |number| counted(&executor(folder.path(), has_memory), number, false);
        assert_eq!(run(1), ["top", "odd", "end"]);
        assert_eq!(run(1), [""; 0]);
        // Another number gives the same answer, and what is not written has to be made again.
        assert_eq!(run(2), ["top", "odd"]);
    }
}

#[test]
fn what_is_not_written_has_its_name_whatever_a_process_has_learned_of_times() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for has_memory in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let executor = || executor(folder.path(), has_memory);
        assert_eq!(counted(&executor(), 1, true), ["top", "odd", "end"]);
        let after = executor();
        // It learns that a digest of such a mark would pay.
        assert_eq!(counted(&after, 20, true), ["top", "odd", "end"]);
        assert_eq!(counted(&after, 1, true), [""; 0]);
    }
}

/// The length of a file, as a sample.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Length {
    path: PathBuf,
}

impl Step for Length {
    const NAME: &'static str = "length";
    type Input = ();
    type Output = Image;

    fn run(&self, (): (), _: &Context<'_>) -> Result<Image> {
        let file = std::fs::read(&self.path).map_err(|error| Error::failed(error.to_string()))?;
        Image::from_samples(1, 1, 1, vec![u8::try_from(file.len()).unwrap_or(u8::MAX)])
    }

    fn spec(&self) -> Spec {
        Spec::default().reads(&self.path)
    }
}

#[test]
fn a_file_that_has_not_changed_is_not_read_after_a_restart() {
    let (folder, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = folder.path().join("file");
    std::fs::write(&path, b"seven b").unwrap();
    let mut graph = Graph::new();
    graph.add("length", Length { path }, ());
    let run = |has_memory| {
        let executor = executor(kept.path(), has_memory);
        executor.run(&graph, &RunOptions::default()).unwrap().nodes_that(Status::Computed).len()
    };
    let disk = || DiskCache::open(kept.path(), DiskOptions::default()).unwrap();
    let files = || {
        let entries = disk().entries().into_iter().filter(|entry| &*entry.step == "file");
        entries.map(|entry| entry.key).collect::<Vec<_>>()
    };
    assert_eq!(run(false), 1);
    // What has just changed may change again unseen; after some seconds it is remembered.
    let until = Instant::now() + Duration::from_secs(30);
    while files().is_empty() && Instant::now() < until {
        assert_eq!(run(false), 0);
    }
    let names = files();
    assert_eq!(names.len(), 1);
    // Another content is remembered of it: whoever reads the file does not find that.
    let disk = disk();
    disk.remember(names[0], names[0], Duration::from_secs(1));
    drop(disk);
    assert_eq!([run(false), run(true)], [1, 0]);
}
