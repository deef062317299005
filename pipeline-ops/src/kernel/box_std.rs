//! The standard deviation over a square window: running sums for integers, fresh sums for floats.
//!
//! As for the mean, integer sums are exact and may be carried along, float sums are taken afresh in
//! a fixed order. Floats are summed in 64 bits, because the variance is a small difference of large
//! numbers.

use bytemuck::Pod;
use pipeline_core::Sample;

/// The sum of some samples and of their squares.
pub(crate) type Sums<S> = [S; 2];

/// A sample type and how deviations in boxes are summed.
pub(crate) trait BoxStd: Sample {
    /// The sum of some samples, or of their squares.
    type Sum: Pod + Default;

    /// Whether every window is summed from its beginning.
    const IS_FRESH: bool;

    /// Sums each column of the rows of a window. Where `leaving` is given, `sums` are those of the
    /// window one row above, of which it was the first row.
    fn columns(rows: &[&[Self]], leaving: Option<&[Self]>, sums: &mut [Sums<Self::Sum>]);

    /// The sums of a column of `size` equal samples.
    fn column_of(self, size: u32) -> Sums<Self::Sum>;

    /// Fills `out` with the deviations in `size` × `size` windows from padded column sums.
    fn deviations(padded: &[Sums<Self::Sum>], size: u32, channels: usize, out: &mut [f32]);
}

macro_rules! integer {
    ($($sample:ty),*) => {
        $(impl BoxStd for $sample {
            type Sum = u64;
            const IS_FRESH: bool = false;

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

            fn deviations(padded: &[Sums<u64>], size: u32, channels: usize, out: &mut [f32]) {
                let window = size as usize * channels;
                let count = u64::from(size) * u64::from(size);
                let scale = 1.0 / count as f64;
                for channel in 0..channels {
                    let (mut sum, mut squares) = (0, 0);
                    for sums in padded[channel..window].iter().step_by(channels) {
                        sum += sums[0];
                        squares += sums[1];
                    }
                    let mut at = channel;
                    while at < out.len() {
                        out[at] = (spread(count, sum, squares).sqrt() * scale) as f32;
                        if at + window < padded.len() {
                            let (enters, leaves) = (padded[at + window], padded[at]);
                            sum = sum + enters[0] - leaves[0];
                            squares = squares + enters[1] - leaves[1];
                        }
                        at += channels;
                    }
                }
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

impl BoxStd for f32 {
    type Sum = f64;
    const IS_FRESH: bool = true;

    fn columns(rows: &[&[Self]], _: Option<&[Self]>, sums: &mut [Sums<f64>]) {
        sums.fill([0.0, 0.0]);
        let len = sums.len();
        let (groups, rest) = rows.as_chunks::<TOGETHER>();
        for rows in groups {
            let [a, b, c, d] = rows.map(|row| &row[..len]);
            for (at, [sum, squares]) in sums.iter_mut().enumerate() {
                let [a, b, c, d] = [a[at], b[at], c[at], d[at]].map(f64::from);
                *sum += (a + b) + (c + d);
                *squares += (a * a + b * b) + (c * c + d * d);
            }
        }
        for row in rest {
            for ([sum, squares], &sample) in sums.iter_mut().zip(*row) {
                let sample = f64::from(sample);
                *sum += sample;
                *squares += sample * sample;
            }
        }
    }

    fn column_of(self, size: u32) -> Sums<f64> {
        let (sample, size) = (f64::from(self), f64::from(size));
        [sample * size, sample * sample * size]
    }

    fn deviations(padded: &[Sums<f64>], size: u32, channels: usize, out: &mut [f32]) {
        let (chunks, rest) = out.as_chunks_mut::<TOGETHER>();
        let whole = chunks.len() * TOGETHER;
        for (place, chunk) in chunks.iter_mut().enumerate() {
            *chunk = fresh(&padded[place * TOGETHER..], size, channels);
        }
        for (at, out) in rest.iter_mut().enumerate() {
            [*out] = fresh(&padded[whole + at..], size, channels);
        }
    }
}

/// Rows that are added, and windows that are summed, in one pass: one at a time would wait for its
/// own sums.
const TOGETHER: usize = 4;

/// The deviations of the first `N` windows of a padded row.
fn fresh<const N: usize>(padded: &[Sums<f64>], size: u32, channels: usize) -> [f32; N] {
    let mut windows = [[0.0, 0.0]; N];
    for tap in 0..size as usize {
        let columns = padded[tap * channels..].iter();
        for ([sum, squares], column) in windows.iter_mut().zip(columns) {
            *sum += column[0];
            *squares += column[1];
        }
    }
    let count = f64::from(size) * f64::from(size);
    windows.map(|[sum, squares]| {
        let mean = sum / count;
        let variance = squares / count - mean * mean;
        // Rounding may take it below 0; NaN must stay.
        if variance < 0.0 { 0.0 } else { variance.sqrt() as f32 }
    })
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
    fn the_largest_window_of_the_largest_samples_does_not_overflow() {
        let size = 2 * 4096 + 1;
        let mut padded = vec![u16::MAX.column_of(size); size as usize];
        let mut out = [7.0];
        u16::deviations(&padded, size, 1, &mut out);
        assert_eq!(out, [0.0]);
        // Half black, half white.
        padded[..4096].fill(0u16.column_of(size));
        u16::deviations(&padded, size, 1, &mut out);
        assert!((out[0] - 32_767.5).abs() < 0.01, "{out:?}");
    }
}
