//! Where the cells of a frame are.

use std::ops::RangeInclusive;

use pipeline_core::data::{leftovers, zeros};
use pipeline_core::step::CutOff;
use pipeline_core::{ColorSpace, Context, Image, In, Labels, Mask, Result, Spec, Step, dispatch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::heights::{ZERO, height};
use super::live::{self, Live};
use super::whole_cells::WholeCells;
use crate::filter::GaussianBlur;
use crate::kernel::{
    ALL_STEPS, Backdrop, Connectivity, Digits, Outside, Relief, STEPS, TextureLevel, deviations,
    join_weak, logarithmic, without_specks,
};
use crate::memory::{copies, room};
use crate::morphology::{ClosingMask, DilateMask, Element, RemoveSmallHoles, RemoveSmallObjects};
use crate::segment::{Border, close_gaps};
use crate::{check, passes};

/// The areas of objects and holes, in square pixels.
const AREA: RangeInclusive<u32> = 1..=1_000_000;

/// The sides of windows, in pixels.
const WINDOW: RangeInclusive<u32> = 8..=4096;

/// How much brighter than the noise cells may have to be.
const CONTRAST: RangeInclusive<f32> = 0.0..=1000.0;

/// Shares of a whole.
const SHARE: RangeInclusive<f32> = 0.0..=1.0;

/// Finds the cells of a phase-contrast frame by their texture and the bright halos around them.
///
/// `out` has a number for each cell. Cells have more texture than what is between them: where the
/// logarithm of the deviation of 3 × 3 pixels is far above that of the background is a mask of
/// cells and their halos. In it, brightness without its background is a relief that is flooded from
/// its dark places; basins that are shallow, or whose common ridge is low beside the halos, are
/// joined. A basin with a bright halo around half of it or so is a cell. Its halo is peeled off,
/// its holes are filled, and it is cut where it is narrow between two bulges. What is as bright as
/// a halo and has no basin, as cells that divide or die, is one too.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any, finite | 1 |
/// | `out` | labels | Y X | u32 | 1 to the number of cells, no particular order | – |
///
/// What is added to all samples, or what they are multiplied by, makes no difference as long as
/// their squares are finite. Rows and columns of one value, as a broken camera has them, have no
/// cells and count nowhere. Objects end inside of their halos; an `expand_labels` step behind this
/// one grows them.
///
/// **Border**: nothing beyond the image is seen. **NaN** and infinity are errors.
/// **Cost**: about 20 passes over the image, and per pixel of the mask 50 operations; of memory 30
/// bytes per pixel. A level is found of the whole image and water may come from anywhere, so there
/// are no tiles.
/// **Errors**: more than one channel; a parameter outside its range; a sample that is NaN or
/// infinite; a side of more than 1048576 px, or more than 4294967295 pixels.
///
/// Labels that come out as before spare the steps below from running.
///
/// **Source**: our own, of known parts: texture after Wu, Gilbert, Rädler (2011); watersheds after
/// Vincent and Soille (1991), with basins joined by their depth after Grimaud (1992).
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::cells::SegmentCells;
///
/// // A dark disk in a bright ring.
/// let sample = |at: i32| {
///     let (x, y) = (at % 48 - 24, at / 48 - 24);
///     let noise = at * 7919 % 13;
///     u8::try_from(100 + noise / 4 + match x * x + y * y {
///         0..64 => noise - 45,
///         64..121 => 100,
///         _ => 0,
///     })
/// };
/// let samples: Result<Vec<u8>, _> = (0..48 * 48).map(sample).collect();
/// let image = Image::from_samples(48, 48, 1, samples.unwrap_or_default())?;
/// let out = SegmentCells::default().run(In::new(image), &Context::default())?;
/// assert_eq!(out.count(), 1);
/// let row: Vec<u32> = out.labels().iter().skip(24 * 48).step_by(4).take(12).copied().collect();
/// assert_eq!(row, [0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0]);
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SegmentCells {
    /// The area of the smallest cell. 1 to 1000000 px², default 8.
    #[schemars(range(min = *AREA.start(), max = *AREA.end()), extend("x-unit" = "px²"))]
    pub min_area: u32,
    /// The area of the largest hole in the texture that is part of a cell. 1 to 1000000 px²,
    /// default 1500.
    #[schemars(range(min = *AREA.start(), max = *AREA.end()), extend("x-unit" = "px²"))]
    pub max_hole: u32,
    /// The side of the square around a pixel that says how bright the background is there, about.
    /// 8 to 4096 px, default 64.
    #[schemars(range(min = *WINDOW.start(), max = *WINDOW.end()), extend("x-unit" = "px"))]
    pub window: u32,
    /// How much brighter than the background the halos of a frame are at least, in standard
    /// deviations of its noise; otherwise it has no cells. 0 to 1000 σ, default 2.
    #[schemars(
        range(min = *CONTRAST.start(), max = *CONTRAST.end()),
        extend("x-unit" = "sigma")
    )]
    pub contrast: f32,
    /// How bright the ridge between two parts may be to be one cell, as a share of their halos.
    /// 0 to 1, a share without a unit, default 0.7.
    #[schemars(range(min = *SHARE.start(), max = *SHARE.end()))]
    pub join: f32,
}

