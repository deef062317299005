//! Weights of a Gaussian and of its second derivative.

/// The weights of a Gaussian of standard deviation `sigma`, from `-radius` to `radius`, in pixels.
///
/// `exp(-k² / 2σ²)`, divided by their sum, which is taken in 64 bits. A `sigma` of 0 gives all
/// weight to the middle.
#[must_use]
pub(crate) fn gaussian(sigma: f64, radius: u32) -> Vec<f32> {
    mirrored(half(sigma, radius).into_iter())
}

/// The weights of the second derivative of a Gaussian: those of [`gaussian`] times
/// `(k² - σ²) / σ⁴`. Cut off, they do not quite add up to 0.
#[must_use]
pub(crate) fn gaussian_second(sigma: f64, radius: u32) -> Vec<f32> {
    let weights = (0..=radius).zip(half(sigma, radius)).map(|(distance, weight)| {
        let distance = f64::from(distance);
        weight * (distance * distance - sigma * sigma) / sigma.powi(4)
    });
    mirrored(weights)
}

/// The weights from the middle outwards.
fn half(sigma: f64, radius: u32) -> Vec<f64> {
    let weight = |distance: u32| {
        if distance == 0 { 1.0 } else { (-0.5 * (f64::from(distance) / sigma).powi(2)).exp() }
    };
    let mut half: Vec<f64> = (0..=radius).map(weight).collect();
    let sum = half[0] + 2.0 * half[1..].iter().sum::<f64>();
    half.iter_mut().for_each(|weight| *weight /= sum);
    half
}

fn mirrored(half: impl Iterator<Item = f64>) -> Vec<f32> {
    let half: Vec<f32> = half.map(|weight| weight as f32).collect();
    half[1..].iter().rev().chain(&half).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_symmetric_and_sum_to_one() {
        for (sigma, radius) in [(0.0, 3), (0.5, 2), (2.0, 8), (30.0, 120)] {
            let weights = gaussian(sigma, radius);
            assert_eq!(weights.len(), 2 * radius as usize + 1);
            assert!(weights.iter().eq(weights.iter().rev()));
            assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-5, "sigma {sigma}");
        }
    }

    #[test]
    fn the_second_derivative_of_a_parabola_is_its_curvature() {
        let weights = gaussian_second(2.0, 16);
        let parabola = (-16i16..=16).map(|place| 3.0 * f32::from(place).powi(2));
        let curvature: f32 = weights.iter().zip(parabola).map(|(w, v)| w * v).sum();
        assert!((curvature - 6.0).abs() < 1e-3, "{curvature}");
    }
}
