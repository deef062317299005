//! Pass 1: from the editable graph to rows in running order, with every structural fault found.
//!
//! Iterative throughout: several graph algorithms of the library recurse and abort the process on
//! a chain of some thousand nodes.

use std::sync::Arc;

use super::plan::Traits;
use super::shape::{Shape, narrow};
use super::validate;
use crate::error::Fault;
use crate::graph::{Facts, Graph, NodeInfo, Rows, Wired};
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
    let order = if rows.is_ordered() { Some(Order::AsTheyAre) } else { running_order(&rows) };
    let Some(order) = order.filter(|_| faults.is_empty()) else {
        faults.extend(validate::cycle(&rows));
        return Frozen { faults, ..Frozen::default() };
    };

    let shape =
        Shape::new(
            order.sort(&rows.ids),
            |place| rows.facts[order.row(place)].outputs,
            |place, first_slot, inputs| {
                let wires = rows.wires(order.row(place));
                inputs.extend(wires.iter().map(|wire| {
                    first_slot(order.place(wire.producer)) + u32::from(wire.joint.output)
                }));
                rows.facts[order.row(place)]
                    .has_odd_ports
                    .then(|| port_counts(&rows.infos[order.row(place)], wires))
            },
        );
    let mut traits = Traits::default();
    rows.facts.iter().for_each(|facts| traits.add(facts));
    let Rows { infos, steps, facts, .. } = rows;
    let (infos, steps, facts) = match order {
        Order::AsTheyAre => (infos.into(), steps.into(), facts),
        Order::Sorted { .. } => {
            (order.sort(&infos).into(), order.sort(&steps).into(), order.sort(&facts))
        }
    };
    Frozen { shape: Arc::new(shape), infos, steps, facts, traits, faults }
}

/// Which row of a graph stands at which place.
enum Order {
    /// The order in which nodes were added is a running order.
    AsTheyAre,
    /// The row at each place, and the place of each row.
    Sorted { rows: Vec<u32>, places: Vec<u32> },
}

impl Order {
    fn row(&self, place: u32) -> usize {
        match self {
            Self::AsTheyAre => place as usize,
            Self::Sorted { rows, .. } => rows[place as usize] as usize,
        }
    }

    fn place(&self, row: u32) -> u32 {
        match self {
            Self::AsTheyAre => row,
            Self::Sorted { places, .. } => places[row as usize],
        }
    }

    fn sort<T: Clone>(&self, of: &[T]) -> Vec<T> {
        match self {
            Self::AsTheyAre => of.to_vec(),
            Self::Sorted { rows, .. } => rows.iter().map(|&row| of[row as usize].clone()).collect(),
        }
    }
}

/// Wires per port of a step with a port that does not take exactly one.
fn port_counts(info: &NodeInfo, wires: &[Wired]) -> Box<[u32]> {
    let ports = info.step_type().map_or(0, |kind| kind.inputs.len());
    let mut counts = vec![0u32; ports].into_boxed_slice();
    for wire in wires {
        counts[usize::from(wire.joint.input)] += 1;
    }
    counts
}

/// Rows with producers first (Kahn's algorithm); `None` if the wires form a cycle.
fn running_order(rows: &Rows<'_>) -> Option<Order> {
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
    let mut places = vec![0u32; count];
    for (&row, place) in order.iter().zip(0..) {
        places[row as usize] = place;
    }
    (order.len() == count).then_some(Order::Sorted { rows: order, places })
}