impl Default for SegmentCells {
    fn default() -> Self {
        Self { min_area: 8, max_hole: 1500, window: 64, contrast: 2.0, join: 0.7 }
    }
}

impl Step for SegmentCells {
    const NAME: &'static str = "segment_cells";
    type Input = In<Image>;
    type Output = Labels;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Labels> {
        check::within("min_area", self.min_area, &AREA, "px²")?;
        check::within("max_hole", self.max_hole, &AREA, "px²")?;
        check::within("window", self.window, &WINDOW, "px")?;
        check::within("contrast", self.contrast, &CONTRAST, "sigma")?;
        check::within("join", self.join, &SHARE, "")?;
        check::single_channel(image.layout())?;
        passes::measurable(image.width(), image.height())?;
        dispatch!(image.sample_type(), T => self.segment::<T>(&image, ctx))
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}

impl SegmentCells {
    fn segment<T: Digits>(&self, image: &Image, ctx: &Context<'_>) -> Result<Labels> {
        let (width, height) = (image.width(), image.height());
        let pixels = passes::countable(width, height)?;
        let what = || format!("labels of {width}×{height} pixels");
        let nothing = || Labels::numbered(width, height, zeros::<u32>(pixels, what)?, 0);

        let live = Live::of::<T>(image, ctx)?;
        if live.is_none() {
            return nothing();
        }
        let frame = Frame { size: (width, height), live, ctx };
        let samples = frame.live.filled::<T>(image, live::base::<T>(image), ctx)?;
        let samples = frame.over_three(&samples, without_specks)?;
        let Some((mask, noise)) = frame.textured(&samples)? else { return nothing() };
        let mask = self.closed(mask, ctx)?;
        let image = self.without_background(&frame, samples, &mask)?;
        let samples = image.samples::<f32>().unwrap_or_default();
        let Some(heights) = self.relief(&frame, samples, (&mask, noise))? else {
            return nothing();
        };
        let basins = self.basins(&heights, &mask, ctx)?;
        let cells = WholeCells {
            heights: &heights,
            mask: &mask,
            live: &frame.live,
            min_area: self.min_area as usize,
            ctx,
        };
        let (mut labels, count) = cells.find(basins)?;
        let count = close_gaps((&mut labels, width), count, ctx)?;
        Labels::numbered(width, height, labels, count)
    }

    /// The mask without gaps, holes and specks.
    fn closed(&self, mask: Mask, ctx: &Context<'_>) -> Result<Mask> {
        /// Gaps between textured pixels are as wide as this radius can see.
        const GAP: u32 = 2;

        let connectivity = Connectivity::Four;
        let step = ClosingMask { element: Element::Disk, radius: GAP, border: Border::Replicate };
        let mask = step.run(In::new(mask), ctx)?;
        let mask =
            RemoveSmallHoles { max_area: self.max_hole, connectivity }.run(In::new(mask), ctx)?;
        let max_area = self.min_area - 1;
        RemoveSmallObjects { max_area, connectivity }.run(In::new(mask), ctx)
    }

    /// The samples, a little blurred, without what is behind the cells.
    fn without_background(
        &self,
        frame: &Frame<'_>,
        samples: Vec<f32>,
        mask: &Mask,
    ) -> Result<Image> {
        /// Halos reach so far beyond the mask, in pixels.
        const REACH: u32 = 3;
        /// So much blur leaves halos as they are and takes half of the noise.
        const SIGMA: f32 = 0.7;

        let ((width, height), ctx) = (frame.size, frame.ctx);
        let image = Image::from_samples(width, height, 1, samples)?.with_color(ColorSpace::Data);
        let step = GaussianBlur { sigma: SIGMA, ..GaussianBlur::default() };
        let mut image = step.run(In::new(image), ctx)?;
        let step = DilateMask { element: Element::Disk, radius: REACH, border: Border::Replicate };
        let near = step.run(In::new(mask.clone()), ctx)?;
        let samples = image.samples_mut::<f32>().unwrap_or_default();
        let row_len = width as usize;
        let backdrop = Backdrop::new(samples, near.bytes(), row_len, self.window as usize);
        ctx.fill_rows(samples, row_len, passes::grain(width), |first, rows| {
            for (y, row) in (first..).zip(rows.chunks_exact_mut(row_len)) {
                backdrop.take_from(y, row);
            }
            Ok(())
        })?;
        Ok(image)
    }

