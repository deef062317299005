//! The graph as rows: its nodes in the order in which they were added, each with its wires.

use std::sync::Arc;

use petgraph::visit::EdgeRef;

use super::facts::Facts;
use super::group::group;
use super::store::Joint;
use super::{Graph, NodeInfo, id};
use crate::id::NodeId;
use crate::step::{AnyStep, StepType};

/// A wire as it ends at a consumer.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wired {
    /// The producer, as its place among the graph's nodes.
    pub(crate) producer: u32,
    pub(crate) joint: Joint,
}

/// The graph's nodes in the order in which they were added, with the wires that end at each.
pub(crate) struct NodeRows<'g> {
    pub(crate) infos: Vec<Arc<NodeInfo>>,
    /// The step of each node; none for an input.
    pub(crate) steps: Vec<Option<Arc<dyn AnyStep>>>,
    pub(crate) facts: Vec<Facts>,
    /// The type of each node's step; none for an input.
    pub(crate) kinds: Vec<Option<&'g StepType>>,
    pub(crate) ids: Vec<NodeId>,
    pub(crate) start: Vec<u32>,
    pub(crate) wires: Vec<Wired>,
}

impl<'g> NodeRows<'g> {
    /// Iterative, as everything that walks a graph: several graph algorithms of the library recurse
    /// and abort the process on a chain of some thousand nodes.
    pub(crate) fn of(graph: &'g Graph) -> Self {
        let store = graph.store();
        let mut infos = Vec::with_capacity(store.node_count());
        let mut steps = Vec::with_capacity(store.node_count());
        let mut facts = Vec::with_capacity(store.node_count());
        let mut kinds = Vec::with_capacity(store.node_count());
        let mut ids = Vec::with_capacity(store.node_count());
        let mut dense = Vec::new();
        for (node, info) in store.nodes() {
            dense.resize(node.index() + 1, u32::MAX);
            dense[node.index()] = row(infos.len());
            ids.push(id(node));
            infos.push(Arc::clone(info));
            steps.push(info.step().map(Arc::clone));
            facts.push(Facts::of(info));
            kinds.push(info.step_type().map(|kind| &**kind));
        }
        let wires = store.edge_references().map(|edge| {
            let producer = dense[edge.source().index()];
            (dense[edge.target().index()], Wired { producer, joint: *edge.weight() })
        });
        let (start, wires) = group(infos.len(), wires);
        let mut rows = Self { infos, steps, facts, kinds, ids, start, wires };
        for row in 0..rows.infos.len() {
            let range = rows.range(row);
            let wires = &mut rows.wires[range];
            if !wires.is_sorted_by_key(|wire| (wire.joint.input, wire.joint.place)) {
                wires.sort_by_key(|wire| (wire.joint.input, wire.joint.place));
            }
        }
        rows
    }

    fn range(&self, row: usize) -> std::ops::Range<usize> {
        self.start[row] as usize..self.start[row + 1] as usize
    }

    pub(crate) fn wires(&self, row: usize) -> &[Wired] {
        &self.wires[self.range(row)]
    }

    /// Whether every wire comes from an earlier row.
    pub(crate) fn is_ordered(&self) -> bool {
        (0..self.infos.len())
            .all(|row| self.wires(row).iter().all(|wire| (wire.producer as usize) < row))
    }
}

/// A number of a row. The store holds fewer than 2^32 nodes.
fn row(number: usize) -> u32 {
    u32::try_from(number).expect("the store counts nodes in 32 bits")
}
