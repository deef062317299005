//! Networks of comparisons for the medians of 3 × 3 and of 5 × 5 pixels, two rows at a time.
//!
//! The windows of two pixels below each other share all rows but one. What of those may still be
//! the median is sorted once, and each window adds the row that it has for itself. What sorted
//! columns make superfluous was left out, one exchange after the other, as long as the rest was
//! right for every column of zeros and ones, which is as good as every column.

use super::Rank;
use super::parts::{Parts, each_part};
use super::vector::widest;

/// Exchanges pairs of places that are out of order, one pair after the other.
macro_rules! exchange {
    ($keys:ident, $(($low:literal, $high:literal)),*) => {
        $(($keys[$low], $keys[$high]) =
            ($keys[$low].min($keys[$high]), $keys[$low].max($keys[$high]));)*
    };
}

/// Fills two rows with the medians of 3 × 3 windows, from four rows padded by one pixel.
///
/// # Panics
/// If a row is shorter than those of `out` and two pixels.
pub(crate) fn median_3x3<T: Rank>(rows: [&[T::Key]; 4], channels: usize, out: [&mut [T]; 2]) {
    let len = out[0].len();
    widest(
        #[inline(always)]
        || {
            // All of one length, so that one comparison is enough for all.
            let columns = |row| [0, 1, 2].map(|at| shifted(row, at * channels, len));
            let [a, b, c, d] = rows;
            let rows = [columns(a), columns(b), columns(c), columns(d)];
            let out = out.map(|row| &mut row[..len]);
            each_part::<T::Key>(len, &mut Threes { rows, out });
        },
    );
}

#[inline(always)]
fn shifted<K>(row: &[K], by: usize, len: usize) -> &[K] {
    &row[by..][..len]
}

struct Threes<'a, T: Rank> {
    /// Four rows, each as three columns of the windows see it.
    rows: [[&'a [T::Key]; 3]; 4],
    out: [&'a mut [T]; 2],
}

impl<T: Rank> Parts for Threes<'_, T> {
    #[inline(always)]
    fn part<const LEN: usize>(&mut self, at: usize) {
        let row = |row: usize, column: usize| &self.rows[row][column][at..][..LEN];
        let (a0, b0, c0, d0) = (row(0, 0), row(1, 0), row(2, 0), row(3, 0));
        let (a1, b1, c1, d1) = (row(0, 1), row(1, 1), row(2, 1), row(3, 1));
        let (a2, b2, c2, d2) = (row(0, 2), row(1, 2), row(2, 2), row(3, 2));
        let (mut above, mut below) = ([T::default(); LEN], [T::default(); LEN]);
        for i in 0..LEN {
            let shared = middle_of_6([b0[i], b1[i], b2[i], c0[i], c1[i], c2[i]]);
            above[i] = T::from_key(median_of_7(shared, [a0[i], a1[i], a2[i]]));
            below[i] = T::from_key(median_of_7(shared, [d0[i], d1[i], d2[i]]));
        }
        self.out[0][at..][..LEN].copy_from_slice(&above);
        self.out[1][at..][..LEN].copy_from_slice(&below);
    }
}

/// The four in the middle of six keys, in order.
#[inline(always)]
fn middle_of_6<K: Ord + Copy>(mut keys: [K; 6]) -> [K; 4] {
    // Columns; the two larger ones of the upper keys and the two smaller ones of the lower; all
    // four.
    exchange!(keys, (0, 3), (1, 4), (2, 5));
    exchange!(keys, (0, 1), (1, 2), (0, 1), (4, 5), (3, 4), (4, 5));
    exchange!(keys, (1, 3), (2, 4), (2, 3));
    [keys[1], keys[2], keys[3], keys[4]]
}

/// The median of four keys in order and of three others.
#[inline(always)]
fn median_of_7<K: Ord + Copy>([a, b, c, d]: [K; 4], mut keys: [K; 3]) -> K {
    exchange!(keys, (0, 2), (0, 1), (1, 2));
    d.min(c.max(keys[0])).min(b.max(keys[1]).min(a.max(keys[2])))
}

/// Fills two rows with the medians of 5 × 5 windows, from six rows padded by two pixels.
///
/// The columns of the four rows that both see are sorted once and used by all windows that see
/// them; `sorted` is working memory for that.
///
/// # Panics
/// If a row is shorter than those of `out` and four pixels.
pub(crate) fn median_5x5<T: Rank>(
    rows: [&[T::Key]; 6],
    channels: usize,
    out: [&mut [T]; 2],
    sorted: &mut Vec<T::Key>,
) {
    let [first, shared @ .., last] = rows;
    let len = out[0].len();
    let padded = len + 4 * channels;
    sorted.resize(4 * padded, T::Key::default());
    widest(
        #[inline(always)]
        || {
            each_part::<T::Key>(padded, &mut Columns { rows: shared, sorted, padded });
            let ranks: [&[T::Key]; 4] = std::array::from_fn(
                #[inline(always)]
                |rank| &sorted[rank * padded..][..padded],
            );
            each_part::<T::Key>(len, &mut Fives { ranks, others: [first, last], channels, out });
        },
    );
}

/// Sorts the columns of four rows; the least of each come first.
struct Columns<'a, K> {
    rows: [&'a [K]; 4],
    sorted: &'a mut [K],
    padded: usize,
}

impl<K: Ord + Copy + Default> Parts for Columns<'_, K> {
    #[inline(always)]
    fn part<const LEN: usize>(&mut self, at: usize) {
        let row = |row: usize| &self.rows[row][at..][..LEN];
        let (a, b, c, d) = (row(0), row(1), row(2), row(3));
        let mut sorted = [[K::default(); LEN]; 4];
        for i in 0..LEN {
            let mut keys = [a[i], b[i], c[i], d[i]];
            exchange!(keys, (0, 1), (2, 3), (0, 2), (1, 3), (1, 2));
            [sorted[0][i], sorted[1][i], sorted[2][i], sorted[3][i]] = keys;
        }
        for (rank, sorted) in sorted.iter().enumerate() {
            self.sorted[rank * self.padded + at..][..LEN].copy_from_slice(sorted);
        }
    }
}

