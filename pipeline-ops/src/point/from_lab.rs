//! From lightness and two opposite colours to red, green and blue.

use pipeline_core::{
    ColorSpace, Context, Error, Image, In, Layout, Result, SampleType, Step, Tile, View, ViewMut,
    tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::color::{check, each_color};
use crate::kernel::{OfWhite, encoded, light_of_lab};

/// Turns CIE L\*a\*b\* into sRGB: what `to_lab` made of it.
///
/// With `y = (L* + 16) / 116`, `x = y + a* / 500` and `z = max(0, y - b* / 200)`, and `t³` above
/// 0.2068966 and `(t - 16 / 116) / 7.787` elsewhere, these are X, Y and Z as shares of those of
/// white (D65, 2°). They are made red, green and blue light, which is encoded as by `from_linear`
/// and cut off at 0 and 1: what a screen cannot show is shown as it can.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image in L\*a\*b\* | Y X C | f32 | L\* 0 to 100, a\* and b\* any | 3, or 4 |
/// | `out` | image in sRGB | Y X C | f32 | 0 to 1 | as `in` |
///
/// Data is taken as L\*a\*b\*: files know none. A fourth channel is passed on, and is opacity.
///
/// **Border**: nothing beyond the pixel is seen. **NaN** in any channel gives NaN in all colours
/// that it enters.
/// **Cost**: three powers per pixel; no memory where it works in place, else that of the result;
/// the footprint is the region itself.
/// **Errors**: another sample type or number of channels; an image in another colour space.
///
/// **Source**: CIE 15 (2004); `skimage.color.lab2rgb` 0.26, within 1e-4.
///
/// ```
/// use pipeline_core::{ColorSpace, Context, Image, In, Step};
/// use pipeline_ops::point::FromLab;
///
/// let image = Image::from_samples(2, 1, 3, vec![
///     100.0f32, 0.0, 0.0,   53.24, 80.09, 67.2,
/// ])?.with_color(ColorSpace::Lab);
/// let out = FromLab {}.run(In::new(image), &Context::default())?;
/// let bytes = out.samples::<f32>().unwrap_or_default().iter().map(|&share| (255.0 * share).round());
/// assert_eq!(bytes.collect::<Vec<_>>(), [
///     255.0, 255.0, 255.0,   255.0, 0.0, 0.0,
/// ]);
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FromLab {}

impl Step for FromLab {
    const NAME: &'static str = "from_lab";
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

impl Tile for FromLab {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        check(inputs[0], ColorSpace::Lab)?;
        if inputs[0].sample != SampleType::F32 {
            return Err(Error::input("the image", inputs[0], "f32, as `to_lab` makes it"));
        }
        Ok(Layout { color: ColorSpace::Srgb, ..inputs[0] })
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        each_color(
            &inputs[0],
            out,
            ctx,
            &OfWhite,
            #[inline(always)]
            |lab| {
                // Written out: a map over the three does not become vector code.
                let [r, g, b] = light_of_lab(lab);
                [encoded(r).clamp(0.0, 1.0), encoded(g).clamp(0.0, 1.0), encoded(b).clamp(0.0, 1.0)]
            },
        )
    }
}
