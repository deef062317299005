//! Pass 1: from the editable graph to rows in running order, with every structural fault found.
//!
//! Iterative throughout: several graph algorithms of the library recurse and abort the process on
//! a chain of some thousand nodes.

use std::sync::Arc;

use super::Traits;
use super::facts::Facts;
use super::shape::{Shape, narrow};
use super::validate;
use crate::error::Fault;
use crate::graph::{Graph, NodeInfo, Rows, Wired};
use crate::step::AnyStep;

/// A frozen graph: structure, and the node at each place.
#[derive(Debug, Clone, Default)]
pub(crate) struct Frozen {
    pub(crate) shape: Arc<Shape>,
    pub(crate) infos: Arc<[Arc<NodeInfo>]>,
    /// The step of each node; none for an input.
    pub(crate) steps: Arc<[Option<Arc<dyn AnyStep>>]>,
    pub(crate) facts: Vec<Facts>,
    pub(crate) traits: Traits,
    /// Faults of wires and names; faults of parameters stay with the nodes.
    pub(crate) faults: Vec<Fault>,
}

/// Freezes a graph. With faults, the shape is empty.
pub(super) fn freeze(graph: &Graph) -> Frozen {
    let rows = Rows::of(graph);
    let mut faults = validate::structure(graph, &rows);
    let order = if rows.is_ordered() {
        Some((0..narrow(rows.infos.len())).collect::<Vec<_>>())
    } else {
        running_order(&rows)
    };
    let Some(order) = order.filter(|_| faults.is_empty()) else {
        faults.extend(validate::cycle(&rows));
        return Frozen { faults, ..Frozen::default() };
    };

    let mut place_of = vec![0u32; order.len()];
    for (place, &row) in order.iter().enumerate() {
        place_of[row as usize] = narrow(place);
    }
    let infos: Arc<[_]> = order.iter().map(|&row| Arc::clone(&rows.infos[row as usize])).collect();
    let shape = Shape::new(
        order.iter().map(|&row| rows.ids[row as usize]).collect(),
        |place| infos[place as usize].output_count(),
        |place, first_slot, inputs| {
            let wires = rows.wires(order[place as usize] as usize);
            inputs.extend(wires.iter().map(|wire| {
                first_slot(place_of[wire.producer as usize]) + u32::from(wire.joint.output)
            }));
            port_counts(&infos[place as usize], wires)
        },
    );
    let steps = infos.iter().map(|info| info.step().map(Arc::clone)).collect();
    let mut traits = Traits::default();
    infos.iter().for_each(|info| traits.add(info));
    let facts = infos.iter().map(|info| Facts::of(info)).collect();
    Frozen { shape: Arc::new(shape), infos, steps, facts, traits, faults }
}

/// Wires per port, where a port does not take exactly one.
fn port_counts(info: &NodeInfo, wires: &[Wired]) -> Option<Box<[u32]>> {
    let kind = info.step_type()?;
    if kind.inputs.iter().all(|port| port.arity == crate::step::Arity::One) {
        return None;
    }
    let mut counts = vec![0u32; kind.inputs.len()].into_boxed_slice();
    for wire in wires {
        counts[usize::from(wire.joint.input)] += 1;
    }
    Some(counts)
}

/// Rows with producers first (Kahn's algorithm); `None` if the wires form a cycle.
fn running_order(rows: &Rows) -> Option<Vec<u32>> {
    let count = rows.infos.len();
    let mut start = vec![0u32; count + 1];
    for wire in &rows.wires {
        start[wire.producer as usize + 1] += 1;
    }
    for row in 0..count {
        start[row + 1] += start[row];
    }
    let mut next = start.clone();
    let mut consumers = vec![0u32; rows.wires.len()];
    let mut waits = vec![0u32; count];
    for (row, waits) in waits.iter_mut().enumerate() {
        for wire in rows.wires(row) {
            let next = &mut next[wire.producer as usize];
            consumers[*next as usize] = narrow(row);
            *next += 1;
            *waits += 1;
        }
    }
    // Depth first, so that a chain stays together.
    let mut ready: Vec<u32> =
        (0..narrow(count)).rev().filter(|&row| waits[row as usize] == 0).collect();
    let mut order = Vec::with_capacity(count);
    while let Some(row) = ready.pop() {
        order.push(row);
        let range = start[row as usize] as usize..start[row as usize + 1] as usize;
        for &consumer in consumers[range].iter().rev() {
            waits[consumer as usize] -= 1;
            if waits[consumer as usize] == 0 {
                ready.push(consumer);
            }
        }
    }
    (order.len() == count).then_some(order)
}
