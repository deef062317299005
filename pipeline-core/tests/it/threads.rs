//! Runs that need a thread: to go on, to be outranked, to stop.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use pipeline_core::error::FaultCode;
use pipeline_core::event::{RunStatus, Status};
use pipeline_core::{
    CancelReason, CancelToken, Context, Error, Executor, Graph, Node, Options, Result, RunOptions,
    Services, Spec, Step,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::toy::{Door, Give, Hang, Hoard, Home, Number, On, comes_back, mix};

/// Comes back only when two of its kind are open at once.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Meet {
    number: i64,
}

impl Step for Meet {
    const NAME: &'static str = "meet";
    type Input = pipeline_core::data::In<Number>;
    type Output = Number;

    fn run(&self, _: pipeline_core::data::In<Number>, ctx: &Context<'_>) -> Result<Number> {
        let met = ctx.service::<AtomicUsize>()?;
        met.fetch_add(1, Ordering::SeqCst);
        while met.load(Ordering::SeqCst) < 2 {
            ctx.check()?;
            std::thread::yield_now();
        }
        Ok(Number(self.number))
    }
}

/// Works for a while, and counts how many a worker began beside one of the caller.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Busy {
    number: i64,
}

/// The thread that called, whether it is at work, and how many others began meanwhile.
#[derive(Debug)]
struct Crowd {
    caller: std::thread::ThreadId,
    is_at_work: AtomicBool,
    met: AtomicUsize,
}

impl Step for Busy {
    const NAME: &'static str = "busy";
    type Input = pipeline_core::data::In<Number>;
    type Output = Number;

    fn run(&self, _: pipeline_core::data::In<Number>, ctx: &Context<'_>) -> Result<Number> {
        let Crowd { caller, is_at_work, met } = ctx.service::<Crowd>()?;
        let is_caller = std::thread::current().id() == *caller;
        if is_caller {
            is_at_work.store(true, Ordering::SeqCst);
        } else if is_at_work.load(Ordering::SeqCst) {
            met.fetch_add(1, Ordering::SeqCst);
        }
        for _ in 0..10_000 {
            std::hint::spin_loop();
        }
        if is_caller {
            is_at_work.store(false, Ordering::SeqCst);
        }
        Ok(Number(self.number))
    }
}

/// Says that it was told to stop, though nobody did.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct GiveUp {}

impl Step for GiveUp {
    const NAME: &'static str = "give_up";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), _: &Context<'_>) -> Result<Number> {
        Err(Error::Cancelled(CancelReason::User))
    }
}

/// Uses rayon inside, and so belongs on the executor's pool.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct InPool {}

impl Step for InPool {
    const NAME: &'static str = "in_pool";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), _: &Context<'_>) -> Result<Number> {
        let (a, b) = rayon::join(|| 1, || 2);
        Ok(Number(a + b))
    }

    fn spec(&self) -> Spec {
        Spec::default().rayon()
    }
}

/// Runs a graph whose step belongs on the pool, by `run` or by `spawn`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Outer {
    spawns: bool,
}

impl Step for Outer {
    const NAME: &'static str = "outer";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<Number> {
        let executor = Home::of(ctx)?;
        let mut graph = Graph::new();
        let inner = graph.add("inner", InPool {}, ());
        let options = RunOptions::default();
        let report = if self.spawns {
            executor.spawn(&graph, &options)?.wait()
        } else {
            executor.run(&graph, &options)?
        };
        Ok(*report.output(inner)?)
    }
}

fn executor(threads: usize, services: Services) -> (Executor, Door) {
    let door = Door::default();
    let services = services.with(door.clone());
    let options = Options {
        threads: Some(threads),
        blocking_threads: Some(1),
        services,
        ..Options::default()
    };
    (Executor::new(options).unwrap(), door)
}

fn holds(units: u32, bytes: u64) -> (Graph, Vec<Node<Number>>) {
    let mut graph = Graph::new();
    let held = (0..3)
        .map(|number| {
            let hold = Hang { number, units, bytes, ..Hang::default() };
            graph.add(format!("hold{number}"), hold, ())
        })
        .collect();
    (graph, held)
}

/// Is over in no time, until the first of them is not.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Fickle {
    number: usize,
}

impl Step for Fickle {
    const NAME: &'static str = "fickle";
    type Input = pipeline_core::data::In<Number>;
    type Output = Number;

    fn run(&self, _: pipeline_core::data::In<Number>, ctx: &Context<'_>) -> Result<Number> {
        if self.number == 0 && ctx.service::<AtomicBool>()?.load(Ordering::SeqCst) {
            ctx.service::<Door>()?.pass();
        }
        ctx.service::<AtomicUsize>()?.fetch_add(1, Ordering::SeqCst);
        Ok(Number(0))
    }
}

