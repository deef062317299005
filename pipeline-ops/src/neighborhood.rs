//! How steps read the neighbourhood of a region: footprints, rows beyond the edge, and the two
//! passes of separable filters.

use std::ops::{Range, RangeInclusive};

use bytemuck::Pod;
use pipeline_core::data::Plane;
use pipeline_core::{Context, Region, Result, Sample, View, ViewMut};

use crate::kernel::{
    APART, Border, BoxMean, Halves, Moments, Span, Sums, horizontal, pad_made, pad_row,
    seen_columns, vertical, vertical_pair,
};

/// The radii that a step takes, in pixels: windows are counted in 32 bits.
pub(crate) const RADIUS: RangeInclusive<u32> = 0..=4096;

/// Rows whose columns are summed together, in pairs.
const TOGETHER: usize = 2 * APART;

/// Bytes of samples that are read again and again before the next ones are: half of a second-level
/// cache.
const CACHED: usize = 128 << 10;

/// Bytes of a window that a second-level cache does not hold beside all else.
const FAR: usize = 512 << 10;

/// Samples of a row that are summed before the next taps are looked at.
///
/// The sums fill half of a small first-level cache, or less where the taps are so many that the
/// work between two looks for a cancel would take longer than a fraction of a millisecond.
pub(crate) fn block(taps: usize) -> usize {
    ((1 << 20) / taps.max(1)).clamp(256, 4096)
}

/// The same for samples of `rows` rows that are read again and again: as many as a cache holds.
pub(crate) fn cached_block<T>(rows: usize, taps: usize) -> usize {
    block(taps).min(CACHED / (rows * size_of::<T>())).max(256)
}

/// The input region that a window of radius `(x, y)` sees from `region`.
///
/// What a mirror shows lies within the halo on the other side of the edge. Wrapping sees the far
/// side, so it asks for whole rows or columns once the halo passes the edge.
pub(crate) fn footprint(border: Border, region: Region, (x, y): (u32, u32), all: Region) -> Region {
    let mut grown = region.grow(x, y, &all);
    if border == Border::Wrap {
        if region.x < x || region.right() + u64::from(x) > all.right() {
            (grown.x, grown.width) = (all.x, all.width);
        }
        if region.y < y || region.bottom() + u64::from(y) > all.bottom() {
            (grown.y, grown.height) = (all.y, all.height);
        }
    }
    grown
}

/// The rows of an image and, above and below it, those of its border.
#[derive(Debug)]
pub(crate) struct BorderedRows<'a, T> {
    plane: Plane<'a, T>,
    width: usize,
    height: usize,
    border: Border,
    /// The row that [`Border::Constant`] shows; empty for the others.
    constant: Vec<T>,
}

impl<'a, T: Sample> BorderedRows<'a, T> {
    /// The rows that windows of radius `radius` see from `region`.
    pub(crate) fn new(
        input: &View<'a>,
        region: Region,
        radius: (u32, u32),
        border: Border,
    ) -> Result<Self> {
        let image = input.image();
        let input = input.crop(footprint(border, region, radius, image.region()));
        let plane = input.typed::<T>()?;
        let constant = match border {
            Border::Constant(value) => {
                let len = plane.region().width as usize * plane.channels();
                vec![T::from_f32(value); len]
            }
            _ => Vec::new(),
        };
        let (width, height) = (image.width as usize, image.height as usize);
        Ok(Self { plane, width, height, border, constant })
    }

    /// Samples of a row, as far as the footprint reaches.
    pub(crate) fn row_len(&self) -> usize {
        self.plane.region().width as usize * self.plane.channels()
    }

    /// The value that a constant border shows, as a sample.
    pub(crate) fn constant(&self) -> T {
        self.constant.first().copied().unwrap_or_default()
    }

    /// Row `y`, which may lie beyond the image.
    pub(crate) fn row(&self, y: i64) -> &[T] {
        match self.border.place(y, self.height).and_then(|y| u32::try_from(y).ok()) {
            Some(y) => self.plane.row(y),
            None => &self.constant,
        }
    }

