//! Foreground by a level that the image itself gives.

use std::sync::{Mutex, PoisonError};

use pipeline_core::data::Raster;
use pipeline_core::step::CutOff;
use pipeline_core::{Context, Image, In, Mask, Result, Spec, Step, dispatch, tile};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check;
use crate::kernel::{Histogram, otsu};
use crate::point::Threshold;

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
/// chunk. The level needs the whole image, so there are no tiles.
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
        dispatch!(image.sample_type(), T => level::<T>(image, ctx))
    }
}

/// Samples that one chunk counts: the counts of 16-bit samples are added up seldom enough.
const CHUNK: usize = 1 << 17;

#[expect(clippy::cast_possible_truncation, reason = "a level has no more digits than a sample")]
fn level<T: Histogram>(image: &Image, ctx: &Context<'_>) -> Result<Option<f32>> {
    let view = image.view().typed::<T>()?;
    let (width, height) = (image.width() as usize, image.height() as usize);
    let grain = (CHUNK / width).max(1);
    let samples = |range: std::ops::Range<usize>| {
        range.filter_map(|y| u32::try_from(y).ok()).map(|y| view.row(y))
    };

    let limits = Mutex::new(None);
    ctx.rows(height, grain, |range| {
        let found = samples(range).filter_map(T::range).reduce(widest);
        let mut limits = limits.lock().unwrap_or_else(PoisonError::into_inner);
        *limits = limits.into_iter().chain(found).reduce(widest);
        Ok(())
    })?;
    let Some((low, high)) = limits.into_inner().unwrap_or_else(PoisonError::into_inner) else {
        return Ok(None);
    };

    // Counts are integers, so the order in which chunks are added does not matter.
    let bins = T::bins(low, high);
    let total = Mutex::new(vec![0u64; bins.len]);
    ctx.rows(height, grain, |range| {
        let mut counts = vec![0; bins.len];
        samples(range).for_each(|row| T::count(row, &bins, &mut counts));
        let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
        total.iter_mut().zip(counts).for_each(|(total, count)| *total += count);
        Ok(())
    })?;
    let total = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(otsu(&total, |bin| bins.value(bin)).map(|bin| bins.value(bin) as f32))
}

fn widest(a: (f32, f32), b: (f32, f32)) -> (f32, f32) {
    (a.0.min(b.0), a.1.max(b.1))
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
