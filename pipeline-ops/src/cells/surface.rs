//! The surface of a background: levels of tiles, and what is between them.

use pipeline_core::data::{Plane, zeros};
use pipeline_core::{Context, Error, Mask, Result, Sample, SampleType};

use super::background::Surface;
use crate::kernel::{
    Blend, Ends, Knots, Level, Levels, SPAN, count_kept, level_of_counts, smooth, widen_range,
};
use crate::passes;

/// Tiles along an axis, at the most, of a smooth surface: its cost grows with their third power.
const MOST: u32 = 16;

/// Counts that are few however small the image is.
const MANY: u64 = 1 << 20;

/// Samples that a tile of a smooth surface needs.
const FEWEST: usize = 16;

/// Tiles along an axis: where each begins and ends, and its middle.
#[derive(Debug)]
struct Axis {
    tiles: Vec<(u32, u32)>,
    /// Where any of them begins or ends: each has so many parts, and begins one after the one
    /// before.
    edges: Vec<u32>,
    parts: usize,
    knots: Knots,
}

impl Axis {
    fn new(edges: Vec<u32>, parts: usize, middle: impl Fn(u32) -> f64, ends: Ends) -> Self {
        let tiles: Vec<(u32, u32)> =
            edges.iter().zip(&edges[parts..]).map(|(&from, &to)| (from, to)).collect();
        let places = tiles.iter().map(|&(from, to)| middle(from + to)).collect();
        Self { tiles, edges, parts, knots: Knots::new(places, ends) }
    }

    /// Tiles of about that side which lie half over each other.
    fn overlapping(len: u32, tile: u32) -> Self {
        let count = 2 * (len.div_ceil(tile) + 1).max(2) - 2;
        let edge = |at: u32| {
            let place = (f64::from(len) / f64::from(count) * f64::from(at)).round_ties_even();
            whole(place).min(len)
        };
        Self::new((0..=count).map(edge).collect(), 2, |sum| f64::from(sum) / 2.0, Ends::NotAKnot)
    }

    /// Tiles of about that side which lie beside each other.
    fn apart(len: u32, tile: u32) -> Self {
        let count = (len.saturating_add(tile / 2) / tile).clamp(1, MOST.min(len));
        let edge = |at: u32| u64::from(len) * u64::from(at) / u64::from(count);
        let edges = (0..=count).map(|at| u32::try_from(edge(at)).unwrap_or(len)).collect();
        // Pixels are where their middles are.
        Self::new(edges, 1, |sum| (f64::from(sum) - 1.0) / 2.0, Ends::Natural)
    }

    /// What is between edges.
    fn between(&self) -> Vec<(u32, u32)> {
        self.edges.windows(2).map(|edge| (edge[0], edge[1])).collect()
    }

    /// The places between edges of a tile.
    fn parts_of(&self, tile: usize) -> std::ops::Range<usize> {
        tile..tile + self.parts
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place within an image"
)]
fn whole(place: f64) -> u32 {
    place as u32
}

/// A smooth surface over an image.
#[derive(Debug)]
pub(super) struct Fitted {
    width: usize,
    rows: Knots,
    /// For each row of tiles what is at every pixel of a row, and how that bends.
    values: Vec<f64>,
    bends: Vec<f64>,
}

impl Fitted {
    /// The surface of what is not masked.
    pub(super) fn of<T: Sample>(
        image: Plane<'_, T>,
        mask: Option<&Mask>,
        (surface, tile, stiffness): (Surface, u32, f32),
        ctx: &Context<'_>,
    ) -> Result<Self> {
        let (width, height) = (image.region().width, image.region().height);
        let [across, down] = [width, height].map(|len| match surface {
            Surface::Smooth => Axis::apart(len, tile),
            Surface::Spline => Axis::overlapping(len, tile),
        });
        let none;
        let mask = match mask {
            Some(mask) => mask.bytes(),
            None => {
                let count = width as usize * height as usize;
                none = zeros::<u8>(count, || format!("a mask of {count} pixels"))?;
                &none
            }
        };
        let levels = Tiles { image, mask, across: &across, down: &down };
        let levels = match surface {
            Surface::Smooth => levels.smoothed(stiffness, ctx)?,
            Surface::Spline => levels.medians(ctx)?,
        };
        Ok(Self::through(&levels, width, &across.knots, down.knots))
    }

