//! Which basins of a relief are cells, and where those end.

use pipeline_core::data::{leftovers, zeros};
use pipeline_core::{Context, Mask, Result};

use super::heights::{brightness, height};
use super::live::Live;
use crate::components::{self, Ground};
use crate::kernel::{Bounds, Connectivity, Cutout, bounds, bright_rims, peel, rims};
use crate::memory::copies;

/// A rim counts as bright near what is higher than this.
const BRIGHT: u16 = height(0.3);

/// The share of a rim that is bright, at least, of a cell.
const RIM: f64 = 0.35;

/// What is higher than this at a rim is halo.
const HALO: u16 = height(0.6);

/// How deep halos are peeled off, in pixels.
const PEEL: u32 = 2;

/// A cell is cut where it is narrower than this share of its narrower part.
const WAIST: f64 = 0.7;

/// Parts of less pixels around their middle are not cut off.
const BULGE: f64 = 4.0;

/// What has nothing but a halo is a cell if that is higher than this.
const GLARE: u16 = height(1.3);

/// The frame in which cells are looked for.
pub(super) struct WholeCells<'a> {
    pub(super) heights: &'a [u16],
    pub(super) mask: &'a Mask,
    pub(super) live: &'a Live,
    pub(super) min_area: usize,
    pub(super) ctx: &'a Context<'a>,
}

/// Labels, and how many were given so far. A later one may have taken all pixels of another.
struct Found {
    labels: Vec<u32>,
    width: usize,
    count: u32,
}

impl Found {
    fn set(&mut self, x: usize, y: usize, number: u32) {
        self.labels[y * self.width + x] = number;
    }
}

impl WholeCells<'_> {
    /// The cells among numbered basins, with those that have none, and the largest of their
    /// numbers.
    pub(super) fn find(&self, (mut basins, count): (Vec<u32>, u32)) -> Result<(Vec<u32>, u32)> {
        let width = self.mask.width() as usize;
        let what = || format!("labels of {} pixels", basins.len());
        let mut labels: Vec<u32> = leftovers(basins.len(), what)?;
        labels.fill(0);
        let mut found = Found { labels, width, count: 0 };
        let relief = (self.heights, width);
        let edges = rims(&basins, width)?;
        let bright = bright_rims((&basins, count), &edges, relief, BRIGHT);
        peel(&mut basins, &edges, relief, HALO, PEEL)?;
        let rims = bright.into_iter().zip(bounds(&basins, width, count));
        for (basin, ([rim, bright], bounds)) in (0..).zip(rims) {
            self.ctx.check()?;
            #[expect(clippy::cast_precision_loss, reason = "counts of pixels are below 2^53")]
            if bright as f64 >= RIM * rim as f64 {
                self.add_basin(&basins, basin, bounds, &mut found)?;
            }
        }
        self.add_glaring(&mut found)?;
        Ok((found.labels, found.count))
    }

    /// Adds what is left of a basin: its largest part without holes, cut at its waists.
    fn add_basin(
        &self,
        basins: &[u32],
        basin: u32,
        bounds: Bounds,
        found: &mut Found,
    ) -> Result<()> {
        let Some(size) = bounds.size() else { return Ok(()) };
        let (left, top, width) = (bounds.left, bounds.top, found.width);
        let is_own = |x: usize, y: usize| basins[(top + y) * width + left + x] == basin;
        let mut cell = Cutout::new(size, is_own)?;
        cell.keep_largest()?;
        cell.fill_holes()?;
        cell.keep(|x, y| self.live.contains(left + x, top + y));
        if cell.area() < self.min_area {
            return Ok(());
        }
        let first = found.count;
        for ((x, y), bulge) in cell.pixels().zip(cell.bulges(WAIST, BULGE, || self.ctx.check())?) {
            found.set(left + x, top + y, first + bulge);
            found.count = found.count.max(first + bulge);
        }
        Ok(())
    }

    /// Adds parts of the mask without a cell that are brighter than a halo, down to half of their
    /// brightness.
    fn add_glaring(&self, found: &mut Found) -> Result<()> {
        let (ctx, width) = (self.ctx, found.width);
        let parts = components::find(self.mask, Ground::Foreground, Connectivity::Four, ctx)?;
        let what = || format!("a table of {} parts", parts.count());
        let none = Part { bounds: Bounds::NONE, highest: 0, has_cell: false };
        let mut known = copies(none, parts.count() as usize + 1, what)?;
        let rows = self.mask.height() as usize;
        for y in 0..rows {
            ctx.check()?;
            for (run, number) in parts.row(y) {
                let part = &mut known[number as usize];
                let places = y * width + run.start..y * width + run.end;
                part.bounds.add(y, run.start, run.end - 1);
                part.has_cell |= found.labels[places.clone()].iter().any(|&label| label != 0);
                let live =
                    run.zip(&self.heights[places]).filter(|&(x, _)| self.live.contains(x, y));
                part.highest = live.map(|(_, &height)| height).fold(part.highest, u16::max);
            }
        }
        let is_glaring = |part: &Part| !part.has_cell && part.highest >= GLARE;
        if !known.iter().any(is_glaring) {
            return Ok(());
        }
        let mut numbers = zeros::<u32>(found.labels.len(), what)?;
        for (y, row) in numbers.chunks_exact_mut(width).enumerate() {
            parts.row(y).for_each(|(run, number)| row[run].fill(number));
        }
        for (number, part) in (0..).zip(&known).filter(|(_, part)| is_glaring(part)) {
            ctx.check()?;
            let Some(size) = part.bounds.size() else { continue };
            let (left, top) = (part.bounds.left, part.bounds.top);
            let half = height(brightness(part.highest) * 0.5);
            let mut cell = Cutout::new(size, |x, y| {
                let at = (top + y) * width + left + x;
                let is_live = self.live.contains(left + x, top + y);
                numbers[at] == number && self.heights[at] > half && is_live
            })?;
            cell.keep_largest()?;
            if cell.area() >= self.min_area {
                found.count += 1;
                let label = found.count;
                cell.pixels().for_each(|(x, y)| found.set(left + x, top + y, label));
            }
        }
        Ok(())
    }
}

/// A connected part of the mask.
#[derive(Debug, Clone, Copy)]
struct Part {
    bounds: Bounds,
    /// Of its live pixels.
    highest: u16,
    has_cell: bool,
}
