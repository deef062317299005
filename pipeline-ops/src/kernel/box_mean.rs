//! The mean over a square window of integers, by running sums.
//!
//! Their sums are exact, so they may be carried along rows and columns without the result depending
//! on where they began.

use bytemuck::{Pod, cast_slice, cast_slice_mut};
use pipeline_core::Sample;

use super::parts::{Parts, each_part};
use super::runs::{Whole, each_run};
use super::vector::widest;

/// A sample type and how its box means are made of sums of type `Sum`.
pub(crate) trait BoxMean<Sum: Pod>: Sample {
    /// Sums each column of the rows of a window. Where `leaving` is given, `sums` are those of the
    /// window one row above, of which it was the first row.
    fn columns(rows: &[&[Self]], leaving: Option<&[Self]>, sums: &mut [Sum]);

    /// The sum of a column of `size` equal samples.
    fn column_of(self, size: u32) -> Sum;

    /// Fills `out` with the means of `size` × `size` windows from padded column sums, which are
    /// overwritten.
    fn means(padded: &mut [Sum], size: u32, channels: usize, out: &mut [Self]);
}

/// The largest window whose sums of 8-bit samples are held by 16 bits, which is half of the work.
pub(crate) const NARROW: u32 = 15;

/// The largest window whose means of 8-bit samples may be computed in 32-bit floats: they are wrong
/// by less than 4e-5, and at least `0.5 / size²` away from where they round the other way.
const EXACT: u32 = 99;

/// The same for 16-bit samples, wrong by less than 8e-3, whose sums floats hold without a loss.
const EXACT_WIDE: u32 = 7;

/// Added to a float that is far smaller, it leaves the nearest integer in the last bits of the sum.
/// The number of samples is odd, so that no mean lies halfway between two integers.
const NO_FRACTION: f64 = (1u64 << 52) as f64;

/// The same for 32-bit floats.
const NO_SHORT_FRACTION: f32 = (3u32 << 22) as f32;

macro_rules! integer {
    ($($sample:ty, $sum:ty);*) => {
        $(impl BoxMean<$sum> for $sample {
            fn columns(rows: &[&[Self]], leaving: Option<&[Self]>, sums: &mut [$sum]) {
                let Some(leaving) = leaving else {
                    sums.fill(0);
                    for row in rows {
                        widest(
                            #[inline(always)]
                            || sums.iter_mut().zip(*row).for_each(|(sum, &v)| *sum += <$sum>::from(v)),
                        );
                    }
                    return;
                };
                let entering = rows[rows.len() - 1];
                widest(
                    #[inline(always)]
                    || {
                        let pairs = entering.iter().zip(leaving);
                        for (sum, (&enters, &leaves)) in sums.iter_mut().zip(pairs) {
                            *sum = *sum + <$sum>::from(enters) - <$sum>::from(leaves);
                        }
                    },
                );
            }

            fn column_of(self, size: u32) -> $sum {
                <$sum>::from(self) * size as $sum
            }

            fn means(padded: &mut [$sum], size: u32, channels: usize, out: &mut [Self]) {
                if size_of::<$sum>() == 2 {
                    return narrow_means(cast_slice(padded), size, channels, cast_slice_mut(out));
                }
                let area = u64::from(size) * u64::from(size);
                if u32::try_from(area * u64::from(Self::MAX)).is_err() {
                    large_means(padded, size, channels, out);
                    return;
                }
                if Self::BITS == 16 && size <= EXACT_WIDE {
                    let scale = 1.0 / area as f32;
                    let mean = |sum: $sum| nearest(u32::from(sum), scale) as Self;
                    means_of_few(padded, size, channels, out, mean);
                } else if Self::BITS == 8 && size <= EXACT {
                    let scale = 1.0 / area as f32;
                    let mean = |sum: $sum| Self::from_f32(u32::from(sum) as i32 as f32 * scale);
                    each_run(padded, size as usize, channels, out, mean);
                } else {
                    let scale = 1.0 / area as f64;
                    let mean = |sum: $sum| (f64::from(sum) * scale + NO_FRACTION).to_bits() as Self;
                    each_run(padded, size as usize, channels, out, mean);
                }
            }
        })*
    };
}

integer!(u8, u16; u8, u32; u16, u32);

/// The nearest integer to a mean of at most [`EXACT_WIDE`] squared 16-bit samples.
#[inline(always)]
fn nearest(sum: u32, scale: f32) -> u16 {
    (sum as i32 as f32 * scale + NO_SHORT_FRACTION).to_bits() as u16
}

/// Means of windows of at most [`NARROW`] pixels: everything stays in 16 bits.
fn narrow_means(padded: &[u16], size: u32, channels: usize, out: &mut [u8]) {
    if size == 1 {
        out.iter_mut().zip(padded).for_each(|(out, &sum)| *out = sum as u8);
        return;
    }
    let division = Division::by(size * size);
    means_of_few(padded, size, channels, out, |sum| division.of(sum));
}

