//! Minima and maxima over windows: down columns, along rows, and over convex shapes.
//!
//! Every comparison is one of whole rows, so all of it vectorises; what is compared are the integer
//! keys of samples ([`Rank`](super::Rank)), so that every order of comparisons gives the same.

use std::marker::PhantomData;

use pipeline_core::Result;

use super::Rank;
use super::parts::{Parts, each_part, of_length};
use super::vector::widest;

/// Which of two keys a window keeps.
pub(crate) trait Extremum {
    /// The one of the two that is kept.
    fn pick<K: Ord>(a: K, b: K) -> K;

    /// A sample that is kept beside no other.
    fn yielding<T: Rank>() -> T;
}

/// Keeps the smaller.
#[derive(Debug)]
pub(crate) enum Least {}

/// Keeps the larger.
#[derive(Debug)]
pub(crate) enum Most {}

impl Extremum for Least {
    #[inline(always)]
    fn pick<K: Ord>(a: K, b: K) -> K {
        a.min(b)
    }

    fn yielding<T: Rank>() -> T {
        T::LAST
    }
}

impl Extremum for Most {
    #[inline(always)]
    fn pick<K: Ord>(a: K, b: K) -> K {
        a.max(b)
    }

    fn yielding<T: Rank>() -> T {
        T::FIRST
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

/// `row[i]` is the sample of `keys[i]`.
pub(crate) fn samples<T: Rank>(keys: &[T::Key], row: &mut [T]) {
    widest(
        #[inline(always)]
        || row.iter_mut().zip(keys).for_each(|(sample, &key)| *sample = T::from_key(key)),
    );
}

/// The most windows that [`down_few`] makes together, a power of two.
pub(crate) const TOGETHER: usize = 8;

/// Fills the rows of `group` with the extrema of every `size` successive rows, where those are few.
///
/// Windows are made together, as many as [`TOGETHER`] says or a half or a quarter of that, and at
/// most `size`. What all of them see is compared once, and what some see is shared as in
/// [`down_columns`], but column by column, so that all of it stays in registers: a row is read once
/// and written once.
///
/// # Panics
/// If the rows are not as long as those of the group.
pub(crate) fn down_few<E: Extremum, K: Ord + Copy + Default>(
    rows: &[&[K]],
    size: usize,
    group: &mut [K],
) {
    let (windows, mut first) = (rows.len() + 1 - size, 0);
    while first < windows {
        let count = 1 << size.min(TOGETHER).min(windows - first).ilog2();
        let rows = &rows[first..][..count + size - 1];
        let group = &mut group[first * rows[0].len()..];
        match count {
            TOGETHER => Down::<E, K, TOGETHER>::fill(rows, group),
            4 => Down::<E, K, 4>::fill(rows, group),
            2 => Down::<E, K, 2>::fill(rows, group),
            _ => Down::<E, K, 1>::fill(rows, group),
        }
        first += count;
    }
}

/// The columns of `N` windows.
struct Down<'a, E, K, const N: usize> {
    rows: &'a [&'a [K]],
    group: &'a mut [K],
    kept: PhantomData<E>,
}

impl<'a, E: Extremum, K: Ord + Copy + Default, const N: usize> Down<'a, E, K, N> {
    fn fill(rows: &'a [&'a [K]], group: &'a mut [K]) {
        let len = rows[0].len();
        let mut down = Self { rows, group, kept: PhantomData };
        widest(
            #[inline(always)]
            || each_part::<K>(len, &mut down),
        );
    }
}

impl<E: Extremum, K: Ord + Copy + Default, const N: usize> Parts for Down<'_, E, K, N> {
    #[inline(always)]
    fn part<const LEN: usize>(&mut self, at: usize) {
        let len = self.rows[0].len();
        // Those above the last of a window's first rows, those that all windows see, and the rest.
        let (above, rest) = self.rows.split_at(N - 1);
        let (shared, below) = rest.split_at(rest.len() + 1 - N);
        let mut run = [K::default(); LEN];
        run.copy_from_slice(&shared[0][at..][..LEN]);
        for row in &shared[1..] {
            pick_into::<E, K, LEN>(&mut run, &row[at..][..LEN]);
        }
        let mut windows = [run; N];
        for (window, row) in windows.iter_mut().zip(above).rev() {
            pick_into::<E, K, LEN>(&mut run, &row[at..][..LEN]);
            *window = run;
        }
        for (at_row, (window, row)) in windows[1..].iter_mut().zip(below).enumerate() {
            let row = &row[at..][..LEN];
            if at_row == 0 {
                run.copy_from_slice(row);
            } else {
                pick_into::<E, K, LEN>(&mut run, row);
            }
            pick_into::<E, K, LEN>(window, &run);
        }
        for (window, out) in windows.iter().zip(self.group.chunks_exact_mut(len)) {
            out[at..][..LEN].copy_from_slice(window);
        }
    }
}

/// `into[i] = pick(into[i], row[i])`.
#[inline(always)]
fn pick_into<E: Extremum, K: Ord + Copy, const LEN: usize>(into: &mut [K; LEN], row: &[K]) {
    for (into, &key) in into.iter_mut().zip(row) {
        *into = E::pick(*into, key);
    }
}

/// Fills the rows of `group` with the extrema of every `size` successive rows.
///
/// There are at most `size` windows, so all of them see row `size - 1`. Each is put together from
/// the extrema that run up from there to its first row and those that run down to its last, which
/// takes three comparisons whatever the size: van Herk (1992), Gil and Werman (1993). `block`
/// columns are worked on at a time, so that they stay in the cache from one pass to the next;
/// `below` is working memory as long as a row.
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

