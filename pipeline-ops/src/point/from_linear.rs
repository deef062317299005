//! From light to encoded samples.

use pipeline_core::{
    ColorSpace, Context, Error, Image, In, Layout, Result, Step, Tile, View, ViewMut, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::each::each_by_table;
use crate::check::step_before;
use crate::kernel::encoded;

/// Encodes linear sRGB for display: what `to_linear` undid.
///
/// `out = white · e(in / white)`, `e(v) = 1.055 v^(1 / 2.4) - 0.055` above 0.0031308, `12.92 v`
/// elsewhere; white is 255, 65535 or 1.0.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image in linear sRGB | Y X C | u8, u16, f32 | any | any; alpha is kept |
/// | `out` | image in sRGB | Y X C | as `in` | 0 to white; f32 any | as `in` |
///
/// **Border**: nothing beyond the pixel is seen. **NaN** stays NaN.
/// **Cost**: one power per sample; a table of 256 entries for u8, and of 65 536 per thread for
/// large images of u16; no memory where it works in place, else that of the result; the footprint
/// is the region itself.
/// **Errors**: an image in another colour space.
///
/// **Source**: IEC 61966-2-1 (1999), as `skimage.color.xyz2rgb` 0.26 has it, which cuts off at 0
/// and 1: within 1 for integers, 1e-6 of the sample for f32.
///
/// ```
/// use pipeline_core::{ColorSpace, Context, Image, In, Step};
/// use pipeline_ops::point::FromLinear;
///
/// let image = Image::from_samples(3, 2, 1, vec![
///     0u8, 8, 32,
///     78, 147, 255,
/// ])?;
/// let image = image.with_color(ColorSpace::LinearSrgb);
/// let out = FromLinear {}.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     0, 50, 99,
///     150, 200, 255,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FromLinear {}

impl Step for FromLinear {
    const NAME: &'static str = "from_linear";
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

impl Tile for FromLinear {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        if inputs[0].color != ColorSpace::LinearSrgb {
            let found = format_args!("{:?}", inputs[0].color);
            let before = step_before(inputs[0].color, ColorSpace::LinearSrgb);
            return Err(Error::input("the colour space", found, format!("LinearSrgb{before}")));
        }
        Ok(Layout { color: ColorSpace::Srgb, ..inputs[0] })
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        each_by_table(self, &inputs[0], out, ctx, |sample, white| encoded(sample / white) * white)
    }
}
