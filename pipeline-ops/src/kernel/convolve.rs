//! Weighted sums of rows and of shifted rows: the two passes of a separable filter.
//!
//! Both work on a short part of a row at a time, whose sums stay in registers or beside them while
//! all taps pass over it. Four taps are added to each other before they are added to the sum; the
//! order of additions is that of the taps, the same for every pixel.

use pipeline_core::Sample;

use super::parts::{Parts, Sums, fill, of_length};
use super::vector::widest;

/// Taps that are added to each other first.
const TOGETHER: usize = 4;

/// Rows between two windows that are summed together: their taps are added to each other in the
/// same groups of rows.
pub(crate) const APART: usize = TOGETHER;

/// Sums of two windows that are taken at a time.
const PAIR: usize = 64;

/// Sums of a part of a row that are taken together with those of the part beside it: of up to four
/// channels the two are whole groups of taps apart.
const BESIDE: usize = 12 * TOGETHER;

/// `sums[i] = Σ weights[k] · rows[k][i]`.
///
/// # Panics
/// If a row is shorter than `sums`.
pub(crate) fn vertical<T: Sample>(rows: &[&[T]], weights: &[f32], sums: &mut [f32]) {
    widest(
        #[inline(always)]
        || fill(sums, &Columns { rows, weights }),
    );
}

/// The sums of two windows, of which the second begins [`APART`] rows below the first. Samples that
/// both see are read and turned into floats once.
///
/// # Panics
/// If a row is shorter than the sums.
pub(crate) fn vertical_pair<T: Sample>(rows: &[&[T]], weights: &[f32], sums: [&mut [f32]; 2]) {
    let len = sums[0].len();
    widest(
        #[inline(always)]
        || of_length::<PAIR>(len, &mut Pair { rows, weights, sums }),
    );
}

/// `sums[i] = Σ weights[k] · padded[i + k · channels]`.
///
/// # Panics
/// If `padded` is shorter than `sums` and all its shifts.
pub(crate) fn horizontal(padded: &[f32], weights: &[f32], channels: usize, sums: &mut [f32]) {
    let shifts = Shifts { padded, weights, channels };
    if shifts.shares(sums.len()) {
        widest(
            #[inline(always)]
            || shifts.fill_pairs(sums),
        );
    } else {
        // Of its own: where both closures borrow one, short kernels take a tenth longer.
        widest(
            #[inline(always)]
            || fill(sums, &Shifts { padded, weights, channels }),
        );
    }
}

struct Columns<'a, T> {
    rows: &'a [&'a [T]],
    weights: &'a [f32],
}

impl<T: Sample> Sums for Columns<'_, T> {
    #[inline(always)]
    fn part<const LEN: usize>(&self, at: usize) -> [f32; LEN] {
        let mut sums = [0.0; LEN];
        let (rows, last_rows) = self.rows.as_chunks();
        let (weights, last_weights) = self.weights.as_chunks();
        for (rows, weights) in rows.iter().zip(weights) {
            add_group(&mut sums, rows, weights, at);
        }
        for (row, &weight) in last_rows.iter().zip(last_weights) {
            for (sum, sample) in sums.iter_mut().zip(&row[at..][..LEN]) {
                *sum += weight * sample.to_f32();
            }
        }
        sums
    }
}

struct Pair<'a, T> {
    rows: &'a [&'a [T]],
    weights: &'a [f32],
    sums: [&'a mut [f32]; 2],
}

impl<T: Sample> Parts for Pair<'_, T> {
    #[inline(always)]
    fn part<const LEN: usize>(&mut self, at: usize) {
        let (mut first, mut second) = ([0.0; LEN], [0.0; LEN]);
        let (groups, rest) = self.weights.as_chunks::<TOGETHER>();
        let rows = self.rows.as_chunks::<TOGETHER>().0;
        if let (Some(top), Some(bottom)) = (groups.first(), groups.last()) {
            add_group(&mut first, &rows[0], top, at);
            for (rows, pair) in rows[1..].iter().zip(groups.windows(2)) {
                let (before, own) = (&pair[0], &pair[1]);
                let mut floats = [[0.0; LEN]; TOGETHER];
                for (floats, row) in floats.iter_mut().zip(rows) {
                    for (float, sample) in floats.iter_mut().zip(&row[at..][..LEN]) {
                        *float = sample.to_f32();
                    }
                }
                add_floats(&mut first, &floats, own);
                add_floats(&mut second, &floats, before);
            }
            add_group(&mut second, &rows[groups.len()], bottom, at);
        }
        let left = self.weights.len() - rest.len();
        for (sums, from) in [(&mut first, left), (&mut second, left + APART)] {
            for (row, &weight) in self.rows[from..].iter().zip(rest) {
                for (sum, sample) in sums.iter_mut().zip(&row[at..][..LEN]) {
                    *sum += weight * sample.to_f32();
                }
            }
        }
        self.sums[0][at..][..LEN].copy_from_slice(&first);
        self.sums[1][at..][..LEN].copy_from_slice(&second);
    }
}

