//! Blurs of images with alpha: colours count by how much of them is seen.

use pipeline_core::{
    ColorSpace, Context, Error, Layout, Region, Result, Sample, SampleType, View, ViewMut, dispatch,
};

use crate::kernel::{Border, premultiply, unpremultiply};
use crate::memory::copies;

/// Fills `out` with what [`blurred`] gives.
pub(super) fn blur_seen(
    input: (&View<'_>, Region),
    border: Border,
    out: &mut ViewMut<'_>,
    ctx: &Context<'_>,
    blur: impl Fn(&View<'_>, Border, &mut ViewMut<'_>) -> Result<()>,
) -> Result<()> {
    let (region, channels) = (out.region(), usize::from(out.image().channels));
    let blurred = blurred(input, border, region, ctx, blur)?;
    dispatch!(out.sample_type(), T => {
        let rows = blurred.chunks_exact(region.width as usize * channels);
        for ((_, out), blurred) in out.rows::<T>()?.zip(rows) {
            ctx.check()?;
            out.iter_mut().zip(blurred).for_each(|(out, sample)| *out = T::from_f32(*sample));
        }
    });
    Ok(())
}

/// The samples of `region` after a `blur` of the colours multiplied by their alpha, divided by the
/// blurred alpha again. `seen` is the region of the input that is looked at; the weights of `blur`
/// must sum to 1.
///
/// Beyond the edge a constant is the same number in each channel, but multiplied it is not. So the
/// input is blurred as if it ended in nothing, and what is missing from an image of ones tells how
/// much of the constant comes to it.
pub(super) fn blurred(
    (input, seen): (&View<'_>, Region),
    border: Border,
    region: Region,
    ctx: &Context<'_>,
    blur: impl Fn(&View<'_>, Border, &mut ViewMut<'_>) -> Result<()>,
) -> Result<Vec<f32>> {
    let layout = input.image();
    let channels = usize::from(layout.channels);
    let floats = Layout { sample: SampleType::F32, color: ColorSpace::Data, ..layout };
    let memory = |value, region: Region, layout: Layout| {
        let len = region.width as usize * region.height as usize * usize::from(layout.channels);
        copies(value, len, || format!("{region} of {layout}"))
    };
    let blurred = |samples: &[f32], layout, border| {
        let mut blurred = memory(0.0, region, layout)?;
        let view = View::packed(layout, seen, samples);
        blur(&view, border, &mut ViewMut::packed(layout, region, &mut blurred))?;
        Ok::<_, Error>(blurred)
    };
    dispatch!(layout.sample, T => {
        let mut weighted = memory(0.0, seen, floats)?;
        let input = input.crop(seen).typed::<T>()?;
        let rows = weighted.chunks_exact_mut(seen.width as usize * channels);
        for (row, out) in input.rows().zip(rows) {
            ctx.check()?;
            premultiply(row, channels, out);
        }
        let mut sums = match border {
            Border::Constant(value) if value != 0.0 => {
                let ones = Layout { channels: 1, ..floats };
                let nothing = Border::Constant(0.0);
                let inside = blurred(&memory(1.0, seen, ones)?, ones, nothing)?;
                let mut sums = blurred(&weighted, floats, nothing)?;
                let mut beyond = vec![0.0; channels];
                premultiply(&vec![T::from_f32(value); channels], channels, &mut beyond);
                for (pixel, inside) in sums.chunks_exact_mut(channels).zip(inside) {
                    // The last digits of a sum of weights are no border.
                    if inside < 1.0 - LAST_DIGITS {
                        let share = 1.0 - inside;
                        pixel.iter_mut().zip(&beyond).for_each(|(sum, by)| *sum += by * share);
                    }
                }
                sums
            }
            _ => blurred(&weighted, floats, border)?,
        };
        for sums in sums.chunks_exact_mut(region.width as usize * channels) {
            ctx.check()?;
            unpremultiply(sums, channels, T::WHITE);
        }
        Ok(sums)
    })
}

/// How far a sum of weights may be from 1.
const LAST_DIGITS: f32 = 1e-5;
