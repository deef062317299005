//! Symmetric weighted sums of bytes in 16 bits: the upper halves of products.
//!
//! The compiler takes products of 16 bits in vectors of 32, which are half as many. Written out,
//! one instruction gives the upper halves of all. The results are those of the plain loops, bit by
//! bit, because whole numbers round nowhere else.

#![cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "code for an instruction set may only be called where there is one"
    )
)]

use super::widest;
use crate::kernel::parts::{Parts, each_part};

/// A symmetric kernel of an odd number of weights that sum to 1: the first half of them and half of
/// the one in the middle, as parts of 65 536.
///
/// Every weight is that of two samples: the one in the middle counts twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Halves {
    weights: Vec<u16>,
}

/// Where bytes stand in the sums: 255 becomes 32 640, so that two of them fit.
pub(crate) const SHIFT: u32 = 7;

impl Halves {
    /// The largest radius. Each product and each weight is off by half of one at the most, which
    /// with this radius is less than a byte in all, and in proportion with a smaller one.
    pub(crate) const RADIUS: usize = 80;

    /// Those of a kernel, if it is symmetric, without negative weights or any above a half that is
    /// not in the middle, and neither one weight nor too many.
    pub(crate) fn of(weights: &[f32]) -> Option<Self> {
        let radius = weights.len() / 2;
        let is_symmetric = weights.iter().zip(weights.iter().rev()).all(|(a, b)| a == b);
        if !(1..=Self::RADIUS).contains(&radius) || weights.len().is_multiple_of(2) || !is_symmetric
        {
            return None;
        }
        let whole = |weight: &f32| (weight * 65536.0).round();
        if !weights.iter().all(|weight| (0.0..65536.0).contains(&whole(weight))) {
            return None;
        }
        let mut halves: Vec<u16> =
            weights[..radius].iter().map(|weight| whole(weight) as u16).collect();
        // What is left for the one in the middle differs from it by what the others were rounded.
        let sum: u32 = halves.iter().map(|&weight| u32::from(weight)).sum();
        let middle = u16::try_from(32768u32.checked_sub(sum)?).ok()?;
        if (2.0 * f32::from(middle) - weights[radius] * 65536.0).abs() > weights.len() as f32 {
            return None;
        }
        halves.push(middle);
        let halves = Self { weights: halves };
        let is_taken = halves.weights.iter().all(|&weight| weight < 1 << 15);
        (is_taken && halves.keep_even_areas()).then_some(halves)
    }

    /// Whether equal bytes stay what they are, which all that is lost could change.
    fn keep_even_areas(&self) -> bool {
        (0..=255).all(|byte| {
            let column = self.column_of(byte);
            let sums = self.weights.iter().map(|&weight| upper(2 * column, weight));
            to_byte(self.lost() + sums.sum::<u16>()) == byte
        })
    }

    /// How far a sample is seen.
    pub(crate) fn radius(&self) -> usize {
        self.weights.len() - 1
    }

    /// The sum along a column of equal bytes.
    pub(crate) fn column_of(&self, byte: u8) -> u16 {
        let pair = (2 * u16::from(byte)) << SHIFT;
        self.lost() + self.weights.iter().map(|&weight| upper(pair, weight)).sum::<u16>()
    }

    /// What is added for the lower halves that are lost: half of one per product.
    fn lost(&self) -> u16 {
        // As many weights as a radius has, which is small.
        (self.weights.len() / 2) as u16
    }

    /// Fills `sums` with those along the columns of a window of rows, each 128 times a byte.
    ///
    /// # Panics
    /// If there are other than `2 · radius + 1` rows, or one is shorter than `sums`.
    pub(crate) fn columns(&self, rows: &[&[u8]], sums: &mut [u16]) {
        assert_eq!(rows.len(), 2 * self.radius() + 1, "a row for each weight");
        if !self.wide_columns(rows, sums) {
            each_part::<u16>(sums.len(), &mut Columns { halves: self, rows, sums });
        }
    }

