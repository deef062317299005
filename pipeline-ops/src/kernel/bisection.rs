//! The order of 8-bit samples of square windows, found for a block of windows at once.
//!
//! The sample sought is `t` or more where enough samples of its window are. For one `t` that is a
//! sum of comparisons over every window, which is plain vector code. All samples are bisected
//! together, and how many of them are `t` or more tells on which side of it the search goes on:
//! neighbours differ little, so most of the 255 values of `t` are never tried.
//!
//! A histogram that slides takes the same number of steps for a pixel whatever the picture is, but
//! one after the other.

use std::ops::{Add, Sub};

use super::runs::{each_run, each_short_run};
use super::vector::widest;

/// Windows that lie one below the other in a block.
pub(crate) const TALL: usize = 16;

/// At least as many lie side by side.
const WIDE: usize = 64;

/// The largest radius: the samples of a window are counted in 16 bits.
pub(crate) const MOST: u32 = 127;

/// Finds the samples that have a number of others before them in their window.
#[derive(Debug)]
pub(crate) struct Bisection {
    size: usize,
    /// Samples of a pixel. A block is one channel: neighbours differ less in one than among all.
    channels: usize,
    /// Samples of a window from the one sought on.
    enough: u16,
    /// Samples from a row of the block to the next one.
    stride: usize,
    /// The samples that the windows of the block see.
    samples: Vec<u8>,
    columns: Columns,
    /// Whether enough samples of each window are.
    large: Vec<u8>,
    found: Vec<u8>,
}

/// How many samples of a column of each window are as large as is asked.
#[derive(Debug)]
enum Columns {
    /// Where a byte holds how many are enough: whether there are more makes no difference.
    Short(Vec<u8>),
    Long(Vec<u16>),
}

impl Bisection {
    /// A search in windows of a radius of at most [`MOST`], for the samples with `below` others
    /// before them.
    #[must_use]
    pub(crate) fn new(radius: u32, channels: usize, below: u32) -> Self {
        let size = 2 * radius as usize + 1;
        let stride = (2 * (size - 1) + WIDE).next_multiple_of(WIDE);
        let enough = (size * size - below as usize) as u16;
        let is_short = u8::try_from(enough).is_ok();
        Self {
            size,
            channels,
            enough,
            stride,
            samples: vec![0; (TALL + size - 1) * stride],
            columns: if is_short {
                Columns::Short(vec![0; TALL * stride])
            } else {
                Columns::Long(vec![0; TALL * stride])
            },
            large: vec![0; TALL * stride],
            found: vec![0; TALL * stride],
        }
    }

    /// Pixels of a row of a block.
    #[must_use]
    pub(crate) fn width(&self) -> usize {
        self.stride - (self.size - 1)
    }

    /// Fills the first channel of the rows of `out`, at most [`TALL`], of which each is at most
    /// [`width`](Self::width) pixels long, from rows that are padded by the radius on all sides.
    pub(crate) fn block(&mut self, rows: &[&[u8]], out: &mut [&mut [u8]]) {
        let width = out.first().map_or(0, |row| row.len().div_ceil(self.channels));
        let seen = width + self.size - 1;
        for (samples, row) in self.samples.chunks_exact_mut(self.stride).zip(rows) {
            let row = row.iter().step_by(self.channels);
            samples[..seen].iter_mut().zip(row).for_each(|(to, &sample)| *to = sample);
        }
        self.found.fill(0);
        let all = width * out.len();
        self.between((0, all), (256, 0), (width, out.len()));
        for (out, found) in out.iter_mut().zip(self.found.chunks_exact(self.stride)) {
            let out = out.iter_mut().step_by(self.channels);
            out.zip(found).for_each(|(out, &sample)| *out = sample);
        }
    }

    /// Goes on between two values, of which it is known how many samples are as large.
    fn between(&mut self, low: (usize, usize), high: (usize, usize), size: (usize, usize)) {
        if high.0 - low.0 == 1 || low.1 == high.1 {
            return;
        }
        let middle = low.0.midpoint(high.0);
        let middle = (middle, self.at_least(middle as u8, size));
        self.between(low, middle, size);
        self.between(middle, high, size);
    }

    /// Raises the samples that are `value` or more to it, and counts them.
    fn at_least(&mut self, value: u8, (width, height): (usize, usize)) -> usize {
        let (size, stride) = (self.size, self.stride);
        let Self { samples, large, found, .. } = self;
        // The rows of the block as one: windows that reach beyond theirs are not looked at.
        let (all, windows) = (height * stride, height * stride - (size - 1));
        match &mut self.columns {
            Columns::Short(columns) => {
                let enough = self.enough as u8;
                count_columns(samples, value, (size, stride), &mut columns[..all]);
                let is_large = |count: u8| u8::from(count >= enough);
                each_short_run(&columns[..all], size, 1, &mut large[..windows], is_large);
            }
            Columns::Long(columns) => {
                let enough = self.enough;
                count_columns(samples, value, (size, stride), &mut columns[..all]);
                let is_large = |count: u16| u8::from(count >= enough);
                each_run(&mut columns[..all], size, 1, &mut large[..windows], is_large);
            }
        }
        widest(
            #[inline(always)]
            || raise(&mut found[..all], &large[..all], value, (width, stride)),
        )
    }
}

