//! Mean and standard deviation over square windows: running sums for integers, fresh sums for
//! floats and for what counts by its alpha.
//!
//! Integer sums are exact, so they may be carried along rows and columns without the result
//! depending on where they began. Float sums are not, so each is taken afresh in a fixed order, and
//! in 64 bits, because a variance is a small difference of large numbers.

use bytemuck::Pod;
use pipeline_core::Sample;

use super::alpha::is_seen;
use super::box_floats::row_sums;
use super::vector::widest;

/// The sum of some samples and the sum of their squares.
pub(crate) type Sums<S> = [S; 2];

/// A sample type and how the sums of a window are taken.
pub(crate) trait Moments: Sample {
    /// A sum of samples, or of their squares.
    type Sum: Pod + Default;

    /// Sums each column of the rows of a window. Where `leaving` is given, `sums` are those of the
    /// window one row above, of which it was the first row.
    fn columns(rows: &[&[Self]], leaving: Option<&[Self]>, sums: &mut [Sums<Self::Sum>]);

    /// The sums of a column of `size` equal samples.
    fn column_of(self, size: u32) -> Sums<Self::Sum>;

    /// Fills `out` with the sums of `size` × `size` windows from padded column sums, which may be
    /// overwritten.
    fn windows(
        padded: &mut [Sums<Self::Sum>],
        size: u32,
        channels: usize,
        out: &mut [Sums<Self::Sum>],
    );

    /// The mean of `count` samples of these sums, and their standard deviation.
    fn moments(sums: Sums<Self::Sum>, count: u64) -> (f64, f64);
}

macro_rules! integer {
    ($($sample:ty),*) => {
        $(impl Moments for $sample {
            type Sum = u64;

            fn columns(rows: &[&[Self]], leaving: Option<&[Self]>, sums: &mut [Sums<u64>]) {
                let Some(leaving) = leaving else {
                    sums.fill([0, 0]);
                    for row in rows {
                        for ([sum, squares], &sample) in sums.iter_mut().zip(*row) {
                            *sum += u64::from(sample);
                            *squares += square(sample.into());
                        }
                    }
                    return;
                };
                let entering = rows[rows.len() - 1].iter().zip(leaving);
                for ([sum, squares], (&enters, &leaves)) in sums.iter_mut().zip(entering) {
                    *sum = *sum + u64::from(enters) - u64::from(leaves);
                    *squares = *squares + square(enters.into()) - square(leaves.into());
                }
            }

            fn column_of(self, size: u32) -> Sums<u64> {
                [u64::from(self) * u64::from(size), square(self.into()) * u64::from(size)]
            }

            fn windows(
                padded: &mut [Sums<u64>],
                size: u32,
                channels: usize,
                out: &mut [Sums<u64>],
            ) {
                let window = size as usize * channels;
                for channel in 0..channels {
                    let (mut sum, mut squares) = (0, 0);
                    for sums in padded[channel..window].iter().step_by(channels) {
                        sum += sums[0];
                        squares += sums[1];
                    }
                    let mut at = channel;
                    while at < out.len() {
                        out[at] = [sum, squares];
                        if at + window < padded.len() {
                            let (enters, leaves) = (padded[at + window], padded[at]);
                            sum = sum + enters[0] - leaves[0];
                            squares = squares + enters[1] - leaves[1];
                        }
                        at += channels;
                    }
                }
            }

            fn moments([sum, squares]: Sums<u64>, count: u64) -> (f64, f64) {
                let deviation = spread(count, sum, squares).sqrt() * (1.0 / count as f64);
                (sum as f64 / count as f64, deviation)
            }
        })*
    };
}

integer!(u8, u16);

fn square(sample: u32) -> u64 {
    u64::from(sample) * u64::from(sample)
}

/// `count · Σ v² - (Σ v)²`, which is `count²` times the variance.
fn spread(count: u64, sum: u64, squares: u64) -> f64 {
    match (count.checked_mul(squares), sum.checked_mul(sum)) {
        (Some(total), Some(shared)) => (total - shared) as f64,
        _ => (u128::from(count) * u128::from(squares) - u128::from(sum) * u128::from(sum)) as f64,
    }
}

impl Moments for f32 {
    type Sum = f64;
    fn columns(rows: &[&[Self]], _: Option<&[Self]>, sums: &mut [Sums<f64>]) {
        widest(
            #[inline(always)]
            || {
                sums.fill([0.0, 0.0]);
                for row in rows {
                    for ([sum, squares], &sample) in sums.iter_mut().zip(*row) {
                        let sample = f64::from(sample);
                        *sum += sample;
                        *squares += sample * sample;
                    }
                }
            },
        );
    }

    fn column_of(self, size: u32) -> Sums<f64> {
        let (sample, size) = (f64::from(self), f64::from(size));
        [sample * size, sample * sample * size]
    }

