//! The range of an image stretched to black and white.

use std::ops::RangeInclusive;

use pipeline_core::{Context, Error, Image, In, Result, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::each::map;
use crate::{check, statistics};

/// The percentiles that are taken.
const PERCENTILE: RangeInclusive<f64> = 0.0..=100.0;

/// Stretches an image from its darkest to its brightest sample, or from one percentile to another,
/// to black and white.
///
/// `out = white · clamp((in - a) / (b - a), 0, 1)`, where `a` and `b` are the samples below which
/// `low` and `high` percent of all lie, interpolated between two samples; white is 255, 65535 or
/// 1.0.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any; alpha is kept |
/// | `out` | image | Y X C | as `in` | 0 to white | as `in` |
///
/// All channels but alpha are looked at and stretched together, so colours keep their hue. Pixels of
/// alpha 0 are not counted. Where `a` and `b` are equal nothing is stretched, only cut off at 0 and
/// white.
///
/// **Border**: nothing beyond the pixel is seen. **NaN** stays NaN and is not counted; infinity is
/// not counted and becomes black or white.
/// **Cost**: one pass to count, up to five for f32, and one to stretch; no memory where it works in
/// place, else that of the result, and one table per chunk. The range needs the whole image, so
/// there are no tiles.
/// **Errors**: a percentile outside its range; `high` not above `low`.
///
/// **Source**: `skimage.exposure.rescale_intensity` 0.26 on floats, between `numpy.percentile` 2.4,
/// rounded once: within 1 for integers, 1e-6 for f32.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::point::Rescale;
///
/// let image = Image::from_samples(3, 2, 1, vec![
///     100u8, 110, 120,
///     130, 140, 151,
/// ])?;
/// let out = Rescale::default().run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     0, 50, 100,
///     150, 200, 255,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rescale {
    /// How many of the samples become black, at the most; 0 is the darkest alone. 0 to 100 %,
    /// default 0.
    #[schemars(range(min = *PERCENTILE.start(), max = *PERCENTILE.end()), extend("x-unit" = "%"))]
    pub low: f32,
    /// How many of the samples do not become white, at the least; above `low`. 0 to 100 %, default
    /// 100.
    #[schemars(range(min = *PERCENTILE.start(), max = *PERCENTILE.end()), extend("x-unit" = "%"))]
    pub high: f32,
}

impl Default for Rescale {
    fn default() -> Self {
        Self { low: 0.0, high: 100.0 }
    }
}

impl Step for Rescale {
    const NAME: &'static str = "rescale";
    const VERSION: u32 = 2;
    type Input = In<Image>;
    type Output = Image;

    #[expect(clippy::cast_possible_truncation, reason = "the range of the samples, in floats")]
    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        check::within("low", self.low, &PERCENTILE, "%")?;
        check::within("high", self.high, &PERCENTILE, "%")?;
        if self.high <= self.low {
            return Err(Error::input("high", self.high, format!("more than low, {}", self.low)));
        }
        let shares = [self.low, self.high].map(|percent| f64::from(percent) / 100.0);
        let range = statistics::quantiles(&image, shares, ctx)?;
        match range {
            Some([low, high]) if low < high => {
                let (low, scale) = (low as f32, (1.0 / (high - low)) as f32);
                map(image, ctx, move |sample, white| {
                    ((sample - low) * scale).clamp(0.0, 1.0) * white
                })
            }
            // One value, or nothing that is finite.
            _ => map(image, ctx, |sample, white| sample.clamp(0.0, white)),
        }
    }
}
