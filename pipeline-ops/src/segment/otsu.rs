//! Foreground by a level that the image itself gives.

use pipeline_core::step::CutOff;
use pipeline_core::{Context, Image, In, Mask, Result, Spec, Step, tile};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::otsu;
use crate::point::Threshold;
use crate::{check, statistics};

/// Marks as foreground what is brighter than Otsu's level.
///
/// `out = in > t`, where `t` divides the histogram into two classes with the largest variance
/// between them, `w₀ w₁ (μ₀ - μ₁)²`; of equally good levels the lowest.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | 1 |
/// | `out` | mask | Y X | – | true or false | – |
///
/// Integers have one bin per value; floats have 256 bins between their smallest and largest finite
/// sample. An image of one value is all background.
///
/// **Border**: nothing beyond the pixel is seen. **NaN** and infinity are not counted; NaN is
/// background.
/// **Cost**: two passes over the image, three for f32; of memory the mask and one histogram per
/// thread. The level needs the whole image, so there are no tiles.
/// **Errors**: more than one channel.
///
/// A mask that comes out as before spares the steps below from running.
///
/// **Source**: Otsu (1979); `skimage.filters.threshold_otsu` 0.26, equal.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::segment::Otsu;
///
/// let image = Image::from_samples(4, 2, 1, vec![
///     10u8, 12, 200, 210,
///     11,   13, 190, 220,
/// ])?;
/// let out = Otsu {}.run(In::new(image), &Context::default())?;
/// assert_eq!(out.bytes(), [
///     0, 0, 1, 1,
///     0, 0, 1, 1,
/// ]);
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Otsu {}

impl Otsu {
    /// The level that divides the image; none if its samples are all equal or not finite.
    ///
    /// # Errors
    /// [`Error::Input`](pipeline_core::Error::Input) if it has more than one channel, and
    /// [`Error::Cancelled`](pipeline_core::Error::Cancelled).
    pub fn level(image: &Image, ctx: &Context<'_>) -> Result<Option<f32>> {
        check::single_channel(image.layout())?;
        let Some(histogram) = statistics::histogram(image, ctx)? else {
            return Ok(None);
        };
        let best = otsu(&histogram.counts, |bin| histogram.bins.value(bin));
        Ok(best.map(|bin| histogram.value(bin)))
    }
}

impl Step for Otsu {
    const NAME: &'static str = "otsu";
    type Input = In<Image>;
    type Output = Mask;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Mask> {
        // Nothing finite is above this level, so an image that cannot be divided is background.
        let level = Self::level(&image, ctx)?.unwrap_or(f32::MAX);
        tile(&Threshold { level }, image, &[], ctx)
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}
