//! The difference of two Gaussian blurs.

use pipeline_core::{
    Context, Error, Image, In, Layout, Region, Result, Sample, Step, Tile, View, ViewMut, dispatch,
    tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gaussian_blur::{SIGMA, TRUNCATE};
use super::{GaussianBlur, edges};
use crate::check;
use crate::kernel::{Border, keep_seen};
use crate::neighborhood::{self, Separable, Term};

/// Keeps details of one size: a Gaussian blur minus a wider one.
///
/// `out = blur(in, low_sigma) - blur(in, high_sigma)`. What is finer than `low_sigma` is blurred
/// away, what is coarser than `high_sigma` is taken off; a flat image gives 0.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any |
/// | `out` | image | Y X C | f32 | signed, in the unit of `in` | as `in` |
///
/// Differences are data, and data has no alpha: the last channel of an image with alpha then holds
/// the opacity as a number from 0 to 1. The blurs weight colours by their alpha, so that what is
/// transparent does not show; at a pixel of which nothing is seen the difference is 0.
///
/// **Border**: by `border`: `replicate` `aaa│abcd│ddd`, `reflect` `dcba│abcd│dcba`, `mirror`
/// `dcb│abcd│cba`, `wrap` `abcd│abcd│abcd`, `constant` `vvv│abcd│vvv`.
/// **NaN** and infinity spread over the wider window, infinity as NaN where both see it.
/// **Cost**: that of two times `gaussian_blur` with radii of `floor(truncate · sigma + 0.5)`: 2 ·
/// (2r + 1) multiplications per sample for each; four rows of floats of memory, with alpha the
/// footprint and two blurred regions in floats; the footprint is the region and the larger r pixels
/// on each side.
/// **Errors**: a parameter outside its range; a `high_sigma` below `low_sigma`;
/// `truncate · high_sigma` above 4096 px.
///
/// **Source**: `skimage.filters.difference_of_gaussians` 0.26 on samples taken as floats, within
/// 1e-5 of the largest sample; with alpha two `scipy.ndimage.gaussian_filter` 1.17 of colours times
/// alpha.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::filter::DifferenceOfGaussians;
///
/// let image = Image::from_samples(5, 3, 1, vec![
///     0u8, 0,   0, 0, 0,
///     0,   0, 250, 0, 0,
///     0,   0,   0, 0, 0,
/// ])?;
/// let step = DifferenceOfGaussians { low_sigma: 0.0, high_sigma: 1.0, ..Default::default() };
/// let out = step.run(In::new(image), &Context::default())?;
/// let whole: Vec<f32> = out.samples::<f32>().unwrap_or_default().iter()
///     .map(|sample| sample.round())
///     .collect();
/// assert_eq!(whole, [
///     -3.0, -15.0, -24.0, -15.0, -3.0,
///     -5.0, -24.0, 210.0, -24.0, -5.0,
///     -3.0, -15.0, -24.0, -15.0, -3.0,
/// ]);
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DifferenceOfGaussians {
    /// Standard deviation of the narrower blur; 0 keeps the finest details. 0 to 1000 px, default
    /// 1.25.
    #[schemars(range(min = *SIGMA.start(), max = *SIGMA.end()), extend("x-unit" = "px"))]
    pub low_sigma: f32,
    /// Standard deviation of the wider blur, at least that of the narrower one. 0 to 1000 px,
    /// default 2.
    #[schemars(range(min = *SIGMA.start(), max = *SIGMA.end()), extend("x-unit" = "px"))]
    pub high_sigma: f32,
    /// Where both are cut off, in standard deviations. 1 to 8 sigma, default 4.
    #[schemars(range(min = *TRUNCATE.start(), max = *TRUNCATE.end()), extend("x-unit" = "sigma"))]
    pub truncate: f32,
    /// What lies beyond the edge; default `replicate`.
    pub border: Border,
}

impl Default for DifferenceOfGaussians {
    fn default() -> Self {
        Self { low_sigma: 1.25, high_sigma: 2.0, truncate: 4.0, border: Border::Replicate }
    }
}

impl DifferenceOfGaussians {
    const fn blur(&self, sigma: f32) -> GaussianBlur {
        GaussianBlur { sigma, truncate: self.truncate, border: self.border }
    }

    /// Fills `out` from an image with alpha.
    fn render_seen<T: Sample>(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let own = input.crop(out.region()).typed::<T>()?;
        let row_len = out.region().width as usize * own.channels();
        let narrow = self.blur(self.low_sigma).blurred(input, out.region(), ctx)?;
        let wide = self.blur(self.high_sigma).blurred(input, out.region(), ctx)?;
        let blurs = narrow.chunks_exact(row_len).zip(wide.chunks_exact(row_len));
        for ((y, out), blurs) in out.rows::<f32>()?.zip(blurs) {
            ctx.check()?;
            subtract(blurs, out);
            keep_seen(own.row(y), own.channels(), out);
        }
        Ok(())
    }
}

impl Step for DifferenceOfGaussians {
    const NAME: &'static str = "difference_of_gaussians";
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

impl Tile for DifferenceOfGaussians {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        check::within("low_sigma", self.low_sigma, &SIGMA, "px")?;
        check::within("high_sigma", self.high_sigma, &SIGMA, "px")?;
        if self.high_sigma < self.low_sigma {
            let (found, least) = (self.high_sigma, self.low_sigma);
            let expected = format!("at least low_sigma, {least} px");
            return Err(Error::input("high_sigma", format_args!("{found} px"), expected));
        }
        self.blur(self.high_sigma).layout(inputs)?;
        Ok(edges::derived(inputs[0]))
    }

    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        let radius = self.blur(self.high_sigma).radius();
        neighborhood::footprint(self.border, region, (radius, radius), inputs[0].region())
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        let input = &inputs[0];
        if input.image().has_alpha() {
            return dispatch!(input.sample_type(), T => self.render_seen::<T>(input, out, ctx));
        }
        let blurs = [self.low_sigma, self.high_sigma].map(|sigma| self.blur(sigma).weights());
        let terms = blurs.each_ref().map(|weights| Term { x: weights, y: weights });
        let filter = Separable { terms: &terms, border: self.border };
        dispatch!(input.sample_type(), T => {
            filter.render::<T, f32>(input, out, ctx, |_, sums, out| {
                let (narrow, wide) = sums.split_at(out.len());
                subtract((narrow, wide), out);
            })
        })
    }
}

fn subtract((narrow, wide): (&[f32], &[f32]), out: &mut [f32]) {
    for (out, (narrow, wide)) in out.iter_mut().zip(narrow.iter().zip(wide)) {
        *out = narrow - wide;
    }
}
