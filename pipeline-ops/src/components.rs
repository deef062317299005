//! How steps find the components of a mask, in parallel, and repaint them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use pipeline_core::data::{Buffer, Raster, leftovers};
use pipeline_core::{Context, Image, In, Mask, Result};

use crate::kernel::{Band, Components, Connectivity, NOTHING, STRONG};
use crate::passes::{countable, grain};

/// Which pixels of a mask are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Background,
    Foreground,
}

/// The components of one side of a mask.
pub(crate) fn find(
    mask: &Mask,
    side: Side,
    connectivity: Connectivity,
    ctx: &Context<'_>,
) -> Result<Components> {
    countable(mask.width(), mask.height())?;
    let (width, height) = (mask.width() as usize, mask.height() as usize);
    let grain = grain(mask.width());
    let bands: Vec<_> = (0..height.div_ceil(grain)).map(|_| Mutex::new(Band::default())).collect();
    ctx.rows(height, grain, |rows| {
        let band = &bands[rows.start / grain];
        let rows = mask.bytes()[rows.start * width..rows.end * width].chunks_exact(width);
        *band.lock().unwrap_or_else(PoisonError::into_inner) =
            Band::find(rows, u8::from(side == Side::Foreground), connectivity);
        Ok(())
    })?;
    let bands = bands.into_iter().map(Mutex::into_inner);
    Ok(Components::join(
        bands.map(|band| band.unwrap_or_else(PoisonError::into_inner)),
        connectivity,
    ))
}

/// The mask with the components of some numbers on the other side, `to`.
pub(crate) fn repaint(
    mask: In<Mask>,
    components: &Components,
    changes: impl Fn(u32) -> bool + Sync,
    to: Side,
    ctx: &Context<'_>,
) -> Result<Mask> {
    let (layout, mut buffer, _) = mask.into_owned().into_parts();
    if let Buffer::U8(samples) = &mut buffer {
        let (width, grain) = (layout.row_len(), grain(layout.width));
        ctx.fill_rows(samples.make_mut(), width, grain, |first, rows| {
            for (y, row) in (first..).zip(rows.chunks_exact_mut(width)) {
                for (run, _) in components.row(y).filter(|&(_, number)| changes(number)) {
                    row[run].fill(u8::from(to == Side::Foreground));
                }
            }
            Ok(())
        })?;
    }
    Mask::assemble(layout, buffer, None)
}

/// Which components, by number, have a pixel in the first or last `margin` rows or columns.
pub(crate) fn near_edge(
    components: &Components,
    (width, height): (u32, u32),
    margin: u32,
) -> Vec<bool> {
    let mut near = vec![false; components.count() as usize + 1];
    let (width, height, margin) = (width as usize, height as usize, margin as usize);
    for y in 0..height {
        let whole = y < margin || height - y <= margin;
        for (run, number) in components.row(y) {
            if margin > 0 && (whole || run.start < margin || width - run.end < margin) {
                near[number as usize] = true;
            }
        }
    }
    near
}

/// What is strong in an image of marks, and what is weak and hangs together with it.
pub(crate) fn follow(marks: &Image, connectivity: Connectivity, ctx: &Context<'_>) -> Result<Mask> {
    let layout = marks.layout();
    let (width, grain) = (layout.row_len(), grain(layout.width));
    let marks = marks.samples::<u8>().unwrap_or_default();
    let mut bytes = leftovers::<u8>(marks.len(), || format!("a mask of {layout}"))?;
    ctx.fill_rows(&mut bytes, width, grain, |first, rows| {
        let marks = &marks[first * width..];
        rows.iter_mut().zip(marks).for_each(|(byte, &mark)| *byte = u8::from(mark != NOTHING));
        Ok(())
    })?;
    let mask = Mask::assemble(layout, bytes.into(), None)?;
    let components = find(&mask, Side::Foreground, connectivity, ctx)?;
    let is_kept: Vec<_> = (0..=components.count()).map(|_| AtomicBool::new(false)).collect();
    ctx.rows(layout.height as usize, grain, |rows| {
        for y in rows {
            let row = &marks[y * width..][..width];
            for (run, number) in components.row(y) {
                if row[run].contains(&STRONG) {
                    is_kept[number as usize].store(true, Ordering::Relaxed);
                }
            }
        }
        Ok(())
    })?;
    let is_gone = |number: u32| !is_kept[number as usize].load(Ordering::Relaxed);
    repaint(In::new(mask), &components, is_gone, Side::Background, ctx)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(connectivity: Connectivity, marks: &[u8], expected: &[u8]) {
        let rows = u32::try_from(marks.len() / 4).unwrap();
        let marks = Image::from_samples(4, rows, 1, marks.to_vec()).unwrap();
        let found = follow(&marks, connectivity, &Context::default()).unwrap();
        assert_eq!(found.bytes(), expected);
    }

    #[test]
    fn weak_pixels_follow_strong_ones_along_their_sides_or_corners() {
        let marks = [1, 1, 0, 1, 0, 2, 0, 0, 0, 0, 1, 1];
        check(Connectivity::Four, &marks, &[1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        check(Connectivity::Eight, &marks, &[1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1]);
    }

    #[test]
    fn rows_do_not_hang_together_around_the_edge() {
        check(Connectivity::Eight, &[0, 0, 0, 2, 1, 0, 0, 0], &[0, 0, 0, 1, 0, 0, 0, 0]);
    }
}