    /// Fills `padded` with row `y` as floats.
    pub(crate) fn padded_floats(&self, y: i64, span: Span, padded: &mut [f32]) {
        let (stored, constant) = (self.row(y), [self.constant().to_f32()]);
        pad_made(padded, span, (self.border, &constant), |from, to| {
            let stored = &stored[from..][..to.len()];
            to.iter_mut().zip(stored).for_each(|(to, sample)| *to = sample.to_f32());
        });
    }

    /// Puts the rows from `y - radius` to `y + radius` into `rows`.
    pub(crate) fn window<'r>(&'r self, y: u32, radius: u32, rows: &mut Vec<&'r [T]>) {
        let (y, radius) = (i64::from(y), i64::from(radius));
        rows.clear();
        rows.extend((y - radius..=y + radius).map(|y| self.row(y)));
    }

    /// Where stored rows and rows padded for `region` by `radius` lie.
    pub(crate) fn span(&self, region: Region, radius: u32) -> Span {
        Span {
            stored: self.plane.region().x as usize,
            padded: i64::from(region.x) - i64::from(radius),
            width: self.width,
            channels: self.plane.channels(),
        }
    }
}

/// Windows of rows that move down an image, block by block along the rows.
struct Windows<'r, T> {
    rows: &'r BorderedRows<'r, T>,
    radius: u32,
    /// Samples of a row that are done before the next look for a cancel.
    block: usize,
    /// The rows that are seen, and their parts in the block at work.
    seen: Vec<&'r [T]>,
    part: Vec<&'r [T]>,
}

impl<'r, T: Sample> Windows<'r, T> {
    fn new(rows: &'r BorderedRows<'r, T>, radius: u32, block: usize) -> Self {
        Self { rows, radius, block, seen: Vec::new(), part: Vec::new() }
    }

    /// Gives `visit` all rows that `count` windows see, of which the first is that around row
    /// `first`, and where on the rows the block lies.
    fn visit(
        &mut self,
        first: u32,
        count: usize,
        ctx: &Context<'_>,
        mut visit: impl FnMut(&[&[T]], Range<usize>),
    ) -> Result<()> {
        let top = i64::from(first) - i64::from(self.radius);
        let rows = (top..).take(count + 2 * self.radius as usize).map(|y| self.rows.row(y));
        self.seen.clear();
        self.seen.extend(rows);
        let row_len = self.rows.row_len();
        for start in (0..row_len).step_by(self.block) {
            ctx.check()?;
            let block = start..row_len.min(start + self.block);
            self.part.clear();
            self.part.extend(self.seen.iter().map(|row| &row[block.clone()]));
            visit(&self.part, block);
        }
        Ok(())
    }

    /// Moves a window to the row below, which is row `y`, or to a first one. `columns` turns the
    /// `sums` of the window before into those of this one, given its rows and the row that leaves.
    fn slide<S>(
        &mut self,
        y: u32,
        sums: &mut [S],
        ctx: &Context<'_>,
        columns: impl Fn(&[&[T]], Option<&[T]>, &mut [S]),
    ) -> Result<()> {
        let leaving = self.seen.first().copied();
        self.visit(y, 1, ctx, |rows, block| {
            columns(rows, leaving.map(|row| &row[block.clone()]), &mut sums[block]);
        })
    }
}

/// Filters each of whose kernels is the product of a column and a row of weights, over one image.
#[derive(Debug)]
pub(crate) struct Separable<'a> {
    pub(crate) terms: &'a [Term<'a>],
    pub(crate) border: Border,
}

/// A row and a column of weights, both of odd length.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Term<'a> {
    pub(crate) x: &'a [f32],
    pub(crate) y: &'a [f32],
}

