//! Sums of squared differences of two rows.
//!
//! Those of integers are exact, so they are taken in any order. Those of floats have an order of
//! their own that depends on the place in the row alone.

use pipeline_core::Sample;

use super::vector::widest;

/// A sample type and how its differences are summed.
pub(crate) trait Squares: Sample {
    /// The sum of squared differences of two rows of the same length.
    fn squares(a: &[Self], b: &[Self]) -> f64;
}

/// Squares of bytes whose sum 32 bits hold.
const FEW: usize = 1 << 16;

impl Squares for u8 {
    fn squares(a: &[Self], b: &[Self]) -> f64 {
        let parts = a.chunks(FEW).zip(b.chunks(FEW)).map(|(a, b)| {
            widest(
                #[inline(always)]
                || {
                    let differences = a.iter().zip(b).map(|(&a, &b)| u32::from(a.abs_diff(b)));
                    differences.map(|difference| difference * difference).sum::<u32>()
                },
            )
        });
        parts.map(u64::from).sum::<u64>() as f64
    }
}

impl Squares for u16 {
    fn squares(a: &[Self], b: &[Self]) -> f64 {
        let total = widest(
            #[inline(always)]
            || {
                let differences = a.iter().zip(b).map(|(&a, &b)| u32::from(a.abs_diff(b)));
                differences.map(|difference| u64::from(difference * difference)).sum::<u64>()
            },
        );
        total as f64
    }
}

/// Sums that are carried side by side: column `n` is added to sum `n % LANES`.
const LANES: usize = 32;

impl Squares for f32 {
    fn squares(a: &[Self], b: &[Self]) -> f64 {
        let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
        let sums = widest(
            #[inline(always)]
            || side_by_side(a, b),
        );
        let rest = a_rest.iter().zip(b_rest).map(|(&a, &b)| square(a, b));
        sums.into_iter().chain(rest).sum()
    }
}

#[inline(always)]
fn side_by_side(a: &[[f32; LANES]], b: &[[f32; LANES]]) -> [f64; LANES] {
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for ((sum, &a), &b) in sums.iter_mut().zip(a).zip(b) {
            *sum += square(a, b);
        }
    }
    sums
}

#[inline(always)]
fn square(a: f32, b: f32) -> f64 {
    let difference = f64::from(a) - f64::from(b);
    difference * difference
}

#[cfg(test)]
mod tests {
    use super::super::vector::every_width;
    use super::*;

    /// Two rows of samples, and the sum of their squared differences.
    fn rows<T: Squares>(sample: impl Fn(u32) -> T, len: u32) -> ([Vec<T>; 2], f64) {
        let [a, b] = [7, len + 3].map(|first| (first..first + len).map(&sample).collect());
        let pairs = std::iter::zip(&a, &b);
        let differences =
            pairs.map(|(a, b): (&T, &T)| f64::from(a.to_f32()) - f64::from(b.to_f32()));
        let sum = differences.map(|difference| difference * difference).fold(0.0, |a, b| a + b);
        ([a, b], sum)
    }

    #[test]
    fn rows_sum_to_what_single_samples_do() {
        for len in [0, 1, 31, 127, 128, 1000] {
            let ([a, b], sum) = rows(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8, len);
            assert_eq!(u8::squares(&a, &b), sum);
            let ([a, b], sum) = rows(|n| (n.wrapping_mul(2_654_435_761) >> 16) as u16, len);
            assert_eq!(u16::squares(&a, &b), sum);
            let ([a, b], sum) = rows(|n| n.wrapping_mul(2_654_435_761) as f32 / 3.0, len);
            assert!((f32::squares(&a, &b) - sum).abs() <= 1e-13 * sum, "{len}");
        }
    }

    #[test]
    fn every_width_gives_the_same_bits() {
        let ([a, b], _) = rows(|n| n.wrapping_mul(2_654_435_761) as f32 / 3.0, 1000);
        let sums = every_width(
            #[inline(always)]
            || side_by_side(a.as_chunks().0, b.as_chunks().0),
        );
        assert!(sums.iter().all(|other| *other == sums[0]));
    }

    #[test]
    fn the_largest_differences_do_not_overflow() {
        assert_eq!(u8::squares(&vec![255; 200_000], &vec![0; 200_000]), 65_025.0 * 200_000.0);
        let (a, b) = (vec![0; 200_000], vec![65_535; 200_000]);
        assert_eq!(u16::squares(&a, &b), 65_535.0 * 65_535.0 * 200_000.0);
    }
}
