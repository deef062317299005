//! Pass 1: from the editable graph to rows in running order, with every structural fault found.
//!
//! Iterative throughout: several graph algorithms of the library recurse and abort the process on
//! a chain of some thousand nodes.

use std::mem::take;
use std::sync::Arc;

use super::plan::Traits;
use super::shape::Shape;
use super::validate;
use crate::error::Fault;
use crate::graph::{Facts, Graph, NodeInfo, NodeRows, Partner, Wired, running_order};
use crate::step::{AnyStep, StepType};

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
pub(super) fn freeze(graph: &Graph, partner: Partner) -> Frozen {
    let mut rows = NodeRows::of(graph, partner);
    let mut faults = validate::structure(graph, &rows, partner);
    let Some(order) = Order::of(&rows).filter(|_| faults.is_empty()) else {
        faults.extend(validate::cycle(&rows));
        return Frozen { faults, ..Frozen::default() };
    };

    let (infos, steps) = (take(&mut rows.infos), take(&mut rows.steps));
    let arranged = || {
        let mut traits = Traits::default();
        rows.facts.iter().for_each(|facts| traits.add(facts));
        (order.arrange(infos).into(), order.arrange(steps).into(), traits)
    };
    let ((infos, steps, traits), shape) = partner.both(arranged, || shape(&rows, &order));
    let facts = order.arrange(rows.facts);
    Frozen { shape: Arc::new(shape), infos, steps, facts, traits, faults }
}

/// The structure of rows in this order.
fn shape(rows: &NodeRows<'_>, order: &Order) -> Shape {
    Shape::new(
        order.arrange(rows.ids.clone()),
        |place| rows.facts[order.row(place)].outputs,
        |place, first_slot, inputs| {
            let row = order.row(place);
            let slot = |wire: &Wired| {
                first_slot(order.place(wire.producer)) + u32::from(wire.joint.output)
            };
            inputs.extend(rows.wires(row).iter().map(slot));
            rows.facts[row].has_odd_ports.then(|| port_counts(rows.kinds[row], rows.wires(row)))
        },
    )
}

/// Which row of a graph stands at which place.
enum Order {
    /// The order in which nodes were added is a running order.
    AsTheyAre,
    /// The row at each place, and the place of each row.
    Sorted { rows: Vec<u32>, places: Vec<u32> },
}

impl Order {
    /// A running order; `None` if the wires form a cycle.
    fn of(rows: &NodeRows<'_>) -> Option<Self> {
        if rows.is_ordered() {
            return Some(Self::AsTheyAre);
        }
        let rows = running_order(rows).ok()?;
        let mut places = vec![0u32; rows.len()];
        for (&row, place) in rows.iter().zip(0..) {
            places[row as usize] = place;
        }
        Some(Self::Sorted { rows, places })
    }

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

    /// What belongs to each row, by place.
    fn arrange<T: Clone>(&self, of: Vec<T>) -> Vec<T> {
        match self {
            Self::AsTheyAre => of,
            Self::Sorted { rows, .. } => rows.iter().map(|&row| of[row as usize].clone()).collect(),
        }
    }
}

/// Wires per port of a step with a port that does not take exactly one.
fn port_counts(kind: Option<&StepType>, wires: &[Wired]) -> Box<[u32]> {
    let ports = kind.map_or(0, |kind| kind.inputs.len());
    let mut counts = vec![0u32; ports].into_boxed_slice();
    for wire in wires {
        counts[usize::from(wire.joint.input)] += 1;
    }
    counts
}