impl Term<'_> {
    fn radius(&self) -> (u32, u32) {
        let radius = |weights: &[f32]| u32::try_from(weights.len() / 2).unwrap_or(u32::MAX);
        (radius(self.x), radius(self.y))
    }

    /// Fills `columns` with the sums along columns of the rows from `first` on.
    fn sum_columns<T: Sample>(
        &self,
        rows: &BorderedRows<'_, T>,
        first: u32,
        columns: &mut [f32],
        ctx: &Context<'_>,
    ) -> Result<()> {
        let (row_len, size) = (rows.row_len(), self.y.len());
        let count = columns.len() / row_len;
        let len = cached_block::<T>(count + size - 1, count * size);
        Windows::new(rows, self.radius().1, len).visit(first, count, ctx, |rows, block| {
            if count == TOGETHER {
                let (above, below) = columns.split_at_mut(APART * row_len);
                let pairs = above.chunks_exact_mut(row_len).zip(below.chunks_exact_mut(row_len));
                for (window, (above, below)) in rows.windows(size + APART).zip(pairs) {
                    let sums = [&mut above[block.clone()], &mut below[block.clone()]];
                    vertical_pair(window, self.y, sums);
                }
                return;
            }
            for (window, columns) in rows.windows(size).zip(columns.chunks_exact_mut(row_len)) {
                vertical(window, self.y, &mut columns[block.clone()]);
            }
        })
    }
}

impl Separable<'_> {
    /// The radius of the largest kernel.
    fn radius(&self) -> (u32, u32) {
        let radii = self.terms.iter().map(Term::radius);
        radii.fold((0, 0), |largest, (x, y)| (largest.0.max(x), largest.1.max(y)))
    }

    /// Filters the rows of `out` and gives each to `finish`: the row's number, its sums, and the
    /// samples to fill. The sums of several terms stand one after the other.
    ///
    /// Columns are summed first, straight from the samples of the input, so that nothing but some
    /// rows of sums is kept, however large the radius. Those of several rows are summed together,
    /// block by block, because they read almost the same samples.
    pub(crate) fn render<T: Sample, U: Sample>(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
        finish: impl Fn(u32, &[f32], &mut [U]),
    ) -> Result<()> {
        let (region, (rx, ry)) = (out.region(), self.radius());
        let rows = BorderedRows::<T>::new(input, region, (rx, ry), self.border)?;
        let channels = rows.plane.channels();
        let row_len = rows.row_len();
        let out_len = region.width as usize * channels;
        let most_padded = out_len + 2 * rx as usize * channels;
        let most_rows = TOGETHER.min(region.height as usize);

        let mut group = Vec::with_capacity(most_rows);
        let lens = self.terms.len() * (most_rows * row_len + out_len) + most_padded;
        ctx.scratch(|scratch| {
            scratch.samples::<f32, _>(lens, |memory, _| {
                let (columns, memory) = memory.split_at_mut(self.terms.len() * most_rows * row_len);
                let (padded, sums) = memory.split_at_mut(most_padded);
                let mut out_rows = out.rows::<U>()?;
                loop {
                    group.clear();
                    group.extend(out_rows.by_ref().take(most_rows));
                    let Some(&(first, _)) = group.first() else { return Ok(()) };
                    let terms =
                        self.terms.iter().zip(columns.chunks_exact_mut(most_rows * row_len));
                    for (term, columns) in terms {
                        let columns = &mut columns[..group.len() * row_len];
                        term.sum_columns(&rows, first, columns, ctx)?;
                    }
                    for (at, (y, out)) in group.iter_mut().enumerate() {
                        let sums_of = sums.chunks_exact_mut(out_len).enumerate();
                        for ((number, sums), term) in sums_of.zip(self.terms) {
                            let columns =
                                &columns[(number * most_rows + at) * row_len..][..row_len];
                            let (rx, _) = term.radius();
                            let constant = rows.constant().to_f32() * term.y.iter().sum::<f32>();
                            let padded = &mut padded[..out_len + 2 * rx as usize * channels];
                            pad_row(columns, padded, rows.span(region, rx), self.border, constant);
                            let len = block(term.x.len());
                            for (place, sums) in sums.chunks_mut(len).enumerate() {
                                ctx.check()?;
                                horizontal(&padded[place * len..], term.x, channels, sums);
                            }
                        }
                        finish(*y, sums, out);
                    }
                }
            })
        })
    }
}

/// The squares of side `2 · radius + 1` around every pixel, whose sums are integers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BoxSums {
    pub(crate) radius: u32,
    pub(crate) border: Border,
}

