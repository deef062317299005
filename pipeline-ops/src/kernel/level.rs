//! The level of some samples: their median, or their mean without what lies far from it.

use pipeline_core::Sample;

/// Integers whose least and greatest are this far apart or less are counted.
const SPAN: usize = 4096;

/// Samples that are farther from the median than so many deviations are left out of the mean.
const FAR: f64 = 2.5;

/// The standard deviation of a normal distribution, as a multiple of the median distance from its
/// median.
const DEVIATION: f64 = 1.4826;

/// Memory for the levels of one place after the other.
#[derive(Debug, Default)]
pub(crate) struct Levels {
    samples: Vec<f32>,
    counts: Vec<u32>,
}

/// What a level is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// The median; of an even number of samples the mean of the middle two, in 32 bits.
    Median,
    /// The mean of those that are not far from the median.
    Clipped,
}

impl Levels {
    /// Forgets all samples.
    pub(crate) fn clear(&mut self) {
        self.samples.clear();
    }

    /// Adds the samples of a row that are finite and at which `mask`, if there is one, is 0.
    pub(crate) fn add<T: Sample>(&mut self, row: &[T], mask: Option<&[u8]>) {
        let kept = |at: usize| mask.is_none_or(|mask| mask[at] == 0);
        let samples = row.iter().enumerate().filter(|&(at, _)| kept(at));
        let samples = samples.map(|(_, sample)| sample.to_f32());
        self.samples.extend(samples.filter(|sample| sample.is_finite()));
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.samples.len()
    }

    /// Their level; there is at least one.
    pub(crate) fn level(&mut self, level: Level) -> f64 {
        let median = self.median();
        if level == Level::Median {
            return median.into();
        }
        let mut center = f64::from(median);
        self.samples.iter_mut().for_each(|sample| *sample -= median);
        let distances: Vec<f32> = self.samples.iter().map(|sample| sample.abs()).collect();
        let mut others = Self { samples: distances, counts: std::mem::take(&mut self.counts) };
        let far = FAR * DEVIATION * f64::from(others.median());
        self.counts = others.counts;
        center = self.mean_within(far, 0.0).map_or(center, |mean| f64::from(median) + mean);
        let shift = center - f64::from(median);
        self.mean_within(far, shift).map_or(center, |mean| f64::from(median) + mean)
    }

    /// The mean of the samples that are not far from a place.
    fn mean_within(&self, far: f64, place: f64) -> Option<f64> {
        let (mut count, mut sum) = (0.0, 0.0);
        for &sample in &self.samples {
            let is_near = (f64::from(sample) - place).abs() <= far;
            count += f64::from(u8::from(is_near));
            sum += if is_near { f64::from(sample) } else { 0.0 };
        }
        (count > 0.0).then(|| sum / count)
    }

    fn median(&mut self) -> f32 {
        let (low, high) = self
            .samples
            .iter()
            .fold((f32::MAX, f32::MIN), |(low, high), &sample| (low.min(sample), high.max(sample)));
        let is_whole = self.samples.iter().all(|sample| sample.fract() == 0.0);
        let middle = self.samples.len() / 2;
        let is_even = self.samples.len().is_multiple_of(2);
        if is_whole && (high - low) < SPAN as f32 {
            self.counts.clear();
            self.counts.resize((high - low) as usize + 1, 0);
            for sample in &self.samples {
                self.counts[(sample - low) as usize] += 1;
            }
            let value = |rank: usize| {
                let mut left = rank;
                let at = self.counts.iter().position(|&count| {
                    let is_here = left < count as usize;
                    left = left.wrapping_sub(count as usize);
                    is_here
                });
                low + at.unwrap_or(0) as f32
            };
            let upper = value(middle);
            return if is_even { (value(middle - 1) + upper) * 0.5 } else { upper };
        }
        let (before, &mut upper, _) = self.samples.select_nth_unstable_by(middle, f32::total_cmp);
        if !is_even {
            return upper;
        }
        let lower = before.iter().copied().fold(f32::MIN, f32::max);
        (lower + upper) * 0.5
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(samples: &[f32], level: Level) -> f64 {
        let mut levels = Levels::default();
        levels.add(samples, None);
        levels.level(level)
    }

    #[test]
    fn medians_are_those_of_sorted_samples() {
        for count in 1..40usize {
            for scale in [1.0f32, 0.3, 900.0] {
                let samples: Vec<f32> =
                    (0..count).map(|n| (n * 37 % 23) as f32 * scale + 5.0).collect();
                let mut sorted = samples.clone();
                sorted.sort_by(f32::total_cmp);
                let (low, high) = (sorted[(count - 1) / 2], sorted[count / 2]);
                let expected = f64::from(if low == high { low } else { (low + high) * 0.5 });
                assert_eq!(level(&samples, Level::Median), expected);
            }
        }
    }

    #[test]
    fn what_is_far_does_not_count() {
        let mut samples: Vec<f32> = (0..100).map(|n| 50.0 + (n % 9) as f32).collect();
        let alone = level(&samples, Level::Clipped);
        samples.extend([4000.0; 20]);
        assert!((level(&samples, Level::Clipped) - alone).abs() < 0.6);
        assert_eq!(level(&[7.0; 5], Level::Clipped), 7.0);
    }

    #[test]
    fn what_is_masked_or_no_number_is_left_out() {
        let mut levels = Levels::default();
        levels.add(&[1.0f32, 100.0, f32::NAN, 3.0], Some(&[0, 1, 0, 0]));
        assert_eq!((levels.len(), levels.level(Level::Median)), (2, 2.0));
    }
}
