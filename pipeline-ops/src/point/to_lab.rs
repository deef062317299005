//! From red, green and blue to lightness and two opposite colours.

use pipeline_core::{
    ColorSpace, Context, Image, In, Layout, Result, SampleType, Step, Tile, View, ViewMut, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::color::{check, each_color};
use crate::kernel::{ByteShares, OfWhite, lab_of, light};

/// Turns sRGB into CIE L\*a\*b\*, in which equal distances look about equally large.
///
/// The samples are made light as by `to_linear`, then X, Y and Z, as shares of those of white
/// (D65, 2°). With `f(t) = ∛t` above 0.008856 and `7.787 t + 16 / 116` elsewhere,
/// `L* = 116 f(Y) - 16`, `a* = 500 (f(X) - f(Y))`, `b* = 200 (f(Y) - f(Z))`.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | 3, or 4 |
/// | `out` | image in L\*a\*b\* | Y X C | f32 | L\* 0 to 100, a\* and b\* about -108 to 99 | as `in` |
///
/// A fourth channel is passed on, white becoming 1.0. The result is marked as L\*a\*b\*, because it
/// is no colour to look at; `from_lab` takes it back. An ICC profile is dropped.
///
/// **Border**: nothing beyond the pixel is seen. **NaN** in any colour gives NaN in all.
/// **Cost**: three powers and three roots per pixel, for u8 a table of 256 entries instead of the
/// powers; the memory of the result; the footprint is the region itself.
/// **Errors**: other numbers of channels; an image in another colour space than sRGB, data
/// excepted.
///
/// **Source**: CIE 15 (2004); `skimage.color.rgb2lab` 0.26, within 1e-3.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::point::ToLab;
///
/// let image = Image::from_samples(3, 1, 3, vec![
///     255u8, 0, 0,   0, 0, 255,   119, 119, 119,
/// ])?;
/// let out = ToLab {}.run(In::new(image), &Context::default())?;
/// let rounded = out.samples::<f32>().unwrap_or_default().iter().map(|sample| sample.round());
/// assert_eq!(rounded.collect::<Vec<_>>(), [
///     53.0, 80.0, 67.0,   32.0, 79.0, -108.0,   50.0, 0.0, 0.0,
/// ]);
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ToLab {}

impl Step for ToLab {
    const NAME: &'static str = "to_lab";
    const VERSION: u32 = 4;
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for ToLab {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        check(inputs[0], ColorSpace::Srgb)?;
        Ok(Layout { color: ColorSpace::Lab, sample: SampleType::F32, ..inputs[0] })
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        if inputs[0].sample_type() == SampleType::U8 {
            return each_color(&inputs[0], out, ctx, &ByteShares::new(light), lab_of);
        }
        each_color(
            &inputs[0],
            out,
            ctx,
            &OfWhite,
            #[inline(always)]
            // Written out: a map over the three does not become vector code.
            |[r, g, b]| lab_of([light(r), light(g), light(b)]),
        )
    }
}
