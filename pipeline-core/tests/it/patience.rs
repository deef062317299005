//! Deadlines, steps that hang, steps that wait, runs inside runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use pipeline_core::data::In;
use pipeline_core::event::{RunStatus, Status};
use pipeline_core::{
    CancelReason, Context, Error, Executor, Graph, Options, Result, RunOptions, Services, Spec,
    Step,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::toy::{Give, Number, hoarding, mix};

/// A gate that tests open.
#[derive(Debug, Clone, Default)]
struct Door(Arc<(Mutex<bool>, Condvar)>, Arc<AtomicUsize>);

impl Door {
    fn open(&self) {
        *self.0.0.lock() = true;
        self.0.1.notify_all();
    }

    fn pass(&self) {
        self.1.fetch_add(1, Ordering::SeqCst);
        let mut open = self.0.0.lock();
        while !*open {
            self.0.1.wait(&mut open);
        }
    }

    /// Blocks until `count` steps stand before the door.
    fn crowd(&self, count: usize) {
        while self.1.load(Ordering::SeqCst) < count {
            std::thread::yield_now();
        }
    }
}

/// Stands before the door and hears nothing.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Hang {
    /// Runs on the threads that may wait.
    blocking: bool,
    /// Tells equal steps apart.
    number: i64,
}

impl Step for Hang {
    const NAME: &'static str = "hang";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<Number> {
        ctx.service::<Door>()?.pass();
        Ok(Number(self.number))
    }

    fn spec(&self) -> Spec {
        if self.blocking { Spec::default().blocking() } else { Spec::default() }
    }
}

/// Goes round until it is told to stop.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Obey {}

impl Step for Obey {
    const NAME: &'static str = "obey";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<Number> {
        ctx.service::<Door>()?.1.fetch_add(1, Ordering::SeqCst);
        loop {
            ctx.check()?;
            std::thread::yield_now();
        }
    }
}

/// Runs a graph of its own.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Inner {}

impl Step for Inner {
    const NAME: &'static str = "inner";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<Number> {
        let executor = ctx.service::<Mutex<Option<Arc<Executor>>>>()?.lock().clone();
        let executor = executor.ok_or_else(|| Error::failed("no executor"))?;
        let mut graph = Graph::new();
        let tops: Vec<_> = (0..5)
            .map(|number| graph.add(format!("top{number}"), Give { number, ..Give::default() }, ()))
            .collect();
        let join = mix(&mut graph, "join", 0, &tops);
        let report = executor.run(&graph, &RunOptions::default())?;
        Ok(*report.output(join)?)
    }
}

/// Sums with a parallel iterator and tells on which threads it ran.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Rayon {}

impl Step for Rayon {
    const NAME: &'static str = "rayon";
    type Input = In<Number>;
    type Output = Number;

    fn run(&self, input: In<Number>, _: &Context<'_>) -> Result<Number> {
        use rayon::prelude::*;
        let here = std::thread::current().name().unwrap_or_default().starts_with("pipeline-");
        let strangers = AtomicBool::new(!here);
        let sum: i64 = (0..1000)
            .into_par_iter()
            .map(|number| {
                let thread = std::thread::current();
                if !thread.name().unwrap_or_default().starts_with("pipeline-") {
                    strangers.store(true, Ordering::Relaxed);
                }
                number
            })
            .sum();
        if strangers.into_inner() {
            return Err(Error::failed("ran outside the executor's pool"));
        }
        Ok(Number(sum + input.0))
    }

    fn spec(&self) -> Spec {
        Spec::default().rayon()
    }
}

fn executor(threads: usize) -> (Executor, Door) {
    let door = Door::default();
    let options = Options {
        threads: Some(threads),
        services: Services::new().with(door.clone()),
        ..Options::default()
    };
    (Executor::new(options).unwrap(), door)
}

#[test]
fn a_step_that_obeys_its_deadline_times_out_and_nothing_else_does() {
    let (executor, _) = executor(2);
    let mut graph = Graph::new();
    let slow = graph.add("slow", Obey {}, ());
    graph.settings(slow.id(), |s| s.timeout = Some(Duration::from_millis(5))).unwrap();
    let below = mix(&mut graph, "below", 0, &[slow]);
    let other = graph.add("other", Give::default(), ());
    graph.target(below);
    graph.target(other);
    let report = executor.run(&graph, &RunOptions::default()).unwrap();
    let error = report.step(slow.id()).unwrap().error.as_ref().unwrap().to_string();
    assert_eq!(error, "step `slow` (obey): timed out after 5ms");
    assert_eq!(report.nodes_that(Status::Skipped), ["below"]);
    assert_eq!(report.nodes_that(Status::Computed), ["other"]);
}

#[test]
fn a_step_that_hangs_is_given_up_on_and_its_late_result_is_dropped() {
    for (threads, blocking) in [(1, false), (2, false), (1, true)] {
        let (executor, door) = executor(threads);
        let mut graph = Graph::new();
        let stuck = graph.add("stuck", Hang { blocking, number: 1 }, ());
        let below = mix(&mut graph, "below", 0, &[stuck]);
        let options = RunOptions {
            step_timeout: Some(Duration::from_millis(5)),
            grace: Duration::from_millis(5),
            ..RunOptions::default()
        };
        let report = executor.run(&graph, &options).unwrap();
        assert_eq!(report.nodes_that(Status::Failed), ["stuck"]);
        assert_eq!(report.nodes_that(Status::Skipped), ["below"]);
        let error = report.output(below).unwrap_err();
        assert!(error.to_string().contains("`stuck` did not finish"), "{error}");
        let error = report.ok().unwrap_err();
        assert!(error.to_string().ends_with("timed out after 5ms, still running"), "{error}");

        // Another thread has taken the place of the lost one.
        let mut graph = Graph::new();
        let fine = graph.add("fine", Give { number: 7, ..Give::default() }, ());
        let run = executor.spawn(&graph, &RunOptions::default()).unwrap();
        assert_eq!(run.wait().output(fine).unwrap().0, 7);
        door.open();
    }
}

