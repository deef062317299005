//! Thin edges: Canny's detector.

use std::ops::RangeInclusive;

use pipeline_core::step::CutOff;
use pipeline_core::{
    Context, Error, Image, In, Layout, Mask, Region, Result, SampleType, Spec, Step, Tile, View,
    ViewMut, dispatch, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gaussian_blur::SIGMA;
use super::{GaussianBlur, edges};
use crate::kernel::{Border, Connectivity, NOTHING, gradient, pad_row, ridges};
use crate::line_buffer::LineBuffer;
use crate::neighborhood::{self, BorderedRows, Separable, Term};
use crate::{check, components, passes};

/// The strengths of edges that are taken, in the unit of the samples.
const STRENGTH: RangeInclusive<f64> = 0.0..=1_000_000.0;

/// Finds edges as lines of one pixel: the ridges of the magnitude of the gradient.
///
/// The image is blurred by a Gaussian of `sigma`. Of the magnitude that `sobel` gives then, a place
/// is an edge if no neighbour exceeds it in the direction of the gradient or against it, and if
/// the magnitude is above `high`, or above `low` and it is connected to such a place, by sides or
/// corners, over others above `low`.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | 1 |
/// | `out` | mask | Y X | – | true or false | – |
///
/// The pixels at the edge of the image are background, because one side of them is not known.
///
/// **Border**: of the blur by `border`: `replicate` `aaa│abcd│ddd`, `reflect` `dcba│abcd│dcba`,
/// `mirror` `dcb│abcd│cba`, `wrap` `abcd│abcd│abcd`, `constant` `vvv│abcd│vvv`.
/// **NaN** and infinity make background of all that sees them.
/// **Cost**: that of `gaussian_blur` with `truncate` 4, about 50 operations per pixel, and three
/// passes over the mask; memory of the blurred image in floats, of the mask, and 16 bytes per run
/// of pixels. What is connected may cross the whole image, so there are no tiles.
/// **Errors**: more than one channel; a parameter outside its range; a `high` below `low`; an image
/// of more than 4294967295 pixels.
///
/// A mask that comes out as before spares the steps below from running.
///
/// **Source**: Canny (1986); `skimage.feature.canny` 0.26, equal, whose thresholds are 4√2 times
/// these. Sums are taken in 32-bit floats here: where two neighbours are exactly as strong, one of
/// them may be missing.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::filter::Canny;
///
/// let image = Image::from_samples(6, 4, 1, vec![
///     0u8, 0, 30, 90, 90, 90,
///     0,   0, 30, 90, 90, 90,
///     0,   0, 30, 90, 90, 90,
///     0,   0, 30, 90, 90, 90,
/// ])?;
/// let out = Canny { sigma: 0.5, ..Default::default() }.run(In::new(image), &Context::default())?;
/// assert_eq!(out.bytes(), [
///     0, 0, 0, 0, 0, 0,
///     0, 0, 1, 0, 0, 0,
///     0, 0, 1, 0, 0, 0,
///     0, 0, 0, 0, 0, 0,
/// ]);
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Canny {
    /// Standard deviation of the blur; larger leaves out finer edges. 0 to 1000 px, default 1.
    #[schemars(range(min = *SIGMA.start(), max = *SIGMA.end()), extend("x-unit" = "px"))]
    pub sigma: f32,
    /// What an edge must exceed if it is connected to a strong one, in the unit of the samples.
    /// 0 to 1000000, default 5.
    #[schemars(range(min = *STRENGTH.start(), max = *STRENGTH.end()), extend("x-unit" = "sample"))]
    pub low: f32,
    /// What a strong edge must exceed, in the unit of the samples, at least `low`. 0 to 1000000,
    /// default 10.
    #[schemars(range(min = *STRENGTH.start(), max = *STRENGTH.end()), extend("x-unit" = "sample"))]
    pub high: f32,
    /// What lies beyond the edge; default `replicate`.
    pub border: Border,
}

impl Default for Canny {
    fn default() -> Self {
        Self { sigma: 1.0, low: 5.0, high: 10.0, border: Border::Replicate }
    }
}

impl Step for Canny {
    const NAME: &'static str = "canny";
    type Input = In<Image>;
    type Output = Mask;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Mask> {
        check::within("low", self.low, &STRENGTH, "")?;
        check::within("high", self.high, &STRENGTH, "")?;
        if self.high < self.low {
            let expected = format!("at least low, {}", self.low);
            return Err(Error::input("high", self.high, expected));
        }
        passes::countable(image.layout().width, image.layout().height)?;
        let blur = GaussianBlur { sigma: self.sigma, border: self.border, ..Default::default() };
        let smooth: Image = tile(&Smooth(blur), image, &[], ctx)?;
        let ridges = Ridges { low: self.low, high: self.high };
        let marks: Image = tile(&ridges, In::new(smooth), &[], ctx)?;
        components::follow(marks, Connectivity::Eight, ctx)
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}

/// A blur whose sums are not rounded to samples.
struct Smooth(GaussianBlur);

impl Tile for Smooth {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        check::single_channel(inputs[0])?;
        Ok(edges::derived(self.0.layout(inputs)?))
    }

    fn footprint(&self, input: usize, region: Region, inputs: &[Layout]) -> Region {
        self.0.footprint(input, region, inputs)
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        let weights = self.0.weights();
        let terms = [Term { x: &weights, y: &weights }];
        let filter = Separable { terms: &terms, border: self.0.border };
        dispatch!(inputs[0].sample_type(), T => {
            filter.render::<T, f32>(&inputs[0], out, ctx, |_, sums, out| out.copy_from_slice(sums))
        })
    }
}

/// The ridges of the gradient of a blurred image, weak and strong.
struct Ridges {
    low: f32,
    high: f32,
}

/// Pixels that a place sees: a neighbour and what its derivatives are made from.
const REACH: u32 = 2;

impl Tile for Ridges {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        Ok(Layout { sample: SampleType::U8, ..inputs[0] })
    }

    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        let radius = (REACH, REACH);
        neighborhood::footprint(Border::Replicate, region, radius, inputs[0].region())
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        let (region, image) = (out.region(), out.image());
        let rows = BorderedRows::<f32>::new(&inputs[0], region, (REACH, REACH), Border::Replicate)?;
        let span = rows.span(region, REACH);
        let width = region.width as usize + 2;
        let padded_len = width + 2;
        // The columns at the edge of the image, where the region has them.
        let left = (region.x == 0).then_some(0);
        let right = (region.right() == u64::from(image.width)).then_some(width - 3);

        ctx.scratch(|scratch| {
            scratch.samples::<f32, _>(3 * padded_len + 9 * width, |memory, _| {
                let (padded, gradients) = memory.split_at_mut(3 * padded_len);
                let mut gradients = LineBuffer::new(gradients, 3 * width);
                for (top, (y, out)) in out.rows::<u8>()?.enumerate() {
                    ctx.check()?;
                    gradients.fill_to(top + 3, |row, gradients| {
                        let above = i64::from(region.y) + row as i64 - i64::from(REACH);
                        for (y, padded) in (above..).zip(padded.chunks_exact_mut(padded_len)) {
                            pad_row(rows.row(y), padded, span, Border::Replicate, 0.0);
                        }
                        let seen = [0, 1, 2].map(|at| &padded[at * padded_len..][..padded_len]);
                        gradient(seen, gradients);
                        Ok(())
                    })?;
                    ridges(gradients.window(top), (self.low, self.high), out);
                    if y == 0 || y == image.height - 1 {
                        out.fill(NOTHING);
                    }
                    for at in left.into_iter().chain(right) {
                        out[at] = NOTHING;
                    }
                }
                Ok(())
            })
        })
    }
}
