//! The level of some samples: their median, or their mean without what lies far from it.

use pipeline_core::Sample;

use super::vector::widest;

/// Whole numbers whose least and greatest are less far apart are counted.
pub(crate) const SPAN: f32 = 4096.0;

/// Samples that are farther from the median than so many deviations are left out of the mean.
const FAR: f64 = 2.5;

/// The standard deviation of a normal distribution, as a multiple of the median distance from its
/// median.
const DEVIATION: f64 = 1.4826;

/// Memory for the levels of one place after the other.
#[derive(Debug, Default)]
pub(crate) struct Levels {
    samples: Vec<f32>,
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

    /// Adds the samples of a row that are finite and at which `mask` is 0.
    pub(crate) fn add<T: Sample>(&mut self, row: &[T], mask: &[u8]) {
        let kept = row.iter().zip(mask).filter(|&(_, &mask)| mask == 0);
        let samples = kept.map(|(sample, _)| sample.to_f32());
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
        let far = FAR * DEVIATION * f64::from(Self { samples: distances }.median());
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
        let (middle, is_even) = (self.samples.len() / 2, self.samples.len().is_multiple_of(2));
        let (before, &mut upper, _) = self.samples.select_nth_unstable_by(middle, f32::total_cmp);
        if !is_even {
            return upper;
        }
        let lower = before.iter().copied().fold(f32::MIN, f32::max);
        (lower + upper) * 0.5
    }
}

/// The least and the greatest of the samples of a row at which `mask` is 0, within those of others.
pub(crate) fn widen_range<T: Sample>(row: &[T], mask: &[u8], (low, high): &mut (f32, f32)) {
    widest(
        #[inline(always)]
        || {
            let (mut least, mut most) = (*low, *high);
            for (sample, &mask) in row.iter().zip(mask) {
                let sample = sample.to_f32();
                least = least.min(if mask == 0 { sample } else { f32::MAX });
                most = most.max(if mask == 0 { sample } else { f32::MIN });
            }
            (*low, *high) = (least, most);
        },
    );
}

/// Counts the samples of a row at which `mask` is 0, of which the least may be `low`.
pub(crate) fn count_kept<T: Sample>(row: &[T], mask: &[u8], low: f32, counts: &mut [u32]) {
    for (sample, &mask) in row.iter().zip(mask) {
        if mask == 0
            && let Some(count) = counts.get_mut((sample.to_f32() - low) as usize)
        {
            *count += 1;
        }
    }
}

/// The level of whole numbers from `low` on that were counted, and how many there are; none if
/// there is none.
pub(crate) fn level_of_counts(low: f32, counts: &[u32], level: Level) -> Option<(f64, usize)> {
    let total: u64 = counts.iter().map(|&count| u64::from(count)).sum();
    let first = counts.iter().position(|&count| count > 0)?;
    let last = counts.iter().rposition(|&count| count > 0)?;
    let counts = &counts[first..=last];
    // Twice the median, from the first of them.
    let twice = middle_two(counts.iter().copied(), total).iter().sum::<usize>();
    let median = twice as f64 * 0.5;
    let place = |from_first: f64| f64::from(low) + first as f64 + from_first;
    let count = usize::try_from(total).unwrap_or(usize::MAX);
    if level == Level::Median {
        return Some((place(median), count));
    }
    // Distances come twice as well, and from both sides.
    let at = |distance: usize| {
        let below = twice.checked_sub(distance).filter(|below| below.is_multiple_of(2));
        let above = Some(twice + distance).filter(|above| above.is_multiple_of(2) && distance > 0);
        let of = |twice: Option<usize>| twice.and_then(|twice| counts.get(twice / 2)).copied();
        of(below).unwrap_or(0) + of(above).unwrap_or(0)
    };
    let distances = middle_two((0..2 * counts.len()).map(at), total);
    let far = FAR * DEVIATION * (distances.iter().sum::<usize>() as f64 * 0.25);
    let mean = |center: f64| {
        let from = (center - far).ceil().max(0.0) as usize;
        let to = ((center + far).floor().max(0.0) as usize).min(counts.len() - 1);
        let (mut near, mut sum) = (0u64, 0.0);
        for (place, &count) in counts.iter().enumerate().take(to + 1).skip(from) {
            near += u64::from(count);
            sum += (place as f64 - median) * f64::from(count);
        }
        if near > 0 { median + sum / near as f64 } else { center }
    };
    Some((place(mean(mean(median))), count))
}

/// Where the two middle ones of counted things stand; twice the middle one of an odd number.
fn middle_two(counts: impl Iterator<Item = u32>, total: u64) -> [usize; 2] {
    let mut found = [None; 2];
    let ranks = [(total - 1) / 2, total / 2];
    let mut passed = 0;
    for (place, count) in counts.enumerate() {
        passed += u64::from(count);
        for (found, rank) in found.iter_mut().zip(ranks) {
            *found = found.or((passed > rank).then_some(place));
        }
        if found[1].is_some() {
            break;
        }
    }
    found.map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(samples: &[f32], level: Level) -> f64 {
        let mut levels = Levels::default();
        levels.add(samples, &vec![0; samples.len()]);
        let found = levels.level(level);
        if samples.iter().all(|sample| sample.fract() == 0.0) {
            // Counted they have the same level.
            let mut range = (f32::MAX, f32::MIN);
            widen_range(samples, &vec![0; samples.len()], &mut range);
            let mut counts = vec![0; (range.1 - range.0) as usize + 5];
            let low = range.0 - 2.0;
            count_kept(samples, &vec![0; samples.len()], low, &mut counts);
            let (counted, count) = level_of_counts(low, &counts, level).unwrap();
            assert_eq!(count, samples.len());
            assert!((counted - found).abs() < 1e-9, "{counted} for {found}");
        }
        found
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
        levels.add(&[1.0f32, 100.0, f32::NAN, 3.0], &[0, 1, 0, 0]);
        assert_eq!((levels.len(), levels.level(Level::Median)), (2, 2.0));
        let mut counts = [0; 9];
        count_kept(&[1u8, 8, 3], &[0, 1, 0], 1.0, &mut counts);
        assert_eq!(counts, [1, 0, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(level_of_counts(1.0, &counts, Level::Median), Some((2.0, 2)));
        assert_eq!(level_of_counts(1.0, &[0; 4], Level::Clipped), None);
    }
}
