//! Sorting networks for the medians of 3 × 3 and of 5 × 5 pixels.
//!
//! Every comparison is one of whole rows, so that it becomes vector code.

use super::Rank;
use super::vector::widest;

/// Fills `out` with the medians of 3 × 3 windows, from three rows padded by one pixel.
///
/// The median of nine is the middle of: the largest minimum, the middle median and the smallest
/// maximum of three columns. To sort each column three times, in registers, takes half of the time
/// that storing and loading it does.
///
/// # Panics
/// If a row is shorter than `out` and two pixels.
pub(crate) fn median_3x3<T: Rank>(rows: [&[T::Key]; 3], channels: usize, out: &mut [T]) {
    widest(
        #[inline(always)]
        || {
            let len = out.len();
            let columns = |at| rows.map(|row| shifted(row, at * channels, len));
            let (left, own, right) = (columns(0), columns(1), columns(2));
            for (i, out) in out.iter_mut().enumerate() {
                let (a, b, c) = (sort_3(left, i), sort_3(own, i), sort_3(right, i));
                let low = a[0].max(b[0]).max(c[0]);
                let high = a[2].min(b[2]).min(c[2]);
                *out = T::from_key(middle_of(low, middle_of(a[1], b[1], c[1]), high));
            }
        },
    );
}

/// The keys of column `at`, the least first.
#[inline(always)]
fn sort_3<K: Ord + Copy>([a, b, c]: [&[K]; 3], at: usize) -> [K; 3] {
    let (least, most) = (a[at].min(b[at]), a[at].max(b[at]));
    let between = most.min(c[at]);
    [least.min(between), least.max(between), most.max(c[at])]
}

#[inline(always)]
fn shifted<K>(row: &[K], by: usize, len: usize) -> &[K] {
    &row[by..][..len]
}

#[inline(always)]
fn middle_of<K: Ord + Copy>(a: K, b: K, c: K) -> K {
    a.min(b).max(a.max(b).min(c))
}

/// Exchanges pairs of places that are out of order, one pair after the other.
macro_rules! exchange {
    ($keys:ident, $(($low:literal, $high:literal)),*) => {
        $(($keys[$low], $keys[$high]) =
            ($keys[$low].min($keys[$high]), $keys[$low].max($keys[$high]));)*
    };
}

/// Fills `out` with the medians of 5 × 5 windows, from five rows padded by two pixels.
///
/// Columns are sorted once and used by all windows that see them.
///
/// `sorted` is working memory.
///
/// # Panics
/// If a row is shorter than `out` and four pixels.
pub(crate) fn median_5x5<T: Rank>(
    rows: [&[T::Key]; 5],
    channels: usize,
    out: &mut [T],
    sorted: &mut Vec<T::Key>,
) {
    let (len, padded) = (out.len(), out.len() + 4 * channels);
    sorted.resize(5 * padded, T::Key::default());
    widest(
        #[inline(always)]
        || {
            sort_5(rows, sorted);
            let columns = |rank: usize| shifted(sorted, rank * padded, padded);
            let ranks = [columns(0), columns(1), columns(2), columns(3), columns(4)];
            of_columns::<T>(ranks, channels, &mut out[..len]);
        },
    );
}

/// Sorts the columns of five rows; the least of each come first.
#[inline(always)]
fn sort_5<K: Ord + Copy>(rows: [&[K]; 5], sorted: &mut [K]) {
    let len = sorted.len() / 5;
    let (first, rest) = sorted.split_at_mut(len);
    let (second, rest) = rest.split_at_mut(len);
    let (third, rest) = rest.split_at_mut(len);
    let (fourth, fifth) = rest.split_at_mut(len);
    let (a, b, c) = (&rows[0][..len], &rows[1][..len], &rows[2][..len]);
    let (d, e, fifth) = (&rows[3][..len], &rows[4][..len], &mut fifth[..len]);
    for i in 0..len {
        let mut keys = [a[i], b[i], c[i], d[i], e[i]];
        exchange!(keys, (0, 1), (3, 4), (2, 4), (2, 3), (1, 4), (0, 3), (0, 2), (1, 3), (1, 2));
        [first[i], second[i], third[i], fourth[i], fifth[i]] = keys;
    }
}

