//! Runs beside each other: shared computations, budgets, units, priorities, callers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pipeline_core::data::{Data, In};
use pipeline_core::event::{EventKind, RunStatus, Status, Throttle};
use pipeline_core::{
    Context, Error, Executor, Graph, Node, Options, Result, RunOptions, Services, Spec, Step,
};
use proptest::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sketch::{Memory, Sketch, seeded, seeds};
use crate::toy::{
    Door, Give, Hoard, Home, Journal, Listener, Number, On, comes_back, hoarding, mix, note,
};

/// Stands before the door while nobody tells it to stop.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Wait {
    name: String,
    /// Fails the first time that it comes through.
    fails_once: bool,
    /// Does not listen.
    deaf: bool,
}

impl Step for Wait {
    const NAME: &'static str = "wait";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<Number> {
        note(ctx, &self.name);
        let door = ctx.service::<Door>()?;
        if self.deaf {
            door.pass();
        } else {
            door.arrive();
            while !door.is_open() {
                ctx.check()?;
                std::thread::yield_now();
            }
            ctx.check()?;
        }
        if self.fails_once && ctx.service::<AtomicUsize>()?.fetch_add(1, Ordering::SeqCst) == 0 {
            return Err(Error::failed("the first time"));
        }
        Ok(Number(4))
    }
}

struct Bench {
    executor: Arc<Executor>,
    journal: Journal,
    door: Door,
}

fn bench(threads: usize) -> Bench {
    let (journal, door) = (Journal::default(), Door::default());
    let services = Services::new()
        .with(journal.clone())
        .with(door.clone())
        .with(AtomicUsize::new(0))
        .with(Meter::default());
    let executor = Executor::new(Options {
        threads: Some(threads),
        cache: Some(Arc::new(Hoard::default())),
        services,
        ..Options::default()
    });
    Bench { executor: Arc::new(executor.unwrap()), journal, door }
}

impl Bench {
    /// Two runs of the same graph: the first one is inside its step, the second one follows it.
    fn leader_and_follower(
        &self,
        step: Wait,
        grace: Duration,
    ) -> ([pipeline_core::exec::Run; 2], Node<Number>) {
        let mut graph = Graph::new();
        let wait = graph.add("wait", step, ());
        let below = mix(&mut graph, "below", 1, &[wait]);
        let options = RunOptions { grace, ..RunOptions::default() };
        let leader = self.executor.spawn(&graph, &options).unwrap();
        self.door.crowd(1);
        let options = RunOptions { grace, ..RunOptions::default() };
        let follower = self.executor.spawn(&graph, &options).unwrap();
        // The other worker serves the runs in order: when this one has run, the second one follows.
        let mut other = Graph::new();
        other.add("other", Guarded::default(), ());
        assert!(self.executor.spawn(&other, &RunOptions::default()).unwrap().wait().ok().is_ok());
        ([leader, follower], below)
    }
}

fn waiting() -> Wait {
    Wait { name: "wait".into(), ..Wait::default() }
}

#[test]
fn a_cancelled_leader_finishes_the_step_that_another_run_follows() {
    let bench = bench(2);
    let ([leader, follower], below) = bench.leader_and_follower(waiting(), Duration::MAX);
    leader.cancel();
    bench.door.open();
    let report = follower.wait();
    assert!(report.output(below).is_ok());
    assert_eq!(report.nodes_that(Status::Adopted), ["wait"]);
    let report = leader.wait();
    assert_eq!(report.nodes_that(Status::Computed), ["wait"]);
    assert_eq!(report.status(), RunStatus::Cancelled);
    assert_eq!(bench.journal.take(), ["below", "wait"]);
}

#[test]
fn a_cancelled_follower_ends_at_once_and_the_leader_goes_on() {
    let bench = bench(2);
    let ([leader, follower], below) = bench.leader_and_follower(waiting(), Duration::MAX);
    follower.cancel();
    let report = follower.wait();
    assert_eq!(report.status(), RunStatus::Cancelled);
    assert_eq!(report.nodes_that(Status::Cancelled), ["wait"]);
    bench.door.open();
    assert!(leader.wait().output(below).is_ok());
    assert_eq!(bench.journal.take(), ["below", "wait"]);
}

#[test]
fn a_step_that_nobody_follows_any_more_stops() {
    let bench = bench(2);
    let ([leader, follower], _) = bench.leader_and_follower(waiting(), Duration::MAX);
    follower.cancel();
    leader.cancel();
    assert_eq!(leader.wait().nodes_that(Status::Cancelled), ["wait"]);
    assert_eq!(follower.wait().status(), RunStatus::Cancelled);
    assert_eq!(bench.journal.take(), ["wait"]);
}

