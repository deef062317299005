//! Which pixels of a mask are connected: runs of pixels, joined row by row.
//!
//! A row is cut into runs, a word of pixels at a time, and all that follows is done once per run.
//! Bands of rows are looked at on their own; then only the last row of each is looked at again,
//! beside the first of the next, to join components of the one with those of the other. Components
//! are numbered by their first pixel, row by row, which no order of joining changes.

use std::ops::Range;

use pipeline_core::Result;

use super::connectivity::Connectivity;
use crate::memory::{copies, push};

/// What has no room where there are too many.
const RUNS: &str = "the runs of a mask";

/// Components that are numbered between two looks for a cancel.
const STRETCH: usize = 1 << 16;

/// Pixels of one row from `start` to before `end`.
#[derive(Debug, Clone, Copy)]
struct Run {
    start: u32,
    end: u32,
}

/// The runs of some successive rows, and which of them are connected.
#[derive(Debug, Default)]
pub(crate) struct Band {
    runs: Vec<Run>,
    /// Where the runs of each row end.
    ends: Vec<usize>,
    /// The component of each run within the band, from 0, in the order of their first runs.
    components: Vec<u32>,
    /// The number of these components.
    count: u32,
}

impl Band {
    /// The runs of `wanted`, 0 or 1, in rows of at most 2³² - 1 bytes in all, of which the lowest
    /// bit counts.
    ///
    /// # Errors
    /// [`Error::TooLarge`](pipeline_core::Error::TooLarge) if there is no memory for them.
    pub(crate) fn find<'a>(
        rows: impl Iterator<Item = &'a [u8]>,
        wanted: u8,
        connectivity: Connectivity,
    ) -> Result<Self> {
        let mut band = Self::default();
        // For each run one of the same component that stands before it; itself if there is none.
        let mut parents = Vec::new();
        let mut above = 0..0;
        for row in rows {
            let first = band.runs.len();
            let mut at = next_of(row, 0, wanted);
            while at < row.len() {
                let end = next_of(row, at + 1, 1 - wanted);
                push(&mut parents, band.runs.len() as u32, RUNS)?;
                push(&mut band.runs, Run { start: at as u32, end: end as u32 }, RUNS)?;
                at = next_of(row, end, wanted);
            }
            let own = first..band.runs.len();
            let (runs_above, runs) = (&band.runs[above.clone()], &band.runs[own.clone()]);
            each_touching(runs_above, runs, connectivity, |a, b| {
                join(&mut parents, above.start + a, own.start + b);
            });
            push(&mut band.ends, own.end, RUNS)?;
            above = own;
        }
        // A band is few enough.
        band.count = number_roots(&mut parents, 0, || Ok(()))?;
        band.components = parents;
        Ok(band)
    }

    /// Which runs are those of row `y`, counted from the first of the band.
    fn row(&self, y: usize) -> Range<usize> {
        let end = |y: usize| self.ends.get(y).copied().unwrap_or(0);
        y.checked_sub(1).map_or(0, end)..end(y)
    }
}

/// The place of the first byte in `row[from..]` whose lowest bit is `wanted`; the length of the row
/// if there is none.
fn next_of(row: &[u8], from: usize, wanted: u8) -> usize {
    let Some(rest) = row.get(from..) else { return row.len() };
    let (words, last) = rest.as_chunks::<8>();
    let other = u64::from_le_bytes([1 - wanted; 8]);
    for (at, &word) in words.iter().enumerate() {
        let differs = (u64::from_le_bytes(word) ^ other) & u64::from_le_bytes([1; 8]);
        if differs != 0 {
            return from + at * 8 + differs.trailing_zeros() as usize / 8;
        }
    }
    let passed = last.iter().take_while(|&&byte| byte & 1 != wanted).count();
    from + words.len() * 8 + passed
}

