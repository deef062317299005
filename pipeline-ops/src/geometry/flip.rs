//! The image in a mirror.

use pipeline_core::{
    Context, Image, In, Layout, Region, Result, Step, Tile, View, ViewMut, dispatch, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::reverse;

/// Which way an image is flipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Axis {
    /// Left and right change places.
    #[default]
    Horizontal,
    /// Top and bottom change places.
    Vertical,
}

/// Mirrors the image.
///
/// Horizontal: `out(x, y) = in(width - 1 - x, y)`. Vertical: `out(x, y) = in(x, height - 1 - y)`.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any |
/// | `out` | image | Y X C | as `in` | those of `in` | as `in` |
///
/// **Border**: nothing beyond the edge is seen. **NaN** is copied like any sample.
/// **Cost**: one copy, which is all the memory; the footprint is the mirrored region.
/// **Errors**: none of its own.
///
/// **Source**: `numpy.fliplr`, `numpy.flipud` and libvips 8.18 `flip`, equal.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::geometry::{Axis, Flip};
///
/// let image = Image::from_samples(3, 2, 1, vec![
///     1u8, 2, 3,
///     4,   5, 6,
/// ])?;
/// let out = Flip { axis: Axis::Horizontal }.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     3, 2, 1,
///     6, 5, 4,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Flip {
    /// Which way; default `horizontal`.
    pub axis: Axis,
}

impl Flip {
    fn mirror(&self, region: Region, image: Layout) -> Region {
        match self.axis {
            Axis::Horizontal => Region { x: image.width - region.x - region.width, ..region },
            Axis::Vertical => Region { y: image.height - region.y - region.height, ..region },
        }
    }
}

impl Step for Flip {
    const NAME: &'static str = "flip";
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for Flip {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        Ok(inputs[0])
    }

    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        self.mirror(region, inputs[0])
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, _: &Context<'_>) -> Result<()> {
        let image = inputs[0].image();
        let input = inputs[0].crop(self.mirror(out.region(), image));
        let last = image.height - 1;
        dispatch!(out.sample_type(), T => {
            let input = input.typed::<T>()?;
            let channels = input.channels();
            for (y, out) in out.rows::<T>()? {
                match self.axis {
                    Axis::Vertical => out.copy_from_slice(input.row(last - y)),
                    Axis::Horizontal => reverse(input.row(y), channels, out),
                }
            }
            Ok(())
        })
    }
}
