//! The smoothest grid through weighted numbers.

/// Numbers on a grid that are near those that are given, by their weights, and whose third
/// differences along both axes are small: second or first ones of axes that are too short.
///
/// It minimises `Σ w (z - given)² + stiffness · Σ (Δᵈ z)²`: Whittaker (1923), Eilers (2003), along
/// two axes. Where nothing is given the weight is 0. At least one weight is above 0.
pub(crate) fn smooth(
    given: &[f64],
    weights: &[f64],
    (width, height): (usize, usize),
    stiffness: f64,
) -> Vec<f64> {
    let count = width * height;
    let band = (3 * width).min(count - 1);
    // Row by row the elements from the diagonal on to the left.
    let mut matrix = vec![0.0; count * (band + 1)];
    for at in 0..count {
        // A trace of a weight, so that the places of no number have one solution.
        matrix[at * (band + 1)] = weights[at] + 1e-9;
    }
    for (len, step, others, other_step) in [(width, 1, height, width), (height, width, width, 1)] {
        let differences = &DIFFERENCES[len.min(4) - 1];
        for other in 0..others {
            for first in 0..=len - differences.len() {
                let start = other * other_step + first * step;
                for (i, a) in differences.iter().enumerate() {
                    for (j, b) in differences[..=i].iter().enumerate() {
                        let row = start + i * step;
                        matrix[row * (band + 1) + (i - j) * step] += stiffness * a * b;
                    }
                }
            }
        }
    }
    let mut solution: Vec<f64> = given.iter().zip(weights).map(|(z, w)| z * w).collect();
    factor(&mut matrix, count, band);
    for at in 0..count {
        let row = &matrix[at * (band + 1)..][..=band];
        let left = at.min(band);
        let sum: f64 = (1..=left).map(|back| row[back] * solution[at - back]).sum();
        solution[at] = (solution[at] - sum) / row[0];
    }
    for at in (0..count).rev() {
        let below = (1..=band.min(count - 1 - at))
            .map(|on| matrix[(at + on) * (band + 1) + on] * solution[at + on]);
        let sum: f64 = below.sum();
        solution[at] = (solution[at] - sum) / matrix[at * (band + 1)];
    }
    solution
}

/// Differences of order 0 to 3; the one of order 0 counts nothing.
const DIFFERENCES: [&[f64]; 4] = [&[0.0], &[-1.0, 1.0], &[1.0, -2.0, 1.0], &[-1.0, 3.0, -3.0, 1.0]];

/// Cholesky's factor of a positive definite matrix of that band, in its place.
fn factor(matrix: &mut [f64], count: usize, band: usize) {
    let stride = band + 1;
    for at in 0..count {
        for back in (0..=at.min(band)).rev() {
            let column = at - back;
            // The products of both rows to the left of the column.
            let reach = column.min(band - back);
            let own = &matrix[at * stride + back + 1..][..reach];
            let other = &matrix[column * stride + 1..][..reach];
            let value = matrix[at * stride + back] - product(own, other);
            matrix[at * stride + back] =
                if back == 0 { value.sqrt() } else { value / matrix[column * stride] };
        }
    }
}

/// The sum of the products of numbers, in four lanes.
fn product(a: &[f64], b: &[f64]) -> f64 {
    let (fours, rest) = a.as_chunks::<4>();
    let (others, other_rest) = b.as_chunks::<4>();
    let mut lanes = [0.0; 4];
    for (four, other) in fours.iter().zip(others) {
        lanes.iter_mut().zip(four.iter().zip(other)).for_each(|(lane, (a, b))| *lane += a * b);
    }
    let rest = rest.iter().zip(other_rest).map(|(a, b)| a * b);
    lanes.iter().sum::<f64>() + rest.sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parabola(width: usize, height: usize) -> Vec<f64> {
        let place = |at: usize| ((at % width) as f64, (at / width) as f64);
        (0..width * height).map(place).map(|(x, y)| 3.0 + x - 0.5 * x * x + 0.25 * y * y).collect()
    }

    #[test]
    fn what_is_smooth_stays_and_gaps_are_filled_with_it() {
        for (width, height) in [(7, 5), (4, 4), (16, 16), (5, 9)] {
            let given = parabola(width, height);
            let mut weights = vec![1.0; given.len()];
            weights[width + 1] = 0.0;
            weights[given.len() - 1] = 0.0;
            let mut holes = given.clone();
            holes[width + 1] = 1e6;
            holes[given.len() - 1] = -1e6;
            let found = smooth(&holes, &weights, (width, height), 10.0);
            for (found, expected) in found.iter().zip(&given) {
                assert!((found - expected).abs() < 1e-3, "{found} for {expected}");
            }
        }
    }

    #[test]
    fn short_axes_are_constant_or_lines() {
        assert!((smooth(&[4.0], &[1.0], (1, 1), 10.0)[0] - 4.0).abs() < 1e-6);
        let flat = smooth(&[1.0, 3.0], &[1.0, 1.0], (2, 1), 1e9);
        assert!(flat.iter().all(|z| (z - 2.0).abs() < 1e-6), "{flat:?}");
        let line = smooth(&[0.0, 5.0, 4.0], &[1.0, 0.0, 1.0], (1, 3), 1e6);
        assert!((line[1] - 2.0).abs() < 1e-6, "{line:?}");
    }

    #[test]
    fn noise_becomes_less() {
        let mut state = 1u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1 << 24) - 0.5
        };
        let given = parabola(16, 16);
        let noisy: Vec<f64> = given.iter().map(|z| z + noise()).collect();
        let error =
            |found: &[f64]| found.iter().zip(&given).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        let found = smooth(&noisy, &[1.0; 256], (16, 16), 10.0);
        assert!(error(&found) < error(&noisy) / 6.0);
    }
}
