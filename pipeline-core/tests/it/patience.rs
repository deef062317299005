//! Deadlines, steps that hang, steps that wait, runs inside runs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use pipeline_core::data::In;
use pipeline_core::event::{RunStatus, Status};
use pipeline_core::exec::OnFailure;
use pipeline_core::graph::Retry;
use pipeline_core::{
    CancelReason, Context, Error, Executor, Graph, Options, Report, Result, RunOptions, Services,
    Spec, Step,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::toy::{Door, Farewell, Give, Hang, Home, LONG, Number, On, comes_back, hoarding, mix};

/// Goes round until it is told to stop.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Obey {}

impl Step for Obey {
    const NAME: &'static str = "obey";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<Number> {
        ctx.service::<Door>()?.arrive();
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
        let executor = Home::of(ctx)?;
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

/// Steps have a moment; one that does not come back after another is given up on.
pub(crate) fn impatient() -> RunOptions {
    RunOptions {
        step_timeout: Some(Duration::from_millis(5)),
        grace: Duration::from_millis(5),
        ..RunOptions::default()
    }
}

/// Nobody is given up on, however late.
fn patient() -> RunOptions {
    RunOptions { grace: Duration::MAX, ..RunOptions::default() }
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
    let report = executor.run(&graph, &patient()).unwrap();
    let error = report.step(slow.id()).unwrap().error.as_ref().unwrap().to_string();
    assert_eq!(error, "step `slow` (obey): timed out after 5ms");
    assert_eq!(report.nodes_that(Status::Skipped), ["below"]);
    assert_eq!(report.nodes_that(Status::Computed), ["other"]);
}

#[test]
fn a_step_that_hangs_is_given_up_on_and_its_late_result_is_dropped() {
    for (threads, lane) in [(1, On::Workers), (2, On::Workers), (1, On::Blocking)] {
        let (executor, door) = executor(threads);
        let mut graph = Graph::new();
        let stuck = graph.add("stuck", Hang { number: 1, lane, ..Hang::default() }, ());
        let below = mix(&mut graph, "below", 0, &[stuck]);
        let report = executor.run(&graph, &impatient()).unwrap();
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
    let options = patient();
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
    let told = report.steps().next().unwrap().record.error.unwrap().to_string();
    assert_eq!(told, error, "the record of the step tells the same");
}

#[test]
fn dropping_the_executor_stops_its_runs() {
    let (executor, door) = executor(2);
    let mut graph = Graph::new();
    graph.add("slow", Obey {}, ());
    let run = executor.spawn(&graph, &patient()).unwrap();
    door.crowd(1);
    drop(executor);
    let report = run.wait();
    assert_eq!(report.status(), RunStatus::Cancelled);
    let error = report.ok().unwrap_err().to_string();
    assert_eq!(error, "step `slow` (obey): cancelled because the executor is shutting down");
}

/// Fails once another step stands before the door.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct FailBeside {}

impl Step for FailBeside {
    const NAME: &'static str = "fail_beside";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<Number> {
        ctx.service::<Door>()?.crowd(1);
        Err(Error::failed("it was told to"))
    }
}

#[test]
fn a_failure_that_stops_the_run_reaches_the_steps_that_run() {
    comes_back(|| {
        let (executor, _) = executor(2);
        let mut graph = Graph::new();
        let slow = graph.add("slow", Obey {}, ());
        graph.add("fails", FailBeside {}, ());
        let options = RunOptions { on_failure: OnFailure::Stop, ..patient() };
        let report = executor.run(&graph, &options).unwrap();
        assert_eq!(report.status(), RunStatus::Failed);
        assert_eq!(report.nodes_that(Status::Failed), ["fails"]);
        assert_eq!(report.nodes_that(Status::Cancelled), ["slow"]);
        let error = report.step(slow.id()).unwrap().error.as_ref().unwrap().to_string();
        assert_eq!(error, "step `slow` (obey): cancelled because another step failed");
    });
}

#[test]
fn steps_that_wait_leave_the_workers_free() {
    let (executor, door) = executor(1);
    let mut graph = Graph::new();
    let waiting: Vec<_> = (0..3)
        .map(|number| {
            graph.add(
                format!("w{number}"),
                Hang { number, lane: On::Blocking, ..Hang::default() },
                (),
            )
        })
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
    let executor = Home::new(1, Services::new());
    let mut graph = Graph::new();
    let inner = graph.add("inner", Inner {}, ());
    let report = executor.run(&graph, &RunOptions::default()).unwrap();
    assert_eq!(report.output(inner).unwrap().0, 31i64.pow(3) + 2 * 31 * 31 + 3 * 31 + 4);
    let run = executor.spawn(&graph, &RunOptions::default()).unwrap();
    assert!(run.wait().output(inner).is_ok());
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
    let (executor, _) = hoarding(2);
    let mut graph = Graph::new();
    let top = graph.add("top", Give { number: 3, name: "top".into() }, ());
    let join = mix(&mut graph, "join", 0, &[top]);
    for _ in 0..200 {
        graph.edit::<Give>(top.id(), |give| give.number += 1).unwrap();
        let first = executor.spawn(&graph, &RunOptions::default()).unwrap();
        let second = executor.spawn(&graph, &RunOptions::default()).unwrap();
        first.supersede();
        let second = second.wait();
        assert!(second.output(join).is_ok());
        // A step that was stopped begins anew elsewhere, one that came to its end never does.
        let computed = |report: &Report| report.nodes_that(Status::Computed).contains(&"join");
        assert!(!(computed(&first.wait()) && computed(&second)), "{second}");
    }
}

/// Waits before the door, then fails in a way that passes.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct LateAndFlaky {}

impl Step for LateAndFlaky {
    const NAME: &'static str = "late_and_flaky";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<Number> {
        let door = ctx.service::<Door>()?;
        let came_back = ctx.service::<Back>()?;
        door.pass();
        came_back.0.arrive();
        Err(Error::transient("not yet"))
    }
}

/// Counts the steps that came through the door.
#[derive(Debug, Clone, Default)]
struct Back(Door);

#[test]
fn a_transient_failure_of_a_step_that_was_given_up_on_is_not_tried_again() {
    comes_back(|| {
        let (door, back) = (Door::default(), Back::default());
        let executor = Executor::new(Options {
            threads: Some(2),
            services: Services::new().with(door.clone()).with(back.clone()),
            ..Options::default()
        })
        .unwrap();
        let mut graph = Graph::new();
        let late = graph.add("late", LateAndFlaky {}, ());
        graph.settings(late.id(), |s| s.retry = Retry { attempts: 9, delay_ms: 0 }).unwrap();
        let report = executor.run(&graph, &impatient()).unwrap();
        assert_eq!(report.nodes_that(Status::Failed), ["late"]);
        // It may be given up on before its thread gets to the door.
        door.crowd(1);
        door.open();
        back.0.crowd(1);
        // The engine still works, and nobody came a second time.
        let mut graph = Graph::new();
        graph.add("fine", Give::default(), ());
        for _ in 0..50 {
            let run = executor.spawn(&graph, &RunOptions::default()).unwrap();
            assert!(run.wait().ok().is_ok());
        }
        assert_eq!(door.arrived(), 1);
    });
}

/// Comes too late once and says that it may work the next time; so it does whenever its thread is
/// held up for longer than its deadline.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct SlowOnce {}

impl Step for SlowOnce {
    const NAME: &'static str = "slow_once";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<Number> {
        if ctx.attempt() == 1 {
            while !ctx.is_cancelled() {
                std::thread::yield_now();
            }
        }
        if ctx.is_cancelled() {
            return Err(Error::transient("too slow"));
        }
        Ok(Number(5))
    }
}

