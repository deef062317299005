//! Steps that fail, panic, or are stopped: what else happens, and what does not.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pipeline_core::data::{Codec, Data, In};
use pipeline_core::event::{Event, RunStatus, Status};
use pipeline_core::exec::OnFailure;
use pipeline_core::step::CutOff;
use pipeline_core::{
    Context, Error, Executor, Graph, Options, Result, RunOptions, Services, Spec, Step, Targets,
};
use proptest::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sketch::{Kind, Memory, Sketch, seeded, seeds};
use crate::toy::{Fault, Give, Hoard, Journal, Mix, Polls, comes_back, forgetful, hoarding, mix};

/// A sketch without digests, in which some nodes are faulty.
fn faulty(seeds: &[crate::sketch::Seed], faults: &[(u16, u8)]) -> Sketch {
    let mut sketch = Sketch::grown(seeds);
    for (at, plot) in sketch.0.iter_mut().flatten().enumerate() {
        plot.digest = false;
        // No twins: each node has a fate of its own.
        plot.label = format!("n{at}");
    }
    for &(at, fault) in faults {
        let at = sketch.pick(at);
        let plot = sketch.0[at].as_mut().unwrap();
        if plot.kind == Kind::Mix && !plot.bypassed {
            plot.fault = [Fault::Fail, Fault::Panic, Fault::Flaky][usize::from(fault) % 3];
        }
    }
    sketch
}

/// Nodes that fail, with all that needs them.
fn lost(sketch: &Sketch) -> HashMap<usize, HashSet<usize>> {
    let mut lost: HashMap<usize, HashSet<usize>> = HashMap::new();
    for (at, plot) in sketch.plots() {
        let take = if plot.bypassed { 1 } else { usize::MAX };
        let above = plot.inputs().take(take).filter_map(|(node, _)| lost.get(&node));
        let culprits: HashSet<usize> = above.flatten().copied().collect();
        if !culprits.is_empty() {
            lost.insert(at, culprits);
        } else if matches!(plot.fault, Fault::Fail | Fault::Panic) {
            lost.insert(at, HashSet::from([at]));
        }
    }
    lost
}