impl BoxSums {
    /// Sums the columns of every square, and gives the rows of `out` to `finish`: the row's number,
    /// its padded column sums, which it may overwrite, and the samples to fill.
    pub(crate) fn render<T: BoxMean<S>, S: Pod, U: Sample>(
        self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
        mut finish: impl FnMut(u32, &mut [S], &mut [U]),
    ) -> Result<()> {
        let (region, Self { radius, border }) = (out.region(), self);
        let size = 2 * radius + 1;
        let rows = BorderedRows::<T>::new(input, region, (radius, radius), border)?;
        let span = rows.span(region, radius);
        let constant = rows.constant().column_of(size);
        let padded_len = (region.width as usize + 2 * radius as usize) * span.channels;

        let mut window = Windows::new(&rows, radius, block(size as usize));
        ctx.scratch(|scratch| {
            scratch.samples::<S, _>(rows.row_len() + padded_len, |memory, _| {
                let (columns, padded) = memory.split_at_mut(rows.row_len());
                for (y, out) in out.rows::<U>()? {
                    window.slide(y, columns, ctx, T::columns)?;
                    pad_row(columns, padded, span, border, constant);
                    finish(y, padded, out);
                }
                Ok(())
            })
        })
    }
}

/// A symmetric kernel along both axes, of bytes and in 16 bits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HalfSums<'a> {
    pub(crate) halves: &'a Halves,
    pub(crate) border: Border,
}

impl HalfSums<'_> {
    /// Filters the rows of `out` and gives each to `finish`, part by part: the row's number, where
    /// the part begins, its sums, and the samples to fill.
    pub(crate) fn render(
        self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
        finish: impl Fn(u32, usize, &[u16], &mut [u8]),
    ) -> Result<()> {
        let (region, Self { halves, border }) = (out.region(), self);
        let size = 2 * halves.radius() + 1;
        let radius = u32::try_from(halves.radius()).unwrap_or(u32::MAX);
        let rows = BorderedRows::<u8>::new(input, region, (radius, radius), border)?;
        let (row_len, span) = (rows.row_len(), rows.span(region, radius));
        let constant = halves.column_of(rows.constant());
        let padded_len = (region.width as usize + 2 * halves.radius()) * span.channels;
        // A window that no cache holds is read once for several rows.
        let (together, len) = if size * row_len > FAR {
            (TOGETHER.min(region.height as usize), cached_block::<u8>(TOGETHER + size - 1, size))
        } else {
            (1, block(size))
        };

        let mut windows = Windows::new(&rows, radius, len);
        let mut group = Vec::with_capacity(together);
        ctx.scratch(|scratch| {
            scratch.samples::<u16, _>(together * row_len + padded_len + len, |memory, _| {
                let (columns, memory) = memory.split_at_mut(together * row_len);
                let (padded, sums) = memory.split_at_mut(padded_len);
                let mut out_rows = out.rows::<u8>()?;
                loop {
                    group.clear();
                    group.extend(out_rows.by_ref().take(together));
                    let Some(&(first, _)) = group.first() else { return Ok(()) };
                    windows.visit(first, group.len(), ctx, |rows, block| {
                        let columns = columns.chunks_exact_mut(row_len);
                        for (window, columns) in rows.windows(size).zip(columns) {
                            halves.columns(window, &mut columns[block.clone()]);
                        }
                    })?;
                    for ((y, out), columns) in group.iter_mut().zip(columns.chunks_exact(row_len)) {
                        pad_row(columns, padded, span, border, constant);
                        for (place, out) in out.chunks_mut(len).enumerate() {
                            ctx.check()?;
                            let (start, sums) = (place * len, &mut sums[..out.len()]);
                            halves.row(&padded[start..], span.channels, sums);
                            finish(*y, start, sums, out);
                        }
                    }
                }
            })
        })
    }
}

/// The sums over squares of side `2 · radius + 1` around every pixel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WindowSums {
    pub(crate) radius: u32,
    pub(crate) border: Border,
}

