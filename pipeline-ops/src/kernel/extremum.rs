//! Minima and maxima over windows: down columns, along rows, and over convex shapes.
//!
//! Every comparison is one of whole rows, so all of it vectorises; what is compared are the integer
//! keys of samples ([`Rank`](super::Rank)), so that every order of comparisons gives the same.

use pipeline_core::Result;

use super::Rank;
use super::vector::widest;

/// Which of two keys a window keeps.
pub(crate) trait Extremum {
    /// The one of the two that is kept.
    fn pick<K: Ord>(a: K, b: K) -> K;
}

/// Keeps the smaller.
#[derive(Debug)]
pub(crate) enum Least {}

/// Keeps the larger.
#[derive(Debug)]
pub(crate) enum Most {}

impl Extremum for Least {
    #[inline]
    fn pick<K: Ord>(a: K, b: K) -> K {
        a.min(b)
    }
}

impl Extremum for Most {
    #[inline]
    fn pick<K: Ord>(a: K, b: K) -> K {
        a.max(b)
    }
}

/// `into[i] = pick(into[i], row[i])`.
pub(crate) fn fold<E: Extremum, K: Ord + Copy>(into: &mut [K], row: &[K]) {
    widest(
        #[inline(always)]
        || into.iter_mut().zip(row).for_each(|(into, &key)| *into = E::pick(*into, key)),
    );
}

/// `into[i] = pick(into[i], key of row[i])`.
fn take<E: Extremum, T: Rank>(into: &mut [T::Key], row: &[T]) {
    widest(
        #[inline(always)]
        || into.iter_mut().zip(row).for_each(|(into, row)| *into = E::pick(*into, row.key())),
    );
}

/// `into[i] = pick(keys[i], key of row[i])`.
fn join<E: Extremum, T: Rank>(keys: &[T::Key], row: &[T], into: &mut [T::Key]) {
    widest(
        #[inline(always)]
        || {
            for ((into, &key), sample) in into.iter_mut().zip(keys).zip(row) {
                *into = E::pick(key, sample.key());
            }
        },
    );
}

/// `keys[i]` is the key of `row[i]`.
pub(crate) fn keys<T: Rank>(row: &[T], keys: &mut [T::Key]) {
    widest(
        #[inline(always)]
        || keys.iter_mut().zip(row).for_each(|(key, sample)| *key = sample.key()),
    );
}

/// `out[i] = pick(row[i], row[i + shift])`.
fn shifted<E: Extremum, K: Ord + Copy>(row: &[K], shift: usize, out: &mut [K]) {
    let (near, far) = (&row[..out.len()], &row[shift..][..out.len()]);
    widest(
        #[inline(always)]
        || {
            for ((out, &near), &far) in out.iter_mut().zip(near).zip(far) {
                *out = E::pick(near, far);
            }
        },
    );
}

/// Fills the rows of `group` with the extrema of every `size` successive rows.
///
/// There are at most `size` windows, so all of them see row `size - 1`. Each is put together from the
/// extrema that run up from there to its first row and those that run down to its last, which takes
/// three comparisons whatever the size: van Herk (1992), Gil and Werman (1993). `block` columns are
/// worked on at a time, so that they stay in the cache from one pass to the next; `below` is working
/// memory as long as a row.
///
/// # Errors
/// What `check` returns, which is asked once per block.
pub(crate) fn down_columns<E: Extremum, T: Rank>(
    rows: &[&[T]],
    size: usize,
    group: &mut [T::Key],
    (block, below): (usize, &mut [T::Key]),
    check: impl Fn() -> Result<()>,
) -> Result<()> {
    let len = rows[0].len();
    let windows = rows.len() + 1 - size;
    for start in (0..len).step_by(block) {
        check()?;
        let part = start..len.min(start + block);
        let row = |at: usize| &rows[at][part.clone()];
        // The last window first, because it takes the fewest rows above the one that all see.
        let last = &mut group[(windows - 1) * len..][part.clone()];
        keys(row(size - 1), last);
        for at in (windows - 1..size - 1).rev() {
            take::<E, T>(last, row(at));
        }
        for at in (0..windows - 1).rev() {
            let (window, next) = group[at * len..].split_at_mut(len);
            join::<E, T>(&next[part.clone()], row(at), &mut window[part.clone()]);
        }
        let below = &mut below[part.clone()];
        for (at, window) in group.chunks_exact_mut(len).take(windows).enumerate().skip(1) {
            if at == 1 {
                keys(row(size), below);
            } else {
                take::<E, T>(below, row(size - 1 + at));
            }
            fold::<E, _>(&mut window[part.clone()], below);
        }
    }
    Ok(())
}

