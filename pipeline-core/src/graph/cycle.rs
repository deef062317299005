//! Wires that lead back to where they began.

use super::rows::NodeRows;
use super::running_order::running_order;
use crate::error::{Fault, FaultCode};

/// Of a longer cycle only the beginning and the end are told.
const LONGEST_PATH: usize = 20;

/// The shortest cycle through one of the nodes that are on a cycle, as the path a person follows.
pub(crate) fn cycle(rows: &NodeRows<'_>) -> Option<Fault> {
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
    let (path, found) = (format!("nodes.{start}"), format!("the cycle {}", names.join(" → ")));
    Some(Fault::new(FaultCode::Cycle, path, found, "wires without a cycle"))
}

/// A row that lies on a cycle: of those that nothing makes ready, walks from producer to producer
/// until a row comes up again.
fn on_a_cycle(rows: &NodeRows<'_>) -> Option<u32> {
    let waits = running_order(rows).err()?;
    let mut row = waits.iter().position(|&left| left > 0)?;
    let mut seen = vec![false; waits.len()];
    while !seen[row] {
        seen[row] = true;
        let stuck = rows.wires(row).iter().find(|wire| waits[wire.producer as usize] > 0)?;
        row = stuck.producer as usize;
    }
    u32::try_from(row).ok()
}

/// The rows of the shortest cycle through `start`, in the direction of the wires, `start` at both
/// ends.
fn shortest_cycle(rows: &NodeRows<'_>, start: u32) -> Vec<u32> {
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
