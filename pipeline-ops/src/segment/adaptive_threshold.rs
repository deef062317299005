//! Foreground by the mean around each pixel.

use std::ops::RangeInclusive;

use bytemuck::Pod;
use pipeline_core::step::CutOff;
use pipeline_core::{
    Context, Image, In, Layout, Mask, Region, Result, Sample, SampleType, Spec, Step, Tile, View,
    ViewMut, dispatch, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::level::above_local;
use crate::check;
use crate::filter::GaussianBlur;
use crate::kernel::{AboveMean, Border, BoxMean, NARROW, Whole};
use crate::neighborhood::{self, BoxSums, Separable, Term, WindowSums};
use crate::point::mask_layout;

/// The radii that are taken: a Gaussian reaches a third further, and that must fit the windows of
/// filters.
const RADIUS: RangeInclusive<u32> = 0..=3072;

/// Which mean a pixel is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LocalMean {
    /// Of a square, each pixel of which counts the same.
    #[default]
    Mean,
    /// Of a Gaussian of standard deviation `radius / 3`, cut off at four of them.
    Gaussian,
}

/// Marks as foreground what is brighter than the mean of its surroundings: where the light is
/// uneven.
///
/// `out = in > mean - offset`, the mean being that of a square of side `2 · radius + 1`, or a
/// Gaussian one.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | 1 |
/// | `out` | mask | Y X | – | true or false | – |
///
/// The Gaussian mean is summed in 32 bits; what is above it by no more than such a sum may lose, a
/// few millionths of it, is background, so that flat areas are.
///
/// **Border**: by `border`: `replicate` `aaa│abcd│ddd`, `reflect` `dcba│abcd│dcba`, `mirror`
/// `dcb│abcd│cba`, `wrap` `abcd│abcd│abcd`, `constant` `vvv│abcd│vvv`.
/// **NaN** and infinity in a window make its pixel background.
/// **Cost**: of a square, time independent of the radius for u8 and u16, whose running sums are
/// exact, and about 2 · size + 4 log size additions per sample for f32; of a Gaussian, as
/// `gaussian_blur`; of memory the mask and three rows of sums; the footprint is the region and
/// `radius` pixels on each side, `4 / 3 · radius` for a Gaussian.
/// **Errors**: more than one channel; a radius outside its range; an offset that is not finite.
///
/// A mask that comes out as before spares the steps below from running.
///
/// **Source**: `skimage.filters.threshold_local` 0.26, whose border is `reflect`: equal, but for
/// samples that are the level itself, on whose side its sums of floats decide by chance.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::segment::AdaptiveThreshold;
///
/// let image = Image::from_samples(6, 3, 1, vec![
///     10u8, 20, 30, 40, 50, 60,
///     10,   90, 30, 40, 99, 60,
///     10,   20, 30, 40, 50, 60,
/// ])?;
/// let step = AdaptiveThreshold { radius: 1, offset: -20.0, ..Default::default() };
/// let out = step.run(In::new(image), &Context::default())?;
/// assert_eq!(out.bytes(), [
///     0, 0, 0, 0, 0, 0,
///     0, 1, 0, 0, 1, 0,
///     0, 0, 0, 0, 0, 0,
/// ]);
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AdaptiveThreshold {
    /// Which mean is taken; default `mean`.
    pub method: LocalMean,
    /// Pixels on each side of the middle. 0 to 3072 px, default 7.
    #[schemars(range(min = *RADIUS.start(), max = *RADIUS.end()), extend("x-unit" = "px"))]
    pub radius: u32,
    /// How far below the mean the level lies, in the unit of the samples: up to 255 in u8, 65535 in
    /// u16; default 0.
    #[schemars(extend("x-unit" = "sample"))]
    pub offset: f32,
    /// What lies beyond the edge; default `replicate`.
    pub border: Border,
}

impl Default for AdaptiveThreshold {
    fn default() -> Self {
        Self { method: LocalMean::Mean, radius: 7, offset: 0.0, border: Border::Replicate }
    }
}

impl AdaptiveThreshold {
    fn gaussian(&self) -> GaussianBlur {
        let sigma = self.radius.min(*RADIUS.end()) as f32 / 3.0;
        GaussianBlur { sigma, truncate: 4.0, border: self.border }
    }

    fn render_integers<T: BoxMean<S> + Into<u32>, S: Whole + Pod + Into<u32>>(
        &self,
        above: AboveMean,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let own = input.crop(out.region()).typed::<T>()?;
        let mut sums = vec![S::default(); out.region().width as usize];
        let squares = BoxSums { radius: self.radius, border: self.border };
        squares.render::<T, S, u8>(input, out, ctx, |y, padded, out| {
            above.row(padded, own.row(y), &mut sums, out);
        })
    }

    fn render_gaussian<T: Sample>(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let weights = self.gaussian().weights();
        let terms = [Term { x: &weights, y: &weights }];
        let filter = Separable { terms: &terms, border: self.border };
        let own = input.crop(out.region()).typed::<T>()?;
        // What two passes may lose: a rounding for each weight, product and sum, of which one in
        // four is added to those before it.
        let lost = (weights.len() / 4 + 4) as f32 * f32::EPSILON;
        filter.render::<T, u8>(input, out, ctx, |y, means, out| {
            for ((out, sample), &mean) in out.iter_mut().zip(own.row(y)).zip(means) {
                *out = u8::from(sample.to_f32() > mean - self.offset + lost * mean.abs());
            }
        })
    }
}

impl Step for AdaptiveThreshold {
    const NAME: &'static str = "adaptive_threshold";
    const VERSION: u32 = 3;
    type Input = In<Image>;
    type Output = Mask;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Mask> {
        tile(self, image, &[], ctx)
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for AdaptiveThreshold {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        check::within("radius", self.radius, &RADIUS, "px")?;
        check::finite("offset", self.offset)?;
        check::single_channel(inputs[0])?;
        Ok(mask_layout(inputs[0]))
    }

    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        let radius = match self.method {
            LocalMean::Mean => self.radius,
            LocalMean::Gaussian => self.gaussian().radius(),
        };
        neighborhood::footprint(self.border, region, (radius, radius), inputs[0].region())
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        let (input, sample) = (&inputs[0], inputs[0].sample_type());
        if self.method == LocalMean::Mean && sample != SampleType::F32 {
            let white = if sample == SampleType::U8 { u8::MAX.into() } else { u16::MAX.into() };
            if let Some(above) = AboveMean::new(2 * self.radius + 1, self.offset, white) {
                return match sample {
                    SampleType::U8 if 2 * self.radius < NARROW => {
                        self.render_integers::<u8, u16>(above, input, out, ctx)
                    }
                    SampleType::U8 => self.render_integers::<u8, u32>(above, input, out, ctx),
                    _ => self.render_integers::<u16, u32>(above, input, out, ctx),
                };
            }
        }
        let windows = WindowSums { radius: self.radius, border: self.border };
        let offset = f64::from(self.offset);
        dispatch!(inputs[0].sample_type(), T => match self.method {
            LocalMean::Gaussian => self.render_gaussian::<T>(&inputs[0], out, ctx),
            LocalMean::Mean => above_local::<T>(windows, &inputs[0], out, ctx, |mean, _| {
                // Every number is above a mean of minus infinity; none is above NaN.
                if mean.is_finite() { mean - offset } else { f64::NAN }
            }),
        })
    }
}