/// Adds the taps of a group of rows, from sample `at` on.
#[inline(always)]
fn add_group<T: Sample, const LEN: usize>(
    sums: &mut [f32; LEN],
    rows: &[&[T]; TOGETHER],
    weights: &[f32; TOGETHER],
    at: usize,
) {
    let part = |row: usize| &rows[row][at..][..LEN];
    let (a, b, c, d) = (part(0), part(1), part(2), part(3));
    for i in 0..LEN {
        let samples = [a[i].to_f32(), b[i].to_f32(), c[i].to_f32(), d[i].to_f32()];
        sums[i] += weighed(samples, weights);
    }
}

/// The same for samples that are floats already.
#[inline(always)]
fn add_floats<const LEN: usize>(
    sums: &mut [f32; LEN],
    [a, b, c, d]: &[[f32; LEN]; TOGETHER],
    weights: &[f32; TOGETHER],
) {
    for i in 0..LEN {
        sums[i] += weighed([a[i], b[i], c[i], d[i]], weights);
    }
}

struct Shifts<'a> {
    padded: &'a [f32],
    weights: &'a [f32],
    channels: usize,
}

impl Shifts<'_> {
    /// The samples that a group of taps sees from a part at `at`.
    #[inline(always)]
    fn group(&self, at: usize, group: usize) -> [&[f32]; TOGETHER] {
        let from = at + group * TOGETHER * self.channels;
        let part = |tap: usize| &self.padded[from + tap * self.channels..][..BESIDE];
        [part(0), part(1), part(2), part(3)]
    }

    /// By how many groups of taps two parts beside each other are apart.
    const fn groups_apart(&self) -> usize {
        BESIDE / (TOGETHER * self.channels)
    }

    /// Whether at least half of what two parts of a row of `len` sums see is seen by both.
    fn shares(&self, len: usize) -> bool {
        let are_whole_groups_apart = BESIDE.is_multiple_of(TOGETHER * self.channels);
        let groups = self.weights.len() / TOGETHER;
        are_whole_groups_apart && len >= 2 * BESIDE && groups >= 2 * self.groups_apart()
    }

    /// Fills a row in pairs of parts. The last pair ends where the row does.
    #[inline(always)]
    fn fill_pairs(&self, sums: &mut [f32]) {
        let last = sums.len() - 2 * BESIDE;
        for at in (0..sums.len()).step_by(2 * BESIDE).map(|at| at.min(last)) {
            let [first, second] = self.pair(at);
            sums[at..][..BESIDE].copy_from_slice(&first);
            sums[at + BESIDE..][..BESIDE].copy_from_slice(&second);
        }
    }

    /// The sums of two parts beside each other. Samples that both see are read once: they lie
    /// across the lines of the cache, and to read them takes longer than to weigh them.
    #[inline(always)]
    fn pair(&self, at: usize) -> [[f32; BESIDE]; 2] {
        let (groups, rest) = self.weights.as_chunks::<TOGETHER>();
        let (apart, count) = (self.groups_apart(), groups.len());
        let [mut first, mut second] = [[0.0; BESIDE]; 2];
        for (group, weights) in groups[..apart].iter().enumerate() {
            add_group(&mut first, &self.group(at, group), weights, 0);
        }
        for (group, weights) in (apart..).zip(groups.windows(apart + 1)) {
            let [a, b, c, d] = self.group(at, group);
            let (own, before) = (&weights[apart], &weights[0]);
            for i in 0..BESIDE {
                let samples = [a[i], b[i], c[i], d[i]];
                first[i] += weighed(samples, own);
                second[i] += weighed(samples, before);
            }
        }
        for (group, weights) in (count..).zip(&groups[count - apart..]) {
            add_group(&mut second, &self.group(at, group), weights, 0);
        }
        for (tap, weight) in (count * TOGETHER..).zip(rest) {
            let own = &self.padded[at + tap * self.channels..][..2 * BESIDE];
            for i in 0..BESIDE {
                first[i] += weight * own[i];
                second[i] += weight * own[i + BESIDE];
            }
        }
        [first, second]
    }
}

/// What the taps of a group add to a sum.
#[inline(always)]
fn weighed([a, b, c, d]: [f32; TOGETHER], weights: &[f32; TOGETHER]) -> f32 {
    (weights[0] * a + weights[1] * b) + (weights[2] * c + weights[3] * d)
}