proptest! {
    #![proptest_config(seeded(150))]

    #[test]
    fn exactly_the_descendants_of_failures_are_skipped(
        seeds in seeds(40),
        faults in prop::collection::vec((any::<u16>(), any::<u8>()), 0..6),
        threads in 1usize..=2,
    ) {
        let mut sketch = faulty(&seeds, &faults);
        let (mut graph, nodes) = sketch.graph();
        let (executor, journal) = hoarding(threads);
        let report = executor.run(&graph, &RunOptions::default()).unwrap();
        let lost = lost(&sketch);
        let needed = sketch.ancestors(&sketch.sinks());
        let mut ran = Vec::new();
        for &at in &needed {
            let (plot, record) = (sketch.plot(at), report.step(nodes[at][0].id()).unwrap());
            let expected = match lost.get(&at) {
                Some(culprits) if culprits.contains(&at) => Status::Failed,
                Some(_) => Status::Skipped,
                None if plot.bypassed => Status::Bypassed,
                None => Status::Computed,
            };
            prop_assert_eq!(record.status, expected, "node{}", at);
            if expected == Status::Skipped {
                let error = record.error.as_ref().unwrap().to_string();
                let because = lost[&at].iter().any(|culprit| {
                    error == format!("skipped because `node{culprit}` did not finish")
                });
                prop_assert!(because, "{}", error);
            }
            let attempts = match expected {
                Status::Computed if plot.fault == Fault::Flaky => 3,
                Status::Computed | Status::Failed => 1,
                _ => 0,
            };
            prop_assert_eq!(record.attempts, attempts);
            ran.extend((0..attempts).map(|_| plot.label.clone()));
        }
        ran.sort();
        prop_assert_eq!(journal.take(), ran);
        let any_failed = needed.iter().any(|at| lost.contains_key(at));
        let status = if any_failed { RunStatus::Failed } else { RunStatus::Completed };
        prop_assert_eq!(report.status(), status);
        let values = sketch.values();
        for (node, output) in sketch.sinks() {
            match report.output(nodes[node][output]) {
                Ok(value) => prop_assert_eq!(value.0, values[node][output]),
                Err(_) => prop_assert!(lost.contains_key(&node)),
            }
        }

        // Once repaired, only what did not finish runs.
        let mut expected = Vec::new();
        for (at, outputs) in nodes.iter().enumerate() {
            if matches!(sketch.plot(at).fault, Fault::Fail | Fault::Panic) {
                sketch.0[at].as_mut().unwrap().fault = Fault::None;
                graph.edit::<Mix>(outputs[0].id(), |mix| mix.fault = Fault::None).unwrap();
                expected.extend(needed.contains(&at).then_some(at));
            }
        }
        // A repaired node has new parameters, so all below it are new as well.
        let repaired: HashSet<usize> = expected.iter().copied().collect();
        let mut below = repaired.clone();
        for (at, plot) in sketch.plots() {
            let take = if plot.bypassed { 1 } else { usize::MAX };
            if plot.inputs().take(take).any(|(node, _)| below.contains(&node)) {
                below.insert(at);
            }
        }
        let again = below.iter().filter(|at| needed.contains(at) && !sketch.plot(**at).bypassed);
        let mut again: Vec<_> = again
            .flat_map(|&at| {
                let plot = sketch.plot(at);
                vec![plot.label.clone(); if plot.fault == Fault::Flaky { 3 } else { 1 }]
            })
            .collect();
        again.sort();
        executor.run(&graph, &RunOptions::default()).unwrap().ok().unwrap();
        prop_assert_eq!(journal.take(), again);
    }

    #[test]
    fn a_run_that_stops_at_a_failure_ends_every_node_once(
        seeds in seeds(40),
        faults in prop::collection::vec((any::<u16>(), any::<u8>()), 1..4),
    ) {
        let sketch = faulty(&seeds, &faults);
        let (graph, nodes) = sketch.graph();
        let (executor, _) = hoarding(2);
        let options = RunOptions { on_failure: OnFailure::Stop, ..RunOptions::default() };
        let report = executor.run(&graph, &options).unwrap();
        let lost = lost(&sketch);
        let needed = sketch.ancestors(&sketch.sinks());
        let fails = needed.iter().any(|at| lost.contains_key(at));
        let status = if fails { RunStatus::Failed } else { RunStatus::Completed };
        prop_assert_eq!(report.status(), status);
        for &at in &needed {
            let status = report.step(nodes[at][0].id()).unwrap().status;
            let allowed: &[Status] = match lost.get(&at) {
                Some(culprits) if culprits.contains(&at) => {
                    &[Status::Failed, Status::Cancelled, Status::Skipped]
                }
                Some(_) => &[Status::Skipped, Status::Cancelled],
                None => &[
                    Status::Computed, Status::Bypassed, Status::Cancelled, Status::Skipped,
                ],
            };
            prop_assert!(allowed.contains(&status), "node{}: {}", at, status);
        }
        prop_assert_eq!(report.totals().counts.total() as usize, needed.len());
    }
}

