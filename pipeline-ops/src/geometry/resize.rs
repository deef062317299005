//! Another number of pixels.

use std::ops::RangeInclusive;

use pipeline_core::{Context, Image, In, Layout, Region, Result, Step, Tile, View, ViewMut, tile};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::scale::{Mixing, Scale};
use crate::check;
use crate::kernel::Resampling;

/// The sides that an image is resized to.
pub(super) const SIDE: RangeInclusive<u32> = 1..=1 << 20;

/// Resizes to a width and a height.
///
/// `out(x, y) = Σ w(i) w(j) in(i, j)`, the weights being those of the filter around
/// `((x + ½) · scale - ½, (y + ½) · scale - ½)`, widened by `scale = in / out` where that is more
/// than 1, cut off at the image and made to sum to 1. So nothing aliases and nothing darkens at the
/// edge.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any |
/// | `out` | image of the given size | Y X C | as `in` | 0 to white; f32 any, a little beyond `in` | as `in` |
///
/// Colours are weighted by their alpha, so that what is transparent does not show. The samples are
/// mixed as they are encoded, as other programs do: of sRGB that is not what light does, and an
/// average of black and white comes out darker than a fine pattern of both looks. With `mixing:
/// light` it comes out as bright.
///
/// **Border**: pixels outside do not count; the weights inside are made to sum to 1.
/// **NaN** and infinity spread over the pixels that see them.
/// **Cost**: the taps of both axes per sample, and for light two powers; of memory a table of the
/// taps of a band and a few rows of floats (the footprint for light and images with alpha); the
/// footprint is what the region is made of.
/// **Errors**: a side outside its range, also one that follows the other; a result above the limit
/// of one image.
///
/// **Source**: Pillow 13 `resize` in its float mode, rounded once: within 1 for integers, 1e-5 of
/// the largest sample for f32. `area`: OpenCV 5 `INTER_AREA` for smaller images, as near. Light is
/// that of IEC 61966-2-1 (1999).
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::geometry::{Resampling, Resize};
///
/// let image = Image::from_samples(4, 2, 1, vec![
///     0u8, 2, 10, 20,
///     4,   6, 30, 40,
/// ])?;
/// let step = Resize { filter: Resampling::Area, ..Resize::to(2, 1) };
/// let out = step.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     3, 25,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Resize {
    /// New width; follows the height if left out, so that the picture keeps its shape. 1 to
    /// 1048576 px.
    #[schemars(range(min = *SIDE.start(), max = *SIDE.end()), extend("x-unit" = "px"))]
    pub width: Option<u32>,
    /// New height; follows the width if left out. 1 to 1048576 px.
    #[schemars(range(min = *SIDE.start(), max = *SIDE.end()), extend("x-unit" = "px"))]
    pub height: Option<u32>,
    /// How new pixels are made; default `lanczos3`.
    pub filter: Resampling,
    /// What is mixed, samples or light; default `encoded`.
    pub mixing: Mixing,
}

impl Resize {
    /// A resize to this size with the default filter.
    #[must_use]
    pub fn to(width: u32, height: u32) -> Self {
        Self { width: Some(width), height: Some(height), ..Self::default() }
    }

    /// The width and the height of the result, which may be out of range.
    fn size(&self, image: Layout) -> (u32, u32) {
        match (self.width, self.height) {
            (Some(width), Some(height)) => (width, height),
            (Some(width), None) => (width, follow(width, image.width, image.height)),
            (None, Some(height)) => (follow(height, image.height, image.width), height),
            (None, None) => (image.width, image.height),
        }
    }

    fn scale(&self, image: Layout) -> Scale {
        let Self { filter, mixing, .. } = *self;
        Scale { filter, mixing, size: self.size(image), origin: (0, 0) }
    }
}

impl Step for Resize {
    const NAME: &'static str = "resize";
    const VERSION: u32 = 4;
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for Resize {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        let (width, height) = self.size(inputs[0]);
        let follows =
            |given: Option<u32>, name, follows| if given.is_some() { name } else { follows };
        let name = follows(self.width, "width", "the width that follows from `height`");
        check::within(name, width, &SIDE, "px")?;
        let name = follows(self.height, "height", "the height that follows from `width`");
        check::within(name, height, &SIDE, "px")?;
        Ok(Layout { width, height, ..inputs[0] })
    }

    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        self.scale(inputs[0]).footprint(region, inputs[0])
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        self.scale(inputs[0].image()).render(&inputs[0], out, ctx)
    }
}

/// The other side of an image whose side `from` becomes `to`: rounded, at least 1.
pub(super) fn follow(to: u32, from: u32, other: u32) -> u32 {
    // Any `to` may come here, its range is checked with that of the answer; so 64 bits are too few.
    let (to, from, other) = (u128::from(to), u128::from(from), u128::from(other));
    let side = (2 * to * other + from) / (2 * from).max(1);
    u32::try_from(side.max(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_side_follows_without_passing_its_type() {
        assert_eq!(follow(50, 100, 31), 16, "15.5 rounded up");
        assert_eq!(follow(1, 1000, 10), 1);
        assert_eq!(follow(u32::MAX, 1, u32::MAX), u32::MAX);
        assert_eq!(follow(u32::MAX, u32::MAX, u32::MAX), u32::MAX);
    }
}