/// The medians of five successive columns that are sorted.
///
/// The exchanges sort the keys of each rank and then the thirteen that may still be the median. What
/// sorted columns make superfluous was left out, one exchange after the other, as long as the rest
/// found the median of every column of zeros and ones, which is as good as every column.
#[inline(always)]
fn of_columns<T: Rank>(ranks: [&[T::Key]; 5], channels: usize, out: &mut [T]) {
    let len = out.len();
    let [p, q, r, s, t] = ranks;
    let at = |row, column: usize| shifted(row, column * channels, len);
    let (p0, p1, p2, p3, p4) = (at(p, 0), at(p, 1), at(p, 2), at(p, 3), at(p, 4));
    let (q0, q1, q2, q3, q4) = (at(q, 0), at(q, 1), at(q, 2), at(q, 3), at(q, 4));
    let (r0, r1, r2, r3, r4) = (at(r, 0), at(r, 1), at(r, 2), at(r, 3), at(r, 4));
    let (s0, s1, s2, s3, s4) = (at(s, 0), at(s, 1), at(s, 2), at(s, 3), at(s, 4));
    let (t0, t1, t2, t3, t4) = (at(t, 0), at(t, 1), at(t, 2), at(t, 3), at(t, 4));
    for (i, out) in out.iter_mut().enumerate() {
        let mut keys = [
            p0[i], p1[i], p2[i], p3[i], p4[i], q0[i], q1[i], q2[i], q3[i], q4[i], r0[i], r1[i],
            r2[i], r3[i], r4[i], s0[i], s1[i], s2[i], s3[i], s4[i], t0[i], t1[i], t2[i], t3[i],
            t4[i],
        ];
        exchange!(
            keys,
            (0, 1),
            (3, 4),
            (2, 4),
            (2, 3),
            (1, 4),
            (0, 3),
            (1, 3),
            (5, 6),
            (8, 9),
            (7, 9),
            (7, 8),
            (6, 9),
            (5, 8),
            (6, 8),
            (6, 7),
            (10, 11),
            (13, 14),
            (12, 14),
            (12, 13),
            (11, 14),
            (10, 13),
            (10, 12),
            (11, 13),
            (11, 12),
            (15, 16),
            (17, 19),
            (17, 18),
            (16, 19),
            (15, 18),
            (15, 17),
            (16, 18),
            (20, 21),
            (22, 24),
            (22, 23),
            (21, 24),
            (20, 23),
            (20, 22),
            (21, 22),
            (11, 15),
            (7, 3),
            (20, 4),
            (8, 12),
            (17, 13),
            (15, 3),
            (20, 8),
            (4, 12),
            (16, 17),
            (4, 8),
            (21, 17),
            (16, 9),
            (3, 4),
            (4, 8),
            (4, 21),
            (3, 4),
            (8, 16),
            (4, 8)
        );
        *out = T::from_key(keys[8]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::select_row;
    use super::*;

    #[test]
    fn networks_and_selection_agree() {
        fn check<T: Rank>(sample: impl Fn(u32) -> T) {
            let keys: Vec<T::Key> =
                (0..5 * 210u32).map(|n| sample(n.wrapping_mul(2_654_435_761) >> 7).key()).collect();
            let rows: Vec<&[T::Key]> = keys.chunks(210).collect();
            let (mut network, mut selected) = (vec![T::default(); 200], vec![T::default(); 200]);
            let mut memory = Vec::new();
            for channels in [1, 2] {
                median_3x3([rows[0], rows[1], rows[2]], channels, &mut network);
                select_row(&rows[..3], channels, 4, &mut selected, &mut Vec::new());
                assert_eq!(network, selected);
                let five = [rows[0], rows[1], rows[2], rows[3], rows[4]];
                median_5x5(five, channels, &mut network, &mut memory);
                select_row(&rows, channels, 12, &mut selected, &mut Vec::new());
                assert_eq!(network, selected);
            }
        }
        check(|n| n as u8);
        check(|n| n as u16);
        check(|n| n as f32 - 65_536.0);
        check(|n| (n % 3) as u8);
    }

    #[test]
    fn the_median_of_every_column_of_zeros_and_ones_is_found() {
        // Twelve or more columns of ones and zeros at once would be enough; each is a window here.
        for ones in 0..6u32.pow(5) {
            let column = |at: u32| ones / 6u32.pow(at) % 6;
            let row = |rank: u32| [0, 1, 2, 3, 4].map(|at| u8::from(rank >= 5 - column(at)));
            let rows = [row(0), row(1), row(2), row(3), row(4)];
            let mut out = [7u8];
            of_columns::<u8>([&rows[0], &rows[1], &rows[2], &rows[3], &rows[4]], 1, &mut out);
            let count: u32 = (0..5).map(column).sum();
            assert_eq!(out[0], u8::from(count > 12));
        }
    }
}
