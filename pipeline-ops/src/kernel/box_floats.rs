//! The mean over a square window of floats, whose sums round and so may not be carried along.
//!
//! What several windows share is summed once. Which windows share is a matter of their place in the
//! image alone, so the order of additions is that of the place, however the image is cut.

use std::ops::AddAssign;

use super::vector::widest;

/// Windows below each other that share the sum of the rows that all of them see. The first is in a
/// row whose number is a multiple of this.
pub(crate) const SHARING: usize = 8;

/// Columns that are summed at a time, where there are that many.
const PART: usize = 32;

/// Rows that are added to each other before they are added to a sum.
const TOGETHER: usize = 4;

/// Sums the columns of windows of `size` rows, one window for each row of `sums`.
///
/// The first window sees `rows` from the first on, and is number `place` of those that share.
///
/// # Panics
/// If `rows` end before the last window does, a row is shorter than the sums, or the windows are
/// not of one group.
pub(crate) fn column_sums(rows: &[&[f32]], size: usize, place: usize, sums: &mut [&mut [f32]]) {
    assert!(place + sums.len() <= SHARING, "windows of one group");
    let len = sums.first().map_or(0, |sums| sums.len());
    if size < SHARING {
        for (rows, sums) in rows.windows(size).zip(sums) {
            widest(
                #[inline(always)]
                || few(|at| rows[at], size, sums, |sum| sum),
            );
        }
        return;
    }
    widest(
        #[inline(always)]
        || {
            if len < PART {
                (0..len).for_each(|at| part::<1>(rows, size, place, at, sums));
                return;
            }
            // The last part ends where the row does, and takes some sums again.
            for at in (0..len).step_by(PART) {
                part::<PART>(rows, size, place, at.min(len - PART), sums);
            }
        },
    );
}

/// Sums the columns of `size` rows, a number below [`SHARING`] that is odd, and finishes each sum.
#[inline(always)]
fn few<'a>(
    row: impl Fn(usize) -> &'a [f32],
    size: usize,
    sums: &mut [f32],
    finish: impl Fn(f32) -> f32,
) {
    match size {
        1 => fixed::<1>(row, sums, finish),
        3 => fixed::<3>(row, sums, finish),
        5 => fixed::<5>(row, sums, finish),
        _ => fixed::<7>(row, sums, finish),
    }
}

/// The same for a size that is known, which takes one pass.
#[inline(always)]
fn fixed<'a, const SIZE: usize>(
    row: impl Fn(usize) -> &'a [f32],
    sums: &mut [f32],
    finish: impl Fn(f32) -> f32,
) {
    let rows: [&[f32]; SIZE] = std::array::from_fn(|at| &row(at)[..sums.len()]);
    for (at, sum) in sums.iter_mut().enumerate() {
        let mut whole = rows[0][at];
        rows[1..].iter().for_each(|row| whole += row[at]);
        *sum = finish(whole);
    }
}

/// The sums of `LEN` columns from `at` on.
#[inline(always)]
fn part<const LEN: usize>(
    rows: &[&[f32]],
    size: usize,
    place: usize,
    at: usize,
    sums: &mut [&mut [f32]],
) {
    // Of the rows that all windows of the group see, up to the first and from the last on that not
    // all of them do.
    let (above, below) = (SHARING - 1 - place, size - place);
    let mut sum = total::<LEN>(&rows[above..below], at);
    for window in (0..=above).rev() {
        if window < above {
            add(&mut sum, &rows[window][at..]);
        }
        if let Some(sums) = sums.get_mut(window) {
            sums[at..at + LEN].copy_from_slice(&sum);
        }
    }
    let mut sum = [0.0; LEN];
    rows[below..size].iter().for_each(|row| add(&mut sum, &row[at..]));
    for (window, sums) in sums.iter_mut().enumerate() {
        if window > 0 {
            add(&mut sum, &rows[size + window - 1][at..]);
        }
        let sums = &mut sums[at..at + LEN];
        sums.iter_mut().zip(sum).for_each(|(whole, part)| *whole += part);
    }
}

#[inline(always)]
fn add<F: Float, const LEN: usize>(sums: &mut [F; LEN], row: &[F]) {
    sums.iter_mut().zip(&row[..LEN]).for_each(|(sum, sample)| *sum += *sample);
}

/// The sums of whole columns.
#[inline(always)]
fn total<const LEN: usize>(rows: &[&[f32]], at: usize) -> [f32; LEN] {
    let mut sums = [0.0; LEN];
    let (fours, rest) = rows.as_chunks::<TOGETHER>();
    for four in fours {
        let [a, b, c, d] = four.map(|row| &row[at..][..LEN]);
        for i in 0..LEN {
            sums[i] += (a[i] + b[i]) + (c[i] + d[i]);
        }
    }
    rest.iter().for_each(|row| add(&mut sums, &row[at..]));
    sums
}

