//! From hue, saturation and value to red, green and blue.

use pipeline_core::{
    ColorSpace, Context, Image, In, Layout, Result, Step, Tile, View, ViewMut, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::color::{check, each_color};
use crate::kernel::{OfWhite, rgb_of_hsv};

/// Turns hue, saturation and value into red, green and blue: what `to_hsv` made of them.
///
/// Of shares of white, with `i` the whole and `f` the broken part of `6 H`, `P = V (1 - S)`,
/// `Q = V (1 - f S)` and `T = V (1 - (1 - f) S)`, the colour is `(V, T, P)`, `(Q, V, P)`,
/// `(P, V, T)`, `(P, Q, V)`, `(T, P, V)` or `(V, P, Q)` for `i` from 0 to 5. Hues repeat after a
/// whole turn, which is 255, 65535 or 1.0.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image in HSV | Y X C | u8, u16, f32 | any | 3, or 4 |
/// | `out` | image in sRGB | Y X C | as `in` | 0 to white; f32 any | as `in` |
///
/// Data is taken as HSV: files know none. A fourth channel is passed on, and is opacity.
///
/// **Border**: nothing beyond the pixel is seen. **NaN** in any of the three gives NaN in all
/// colours; an infinite hue is that of red.
/// **Cost**: about 15 operations per pixel; no memory where it works in place, else that of the
/// result; the footprint is the region itself.
/// **Errors**: other numbers of channels; an image in another colour space.
///
/// **Source**: Smith (1978); `skimage.color.hsv2rgb` 0.26 on floats, rounded once: within 1 for
/// integers, 1e-6 for f32; the formula in NumPy for hues of more than a turn.
///
/// ```
/// use pipeline_core::{ColorSpace, Context, Image, In, Step};
/// use pipeline_ops::point::FromHsv;
///
/// let image = Image::from_samples(3, 1, 3, vec![
///     0u8, 255, 255,   85, 255, 200,   7, 0, 90,
/// ])?.with_color(ColorSpace::Hsv);
/// let out = FromHsv {}.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     255, 0, 0,   0, 200, 0,   90, 90, 90,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FromHsv {}

impl Step for FromHsv {
    const NAME: &'static str = "from_hsv";
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

impl Tile for FromHsv {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        check(inputs[0], ColorSpace::Hsv)?;
        Ok(Layout { color: ColorSpace::Srgb, ..inputs[0] })
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        each_color(&inputs[0], out, ctx, &OfWhite, rgb_of_hsv)
    }
}
