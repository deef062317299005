//! Objects grown over an image until they meet.

use pipeline_core::data::{leftovers, zeros};
use pipeline_core::step::CutOff;
use pipeline_core::{Context, Image, In, Labels, Mask, Result, Sample, Spec, Step, dispatch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::{Connectivity, Rank, flood};
use crate::{check, passes};

/// Grows markers over an image, the darkest pixels first, until they meet on the ridges.
///
/// `out` is the marker whose water reaches a pixel first when the water rises everywhere alike:
/// over the path whose highest pixel is lowest. Of pixels reached at one level the one reached
/// earlier is flooded from first, so that flat regions are shared out by distance.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | 1 |
/// | `markers` | labels | Y X | u32 | any | – |
/// | `mask` | mask, may be left out | Y X | – | what may be flooded | – |
/// | `out` | labels | Y X | u32 | those of `markers` | – |
///
/// Pixels of markers outside of the mask are left out. Where that leaves nothing of one, the
/// numbers above it move down, as labels have no gaps.
///
/// **Border**: nothing beyond the edge is seen. **NaN** is higher than every number.
/// **Cost**: for each pixel a place in a radix heap of the pixels that are reached but not flooded
/// from; memory for the labels and 8 bytes per pixel of that front. Water may come from anywhere,
/// so there are no tiles.
/// **Errors**: more than one channel; inputs of different size; an image of more than 4294967295
/// pixels.
///
/// Labels that come out as before spare the steps below from running.
///
/// **Source**: `skimage.segmentation.watershed` 0.26, equal but for the order of markers of one
/// height, which there is that of a binary heap. Vincent and Soille (1991); Soille and
/// Ansoult (1990).
///
/// ```
/// use pipeline_core::{Context, Image, In, Labels, Step};
/// use pipeline_ops::segment::Watershed;
///
/// let image = Image::from_samples(6, 2, 1, vec![
///     1u8, 2, 9, 3, 1, 1,
///     1,   2, 4, 9, 1, 1,
/// ])?;
/// let markers = Labels::new(6, 2, vec![
///     1, 0, 0, 0, 0, 0,
///     0, 0, 0, 0, 0, 2,
/// ])?;
/// let inputs = (In::new(image), In::new(markers), None);
/// let out = Watershed::default().run(inputs, &Context::default())?;
/// assert_eq!(out.labels(), [
///     1, 1, 1, 2, 2, 2,
///     1, 1, 1, 2, 2, 2,
/// ]);
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Watershed {
    /// Which pixels water flows to; default `four`.
    pub connectivity: Connectivity,
}

impl Default for Watershed {
    fn default() -> Self {
        Self { connectivity: Connectivity::Four }
    }
}

impl Step for Watershed {
    const NAME: &'static str = "watershed";
    const VERSION: u32 = 2;
    const INPUTS: &'static [&'static str] = &["in", "markers", "mask"];
    type Input = (In<Image>, In<Labels>, Option<In<Mask>>);
    type Output = Labels;

    fn run(&self, (image, markers, mask): Self::Input, ctx: &Context<'_>) -> Result<Labels> {
        check::single_channel(image.layout())?;
        let size = (image.width(), image.height());
        check::same_size(("`markers`", (markers.width(), markers.height())), ("`in`", size))?;
        if let Some(mask) = &mask {
            check::same_size(("`mask`", (mask.width(), mask.height())), ("`in`", size))?;
        }
        let pixels = passes::countable(size.0, size.1)?;
        let what = || format!("labels of {}×{} pixels", size.0, size.1);
        let mut labels = leftovers::<u32>(pixels, what)?;
        let mask = mask.as_ref().map(|mask| mask.bytes());
        let is_open = |at: usize| mask.is_none_or(|mask| mask[at] != 0);
        let (width, grain) = (size.0 as usize, passes::grain(size.0));
        ctx.fill_rows(&mut labels, width, grain, |first, labels| {
            let places = first * width..first * width + labels.len();
            labels.copy_from_slice(&markers.labels()[places.clone()]);
            let closed = labels.iter_mut().zip(places).filter(|(_, at)| !is_open(*at));
            closed.for_each(|(label, _)| *label = 0);
            Ok(())
        })?;

        dispatch!(image.sample_type(), T => {
            let samples = image.samples::<T>().unwrap_or_default();
            // Zero is one height, whatever its sign.
            let height = |at: usize| (samples[at].to_f32() + 0.0).key();
            flood(&mut labels, width, self.connectivity, height, is_open, || ctx.check())?;
        });
        let count = close_gaps((&mut labels, size.0), markers.count(), ctx)?;
        Labels::numbered(size.0, size.1, labels, count)
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}

/// Numbers the labels up to `count` that are there, in rows of `width`, without gaps, in the same
/// order.
pub(crate) fn close_gaps(
    (labels, width): (&mut [u32], u32),
    count: u32,
    ctx: &Context<'_>,
) -> Result<u32> {
    let what = || format!("a table of {count} labels");
    let mut numbers = zeros::<u32>(count as usize + 1, what)?;
    let (row_len, grain) = (width as usize, passes::grain(width));
    let band = row_len * grain;
    for labels in labels.chunks(band) {
        ctx.check()?;
        labels.iter().for_each(|&label| numbers[label as usize] = 1);
    }
    numbers[0] = 0;
    let mut next = 0;
    for numbers in numbers.chunks_mut(band) {
        ctx.check()?;
        for number in numbers {
            next += *number;
            *number *= next;
        }
    }
    if next < count {
        ctx.fill_rows(labels, row_len, grain, |_, labels| {
            labels.iter_mut().for_each(|label| *label = numbers[*label as usize]);
            Ok(())
        })?;
    }
    Ok(next)
}
