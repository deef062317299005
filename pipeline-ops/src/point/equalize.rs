//! Every brightness equally often.

use pipeline_core::{Context, Image, In, Result, Sample, SampleType, Step, dispatch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::each::map;
use crate::kernel::Curve;
use crate::statistics;

/// Spreads brightness so that every level is about equally often.
///
/// `out = white · cdf(in)`, where `cdf` is the share of samples that are at most as bright; white
/// is 255, 65535 or 1.0.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any; alpha is kept |
/// | `out` | image | Y X C | as `in` | 0 to white | as `in` |
///
/// Integers have one bin per value; floats have 256 bins between their smallest and largest finite
/// sample, and are interpolated between the middles of two bins. All channels but alpha are counted
/// and changed together, so gray stays gray. Pixels of alpha 0 are not counted. An image of one
/// value becomes white.
///
/// **Border**: nothing beyond the pixel is seen. **NaN** and infinity are not counted; NaN stays
/// NaN.
/// **Cost**: one pass to count, two for f32, and one to change; no memory where it works in place,
/// else that of the result, and one histogram per thread. The histogram needs the whole image, so
/// there are no tiles.
/// **Errors**: none of its own.
///
/// **Source**: `skimage.exposure.equalize_hist` 0.26, rounded once: equal for integers, within 1e-5
/// for f32.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::point::Equalize;
///
/// let image = Image::from_samples(5, 1, 1, vec![
///     100u8, 101, 102, 103, 104,
/// ])?;
/// let out = Equalize {}.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     51, 102, 153, 204, 255,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Equalize {}

impl Step for Equalize {
    const NAME: &'static str = "equalize";
    const VERSION: u32 = 2;
    type Input = In<Image>;
    type Output = Image;

    #[expect(clippy::cast_possible_truncation, reason = "a share of white, in floats")]
    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        let Some(histogram) = statistics::histogram(&image, ctx)? else {
            // Nothing is finite: there is no order of which anything could be made.
            return Ok(image.into_owned());
        };
        let white = dispatch!(image.sample_type(), T => f64::from(T::WHITE));
        let total: u64 = histogram.counts.iter().sum();
        let mut below = 0;
        let values = histogram.counts.iter().map(|count| {
            below += count;
            (below as f64 / total as f64 * white) as f32
        });
        let values: Vec<f32> = values.collect();
        let curve = Curve { first: histogram.bins.value(0), step: histogram.bins.width, values };
        if image.sample_type() == SampleType::F32 {
            return map(image, ctx, |sample, _| curve.at(sample));
        }
        // Integers stand at their values, and 32-bit floats hold them all.
        #[expect(clippy::cast_sign_loss, reason = "integer samples are not negative")]
        map(image, ctx, |sample, _| curve.values[sample as usize])
    }
}
