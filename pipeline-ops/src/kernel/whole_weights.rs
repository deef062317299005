//! Weighted sums of bytes in whole numbers: the bits of those in floats, from twice as many at
//! once.
//!
//! If all weights are multiples of one fraction and no sum leaves 16 bits, neither whole numbers
//! nor floats round anything, so both give the same.

use super::parts::{Sums, fill};
use super::vector::widest;

/// The largest sum of the sizes of weights with which bytes stay within 16 bits.
const LARGEST: f32 = (i16::MAX / u8::MAX as i16) as f32;

/// Weights as multiples of a power of two.
#[derive(Debug)]
pub(crate) struct WholeWeights {
    numbers: Vec<i16>,
    unit: f32,
}

impl WholeWeights {
    /// The weights as whole numbers, if no sum of bytes leaves 16 bits.
    pub(crate) fn of(weights: &[f32]) -> Option<Self> {
        let mut unit = 1.0;
        while weights.iter().map(|weight| (weight / unit).abs()).sum::<f32>() <= LARGEST {
            let numbers = weights.iter().map(|weight| weight / unit);
            if numbers.clone().all(|number| number.fract() == 0.0) {
                return Some(Self { numbers: numbers.map(|number| number as i16).collect(), unit });
            }
            unit /= 2.0;
        }
        None
    }

    /// `sums[i] = Σ weights[k] · rows[k][i]`.
    ///
    /// # Panics
    /// If a row is shorter than `sums`.
    pub(crate) fn vertical(&self, rows: &[&[u8]], sums: &mut [f32]) {
        widest(
            #[inline(always)]
            || fill(sums, &Bytes { rows, weights: self }),
        );
    }
}

struct Bytes<'a> {
    rows: &'a [&'a [u8]],
    weights: &'a WholeWeights,
}

impl Sums for Bytes<'_> {
    #[inline(always)]
    fn part<const LEN: usize>(&self, at: usize) -> [f32; LEN] {
        let mut sums = [0i16; LEN];
        for (row, &number) in self.rows.iter().zip(&self.weights.numbers) {
            for (sum, &byte) in sums.iter_mut().zip(&row[at..][..LEN]) {
                *sum += number * i16::from(byte);
            }
        }
        sums.map(
            #[inline(always)]
            |sum| f32::from(sum) * self.weights.unit,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::vector::every_width;
    use super::super::vertical;
    use super::*;

    #[test]
    fn weights_are_whole_only_if_they_and_all_sums_fit() {
        let units = |weights: &[f32]| WholeWeights::of(weights).map(|whole| whole.unit);
        assert_eq!(units(&[-1.0, 16.0, -1.0]), Some(1.0));
        assert_eq!(units(&[0.25, -0.5, 1.0]), Some(0.25));
        assert_eq!(units(&[64.0, -64.0]), Some(1.0));
        assert_eq!(units(&[64.0, -65.0]), None, "sums may be 32895 below 0");
        assert_eq!(units(&[64.5, -2.0]), None, "and the same in halves");
        assert_eq!(units(&[1.0 / 3.0]), None);
        assert_eq!(units(&[f32::NAN]), None);
        assert_eq!(units(&[]), Some(1.0));
    }

    #[test]
    fn sums_have_the_bits_of_floats() {
        let bytes: Vec<u8> = (0..9 * 200u32).map(|n| (n * n * 31 % 256) as u8).collect();
        let extremes: Vec<u8> =
            bytes.iter().map(|byte| if byte % 3 == 0 { 0 } else { 255 }).collect();
        for weights in [
            &[-1.0, -1.0, -1.0, -1.0, 16.0, -1.0, -1.0, -1.0, -1.0][..],
            &[0.0625, 0.125, 0.0625, 0.125, 0.25, 0.125, 0.0625, 0.125, 0.0625],
            &[128.0],
            &[-128.0],
            &[0.5, -63.5],
        ] {
            let whole = WholeWeights::of(weights).unwrap();
            for bytes in [&bytes, &extremes] {
                let rows: Vec<&[u8]> = bytes.chunks(200).take(weights.len()).collect();
                for len in [1, 15, 16, 64, 130, 200] {
                    let (mut sums, mut expected) = (vec![0.0; len], vec![0.0; len]);
                    whole.vertical(&rows, &mut sums);
                    vertical(&rows, weights, &mut expected);
                    assert_eq!(sums, expected, "{weights:?}");
                    let widths = every_width(
                        #[inline(always)]
                        || {
                            let mut sums = vec![0.0; len];
                            fill(&mut sums, &Bytes { rows: &rows, weights: &whole });
                            sums
                        },
                    );
                    assert!(widths.iter().all(|sums| *sums == expected), "{weights:?}");
                }
            }
        }
    }
}
