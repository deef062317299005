//! Every fault of a graph at once: those of its structure, which pipeline files are checked for,
//! too, and those of parameters.

use crate::error::Fault;
use crate::graph::NodeInfo;
pub(super) use crate::graph::{cycle, structure};

/// Faults of a node's parameters, with full paths.
pub(super) fn params(info: &NodeInfo) -> impl Iterator<Item = Fault> + '_ {
    info.body().into_iter().flat_map(|body| &body.faults).map(|fault| {
        let mut fault = fault.clone();
        fault.path = format!("nodes.{}.{}", info.name(), fault.path);
        fault
    })
}
