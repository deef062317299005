//! Foreground by its share of the image.

use pipeline_core::step::CutOff;
use pipeline_core::{Context, Image, In, Mask, Result, Spec, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::level;
use crate::check::PERCENT;
use crate::{check, statistics};

/// Marks as foreground the brightest part of an image, of about a given size.
///
/// `out = in > t`, where `t` is the sample below which `percentile` percent of all lie,
/// interpolated between two samples. Samples equal to `t` are background, however many they are.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | 1 |
/// | `out` | mask | Y X | – | true or false | – |
///
/// **Border**: nothing beyond the pixel is seen. **NaN** and infinity are not counted; NaN is
/// background.
/// **Cost**: two passes over the image, up to four for f32; of memory the mask and one table per
/// thread. The level needs the whole image, so there are no tiles.
/// **Errors**: more than one channel; a percentile outside its range.
///
/// A mask that comes out as before spares the steps below from running.
///
/// **Source**: `numpy.percentile` 2.4, `in > t`, equal.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::segment::PercentileThreshold;
///
/// let image = Image::from_samples(4, 2, 1, vec![
///     1u8, 2, 3, 4,
///     8,   7, 6, 5,
/// ])?;
/// let step = PercentileThreshold { percentile: 75.0 };
/// let out = step.run(In::new(image), &Context::default())?;
/// assert_eq!(out.bytes(), [
///     0, 0, 0, 0,
///     1, 1, 0, 0,
/// ]);
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PercentileThreshold {
    /// How many of the samples are background. 0 to 100 %, default 50.
    #[schemars(range(min = *PERCENT.start(), max = *PERCENT.end()), extend("x-unit" = "%"))]
    pub percentile: f32,
}

impl Default for PercentileThreshold {
    fn default() -> Self {
        Self { percentile: 50.0 }
    }
}

impl Step for PercentileThreshold {
    const NAME: &'static str = "percentile_threshold";
    type Input = In<Image>;
    type Output = Mask;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Mask> {
        check::within("percentile", self.percentile, &PERCENT, "%")?;
        check::single_channel(image.layout())?;
        let share = f64::from(self.percentile) / 100.0;
        let level = statistics::quantiles(&image, [share], ctx)?.map(|[level]| level);
        level::above(image, level, ctx)
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}
