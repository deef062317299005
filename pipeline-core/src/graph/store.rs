//! The nodes and wires of a graph, under numbers that are never given twice.
//!
//! The library would give the number of a removed node to the next one, and a handle that somebody
//! kept would then speak for a stranger. Here a removed node leaves an empty place of some twenty
//! bytes behind.

use std::sync::Arc;

use petgraph::stable_graph::{EdgeIndex, EdgeReference, NodeIndex, StableGraph};
use petgraph::visit::IntoEdgeReferences;
use petgraph::{Directed, Direction};

use super::node::NodeInfo;

/// A wire inside the graph: from an output port to a place among the wires of an input port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Joint {
    /// The input port of the consumer.
    pub(crate) input: u16,
    /// The output port of the producer.
    pub(crate) output: u16,
    /// The place among the wires of the same input port.
    pub(crate) place: u32,
}

/// Nodes and wires. Only nodes that were not removed are ever shown.
#[derive(Debug, Clone, Default)]
pub(crate) struct Store {
    graph: StableGraph<Option<Arc<NodeInfo>>, Joint, Directed, u32>,
    removed: usize,
}

impl Store {
    pub(super) fn add_node(&mut self, info: NodeInfo) -> NodeIndex<u32> {
        self.graph.add_node(Some(Arc::new(info)))
    }

    /// Removes a node and the wires at it.
    pub(super) fn remove_node(&mut self, node: NodeIndex<u32>) {
        let info = self.graph.node_weight_mut(node).and_then(Option::take);
        self.removed += usize::from(info.is_some());
        for direction in [Direction::Incoming, Direction::Outgoing] {
            let mut wires = self.graph.neighbors_directed(node, direction).detach();
            while let Some(edge) = wires.next_edge(&self.graph) {
                self.graph.remove_edge(edge);
            }
        }
    }

    /// Adds a wire between two nodes that are there.
    pub(super) fn add_edge(&mut self, from: NodeIndex<u32>, to: NodeIndex<u32>, joint: Joint) {
        self.graph.add_edge(from, to, joint);
    }

    pub(super) fn remove_edge(&mut self, edge: EdgeIndex<u32>) {
        self.graph.remove_edge(edge);
    }

    pub(super) fn node_weight_mut(&mut self, node: NodeIndex<u32>) -> Option<&mut NodeInfo> {
        self.graph.node_weight_mut(node)?.as_mut().map(Arc::make_mut)
    }

    pub(crate) fn node_weight(&self, node: NodeIndex<u32>) -> Option<&Arc<NodeInfo>> {
        self.graph.node_weight(node)?.as_ref()
    }

    /// All nodes in the order in which they were added.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = (NodeIndex<u32>, &Arc<NodeInfo>)> {
        let nodes = self.graph.node_indices().zip(self.graph.node_weights());
        nodes.filter_map(|(node, info)| Some((node, info.as_ref()?)))
    }

    pub(crate) fn node_count(&self) -> usize {
        self.graph.node_count() - self.removed
    }

    pub(crate) fn edge_references(
        &self,
    ) -> impl Iterator<Item = EdgeReference<'_, Joint, u32>> + Clone {
        (&self.graph).edge_references()
    }

    /// The wires that end at a node.
    pub(crate) fn incoming(
        &self,
        node: NodeIndex<u32>,
    ) -> impl Iterator<Item = EdgeReference<'_, Joint, u32>> {
        self.graph.edges_directed(node, Direction::Incoming)
    }
}
