//! The image of half the width and half the height: the means of squares of 2 × 2 pixels.

use pipeline_core::Sample;

use super::vector::widest;

/// A sample type and the mean of four of its samples.
pub(crate) trait Halve: Sample {
    /// The mean of two columns: the bits that weighted sums with weights of a half have, those of
    /// the columns first.
    fn mean(left: [Self; 2], right: [Self; 2]) -> Self;
}

macro_rules! integer {
    ($($sample:ty, $sum:ty);*) => {
        $(impl Halve for $sample {
            #[inline(always)]
            fn mean(left: [Self; 2], right: [Self; 2]) -> Self {
                let column = |pair: [Self; 2]| <$sum>::from(pair[0]) + <$sum>::from(pair[1]);
                let sum = column(left) + column(right);
                // Half to even: what is halfway passes the next integer only where that is even.
                ((sum + 1 + (sum >> 2 & 1)) >> 2) as Self
            }
        })*
    };
}

integer!(u8, u16; u16, u32);

impl Halve for f32 {
    #[inline(always)]
    fn mean(left: [Self; 2], right: [Self; 2]) -> Self {
        let half = |[first, second]: [Self; 2]| (0.0 + 0.5 * first) + 0.5 * second;
        half([half(left), half(right)])
    }
}

/// Fills `out` with the means of 2 × 2 pixels of two rows.
pub(crate) fn halve<T: Halve>(rows: [&[T]; 2], channels: usize, out: &mut [T]) {
    widest(
        #[inline(always)]
        || match channels {
            // With a literal, the samples of a pixel become vector code.
            1 => means(rows, 1, out),
            2 => means(rows, 2, out),
            3 => means(rows, 3, out),
            4 => means(rows, 4, out),
            _ => means(rows, channels, out),
        },
    );
}

#[inline(always)]
fn means<T: Halve>(rows: [&[T]; 2], channels: usize, out: &mut [T]) {
    let [above, below] = rows.map(|row| row.chunks_exact(2 * channels));
    for ((out, above), below) in out.chunks_exact_mut(channels).zip(above).zip(below) {
        for left in 0..channels {
            let right = channels + left;
            out[left] = T::mean([above[left], below[left]], [above[right], below[right]]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::vector::every_width;
    use super::super::{MixedRow, Resampling, TapTable, nearest_row, vertical};
    use super::*;

    #[test]
    fn halves_have_the_bits_of_weighted_sums() {
        fn check<T: Halve>(sample: impl Fn(u32) -> T) {
            for (channels, width) in [(1, 1), (1, 300), (2, 7), (3, 50), (4, 33), (5, 9)] {
                let len = 2 * width * channels;
                let samples: Vec<T> =
                    (0..2 * len as u32).map(|n| sample(n.wrapping_mul(2_654_435_761))).collect();
                let rows = [&samples[..len], &samples[len..]];
                let (mut sums, mut mixed) = (vec![0.0; len], vec![0.0; len / 2]);
                let mut expected = vec![T::default(); len / 2];
                vertical(&rows, &[0.5, 0.5], &mut sums);
                let taps = TapTable::new(
                    Resampling::Area,
                    0..width as u32,
                    2 * width as u32,
                    width as u32,
                );
                let mut memory = vec![0.0; taps.memory(channels)];
                let row = MixedRow { sums: &sums, stored: 0, channels, is_finite: false };
                row.blend(&taps, &mut memory, &mut mixed);
                nearest_row(&mixed, &mut expected);
                let halves = every_width(
                    #[inline(always)]
                    || {
                        let mut out = vec![T::default(); len / 2];
                        means(rows, channels, &mut out);
                        out
                    },
                );
                for out in halves {
                    assert_eq!(
                        bytemuck::cast_slice::<T, u8>(&out),
                        bytemuck::cast_slice::<T, u8>(&expected)
                    );
                }
            }
        }
        check(|n| (n >> 13) as u8);
        check(|n| (n >> 30) as u8);
        check(|n| (n >> 13) as u16);
        check(|n| (n >> 13) as f32 - 250_000.0);
        check(|n| if n >> 29 == 0 { f32::INFINITY } else { -0.0 });
    }
}