#[test]
fn short_steps_behind_one_that_hangs_are_run_by_others() {
    comes_back(|| {
        let services = Services::new().with(AtomicUsize::new(0)).with(AtomicBool::new(false));
        let (executor, door) = executor(2, services);
        let mut graph = Graph::new();
        let top = graph.add("top", Give::default(), ());
        for number in 0..40 {
            graph.add(format!("fickle{number}"), Fickle { number }, top);
        }
        // By now they are known to be short, so that one thread takes many of them.
        for _ in 0..20 {
            executor.run(&graph, &RunOptions::default()).unwrap();
        }
        let done = executor.service::<AtomicUsize>().unwrap();
        done.store(0, Ordering::SeqCst);
        executor.service::<AtomicBool>().unwrap().store(true, Ordering::SeqCst);
        let run = executor.spawn(&graph, &RunOptions::default()).unwrap();
        while done.load(Ordering::SeqCst) < 39 {
            std::thread::yield_now();
        }
        door.open();
        assert!(run.wait().ok().is_ok());
    });
}

#[test]
fn a_limited_run_that_is_outranked_gives_back_what_it_took() {
    let limits = [
        RunOptions { resources: HashMap::from([("device", 1)]), ..RunOptions::default() },
        RunOptions { budget: Some(100), ..RunOptions::default() },
    ];
    for (limited, (units, bytes)) in limits.into_iter().zip([(1, 0), (0, 60)]) {
        comes_back(move || {
            let (executor, door) = executor(1, Services::new());
            let (graph, held) = holds(units, bytes);
            let run = executor.spawn(&graph, &limited).unwrap();
            door.crowd(1);
            // The worker finds this one when it has taken the next step of the other.
            let mut urgent = Graph::new();
            urgent.add("urgent", Give::default(), ());
            let options = RunOptions { priority: 200, ..RunOptions::default() };
            let urgent = executor.spawn(&urgent, &options).unwrap();
            door.open();
            assert!(urgent.wait().ok().is_ok());
            let report = run.wait();
            assert!(held.iter().all(|node| report.output(*node).is_ok()));
        });
    }
}

#[test]
fn a_caller_with_nothing_to_do_leaves_its_processor_to_others() {
    comes_back(|| {
        for _ in 0..20 {
            let (executor, door) = executor(2, Services::new().with(AtomicUsize::new(0)));
            let mut graph = Graph::new();
            let top = graph.add("top", Hang::default(), ());
            for number in 0..2 {
                graph.add(format!("meet{number}"), Meet { number }, top);
            }
            door.open();
            let report = executor.run(&graph, &RunOptions::default()).unwrap();
            assert!(report.ok().is_ok());
        }
    });
}

#[test]
fn a_worker_that_came_for_a_caller_goes_when_the_caller_works_again() {
    comes_back(|| {
        let caller = std::thread::current().id();
        let (is_at_work, met) = (AtomicBool::new(false), AtomicUsize::new(0));
        let crowd = Crowd { caller, is_at_work, met };
        let services = Services::new().with(crowd);
        let (executor, door) = executor(1, services);
        door.open();
        let mut graph = Graph::new();
        let hang = Hang { lane: On::Blocking, ..Hang::default() };
        // The caller waits for this one, and a worker comes for it.
        let first = graph.add("first", hang, ());
        for number in 0..100 {
            graph.add(format!("busy {number}"), Busy { number }, first);
        }
        for _ in 0..20 {
            executor.run(&graph, &RunOptions::default()).unwrap().ok().unwrap();
        }
        // The worker may have taken one step more when the caller comes back.
        let Crowd { met, .. } = executor.service::<Crowd>().unwrap();
        assert!(met.load(Ordering::SeqCst) <= 20, "{met:?} of 2000 steps in 20 runs");
    });
}

#[test]
fn a_run_inside_a_step_uses_rayon_on_the_only_thread_there_is() {
    for spawns in [false, true] {
        comes_back(move || {
            let executor = Home::new(1, Services::new());
            let mut graph = Graph::new();
            let outer = graph.add("outer", Outer { spawns }, ());
            let report = executor.spawn(&graph, &RunOptions::default()).unwrap().wait();
            assert_eq!(report.output(outer).unwrap().0, 3);
        });
    }
}

