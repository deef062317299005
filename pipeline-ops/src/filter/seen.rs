//! Filters of images with alpha: colours count by how much of them is seen.

use pipeline_core::{
    ColorSpace, Context, Error, Layout, Region, Result, Sample, SampleType, View, ViewMut, dispatch,
};

use crate::kernel::{Border, premultiply, unpremultiply};
use crate::memory::copies;

/// Fills `out` with samples that are not rounded yet, such as [`blurred`] gives.
pub(super) fn fill(out: &mut ViewMut<'_>, floats: &[f32], ctx: &Context<'_>) -> Result<()> {
    let row_len = out.region().width as usize * usize::from(out.image().channels);
    dispatch!(out.sample_type(), T => {
        for ((_, out), floats) in out.rows::<T>()?.zip(floats.chunks_exact(row_len)) {
            ctx.check()?;
            out.iter_mut().zip(floats).for_each(|(out, sample)| *out = T::from_f32(*sample));
        }
    });
    Ok(())
}

/// The samples of `region` after a `blur` of the colours multiplied by their alpha, divided by the
/// blurred alpha again. `seen` is the region of the input that is looked at; the weights of `blur`
/// must sum to 1.
pub(super) fn blurred(
    (input, seen): (&View<'_>, Region),
    border: Border,
    region: Region,
    ctx: &Context<'_>,
    blur: impl Fn(&View<'_>, Border, &mut ViewMut<'_>) -> Result<()>,
) -> Result<Vec<f32>> {
    let weights = Weights { sum: 1.0, size: 1.0 };
    let mut blurred = weighted((input, seen), border, region, ctx, weights, blur)?;
    let channels = usize::from(input.image().channels);
    let white = dispatch!(input.sample_type(), T => T::WHITE);
    for row in blurred.chunks_exact_mut(region.width as usize * channels) {
        ctx.check()?;
        unpremultiply(row, channels, white);
    }
    Ok(blurred)
}

/// The weights of a filter, added up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weights {
    pub(super) sum: f32,
    /// The sum of what they are without their signs.
    pub(super) size: f32,
}

/// The sums of `region` by a `filter` of the colours multiplied by their alpha, and of alpha.
///
/// Beyond the edge a constant is the same number in each channel, but multiplied it is not. So the
/// input is filtered as if it ended in nothing, and what is missing from an image of ones tells how
/// much of the constant comes to it.
pub(super) fn weighted(
    (input, seen): (&View<'_>, Region),
    border: Border,
    region: Region,
    ctx: &Context<'_>,
    weights: Weights,
    filter: impl Fn(&View<'_>, Border, &mut ViewMut<'_>) -> Result<()>,
) -> Result<Vec<f32>> {
    let layout = input.image();
    let channels = usize::from(layout.channels);
    let floats = Layout { sample: SampleType::F32, color: ColorSpace::Data, ..layout };
    let memory = |value, region: Region, layout: Layout| {
        let len = region.width as usize * region.height as usize * usize::from(layout.channels);
        copies(value, len, || format!("{region} of {layout}"))
    };
    let filtered = |samples: &[f32], layout, border| {
        let mut filtered = memory(0.0, region, layout)?;
        let view = View::packed(layout, seen, samples);
        filter(&view, border, &mut ViewMut::packed(layout, region, &mut filtered))?;
        Ok::<_, Error>(filtered)
    };
    dispatch!(layout.sample, T => {
        let mut weighted = memory(0.0, seen, floats)?;
        let input = input.crop(seen).typed::<T>()?;
        let rows = weighted.chunks_exact_mut(seen.width as usize * channels);
        for (row, out) in input.rows().zip(rows) {
            ctx.check()?;
            premultiply(row, channels, out);
        }
        match border {
            Border::Constant(value) if value != 0.0 => {
                let ones = Layout { channels: 1, ..floats };
                let nothing = Border::Constant(0.0);
                let inside = filtered(&memory(1.0, seen, ones)?, ones, nothing)?;
                let mut sums = filtered(&weighted, floats, nothing)?;
                let mut beyond = vec![0.0; channels];
                premultiply(&vec![T::from_f32(value); channels], channels, &mut beyond);
                for (pixel, inside) in sums.chunks_exact_mut(channels).zip(inside) {
                    let share = weights.sum - inside;
                    // The last digits of a sum of weights are no border.
                    if share.abs() > LAST_DIGITS * weights.size {
                        pixel.iter_mut().zip(&beyond).for_each(|(sum, by)| *sum += by * share);
                    }
                }
                Ok(sums)
            }
            _ => filtered(&weighted, floats, border),
        }
    })
}

/// How far a sum of weights may be off, as a share of their size.
const LAST_DIGITS: f32 = 1e-5;
