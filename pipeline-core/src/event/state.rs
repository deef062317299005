//! The state of a run: what its events add up to.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::node_state::{NodeState, NodeStates, NodeStatus, NodeTable};
use super::{Counts, Event, EventKind, PlannedNode, RunFinished, RunStarted, Status, Warning};
use crate::id::{NodeId, RunId};

/// How many warnings a snapshot keeps.
const WARNINGS: usize = 64;

/// The whole state of a run after some event.
///
/// A snapshot plus all later events is the state of the live run; a whole log replays to the same
/// state. A node never goes back: an event that is already part of the state changes nothing, so
/// applying it twice does no harm. Copies are cheap, they share the states that do not change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The run.
    pub run: RunId,
    /// The revision of the graph that the run computes.
    pub revision: u64,
    /// The number of the first event that is not part of this state.
    pub next_seq: u64,
    /// The time of the newest event that is, in microseconds since the run's start.
    pub t_us: u64,
    /// Whether the run has started.
    pub started: bool,
    nodes: Arc<NodeTable>,
    states: NodeStates,
    /// The nodes whose results were asked for.
    pub targets: Arc<[NodeId]>,
    /// How many nodes the plan serves from the cache; inputs of the graph are not among them.
    pub cached: u32,
    /// Microseconds that the run is expected to take, if that can be said.
    pub estimate_us: Option<u64>,
    /// How many nodes wait for a thread.
    pub queued: u32,
    /// How many nodes run.
    pub running: u32,
    /// How many nodes ended in each way.
    pub counts: Counts,
    /// The newest warnings, at most 64.
    pub warnings: VecDeque<Warning>,
    /// How many warnings there were in all.
    pub warning_count: u64,
    /// How many results were thrown out to make room.
    pub evicted: u64,
    /// Their size.
    pub evicted_bytes: u64,
    /// How often the executor was throttled or let go again.
    pub throttled: u64,
    /// How the run ended, if it did.
    pub finished: Option<Box<RunFinished>>,
}

impl Snapshot {
    /// The state of a run before its first event.
    #[must_use]
    pub fn new(run: RunId, revision: u64) -> Self {
        Self {
            run,
            revision,
            next_seq: 0,
            t_us: 0,
            started: false,
            nodes: Arc::default(),
            states: NodeStates::default(),
            targets: Arc::default(),
            cached: 0,
            estimate_us: None,
            queued: 0,
            running: 0,
            counts: Counts::default(),
            warnings: VecDeque::new(),
            warning_count: 0,
            evicted: 0,
            evicted_bytes: 0,
            throttled: 0,
            finished: None,
        }
    }

    /// Makes an event part of the state. Returns whether it changed anything; it does not if it is
    /// part of the state already.
    pub fn apply(&mut self, event: &Event) -> bool {
        if event.seq < self.next_seq {
            return false;
        }
        self.next_seq = event.seq + 1;
        self.note(event.t_us, event.node, &event.kind)
    }

    /// Makes what happened part of the state, as [`apply`](Self::apply) does for something that
    /// has no place in the stream yet.
    ///
    /// It changes nothing, and returns false, once the run has finished; for a node that has ended,
    /// or got further already, or is not in the plan.
    pub fn note(&mut self, t_us: u64, node: Option<NodeId>, kind: &EventKind) -> bool {
        if self.finished.is_some() {
            return false;
        }
        let changed = match kind {
            EventKind::RunStarted(start) => self.start(start),
            EventKind::RunFinished(finished) => {
                self.finished = Some(finished.clone());
                true
            }
            EventKind::Warning(warning) => {
                if self.warnings.len() == WARNINGS {
                    self.warnings.pop_front();
                }
                self.warnings.push_back((**warning).clone());
                self.warning_count += 1;
                true
            }
            EventKind::Evicted { bytes, .. } => {
                self.evicted += 1;
                self.evicted_bytes = self.evicted_bytes.saturating_add(*bytes);
                true
            }
            EventKind::Throttled { .. } => {
                self.throttled += 1;
                true
            }
            EventKind::StepQueued
            | EventKind::StepStarted { .. }
            | EventKind::StepProgress(_)
            | EventKind::StepFinished(_)
            | EventKind::PreviewReady(_) => {
                node.is_some_and(|node| self.note_node(t_us, node, kind))
            }
        };
        if changed {
            self.t_us = self.t_us.max(t_us);
        }
        changed
    }

    fn start(&mut self, start: &RunStarted) -> bool {
        if self.started {
            return false;
        }
        self.started = true;
        self.nodes = Arc::new(NodeTable::new(Arc::clone(&start.nodes)));
        self.states = NodeStates::pending(start.nodes.len());
        self.targets = Arc::clone(&start.targets);
        self.cached = start.cached;
        self.estimate_us = start.estimate_us;
        true
    }

    fn note_node(&mut self, t_us: u64, node: NodeId, kind: &EventKind) -> bool {
        let place = self.nodes.place(node);
        let Some(state) = place.and_then(|place| self.states.at_mut(place)) else { return false };
        let before = state.status();
        if !state.note(t_us, kind) {
            return false;
        }
        let after = state.status();
        if before != after {
            self.count(before, u32::wrapping_sub);
            self.count(after, u32::wrapping_add);
        }
        true
    }

    fn count(&mut self, status: NodeStatus, change: fn(u32, u32) -> u32) {
        match status {
            NodeStatus::Pending => {}
            NodeStatus::Queued => self.queued = change(self.queued, 1),
            NodeStatus::Running => self.running = change(self.running, 1),
            NodeStatus::Finished(status) => self.counts.add(status),
        }
    }

    /// Shares with another state of the same run the nodes that ended in the same way in both. What
    /// still comes of one of them, a preview, parts them again.
    pub(crate) fn share_ended(&mut self, other: &Self) {
        self.states.share_ended(&other.states);
    }

    /// The nodes of the plan with their states, in the plan's order.
    pub fn nodes(&self) -> impl Iterator<Item = (&PlannedNode, &NodeState)> {
        self.nodes.nodes.iter().zip(self.states.iter())
    }

    /// How many nodes the plan has.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.nodes.nodes.len()
    }

    /// The nodes of the plan, shared.
    #[must_use]
    pub fn planned_nodes(&self) -> Arc<[PlannedNode]> {
        Arc::clone(&self.nodes.nodes)
    }

    /// The state of one node, if it is in the plan.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<&NodeState> {
        self.states.at(self.nodes.place(id)?)
    }

    /// The names of one node, if it is in the plan.
    #[must_use]
    pub fn planned(&self, id: NodeId) -> Option<&PlannedNode> {
        self.nodes.planned(id)
    }

    /// How many nodes ended in this way.
    #[must_use]
    pub fn count_of(&self, status: Status) -> u32 {
        self.counts.of(status)
    }

    /// How many nodes have not ended.
    #[must_use]
    pub fn open(&self) -> usize {
        self.node_count().saturating_sub(self.counts.total() as usize)
    }
}
