//! How large results will be, as far as that can be told before the run.
//!
//! A step with a tile-wise form says what its result looks like from what its inputs look like, so
//! layouts are known below every value at hand. Where they are not, a result is taken to be as
//! large as the step declares, or as it was before. No pixel is read; the steps are asked only when
//! the plan is, because planning runs no code of theirs; a source of rows then looks into its file.

use super::demand::Action;
use super::file_digests::Stop;
use super::plan::Plan;
use super::shape::to_u32;
use crate::data::{DataType, Layout};
use crate::id::NodeId;
use crate::step::{Extent, layout_of};

/// Bytes that each place takes.
#[derive(Debug)]
pub(crate) struct Sizes {
    /// Those of its results; `None` where that is not known.
    pub(crate) bytes: Vec<Option<u64>>,
    /// What is beside them while it runs.
    pub(crate) aside: Vec<u64>,
    /// Whether its result is made as a whole though it is within a group.
    pub(crate) is_whole: Vec<bool>,
}

impl Plan {
    /// What the first result of each node will look like, in running order; `None` where that is
    /// no image, mask or labels, or is known only when the step has run.
    #[must_use]
    pub fn layouts(&self) -> Vec<(NodeId, Option<Layout>)> {
        let shape = &self.program.shape;
        let slots = self.slot_layouts(&Stop::default());
        let first = |place| slots[shape.first_slot(place) as usize];
        let places = shape.ids.iter().zip(0..to_u32(shape.len()));
        places
            .map(|(&id, place)| (id, shape.slots(place).next().and_then(|_| first(place))))
            .collect()
    }

    /// The most bytes of results that will be alive at once, values at hand included, if one step
    /// runs after the other in the order that needs the least. Says whether all sizes are known: a
    /// result of unknown size counts nothing.
    #[must_use]
    pub fn peak_bytes(&self) -> (u64, bool) {
        self.sizes(&Stop::default()).peak(self)
    }

    /// What each place takes. Once it is to stop, no more is asked of any step.
    pub(crate) fn sizes(&self, stop: &Stop<'_>) -> Sizes {
        let (program, shape) = (&*self.program, &*self.program.shape);
        let slots = self.slot_layouts(stop);
        let (mut bytes, mut aside) = (vec![Some(0); shape.len()], vec![0; shape.len()]);
        let mut is_whole = vec![false; shape.len()];
        for given in &self.given {
            let bytes = &mut bytes[shape.producer(given.slot) as usize];
            *bytes = bytes.map(|sum| u64::saturating_add(sum, given.value.counted_bytes()));
        }
        for place in 0..to_u32(shape.len()) {
            // What passes on or shares a result takes nothing more.
            if program.actions[place as usize] == Action::Run {
                let layout = shape.slots(place).next().and_then(|slot| slots[slot as usize]);
                let is_nothing =
                    self.infos[place as usize].output_type(0) == Some(DataType::of::<()>());
                let size =
                    layout.map_or_else(|| self.learned_bytes(place), |layout| layout.size_bytes());
                bytes[place as usize] = (size > 0 || is_nothing).then_some(size);
                let is_to_stop = stop.reason().is_some();
                if let Some(extent) = (!is_to_stop).then(|| self.extent(place, &slots)).flatten() {
                    aside[place as usize] = extent.most - extent.result;
                    extent.whole.iter().for_each(|&within| is_whole[within as usize] = true);
                }
            }
        }
        Sizes { bytes, aside, is_whole }
    }

    /// What the group of a place takes.
    fn extent(&self, place: u32, slots: &[Option<Layout>]) -> Option<Extent> {
        let group = self.program.group(place)?;
        let inputs = self.program.shape.inputs(place).iter().map(|&slot| slots[slot as usize]);
        group.extent(&self.steps, &inputs.collect::<Option<Vec<_>>>()?)
    }

    /// The place whose step makes what each slot holds: not the one that passes it on.
    fn makers(&self) -> Vec<u32> {
        let (program, shape) = (&*self.program, &*self.program.shape);
        let mut makers: Vec<u32> =
            (0..to_u32(shape.slot_count())).map(|slot| shape.producer(slot)).collect();
        for place in 0..to_u32(shape.len()) {
            if program.actions[place as usize].is_passing() {
                for (slot, &source) in shape.slots(place).zip(shape.inputs(place)) {
                    makers[slot as usize] = makers[source as usize];
                }
            }
        }
        makers
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate; the cast saturates"
    )]
    fn learned_bytes(&self, place: u32) -> u64 {
        self.program.estimates.bytes[place as usize] as u64
    }

    /// The layout of each slot, from the values at hand downwards.
    fn slot_layouts(&self, stop: &Stop<'_>) -> Vec<Option<Layout>> {
        let (program, shape) = (&*self.program, self.program.wires());
        let mut layouts = vec![None; shape.slot_count()];
        for given in &self.given {
            layouts[given.slot as usize] = given.value.layout();
        }
        let mut inputs = Vec::new();
        for place in 0..to_u32(shape.len()) {
            if stop.reason().is_some() {
                break;
            }
            match program.actions[place as usize] {
                Action::Skip | Action::Given => {}
                Action::Pass | Action::Share | Action::FusePass | Action::FuseShare => {
                    for (slot, &source) in shape.slots(place).zip(shape.inputs(place)) {
                        layouts[slot as usize] = layouts[source as usize];
                    }
                }
                Action::Run | Action::Fuse => {
                    let Some(step) = &self.steps[place as usize] else { continue };
                    inputs.clear();
                    inputs.extend(
                        shape.inputs(place).iter().map_while(|&slot| layouts[slot as usize]),
                    );
                    if inputs.len() == shape.inputs(place).len() {
                        let slot = shape.first_slot(place);
                        layouts[slot as usize] = layout_of(&**step, &inputs);
                    }
                }
            }
        }
        layouts
    }
}

impl Sizes {
    /// The most bytes of results that are alive at once, and whether all are known.
    pub(super) fn peak(&self, plan: &Plan) -> (u64, bool) {
        let (program, shape) = (&*plan.program, &*plan.program.shape);
        let is_known = self.bytes.iter().all(Option::is_some);
        let bytes = |place: u32| self.bytes[place as usize].unwrap_or_default();
        let makers = plan.makers();
        let read = |place: u32| shape.inputs(place).iter().map(|&slot| makers[slot as usize]);
        let mut left = vec![0u32; shape.len()];
        // A target lives on.
        let targets = program.targets.iter().map(|&slot| makers[slot as usize]);
        for maker in (0..to_u32(shape.len())).flat_map(read).chain(targets) {
            left[maker as usize] += 1;
        }
        let mut order: Vec<u32> = (0..to_u32(shape.len())).collect();
        order.sort_by_key(|&place| program.position(place));
        // Values at hand are there from the beginning.
        let is_given = |place: u32| program.actions[place as usize] == Action::Given;
        let given = order.iter().filter(|&&place| is_given(place));
        let mut live = given.fold(0u64, |sum, &place| sum.saturating_add(bytes(place)));
        let mut peak = live;
        for place in order {
            if !is_given(place) {
                live = live.saturating_add(bytes(place));
                peak = peak.max(live.saturating_add(self.aside[place as usize]));
            }
            if left[place as usize] == 0 {
                live = live.saturating_sub(bytes(place));
            }
            for maker in read(place) {
                let left = &mut left[maker as usize];
                *left = left.saturating_sub(1);
                if *left == 0 {
                    live = live.saturating_sub(bytes(maker));
                }
            }
        }
        (peak, is_known)
    }
}