/// Division of sums of bytes by their number, to the nearest integer.
#[derive(Debug, Clone, Copy)]
struct Division {
    half: u16,
    /// 2^(16 + shift) divided by the number, rounded up.
    factor: u16,
    shift: u32,
}

impl Division {
    /// Division by an odd number from 9 to 225.
    fn by(number: u32) -> Self {
        // The factor keeps all of its 16 bits.
        let shift = number.ilog2();
        let factor = (1u32 << (16 + shift)).div_ceil(number);
        Self { half: (number / 2) as u16, factor: factor as u16, shift }
    }

    /// The upper half of a product, which vectors have an instruction for.
    #[inline(always)]
    fn of(self, sum: u16) -> u8 {
        let product = u32::from(sum + self.half) * u32::from(self.factor);
        ((product >> 16) as u16 >> self.shift) as u8
    }
}

/// Fills `out` with `mean` of the sums of every `size` successive pixels, each summed by itself.
fn means_of_few<S: Whole, T: Sample>(
    padded: &[S],
    size: u32,
    channels: usize,
    out: &mut [T],
    mean: impl Fn(S) -> T,
) {
    let (len, size) = (out.len(), size as usize);
    let mut few = Few { padded, size, channels, mean, out };
    widest(
        #[inline(always)]
        || each_part::<T>(len, &mut few),
    );
}

/// The size stays a variable: where it was a constant, what became of the sums was no vector code.
struct Few<'a, S, T, F> {
    padded: &'a [S],
    size: usize,
    channels: usize,
    mean: F,
    out: &'a mut [T],
}

impl<S: Whole, T: Sample, F: Fn(S) -> T> Parts for Few<'_, S, T, F> {
    #[inline(always)]
    fn part<const LEN: usize>(&mut self, at: usize) {
        let mut sums = [S::default(); LEN];
        for column in 0..self.size {
            let columns = &self.padded[at + column * self.channels..][..LEN];
            for (sum, &column) in sums.iter_mut().zip(columns) {
                *sum = sum.plus(column);
            }
        }
        let mut means = [T::default(); LEN];
        means.iter_mut().zip(sums).for_each(|(mean, sum)| *mean = (self.mean)(sum));
        self.out[at..][..LEN].copy_from_slice(&means);
    }
}

/// Which samples are brighter than the mean of their window less an offset, decided in integers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AboveMean {
    size: u32,
    area: i32,
    /// What the sum of a window may be more than the sample times the area, by less than this.
    bound: i32,
}

/// What 64-bit floats lose at most of a mean and its distance from an offset: less than this.
const LOST: f64 = 1.0 / (1u64 << 35) as f64;

impl AboveMean {
    /// For samples up to `white`; none where 32 bits do not hold the sums, or where what 64-bit
    /// floats lose of a mean may decide.
    pub(crate) fn new(size: u32, offset: f32, white: u32) -> Option<Self> {
        let area = i32::try_from(size.checked_mul(size)?).ok()?;
        area.checked_mul(i32::try_from(white).ok()?)?;
        let bound = f64::from(offset) * f64::from(area);
        let away = (bound - bound.round()).abs();
        let is_decided = away == 0.0 || away > f64::from(area) * LOST;
        is_decided.then(|| Self { size, area, bound: bound.ceil() as i32 })
    }

    /// Fills `out` with whether each of `samples` is, from padded column sums, which are
    /// overwritten, as `sums` is with those of the windows.
    pub(crate) fn row<S: Whole + Into<u32>, T: Sample + Into<u32>>(
        self,
        padded: &mut [S],
        samples: &[T],
        sums: &mut [S],
        out: &mut [u8],
    ) {
        each_run(padded, self.size as usize, 1, sums, |sum| sum);
        widest(
            #[inline(always)]
            || {
                for ((out, &sample), &sum) in out.iter_mut().zip(samples).zip(&*sums) {
                    let (sample, sum): (u32, u32) = (sample.into(), sum.into());
                    *out = u8::from(sum as i32 - sample as i32 * self.area < self.bound);
                }
            },
        );
    }
}

