//! A step on images as a step on stacks.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, CutOff, Spec, Step};
use crate::data::{Image, In, ReadFrames, Stack};
use crate::error::{Error, Result};

/// Runs a step that makes an image of an image on each frame of a stack.
///
/// The stack that comes out has its frames when they are asked for: they take no memory before, and
/// are made anew each time, on the thread that asks, without the services and the seed of a run.
/// Where frames are to be made beside each other
/// and kept one by one, give each a node of its own with
/// [`Graph::add_frames`](crate::Graph::add_frames).
///
/// ```
/// use pipeline_core::step::PerFrame;
/// # use pipeline_core::{Context, Image, In, Layout, Result, SampleType, Stack, Step};
/// # use schemars::JsonSchema;
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
/// # struct Invert {}
/// # impl Step for Invert {
/// #     const NAME: &'static str = "invert";
/// #     type Input = In<Image>;
/// #     type Output = Image;
/// #     fn run(&self, image: In<Image>, _: &Context<'_>) -> Result<Image> {
/// #         let inverted: Vec<u8> = image.bytes().iter().map(|sample| 255 - sample).collect();
/// #         Image::from_samples(image.width(), image.height(), 1, inverted)
/// #     }
/// # }
/// let layout = Layout::new(2, 1, 1, SampleType::U8);
/// let stack = Stack::new(layout, 2, vec![0u8, 1, 2, 3].into())?;
/// let inverted = PerFrame::of(Invert {}).run(In::new(stack), &Context::default())?;
/// assert_eq!(inverted.frame(1)?.samples::<u8>(), Some(&[253, 252][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PerFrame<S> {
    /// The name and the version of the step.
    step: (String, u32),
    /// Its parameters.
    params: S,
}

impl<S: Step> PerFrame<S> {
    /// This step, on each frame.
    #[must_use]
    pub fn of(step: S) -> Self {
        Self { step: (S::NAME.to_owned(), S::VERSION), params: step }
    }
}

impl<S: Step<Input = In<Image>, Output = Image>> Step for PerFrame<S> {
    const NAME: &'static str = "per_frame";
    type Input = In<Stack>;
    type Output = Stack;

    fn run(&self, stack: In<Stack>, ctx: &Context<'_>) -> Result<Stack> {
        let own = (S::NAME, S::VERSION);
        if (&*self.step.0, self.step.1) != own {
            let found = format!("{} {}", self.step.0, self.step.1);
            return Err(Error::input("the step", found, format!("{} {}", own.0, own.1)));
        }
        ctx.check()?;
        let frames = Mapped { stack, step: self.params.clone() };
        let layout = match self.params.tile() {
            Some(tile) => tile.layout(&[frames.stack.layout()])?,
            None => frames.read(0)?.layout(),
        };
        Stack::read_by(layout, frames.stack.frames(), Arc::new(frames))
    }

    fn spec(&self) -> Spec {
        // What frames are made of is known; to digest them would make all of them.
        Spec { cut_off: CutOff::Never, bytes: None, cost: None, ..self.params.spec() }
    }
}

/// Frames that are made of those of another stack.
#[derive(Debug)]
struct Mapped<S> {
    stack: In<Stack>,
    step: S,
}

impl<S: Step<Input = In<Image>, Output = Image>> ReadFrames for Mapped<S> {
    fn read(&self, t: usize) -> Result<Image> {
        let frame = In::new(self.stack.frame(t)?);
        self.step.run(frame, &Context::default()).map_err(|error| Error::Node {
            node: format!("frame {t}"),
            step: S::NAME.to_owned(),
            source: Arc::new(error),
        })
    }
}
