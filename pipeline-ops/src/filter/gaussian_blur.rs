//! Gaussian blur, separable, with exact borders.

use std::ops::RangeInclusive;

use pipeline_core::{
    Context, Image, In, Layout, Region, Result, Sample, SampleType, Step, Tile, View, ViewMut,
    dispatch, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::seen::{blurred, fill};
use crate::check;
use crate::kernel::{Border, Halves, gaussian, nearest_bytes, nearest_row};
use crate::neighborhood::{self, HalfSums, RADIUS, Separable, Term};

/// The standard deviations that are taken, in pixels.
pub(super) const SIGMA: RangeInclusive<f64> = 0.0..=1000.0;

/// Where a Gaussian may be cut off, in standard deviations.
pub(super) const TRUNCATE: RangeInclusive<f64> = 1.0..=8.0;

/// Blurs with a Gaussian of standard deviation `sigma`.
///
/// `out(x, y) = Σ g(i) g(j) in(x + i, y + j)` over `|i|, |j| ≤ r`, with
/// `r = floor(truncate · sigma + 0.5)` and `g(k) ∝ exp(-k² / 2 sigma²)`, summing to 1.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any |
/// | `out` | image | Y X C | as `in` | those of `in` | as `in` |
///
/// Colours are weighted by their alpha, so that what is transparent does not show; they become 0
/// where nothing else is in the window.
///
/// **Border**: by `border`: `replicate` `aaa│abcd│ddd`, `reflect` `dcba│abcd│dcba`, `mirror`
/// `dcb│abcd│cba`, `wrap` `abcd│abcd│abcd`, `constant` `vvv│abcd│vvv`.
/// **NaN** and infinity spread over their window.
/// **Cost**: 2 · (2r + 1) multiplications per sample; ten rows of floats of memory, with alpha the
/// footprint and the result in floats; the footprint is the region and r pixels on each side.
/// **Errors**: a parameter outside its range; `truncate · sigma` above 4096 px.
///
/// **Source**: `scipy.ndimage.gaussian_filter` 1.17, of colours times alpha where there is alpha:
/// within 1 for integers and 1e-5 of the largest sample for f32. Sums are taken in 32-bit floats
/// and rounded once; those of u8 without alpha up to a radius of 80 in 16 bits, whose upper halves
/// are kept: even areas stay what they are.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::filter::GaussianBlur;
///
/// let image = Image::from_samples(5, 3, 1, vec![
///     0u8, 0,   0, 0, 0,
///     0,   0, 160, 0, 0,
///     0,   0,   0, 0, 0,
/// ])?;
/// let step = GaussianBlur { sigma: 1.0, ..Default::default() };
/// let out = step.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     2,  9, 15,  9, 2,
///     3, 15, 25, 15, 3,
///     2,  9, 15,  9, 2,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GaussianBlur {
    /// Standard deviation; 0 changes nothing. 0 to 1000 px, default 1.
    #[schemars(range(min = *SIGMA.start(), max = *SIGMA.end()), extend("x-unit" = "px"))]
    pub sigma: f32,
    /// Where the Gaussian is cut off, in standard deviations. 1 to 8 sigma, default 4.
    #[schemars(range(min = *TRUNCATE.start(), max = *TRUNCATE.end()), extend("x-unit" = "sigma"))]
    pub truncate: f32,
    /// What lies beyond the edge; default `replicate`.
    pub border: Border,
}

impl Default for GaussianBlur {
    fn default() -> Self {
        Self { sigma: 1.0, truncate: 4.0, border: Border::Replicate }
    }
}

impl GaussianBlur {
    /// The weights along one axis.
    pub(crate) fn weights(&self) -> Vec<f32> {
        gaussian(f64::from(self.sigma), self.radius())
    }

    /// How far a pixel is seen.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, and `layout` refuses what does not fit"
    )]
    pub(crate) fn radius(&self) -> u32 {
        let radius = f64::from(self.truncate) * f64::from(self.sigma) + 0.5;
        (radius as u32).min(*RADIUS.end())
    }

    /// Blurs every channel on its own.
    pub(super) fn blur<T: Sample>(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let weights = self.weights();
        if T::TYPE == SampleType::U8
            && let Some(halves) = Halves::of(&weights)
        {
            let filter = HalfSums { halves: &halves, border: self.border };
            return filter.render(input, out, ctx, |_, _, sums, out| nearest_bytes(sums, out));
        }
        let terms = [Term { x: &weights, y: &weights }];
        let filter = Separable { terms: &terms, border: self.border };
        filter.render::<T, T>(input, out, ctx, |_, sums, out| nearest_row(sums, out))
    }

    /// The samples of `region` of an image with alpha, not rounded.
    pub(super) fn blurred(
        &self,
        input: &View<'_>,
        region: Region,
        ctx: &Context<'_>,
    ) -> Result<Vec<f32>> {
        let seen = self.footprint(0, region, &[input.image()]);
        blurred((input, seen), self.border, region, ctx, |input, border, out| {
            Self { border, ..self.clone() }.blur::<f32>(input, out, ctx)
        })
    }
}

impl Step for GaussianBlur {
    const NAME: &'static str = "gaussian_blur";
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

impl Tile for GaussianBlur {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        check::within("sigma", self.sigma, &SIGMA, "px")?;
        check::within("truncate", self.truncate, &TRUNCATE, "sigma")?;
        let radius = f64::from(self.truncate) * f64::from(self.sigma);
        check::within("truncate · sigma", radius, &RADIUS, "px")?;
        Ok(inputs[0])
    }

    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        let radius = self.radius();
        neighborhood::footprint(self.border, region, (radius, radius), inputs[0].region())
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        let (input, radius) = (&inputs[0], self.radius());
        if input.image().has_alpha() && radius > 0 {
            return fill(out, &self.blurred(input, out.region(), ctx)?, ctx);
        }
        dispatch!(out.sample_type(), T => self.blur::<T>(input, out, ctx))
    }
}
