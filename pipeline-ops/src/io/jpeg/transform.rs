//! The forward cosine transform of many blocks at once, and their quantisation.
//!
//! The transform is that of Loeffler, Ligtenberg and Moschytz, "Practical fast 1-D DCT algorithms
//! with 11 multiplications" (ICASSP 1989): rows first, factors with 13 bits behind the point, and
//! two of these bits kept between rows and columns. It gives the integers of `jfdctint` of the
//! Independent JPEG Group, eight times those of ITU-T T.81, A.3.3.
//!
//! A vector has the same sample of many blocks, so both ways of the transform are plain loops, and
//! no coefficient has to be moved to its step in the zigzag: whole vectors are. Only the samples
//! change their places, and they are bytes: shifts and masks of words exchange them, which are
//! vectors of words again.

use std::array::from_fn;

use super::tables::Quantization;

/// Blocks of a group.
pub(super) const LANES: usize = 64;

/// Words in a row of a group: each has the eight samples of a row of a block.
const WORDS: usize = LANES / 8;

/// Samples of a row of a group.
pub(super) const WIDTH: usize = 8 * LANES;

/// The rows of blocks that stand side by side.
pub(super) type Blocks = [[u8; WIDTH]; 8];

/// For each frequency of a block, by rows, its step in the zigzag (T.81, figure A.6).
#[rustfmt::skip]
pub(super) const ZIGZAG: [u8; 64] = [
     0,  1,  5,  6, 14, 15, 27, 28,
     2,  4,  7, 13, 16, 26, 29, 42,
     3,  8, 12, 17, 25, 30, 41, 43,
     9, 11, 18, 24, 31, 40, 44, 53,
    10, 19, 23, 32, 39, 45, 52, 54,
    20, 22, 33, 38, 46, 51, 55, 60,
    21, 34, 37, 47, 50, 56, 59, 61,
    35, 36, 48, 49, 57, 58, 62, 63,
];

/// The quantised coefficients of a group of blocks.
#[derive(Clone)]
pub(super) struct Frequencies {
    /// In the order of the zigzag, and of each the blocks.
    coefficients: [[i16; LANES]; 64],
    /// Which of them are not zero: a bit for each, 16 at a time.
    nonzero: [[u16; LANES]; 4],
}

impl Default for Frequencies {
    fn default() -> Self {
        Self { coefficients: [[0; LANES]; 64], nonzero: [[0; LANES]; 4] }
    }
}

impl Frequencies {
    /// The lane of a block. [`side_by_side`] takes every eighth block into a word.
    #[inline]
    pub(super) fn lane(block: usize) -> usize {
        block % WORDS * 8 + block / WORDS
    }

    /// A coefficient of a block, by its step.
    #[inline]
    pub(super) fn coefficient(&self, lane: usize, step: u32) -> i16 {
        self.coefficients[step as usize % 64][lane % LANES]
    }

    /// The steps whose coefficients are not zero.
    #[inline]
    pub(super) fn nonzero(&self, lane: usize) -> u64 {
        let [a, b, c, d] = self.nonzero.each_ref().map(|nonzero| u64::from(nonzero[lane % LANES]));
        a | b << 16 | c << 32 | d << 48
    }

