//! How long planning takes: anew, after an edit, for graphs of growing size.

use std::thread;
use std::time::{Duration, Instant};

use pipeline_core::{Executor, Graph, NodeId, Options, Plan, RunOptions};

use crate::clock::{cpu, wall_of};
use crate::figure::{Figure, Samples, micros, millis, nanos, ratio};
use crate::graphs::{self, PLANNED, touch};

/// A graph and who plans it.
#[derive(Debug)]
pub struct Planning {
    graph: Graph,
    executor: Executor,
    options: RunOptions,
}

impl Planning {
    /// Planning this graph.
    #[must_use]
    pub fn new(graph: Graph) -> Self {
        let options = Options { threads: Some(1), ..Options::default() };
        let executor = Executor::new(options).expect("the thread starts");
        let options = RunOptions::default();
        executor.plan(&graph, &options).expect("the graph is sound");
        Self { graph, executor, options }
    }

    /// A copy of the graph, which counts as another one.
    #[must_use]
    pub fn unseen(&self) -> Graph {
        self.graph.clone()
    }

    /// Plans a graph that was never seen, keys included.
    #[must_use]
    pub fn cold(&self, unseen: &Graph) -> Plan {
        self.executor.plan(unseen, &self.options).expect("the graph is sound")
    }

    /// Changes a parameter of the last step but two and plans again.
    pub fn one_edit(&mut self) -> Plan {
        let near_end = u32::try_from(self.graph.len()).unwrap_or(u32::MAX) - 3;
        touch(&mut self.graph, NodeId::from_index(near_end));
        self.executor.plan(&self.graph, &self.options).expect("the graph is sound")
    }
}

/// What a graph of a million steps takes from nothing to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Million {
    /// Building the graph.
    pub build: Duration,
    /// Planning it.
    pub plan: Duration,
    /// Running it.
    pub run: Duration,
    /// The processor time of both, on all threads.
    pub cpu: Duration,
    /// Dropping the plan, the report, and the graph.
    pub discard: Duration,
    /// Bytes of the plan for each step.
    pub bytes: f64,
}

/// Builds, plans, runs and drops a random graph of `n` steps on a thread with a stack of 256 KiB.
#[must_use]
pub fn on_a_small_stack(n: u32) -> Million {
    let thread = thread::Builder::new().stack_size(256 << 10).spawn(move || million(n));
    thread.expect("the thread starts").join().expect("nothing needs a deep stack")
}

fn million(n: u32) -> Million {
    let options = Options { threads: Some(2), ..Options::default() };
    let executor = Executor::new(options).expect("the threads start");
    let options = RunOptions::default();
    let mut took = Million::default();
    let mut lap = Instant::now();
    let mut next = || std::mem::replace(&mut lap, Instant::now()).elapsed();

    let graph = graphs::random(n);
    took.build = next();
    let start = cpu();
    let plan = executor.plan(&graph, &options).expect("the graph is sound");
    took.plan = next();
    #[expect(clippy::cast_precision_loss, reason = "sizes of plans are small")]
    let bytes = plan.size_bytes() as f64;
    took.bytes = bytes / f64::from(n);
    let report = executor.run_plan(plan, &options).expect("no resource is limited");
    took.run = next();
    took.cpu = cpu().saturating_sub(start);
    report.ok().expect("steps that do nothing do not fail");
    drop((report, graph, executor));
    took.discard = next();
    took
}

/// The figures of this question.
#[must_use]
pub fn figures() -> Vec<Figure> {
    const ROUNDS: usize = 201;
    let mut figures = Vec::new();
    for (shape, build) in PLANNED {
        let mut small = Planning::new(build(1000));
        let large = Planning::new(build(2000));
        // Taken in turn, so that whatever slows the machine slows both.
        let cold = |planning: &Planning| {
            let graph = planning.unseen();
            wall_of(|| drop(planning.cold(&graph)))
        };
        let both = |_| (cold(&small), cold(&large));
        let (ones, twos): (Vec<_>, Vec<_>) = (0..ROUNDS).map(both).unzip();
        let (one, two) = (Samples::of(ones).median(), Samples::of(twos).median());
        let edit = Samples::take(ROUNDS, || wall_of(|| drop(small.one_edit()))).median();
        figures.extend([
            Figure::new(format!("plan/cold/1000/{shape}"), millis(one), "ms")
                .reach(1.0)
                .peer("ComfyUI fails; 2.4 s for 400"),
            Figure::new(format!("plan/one_edit/1000/{shape}"), micros(edit), "µs").reach(50.0),
            Figure::new(format!("plan/2000 ÷ plan/1000/{shape}"), ratio(two, one), "×").reach(2.3),
        ]);
    }
    let build = Samples::take(21, || wall_of(|| drop(graphs::random(1000)))).median();
    figures.push(Figure::new("plan/build/1000/random", nanos(build) / 1000.0, "ns/step"));

    let n = 1_000_000;
    let took = on_a_small_stack(n);
    let id = "plan_and_run/random/1000000";
    let seconds =
        |part: &str, time: Duration| Figure::new(format!("{id}{part}"), time.as_secs_f64(), "s");
    figures.extend([
        seconds("", took.plan + took.run).reach(0.5),
        seconds("/cpu", took.cpu),
        seconds("/plan", took.plan),
        seconds("/run", took.run),
        seconds("/build", took.build),
        seconds("/discard", took.discard),
        Figure::new(format!("{id}/bytes"), took.bytes, "bytes/step")
            .reach(120.0)
            .peer("Taskflow 269–296"),
    ]);
    figures
}
