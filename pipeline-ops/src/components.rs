//! How steps find the components of a mask, in parallel, and repaint them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use pipeline_core::data::{Buffer, Canvas, Raster, leftovers};
use pipeline_core::{Context, Error, Image, In, Layout, Mask, Result};

use crate::kernel::{Band, Components, Connectivity, STRONG};
use crate::memory::{copies, room};
use crate::passes::{countable, grain};

/// Which pixels of a mask are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ground {
    Background,
    Foreground,
}

/// The components of one ground of a mask.
pub(crate) fn find(
    mask: &Mask,
    ground: Ground,
    connectivity: Connectivity,
    ctx: &Context<'_>,
) -> Result<Components> {
    find_in(mask.bytes(), (mask.width(), mask.height()), ground, connectivity, ctx)
}

/// The components of bytes of which the lowest bit says where the foreground is.
fn find_in(
    bytes: &[u8],
    (width, height): (u32, u32),
    ground: Ground,
    connectivity: Connectivity,
    ctx: &Context<'_>,
) -> Result<Components> {
    countable(width, height)?;
    let (width, height, grain) = (width as usize, height as usize, grain(width));
    let bands: Vec<_> = (0..height.div_ceil(grain)).map(|_| Mutex::new(Band::default())).collect();
    ctx.rows(height, grain, |rows| {
        let band = &bands[rows.start / grain];
        let rows = bytes[rows.start * width..rows.end * width].chunks_exact(width);
        let found = Band::find(rows, u8::from(ground == Ground::Foreground), connectivity)?;
        *band.lock().unwrap_or_else(PoisonError::into_inner) = found;
        Ok(())
    })?;
    let bands = bands.into_iter().map(Mutex::into_inner);
    let bands = bands.map(|band| band.unwrap_or_else(PoisonError::into_inner)).collect();
    Components::join(bands, connectivity, || ctx.check())
}