/// Calls `touch` with the places of each run of a row and of each of the row above that touch.
fn each_touching(
    above: &[Run],
    own: &[Run],
    connectivity: Connectivity,
    mut touch: impl FnMut(usize, usize),
) {
    // Touching at a corner counts as an overlap of one pixel.
    let corner = u32::from(connectivity == Connectivity::Eight);
    let mut rest = 0..above.len();
    for (run, &Run { start, end }) in own.iter().enumerate() {
        while let Some(first) = rest.next() {
            let Run { start: above_start, end: above_end } = above[first];
            if above_start < end.saturating_add(corner) && start < above_end.saturating_add(corner)
            {
                touch(first, run);
            }
            if above_end > end {
                // It may touch the next run too.
                rest.start = first;
                break;
            }
        }
    }
}

/// Makes the later of two roots a child of the earlier.
fn join(parents: &mut [u32], a: usize, b: usize) {
    let (a, b) = (root(parents, a), root(parents, b));
    parents[a.max(b) as usize] = a.min(b);
}

fn root(parents: &mut [u32], run: usize) -> u32 {
    let mut run = run as u32;
    while parents[run as usize] != run {
        let above = parents[parents[run as usize] as usize];
        parents[run as usize] = above;
        run = above;
    }
    run
}

/// Replaces parents, of which none stands behind its child, by the numbers of their roots, in the
/// order of the roots from `first` on, and returns the number that would be next.
fn number_roots(parents: &mut [u32], first: u32, check: impl Fn() -> Result<()>) -> Result<u32> {
    let mut next = first;
    for at in 0..parents.len() {
        if at.is_multiple_of(STRETCH) {
            check()?;
        }
        let parent = parents[at] as usize;
        if parent == at {
            parents[at] = next;
            next += 1;
        } else {
            parents[at] = parents[parent];
        }
    }
    Ok(next)
}

/// The components of a mask.
#[derive(Debug)]
pub(crate) struct Components {
    /// Bands of `band_rows` rows; the last may have fewer.
    bands: Vec<Band>,
    band_rows: usize,
    /// The number, from 1, of each component of each band.
    numbers: Vec<u32>,
    /// Where the numbers of each band begin.
    starts: Vec<usize>,
    count: u32,
}

impl Components {
    /// Joins the bands of a mask, top to bottom, of which only the last may have fewer rows.
    ///
    /// # Errors
    /// What `check` returns, which is asked now and then, and
    /// [`Error::TooLarge`](pipeline_core::Error::TooLarge) if there is no memory for the numbers.
    pub(crate) fn join(
        bands: Vec<Band>,
        connectivity: Connectivity,
        check: impl Fn() -> Result<()>,
    ) -> Result<Self> {
        let mut total = 0;
        let start = |band: &Band| {
            total += band.count;
            (total - band.count) as usize
        };
        let starts: Vec<_> = bands.iter().map(start).collect();
        let mut numbers = copies(0, total as usize, || format!("numbers of {total} components"))?;
        let mut next = 0;
        for part in numbers.chunks_mut(STRETCH) {
            check()?;
            for number in part {
                (*number, next) = (next, next + 1);
            }
        }
        for (pair, starts) in bands.windows(2).zip(starts.windows(2)) {
            check()?;
            let (upper, lower) = (&pair[0], &pair[1]);
            let (above, own) = (upper.row(upper.ends.len().saturating_sub(1)), lower.row(0));
            let (runs_above, runs) = (&upper.runs[above.clone()], &lower.runs[own.clone()]);
            each_touching(runs_above, runs, connectivity, |a, b| {
                let a = starts[0] + upper.components[above.start + a] as usize;
                let b = starts[1] + lower.components[own.start + b] as usize;
                join(&mut numbers, a, b);
            });
        }
        let count = number_roots(&mut numbers, 1, check)? - 1;
        let band_rows = bands.first().map_or(1, |band| band.ends.len().max(1));
        Ok(Self { bands, band_rows, numbers, starts, count })
    }

    /// The number of components.
    pub(crate) const fn count(&self) -> u32 {
        self.count
    }

    /// The number of bands.
    pub(crate) const fn bands(&self) -> usize {
        self.bands.len()
    }

