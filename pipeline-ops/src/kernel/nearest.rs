//! Rows of floats as samples.

use pipeline_core::Sample;

use super::vector::widest;

/// `out[i]` is the sample nearest to `values[i]`.
pub(crate) fn nearest_row<T: Sample>(values: &[f32], out: &mut [T]) {
    nearest_row_of(
        values,
        #[inline(always)]
        |value| value,
        out,
    );
}

/// `out[i]` is the sample nearest to `f(values[i])`.
///
/// The function must be inlined and become vector code.
pub(crate) fn nearest_row_of<T: Sample>(values: &[f32], f: impl Fn(f32) -> f32, out: &mut [T]) {
    widest(
        #[inline(always)]
        || out.iter_mut().zip(values).for_each(|(out, &value)| *out = T::from_f32(f(value))),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::vector::every_width;

    #[test]
    fn every_width_rounds_as_one_sample_does() {
        fn check<T: Sample>(values: &[f32]) {
            let expected: Vec<T> = values.iter().map(|&value| T::from_f32(value)).collect();
            let rows = every_width(
                #[inline(always)]
                || values.iter().map(|&value| T::from_f32(value)).collect::<Vec<_>>(),
            );
            for row in rows {
                assert_eq!(
                    bytemuck::cast_slice::<T, u8>(&row),
                    bytemuck::cast_slice::<T, u8>(&expected)
                );
            }
            let mut row = vec![T::default(); values.len()];
            nearest_row(values, &mut row);
            assert_eq!(
                bytemuck::cast_slice::<T, u8>(&row),
                bytemuck::cast_slice::<T, u8>(&expected)
            );
        }
        let mut values =
            vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, -0.5, 1e9, 65_535.5];
        values.extend((0..300_000u32).map(|n| n as f32 / 4.0 - 100.0));
        check::<u8>(&values);
        check::<u16>(&values);
        check::<f32>(&values);
    }
}
