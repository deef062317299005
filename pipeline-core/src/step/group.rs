//! Which steps run as one: the structure that the planner makes and a run follows.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::context::Context;
use super::erased::AnyStep;
use super::fused::{Fused, Given};
use super::stream::{Rows, Source, Stream};
use crate::data::Layout;
use crate::error::{Error, Result};

/// Steps that run as one, as a structure.
#[derive(Debug, Clone, Default)]
pub(crate) struct Group {
    /// The places of the steps that give rows, if there are any.
    pub(crate) sources: Vec<u32>,
    /// The tile-wise steps in running order; the last one makes the result.
    pub(crate) members: Vec<Member>,
    /// The place of the step that takes the rows of the result, if there is one.
    pub(crate) sink: Option<u32>,
    /// The places that pass on what one of the others gives.
    pub(crate) passing: Vec<u32>,
    /// Whether the result is a mask and not an image.
    pub(crate) is_mask: bool,
}

/// One of the tile-wise steps.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    /// Its place in the plan.
    pub(crate) place: u32,
    /// What it reads, in the order of its ports.
    pub(crate) inputs: Vec<Origin>,
    /// Whether it is a table of samples.
    pub(crate) is_by_sample: bool,
    /// The nanoseconds that it takes, if anything is known of them.
    pub(crate) nanos: Option<f32>,
    /// The bytes that it makes in these, if they are not those of the image at hand.
    pub(crate) bytes: Option<f32>,
}

impl Member {
    /// The nanoseconds that it is expected to take for an image of so many bytes.
    pub(super) fn nanos_for(&self, bytes: f32) -> Option<f32> {
        self.nanos.map(|nanos| self.bytes.map_or(nanos, |made| nanos * bytes / made))
    }
}

/// What a group takes beside its inputs.
#[derive(Debug)]
pub(crate) struct Extent {
    /// Bytes of the result.
    pub(crate) result: u64,
    /// The most bytes of images and windows that there are at once.
    pub(crate) most: u64,
    /// The places whose images are made as a whole on the way.
    pub(crate) whole: Vec<u32>,
}

/// Where an input comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The input of this number of the group.
    Input(usize),
    /// The source of this number.
    Source(usize),
    /// The member of this number.
    Member(usize),
}

/// Who watches over the steps of a group while they run.
pub(crate) trait Watch: Sync {
    /// Runs code of the step at a place, which may fail or panic, and says whose fault it was; of
    /// several steps that run as one, the last.
    fn within(&self, places: &[u32], body: &mut dyn FnMut() -> Result<()>) -> Result<()>;

    /// Takes note that a step spent time waiting for others.
    fn waited(&self, place: u32, time: Duration);

    /// Takes note of bytes that steps made together.
    fn made(&self, places: &[u32], bytes: usize);
}

/// Nobody: for questions that are asked before a run.
pub(super) struct Unwatched;

impl Watch for Unwatched {
    fn within(&self, _: &[u32], body: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        body()
    }

    fn waited(&self, _: u32, _: Duration) {}

    fn made(&self, _: &[u32], _: usize) {}
}

/// The steps of a plan, by place.
pub(super) type Steps = [Option<Arc<dyn AnyStep>>];

impl Group {
    /// The places of all steps, in running order.
    pub(crate) fn places(&self) -> impl Iterator<Item = u32> {
        let members = self.members.iter().map(|member| member.place);
        self.sources.iter().copied().chain(members).chain(self.sink)
    }

    /// All places but the last one, those that only pass on included, in running order.
    pub(crate) fn others(&self, last: u32) -> Vec<u32> {
        let places = self.places().chain(self.passing.iter().copied());
        let mut others: Vec<u32> = places.filter(|&place| place != last).collect();
        others.sort_unstable();
        others
    }

    /// What the group takes on inputs of these layouts; `None` if the steps do not say.
    pub(crate) fn extent(&self, steps: &Steps, inputs: &[Layout]) -> Option<Extent> {
        let extent = || {
            let opened = self.open(steps, &Unwatched, &Context::default()).ok()?;
            let inputs = Given { layouts: inputs, profiles: None };
            Some(Fused::new(self, steps, inputs, &opened, &Unwatched).ok()?.extent())
        };
        catch_unwind(AssertUnwindSafe(extent)).ok()?
    }

    /// Opens the sources.
    ///
    /// # Errors
    /// That of the first one that cannot be opened.
    pub(crate) fn open<'a>(
        &self,
        steps: &'a Steps,
        watch: &dyn Watch,
        ctx: &Context<'a>,
    ) -> Result<Vec<Box<dyn Rows + 'a>>> {
        let mut opened = Vec::with_capacity(self.sources.len());
        for &place in &self.sources {
            let source = self.source(steps, place)?;
            watch.within(&[place], &mut || {
                opened.push(source.open(&ctx.apart(place).untold())?);
                Ok(())
            })?;
        }
        Ok(opened)
    }

    fn source<'a>(&self, steps: &'a Steps, place: u32) -> Result<&'a dyn Source> {
        match steps[place as usize].as_ref().and_then(|step| step.stream()) {
            Some(Stream::Source(source)) => Ok(source),
            _ => Err(lost()),
        }
    }
}

/// The error of a step that has not the form any more that it had when it was planned.
pub(super) fn lost() -> Error {
    Error::failed("a step lost the form in which it runs with others")
}
