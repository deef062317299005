//! Derivatives of 3 × 3 pixels and their magnitude: what the edge filters have in common.

use pipeline_core::{
    ColorSpace, Context, Layout, Region, Result, Sample, SampleType, View, ViewMut, dispatch,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::{
    Border, Smoothing, complete_sums, derivatives, keep_seen, pad_made, premultiply_floats,
    vertical,
};
use crate::line_buffer::LineBuffer;
use crate::neighborhood::{self, BorderedRows};

/// What an edge filter gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EdgeOutput {
    /// The strength of edges of any direction.
    #[default]
    Magnitude,
    /// The derivative along x: positive where samples rise to the right.
    X,
    /// The derivative along y: positive where samples rise downwards.
    Y,
}

/// The layout of signed measurements of an image.
pub(super) fn derived(image: Layout) -> Layout {
    Layout { sample: SampleType::F32, color: ColorSpace::Data, ..image }
}

/// An edge filter: a rise over two pixels along one axis, smoothed along the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edges {
    pub(super) smoothing: Smoothing,
    pub(super) output: EdgeOutput,
    pub(super) border: Border,
}

impl Edges {
    pub(super) fn layout(&self, inputs: &[Layout]) -> Layout {
        let layout = inputs[0];
        match self.output {
            EdgeOutput::Magnitude => layout,
            EdgeOutput::X | EdgeOutput::Y => derived(layout),
        }
    }

    pub(super) fn footprint(&self, region: Region, inputs: &[Layout]) -> Region {
        neighborhood::footprint(self.border, region, (1, 1), inputs[0].region())
    }

    pub(super) fn render(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let alpha = input.image().has_alpha();
        dispatch!(input.sample_type(), T => match (alpha, self.output) {
            (false, EdgeOutput::Magnitude) => self.render_as::<T, T>(input, out, ctx),
            (false, _) => self.render_as::<T, f32>(input, out, ctx),
            (true, EdgeOutput::Magnitude) => self.render_seen::<T, T>(input, out, ctx),
            (true, _) => self.render_seen::<T, f32>(input, out, ctx),
        })
    }

    fn render_as<T: Sample, U: Sample>(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let region = out.region();
        let rows = BorderedRows::<T>::new(input, region, (1, 1), self.border)?;
        let span = rows.span(region, 1);
        let Smoothing { side, middle } = self.smoothing;
        let constant = self.smoothing.sum() * rows.constant().to_f32();
        let channels = span.channels;
        let padded_len = (region.width as usize + 2) * channels;

        let mut window = Vec::with_capacity(3);
        ctx.scratch(|scratch| {
            scratch.samples::<f32, _>(2 * padded_len, |memory, _| {
                let (smooth, rise) = memory.split_at_mut(padded_len);
                for (y, out) in out.rows::<U>()? {
                    ctx.check()?;
                    rows.window(y, 1, &mut window);
                    if self.output != EdgeOutput::Y {
                        pad_made(smooth, span, (self.border, &[constant]), |from, sums| {
                            let part = [0, 1, 2].map(|row| &window[row][from..]);
                            vertical(&part, &[side, middle, side], sums);
                        });
                    }
                    if self.output != EdgeOutput::X {
                        // Not with a weight of 0 for the row between, which would spread its NaN.
                        pad_made(rise, span, (self.border, &[0.0]), |from, sums| {
                            let part = [0, 2].map(|row| &window[row][from..]);
                            vertical(&part, &[-1.0, 1.0], sums);
                        });
                    }

                    let sums = (&*smooth, &*rise);
                    match self.output {
                        EdgeOutput::X => derivatives(sums, self.smoothing, channels, out, |x, _| x),
                        EdgeOutput::Y => derivatives(sums, self.smoothing, channels, out, |_, y| y),
                        EdgeOutput::Magnitude => {
                            derivatives(sums, self.smoothing, channels, out, magnitude);
                        }
                    }
                }
                Ok(())
            })
        })
    }

    /// The same for images with alpha: colours count by it, and for what is not seen of a pixel the
    /// colour of the one in the middle stands.
    fn render_seen<T: Sample, U: Sample>(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let region = out.region();
        let rows = BorderedRows::<T>::new(input, region, (1, 1), self.border)?;
        let own = input.crop(region).typed::<T>()?;
        let span = rows.span(region, 1);
        let Smoothing { side, middle } = self.smoothing;
        let channels = span.channels;
        let out_len = region.width as usize * channels;
        let padded_len = out_len + 2 * channels;

        ctx.scratch(|scratch| {
            scratch.samples::<f32, _>(5 * padded_len + 2 * out_len, |memory, _| {
                let (weighted, memory) = memory.split_at_mut(3 * padded_len);
                let (smooth, memory) = memory.split_at_mut(padded_len);
                let (rise, memory) = memory.split_at_mut(padded_len);
                let (along_x, along_y) = memory.split_at_mut(out_len);
                let mut weighted = LineBuffer::new(weighted, padded_len);
                let first = i64::from(region.y) - 1;
                for (top, (y, out)) in out.rows::<U>()?.enumerate() {
                    ctx.check()?;
                    weighted.fill_to(top + 3, |row, padded| {
                        rows.padded_floats(first + row as i64, span, padded);
                        premultiply_floats(padded, channels, T::WHITE);
                        Ok(())
                    })?;
                    let window: [_; 3] = weighted.window(top);
                    vertical(&window, &[side, middle, side], smooth);
                    vertical(&[window[0], window[2]], &[-1.0, 1.0], rise);

                    let (own, sums) = (own.row(y), (&*smooth, &*rise));
                    derivatives(sums, self.smoothing, channels, along_x, |x, _| x);
                    derivatives(sums, self.smoothing, channels, along_y, |_, y| y);
                    complete_sums(own, channels, 0.0, along_x);
                    complete_sums(own, channels, 0.0, along_y);
                    for (out, (&x, &y)) in out.iter_mut().zip(along_x.iter().zip(&*along_y)) {
                        *out = U::from_f32(match self.output {
                            EdgeOutput::X => x,
                            EdgeOutput::Y => y,
                            EdgeOutput::Magnitude => magnitude(x, y),
                        });
                    }
                    keep_seen(own, channels, out);
                }
                Ok(())
            })
        })
    }
}

#[inline(always)]
fn magnitude(x: f32, y: f32) -> f32 {
    ((x * x + y * y) / 2.0).sqrt()
}
