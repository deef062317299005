//! The logarithm of a local standard deviation, of exact sums and of sums in two rounded passes.

use pipeline_core::Sample;

use super::power::logarithm;
use super::vector::widest;

/// A deviation that is less than this part of the mean is what sums of floats lose.
const LOST: f64 = 1e-7;

/// The natural logarithm of a standard deviation; of none, negative infinity.
#[inline(always)]
pub(crate) fn log_deviation(mean: f64, deviation: f64) -> f32 {
    // Of what is no number above 0 the logarithm is computed and not used.
    let log = (logarithm(deviation) * std::f64::consts::LN_2) as f32;
    let log = if deviation <= mean.abs() * LOST { f32::NEG_INFINITY } else { log };
    if deviation.is_nan() { f32::NAN } else { log }
}

/// The means along columns of samples and of their squares, rounded to 32 bits.
pub(crate) fn rounded_columns<T: Sample>(rows: &[&[T]], [means, squares]: [&mut [f64]; 2]) {
    let count = rows.len() as f64;
    means.fill(0.0);
    squares.fill(0.0);
    for row in rows {
        widest(
            #[inline(always)]
            || {
                let sums = means.iter_mut().zip(squares.iter_mut());
                for ((mean, square), sample) in sums.zip(*row) {
                    let sample = sample.to_f32();
                    *mean += f64::from(sample);
                    *square += f64::from(sample * sample);
                }
            },
        );
    }
    round_means(means, count);
    round_means(squares, count);
}

/// Fills `sums` with the means of every `size` successive values, rounded to 32 bits.
pub(crate) fn rounded_windows(padded: &[f64], size: usize, sums: &mut [f64]) {
    sums.fill(0.0);
    for at in 0..size {
        widest(
            #[inline(always)]
            || sums.iter_mut().zip(&padded[at..]).for_each(|(sum, value)| *sum += value),
        );
    }
    round_means(sums, size as f64);
}

fn round_means(sums: &mut [f64], count: f64) {
    widest(
        #[inline(always)]
        || sums.iter_mut().for_each(|sum| *sum = f64::from((*sum / count) as f32)),
    );
}

/// Half the logarithm of the difference of two means in 32 bits, which is 0 where that is not
/// positive.
pub(crate) fn log_rounded(means: &[f64], squares: &[f64], out: &mut [f32]) {
    widest(
        #[inline(always)]
        || {
            for ((out, &mean), &square) in out.iter_mut().zip(means).zip(squares) {
                let (mean, square) = (mean as f32, square as f32);
                let variance = square - mean * mean;
                // The logarithm of what is not positive is computed and not used.
                let log = (logarithm(f64::from(variance)) * std::f64::consts::LN_2) as f32;
                let log = if variance <= 0.0 { 0.0 } else { log };
                *out = if variance.is_nan() { f32::NAN } else { 0.5 * log };
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_deviation_has_no_logarithm() {
        assert_eq!(log_deviation(5.0, 0.0), f32::NEG_INFINITY);
        assert_eq!(log_deviation(0.0, 0.0), f32::NEG_INFINITY);
        assert_eq!(log_deviation(1.0, 1.0), 0.0);
        assert!(log_deviation(1.0, f64::NAN).is_nan());
        let mut out = [1.0f32; 3];
        log_rounded(&[3.0, 3.0, f64::NAN], &[9.0, 9.0 + std::f64::consts::E, 1.0], &mut out);
        assert!(out[0] == 0.0 && (out[1] - 0.5).abs() < 1e-6 && out[2].is_nan());
    }
}