struct Fives<'a, T: Rank> {
    /// The least of the columns that both rows of windows share, the next ones, and so on.
    ranks: [&'a [T::Key]; 4],
    /// The row above those that are shared and the one below.
    others: [&'a [T::Key]; 2],
    channels: usize,
    out: [&'a mut [T]; 2],
}

impl<T: Rank> Parts for Fives<'_, T> {
    #[inline(always)]
    fn part<const LEN: usize>(&mut self, at: usize) {
        let rank =
            |rank: usize, column: usize| &self.ranks[rank][at + column * self.channels..][..LEN];
        let others =
            |row: usize, column: usize| &self.others[row][at + column * self.channels..][..LEN];
        let (p0, p1, p2, p3, p4) = (rank(0, 0), rank(0, 1), rank(0, 2), rank(0, 3), rank(0, 4));
        let (q0, q1, q2, q3, q4) = (rank(1, 0), rank(1, 1), rank(1, 2), rank(1, 3), rank(1, 4));
        let (r0, r1, r2, r3, r4) = (rank(2, 0), rank(2, 1), rank(2, 2), rank(2, 3), rank(2, 4));
        let (s0, s1, s2, s3, s4) = (rank(3, 0), rank(3, 1), rank(3, 2), rank(3, 3), rank(3, 4));
        let (a0, a1, a2, a3, a4) =
            (others(0, 0), others(0, 1), others(0, 2), others(0, 3), others(0, 4));
        let (z0, z1, z2, z3, z4) =
            (others(1, 0), others(1, 1), others(1, 2), others(1, 3), others(1, 4));
        let (mut above, mut below) = ([T::default(); LEN], [T::default(); LEN]);
        for i in 0..LEN {
            let shared = middle_of_20([
                p0[i], p1[i], p2[i], p3[i], p4[i], q0[i], q1[i], q2[i], q3[i], q4[i], r0[i], r1[i],
                r2[i], r3[i], r4[i], s0[i], s1[i], s2[i], s3[i], s4[i],
            ]);
            let (first, last) =
                ([a0[i], a1[i], a2[i], a3[i], a4[i]], [z0[i], z1[i], z2[i], z3[i], z4[i]]);
            above[i] = T::from_key(median_of_11(shared, first));
            below[i] = T::from_key(median_of_11(shared, last));
        }
        self.out[0][at..][..LEN].copy_from_slice(&above);
        self.out[1][at..][..LEN].copy_from_slice(&below);
    }
}

/// The six in the middle of five sorted columns of four keys, in order; the least of each column
/// come first.
#[inline(always)]
fn middle_of_20<K: Ord + Copy>(mut keys: [K; 20]) -> [K; 6] {
    exchange!(
        keys,
        (11, 12),
        (9, 8),
        (14, 13),
        (1, 2),
        (19, 18),
        (16, 17),
        (16, 12),
        (6, 7),
        (4, 3),
        (14, 3),
        (11, 2),
        (19, 13),
        (16, 8),
        (11, 14),
        (2, 10),
        (3, 2),
        (17, 18),
        (17, 15),
        (7, 19),
        (19, 8),
        (12, 13),
        (8, 5),
        (2, 10),
        (12, 14),
        (6, 9),
        (16, 7),
        (11, 6),
        (17, 19),
        (7, 9),
        (12, 16),
        (12, 0),
        (16, 0),
        (16, 8),
        (4, 3),
        (17, 8),
        (9, 8),
        (14, 10),
        (1, 3),
        (2, 0),
        (2, 3),
        (7, 17),
        (14, 0),
        (17, 3),
        (9, 14),
        (7, 16),
        (19, 8),
        (16, 6),
        (15, 0),
        (17, 9),
        (2, 6),
        (19, 15),
        (14, 3),
        (6, 17),
        (9, 14),
        (19, 3)
    );
    [keys[6], keys[17], keys[9], keys[14], keys[19], keys[3]]
}

/// The median of six keys in order and of five others.
#[inline(always)]
fn median_of_11<K: Ord + Copy>([a, b, c, d, e, f]: [K; 6], mut keys: [K; 5]) -> K {
    exchange!(keys, (0, 1), (3, 4), (2, 4), (2, 3), (1, 4), (0, 3), (0, 2), (1, 3), (1, 2));
    let [p, q, r, s, t] = keys;
    let ends = f.min(a.max(t));
    let others = (e.max(p)).min(b.max(s)).min((d.max(q)).min(c.max(r)));
    ends.min(others)
}

#[cfg(test)]
mod tests {
    use super::super::rank::select_row;
    use super::*;

    #[test]
    fn networks_and_selection_agree() {
        fn check<T: Rank>(width: usize, sample: impl Fn(u32) -> T) {
            let keys: Vec<T::Key> =
                (0..6 * 410u32).map(|n| sample(n.wrapping_mul(2_654_435_761) >> 7).key()).collect();
            for channels in [1, 2] {
                let len = width * channels;
                let rows: Vec<&[T::Key]> =
                    keys.chunks(410).map(|row| &row[..len + 4 * channels]).collect();
                let (mut above, mut below) = (vec![T::default(); len], vec![T::default(); len]);
                let mut expected = above.clone();
                let mut select = |rows: &[&[T::Key]], found: &[T]| {
                    let below = rows.len() * rows.len() / 2;
                    select_row(rows, channels, below, &mut expected, &mut Vec::new());
                    assert_eq!(found, expected);
                };
                let four = std::array::from_fn(|at| rows[at]);
                median_3x3(four, channels, [&mut above, &mut below]);
                select(&rows[..3], &above);
                select(&rows[1..4], &below);
                let six = std::array::from_fn(|at| rows[at]);
                median_5x5(six, channels, [&mut above, &mut below], &mut Vec::new());
                select(&rows[..5], &above);
                select(&rows[1..], &below);
            }
        }
        for width in [0, 1, 7, 16, 31, 32, 64, 100, 200] {
            check(width, |n| n as u8);
            check(width, |n| n as u16);
            check(width, |n| n as f32 - 65_536.0);
            check(width, |n| (n % 3) as u8);
        }
    }

    #[test]
    fn the_median_of_every_column_of_zeros_and_ones_is_found() {
        for ones in 0..5u32.pow(5) {
            let column = |at: u32| ones / 5u32.pow(at) % 5;
            let keys: [u8; 20] =
                std::array::from_fn(|at| u8::from(at as u32 / 5 >= 4 - column(at as u32 % 5)));
            let count: u32 = (0..5).map(column).sum();
            let expected: [u8; 6] = std::array::from_fn(|at| u8::from(at as u32 + 7 >= 20 - count));
            assert_eq!(middle_of_20(keys), expected);
        }
        for ones in 0..1u32 << 11 {
            let others: [u8; 5] = std::array::from_fn(|at| (ones >> at & 1) as u8);
            let shared = std::array::from_fn(|at| u8::from(at as u32 >= 6 - (ones >> 5) % 7));
            let count = others.iter().chain(&shared).filter(|&&key| key == 1).count();
            assert_eq!(median_of_11(shared, others), u8::from(count > 5));
        }
        for ones in 0..1u32 << 9 {
            let keys: [u8; 9] = std::array::from_fn(|at| (ones >> at & 1) as u8);
            let [a, b, c, shared @ ..] = keys;
            let found = median_of_7(middle_of_6(shared), [a, b, c]);
            assert_eq!(u32::from(found), u32::from(ones.count_ones() > 4));
        }
    }
}