    /// Transforms a group of blocks.
    #[inline(always)]
    pub(super) fn fill(&mut self, blocks: &Blocks, quantization: &Quantization) {
        let mut rows = [[[0i16; LANES]; 8]; 8];
        for (y, samples) in blocks.iter().enumerate() {
            let samples = side_by_side(samples);
            for lane in 0..LANES {
                let sums = transform(from_fn(|x| i32::from(samples[x][lane]) - 128));
                for (x, sum) in sums.into_iter().enumerate() {
                    rows[x][y][lane] = round(sum, 11);
                }
            }
        }
        for (x, column) in rows.iter().enumerate() {
            let mut sums = [[0i16; LANES]; 8];
            for lane in 0..LANES {
                let column = transform(from_fn(|y| i32::from(column[y][lane])));
                for (y, sum) in column.into_iter().enumerate() {
                    sums[y][lane] = round(sum, 15);
                }
            }
            for (y, sums) in sums.iter().enumerate() {
                let place = 8 * y + x;
                let quantized = &mut self.coefficients[usize::from(ZIGZAG[place])];
                for (quantized, &sum) in quantized.iter_mut().zip(sums) {
                    *quantized = quantization.quantize(sum, place);
                }
            }
        }
        let sixteens = self.coefficients.as_chunks::<16>().0;
        for (nonzero, coefficients) in self.nonzero.iter_mut().zip(sixteens) {
            *nonzero = [0; LANES];
            for (bit, coefficients) in coefficients.iter().enumerate() {
                for (nonzero, &coefficient) in nonzero.iter_mut().zip(coefficients) {
                    *nonzero |= u16::from(coefficient != 0) << bit;
                }
            }
        }
    }
}

/// A sum without its last bits, rounded to the nearest.
#[inline(always)]
fn round(sum: i32, bits: u32) -> i16 {
    ((sum + (1 << (bits - 1))) >> bits) as i16
}

/// The sums of eight samples times cosines, times the root of eight and 13 bits behind the point.
#[inline(always)]
fn transform(v: [i32; 8]) -> [i32; 8] {
    let [a0, a1, a2, a3]: [i32; 4] = from_fn(|x| v[x] + v[7 - x]);
    let [d0, d1, d2, d3]: [i32; 4] = from_fn(|x| v[x] - v[7 - x]);

    // The even ones: a transform of four, of which one turn is left.
    let (e0, e1) = (a0 + a3, a1 + a2);
    let (e3, e2) = (a0 - a3, a1 - a2);
    let turned = (e2 + e3) * 4_433;

    // The odd ones: four turns, of which each has a product in common with another.
    let (f0, f1) = (d1 + d3, d0 + d2);
    let both = (f0 + f1) * 9_633;
    let (f0, f1) = (both - f0 * 16_069, both - f1 * 3_196);
    let (outer, inner) = ((d0 + d3) * 7_373, (d1 + d2) * 20_995);

    [
        (e0 + e1) << 13,
        d0 * 12_299 - outer + f1,
        turned + e3 * 6_270,
        d1 * 25_172 - inner + f0,
        (e0 - e1) << 13,
        d2 * 16_819 - inner + f1,
        turned - e2 * 15_137,
        d3 * 2_446 - outer + f0,
    ]
}

/// The rows of blocks, turned: for each column of the blocks the sample of each block.
#[inline(always)]
fn side_by_side(row: &[u8; WIDTH]) -> [[u8; LANES]; 8] {
    let words = row.as_chunks::<8>().0;
    let mut words: [[u64; WORDS]; 8] =
        from_fn(|y| from_fn(|word| u64::from_le_bytes(words[y * WORDS + word])));
    exchange(&mut words, 4, 0x0000_0000_FFFF_FFFF);
    exchange(&mut words, 2, 0x0000_FFFF_0000_FFFF);
    exchange(&mut words, 1, 0x00FF_00FF_00FF_00FF);
    let mut turned = [[0; LANES]; 8];
    for (turned, words) in turned.iter_mut().zip(&words) {
        for (turned, word) in turned.as_chunks_mut().0.iter_mut().zip(words) {
            *turned = word.to_le_bytes();
        }
    }
    turned
}

/// Exchanges the upper bytes of a word with the lower ones of the word `distance` below.
#[inline(always)]
fn exchange(words: &mut [[u64; WORDS]; 8], distance: usize, lower: u64) {
    let bits = 8 * distance;
    for at in (0..8).filter(|at| at & distance == 0) {
        let (a, b) = (words[at], words[at + distance]);
        words[at] = from_fn(|word| (a[word] & lower) | (b[word] & lower) << bits);
        words[at + distance] = from_fn(|word| (a[word] >> bits & lower) | (b[word] & !lower));
    }
}
