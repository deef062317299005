//! From encoded samples to light.

use pipeline_core::{
    ColorSpace, Context, Error, Image, In, Layout, Result, Step, Tile, View, ViewMut, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::each::each_by_table;
use crate::kernel::light;

/// Makes sRGB proportional to light, as sums and means of light need it.
///
/// `out = white · l(in / white)`, `l(v) = ((v + 0.055) / 1.055)^2.4` above 0.04045, `v / 12.92`
/// elsewhere; white is 255, 65535 or 1.0.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image in sRGB | Y X C | u8, u16, f32 | any | any; alpha is kept |
/// | `out` | image in linear sRGB | Y X C | as `in` | 0 to white; f32 any | as `in` |
///
/// In u8 the darkest tones become one: `convert` to u16 or f32 before. An ICC profile is dropped,
/// because it describes the encoded samples.
///
/// **Border**: nothing beyond the pixel is seen. **NaN** stays NaN.
/// **Cost**: one power per sample; a table of 256 entries for u8, and of 65 536 per thread for
/// large images of u16; no memory where it works in place, else that of the result; the footprint
/// is the region itself.
/// **Errors**: an image in another colour space.
///
/// **Source**: IEC 61966-2-1 (1999), as `skimage.color.rgb2xyz` 0.26 has it: within 1 for integers,
/// 1e-5 of the sample for f32.
///
/// ```
/// use pipeline_core::{ColorSpace, Context, Image, In, Step};
/// use pipeline_ops::point::ToLinear;
///
/// let image = Image::from_samples(3, 2, 1, vec![
///     0u8, 50, 100,
///     150, 200, 255,
/// ])?;
/// let out = ToLinear {}.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     0, 8, 32,
///     78, 147, 255,
/// ][..]));
/// assert_eq!(out.layout().color, ColorSpace::LinearSrgb);
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ToLinear {}

impl Step for ToLinear {
    const NAME: &'static str = "to_linear";
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

impl Tile for ToLinear {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        if inputs[0].color != ColorSpace::Srgb {
            let found = format_args!("{:?}", inputs[0].color);
            return Err(Error::input("the colour space", found, "Srgb"));
        }
        Ok(Layout { color: ColorSpace::LinearSrgb, ..inputs[0] })
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        each_by_table(self, &inputs[0], out, ctx, |sample, white| light(sample / white) * white)
    }
}
