//! The triangle threshold of a histogram.

/// The bin that lies farthest below the line from the peak of a histogram to the end of its longer
/// tail; of equally far ones the first from that end.
///
/// None if fewer than two bins are filled.
#[must_use]
pub(crate) fn triangle(counts: &[u64]) -> Option<usize> {
    let first = counts.iter().position(|&count| count > 0)?;
    let last = counts.iter().rposition(|&count| count > 0)?;
    if first == last {
        return None;
    }
    let height = *counts.iter().max()?;
    let peak = counts.iter().position(|&count| count == height)?;
    // The tail is walked from its end to the peak, on either side.
    let tail_is_above = peak - first < last - peak;
    let width = if tail_is_above { last - peak } else { peak - first };
    let bin = |step: usize| if tail_is_above { last - step } else { first + step };

    let (mut best, mut farthest) = (bin(0), f64::NEG_INFINITY);
    for step in 0..width {
        // The distance times the length of the line, in which all products are exact.
        let distance = height as f64 * step as f64 - width as f64 * counts[bin(step)] as f64;
        if distance > farthest {
            (best, farthest) = (bin(step), distance);
        }
    }
    Some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corner_of_a_tail_divides_on_either_side() {
        assert_eq!(triangle(&[0, 100, 40, 5, 4, 3, 2, 1, 0]), Some(3));
        assert_eq!(triangle(&[0, 1, 2, 3, 4, 5, 40, 100, 0]), Some(5));
    }

    #[test]
    fn one_value_cannot_be_divided() {
        assert_eq!(triangle(&[0, 7, 0]), None);
        assert_eq!(triangle(&[]), None);
    }
}
