//! A picture and its blurred twin, taken apart and put together again.

use pipeline_core::Sample;

use super::vector::{SHIFT, widest};

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

/// The same of bytes without a threshold, and means that are whole [`Halves`].
///
/// [`Halves`]: super::Halves
pub(crate) fn sharpen_bytes(samples: &[u8], means: &[u16], amount: f32, out: &mut [u8]) {
    widest(
        #[inline(always)]
        || {
            for ((out, &sample), &mean) in out.iter_mut().zip(samples).zip(means) {
                let difference = (i32::from(sample) << SHIFT) - i32::from(mean);
                let added = amount / (1 << SHIFT) as f32 * difference as f32;
                *out = u8::from_f32(f32::from(sample) + added);
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
        sharpen_bytes(&[100, 100, 100, 250], &[11_520, 12_672, 14_080, 25_600], 2.0, &mut out);
        assert_eq!(out, [120, 102, 80, 255]);
    }
}
