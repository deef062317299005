//! How steps find the components of a mask, in parallel, and repaint them.

use std::sync::{Mutex, PoisonError};

use pipeline_core::data::{Buffer, Raster};
use pipeline_core::{Context, In, Mask, Result};

use crate::kernel::{Band, Components, Connectivity};
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
