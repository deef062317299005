//! Faults of a graph's structure: its size, names, wires and what a bypassed node passes on.

use std::collections::HashSet;

use super::rows::NodeRows;
use super::{Graph, Loose, NodeInfo, Partner};
use crate::error::{Fault, FaultCode};
use crate::id::NodeId;
use crate::step::{Arity, Port, StepType};

/// All of them but cycles.
pub(crate) fn structure(graph: &Graph, rows: &NodeRows<'_>, partner: Partner) -> Vec<Fault> {
    let outputs = rows.facts.iter().map(|facts| u64::from(facts.outputs)).sum();
    let size = size(rows.infos.len() as u64 + rows.wires.len() as u64, outputs);
    let mut faults: Vec<Fault> = size.into_iter().collect();
    for name in graph.duplicates() {
        let (path, found) = (format!("nodes.{name}"), "a second node of this name");
        faults.push(Fault::new(FaultCode::Name, path, found, "names that are unique"));
    }
    faults.extend(loose(graph));
    let told: HashSet<(NodeId, u16)> =
        graph.loose.iter().map(|loose| (loose.to, loose.input)).collect();
    let (half, end) = (rows.infos.len() / 2, rows.infos.len());
    let (first, second) =
        partner.both(|| wiring(rows, 0..half, &told), || wiring(rows, half..end, &told));
    faults.extend(first);
    faults.extend(second);
    faults
}

/// Faults of the wires that end at these rows. `told` are inputs whose fault is told already.
fn wiring(
    rows: &NodeRows<'_>,
    range: std::ops::Range<usize>,
    told: &HashSet<(NodeId, u16)>,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut counts: Vec<u32> = Vec::new();
    for row in range {
        let (Some(kind), info) = (rows.kinds[row], &rows.infos[row]) else { continue };
        let path = |port: &Port| format!("nodes.{}.inputs.{}", info.name(), port.name);
        counts.clear();
        counts.resize(kind.inputs.len(), 0);
        for wire in rows.wires(row) {
            let (from, output) = (wire.producer as usize, wire.joint.output);
            let port = &kind.inputs[usize::from(wire.joint.input)];
            counts[usize::from(wire.joint.input)] += 1;
            let carried = match rows.kinds[from] {
                Some(kind) => kind.outputs.get(usize::from(output)).map(|port| port.data),
                None => rows.infos[from].output_type(output),
            };
            if carried != Some(port.data) {
                let carried = carried.map_or("nothing", |data| data.name);
                let found = format!("{carried} from `{}`", rows.infos[from].name());
                faults.push(Fault::new(FaultCode::Wire, path(port), found, port.data.name));
            }
        }
        for ((place, port), count) in (0u16..).zip(&kind.inputs).zip(&mut counts) {
            if told.contains(&(rows.ids[row], place)) {
                // What is wrong here is told already, and it is not that nothing was meant.
                *count = (*count).max(1);
                continue;
            }
            let expected = match (port.arity, *count) {
                (Arity::One, 1) | (Arity::Optional, 0 | 1) | (Arity::Many, _) => continue,
                (Arity::One, _) => format!("one wire that carries {}", port.data.name),
                (Arity::Optional, _) => format!("at most one wire of {}", port.data.name),
            };
            let code = if *count == 0 { FaultCode::Missing } else { FaultCode::Wire };
            faults.push(Fault::new(code, path(port), format!("{count} wires"), expected));
        }
        if rows.facts[row].is_bypassed {
            faults.extend(bypass(info, kind, &counts));
        }
    }
    faults
}

/// Places and slots of a plan are counted in 32 bits.
fn size(nodes_and_wires: u64, outputs: u64) -> Option<Fault> {
    let most = u64::from(u32::MAX);
    let (found, what) = if nodes_and_wires >= most {
        (nodes_and_wires, "nodes and wires")
    } else if outputs >= most {
        (outputs, "outputs")
    } else {
        return None;
    };
    let expected = format!("fewer than {most}");
    Some(Fault::new(FaultCode::Limit, "nodes", format!("{found} {what}"), expected))
}

/// Wires from nodes that are not there.
pub(super) fn loose(graph: &Graph) -> impl Iterator<Item = Fault> {
    graph.loose.iter().filter_map(|&Loose { from, to, input }| {
        let info = graph.node(to)?;
        let port = info.step_type()?.inputs.get(usize::from(input))?;
        let path = format!("nodes.{}.inputs.{}", info.name(), port.name);
        let found = format!("a wire from node {}", from?.index());
        Some(Fault::new(FaultCode::UnknownNode, path, found, "a wire from a node of this graph"))
    })
}

/// A bypassed node must have an input to pass on for each of its outputs. `counts` are its wires
/// per port.
fn bypass(info: &NodeInfo, kind: &StepType, counts: &[u32]) -> Option<Fault> {
    let passes = |output: &Port| {
        let mut wired = kind.inputs.iter().zip(counts).filter(|&(_, &count)| count > 0);
        wired.any(|(input, _)| input.data == output.data)
    };
    let lonely = kind.outputs.iter().find(|output| !passes(output))?;
    let path = format!("nodes.{}.bypassed", info.name());
    let found = format!("no wire that carries {}", lonely.data.name);
    let expected = format!("one, to pass on to output `{}`", lonely.name);
    Some(Fault::new(FaultCode::Wire, path, found, expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_graph_that_32_bits_cannot_count_is_refused() {
        let most = u64::from(u32::MAX);
        assert_eq!(size(most - 1, most - 1), None);
        let told = |nodes_and_wires, outputs| size(nodes_and_wires, outputs).unwrap().to_string();
        let expected = "nodes: found 4294967295 nodes and wires, expected fewer than 4294967295";
        assert_eq!(told(most, 1), expected);
        assert_eq!(told(1, most), expected.replace("nodes and wires", "outputs"));
        assert_eq!(size(most, 1).unwrap().code, FaultCode::Limit);
    }
}