impl WindowSums {
    /// The number of pixels in a square.
    pub(crate) fn area(self) -> u64 {
        let size = 2 * u64::from(self.radius) + 1;
        size * size
    }

    /// Sums the samples of every square and their squares, and gives the rows of `out` to `finish`:
    /// the row's number, its sums, and the samples to fill.
    pub(crate) fn render<T: Moments, U: Sample>(
        self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
        finish: impl Fn(u32, &[Sums<T::Sum>], &mut [U]),
    ) -> Result<()> {
        let rows = self.rows::<T>(input, out.region())?;
        let constant = [rows.constant().column_of(2 * self.radius + 1)];
        self.slide((&rows, &constant), (T::columns, T::windows), out, ctx, finish)
    }

    /// The same of an image with alpha, by which its colours count; the sum of alpha itself stands
    /// in its place.
    pub(crate) fn render_seen<T: Sample, U: Sample>(
        self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
        finish: impl Fn(u32, &[Sums<f64>], &mut [U]),
    ) -> Result<()> {
        let rows = self.rows::<T>(input, out.region())?;
        let channels = rows.plane.channels();
        let pixel = vec![rows.constant(); channels];
        let mut constant = vec![[0.0; 2]; channels];
        seen_columns(&vec![&pixel[..]; 2 * self.radius as usize + 1], channels, &mut constant);
        let columns = |rows: &[&[T]], _: Option<&[T]>, sums: &mut [Sums<f64>]| {
            seen_columns(rows, channels, sums);
        };
        self.slide((&rows, &constant), (columns, f32::windows), out, ctx, finish)
    }

    fn rows<'a, T: Sample>(self, input: &View<'a>, region: Region) -> Result<BorderedRows<'a, T>> {
        BorderedRows::new(input, region, (self.radius, self.radius), self.border)
    }

    /// Moves the squares down and along the rows: `columns` sums those of a window of rows, and
    /// `windows` the squares of a padded row of these. `constant` is the column of a constant
    /// border.
    fn slide<T: Sample, S: Pod, U: Sample>(
        self,
        (rows, constant): (&BorderedRows<'_, T>, &[Sums<S>]),
        (columns_of, windows_of): (
            impl Fn(&[&[T]], Option<&[T]>, &mut [Sums<S>]),
            impl Fn(&mut [Sums<S>], u32, usize, &mut [Sums<S>]),
        ),
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
        finish: impl Fn(u32, &[Sums<S>], &mut [U]),
    ) -> Result<()> {
        let (region, Self { radius, border }) = (out.region(), self);
        let size = 2 * radius + 1;
        let span = rows.span(region, radius);
        let len = region.width as usize * span.channels;
        let padded_len = len + 2 * radius as usize * span.channels;

        // No pixel is cut.
        let block = block(2 * size as usize).next_multiple_of(span.channels);
        let mut window = Windows::new(rows, radius, block);
        let lens = rows.row_len() + padded_len + len;
        ctx.scratch(|scratch| {
            scratch.samples::<Sums<S>, _>(lens, |memory, _| {
                let (columns, memory) = memory.split_at_mut(rows.row_len());
                let (padded, sums) = memory.split_at_mut(padded_len);
                for (y, out) in out.rows::<U>()? {
                    window.slide(y, columns, ctx, &columns_of)?;
                    pad_made(padded, span, (border, constant), |from, to| {
                        to.copy_from_slice(&columns[from..][..to.len()]);
                    });
                    ctx.check()?;
                    windows_of(padded, size, span.channels, sums);
                    finish(y, sums, out);
                }
                Ok(())
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_asks_for_whole_rows_only_at_the_edge() {
        let all = Region::whole(100, 50);
        let middle = Region::new(40, 20, 10, 10);
        let beside = Region::new(0, 20, 10, 10);
        assert_eq!(footprint(Border::Wrap, middle, (3, 3), all), Region::new(37, 17, 16, 16));
        assert_eq!(footprint(Border::Wrap, beside, (3, 3), all), Region::new(0, 17, 100, 16));
        assert_eq!(footprint(Border::Mirror, beside, (3, 3), all), Region::new(0, 17, 13, 16));
    }
}
