//! Every fault of a graph at once: names, wires, ports, parameters, resources, cycles.

use super::freeze::Rows;
use crate::error::{Fault, FaultCode};
use crate::graph::{Graph, NodeInfo};
use crate::step::{Arity, Port};

/// Faults of names and wires.
pub(super) fn structure(graph: &Graph, rows: &Rows) -> Vec<Fault> {
    let mut faults = Vec::new();
    for name in graph.duplicates() {
        faults.push(Fault {
            code: FaultCode::Name,
            path: format!("nodes.{name}"),
            found: "a second node of this name".to_owned(),
            expected: "names that are unique".to_owned(),
            nearest: None,
        });
    }
    let mut counts: Vec<u32> = Vec::new();
    for (row, info) in rows.infos.iter().enumerate() {
        let Some(kind) = info.step_type() else { continue };
        counts.clear();
        counts.resize(kind.inputs.len(), 0);
        for wire in rows.wires(row) {
            let producer = &rows.infos[wire.producer as usize];
            let port = &kind.inputs[usize::from(wire.joint.input)];
            counts[usize::from(wire.joint.input)] += 1;
            let carried = producer.output_type(wire.joint.output);
            if carried != Some(port.data) {
                faults.push(Fault {
                    code: FaultCode::Wire,
                    path: format!("nodes.{}.inputs.{}", info.name(), port.name),
                    found: format!(
                        "{} from `{}`",
                        carried.map_or("nothing", |data| data.name),
                        producer.name()
                    ),
                    expected: port.data.name.to_owned(),
                    nearest: None,
                });
            }
        }
        for (port, &count) in kind.inputs.iter().zip(&counts) {
            let expected = match (port.arity, count) {
                (Arity::One, 1) | (Arity::Optional, 0 | 1) | (Arity::Many, _) => continue,
                (Arity::One, _) => format!("one wire that carries {}", port.data.name),
                (Arity::Optional, _) => format!("at most one wire of {}", port.data.name),
            };
            faults.push(Fault {
                code: if count == 0 { FaultCode::Missing } else { FaultCode::Wire },
                path: format!("nodes.{}.inputs.{}", info.name(), port.name),
                found: format!("{count} wires"),
                expected,
                nearest: None,
            });
        }
        if info.settings().bypassed {
            faults.extend(bypass(info, kind, &counts));
        }
    }
    faults
}

/// A bypassed node must have an input to pass on for each of its outputs. `counts` are its wires per
/// port.
fn bypass(info: &NodeInfo, kind: &crate::step::StepType, counts: &[u32]) -> Option<Fault> {
    let passes = |output: &Port| {
        let wired = kind.inputs.iter().zip(counts).filter(|&(_, &count)| count > 0);
        wired.into_iter().any(|(input, _)| input.data == output.data)
    };
    let lonely = kind.outputs.iter().find(|output| !passes(output))?;
    Some(Fault {
        code: FaultCode::Wire,
        path: format!("nodes.{}.bypassed", info.name()),
        found: format!("no wire that carries {}", lonely.data.name),
        expected: format!("one, to pass on to output `{}`", lonely.name),
        nearest: None,
    })
}

/// Faults of a node's parameters, with full paths.
pub(super) fn params(info: &NodeInfo) -> impl Iterator<Item = Fault> + '_ {
    info.body().into_iter().flat_map(|body| &body.faults).map(|fault| {
        let mut fault = fault.clone();
        fault.path = format!("nodes.{}.{}", info.name(), fault.path);
        fault
    })
}

/// Of a longer cycle only the beginning and the end are told.
const LONGEST_PATH: usize = 20;

/// The shortest cycle through one of the nodes that are on a cycle, as the path a person follows.
pub(super) fn cycle(rows: &Rows) -> Option<Fault> {
    let start = on_a_cycle(rows)?;
    let path = shortest_cycle(rows, start);
    let name = |&row: &u32| rows.infos[row as usize].name().to_owned();
    let mut names: Vec<String> = path.iter().map(name).collect();
    let start = names[0].clone();
    if names.len() > LONGEST_PATH {
        let left_out = names.len() - LONGEST_PATH;
        let middle = LONGEST_PATH / 2..LONGEST_PATH / 2 + left_out;
        names.splice(middle, [format!("… {left_out} more …")]);
    }
    Some(Fault {
        code: FaultCode::Cycle,
        path: format!("nodes.{start}"),
        found: format!("the cycle {}", names.join(" → ")),
        expected: "wires without a cycle".to_owned(),
        nearest: None,
    })
}

/// A row that lies on a cycle: strips rows without producers until none is left, then walks from
/// producer to producer until a row comes up again.
fn on_a_cycle(rows: &Rows) -> Option<u32> {
    let count = rows.infos.len();
    let mut waits: Vec<usize> = (0..count).map(|row| rows.wires(row).len()).collect();
    let mut consumers = vec![Vec::new(); count];
    for row in 0..count {
        for wire in rows.wires(row) {
            consumers[wire.producer as usize].push(row);
        }
    }
    let mut ready: Vec<usize> = (0..count).filter(|&row| waits[row] == 0).collect();
    while let Some(row) = ready.pop() {
        for &consumer in &consumers[row] {
            waits[consumer] -= 1;
            if waits[consumer] == 0 {
                ready.push(consumer);
            }
        }
    }
    let mut row = waits.iter().position(|&left| left > 0)?;
    let mut seen = vec![false; count];
    while !seen[row] {
        seen[row] = true;
        let stuck = rows.wires(row).iter().find(|wire| waits[wire.producer as usize] > 0)?;
        row = stuck.producer as usize;
    }
    u32::try_from(row).ok()
}

/// The rows of the shortest cycle through `start`, in the direction of the wires, `start` at both
/// ends.
fn shortest_cycle(rows: &Rows, start: u32) -> Vec<u32> {
    let mut towards = vec![u32::MAX; rows.infos.len()];
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(row) = queue.pop_front() {
        for wire in rows.wires(row as usize) {
            if wire.producer == start {
                let mut path = vec![start];
                let mut at = row;
                while at != start {
                    path.push(at);
                    at = towards[at as usize];
                }
                path.push(start);
                return path;
            }
            if towards[wire.producer as usize] == u32::MAX {
                towards[wire.producer as usize] = row;
                queue.push_back(wire.producer);
            }
        }
    }
    vec![start]
}
