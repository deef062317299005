//! One number for the colours of a pixel.

use pipeline_core::Sample;

use super::vector::widest;

/// Fills `out`, of one channel or of two with alpha, with the weighted sums of the first three
/// samples of each pixel of `input`, of three channels or of four with alpha.
pub(crate) fn weigh<T: Sample>(input: &[T], weights: [f32; 3], has_alpha: bool, out: &mut [T]) {
    widest(
        #[inline(always)]
        || {
            if has_alpha {
                let pixels = input.as_chunks::<4>().0.iter();
                for (out, &[r, g, b, alpha]) in out.as_chunks_mut::<2>().0.iter_mut().zip(pixels) {
                    *out = [weighed([r, g, b], weights), alpha];
                }
            } else {
                // Taken apart at once: a loop over copies of whole pixels takes twice as long.
                for (out, &[r, g, b]) in out.iter_mut().zip(input.as_chunks::<3>().0) {
                    *out = weighed([r, g, b], weights);
                }
            }
        },
    );
}

#[inline(always)]
fn weighed<T: Sample>([r, g, b]: [T; 3], weights: [f32; 3]) -> T {
    T::from_f32(weights[0] * r.to_f32() + weights[1] * g.to_f32() + weights[2] * b.to_f32())
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
