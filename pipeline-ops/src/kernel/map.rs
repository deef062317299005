//! One function of one sample, applied to all samples but alpha.

use bytemuck::{cast_slice, cast_slice_mut};
use pipeline_core::data::look_up;
use pipeline_core::{Sample, SampleType};

use super::alpha::copy_alpha;

/// What the samples of a pixel are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pixel {
    /// Samples of one pixel.
    pub(crate) channels: usize,
    /// Whether the last of them is opacity.
    pub(crate) alpha: bool,
}

/// A function of one sample, ready to be applied to rows.
///
/// 8-bit samples go through a table of 256 entries; the result is the same.
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
        } else {
            each(input, out, self.pixel, |sample| T::from_f32((self.f)(sample.to_f32())));
        }
    }
}

fn each<T: Copy>(input: &[T], out: &mut [T], pixel: Pixel, f: impl Fn(T) -> T) {
    if !pixel.alpha {
        out.iter_mut().zip(input).for_each(|(out, &sample)| *out = f(sample));
        return;
    }
    let pixels = out.chunks_exact_mut(pixel.channels).zip(input.chunks_exact(pixel.channels));
    for (out, input) in pixels {
        let (alpha, colors) = (pixel.channels - 1, &input[..pixel.channels - 1]);
        out.iter_mut().zip(colors).for_each(|(out, &sample)| *out = f(sample));
        out[alpha] = input[alpha];
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
}
