//! What the engine adds to steps that do nothing, and to steps that compute.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pipeline_core::testkit::Drain;
use pipeline_core::{Context, Event, Executor, Graph, Options, Plan, Result, RunOptions, Step};
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::cpu_of;
use crate::figure::{Figure, Samples, nanos, ratio};
use crate::graphs::{Build, SHAPES};
use crate::work::{rounds_of, spin};

/// Steps of each graph.
pub const STEPS: u32 = 10_000;

/// An executor and a plan that it has run before.
#[derive(Debug)]
pub struct Warm {
    executor: Executor,
    plan: Plan,
    options: RunOptions,
    watched: RunOptions,
    heard: Arc<AtomicUsize>,
}

impl Warm {
    /// Plans a graph after it has run once, so that the time its steps take is known.
    #[must_use]
    pub fn new(graph: &Graph, threads: usize) -> Self {
        let options = Options { threads: Some(threads), ..Options::default() };
        let executor = Executor::new(options).expect("the threads start");
        let options = RunOptions::default();
        executor.run(graph, &options).expect("the graph is sound");
        // A graph with a history of its own is planned anew, with what is known now.
        let plan = executor.plan(&graph.clone(), &options).expect("the graph is sound");
        let heard = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&heard);
        let count = move |_: &Event| _ = counter.fetch_add(1, Ordering::Relaxed);
        let watched = RunOptions { observers: vec![Arc::new(count)], ..RunOptions::default() };
        let warm = Self { executor, plan, options, watched, heard };
        warm.run();
        warm
    }

    /// Runs the plan on this thread and the workers, with everything on: token, panic guard, clock,
    /// counts of readers, and events, which nobody listens to.
    pub fn run(&self) {
        let report = self
            .executor
            .run_plan(self.plan.clone(), &self.options)
            .expect("no resource is limited");
        report.ok().expect("steps that do nothing do not fail");
    }

    /// Runs the plan as [`run`](Self::run) does, while an observer counts its events.
    pub fn run_watched(&self) {
        let report = self
            .executor
            .run_plan(self.plan.clone(), &self.watched)
            .expect("no resource is limited");
        report.ok().expect("steps that do nothing do not fail");
    }

    /// How many events the observer has heard so far.
    #[must_use]
    pub fn heard(&self) -> usize {
        self.heard.load(Ordering::Relaxed)
    }

    /// The scheduler of the plan alone.
    #[must_use]
    pub fn scheduler(&self) -> Drain {
        Drain::new(&self.plan, self.executor.threads()).expect("the threads start")
    }
}

/// Does arithmetic of a known length; reads nothing.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Compute {
    /// Tells equal steps apart.
    pub tag: u32,
    /// How much arithmetic.
    pub rounds: u64,
}

impl Step for Compute {
    const NAME: &'static str = "compute";
    type Input = ();
    type Output = ();

    fn run(&self, (): (), _: &Context<'_>) -> Result<()> {
        spin(self.rounds);
        Ok(())
    }
}

/// The lengths of steps that are compared with a plain loop: name, length, number of steps, and by
/// how much the loop may be faster.
pub const LENGTHS: [(&str, Duration, u32, f64); 3] = [
    ("1us", Duration::from_micros(1), 10_000, 1.10),
    ("10us", Duration::from_micros(10), 2_000, 1.02),
    ("100us", Duration::from_micros(100), 400, 1.005),
];

/// The same work as independent steps and as a plain parallel loop.
#[derive(Debug)]
pub struct VersusLoop {
    warm: Warm,
    pool: ThreadPool,
    rounds: u64,
    count: u32,
}

impl VersusLoop {
    /// `count` pieces of work of this length, on two threads.
    #[must_use]
    pub fn new(length: Duration, count: u32) -> Self {
        let rounds = rounds_of(length);
        let mut graph = Graph::new();
        for tag in 0..count {
            graph.add(format!("s{tag}"), Compute { tag, rounds }, ());
        }
        let pool = ThreadPoolBuilder::new().num_threads(2).build().expect("the threads start");
        Self { warm: Warm::new(&graph, 2), pool, rounds, count }
    }