#[test]
fn a_follower_computes_itself_what_its_leader_failed_to() {
    let bench = bench(2);
    let step = Wait { fails_once: true, ..waiting() };
    let ([leader, follower], below) = bench.leader_and_follower(step, Duration::MAX);
    bench.door.open();
    assert_eq!(leader.wait().nodes_that(Status::Failed), ["wait"]);
    let report = follower.wait();
    assert!(report.output(below).is_ok());
    assert_eq!(report.nodes_that(Status::Computed), ["wait", "below"]);
    assert_eq!(bench.journal.take(), ["below", "wait", "wait"]);
}

#[test]
fn a_follower_does_not_wait_for_a_leader_that_was_given_up_on() {
    let bench = bench(2);
    let mut graph = Graph::new();
    let wait = graph.add("wait", Wait { deaf: true, ..waiting() }, ());
    let below = mix(&mut graph, "below", 1, &[wait]);
    let limit = Some(Duration::from_millis(5));
    let options =
        RunOptions { step_timeout: limit, grace: Duration::ZERO, ..RunOptions::default() };
    let leader = bench.executor.spawn(&graph, &options).unwrap();
    bench.door.crowd(1);
    let follower = bench.executor.spawn(&graph, &RunOptions::default()).unwrap();
    assert_eq!(leader.wait().nodes_that(Status::Failed), ["wait"]);
    bench.door.crowd(2);
    bench.door.open();
    let report = follower.wait();
    assert!(report.output(below).is_ok());
    assert_eq!(report.nodes_that(Status::Computed), ["wait", "below"]);
}

#[test]
fn dropping_the_executor_ends_leaders_and_followers() {
    let bench = bench(2);
    let ([leader, follower], _) = bench.leader_and_follower(waiting(), Duration::MAX);
    drop(bench.executor);
    assert_eq!(leader.wait().status(), RunStatus::Cancelled);
    assert_eq!(follower.wait().status(), RunStatus::Cancelled);
}

proptest! {
    #![proptest_config(seeded(60))]

    #[test]
    fn runs_at_once_compute_every_key_once(seeds in seeds(30), to in any::<[u16; 4]>()) {
        let sketch = Sketch::grown(&seeds);
        let values = sketch.values();
        let (graph, nodes) = sketch.graph();
        let (executor, journal) = hoarding(2);
        let targets = to.map(|number| sketch.output(number, 0));
        let runs = targets.map(|(node, output)| {
            executor.spawn(&graph, &RunOptions::to(nodes[node][output])).unwrap()
        });
        for (run, (node, output)) in runs.into_iter().zip(targets) {
            let report = run.wait();
            prop_assert_eq!(report.output(nodes[node][output]).unwrap().0, values[node][output]);
        }
        // Twins have one label and may have one key or two.
        let mut memory = Memory::default();
        let mut expected: Vec<_> =
            targets.iter().flat_map(|&target| memory.run(&sketch, &[target])).collect();
        expected.sort();
        prop_assert_eq!(journal.take(), expected);
    }
}

#[test]
fn a_spawned_run_does_not_wait_for_callers_to_finish() {
    let bench = bench(1);
    let mut graph = Graph::new();
    graph.add("stuck", waiting(), ());
    let executor = Arc::clone(&bench.executor);
    let caller = std::thread::spawn(move || executor.run(&graph, &RunOptions::default()).unwrap());
    bench.door.crowd(1);
    let executor = Arc::clone(&bench.executor);
    comes_back(move || {
        let mut graph = Graph::new();
        graph.add("fine", Give::default(), ());
        assert!(executor.spawn(&graph, &RunOptions::default()).unwrap().wait().ok().is_ok());
    });
    bench.door.open();
    assert!(caller.join().unwrap().ok().is_ok());
}

/// A chain of `length` steps whose names begin with `name`, below a step that waits if `first` is
/// one.
fn chain(name: &str, length: usize, first: Option<Wait>) -> Graph {
    let mut graph = Graph::new();
    let mut last = match first {
        Some(wait) => graph.add("wait", wait, ()),
        None => graph.add("top", Give { name: format!("{name}top"), ..Give::default() }, ()),
    };
    for number in 0..length {
        last = mix(&mut graph, &format!("{name}{number}"), 1, &[last]);
    }
    graph
}

