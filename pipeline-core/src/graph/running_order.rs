//! Producers before consumers, where no wires lead back.

use super::group::group;
use super::rows::NodeRows;

/// Rows with producers first (Kahn's algorithm), depth first, so that a chain stays together.
///
/// # Errors
/// If wires form a cycle: how many wires each row still waits for when nothing else is ready.
pub(crate) fn running_order(rows: &NodeRows<'_>) -> Result<Vec<u32>, Vec<u32>> {
    let count = rows.infos.len();
    let numbers = (0u32..).take(count);
    let wires = numbers.clone().flat_map(|row| {
        let wires = rows.wires(row as usize).iter();
        wires.map(move |wire| (wire.producer, row))
    });
    let (starts, consumers) = group(count, wires);
    let mut waits: Vec<u32> = rows.start.windows(2).map(|around| around[1] - around[0]).collect();
    let mut ready: Vec<u32> = numbers.filter(|&row| waits[row as usize] == 0).collect();
    ready.reverse();
    let mut order = Vec::with_capacity(count);
    while let Some(row) = ready.pop() {
        order.push(row);
        let range = starts[row as usize] as usize..starts[row as usize + 1] as usize;
        for &consumer in consumers[range].iter().rev() {
            waits[consumer as usize] -= 1;
            if waits[consumer as usize] == 0 {
                ready.push(consumer);
            }
        }
    }
    if order.len() == count { Ok(order) } else { Err(waits) }
}