#[test]
fn a_run_ends_at_its_time_limit_though_no_thread_is_free() {
    comes_back(|| {
        let (executor, door) = executor(1, Services::new());
        let (graph, _) = holds(0, 0);
        let busy = executor.spawn(&graph, &RunOptions::default()).unwrap();
        door.crowd(1);
        let mut graph = Graph::new();
        let top = graph.add("top", Give::default(), ());
        mix(&mut graph, "below", 0, &[top]);
        let timeout = Some(Duration::from_millis(1));
        let report =
            executor.run(&graph, &RunOptions { timeout, ..RunOptions::default() }).unwrap();
        assert_eq!(report.status(), RunStatus::TimedOut);
        assert_eq!(report.step(top.id()).unwrap().status, Status::Cancelled);
        let waiting = executor.spawn(&graph, &RunOptions::default()).unwrap();
        waiting.cancel();
        assert_eq!(waiting.wait().status(), RunStatus::Cancelled);
        door.open();
        assert!(busy.wait().ok().is_ok());
    });
}

#[test]
fn a_cancel_reaches_steps_that_wait_for_a_thread_of_their_lane() {
    comes_back(|| {
        let (executor, door) = executor(2, Services::new());
        let mut graph = Graph::new();
        for number in 0..3 {
            let hold = Hang { number, lane: On::Blocking, ..Hang::default() };
            graph.add(format!("hold{number}"), hold, ());
        }
        let busy = executor.spawn(&graph, &RunOptions::default()).unwrap();
        door.crowd(1);
        let mut graph = Graph::new();
        let hold = Hang { number: 9, lane: On::Blocking, ..Hang::default() };
        let late = graph.add("late", hold, ());
        let run = executor.spawn(&graph, &RunOptions::default()).unwrap();
        run.cancel();
        let report = run.wait();
        assert_eq!(report.step(late.id()).unwrap().status, Status::Cancelled);
        assert_eq!(door.arrived(), 1, "it has not begun");
        door.open();
        assert!(busy.wait().ok().is_ok());
    });
}

#[test]
fn a_step_that_another_run_waits_for_is_not_given_up_on() {
    comes_back(|| {
        let (door, hoard) = (Door::default(), Arc::new(Hoard::default()));
        let executor = Executor::new(Options {
            threads: Some(2),
            cache: Some(hoard),
            services: Services::new().with(door.clone()),
            ..Options::default()
        })
        .unwrap();
        let mut graph = Graph::new();
        let hold = graph.add("hold", Hang::default(), ());
        let options = RunOptions { grace: Duration::from_millis(1), ..RunOptions::default() };
        let leader = executor.spawn(&graph, &options).unwrap();
        door.crowd(1);
        let follower = executor.spawn(&graph, &RunOptions::default()).unwrap();
        // The follower is one as soon as it has nothing to run.
        leader.cancel();
        assert!(follower.wait_for(Duration::from_millis(50)).is_none());
        door.open();
        let report = follower.wait();
        assert_eq!(report.output(hold).unwrap().0, 0);
    });
}

/// Runs a graph whose only step does not return in time, and later does.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Patience {}

impl Step for Patience {
    const NAME: &'static str = "patience";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<Number> {
        let mut graph = Graph::new();
        graph.add("hold", Hang::default(), ());
        let limit = Some(Duration::from_millis(1));
        let options =
            RunOptions { step_timeout: limit, grace: Duration::ZERO, ..RunOptions::default() };
        let report = Home::of(ctx)?.run(&graph, &options)?;
        report.ok()?;
        Ok(Number(1))
    }
}

#[test]
fn a_thread_that_is_given_up_on_inside_and_outside_is_replaced_once() {
    comes_back(|| {
        let door = Door::default();
        let executor = Home::new(1, Services::new().with(door.clone()));
        let mut graph = Graph::new();
        let outer = graph.add("outer", Patience {}, ());
        let limit = Some(Duration::from_millis(1));
        let options =
            RunOptions { step_timeout: limit, grace: Duration::ZERO, ..RunOptions::default() };
        let report = executor.spawn(&graph, &options).unwrap().wait();
        assert_eq!(report.step(outer.id()).unwrap().status, Status::Failed);
        // There is a worker for others, now and when the lost one comes back.
        let mut simple = Graph::new();
        simple.add("top", Give::default(), ());
        let run = || executor.spawn(&simple, &RunOptions::default()).unwrap().wait();
        assert!(run().ok().is_ok());
        door.open();
        assert!(run().ok().is_ok());
    });
}

