//! The logarithm of the standard deviation over a square window.

use pipeline_core::{
    Context, Image, In, Layout, Region, Result, Step, Tile, View, ViewMut, dispatch, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::edges;
use super::rounded_moments::RoundedMoments;
use crate::check;
use crate::kernel::{Border, Moments, log_deviation};
use crate::neighborhood::{self, WindowSums};

/// The radii of this step, in pixels.
const RADIUS: std::ops::RangeInclusive<u32> = 1..=4096;

/// How a local deviation is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Arithmetic {
    /// By exact sums: it does not depend on how bright the image is. Where there is no deviation
    /// the logarithm is negative infinity.
    #[default]
    Exact,
    /// By means along columns and then along rows of samples and of their squares, each rounded to
    /// 32 bits, as programs do that filter a float image twice. What is lost by that grows with the
    /// square of the brightness. Where no deviation is left the result is 0.
    Single,
}

/// Measures texture on a scale of factors: the logarithm of the standard deviation over a square of
/// side `2 · radius + 1`.
///
/// `out = ln σ`, where `σ` is the deviation as of `local_std`: cells in phase contrast have 2 to 4
/// more of it than what is between them, however bright the picture is.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | 1 |
/// | `out` | image | Y X C | f32 | any; negative infinity where all samples are equal | 1 |
///
/// A deviation of f32 that is less than 1e-7 of the mean counts as none.
///
/// **Border**: by `border`: `replicate` `aaa│abcd│ddd`, `reflect` `dcba│abcd│dcba`, `mirror`
/// `dcb│abcd│cba`, `wrap` `abcd│abcd│abcd`, `constant` `vvv│abcd│vvv`.
/// **NaN** and infinity make NaN of their window.
/// **Cost**: that of `local_std`; with `single` 4 · size additions per sample; three to five rows
/// of memory; the footprint is the region and `radius` pixels on each side.
/// **Errors**: a radius outside its range; more than one channel.
///
/// **Source**: Wu, Gilbert, Rädler (2011), on images of cells by their texture; with `exact`
/// `numpy.std` 2.4 by `scipy.ndimage.generic_filter` 1.17, within 1e-5; with `single`
/// `scipy.ndimage.uniform_filter` 1.17 of f32, within 1e-6.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::filter::LogStd;
///
/// let image = Image::from_samples(5, 3, 1, vec![
///     10u8, 10, 10, 10, 10,
///     10,   10, 10, 10, 10,
///     10,   10, 10, 10, 19,
/// ])?;
/// let out = LogStd::default().run(In::new(image), &Context::default())?;
/// let tenths: Vec<f32> = out.samples::<f32>().unwrap_or_default().iter()
///     .map(|log| (10.0 * log).round() / 10.0)
///     .collect();
/// let none = f32::NEG_INFINITY;
/// assert_eq!(tenths, [
///     none, none, none, none, none,
///     none, none, none, 1.0,  1.3,
///     none, none, none, 1.3,  1.5,
/// ]);
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogStd {
    /// Pixels on each side of the middle. 1 to 4096 px, default 1.
    #[schemars(range(min = *RADIUS.start(), max = *RADIUS.end()), extend("x-unit" = "px"))]
    pub radius: u32,
    /// How the deviation is computed; default `exact`.
    pub arithmetic: Arithmetic,
    /// What lies beyond the edge; default `reflect`.
    pub border: Border,
}

impl Default for LogStd {
    fn default() -> Self {
        Self { radius: 1, arithmetic: Arithmetic::Exact, border: Border::Reflect }
    }
}

impl LogStd {
    fn render_as<T: Moments>(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let windows = WindowSums { radius: self.radius, border: self.border };
        let area = windows.area();
        windows.render::<T, f32>(input, out, ctx, |_, sums, out| {
            for (out, &sums) in out.iter_mut().zip(sums) {
                let (mean, deviation) = T::moments(sums, area);
                *out = log_deviation(mean, deviation);
            }
        })
    }
}

impl Step for LogStd {
    const NAME: &'static str = "log_std";
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for LogStd {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        check::within("radius", self.radius, &RADIUS, "px")?;
        check::single_channel(inputs[0])?;
        Ok(edges::derived(inputs[0]))
    }

    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        let radius = (self.radius, self.radius);
        neighborhood::footprint(self.border, region, radius, inputs[0].region())
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        let input = &inputs[0];
        match self.arithmetic {
            Arithmetic::Exact => {
                dispatch!(input.sample_type(), T => self.render_as::<T>(input, out, ctx))
            }
            Arithmetic::Single => {
                let windows = RoundedMoments { radius: self.radius, border: self.border };
                dispatch!(input.sample_type(), T => windows.render::<T>(input, out, ctx))
            }
        }
    }
}
