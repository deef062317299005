//! How often each value occurs: one bin per value for integers, 256 even bins for floats.

use pipeline_core::{Sample, SampleType};

use super::quantile::Digits;

/// The bins of a histogram: how many, and which value each stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bins {
    /// The number of bins.
    pub(crate) len: usize,
    /// The lower edge of the first bin.
    pub(crate) first: f64,
    /// The width of a bin; 0 if all samples are equal.
    pub(crate) width: f64,
    /// Where in a bin, from 0 to 1, the value stands that it represents.
    pub(crate) at: f64,
}

impl Bins {
    /// The value that bin `index` stands for.
    #[must_use]
    pub(crate) fn value(&self, index: usize) -> f64 {
        self.first + (index as f64 + self.at) * self.width
    }
}

/// A sample type and how its values are counted.
pub(crate) trait Count: Sample {
    /// The smallest and the largest finite sample; none if there is none. Integers answer with the
    /// limits of their type, without looking.
    fn range(samples: &[Self]) -> Option<(f32, f32)>;

    /// The bins for samples from `low` to `high`.
    fn bins(low: f32, high: f32) -> Bins;

    /// The number of the bin of this sample; none if it is not finite.
    fn bin(self, bins: &Bins) -> Option<usize>;

    /// Adds the samples to `counts`; NaN and infinity are left out.
    fn count(samples: &[Self], bins: &Bins, counts: &mut [u64]);
}

macro_rules! integer {
    ($($sample:ty),*) => {
        $(impl Count for $sample {
            fn range(_: &[Self]) -> Option<(f32, f32)> {
                Some((0.0, Self::WHITE))
            }

            fn bins(_: f32, _: f32) -> Bins {
                Bins { len: usize::from(Self::MAX) + 1, first: 0.0, width: 1.0, at: 0.0 }
            }

            fn bin(self, _: &Bins) -> Option<usize> {
                Some(self.into())
            }

            fn count(samples: &[Self], _: &Bins, counts: &mut [u64]) {
                count_each(samples, counts);
            }
        })*
    };
}

integer!(u8, u16);

/// Adds samples of which each is the number of its bin.
///
/// 8-bit samples are counted in four places in turn: neighbours are often equal, and a count waits
/// for the one before it in the same place.
fn count_each<T: Sample + Into<usize>>(samples: &[T], counts: &mut [u64]) {
    if T::TYPE != SampleType::U8 {
        samples.iter().for_each(|&sample| counts[sample.into()] += 1);
        return;
    }
    let mut places = [[0u64; 256]; 4];
    let (fours, rest) = samples.as_chunks::<4>();
    for four in fours {
        for (counts, &sample) in places.iter_mut().zip(four) {
            counts[sample.into() & 255] += 1;
        }
    }
    rest.iter().for_each(|&sample| places[0][sample.into() & 255] += 1);
    for (bin, count) in counts.iter_mut().enumerate() {
        *count += places.iter().map(|counts| counts[bin]).sum::<u64>();
    }
}

/// Adds the bytes of some rows to 256 counts of each channel.
pub(crate) fn count_bytes<'a>(
    rows: impl Iterator<Item = &'a [u8]>,
    channels: usize,
    counts: &mut [u64],
) {
    match channels {
        1 => count_pixels::<1>(rows, counts),
        2 => count_pixels::<2>(rows, counts),
        3 => count_pixels::<3>(rows, counts),
        4 => count_pixels::<4>(rows, counts),
        _ => {
            for pixel in rows.flat_map(|row| row.chunks_exact(channels)) {
                for (counts, &sample) in counts.chunks_exact_mut(256).zip(pixel) {
                    counts[usize::from(sample)] += 1;
                }
            }
        }
    }
}

/// Four pixels in turn are counted in places of their own, as in [`count_each`].
fn count_pixels<'a, const CHANNELS: usize>(
    rows: impl Iterator<Item = &'a [u8]>,
    counts: &mut [u64],
) {
    let mut places = [[[0u64; 256]; CHANNELS]; 4];
    for row in rows {
        let (fours, rest) = row.as_chunks::<CHANNELS>().0.as_chunks::<4>();
        fours.iter().for_each(|four| count_four(four, &mut places));
        count_four(rest, &mut places);
    }
    for (at, count) in counts.iter_mut().enumerate() {
        *count += places.iter().map(|counts| counts.as_flattened()[at]).sum::<u64>();
    }
}

#[inline(always)]
fn count_four<const CHANNELS: usize>(
    pixels: &[[u8; CHANNELS]],
    places: &mut [[[u64; 256]; CHANNELS]; 4],
) {
    for (counts, pixel) in places.iter_mut().zip(pixels) {
        for (counts, &sample) in counts.iter_mut().zip(pixel) {
            counts[usize::from(sample)] += 1;
        }
    }
}

impl Count for f32 {
    fn range(samples: &[Self]) -> Option<(f32, f32)> {
        Self::extremes(samples)
    }

    fn bins(low: f32, high: f32) -> Bins {
        let width = (f64::from(high) - f64::from(low)) / 256.0;
        Bins { len: 256, first: f64::from(low), width, at: 0.5 }
    }

    fn bin(self, bins: &Bins) -> Option<usize> {
        if !self.is_finite() {
            return None;
        }
        if bins.width == 0.0 {
            return Some(0);
        }
        // Places below the first bin come out as 0 from the cast.
        Some((((f64::from(self) - bins.first) / bins.width) as usize).min(bins.len - 1))
    }

    fn count(samples: &[Self], bins: &Bins, counts: &mut [u64]) {
        samples.iter().filter_map(|sample| sample.bin(bins)).for_each(|bin| counts[bin] += 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_in_their_channels() {
        for channels in 1..=5 {
            let row = |first: usize| {
                (first..first + 7 * channels).map(|n| (n * 37 % 11) as u8).collect::<Vec<u8>>()
            };
            let rows = [row(0), row(5), row(8)];
            let mut counts = vec![1; 256 * channels];
            count_bytes(rows.iter().map(|row| &row[..]), channels, &mut counts);
            let mut expected = vec![1; 256 * channels];
            for (at, &sample) in rows.iter().flatten().enumerate() {
                expected[at % channels * 256 + usize::from(sample)] += 1;
            }
            assert_eq!(counts, expected, "{channels} channels");
        }
    }

    #[test]
    fn floats_that_are_not_finite_are_left_out() {
        let samples = [0.0, f32::NAN, 1.0, f32::INFINITY, 0.5];
        assert_eq!(f32::range(&samples), Some((0.0, 1.0)));
        let bins = f32::bins(0.0, 1.0);
        let mut counts = [0; 256];
        f32::count(&samples, &bins, &mut counts);
        assert_eq!((counts[0], counts[128], counts[255]), (1, 1, 1));
        assert_eq!(counts.iter().sum::<u64>(), 3);
        assert_eq!(f32::range(&[f32::NAN]), None);
    }
}
