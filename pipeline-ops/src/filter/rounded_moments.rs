//! Means of a square window and of its squares, along one axis after the other, each rounded to 32
//! bits.

use pipeline_core::{Context, Result, Sample, View, ViewMut};

use crate::kernel::{Border, log_rounded, pad_row, rounded_columns, rounded_windows};
use crate::neighborhood::BorderedRows;

/// The squares of side `2 · radius + 1` around every pixel.
#[derive(Debug, Clone, Copy)]
pub(super) struct RoundedMoments {
    pub(super) radius: u32,
    pub(super) border: Border,
}

impl RoundedMoments {
    /// Fills `out` with half the logarithm of what the mean of the squares has more than the square
    /// of the mean.
    pub(super) fn render<T: Sample>(
        self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let (region, Self { radius, border }) = (out.region(), self);
        let rows = BorderedRows::<T>::new(input, region, (radius, radius), border)?;
        let span = rows.span(region, radius);
        let constant = rows.constant().to_f32();
        let constants = [constant, constant * constant].map(f64::from);
        let (row_len, len) = (rows.row_len(), region.width as usize);
        let padded_len = len + 2 * radius as usize;

        let mut window = Vec::new();
        ctx.scratch(|scratch| {
            scratch.samples::<f64, _>(2 * row_len + padded_len + 2 * len, |memory, _| {
                let (columns, memory) = memory.split_at_mut(2 * row_len);
                let (padded, moments) = memory.split_at_mut(padded_len);
                for (y, out) in out.rows::<f32>()? {
                    ctx.check()?;
                    rows.window(y, radius, &mut window);
                    rounded_columns(&window, columns.split_at_mut(row_len).into());
                    let each = columns.chunks_exact(row_len).zip(moments.chunks_exact_mut(len));
                    for ((columns, means), constant) in each.zip(constants) {
                        pad_row(columns, padded, span, border, constant);
                        rounded_windows(padded, 2 * radius as usize + 1, means);
                    }
                    let (means, squares) = moments.split_at(len);
                    log_rounded(means, squares, out);
                }
                Ok(())
            })
        })
    }
}