#[test]
fn an_urgent_run_goes_first_at_the_next_step_boundary() {
    let bench = bench(1);
    let slow = bench.executor.spawn(&chain("slow", 8, Some(waiting())), &RunOptions::default());
    bench.door.crowd(1);
    let urgent = RunOptions { priority: 200, ..RunOptions::default() };
    let urgent = bench.executor.spawn(&chain("urgent", 5, None), &urgent).unwrap();
    let idle = RunOptions { priority: 3, ..RunOptions::default() };
    let idle = bench.executor.spawn(&chain("idle", 3, None), &idle).unwrap();
    bench.door.open();
    for run in [urgent, slow.unwrap(), idle] {
        assert!(run.wait().ok().is_ok());
    }
    let order = bench.journal.take_in_order();
    let groups: Vec<&str> =
        order.iter().map(|name| name.trim_end_matches(|c: char| c.is_numeric())).collect();
    let mut groups: Vec<_> = groups.into_iter().map(|name| name.trim_end_matches("top")).collect();
    groups.dedup();
    assert_eq!(groups, ["wait", "urgent", "slow", "idle"]);
}

#[test]
fn a_caller_gives_way_to_an_urgent_run_and_comes_back() {
    for threads in [1, 2] {
        let bench = bench(threads);
        let executor = Arc::clone(&bench.executor);
        let caller = std::thread::spawn(move || {
            comes_back(move || {
                let graph = chain("slow", 50, Some(waiting()));
                executor.run(&graph, &RunOptions::default()).unwrap().status()
            })
        });
        bench.door.crowd(1);
        let urgent = RunOptions { priority: 200, ..RunOptions::default() };
        let urgent = bench.executor.spawn(&chain("urgent", 50, None), &urgent).unwrap();
        bench.door.open();
        assert!(urgent.wait().ok().is_ok());
        assert_eq!(caller.join().unwrap(), RunStatus::Completed);
    }
}

/// Waits, then runs a graph of its own.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Inner {}

impl Step for Inner {
    const NAME: &'static str = "inner";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<Number> {
        let executor = Home::of(ctx)?;
        let options = RunOptions { priority: 1, ..RunOptions::default() };
        let report = executor.run(&chain("inner", 5, Some(waiting())), &options)?;
        Ok(Number(i64::from(report.ok().is_ok())))
    }
}

#[test]
fn an_inner_run_is_not_held_up_by_an_urgent_one() {
    comes_back(|| {
        let door = Door::default();
        let executor = Home::new(1, Services::new().with(door.clone()));
        let mut graph = Graph::new();
        let outer = graph.add("outer", Inner {}, ());
        let run = executor.spawn(&graph, &RunOptions::default()).unwrap();
        door.crowd(1);
        let urgent = RunOptions { priority: 200, ..RunOptions::default() };
        let urgent = executor.spawn(&chain("urgent", 5, None), &urgent).unwrap();
        door.open();
        assert_eq!(run.wait().output(outer).unwrap().0, 1);
        assert!(urgent.wait().ok().is_ok());
    });
}

/// How many steps hold a unit, and the most that ever did.
#[derive(Debug, Default)]
struct Meter {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Meter {
    fn hold(&self, units: usize) {
        let now = self.now.fetch_add(units, Ordering::SeqCst) + units;
        self.most.fetch_max(now, Ordering::SeqCst);
        (0..50).for_each(|_| std::thread::yield_now());
        self.now.fetch_sub(units, Ordering::SeqCst);
    }
}

/// A step that holds units of a device.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Guarded {
    number: i64,
    units: u32,
    lane: On,
    flaky: bool,
}

impl Step for Guarded {
    const NAME: &'static str = "guarded";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<Number> {
        ctx.service::<Meter>()?.hold(self.units as usize);
        if self.flaky && ctx.attempt() == 1 {
            return Err(Error::transient("not yet"));
        }
        Ok(Number(self.number))
    }

    fn spec(&self) -> Spec {
        // Asked for one by one, they add up.
        let spec = (0..self.units).fold(Spec::default(), |spec, _| spec.needs("device", 1));
        self.lane.spec(spec)
    }
}

#[test]
fn units_are_never_taken_twice_whatever_the_lane() {
    for threads in [1, 2, 4] {
        let bench = bench(threads);
        let executor = Arc::clone(&bench.executor);
        comes_back(move || {
            for total in [2, 3] {
                let mut graph = Graph::new();
                for number in 0..30u8 {
                    let step = Guarded {
                        number: (u32::from(number) + total * 100).into(),
                        units: u32::from(number % 2) + 1,
                        lane: [On::Workers, On::Rayon, On::Blocking][usize::from(number) % 3],
                        flaky: number % 5 == 0,
                    };
                    let node = graph.add(format!("n{number}"), step, ());
                    let retry = pipeline_core::graph::Retry { attempts: 2, delay_ms: 0 };
                    graph.settings(node.id(), |s| s.retry = retry).unwrap();
                }
                let resources = std::collections::HashMap::from([("device", total)]);
                let options = RunOptions { resources, ..RunOptions::default() };
                let report = executor.run(&graph, &options).unwrap();
                report.ok().unwrap();
                let run = executor.spawn(&graph, &options).unwrap();
                assert!(run.wait().ok().is_ok());
                let meter = executor.service::<Meter>().unwrap();
                assert!(meter.most.load(Ordering::SeqCst) <= total as usize, "{meter:?}");
            }
        });
    }
}

