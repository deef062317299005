//! Sharpening by what a blur takes away.

use std::ops::RangeInclusive;

use pipeline_core::{
    Context, Image, In, Layout, Region, Result, Sample, SampleType, Step, Tile, View, ViewMut,
    dispatch, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::GaussianBlur;
use super::gaussian_blur::{SIGMA, TRUNCATE};
use crate::check::{self, SHARE};
use crate::kernel::{Border, Halves, copy_alpha, sharpen, sharpen_bytes};
use crate::neighborhood::{self, HalfSums, Separable, Term};

/// How often the difference may be added.
const AMOUNT: RangeInclusive<f64> = 0.0..=10.0;

/// Sharpens by adding what a Gaussian blur takes away.
///
/// `out = in + amount · d` where `d = in - blur(in)`, and `out = in` where
/// `|d| ≤ threshold · white` (if `threshold` is more than 0). White is 255, 65535 or 1.0.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any; alpha is kept |
/// | `out` | image | Y X C | as `in` | 0 to white, f32 any | as `in` |
///
/// Alpha is kept. The blur weights colours by their alpha, so that what is transparent does not
/// show beside what is sharpened.
///
/// **Border**: by `border`: `replicate` `aaa│abcd│ddd`, `reflect` `dcba│abcd│dcba`, `mirror`
/// `dcb│abcd│cba`, `wrap` `abcd│abcd│abcd`, `constant` `vvv│abcd│vvv`.
/// **NaN** and infinity spread over their window.
/// **Cost**: that of `gaussian_blur` with the radius `r = floor(truncate · sigma + 0.5)`:
/// 2 · (2r + 1) multiplications per sample, ten rows of floats of memory, with alpha the footprint
/// and the blurred region in floats; the footprint is the region and r pixels on each side.
/// **Errors**: a parameter outside its range; `truncate · sigma` above 4096 px.
///
/// **Source**: the formula over `scipy.ndimage.gaussian_filter` 1.17, of colours times alpha where
/// there is alpha: within 1 for integers and 1e-5 of the largest sample for f32. Integers saturate,
/// floats may leave 0 to 1. Sums are those of `gaussian_blur`, in 16 bits only where `threshold` is
/// 0 and `amount` times `r` at most 40.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::filter::UnsharpMask;
///
/// let image = Image::from_samples(6, 1, 1, vec![
///     100u8, 100, 100, 150, 150, 150,
/// ])?;
/// let out = UnsharpMask { sigma: 1.0, ..Default::default() }
///     .run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     100, 97, 85, 165, 153, 150,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UnsharpMask {
    /// Standard deviation of the blur; larger sharpens wider edges. 0 to 1000 px, default 2.
    #[schemars(range(min = *SIGMA.start(), max = *SIGMA.end()), extend("x-unit" = "px"))]
    pub sigma: f32,
    /// How much of the difference is added. 0 to 10, default 1.
    #[schemars(range(min = *AMOUNT.start(), max = *AMOUNT.end()), extend("x-unit" = "ratio"))]
    pub amount: f32,
    /// Differences up to this share of white are left alone, so that noise is not sharpened. 0 to
    /// 1, default 0.
    #[schemars(range(min = *SHARE.start(), max = *SHARE.end()), extend("x-unit" = "white"))]
    pub threshold: f32,
    /// Where the Gaussian is cut off, in standard deviations. 1 to 8 sigma, default 4.
    #[schemars(range(min = *TRUNCATE.start(), max = *TRUNCATE.end()), extend("x-unit" = "sigma"))]
    pub truncate: f32,
    /// What lies beyond the edge; default `replicate`.
    pub border: Border,
}

impl Default for UnsharpMask {
    fn default() -> Self {
        Self { sigma: 2.0, amount: 1.0, threshold: 0.0, truncate: 4.0, border: Border::Replicate }
    }
}

impl UnsharpMask {
    const fn blur(&self) -> GaussianBlur {
        GaussianBlur { sigma: self.sigma, truncate: self.truncate, border: self.border }
    }

    fn render_as<T: Sample>(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let sharp = input.crop(out.region()).typed::<T>()?;
        let (amount, channels) = ((self.amount, self.threshold * T::WHITE), sharp.channels());
        if !out.image().has_alpha() {
            let weights = self.blur().weights();
            if T::TYPE == SampleType::U8
                && let Some(halves) = self.halves(&weights)
            {
                return self.render_bytes(&halves, input, out, ctx);
            }
            let terms = [Term { x: &weights, y: &weights }];
            let filter = Separable { terms: &terms, border: self.border };
            return filter.render::<T, T>(input, out, ctx, |y, blurred, out| {
                sharpen(sharp.row(y), blurred, amount, out);
            });
        }
        let blurred = self.blur().blurred(input, out.region(), ctx)?;
        let rows = blurred.chunks_exact(out.region().width as usize * channels);
        for ((y, out), blurred) in out.rows::<T>()?.zip(rows) {
            ctx.check()?;
            sharpen(sharp.row(y), blurred, amount, out);
            copy_alpha(sharp.row(y), channels, out);
        }
        Ok(())
    }

    /// Weights for sums in 16 bits, if less than half of a byte is lost and it does not show.
    fn halves(&self, weights: &[f32]) -> Option<Halves> {
        let seen = self.amount * (weights.len() / 2) as f32;
        // A difference that jumps at a threshold has to be exact.
        Halves::of(weights).filter(|_| self.threshold == 0.0 && seen <= (Halves::RADIUS / 2) as f32)
    }

    fn render_bytes(
        &self,
        halves: &Halves,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let sharp = input.crop(out.region()).typed::<u8>()?;
        let filter = HalfSums { halves, border: self.border };
        filter.render(input, out, ctx, |y, start, means, out| {
            sharpen_bytes(&sharp.row(y)[start..], means, self.amount, out);
        })
    }
}

impl Step for UnsharpMask {
    const NAME: &'static str = "unsharp_mask";
    const VERSION: u32 = 5;
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for UnsharpMask {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        check::within("amount", self.amount, &AMOUNT, "")?;
        check::within("threshold", self.threshold, &SHARE, "of white")?;
        self.blur().layout(inputs)
    }

    fn footprint(&self, input: usize, region: Region, inputs: &[Layout]) -> Region {
        let radius = self.blur().radius();
        neighborhood::footprint(self.border, region, (radius, radius), inputs[input].region())
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        dispatch!(out.sample_type(), T => self.render_as::<T>(&inputs[0], out, ctx))
    }
}
