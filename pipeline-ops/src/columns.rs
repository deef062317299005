//! How far the pixels of an image are from places in their columns, band by band of rows.
//!
//! Each band is passed over down and up by itself, while it is in the cache, and beside others.
//! What lies beyond is carried from band to band, a row for each.

#![expect(clippy::cast_possible_truncation, reason = "sides of images have 32 bits")]

use pipeline_core::{Context, Result};

use crate::kernel::{Away, down_and_up};
use crate::memory::copies;
use crate::passes;

/// What is nearest in the rows above and below of each band.
pub(crate) struct Beyond<T> {
    row_len: usize,
    grain: usize,
    rows: usize,
    /// Seen from the row above the band.
    above: Vec<T>,
    /// Seen from the row below the band.
    below: Vec<T>,
}

/// Rows of a band of an image of this width: of fewer, what is carried would be as much as they
/// are.
pub(crate) fn grain(width: u32) -> usize {
    passes::grain(width).max(16)
}

/// Sets the pixels of all rows to what is nearest within their bands of `grain` rows, from what
/// `start` sets them to: it has the number of the first of the rows that it is given.
pub(crate) fn within_bands<T: Away>(
    pixels: &mut [T],
    (row_len, grain): (usize, usize),
    ctx: &Context<'_>,
    start: impl Fn(usize, &mut [T]) + Sync,
) -> Result<Beyond<T>> {
    ctx.fill_rows(pixels, row_len, grain, |first, rows| {
        start(first, rows);
        down_and_up(rows, row_len);
        Ok(())
    })?;
    let bands: Vec<&[T]> = pixels.chunks(grain * row_len).collect();
    let len = bands.len() * row_len;
    let nowhere = || copies(T::NOWHERE, len, || format!("{} rows of distances", bands.len()));
    let (mut above, mut below) = (nowhere()?, nowhere()?);
    // The first row of a band sees what is below it, and the last one what is above.
    for (at, band) in (1..).zip(&bands[..bands.len().saturating_sub(1)]) {
        ctx.check()?;
        let (before, own) = above.split_at_mut(at * row_len);
        let carried = &before[before.len() - row_len..];
        carry(&band[band.len() - row_len..], carried, band.len() / row_len, own);
    }
    for (at, band) in (1..bands.len()).zip(&bands[1..]).rev() {
        ctx.check()?;
        let (own, after) = below.split_at_mut(at * row_len);
        let own = &mut own[(at - 1) * row_len..];
        carry(&band[..row_len], after, band.len() / row_len, own);
    }
    Ok(Beyond { row_len, grain, rows: pixels.len() / row_len, above, below })
}

/// What is nearest of a row at one edge of a band, and of what is beyond its other one.
fn carry<T: Away>(edge: &[T], beyond: &[T], rows: usize, to: &mut [T]) {
    for ((to, &edge), &beyond) in to.iter_mut().zip(edge).zip(beyond) {
        *to = edge.or(beyond.further(rows as u32));
    }
}

impl<T: Away> Beyond<T> {
    /// What is nearest of each pixel of row `y` in the whole of its column; of places equally near
    /// the upper one.
    pub(crate) fn row(&self, y: usize, within: &[T], out: &mut [T]) {
        let band = y / self.grain;
        let (first, last) = (band * self.grain, self.rows.min((band + 1) * self.grain) - 1);
        let (up, down) = ((y - first + 1) as u32, (last - y + 1) as u32);
        let of_band = band * self.row_len..(band + 1) * self.row_len;
        let beyond = self.above[of_band.clone()].iter().zip(&self.below[of_band]);
        for ((out, &within), (&above, &below)) in out.iter_mut().zip(within).zip(beyond) {
            *out = above.further(up).or(within).or(below.further(down));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::FAR;

    #[test]
    fn bands_of_any_height_give_the_columns_of_the_whole() {
        let is_place = |at: usize| at % 13 == 3 || at % 7 == 5 && at < 40;
        let start = |first: usize, rows: &mut [[u32; 2]]| {
            for (at, pixel) in (first * 6..).zip(rows) {
                *pixel = if is_place(at) { [0, at as u32] } else { [FAR, 0] };
            }
        };
        let mut whole = [[0; 2]; 6 * 17];
        start(0, &mut whole);
        down_and_up(&mut whole, 6);
        for grain in 1..20 {
            let mut pixels = [[0; 2]; 6 * 17];
            let ctx = Context::default();
            let beyond = within_bands(&mut pixels, (6, grain), &ctx, start).unwrap();
            for (y, (within, whole)) in pixels.chunks(6).zip(whole.chunks(6)).enumerate() {
                let mut row = [[0; 2]; 6];
                beyond.row(y, within, &mut row);
                assert_eq!(row, whole, "row {y} of bands of {grain}");
            }
        }
    }
}
