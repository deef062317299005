//! Names of things: nodes, output ports, runs.

use serde::{Deserialize, Serialize};

/// A node of one graph. Stays the same through edits of that graph until the node is removed; a
/// node that is added later may take its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(u32);

impl NodeId {
    /// The node at `index` of the graph's table.
    #[must_use]
    pub const fn from_index(index: u32) -> Self {
        Self(index)
    }

    /// The place of the node in the graph's table.
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
