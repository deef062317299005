//! Which pixels of a mask hang together: runs of pixels, joined row by row.
//!
//! A row is cut into runs, a word of pixels at a time, and all that follows is done once per run.
//! Bands of rows are looked at on their own and joined afterwards. Components are numbered by their
//! first pixel, row by row, which no order of joining changes.

use std::ops::Range;

use super::connectivity::Connectivity;

/// Pixels of one row from `start` to before `end`.
#[derive(Debug, Clone, Copy)]
struct Run {
    start: u32,
    end: u32,
}

/// The runs of some successive rows, and which of them hang together.
#[derive(Debug, Default)]
pub(crate) struct Band {
    runs: Vec<Run>,
    /// Where the runs of each row end.
    ends: Vec<usize>,
    /// A run of the same component that stands before this one; itself if there is none.
    parents: Vec<u32>,
}

impl Band {
    /// The runs of `wanted`, 0 or 1, in rows of zeros and ones of at most 2³² - 1 pixels in all.
    pub(crate) fn find<'a>(
        rows: impl Iterator<Item = &'a [u8]>,
        wanted: u8,
        connectivity: Connectivity,
    ) -> Self {
        let mut band = Self::default();
        let mut above = 0..0;
        for row in rows {
            let first = band.runs.len();
            let mut at = next_of(row, 0, wanted);
            while at < row.len() {
                let end = next_of(row, at + 1, 1 - wanted);
                band.parents.push(band.runs.len() as u32);
                band.runs.push(Run { start: at as u32, end: end as u32 });
                at = next_of(row, end, wanted);
            }
            let own = first..band.runs.len();
            join_rows(&band.runs, &mut band.parents, above, own.clone(), connectivity);
            band.ends.push(own.end);
            above = own;
        }
        band
    }
}

/// The place of the first `wanted` in `row[from..]`; the length of the row if there is none.
fn next_of(row: &[u8], from: usize, wanted: u8) -> usize {
    let Some(rest) = row.get(from..) else { return row.len() };
    let (words, last) = rest.as_chunks::<8>();
    let other = u64::from_le_bytes([1 - wanted; 8]);
    for (at, &word) in words.iter().enumerate() {
        let differs = u64::from_le_bytes(word) ^ other;
        if differs != 0 {
            return from + at * 8 + differs.trailing_zeros() as usize / 8;
        }
    }
    let passed = last.iter().take_while(|&&byte| byte != wanted).count();
    from + words.len() * 8 + passed
}

/// Joins the runs of a row to those of the row above that they touch.
fn join_rows(
    runs: &[Run],
    parents: &mut [u32],
    mut above: Range<usize>,
    own: Range<usize>,
    connectivity: Connectivity,
) {
    // Touching at a corner counts as an overlap of one pixel.
    let corner = u32::from(connectivity == Connectivity::Eight);
    for run in own {
        let Run { start, end } = runs[run];
        while let Some(first) = above.next() {
            let Run { start: above_start, end: above_end } = runs[first];
            if above_start < end.saturating_add(corner) && start < above_end.saturating_add(corner)
            {
                join(parents, first, run);
            }
            if above_end > end {
                // It may touch the next run too.
                above.start = first;
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

/// The components of a mask.
#[derive(Debug)]
pub(crate) struct Components {
    band: Band,
    /// The number of the component of each run, from 1.
    numbers: Vec<u32>,
    count: u32,
}

impl Components {
    /// Joins the bands of a mask, top to bottom.
    pub(crate) fn join(bands: impl Iterator<Item = Band>, connectivity: Connectivity) -> Self {
        let mut all = Band::default();
        for band in bands {
            let (first, rows) = (all.runs.len(), all.ends.len());
            all.runs.extend(band.runs);
            all.parents.extend(band.parents.into_iter().map(|parent| parent + first as u32));
            all.ends.extend(band.ends.into_iter().map(|end| end + first));
            if rows > 0 && rows < all.ends.len() {
                let (above, own) = (row_of(&all.ends, rows - 1), row_of(&all.ends, rows));
                join_rows(&all.runs, &mut all.parents, above, own, connectivity);
            }
        }
        let mut count = 0;
        let mut numbers = vec![0; all.runs.len()];
        for run in 0..numbers.len() {
            // A root stands before all others of its component.
            let root = root(&mut all.parents, run) as usize;
            if root == run {
                count += 1;
                numbers[run] = count;
            } else {
                numbers[run] = numbers[root];
            }
        }
        Self { band: all, numbers, count }
    }

    /// The number of components.
    pub(crate) const fn count(&self) -> u32 {
        self.count
    }

    /// The runs of row `y`, each with the number of its component, from 1.
    pub(crate) fn row(&self, y: usize) -> impl Iterator<Item = (Range<usize>, u32)> {
        let runs = row_of(&self.band.ends, y);
        self.band.runs[runs.clone()]
            .iter()
            .zip(&self.numbers[runs])
            .map(|(&Run { start, end }, &number)| (start as usize..end as usize, number))
    }

    /// The pixels of each component; none of number 0.
    pub(crate) fn areas(&self) -> Vec<u64> {
        let mut areas = vec![0; self.count as usize + 1];
        for (run, &number) in self.band.runs.iter().zip(&self.numbers) {
            areas[number as usize] += u64::from(run.end - run.start);
        }
        areas
    }
}

fn row_of(ends: &[usize], y: usize) -> Range<usize> {
    y.checked_sub(1).map_or(0, |above| ends[above])..ends[y]
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
                .map(|rows| Band::find(rows.iter().map(Vec::as_slice), 1, connectivity));
            let components = Components::join(bands, connectivity);
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
        assert_eq!(next_of(&row, 3, 1), 40);
        assert_eq!(next_of(&row, 41, 1), 40);
    }
}
