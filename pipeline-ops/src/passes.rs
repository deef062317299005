//! How steps pass over whole images: how much in one go, and how large.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use pipeline_core::data::zeros;
use pipeline_core::{Context, Error, Result};

use crate::kernel::LONGEST;
use crate::memory::copies;

/// Pixels that are looked at in one go.
const CHUNK: usize = 1 << 17;

/// Rows of a chunk of an image of this width.
pub(crate) fn grain(width: u32) -> usize {
    (CHUNK / (width as usize).max(1)).max(1)
}

/// The number of pixels; refused are images whose pixels cannot be counted in 32 bits.
pub(crate) fn countable(width: u32, height: u32) -> Result<usize> {
    let pixels = u64::from(width) * u64::from(height);
    match u32::try_from(pixels) {
        Ok(pixels) => Ok(pixels as usize),
        Err(_) => {
            let expected = format!("at most {} pixels", u32::MAX);
            Err(Error::input("the image", format_args!("{width}×{height}"), expected))
        }
    }
}

/// As [`countable`]; refused are also images in which distances are not counted.
pub(crate) fn measurable(width: u32, height: u32) -> Result<usize> {
    if width.max(height) > LONGEST {
        let expected = format!("sides of at most {LONGEST} px");
        return Err(Error::input("the image", format_args!("{width}×{height}"), expected));
    }
    countable(width, height)
}

/// The sums of what `add` counts in ranges of rows, in tables of `len` counts. Each thread fills a
/// table of its own, and they are added up at the end.
pub(crate) fn counts(
    (width, height): (u32, u32),
    len: usize,
    ctx: &Context<'_>,
    add: impl Fn(Range<usize>, &mut [u64]) + Sync,
) -> Result<Vec<u64>> {
    let none = || zeros::<u64>(len, || format!("{len} counts"));
    let tables = Mutex::new(Vec::<Vec<u64>>::new());
    let tables_of = || tables.lock().unwrap_or_else(PoisonError::into_inner);
    ctx.rows(height as usize, grain(width), |rows| {
        let idle = tables_of().pop();
        let mut table = idle.map_or_else(none, Ok)?;
        add(rows, &mut table);
        tables_of().push(table);
        Ok(())
    })?;
    let mut tables = tables.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter();
    let mut total = tables.next().map_or_else(none, Ok)?;
    for table in tables {
        total.iter_mut().zip(table).for_each(|(total, count)| *total += count);
    }
    Ok(total)
}

/// What `measure` finds in each row, in the order of the rows whatever the order they are looked
/// at.
pub(crate) fn each_row<P: Clone + Default + Send>(
    (width, height): (u32, u32),
    ctx: &Context<'_>,
    measure: impl Fn(u32) -> P + Sync,
) -> Result<Vec<P>> {
    let mut found = copies(P::default(), height as usize, || format!("sums of {height} rows"))?;
    ctx.fill_rows(&mut found, 1, grain(width), |first, rows| {
        let numbers = (first..).filter_map(|y| u32::try_from(y).ok());
        rows.iter_mut().zip(numbers).for_each(|(found, y)| *found = measure(y));
        Ok(())
    })?;
    Ok(found)
}