    /// The samples as heights, of which one is that of the brightest tenth of the mask; none if
    /// that is hardly above the noise.
    fn relief(
        &self,
        frame: &Frame<'_>,
        samples: &[f32],
        (mask, noise): (&Mask, f32),
    ) -> Result<Option<Vec<u16>>> {
        let (width, ctx) = (frame.size.0 as usize, frame.ctx);
        let mut seen = room(mask.area(), || "the samples of cells".to_owned())?;
        let rows = samples.chunks_exact(width).zip(mask.bytes().chunks_exact(width));
        for (y, (row, mask)) in rows.enumerate() {
            for run in frame.live.runs(y) {
                let pairs = row[run.clone()].iter().zip(&mask[run]);
                seen.extend(pairs.filter(|&(_, &mask)| mask != 0).map(|(&sample, _)| sample));
            }
        }
        if seen.is_empty() {
            return Ok(None);
        }
        let place = seen.len() - 1 - seen.len() / 10;
        let bright = *seen.select_nth_unstable_by(place, f32::total_cmp).1;
        if bright.is_nan() || bright <= 0.0 || bright < self.contrast * noise {
            return Ok(None);
        }
        let scale = 1.0 / bright;
        let mut heights = copies(0, samples.len(), || "the heights of a frame".to_owned())?;
        ctx.fill_rows(&mut heights, width, passes::grain(frame.size.0), |first, rows| {
            let samples = &samples[first * width..];
            rows.iter_mut().zip(samples).for_each(|(out, &sample)| *out = height(sample * scale));
            Ok(())
        })?;
        Ok(Some(heights))
    }

    /// The basins of the relief within the mask, and how many there are; some may be empty.
    fn basins(&self, heights: &[u16], mask: &Mask, ctx: &Context<'_>) -> Result<(Vec<u32>, u32)> {
        /// Less deep basins are no cells of their own.
        const DEPTH: u16 = height(0.35) - ZERO;

        let width = mask.width() as usize;
        let relief = Relief { heights, mask: mask.bytes(), width };
        let is_shallow = |height, floor| height - floor < DEPTH;
        let check = || ctx.check();
        let (mut basins, count) = relief.basins(Outside::Basin, is_shallow, check)?;
        let weak = (ZERO, self.join.into());
        join_weak(&mut basins, count, heights, width, weak, check)?;
        Ok((basins, count))
    }
}

/// What is known of a frame while it is looked at.
struct Frame<'a> {
    size: (u32, u32),
    live: Live,
    ctx: &'a Context<'a>,
}

impl Frame<'_> {
    /// What `work` makes of each row of samples and those above and below it.
    fn over_three(
        &self,
        samples: &[f32],
        work: impl Fn([&[f32]; 3], &mut [f32]) + Sync,
    ) -> Result<Vec<f32>> {
        let (width, last) = (self.size.0 as usize, self.size.1 as usize - 1);
        let row = |y: usize| &samples[y.min(last) * width..][..width];
        let mut out = leftovers(samples.len(), || "the samples of a frame".to_owned())?;
        self.ctx.fill_rows(&mut out, width, passes::grain(self.size.0), |first, rows| {
            for (y, out) in (first..).zip(rows.chunks_exact_mut(width)) {
                work([row(y.saturating_sub(1)), row(y), row(y + 1)], out);
            }
            Ok(())
        })?;
        Ok(out)
    }

    /// Where there is more texture than in the background, and the deviation there; none if there
    /// is no texture at all.
    fn textured(&self, samples: &[f32]) -> Result<Option<(Mask, f32)>> {
        let ((width, height), ctx) = (self.size, self.ctx);
        let (row_len, grain) = (width as usize, passes::grain(width));
        let spreads = self.over_three(samples, deviations)?;
        let least = least_of(&spreads);
        if !least.is_normal() {
            return Ok(None);
        }
        let mut steps = copies(0u16, samples.len(), || "the texture of a frame".to_owned())?;
        ctx.fill_rows(&mut steps, row_len, grain, |first, rows| {
            logarithmic(&spreads[first * row_len..][..rows.len()], least, rows);
            Ok(())
        })?;
        let counts = passes::counts(self.size, ALL_STEPS, ctx, |rows, counts| {
            for y in rows {
                let row = &steps[y * row_len..][..row_len];
                let seen = self.live.runs(y).flat_map(|run| &row[run]);
                seen.for_each(|&step| counts[usize::from(step)] += 1);
            }
        })?;
        let Some(texture) = TextureLevel::of(&counts) else { return Ok(None) };
        let mut mask = copies(0u8, samples.len(), || "the mask of a frame".to_owned())?;
        ctx.fill_rows(&mut mask, row_len, grain, |first, rows| {
            let steps = &steps[first * row_len..];
            let pairs = rows.iter_mut().zip(steps);
            pairs.for_each(|(out, &step)| *out = u8::from(usize::from(step) >= texture.level));
            Ok(())
        })?;
        let noise = least * (texture.background as f32 / STEPS).exp();
        Ok(Some((Mask::from_bytes(width, height, mask)?, noise)))
    }
}

/// The deviation that is hardly told from none: a thousandth of what half of some have, but not
/// less than a millionth of the largest.
fn least_of(deviations: &[f32]) -> f32 {
    /// How many are looked at, about.
    const SOME: usize = 16_384;

    let mut some: Vec<f32> =
        deviations.iter().step_by(deviations.len() / SOME + 1).copied().collect();
    let middle = some.len() / 2;
    let middle = *some.select_nth_unstable_by(middle, f32::total_cmp).1;
    let largest = deviations.iter().copied().fold(0.0, f32::max);
    (middle * 1e-3).max(largest * 1e-6)
}
