//! Minima and maxima over a structuring element, tile by tile: what every step of morphology
//! does once or twice, and every minimum and maximum.

use bytemuck::cast_slice;
use pipeline_core::step::Scratch;
use pipeline_core::{Context, Error, Region, Result, Sample, View, ViewMut, dispatch};

use super::Element;
use crate::check;
use crate::kernel::{
    Border, Extremum, Rank, Span, TOGETHER, along_row, color_unseen, copy_alpha, copy_unseen,
    down_columns, down_few, fold, is_seen, keys, over_shape, pad_row, samples,
};
use crate::line_buffer::LineBuffer;
use crate::neighborhood::{self, BorderedRows, RADIUS};

/// Bytes of columns that are worked on at a time: half of a second-level cache.
const CACHED: usize = 128 << 10;

/// The highest window whose columns are compared in registers, in groups of a few.
const FEW: usize = 32;

/// A flat structuring element and what it sees beyond the edge.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flat {
    pub(crate) element: Element,
    pub(crate) radius: u32,
    pub(crate) border: Border,
}

impl Flat {
    pub(crate) fn check(&self) -> Result<()> {
        check::within("radius", self.radius, &RADIUS, "px")
    }

    /// The same for masks, beyond whose edge only their own values can lie.
    pub(crate) fn check_mask(&self) -> Result<()> {
        self.check()?;
        match self.border {
            Border::Constant(value) if ![0.0, 1.0].contains(&value) => {
                Err(Error::input("border.constant", value, "0 or 1"))
            }
            _ => Ok(()),
        }
    }

    /// How far the element is looked at along each axis.
    ///
    /// At the side of the image it reaches all there is from every pixel, and a constant beside it;
    /// what is further away shows the same again in places that it sees nearer.
    fn reach(&self, all: Region) -> (u32, u32) {
        (self.radius.min(all.width), self.radius.min(all.height))
    }

    pub(crate) fn footprint(&self, region: Region, all: Region) -> Region {
        neighborhood::footprint(self.border, region, self.reach(all), all)
    }

    /// The footprint of the element applied twice.
    pub(crate) fn footprint_of_two(&self, region: Region, all: Region) -> Region {
        self.footprint(self.footprint(region, all), all)
    }

    /// How far a disk reaches to each side, from its middle row outward.
    fn half_widths(&self, (x, y): (u32, u32)) -> Vec<usize> {
        let squared = u64::from(self.radius).pow(2);
        let half_width = |row: u32| (squared - u64::from(row).pow(2)).isqrt().min(x.into());
        (0..=y).map(|row| usize::try_from(half_width(row)).unwrap_or(usize::MAX)).collect()
    }

    /// Fills `out` with the extrema over the element.
    pub(crate) fn once<E: Extremum>(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        dispatch!(out.sample_type(), T => {
            ctx.scratch(|scratch| self.render::<T, E>(input, out, scratch, ctx))
        })
    }

    /// Fills `out` with the extrema `B` of the extrema `A`.
    pub(super) fn twice<A: Extremum, B: Extremum>(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let layout = input.image();
        let halfway = self.footprint(out.region(), layout.region());
        let len = halfway.width as usize * halfway.height as usize * usize::from(layout.channels);
        dispatch!(out.sample_type(), T => ctx.scratch(|scratch| {
            scratch.samples::<T, _>(len, |samples, scratch| {
                let mut first = ViewMut::packed(layout, halfway, samples);
                self.render::<T, A>(input, &mut first, scratch, ctx)?;
                let first = View::packed(layout, halfway, samples);
                self.render::<T, B>(&first, out, scratch, ctx)
            })
        }))
    }

    /// Fills `out` with the `difference` between each sample and the extremum `B` of the extrema
    /// `A` there. Alpha is copied.
    pub(super) fn difference<A: Extremum, B: Extremum>(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
        difference: impl Fn(f32, f32) -> f32,
    ) -> Result<()> {
        self.twice::<A, B>(input, out, ctx)?;
        let has_alpha = out.image().has_alpha();
        dispatch!(out.sample_type(), T => {
            let input = input.crop(out.region()).typed::<T>()?;
            for (y, out) in out.rows::<T>()? {
                let row = input.row(y);
                for (out, sample) in out.iter_mut().zip(row) {
                    *out = T::from_f32(difference(sample.to_f32(), out.to_f32()));
                }
                if has_alpha {
                    copy_alpha(row, input.channels(), out);
                }
            }
        });
        Ok(())
    }

