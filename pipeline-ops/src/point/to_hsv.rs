//! From red, green and blue to hue, saturation and value.

use pipeline_core::{
    ColorSpace, Context, Image, In, Layout, Result, Step, Tile, View, ViewMut, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::color::{check, each_color};
use crate::kernel::{OfWhite, hsv_of};

/// Turns red, green and blue into hue, saturation and value.
///
/// Of shares of white, `V = max(R, G, B)`, `D = V - min(R, G, B)`, `S = D / V`, and `H` is a sixth
/// of `(G - B) / D`, `2 + (B - R) / D` or `4 + (R - G) / D`, whichever colour is the largest; of
/// equal ones the last. All three become shares of white again: a whole turn of hue is 255, 65535
/// or 1.0. Gray has the hue 0.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | 3, or 4 |
/// | `out` | image in HSV | Y X C | as `in` | 0 to white; f32 any | as `in` |
///
/// A fourth channel is passed on. The result is marked as HSV, because it is no colour to look at;
/// `from_hsv` takes it back. An ICC profile is dropped.
///
/// **Border**: nothing beyond the pixel is seen. **NaN** in any colour gives NaN in all.
/// **Cost**: about 15 operations and three divisions per pixel; no memory where it works in place,
/// else that of the result; the footprint is the region itself.
/// **Errors**: other numbers of channels; an image in another colour space than sRGB, data
/// excepted.
///
/// **Source**: Smith (1978); `skimage.color.rgb2hsv` 0.26 on floats, rounded once: within 1 for
/// integers, 1e-6 for f32; there NaN becomes 0.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::point::ToHsv;
///
/// let image = Image::from_samples(3, 1, 3, vec![
///     255u8, 0, 0,   0, 200, 200,   90, 90, 90,
/// ])?;
/// let out = ToHsv {}.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     0, 255, 255,   128, 255, 200,   0, 0, 90,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ToHsv {}

impl Step for ToHsv {
    const NAME: &'static str = "to_hsv";
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

impl Tile for ToHsv {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        check(inputs[0], ColorSpace::Srgb)?;
        Ok(Layout { color: ColorSpace::Hsv, ..inputs[0] })
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        each_color(&inputs[0], out, ctx, &OfWhite, hsv_of)
    }
}
