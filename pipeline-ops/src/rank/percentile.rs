//! A percentile of a square window.

use pipeline_core::{
    Context, Image, In, Layout, Region, Result, Step, Tile, View, ViewMut, dispatch, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::nth::{Nth, RADIUS};
use crate::check::{self, PERCENT};
use crate::kernel::Border;

/// Replaces each sample by a percentile of a square of side `2 · radius + 1`: 0 gives the minimum,
/// 50 the median, 100 the maximum, 10 and 90 the same without outliers.
///
/// Of the `n = size²` samples in order, counted from 0, it is number `floor(n · percentile / 100)`,
/// and the last one for 100: always one of them, nothing is interpolated.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any; alpha is kept |
/// | `out` | image | Y X C | as `in` | those of `in` | as `in` |
///
/// Every colour is filtered on its own. Alpha is kept, and pixels of which nothing is seen are not
/// looked at, as if the image ended there; they stay as they are, and `n` is less.
///
/// **Border**: by `border`: `replicate` `aaa│abcd│ddd`, `reflect` `dcba│abcd│dcba`, `mirror`
/// `dcb│abcd│cba`, `wrap` `abcd│abcd│abcd`, `constant` `vvv│abcd│vvv`.
/// **NaN** counts as larger than every number, infinity included.
/// **Cost**: networks of comparisons up to radius 15 for u8, 25 for u16 and 20 for f32, as
/// `median`. Above, for u8 sums of comparisons for as many thresholds as neighbours have different
/// results, up to 255, whatever the radius up to 127; time in proportion to the radius for others
/// of u8, for u16 and f32 (sliding histogram; floats are sorted once, block by block, and counted
/// by their places) and where pixels are not looked at; memory as the footprint, which is the
/// region and `radius` pixels on each side. `minimum` and `maximum` are faster at what they do.
/// **Errors**: a parameter outside its range.
///
/// **Source**: `scipy.ndimage.percentile_filter` 1.17 and libvips 8.18 `rank`, equal, with alpha
/// over the pixels that are seen. Networks: Adams, "Fast median filters using separable sorting
/// networks" (2021). Sliding histogram: Huang, Yang, Tang (1979).
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::rank::Percentile;
///
/// let image = Image::from_samples(5, 3, 1, vec![
///     1u8, 2,  3,  4,  5,
///     6,   7,  8,  9, 10,
///     11, 12, 13, 14, 99,
/// ])?;
/// let step = Percentile { radius: 1, percentile: 90.0, ..Default::default() };
/// let out = step.run(In::new(image), &Context::default())?;
/// // The eighth of nine.
/// assert_eq!(out.samples::<u8>(), Some(&[
///     7,   8,  9, 10, 10,
///     12, 13, 14, 99, 99,
///     12, 13, 14, 99, 99,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Percentile {
    /// Pixels on each side of the middle; 0 changes nothing. 0 to 255 px, default 1.
    #[schemars(range(min = *RADIUS.start(), max = *RADIUS.end()), extend("x-unit" = "px"))]
    pub radius: u32,
    /// How many of the window's samples are before the one that is taken. 0 to 100 %, default 50.
    #[schemars(range(min = *PERCENT.start(), max = *PERCENT.end()), extend("x-unit" = "%"))]
    pub percentile: f32,
    /// What lies beyond the edge; default `replicate`.
    pub border: Border,
}

impl Default for Percentile {
    fn default() -> Self {
        Self { radius: 1, percentile: 50.0, border: Border::Replicate }
    }
}

impl Percentile {
    const fn nth(&self) -> Nth {
        Nth { radius: self.radius, percentile: self.percentile, border: self.border }
    }
}

impl Step for Percentile {
    const NAME: &'static str = "percentile";
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

impl Tile for Percentile {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        check::within("percentile", self.percentile, &PERCENT, "%")?;
        self.nth().layout(inputs)
    }

    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        self.nth().footprint(region, inputs)
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        dispatch!(out.sample_type(), T => self.nth().render::<T>(&inputs[0], out, ctx))
    }
}
