//! One function of one sample, applied to all samples but alpha.

use bytemuck::{cast_slice, cast_slice_mut};
use pipeline_core::data::look_up;
use pipeline_core::{Sample, SampleType};

use super::alpha::copy_alpha;
use super::vector::widest;

/// What the samples of a pixel are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pixel {
    /// Samples of one pixel.
    pub(crate) channels: usize,
    /// Whether the last of them, of two or four, is opacity.
    pub(crate) alpha: bool,
}

/// A function of one sample, ready to be applied to rows.
///
/// 8-bit samples go through a table of 256 entries; the result is the same. The others go through a
/// loop that becomes vector code if `f` is arithmetic.
#[derive(Debug)]
pub(crate) struct Map<F> {
    f: F,
    pixel: Pixel,
    table: [u8; 256],
}

impl<F: Fn(f32) -> f32> Map<F> {
    /// A map of samples of type `T` by `f`.
    #[must_use]
    pub(crate) fn new<T: Sample>(pixel: Pixel, f: F) -> Self {
        let mut table = [0; 256];
        if T::TYPE == SampleType::U8 {
            table = std::array::from_fn(|sample| u8::from_f32(f(sample as f32)));
        }
        Self { f, pixel, table }
    }

    /// Applies it to a row of the type it was made for: every sample but alpha, which is copied.
    pub(crate) fn row<T: Sample>(&self, input: &[T], out: &mut [T]) {
        if T::TYPE == SampleType::U8 {
            let (input, out): (&[u8], &mut [u8]) = (cast_slice(input), cast_slice_mut(out));
            look_up(&self.table, input, out);
            if self.pixel.alpha {
                copy_alpha(input, self.pixel.channels, out);
            }
            return;
        }
        widest(
            #[inline(always)]
            || {
                each(
                    input,
                    out,
                    self.pixel,
                    #[inline(always)]
                    |sample: T| T::from_f32((self.f)(sample.to_f32())),
                );
            },
        );
    }
}

/// Samples that 16 bits can hold.
pub(crate) const WORDS: usize = 1 << 16;

/// A function of one 16-bit sample as a table, for one that takes much longer than a look-up.
#[derive(Debug)]
pub(crate) struct WordTable(Vec<u16>);

impl WordTable {
    /// The table of `f`.
    #[must_use]
    pub(crate) fn new(f: impl Fn(f32) -> f32) -> Self {
        Self((0..WORDS).map(|sample| u16::from_f32(f(sample as f32))).collect())
    }

    /// Applies it to a row: every sample but alpha, which is copied.
    pub(crate) fn row(&self, input: &[u16], pixel: Pixel, out: &mut [u16]) {
        let (tables, _) = self.0.as_chunks::<WORDS>();
        each(input, out, pixel, |sample| tables[0][usize::from(sample)]);
    }
}

#[inline(always)]
fn each<T: Copy>(input: &[T], out: &mut [T], pixel: Pixel, f: impl Fn(T) -> T) {
    match pixel.channels {
        2 if pixel.alpha => colors::<T, 2>(input, out, f),
        4 if pixel.alpha => colors::<T, 4>(input, out, f),
        _ => out.iter_mut().zip(input).for_each(|(out, &sample)| *out = f(sample)),
    }
}

/// Pixels whose last sample is opacity.
#[inline(always)]
fn colors<T: Copy, const C: usize>(input: &[T], out: &mut [T], f: impl Fn(T) -> T) {
    for (out, pixel) in out.as_chunks_mut::<C>().0.iter_mut().zip(input.as_chunks::<C>().0) {
        *out = std::array::from_fn(|at| if at < C - 1 { f(pixel[at]) } else { pixel[at] });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpha_is_copied() {
        let mut out = [0u8; 4];
        let map = Map::new::<u8>(Pixel { channels: 2, alpha: true }, |sample| sample * 2.0);
        map.row(&[10u8, 20, 30, 40], &mut out);
        assert_eq!(out, [20, 20, 60, 40]);
    }

    #[test]
    fn the_table_gives_what_the_function_gives() {
        let input: Vec<u8> = (0..=255).collect();
        let f = |v: f32| (v / 255.0).powf(0.45) * 255.0;
        let mut out = vec![0u8; 256];
        Map::new::<u8>(Pixel { channels: 1, alpha: false }, f).row(&input, &mut out);
        assert!(input.iter().zip(&out).all(|(&v, &out)| out == u8::from_f32(f(f32::from(v)))));
    }

    #[test]
    fn rows_of_every_type_are_sample_by_sample() {
        fn check<T: Sample>(sample: impl Fn(usize) -> T) {
            let f = |v: f32| (v - 3.0) * 1.7;
            for (channels, alpha) in [(1, false), (2, true), (3, false), (4, true), (4, false)] {
                let input: Vec<T> = (0..channels * 77).map(&sample).collect();
                let mut out = vec![T::default(); input.len()];
                Map::new::<T>(Pixel { channels, alpha }, f).row(&input, &mut out);
                for (at, (&sample, &out)) in input.iter().zip(&out).enumerate() {
                    let is_alpha = alpha && at % channels == channels - 1;
                    let expected = if is_alpha { sample } else { T::from_f32(f(sample.to_f32())) };
                    assert_eq!(out, expected, "{at} of {channels} channels");
                }
            }
        }
        check(|at| at as u8);
        check(|at| (at * 257) as u16);
        check(|at| at as f32 / 3.0);
    }

    #[test]
    fn a_table_of_words_is_the_function_and_copies_alpha() {
        let f = |v: f32| (v / 65535.0).powf(0.45) * 65535.0;
        let table = WordTable::new(f);
        let input: Vec<u16> = (0..=u16::MAX).collect();
        let mut out = vec![0; input.len()];
        table.row(&input, Pixel { channels: 2, alpha: true }, &mut out);
        for (pixel, out) in input.as_chunks::<2>().0.iter().zip(out.as_chunks::<2>().0) {
            assert_eq!(*out, [u16::from_f32(f(pixel[0].to_f32())), pixel[1]]);
        }
    }
}
