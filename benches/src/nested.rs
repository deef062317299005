//! How long a tiny row loop takes while a long one runs beside it.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use pipeline_core::{Context, Executor, Graph, Options, Plan, Result, RunOptions, Services, Step};
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figure::{Figure, Samples, millis};
use crate::work::{Latch, rounds_of, spin};

/// Chunks of the tiny loop, of 50 µs each.
const TINY: usize = 8;

/// Chunks of the long loop, of 100 µs each.
const LONG: usize = 3000;

/// What the long loop tells, and what the tiny one took.
#[derive(Debug, Clone, Default)]
struct Meeting {
    begun: Latch,
    took: Arc<Mutex<Duration>>,
}

/// A row loop.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Loop {
    /// Rows; each is a chunk.
    pub rows: usize,
    /// Arithmetic of each row.
    pub rounds: u64,
}

impl Step for Loop {
    const NAME: &'static str = "loop";
    type Input = ();
    type Output = ();

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<()> {
        let meeting = ctx.service::<Meeting>()?;
        let is_long = self.rows > TINY;
        if !is_long {
            meeting.begun.wait();
        }
        let start = Instant::now();
        ctx.rows(self.rows, 1, |range| {
            spin(self.rounds);
            if is_long && range.start == LONG / 100 {
                meeting.begun.open();
            }
            Ok(())
        })?;
        if !is_long {
            *meeting.took.lock() = start.elapsed();
        }
        Ok(())
    }
}

/// A long loop and a tiny one, on two workers of the engine and on a plain pool of two.
#[derive(Debug)]
pub struct Nested {
    executor: Executor,
    meeting: Meeting,
    both: Plan,
    tiny: Plan,
    long: Plan,
    pool: ThreadPool,
    rounds: (u64, u64),
}

impl Default for Nested {
    fn default() -> Self {
        let rounds = (rounds_of(Duration::from_micros(50)), rounds_of(Duration::from_micros(100)));
        let meeting = Meeting::default();
        let services = Services::new().with(meeting.clone());
        let options = Options { threads: Some(2), services, ..Options::default() };
        let executor = Executor::new(options).expect("the threads start");
        let plan = |loops: &[Loop]| {
            let mut graph = Graph::new();
            for step in loops {
                graph.add(format!("{} rows", step.rows), step.clone(), ());
            }
            executor.plan(&graph, &RunOptions::default()).expect("the graph is sound")
        };
        let tiny = Loop { rows: TINY, rounds: rounds.0 };
        let long = Loop { rows: LONG, rounds: rounds.1 };
        let pool = ThreadPoolBuilder::new().num_threads(2).build().expect("the threads start");
        Self {
            both: plan(&[long.clone(), tiny.clone()]),
            tiny: plan(&[tiny]),
            long: plan(&[long]),
            executor,
            meeting,
            pool,
            rounds,
        }
    }
}

impl Nested {
    /// The tiny loop by itself.
    #[must_use]
    pub fn alone(&self) -> Duration {
        self.meeting.begun.open();
        self.run(&self.tiny);
        *self.meeting.took.lock()
    }

    /// The tiny loop as a step of the same run as the long one.
    #[must_use]
    pub fn beside(&self) -> Duration {
        self.meeting.begun.close();
        self.run(&self.both);
        *self.meeting.took.lock()
    }

    /// The tiny loop as a run of its own, handed to the workers while both are in the long loop:
    /// from the call to the end of that run.
    #[must_use]
    pub fn handed_over(&self) -> Duration {
        self.meeting.begun.close();
        let options = RunOptions::default();
        let long =
            self.executor.spawn_plan(self.long.clone(), &options).expect("no resource is limited");
        self.meeting.begun.wait();
        let start = Instant::now();
        let tiny = self
            .executor
            .spawn_plan(self.tiny.clone(), &options)
            .expect("no resource is limited")
            .wait();
        let took = start.elapsed();
        tiny.ok().expect("the loop succeeds");
        long.wait().ok().expect("the loop succeeds");
        took
    }

    /// The tiny loop handed to a plain pool whose threads are in the long loop.
    #[must_use]
    pub fn plain(&self) -> Duration {
        let (begun, is_begun) = channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                self.pool.install(|| {
                    (0..LONG).into_par_iter().with_max_len(1).for_each_with(begun, |begun, _| {
                        // Nobody listens any more after the first few.
                        let _ = begun.send(());
                        spin(self.rounds.1);
                    });
                });
            });
            is_begun.iter().take(LONG / 100).for_each(drop);
            let start = Instant::now();
            let row = |_| spin(self.rounds.0);
            self.pool.install(|| (0..TINY).into_par_iter().with_max_len(1).for_each(row));
            start.elapsed()
        })
    }

    fn run(&self, plan: &Plan) {
        let run = self
            .executor
            .spawn_plan(plan.clone(), &RunOptions::default())
            .expect("no resource is limited");
        run.wait().ok().expect("the loops succeed");
    }
}

/// The figures of this question.
#[must_use]
pub fn figures() -> Vec<Figure> {
    const ROUNDS: usize = 11;
    let nested = Nested::default();
    let alone = Samples::take(101, || nested.alone()).median();
    let extra = |samples: Samples| millis(samples.median().saturating_sub(alone));
    let id = "nested/short_beside_long";
    vec![
        Figure::new(id, extra(Samples::take(ROUNDS, || nested.beside())), "ms extra").reach(1.0),
        Figure::new(
            format!("{id}/handed_over"),
            extra(Samples::take(ROUNDS, || nested.handed_over())),
            "ms extra",
        )
        .reach(1.0),
        Figure::new(
            format!("{id}/rayon_install"),
            extra(Samples::take(ROUNDS, || nested.plain())),
            "ms extra",
        ),
        Figure::new(format!("{id}/alone"), millis(alone), "ms"),
    ]
}
