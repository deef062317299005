//! The frozen form of a graph: compressed rows both ways, places numbered in running order.
//!
//! A *place* is the number of a node in this form, a *slot* the number of one output port. Every
//! producer stands before its consumers, so one pass from front to back meets inputs before the
//! steps that read them.

use crate::graph::group;
use crate::id::NodeId;

/// Structure without steps: who reads what from whom.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shape {
    /// The node at each place.
    pub(crate) ids: Vec<NodeId>,
    /// Where what belongs to each place starts; one more entry than places.
    pub(super) starts: Vec<Start>,
    /// The slot that each wire reads, in the order of the ports.
    pub(crate) inputs: Vec<u32>,
    /// The places that read from a place, one entry per wire.
    pub(super) consumers: Vec<u32>,
    /// The place of each slot; empty while every place has one slot, which is the same number.
    pub(super) slot_place: Vec<u32>,
    /// Wires per input port, for places with a port that does not take exactly one, by place.
    port_counts: Vec<(u32, Box<[u32]>)>,
}

/// Where the rows of one place start. Side by side, because whoever wants one wants the others.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Start {
    input: u32,
    consumer: u32,
    slot: u32,
}

/// A number as the 32 bits in which places and slots are counted.
///
/// Graphs are refused by `validate` before they reach this many nodes or wires.
pub(crate) fn to_u32(number: usize) -> u32 {
    u32::try_from(number).expect("the graph was checked to have fewer than 2^32 nodes and wires")
}

impl Shape {
    /// A structure of these places.
    ///
    /// `outputs` tells how many slots each place has. `wires` is told the first slot of every place
    /// and puts the slots that a place reads behind those that are there already; where a port does
    /// not take exactly one wire, it returns the wires per port.
    pub(crate) fn new(
        ids: Vec<NodeId>,
        outputs: impl Fn(u32) -> u16,
        wires: impl Fn(u32, &dyn Fn(u32) -> u32, &mut Vec<u32>) -> Option<Box<[u32]>>,
    ) -> Self {
        let places = to_u32(ids.len());
        let mut starts = Vec::with_capacity(ids.len() + 1);
        let (mut slot, mut single) = (0u32, true);
        for place in 0..places {
            starts.push(Start { slot, ..Start::default() });
            let count = outputs(place);
            single &= count == 1;
            slot += u32::from(count);
        }
        starts.push(Start { slot, ..Start::default() });

        let (mut inputs, mut port_counts) = (Vec::with_capacity(ids.len()), Vec::new());
        for place in 0..places {
            starts[place as usize].input = to_u32(inputs.len());
            let first_slot = |place: u32| if single { place } else { starts[place as usize].slot };
            let counts = wires(place, &first_slot, &mut inputs);
            port_counts.extend(counts.map(|counts| (place, counts)));
        }
        starts[places as usize].input = to_u32(inputs.len());

        let mut shape = Self { ids, starts, inputs, port_counts, ..Self::default() };
        if !single {
            let places = (0..places).flat_map(|at| shape.slots(at).map(move |_| at)).collect();
            shape.slot_place = places;
        }
        shape.link_consumers();
        shape
    }

    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(crate) fn slot_count(&self) -> usize {
        self.starts.last().map_or(0, |end| end.slot as usize)
    }

    pub(crate) fn inputs(&self, place: u32) -> &[u32] {
        let (from, to) = self.around(place);
        &self.inputs[from.input as usize..to.input as usize]
    }

    pub(crate) fn consumers(&self, place: u32) -> &[u32] {
        let (from, to) = self.around(place);
        &self.consumers[from.consumer as usize..to.consumer as usize]
    }

    pub(crate) fn slots(&self, place: u32) -> std::ops::Range<u32> {
        let (from, to) = self.around(place);
        from.slot..to.slot
    }

    fn around(&self, place: u32) -> (Start, Start) {
        (self.starts[place as usize], self.starts[place as usize + 1])
    }

    /// The first slot of a place.
    pub(crate) fn first_slot(&self, place: u32) -> u32 {
        self.starts[place as usize].slot
    }

    /// Whether every place has one slot, which then is the same number.
    pub(crate) fn is_single(&self) -> bool {
        self.slot_place.is_empty()
    }

    /// The place that fills a slot.
    pub(crate) fn producer(&self, slot: u32) -> u32 {
        self.slot_place.get(slot as usize).copied().unwrap_or(slot)
    }

    /// The output port of a slot.
    pub(crate) fn port(&self, slot: u32) -> u16 {
        if self.is_single() {
            return 0;
        }
        let first = self.first_slot(self.producer(slot));
        u16::try_from(slot - first).unwrap_or(u16::MAX)
    }

    /// Wires per input port; empty where each has one.
    pub(crate) fn port_counts(&self, place: u32) -> &[u32] {
        let at = self.port_counts.binary_search_by_key(&place, |&(place, _)| place);
        at.map_or(&[], |at| &self.port_counts[at].1)
    }

    /// Bytes that it takes.
    pub(crate) fn size_bytes(&self) -> usize {
        size_of_val(self.ids.as_slice())
            + size_of_val(self.starts.as_slice())
            + size_of_val(self.inputs.as_slice())
            + size_of_val(self.consumers.as_slice())
            + size_of_val(self.slot_place.as_slice())
            + self.port_counts.iter().map(|at| size_of_val(at) + size_of_val(&*at.1)).sum::<usize>()
    }

    /// Fills `consumers` from `inputs`.
    fn link_consumers(&mut self) {
        let shape = &*self;
        let wires = (0..to_u32(shape.len())).flat_map(|place| {
            shape.inputs(place).iter().map(move |&slot| (shape.producer(slot), place))
        });
        let (starts, consumers) = group(shape.len(), wires);
        for (start, consumer) in self.starts.iter_mut().zip(starts) {
            start.consumer = consumer;
        }
        self.consumers = consumers;
    }
}
