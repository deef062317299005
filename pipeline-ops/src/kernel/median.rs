//! Medians over square windows: a sorting network for 3 × 3, a sliding histogram for integers, and
//! a selection for floats.
//!
//! Samples are turned into keys once, when rows are padded. A key orders as its sample does and is
//! an integer, so every form below is exact and gives the same median.

use bytemuck::Pod;
use pipeline_core::Sample;

/// A sample type and its keys.
pub trait Rank: Sample {
    /// An integer that orders as the samples do; NaN comes after everything else.
    type Key: Pod + Ord + Default + Send + Sync;

    /// Bits of a key if counting keys is worth it.
    const BITS: Option<u32>;

    /// The largest radius for which selecting beats counting.
    const SELECT: usize;

    /// The key of a sample.
    fn key(self) -> Self::Key;

    /// The sample of a key.
    fn from_key(key: Self::Key) -> Self;

    /// The place of a key in a histogram.
    fn bin(key: Self::Key) -> usize;

    /// The key at a place of a histogram.
    fn at_bin(bin: usize) -> Self::Key;
}

macro_rules! integer {
    ($($sample:ty, $select:expr);*) => {
        $(impl Rank for $sample {
            type Key = Self;
            const BITS: Option<u32> = Some(Self::BITS);
            const SELECT: usize = $select;

            fn key(self) -> Self {
                self
            }

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

integer!(u8, 0; u16, 2);

impl Rank for f32 {
    type Key = u32;
    const BITS: Option<u32> = None;
    const SELECT: usize = usize::MAX;

    fn key(self) -> u32 {
        let bits = self.to_bits();
        if self.is_nan() {
            u32::MAX
        } else if self.is_sign_negative() {
            !bits
        } else {
            bits | 1 << 31
        }
    }

    fn from_key(key: u32) -> Self {
        Self::from_bits(if key >> 31 == 1 { key & !(1 << 31) } else { !key })
    }

    fn bin(key: u32) -> usize {
        key as usize
    }

    fn at_bin(bin: usize) -> u32 {
        bin as u32
    }
}

/// Fills `out` with the medians of 3 × 3 windows, from three rows padded by one pixel.
///
/// # Panics
/// If a row is shorter than `out` and two pixels.
pub fn median_3x3<T: Rank>(rows: [&[T::Key]; 3], channels: usize, out: &mut [T]) {
    let len = out.len();
    let at = |row: usize, column: usize| &rows[row][column * channels..][..len];
    let columns = [0, 1, 2].map(|column| [0, 1, 2].map(|row| at(row, column)));
    for (i, out) in out.iter_mut().enumerate() {
        // The median of nine is the middle of: the largest minimum, the middle median and the
        // smallest maximum of three columns.
        let [a, b, c] = columns.map(|[x, y, z]| sorted(x[i], y[i], z[i]));
        let low = a[0].max(b[0]).max(c[0]);
        let middle = sorted(a[1], b[1], c[1])[1];
        let high = a[2].min(b[2]).min(c[2]);
        *out = T::from_key(sorted(low, middle, high)[1]);
    }
}

fn sorted<K: Ord + Copy>(a: K, b: K, c: K) -> [K; 3] {
    let (low, high) = (a.min(b), a.max(b));
    let (middle, high) = (high.min(c), high.max(c));
    [low.min(middle), low.max(middle), high]
}

/// Fills `out` with the medians of the windows of some rows by selecting in each, from rows padded
/// by `radius` pixels.
///
/// `window` is working memory.
pub fn median_row<T: Rank>(
    rows: &[&[T::Key]],
    channels: usize,
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
        let middle = window.len() / 2;
        *out = T::from_key(*window.select_nth_unstable(middle).1);
    }
}

/// Counts of the keys in a window that slides along a row; finds their median in two looks: which
/// group of bins, then which bin.
#[derive(Debug)]
pub struct RankHistogram {
    fine: Vec<u32>,
    coarse: Vec<u32>,
    shift: u32,
}

impl RankHistogram {
    /// An empty histogram for keys of `bits` bits.
    #[must_use]
    pub fn new(bits: u32) -> Self {
        let shift = bits / 2;
        Self { fine: vec![0; 1 << bits], coarse: vec![0; 1 << (bits - shift)], shift }
    }

    /// Adds column `at` of some rows: one key of each.
    pub fn add<T: Rank>(&mut self, rows: &[&[T::Key]], at: usize) {
        for row in rows {
            let bin = T::bin(row[at]);
            self.fine[bin] += 1;
            self.coarse[bin >> self.shift] += 1;
        }
    }

    /// Takes column `at` of some rows away again.
    pub fn remove<T: Rank>(&mut self, rows: &[&[T::Key]], at: usize) {
        for row in rows {
            let bin = T::bin(row[at]);
            self.fine[bin] -= 1;
            self.coarse[bin >> self.shift] -= 1;
        }
    }

    /// The key with `below` keys before it.
    #[must_use]
    pub fn nth<T: Rank>(&self, mut below: u32) -> T::Key {
        let mut group = 0;
        while group + 1 < self.coarse.len() && self.coarse[group] <= below {
            below -= self.coarse[group];
            group += 1;
        }
        let mut bin = group << self.shift;
        while bin + 1 < self.fine.len() && self.fine[bin] <= below {
            below -= self.fine[bin];
            bin += 1;
        }
        T::at_bin(bin)
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
    fn network_selection_and_histogram_agree() {
        let keys: Vec<u8> = (0..27u32).map(|n| (n * 7919 % 251) as u8).collect();
        let rows: Vec<&[u8]> = keys.chunks(9).collect();
        let (mut network, mut selected) = ([0u8; 7], [0u8; 7]);
        median_3x3::<u8>([rows[0], rows[1], rows[2]], 1, &mut network);
        median_row::<u8>(&rows, 1, &mut selected, &mut Vec::new());
        assert_eq!(network, selected);

        let mut histogram = RankHistogram::new(8);
        for at in 0..3 {
            histogram.add::<u8>(&rows, at);
        }
        for at in 0..7 {
            assert_eq!(histogram.nth::<u8>(4), network[at]);
            if at < 6 {
                histogram.add::<u8>(&rows, at + 3);
                histogram.remove::<u8>(&rows, at);
            }
        }
    }
}
