//! A picture and its blurred twin, taken apart and put together again.

use pipeline_core::Sample;

use super::vector::widest;

/// `out[i]` is the sample and `amount` times its difference to the mean, unless that is at most
/// `threshold`, if there is one.
pub(crate) fn sharpen<T: Sample>(
    samples: &[T],
    means: &[f32],
    (amount, threshold): (f32, f32),
    out: &mut [T],
) {
    widest(
        #[inline(always)]
        || {
            for ((out, &sample), &mean) in out.iter_mut().zip(samples).zip(means) {
                let sample = sample.to_f32();
                let difference = sample - mean;
                let keep = threshold > 0.0 && difference.abs() <= threshold;
                *out = T::from_f32(sample + if keep { 0.0 } else { amount * difference });
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_differences_are_kept() {
        let mut out = [0u8; 4];
        sharpen(&[100, 100, 100, 250], &[90.0, 99.0, 110.0, 200.0], (2.0, 1.0), &mut out);
        assert_eq!(out, [120, 100, 80, 255]);
        sharpen(&[100, 100, 100, 250], &[90.0, 99.0, 110.0, 200.0], (2.0, 0.0), &mut out);
        assert_eq!(out, [120, 102, 80, 255]);
    }
}
