//! The order of the samples of square windows, and a sliding histogram.
//!
//! Samples are turned into keys once, when rows are padded. A key orders as its sample does and is
//! an integer, so every form, here and in the networks for medians, is exact and finds the same
//! sample.

use bytemuck::Pod;
use pipeline_core::Sample;

use super::alpha::is_seen;
use super::vector::widest;

/// A sample type and its keys.
pub(crate) trait Rank: Sample {
    /// An integer that orders as the samples do; NaN comes after everything else.
    type Key: Pod + Ord + Default + Send + Sync;

    /// Bits of a key if counting keys is worth it.
    const BITS: Option<u32>;

    /// A sample that comes before all others.
    const FIRST: Self;

    /// A sample that comes after all others.
    const LAST: Self;

    /// The key of a sample.
    fn key(self) -> Self::Key;

    /// Whether the bits of each of the samples are its key.
    fn are_keys(samples: &[Self]) -> bool;

    /// The sample of a key.
    fn from_key(key: Self::Key) -> Self;

    /// The place of a key in a histogram.
    fn bin(key: Self::Key) -> usize;

    /// The key at a place of a histogram.
    fn at_bin(bin: usize) -> Self::Key;
}

macro_rules! integer {
    ($($sample:ty),*) => {
        $(impl Rank for $sample {
            type Key = Self;
            const BITS: Option<u32> = Some(Self::BITS);
            const FIRST: Self = Self::MIN;
            const LAST: Self = Self::MAX;

            #[inline(always)]
            fn key(self) -> Self {
                self
            }

            fn are_keys(_: &[Self]) -> bool {
                true
            }

            #[inline(always)]
            fn from_key(key: Self) -> Self {
                key
            }

            fn bin(key: Self) -> usize {
                key.into()
            }

            fn at_bin(bin: usize) -> Self {
                bin as Self
            }
        })*
    };
}

integer!(u8, u16);

impl Rank for f32 {
    type Key = i32;
    const BITS: Option<u32> = None;
    const FIRST: Self = Self::NEG_INFINITY;
    const LAST: Self = Self::NAN;

    #[inline(always)]
    fn key(self) -> i32 {
        if self.is_nan() { i32::MAX } else { mirrored(self.to_bits() as i32) }
    }

    /// The bits of negative samples and of NaN are not; without the sign, those of NaN are largest.
    fn are_keys(samples: &[Self]) -> bool {
        let most = widest(
            #[inline(always)]
            || samples.iter().fold(0, |most, sample| most.max(sample.to_bits())),
        );
        most <= Self::INFINITY.to_bits()
    }

    #[inline(always)]
    fn from_key(key: i32) -> Self {
        Self::from_bits(mirrored(key) as u32)
    }

    fn bin(key: i32) -> usize {
        key as usize
    }

    fn at_bin(bin: usize) -> i32 {
        bin as i32
    }
}

/// The bits of negative floats order against their numbers: this turns them, all but the sign, and
/// turns them back.
#[inline(always)]
pub(super) fn mirrored(bits: i32) -> i32 {
    bits ^ ((bits >> 31) as u32 >> 1) as i32
}

/// Fills `out` with the samples that have `below` others before them in their window, by selecting
/// in each, from rows that are padded by half of their number.
///
/// `window` is working memory.
///
/// # Panics
/// If a window has not that many samples.
#[cfg(test)]
pub(super) fn select_row<T: Rank>(
    rows: &[&[T::Key]],
    channels: usize,
    below: usize,
    out: &mut [T],
    window: &mut Vec<T::Key>,
) {
    let width = rows.len() * channels;
    for (i, out) in out.iter_mut().enumerate() {
        window.clear();
        for row in rows {
            let channel = i % channels;
            let pixels = row[i - channel..][..width].chunks_exact(channels);
            window.extend(pixels.map(|pixel| pixel[channel]));
        }
        *out = T::from_key(*window.select_nth_unstable(below).1);
    }
}

/// Counts the pixels in each window of which anything is seen, by the last of their channels, from
/// rows that are padded by half of their number.
pub(crate) fn count_seen<T: Rank>(rows: &[&[T::Key]], channels: usize, counts: &mut [u32]) {
    let around = rows.len() - 1;
    let column = |x: usize| {
        let alphas = rows.iter().map(|row| row[(x + 1) * channels - 1]);
        alphas.filter(|&alpha| is_seen(T::from_key(alpha))).count() as u32
    };
    let columns: Vec<u32> = (0..counts.len() + around).map(column).collect();
    let mut sum: u32 = columns[..around].iter().sum();
    for (x, count) in counts.iter_mut().enumerate() {
        sum += columns[x + around];
        *count = sum;
        sum -= columns[x];
    }
}

/// Counts of the keys in a window that slides along a row; finds one of them by a short walk from
/// the last one, over single bins and over groups of bins.
#[derive(Debug)]
pub(crate) struct RankHistogram {
    fine: Vec<u32>,
    coarse: Vec<u32>,
    shift: u32,
    /// The bin that was found last.
    bin: usize,
    /// Keys in the bins before it.
    before: u32,
}

