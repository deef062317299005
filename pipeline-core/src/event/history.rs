//! Random histories of runs for the tests: every law of events is checked on them.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;

use super::{
    Event, EventKind, Finished, PlannedNode, RunFinished, RunStarted, RunStatus, Snapshot, Status,
    StepProgress, Totals,
};
use crate::id::{NodeId, RunId};

/// The run of [`log_of`].
pub(crate) const RUN: RunId = RunId(7);

/// Something that happened, before it has a number.
pub(crate) type Happening = (u64, Option<NodeId>, EventKind);

/// The same cases in every run of the tests.
pub(crate) fn seeded() -> ProptestConfig {
    ProptestConfig {
        rng_seed: RngSeed::Fixed(7),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// The first event of a run of `count` nodes, with ids that leave gaps.
pub(crate) fn run_started(count: u32) -> EventKind {
    let id = |index| NodeId::from_index(index * 3 + 1);
    let nodes = (0..count).map(|index| PlannedNode {
        id: id(index),
        name: format!("node{index}").into(),
        step: "gain".into(),
    });
    let nodes: Arc<[PlannedNode]> = nodes.collect();
    let targets = nodes.last().map(|node| node.id).into_iter().collect();
    EventKind::RunStarted(RunStarted { nodes, targets, cached: 0, estimate_us: None })
}

/// The node at a place of [`run_started`].
pub(crate) fn node(index: u32) -> NodeId {
    NodeId::from_index(index * 3 + 1)
}

/// The end of a node.
pub(crate) fn finished(status: Status) -> EventKind {
    EventKind::StepFinished(Finished::new(status))
}

/// The end of a run.
pub(crate) fn run_finished(status: RunStatus) -> EventKind {
    EventKind::RunFinished(Box::new(RunFinished { status, totals: Totals::default() }))
}

/// A report of progress.
pub(crate) fn progress(done: u64, total: u64) -> StepProgress {
    StepProgress { done, total, unit: "rows".into(), ..StepProgress::default() }
}

/// What can happen to one node, in order: perhaps queued, perhaps started several times with
/// progress between, and always one end.
fn of_node(index: u32) -> impl Strategy<Value = Vec<Happening>> {
    let served = select(vec![
        Status::Cached,
        Status::Adopted,
        Status::CutOff,
        Status::Given,
        Status::Skipped,
    ]);
    let ran = select(vec![Status::Computed, Status::Failed, Status::Cancelled]);
    let attempts = prop::collection::vec(0u64..4, 1..3);
    let run = (any::<bool>(), attempts, ran).prop_map(|(queued, attempts, status)| {
        let mut kinds = Vec::new();
        if queued {
            kinds.push(EventKind::StepQueued);
        }
        for (attempt, reports) in (1..).zip(attempts) {
            kinds.push(EventKind::StepStarted { attempt });
            kinds.extend((0..reports).map(|done| EventKind::StepProgress(progress(done, 4))));
        }
        kinds.push(finished(status));
        kinds
    });
    let kinds = prop_oneof![3 => run, 1 => served.prop_map(|status| vec![finished(status)])];
    kinds.prop_map(move |kinds| kinds.into_iter().map(|k| (0, Some(node(index)), k)).collect())
}

/// Numbers what happened as a bus would.
pub(crate) fn log_of(history: Vec<Happening>) -> Vec<Event> {
    let events = history.into_iter().zip(0..);
    events
        .map(|((t_us, node, kind), seq)| Event { seq, run: RUN, revision: 2, t_us, node, kind })
        .collect()
}

/// What events of [`log_of`] add up to. Fails if one of them changes nothing.
pub(crate) fn replay<'a>(events: impl IntoIterator<Item = &'a Event>) -> Snapshot {
    let mut state = Snapshot::new(RUN, 2);
    for event in events {
        assert!(state.apply(event), "{event:?} changes nothing");
    }
    state
}

/// A whole run: its nodes' happenings interleaved at random, with times that grow.
pub(crate) fn history(max_nodes: u32) -> impl Strategy<Value = Vec<Happening>> {
    (0..=max_nodes)
        .prop_flat_map(|count| {
            let nodes: Vec<_> = (0..count).map(of_node).collect();
            (Just(count), nodes, any::<u64>())
        })
        .prop_map(|(count, nodes, seed)| interleave(count, nodes, seed))
}

fn interleave(count: u32, nodes: Vec<Vec<Happening>>, mut seed: u64) -> Vec<Happening> {
    let mut nodes: Vec<_> = nodes.into_iter().map(Vec::into_iter).collect();
    let mut all = vec![(0, None, run_started(count))];
    let mut t_us = 0;
    while !nodes.is_empty() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let place = usize::try_from(seed >> 33).unwrap() % nodes.len();
        t_us += (seed >> 20) % 30_000;
        match nodes[place].next() {
            Some((_, node, kind)) => all.push((t_us, node, kind)),
            None => drop(nodes.swap_remove(place)),
        }
    }
    all.push((t_us + 1, None, run_finished(RunStatus::Completed)));
    all
}