#[test]
fn a_place_that_is_given_back_is_run_by_whoever_has_nothing_to_do() {
    comes_back(|| {
        let (executor, door) = executor(2, Services::new().with(AtomicUsize::new(0)));
        let executor = Arc::new(executor);
        // Two steps that need each other, behind one that both threads can see.
        let mut graph = Graph::new();
        let top = graph.add("top", Give::default(), ());
        for number in 0..2 {
            graph.add(format!("meet{number}"), Meet { number }, top);
        }
        let run = executor.spawn(&graph, &RunOptions::default()).unwrap();
        let mut urgent = Graph::new();
        urgent.add("hold", Hang::default(), ());
        let options = RunOptions { priority: 200, ..RunOptions::default() };
        let urgent = executor.spawn(&urgent, &options).unwrap();
        door.open();
        assert!(urgent.wait().ok().is_ok());
        assert!(run.wait().ok().is_ok());
    });
}

#[test]
fn a_step_that_stops_though_nobody_told_it_to_has_failed() {
    let (executor, _) = executor(1, Services::new());
    let mut graph = Graph::new();
    let quitter = graph.add("quitter", GiveUp {}, ());
    let below = mix(&mut graph, "below", 0, &[quitter]);
    let report = executor.run(&graph, &RunOptions::default()).unwrap();
    assert_eq!(report.status(), RunStatus::Failed);
    assert_eq!(report.step(quitter.id()).unwrap().status, Status::Failed);
    assert_eq!(report.step(below.id()).unwrap().status, Status::Skipped);
}

#[test]
fn a_plan_made_under_other_limits_is_checked_against_those_of_the_run() {
    let (executor, _) = executor(1, Services::new());
    let (graph, _) = holds(2, 0);
    let plan = executor.plan(&graph, &RunOptions::default()).unwrap();
    let options = RunOptions { resources: HashMap::from([("device", 1)]), ..RunOptions::default() };
    let Err(Error::Invalid(faults)) = executor.run_plan(plan.clone(), &options) else {
        panic!("more units than there are");
    };
    assert!(faults.iter().all(|fault| fault.code == FaultCode::Resource));
    assert!(executor.spawn_plan(plan, &options).is_err());
}

/// Goes through rows; the token is set in one of them, and those that begin afterwards are counted.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct StopHalfway {}

impl Step for StopHalfway {
    const NAME: &'static str = "stop_halfway";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<Number> {
        let (token, after) = (ctx.service::<CancelToken>()?, ctx.service::<AtomicUsize>()?);
        ctx.rows(1000, 1, |rows| {
            if token.reason().is_some() {
                after.fetch_add(1, Ordering::SeqCst);
            }
            if rows.start == 200 {
                token.cancel(CancelReason::User);
            }
            // So that helpers have the time to come.
            (0..20).for_each(|_| std::thread::yield_now());
            Ok(())
        })?;
        Ok(Number(0))
    }
}

#[test]
fn after_a_cancel_each_thread_begins_one_chunk_at_the_most() {
    for threads in [1, 2, 4] {
        let options = RunOptions { grace: Duration::MAX, ..RunOptions::default() };
        let services = Services::new().with(options.token.clone()).with(AtomicUsize::new(0));
        let executor =
            Executor::new(Options { threads: Some(threads), services, ..Options::default() });
        let executor = executor.unwrap();
        let mut graph = Graph::new();
        graph.add("rows", StopHalfway {}, ());
        let report = executor.run(&graph, &options).unwrap();
        assert_eq!(report.nodes_that(Status::Cancelled), ["rows"]);
        let after = executor.service::<AtomicUsize>().unwrap().load(Ordering::SeqCst);
        assert!(after <= threads, "{after} chunks on {threads} threads");
    }
}

thread_local! {
    /// How many steps there are on this thread's stack.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Goes through rows and looks at whether a step lies below it on the stack.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Alone {
    number: i64,
}

impl Step for Alone {
    const NAME: &'static str = "alone";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<Number> {
        let below = DEPTH.replace(1);
        let result = ctx.rows(40, 1, |_| {
            (0..5).for_each(|_| std::thread::yield_now());
            Ok(())
        });
        DEPTH.set(below);
        result.map(|()| Number(i64::try_from(below).unwrap_or(-1)))
    }
}

#[test]
fn no_step_runs_on_the_stack_of_one_that_waits_for_its_rows() {
    for threads in [1, 2, 4] {
        let options = Options { threads: Some(threads), ..Options::default() };
        let executor = Executor::new(options).unwrap();
        let mut graph = Graph::new();
        let nodes: Vec<_> =
            (0..60).map(|number| graph.add(format!("n{number}"), Alone { number }, ())).collect();
        let report = executor.run(&graph, &RunOptions::default()).unwrap();
        for node in nodes {
            assert_eq!(report.output(node).unwrap().0, 0, "{threads} threads");
        }
    }
}