/// Fills `out` with the means of `size` × `size` windows from padded column sums, which are
/// overwritten; `size` is odd.
///
/// # Panics
/// If `padded` is shorter than `out` and a window.
pub(crate) fn row_means(padded: &mut [f32], size: usize, channels: usize, out: &mut [f32]) {
    let area = size as f32 * size as f32;
    if size < SHARING {
        return widest(
            #[inline(always)]
            || few(|at| &padded[at * channels..], size, out, |sum| sum / area),
        );
    }
    widest(
        #[inline(always)]
        || {
            row_sums(padded, size, channels, out);
            out.iter_mut().for_each(|mean| *mean /= area);
        },
    );
}

/// Fills `out` with the sums of `size` columns from padded column sums, which are overwritten;
/// `size` is odd.
///
/// Sums of two columns make those of four, and so on; those whose numbers add up to `size` are the
/// window. So a window twice as wide costs one or two additions more.
///
/// # Panics
/// If `padded` is shorter than `out` and a window.
#[inline(always)]
pub(crate) fn row_sums<F: Float>(padded: &mut [F], size: usize, channels: usize, out: &mut [F]) {
    let len = out.len();
    out.copy_from_slice(&padded[..len]);
    // The columns that are in `out`, and how many each sum in `padded` is of, in samples.
    let (mut done, mut wide) = (channels, channels);
    let mut bits = size >> 1;
    while bits > 0 {
        double(padded, wide);
        wide *= 2;
        if bits & 1 == 1 {
            let sums = &padded[done..][..len];
            out.iter_mut().zip(sums).for_each(|(out, sum)| *out += *sum);
            done += wide;
        }
        bits >>= 1;
    }
}

/// What sums are taken in.
pub(crate) trait Float: Copy + Default + AddAssign {}

impl Float for f32 {}
impl Float for f64 {}

/// Adds to each sum the one that begins where it ends, as far as there is one.
#[inline(always)]
fn double<F: Float>(sums: &mut [F], wide: usize) {
    const LEN: usize = 16;
    let end = sums.len().saturating_sub(wide);
    let mut at = 0;
    // Whole vectors are read before one is written, though they overlap: a plain loop would wait
    // for every sample.
    while at + LEN <= end {
        let mut sum = [F::default(); LEN];
        sum.copy_from_slice(&sums[at..at + LEN]);
        add(&mut sum, &sums[at + wide..]);
        sums[at..at + LEN].copy_from_slice(&sum);
        at += LEN;
    }
    for at in at..end {
        let next = sums[at + wide];
        sums[at] += next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole numbers, of which any sum is exact.
    fn sample(at: usize) -> f32 {
        (at * 7919 % 251) as f32
    }

    #[test]
    fn columns_are_summed_for_windows_at_any_place() {
        let samples: Vec<f32> = (0..60 * 77).map(sample).collect();
        let rows: Vec<&[f32]> = samples.chunks(77).collect();
        for size in [1, 3, 5, 7, 9, 11, 15, 17, 41] {
            for (place, count) in [(0, 8), (0, 1), (3, 5), (3, 2), (7, 1)] {
                let mut sums = vec![0.0; count * 77];
                let mut lines: Vec<&mut [f32]> = sums.chunks_mut(77).collect();
                column_sums(&rows[..size + count - 1], size, place, &mut lines);
                for (at, sum) in sums.iter().enumerate() {
                    let seen = rows[at / 77..].iter().take(size);
                    let expected: f32 = seen.map(|row| row[at % 77]).sum();
                    assert_eq!(*sum, expected, "size {size}, place {place}, {at}");
                }
            }
        }
    }

    #[test]
    fn the_order_of_additions_is_that_of_the_place() {
        let samples: Vec<f32> = (0..48 * 40).map(|at| sample(at) / 7.0).collect();
        let rows: Vec<&[f32]> = samples.chunks(40).collect();
        for size in [5, 9, 41] {
            let mut whole = vec![0.0; 8 * 40];
            column_sums(&rows, size, 0, &mut whole.chunks_mut(40).collect::<Vec<_>>());
            for place in 0..8 {
                let mut single = vec![0.0; 40];
                column_sums(&rows[place..place + size], size, place, &mut [&mut single[..]]);
                assert_eq!(single, whole[place * 40..][..40], "size {size}, place {place}");
            }
        }
    }

    #[test]
    fn rows_are_summed_for_any_size() {
        for channels in [1, 3] {
            for size in [1, 3, 5, 7, 41, 99, 101] {
                let mut padded: Vec<f32> = (0..(size + 69) * channels).map(sample).collect();
                let sums = padded.clone();
                let mut out = vec![0.0; 70 * channels];
                row_means(&mut padded, size, channels, &mut out);
                for (at, mean) in out.iter().enumerate() {
                    let window = sums[at..].iter().step_by(channels).take(size);
                    let sum: f32 = window.sum();
                    assert_eq!(*mean, sum / (size * size) as f32, "size {size}, {at}");
                }
            }
        }
    }
}