/// Extrema that are taken at a time along a row.
const ALONG: usize = 64;

/// Fills `out` with what `make` makes of the extrema of every `size` successive pixels of a row.
///
/// Windows are made four times as large until at most five of them, each shifted further, cover the
/// size. That is more comparisons than the three of running extrema, but of whole vectors, and few
/// passes over the row. `memory` is twice as long as the row.
pub(crate) fn along_row<E: Extremum, K: Ord + Copy + Default, T: Copy + Default>(
    row: &[K],
    (size, channels): (usize, usize),
    memory: &mut [K],
    out: &mut [T],
    make: impl Fn(K) -> T + Copy,
) {
    let (mut from, mut to) = memory.split_at_mut(row.len());
    let (mut covered, mut len) = (1, row.len());
    loop {
        let row = if covered == 1 { row } else { &from[..len] };
        let apart = covered * channels;
        let count = size.div_ceil(covered);
        let last = (size - covered) * channels;
        match count {
            1 => return over_shifts::<E, _, _, 1>(row, (apart, last), out, make),
            2 => return over_shifts::<E, _, _, 2>(row, (apart, last), out, make),
            3 => return over_shifts::<E, _, _, 3>(row, (apart, last), out, make),
            4 => return over_shifts::<E, _, _, 4>(row, (apart, last), out, make),
            5 => return over_shifts::<E, _, _, 5>(row, (apart, last), out, make),
            _ => {}
        }
        len -= 3 * apart;
        over_shifts::<E, _, _, 4>(row, (apart, 3 * apart), &mut to[..len], |key| key);
        std::mem::swap(&mut from, &mut to);
        covered *= 4;
    }
}

/// `out[i] = make(extremum of row[i], row[i + apart], row[i + 2 · apart] …)` of `N` keys, the last
/// of which is `row[i + last]`.
fn over_shifts<E: Extremum, K: Ord + Copy + Default, T: Copy + Default, const N: usize>(
    row: &[K],
    (apart, last): (usize, usize),
    out: &mut [T],
    make: impl Fn(K) -> T,
) {
    // All of one length, so that one comparison is enough for all.
    let len = out.len();
    let mut rows = [&row[last..][..len]; N];
    rows[..N - 1].iter_mut().enumerate().for_each(|(at, near)| *near = &row[at * apart..][..len]);
    widest(
        #[inline(always)]
        || of_length::<ALONG>(len, &mut Along { rows, out, make, kept: PhantomData::<E> }),
    );
}

struct Along<'a, E, K, T, F, const N: usize> {
    rows: [&'a [K]; N],
    out: &'a mut [T],
    make: F,
    kept: PhantomData<E>,
}

impl<E, K, T, F, const N: usize> Parts for Along<'_, E, K, T, F, N>
where
    E: Extremum,
    K: Ord + Copy + Default,
    T: Copy + Default,
    F: Fn(K) -> T,
{
    #[inline(always)]
    fn part<const LEN: usize>(&mut self, at: usize) {
        let mut run = [K::default(); LEN];
        run.copy_from_slice(&self.rows[0][at..][..LEN]);
        for row in &self.rows[1..] {
            pick_into::<E, K, LEN>(&mut run, &row[at..][..LEN]);
        }
        let mut made = [T::default(); LEN];
        made.iter_mut().zip(run).for_each(|(made, key)| *made = (self.make)(key));
        self.out[at..][..LEN].copy_from_slice(&made);
    }
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
pub(crate) fn over_shape<E: Extremum, T: Rank>(
    rows: &[&[T::Key]],
    reach: &[usize],
    channels: usize,
    memory: &mut [T::Key],
    out: &mut [T],
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
            let size = (2 * further + 1, channels);
            let out = &mut widened[..narrowed];
            along_row::<E, _, _>(&joined[..len], size, memory, out, |key| key);
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
    let size = (2 * reach[reach.len() - 1] + 1, channels);
    along_row::<E, _, _>(&joined[..len], size, memory, out, T::from_key);
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
            let expected: Vec<u8> = expected.collect();
            assert_eq!(found, expected, "{windows} windows of {size} rows");
            found.fill(0);
            down_few::<Least, u8>(rows, size, &mut found);
            assert_eq!(found, expected, "{windows} windows of {size} rows");
        }
    }

    #[test]
    fn few_columns_of_every_length_equal_direct_ones() {
        let samples = numbers(20 * 150);
        for len in [1, 63, 64, 65, 150] {
            let rows: Vec<&[u8]> = samples.chunks(150).map(|row| &row[..len]).collect();
            for (size, windows) in [(1, 1), (3, 2), (5, 4), (11, 8), (8, 8), (13, 8), (20, 1)] {
                let rows = &rows[..size - 1 + windows];
                let mut found = vec![0; windows * len];
                down_few::<Most, u8>(rows, size, &mut found);
                let expected = rows.windows(size).flat_map(|window| {
                    (0..len).map(|x| window.iter().map(|row| row[x]).max().unwrap())
                });
                assert_eq!(found, expected.collect::<Vec<_>>(), "{windows} windows of {size} rows");
            }
        }
    }

    #[test]
    fn lines_of_every_size_equal_direct_ones() {
        let row = numbers(300);
        for size in 1..=90 {
            let mut out = vec![0; 300 - 2 * (size - 1)];
            along_row::<Most, _, _>(&row, (size, 2), &mut [0; 600], &mut out, |key| key);
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
            over_shape::<Most, u8>(&padded, &reach, 1, &mut [0; 80], &mut out);
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
