//! Weighted sums over a window, tap by tap: for kernels that are no product of a column and a row.

use bytemuck::Pod;
use pipeline_core::step::Scratch;
use pipeline_core::{Context, Layout, Region, Result, Sample, SampleType, View, ViewMut};

use crate::kernel::{
    Border, Span, WholeWeights, complete_sums, pad_row, premultiply_floats, vertical,
};
use crate::line_buffer::LineBuffer;
use crate::neighborhood::{self, BorderedRows};

/// Sums that are made and finished before the next ones are: what a first-level cache keeps beside
/// the samples that they are made of.
const PART: usize = 1024;

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
        let radius = (half(width), half(kernel.len()));
        Self { taps, weights, radius, border }
    }

    pub(super) fn footprint(&self, region: Region, inputs: &[Layout]) -> Region {
        neighborhood::footprint(self.border, region, self.radius, inputs[0].region())
    }

    /// Sums the rows of `out` and gives their parts to `finish`: the samples of the image in the
    /// middle, their sums, and the samples to fill.
    ///
    /// Colours count by their alpha; for what is not seen of a pixel of the window, the colour of
    /// the one in the middle stands. So no outline of what is seen becomes an edge, whatever the
    /// weights sum to.
    pub(super) fn render<T: Sample, U: Sample>(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
        finish: impl Fn(&[T], &[f32], &mut [U]),
    ) -> Result<()> {
        let rows = BorderedRows::<T>::new(input, out.region(), self.radius, self.border)?;
        let span = rows.span(out.region(), self.radius.0);
        let own = input.crop(out.region()).typed::<T>()?;
        let (alpha, channels) = (input.image().has_alpha(), span.channels);
        let total = self.weights.iter().sum();
        let finish = |y, from: usize, sums: &mut [f32], out: &mut [U]| {
            let own = &own.row(y)[from..][..out.len()];
            if alpha {
                complete_sums(own, channels, total, sums);
            }
            finish(own, sums, out);
        };
        let is_plain_bytes = T::TYPE == SampleType::U8 && !alpha;
        let whole = if is_plain_bytes { WholeWeights::of(&self.weights) } else { None };
        ctx.scratch(|scratch| match whole {
            Some(whole) => {
                let bytes = bytemuck::cast_slice::<T, u8>;
                let constant = bytes(&[rows.constant()])[0];
                let pad = |y, padded: &mut [u8]| {
                    pad_row(bytes(rows.row(y)), padded, span, self.border, constant);
                };
                let sum = |rows: &[&[u8]], sums: &mut [f32]| whole.vertical(rows, sums);
                self.slide((span, pad, sum), out, (ctx, scratch), finish)
            }
            None => {
                let pad = |y, padded: &mut [f32]| {
                    rows.padded_floats(y, span, padded);
                    if alpha {
                        premultiply_floats(padded, channels, T::WHITE);
                    }
                };
                let sum = |rows: &[&[f32]], sums: &mut [f32]| vertical(rows, &self.weights, sums);
                self.slide((span, pad, sum), out, (ctx, scratch), finish)
            }
        })
    }

    /// Moves a window of padded rows down, and sums it for each row, part by part.
    fn slide<N: Pod, U: Sample>(
        &self,
        (span, pad, sum): (Span, impl Fn(i64, &mut [N]), impl Fn(&[&[N]], &mut [f32])),
        out: &mut ViewMut<'_>,
        (ctx, scratch): (&Context<'_>, &mut Scratch),
        finish: impl Fn(u32, usize, &mut [f32], &mut [U]),
    ) -> Result<()> {
        let (region, (rx, ry)) = (out.region(), self.radius);
        let out_len = region.width as usize * span.channels;
        let padded_len = out_len + 2 * rx as usize * span.channels;
        let height = 2 * ry as usize + 1;
        let first = i64::from(region.y) - i64::from(ry);
        let len = neighborhood::block(self.taps.len()).min(PART).next_multiple_of(span.channels);
        scratch.samples::<N, _>(height * padded_len, |window, scratch| {
            scratch.samples::<f32, _>(len, |sums, _| {
                let mut window = LineBuffer::new(window, padded_len);
                for (top, (y, out)) in out.rows::<U>()?.enumerate() {
                    window.fill_to(top + height, |row, padded| {
                        ctx.check()?;
                        pad(first + row as i64, padded);
                        Ok(())
                    })?;
                    let mut seen: Vec<&[N]> = Vec::with_capacity(self.taps.len());
                    for (place, out) in out.chunks_mut(len).enumerate() {
                        ctx.check()?;
                        seen.clear();
                        seen.extend(self.taps.iter().map(|tap| {
                            &window.row(top + tap.y)[tap.x * span.channels + place * len..]
                        }));
                        let sums = &mut sums[..out.len()];
                        sum(&seen, sums);
                        finish(y, place * len, sums, out);
                    }
                }
                Ok(())
            })
        })
    }
}
