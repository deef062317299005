//! The state of one node of a run, and a table of them that is cheap to copy.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{EventKind, Finished, PlannedNode, Preview, Status, StepProgress};
use crate::id::NodeId;

/// Where a node of a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NodeStatus {
    /// It waits for its inputs.
    Pending,
    /// It waits for a thread.
    Queued,
    /// It runs.
    Running,
    /// It ended.
    #[serde(untagged)]
    Finished(Status),
}

/// The state of one node of a run.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeState {
    /// Whether it has been queued, and when, in microseconds since the run's start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queued_us: Option<u64>,
    /// When its present or last attempt started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_us: Option<u64>,
    /// The number of that attempt, counted from 1.
    pub attempt: u32,
    /// How far it has come; only while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Box<StepProgress>>,
    /// The newest picture of its result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview: Option<Box<Preview>>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_us: Option<u64>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished: Option<Finished>,
}

impl NodeState {
    /// Where the node is.
    #[must_use]
    pub const fn status(&self) -> NodeStatus {
        match (&self.finished, self.started_us, self.queued_us) {
            (Some(finished), ..) => NodeStatus::Finished(finished.status),
            (None, Some(_), _) => NodeStatus::Running,
            (None, None, Some(_)) => NodeStatus::Queued,
            (None, None, None) => NodeStatus::Pending,
        }
    }

    /// Takes note of an event of this node. Returns whether it changed anything: a node never goes
    /// back, and nothing but a preview comes after its end.
    pub(super) fn note(&mut self, t_us: u64, kind: &EventKind) -> bool {
        if let EventKind::PreviewReady(preview) = kind {
            self.preview = Some(preview.clone());
            return true;
        }
        if self.finished.is_some() {
            return false;
        }
        match kind {
            EventKind::StepQueued if self.status() == NodeStatus::Pending => {
                self.queued_us = Some(t_us);
            }
            EventKind::StepStarted { attempt } if *attempt > self.attempt => {
                self.started_us = Some(t_us);
                self.attempt = *attempt;
                self.progress = None;
            }
            EventKind::StepProgress(progress) if self.started_us.is_some() => {
                match &mut self.progress {
                    Some(known) => (**known).clone_from(progress),
                    none => *none = Some(Box::new(progress.clone())),
                }
            }
            EventKind::StepFinished(finished) => {
                self.progress = None;
                self.ended_us = Some(t_us);
                self.finished = Some(finished.clone());
            }
            _ => return false,
        }
        true
    }
}

/// The nodes of a plan and where each stands in it.
#[derive(Debug, Default)]
pub(crate) struct NodeTable {
    pub(super) nodes: Arc<[PlannedNode]>,
    /// Place by id, where the ids are not much larger than the number of nodes.
    dense: Vec<u32>,
    /// Place by id, where they are: a log is not trusted to have small ids.
    sparse: HashMap<NodeId, u32>,
}

impl NodeTable {
    pub(crate) fn new(nodes: Arc<[PlannedNode]>) -> Self {
        let ids = nodes.iter().map(|node| node.id).zip(0u32..);
        let end = nodes.iter().map(|node| node.id.index() + 1).max().unwrap_or(0);
        let (mut dense, mut sparse) = (Vec::new(), HashMap::new());
        if end <= nodes.len().saturating_mul(8) + 1024 {
            dense.resize(end, u32::MAX);
            ids.for_each(|(id, place)| dense[id.index()] = place);
        } else {
            sparse.extend(ids);
        }
        Self { nodes, dense, sparse }
    }

    #[inline]
    pub(super) fn place(&self, id: NodeId) -> Option<usize> {
        let place = if self.sparse.is_empty() {
            self.dense.get(id.index()).copied().filter(|&place| place != u32::MAX)
        } else {
            self.sparse.get(&id).copied()
        };
        place.map(|place| place as usize)
    }

    pub(crate) fn planned(&self, id: NodeId) -> Option<&PlannedNode> {
        self.nodes.get(self.place(id)?)
    }
}

/// How many states are copied together when one of them changes while a copy is held.
const CHUNK: usize = 64;

/// States in chunks that copies share until one of them changes, so that a snapshot of a large run
/// is taken in microseconds.
#[derive(Debug, Clone, Default)]
pub(super) struct NodeStates(Vec<Arc<[NodeState]>>);

impl NodeStates {
    /// Nodes that have not begun: one chunk of them, until one does.
    pub(super) fn pending(count: usize) -> Self {
        let chunk = |size| (0..size).map(|_| NodeState::default()).collect::<Arc<[_]>>();
        let mut chunks = vec![chunk(CHUNK); count / CHUNK];
        if !count.is_multiple_of(CHUNK) {
            chunks.push(chunk(count % CHUNK));
        }
        Self(chunks)
    }

    pub(super) fn at(&self, place: usize) -> Option<&NodeState> {
        self.0.get(place / CHUNK)?.get(place % CHUNK)
    }

    pub(super) fn at_mut(&mut self, place: usize) -> Option<&mut NodeState> {
        Arc::make_mut(self.0.get_mut(place / CHUNK)?).get_mut(place % CHUNK)
    }

    /// Takes chunks from another state of the run whose nodes have all ended, alike in both, so
    /// that they are there once.
    pub(super) fn share_ended(&mut self, other: &Self) {
        for (own, other) in self.0.iter_mut().zip(&other.0) {
            if !Arc::ptr_eq(own, other)
                && own.iter().all(|state| state.finished.is_some())
                && own == other
            {
                *own = Arc::clone(other);
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &NodeState> {
        self.0.iter().flat_map(|chunk| chunk.iter())
    }
}

impl PartialEq for NodeStates {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self.0.iter().zip(&other.0).all(|(a, b)| Arc::ptr_eq(a, b) || a == b)
    }
}

impl Serialize for NodeStates {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for NodeStates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let states = Vec::<NodeState>::deserialize(deserializer)?;
        Ok(Self(states.chunks(CHUNK).map(Arc::from).collect()))
    }
}

impl PartialEq for NodeTable {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.nodes, &other.nodes) || self.nodes == other.nodes
    }
}

impl Serialize for NodeTable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.nodes.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for NodeTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Arc::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ended_chunks_that_are_alike_are_shared() {
        let mut one = NodeStates::pending(3 * CHUNK);
        let mut other = NodeStates::pending(3 * CHUNK);
        let end = |states: &mut NodeStates, place: usize, bytes: u64| {
            let finished = Finished { bytes, ..Finished::new(Status::Computed) };
            states.at_mut(place).unwrap().finished = Some(finished);
        };
        for place in 0..2 * CHUNK {
            end(&mut one, place, 7);
            // The second chunk is not alike, and the third has not ended.
            end(&mut other, place, if place == CHUNK { 8 } else { 7 });
        }
        let before = one.clone();
        one.share_ended(&other);
        assert!(one == before);
        let shared = |at: usize| Arc::ptr_eq(&one.0[at], &other.0[at]);
        assert_eq!([0, 1, 2].map(shared), [true, false, false]);
    }
}
