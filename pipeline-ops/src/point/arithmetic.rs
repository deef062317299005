//! Two images made into one, sample by sample.

use std::ops::RangeInclusive;

use pipeline_core::data::Raster;
use pipeline_core::{
    Context, Image, In, Layout, Result, Step, Tile, View, ViewMut, dispatch, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{self, size};
use crate::kernel::{Combine, Operation, combine, copy_alpha};

/// The factors that are taken.
const SCALE: RangeInclusive<f64> = -1e6..=1e6;

/// Adds two images, or subtracts, multiplies, divides or compares them.
///
/// `out = scale · (a ∘ b)`, in the numbers of the samples: 200 · 2 is 400.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `a` | image | Y X C | u8, u16, f32 | any | any; alpha is kept |
/// | `b` | image | Y X C | as `a` | any | as `a`; the same size |
/// | `out` | image | Y X C | as `a` | 0 to white; f32 any | as `a` |
///
/// Integers saturate and round half to even; one divided by 0 is 0. Floats may pass 1 and become
/// infinite. To mix colours, which stay between black and white, there is `blend`.
///
/// What is added, subtracted or compared is in one colour space, or one of both is data; factors
/// and divisors may be in any.
///
/// **Border**: nothing beyond the pixel is seen. **NaN** in either gives NaN, also of `min` and
/// `max`.
/// **Cost**: one operation per sample; no memory in place of `a` where possible, else that of the
/// result; the footprint is the region itself.
/// **Errors**: images of different size, sample type, number of channels or colour space; a scale
/// outside its range.
///
/// **Source**: OpenCV 5 `add`, `subtract`, `multiply`, `divide`, `absdiff`, and NumPy 2.4 `minimum`
/// and `maximum`: equal, but for products of u16 above 2³¹, of which OpenCV makes 0; with a scale
/// within 1 for integers, 1e-6 of the sample for f32.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::point::{Arithmetic, Operation};
///
/// let a = Image::from_samples(3, 1, 1, vec![
///     10u8, 100, 200,
/// ])?;
/// let b = Image::from_samples(3, 1, 1, vec![
///     60u8, 60, 60,
/// ])?;
/// let step = Arithmetic { operation: Operation::Subtract, ..Default::default() };
/// let out = step.run((In::new(a), In::new(b)), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     0, 40, 140,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Arithmetic {
    /// What is made of the samples; default `add`.
    pub operation: Operation,
    /// Factor applied to each result before it saturates; 1 changes nothing. -1000000 to 1000000,
    /// default 1.
    #[schemars(range(min = *SCALE.start(), max = *SCALE.end()), extend("x-unit" = "ratio"))]
    pub scale: f32,
}

impl Default for Arithmetic {
    fn default() -> Self {
        Self { operation: Operation::Add, scale: 1.0 }
    }
}

impl Arithmetic {
    fn render_as<T: Combine>(
        &self,
        inputs: &[View<'_>],
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let has_alpha = out.image().has_alpha();
        let a = inputs[0].crop(out.region()).typed::<T>()?;
        let b = inputs[1].crop(out.region()).typed::<T>()?;
        for (y, out) in out.rows::<T>()? {
            ctx.check()?;
            combine(self.operation, self.scale, a.row(y), b.row(y), out);
            if has_alpha {
                copy_alpha(a.row(y), a.channels(), out);
            }
        }
        Ok(())
    }
}

impl Step for Arithmetic {
    const NAME: &'static str = "arithmetic";
    const INPUTS: &'static [&'static str] = &["a", "b"];
    type Input = (In<Image>, In<Image>);
    type Output = Image;

    fn run(&self, (a, b): (In<Image>, In<Image>), ctx: &Context<'_>) -> Result<Image> {
        tile(self, a, &[b.view()], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for Arithmetic {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        check::within("scale", self.scale, &SCALE, "")?;
        let (a, b) = (("`a`", inputs[0]), ("`b`", inputs[1]));
        check::same_size(("`b`", size(inputs[1])), ("`a`", size(inputs[0])))?;
        check::same_samples(b, a)?;
        check::same_channels(b, a)?;
        // A factor has no colour.
        if !matches!(self.operation, Operation::Multiply | Operation::Divide) {
            check::same_space(b, a)?;
        }
        Ok(inputs[0])
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        dispatch!(out.sample_type(), T => self.render_as::<T>(inputs, out, ctx))
    }
}
