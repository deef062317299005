//! The range of an image stretched to black and white.

use pipeline_core::{Context, Image, In, Result, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::each::map;
use crate::check::PERCENT;
use crate::{check, statistics};

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
/// All channels but alpha are looked at and stretched together, so colours keep their hue. Pixels
/// of alpha 0 are not counted. Where `a` and `b` are equal nothing is stretched, only cut off at 0
/// and white.
///
/// **Border**: nothing beyond the pixel is seen. **NaN** stays NaN and is not counted; infinity is
/// not counted and becomes black or white.
/// **Cost**: one pass to count, up to five for f32, and one to stretch; no memory where it works in
/// place, else that of the result, and one table per thread. The range needs the whole image, so
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
    #[schemars(range(min = *PERCENT.start(), max = *PERCENT.end()), extend("x-unit" = "%"))]
    pub low: f32,
    /// How many of the samples do not become white, at the least; above `low`. 0 to 100 %, default
    /// 100.
    #[schemars(range(min = *PERCENT.start(), max = *PERCENT.end()), extend("x-unit" = "%"))]
    pub high: f32,
}

impl Default for Rescale {
    fn default() -> Self {
        Self { low: 0.0, high: 100.0 }
    }
}

impl Step for Rescale {
    const NAME: &'static str = "rescale";
    const VERSION: u32 = 3;
    type Input = In<Image>;
    type Output = Image;

    #[expect(clippy::cast_possible_truncation, reason = "the range of the samples, in floats")]
    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        check::within("low", self.low, &PERCENT, "%")?;
        check::within("high", self.high, &PERCENT, "%")?;
        if self.high <= self.low {
            return Err(check::not_above("high", self.high, ("low", self.low), "%"));
        }
        let shares = [self.low, self.high].map(|percent| f64::from(percent) / 100.0);
        let range = statistics::quantiles(&image, shares, ctx)?;
        match range {
            Some([low, high]) if low < high => {
                let (scale, spread) = ((1.0 / (high - low)) as f32, (high - low) as f32);
                if scale.is_normal() && spread.is_finite() {
                    let low = low as f32;
                    return map(image, ctx, move |sample, white| {
                        ((sample - low) * scale).clamp(0.0, 1.0) * white
                    });
                }
                // A range that floats of 32 bits are too short for.
                map(image, ctx, move |sample, white| {
                    ((f64::from(sample) - low) / (high - low)).clamp(0.0, 1.0) as f32 * white
                })
            }
            // One value, or nothing that is finite.
            _ => map(image, ctx, |sample, white| sample.clamp(0.0, white)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_range_of_floats_is_too_narrow_or_too_wide() {
        let run = |samples: Vec<f32>| {
            let width = u32::try_from(samples.len()).unwrap();
            let image = Image::from_samples(width, 1, 1, samples).unwrap();
            let out = Rescale::default().run(In::new(image), &Context::default()).unwrap();
            out.samples::<f32>().unwrap().to_vec()
        };
        assert_eq!(run(vec![0.0, 2.5e-40, 1e-39]), [0.0, 0.25, 1.0]);
        assert_eq!(run(vec![f32::MIN, 0.0, f32::MAX / 2.0, f32::MAX]), [0.0, 0.5, 0.75, 1.0]);
    }
}
