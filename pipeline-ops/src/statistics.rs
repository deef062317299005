//! Numbers that describe a whole image: its histogram and its percentiles.
//!
//! Rows are counted in parallel. Counts are integers, so the order in which they are added up does
//! not matter. Alpha is never counted, and neither are NaN and infinity, nor colours that nobody sees.

use std::sync::{Mutex, PoisonError};

use pipeline_core::data::Raster;
use pipeline_core::{Context, Image, Result, Sample, dispatch};

use crate::kernel::{Bins, Count, Digits, Pixel, between, colors, place_of};

/// Samples that one chunk counts: the counts of 16-bit samples are added up seldom enough.
const CHUNK: usize = 1 << 17;

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
    let Some((low, high)) = limits::<T>(image, ctx)? else {
        return Ok(None);
    };
    let bins = T::bins(low, high);
    let count = |samples: &[T], counts: &mut [u64]| T::count(samples, &bins, counts);
    let counts = tally(image, bins.len, ctx, count)?;
    Ok(Some(Histogram { bins, counts }))
}

/// The smallest and the largest finite sample, as [`Count::range`] gives them.
pub(crate) fn limits<T: Count>(image: &Image, ctx: &Context<'_>) -> Result<Option<(f32, f32)>> {
    let widest = |a: (f32, f32), b: (f32, f32)| (a.0.min(b.0), a.1.max(b.1));
    let limits = Mutex::new(None);
    rows::<T>(image, ctx, |rows| {
        let found = rows.filter_map(|row| T::range(&row)).reduce(widest);
        let mut limits = limits.lock().unwrap_or_else(PoisonError::into_inner);
        *limits = limits.into_iter().chain(found).reduce(widest);
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

/// Samples are found by counting the first digits of all, then the second digits of those that
/// begin as the ones that are looked for.
fn quantiles_of<T: Digits, const N: usize>(
    image: &Image,
    shares: [f64; N],
    ctx: &Context<'_>,
) -> Result<Option<[f64; N]>> {
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
    let total = Mutex::new(vec![0u64; len]);
    rows::<T>(image, ctx, |rows| {
        let mut counts = vec![0; len];
        rows.for_each(|row| count(&row, &mut counts));
        let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
        total.iter_mut().zip(counts).for_each(|(total, count)| *total += count);
    })?;
    Ok(total.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Hands `body` the rows of one chunk after the other, without their alpha and what is not seen.
fn rows<T: Sample>(
    image: &Image,
    ctx: &Context<'_>,
    body: impl Fn(&mut dyn Iterator<Item = std::borrow::Cow<'_, [T]>>) + Sync,
) -> Result<()> {
    let layout = image.layout();
    let pixel = Pixel { channels: usize::from(layout.channels), alpha: layout.has_alpha() };
    let view = image.view().typed::<T>()?;
    let grain = (CHUNK / layout.row_len()).max(1);
    ctx.rows(layout.height as usize, grain, |range| {
        let rows = range.filter_map(|y| u32::try_from(y).ok()).map(|y| view.row(y));
        body(&mut rows.map(|row| colors(row, pixel)));
        Ok(())
    })
}
