//! The least or the greatest sample of each window: what `minimum` and `maximum` have in common.

use std::ops::Range;

use pipeline_core::{Context, Layout, Region, Result, View, ViewMut};

use crate::check;
use crate::kernel::{Border, Rank, extremes_along, first_row, pad_row, with_row};
use crate::neighborhood::{self, RADIUS, Rows};

/// Bytes of a group's columns that are worked on at a time: half of a second-level cache.
const CACHED: usize = 128 << 10;

/// A square of side `2 · radius + 1` around each place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Square {
    pub(super) radius: u32,
    pub(super) border: Border,
}

impl Square {
    pub(super) fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        check::within("radius", self.radius, &RADIUS, "px")?;
        Ok(inputs[0])
    }

    pub(super) fn footprint(&self, region: Region, inputs: &[Layout]) -> Region {
        let radius = (self.radius, self.radius);
        neighborhood::footprint(self.border, region, radius, inputs[0].region())
    }

    /// Fills `out` with the keys that `pick` prefers to all others of their window.
    ///
    /// Rows are made in groups of at most `size`: the extremes of columns for the whole group, then
    /// those along its rows.
    pub(super) fn render<T: Rank>(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
        pick: impl Fn(T::Key, T::Key) -> T::Key + Copy,
    ) -> Result<()> {
        let (region, radius) = (out.region(), self.radius);
        let rows = Rows::<T>::new(input, region, (radius, radius), self.border)?;
        let span = rows.span(region, radius);
        let (len, channels, size) = (rows.row_len(), span.channels, 2 * radius as usize + 1);
        let constant = rows.constant().key();
        let out_len = region.width as usize * channels;
        let padded_len = out_len + (size - 1) * channels;
        let group_len = size.min(region.height as usize);
        // A block of the columns of a group stays in the cache from one pass to the next.
        let most = neighborhood::block(size);
        let block = (CACHED / (group_len * size_of::<T::Key>())).clamp(64, most);

        ctx.scratch(|scratch| {
            let lens = (group_len + 1) * len + 2 * padded_len;
            scratch.samples::<T::Key, _>(lens, |memory, _| {
                let (group, memory) = memory.split_at_mut(group_len * len);
                let (below, memory) = memory.split_at_mut(len);
                let (padded, spare) = memory.split_at_mut(padded_len);
                let mut out: Vec<&mut [T]> = out.rows::<T>()?.map(|(_, row)| row).collect();
                let groups = out.chunks_mut(group_len);
                for (y, out) in (region.y..).step_by(group_len).zip(groups) {
                    let count = out.len();
                    let mut columns =
                        Columns { rows: &rows, size, group: &mut group[..count * len] };
                    for start in (0..len).step_by(block) {
                        let part = start..len.min(start + block);
                        let shared = i64::from(y) + i64::from(radius);
                        columns.ascend(shared, &part, pick, ctx)?;
                        columns.descend(shared, &part, below, pick, ctx)?;
                    }
                    for (row, out) in group.chunks_exact(len).zip(out) {
                        ctx.check()?;
                        pad_row(row, padded, span, self.border, constant);
                        extremes_along(padded, spare, (size, channels), out, pick);
                    }
                }
                Ok(())
            })
        })
    }
}

/// The extremes of columns for a group of at most `size` windows, one below the other.
///
/// All windows of the group see `shared`, the last row of the first one. So each is put together
/// from the extremes that run up from there to its first row and those that run down to its last:
/// two passes over the rows for all windows together.
struct Columns<'a, T: Rank> {
    rows: &'a Rows<'a, T>,
    size: usize,
    group: &'a mut [T::Key],
}

impl<T: Rank> Columns<'_, T> {
    /// Fills a part of the group's rows with the extremes from the first row of a window to `shared`.
    fn ascend(
        &mut self,
        shared: i64,
        part: &Range<usize>,
        pick: impl Fn(T::Key, T::Key) -> T::Key + Copy,
        ctx: &Context<'_>,
    ) -> Result<()> {
        ctx.check()?;
        let len = self.rows.row_len();
        let last = self.group.len() / len - 1;
        let row = |y: i64| &self.rows.row(y)[part.clone()];
        let first_of = |window: usize| shared + 1 - (self.size - window) as i64;
        let top = &mut self.group[last * len..][part.clone()];
        first_row(top, row(shared));
        for y in (first_of(last)..shared).rev() {
            with_row(top, row(y), pick);
        }
        for window in (0..last).rev() {
            let below = (window + 1) * len;
            self.group.copy_within(below + part.start..below + part.end, window * len + part.start);
            let top = &mut self.group[window * len..][part.clone()];
            with_row(top, row(first_of(window)), pick);
        }
        Ok(())
    }

    /// Takes the rows after `shared` in; `below` is working memory of one row.
    fn descend(
        &mut self,
        shared: i64,
        part: &Range<usize>,
        below: &mut [T::Key],
        pick: impl Fn(T::Key, T::Key) -> T::Key + Copy,
        ctx: &Context<'_>,
    ) -> Result<()> {
        ctx.check()?;
        let below = &mut below[part.clone()];
        let windows = self.group.chunks_exact_mut(self.rows.row_len());
        for (y, window) in (shared..).zip(windows).skip(1) {
            let row = &self.rows.row(y)[part.clone()];
            if y == shared + 1 {
                first_row(below, row);
            } else {
                with_row(below, row, pick);
            }
            let window = window[part.clone()].iter_mut();
            window.zip(&*below).for_each(|(all, &below)| *all = pick(*all, below));
        }
        Ok(())
    }
}