    /// The surface through levels, row by row of tiles.
    fn through(levels: &[f64], width: u32, across: &Knots, rows: Knots) -> Self {
        let (columns, count) = (across.len(), rows.len());
        // Columns become rows, because splines go down.
        let turned: Vec<f64> =
            (0..columns).flat_map(|x| (0..count).map(move |y| levels[y * columns + x])).collect();
        let bends = across.bends(&turned, count);
        let blends: Vec<Blend> = (0..width).map(|x| across.blend(f64::from(x))).collect();
        let mut values = Vec::with_capacity(count * blends.len());
        for row in 0..count {
            values.extend(blends.iter().map(|blend| {
                let (at, next) = (blend.knot, (blend.knot + 1).min(columns - 1));
                let [at, next] = [at, next].map(|knot| knot * count + row);
                blend.values[0] * turned[at]
                    + blend.values[1] * turned[next]
                    + blend.bends[0] * bends[at]
                    + blend.bends[1] * bends[next]
            }));
        }
        let bends = rows.bends(&values, blends.len());
        Self { width: blends.len(), rows, values, bends }
    }

    /// Fills a row with the surface.
    #[expect(clippy::cast_possible_truncation, reason = "f32 is what a background is told in")]
    pub(super) fn fill(&self, y: u32, out: &mut [f32]) {
        let Blend { knot, values, bends } = self.rows.blend(f64::from(y));
        let next = (knot + 1).min(self.rows.len() - 1);
        let row = |of: &[f64], at: usize| at * self.width..(at + 1) * self.width.min(of.len());
        let [above, below] = [knot, next].map(|at| &self.values[row(&self.values, at)]);
        let [bend, next_bend] = [knot, next].map(|at| &self.bends[row(&self.bends, at)]);
        for (x, out) in out.iter_mut().enumerate() {
            let value = values[0] * above[x] + values[1] * below[x];
            *out = (value + bends[0] * bend[x] + bends[1] * next_bend[x]) as f32;
        }
    }
}

/// Tiles of an image whose levels are looked for.
#[derive(Clone, Copy)]
struct Tiles<'a, T> {
    image: Plane<'a, T>,
    /// Where it is not 0 nothing counts.
    mask: &'a [u8],
    across: &'a Axis,
    down: &'a Axis,
}

/// The level of a tile and how many samples it is of; none if these are too few.
type Found = Option<(f64, usize)>;