proptest! {
    #![proptest_config(seeded(6))]

    #[test]
    fn a_cancel_at_any_poll_leaves_what_was_finished(seeds in seeds(25), threads in 1usize..=2) {
        let sketch = Sketch::grown(&seeds);
        let (graph, nodes) = sketch.graph();
        let values = sketch.values();
        for at in 0.. {
            let (polls, journal) = (Polls::default(), Journal::default());
            let executor = Executor::new(Options {
                threads: Some(threads),
                cache: Some(Arc::new(Hoard::default())),
                services: Services::new().with(polls.clone()).with(journal.clone()),
                ..Options::default()
            })
            .unwrap();
            let options = RunOptions::default();
            polls.trip(at, &options.token);
            let report = executor.run(&graph, &options).unwrap();
            let was_stopped = polls.count() > at;
            let is_whole = report.ok().is_ok();
            prop_assert!(was_stopped || is_whole);
            let status = if is_whole { RunStatus::Completed } else { RunStatus::Cancelled };
            prop_assert_eq!(report.status(), status);
            let computed: HashSet<String> = report
                .nodes_that(Status::Computed)
                .iter()
                .map(|name| sketch.plot(name[4..].parse().unwrap()).label.clone())
                .collect();
            journal.take();

            // What was finished is served, the rest is computed.
            let again = executor.run(&graph, &RunOptions::default()).unwrap();
            for (node, output) in sketch.sinks() {
                prop_assert_eq!(again.output(nodes[node][output]).unwrap().0, values[node][output]);
            }
            let ran = journal.take();
            prop_assert!(ran.iter().all(|label| !computed.contains(label)), "{:?}", ran);
            let mut both: Vec<_> = ran.into_iter().chain(computed).collect();
            both.sort();
            both.dedup();
            let mut all = Memory::default().run(&sketch, &sketch.sinks());
            all.dedup();
            prop_assert_eq!(both, all);
            if !was_stopped {
                break;
            }
        }
    }
}

/// Bytes that count themselves.
#[derive(Debug)]
struct Live(Arc<AtomicUsize>);

impl Live {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Data for Live {
    const NAME: &'static str = "live";

    fn size_bytes(&self) -> usize {
        100
    }
}

/// Makes something that counts itself.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Breathe {
    number: i64,
}

impl Step for Breathe {
    const NAME: &'static str = "breathe";
    type Input = Vec<In<Live>>;
    type Output = Live;

    fn run(&self, _: Vec<In<Live>>, ctx: &Context<'_>) -> Result<Live> {
        crate::toy::poll(ctx)?;
        Ok(Live::new(ctx.service::<Arc<AtomicUsize>>()?))
    }
}

#[test]
fn nothing_but_the_targets_outlives_a_run() {
    for at in 0..=14 {
        for threads in [1, 2] {
            let (polls, count) = (Polls::default(), Arc::new(AtomicUsize::new(0)));
            let executor = Executor::new(Options {
                threads: Some(threads),
                services: Services::new().with(polls.clone()).with(Arc::clone(&count)),
                ..Options::default()
            })
            .unwrap();
            let mut graph = Graph::new();
            let mut row = Vec::new();
            for level in 0..4i64 {
                row = (0..3i64)
                    .map(|n| {
                        let step = Breathe { number: level * 3 + n };
                        graph.add(format!("b{level}{n}"), step, row.clone())
                    })
                    .collect();
            }
            let options = RunOptions::to(Targets::node(row[0]).and(row[1]));
            polls.trip(at, &options.token);
            let report = executor.run(&graph, &options).unwrap();
            let there = row.iter().take(2).filter(|node| report.output(**node).is_ok()).count();
            drop(graph);
            assert_eq!(count.load(Ordering::SeqCst), there, "cancelled at poll {at}");
            drop(report);
            assert_eq!(count.load(Ordering::SeqCst), 0, "cancelled at poll {at}");
        }
    }
}

/// What goes wrong in places where nobody expects it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Trap {
    #[default]
    Drop,
    Size,
    Digest,
    Display,
    Payload,
    PayloadDrop,
    Rows,
}

/// A value that panics when it is looked at, or goes.
#[derive(Debug)]
struct Mine(Trap);

impl Drop for Mine {
    fn drop(&mut self) {
        assert!(self.0 != Trap::Drop || std::thread::panicking(), "dropped");
    }
}

impl Data for Mine {
    const NAME: &'static str = "mine";

    fn size_bytes(&self) -> usize {
        assert!(self.0 != Trap::Size, "weighed");
        1
    }

    fn codec() -> Option<Codec<Self>> {
        Some(Codec::new(
            1,
            |mine, _| {
                assert!(mine.0 != Trap::Digest, "digested");
                Ok(())
            },
            |_| Err(Error::failed("never read")),
        ))
    }
}

/// An error that cannot be printed.
#[derive(Debug)]
struct Unspeakable;

impl std::fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("no words")
    }
}

impl std::error::Error for Unspeakable {}

/// Walks into a trap.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Walk {
    trap: Trap,
    number: i64,
}

