//! Sobel derivatives along a row, from sums that were taken along columns.

use pipeline_core::Sample;

/// Fills `out` with `f(gx, gy)` of each place.
///
/// `smooth` holds a row's column sums by 1 2 1 and `rise` those by -1 0 1, both padded by a pixel
/// on either side. `gx` is ¼ of the rise of the first along the row, `gy` ¼ of the second by 1 2 1.
///
/// # Panics
/// If a row is shorter than `out` and two pixels.
pub(crate) fn derivatives<U: Sample>(
    smooth: &[f32],
    rise: &[f32],
    channels: usize,
    out: &mut [U],
    f: impl Fn(f32, f32) -> f32,
) {
    let len = out.len();
    let (left, right) = (&smooth[..len], &smooth[2 * channels..][..len]);
    let (before, here, after) =
        (&rise[..len], &rise[channels..][..len], &rise[2 * channels..][..len]);
    for (at, out) in out.iter_mut().enumerate() {
        let x = (right[at] - left[at]) / 4.0;
        let y = (before[at] + 2.0 * here[at] + after[at]) / 4.0;
        *out = U::from_f32(f(x, y));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both derivatives of the middle of 3 × 3 samples, as the formula has them.
    fn direct(w: [[f32; 3]; 3]) -> (f32, f32) {
        let side = |a: f32, b: f32, c: f32| a + 2.0 * b + c;
        let x = side(w[0][2], w[1][2], w[2][2]) - side(w[0][0], w[1][0], w[2][0]);
        let y = side(w[2][0], w[2][1], w[2][2]) - side(w[0][0], w[0][1], w[0][2]);
        (x / 4.0, y / 4.0)
    }

    #[test]
    fn rows_of_sums_give_what_the_window_gives() {
        // Two channels of four pixels, so that shifts would show if they mixed them.
        let rows: [[f32; 8]; 3] = [
            [1.0, 10.0, 5.0, 0.0, -2.0, 7.0, 0.0, 3.0],
            [0.0, 20.0, 9.0, 1.0, 30.0, 7.0, 2.0, 4.0],
            [4.0, 30.0, 8.0, 2.0, -5.0, 6.0, 1.0, 5.0],
        ];
        let column = |weights: [f32; 3]| -> Vec<f32> {
            (0..8).map(|at| (0..3).map(|row| weights[row] * rows[row][at]).sum()).collect()
        };
        let (smooth, rise) = (column([1.0, 2.0, 1.0]), column([-1.0, 0.0, 1.0]));
        let (mut x, mut y) = ([0.0f32; 4], [0.0f32; 4]);
        derivatives(&smooth, &rise, 2, &mut x, |x, _| x);
        derivatives(&smooth, &rise, 2, &mut y, |_, y| y);
        for at in 0..4 {
            let window = rows.map(|row| [row[at], row[at + 2], row[at + 4]]);
            assert_eq!((x[at], y[at]), direct(window), "{at}");
        }
    }
}
