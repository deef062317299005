//! The parts of Canny's edge detector: gradients and their ridges.

use super::hysteresis::{NOTHING, STRONG, WEAK};
use super::vector::widest;

/// Fills `gradient` with the derivatives of a row along x, those along y and their magnitudes, as
/// the Sobel filter has them, one after the other. The three rows are padded by a pixel on either
/// side.
///
/// # Panics
/// If a row is shorter than a third of the gradient and two pixels.
pub(crate) fn gradient<'r>([above, here, below]: [&'r [f32]; 3], gradient: &mut [f32]) {
    let len = gradient.len() / 3;
    let columns = |row: &'r [f32]| [0, 1, 2].map(|from| &row[from..][..len]);
    let ([a, b, c], [d, _, f], [g, h, i]) = (columns(above), columns(here), columns(below));
    let (along_x, rest) = gradient.split_at_mut(len);
    let (along_y, magnitude) = rest.split_at_mut(len);
    let magnitude = &mut magnitude[..len];
    widest(
        #[inline(always)]
        || {
            for at in 0..len {
                let x = (c[at] - a[at]) + 2.0 * (f[at] - d[at]) + (i[at] - g[at]);
                let y = (g[at] - a[at]) + 2.0 * (h[at] - b[at]) + (i[at] - c[at]);
                (along_x[at], along_y[at]) = (x / 4.0, y / 4.0);
                magnitude[at] = ((x * x + y * y) / 32.0).sqrt();
            }
        },
    );
}

/// Marks the ridges of the magnitude: places above `low` or `high` that no neighbour exceeds in
/// the direction of the gradient or against it. Between two neighbours the line is interpolated.
///
/// The gradients are those of the row above, of the row itself and of the row below, one pixel
/// longer than `out` on either side.
///
/// # Panics
/// If a gradient is shorter than that.
pub(crate) fn ridges(gradients: [&[f32]; 3], (low, high): (f32, f32), out: &mut [u8]) {
    let len = out.len() + 2;
    let [above, row, below] = gradients.map(|gradient| &gradient[2 * len..][..len]);
    let (along_x, along_y) = gradients[1][..2 * len].split_at(len);
    for (at, out) in (1..).zip(out) {
        let (x, y, magnitude) = (along_x[at], along_y[at], row[at]);
        let (left, right) = (at - 1, at + 1);
        let is_ridge = || {
            // The gradient points down to the right, or up to the left, if both signs are the same;
            // else down to the left, or up to the right.
            let is_falling = (x > 0.0) == (y > 0.0);
            let (down, up) = if is_falling { (right, left) } else { (left, right) };
            let (straight, share) = if y.abs() > x.abs() {
                ([below[at], above[at]], (x / y).abs())
            } else {
                ([row[down], row[up]], (y / x).abs())
            };
            let between = |diagonal: f32, beside: f32| diagonal * share + beside * (1.0 - share);
            between(below[down], straight[0]) <= magnitude
                && between(above[up], straight[1]) <= magnitude
        };
        *out = if magnitude > low && is_ridge() {
            if magnitude > high { STRONG } else { WEAK }
        } else {
            NOTHING
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_a_ridge_across_its_gradient() {
        let row = [0.0, 0.0, 0.0, 2.0, 8.0, 10.0, 10.0, 10.0];
        let mut found = [9.0; 18];
        gradient([&row; 3], &mut found);
        assert_eq!(found[..6], [0.0, 2.0, 8.0, 8.0, 2.0, 0.0]);
        assert_eq!(found[6..12], [0.0; 6]);
        for (magnitude, x) in found[12..].iter().zip(&found) {
            assert!((magnitude - x.abs() / std::f32::consts::SQRT_2).abs() < 1e-6);
        }
        let mut out = [9; 4];
        ridges([&found; 3], (1.0, 5.0), &mut out);
        assert_eq!(out, [NOTHING, STRONG, STRONG, NOTHING]);
        ridges([&found; 3], (1.0, 6.0), &mut out);
        assert_eq!(out, [NOTHING, WEAK, WEAK, NOTHING]);
    }
}
