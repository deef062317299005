//! Red, green and blue light as CIE L\*a\*b\*, and back, for the white of daylight (D65, 2°).

/// X, Y and Z of red, green and blue light.
const XYZ: [[f32; 3]; 3] = [
    [0.412_453, 0.357_58, 0.180_423],
    [0.212_671, 0.715_16, 0.072_169],
    [0.019_334, 0.119_193, 0.950_227],
];

/// Its inverse.
const RGB: [[f32; 3]; 3] = [
    [3.240_481_3, -1.537_151_5, -0.498_536_33],
    [-0.969_255, 1.875_99, 0.041_555_93],
    [0.055_646_64, -0.204_041_34, 1.057_311],
];

/// X, Y and Z of white.
const WHITE: [f32; 3] = [0.950_47, 1.0, 1.088_83];

fn product(matrix: &[[f32; 3]; 3], vector: [f32; 3]) -> [f32; 3] {
    matrix.map(|row| row[0] * vector[0] + row[1] * vector[1] + row[2] * vector[2])
}

/// L\*, a\* and b\* of some light, whose white is 1, 1, 1.
#[must_use]
#[inline(always)]
pub(crate) fn lab_of([r, g, b]: [f32; 3]) -> [f32; 3] {
    // Written out: a map over the three does not become vector code.
    let root = |[red, green, blue]: [f32; 3], white| {
        let share = (red * r + green * g + blue * b) / white;
        let (root, line) = (cube_root(share), 7.787 * share + 16.0 / 116.0);
        if share > 0.008_856 { root } else { line }
    };
    let (x, y, z) = (root(XYZ[0], WHITE[0]), root(XYZ[1], WHITE[1]), root(XYZ[2], WHITE[2]));
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// The cube root of a normal float above 0, within 3e-7 of itself: a third of the exponent, and two
/// steps of Halley's. Unlike a call it becomes vector code, and is the same on every machine.
#[inline(always)]
fn cube_root(x: f32) -> f32 {
    /// Two thirds of the bits of 1, less what makes the first guess best.
    const GUESS: u32 = 709_958_130;

    let mut root = f32::from_bits(x.to_bits() / 3 + GUESS);
    for _ in 0..2 {
        let cube = root * root * root;
        // Quarters, so that nothing passes the largest float.
        root *= (0.5 * x + 0.25 * cube) / (0.25 * x + 0.5 * cube);
    }
    if x == f32::INFINITY { x } else { root }
}

/// The light of L\*, a\* and b\*; it may lie outside of what a screen can show.
#[must_use]
#[inline(always)]
pub(crate) fn light_of_lab([l, a, b]: [f32; 3]) -> [f32; 3] {
    let y = (l + 16.0) / 116.0;
    let (x, z) = (a / 500.0 + y, y - b / 200.0);
    // No colour has a negative Z; NaN stays.
    let z = if z < 0.0 { 0.0 } else { z };
    let shares = [x, y, z].map(|root| {
        if root > 0.206_896_6 { root * root * root } else { (root - 16.0 / 116.0) / 7.787 }
    });
    product(&RGB, [0, 1, 2].map(|at| shares[at] * WHITE[at]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_and_black_have_no_colour() {
        for (light, lightness) in [(1.0, 100.0), (0.0, 0.0)] {
            let [l, a, b] = lab_of([light; 3]);
            assert!((l - lightness).abs() < 1e-3 && a.abs() < 0.01 && b.abs() < 0.02);
        }
    }

    #[test]
    fn both_ways_give_back_what_came() {
        for r in [0.0, 0.001, 0.2, 1.0] {
            for g in [0.0, 0.5, 0.9] {
                let found = light_of_lab(lab_of([r, g, 0.3]));
                let off = found.iter().zip([r, g, 0.3]).map(|(a, b): (&f32, f32)| (a - b).abs());
                assert!(off.fold(0.0, f32::max) < 1e-4, "{found:?}");
            }
        }
    }

    #[test]
    fn cube_roots_are_exact_to_the_last_digits() {
        for exponent in -126..127 {
            for part in 0..1000u16 {
                let x = (1.0 + f32::from(part) / 1000.0) * f32::from(exponent as i8).exp2();
                let (found, expected) = (f64::from(cube_root(x)), f64::from(x).cbrt());
                assert!((found / expected - 1.0).abs() < 3e-7, "{x}: {found} for {expected}");
            }
        }
        assert_eq!(cube_root(f32::INFINITY), f32::INFINITY);
    }
}