    /// The extrema over the element.
    ///
    /// Alpha is copied, and so are pixels of which nothing is seen; around others these are not
    /// looked at.
    fn render<T: Rank, E: Extremum>(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        scratch: &mut Scratch,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let (layout, region) = (input.image(), out.region());
        if !layout.has_alpha() {
            return self.extrema::<T, E>(input, out, scratch, ctx);
        }
        let looked_at = self.footprint(region, layout.region());
        let (plane, own) = (input.crop(looked_at).typed::<T>()?, input.crop(region).typed::<T>()?);
        let channels = plane.channels();
        let yielding = E::yielding::<T>();
        let border = match self.border {
            Border::Constant(value) if !is_seen(T::from_f32(value)) => {
                Border::Constant(yielding.to_f32())
            }
            border => border,
        };
        let flat = Self { border, ..*self };
        let alphas =
            |row: &[T]| row.iter().skip(channels - 1).step_by(channels).copied().all(is_seen);
        if plane.rows().all(alphas) {
            flat.extrema::<T, E>(input, out, scratch, ctx)?;
        } else {
            let row_len = looked_at.width as usize * channels;
            scratch.samples::<T, _>(row_len * looked_at.height as usize, |shown, scratch| {
                for (row, shown) in plane.rows().zip(shown.chunks_exact_mut(row_len)) {
                    ctx.check()?;
                    shown.copy_from_slice(row);
                    color_unseen(shown, channels, yielding, is_seen);
                }
                let shown = View::packed(layout, looked_at, shown);
                flat.extrema::<T, E>(&shown, out, scratch, ctx)
            })?;
        }
        for (y, out) in out.rows::<T>()? {
            copy_unseen(own.row(y), channels, out);
        }
        Ok(())
    }

    /// Fills `out` with the extrema of every channel on its own.
    fn extrema<T: Rank, E: Extremum>(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        scratch: &mut Scratch,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let region = out.region();
        let reach = self.reach(input.image().region());
        let rows = BorderedRows::<T>::new(input, region, reach, self.border)?;
        let place = Place::new(&rows, region, reach, self.border);
        let out = out.rows::<T>()?.map(|(_, row)| row);
        match self.element {
            Element::Square => square::<T, E>(&place, out, scratch, ctx),
            Element::Cross => cross::<T, E>(&place, out, scratch, ctx),
            Element::Disk => disk::<T, E>(&place, &self.half_widths(reach), out, scratch, ctx),
        }
    }
}

/// The rows that a window of some size sees from a region.
struct Place<'a, T> {
    /// Those of the region, and above and below it as far as the window reaches.
    rows: Vec<&'a [T]>,
    span: Span,
    border: Border,
    constant: T,
    /// The sides of the window.
    width: usize,
    height: usize,
    /// Where in a row the region begins.
    left: usize,
    /// Samples of a row of the region, alone and with what the window sees beside it.
    out_len: usize,
    padded_len: usize,
}

impl<'a, T: Rank> Place<'a, T> {
    fn new(
        rows: &'a BorderedRows<'_, T>,
        region: Region,
        (x, y): (u32, u32),
        border: Border,
    ) -> Self {
        let span = rows.span(region, x);
        let (width, height) = (2 * x as usize + 1, 2 * y as usize + 1);
        let left = (region.x as usize - span.stored) * span.channels;
        let out_len = region.width as usize * span.channels;
        let padded_len = out_len + (width - 1) * span.channels;
        let first = i64::from(region.y) - i64::from(y);
        let end = i64::from(region.y) + i64::from(region.height) + i64::from(y);
        let constant = rows.constant();
        let rows = (first..end).map(|y| rows.row(y)).collect();
        Self { rows, span, border, constant, width, height, left, out_len, padded_len }
    }
}

/// Gives the extrema of the columns of `rows`, as high as a window, to `each`, row by row.
fn columns<T: Rank, E: Extremum>(
    rows: &[&[T]],
    height: usize,
    scratch: &mut Scratch,
    ctx: &Context<'_>,
    each: impl FnMut(usize, &[T::Key]) -> Result<()>,
) -> Result<()> {
    if height <= FEW {
        few_columns::<T, E>(rows, height, scratch, ctx, each)
    } else {
        many_columns::<T, E>(rows, height, scratch, ctx, each)
    }
}

/// The same for windows that are not high. Rows are turned into keys once, unless they are that
/// already.
fn few_columns<T: Rank, E: Extremum>(
    rows: &[&[T]],
    height: usize,
    scratch: &mut Scratch,
    ctx: &Context<'_>,
    mut each: impl FnMut(usize, &[T::Key]) -> Result<()>,
) -> Result<()> {
    let (len, windows) = (rows[0].len(), rows.len() + 1 - height);
    let most = windows.min(1 << height.min(TOGETHER).ilog2());
    let kept = if T::BITS.is_some() { 0 } else { most + height - 1 };
    scratch.samples::<T::Key, _>((most + kept) * len, |memory, _| {
        let (group, kept) = memory.split_at_mut(most * len);
        let mut kept = LineBuffer::new(kept, len);
        let mut first = 0;
        while first < windows {
            ctx.check()?;
            let count = most.min(windows - first);
            let end = first + count + height - 1;
            let mut seen = Vec::with_capacity(end - first);
            if T::BITS.is_some() {
                seen.extend(rows[first..end].iter().map(|row| cast_slice::<T, T::Key>(row)));
            } else {
                kept.fill_to(end, |row, kept| {
                    keys(rows[row], kept);
                    Ok(())
                })?;
                seen.extend((first..end).map(|row| kept.row(row)));
            }
            let group = &mut group[..count * len];
            down_few::<E, T::Key>(&seen, height, group);
            for (at, row) in (first..).zip(group.chunks_exact(len)) {
                each(at, row)?;
            }
            first += count;
        }
        Ok(())
    })
}