impl RankHistogram {
    /// An empty histogram for keys of `bits` bits.
    #[must_use]
    pub(crate) fn new(bits: u32) -> Self {
        let shift = bits / 2;
        let (fine, coarse) = (vec![0; 1 << bits], vec![0; 1 << (bits - shift)]);
        Self { fine, coarse, shift, bin: 0, before: 0 }
    }

    /// Adds column `at` of some rows: one key of each, in its bin.
    pub(crate) fn add<K: Copy>(&mut self, rows: &[&[K]], at: usize, bin: impl Fn(K) -> usize) {
        for row in rows {
            let bin = bin(row[at]);
            self.fine[bin] += 1;
            self.coarse[bin >> self.shift] += 1;
            self.before += u32::from(bin < self.bin);
        }
    }

    /// Takes column `at` of some rows away again.
    pub(crate) fn remove<K: Copy>(&mut self, rows: &[&[K]], at: usize, bin: impl Fn(K) -> usize) {
        for row in rows {
            let bin = bin(row[at]);
            self.fine[bin] -= 1;
            self.coarse[bin >> self.shift] -= 1;
            self.before -= u32::from(bin < self.bin);
        }
    }

    /// The bin of the key with `below` keys before it.
    ///
    /// # Panics
    /// If there are not that many keys.
    #[must_use]
    pub(crate) fn nth(&mut self, below: u32) -> usize {
        let group_len = 1 << self.shift;
        while self.before > below {
            let group = self.bin >> self.shift;
            let starts = self.bin.is_multiple_of(group_len);
            if starts && self.before - self.coarse[group - 1] > below {
                self.bin -= group_len;
                self.before -= self.coarse[group - 1];
            } else {
                self.bin -= 1;
                self.before -= self.fine[self.bin];
            }
        }
        while self.before + self.fine[self.bin] <= below {
            let group = self.bin >> self.shift;
            let starts = self.bin.is_multiple_of(group_len);
            if starts && self.before + self.coarse[group] <= below {
                self.before += self.coarse[group];
                self.bin += group_len;
            } else {
                self.before += self.fine[self.bin];
                self.bin += 1;
            }
        }
        self.bin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_order_as_floats_do_with_nan_last() {
        let values = [f32::NEG_INFINITY, -2.0, -1e-40, -0.0, 0.0, 1e-40, 3.5, f32::INFINITY];
        assert!(values.windows(2).all(|pair| pair[0].key() < pair[1].key()));
        assert!((-f32::NAN).key() > f32::INFINITY.key());
        for value in values {
            assert_eq!(f32::from_key(value.key()).to_bits(), value.to_bits());
        }
        assert!(f32::from_key(f32::NAN.key()).is_nan());
    }

    #[test]
    fn samples_are_keys_where_their_bits_are() {
        let values = [f32::NEG_INFINITY, -2.0, -1e-40, -0.0, 0.0, 1e-40, 3.5, f32::INFINITY];
        for value in values.into_iter().chain([f32::NAN, -f32::NAN, f32::MAX, f32::MIN]) {
            let is_key = value.key() == value.to_bits() as i32;
            assert_eq!(f32::are_keys(&[1.0, value, 2.0]), is_key, "{value}");
        }
        assert!(f32::are_keys(&[]) && u8::are_keys(&[0, 255]));
    }

    #[test]
    fn what_is_seen_is_counted_window_by_window() {
        // Three rows of five pixels of gray and alpha.
        let alphas = [[1u8, 0, 1, 1, 0], [0, 0, 1, 1, 1], [9, 9, 0, 0, 0]];
        let rows = alphas.map(|row| row.map(|alpha| [77, alpha]).concat());
        let rows: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
        let mut counts = [0; 3];
        count_seen::<u8>(&rows, 2, &mut counts);
        assert_eq!(counts, [5, 5, 5]);
        let mut counts = [7; 5];
        count_seen::<u8>(&rows[..1], 2, &mut counts);
        assert_eq!(counts, [1, 0, 1, 1, 0]);
    }

    #[test]
    fn selection_and_histogram_agree() {
        let keys: Vec<u8> = (0..27u32).map(|n| (n * 7919 % 251) as u8).collect();
        let rows: Vec<&[u8]> = keys.chunks(9).collect();
        let mut selected = [0u8; 7];
        select_row::<u8>(&rows, 1, 4, &mut selected, &mut Vec::new());

        let mut histogram = RankHistogram::new(8);
        for at in 0..3 {
            histogram.add(&rows, at, usize::from);
        }
        for (at, median) in selected.into_iter().enumerate() {
            assert_eq!(histogram.nth(4), usize::from(median));
            if at < 6 {
                histogram.add(&rows, at + 3, usize::from);
                histogram.remove(&rows, at, usize::from);
            }
        }
    }
}
