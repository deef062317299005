//! One function of the three colours of a pixel, applied to rows.

use bytemuck::bytes_of;
use pipeline_core::{Sample, SampleType};

/// A function of one share of white, ready to be asked for samples.
///
/// 8-bit samples go through a table of 256 entries; the result is the same.
#[derive(Debug)]
pub(crate) struct Shares<F> {
    f: F,
    table: [f32; 256],
}

impl<F: Fn(f32) -> f32> Shares<F> {
    /// The function for samples of type `T`.
    #[must_use]
    pub(crate) fn new<T: Sample>(f: F) -> Self {
        let mut table = [0.0; 256];
        if T::TYPE == SampleType::U8 {
            table = std::array::from_fn(|sample| f(sample as f32 / T::WHITE));
        }
        Self { f, table }
    }

    fn of<T: Sample>(&self, sample: T) -> f32 {
        if T::TYPE == SampleType::U8 {
            self.table[usize::from(bytes_of(&sample)[0])]
        } else {
            (self.f)(sample.to_f32() / T::WHITE)
        }
    }
}

/// Pixels that are changed beside each other: their colours apart, so that `f` becomes vector code.
const TOGETHER: usize = 16;

/// Fills the first three channels of a row with `f` of those of another, given by their `shares`.
pub(crate) fn change_colors<T: Sample, U: Sample>(
    input: &[T],
    channels: usize,
    shares: &Shares<impl Fn(f32) -> f32>,
    f: impl Fn([f32; 3]) -> [f32; 3],
    out: &mut [U],
) {
    let len = TOGETHER * channels;
    let mut colors = [[0.0; TOGETHER]; 3];
    for (out, input) in out.chunks_mut(len).zip(input.chunks(len)) {
        for (channel, colors) in colors.iter_mut().enumerate() {
            let samples = input.iter().skip(channel).step_by(channels);
            colors.iter_mut().zip(samples).for_each(|(share, &sample)| *share = shares.of(sample));
        }
        let [first, second, third] = &mut colors;
        for ((a, b), c) in first.iter_mut().zip(second).zip(third) {
            [*a, *b, *c] = f([*a, *b, *c]);
        }
        for (channel, colors) in colors.iter().enumerate() {
            let places = out.iter_mut().skip(channel).step_by(channels);
            places.zip(colors).for_each(|(out, &share)| *out = U::from_f32(share * U::WHITE));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_gives_what_the_function_gives() {
        let square = |share: f32| share * share;
        let shares = Shares::new::<u8>(square);
        for sample in 0..=255u8 {
            let expected = square(f32::from(sample) / 255.0);
            assert_eq!(shares.of(sample).to_bits(), expected.to_bits());
        }
    }

    #[test]
    fn a_fourth_channel_is_left_alone() {
        let mut out = [9u16; 4];
        let shares = Shares::new::<u8>(|share| share);
        change_colors(&[0u8, 51, 255, 7], 4, &shares, |[r, g, b]| [b, g, r], &mut out);
        assert_eq!(out, [65535, 13107, 0, 9]);
    }
}
