//! The parts of Canny's edge detector: gradients, their ridges, and what hangs together with strong
//! ones.

use pipeline_core::Result;

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
    for at in 0..len {
        let x = (c[at] - a[at]) + 2.0 * (f[at] - d[at]) + (i[at] - g[at]);
        let y = (g[at] - a[at]) + 2.0 * (h[at] - b[at]) + (i[at] - c[at]);
        (along_x[at], along_y[at]) = (x / 4.0, y / 4.0);
        magnitude[at] = ((x * x + y * y) / 32.0).sqrt();
    }
}

/// What a place is before it is known which edges it hangs together with.
pub(crate) const NOTHING: u8 = 0;
/// An edge if it hangs together with a strong one.
pub(crate) const WEAK: u8 = 1;
/// An edge in any case.
pub(crate) const STRONG: u8 = 2;

/// Marks the ridges of the magnitude: places above `low` or `high` that no neighbour surmounts in
/// the direction of the gradient or against it. Between two neighbours the line is interpolated.
///
/// The gradients are those of the row above, of the row itself and of the row below, one pixel longer
/// than `out` on either side.
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

/// Makes strong what hangs together with strong places, by sides or corners; then leaves 1 there and
/// 0 elsewhere.
///
/// `check` is asked now and then whether to go on.
pub(crate) fn follow(
    marks: &mut [u8],
    width: usize,
    mut check: impl FnMut() -> Result<()>,
) -> Result<()> {
    /// Places that are followed between two looks for a cancel.
    const STRETCH: usize = 1 << 14;

    let mut open = Vec::new();
    let mut followed = 0usize;
    for start in 0..marks.len() {
        if start.is_multiple_of(STRETCH) {
            check()?;
        }
        if marks[start] != STRONG {
            continue;
        }
        open.push(start);
        while let Some(place) = open.pop() {
            followed += 1;
            if followed.is_multiple_of(STRETCH) {
                check()?;
            }
            let (x, y) = (place % width, place / width);
            for row in y.saturating_sub(1)..(y + 2).min(marks.len() / width) {
                for column in x.saturating_sub(1)..(x + 2).min(width) {
                    let neighbor = row * width + column;
                    if marks[neighbor] == WEAK {
                        marks[neighbor] = STRONG;
                        open.push(neighbor);
                    }
                }
            }
        }
    }
    marks.iter_mut().for_each(|mark| *mark = u8::from(*mark == STRONG));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_places_stay_if_a_strong_one_is_in_reach() {
        #[rustfmt::skip]
        let mut marks = [
            2, 0, 0, 0, 1,
            0, 1, 0, 0, 1,
            0, 0, 1, 0, 0,
            0, 0, 1, 0, 2,
        ];
        follow(&mut marks, 5, || Ok(())).unwrap();
        #[rustfmt::skip]
        let expected = [
            1, 0, 0, 0, 0,
            0, 1, 0, 0, 0,
            0, 0, 1, 0, 0,
            0, 0, 1, 0, 1,
        ];
        assert_eq!(marks, expected);
    }

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
