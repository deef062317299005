//! Otsu's threshold of a histogram.

/// The bin that best divides a histogram in two: the classes up to it and above it have the largest
/// variance between them. `value` gives the value that a bin stands for.
///
/// Of equally good bins the first is taken. None if fewer than two bins are filled.
#[must_use]
pub(crate) fn otsu(counts: &[u64], value: impl Fn(usize) -> f64) -> Option<usize> {
    let total: f64 = counts.iter().sum::<u64>() as f64;
    let sum: f64 = counts.iter().enumerate().map(|(bin, &count)| count as f64 * value(bin)).sum();

    let (mut below, mut sum_below) = (0.0, 0.0);
    let (mut best, mut best_variance) = (None, 0.0);
    for (bin, &count) in counts.iter().enumerate() {
        below += count as f64;
        sum_below += count as f64 * value(bin);
        let above = total - below;
        if below == 0.0 || above <= 0.0 {
            continue;
        }
        let distance = sum_below / below - (sum - sum_below) / above;
        let variance = below * above * distance * distance;
        if variance > best_variance {
            (best, best_variance) = (Some(bin), variance);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_peaks_are_divided_after_the_first() {
        assert_eq!(otsu(&[5, 5, 0, 0, 5, 5], |bin| bin as f64), Some(1));
    }

    #[test]
    fn one_peak_cannot_be_divided() {
        assert_eq!(otsu(&[0, 7, 0], |bin| bin as f64), None);
        assert_eq!(otsu(&[0, 0], |bin| bin as f64), None);
    }
}