#[test]
fn the_next_attempt_has_a_deadline_of_its_own() {
    let (executor, _) = executor(1);
    let mut graph = Graph::new();
    let slow = graph.add("slow", SlowOnce {}, ());
    graph
        .settings(slow.id(), |s| {
            s.retry = Retry { attempts: 200, delay_ms: 0 };
            s.timeout = Some(Duration::from_millis(20));
        })
        .unwrap();
    let report = executor.run(&graph, &patient()).unwrap();
    assert_eq!(report.output(slow).unwrap().0, 5);
    assert!(report.step(slow.id()).unwrap().attempts > 1);
}

/// Never works, but might.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Hopeless {}

impl Step for Hopeless {
    const NAME: &'static str = "hopeless";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), _: &Context<'_>) -> Result<Number> {
        Err(Error::transient("not yet"))
    }
}

#[test]
fn attempts_end_however_many_are_allowed() {
    comes_back(|| {
        let (executor, _) = executor(1);
        let mut graph = Graph::new();
        let never = graph.add("never", Hopeless {}, ());
        graph.settings(never.id(), |s| s.retry = Retry { attempts: 300, delay_ms: 0 }).unwrap();
        let report = executor.run(&graph, &RunOptions::default()).unwrap();
        assert_eq!(report.step(never.id()).unwrap().attempts, 255);
    });
}

