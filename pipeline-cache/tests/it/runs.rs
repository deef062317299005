//! What the statistics of a cache tell of the runs that it served, and what several executors on
//! one make of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use pipeline_cache::{MemoryCache, Stats};
use pipeline_core::cache::{Cache, Claim, Evicted, Hit, Origin};
use pipeline_core::event::Status;
use pipeline_core::step::CutOff;
use pipeline_core::testkit::CountingCache;
use pipeline_core::{
    Context, Data, Executor, Graph, In, Key, Options, Result, RunOptions, Services, Spec, Step,
    Value,
};
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

#[test]
fn the_result_of_a_node_is_thrown_out_by_the_key_that_a_plan_tells() {
    let cache = Arc::new(MemoryCache::new(1 << 20));
    let options = Options { cache: Some(Arc::<MemoryCache>::clone(&cache)), ..Options::default() };
    let executor = Executor::new(options).unwrap();
    let mut graph = Graph::new();
    let nodes: Vec<_> = (0..3)
        .map(|number| graph.add(format!("add{number}"), Add { number, digest: false }, vec![]))
        .collect();
    let run = RunOptions::default();
    executor.run(&graph, &run).unwrap().ok().unwrap();
    let key = executor.plan(&graph, &run).unwrap().key(nodes[1].id()).unwrap();
    assert!(cache.entries().iter().any(|entry| entry.key == key && *entry.step == *"add"));
    assert!(cache.purge(&key));
    let report = executor.run(&graph, &run).unwrap();
    assert_eq!(report.nodes_that(Status::Computed), ["add1"]);
}

/// A cache in memory that says when somebody is told to wait.
#[derive(Debug)]
struct Waited(MemoryCache, AtomicBool);

impl Cache for Waited {
    fn get(&self, key: &Key) -> Option<Hit> {
        self.0.get(key)
    }

    fn put(&self, key: Key, value: &Value, origin: Origin<'_>) -> Vec<Evicted> {
        self.0.put(key, value, origin)
    }

    fn contains(&self, key: &Key) -> bool {
        self.0.contains(key)
    }

    fn claim(&self, key: &Key, bytes: u64) -> Claim {
        let claim = self.0.claim(key, bytes);
        self.1.fetch_or(matches!(claim, Claim::Elsewhere), Ordering::SeqCst);
        claim
    }
}

/// Runs until somebody waits for it, and counts how often it does.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Slow {}

struct Times {
    cache: Arc<Waited>,
    ran: AtomicUsize,
}

impl Step for Slow {
    const NAME: &'static str = "slow";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), context: &Context<'_>) -> Result<Number> {
        let times: &Arc<Times> = context.service()?;
        times.ran.fetch_add(1, Ordering::SeqCst);
        while !times.cache.1.load(Ordering::SeqCst) {
            context.check()?;
            std::thread::yield_now();
        }
        Ok(Number(7))
    }
}

#[test]
fn of_two_executors_on_one_cache_one_makes_a_result() {
    let cache = Arc::new(Waited(MemoryCache::new(1 << 20), AtomicBool::new(false)));
    let times = Arc::new(Times { cache: Arc::clone(&cache), ran: AtomicUsize::new(0) });
    let mut graph = Graph::new();
    graph.add("slow", Slow {}, ());
    let run = || {
        let executor = Executor::new(Options {
            cache: Some(Arc::<Waited>::clone(&cache)),
            services: Services::new().with(Arc::clone(&times)),
            ..Options::default()
        });
        let report = executor.unwrap().run(&graph, &RunOptions::default());
        report.unwrap().nodes_that(Status::Computed).len()
    };
    let computed = std::thread::scope(|scope| {
        [(); 2].map(|()| scope.spawn(run)).map(|run| run.join().unwrap())
    });
    assert_eq!((computed.iter().sum(), times.ran.load(Ordering::SeqCst)), (1, 1));
}
