//! Erosion, then dilation.

use pipeline_core::{Context, Image, In, Layout, Region, Result, Step, Tile, View, ViewMut, tile};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Element;
use super::flat::Flat;
use crate::kernel::{Border, Least, Most};
use crate::neighborhood::RADIUS;

/// Removes what is bright and smaller than a structuring element; keeps the shape of the rest.
///
/// `out = dilate(erode(in))`, both over `element`. What is left is the same after a second opening.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any; alpha is kept |
/// | `out` | image | Y X C | as `in` | those of `in` | as `in` |
///
/// Every colour is taken on its own. Alpha is kept, and pixels of which nothing is seen are not
/// looked at, as if the image ended there; they stay as they are.
///
/// **Border**: by `border`: `replicate` `aaa│abcd│ddd`, `reflect` `dcba│abcd│dcba`, `mirror`
/// `dcb│abcd│cba`, `wrap` `abcd│abcd│abcd`, `constant` `vvv│abcd│vvv`. The first three show nothing
/// that the element does not see within the image: it is cut off at the edge.
/// **NaN** counts as larger than every number.
/// **Cost**: twice that of `erode`; memory as the footprint, which is the region and 2 · `radius`
/// pixels on each side, never more than twice the side of the image.
/// **Errors**: a radius outside its range.
///
/// **Source**: `skimage.morphology.opening` 0.26, and with every border
/// `scipy.ndimage.grey_opening`
/// 1.17: equal.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::morphology::Opening;
///
/// let image = Image::from_samples(6, 4, 1, vec![
///     3u8, 3, 3, 3, 3, 3,
///     3,   8, 3, 7, 7, 7,
///     3,   3, 3, 7, 7, 7,
///     3,   3, 3, 7, 7, 7,
/// ])?;
/// let out = Opening::default().run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     3, 3, 3, 3, 3, 3,
///     3, 3, 3, 7, 7, 7,
///     3, 3, 3, 7, 7, 7,
///     3, 3, 3, 7, 7, 7,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Opening {
    /// The structuring element; default `square`.
    pub element: Element,
    /// Pixels on each side of the middle; 0 changes nothing. 0 to 4096 px, default 1.
    #[schemars(range(min = *RADIUS.start(), max = *RADIUS.end()), extend("x-unit" = "px"))]
    pub radius: u32,
    /// What lies beyond the edge; default `replicate`.
    pub border: Border,
}

impl Default for Opening {
    fn default() -> Self {
        Self { element: Element::Square, radius: 1, border: Border::Replicate }
    }
}

impl Opening {
    const fn flat(&self) -> Flat {
        Flat { element: self.element, radius: self.radius, border: self.border }
    }
}

impl Step for Opening {
    const NAME: &'static str = "opening";
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

impl Tile for Opening {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        self.flat().check()?;
        Ok(inputs[0])
    }

    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        self.flat().footprint_of_two(region, inputs[0].region())
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        self.flat().twice::<Least, Most>(&inputs[0], out, ctx)
    }
}
