//! Sums of squared differences of two rows.
//!
//! Those of integers are exact, so they are taken in any order. Those of floats are taken from left
//! to right, and as each waits for the one before it, some rows are summed side by side.

use pipeline_core::Sample;

use super::vector::widest;

/// A sample type and how its differences are summed.
pub(crate) trait Squares: Sample {
    /// Rows that are summed side by side.
    const TOGETHER: usize;

    /// Fills `sums` with the sum of squared differences of each pair of rows of the same length, of
    /// which there are at most [`TOGETHER`](Self::TOGETHER).
    fn squares(rows: &[(&[Self], &[Self])], sums: &mut [f64]);
}

/// Squares of bytes whose sum 32 bits hold.
const FEW: usize = 1 << 16;

impl Squares for u8 {
    const TOGETHER: usize = 1;

    fn squares(rows: &[(&[Self], &[Self])], sums: &mut [f64]) {
        for (sum, (a, b)) in sums.iter_mut().zip(rows) {
            let parts = a.chunks(FEW).zip(b.chunks(FEW)).map(|(a, b)| {
                widest(
                    #[inline(always)]
                    || {
                        let differences = a.iter().zip(b).map(|(&a, &b)| u32::from(a.abs_diff(b)));
                        differences.map(|difference| difference * difference).sum::<u32>()
                    },
                )
            });
            *sum = parts.map(u64::from).sum::<u64>() as f64;
        }
    }
}

impl Squares for u16 {
    const TOGETHER: usize = 1;

    fn squares(rows: &[(&[Self], &[Self])], sums: &mut [f64]) {
        for (sum, (a, b)) in sums.iter_mut().zip(rows) {
            let total = widest(
                #[inline(always)]
                || {
                    let differences = a.iter().zip(*b).map(|(&a, &b)| u32::from(a.abs_diff(b)));
                    differences.map(|difference| u64::from(difference * difference)).sum::<u64>()
                },
            );
            *sum = total as f64;
        }
    }
}

/// Columns of floats whose squares are made before they are summed.
const PART: usize = 128;

impl Squares for f32 {
    const TOGETHER: usize = 8;

    fn squares(rows: &[(&[Self], &[Self])], sums: &mut [f64]) {
        let mut squares = [[0.0; PART]; Self::TOGETHER];
        let mut totals = [0.0; Self::TOGETHER];
        let len = rows.iter().map(|(a, _)| a.len()).max().unwrap_or(0);
        for start in (0..len).step_by(PART) {
            let end = len.min(start + PART);
            widest(
                #[inline(always)]
                || {
                    for (squares, (a, b)) in squares.iter_mut().zip(rows) {
                        let pairs = a[start..end].iter().zip(&b[start..end]);
                        for (square, (&a, &b)) in squares.iter_mut().zip(pairs) {
                            let difference = f64::from(a) - f64::from(b);
                            *square = difference * difference;
                        }
                    }
                },
            );
            for column in 0..end - start {
                for (total, squares) in totals.iter_mut().zip(&squares) {
                    *total += squares[column];
                }
            }
        }
        sums.iter_mut().zip(totals).for_each(|(sum, total)| *sum = total);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T: Squares>(sample: impl Fn(u32) -> T, len: u32) {
        let row = |first: u32| (first..first + len).map(&sample).collect::<Vec<T>>();
        let rows: Vec<_> = (0..T::TOGETHER as u32).map(|n| (row(n * 77), row(n * 5 + 3))).collect();
        let pairs: Vec<_> = rows.iter().map(|(a, b)| (&a[..], &b[..])).collect();
        for count in 1..=pairs.len() {
            let mut sums = vec![7.0; count];
            T::squares(&pairs[..count], &mut sums);
            let expected = pairs[..count].iter().map(|(a, b)| {
                let pairs = a.iter().zip(*b);
                let differences = pairs.map(|(a, b)| f64::from(a.to_f32()) - f64::from(b.to_f32()));
                differences.map(|difference| difference * difference).sum::<f64>().abs()
            });
            assert_eq!(sums, expected.collect::<Vec<_>>());
        }
    }

    #[test]
    fn rows_sum_as_one_sample_after_the_other_does() {
        for len in [0, 1, 7, 127, 128, 1000] {
            check(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8, len);
            check(|n| (n.wrapping_mul(2_654_435_761) >> 16) as u16, len);
            check(|n| n.wrapping_mul(2_654_435_761) as f32 / 3.0, len);
        }
    }

    #[test]
    fn the_largest_differences_do_not_overflow() {
        let mut sums = [0.0];
        u8::squares(&[(&vec![255; 200_000], &vec![0; 200_000])], &mut sums);
        assert_eq!(sums, [65_025.0 * 200_000.0]);
        u16::squares(&[(&vec![0; 200_000], &vec![65_535; 200_000])], &mut sums);
        assert_eq!(sums, [65_535.0 * 65_535.0 * 200_000.0]);
    }
}
