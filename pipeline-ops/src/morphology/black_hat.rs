//! What a closing fills.

use pipeline_core::{Context, Image, In, Layout, Region, Result, Step, Tile, View, ViewMut, tile};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Element;
use super::flat::Flat;
use crate::kernel::{Border, Least, Most};
use crate::neighborhood::RADIUS;

/// Keeps what is dark and smaller than a structuring element, as bright things on 0.
///
/// `out = closing(in) - in`; below 0 at most where a constant lies beyond the edge.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any; alpha is kept |
/// | `out` | image | Y X C | as `in` | 0 and more; of f32 as above | as `in` |
///
/// Alpha is kept, and pixels of which nothing is seen are not looked at, as if the image ended
/// there.
///
/// **Border**: by `border`: `replicate` `aaa│abcd│ddd`, `reflect` `dcba│abcd│dcba`, `mirror`
/// `dcb│abcd│cba`, `wrap` `abcd│abcd│abcd`, `constant` `vvv│abcd│vvv`. The first three show nothing
/// that the element does not see within the image: it is cut off at the edge.
/// **NaN** counts as larger than every number; a difference with it is NaN.
/// **Cost**: twice that of `erode`; memory as the footprint, which is the region and 2 · `radius`
/// pixels on each side, never more than twice the side of the image.
/// **Errors**: a radius outside its range.
///
/// **Source**: `skimage.morphology.black_tophat` 0.26, and with every border the formula over
/// `scipy.ndimage.grey_closing` 1.17: equal; floats within 1e-6 of the largest sample.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::morphology::BlackHat;
///
/// let image = Image::from_samples(6, 4, 1, vec![
///     6u8, 6, 6, 6, 6, 6,
///     6,   1, 6, 2, 2, 2,
///     6,   6, 6, 2, 2, 2,
///     6,   6, 6, 2, 2, 2,
/// ])?;
/// let out = BlackHat::default().run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     0, 0, 0, 0, 0, 0,
///     0, 5, 0, 0, 0, 0,
///     0, 0, 0, 0, 0, 0,
///     0, 0, 0, 0, 0, 0,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BlackHat {
    /// The structuring element; default `square`.
    pub element: Element,
    /// Pixels on each side of the middle; 0 gives 0. 0 to 4096 px, default 1.
    #[schemars(range(min = *RADIUS.start(), max = *RADIUS.end()), extend("x-unit" = "px"))]
    pub radius: u32,
    /// What lies beyond the edge; default `replicate`.
    pub border: Border,
}

impl Default for BlackHat {
    fn default() -> Self {
        Self { element: Element::Square, radius: 1, border: Border::Replicate }
    }
}

impl BlackHat {
    const fn flat(&self) -> Flat {
        Flat { element: self.element, radius: self.radius, border: self.border }
    }
}

impl Step for BlackHat {
    const NAME: &'static str = "black_hat";
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

impl Tile for BlackHat {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        self.flat().check()?;
        Ok(inputs[0])
    }

    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        self.flat().footprint_of_two(region, inputs[0].region())
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        self.flat()
            .difference::<Most, Least>(&inputs[0], out, ctx, |sample, closed| closed - sample)
    }
}