impl<T: Sample> Tiles<'_, T> {
    fn levels(self, level: Level, fewest: usize, ctx: &Context<'_>) -> Result<Vec<Found>> {
        let mut found = if let Some(range) = self.range(ctx)? {
            self.counted(level, range, ctx)?
        } else {
            self.listed(level, ctx)?
        };
        found.iter_mut().for_each(|found| *found = found.filter(|&(_, count)| count >= fewest));
        Ok(found)
    }

    /// A row, and where nothing counts of it.
    fn row(&self, y: u32) -> (&[T], &[u8]) {
        let width = self.image.region().width as usize;
        (self.image.row(y), &self.mask[y as usize * width..][..width])
    }

    /// The least and the greatest sample that counts, if all are whole numbers and not far apart.
    fn range(self, ctx: &Context<'_>) -> Result<Option<(f32, f32)>> {
        if T::TYPE == SampleType::F32 {
            return Ok(None);
        }
        let region = self.image.region();
        let ranges = passes::each_row((region.width, region.height), ctx, |y| {
            let ((row, mask), mut range) = (self.row(y), (f32::MAX, f32::MIN));
            widen_range(row, mask, &mut range);
            range
        })?;
        let both = |a: (f32, f32), b: (f32, f32)| (a.0.min(b.0), a.1.max(b.1));
        let range = ranges.into_iter().reduce(both);
        let range = range.filter(|(low, high)| low <= high && high - low < SPAN);
        // Counts are to take no more memory than pixels.
        let places = self.across.edges.len() as u64 * self.down.edges.len() as u64;
        let pixels = u64::from(region.width) * u64::from(region.height);
        Ok(range.filter(|(low, high)| places * span(*low, *high) as u64 <= pixels.max(MANY)))
    }

    /// The levels by counts. Each place is counted once: tiles that lie over each other add up what
    /// is between their edges.
    fn counted(
        self,
        level: Level,
        (low, high): (f32, f32),
        ctx: &Context<'_>,
    ) -> Result<Vec<Found>> {
        let span = span(low, high);
        let (across, down) = (self.across.between(), self.down.between());
        let row_len = across.len() * span;
        let mut counts = zeros::<u32>(row_len * down.len(), || "counts of tiles".to_owned())?;
        ctx.fill_rows(&mut counts, row_len, 1, |first, bands| {
            for (band, &(top, bottom)) in bands.chunks_exact_mut(row_len).zip(&down[first..]) {
                ctx.check()?;
                for y in top..bottom {
                    let (row, mask) = self.row(y);
                    for (counts, &(from, to)) in band.chunks_exact_mut(span).zip(&across) {
                        let part = from as usize..to as usize;
                        count_kept(&row[part.clone()], &mask[part], low, counts);
                    }
                }
            }
            Ok(())
        })?;
        let columns = self.across.tiles.len();
        let mut found = vec![None; columns * self.down.tiles.len()];
        ctx.fill_rows(&mut found, columns, 1, |first, rows| {
            let mut sums = vec![0u32; span];
            for (row, y) in rows.chunks_exact_mut(columns).zip(first..) {
                for (x, found) in row.iter_mut().enumerate() {
                    sums.fill(0);
                    for band in self.down.parts_of(y) {
                        for part in self.across.parts_of(x) {
                            let counts = &counts[band * row_len + part * span..][..span];
                            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
                        }
                    }
                    *found = level_of_counts(low, &sums, level);
                }
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// The levels of what cannot be counted.
    fn listed(self, level: Level, ctx: &Context<'_>) -> Result<Vec<Found>> {
        let columns = self.across.tiles.len();
        let mut found = vec![None; columns * self.down.tiles.len()];
        ctx.fill_rows(&mut found, columns, 1, |first, rows| {
            let mut levels = Levels::default();
            for (row, &down) in rows.chunks_exact_mut(columns).zip(&self.down.tiles[first..]) {
                for (found, &across) in row.iter_mut().zip(&self.across.tiles) {
                    ctx.check()?;
                    levels.clear();
                    self.add(down, across, &mut levels);
                    if levels.len() > 0 {
                        *found = Some((levels.level(level), levels.len()));
                    }
                }
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Adds what counts of a tile.
    fn add(self, down: (u32, u32), across: (u32, u32), levels: &mut Levels) {
        let columns = across.0 as usize..across.1 as usize;
        for y in down.0..down.1 {
            let (row, mask) = self.row(y);
            levels.add(&row[columns.clone()], &mask[columns.clone()]);
        }
    }

    /// The levels of all tiles as medians; where all is masked that of the whole image.
    fn medians(self, ctx: &Context<'_>) -> Result<Vec<f64>> {
        let found = self.levels(Level::Median, 1, ctx)?;
        let mut whole = None;
        let mut of_all = || -> Result<f64> {
            if let Some(whole) = whole {
                return Ok(whole);
            }
            let region = self.image.region();
            let mut levels = Levels::default();
            self.add((0, region.height), (0, region.width), &mut levels);
            has_background(levels.len())?;
            Ok(*whole.insert(levels.level(Level::Median)))
        };
        found
            .into_iter()
            .map(|found| found.map_or_else(&mut of_all, |(level, _)| Ok(level)))
            .collect()
    }

    /// The levels of all tiles without what is far from them, smoothed; of tiles in which nearly
    /// all is masked what their neighbours say.
    #[expect(clippy::cast_precision_loss, reason = "counts of pixels are below 2^53")]
    fn smoothed(self, stiffness: f32, ctx: &Context<'_>) -> Result<Vec<f64>> {
        let mut found = self.levels(Level::Clipped, FEWEST, ctx)?;
        if found.iter().all(Option::is_none) {
            found = self.levels(Level::Clipped, 1, ctx)?;
        }
        let most = found.iter().flatten().map(|&(_, count)| count).max().unwrap_or(0);
        has_background(most)?;
        let given: Vec<f64> =
            found.iter().map(|found| found.map_or(0.0, |(level, _)| level)).collect();
        let weight =
            |found: &Option<(f64, usize)>| found.map_or(0.0, |(_, n)| n as f64 / most as f64);
        let weights: Vec<f64> = found.iter().map(weight).collect();
        let size = (self.across.tiles.len(), self.down.tiles.len());
        Ok(smooth(&given, &weights, size, stiffness.into()))
    }
}

/// How many whole numbers there are between two, of which `SPAN` is the limit.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small difference")]
fn span(low: f32, high: f32) -> usize {
    (high - low) as usize + 1
}

fn has_background(count: usize) -> Result<()> {
    if count == 0 {
        return Err(Error::input("`mask`", "all foreground", "a finite sample of background"));
    }
    Ok(())
}