    /// Fills `sums` with those along a padded row of sums along columns.
    ///
    /// # Panics
    /// If the row is shorter than `sums` and both its margins.
    pub(crate) fn row(&self, columns: &[u16], channels: usize, sums: &mut [u16]) {
        if !self.wide_row(columns, channels, sums) {
            each_part::<u16>(sums.len(), &mut Along { halves: self, columns, channels, sums });
        }
    }
}

/// The sums along the columns of a window of rows.
struct Columns<'a> {
    halves: &'a Halves,
    rows: &'a [&'a [u8]],
    sums: &'a mut [u16],
}

impl Parts for Columns<'_> {
    #[inline(always)]
    fn part<const LEN: usize>(&mut self, at: usize) {
        let mut part = [self.halves.lost(); LEN];
        let pairs = self.rows.iter().zip(self.rows.iter().rev());
        for ((above, below), &weight) in pairs.zip(&self.halves.weights) {
            let samples = above[at..][..LEN].iter().zip(&below[at..][..LEN]);
            for (sum, (&above, &below)) in part.iter_mut().zip(samples) {
                *sum += upper((u16::from(above) + u16::from(below)) << SHIFT, weight);
            }
        }
        self.sums[at..][..LEN].copy_from_slice(&part);
    }
}

/// The sums along a padded row of those.
struct Along<'a> {
    halves: &'a Halves,
    columns: &'a [u16],
    channels: usize,
    sums: &'a mut [u16],
}

impl Parts for Along<'_> {
    #[inline(always)]
    fn part<const LEN: usize>(&mut self, at: usize) {
        let mut part = [self.halves.lost(); LEN];
        let margins = 2 * self.halves.radius() * self.channels;
        let seen = &self.columns[at..][..LEN + margins];
        for (tap, &weight) in self.halves.weights.iter().enumerate() {
            let (before, after) = (tap * self.channels, margins - tap * self.channels);
            let columns = seen[before..][..LEN].iter().zip(&seen[after..][..LEN]);
            for (sum, (before, after)) in part.iter_mut().zip(columns) {
                *sum += upper(before + after, weight);
            }
        }
        self.sums[at..][..LEN].copy_from_slice(&part);
    }
}

/// In vectors, if the machine has them and the sums fill one part; says whether that was so.
#[cfg(target_arch = "x86_64")]
impl Halves {
    fn wide_columns(&self, rows: &[&[u8]], sums: &mut [u16]) -> bool {
        let is_wide = super::bits() >= 256 && sums.len() >= wide::PART;
        if is_wide {
            // SAFETY: the machine has what the function is compiled for.
            unsafe { wide::columns(self, rows, sums) };
        }
        is_wide
    }

    fn wide_row(&self, columns: &[u16], channels: usize, sums: &mut [u16]) -> bool {
        let is_wide = super::bits() >= 256 && sums.len() >= wide::PART;
        if is_wide {
            // SAFETY: the machine has what the function is compiled for.
            unsafe { wide::row(self, columns, channels, sums) };
        }
        is_wide
    }
}

#[cfg(not(target_arch = "x86_64"))]
impl Halves {
    fn wide_columns(&self, _: &[&[u8]], _: &mut [u16]) -> bool {
        false
    }

    fn wide_row(&self, _: &[u16], _: usize, _: &mut [u16]) -> bool {
        false
    }
}

/// The bytes nearest to sums.
pub(crate) fn nearest_bytes(sums: &[u16], out: &mut [u8]) {
    widest(
        #[inline(always)]
        || {
            out.iter_mut().zip(sums).for_each(|(out, &sum)| *out = to_byte(sum));
        },
    );
}

/// The byte nearest to a sum.
#[inline(always)]
fn to_byte(sum: u16) -> u8 {
    ((sum + (1 << (SHIFT - 1))) >> SHIFT).min(255) as u8
}

/// The upper half of a product.
#[inline(always)]
fn upper(a: u16, b: u16) -> u16 {
    ((u32::from(a) * u32::from(b)) >> 16) as u16
}

