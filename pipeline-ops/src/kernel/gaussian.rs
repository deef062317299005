//! Weights of a Gaussian.

/// The weights of a Gaussian of standard deviation `sigma`, from `-radius` to `radius`, in pixels.
///
/// `exp(-k² / 2σ²)`, divided by their sum, which is taken in 64 bits. A `sigma` of 0 gives all
/// weight to the middle.
#[must_use]
pub(crate) fn gaussian(sigma: f64, radius: u32) -> Vec<f32> {
    let weight = |distance: u32| {
        if distance == 0 { 1.0 } else { (-0.5 * (f64::from(distance) / sigma).powi(2)).exp() }
    };
    let half: Vec<f64> = (0..=radius).map(weight).collect();
    let sum = half[0] + 2.0 * half[1..].iter().sum::<f64>();
    let mirrored = half[1..].iter().rev();
    mirrored.chain(&half).map(|weight| (weight / sum) as f32).collect()
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
}
