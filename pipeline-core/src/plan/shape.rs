//! The frozen form of a graph: compressed rows both ways, places numbered in running order.
//!
//! A *place* is the number of a node in this form, a *slot* the number of one output port. Every
//! producer stands before its consumers, so one pass from front to back meets inputs before the
//! steps that read them.

use std::collections::HashMap;

use crate::id::NodeId;

/// Structure without steps: who reads what from whom.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shape {
    /// The node at each place.
    pub(crate) ids: Vec<NodeId>,
    /// Where each place's wires start in `inputs`; one more entry than places.
    pub(crate) input_start: Vec<u32>,
    /// The slot that each wire reads, in the order of the ports.
    pub(crate) inputs: Vec<u32>,
    /// Where each place's consumers start in `consumers`; one more entry than places.
    pub(crate) consumer_start: Vec<u32>,
    /// The places that read from a place, one entry per wire.
    pub(crate) consumers: Vec<u32>,
    /// The first slot of each place; one more entry than places.
    pub(crate) slot_start: Vec<u32>,
    /// The place of each slot; empty while every place has one slot, which is the same number.
    pub(crate) slot_place: Vec<u32>,
    /// Wires per input port, for places with a port that does not take exactly one.
    pub(crate) port_counts: HashMap<u32, Box<[u32]>>,
}

/// A number as the 32 bits in which places and slots are counted.
///
/// Graphs are refused by `validate` before they reach this many nodes or wires.
pub(crate) fn narrow(number: usize) -> u32 {
    u32::try_from(number).expect("the graph was checked to have fewer than 2^32 nodes and wires")
}

impl Shape {
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(crate) fn slot_count(&self) -> usize {
        self.slot_start.last().map_or(0, |&end| end as usize)
    }

    pub(crate) fn inputs(&self, place: u32) -> &[u32] {
        let place = place as usize;
        &self.inputs[self.input_start[place] as usize..self.input_start[place + 1] as usize]
    }

    pub(crate) fn consumers(&self, place: u32) -> &[u32] {
        let place = place as usize;
        let range = self.consumer_start[place] as usize..self.consumer_start[place + 1] as usize;
        &self.consumers[range]
    }

    pub(crate) fn slots(&self, place: u32) -> std::ops::Range<u32> {
        self.slot_start[place as usize]..self.slot_start[place as usize + 1]
    }

    /// The place that fills a slot.
    pub(crate) fn producer(&self, slot: u32) -> u32 {
        self.slot_place.get(slot as usize).copied().unwrap_or(slot)
    }

    /// The output port of a slot.
    pub(crate) fn port(&self, slot: u32) -> u16 {
        let first = self.slot_start[self.producer(slot) as usize];
        u16::try_from(slot - first).unwrap_or(u16::MAX)
    }

    pub(crate) fn port_counts(&self, place: u32) -> &[u32] {
        if self.port_counts.is_empty() {
            return &[];
        }
        self.port_counts.get(&place).map_or(&[], |counts| counts)
    }

    /// Sets the slots from the number of outputs of each place.
    pub(crate) fn number_slots(&mut self, outputs: impl Iterator<Item = u16>) {
        self.slot_start = Vec::with_capacity(self.len() + 1);
        let mut slot = 0u32;
        let mut single = true;
        for count in outputs {
            self.slot_start.push(slot);
            single &= count == 1;
            slot += u32::from(count);
        }
        self.slot_start.push(slot);
        self.slot_place = if single {
            Vec::new()
        } else {
            (0..narrow(self.len()))
                .flat_map(|place| self.slots(place).map(move |_| place))
                .collect()
        };
    }

    /// Fills `consumers` from `inputs`.
    pub(crate) fn link_consumers(&mut self) {
        let places = self.len();
        let mut start = vec![0u32; places + 1];
        for &slot in &self.inputs {
            start[self.producer(slot) as usize + 1] += 1;
        }
        for place in 0..places {
            start[place + 1] += start[place];
        }
        let mut next = start.clone();
        let mut consumers = vec![0u32; self.inputs.len()];
        for place in 0..narrow(places) {
            for &slot in self.inputs(place) {
                let next = &mut next[self.producer(slot) as usize];
                consumers[*next as usize] = place;
                *next += 1;
            }
        }
        self.consumer_start = start;
        self.consumers = consumers;
    }
}
