//! Foreground by the corner of a histogram.

use pipeline_core::step::CutOff;
use pipeline_core::{Context, Image, In, Mask, Result, Spec, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::level;
use crate::kernel::triangle;
use crate::{check, statistics};

/// Marks as foreground what is brighter than the corner of the histogram's longer tail: for few
/// objects on much background.
///
/// `out = in > t`, where `t` lies farthest below the line from the peak of the histogram to the end
/// of its longer tail.
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
/// **Source**: Zack, Rogers, Latt (1977); `skimage.filters.threshold_triangle` 0.26, equal.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::segment::Triangle;
///
/// let image = Image::from_samples(6, 2, 1, vec![
///     10u8, 10, 10, 10, 10, 11,
///     11,   10, 10, 12, 14, 15,
/// ])?;
/// let out = Triangle {}.run(In::new(image), &Context::default())?;
/// assert_eq!(out.bytes(), [
///     0, 0, 0, 0, 0, 0,
///     0, 0, 0, 1, 1, 1,
/// ]);
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Triangle {}

impl Step for Triangle {
    const NAME: &'static str = "triangle";
    type Input = In<Image>;
    type Output = Mask;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Mask> {
        check::single_channel(image.layout())?;
        let histogram = statistics::histogram(&image, ctx)?;
        let level = histogram.and_then(|histogram| {
            triangle(&histogram.counts).map(|bin| histogram.value(bin).into())
        });
        level::above(image, level, ctx)
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}
