//! Li's threshold: the level that two classes agree upon.

use pipeline_core::Result;

/// After so many steps the level has come to rest; each takes a part of what is left of the way.
const STEPS: usize = 1000;

/// The level at which `(b - a) / (ln b - ln a)` of the mean `a` of what is at most as bright and
/// the mean `b` of what is brighter is the level itself, sought from `start` until it moves by
/// `tolerance` or less.
///
/// `means` gives both means for a level. Samples are counted from the darkest one, which is 0.
///
/// # Errors
/// What `means` returns.
pub(crate) fn li(
    start: f64,
    tolerance: f64,
    mut means: impl FnMut(f64) -> Result<(f64, f64)>,
) -> Result<f64> {
    let mut level = start;
    for _ in 0..STEPS {
        let (below, above) = means(level)?;
        // All that is below is the darkest sample, or nothing is above: the level stays.
        if below <= 0.0 || above.is_nan() {
            break;
        }
        let next = (below - above) / (below.ln() - above.ln());
        let moved = (next - level).abs();
        level = next;
        if moved <= tolerance {
            break;
        }
    }
    Ok(level)
}

/// The mean of the bins up to `level` and of those above it. The first bin stands at 0.
#[must_use]
pub(crate) fn means_of_counts(counts: &[u64], level: f64) -> (f64, f64) {
    let divide = counts.iter().enumerate().take_while(|&(bin, _)| bin as f64 <= level).count();
    let (below, above) = counts.split_at(divide);
    (mean(below, 0), mean(above, divide))
}

fn mean(counts: &[u64], first: usize) -> f64 {
    let total: u64 = counts.iter().sum();
    let sum = (first..).zip(counts).map(|(bin, &count)| bin as f64 * count as f64).sum::<f64>();
    sum / total as f64
}

/// The sums and the numbers of the samples of a row up to `level` and above it, counted from
/// `darkest`; what is not finite is left out.
#[must_use]
pub(crate) fn sums_of_row(row: &[f32], darkest: f64, level: f64) -> [f64; 4] {
    let mut sums = [0.0; 4];
    for sample in row.iter().filter(|sample| sample.is_finite()) {
        let sample = f64::from(*sample) - darkest;
        let class = 2 * usize::from(sample > level);
        sums[class] += sample;
        sums[class + 1] += 1.0;
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_lies_between_two_peaks() {
        let counts = [1, 40, 30, 0, 0, 0, 0, 0, 20, 30];
        let start = mean(&counts, 0);
        let level = li(start, 0.5, |level| Ok(means_of_counts(&counts, level))).unwrap();
        assert!(level > 2.0 && level < 8.0, "{level}");
    }

    #[test]
    fn a_level_above_nothing_but_the_darkest_stays() {
        let counts = [90, 0, 0, 0, 10];
        let level = li(0.4, 0.5, |level| Ok(means_of_counts(&counts, level))).unwrap();
        assert_eq!(level.to_bits(), 0.4f64.to_bits());
    }

    #[test]
    fn rows_are_summed_by_class_without_what_is_no_number() {
        let row = [1.0, f32::NAN, 3.0, 5.0, f32::INFINITY];
        assert_eq!(sums_of_row(&row, 1.0, 2.0), [2.0, 2.0, 4.0, 1.0]);
    }
}
