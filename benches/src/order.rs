//! Whether the order of steps keeps all workers busy, and memory within its budget.
//!
//! The steps sleep, so that eight workers fit on any machine; only their order is measured.

use std::thread;
use std::time::Duration;

use pipeline_core::data::{Data, In};
use pipeline_core::{
    Context, Executor, Graph, Node, Options, Plan, Result, RunOptions, Spec, Step,
};
use rayon::{ThreadPool, ThreadPoolBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::wall_of;
use crate::figure::{Figure, Samples, ratio};
use crate::work::Random;

/// Workers of every executor and pool here.
const WORKERS: usize = 8;

/// Stands for a picture of this size; holds no pixels.
#[derive(Debug, Clone)]
pub struct Pretended(u64);

impl Data for Pretended {
    const NAME: &'static str = "pretended";

    fn size_bytes(&self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// Begins: sleeps and gives a pretended picture.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Decode {
    /// Tells equal steps apart.
    pub tag: u32,
    /// How long it takes, in microseconds.
    pub us: u64,
    /// The size of the result.
    pub bytes: u64,
}

impl Step for Decode {
    const NAME: &'static str = "decode";
    type Input = ();
    type Output = Pretended;

    fn run(&self, (): (), _: &Context<'_>) -> Result<Pretended> {
        thread::sleep(Duration::from_micros(self.us));
        Ok(Pretended(self.bytes))
    }

    fn spec(&self) -> Spec {
        Spec::default().bytes(self.bytes).cost(Duration::from_micros(self.us))
    }
}

/// Goes on: sleeps and gives another pretended picture.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Work {
    /// How long it takes, in microseconds.
    pub us: u64,
    /// The size of the result.
    pub bytes: u64,
}

impl Step for Work {
    const NAME: &'static str = "work";
    type Input = In<Pretended>;
    type Output = Pretended;

    fn run(&self, _: In<Pretended>, _: &Context<'_>) -> Result<Pretended> {
        thread::sleep(Duration::from_micros(self.us));
        Ok(Pretended(self.bytes))
    }

    fn spec(&self) -> Spec {
        Spec::default().bytes(self.bytes).cost(Duration::from_micros(self.us))
    }
}

/// Adds a branch of steps that take so many microseconds and give so many bytes.
fn branch(graph: &mut Graph, number: u32, steps: &[(u64, u64)]) {
    let mut last: Option<Node<Pretended>> = None;
    for (stage, &(us, bytes)) in steps.iter().enumerate() {
        let name = format!("{number}.{stage}");
        last = Some(match last {
            None => graph.add(name, Decode { tag: number, us, bytes }, ()),
            Some(before) => graph.add(name, Work { us, bytes }, before),
        });
    }
    if let Some(last) = last {
        graph.target(last);
    }
}

/// Runs a graph of sleeping steps on eight workers.
#[derive(Debug)]
pub struct Sleepers {
    executor: Executor,
    plan: Plan,
}

impl Sleepers {
    fn new(graph: &Graph) -> Self {
        let options = Options { threads: Some(WORKERS), ..Options::default() };
        let executor = Executor::new(options).expect("the threads start");
        let plan = executor.plan(graph, &RunOptions::default()).expect("the graph is sound");
        Self { executor, plan }
    }

    /// Runs it. Returns the most bytes that were alive at once.
    #[must_use]
    pub fn run(&self, budget: Option<u64>) -> u64 {
        let options = RunOptions { budget, ..RunOptions::default() };
        let report =
            self.executor.run_plan(self.plan.clone(), &options).expect("no resource is limited");
        report.ok().expect("steps that sleep do not fail");
        report.totals().peak_bytes
    }
}

/// Microseconds of the heavy step of each branch.
const HEAVY: u64 = 20_000;

/// Microseconds of every other step.
const LIGHT: u64 = 250;

/// Eight branches of eight steps; in each one another step is heavy.
#[derive(Debug)]
pub struct Skew {
    sleepers: Sleepers,
    pool: ThreadPool,
}

impl Default for Skew {
    fn default() -> Self {
        let mut graph = Graph::new();
        for number in 0..8 {
            branch(
                &mut graph,
                number,
                &(0..8).map(|stage| (us(number, stage), 0)).collect::<Vec<_>>(),
            );
        }
        let pool = ThreadPoolBuilder::new().num_threads(WORKERS).build();
        Self { sleepers: Sleepers::new(&graph), pool: pool.expect("the threads start") }
    }
}

fn us(branch: u32, stage: u32) -> u64 {
    if branch == stage { HEAVY } else { LIGHT }
}

impl Skew {
    /// All of it by the engine.
    pub fn run(&self) {
        let _ = self.sleepers.run(None);
    }

    /// All of it level by level, each level a parallel batch.
    pub fn by_level(&self) {
        for stage in 0..8 {
            self.pool.scope(|scope| {
                for branch in 0..8 {
                    scope.spawn(move |_| thread::sleep(Duration::from_micros(us(branch, stage))));
                }
            });
        }
    }

    /// One branch by a plain loop: the critical path, as long as this machine sleeps it.
    pub fn critical_path(&self) {
        (0..8).for_each(|stage| thread::sleep(Duration::from_micros(us(0, stage))));
    }
}

/// Sixty-four images of eight steps each, with costs and sizes as they come.
#[derive(Debug)]
pub struct Images {
    sleepers: Sleepers,
    /// Eight times what one image takes at its worst.
    pub budget: u64,
    /// What each step holds, its input and its result, times the seconds it takes, over all steps.
    byte_seconds: f64,
}

impl Default for Images {
    fn default() -> Self {
        const MB: u64 = 1 << 20;
        let mut random = Random::new(64);
        let mut graph = Graph::new();
        let (mut peak, mut byte_seconds) = (0, 0.0);
        for number in 0..64 {
            let mut steps: Vec<(u64, u64)> = (0..8)
                .map(|_| {
                    let us = 1000 + u64::from(random.below(3000));
                    (us, (8 + u64::from(random.below(9))) * MB)
                })
                .collect();
            // What is saved in the end is a file's worth, not a picture's.
            steps[7].1 = 1 << 10;
            let together = steps.windows(2).map(|pair| pair[0].1 + pair[1].1).max();
            peak = peak.max(together.unwrap_or(0));
            let mut before = 0;
            for &(us, bytes) in &steps {
                byte_seconds += as_f64(before + bytes) * as_f64(us) * 1e-6;
                before = bytes;
            }
            branch(&mut graph, number, &steps);
        }
        Self { sleepers: Sleepers::new(&graph), budget: 8 * peak, byte_seconds }
    }
}

impl Images {
    /// All of it within the budget. Returns the most bytes that were alive at once.
    #[must_use]
    pub fn budgeted(&self) -> u64 {
        self.sleepers.run(Some(self.budget))
    }

    /// All of it within half of the budget, which is less than eight workers take when nothing
    /// holds them back. Returns the most bytes that were alive at once.
    #[must_use]
    pub fn tight(&self) -> u64 {
        self.sleepers.run(Some(self.budget / 2))
    }

    /// The seconds that all of it takes at least within half of the budget, if memory is full at
    /// every moment.
    fn least_seconds(&self) -> f64 {
        self.byte_seconds / as_f64(self.budget / 2)
    }

    /// All of it without a budget. Returns the most bytes that were alive at once.
    #[must_use]
    pub fn free(&self) -> u64 {
        self.sleepers.run(None)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a ratio needs no more")]
const fn as_f64(number: u64) -> f64 {
    number as f64
}

/// The figures of this question.
#[must_use]
pub fn figures() -> Vec<Figure> {
    const ROUNDS: usize = 11;
    let skew = Skew::default();
    let engine = Samples::take(ROUNDS, || wall_of(|| skew.run())).median();
    let levels = Samples::take(ROUNDS, || wall_of(|| skew.by_level())).median();
    let path = Samples::take(ROUNDS, || wall_of(|| skew.critical_path())).median();
    let id = "order/skew_8x8";
    let mut figures = vec![
        Figure::new(id, ratio(engine, path), "× critical path").reach(1.05).peer("barrier 7.3"),
        Figure::new(format!("{id}/by_level"), ratio(levels, path), "× critical path"),
    ];

    let images = Images::default();
    let (mut within, mut tight, mut above) = (0, 0, 0);
    let budgeted = Samples::take(ROUNDS, || wall_of(|| within = images.budgeted().max(within)));
    let held = Samples::take(ROUNDS, || wall_of(|| tight = images.tight().max(tight)));
    let free = Samples::take(ROUNDS, || wall_of(|| above = images.free().max(above)));
    let of_budget = |bytes: u64| as_f64(bytes) / as_f64(images.budget);
    let time = ratio(budgeted.median(), free.median());
    let id = "order/64_images";
    figures.extend([
        Figure::new(format!("{id}/peak"), of_budget(within), "× budget").reach(1.05),
        Figure::new(format!("{id}/time"), time, "× unbudgeted").reach(1.05).peer("3.5–5"),
        Figure::new(format!("{id}/peak_unbudgeted"), of_budget(above), "× budget"),
        Figure::new(format!("{id}/tight/peak"), 2.0 * of_budget(tight), "× half budget")
            .reach(1.05),
        Figure::new(
            format!("{id}/tight/time"),
            held.median().as_secs_f64() / images.least_seconds(),
            "× what half the budget allows",
        ),
    ]);
    figures
}
