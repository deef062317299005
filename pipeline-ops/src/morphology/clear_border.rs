//! Objects at the edge.

use pipeline_core::step::CutOff;
use pipeline_core::{Context, In, Mask, Result, Spec, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::components::{self, Ground};
use crate::kernel::Connectivity;

/// Removes the objects of a mask that reach the edge, as they may be cut off there.
///
/// `out` is `in` without the components of the foreground that have a pixel in the first or last
/// `margin` rows or columns.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | mask | Y X | – | true or false | – |
/// | `out` | mask | Y X | – | true or false | – |
///
/// **Border**: nothing beyond the edge is seen. **NaN**: a mask has none.
/// **Cost**: two passes over the mask, a word of pixels at a time; memory for the runs of pixels,
/// 16 bytes each, and the mask where it is not worked on in place. A component may reach anywhere,
/// so there are no tiles.
/// **Errors**: an image of more than 4294967295 pixels.
///
/// A mask that comes out as before spares the steps below from running.
///
/// **Source**: `skimage.segmentation.clear_border` 0.26, equal, with a `buffer_size` of
/// `margin - 1`.
///
/// ```
/// use pipeline_core::{Context, In, Mask, Step};
/// use pipeline_ops::morphology::ClearBorder;
///
/// let mask = Mask::from_bytes(5, 5, vec![
///     1, 1, 0, 0, 1,
///     1, 0, 0, 0, 0,
///     0, 0, 1, 0, 0,
///     0, 1, 1, 1, 0,
///     0, 0, 0, 0, 0,
/// ])?;
/// let out = ClearBorder::default().run(In::new(mask), &Context::default())?;
/// assert_eq!(out.bytes(), [
///     0, 0, 0, 0, 0,
///     0, 0, 0, 0, 0,
///     0, 0, 1, 0, 0,
///     0, 1, 1, 1, 0,
///     0, 0, 0, 0, 0,
/// ]);
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClearBorder {
    /// How many rows and columns are the edge; 0 changes nothing. 0 to 4294967295 px, default 1.
    #[schemars(range(min = 0, max = u32::MAX), extend("x-unit" = "px"))]
    pub margin: u32,
    /// Which pixels of the foreground are connected; default `eight`.
    pub connectivity: Connectivity,
}

impl Default for ClearBorder {
    fn default() -> Self {
        Self { margin: 1, connectivity: Connectivity::Eight }
    }
}

impl Step for ClearBorder {
    const NAME: &'static str = "clear_border";
    type Input = In<Mask>;
    type Output = Mask;

    fn run(&self, mask: In<Mask>, ctx: &Context<'_>) -> Result<Mask> {
        let objects = components::find(&mask, Ground::Foreground, self.connectivity, ctx)?;
        let size = (mask.width(), mask.height());
        let near = components::near_edge(&objects, size, self.margin, ctx)?;
        components::repaint(mask, (&objects, Ground::Foreground), |n| near[n as usize], ctx)
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}
