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

/// Samples that are summed beside each other: one at a time would wait for its own sums.
const TOGETHER: usize = 8;

/// The sum and the number of some samples.
pub(crate) type Total = [f64; 2];

/// The samples of a row that are above `low` and not above `high`; NaN is neither.
#[must_use]
pub(crate) fn total_between(row: &[f32], low: f32, high: f32) -> Total {
    let (mut sums, mut counts) = ([0.0; TOGETHER], [0u32; TOGETHER]);
    let (chunks, rest) = row.as_chunks::<TOGETHER>();
    let mut last = [f32::NAN; TOGETHER];
    last[..rest.len()].copy_from_slice(rest);
    for chunk in chunks.iter().chain([&last]) {
        for lane in 0..TOGETHER {
            // Chosen, not jumped to: where a sample lies is anyone's guess.
            let is_between = (chunk[lane] > low) & (chunk[lane] <= high);
            sums[lane] += f64::from(if is_between { chunk[lane] } else { 0.0 });
            counts[lane] += u32::from(is_between);
        }
    }
    [sums.iter().sum(), counts.map(f64::from).iter().sum()]
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
    fn a_row_is_summed_between_two_levels_without_what_is_no_number() {
        let mut row = vec![1.0, f32::NAN, 3.0, 5.0, f32::INFINITY, f32::NEG_INFINITY, -2.0];
        assert_eq!(total_between(&row, f32::NEG_INFINITY, 1.0), [-1.0, 2.0]);
        assert_eq!(total_between(&row, 1.0, f32::MAX), [8.0, 2.0]);
        row.extend([4.0; 13]);
        assert_eq!(total_between(&row, 3.5, f32::MAX), [57.0, 14.0]);
    }
}
