//! Brightness of the mid-tones.

use std::ops::RangeInclusive;

use pipeline_core::{Context, Image, In, Layout, Result, Spec, Step, Tile, View, ViewMut, tile};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::each::each_by_table;
use crate::check;
use crate::kernel::power;

/// The gammas that are taken.
pub(super) const GAMMA: RangeInclusive<f64> = 0.05..=20.0;

/// Changes the mid-tones: black and white stay.
///
/// `out = white · (in / white)^(1 / gamma)`, white being 255, 65535 or 1.0. More than 1 brightens.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any; alpha is kept |
/// | `out` | image | Y X C | as `in` | 0 to white; f32 any | as `in` |
///
/// Floats below 0 are left as they are.
///
/// **Border**: nothing beyond the pixel is seen. **NaN** stays NaN.
/// **Cost**: one power per sample; a table of 256 entries for u8, and of 65 536 per thread for
/// large images of u16; no memory where it works in place, else that of the result; the footprint
/// is the region itself.
/// **Errors**: a gamma outside its range.
///
/// **Source**: `skimage.exposure.adjust_gamma` 0.26 with the exponent 1 / gamma on floats, rounded
/// once: within 1 for integers, 1e-5 of the sample for f32.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::point::Gamma;
///
/// let image = Image::from_samples(3, 2, 1, vec![
///     0u8, 1, 16,
///     64, 128, 255,
/// ])?;
/// let out = Gamma { gamma: 2.0 }.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     0, 16, 64,
///     128, 181, 255,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Gamma {
    /// The reciprocal of the exponent; 1 changes nothing. 0.05 to 20, default 1.
    #[schemars(range(min = *GAMMA.start(), max = *GAMMA.end()), extend("x-unit" = "ratio"))]
    pub gamma: f32,
}

impl Default for Gamma {
    fn default() -> Self {
        Self { gamma: 1.0 }
    }
}

/// `white · (sample / white)^exponent`; what is not above 0 stays as it is.
#[inline(always)]
pub(super) fn curve(sample: f32, white: f32, exponent: f32) -> f32 {
    let curve = power(sample / white, exponent) * white;
    if sample > 0.0 { curve } else { sample }
}

impl Step for Gamma {
    const NAME: &'static str = "gamma";
    const VERSION: u32 = 3;
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

impl Tile for Gamma {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        check::within("gamma", self.gamma, &GAMMA, "")?;
        Ok(inputs[0])
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        let exponent = 1.0 / self.gamma;
        each_by_table(self, &inputs[0], out, ctx, move |sample, white| {
            curve(sample, white, exponent)
        })
    }
}
