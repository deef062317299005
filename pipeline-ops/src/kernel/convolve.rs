//! Weighted sums of rows and of shifted rows: the two passes of a separable filter.
//!
//! Both work on a block of a row at a time, so that the sums stay in the nearest cache while the
//! taps pass over them, and take four taps at once, so that the sums are loaded and stored once per
//! four. The order of additions is that of the taps, the same for every pixel.

use pipeline_core::Sample;

/// Taps that are summed in one pass.
const TOGETHER: usize = 4;

/// `sums[i] = Σ weights[k] · rows[k][i]`.
///
/// The weights and rows of one group of four are added to each other before they are added to the
/// sum; this too is the same for every pixel.
///
/// # Panics
/// If a row is shorter than `sums`.
pub(crate) fn vertical<T: Sample>(rows: &[&[T]], weights: &[f32], sums: &mut [f32]) {
    let len = sums.len();
    sums.fill(0.0);
    let mut rows = rows.chunks_exact(TOGETHER);
    let mut weights = weights.chunks_exact(TOGETHER);
    for (rows, weights) in rows.by_ref().zip(weights.by_ref()) {
        let (a, b, c, d) = (&rows[0][..len], &rows[1][..len], &rows[2][..len], &rows[3][..len]);
        for i in 0..len {
            sums[i] += (weights[0] * a[i].to_f32() + weights[1] * b[i].to_f32())
                + (weights[2] * c[i].to_f32() + weights[3] * d[i].to_f32());
        }
    }
    for (row, &weight) in rows.remainder().iter().zip(weights.remainder()) {
        for (sum, sample) in sums.iter_mut().zip(&row[..len]) {
            *sum += weight * sample.to_f32();
        }
    }
}

/// `sums[i] = Σ weights[k] · padded[i + k · channels]`.
///
/// # Panics
/// If `padded` is shorter than `sums` and all its shifts.
pub(crate) fn horizontal(padded: &[f32], weights: &[f32], channels: usize, sums: &mut [f32]) {
    let len = sums.len();
    sums.fill(0.0);
    let mut taps = weights.chunks_exact(TOGETHER);
    let mut shift = 0;
    for weights in taps.by_ref() {
        let at = |tap: usize| &padded[shift + tap * channels..][..len];
        let (a, b, c, d) = (at(0), at(1), at(2), at(3));
        for i in 0..len {
            sums[i] +=
                (weights[0] * a[i] + weights[1] * b[i]) + (weights[2] * c[i] + weights[3] * d[i]);
        }
        shift += TOGETHER * channels;
    }
    for &weight in taps.remainder() {
        for (sum, sample) in sums.iter_mut().zip(&padded[shift..][..len]) {
            *sum += weight * sample;
        }
        shift += channels;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_weighted_and_added() {
        let rows: [&[u8]; 5] = [&[1, 2], &[3, 4], &[5, 6], &[7, 8], &[9, 10]];
        let mut sums = [0.0; 2];
        vertical(&rows, &[1.0, 10.0, 100.0, 1000.0, 0.5], &mut sums);
        assert_eq!(sums, [7535.5, 8647.0]);
    }

    #[test]
    fn shifts_stay_within_their_channel() {
        let padded = [1.0, 100.0, 2.0, 200.0, 3.0, 300.0];
        let mut sums = [0.0; 2];
        horizontal(&padded, &[1.0, 1.0, 2.0], 2, &mut sums);
        assert_eq!(sums, [9.0, 900.0]);
    }
}
