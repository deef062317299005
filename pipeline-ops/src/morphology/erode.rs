//! The minimum over a structuring element.

use pipeline_core::{Context, Image, In, Layout, Region, Result, Step, Tile, View, ViewMut, tile};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Element;
use super::flat::Flat;
use crate::kernel::{Border, Least};
use crate::neighborhood::RADIUS;

/// Replaces each sample by the smallest within a structuring element: bright things shrink.
///
/// `out(x, y) = min in(x + i, y + j)` over all `(i, j)` of `element`.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any; alpha is kept |
/// | `out` | image | Y X C | as `in` | those of `in` | as `in` |
///
/// Every colour is eroded on its own. Alpha is kept, and pixels of which nothing is seen are not
/// looked at, as if the image ended there; they stay as they are.
///
/// **Border**: by `border`: `replicate` `aaa│abcd│ddd`, `reflect` `dcba│abcd│dcba`, `mirror`
/// `dcb│abcd│cba`, `wrap` `abcd│abcd│abcd`, `constant` `vvv│abcd│vvv`. The first three show nothing
/// that the element does not see within the image: it is cut off at the edge.
/// **NaN** counts as larger than every number, so it shrinks as what is bright does; where the
/// element sees nothing else, it stays.
/// **Cost**: of a square or a cross 3 to 6 comparisons per sample down the columns and 2 to 4 along
/// the rows, with 3 more each time that a side is four times as long, all of whole vectors, so that
/// a radius of 20 takes less than twice the time of 2; of a disk up to 4 · radius; memory for as
/// many rows as the element has, but no more than the tile, and of a disk as the footprint; that is
/// the region and `radius` pixels on each side, never more than the side of the image.
/// **Errors**: a radius outside its range.
///
/// **Source**: `skimage.morphology.erosion` 0.26, equal, over the same `disk` or rectangle. Columns
/// of squares and crosses: van Herk (1992), Gil and Werman (1993).
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::morphology::{Element, Erode};
///
/// let image = Image::from_samples(6, 4, 1, vec![
///     9u8, 9, 9, 9, 9, 9,
///     9,   9, 9, 9, 2, 9,
///     9,   9, 9, 9, 9, 9,
///     9,   0, 9, 9, 9, 9,
/// ])?;
/// let out = Erode { element: Element::Cross, ..Default::default() }
///     .run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     9, 9, 9, 9, 2, 9,
///     9, 9, 9, 2, 2, 2,
///     9, 0, 9, 9, 2, 9,
///     0, 0, 0, 9, 9, 9,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Erode {
    /// The structuring element; default `square`.
    pub element: Element,
    /// Pixels on each side of the middle; 0 changes nothing. 0 to 4096 px, default 1.
    #[schemars(range(min = *RADIUS.start(), max = *RADIUS.end()), extend("x-unit" = "px"))]
    pub radius: u32,
    /// What lies beyond the edge; default `replicate`.
    pub border: Border,
}

impl Default for Erode {
    fn default() -> Self {
        Self { element: Element::Square, radius: 1, border: Border::Replicate }
    }
}

impl Erode {
    const fn flat(&self) -> Flat {
        Flat { element: self.element, radius: self.radius, border: self.border }
    }
}

impl Step for Erode {
    const NAME: &'static str = "erode";
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

impl Tile for Erode {
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