/// Counts the samples of `value` or more in each column of each window.
fn count_columns<C>(samples: &[u8], value: u8, of: (usize, usize), columns: &mut [C])
where
    C: Copy + From<bool> + Add<Output = C> + Sub<Output = C>,
{
    widest(
        #[inline(always)]
        || count_columns_as(samples, value, of, columns),
    );
}

#[inline(always)]
fn count_columns_as<C>(samples: &[u8], value: u8, (size, stride): (usize, usize), columns: &mut [C])
where
    C: Copy + From<bool> + Add<Output = C> + Sub<Output = C>,
{
    let (samples, columns) = (samples.as_chunks::<WIDE>().0, columns.as_chunks_mut::<WIDE>().0);
    let parts = stride / WIDE;
    for part in 0..parts {
        let mut counts = [C::from(false); WIDE];
        let mut rows = samples[part..].iter().step_by(parts);
        let leaving = rows.clone();
        for samples in rows.by_ref().take(size) {
            for (count, &sample) in counts.iter_mut().zip(samples) {
                *count = *count + C::from(sample >= value);
            }
        }
        let mut below = columns[part..].iter_mut().step_by(parts);
        if let Some(columns) = below.next() {
            *columns = counts;
        }
        for ((columns, leaves), enters) in below.zip(leaving).zip(rows) {
            for (count, (&leaves, &enters)) in counts.iter_mut().zip(leaves.iter().zip(enters)) {
                *count = *count - C::from(leaves >= value) + C::from(enters >= value);
            }
            *columns = counts;
        }
    }
}

/// Raises samples to `value` where they are as large, and counts those of the first columns.
#[inline(always)]
fn raise(found: &mut [u8], large: &[u8], value: u8, (width, stride): (usize, usize)) -> usize {
    let (found, large) = (found.as_chunks_mut::<WIDE>().0, large.as_chunks::<WIDE>().0);
    let parts = stride / WIDE;
    let mut count = 0;
    for part in 0..parts {
        let mut counts = [0u8; WIDE];
        let found = found[part..].iter_mut().step_by(parts);
        for (found, large) in found.zip(large[part..].iter().step_by(parts)) {
            for ((found, count), &is_large) in found.iter_mut().zip(&mut counts).zip(large) {
                *found = (*found).max(if is_large == 1 { value } else { 0 });
                *count += is_large;
            }
        }
        let inside = width.saturating_sub(part * WIDE).min(WIDE);
        count += counts[..inside].iter().map(|&count| usize::from(count)).sum::<usize>();
    }
    count
}

#[cfg(test)]
mod tests {
    use super::super::rank::select_row;
    use super::*;

    #[test]
    fn bisection_and_selection_agree() {
        let noise = |n: usize| ((n as u32).wrapping_mul(2_654_435_761) >> 13) as u8;
        let pictures: [&dyn Fn(usize) -> u8; 4] =
            [&noise, &|n| noise(n) / 128 * 255, &|n| (n / 7) as u8, &|n| (n % 3) as u8];
        for (radius, channels, height) in [(1, 1, 16), (2, 3, 1), (3, 2, 5), (10, 1, 3), (40, 2, 2)]
        {
            let size = 2 * radius as usize + 1;
            for sample in pictures {
                for below in [0, size * size / 2, size * size / 5, size * size - 1] {
                    let mut search = Bisection::new(radius, channels, below as u32);
                    for width in [1, 7, search.width()] {
                        let len = (width + size - 1) * channels;
                        let samples: Vec<u8> = (0..len * (height + size - 1)).map(sample).collect();
                        let rows: Vec<&[u8]> = samples.chunks(len).collect();
                        let width = width * channels;
                        let mut out = vec![0; width * height];
                        for channel in 0..channels {
                            let rows: Vec<_> = rows.iter().map(|row| &row[channel..]).collect();
                            let out = out.chunks_mut(width).map(|row| &mut row[channel..]);
                            search.block(&rows, &mut out.collect::<Vec<_>>());
                        }
                        let mut expected = vec![0; width];
                        for (rows, out) in rows.windows(size).zip(out.chunks(width)) {
                            select_row::<u8>(rows, channels, below, &mut expected, &mut Vec::new());
                            assert_eq!(out, expected, "radius {radius}, {below} below");
                        }
                    }
                }
            }
        }
    }
}
