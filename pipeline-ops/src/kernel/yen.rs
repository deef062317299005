//! Yen's threshold of a histogram.

/// The bin that divides a histogram into two classes with the largest sum of correlations,
/// `-ln Σ (p / P)²` over each; of equally good ones the first.
///
/// None if fewer than two bins are filled.
#[must_use]
pub(crate) fn yen(counts: &[u64]) -> Option<usize> {
    let total: f64 = counts.iter().sum::<u64>() as f64;
    let square = |count: u64| (count as f64 / total) * (count as f64 / total);
    // Squares above each bin, summed from the far end, so that small ones are not lost.
    let mut above = vec![0.0; counts.len()];
    let mut sum = 0.0;
    for (above, &count) in above.iter_mut().zip(counts).rev() {
        *above = sum;
        sum += square(count);
    }

    let (mut below, mut squares) = (0, 0.0);
    let (mut best, mut most) = (None, f64::NEG_INFINITY);
    for (bin, &count) in counts.iter().enumerate() {
        below += count;
        squares += square(count);
        let share = below as f64 / total;
        if below == 0 || share >= 1.0 {
            continue;
        }
        let shares = share * (1.0 - share);
        let criterion = (shares * shares / (squares * above[bin])).ln();
        if criterion > most {
            (best, most) = (Some(bin), criterion);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_peaks_are_divided_after_the_first() {
        assert_eq!(yen(&[5, 5, 0, 0, 5, 5]), Some(1));
        assert_eq!(yen(&[0, 9, 9, 9, 0, 0, 4, 4, 4, 0]), Some(3));
    }

    #[test]
    fn one_value_cannot_be_divided() {
        assert_eq!(yen(&[0, 7, 0]), None);
        assert_eq!(yen(&[0, 0]), None);
    }
}
