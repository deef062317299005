//! What several programs share a directory for: no result is made by two of them.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use pipeline_cache::{Codecs, DiskCache, DiskOptions, MemoryCache, TieredCache};
use pipeline_core::cache::{Cache, Claim};
use pipeline_core::testkit::image_of;
use pipeline_core::{Context, Executor, Graph, Image, In, Options, Result, RunOptions, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

static MADE: AtomicUsize = AtomicUsize::new(0);

/// Adds a number to each sample, and takes its time.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Late {
    number: u8,
    /// Tells results of one test from those of another.
    salt: u8,
}

impl Step for Late {
    const NAME: &'static str = "late";
    type Input = Vec<In<Image>>;
    type Output = Image;

    fn run(&self, inputs: Vec<In<Image>>, ctx: &Context<'_>) -> Result<Image> {
        let until = Instant::now() + Duration::from_millis(20);
        while Instant::now() < until {
            ctx.check()?;
            std::thread::yield_now();
        }
        MADE.fetch_add(1, Ordering::Relaxed);
        let mut image = image_of::<u8>(&[&[self.number, self.salt]]);
        for input in inputs {
            let sum = image.samples_mut::<u8>().into_iter().flatten();
            let more = input.samples::<u8>().into_iter().flatten();
            sum.zip(more).for_each(|(sum, &more)| *sum = sum.wrapping_add(more));
        }
        Ok(image)
    }
}

/// Two chains that meet.
fn graph(salt: u8) -> Graph {
    let mut graph = Graph::new();
    let mut ends = Vec::new();
    for chain in 0..2 {
        let mut last = graph.add(format!("{chain} 0"), Late { number: chain, salt }, vec![]);
        for at in 1..4 {
            let step = Late { number: 10 * chain + at, salt };
            last = graph.add(format!("{chain} {at}"), step, vec![last]);
        }
        ends.push(last);
    }
    graph.add("end", Late { number: 99, salt }, ends);
    graph
}

fn executor(cache: impl Cache + 'static) -> Executor {
    checking(cache, 0.0)
}

/// One that makes a share of what it finds all the same.
fn checking(cache: impl Cache + 'static, self_check: f64) -> Executor {
    let (threads, cache) = (Some(2), Some(Arc::new(cache) as Arc<dyn Cache>));
    Executor::new(Options { threads, cache, self_check, ..Options::default() }).unwrap()
}

fn disk(folder: &Path) -> DiskCache {
    DiskCache::open(folder, DiskOptions::default()).unwrap()
}

/// Runs a graph in three programs at once, each with a cache of its own on one directory, and says
/// how many steps were run.
fn run_in_three(salt: u8, executor: impl Fn() -> Executor) -> usize {
    let before = MADE.load(Ordering::Relaxed);
    let graph = graph(salt);
    let start = Barrier::new(3);
    let executors = [(); 3].map(|()| executor());
    let run = |executor: &Executor| {
        start.wait();
        let report = executor.run(&graph, &RunOptions::default()).unwrap();
        report.ok().unwrap();
        let end = graph.find("end").unwrap();
        report.value(end, 0).unwrap().downcast_ref::<Image>().cloned()
    };
    let ends = std::thread::scope(|scope| {
        let threads = executors.each_ref().map(|own| scope.spawn(|| run(own)));
        threads.map(|thread| thread.join().unwrap())
    });
    assert!(ends[0].is_some() && ends.iter().all(|end| *end == ends[0]), "{ends:?}");
    MADE.load(Ordering::Relaxed) - before
}

#[test]
fn programs_that_share_a_directory_make_each_result_once() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run_in_three(1, || executor(disk(folder.path()))), 9, "each step once");
    let folder = tempfile::tempdir().unwrap();
    // What waits to be written is kept from others until it is.
    let tiers = || {
        let memory = MemoryCache::new(1 << 20);
        let cache = TieredCache::new(memory, disk(folder.path())).unwrap();
        // What others wait for does not wait so long.
        cache.with_delay(Duration::from_mins(9))
    };
    assert_eq!(run_in_three(2, || executor(tiers())), 9, "each step once");
    // Those who check make what is there all the same.
    assert_eq!(run_in_three(2, || checking(tiers(), 1.0)), 27, "each step in each program");
    let folder = tempfile::tempdir().unwrap();
    let made = run_in_three(4, || checking(disk(folder.path()), 1.0));
    assert!((9..=27).contains(&made), "{made}");
    a_run_that_waits_for_another_program_can_be_cancelled();
}

/// Part of the test above: it makes results too.
fn a_run_that_waits_for_another_program_can_be_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let (own, other) = (executor(disk(folder.path())), disk(folder.path()));
    let mut graph = Graph::new();
    let late = graph.add("late", Late { number: 1, salt: 3 }, vec![]);
    let plan = own.plan(&graph, &RunOptions::default()).unwrap();
    let key = plan.key(late.id()).unwrap().port(0);
    let claim = other.claim(&key, 0);
    assert!(matches!(claim, Claim::Mine(_)));
    let run = own.spawn(&graph, &RunOptions::default()).unwrap();
    assert!(run.wait_for(Duration::from_millis(100)).is_none(), "another one makes it");
    run.cancel();
    let cancelled = run.wait().ok().unwrap_err();
    assert!(cancelled.to_string().contains("cancelled"), "{cancelled}");
    // The other one ends without it, as a program that is killed.
    let run = own.spawn(&graph, &RunOptions::default()).unwrap();
    assert!(run.wait_for(Duration::from_millis(50)).is_none());
    drop(claim);
    run.wait().ok().unwrap();
    assert!(matches!(other.claim(&key, 0), Claim::Made));
}

/// Makes an image of one pixel, and is counted by nobody.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Pixel {}

impl Step for Pixel {
    const NAME: &'static str = "pixel";
    type Input = ();
    type Output = Image;

    fn run(&self, (): (), _: &Context<'_>) -> Result<Image> {
        Ok(image_of::<u8>(&[&[7]]))
    }
}

#[test]
fn results_that_are_not_kept_are_not_claimed() {
    let mut graph = Graph::new();
    graph.add("pixel", Pixel {}, ());
    for (codecs, expected) in [(Codecs::default(), 1), (Codecs::none(), 0)] {
        let folder = tempfile::tempdir().unwrap();
        let options = DiskOptions { codecs, ..DiskOptions::default() };
        let cache: Arc<dyn Cache> = Arc::new(DiskCache::open(folder.path(), options).unwrap());
        let executor = Executor::new(Options { cache: Some(cache), ..Options::default() }).unwrap();
        executor.run(&graph, &RunOptions::default()).unwrap().ok().unwrap();
        let claims = std::fs::read_dir(folder.path().join("claims"));
        assert_eq!(claims.map_or(0, Iterator::count), expected);
    }
}
