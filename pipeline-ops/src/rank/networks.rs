//! Networks of comparisons for windows of any size, tile by tile.

use pipeline_core::step::Scratch;
use pipeline_core::{Context, Result, ViewMut};

use crate::kernel::{Rank, Sought, selection};

/// Bytes of a line of the cache.
const LINE: usize = 64;

/// The largest radius for which networks take less time than what else there is, as measured with
/// vectors of 256 and of 512 bits. With 128 bits floats take twice the time at this radius, and as
/// long at half of it; integers take between two thirds and six fifths.
pub(super) const fn largest_radius<T>() -> u32 {
    match size_of::<T>() {
        1 => 15,
        2 => 25,
        _ => 20,
    }
}

/// Fills `out` from rows that are padded by half a window.
pub(super) fn select<T: Rank>(
    sought: Sought,
    (rows, channels): (&[&[T::Key]], usize),
    out: &mut ViewMut<'_>,
    (ctx, scratch): (&Context<'_>, &mut Scratch),
) -> Result<()> {
    ctx.check()?;
    let selection = selection::<T>(sought);
    let mut out: Vec<&mut [T]> = out.rows::<T>()?.map(|(_, row)| row).collect();
    let width = out.first().map_or(0, |row| row.len() / channels);
    let (side, reach) = (sought.side(), selection.reach());
    let spare = LINE / size_of::<T>();
    scratch.samples::<T::Key, _>(selection.memory() + spare, |memory, _| {
        // Vectors that lie across two lines of the cache take twice the time.
        let start = memory.as_ptr().align_offset(LINE).min(spare);
        let memory = &mut memory[start..];
        for left in (0..width).step_by(selection.lanes() * side) {
            let tiles = (width - left).div_ceil(side).min(selection.lanes());
            for channel in 0..channels {
                let from = left * channels + channel;
                for (tile, out) in out.chunks_mut(side).enumerate() {
                    ctx.check()?;
                    let top = tile * side;
                    // Most of what the tiles above saw is seen again.
                    let seen = if tile == 0 { 0 } else { reach - side };
                    memory.copy_within(
                        selection.at(side, 0)..selection.at(side + seen, 0),
                        selection.at(0, 0),
                    );
                    for (row, keys) in (seen..reach).zip(&rows[(top + seen).min(rows.len())..]) {
                        for column in 0..side {
                            let place =
                                &mut memory[selection.at(row, column)..][..selection.stride()];
                            let keys = keys.iter().skip(from + column * channels);
                            let keys = keys.step_by(side * channels);
                            place.iter_mut().zip(keys).for_each(|(place, &key)| *place = key);
                        }
                    }
                    selection.find::<T>(tiles, memory);
                    for (row, out) in out.iter_mut().enumerate() {
                        for column in 0..side {
                            let out = out.iter_mut().skip(from + column * channels);
                            let out = out.step_by(side * channels);
                            let found = selection.found(row, column, memory);
                            out.zip(found).for_each(|(out, &key)| *out = T::from_key(key));
                        }
                    }
                }
            }
        }
        Ok(())
    })
}