/// Fills `out` with the extrema of every `size` successive pixels of a row.
///
/// Windows are doubled until two of them, one shifted, cover the size. That is `log2(size) + 1`
/// comparisons instead of three, but of whole vectors, which running extrema along a row are not.
/// `memory` is twice as long as the row.
pub(crate) fn along_row<E: Extremum, K: Ord + Copy>(
    row: &[K],
    size: usize,
    channels: usize,
    memory: &mut [K],
    out: &mut [K],
) {
    if size == 1 {
        out.copy_from_slice(&row[..out.len()]);
        return;
    }
    let (mut from, mut to) = memory.split_at_mut(row.len());
    let mut len = row.len() - channels;
    let mut covered = 2;
    shifted::<E, _>(row, channels, &mut from[..len]);
    while 2 * covered < size {
        let shift = covered * channels;
        shifted::<E, _>(&from[..len], shift, &mut to[..len - shift]);
        std::mem::swap(&mut from, &mut to);
        len -= shift;
        covered *= 2;
    }
    shifted::<E, _>(&from[..len], (size - covered) * channels, out);
}

/// Fills `out` with the extrema of a convex shape that is symmetric to both axes.
///
/// `reach` says how far the shape reaches to each side, in the middle row first and then in the
/// rows above and below it, never further than in the row before. `rows` are those of the window,
/// padded by the reach of the middle row, and `memory` is four times as long as one of them.
///
/// A line of a pixels is one of b < a pixels, widened. So the middle row is widened by what it
/// reaches further than the next two; these join it, and all three are widened together by what
/// they reach further than those after them.
pub(crate) fn over_shape<E: Extremum, K: Ord + Copy>(
    rows: &[&[K]],
    reach: &[usize],
    channels: usize,
    memory: &mut [K],
    out: &mut [K],
) {
    let middle = rows.len() / 2;
    let padded = rows[middle].len();
    let (mut joined, memory) = memory.split_at_mut(padded);
    let (mut widened, memory) = memory.split_at_mut(padded);
    let mut len = padded;
    joined.copy_from_slice(rows[middle]);
    for (row, pair) in (1..).zip(reach.windows(2)) {
        let further = pair[0] - pair[1];
        if further > 0 {
            let narrowed = len - 2 * further * channels;
            let size = 2 * further + 1;
            along_row::<E, _>(&joined[..len], size, channels, memory, &mut widened[..narrowed]);
            std::mem::swap(&mut joined, &mut widened);
            len = narrowed;
        }
        let from = (reach[0] - pair[1]) * channels;
        let (above, below) = (&rows[middle - row][from..][..len], &rows[middle + row][from..]);
        let joined = &mut joined[..len];
        widest(
            #[inline(always)]
            || {
                for ((joined, &above), &below) in joined.iter_mut().zip(above).zip(below) {
                    *joined = E::pick(*joined, E::pick(above, below));
                }
            },
        );
    }
    let size = 2 * reach[reach.len() - 1] + 1;
    along_row::<E, _>(&joined[..len], size, channels, memory, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: u32) -> Vec<u8> {
        (0..count).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
    }

    #[test]
    fn columns_of_every_size_equal_direct_ones() {
        let samples = numbers(23 * 3);
        let rows: Vec<&[u8]> = samples.chunks(3).collect();
        for (size, windows) in (1..=12).flat_map(|size| (1..=size).map(move |n| (size, n))) {
            let rows = &rows[..size - 1 + windows];
            let mut found = vec![0; windows * 3];
            let working = (2, &mut [0; 3][..]);
            down_columns::<Least, u8>(rows, size, &mut found, working, || Ok(())).unwrap();
            let expected = rows
                .windows(size)
                .flat_map(|window| (0..3).map(|x| window.iter().map(|row| row[x]).min().unwrap()));
            assert_eq!(found, expected.collect::<Vec<_>>(), "{windows} windows of {size} rows");
        }
    }

    #[test]
    fn lines_of_every_size_equal_direct_ones() {
        let row = numbers(40);
        for size in 1..=20 {
            let mut out = vec![0; 40 - 2 * (size - 1)];
            along_row::<Most, _>(&row, size, 2, &mut [0; 80], &mut out);
            let expected = (0..out.len())
                .map(|at| row[at..].iter().step_by(2).take(size).copied().max().unwrap());
            assert_eq!(out, expected.collect::<Vec<_>>(), "{size} pixels");
        }
    }

    #[test]
    fn shapes_equal_direct_ones() {
        let samples = numbers(7 * 20);
        let rows: Vec<&[u8]> = samples.chunks(20).collect();
        for reach in [[3, 2, 2, 0], [3, 3, 3, 3], [3, 0, 0, 0], [0, 0, 0, 0]] {
            let padded: Vec<&[u8]> = rows.iter().map(|row| &row[..14 + 2 * reach[0]]).collect();
            let mut out = vec![0; 14];
            over_shape::<Most, _>(&padded, &reach, 1, &mut [0; 80], &mut out);
            let expected = (0..14).map(|x| {
                let row = |dy: usize| {
                    let reach = reach[dy.abs_diff(3)];
                    &padded[dy][x + padded[0].len() / 2 - 7 - reach..][..2 * reach + 1]
                };
                (0..7).flat_map(row).copied().max().unwrap()
            });
            assert_eq!(out, expected.collect::<Vec<_>>(), "{reach:?}");
        }
    }
}
