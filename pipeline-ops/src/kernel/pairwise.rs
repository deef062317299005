//! Sums of floats in 32 bits, by halves, as NumPy takes them.

/// Up to so many samples are summed in eight lanes.
const BLOCK: usize = 128;

/// The sum of samples: what rounding loses grows with the logarithm of their number.
pub(crate) fn pairwise_sum(samples: &[f32]) -> f32 {
    if samples.len() < 8 {
        return samples.iter().fold(0.0, |sum, sample| sum + sample);
    }
    if samples.len() > BLOCK {
        let half = samples.len() / 2;
        let (left, right) = samples.split_at(half - half % 8);
        return pairwise_sum(left) + pairwise_sum(right);
    }
    let (eights, rest) = samples.as_chunks::<8>();
    let mut lanes = eights[0];
    for eight in &eights[1..] {
        lanes.iter_mut().zip(eight).for_each(|(lane, sample)| *lane += sample);
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    let sum = ((a + b) + (c + d)) + ((e + f) + (g + h));
    rest.iter().fold(sum, |sum, sample| sum + sample)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_have_their_sum_however_many_there_are() {
        for count in [0usize, 1, 7, 8, 9, 127, 128, 129, 1000, 4097] {
            let samples: Vec<f32> = (0..count).map(|n| (n % 13) as f32).collect();
            let sum: usize = (0..count).map(|n| n % 13).sum();
            assert_eq!(pairwise_sum(&samples), sum as f32, "{count}");
        }
    }
}