    fn windows(padded: &mut [Sums<f64>], size: u32, channels: usize, out: &mut [Sums<f64>]) {
        let (padded, out) = (padded.as_flattened_mut(), out.as_flattened_mut());
        widest(
            #[inline(always)]
            || row_sums(padded, size as usize, 2 * channels, out),
        );
    }

    fn moments(sums: Sums<f64>, count: u64) -> (f64, f64) {
        weighted_moments(sums, count as f64)
    }
}

/// The mean of what weighs `total` together, and its standard deviation.
fn weighted_moments([sum, squares]: Sums<f64>, total: f64) -> (f64, f64) {
    let mean = sum / total;
    let variance = squares / total - mean * mean;
    // Rounding may take it below 0; NaN must stay.
    (mean, if variance < 0.0 { 0.0 } else { variance.sqrt() })
}

/// Sums each column of the rows of a window, of an image with alpha: colours count by it, and its
/// own sum stands in its place. Products of integers are exact.
pub(crate) fn seen_columns<T: Sample>(rows: &[&[T]], channels: usize, sums: &mut [Sums<f64>]) {
    sums.fill([0.0, 0.0]);
    for row in rows {
        for (sums, pixel) in sums.chunks_exact_mut(channels).zip(row.chunks_exact(channels)) {
            let alpha = pixel[channels - 1];
            if !is_seen(alpha) {
                continue;
            }
            let alpha = f64::from(alpha.to_f32());
            for ([sum, squares], sample) in sums.iter_mut().zip(&pixel[..channels - 1]) {
                let sample = f64::from(sample.to_f32());
                *sum += alpha * sample;
                *squares += alpha * sample * sample;
            }
            sums[channels - 1][0] += alpha;
        }
    }
}

/// Fills `out` with the deviations of the colours of windows of such sums; 0 where nothing is seen.
pub(crate) fn seen_deviations(sums: &[Sums<f64>], channels: usize, out: &mut [f32]) {
    for (out, sums) in out.chunks_exact_mut(channels).zip(sums.chunks_exact(channels)) {
        let [total, _] = sums[channels - 1];
        for (out, &sums) in out.iter_mut().zip(&sums[..channels - 1]) {
            *out = if total == 0.0 { 0.0 } else { weighted_moments(sums, total).1 as f32 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_sums_equal_fresh_ones() {
        let rows: [&[u16]; 4] = [&[9, 0, 65535], &[1, 2, 3], &[65535, 5, 7], &[8, 8, 8]];
        let (mut running, mut fresh) = ([[0; 2]; 3], [[0; 2]; 3]);
        u16::columns(&rows[..3], None, &mut running);
        u16::columns(&rows[1..], Some(rows[0]), &mut running);
        u16::columns(&rows[1..], None, &mut fresh);
        assert_eq!(running, fresh);
    }

    #[test]
    fn windows_of_integers_and_floats_agree() {
        let mut padded: Vec<Sums<u64>> = (0..18).map(|n| [n * 7 % 11, n * n % 13]).collect();
        let mut floats: Vec<Sums<f64>> =
            padded.iter().map(|sums| sums.map(|sum| sum as f64)).collect();
        let (mut whole, mut fresh) = ([[0; 2]; 10], [[0.0; 2]; 10]);
        u8::windows(&mut padded, 5, 2, &mut whole);
        f32::windows(&mut floats, 5, 2, &mut fresh);
        assert_eq!(whole.map(|sums| sums.map(|sum| sum as f64)), fresh);
    }

    #[test]
    fn colours_count_by_their_alpha() {
        // The middle one is not seen, and the last three times as much as the first.
        let pixels: [&[u8]; 3] = [&[10, 40], &[255, 0], &[20, 120]];
        let (mut sums, mut out) = ([[7.0; 2]; 2], [7.0f32; 2]);
        seen_columns(&pixels, 2, &mut sums);
        assert_eq!(sums, [[2800.0, 52_000.0], [160.0, 0.0]]);
        seen_deviations(&sums, 2, &mut out);
        assert!((out[0] - 18.75f32.sqrt()).abs() < 1e-5, "{out:?}");
        seen_columns(&pixels[1..2], 2, &mut sums);
        seen_deviations(&sums, 2, &mut out);
        assert_eq!(out[0], 0.0);
    }

    #[test]
    fn the_largest_window_of_the_largest_samples_does_not_overflow() {
        let size = 2 * 4096 + 1;
        let count = u64::from(size) * u64::from(size);
        let mut padded = vec![u16::MAX.column_of(size); size as usize];
        let mut out = [[7; 2]];
        u16::windows(&mut padded, size, 1, &mut out);
        assert_eq!(u16::moments(out[0], count), (65535.0, 0.0));
        // Half black, half white.
        padded[..4096].fill(0u16.column_of(size));
        u16::windows(&mut padded, size, 1, &mut out);
        let (_, deviation) = u16::moments(out[0], count);
        assert!((deviation - 32_767.5).abs() < 0.01, "{deviation}");
    }
}
