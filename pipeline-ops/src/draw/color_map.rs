//! Colours for gray levels.

use pipeline_core::{
    ColorSpace, Context, Error, Image, In, Layout, Result, Sample, SampleType, Step, Tile, View,
    ViewMut, dispatch, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check;
use crate::kernel::{Painting, Palette};

/// Shows gray levels as colours.
///
/// `out = palette[⌊256 (in - low) / (high - low)⌋]`, cut off at 0 and 255.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | 1, or 2 of which the last is alpha |
/// | `out` | image | Y X C | u8 | the colours of the palette, sRGB | 3, or 4 if `in` has alpha, which is kept |
///
/// **Border**: nothing beyond the pixel is seen. **NaN** is black.
/// **Cost**: one look-up per pixel, and one division but for u8; the memory of the result; the
/// footprint is the region itself.
/// **Errors**: more than one colour; a range whose `high` is not above its `low`.
///
/// **Source**: OpenCV 5 `applyColorMap`, equal for u8; the palettes are those of matplotlib 3.11,
/// rounded.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::draw::{ColorMap, Palette};
///
/// let image = Image::from_samples(3, 1, 1, vec![
///     0u8, 128, 255,
/// ])?;
/// let step = ColorMap { palette: Palette::Viridis, ..Default::default() };
/// let out = step.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     68, 1, 84,   33, 145, 140,   253, 231, 37,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ColorMap {
    /// The colours; default `viridis`.
    pub palette: Palette,
    /// What has the first colour, in the unit of the samples; 0 if left out.
    #[schemars(extend("x-unit" = "sample"))]
    pub low: Option<f32>,
    /// What has the last colour, in the unit of the samples; white, which is 255, 65535 or 1, if
    /// left out.
    #[schemars(extend("x-unit" = "sample"))]
    pub high: Option<f32>,
}

impl ColorMap {
    fn range(&self, sample: SampleType) -> (f32, f32) {
        let white = dispatch!(sample, T => T::WHITE);
        (self.low.unwrap_or(0.0), self.high.unwrap_or(white))
    }

    fn render_as<T: Sample>(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let image = input.image();
        let painting = Painting::new::<T>(self.palette, self.range(image.sample));
        let input = input.crop(out.region()).typed::<T>()?;
        for (y, out) in out.rows::<u8>()? {
            ctx.check()?;
            painting.row(input.row(y), image.has_alpha(), out);
        }
        Ok(())
    }
}

impl Step for ColorMap {
    const NAME: &'static str = "color_map";
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for ColorMap {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        let alpha = u16::from(inputs[0].has_alpha());
        if inputs[0].channels - alpha != 1 {
            let expected = "gray, with or without alpha; put a `grayscale` step before";
            return Err(Error::input("the image", inputs[0], expected));
        }
        let (low, high) = self.range(inputs[0].sample);
        check::range(low, (self.high, high))?;
        let (sample, color) = (SampleType::U8, ColorSpace::Srgb);
        Ok(Layout { channels: 3 + alpha, sample, color, ..inputs[0] })
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        dispatch!(inputs[0].sample_type(), T => self.render_as::<T>(&inputs[0], out, ctx))
    }
}
