//! The sample nearest to a float, in a form that becomes vector code for every width.

use bytemuck::cast;
use pipeline_core::{Sample, SampleType};

use super::vector::widest;

/// A float of 2²³ and a half of that: added to a smaller one, it leaves no room for a fraction, and
/// the last bits of the sum are the integer nearest to it, half to even.
const NO_FRACTION: f32 = 12_582_912.0;

/// What [`Sample::from_f32`] gives.
///
/// A cast saturates, for which wide vectors have no instruction; here the value is within its bounds
/// before it is converted, and conversion is reading bits.
#[inline(always)]
pub(crate) fn nearest<T: Sample>(value: f32) -> T {
    // `max` answers with its other operand for NaN.
    let bits = (value.max(0.0).min(T::WHITE) + NO_FRACTION).to_bits();
    match T::TYPE {
        SampleType::U8 => cast(bits as u8),
        SampleType::U16 => cast(bits as u16),
        SampleType::F32 => T::from_f32(value),
    }
}

/// `out[i]` is the sample nearest to `values[i]`.
pub(crate) fn nearest_row<T: Sample>(values: &[f32], out: &mut [T]) {
    widest(
        #[inline(always)]
        || out.iter_mut().zip(values).for_each(|(out, &value)| *out = nearest(value)),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_conversion_of_samples() {
        let mut values =
            vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, -0.5, 1e9, 65_535.5];
        values.extend((0..300_000u32).map(|n| n as f32 / 4.0 - 100.0));
        fn check<T: Sample>(values: &[f32]) {
            let mut row = vec![T::default(); values.len()];
            nearest_row(values, &mut row);
            for (&value, &sample) in values.iter().zip(&row) {
                let expected = [T::from_f32(value)];
                assert_eq!(bytemuck::bytes_of(&sample), bytemuck::bytes_of(&expected), "{value}");
            }
        }
        check::<u8>(&values);
        check::<u16>(&values);
        check::<f32>(&values);
    }
}
