//! What a run takes longer because its results are written to a disk behind it.

use std::sync::Arc;
use std::time::Duration;

use pipeline_cache::{DiskCache, DiskOptions, MemoryCache, TieredCache};
use pipeline_core::cache::Cache;
use pipeline_core::{Bindings, Executor, Graph, Image, Options, RunOptions};
use pipeline_ops::filter::{Bilateral, LocalStd, UnsharpMask};
use pipeline_ops::point::Gain;
use pipeline_ops::rank::Median;

use crate::clock::wall_of;
use crate::figure::{Figure, Samples, ratio};
use crate::pictures::photo;

/// How often runs with a disk and without take turns.
const TURNS: u16 = 9;

/// How many pictures in a row are a batch.
const BATCH: u16 = 4;

/// Bytes that the memory may hold.
const MEMORY: u64 = 1 << 30;

/// All figures.
///
/// # Panics
/// If a step fails, or there is no room for a cache.
#[must_use]
pub fn figures() -> Vec<Figure> {
    let picture = photo(3000, 2000).expect("a picture");
    let folder = tempfile::tempdir().expect("a folder");
    let disk = DiskCache::open(folder.path(), DiskOptions::default()).expect("a folder of ours");
    let tiered = TieredCache::new(MemoryCache::new(MEMORY), disk).expect("a thread");
    let tiered = Arc::new(tiered);
    let with = executor(Arc::<TieredCache>::clone(&tiered));
    let without = executor(Arc::new(MemoryCache::new(MEMORY)));

    let mut number = 0;
    let mut next = || {
        number += 1;
        number
    };
    let (mut one, mut many) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for turn in 0..=TURNS {
        for (executor, at) in [(&with, 0), (&without, 1)] {
            let (first, batch) = (next(), [(); BATCH as usize].map(|()| next()));
            let time = wall_of(|| run(executor, &picture, first));
            tiered.flush();
            let batch =
                wall_of(|| batch.iter().for_each(|&number| run(executor, &picture, number)));
            tiered.flush();
            // The first turn makes what the others have at hand; a batch takes its time.
            if turn > 0 {
                one[at].push(time);
            }
            if turn > 0 && turn <= 3 {
                many[at].push(batch);
            }
        }
    }
    let share = |times: [Vec<Duration>; 2]| {
        let [with, without] = times.map(|times| Samples::of(times).median());
        ratio(with, without)
    };
    assert!(tiered.disk().stats().puts > 0, "nothing was written");
    assert_eq!(tiered.unwritten(), 0, "not all was written");
    vec![
        Figure::new("write_behind", share(one), "× without a disk").reach(1.02),
        Figure::new("write_behind/batch", share(many), "× without a disk").reach(1.02),
    ]
}

fn executor(cache: Arc<dyn Cache>) -> Executor {
    Executor::new(Options { cache: Some(cache), ..Options::default() }).expect("a pool")
}

/// Five steps on a picture that no run has seen, whose results are all asked for: some take long
/// enough to be written.
fn run(executor: &Executor, picture: &Image, number: u16) {
    let mut graph = Graph::new();
    let input = graph.input::<Image>("picture");
    let gain = graph.add("gain", Gain { factor: 1.0 + f32::from(number) / 1e4 }, input);
    let soft = graph.add("soft", Bilateral::default(), gain);
    let quiet = graph.add("quiet", Median { radius: 4, ..Median::default() }, soft);
    let sharp = graph.add("sharp", UnsharpMask::default(), quiet);
    let spread = graph.add("spread", LocalStd { radius: 3, ..LocalStd::default() }, sharp);
    for node in [gain, soft, quiet, sharp, spread] {
        graph.target(node);
    }
    let bindings = Bindings::new().with("picture", picture.clone());
    let options = RunOptions { bindings, ..RunOptions::default() };
    executor.run(&graph, &options).expect("a run").ok().expect("no failure");
}
