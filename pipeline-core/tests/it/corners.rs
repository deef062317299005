//! Corners that a run gets into: stopped, waiting or wrong about how long steps take.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use pipeline_core::cache::{Cache, Evicted, Hit, Origin};
use pipeline_core::data::{Image, In};
use pipeline_core::event::Status;
use pipeline_core::graph::Retry;
use pipeline_core::{
    Bindings, Context, Error, EventKind, Executor, Graph, Key, Options, Result, RunOptions,
    Services, Spec, Step, Value,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::toy::{Door, Give, Home, Journal, Listener, Number, On, comes_back, note};

/// Says that it has what it has not, and takes its time.
#[derive(Debug)]
struct Slow(Door, AtomicUsize);

impl Cache for Slow {
    fn get(&self, _: &Key) -> Option<Hit> {
        if self.1.fetch_add(1, Ordering::SeqCst) > 0 {
            self.0.pass();
        }
        None
    }

    fn put(&self, _: Key, _: &Value, _: Origin<'_>) -> Vec<Evicted> {
        Vec::new()
    }

    fn contains(&self, _: &Key) -> bool {
        true
    }
}

#[test]
fn a_run_that_is_stopped_while_a_result_is_looked_for_does_not_begin_its_step() {
    comes_back(|| {
        let (door, journal) = (Door::default(), Journal::default());
        let executor = Executor::new(Options {
            threads: Some(2),
            cache: Some(Arc::new(Slow(door.clone(), AtomicUsize::new(0)))),
            services: Services::new().with(journal.clone()),
            ..Options::default()
        })
        .unwrap();
        let mut graph = Graph::new();
        let give = graph.add("give", Give { name: "give".into(), ..Give::default() }, ());
        let run = executor.spawn(&graph, &RunOptions::default()).unwrap();
        door.crowd(1);
        run.cancel();
        door.open();
        let report = run.wait();
        assert_eq!(journal.take(), Vec::<String>::new());
        assert_eq!(report.step(give.id()).unwrap().status, Status::Cancelled);
    });
}

/// Waits without end for a run of its own.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Waits {}

impl Step for Waits {
    const NAME: &'static str = "waits";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<Number> {
        let mut graph = Graph::new();
        graph.add("give", Give::default(), ());
        let run = Home::of(ctx)?.spawn(&graph, &RunOptions::default())?;
        run.wait_for(Duration::MAX).ok_or_else(|| Error::failed("not over"))?;
        Ok(Number(0))
    }
}

#[test]
fn a_step_may_wait_without_end_for_a_run_on_the_only_thread_there_is() {
    comes_back(|| {
        let executor = Home::new(1, Services::new());
        let mut graph = Graph::new();
        graph.add("waits", Waits {}, ());
        assert!(executor.spawn(&graph, &RunOptions::default()).unwrap().wait().ok().is_ok());
    });
}

/// Makes a number of an image.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Small {
    number: usize,
}

impl Step for Small {
    const NAME: &'static str = "small";
    type Input = In<Image>;
    type Output = Number;

    fn run(&self, _: In<Image>, _: &Context<'_>) -> Result<Number> {
        Ok(Number(0))
    }

    fn spec(&self) -> Spec {
        Spec::default().bytes(8)
    }
}

#[test]
fn values_at_hand_count_from_the_beginning() {
    let executor = Executor::new(Options { threads: Some(1), ..Options::default() }).unwrap();
    let mut graph = Graph::new();
    let mut bindings = Bindings::new();
    for number in 0..4 {
        let input = graph.input::<Image>(format!("in{number}"));
        graph.add(format!("small{number}"), Small { number }, input);
        let image = Image::from_samples(10, 100, 1, vec![0u8; 1000]).unwrap();
        bindings = bindings.with(&format!("in{number}"), image);
    }
    let options = RunOptions { bindings, ..RunOptions::default() };
    let plan = executor.plan(&graph, &options).unwrap();
    let (planned, known) = plan.peak_bytes();
    let peak = executor.run_plan(plan, &options).unwrap().totals().peak_bytes;
    assert!(known);
    assert!(planned >= peak, "{planned} {peak}");
}

