//! The negative.

use pipeline_core::{
    Context, Image, In, Layout, Result, SampleType, Spec, Step, Tile, View, ViewMut, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::each::each;

/// Makes the negative.
///
/// `out = white - in`, white being 255, 65535 or 1.0.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any; alpha is never inverted |
/// | `out` | image | Y X C | as `in` | 0 to white; f32 any | as `in` |
///
/// **Border**: nothing beyond the pixel is seen. **NaN** stays NaN.
/// **Cost**: one subtraction per sample; a table of 256 entries for u8; no memory where it works in
/// place, else that of the result; the footprint is the region itself.
/// **Errors**: none of its own.
///
/// **Source**: the formula in NumPy 2.4 on 64-bit floats, rounded once, and libvips 8.18 `invert`
/// for integers: equal.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::point::Invert;
///
/// let image = Image::from_samples(3, 1, 1, vec![
///     0u8, 100, 255,
/// ])?;
/// let out = Invert {}.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     255, 155, 0,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Invert {}

impl Step for Invert {
    const NAME: &'static str = "invert";
    const VERSION: u32 = 2;
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[], ctx)
    }

    fn spec(&self) -> Spec {
        Spec::default().by_sample()
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for Invert {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        Ok(inputs[0])
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        let image = inputs[0].image();
        if image.sample != SampleType::U16 || image.has_alpha() {
            return each(&inputs[0], out, ctx, |sample, white| white - sample);
        }
        // All bits turned are white less the sample, in half of the time that floats take. Bytes
        // have a table, and alpha stays.
        let input = inputs[0].crop(out.region()).typed::<u16>()?;
        for (y, row) in out.rows::<u16>()? {
            ctx.check()?;
            row.iter_mut().zip(input.row(y)).for_each(|(out, &sample)| *out = !sample);
        }
        Ok(())
    }
}
