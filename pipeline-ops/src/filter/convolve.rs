//! A linear filter with any kernel.

use std::ops::RangeInclusive;

use pipeline_core::{
    Context, Error, Image, In, Layout, Region, Result, Sample, Step, Tile, View, ViewMut, dispatch,
    tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::weighted::Weighted;
use crate::check;
use crate::kernel::{Border, copy_alpha, nearest_row_of};

/// The longest side of a kernel: above it there are separable filters.
const SIDE: usize = 63;

/// The weights that are taken.
const WEIGHT: RangeInclusive<f64> = -1_000_000.0..=1_000_000.0;

/// What sums may be divided by.
const DIVISOR: RangeInclusive<f64> = 0.000_001..=1_000_000.0;

/// What may be added.
const OFFSET: RangeInclusive<f64> = -1_000_000.0..=1_000_000.0;

/// Filters with a kernel of weights.
///
/// `out(x, y) = (1 / divisor) Σ kernel[j][i] · in(x + i - rx, y + j - ry) + offset`, where the
/// middle of the kernel is at `(rx, ry)`. The kernel lies over the image as it is written, which is
/// called correlation; for a convolution in the sense of mathematics turn it by 180°.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any; alpha is kept |
/// | `out` | image | Y X C | as `in` | 0 to white, f32 any | as `in` |
///
/// Alpha is kept. Colours count by their alpha, and for what is not seen of a pixel the colour of
/// the one in the middle stands: `α in + (1 - α) in(x, y)` in place of `in`, where `α` is its alpha
/// as a share of white. So what is transparent does not show, and its outline is no edge.
///
/// **Border**: by `border`: `replicate` `aaa│abcd│ddd`, `reflect` `dcba│abcd│dcba`, `mirror`
/// `dcb│abcd│cba`, `wrap` `abcd│abcd│abcd`, `constant` `vvv│abcd│vvv`.
/// **NaN** and infinity spread to where they have a weight other than 0.
/// **Cost**: one multiplication per sample and weight other than 0, of whole numbers for u8 without
/// alpha if the weights are multiples of one power of two and small; memory of as many rows of
/// floats as the kernel has; the footprint is the region and half of the kernel on each side.
/// **Errors**: a kernel without an odd number of rows, all of one odd length; a parameter outside
/// its range.
///
/// Integers are rounded once and saturate: what may become negative needs an offset, or samples of
/// f32 from a `convert` step before.
///
/// **Source**: `scipy.ndimage.correlate` 1.17 on floats: within 1 for integers and 1e-5 of the
/// largest sample and weight for f32. Divisor and offset are the scale and offset of Pillow's
/// `Kernel` and of libvips.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::filter::Convolve;
///
/// let image = Image::from_samples(5, 3, 1, vec![
///     0u8, 0,  0, 0, 0,
///     0,   0, 40, 0, 0,
///     0,   0,  0, 0, 0,
/// ])?;
/// let kernel = vec![
///     vec![1.0, 0.0, -1.0],
///     vec![2.0, 0.0, -2.0],
///     vec![1.0, 0.0, -1.0],
/// ];
/// let step = Convolve { kernel, divisor: 4.0, offset: 100.0, ..Default::default() };
/// let out = step.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     100, 90, 100, 110, 100,
///     100, 80, 100, 120, 100,
///     100, 90, 100, 110, 100,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Convolve {
    /// The rows of the kernel, all of one length; both sides are odd, 1 to 63 px. Weights are
    /// -1000000 to 1000000; default [[1.0]], which changes nothing.
    #[schemars(
        length(min = 1, max = SIDE),
        inner(length(min = 1, max = SIDE), inner(range(min = *WEIGHT.start(), max = *WEIGHT.end())))
    )]
    pub kernel: Vec<Vec<f32>>,
    /// What the sum is divided by, for a blur the sum of the weights. 0.000001 to 1000000, default
    /// 1.
    #[schemars(range(min = *DIVISOR.start(), max = *DIVISOR.end()), extend("x-unit" = "ratio"))]
    pub divisor: f32,
    /// What is added at the end, in the unit of the samples. -1000000 to 1000000, default 0.
    #[schemars(range(min = *OFFSET.start(), max = *OFFSET.end()), extend("x-unit" = "sample"))]
    pub offset: f32,
    /// What lies beyond the edge; default `replicate`.
    pub border: Border,
}

impl Default for Convolve {
    fn default() -> Self {
        Self { kernel: vec![vec![1.0]], divisor: 1.0, offset: 0.0, border: Border::Replicate }
    }
}

impl Convolve {
    fn weighted(&self) -> Weighted {
        Weighted::new(&self.kernel, self.border)
    }

    fn check_kernel(&self) -> Result<()> {
        let fits = |len: usize| len % 2 == 1 && len <= SIDE;
        let width = self.kernel.first().map_or(0, Vec::len);
        if !fits(self.kernel.len()) {
            let found = format!("of {} rows", self.kernel.len());
            return Err(Error::input("kernel", found, format!("an odd number, 1 to {SIDE}")));
        }
        for (y, row) in self.kernel.iter().enumerate() {
            let (name, found) = (format!("kernel[{y}]"), format!("of {} weights", row.len()));
            if !fits(row.len()) {
                return Err(Error::input(name, found, format!("an odd number, 1 to {SIDE}")));
            }
            if row.len() != width {
                return Err(Error::input(name, found, format!("{width} as in the first row")));
            }
            for (x, &weight) in row.iter().enumerate() {
                check::within(&format!("kernel[{y}][{x}]"), weight, &WEIGHT, "")?;
            }
        }
        Ok(())
    }

    fn render_as<T: Sample>(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let (alpha, channels) = (out.image().has_alpha(), usize::from(out.image().channels));
        self.weighted().render::<T, T>(input, out, ctx, |own, sums, out| {
            nearest_row_of(
                sums,
                #[inline(always)]
                |sum| sum / self.divisor + self.offset,
                out,
            );
            if alpha {
                copy_alpha(own, channels, out);
            }
        })
    }
}

impl Step for Convolve {
    const NAME: &'static str = "convolve";
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

impl Tile for Convolve {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        self.check_kernel()?;
        check::within("divisor", self.divisor, &DIVISOR, "")?;
        check::within("offset", self.offset, &OFFSET, "")?;
        Ok(inputs[0])
    }

    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        self.weighted().footprint(region, inputs)
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        dispatch!(out.sample_type(), T => self.render_as::<T>(&inputs[0], out, ctx))
    }
}
