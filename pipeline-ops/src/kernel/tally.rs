//! Sums over the samples of a row: how many, from where to where, and how they spread.

use pipeline_core::Sample;

/// What is summed of some samples; those that are no number are left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Tally {
    pub(crate) count: u64,
    pub(crate) sum: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Default for Tally {
    fn default() -> Self {
        Self { count: 0, sum: 0.0, least: f64::INFINITY, most: f64::NEG_INFINITY }
    }
}

impl Tally {
    /// Adds what is summed of others.
    pub(crate) fn add(&mut self, other: Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.least = self.least.min(other.least);
        self.most = self.most.max(other.most);
    }

    /// The mean; NaN if there is no sample.
    pub(crate) fn mean(&self) -> f64 {
        self.sum / self.count as f64
    }
}

/// The samples of one channel of a row that are a number, where `mask` is true or there is none.
pub(crate) fn chosen<'a, T: Sample>(
    row: &'a [T],
    (channel, channels): (usize, usize),
    mask: Option<&'a [u8]>,
) -> impl Iterator<Item = T> + use<'a, T> {
    let places = row[channel..].iter().step_by(channels).enumerate();
    let chosen = places.filter(move |&(x, _)| mask.is_none_or(|mask| mask[x] != 0));
    chosen.map(|(_, &sample)| sample).filter(|sample| !sample.to_f32().is_nan())
}

/// Sums samples, in their order.
pub(crate) fn tally(samples: impl Iterator<Item = f64>) -> Tally {
    let mut tally = Tally::default();
    for sample in samples {
        tally.count += 1;
        tally.sum += sample;
        tally.least = tally.least.min(sample);
        tally.most = tally.most.max(sample);
    }
    tally
}

/// Sums samples of which each comes as often as its count says, and their squared differences from
/// the mean.
pub(crate) fn tally_counted(counts: impl Iterator<Item = (f64, u64)> + Clone) -> (Tally, f64) {
    let mut tally = Tally::default();
    for (sample, count) in counts.clone().filter(|&(_, count)| count > 0) {
        tally.add(Tally { count, sum: sample * count as f64, least: sample, most: sample });
    }
    let mean = tally.mean();
    let squares = counts.map(|(sample, count)| (sample - mean).powi(2) * count as f64);
    (tally, squares.sum())
}

/// The sum of squared differences from `mean`.
pub(crate) fn spread(samples: impl Iterator<Item = f64>, mean: f64) -> f64 {
    samples.map(|sample| (sample - mean) * (sample - mean)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counted_samples_sum_as_the_samples_do() {
        let samples = || [1.0, 3.0, 3.0, 3.0, 5.0, 9.0].into_iter();
        let counts = [(1.0, 1), (2.0, 0), (3.0, 3), (5.0, 1), (9.0, 1), (11.0, 0)];
        let all = tally(samples());
        assert_eq!(tally_counted(counts.into_iter()), (all, spread(samples(), all.mean())));
        assert!(tally_counted([(1.0, 0)].into_iter()).0.mean().is_nan());
    }

    #[test]
    fn what_is_masked_or_no_number_is_left_out() {
        let row = [1.0f32, 9.0, f32::NAN, 9.0, 4.0, 9.0, 100.0, 9.0];
        let mask = [1, 1, 1, 0];
        let samples = || chosen(&row, (0, 2), Some(&mask)).map(f64::from);
        let found = tally(samples());
        assert_eq!(found, Tally { count: 2, sum: 5.0, least: 1.0, most: 4.0 });
        assert_eq!(spread(samples(), found.mean()), 4.5);
        assert!(tally(chosen(&[0u8; 0], (0, 1), None).map(f64::from)).mean().is_nan());
    }
}
