//! The mean over a square window: running sums for integers, fresh sums for floats.
//!
//! Integer sums are exact, so they may be carried along rows and columns without the result
//! depending on where they began. Float sums are not, so each is taken afresh in a fixed order.

use bytemuck::Pod;
use pipeline_core::Sample;

use super::convolve;

/// A sample type and how its box means are summed.
pub(crate) trait BoxMean: Sample {
    /// The sum of one column of a window.
    type Sum: Pod + Default;

    /// Sums each column of the rows of a window. Where `leaving` is given, `sums` are those of the
    /// window one row above, of which it was the first row.
    fn columns(rows: &[&[Self]], leaving: Option<&[Self]>, sums: &mut [Self::Sum]);

    /// The sum of a column of `size` equal samples.
    fn column_of(self, size: u32) -> Self::Sum;

    /// Fills `out` with the means of `size` × `size` windows from padded column sums.
    fn means(padded: &[Self::Sum], size: u32, channels: usize, out: &mut [Self]);
}

macro_rules! integer {
    ($($sample:ty),*) => {
        $(impl BoxMean for $sample {
            type Sum = u32;

            fn columns(rows: &[&[Self]], leaving: Option<&[Self]>, sums: &mut [u32]) {
                let Some(leaving) = leaving else {
                    sums.fill(0);
                    for row in rows {
                        sums.iter_mut().zip(*row).for_each(|(sum, &v)| *sum += u32::from(v));
                    }
                    return;
                };
                let entering = rows[rows.len() - 1];
                for ((sum, &enters), &leaves) in sums.iter_mut().zip(entering).zip(leaving) {
                    *sum = *sum + u32::from(enters) - u32::from(leaves);
                }
            }

            fn column_of(self, size: u32) -> u32 {
                u32::from(self) * size
            }

            fn means(padded: &[u32], size: u32, channels: usize, out: &mut [Self]) {
                let window = size as usize * channels;
                let scale = 1.0 / (f64::from(size) * f64::from(size));
                for channel in 0..channels {
                    let first = padded[channel..window].iter().step_by(channels);
                    let mut sum: u64 = first.map(|&sum| u64::from(sum)).sum();
                    let mut at = channel;
                    while at < out.len() {
                        // The number of samples is odd, so no mean lies halfway between two
                        // integers and adding a half rounds as `Sample::from_f32` would.
                        out[at] = (sum as f64 * scale + 0.5) as Self;
                        if at + window < padded.len() {
                            sum = sum + u64::from(padded[at + window]) - u64::from(padded[at]);
                        }
                        at += channels;
                    }
                }
            }
        })*
    };
}

integer!(u8, u16);

impl BoxMean for f32 {
    type Sum = Self;

    fn columns(rows: &[&[Self]], _: Option<&[Self]>, sums: &mut [Self]) {
        convolve::vertical(rows, &vec![1.0; rows.len()], sums);
    }

    fn column_of(self, size: u32) -> Self {
        self * size as Self
    }

    fn means(padded: &[Self], size: u32, channels: usize, out: &mut [Self]) {
        convolve::horizontal(padded, &vec![1.0; size as usize], channels, out);
        let area = size as Self * size as Self;
        out.iter_mut().for_each(|mean| *mean /= area);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_sums_equal_fresh_ones() {
        let rows: [&[u16]; 4] = [&[9, 0, 65535], &[1, 2, 3], &[65535, 5, 7], &[8, 8, 8]];
        let (mut running, mut fresh) = ([0; 3], [0; 3]);
        u16::columns(&rows[..3], None, &mut running);
        u16::columns(&rows[1..], Some(rows[0]), &mut running);
        u16::columns(&rows[1..], None, &mut fresh);
        assert_eq!(running, fresh);
    }

    #[test]
    fn means_round_to_the_nearest() {
        let mut out = [0u8; 2];
        u8::means(&[3, 1, 0, 10], 3, 1, &mut out);
        assert_eq!(out, [0, 1], "4/9 and 11/9");
        u8::means(&[255 * 3, 255 * 3, 255 * 3, 255 * 3], 3, 1, &mut out);
        assert_eq!(out, [255, 255]);
    }
}
