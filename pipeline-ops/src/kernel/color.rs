//! One function of the three colours of a pixel, applied to rows.

use bytemuck::bytes_of;
use pipeline_core::{Sample, SampleType};

use super::vector::widest;

/// The number that a colour function is given for a sample.
pub(crate) trait Share {
    /// The number for a sample.
    fn of<T: Sample>(&self, sample: T) -> f32;
}

/// The share of white.
#[derive(Debug)]
pub(crate) struct OfWhite;

impl Share for OfWhite {
    /// `sample / white`: for integers by two products, whose sum rounds to the same bits. Unlike a
    /// division it takes no time that counts.
    #[inline(always)]
    fn of<T: Sample>(&self, sample: T) -> f32 {
        let sample = sample.to_f32();
        if T::TYPE == SampleType::F32 {
            return sample;
        }
        let most = 1.0 / (T::WHITE + 1.0);
        sample * most + sample * (most / T::WHITE)
    }
}

/// A function of the share of white of bytes, as a table.
#[derive(Debug)]
pub(crate) struct ByteShares([f32; 256]);

impl ByteShares {
    /// The table of `f`.
    #[must_use]
    pub(crate) fn new(f: impl Fn(f32) -> f32) -> Self {
        Self(std::array::from_fn(|sample| f(OfWhite.of(sample as u8))))
    }
}

impl Share for ByteShares {
    /// The number for a byte; of other samples there is none but that of their first byte.
    #[inline(always)]
    fn of<T: Sample>(&self, sample: T) -> f32 {
        self.0[usize::from(bytes_of(&sample)[0])]
    }
}

/// Pixels that are changed beside each other: their colours apart, so that `f` becomes vector code.
const TOGETHER: usize = 64;

/// Fills the first three channels of a row, of three or four, with `f` of those of another, given
/// by their `shares`.
pub(crate) fn change_colors<T: Sample, U: Sample>(
    input: &[T],
    channels: usize,
    shares: &impl Share,
    f: impl Fn([f32; 3]) -> [f32; 3],
    out: &mut [U],
) {
    widest(
        #[inline(always)]
        || match channels {
            3 => change::<T, U, 3>(input, shares, f, out),
            _ => change::<T, U, 4>(input, shares, f, out),
        },
    );
}

#[inline(always)]
fn change<T: Sample, U: Sample, const C: usize>(
    input: &[T],
    shares: &impl Share,
    f: impl Fn([f32; 3]) -> [f32; 3],
    out: &mut [U],
) {
    let (input, out) = (input.as_chunks::<C>().0, out.as_chunks_mut::<C>().0);
    let mut colors = [[0.0; TOGETHER]; 3];
    for (out, input) in out.chunks_mut(TOGETHER).zip(input.chunks(TOGETHER)) {
        for (at, pixel) in input.iter().enumerate() {
            for channel in 0..3 {
                colors[channel][at] = shares.of(pixel[channel]);
            }
        }
        let [first, second, third] = &mut colors;
        for ((a, b), c) in first.iter_mut().zip(second).zip(third) {
            [*a, *b, *c] = f([*a, *b, *c]);
        }
        for (at, pixel) in out.iter_mut().enumerate() {
            for channel in 0..3 {
                pixel[channel] = U::from_f32(colors[channel][at] * U::WHITE);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::vector::every_width;
    use super::super::{hsv_of, lab_of, light_of_lab, rgb_of_hsv};
    use super::*;

    #[test]
    fn the_table_gives_what_the_function_gives() {
        let square = |share: f32| share * share;
        let shares = ByteShares::new(square);
        for sample in 0..=255u8 {
            let expected = square(f32::from(sample) / 255.0);
            assert_eq!(shares.of(sample).to_bits(), expected.to_bits());
        }
    }

    #[test]
    fn a_fourth_channel_is_left_alone() {
        let mut out = [9u16; 4];
        change_colors(&[0u8, 51, 255, 7], 4, &OfWhite, |[r, g, b]| [b, g, r], &mut out);
        assert_eq!(out, [65535, 13107, 0, 9]);
    }

    #[test]
    fn shares_of_white_are_quotients() {
        for sample in 0..=u8::MAX {
            assert_eq!(OfWhite.of(sample).to_bits(), (f32::from(sample) / 255.0).to_bits());
        }
        for sample in 0..=u16::MAX {
            assert_eq!(OfWhite.of(sample).to_bits(), (f32::from(sample) / 65_535.0).to_bits());
        }
        assert_eq!(OfWhite.of(-0.3f32), -0.3);
    }

    #[test]
    fn every_width_and_place_gives_the_same_bits() {
        fn check<T: Sample>(f: impl Fn([f32; 3]) -> [f32; 3] + Copy, sample: impl Fn(u32) -> T) {
            for pixels in [1, 63, 200] {
                let input: Vec<T> =
                    (0..3 * pixels).map(|n: u32| sample(n.wrapping_mul(2_654_435_761))).collect();
                let rows = every_width(
                    #[inline(always)]
                    || {
                        let mut out = vec![0.0f32; input.len()];
                        change::<T, f32, 3>(&input, &OfWhite, f, &mut out);
                        out
                    },
                );
                let each = input.as_chunks::<3>().0.iter();
                let expected: Vec<f32> =
                    each.flat_map(|pixel| f(pixel.map(|sample| OfWhite.of(sample)))).collect();
                let bits = |row: &[f32]| row.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
                assert!(rows.iter().all(|row| bits(row) == bits(&expected)), "{pixels} pixels");
            }
        }
        for f in [hsv_of, rgb_of_hsv, lab_of, light_of_lab] {
            check(f, |n| (n >> 13) as u8);
            check(f, |n| (n >> 30) as u8);
            check(f, |n| (n >> 13) as u16);
            check(f, |n| (n >> 8) as f32 / 4e6 - 2.0);
        }
    }
}