impl Sums for Shifts<'_> {
    #[inline(always)]
    fn part<const LEN: usize>(&self, at: usize) -> [f32; LEN] {
        let mut sums = [0.0; LEN];
        let mut weights = self.weights.chunks_exact(TOGETHER);
        let mut from = at;
        for weights in weights.by_ref() {
            let part = |tap: usize| &self.padded[from + tap * self.channels..][..LEN];
            let (a, b, c, d) = (part(0), part(1), part(2), part(3));
            for i in 0..LEN {
                sums[i] += (weights[0] * a[i] + weights[1] * b[i])
                    + (weights[2] * c[i] + weights[3] * d[i]);
            }
            from += TOGETHER * self.channels;
        }
        for &weight in weights.remainder() {
            for (sum, sample) in sums.iter_mut().zip(&self.padded[from..][..LEN]) {
                *sum += weight * sample;
            }
            from += self.channels;
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::super::vector::every_width;
    use super::*;

    #[test]
    fn rows_are_weighted_and_added() {
        let rows: [&[u8]; 5] = [&[1, 2], &[3, 4], &[5, 6], &[7, 8], &[9, 10]];
        let mut sums = [0.0; 2];
        vertical(&rows, &[1.0, 10.0, 100.0, 1000.0, 0.5], &mut sums);
        assert_eq!(sums, [7535.5, 8647.0]);
    }

    #[test]
    fn shifts_stay_within_their_channel() {
        let padded = [1.0, 100.0, 2.0, 200.0, 3.0, 300.0];
        let mut sums = [0.0; 2];
        horizontal(&padded, &[1.0, 1.0, 2.0], 2, &mut sums);
        assert_eq!(sums, [9.0, 900.0]);
    }

    /// The sums as the formula and the order of additions have them.
    fn direct(samples: impl Fn(usize) -> f32, weights: &[f32]) -> f32 {
        let mut sum = 0.0;
        let groups = weights.len() / TOGETHER * TOGETHER;
        for k in (0..groups).step_by(TOGETHER) {
            let at = |k: usize| weights[k] * samples(k);
            sum += (at(k) + at(k + 1)) + (at(k + 2) + at(k + 3));
        }
        (groups..weights.len()).for_each(|k| sum += weights[k] * samples(k));
        sum
    }

    #[test]
    fn parts_that_share_samples_have_the_bits_of_each_alone() {
        let padded: Vec<f32> = (0..900u32).map(|n| (n * 7919 % 65_521) as f32 / 3.0).collect();
        let weights: Vec<f32> = (1..=70u8).map(|n| 1.0 / f32::from(n)).collect();
        for channels in 1..=6 {
            for (len, taps) in [(63, 70), (64, 67), (96, 33), (101, 64), (230, 69), (230, 31)] {
                let weights = &weights[..taps];
                let widths = every_width(
                    #[inline(always)]
                    || {
                        let shifts = Shifts { padded: &padded, weights, channels };
                        let mut sums = vec![0.0; len];
                        if shifts.shares(len) {
                            shifts.fill_pairs(&mut sums);
                        } else {
                            fill(&mut sums, &shifts);
                        }
                        sums
                    },
                );
                let mut sums = vec![0.0; len];
                horizontal(&padded, weights, channels, &mut sums);
                for (at, &sum) in sums.iter().enumerate() {
                    assert_eq!(sum, direct(|k| padded[at + channels * k], weights));
                }
                assert!(widths.iter().all(|other| *other == sums), "{len} sums of {taps} taps");
            }
        }
    }

    #[test]
    fn every_width_and_length_gives_the_same_bits() {
        let samples: Vec<f32> =
            (0..(19 + APART as u32) * 220).map(|n| (n * 7919 % 65_521) as f32 / 3.0).collect();
        let weights: Vec<f32> = (1..20u8).map(|n| 1.0 / f32::from(n)).collect();
        let rows: Vec<&[f32]> = samples.chunks(220).collect();
        for (len, taps) in [(1, 3), (7, 4), (9, 19), (63, 5), (64, 1), (130, 18), (200, 7)] {
            let weights = &weights[..taps];
            let (mut columns, mut shifts) = (vec![0.0; len], vec![0.0; len]);
            vertical(&rows[..taps], weights, &mut columns);
            horizontal(&samples, weights, 3, &mut shifts);
            for at in 0..len {
                assert_eq!(columns[at], direct(|k| rows[k][at], weights));
                assert_eq!(shifts[at], direct(|k| samples[at + 3 * k], weights));
            }
            let widths = every_width(
                #[inline(always)]
                || {
                    let mut sums = vec![0.0; len];
                    fill(&mut sums, &Columns { rows: &rows[..taps], weights });
                    sums
                },
            );
            let (mut above, mut below) = (vec![0.0; len], vec![0.0; len]);
            vertical_pair(&rows[..taps + APART], weights, [&mut above, &mut below]);
            assert_eq!(above, columns);
            vertical(&rows[APART..][..taps], weights, &mut columns);
            assert_eq!(below, columns);
            columns = above;
            assert!(widths.iter().all(|sums| *sums == columns), "{len} sums of {taps} taps");
        }
    }
}
