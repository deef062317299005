//! Numbers that describe a whole image: its histogram and its percentiles.
//!
//! Rows are counted in parallel. Counts are integers, so the order in which they are added up does
//! not matter. Alpha is never counted, and neither are NaN and infinity, nor colours that nobody
//! sees.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use pipeline_core::data::{Plane, Raster};
use pipeline_core::{Context, Image, Result, Sample, dispatch};

use crate::check::size;
use crate::kernel::{Bins, Count, Digits, Pixel, between, colors, place_of};
use crate::passes;

/// How often each value occurs.
#[derive(Debug)]
pub(crate) struct Histogram {
    pub(crate) bins: Bins,
    /// One count for each bin.
    pub(crate) counts: Vec<u64>,
}

impl Histogram {
    /// The value that bin `index` stands for, as a sample can have it.
    #[expect(clippy::cast_possible_truncation, reason = "a value has no more digits than a sample")]
    pub(crate) fn value(&self, index: usize) -> f32 {
        self.bins.value(index) as f32
    }
}

/// The histogram of all samples; none if no sample is finite.
///
/// Integers have one bin per value of their type; floats have 256 bins between their smallest and
/// largest finite sample.
pub(crate) fn histogram(image: &Image, ctx: &Context<'_>) -> Result<Option<Histogram>> {
    dispatch!(image.sample_type(), T => histogram_of::<T>(image, ctx))
}

fn histogram_of<T: Count>(image: &Image, ctx: &Context<'_>) -> Result<Option<Histogram>> {
    let Some((low, high)) = limits(image, ctx, T::range)? else {
        return Ok(None);
    };
    let bins = T::bins(low, high);
    let count = |samples: &[T], counts: &mut [u64]| T::count(samples, &bins, counts);
    let counts = tally(image, bins.len, ctx, count)?;
    Ok(Some(Histogram { bins, counts }))
}

/// The smallest and the largest of all that `range` gives for the samples of a row.
pub(crate) fn limits<T: Sample>(
    image: &Image,
    ctx: &Context<'_>,
    range: impl Fn(&[T]) -> Option<(f32, f32)> + Sync,
) -> Result<Option<(f32, f32)>> {
    let rows = Colors::<T>::of(image)?;
    widest((image.width(), image.height()), ctx, |y| range(&rows.row(y)))
}

/// The smallest and the largest of all that `range` gives for a row.
pub(crate) fn widest(
    (width, height): (u32, u32),
    ctx: &Context<'_>,
    range: impl Fn(u32) -> Option<(f32, f32)> + Sync,
) -> Result<Option<(f32, f32)>> {
    let both = |a: (f32, f32), b: (f32, f32)| (a.0.min(b.0), a.1.max(b.1));
    let limits = Mutex::new(None);
    ctx.rows(height as usize, passes::grain(width), |rows| {
        let rows = rows.filter_map(|y| u32::try_from(y).ok());
        let found = rows.filter_map(&range).reduce(both);
        let mut limits = limits.lock().unwrap_or_else(PoisonError::into_inner);
        *limits = limits.into_iter().chain(found).reduce(both);
        Ok(())
    })?;
    Ok(limits.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// The samples below which shares of all lie, each share from 0 to 1; none if no sample is finite.
///
/// Between two samples it is interpolated, as `numpy.percentile` does.
pub(crate) fn quantiles<const N: usize>(
    image: &Image,
    shares: [f64; N],
    ctx: &Context<'_>,
) -> Result<Option<[f64; N]>> {
    dispatch!(image.sample_type(), T => quantiles_of::<T, N>(image, shares, ctx))
}

/// The ends are found by comparing. Samples between them are found by counting the first digits of
/// all, then the second digits of those that begin as the ones that are looked for.
fn quantiles_of<T: Digits, const N: usize>(
    image: &Image,
    shares: [f64; N],
    ctx: &Context<'_>,
) -> Result<Option<[f64; N]>> {
    if shares.iter().all(|&share| share == 0.0 || share == 1.0) {
        let range = |row: &[T]| T::extremes(row).map(|(a, b)| (a.to_f32(), b.to_f32()));
        let found = limits(image, ctx, range)?.map(|(low, high)| {
            // A zero has no sign, as between two samples.
            shares.map(|share| f64::from(if share == 0.0 { low } else { high }) + 0.0)
        });
        return Ok(found);
    }
    let firsts = tally(image, T::FIRST, ctx, |samples: &[T], counts| {
        samples.iter().filter_map(|sample| sample.digits()).for_each(|(at, _)| counts[at] += 1);
    })?;
    let total: u64 = firsts.iter().sum();
    if total == 0 {
        return Ok(None);
    }
    let mut seconds: Vec<(usize, Vec<u64>)> = Vec::new();
    let mut sample_of = |rank: u64| -> Result<f64> {
        let (first, rank) = place_of(&firsts, rank);
        if T::SECOND == 1 {
            return Ok(f64::from(T::from_digits(first, 0).to_f32()));
        }
        let known = seconds.iter().position(|&(digit, _)| digit == first);
        let known = if let Some(known) = known {
            known
        } else {
            let counts = tally(image, T::SECOND, ctx, |samples: &[T], counts| {
                let digits = samples.iter().filter_map(|sample| sample.digits());
                digits.filter(|&(at, _)| at == first).for_each(|(_, at)| counts[at] += 1);
            })?;
            seconds.push((first, counts));
            seconds.len() - 1
        };
        let (second, _) = place_of(&seconds[known].1, rank);
        Ok(f64::from(T::from_digits(first, second).to_f32()))
    };
    let mut found = [0.0; N];
    for (found, share) in found.iter_mut().zip(shares) {
        let (low, high, part) = ranks(share, total);
        *found = between(sample_of(low)?, sample_of(high)?, part);
    }
    Ok(Some(found))
}

/// The ranks between which a share of `total` samples lies, and how far from the first.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share is from 0 to 1, and images have fewer samples than floats have integers"
)]
fn ranks(share: f64, total: u64) -> (u64, u64, f64) {
    let place = share * (total - 1) as f64;
    let low = place.floor() as u64;
    (low, (low + 1).min(total - 1), place.fract())
}

/// Adds up what `count` counts in every row, in tables of `len` counts.
fn tally<T: Sample>(
    image: &Image,
    len: usize,
    ctx: &Context<'_>,
    count: impl Fn(&[T], &mut [u64]) + Sync,
) -> Result<Vec<u64>> {
    let rows = Colors::<T>::of(image)?;
    passes::counts(size(image.layout()), len, ctx, |range, counts| {
        rows.each(range, |row| count(row, counts));
    })
}

/// The rows of an image without their alpha and what is not seen.
struct Colors<'a, T> {
    plane: Plane<'a, T>,
    pixel: Pixel,
}

impl<'a, T: Sample> Colors<'a, T> {
    fn of(image: &'a Image) -> Result<Self> {
        let layout = image.layout();
        let pixel = Pixel { channels: usize::from(layout.channels), alpha: layout.has_alpha() };
        Ok(Self { plane: image.view().typed::<T>()?, pixel })
    }

    fn each(&self, rows: Range<usize>, mut body: impl FnMut(&[T])) {
        let rows = rows.filter_map(|y| u32::try_from(y).ok());
        rows.for_each(|y| body(&self.row(y)));
    }

    fn row(&self, y: u32) -> Cow<'_, [T]> {
        colors(self.plane.row(y), self.pixel)
    }
}
