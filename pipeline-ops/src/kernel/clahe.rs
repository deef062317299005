//! Histograms of the tiles of a grid, clipped, made into look-up tables and blended.

use pipeline_core::Sample;

use super::border::Border;
use super::histogram::{Bins, Count};
use super::value::{Seen, value, with_value};

/// A grid of tiles over an image, which is continued by a mirror where the tiles do not fit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grid {
    /// Columns and rows of tiles.
    pub(crate) tiles: (usize, usize),
    /// The size of a tile, in pixels.
    pub(crate) tile: (usize, usize),
    /// The size of the image, in pixels.
    pub(crate) image: (usize, usize),
}

impl Grid {
    /// Divides an image into so many tiles.
    #[must_use]
    pub(crate) fn new(image: (usize, usize), tiles: (usize, usize)) -> Self {
        let fits = image.0.is_multiple_of(tiles.0) && image.1.is_multiple_of(tiles.1);
        // As in OpenCV, a side that fits grows by a whole pixel per tile if the other one does not.
        let side = |len: usize, tiles: usize| len / tiles + usize::from(!fits);
        let tile = (side(image.0, tiles.0), side(image.1, tiles.1));
        Self { tiles, tile, image }
    }

    /// The rows of the image that the tiles of grid row `row` show, one after the other.
    pub(crate) fn rows(&self, row: usize) -> impl Iterator<Item = usize> + use<> {
        let (first, height) = (row * self.tile.1, self.image.1);
        (first..first + self.tile.1).filter_map(move |y| Border::Mirror.place(y as i64, height))
    }

    /// Counts the values of a row of `C` channels in each tile of a grid row, in `bins` for each.
    pub(crate) fn count<T: Count, const C: usize>(
        &self,
        row: &[T],
        seen: Seen,
        bins: &Bins,
        counts: &mut [u64],
    ) {
        let row = row.as_chunks::<C>().0;
        for (tile, counts) in counts.chunks_exact_mut(bins.len).enumerate() {
            let (start, end) = (tile * self.tile.0, (tile + 1) * self.tile.0);
            let stored = start.min(row.len())..end.min(row.len());
            let beyond = start.max(row.len())..end.max(row.len());
            let mirrored = beyond.filter_map(|x| Border::Mirror.place(x as i64, row.len()));
            let pixels = row[stored].iter().chain(mirrored.map(|x| &row[x]));
            let values = pixels.filter(|pixel| seen.holds(pixel)).map(|&pixel| value(pixel));
            values.filter_map(|value| value.bin(bins)).for_each(|bin| counts[bin] += 1);
        }
    }

    /// Between which tiles each of `len` columns from column `x` lies, as places in the tables of a
    /// grid row with `entries` in each.
    #[must_use]
    pub(crate) fn columns(&self, x: usize, len: usize, entries: usize) -> Vec<Between> {
        let column = |x| {
            let between = beside(x, self.tile.0, self.tiles.0);
            Between { first: between.first * entries, next: between.next * entries, ..between }
        };
        (x..x + len).map(column).collect()
    }

    /// Fills `out` from `input`, a part of row `y` whose columns are `columns`, by the tables of
    /// the four nearest tiles.
    pub(crate) fn blend<T: Tabled, const C: usize>(
        &self,
        (tables, bins): (&[T::Entry], &Bins),
        (columns, y): (&[Between], usize),
        input: &[T],
        out: &mut [T],
    ) {
        let rows = beside(y, self.tile.1, self.tiles.1);
        let row_len = self.tiles.0 * bins.len;
        let above = &tables[rows.first * row_len..][..row_len];
        let below = &tables[rows.next * row_len..][..row_len];
        let (input, out) = (input.as_chunks::<C>().0, out.as_chunks_mut::<C>().0);
        for ((column, &pixel), out) in columns.iter().zip(input).zip(out) {
            let value = value(pixel);
            let place = value.place(bins);
            let mix = |row: &[T::Entry]| {
                T::look_up(row, column.first, place) * (1.0 - column.part)
                    + T::look_up(row, column.next, place) * column.part
            };
            let made = mix(above) * (1.0 - rows.part) + mix(below) * rows.part;
            *out = with_value(pixel, value, made);
        }
    }
}

/// A sample type and the tables that its samples are looked up in, with an entry for each bin.
pub(crate) trait Tabled: Count {
    /// What a table holds.
    type Entry: Sample;

    /// Where a sample is looked up.
    type Place: Copy;

    /// Where this sample is looked up.
    fn place(self, bins: &Bins) -> Self::Place;

    /// What the table that begins at `first` says for a place.
    fn look_up(tables: &[Self::Entry], first: usize, place: Self::Place) -> f32;
}

macro_rules! integer {
    ($($sample:ty),*) => {
        $(impl Tabled for $sample {
            type Entry = u16;
            type Place = usize;

            fn place(self, _: &Bins) -> usize {
                self.into()
            }

            fn look_up(tables: &[u16], first: usize, place: usize) -> f32 {
                tables[first + place].into()
            }
        })*
    };
}

integer!(u8, u16);

impl Tabled for f32 {
    type Entry = Self;

    /// Two bins, and how far from the middle of the first to that of the second.
    type Place = (usize, usize, Self);