/// Panics when it is asked for its tile-wise form.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct BadTile {}

impl Step for BadTile {
    const NAME: &'static str = "bad_tile";
    type Input = In<Number>;
    type Output = Number;

    fn run(&self, _: In<Number>, _: &Context<'_>) -> Result<Number> {
        Ok(Number(0))
    }

    fn tile(&self) -> Option<&dyn pipeline_core::Tile> {
        panic!("it was told to")
    }
}

#[test]
fn a_panic_where_a_size_is_asked_for_leaves_it_unknown() {
    comes_back(|| {
        let executor = Executor::new(Options { threads: Some(1), ..Options::default() }).unwrap();
        let mut graph = Graph::new();
        let top = graph.add("top", Give::default(), ());
        graph.add("bad", BadTile {}, top);
        let options = RunOptions { budget: Some(100), ..RunOptions::default() };
        let report = executor.spawn(&graph, &options).unwrap().wait();
        assert!(report.ok().is_ok());
        assert!(!report.plan().peak_bytes().1);
    });
}

/// Takes a while, and tells on which thread.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Spin {
    number: usize,
}

impl Step for Spin {
    const NAME: &'static str = "spin";
    type Input = In<Number>;
    type Output = Number;

    fn run(&self, _: In<Number>, ctx: &Context<'_>) -> Result<Number> {
        let until = Instant::now() + Duration::from_micros(300);
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        note(ctx, &format!("{:?}", std::thread::current().id()));
        Ok(Number(0))
    }
}

#[test]
fn steps_of_which_nothing_was_known_are_shared_once_it_is() {
    let journal = Journal::default();
    let executor = Executor::new(Options {
        threads: Some(2),
        services: Services::new().with(journal.clone()),
        ..Options::default()
    })
    .unwrap();
    let mut graph = Graph::new();
    let top = graph.add("top", Give::default(), ());
    for number in 0..1000 {
        graph.add(format!("spin{number}"), Spin { number }, top);
    }
    executor.run(&graph, &RunOptions::default()).unwrap();
    let mut threads = journal.take();
    threads.dedup();
    assert!(threads.len() > 2, "{threads:?}");
}

/// Fails at once; then is over in no time, but for the first two, which take a while, and the
/// fourth, which comes back when all have begun.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Again {
    number: usize,
}

impl Step for Again {
    const NAME: &'static str = "again";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<Number> {
        if ctx.attempt() < 2 {
            return Err(Error::transient("not yet"));
        }
        let door = ctx.service::<Door>()?;
        door.arrive();
        let until = Instant::now() + Duration::from_millis(5);
        while self.number < 2 && Instant::now() < until {
            std::thread::yield_now();
        }
        if self.number == 3 {
            door.crowd(8);
        }
        Ok(Number(0))
    }

    fn spec(&self) -> Spec {
        Spec::default().cost(Duration::from_nanos(100))
    }
}

#[test]
fn short_steps_that_come_back_together_are_run_by_others_if_one_hangs() {
    comes_back(|| {
        let door = Door::default();
        let executor = Executor::new(Options {
            threads: Some(2),
            services: Services::new().with(door.clone()),
            ..Options::default()
        })
        .unwrap();
        let mut graph = Graph::new();
        for number in 0..8 {
            let node = graph.add(format!("again{number}"), Again { number }, ());
            let retry = Retry { attempts: 2, delay_ms: 50 };
            graph.settings(node.id(), |settings| settings.retry = retry).unwrap();
        }
        let report = executor.run(&graph, &RunOptions::default()).unwrap();
        assert!(report.ok().is_ok());
    });
}

/// Stands before the door, though it says that it is over in no time.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Brief {}

impl Step for Brief {
    const NAME: &'static str = "brief";
    type Input = In<Number>;
    type Output = Number;

    fn run(&self, _: In<Number>, ctx: &Context<'_>) -> Result<Number> {
        ctx.service::<Door>()?.pass();
        Ok(Number(0))
    }

