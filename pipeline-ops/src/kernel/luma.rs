//! One number for the colours of a pixel.

use pipeline_core::Sample;

/// Fills `out`, of one channel or of two with alpha, with the weighted sums of the first three
/// samples of each pixel of `input`, of three channels or of four with alpha.
pub(crate) fn weigh<T: Sample>(input: &[T], weights: [f32; 3], has_alpha: bool, out: &mut [T]) {
    let alpha = usize::from(has_alpha);
    let pixels = input.chunks_exact(3 + alpha);
    for (out, pixel) in out.chunks_exact_mut(1 + alpha).zip(pixels) {
        let [r, g, b] = [0, 1, 2].map(|channel| pixel[channel].to_f32());
        out[0] = T::from_f32(weights[0] * r + weights[1] * g + weights[2] * b);
        out[1..].copy_from_slice(&pixel[3..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_weighed_and_alpha_is_kept() {
        let mut gray = [0u8; 2];
        weigh(&[100, 50, 200, 0, 0, 255], [0.5, 0.25, 0.25], false, &mut gray);
        assert_eq!(gray, [112, 64], "112.5 and 63.75");
        let mut with_alpha = [0u8; 4];
        weigh(&[100, 50, 200, 7, 0, 0, 255, 9], [0.5, 0.25, 0.25], true, &mut with_alpha);
        assert_eq!(with_alpha, [112, 7, 64, 9]);
    }
}