/// The pixels of each component; none of number 0.
pub(crate) fn areas(components: &Components, ctx: &Context<'_>) -> Result<Vec<u64>> {
    let total = Mutex::new(for_each(0, components)?);
    ctx.rows(components.bands(), 1, |bands| {
        for band in bands {
            let own = components.areas(band)?;
            let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
            own.for_each(|(number, area)| total[number as usize] += area);
        }
        Ok(())
    })?;
    Ok(total.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// A table of values for each component, and for number 0.
fn for_each<T: Clone>(value: T, components: &Components) -> Result<Vec<T>> {
    let count = components.count();
    copies(value, count as usize + 1, || format!("a table of {count} components"))
}

/// The mask whose components of one ground were found, with those of some numbers on the other
/// ground.
pub(crate) fn repaint(
    mask: In<Mask>,
    (components, ground): (&Components, Ground),
    changes: impl Fn(u32) -> bool + Sync,
    ctx: &Context<'_>,
) -> Result<Mask> {
    let (layout, mut buffer, _) = mask.into_owned().into_parts();
    let (width, grain) = (layout.row_len(), grain(layout.width));
    let own = u8::from(ground == Ground::Foreground);
    if buffer.is_unique()
        && let Buffer::U8(samples) = &mut buffer
    {
        ctx.fill_rows(samples.make_mut(), width, grain, |first, rows| {
            for (y, row) in (first..).zip(rows.chunks_exact_mut(width)) {
                for (run, _) in components.row(y).filter(|&(_, number)| changes(number)) {
                    row[run].fill(1 - own);
                }
            }
            Ok(())
        })?;
        return Mask::assemble(layout, buffer, None);
    }
    let mut bytes = leftovers::<u8>(buffer.len(), || format!("a mask of {layout}"))?;
    paint(&mut bytes, layout, (components, own), |number| !changes(number), ctx)?;
    Mask::assemble(layout, bytes.into(), None)
}

/// Fills a mask: runs of components of some numbers with `own`, 0 or 1, and all else with the
/// other.
fn paint(
    mask: &mut [u8],
    layout: Layout,
    (components, own): (&Components, u8),
    is_own: impl Fn(u32) -> bool + Sync,
    ctx: &Context<'_>,
) -> Result<()> {
    let width = layout.row_len();
    ctx.fill_rows(mask, width, grain(layout.width), |first, rows| {
        for (y, row) in (first..).zip(rows.chunks_exact_mut(width)) {
            row.fill(1 - own);
            for (run, _) in components.row(y).filter(|&(_, number)| is_own(number)) {
                row[run].fill(own);
            }
        }
        Ok(())
    })
}

/// Which components, by number, have a pixel in the first or last `margin` rows or columns.
pub(crate) fn near_edge(
    components: &Components,
    (width, height): (u32, u32),
    margin: u32,
    ctx: &Context<'_>,
) -> Result<Vec<bool>> {
    let mut near = for_each(false, components)?;
    let (width, height, margin) = (width as usize, height as usize, margin as usize);
    for y in 0..height {
        ctx.check()?;
        let reach = if y < margin || height - y <= margin { width } else { margin };
        let left = components.row(y).take_while(|(run, _)| run.start < reach);
        let right = components.row(y).rev().take_while(|(run, _)| width - run.end < reach);
        left.chain(right).for_each(|(_, number)| near[number as usize] = true);
    }
    Ok(near)
}

/// What is strong in an image of marks, and what is weak and is connected to it. The marks are
/// overwritten if nobody else has them.
pub(crate) fn follow(marks: Image, connectivity: Connectivity, ctx: &Context<'_>) -> Result<Mask> {
    let (layout, mut buffer, _) = marks.into_parts();
    let Buffer::U8(marks) = &mut buffer else {
        return Err(Error::input("the marks", layout, "8-bit samples"));
    };
    let (width, grain) = (layout.row_len(), grain(layout.width));
    let size = (layout.width, layout.height);
    let components = find_in(marks, size, Ground::Foreground, connectivity, ctx)?;
    let count = components.count() as usize + 1;
    let mut is_kept = room(count, || format!("a table of {count} components"))?;
    is_kept.extend((0..count).map(|_| AtomicBool::new(false)));
    ctx.rows(layout.height as usize, grain, |rows| {
        for y in rows {
            let row = &marks[y * width..][..width];
            for (run, number) in components.row(y) {
                // Looked at before it is set: a large component would be written to by all threads.
                let is_kept = &is_kept[number as usize];
                if !is_kept.load(Ordering::Relaxed) && row[run].contains(&STRONG) {
                    is_kept.store(true, Ordering::Relaxed);
                }
            }
        }
        Ok(())
    })?;
    let is_own = |number: u32| is_kept[number as usize].load(Ordering::Relaxed);
    paint(marks.make_mut(), layout, (&components, 1), is_own, ctx)?;
    Mask::assemble(layout, buffer, None)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[track_caller]
    fn check(connectivity: Connectivity, marks: &[u8], expected: &[u8]) {
        let rows = u32::try_from(marks.len() / 4).unwrap();
        let marks = Image::from_samples(4, rows, 1, marks.to_vec()).unwrap();
        let found = follow(marks, connectivity, &Context::default()).unwrap();
        assert_eq!(found.bytes(), expected);
    }

    #[test]
    fn weak_pixels_follow_strong_ones_along_their_sides_or_corners() {
        let marks = [1, 1, 0, 1, 0, STRONG, 0, 0, 0, 0, 1, 1];
        check(Connectivity::Four, &marks, &[1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        check(Connectivity::Eight, &marks, &[1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1]);
    }

    #[test]
    fn joining_and_numbering_can_be_stopped() {
        let bands = || {
            let rows = [[1u8, 0, 1], [0, 1, 0], [1, 0, 1]];
            let find = |row: &[u8; 3]| Band::find([&row[..]].into_iter(), 1, Connectivity::Four);
            rows.iter().map(|row| find(row).unwrap()).collect::<Vec<_>>()
        };
        let asked = Cell::new(0);
        let stop_at = |most: usize| {
            asked.set(0);
            Components::join(bands(), Connectivity::Four, || {
                asked.set(asked.get() + 1);
                if asked.get() > most { Err(Error::failed("stop")) } else { Ok(()) }
            })
        };
        assert_eq!(stop_at(usize::MAX).unwrap().count(), 5);
        for most in 0..asked.get() {
            assert!(stop_at(most).is_err(), "{most}");
        }
    }

    #[test]
    fn a_mask_that_others_hold_is_repainted_as_one_in_place_and_stays() {
        let bytes = [1, 1, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0];
        for ground in [Ground::Foreground, Ground::Background] {
            let inverted = |byte| if ground == Ground::Foreground { byte } else { 1 - byte };
            let mask = Mask::from_bytes(4, 3, bytes.map(inverted).to_vec()).unwrap();
            let ctx = Context::default();
            let found = find(&mask, ground, Connectivity::Four, &ctx).unwrap();
            assert_eq!(areas(&found, &ctx).unwrap(), [0, 2, 2, 1]);
            assert_eq!(near_edge(&found, (4, 3), 0, &ctx).unwrap(), [false; 4]);
            let painted =
                |mask| repaint(In::new(mask), (&found, ground), |n| n == 2, &ctx).unwrap();
            let apart = painted(mask.clone());
            assert_eq!(apart.bytes(), [1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0].map(inverted));
            assert_eq!(mask.bytes(), bytes.map(inverted));
            assert_eq!(painted(mask).bytes(), apart.bytes());
        }
    }

    #[test]
    fn rows_do_not_hang_together_around_the_edge() {
        check(Connectivity::Eight, &[0, 0, 0, STRONG, 1, 0, 0, 0], &[0, 0, 0, 1, 0, 0, 0, 0]);
    }
}
