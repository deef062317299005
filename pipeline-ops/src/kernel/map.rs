//! One function of one sample, applied to all samples but alpha.

use bytemuck::{cast_slice, cast_slice_mut};
use pipeline_core::{Sample, SampleType};

/// What the samples of a pixel are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pixel {
    /// Samples of one pixel.
    pub channels: usize,
    /// Whether the last of them is opacity.
    pub alpha: bool,
}

/// Applies `f` to every sample of some rows but alpha, which is copied: from the first of each pair
/// to the second.
///
/// 8-bit samples go through a table of 256 entries; the result is the same.
pub fn map<'a, T: Sample>(
    rows: impl Iterator<Item = (&'a [T], &'a mut [T])>,
    pixel: Pixel,
    f: impl Fn(f32) -> f32,
) {
    if T::TYPE == SampleType::U8 {
        let table: [u8; 256] = std::array::from_fn(|sample| u8::from_f32(f(sample as f32)));
        for (input, out) in rows {
            let (input, out): (&[u8], &mut [u8]) = (cast_slice(input), cast_slice_mut(out));
            each(input, out, pixel, |sample| table[usize::from(sample)]);
        }
    } else {
        for (input, out) in rows {
            each(input, out, pixel, |sample| T::from_f32(f(sample.to_f32())));
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
        let (input, mut out) = ([10u8, 20, 30, 40], [0u8; 4]);
        let rows = std::iter::once((&input[..], &mut out[..]));
        map(rows, Pixel { channels: 2, alpha: true }, |v| v * 2.0);
        assert_eq!(out, [20, 20, 60, 40]);
    }

    #[test]
    fn the_table_gives_what_the_function_gives() {
        let input: Vec<u8> = (0..=255).collect();
        let f = |v: f32| (v / 255.0).powf(0.45) * 255.0;
        let mut out = vec![0u8; 256];
        let rows = std::iter::once((&input[..], &mut out[..]));
        map(rows, Pixel { channels: 1, alpha: false }, f);
        assert!(input.iter().zip(&out).all(|(&v, &out)| out == u8::from_f32(f(f32::from(v)))));
    }
}
