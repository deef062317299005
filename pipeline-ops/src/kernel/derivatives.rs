//! Smoothed derivatives along a row, from sums that were taken along columns.

use pipeline_core::Sample;

use super::vector::widest;

/// The weights that derivatives of 3 × 3 pixels are smoothed with: `side middle side`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Smoothing {
    pub(crate) side: f32,
    pub(crate) middle: f32,
}

impl Smoothing {
    /// The sum of the three weights.
    pub(crate) fn sum(self) -> f32 {
        2.0 * self.side + self.middle
    }
}

/// Fills `out` with `f(gx, gy)` of each place.
///
/// `smooth` holds a row's column sums by the weights of the smoothing and `rise` those by -1 0 1,
/// both padded by a pixel on either side. `gx` is the rise of the first along the row, `gy` the
/// second smoothed along the row, each divided by the sum of the weights.
///
/// # Panics
/// If a row is shorter than `out` and two pixels.
pub(crate) fn derivatives<U: Sample>(
    (smooth, rise): (&[f32], &[f32]),
    smoothing: Smoothing,
    channels: usize,
    out: &mut [U],
    f: impl Fn(f32, f32) -> f32,
) {
    let len = out.len();
    let (Smoothing { side, middle }, scale) = (smoothing, 1.0 / smoothing.sum());
    let (left, right) = (&smooth[..len], &smooth[2 * channels..][..len]);
    let (before, here, after) =
        (&rise[..len], &rise[channels..][..len], &rise[2 * channels..][..len]);
    widest(
        #[inline(always)]
        || {
            for (at, out) in out.iter_mut().enumerate() {
                let x = (right[at] - left[at]) * scale;
                let y = (side * before[at] + middle * here[at] + side * after[at]) * scale;
                *out = U::from_f32(f(x, y));
            }
        },
    );
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
        let smoothing = Smoothing { side: 1.0, middle: 2.0 };
        derivatives((&smooth, &rise), smoothing, 2, &mut x, |x, _| x);
        derivatives((&smooth, &rise), smoothing, 2, &mut y, |_, y| y);
        for at in 0..4 {
            let window = rows.map(|row| [row[at], row[at + 2], row[at + 4]]);
            assert_eq!((x[at], y[at]), direct(window), "{at}");
        }
    }
}