    fn spec(&self) -> Spec {
        Spec::default().cost(Duration::from_nanos(100))
    }
}

fn told(events: &[pipeline_core::Event], node: pipeline_core::NodeId) -> Vec<&'static str> {
    let mine = events.iter().filter(|event| event.node == Some(node));
    mine.map(|event| match &event.kind {
        EventKind::StepQueued => "queued",
        EventKind::StepStarted { .. } => "started",
        EventKind::StepFinished(_) => "finished",
        _ => "else",
    })
    .collect()
}

fn brief() -> (Executor, Door, Journal, Graph, pipeline_core::NodeId, pipeline_core::NodeId) {
    let (door, journal) = (Door::default(), Journal::default());
    let executor = Executor::new(Options {
        threads: Some(2),
        services: Services::new().with(door.clone()).with(journal.clone()),
        ..Options::default()
    })
    .unwrap();
    let mut graph = Graph::new();
    let top = graph.add("top", Give::default(), ());
    let brief = graph.add("brief", Brief {}, top);
    graph.settings(brief.id(), |s| s.priority = 5).unwrap();
    let other = graph.add("other", Spin::default(), top);
    (executor, door, journal, graph, brief.id(), other.id())
}

#[test]
fn what_is_queued_is_told_before_it_begins() {
    comes_back(|| {
        let (executor, door, journal, graph, brief, other) = brief();
        let listener = Listener::default();
        let run = executor.spawn(&graph, &listener.options()).unwrap();
        door.crowd(1);
        let mut names = Vec::new();
        while names.len() < 2 {
            names.extend(journal.take());
        }
        door.open();
        let report = run.wait();
        let events = listener.of(report.run());
        assert_eq!(told(&events, brief), ["started", "finished"]);
        assert_eq!(told(&events, other), ["queued", "started", "finished"]);
    });
}

#[test]
fn a_step_that_is_given_up_on_has_begun() {
    comes_back(|| {
        let (executor, door, _, graph, brief, other) = brief();
        let listener = Listener::default();
        let options = RunOptions { grace: Duration::from_millis(1), ..listener.options() };
        let run = executor.spawn(&graph, &options).unwrap();
        door.crowd(1);
        run.cancel();
        let report = run.wait();
        let events = listener.of(report.run());
        door.open();
        assert_eq!(told(&events, brief), ["started", "finished"]);
        assert_eq!(told(&events, other), ["queued", "finished"]);
    });
}

/// Gives a number, on a lane.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct OnLane {
    lane: On,
}

impl Step for OnLane {
    const NAME: &'static str = "on_lane";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), _: &Context<'_>) -> Result<Number> {
        Ok(Number(0))
    }

    fn spec(&self) -> Spec {
        self.lane.spec(Spec::default())
    }
}

/// Runs a step of one lane inside one of another, once all that meet are there.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Cross {
    number: usize,
    outer: On,
    inner: On,
}

impl Step for Cross {
    const NAME: &'static str = "cross";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<Number> {
        let door = ctx.service::<Door>()?;
        door.arrive();
        door.crowd(5);
        let mut graph = Graph::new();
        graph.add("lane", OnLane { lane: self.inner }, ());
        Home::of(ctx)?.run(&graph, &RunOptions::default())?.ok()?;
        Ok(Number(0))
    }

    fn spec(&self) -> Spec {
        self.outer.spec(Spec::default())
    }
}

#[test]
fn runs_inside_steps_that_need_each_others_threads_do_not_stand_still() {
    comes_back(|| {
        // One worker, and four threads that may wait.
        let executor = Home::new(1, Services::new().with(Door::default()));
        let mut graph = Graph::new();
        let (mine, other) = (On::Workers, On::Blocking);
        for number in 1..5 {
            let cross = Cross { number, outer: other, inner: On::Rayon };
            graph.add(format!("waits{number}"), cross, ());
        }
        graph.add("worker", Cross { number: 0, outer: mine, inner: other }, ());
        let report = executor.spawn(&graph, &RunOptions::default()).unwrap().wait();
        assert!(report.ok().is_ok());
    });
}
