//! How many bytes a step's results will take.

use super::gate::Needs;
use super::run::RunCore;
use crate::data::Layout;
use crate::step::{Extent, Form, Units, layout_of};

impl Needs for RunCore {
    fn bytes(&self, place: u32) -> Option<u64> {
        (self.budget.is_some() && !self.is_planned(place)).then(|| self.expected_bytes(place))
    }

    fn units(&self, place: u32) -> &[Units] {
        self.plan.infos[place as usize].body().map_or(&[], |body| &body.spec.resources)
    }

    fn live(&self) -> u64 {
        self.state.slots.live()
    }
}

impl RunCore {
    /// Whether no more is known of a place's results now than before the run, unless a file were
    /// looked into again.
    fn is_planned(&self, place: u32) -> bool {
        let has_sources =
            self.plan.program.group(place).is_some_and(|group| !group.sources.is_empty());
        has_sources || self.plan.program.shape.inputs(place).is_empty()
    }

    /// Bytes of the results that a place is about to make; 0 if nobody knows.
    pub(super) fn bytes_to_make(&self, place: u32) -> u64 {
        if self.is_planned(place) {
            return self.planned_bytes(place);
        }
        self.known_bytes(place, |extent| extent.result).unwrap_or(0)
    }

    /// What the results of a place took before, or were said to take.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate; the cast saturates"
    )]
    fn planned_bytes(&self, place: u32) -> u64 {
        self.plan.program.estimates.bytes[place as usize] as u64
    }

    /// Bytes that a place is expected to take: what is known of them, or as much as its inputs.
    fn expected_bytes(&self, place: u32) -> u64 {
        if self.plan.infos[place as usize].body().is_none() {
            return 0;
        }
        self.known_bytes(place, |extent| extent.most).unwrap_or_else(|| {
            let inputs = self.plan.program.shape.inputs(place).iter();
            inputs.map(|&slot| self.state.slots.bytes(slot)).max().unwrap_or(0)
        })
    }

    /// What is known of the bytes of a place: what the step declares, what its tile-wise form says
    /// of the inputs at hand, or what it took before.
    fn known_bytes(&self, place: u32, of_group: fn(Extent) -> u64) -> Option<u64> {
        let body = self.plan.infos[place as usize].body()?;
        let from_layout = || {
            let inputs = self.input_layouts(place)?;
            match self.plan.program.group(place) {
                Some(group) => group.extent(&self.plan.steps, &inputs).map(of_group),
                None => layout_of(&*body.step, &inputs).map(|layout| layout.size_bytes()),
            }
        };
        let learned = || Some(self.planned_bytes(place)).filter(|&bytes| bytes > 0);
        body.spec.bytes.or_else(from_layout).or_else(learned)
    }

    /// Bytes that the results of a place take, if its step says so: those it declares, or those of
    /// the layout that its tile-wise form gives. No file is looked into. A group counts its own.
    #[cold]
    pub(super) fn stated_bytes(&self, place: u32) -> u64 {
        let Some(body) = self.plan.infos[place as usize].body() else { return 0 };
        if self.plan.program.group(place).is_some() {
            return 0;
        }
        let from_layout = || {
            let inputs = self.input_layouts(place).filter(|_| body.form == Form::Tiled)?;
            Some(layout_of(&*body.step, &inputs)?.size_bytes())
        };
        body.spec.bytes.or_else(from_layout).unwrap_or(0)
    }

    /// What the inputs of a place look like, if all of them are there and are images,
    /// masks or labels.
    fn input_layouts(&self, place: u32) -> Option<Vec<Layout>> {
        let inputs = self.plan.program.shape.inputs(place).iter();
        inputs.map(|&slot| self.state.slots.layout(slot)).collect()
    }
}
