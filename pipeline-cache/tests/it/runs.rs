//! What the statistics of a cache tell of the runs that it served.

use std::sync::Arc;

use pipeline_cache::{MemoryCache, Stats};
use pipeline_core::step::CutOff;
use pipeline_core::testkit::CountingCache;
use pipeline_core::{Context, Data, Executor, Graph, In, Options, Result, RunOptions, Spec, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A number.
#[derive(Debug)]
struct Number(u32);

impl Data for Number {
    const NAME: &'static str = "number";

    fn size_bytes(&self) -> usize {
        size_of::<Self>()
    }
}

/// Adds its inputs and a number.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Add {
    number: u32,
    /// Whether those below go by the content of the sum.
    digest: bool,
}

impl Step for Add {
    const NAME: &'static str = "add";
    type Input = Vec<In<Number>>;
    type Output = Number;

    fn run(&self, inputs: Vec<In<Number>>, _: &Context<'_>) -> Result<Number> {
        Ok(Number(inputs.iter().map(|input| input.0).sum::<u32>() + self.number))
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(if self.digest { CutOff::Always } else { CutOff::Never })
    }
}

/// The statistics after one run of the graph, and after another.
fn cold_and_warm(graph: &Graph) -> [Stats; 2] {
    let cache = Arc::new(MemoryCache::new(1 << 20));
    let counting = Arc::new(CountingCache::over(Arc::<MemoryCache>::clone(&cache)));
    let executor = Executor::new(Options {
        threads: Some(2),
        cache: Some(Arc::<CountingCache>::clone(&counting)),
        ..Options::default()
    })
    .unwrap();
    let stats = [(); 2].map(|()| {
        executor.run(graph, &RunOptions::default()).unwrap().ok().unwrap();
        cache.stats()
    });
    assert_eq!(counting.gets() as u64, stats[1].hits + stats[1].misses);
    stats
}

#[test]
fn a_step_that_is_computed_is_missed_once() {
    let mut graph = Graph::new();
    for number in 0..10 {
        graph.add(format!("add{number}"), Add { number, digest: false }, vec![]);
    }
    let [cold, warm] = cold_and_warm(&graph);
    assert_eq!((cold.hits, cold.misses, cold.inserts), (0, 10, 10));
    assert_eq!((warm.hits, warm.misses, warm.inserts), (10, 10, 10));
    assert!((warm.hit_rate() - 0.5).abs() < 1e-12, "half of all look-ups were hits");
}

#[test]
fn what_stands_above_a_hit_is_not_asked_for() {
    let mut graph = Graph::new();
    let mut last = graph.add("top", Add { number: 1, digest: false }, vec![]);
    for number in 2..=5 {
        last = graph.add(format!("add{number}"), Add { number, digest: false }, vec![last]);
    }
    let [cold, warm] = cold_and_warm(&graph);
    assert_eq!((cold.hits, cold.misses), (0, 5));
    assert_eq!((warm.hits, warm.misses), (1, 5));
}

#[test]
fn a_result_whose_key_comes_to_light_in_the_run_is_missed_once_too() {
    let mut graph = Graph::new();
    let top = graph.add("top", Add { number: 1, digest: true }, vec![]);
    graph.add("below", Add { number: 2, digest: false }, vec![top]);
    let [cold, warm] = cold_and_warm(&graph);
    assert_eq!((cold.hits, cold.misses), (0, 2));
    assert_eq!((warm.hits, warm.misses), (1, 2));
}
