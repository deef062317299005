//! Quarter turns.

use pipeline_core::{
    Context, Image, In, Layout, Region, Result, Sample, Step, Tile, View, ViewMut, dispatch, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::{QuarterTurns, turn};

/// Turns the image clockwise by 90, 180 or 270 degrees.
///
/// 90: `out(x, y) = in(y, height - 1 - x)`. 180: `out(x, y) = in(width - 1 - x, height - 1 - y)`.
/// 270: `out(x, y) = in(width - 1 - y, x)`, all in the size of `in`.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any |
/// | `out` | image, sides exchanged for 90 and 270 | Y X C | as `in` | those of `in` | as `in` |
///
/// **Border**: nothing beyond the edge is seen. **NaN** is copied like any sample.
/// **Cost**: one copy, which is all the memory; the footprint is the turned region.
/// **Errors**: none of its own.
///
/// **Source**: `numpy.rot90` with k = -1, 2, 1 and libvips 8.18 `rot`, equal.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::geometry::{QuarterTurns, Rotate90};
///
/// let image = Image::from_samples(3, 2, 1, vec![
///     1u8, 2, 3,
///     4,   5, 6,
/// ])?;
/// let out = Rotate90 { turn: QuarterTurns::One }.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     4, 1,
///     5, 2,
///     6, 3,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rotate90 {
    /// How far, in degrees clockwise; default `90`.
    #[schemars(extend("x-unit" = "degrees"))]
    pub turn: QuarterTurns,
}

/// Rows that are filled together, so that a column of the input is read once per cache line.
const STRIP: usize = 256;

impl Rotate90 {
    /// The input region that becomes `region`.
    fn source(&self, region: Region, image: Layout) -> Region {
        let Region { x, y, width, height } = region;
        match self.turn {
            QuarterTurns::One => Region::new(y, image.height - x - width, height, width),
            QuarterTurns::Two => {
                Region::new(image.width - x - width, image.height - y - height, width, height)
            }
            QuarterTurns::Three => Region::new(image.width - y - height, x, height, width),
        }
    }

    fn render_as<T: Sample>(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let input = input.crop(self.source(out.region(), input.image())).typed::<T>()?;
        let rows: Vec<&[T]> = input.rows().collect();
        let mut out: Vec<&mut [T]> = out.rows::<T>()?.map(|(_, row)| row).collect();
        for (strip, out) in out.chunks_mut(STRIP).enumerate() {
            ctx.check()?;
            turn(&rows, input.channels(), self.turn, strip * STRIP, out);
        }
        Ok(())
    }
}

impl Step for Rotate90 {
    const NAME: &'static str = "rotate90";
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for Rotate90 {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        let image = inputs[0];
        Ok(match self.turn {
            QuarterTurns::Two => image,
            QuarterTurns::One | QuarterTurns::Three => {
                Layout { width: image.height, height: image.width, ..image }
            }
        })
    }

    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        self.source(region, inputs[0])
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        dispatch!(out.sample_type(), T => self.render_as::<T>(&inputs[0], out, ctx))
    }
}
