//! Brightness by multiplication.

use std::ops::RangeInclusive;

use pipeline_core::{Context, Image, In, Layout, Result, Spec, Step, Tile, View, ViewMut, tile};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::each::each;
use crate::check;

/// The factors that are taken.
const FACTOR: RangeInclusive<f64> = 0.0..=64.0;

/// Multiplies every sample by a factor.
///
/// `out = factor · in`
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any; alpha is kept |
/// | `out` | image | Y X C | as `in` | 0 to white; f32 any | as `in` |
///
/// Integers saturate, floats may pass 1.
///
/// **Border**: nothing beyond the pixel is seen. **NaN** stays NaN.
/// **Cost**: one multiplication per sample; a table of 256 entries for u8; no memory where it works
/// in place, else that of the result; the footprint is the region itself.
/// **Errors**: a factor outside its range.
///
/// **Source**: NumPy 2.4 on 32-bit floats, `rint(factor · in)`, equal.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::point::Gain;
///
/// let image = Image::from_samples(3, 2, 1, vec![
///     0u8, 10, 20,
///     40, 100, 200,
/// ])?;
/// let out = Gain { factor: 1.5 }.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     0, 15, 30,
///     60, 150, 255,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Gain {
    /// Factor applied to each sample; 1 changes nothing. 0 to 64, default 1.
    #[schemars(range(min = *FACTOR.start(), max = *FACTOR.end()), extend("x-unit" = "ratio"))]
    pub factor: f32,
}

impl Default for Gain {
    fn default() -> Self {
        Self { factor: 1.0 }
    }
}

impl Step for Gain {
    const NAME: &'static str = "gain";
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

impl Tile for Gain {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        check::within("factor", self.factor, &FACTOR, "")?;
        Ok(inputs[0])
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        let factor = self.factor;
        each(&inputs[0], out, ctx, move |sample, _| factor * sample)
    }
}