#[test]
fn more_units_than_there_are_is_a_fault_before_the_run() {
    let bench = bench(1);
    let mut graph = Graph::new();
    graph.add("greedy", Guarded { units: 3, ..Guarded::default() }, ());
    let resources = std::collections::HashMap::from([("device", 2)]);
    let options = RunOptions { resources, ..RunOptions::default() };
    let error = bench.executor.run(&graph, &options).unwrap_err().to_string();
    assert_eq!(error, "nodes.greedy.resources.device: found 3, expected at most 2");
}

/// So many bytes, as far as the engine knows.
#[derive(Debug, Clone)]
struct Block(usize);

impl Data for Block {
    const NAME: &'static str = "block";

    fn size_bytes(&self) -> usize {
        self.0
    }
}

/// Makes a block.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Forge {
    number: i64,
    bytes: u32,
}

impl Step for Forge {
    const NAME: &'static str = "forge";
    type Input = Vec<In<Block>>;
    type Output = Block;

    fn run(&self, _: Vec<In<Block>>, ctx: &Context<'_>) -> Result<Block> {
        ctx.service::<Meter>()?.hold(1);
        Ok(Block(self.bytes as usize))
    }

    fn spec(&self) -> Spec {
        Spec::default().bytes(self.bytes.into())
    }
}

#[test]
fn a_budget_is_kept_when_every_step_fits() {
    for threads in [1, 2, 4] {
        let bench = bench(threads);
        let mut graph = Graph::new();
        let forge = |graph: &mut Graph, name: String, bytes, number, inputs: Vec<Node<Block>>| {
            graph.add(name, Forge { number, bytes }, inputs)
        };
        let small: Vec<_> = (0..32i64)
            .map(|n| {
                let open = forge(&mut graph, format!("open{n}"), 1000, n, vec![]);
                let blur = forge(&mut graph, format!("blur{n}"), 1000, n, vec![open]);
                forge(&mut graph, format!("shrink{n}"), 10, n, vec![blur])
            })
            .collect();
        let sheet = forge(&mut graph, "sheet".into(), 100, 0, small);
        graph.target(sheet);
        let options = RunOptions { budget: Some(8000), ..RunOptions::default() };
        let report = bench.executor.run(&graph, &options).unwrap();
        report.ok().unwrap();
        let peak = report.totals().peak_bytes;
        assert!(peak <= 8000, "{threads} threads: {peak}");
        assert!(peak >= 2000, "{threads} threads: {peak}");
    }
}

#[test]
fn a_step_larger_than_the_budget_runs_alone_and_is_reported() {
    let (heard, bench) = (Listener::default(), bench(4));
    let mut graph = Graph::new();
    for number in 0..6 {
        graph.add(format!("big{number}"), Forge { number, bytes: 900 }, vec![]);
    }
    let options = RunOptions { budget: Some(500), ..heard.options() };
    let report = bench.executor.run(&graph, &options).unwrap();
    report.ok().unwrap();
    let meter = bench.executor.service::<Meter>().unwrap();
    assert_eq!(meter.most.load(Ordering::SeqCst), 1);
    let heard = heard.of(report.run()).into_iter().filter_map(|event| match event.kind {
        EventKind::Throttled { reason, from, .. } => Some((reason, from)),
        _ => None,
    });
    assert_eq!(heard.collect::<Vec<_>>(), [(Throttle::Overshoot, 500)]);
}

#[test]
fn a_limited_run_with_steps_that_wait_does_not_stand_still() {
    // The caller may be about to wait when the other thread makes room: many rounds.
    for threads in [1, 2] {
        let bench = bench(threads);
        let executor = Arc::clone(&bench.executor);
        comes_back(move || {
            for round in 0..300 {
                let mut graph = Graph::new();
                let tops: Vec<_> = (0..4u8)
                    .map(|n| {
                        let number = round * 10 + i64::from(n);
                        let lane = if n % 2 == 0 { On::Workers } else { On::Blocking };
                        let step = Guarded { number, units: 1, lane, flaky: false };
                        graph.add(format!("n{n}"), step, ())
                    })
                    .collect();
                let join = mix(&mut graph, "join", round, &tops);
                let resources = std::collections::HashMap::from([("device", 1)]);
                let options = RunOptions { resources, ..RunOptions::default() };
                assert!(executor.run(&graph, &options).unwrap().output(join).is_ok());
            }
        });
    }
}
