//! The graph as rows: its nodes in the order in which they were added, each with its wires.

use std::sync::Arc;

use petgraph::visit::EdgeRef;

use super::facts::Facts;
use super::group::group;
use super::partner::Partner;
use super::store::{Joint, Store};
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
    pub(crate) fn of(graph: &'g Graph, partner: Partner) -> Self {
        let store = graph.store();
        let count = store.node_count();
        let shares = || {
            let (ids, start, wires) = structure(store);
            let (mut infos, mut steps) = (Vec::with_capacity(count), Vec::with_capacity(count));
            for (_, info) in store.nodes() {
                infos.push(Arc::clone(info));
                steps.push(info.step().map(Arc::clone));
            }
            (ids, start, wires, infos, steps)
        };
        let looks = || {
            let (mut facts, mut kinds) = (Vec::with_capacity(count), Vec::with_capacity(count));
            for (_, info) in store.nodes() {
                facts.push(Facts::of(info));
                kinds.push(info.step_type().map(|kind| &**kind));
            }
            (facts, kinds)
        };
        let ((ids, start, wires, infos, steps), (facts, kinds)) = partner.both(shares, looks);
        Self { infos, steps, facts, kinds, ids, start, wires }
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

/// Who is there, where the wires of each start, and the wires.
fn structure(store: &Store) -> (Vec<NodeId>, Vec<u32>, Vec<Wired>) {
    let mut ids = Vec::with_capacity(store.node_count());
    let mut dense = Vec::new();
    for (node, _) in store.nodes() {
        dense.resize(node.index() + 1, u32::MAX);
        dense[node.index()] = row(ids.len());
        ids.push(id(node));
    }
    let wires = store.edge_references().map(|edge| {
        let producer = dense[edge.source().index()];
        (dense[edge.target().index()], Wired { producer, joint: *edge.weight() })
    });
    let (start, mut wires) = group(ids.len(), wires);
    for (&from, &to) in start.iter().zip(start.iter().skip(1)) {
        let wires = &mut wires[from as usize..to as usize];
        if !wires.is_sorted_by_key(|wire| (wire.joint.input, wire.joint.place)) {
            wires.sort_by_key(|wire| (wire.joint.input, wire.joint.place));
        }
    }
    (ids, start, wires)
}

/// A number of a row. The store holds fewer than 2^32 nodes.
fn row(number: usize) -> u32 {
    u32::try_from(number).expect("the store counts nodes in 32 bits")
}