impl Step for Walk {
    const NAME: &'static str = "walk";
    type Input = Vec<In<Mine>>;
    type Output = Mine;

    fn run(&self, _: Vec<In<Mine>>, ctx: &Context<'_>) -> Result<Mine> {
        match self.trap {
            Trap::Drop | Trap::Size | Trap::Digest => Ok(Mine(self.trap)),
            Trap::Display => Err(Error::caused("it went wrong", Unspeakable)),
            Trap::Payload => std::panic::panic_any(7u32),
            Trap::PayloadDrop => std::panic::panic_any(Mine(Trap::Drop)),
            Trap::Rows => {
                ctx.rows(100, 1, |rows| {
                    assert!(rows.start != 50, "row 50");
                    Ok(())
                })?;
                Ok(Mine(self.trap))
            }
        }
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}

#[test]
fn a_panic_anywhere_in_the_code_of_a_step_is_that_steps_error_and_no_more() {
    let rows = [
        (Trap::Drop, None),
        (Trap::Size, Some("panicked: weighed")),
        (Trap::Digest, None),
        (Trap::Display, Some("panicked: no words")),
        (Trap::Payload, Some("panicked: with a payload that is not text")),
        (Trap::PayloadDrop, Some("panicked: with a payload that is not text")),
        (Trap::Rows, Some("panicked: row 50")),
    ];
    for (trap, expected) in rows {
        for threads in [1, 2] {
            comes_back(move || {
                let heard = Arc::new(AtomicUsize::new(0));
                let count = Arc::clone(&heard);
                let executor =
                    Executor::new(Options { threads: Some(threads), ..Options::default() });
                let executor = executor.unwrap();
                let mut graph = Graph::new();
                let walk = graph.add("walk", Walk { trap, number: 0 }, vec![]);
                let unread = graph.add("unread", Walk { trap, number: 1 }, vec![]);
                let fine = graph.add("fine", Give { number: 5, ..Give::default() }, ());
                let join = mix(&mut graph, "join", 0, &[fine]);
                let _ = (walk, unread);
                let options = RunOptions {
                    targets: Targets::node(join).and(walk).and(unread),
                    observers: vec![Arc::new(move |_: &Event| {
                        count.fetch_add(1, Ordering::SeqCst);
                    })],
                    ..RunOptions::default()
                };
                for report in [
                    executor.run(&graph, &options).unwrap(),
                    executor.spawn(&graph, &options).unwrap().wait(),
                ] {
                    assert_eq!(report.output(join).unwrap().0, 5, "{trap:?}");
                    let record = report.step(walk.id()).unwrap();
                    let error = record.error.as_ref().map(ToString::to_string);
                    let expected = expected.map(|text| format!("step `walk` (walk): {text}"));
                    assert_eq!(error, expected, "{trap:?}");
                    if trap == Trap::Drop {
                        // The program's own thread may well meet the panic of its own type.
                        let dropped =
                            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                                drop(report);
                            }));
                        drop(dropped);
                    }
                }
            });
        }
    }
}

#[test]
fn a_result_that_panics_when_it_goes_ends_no_run() {
    for threads in [1, 2] {
        comes_back(move || {
            let (executor, _) = forgetful(threads);
            let mut graph = Graph::new();
            let top = graph.add("top", Walk { trap: Trap::Drop, number: 0 }, vec![]);
            let size = graph.add("size", Walk { trap: Trap::Size, number: 1 }, vec![top]);
            let fine = graph.add("fine", Give { number: 5, ..Give::default() }, ());
            let report = executor.run(&graph, &RunOptions::to(Targets::node(size).and(fine)));
            let report = report.unwrap();
            assert_eq!(report.output(fine).unwrap().0, 5);
            // Whoever is given the only handle meets the panic.
            assert_eq!(report.nodes_that(Status::Failed), ["size"]);
            let run = executor.spawn(&graph, &RunOptions::to(Targets::node(size).and(fine)));
            assert_eq!(run.unwrap().wait().output(fine).unwrap().0, 5);
        });
    }
}
