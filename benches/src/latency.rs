//! How long a run of nine steps takes that do nothing.

use pipeline_core::{Executor, Options, Plan, RunOptions};
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::clock::wall_of;
use crate::figure::{Figure, Samples, micros};
use crate::graphs::chain;
use crate::work::spin;

/// A chain of nine steps, planned, and two threads.
#[derive(Debug)]
pub struct NineSteps {
    executor: Executor,
    plan: Plan,
    options: RunOptions,
    pool: ThreadPool,
}

impl Default for NineSteps {
    fn default() -> Self {
        let options = Options { threads: Some(2), ..Options::default() };
        let executor = Executor::new(options).expect("the threads start");
        let options = RunOptions::default();
        let plan = executor.plan(&chain(9), &options).expect("the graph is sound");
        let pool = ThreadPoolBuilder::new().num_threads(2).build().expect("the threads start");
        Self { executor, plan, options, pool }
    }
}

impl NineSteps {
    /// Runs it on this thread.
    pub fn by_caller(&self) {
        drop(self.executor.run_plan(self.plan.clone(), &self.options));
    }

    /// Hands it to the workers and waits.
    pub fn by_pool(&self) {
        let run = self.executor.spawn_plan(self.plan.clone(), &self.options);
        drop(run.expect("no resource is limited").wait());
    }

    /// The same number of calls, handed to a plain pool.
    pub fn plain_pool(&self) {
        self.pool.install(|| (0..9).for_each(spin));
    }
}

/// The figures of this question.
#[must_use]
pub fn figures() -> Vec<Figure> {
    const ROUNDS: usize = 5_000;
    let nine = NineSteps::default();
    let median = |one: &dyn Fn()| micros(Samples::take(ROUNDS, || wall_of(one)).median());
    let id = "latency/run_9_steps";
    vec![
        Figure::new(format!("{id}/caller"), median(&|| nine.by_caller()), "µs")
            .reach(2.0)
            .peer("Taskflow 4.8"),
        Figure::new(format!("{id}/pool"), median(&|| nine.by_pool()), "µs").reach(15.0),
        Figure::new(format!("{id}/rayon_install"), median(&|| nine.plain_pool()), "µs"),
    ]
}
