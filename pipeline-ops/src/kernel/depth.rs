//! Samples of one type made samples of another.

use bytemuck::{cast_slice, cast_slice_mut};
use pipeline_core::{Sample, SampleType};

use super::color::{OfWhite, Share};
use super::vector::widest;

/// Fills `out` with the samples of `input`, white staying white.
pub(crate) fn change_depth<T: Sample, U: Sample>(input: &[T], out: &mut [U]) {
    match (T::TYPE, U::TYPE) {
        (from, to) if from == to => out.copy_from_slice(cast_slice(input)),
        (SampleType::U16, SampleType::U8) => {
            narrow(cast_slice(input), cast_slice_mut(out));
        }
        _ => each(input, out, |sample| U::from_f32(OfWhite.of(sample) * U::WHITE)),
    }
}

/// Fills `out` with the numbers of `input`.
pub(crate) fn cast<T: Sample, U: Sample>(input: &[T], out: &mut [U]) {
    each(input, out, |sample| U::from_f32(sample.to_f32()));
}

/// The nearest of 256 levels, which is `⌊(sample + 128) / 257⌋`, as no sample lies in the middle of
/// two. Sums that do not fit are white all the same.
fn narrow(input: &[u16], out: &mut [u8]) {
    each(input, out, |sample| {
        let sum = sample.saturating_add(128);
        ((sum - (sum >> 8)) >> 8) as u8
    });
}

#[inline(always)]
fn each<T: Copy, U>(input: &[T], out: &mut [U], f: impl Fn(T) -> U) {
    widest(
        #[inline(always)]
        || out.iter_mut().zip(input).for_each(|(out, &sample)| *out = f(sample)),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_give_what_the_formula_gives() {
        fn check<T: Sample, U: Sample>(input: &[T]) {
            let mut out = vec![U::default(); input.len()];
            change_depth(input, &mut out);
            for (sample, out) in input.iter().zip(out) {
                let share = sample.to_f32() / T::WHITE;
                assert_eq!(out, U::from_f32(share * U::WHITE), "{sample:?}");
            }
        }
        let words: Vec<u16> = (0..=u16::MAX).collect();
        let bytes: Vec<u8> = (0..=u8::MAX).collect();
        check::<u16, u8>(&words);
        check::<u16, u16>(&words);
        check::<u16, f32>(&words);
        check::<u8, u16>(&bytes);
        check::<u8, f32>(&bytes);
    }

    #[test]
    fn numbers_stay_or_saturate() {
        let mut out = [7; 4];
        cast(&[0u16, 255, 256, 65535], &mut out);
        assert_eq!(out, [0u8, 255, 255, 255]);
        cast(&[f32::NAN, -1.0, 2.5, 3.5], &mut out);
        assert_eq!(out, [0, 0, 2, 4]);
    }
}
