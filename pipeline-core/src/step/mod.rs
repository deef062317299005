//! What a node does: the plugin seam.

mod cancel;
mod context;
mod course;
mod defaults;
mod erased;
mod expect;
mod finite;
mod fused;
mod group;
mod inputs;
mod locate;
mod outputs;
mod passes;
mod per_frame;
mod range;
mod registry;
mod rows;
mod schema;
mod scratch;
mod services;
mod spec;
mod stream;
mod streamed;
mod tile;
mod unit;

pub use cancel::CancelToken;
pub(crate) use cancel::OnCancel;
pub use context::Context;
pub(crate) use context::{Host, Progress};
pub use erased::{AnyStep, StepType};
pub(crate) use erased::{Form, layout_of};
pub(crate) use expect::{found, list_of, one_of, shorten};
pub(crate) use fused::{Fused, Given};
pub(crate) use group::{Extent, Group, Member, Origin, Watch};
#[doc(hidden)]
pub use inputs::Reader;
pub(crate) use inputs::Wire;
pub use inputs::{Arity, Input, Inputs, Node, Port};
pub(crate) use locate::locate;
pub use outputs::Outputs;
pub use per_frame::PerFrame;
pub use registry::Registry;
pub(crate) use rows::Crew;
pub(crate) use schema::check as check_params;
pub use scratch::Scratch;
pub use services::Services;
pub use spec::{CutOff, Kind, Lane, Spec, Units};
pub use stream::{ImageRows, Rows, Sink, Source, Stream, gather, no_more};
pub use tile::{Profiled, Tile, tile};
#[cfg(feature = "testkit")]
pub(crate) use unit::Curve;

use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

use crate::error::Result;

/// What a node does. The seam through which operations join the engine, ours and an embedder's.
///
/// A step is a plain struct: its fields are its parameters, their doc comments the help text, their
/// schemars attributes the ranges and units. The file format, validation, documentation and an
/// editor's controls all come from that one struct.
///
/// # Contract
///
/// The executor calls [`run`](Self::run) on one of its worker threads, or on the thread that called
/// it, at most once per run and attempt, and never holds a lock meanwhile. Many calls of the same
/// step may run at once on different inputs. A step
///
/// - reads nothing but its parameters, its inputs and its [`Context`], unless
///   [`spec`](Self::spec) says so; otherwise the cache would serve results that are not true,
/// - returns the same bits for the same inputs, whatever the threads, unless it is
///   [`Kind::Volatile`],
/// - polls its context often enough to stop within a few milliseconds,
/// - may fail or panic: both become an error of its node, and nothing else is lost.
///
/// Raise [`VERSION`](Self::VERSION) when the result changes for the same parameters and inputs.
///
/// # Example
///
/// ```
/// use pipeline_core::{Context, Error, Image, In, Result, Step};
/// use schemars::JsonSchema;
/// use serde::{Deserialize, Serialize};
///
/// /// Mirrors an 8-bit image left to right.
/// #[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
/// #[serde(deny_unknown_fields, default)]
/// struct Mirror {}
///
/// impl Step for Mirror {
///     const NAME: &'static str = "mirror";
///     type Input = In<Image>;
///     type Output = Image;
///
///     fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
///         let mut image = image.into_owned();
///         let layout = image.layout();
///         let (row_len, channels) = (layout.row_len(), layout.channels.into());
///         let Some(samples) = image.samples_mut::<u8>() else {
///             return Err(Error::input("the image", layout, "8-bit samples"));
///         };
///         ctx.fill_rows(samples, row_len, 64, |_, rows| {
///             for row in rows.chunks_mut(row_len) {
///                 row.reverse();
///                 row.chunks_mut(channels).for_each(<[u8]>::reverse);
///             }
///             Ok(())
///         })?;
///         Ok(image)
///     }
/// }
///
/// let image = Image::from_samples(3, 1, 1, vec![1u8, 2, 3])?;
/// let mirrored = Mirror {}.run(In::new(image), &Context::default())?;
/// assert_eq!(mirrored.samples::<u8>(), Some(&[3, 2, 1][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
pub trait Step:
    Serialize + DeserializeOwned + JsonSchema + Clone + std::fmt::Debug + Send + Sync + 'static
{
    /// The name in pipeline files: lower case, words joined by `_`. Unique in a registry.
    const NAME: &'static str;

    /// Raised when the result changes for the same parameters and inputs.
    const VERSION: u32 = 1;

    /// Names of the inputs in pipeline files; `in`, or `a`, `b`, … where none is given.
    const INPUTS: &'static [&'static str] = &[];

    /// Names of the outputs in pipeline files; `out`, or `a`, `b`, … where none is given.
    const OUTPUTS: &'static [&'static str] = &[];

    /// What goes in: `()`, [`In<A>`](crate::data::In), `Option<In<A>>`, `Vec<In<A>>`, or a tuple.
    type Input: Inputs;

    /// What comes out: one [`Data`](crate::data::Data) type, or a tuple with one port each.
    type Output: Outputs;

    /// Does the work.
    ///
    /// # Errors
    /// Whatever keeps the step from finishing. Errors are never cached.
    fn run(&self, input: Self::Input, ctx: &Context<'_>) -> Result<Self::Output>;

    /// What the engine should know beside the parameters.
    fn spec(&self) -> Spec {
        Spec::default()
    }

    /// The tile-wise form, for steps that have one: `Some(self)`.
    fn tile(&self) -> Option<&dyn Tile> {
        None
    }

    /// The row-wise form, for steps that bring an image in or take one out row by row.
    fn stream(&self) -> Option<Stream<'_>> {
        None
    }
}