/// The same in vectors of 256 bits. Those of 512 take up to a tenth less time on a machine that
/// splits them in two, which is not worth a second copy.
#[cfg(target_arch = "x86_64")]
mod wide {
    use std::arch::x86_64::{
        __m256i, _mm256_add_epi16, _mm256_maddubs_epi16, _mm256_mulhi_epu16, _mm256_set1_epi8,
        _mm256_set1_epi16, _mm256_unpackhi_epi8, _mm256_unpacklo_epi8,
    };

    use super::{Halves, SHIFT};

    /// Bytes and sums that fit into a vector.
    const BYTES: usize = 32;
    const LANES: usize = 16;

    /// Sums that are taken at a time: four vectors of them, whose additions do not wait for each
    /// other.
    pub(super) const PART: usize = 4 * LANES;

    /// Where parts of a row begin. The last one ends where the row does.
    fn parts(len: usize) -> impl Iterator<Item = usize> {
        (0..len.div_ceil(PART)).map(move |part| (part * PART).min(len - PART))
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn all(number: u16) -> __m256i {
        _mm256_set1_epi16(number.cast_signed())
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn bytes(row: &[u8], at: usize) -> [__m256i; 2] {
        let part = row[at..][..PART].as_chunks::<BYTES>().0;
        std::array::from_fn(|vector| bytemuck::cast(part[vector]))
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn words(row: &[u16], at: usize) -> [__m256i; 4] {
        let part = row[at..][..PART].as_chunks::<LANES>().0;
        std::array::from_fn(|vector| bytemuck::cast(part[vector]))
    }

    /// Puts the sums of 32 bytes in their order: those of the first eight bytes of each sixteen are
    /// in one vector, those of the last eight in the other.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn in_order([low, high]: [__m256i; 2], out: &mut [u16]) {
        let (low, high): ([[u16; 8]; 2], [[u16; 8]; 2]) =
            (bytemuck::cast(low), bytemuck::cast(high));
        let sums = [low[0], high[0], low[1], high[1]];
        out.copy_from_slice(sums.as_flattened());
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn columns(halves: &Halves, rows: &[&[u8]], sums: &mut [u16]) {
        // One instruction adds neighbours, each times a byte with a sign. These are 64, and the
        // weight is twice as large instead.
        let shift = _mm256_set1_epi8(1 << (SHIFT - 1));
        for at in parts(sums.len()) {
            let mut part = [[all(halves.lost()); 2]; 2];
            let pairs = rows.iter().zip(rows.iter().rev());
            for ((above, below), &weight) in pairs.zip(&halves.weights) {
                let (above, below) = (bytes(above, at), bytes(below, at));
                let weight = all(weight << 1);
                for (sums, (above, below)) in part.iter_mut().zip(above.into_iter().zip(below)) {
                    let low = _mm256_maddubs_epi16(_mm256_unpacklo_epi8(above, below), shift);
                    let high = _mm256_maddubs_epi16(_mm256_unpackhi_epi8(above, below), shift);
                    sums[0] = _mm256_add_epi16(sums[0], _mm256_mulhi_epu16(low, weight));
                    sums[1] = _mm256_add_epi16(sums[1], _mm256_mulhi_epu16(high, weight));
                }
            }
            let out = sums[at..][..PART].as_chunks_mut::<BYTES>().0;
            out.iter_mut().zip(part).for_each(|(out, part)| in_order(part, out));
        }
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn row(halves: &Halves, columns: &[u16], channels: usize, sums: &mut [u16]) {
        let margins = 2 * halves.radius() * channels;
        for at in parts(sums.len()) {
            let mut part = [all(halves.lost()); 4];
            let seen = &columns[at..][..PART + margins];
            for (tap, &weight) in halves.weights.iter().enumerate() {
                let (before, after) = (tap * channels, margins - tap * channels);
                let (before, after) = (words(seen, before), words(seen, after));
                let weight = all(weight);
                for (sum, (a, b)) in part.iter_mut().zip(before.into_iter().zip(after)) {
                    let pair = _mm256_add_epi16(a, b);
                    *sum = _mm256_add_epi16(*sum, _mm256_mulhi_epu16(pair, weight));
                }
            }
            let out = sums[at..][..PART].as_chunks_mut::<LANES>().0;
            out.iter_mut().zip(part).for_each(|(out, sum)| *out = bytemuck::cast(sum));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::gaussian;

    fn bytes(count: usize) -> Vec<u8> {
        (0..count as u32).map(|n| (n.wrapping_mul(n).wrapping_mul(31) % 256) as u8).collect()
    }

    #[test]
    fn kernels_are_taken_that_are_symmetric_and_sum_to_one() {
        let weights = |weights: &[f32]| Halves::of(weights).map(|halves| halves.weights);
        assert_eq!(weights(&[0.25, 0.5, 0.25]), Some(vec![16384; 2]));
        assert_eq!(weights(&[0.0, 1.0, 0.0]), None, "one weight of 65 536");
        assert_eq!(weights(&[1e-6, 1.0 - 2e-6, 1e-6]), None, "all but one weight");
        assert_eq!(weights(&[0.5, 0.0, 0.5]), None, "two weights of a half");
        assert_eq!(weights(&[0.25, 0.5, 0.125, 0.0, 0.125]), None);
        assert_eq!(weights(&[-0.25, 1.5, -0.25]), None);
        assert_eq!(weights(&[0.5, 0.5, 0.5]), None);
        assert_eq!(weights(&[0.5, 0.5]), None);
        assert_eq!(weights(&[f32::NAN; 3]), None);
        assert_eq!(weights(&[1.0]), None);
        assert_eq!(weights(&[]), None);
        assert!(weights(&gaussian(20.0, 80)).is_some());
        assert!(weights(&gaussian(20.0, 81)).is_none());
    }

    #[test]
    fn vectors_have_the_bits_of_single_sums() {
        for (sigma, radius, channels) in [(0.5, 2, 1), (2.0, 8, 3), (20.0, 80, 4)] {
            let halves = Halves::of(&gaussian(sigma, radius)).unwrap();
            let size = 2 * radius as usize + 1;
            for len in [1, 15, 16, 63, 64, 65, 127, 128, 300] {
                let samples = bytes(size * len);
                let rows: Vec<&[u8]> = samples.chunks(len).collect();
                let (mut sums, mut expected) = (vec![0; len], vec![0; len]);
                halves.columns(&rows, &mut sums);
                let mut single = Columns { halves: &halves, rows: &rows, sums: &mut expected };
                (0..len).for_each(|at| single.part::<1>(at));
                assert_eq!(sums, expected, "columns of {len}");

                let margins = 2 * radius as usize * channels;
                let columns: Vec<u16> =
                    bytes(len + margins).into_iter().map(|byte| u16::from(byte) << SHIFT).collect();
                halves.row(&columns, channels, &mut sums);
                let (halves, columns) = (&halves, &columns[..]);
                let mut single = Along { halves, columns, channels, sums: &mut expected };
                (0..len).for_each(|at| single.part::<1>(at));
                assert_eq!(sums, expected, "a row of {len}");
            }
        }
    }

    #[test]
    fn an_even_area_stays_what_it_is() {
        for radius in 1..=Halves::RADIUS {
            let weights = gaussian(radius as f64 / 4.0, radius as u32);
            let halves = Halves::of(&weights).unwrap_or_else(|| panic!("radius {radius}"));
            for byte in 0..=255 {
                let row = [byte];
                let rows = vec![&row[..]; 2 * radius + 1];
                let mut column = [0];
                halves.columns(&rows, &mut column);
                assert_eq!(column[0], halves.column_of(byte));
                let mut sum = [0];
                halves.row(&vec![column[0]; 2 * radius + 1], 1, &mut sum);
                assert_eq!(to_byte(sum[0]), byte, "radius {radius}");
            }
        }
    }
}
