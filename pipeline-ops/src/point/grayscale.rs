//! From colour to gray.

use pipeline_core::{
    Context, Error, Image, In, Layout, Result, Sample, Step, Tile, View, ViewMut, dispatch, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check;
use crate::kernel::weigh;

/// How much each colour counts for brightness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Luma {
    /// 0.299 R + 0.587 G + 0.114 B: of standard television, what Pillow, OpenCV and JPEG use.
    #[default]
    Rec601,
    /// 0.2126 R + 0.7152 G + 0.0722 B: of high definition and sRGB, what scikit-image uses.
    Rec709,
}

impl Luma {
    /// The weights of red, green and blue.
    #[must_use]
    pub const fn weights(self) -> [f32; 3] {
        match self {
            Self::Rec601 => [0.299, 0.587, 0.114],
            Self::Rec709 => [0.2126, 0.7152, 0.0722],
        }
    }
}

/// Turns colour into gray by weights on the samples as they are encoded.
///
/// `out = r · R + g · G + b · B`
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | 1 or 3, or 2 or 4 of which the last is alpha |
/// | `out` | image | Y X C | as `in` | 0 to white; f32 any | 1, or 2 if `in` has alpha, which is kept |
///
/// Gray images pass unchanged. The ICC profile of a colour image describes colours that are gone,
/// so it is dropped; that of a gray one stays.
///
/// **Border**: nothing beyond the pixel is seen. **NaN** in any colour gives NaN.
/// **Cost**: three multiplications per pixel; the memory of the result; the footprint is the region
/// itself.
/// **Errors**: other numbers of channels; colours in HSV or L\*a\*b\*.
///
/// **Source**: the formula in NumPy 2.4, as OpenCV 5 `cvtColor` has it for `rec601`: within 1 for
/// integers, 1e-6 of the largest sample for f32.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::point::Grayscale;
///
/// let image = Image::from_samples(3, 1, 3, vec![
///     255u8, 0, 0,   0, 255, 0,   10, 20, 30,
/// ])?;
/// let out = Grayscale::default().run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     76,            150,         18,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Grayscale {
    /// How much each colour counts; default `rec601`.
    pub luma: Luma,
}

impl Grayscale {
    fn render_as<T: Sample>(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let has_alpha = input.image().has_alpha();
        let is_gray = input.image().channels == out.image().channels;
        let input = input.crop(out.region()).typed::<T>()?;
        for (y, row) in out.rows::<T>()? {
            ctx.check()?;
            if is_gray {
                row.copy_from_slice(input.row(y));
            } else {
                weigh(input.row(y), self.luma.weights(), has_alpha, row);
            }
        }
        Ok(())
    }
}

impl Step for Grayscale {
    const NAME: &'static str = "grayscale";
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

impl Tile for Grayscale {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        let alpha = u16::from(inputs[0].has_alpha());
        if !matches!(inputs[0].channels - alpha, 1 | 3) {
            let expected = "gray or RGB, with or without alpha";
            return Err(Error::input("the image", inputs[0], expected));
        }
        check::rgb(inputs[0])?;
        Ok(Layout { channels: 1 + alpha, ..inputs[0] })
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        dispatch!(out.sample_type(), T => self.render_as::<T>(&inputs[0], out, ctx))
    }
}