/// Means of windows whose sums pass 32 bits.
fn large_means<S: Copy + Into<u64>, T: Sample>(
    padded: &[S],
    size: u32,
    channels: usize,
    out: &mut [T],
) {
    let window = size as usize * channels;
    let scale = 1.0 / (f64::from(size) * f64::from(size));
    for channel in 0..channels {
        let first = padded[channel..window].iter().step_by(channels);
        let mut sum: u64 = first.map(|&sum| sum.into()).sum();
        for at in (channel..out.len()).step_by(channels) {
            // Whole already, and 32 bits hold it.
            out[at] = T::from_f32((sum as f64 * scale + 0.5).floor() as f32);
            if at + window < padded.len() {
                sum = sum + padded[at + window].into() - padded[at].into();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_sums_equal_fresh_ones() {
        let rows: [&[u16]; 4] = [&[9, 0, 65535], &[1, 2, 3], &[65535, 5, 7], &[8, 8, 8]];
        let (mut running, mut fresh) = ([0u32; 3], [0u32; 3]);
        u16::columns(&rows[..3], None, &mut running);
        u16::columns(&rows[1..], Some(rows[0]), &mut running);
        u16::columns(&rows[1..], None, &mut fresh);
        assert_eq!(running, fresh);
    }

    #[test]
    fn means_round_to_the_nearest() {
        let mut out = [0u8; 2];
        u8::means(&mut [3u32, 1, 0, 10], 3, 1, &mut out);
        assert_eq!(out, [0, 1], "4/9 and 11/9");
        u8::means(&mut [255 * 3u32; 4], 3, 1, &mut out);
        assert_eq!(out, [255, 255]);
    }

    #[test]
    fn every_sum_of_bytes_is_divided_exactly() {
        for size in (3..=NARROW).step_by(2) {
            let area = size * size;
            let division = Division::by(area);
            for sum in 0..=area * 255 {
                let expected = (2 * sum + area) / (2 * area);
                assert_eq!(u32::from(division.of(sum as u16)), expected, "{sum} of {area}");
            }
        }
    }

    #[test]
    fn every_sum_of_some_wide_samples_is_divided_exactly() {
        for size in (1..=EXACT_WIDE).step_by(2) {
            let area = size * size;
            for sum in 0..=area * 65_535 {
                let expected = (2 * sum + area) / (2 * area);
                assert_eq!(u32::from(nearest(sum, 1.0 / area as f32)), expected, "{sum} of {area}");
            }
        }
    }

    #[test]
    fn samples_are_above_a_mean_as_in_floats() {
        for size in [1, 3, 5, 15] {
            let area = size * size;
            for offset in [0.0, 1.0, -1.0, 0.5, -7.25, 0.1, 1e-3, 300.0, -300.0, 1e30, -1e30] {
                let above = AboveMean::new(size, offset, 255).unwrap();
                for sample in (0..=255u8).step_by(5) {
                    // A window of one pixel is summed already.
                    let mut padded: Vec<u32> = (0..=area * 255).collect();
                    let samples = vec![sample; padded.len()];
                    let (mut sums, mut out) = (padded.clone(), vec![7; padded.len()]);
                    AboveMean { size: 1, ..above }.row(&mut padded, &samples, &mut sums, &mut out);
                    for (sum, out) in out.into_iter().enumerate() {
                        let level = sum as f64 / f64::from(area) - f64::from(offset);
                        assert_eq!(out == 1, f64::from(sample) > level, "{sum} of {area}");
                    }
                }
            }
        }
        assert!(AboveMean::new(3, 1e-30, 255).is_none(), "floats lose it");
        assert!(AboveMean::new(183, 0.0, 65_535).is_none());
        assert!(AboveMean::new(8193, 0.0, 255).is_none());
    }

    #[test]
    fn means_of_every_size_equal_exact_ones() {
        fn check<S, T>(size: u32, channels: usize, most: u32)
        where
            S: Pod + TryFrom<u32> + Into<u64>,
            T: BoxMean<S>,
        {
            let len = (size as usize + 69) * channels;
            let column = |at: usize| (at as u32).wrapping_mul(2_654_435_761) % (most * size + 1);
            let mut padded: Vec<S> =
                (0..len).map(|at| S::try_from(column(at)).ok().unwrap()).collect();
            let sums = padded.clone();
            let mut out = vec![T::default(); 70 * channels];
            T::means(&mut padded, size, channels, &mut out);
            let area = u64::from(size) * u64::from(size);
            for (at, &mean) in out.iter().enumerate() {
                let window = sums[at..].iter().step_by(channels).take(size as usize);
                let sum: u64 = window.map(|&sum| sum.into()).sum();
                let expected = (2 * sum + area) / (2 * area);
                assert_eq!(mean.to_f32() as u64, expected, "size {size}, {at}");
            }
        }
        for (size, channels) in
            [(1, 1), (3, 2), (5, 1), (7, 3), (9, 1), (15, 3), (15, 5), (99, 4), (101, 1), (301, 3)]
        {
            check::<u32, u8>(size, channels, 255);
            check::<u32, u16>(size, channels, 65_535);
            if size <= NARROW {
                check::<u16, u8>(size, channels, 255);
            }
        }
    }
}
