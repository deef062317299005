//! Foreground by the correlation of two classes.

use pipeline_core::step::CutOff;
use pipeline_core::{Context, Image, In, Mask, Result, Spec, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::level;
use crate::kernel::yen;
use crate::{check, statistics};

/// Marks as foreground what is brighter than Yen's level.
///
/// `out = in > t`, where `t` divides the histogram into two classes with the largest sum of
/// correlations, `-ln Σ (p / P)²` over each, `p` being the shares of the bins and `P` the share of
/// their class; of equally good levels the lowest.
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
/// **Source**: Yen, Chang, Chang (1995); `skimage.filters.threshold_yen` 0.26, equal.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::segment::Yen;
///
/// let image = Image::from_samples(4, 2, 1, vec![
///     10u8, 12, 200, 210,
///     11,   13, 190, 220,
/// ])?;
/// let out = Yen {}.run(In::new(image), &Context::default())?;
/// assert_eq!(out.bytes(), [
///     0, 0, 1, 1,
///     0, 0, 1, 1,
/// ]);
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Yen {}

impl Step for Yen {
    const NAME: &'static str = "yen";
    type Input = In<Image>;
    type Output = Mask;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Mask> {
        check::single_channel(image.layout())?;
        let histogram = statistics::histogram(&image, ctx)?;
        let level = histogram
            .and_then(|histogram| yen(&histogram.counts).map(|bin| histogram.value(bin).into()));
        level::above(image, level, ctx)
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}
