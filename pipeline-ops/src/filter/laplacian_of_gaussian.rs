//! The Laplacian of a Gaussian blur.

use std::ops::RangeInclusive;

use pipeline_core::{
    Context, Image, In, Layout, Region, Result, Sample, Step, Tile, View, ViewMut, dispatch, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gaussian_blur::TRUNCATE;
use super::seen::{Weights, weighted};
use super::{GaussianBlur, edges};
use crate::check;
use crate::kernel::{Border, complete_sums, gaussian_second, keep_seen};
use crate::neighborhood::{self, Separable, Term};

/// The standard deviations that are taken, in pixels: without a blur there is no derivative.
const SIGMA: RangeInclusive<f64> = 0.1..=1000.0;

/// Finds blobs: the sum of the second derivatives along x and y of a Gaussian blur.
///
/// `out(x, y) = Σ (g″(i) g(j) + g(i) g″(j)) in(x + i, y + j)` over `|i|, |j| ≤ r`, with
/// `r = floor(truncate · sigma + 0.5)`, `g(k) ∝ exp(-k² / 2 sigma²)`, summing to 1, and
/// `g″(k) = g(k) (k² - sigma²) / sigma⁴`. It is most negative in the middle of a bright disc of
/// radius `√2 sigma`, most positive in that of a dark one, and crosses 0 at edges.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any |
/// | `out` | image | Y X C | f32 | signed, in the unit of `in` per square pixel | as `in` |
///
/// Derivatives are data, and data has no alpha: the last channel of an image with alpha then holds
/// the opacity as a number from 0 to 1. Colours count by their alpha, and for what is not seen of a
/// pixel the colour of the one in the middle stands: what is transparent does not show, and its
/// outline is no edge. At a pixel of which nothing is seen the sum is 0.
///
/// A flat image gives nearly 0, not quite: what the cut takes off the derivative is not made up
/// for.
///
/// **Border**: by `border`: `replicate` `aaa│abcd│ddd`, `reflect` `dcba│abcd│dcba`, `mirror`
/// `dcb│abcd│cba`, `wrap` `abcd│abcd│abcd`, `constant` `vvv│abcd│vvv`.
/// **NaN** makes NaN of its window, infinity infinity or NaN.
/// **Cost**: 4 · (2r + 1) multiplications per sample; four rows of floats of memory, with alpha the
/// footprint and the filtered region in floats; the footprint is the region and r pixels on each
/// side.
/// **Errors**: a parameter outside its range; `truncate · sigma` above 4096 px.
///
/// **Source**: `scipy.ndimage.gaussian_laplace` 1.17 on samples taken as floats, within 1e-5 of the
/// largest sample. With alpha the formula above, of the same filter.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::filter::LaplacianOfGaussian;
///
/// let image = Image::from_samples(5, 3, 1, vec![
///     0u8, 0,   0, 0, 0,
///     0,   0, 250, 0, 0,
///     0,   0,   0, 0, 0,
/// ])?;
/// let step = LaplacianOfGaussian { sigma: 1.0, ..Default::default() };
/// let out = step.run(In::new(image), &Context::default())?;
/// let whole: Vec<f32> = out.samples::<f32>().unwrap_or_default().iter()
///     .map(|sample| sample.round())
///     .collect();
/// assert_eq!(whole, [
///     10.0,   0.0, -24.0,   0.0, 10.0,
///     11.0, -24.0, -80.0, -24.0, 11.0,
///     10.0,   0.0, -24.0,   0.0, 10.0,
/// ]);
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LaplacianOfGaussian {
    /// Standard deviation of the blur; larger finds larger blobs. 0.1 to 1000 px, default 2.
    #[schemars(range(min = *SIGMA.start(), max = *SIGMA.end()), extend("x-unit" = "px"))]
    pub sigma: f32,
    /// Where the Gaussian is cut off, in standard deviations. 1 to 8 sigma, default 4.
    #[schemars(range(min = *TRUNCATE.start(), max = *TRUNCATE.end()), extend("x-unit" = "sigma"))]
    pub truncate: f32,
    /// What lies beyond the edge; default `replicate`.
    pub border: Border,
}

impl Default for LaplacianOfGaussian {
    fn default() -> Self {
        Self { sigma: 2.0, truncate: 4.0, border: Border::Replicate }
    }
}

impl LaplacianOfGaussian {
    const fn blur(&self) -> GaussianBlur {
        GaussianBlur { sigma: self.sigma, truncate: self.truncate, border: self.border }
    }

    /// Fills `out` from an image with alpha.
    fn render_seen<T: Sample>(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let (kernel, region) = (Kernel::of(self), out.region());
        let (own, weights) = (input.crop(region).typed::<T>()?, kernel.weights());
        let (channels, seen) = (own.channels(), self.footprint(0, region, &[input.image()]));
        let filter = |input: &View<'_>, border, out: &mut ViewMut<'_>| {
            kernel.render::<f32>(input, border, out, ctx)
        };
        let mut sums = weighted((input, seen), self.border, region, ctx, weights, filter)?;
        let sums = sums.chunks_exact_mut(region.width as usize * channels);
        for ((y, out), sums) in out.rows::<f32>()?.zip(sums) {
            ctx.check()?;
            complete_sums(own.row(y), channels, weights.sum, sums);
            out.copy_from_slice(sums);
            keep_seen(own.row(y), channels, out);
        }
        Ok(())
    }
}

impl Step for LaplacianOfGaussian {
    const NAME: &'static str = "laplacian_of_gaussian";
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

impl Tile for LaplacianOfGaussian {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        check::within("sigma", self.sigma, &SIGMA, "px")?;
        self.blur().layout(inputs)?;
        Ok(edges::derived(inputs[0]))
    }

    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        let radius = self.blur().radius();
        neighborhood::footprint(self.border, region, (radius, radius), inputs[0].region())
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        let input = &inputs[0];
        dispatch!(input.sample_type(), T => {
            if input.image().has_alpha() {
                self.render_seen::<T>(input, out, ctx)
            } else {
                Kernel::of(self).render::<T>(input, self.border, out, ctx)
            }
        })
    }
}

/// The weights along one axis.
struct Kernel {
    smooth: Vec<f32>,
    second: Vec<f32>,
}

impl Kernel {
    fn of(step: &LaplacianOfGaussian) -> Self {
        let blur = step.blur();
        let second = gaussian_second(f64::from(step.sigma), blur.radius());
        Self { smooth: blur.weights(), second }
    }

    /// The weights of the window, added up.
    fn weights(&self) -> Weights {
        let sum = |weights: &[f32]| weights.iter().sum::<f32>();
        let size = |weights: &[f32]| weights.iter().map(|weight| weight.abs()).sum::<f32>();
        Weights {
            sum: 2.0 * sum(&self.smooth) * sum(&self.second),
            size: 2.0 * size(&self.smooth) * size(&self.second),
        }
    }

    /// Filters every channel on its own.
    fn render<T: Sample>(
        &self,
        input: &View<'_>,
        border: Border,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let Self { smooth, second } = self;
        let terms = [Term { x: second, y: smooth }, Term { x: smooth, y: second }];
        let filter = Separable { terms: &terms, border };
        filter.render::<T, f32>(input, out, ctx, |_, sums, out| {
            let (along_x, along_y) = sums.split_at(out.len());
            for (out, (x, y)) in out.iter_mut().zip(along_x.iter().zip(along_y)) {
                *out = x + y;
            }
        })
    }
}
