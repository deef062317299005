//! Derivatives of 3 × 3 pixels and their magnitude: what the edge filters have in common.

use pipeline_core::{
    ColorSpace, Context, Layout, Region, Result, Sample, SampleType, View, ViewMut, dispatch,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::{Border, Smoothing, copy_alpha, derivatives, pad_row, vertical};
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
        dispatch!(input.sample_type(), T => {
            if out.sample_type() == T::TYPE {
                self.render_as::<T, T>(input, out, ctx)
            } else {
                self.render_as::<T, f32>(input, out, ctx)
            }
        })
    }

    fn render_as<T: Sample, U: Sample>(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let region = out.region();
        let alpha = input.image().has_alpha();
        let rows = BorderedRows::<T>::new(input, region, (1, 1), self.border)?;
        let own = input.crop(region).typed::<T>()?;
        let span = rows.span(region, 1);
        let Smoothing { side, middle } = self.smoothing;
        let constant = self.smoothing.sum() * rows.constant().to_f32();
        let (len, channels) = (rows.row_len(), span.channels);
        let padded_len = (region.width as usize + 2) * channels;

        let mut window = Vec::with_capacity(3);
        ctx.scratch(|scratch| {
            scratch.samples::<f32, _>(len + 2 * padded_len, |memory, _| {
                let (columns, padded) = memory.split_at_mut(len);
                let (smooth, rise) = padded.split_at_mut(padded_len);
                for (y, out) in out.rows::<U>()? {
                    ctx.check()?;
                    rows.window(y, 1, &mut window);
                    vertical(&window, &[side, middle, side], columns);
                    pad_row(columns, smooth, span, self.border, constant);
                    // Not with a weight of 0 for the row between, which would spread its NaN.
                    vertical(&[window[0], window[2]], &[-1.0, 1.0], columns);
                    pad_row(columns, rise, span, self.border, 0.0);

                    self.combine((smooth, rise), channels, out);
                    if alpha {
                        copy_alpha(own.row(y), channels, out);
                    }
                }
                Ok(())
            })
        })
    }

    /// Fills a row of the output from its padded column sums.
    fn combine<U: Sample>(&self, sums: (&[f32], &[f32]), channels: usize, out: &mut [U]) {
        match self.output {
            EdgeOutput::X => derivatives(sums, self.smoothing, channels, out, |x, _| x),
            EdgeOutput::Y => derivatives(sums, self.smoothing, channels, out, |_, y| y),
            EdgeOutput::Magnitude => {
                let magnitude = |x: f32, y: f32| ((x * x + y * y) / 2.0).sqrt();
                derivatives(sums, self.smoothing, channels, out, magnitude);
            }
        }
    }
}
