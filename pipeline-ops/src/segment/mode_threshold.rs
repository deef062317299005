//! Foreground by the spread of the background.

use std::borrow::Cow;

use bytemuck::cast_slice;
use pipeline_core::data::{Plane, Raster};
use pipeline_core::step::CutOff;
use pipeline_core::{Context, Image, In, Mask, Result, Sample, SampleType, Spec, Step, dispatch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::level;
use crate::check::{self, size};
use crate::kernel::{Digits, RoundedBins, sums_below};
use crate::{passes, statistics};

/// How many bins there may be.
const BINS: std::ops::RangeInclusive<u32> = 2..=65_536;

/// How many deviations there may be.
const DEVIATIONS: std::ops::RangeInclusive<f32> = 0.0..=1000.0;

/// Marks as foreground what is brighter than the background and its spread: for few objects on a
/// background whose samples lie around one value, with a tail of objects above it.
///
/// `out = in > m + deviations · s`, where `m` is the middle of the first of the fullest bins, and
/// `s` the standard deviation of the samples up to `m`.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | 1 |
/// | `out` | mask | Y X | – | true or false | – |
///
/// There are `bins` bins between the smallest and the largest finite sample, with edges in 32 bits.
/// An image of one value is all background.
///
/// **Border**: nothing beyond the pixel is seen. **NaN** and infinity are not counted; NaN is
/// background.
/// **Cost**: four passes over the image; of memory the mask and one histogram per thread. The level
/// needs the whole image, so there are no tiles.
/// **Errors**: more than one channel; a parameter outside its range.
///
/// A mask that comes out as before spares the steps below from running.
///
/// **Source**: the segmentation of cells by texture in `pyama`, on the logarithm of the local
/// deviation (see `log_std`); `numpy.histogram` and `numpy.std` 2.4, equal.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::segment::ModeThreshold;
///
/// let image = Image::from_samples(6, 2, 1, vec![
///     10u8, 11, 10, 12, 11, 10,
///     11,   10, 60, 90, 11, 11,
/// ])?;
/// let out = ModeThreshold::default().run(In::new(image), &Context::default())?;
/// assert_eq!(out.bytes(), [
///     0, 0, 0, 0, 0, 0,
///     0, 0, 1, 1, 0, 0,
/// ]);
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ModeThreshold {
    /// The bins of the histogram whose fullest is looked for. 2 to 65536, a count without a unit,
    /// default 200.
    #[schemars(range(min = *BINS.start(), max = *BINS.end()))]
    pub bins: u32,
    /// How many standard deviations above the background an object is. 0 to 1000 σ, default 3.
    #[schemars(
        range(min = *DEVIATIONS.start(), max = *DEVIATIONS.end()),
        extend("x-unit" = "sigma")
    )]
    pub deviations: f32,
}

impl Default for ModeThreshold {
    fn default() -> Self {
        Self { bins: 200, deviations: 3.0 }
    }
}

impl ModeThreshold {
    /// The level above which samples are foreground; none if there is no spread.
    fn level<T: Digits>(&self, image: &Image, ctx: &Context<'_>) -> Result<Option<f64>> {
        let extremes = |row: &[T]| T::extremes(row).map(|(a, b)| (a.to_f32(), b.to_f32()));
        let limits = statistics::limits(image, ctx, extremes)?;
        let Some((low, high)) = limits.filter(|(low, high)| low < high) else { return Ok(None) };
        let (plane, size) = (image.view().typed::<T>()?, size(image.layout()));
        let bins = RoundedBins::new(low, high, self.bins);
        let counts = passes::counts(size, bins.len(), ctx, |rows, counts| {
            let rows = rows.filter_map(|y| u32::try_from(y).ok());
            rows.for_each(|y| bins.count(&floats(plane, y), counts));
        })?;
        let most = counts.iter().max();
        let fullest = counts.iter().position(|count| Some(count) == most).unwrap_or(0);
        let mode = bins.middle(fullest);
        let sums = passes::each_row(size, ctx, |y| sums_below(&floats(plane, y), low, mode))?;
        let [count, sum, squares] = sums.into_iter().fold([0.0; 3], |total, sums| {
            [total[0] + sums[0], total[1] + sums[1], total[2] + sums[2]]
        });
        let mean = sum / count;
        let deviation = (squares / count - mean * mean).max(0.0).sqrt();
        Ok(Some(f64::from(mode) + f64::from(self.deviations) * deviation))
    }
}

/// A row as floats.
fn floats<T: Sample>(plane: Plane<'_, T>, y: u32) -> Cow<'_, [f32]> {
    let row = plane.row(y);
    if T::TYPE == SampleType::F32 {
        Cow::Borrowed(cast_slice(row))
    } else {
        Cow::Owned(row.iter().map(|sample| sample.to_f32()).collect())
    }
}

impl Step for ModeThreshold {
    const NAME: &'static str = "mode_threshold";
    type Input = In<Image>;
    type Output = Mask;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Mask> {
        check::within("bins", self.bins, &BINS, "")?;
        check::within("deviations", self.deviations, &DEVIATIONS, "")?;
        check::single_channel(image.layout())?;
        let level = dispatch!(image.sample_type(), T => self.level::<T>(&image, ctx))?;
        level::above(image, level, ctx)
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}
