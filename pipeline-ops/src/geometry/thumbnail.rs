//! The image in a box, with the shape of what it shows kept.

use pipeline_core::{Context, Image, In, Layout, Region, Result, Step, Tile, View, ViewMut, tile};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::resize::{SIDE, follow};
use super::scale::{Mixing, Scale};
use crate::check;
use crate::kernel::Resampling;

/// How an image and a box of another shape come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Framing {
    /// As large as fits into the box.
    #[default]
    Fit,
    /// As large as fits into the box, but never larger than it was.
    Shrink,
    /// As large as the box: what stands over is cut off, as much on either side.
    Fill,
}

/// Resizes the image to a box without stretching it.
///
/// `fit` scales by `min(width / w, height / h)`, `fill` by `max(width / w, height / h)`, of which
/// the middle is kept. The side that is not the box's is rounded to whole pixels.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any |
/// | `out` | image that fits the box | Y X C | as `in` | 0 to white; f32 any, a little beyond `in` | as `in` |
///
/// Nothing aliases: the filter is as wide as the pixels of the result. Colours are weighted by
/// their alpha, so that what is transparent does not show.
///
/// **Border**: pixels outside do not count; the weights inside are made to sum to 1.
/// **NaN** and infinity spread over the pixels that see them.
/// **Cost**: the taps of both axes per sample, and for light two powers; of memory a table of the
/// taps of a band and a few rows of floats (the footprint for light and images with alpha); the
/// footprint is what the region is made of.
/// **Errors**: a side outside its range; an image so narrow that what covers the box is above
/// 1048576 px long; a result above the limit of one image.
///
/// **Source**: Pillow 13 `ImageOps.contain` and `ImageOps.cover`, cropped to its middle, on floats,
/// rounded once: within 1 for integers, 1e-5 of the largest sample for f32.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::geometry::{Framing, Resampling, Thumbnail};
///
/// let image = Image::from_samples(6, 2, 1, vec![
///     0u8, 0, 10, 20, 90, 90,
///     0,   0, 30, 40, 90, 90,
/// ])?;
/// let step = Thumbnail { filter: Resampling::Area, ..Thumbnail::within(3, 3) };
/// let out = step.run(In::new(image.clone()), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     0, 25, 90,
/// ][..]));
///
/// let step = Thumbnail { framing: Framing::Fill, ..Thumbnail::within(2, 2) };
/// let out = step.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     10, 20,
///     30, 40,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Thumbnail {
    /// Width of the box. 1 to 1048576 px, default 256.
    #[schemars(range(min = *SIDE.start(), max = *SIDE.end()), extend("x-unit" = "px"))]
    pub width: u32,
    /// Height of the box. 1 to 1048576 px, default 256.
    #[schemars(range(min = *SIDE.start(), max = *SIDE.end()), extend("x-unit" = "px"))]
    pub height: u32,
    /// How image and box come together; default `fit`.
    pub framing: Framing,
    /// How new pixels are made; default `lanczos3`.
    pub filter: Resampling,
    /// What is mixed, samples or light; default `encoded`.
    pub mixing: Mixing,
}

impl Default for Thumbnail {
    fn default() -> Self {
        Self {
            width: 256,
            height: 256,
            framing: Framing::Fit,
            filter: Resampling::Lanczos3,
            mixing: Mixing::Encoded,
        }
    }
}

impl Thumbnail {
    /// A thumbnail that fits into this box, with the default filter.
    #[must_use]
    pub fn within(width: u32, height: u32) -> Self {
        Self { width, height, ..Self::default() }
    }

    /// The image of another size, and the size of what is kept of it.
    fn frame(&self, image: Layout) -> (Scale, (u32, u32)) {
        let (width, height) = (self.width, self.height);
        // Of what share of the box a side is, without a division.
        let across = u64::from(image.width) * u64::from(height);
        let down = u64::from(image.height) * u64::from(width);
        let is_within = image.width <= width && image.height <= height;
        let size = match self.framing {
            Framing::Shrink if is_within => (image.width, image.height),
            Framing::Fit | Framing::Shrink if across >= down => {
                (width, follow(width, image.width, image.height))
            }
            Framing::Fill if across < down => (width, follow(width, image.width, image.height)),
            Framing::Fit | Framing::Shrink | Framing::Fill => {
                (follow(height, image.height, image.width), height)
            }
        };
        let kept = match self.framing {
            Framing::Fit | Framing::Shrink => size,
            Framing::Fill => (width, height),
        };
        let middle = |size: u32, kept: u32| size.saturating_sub(kept) / 2;
        let origin = (middle(size.0, kept.0), middle(size.1, kept.1));
        (Scale { filter: self.filter, mixing: self.mixing, size, origin }, kept)
    }
}

impl Step for Thumbnail {
    const NAME: &'static str = "thumbnail";
    const VERSION: u32 = 3;
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for Thumbnail {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        check::within("width", self.width, &SIDE, "px")?;
        check::within("height", self.height, &SIDE, "px")?;
        let (scale, (width, height)) = self.frame(inputs[0]);
        check::within("the width that covers the box", scale.size.0, &SIDE, "px")?;
        check::within("the height that covers the box", scale.size.1, &SIDE, "px")?;
        Ok(Layout { width, height, ..inputs[0] })
    }

    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        self.frame(inputs[0]).0.footprint(region, inputs[0])
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        self.frame(inputs[0].image()).0.render(&inputs[0], out, ctx)
    }
}

#[cfg(test)]
mod tests {
    use pipeline_core::SampleType;

    use super::*;

    #[track_caller]
    fn check(framing: Framing, image: (u32, u32), size: (u32, u32), origin: (u32, u32)) {
        let step = Thumbnail { framing, ..Thumbnail::within(100, 50) };
        let (scale, kept) = step.frame(Layout::new(image.0, image.1, 1, SampleType::U8));
        assert_eq!((scale.size, scale.origin), (size, origin));
        assert_eq!(kept, if framing == Framing::Fill { (100, 50) } else { size });
    }

    #[test]
    fn one_side_is_that_of_the_box() {
        check(Framing::Fit, (1000, 300), (100, 30), (0, 0));
        check(Framing::Fit, (300, 1000), (15, 50), (0, 0));
        check(Framing::Fit, (20, 10), (100, 50), (0, 0));
        check(Framing::Fit, (9000, 1), (100, 1), (0, 0));
        check(Framing::Shrink, (20, 10), (20, 10), (0, 0));
        check(Framing::Shrink, (20, 100), (10, 50), (0, 0));
        check(Framing::Fill, (1000, 300), (167, 50), (33, 0));
        check(Framing::Fill, (300, 1000), (100, 333), (0, 141));
        check(Framing::Fill, (200, 100), (100, 50), (0, 0));
    }
}
