//! Names of things: nodes, output ports, runs.

use serde::{Deserialize, Serialize};

/// A node of one graph, counted in the order in which nodes are added.
///
/// A graph gives no id twice: the id of a removed node is that of no node for ever, and whatever it
/// is used for is refused as for an unknown node. A copy of a graph knows the ids that were given
/// before it was made. An id says nothing of its graph: another graph takes it for its own node of
/// that number, if it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(u32);

impl NodeId {
    /// The node that was added as number `index`, counted from 0.
    #[must_use]
    pub const fn from_index(index: u32) -> Self {
        Self(index)
    }

    /// How many nodes were added to the graph before this one, removed ones included.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// One run of a plan. Unique within the process, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub u64);

impl std::fmt::Display for RunId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "run {}", self.0)
    }
}