#[test]
fn a_wait_may_be_without_end() {
    let (executor, _) = executor(1);
    let mut graph = Graph::new();
    graph.add("fine", Give::default(), ());
    let run = executor.spawn(&graph, &RunOptions::default()).unwrap();
    assert!(run.wait_for(Duration::MAX).unwrap().ok().is_ok());
}

#[test]
fn a_thread_lost_in_a_step_that_uses_rayon_is_replaced() {
    for threads in [1, 2, 3] {
        let (executor, door) = executor(threads);
        let at = door.clone();
        comes_back(move || {
            let mut graph = Graph::new();
            for number in 0..5 {
                graph.add(
                    format!("stuck{number}"),
                    Hang { number, lane: On::Rayon, ..Hang::default() },
                    (),
                );
            }
            let report = executor.run(&graph, &impatient()).unwrap();
            assert_eq!(report.nodes_that(Status::Failed).len(), 5);
            let mut graph = Graph::new();
            let fine = graph.add("fine", Give { number: 7, ..Give::default() }, ());
            let below = graph.add("below", Rayon {}, fine);
            let run = executor.spawn(&graph, &RunOptions::default()).unwrap();
            assert!(run.wait().output(below).is_ok());
        });
        at.open();
    }
}

#[test]
fn steps_that_wait_behind_a_lost_thread_have_their_turn() {
    let door = Door::default();
    let executor = Executor::new(Options {
        threads: Some(1),
        blocking_threads: Some(1),
        services: Services::new().with(door.clone()),
        ..Options::default()
    })
    .unwrap();
    comes_back(move || {
        let mut graph = Graph::new();
        for number in 0..3 {
            graph.add(
                format!("stuck{number}"),
                Hang { number, lane: On::Blocking, ..Hang::default() },
                (),
            );
        }
        let report = executor.run(&graph, &impatient()).unwrap();
        assert_eq!(report.nodes_that(Status::Failed).len(), 3);
    });
    door.open();
}

/// Runs a graph whose only step is given up on.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct InnerHang {}

impl Step for InnerHang {
    const NAME: &'static str = "inner_hang";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<Number> {
        let executor = Home::of(ctx)?;
        let mut graph = Graph::new();
        graph.add("stuck", Hang::default(), ());
        let report = executor.run(&graph, &impatient())?;
        Ok(Number(i64::from(report.ok().is_err())))
    }
}

#[test]
fn a_thread_that_comes_back_from_an_inner_run_counts_once() {
    comes_back(|| {
        let door = Door::default();
        let executor = Home::new(1, Services::new().with(door.clone()));
        let mut graph = Graph::new();
        let outer = graph.add("outer", InnerHang {}, ());
        let run = executor.spawn(&graph, &RunOptions::default()).unwrap();
        door.crowd(1);
        // The inner step is given up on; then another worker takes over.
        let mut other = Graph::new();
        other.add("fine", Give::default(), ());
        assert!(executor.spawn(&other, &RunOptions::default()).unwrap().wait().ok().is_ok());
        door.open();
        assert_eq!(run.wait().output(outer).unwrap().0, 1);
        for _ in 0..50 {
            let run = executor.spawn(&other, &RunOptions::default()).unwrap();
            assert!(run.wait().ok().is_ok());
        }
    });
}

#[test]
fn a_deadline_in_the_far_future_does_not_keep_an_executor_alive() {
    let (tell, wait) = std::sync::mpsc::channel();
    let services = Services::new().with(Mutex::new(Farewell(tell)));
    let options = Options { threads: Some(1), services, ..Options::default() };
    let executor = Executor::new(options).unwrap();
    let mut graph = Graph::new();
    graph.add("fine", Give::default(), ());
    let hour = Some(Duration::from_secs(3600));
    let options = RunOptions { step_timeout: hour, timeout: hour, ..RunOptions::default() };
    assert!(executor.run(&graph, &options).unwrap().ok().is_ok());
    drop(executor);
    assert!(wait.recv_timeout(LONG).is_ok(), "it is still there");
}
