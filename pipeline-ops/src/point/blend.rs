//! One image over another.

use pipeline_core::data::Raster;
use pipeline_core::{
    Context, Error, Image, In, Layout, Result, Sample, Step, Tile, View, ViewMut, dispatch, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{self, SHARE, size};
use crate::kernel::{BlendMode, Layer, blend_layers, blend_opaque};

/// Puts one image over another.
///
/// With colours `b`, `t` and opacities `β`, `τ = opacity · alpha(top)`, the mixed colour is
/// `m = (1 - β) t + β mix(b, t)`, and
///
/// `alpha = τ + β (1 - τ)`, `out = (τ m + (1 - τ) β b) / alpha`.
///
/// Images without alpha are opaque. Both are in one colour space, or one is data. The sums of `add`
/// and the differences of `subtract` are cut off at white and black for integers only.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `bottom` | image | Y X C | u8, u16, f32 | any | 1 to 4 |
/// | `top` | image | Y X C | as `bottom` | any | the same colours, with or without alpha; the same size |
/// | `out` | image | Y X C | as `bottom` | 0 to white; f32 any | as `bottom` |
///
/// **Border**: nothing beyond the pixel is seen.
/// **NaN** in a sample that is mixed gives NaN. It has no effect in the bottom under a normal top
/// that covers it, in a top of no opacity, and in the top of `darken` and `lighten`, which then
/// keep the bottom.
/// **Cost**: about 10 operations per sample; no memory in place of the bottom where possible, else
/// that of the result; the footprint is the region itself.
/// **Errors**: images of different size, sample type, colours or colour space; an opacity outside
/// its range.
///
/// **Source**: W3C *Compositing and Blending Level 1* (2015); Pillow 13 `alpha_composite` and
/// `ImageChops`, libvips 8.18 `composite` for `normal`, and the formula in NumPy: within 1 for
/// integers, 1e-6 of the largest sample for f32.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::point::{Blend, BlendMode};
///
/// let bottom = Image::from_samples(3, 1, 1, vec![
///     0u8, 100, 255,
/// ])?;
/// let top = Image::from_samples(3, 1, 1, vec![
///     200u8, 200, 200,
/// ])?;
/// let step = Blend { mode: BlendMode::Difference, opacity: 0.5 };
/// let out = step.run((In::new(bottom), In::new(top)), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     100, 100, 155,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Blend {
    /// How the colours mix; default `normal`.
    pub mode: BlendMode,
    /// How much of the top is seen; 0 gives the bottom. 0 to 1, default 1.
    #[schemars(range(min = *SHARE.start(), max = *SHARE.end()), extend("x-unit" = "ratio"))]
    pub opacity: f32,
}

impl Default for Blend {
    fn default() -> Self {
        Self { mode: BlendMode::Normal, opacity: 1.0 }
    }
}

impl Blend {
    fn render_as<T: Sample>(
        &self,
        inputs: &[View<'_>],
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let region = out.region();
        let bottom = inputs[0].crop(region).typed::<T>()?;
        let top = inputs[1].crop(region).typed::<T>()?;
        let has_alpha = |input: usize| inputs[input].image().has_alpha();
        let colors = bottom.channels() - usize::from(has_alpha(0));
        for (y, out) in out.rows::<T>()? {
            ctx.check()?;
            let bottom = Layer { row: bottom.row(y), has_alpha: has_alpha(0) };
            let top = Layer { row: top.row(y), has_alpha: has_alpha(1) };
            mix(self.mode, self.opacity, (bottom, top), colors, out);
        }
        Ok(())
    }
}

/// Blends rows of pixels of `colors` colours; `out` is as the bottom.
pub(super) fn mix<T: Sample>(
    mode: BlendMode,
    opacity: f32,
    (bottom, top): (Layer<'_, T>, Layer<'_, T>),
    colors: usize,
    out: &mut [T],
) {
    if bottom.has_alpha || top.has_alpha {
        blend_layers(mode, opacity, (bottom, top), colors, out);
    } else {
        blend_opaque(mode, opacity, bottom.row, top.row, out);
    }
}

impl Step for Blend {
    const NAME: &'static str = "blend";
    const VERSION: u32 = 3;
    const INPUTS: &'static [&'static str] = &["bottom", "top"];
    type Input = (In<Image>, In<Image>);
    type Output = Image;

    fn run(&self, (bottom, top): (In<Image>, In<Image>), ctx: &Context<'_>) -> Result<Image> {
        tile(self, bottom, &[top.view()], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for Blend {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        check::within("opacity", self.opacity, &SHARE, "")?;
        let (bottom, top) = (inputs[0], inputs[1]);
        if !(1..=4).contains(&bottom.channels) {
            return Err(Error::input("`bottom`", bottom, "1 to 4 channels"));
        }
        check::same_size(("`top`", size(top)), ("`bottom`", size(bottom)))?;
        check::same_samples(("`top`", top), ("`bottom`", bottom))?;
        check::same_colors(("`top`", top), ("`bottom`", bottom))?;
        check::same_space(("`top`", top), ("`bottom`", bottom))?;
        Ok(bottom)
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        dispatch!(out.sample_type(), T => self.render_as::<T>(inputs, out, ctx))
    }
}
