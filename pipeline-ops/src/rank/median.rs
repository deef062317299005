//! The median over a square window.

use pipeline_core::{
    Context, Image, In, Layout, Region, Result, Step, Tile, View, ViewMut, dispatch, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::nth::{Nth, RADIUS};
use crate::kernel::Border;

/// Replaces each sample by the median of a square of side `2 · radius + 1`; removes single wrong
/// pixels and keeps edges.
///
/// The window has an odd number of samples, so the median is always one of them: exact.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any; alpha is kept |
/// | `out` | image | Y X C | as `in` | those of `in` | as `in` |
///
/// Every colour is filtered on its own. Alpha is kept, and pixels of which nothing is seen are not
/// looked at, as if the image ended there; they stay as they are. Of an even number of pixels the
/// higher one in the middle is taken.
///
/// **Border**: by `border`: `replicate` `aaa│abcd│ddd`, `reflect` `dcba│abcd│dcba`, `mirror`
/// `dcb│abcd│cba`, `wrap` `abcd│abcd│abcd`, `constant` `vvv│abcd│vvv`.
/// **NaN** counts as larger than every number, infinity included: the median is NaN only where NaN
/// are more than half of the window.
/// **Cost**: networks of comparisons up to radius 15 for u8, 25 for u16 and 20 for f32, in tiles
/// whose windows share what they have in common: at a radius of 1, 2, 3, 5, 10 and 20 about 13, 44,
/// 76, 181, 474 and 1425 comparisons per pixel, at least as many as for 16 to 64 squares of 2 to 8
/// pixels side by side; the networks of the last four radii are kept, others take up to ten
/// milliseconds to make.
/// Above, for u8 sums of comparisons for as many thresholds as neighbours have different medians,
/// up to 255, whatever the radius up to 127; time in proportion to the radius for others of u8, for
/// u16 and f32 (sliding histogram; floats are sorted once, block by block, and counted by their
/// places) and where pixels are not looked at; memory as the footprint, which is the region and
/// `radius` pixels on each side.
/// **Errors**: a radius outside its range.
///
/// **Source**: `scipy.ndimage.median_filter` 1.17 and libvips 8.18 `rank`, equal, with alpha over
/// the pixels that are seen. Networks: Adams, "Fast median filters using separable sorting
/// networks" (2021). Sliding histogram: Huang, Yang, Tang (1979).
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::rank::Median;
///
/// let image = Image::from_samples(5, 3, 1, vec![
///     5u8, 5,  5, 5, 5,
///     5, 255,  5, 9, 9,
///     5,   5, 19, 9, 9,
/// ])?;
/// let out = Median { radius: 1, ..Default::default() }.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     5, 5, 5, 5, 5,
///     5, 5, 5, 9, 9,
///     5, 5, 9, 9, 9,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Median {
    /// Pixels on each side of the middle; 0 changes nothing. 0 to 255 px, default 1.
    #[schemars(range(min = *RADIUS.start(), max = *RADIUS.end()), extend("x-unit" = "px"))]
    pub radius: u32,
    /// What lies beyond the edge; default `replicate`.
    pub border: Border,
}

impl Default for Median {
    fn default() -> Self {
        Self { radius: 1, border: Border::Replicate }
    }
}

impl Median {
    const fn nth(&self) -> Nth {
        Nth { radius: self.radius, percentile: 50.0, border: self.border }
    }
}

impl Step for Median {
    const NAME: &'static str = "median";
    const VERSION: u32 = 2;
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for Median {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        self.nth().layout(inputs)
    }

    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        self.nth().footprint(region, inputs)
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        dispatch!(out.sample_type(), T => self.nth().render::<T>(&inputs[0], out, ctx))
    }
}
