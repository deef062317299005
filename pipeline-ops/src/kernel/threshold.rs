//! Samples above a level.

use pipeline_core::{Sample, SampleType};

use super::vector::widest;

/// Fills `out` with 1 where a sample is more than `level`, a number, and with 0 elsewhere.
pub(crate) fn above<T: Sample>(samples: &[T], level: f32, out: &mut [u8]) {
    // An integer is above a level where it is above the integer below.
    let is_integer = T::TYPE != SampleType::F32;
    if is_integer && level < 0.0 {
        out.fill(1);
        return;
    }
    let limit = T::from_f32(if is_integer { level.floor() } else { level });
    widest(
        #[inline(always)]
        || out.iter_mut().zip(samples).for_each(|(out, &sample)| *out = u8::from(sample > limit)),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_above_a_level_are_those_that_are_more_as_floats() {
        fn check<T: Sample>(samples: &[T]) {
            let levels = [-1e9, -0.5, -0.0, 0.0, 0.5, 127.0, 127.5, 254.9, 255.0, 65_535.0, 1e9];
            for level in levels.into_iter().chain([f32::INFINITY, f32::NEG_INFINITY]) {
                let mut out = vec![7; samples.len()];
                above(samples, level, &mut out);
                let each = samples.iter().map(|sample| u8::from(sample.to_f32() > level));
                assert!(out.into_iter().eq(each), "{level}");
            }
        }
        check(&(0..=u8::MAX).collect::<Vec<_>>());
        check(&(0..=u16::MAX).collect::<Vec<_>>());
        check(&[f32::NAN, -0.0, 0.0, 127.0, 127.25, f32::INFINITY, f32::NEG_INFINITY, -1e30]);
    }
}
