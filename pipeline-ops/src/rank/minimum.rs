//! The least sample of a square window.

use pipeline_core::{Context, Image, In, Layout, Region, Result, Step, Tile, View, ViewMut, tile};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::{Border, Least};
use crate::morphology::{Element, Flat};
use crate::neighborhood::RADIUS;

/// Replaces each sample by the least of a square of side `2 · radius + 1`; bright details narrower
/// than that vanish, dark ones grow.
///
/// `out(x, y) = min in(x + i, y + j)` over `|i|, |j| ≤ radius`.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any; alpha is kept |
/// | `out` | image | Y X C | as `in` | those of `in` | as `in` |
///
/// Every colour is filtered on its own. Alpha is kept, and pixels of which nothing is seen are not
/// looked at, as if the image ended there; they stay as they are.
///
/// **Border**: by `border`: `replicate` `aaa│abcd│ddd`, `reflect` `dcba│abcd│dcba`, `mirror`
/// `dcb│abcd│cba`, `wrap` `abcd│abcd│abcd`, `constant` `vvv│abcd│vvv`.
/// **NaN** counts as larger than every number, infinity included: the minimum is NaN only where all
/// of the window is.
/// **Cost**: three to six comparisons per sample down the columns, whatever the radius, and along
/// the rows two to four, with three more each time that the side is four times as long; memory for
/// as many rows as the window or the region has, whichever is less; the footprint is the region and
/// `radius` pixels on each side.
/// **Errors**: a radius outside its range.
///
/// **Source**: `scipy.ndimage.minimum_filter` 1.17 and libvips 8.18 `rank`, equal. Running
/// extremes: van Herk (1992), Gil and Werman (1993).
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::rank::Minimum;
///
/// let image = Image::from_samples(5, 3, 1, vec![
///     9u8, 9, 9, 9, 9,
///     9,   1, 9, 9, 7,
///     9,   9, 9, 9, 9,
/// ])?;
/// let out = Minimum { radius: 1, ..Default::default() }.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     1, 1, 1, 7, 7,
///     1, 1, 1, 7, 7,
///     1, 1, 1, 7, 7,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Minimum {
    /// Pixels on each side of the middle; 0 changes nothing. 0 to 4096 px, default 1.
    #[schemars(range(min = *RADIUS.start(), max = *RADIUS.end()), extend("x-unit" = "px"))]
    pub radius: u32,
    /// What lies beyond the edge; default `replicate`.
    pub border: Border,
}

impl Default for Minimum {
    fn default() -> Self {
        Self { radius: 1, border: Border::Replicate }
    }
}

impl Minimum {
    const fn flat(&self) -> Flat {
        Flat { element: Element::Square, radius: self.radius, border: self.border }
    }
}

impl Step for Minimum {
    const NAME: &'static str = "minimum";
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

impl Tile for Minimum {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        self.flat().check()?;
        Ok(inputs[0])
    }

    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        self.flat().footprint(region, inputs[0].region())
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        self.flat().once::<Least>(&inputs[0], out, ctx)
    }
}
