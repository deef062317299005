//! Weighted sums over a window, tap by tap: for kernels that are no product of a column and a row.

use pipeline_core::{Context, Layout, Region, Result, Sample, View, ViewMut};

use crate::kernel::{Border, vertical};
use crate::neighborhood::{self, BorderedRows};

/// A kernel as the list of its weights.
#[derive(Debug)]
pub(super) struct Weighted {
    taps: Vec<Tap>,
    weights: Vec<f32>,
    /// Pixels left and right of the middle, above and below it.
    radius: (u32, u32),
    border: Border,
}

/// A place of the window, counted from its upper left corner.
#[derive(Debug)]
struct Tap {
    x: usize,
    y: usize,
}

impl Weighted {
    /// Takes the rows of a kernel of odd sides. What has no weight is not looked at: it costs
    /// nothing, and NaN does not spread from there.
    pub(super) fn new<R: AsRef<[f32]>>(kernel: &[R], border: Border) -> Self {
        let (mut taps, mut weights) = (Vec::new(), Vec::new());
        for (y, row) in kernel.iter().enumerate() {
            for (x, &weight) in row.as_ref().iter().enumerate().filter(|&(_, &w)| w != 0.0) {
                taps.push(Tap { x, y });
                weights.push(weight);
            }
        }
        let half = |len: usize| u32::try_from(len / 2).unwrap_or(u32::MAX);
        let width = kernel.first().map_or(0, |row| row.as_ref().len());
        Self { taps, weights, radius: (half(width), half(kernel.len())), border }
    }

    pub(super) fn footprint(&self, region: Region, inputs: &[Layout]) -> Region {
        neighborhood::footprint(self.border, region, self.radius, inputs[0].region())
    }

    /// Sums the rows of `out` and gives each to `finish`: the row's number, its sums, and the
    /// samples to fill.
    pub(super) fn render<T: Sample, U: Sample>(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
        finish: impl Fn(u32, &[f32], &mut [U]),
    ) -> Result<()> {
        let (region, (rx, ry)) = (out.region(), self.radius);
        let rows = BorderedRows::<T>::new(input, region, self.radius, self.border)?;
        let span = rows.span(region, rx);
        let out_len = region.width as usize * span.channels;
        let padded_len = out_len + 2 * rx as usize * span.channels;
        let height = 2 * ry as usize + 1;

        let lens = rows.row_len() + height * padded_len + out_len;
        ctx.scratch(|scratch| {
            scratch.samples::<f32, _>(lens, |memory, _| {
                let (stored, memory) = memory.split_at_mut(rows.row_len());
                let (window, sums) = memory.split_at_mut(height * padded_len);
                let first = i64::from(region.y) - i64::from(ry);
                // A row stays where it is until the window has passed it.
                let start = |row: usize| row % height * padded_len;
                let mut filled = 0;
                for (top, (y, out)) in out.rows::<U>()?.enumerate() {
                    for row in filled..top + height {
                        ctx.check()?;
                        let padded = &mut window[start(row)..][..padded_len];
                        rows.padded_floats(first + row as i64, span, stored, padded);
                    }
                    filled = top + height;
                    let len = neighborhood::block(self.taps.len());
                    for (place, sums) in sums.chunks_mut(len).enumerate() {
                        ctx.check()?;
                        let part = self.taps.iter().map(|tap| {
                            let row = start(top + tap.y);
                            &window[row + tap.x * span.channels + place * len..]
                        });
                        let part: Vec<&[f32]> = part.collect();
                        vertical(&part, &self.weights, sums);
                    }
                    finish(y, sums, out);
                }
                Ok(())
            })
        })
    }
}
