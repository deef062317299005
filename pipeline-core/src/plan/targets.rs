//! Which results a run is for.

use std::collections::HashMap;

use super::freeze::Frozen;
use super::request::Request;
use super::shape::to_u32;
use crate::error::{Error, Fault, FaultCode, Result};
use crate::graph::Graph;
use crate::id::NodeId;
use crate::step::Wire;

/// The slots that the request wants.
pub(super) fn targets(graph: &Graph, frozen: &Frozen, request: &Request<'_>) -> Result<Vec<u32>> {
    let shape = &*frozen.shape;
    let wanted: &[Wire] = match request.targets.0.as_slice() {
        [] => graph.declared_targets(),
        wanted => wanted,
    };
    if wanted.is_empty() {
        let sinks = (0..to_u32(shape.len())).filter(|&place| shape.consumers(place).is_empty());
        return Ok(sinks.flat_map(|place| shape.slots(place)).collect());
    }
    let places: HashMap<NodeId, u32> = if wanted.len() > 8 {
        (0u32..).zip(&shape.ids).map(|(place, &id)| (id, place)).collect()
    } else {
        HashMap::new()
    };
    // A few targets are compared with each other, many are ticked off.
    let mut seen = if wanted.len() > 8 { vec![false; shape.slot_count()] } else { Vec::new() };
    let mut slots = Vec::with_capacity(wanted.len());
    let mut faults = Vec::new();
    for wire in wanted {
        let place = places
            .get(&wire.node)
            .copied()
            .or_else(|| shape.ids.iter().position(|id| *id == wire.node).map(to_u32));
        match place.map(|place| shape.slots(place)) {
            Some(outputs) if usize::from(wire.port) < outputs.len() => {
                let slot = outputs.start + u32::from(wire.port);
                let is_new = match seen.get_mut(slot as usize) {
                    Some(seen) => !std::mem::replace(seen, true),
                    None => !slots.contains(&slot),
                };
                if is_new {
                    slots.push(slot);
                }
            }
            found => {
                let found = match found {
                    Some(_) => format!("output {} of node {}", wire.port, wire.node.index()),
                    None => format!("node {}", wire.node.index()),
                };
                let expected = "an output of a node of this graph";
                faults.push(Fault::new(FaultCode::UnknownNode, "targets", found, expected));
            }
        }
    }
    if faults.is_empty() { Ok(slots) } else { Err(Error::Invalid(faults)) }
}
