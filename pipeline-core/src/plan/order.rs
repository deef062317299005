//! Pass 6: which of two ready steps goes first.
//!
//! Two orders, because they want opposite things. The *rank* of a step is the longest time from
//! its start to the end of the run; running the highest rank first keeps all workers busy. The
//! *position* is the place of a step in a walk that finishes one branch before it opens the next,
//! the largest first (Sethi and Ullman 1970, Liu 1987 for graphs); running the lowest position
//! first keeps few results alive. The executor uses the first while memory is plenty.

use super::freeze::Frozen;
use super::request::{Costs, Estimate};
use super::shape::{Shape, to_u32};
use crate::graph::Facts;

/// Graphs of more places keep the order in which they were built as their positions: walking them
/// costs more than it can save.
const WALKED: usize = 1 << 16;

/// What a step is taken to cost while nothing is known, in nanoseconds: enough to be worth a
/// worker.
pub(crate) const UNKNOWN_NANOS: f32 = 1e6;

/// The time and bytes expected of each place.
#[derive(Debug, Clone, Default)]
pub(crate) struct Estimates {
    pub(crate) nanos: Vec<f32>,
    pub(crate) bytes: Vec<f32>,
}

impl Estimates {
    pub(super) fn of(frozen: &Frozen, costs: &Costs) -> Self {
        let (mut nanos, mut bytes) = (Vec::new(), Vec::new());
        nanos.reserve_exact(frozen.facts.len());
        bytes.reserve_exact(frozen.facts.len());
        // Neighbours are often of the same type; asking once for a run of them saves the look-up.
        let mut last = ("", None);
        for facts in &frozen.facts {
            if last.0 != facts.step {
                last = (facts.step, costs.find(facts.step));
            }
            let (time, size) = estimate(facts, last.1);
            nanos.push(time);
            bytes.push(size);
        }
        Self { nanos, bytes }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "an estimate needs no more than 24 bits")]
fn estimate(facts: &Facts, learned: Option<Estimate>) -> (f32, f32) {
    if !facts.is_step {
        return (0.0, 0.0);
    }
    let nanos = facts.nanos.or(learned.map(|cost| cost.nanos as f32)).unwrap_or(UNKNOWN_NANOS);
    let bytes = facts.bytes.or(learned.map(|cost| cost.bytes as f32)).unwrap_or(0.0);
    (nanos, bytes)
}

/// The longest expected time from the start of each place to the end of the run, in nanoseconds.
pub(super) fn ranks(shape: &Shape, nanos: &[f32]) -> Vec<f32> {
    let mut ranks = nanos.to_vec();
    for place in (0..to_u32(shape.len())).rev() {
        let after = shape.consumers(place).iter().map(|&consumer| ranks[consumer as usize]);
        ranks[place as usize] += after.fold(0.0, f32::max);
    }
    ranks
}

/// How urgent each place is: the priority of its node first, then its rank. Larger goes first.
///
/// What a node of a priority above zero needs goes first with it.
pub(super) fn urgency(shape: &Shape, mut priorities: Vec<i8>, ranks: &[f32]) -> Vec<u32> {
    if priorities.iter().any(|&priority| priority > 0) {
        for place in (0..to_u32(shape.len())).rev() {
            let needs = shape.consumers(place).iter().map(|&reader| priorities[reader as usize]);
            if let Some(most) = needs.max().filter(|&most| most > 0) {
                let own = &mut priorities[place as usize];
                *own = most.max(*own);
            }
        }
    }
    let urgency = |(priority, rank): (i8, &f32)| {
        // Bits of positive floats are ordered as the floats are; the low ones make no difference.
        let priority = u32::from(priority.cast_unsigned() ^ 0x80);
        priority << 24 | (rank.max(0.0).to_bits() >> 8)
    };
    priorities.into_iter().zip(ranks).map(urgency).collect()
}

