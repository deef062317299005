//! Brightness and contrast by a straight line.

use std::ops::RangeInclusive;

use pipeline_core::{Context, Image, In, Layout, Result, Spec, Step, Tile, View, ViewMut, tile};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::each::each;
use crate::check;

/// The brightnesses that are taken.
const BRIGHTNESS: RangeInclusive<f64> = -1.0..=1.0;

/// The contrasts that are taken.
const CONTRAST: RangeInclusive<f64> = 0.0..=64.0;

/// Changes the contrast around middle gray, then adds to the brightness.
///
/// `out = white · ((in / white - ½) · contrast + ½ + brightness)`, white being 255, 65535 or 1.0.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any; alpha is kept |
/// | `out` | image | Y X C | as `in` | 0 to white; f32 any | as `in` |
///
/// Integers saturate, floats may pass 0 and 1.
///
/// **Border**: nothing beyond the pixel is seen. **NaN** stays NaN.
/// **Cost**: two operations per sample; a table of 256 entries for u8; no memory where it works in
/// place, else that of the result; the footprint is the region itself.
/// **Errors**: a parameter outside its range.
///
/// **Source**: the formula of GEGL's `gegl:brightness-contrast`, by OpenCV 5 `addWeighted` and in
/// NumPy: within 1 for integers, 1e-6 for f32, of samples above 1 as a share.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::point::BrightnessContrast;
///
/// let image = Image::from_samples(5, 1, 1, vec![
///     0.0f32, 0.25, 0.5, 0.75, 1.0,
/// ])?;
/// let step = BrightnessContrast { brightness: 0.25, contrast: 0.5 };
/// let out = step.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<f32>(), Some(&[
///     0.5, 0.625, 0.75, 0.875, 1.0,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BrightnessContrast {
    /// What is added, as a share of white; 0 changes nothing. -1 to 1, default 0.
    #[schemars(
        range(min = *BRIGHTNESS.start(), max = *BRIGHTNESS.end()),
        extend("x-unit" = "white")
    )]
    pub brightness: f32,
    /// Factor applied to the distance from middle gray; 1 changes nothing. 0 to 64, default 1.
    #[schemars(range(min = *CONTRAST.start(), max = *CONTRAST.end()), extend("x-unit" = "ratio"))]
    pub contrast: f32,
}

impl Default for BrightnessContrast {
    fn default() -> Self {
        Self { brightness: 0.0, contrast: 1.0 }
    }
}

impl Step for BrightnessContrast {
    const NAME: &'static str = "brightness_contrast";
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

impl Tile for BrightnessContrast {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        check::within("brightness", self.brightness, &BRIGHTNESS, "of white")?;
        check::within("contrast", self.contrast, &CONTRAST, "")?;
        Ok(inputs[0])
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        let contrast = self.contrast;
        // One product and one sum, so that parameters that change nothing leave every bit.
        let offset = 0.5 - 0.5 * contrast + self.brightness;
        each(&inputs[0], out, ctx, move |sample, white| contrast * sample + offset * white)
    }
}