    /// All of it as steps of a graph.
    pub fn steps(&self) {
        self.warm.run();
    }

    /// All of it as a plain loop.
    pub fn plain(&self) {
        self.pool.install(|| (0..self.count).into_par_iter().for_each(|_| spin(self.rounds)));
    }
}

/// The figures of this question; `allocations` counts the heap allocations of what it is given: a
/// handful per run, for whatever number of steps, and none in a step.
pub fn figures(allocations: &dyn Fn(&dyn Fn()) -> usize) -> Vec<Figure> {
    let mut figures = Vec::new();
    let peers = ["Taskflow 26", "Taskflow 34", "Taskflow 38", "Taskflow 66"];
    let alone = [8.0, 35.0, 50.0, 35.0];
    for (at, (shape, build)) in SHAPES.into_iter().enumerate() {
        let id = format!("overhead/{shape}/{STEPS}");
        for threads in [1, 2] {
            let suffix = if threads == 1 { "" } else { "/2_threads" };
            figures.extend(of_shape(
                &format!("{id}{suffix}"),
                build,
                threads,
                alone[at],
                peers[at],
            ));
        }
        let warm = Warm::new(&build(STEPS), 1);
        let count = allocations(&|| warm.run());
        #[expect(clippy::cast_precision_loss, reason = "counts of allocations are small")]
        let each = count as f64 / f64::from(STEPS);
        figures.push(Figure::new(format!("{id}/allocations"), each, "per step").reach(0.005));
    }
    for (name, length, count, most) in LENGTHS {
        let versus = VersusLoop::new(length, count);
        let one = || (cpu_of(|| versus.steps()), cpu_of(|| versus.plain()));
        let mut ratios: Vec<f64> =
            (0..31).map(|_| one()).map(|(steps, plain)| ratio(steps, plain)).collect();
        ratios.sort_by(f64::total_cmp);
        let id = format!("overhead/vs_loop/{name}");
        figures.push(Figure::new(id, ratios[ratios.len() / 2], "× loop, CPU").reach(most));
    }
    figures
}

/// Events of a step that an observer hears: queued, started, finished.
const EVENTS_PER_STEP: f64 = 3.0;

fn of_shape(id: &str, build: Build, threads: usize, alone: f64, peer: &'static str) -> [Figure; 3] {
    const ROUNDS: usize = 31;
    let warm = Warm::new(&build(STEPS), threads);
    let each = |time: Duration| nanos(time) / f64::from(STEPS);
    let watched = Samples::take(ROUNDS, || cpu_of(|| warm.run_watched()));
    let quiet = Samples::take(ROUNDS, || cpu_of(|| warm.run()));
    let drain = warm.scheduler();
    let scheduler = Samples::take(ROUNDS, || {
        cpu_of(|| assert_eq!(drain.once(), warm.plan.len(), "every place once"))
    });
    [
        Figure::new(id, each(quiet.median()), "ns CPU/step").reach(100.0).peer("Rust ≥ 2 000"),
        Figure::new(format!("{id}/observed"), each(watched.median()), "ns CPU/step")
            .reach(100.0 + EVENTS_PER_STEP * 100.0),
        Figure::new(format!("{id}/scheduler"), each(scheduler.median()), "ns CPU/step")
            .reach(alone)
            .peer(peer),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_running_passes_every_step() {
        for (_, build) in SHAPES {
            let warm = Warm::new(&build(64), 2);
            warm.run();
            warm.run_watched();
            assert!(warm.heard() > warm.plan.len(), "each step ends, and so does the run");
            assert_eq!(warm.scheduler().once(), warm.plan.len());
        }
    }
}