    /// The runs of row `y`, each with the number of its component, from 1.
    pub(crate) fn row(&self, y: usize) -> impl DoubleEndedIterator<Item = (Range<usize>, u32)> {
        let (at, y) = (y / self.band_rows, y % self.band_rows);
        let (band, numbers) = (&self.bands[at], &self.numbers[self.starts[at]..]);
        let runs = band.row(y);
        let components = &band.components[runs.clone()];
        band.runs[runs].iter().zip(components).map(move |(&Run { start, end }, &component)| {
            (start as usize..end as usize, numbers[component as usize])
        })
    }

    /// The pixels of the components of one band, each with its number; it may come more than once.
    ///
    /// # Errors
    /// [`Error::TooLarge`](pipeline_core::Error::TooLarge) if there is no memory for them.
    pub(crate) fn areas(&self, band: usize) -> Result<impl Iterator<Item = (u32, u64)>> {
        let (numbers, band) = (&self.numbers[self.starts[band]..], &self.bands[band]);
        let count = band.count as usize;
        let mut areas = copies(0, count, || format!("areas of {count} components"))?;
        for (run, &component) in band.runs.iter().zip(&band.components) {
            areas[component as usize] += u64::from(run.end - run.start);
        }
        Ok(numbers.iter().copied().zip(areas))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of the components of a picture, where `#` is wanted.
    #[track_caller]
    fn check(rows: &[&str], connectivity: Connectivity, expected: &[&str]) {
        let bytes: Vec<Vec<u8>> = rows
            .iter()
            .map(|row| row.bytes().map(|byte| u8::from(byte == b'#')).collect())
            .collect();
        for grain in 1..=rows.len() {
            let bands = bytes
                .chunks(grain)
                .map(|rows| Band::find(rows.iter().map(Vec::as_slice), 1, connectivity).unwrap());
            let components = Components::join(bands.collect(), connectivity, || Ok(())).unwrap();
            let mut areas = vec![0; components.count() as usize + 1];
            for band in 0..components.bands() {
                let own = components.areas(band).unwrap();
                own.for_each(|(number, area)| areas[number as usize] += area);
            }
            for (number, &area) in areas.iter().enumerate().skip(1) {
                let is_own = |&byte: &u8| usize::from(byte - b'.') == number + 2;
                let pixels = expected.iter().flat_map(|row| row.bytes()).filter(is_own);
                assert_eq!(area, pixels.count() as u64, "{grain} rows");
            }
            for (y, expected) in expected.iter().enumerate() {
                let mut row = vec![b'.'; expected.len()];
                for (run, number) in components.row(y) {
                    row[run].fill(b'0' + number as u8);
                }
                assert_eq!(std::str::from_utf8(&row).unwrap(), *expected, "{grain} rows");
            }
        }
    }

    #[test]
    fn corners_join_where_eight_are_neighbours() {
        let rows = ["#.#.", ".#..", "...#"];
        check(&rows, Connectivity::Eight, &["1.1.", ".1..", "...2"]);
        check(&rows, Connectivity::Four, &["1.2.", ".3..", "...4"]);
    }

    #[test]
    fn arms_that_meet_below_are_one() {
        let rows = ["#.#.#.#", "#.#.#.#", "#.###.#", "#.....#", "#######"];
        let numbers = ["1.2.2.1", "1.2.2.1", "1.222.1", "1.....1", "1111111"];
        check(&rows, Connectivity::Four, &numbers);
        check(&["#.#", "...", "###", "#.#"], Connectivity::Eight, &["1.2", "...", "333", "3.3"]);
    }

    #[test]
    fn words_are_looked_through_for_either() {
        let mut row = vec![0; 40];
        for at in 0..40 {
            row[at] = 1;
            assert_eq!(next_of(&row, 0, 1), at);
            assert_eq!(next_of(&row, at, 0), (at + 1).min(40));
            row[at] = 0;
        }
        row[30] = 2;
        assert_eq!(next_of(&row, 3, 1), 40);
        assert_eq!(next_of(&row, 41, 1), 40);
    }
}