    fn place(self, bins: &Bins) -> Self::Place {
        let place = (f64::from(self) - bins.first) / bins.width - bins.at;
        let last = bins.len - 1;
        let bin = (place.max(0.0) as usize).min(last);
        (bin, (bin + 1).min(last), (place - bin as f64).clamp(0.0, 1.0) as Self)
    }

    /// NaN of NaN, whose part is NaN.
    fn look_up(tables: &[Self], first: usize, (bin, next, part): Self::Place) -> Self {
        let (value, next) = (tables[first + bin], tables[first + next]);
        value + (next - value) * part
    }
}

/// The tiles on both sides of a pixel along one axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Between {
    first: usize,
    next: usize,
    /// How far the pixel is from the middle of the first, in tiles.
    part: f32,
}

fn beside(place: usize, tile: usize, tiles: usize) -> Between {
    let position = place as f32 * (1.0 / tile as f32) - 0.5;
    let before = position.floor();
    // A position before the first middle lies between a tile and itself.
    let next = (before + 1.0) as usize;
    Between { first: next.saturating_sub(1), next: next.min(tiles - 1), part: position - before }
}

/// Cuts off what a histogram has above `clip` times its mean, spreads that evenly, and makes the
/// table that would equalize it. A clip of 0 cuts off nothing.
///
/// Where nothing was counted, the table rises evenly from black to white.
pub(crate) fn equalize_clipped<T: Tabled>(counts: &mut [u64], clip: f32, table: &mut [T::Entry]) {
    let bins = counts.len() as u64;
    if counts.iter().all(|&count| count == 0) {
        counts[1..].fill(1);
    }
    let total: u64 = counts.iter().sum();
    if clip > 0.0 {
        let most = ((f64::from(clip) * total as f64 / bins as f64) as u64).max(1);
        let mut cut = 0;
        for count in &mut *counts {
            cut += count.saturating_sub(most);
            *count = (*count).min(most);
        }
        let (each, rest) = (cut / bins, (cut % bins) as usize);
        counts.iter_mut().for_each(|count| *count += each);
        let step = (counts.len() / rest.max(1)).max(1);
        counts.iter_mut().step_by(step).take(rest).for_each(|count| *count += 1);
    }
    let scale = T::WHITE / total as f32;
    let mut below = 0;
    for (entry, &count) in table.iter_mut().zip(&*counts) {
        below += count;
        *entry = T::Entry::from_f32((below as f32 * scale).min(T::WHITE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_that_do_not_fit_are_mirrored() {
        let grid = Grid::new((5, 4), (2, 2));
        assert_eq!(grid.tile, (3, 3));
        assert_eq!(grid.rows(1).collect::<Vec<_>>(), [3, 2, 1]);
        let mut counts = vec![0; 512];
        grid.count::<_, 1>(&[1u8, 2, 3, 4, 5], Seen::All, &u8::bins(0.0, 255.0), &mut counts);
        assert_eq!((counts[1], counts[2], counts[3]), (1, 1, 1));
        assert_eq!((counts[256 + 4], counts[256 + 5]), (2, 1));
        assert_eq!(Grid::new((6, 4), (2, 2)).tile, (3, 2));
    }

    #[test]
    fn what_is_cut_off_is_spread() {
        let mut counts = vec![0; 256];
        (counts[0], counts[100]) = (300, 212);
        let mut table = vec![0; 256];
        equalize_clipped::<u8>(&mut counts, 2.0, &mut table);
        // At most 4 in a bin; of the 504 that are cut off each bin gets 1, and 248 get another.
        assert_eq!(counts.iter().sum::<u64>(), 512);
        assert_eq!((counts[0], counts[1], counts[100], counts[255]), (6, 2, 6, 1));
        assert_eq!(table[255], 255);
    }

    #[test]
    fn where_nothing_was_counted_the_table_is_straight() {
        let mut table = [0; 256];
        equalize_clipped::<u8>(&mut [0; 256], 0.25, &mut table);
        assert!(table.iter().copied().eq(0..256));
        let mut shares = [0.0; 256];
        equalize_clipped::<f32>(&mut [0; 256], 2.0, &mut shares);
        assert_eq!((shares[0], shares[255]), (0.0, 1.0));
        assert!((shares[51] - 0.2f32).abs() < 1e-6, "{}", shares[51]);
    }

    #[test]
    fn floats_are_looked_up_between_the_middles_of_bins() {
        let bins = f32::bins(10.0, 522.0);
        let mut tables = vec![9.0; 512];
        tables[256..259].copy_from_slice(&[0.1, 0.5, 0.7]);
        tables[511] = 1.0;
        let found = [f32::NEG_INFINITY, 10.0, 11.0, 12.0, 13.0, 14.0, 522.0, f32::INFINITY]
            .map(|sample| f32::look_up(&tables, 256, sample.place(&bins)));
        assert_eq!(found, [0.1, 0.1, 0.1, 0.3, 0.5, 0.6, 1.0, 1.0]);
        assert!(f32::look_up(&tables, 256, f32::NAN.place(&bins)).is_nan());
    }

    #[test]
    fn pixels_before_the_first_middle_belong_to_the_first_tile() {
        let rows = [(0, (0, 0, 0.5)), (2, (0, 1, 0.0)), (11, (2, 2, 0.25))];
        for (place, (first, next, part)) in rows {
            assert_eq!(beside(place, 4, 3), Between { first, next, part });
        }
    }
}
