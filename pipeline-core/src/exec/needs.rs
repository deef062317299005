//! How many bytes a step's results will take.

use super::gate::Needs;
use super::run::RunCore;
use crate::step::{Units, layout_of};

impl Needs for RunCore {
    fn bytes(&self, place: u32) -> u64 {
        self.expected_bytes(place)
    }

    fn units(&self, place: u32) -> &[Units] {
        self.plan.infos[place as usize].body().map_or(&[], |body| &body.spec.resources)
    }

    fn live(&self) -> u64 {
        self.state.slots.live()
    }
}

impl RunCore {
    /// Bytes that the results of a place are expected to take: what its tile-wise form says of the
    /// inputs at hand, what the step declares, what it took before, or as much as its inputs.
    pub(super) fn expected_bytes(&self, place: u32) -> u64 {
        let Some(body) = self.plan.infos[place as usize].body() else { return 0 };
        if let Some(bytes) = body.spec.bytes {
            return bytes;
        }
        let shape = &self.plan.program.shape;
        let inputs = || {
            shape
                .inputs(place)
                .iter()
                .map(|&slot| self.state.slots.layout(slot))
                .collect::<Option<Vec<_>>>()
        };
        let bytes = match self.plan.program.group(place) {
            Some(group) => inputs()
                .and_then(|inputs| group.bytes(&self.plan.steps, &inputs))
                .map(|(_, most)| most),
            None => inputs()
                .and_then(|inputs| layout_of(&*body.step, &inputs))
                .map(|layout| layout.size_bytes()),
        };
        if let Some(bytes) = bytes {
            return bytes;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an estimate; the cast saturates"
        )]
        let learned = self.plan.program.estimates.bytes[place as usize] as u64;
        if learned > 0 {
            return learned;
        }
        shape.inputs(place).iter().map(|&slot| self.state.slots.bytes(slot)).max().unwrap_or(0)
    }
}