#[test]
fn a_run_that_is_out_of_time_says_so() {
    let (executor, _) = executor(2);
    let mut graph = Graph::new();
    graph.add("slow", Obey {}, ());
    let options = RunOptions { timeout: Some(Duration::from_millis(5)), ..RunOptions::default() };
    let report = executor.run(&graph, &options).unwrap();
    assert_eq!(report.status(), RunStatus::TimedOut);
    let options = RunOptions { timeout: Some(Duration::MAX), ..RunOptions::default() };
    let mut graph = Graph::new();
    graph.add("fine", Give::default(), ());
    assert!(executor.run(&graph, &options).unwrap().ok().is_ok());
}

#[test]
fn cancel_reaches_a_running_step_by_handle_and_by_token() {
    let (executor, door) = executor(1);
    let mut graph = Graph::new();
    graph.add("slow", Obey {}, ());
    let options = RunOptions::default();
    let run = executor.spawn(&graph, &options).unwrap();
    door.crowd(1);
    run.cancel();
    assert_eq!(run.wait().status(), RunStatus::Cancelled);

    let run = executor.spawn(&graph, &options).unwrap();
    door.crowd(2);
    options.token.cancel(CancelReason::Superseded);
    let report = run.wait();
    let error = report.ok().unwrap_err().to_string();
    assert_eq!(error, "step `slow` (obey): cancelled because a newer edit replaced it");
}

#[test]
fn dropping_the_executor_stops_its_runs() {
    let (executor, door) = executor(2);
    let mut graph = Graph::new();
    graph.add("slow", Obey {}, ());
    let run = executor.spawn(&graph, &RunOptions::default()).unwrap();
    door.crowd(1);
    drop(executor);
    assert_eq!(run.wait().status(), RunStatus::Cancelled);
}

#[test]
fn steps_that_wait_leave_the_workers_free() {
    let (executor, door) = executor(1);
    let mut graph = Graph::new();
    let waiting: Vec<_> = (0..3)
        .map(|number| graph.add(format!("w{number}"), Hang { blocking: true, number }, ()))
        .collect();
    let join = mix(&mut graph, "join", 0, &waiting);
    let fine = graph.add("fine", Give::default(), ());
    graph.target(join);
    graph.target(fine);
    let run = executor.spawn(&graph, &RunOptions::default()).unwrap();
    // All three stand there at once although there is a single worker.
    door.crowd(3);
    let mut other = Graph::new();
    let seven = other.add("seven", Give { number: 7, ..Give::default() }, ());
    let report = executor.run(&other, &RunOptions::default()).unwrap();
    assert_eq!(report.output(seven).unwrap().0, 7);
    door.open();
    assert!(run.wait().output(join).is_ok());
}

#[test]
fn a_step_may_run_a_graph_of_its_own_on_a_single_thread() {
    let slot: Mutex<Option<Arc<Executor>>> = Mutex::new(None);
    let options =
        Options { threads: Some(1), services: Services::new().with(slot), ..Options::default() };
    let executor = Arc::new(Executor::new(options).unwrap());
    executor
        .service::<Mutex<Option<Arc<Executor>>>>()
        .unwrap()
        .lock()
        .replace(Arc::clone(&executor));
    let mut graph = Graph::new();
    let inner = graph.add("inner", Inner {}, ());
    let report = executor.run(&graph, &RunOptions::default()).unwrap();
    assert_eq!(report.output(inner).unwrap().0, 31i64.pow(3) + 2 * 31 * 31 + 3 * 31 + 4);
    let run = executor.spawn(&graph, &RunOptions::default()).unwrap();
    assert!(run.wait().output(inner).is_ok());
    executor.service::<Mutex<Option<Arc<Executor>>>>().unwrap().lock().take();
}

#[test]
fn a_step_that_uses_rayon_stays_in_the_executors_pool() {
    for threads in [1, 2, 4] {
        let (executor, _) = executor(threads);
        let mut graph = Graph::new();
        let tops: Vec<_> = (0..20)
            .map(|number| graph.add(format!("t{number}"), Give { number, ..Give::default() }, ()))
            .collect();
        let sums: Vec<_> = tops
            .iter()
            .enumerate()
            .map(|(number, &top)| graph.add(format!("s{number}"), Rayon {}, top))
            .collect();
        let join = mix(&mut graph, "join", 0, &sums);
        let report = executor.run(&graph, &RunOptions::default()).unwrap();
        report.ok().unwrap();
        assert!(report.output(join).is_ok());
    }
}

#[test]
fn a_cancelled_leader_hands_over_to_its_follower() {
    let (executor, journal) = hoarding(2);
    let mut graph = Graph::new();
    let top = graph.add("top", Give { number: 3, name: "top".into() }, ());
    let join = mix(&mut graph, "join", 0, &[top]);
    for _ in 0..200 {
        graph.edit::<Give>(top.id(), |give| give.number += 1).unwrap();
        let first = executor.spawn(&graph, &RunOptions::default()).unwrap();
        let second = executor.spawn(&graph, &RunOptions::default()).unwrap();
        first.supersede();
        assert!(second.wait().output(join).is_ok());
        let _ = first.wait();
        let ran = journal.take();
        assert!(ran.iter().filter(|name| *name == "join").count() <= 1, "{ran:?}");
    }
}