/// The position of each place in memory order; empty where that is the place itself.
///
/// A walk that finishes one result before the next keeps what several of them need for as long as
/// that takes: of a movie all frames. Where the order in which the graph was built keeps less, that
/// is taken.
pub(super) fn positions(shape: &Shape, bytes: &[f32]) -> Vec<u32> {
    if shape.len() > WALKED {
        return Vec::new();
    }
    let walked = walk(shape, bytes);
    let places = || 0..to_u32(shape.len());
    let has_one_end = places().filter(|&place| shape.consumers(place).is_empty()).count() < 2;
    if has_one_end {
        return walked;
    }
    let mut order: Vec<u32> = places().collect();
    order.sort_unstable_by_key(|&place| walked[place as usize]);
    let as_built = most_alive(shape, bytes, places());
    if as_built < most_alive(shape, bytes, order.into_iter()) { Vec::new() } else { walked }
}

/// The most bytes alive at once in an order, where a result of unknown size counts a little.
fn most_alive(shape: &Shape, bytes: &[f32], order: impl Iterator<Item = u32>) -> f32 {
    let size = |place: u32| bytes[place as usize].max(1.0);
    let mut left = vec![0u32; shape.len()];
    for place in 0..to_u32(shape.len()) {
        for &slot in shape.inputs(place) {
            left[shape.producer(slot) as usize] += 1;
        }
    }
    let (mut alive, mut most) = (0.0f32, 0.0f32);
    for place in order {
        alive += size(place);
        most = most.max(alive);
        for &slot in shape.inputs(place) {
            let producer = shape.producer(slot);
            left[producer as usize] -= 1;
            if left[producer as usize] == 0 {
                alive -= size(producer);
            }
        }
    }
    most
}

/// The position of each place in a walk that finishes one result before it begins the next.
fn walk(shape: &Shape, bytes: &[f32]) -> Vec<u32> {
    let peaks = peaks(shape, bytes);
    // What is worth going to first: the most memory for the least result.
    let weight = |place: u32| peaks[place as usize] - bytes[place as usize];
    let mut positions = vec![u32::MAX; shape.len()];
    let mut next = 0;
    let mut stack: Vec<u32> = Vec::new();
    let mut inputs: Vec<u32> = Vec::new();
    let sinks = (0..to_u32(shape.len())).filter(|&place| shape.consumers(place).is_empty());
    for sink in sinks {
        stack.push(sink);
        while let Some(&place) = stack.last() {
            // It may have been put there by several consumers.
            if positions[place as usize] != u32::MAX {
                stack.pop();
                continue;
            }
            inputs.clear();
            inputs.extend(
                shape
                    .inputs(place)
                    .iter()
                    .map(|&slot| shape.producer(slot))
                    .filter(|&input| positions[input as usize] == u32::MAX),
            );
            if inputs.is_empty() {
                stack.pop();
                positions[place as usize] = next;
                next += 1;
                continue;
            }
            // The one to go to first must end on top of the stack.
            inputs.sort_by(|&a, &b| weight(a).total_cmp(&weight(b)));
            stack.extend_from_slice(&inputs);
        }
    }
    positions
}

/// The most bytes alive at once while a place and all it needs are computed one after the other,
/// the heaviest input first.
pub(super) fn peaks(shape: &Shape, bytes: &[f32]) -> Vec<f32> {
    let mut peaks = vec![0.0f32; shape.len()];
    let mut inputs: Vec<u32> = Vec::new();
    for place in 0..to_u32(shape.len()) {
        inputs.clear();
        inputs.extend(shape.inputs(place).iter().map(|&slot| shape.producer(slot)));
        let weight = |place: u32| peaks[place as usize] - bytes[place as usize];
        inputs.sort_by(|&a, &b| weight(b).total_cmp(&weight(a)));
        let (mut held, mut peak) = (0.0f32, 0.0f32);
        for &input in &inputs {
            peak = peak.max(held + peaks[input as usize]);
            held += bytes[input as usize];
        }
        peaks[place as usize] = peak.max(held + bytes[place as usize]);
    }
    peaks
}