/// The same for windows that are high, in groups of as many.
fn many_columns<T: Rank, E: Extremum>(
    rows: &[&[T]],
    height: usize,
    scratch: &mut Scratch,
    ctx: &Context<'_>,
    mut each: impl FnMut(usize, &[T::Key]) -> Result<()>,
) -> Result<()> {
    let (len, windows) = (rows[0].len(), rows.len() + 1 - height);
    let most = windows.min(height);
    let block = CACHED / (most * size_of::<T::Key>());
    let block = block.clamp(64, neighborhood::block(height));
    scratch.samples::<T::Key, _>((most + 1) * len, |memory, _| {
        let (group, below) = memory.split_at_mut(most * len);
        for first in (0..windows).step_by(most) {
            let count = most.min(windows - first);
            let rows = &rows[first..][..count + height - 1];
            let group = &mut group[..count * len];
            down_columns::<E, T>(rows, height, group, (block, &mut *below), || ctx.check())?;
            for (at, row) in (first..).zip(group.chunks_exact(len)) {
                each(at, row)?;
            }
        }
        Ok(())
    })
}

fn square<'o, T: Rank, E: Extremum>(
    place: &Place<'_, T>,
    mut out: impl Iterator<Item = &'o mut [T]>,
    scratch: &mut Scratch,
    ctx: &Context<'_>,
) -> Result<()> {
    let Place { rows, span, width, height, padded_len, .. } = place;
    scratch.samples::<T::Key, _>(3 * padded_len, |memory, scratch| {
        let (padded, spare) = memory.split_at_mut(*padded_len);
        columns::<T, E>(rows, *height, scratch, ctx, |_, columns| {
            ctx.check()?;
            pad_row(columns, padded, *span, place.border, place.constant.key());
            if let Some(out) = out.next() {
                along_row::<E, _, _>(padded, (*width, span.channels), spare, out, T::from_key);
            }
            Ok(())
        })
    })
}

fn cross<'o, T: Rank, E: Extremum>(
    place: &Place<'_, T>,
    mut out: impl Iterator<Item = &'o mut [T]>,
    scratch: &mut Scratch,
    ctx: &Context<'_>,
) -> Result<()> {
    let Place { rows, span, width, height, out_len, padded_len, .. } = place;
    let own: Vec<&[T]> = rows.iter().map(|row| &row[place.left..][..*out_len]).collect();
    scratch.samples::<T::Key, _>(out_len + 3 * padded_len, |memory, scratch| {
        let (line, memory) = memory.split_at_mut(*out_len);
        let (padded_keys, spare) = memory.split_at_mut(*padded_len);
        scratch.samples::<T, _>(*padded_len, |padded, scratch| {
            columns::<T, E>(&own, *height, scratch, ctx, |y, columns| {
                ctx.check()?;
                pad_row(rows[y + height / 2], padded, *span, place.border, place.constant);
                keys(padded, padded_keys);
                along_row::<E, _, _>(padded_keys, (*width, span.channels), spare, line, |key| key);
                fold::<E, _>(line, columns);
                if let Some(out) = out.next() {
                    samples(line, out);
                }
                Ok(())
            })
        })
    })
}

fn disk<'o, T: Rank, E: Extremum>(
    place: &Place<'_, T>,
    half_widths: &[usize],
    out: impl Iterator<Item = &'o mut [T]>,
    scratch: &mut Scratch,
    ctx: &Context<'_>,
) -> Result<()> {
    let Place { rows, span, height, padded_len, .. } = place;
    scratch.samples::<T::Key, _>((rows.len() + 4) * padded_len, |memory, scratch| {
        let (spare, padded_keys) = memory.split_at_mut(4 * padded_len);
        scratch.samples::<T, _>(*padded_len, |padded, _| {
            for (row, padded_keys) in rows.iter().zip(padded_keys.chunks_exact_mut(*padded_len)) {
                ctx.check()?;
                pad_row(row, padded, *span, place.border, place.constant);
                keys(padded, padded_keys);
            }
            Ok::<_, Error>(())
        })?;
        let rows: Vec<&[T::Key]> = padded_keys.chunks_exact(*padded_len).collect();
        for (window, out) in rows.windows(*height).zip(out) {
            ctx.check()?;
            over_shape::<E, T>(window, half_widths, span.channels, spare, out);
        }
        Ok(())
    })
}
