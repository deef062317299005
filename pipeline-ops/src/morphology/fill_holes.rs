//! Holes in the foreground.

use pipeline_core::step::CutOff;
use pipeline_core::{Context, In, Mask, Result, Spec, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::components::{self, Ground};
use crate::kernel::Connectivity;

/// Fills the holes of a mask: background that does not reach the edge.
///
/// `out` is foreground where `in` is, and in the components of the background that have no pixel in
/// the first or last row or column.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | mask | Y X | – | true or false | – |
/// | `out` | mask | Y X | – | true or false | – |
///
/// **Border**: what lies beyond the edge is background. **NaN**: a mask has none.
/// **Cost**: two passes over the mask, a word of pixels at a time; memory for the runs of pixels,
/// 16 bytes each, and the mask where it is not worked on in place. A component may reach anywhere,
/// so there are no tiles.
/// **Errors**: an image of more than 4294967295 pixels.
///
/// A mask that comes out as before spares the steps below from running.
///
/// **Source**: `scipy.ndimage.binary_fill_holes` 1.17, equal.
///
/// ```
/// use pipeline_core::{Context, In, Mask, Step};
/// use pipeline_ops::morphology::FillHoles;
///
/// let mask = Mask::from_bytes(5, 4, vec![
///     1, 1, 1, 0, 0,
///     1, 0, 1, 0, 1,
///     1, 1, 1, 1, 0,
///     0, 0, 1, 0, 1,
/// ])?;
/// let out = FillHoles::default().run(In::new(mask), &Context::default())?;
/// assert_eq!(out.bytes(), [
///     1, 1, 1, 0, 0,
///     1, 1, 1, 0, 1,
///     1, 1, 1, 1, 0,
///     0, 0, 1, 0, 1,
/// ]);
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FillHoles {
    /// Which pixels of the background are connected; default `four`, as the foreground around them
    /// does by eight.
    pub connectivity: Connectivity,
}

impl Default for FillHoles {
    fn default() -> Self {
        Self { connectivity: Connectivity::Four }
    }
}

impl Step for FillHoles {
    const NAME: &'static str = "fill_holes";
    type Input = In<Mask>;
    type Output = Mask;

    fn run(&self, mask: In<Mask>, ctx: &Context<'_>) -> Result<Mask> {
        let holes = components::find(&mask, Ground::Background, self.connectivity, ctx)?;
        let outside = components::near_edge(&holes, (mask.width(), mask.height()), 1, ctx)?;
        let is_hole = |number: u32| !outside[number as usize];
        components::repaint(mask, (&holes, Ground::Background), is_hole, ctx)
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}
