//! Another number of pixels.

use std::ops::RangeInclusive;

use pipeline_core::{
    Context, Image, In, Layout, Region, Result, Sample, Step, Tile, View, ViewMut, dispatch, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check;
use crate::kernel::{Resampling, TapTable, blend_pixels, premultiply, unpremultiply, vertical};
use crate::neighborhood;

/// The sides that an image is resized to.
const SIDE: RangeInclusive<u32> = 1..=1 << 20;

/// Resizes to a width and a height.
///
/// `out(x, y) = Σ w(i) w(j) in(i, j)`, the weights being those of the filter around
/// `((x + ½) · scale - ½, (y + ½) · scale - ½)`, widened by `scale = in / out` where that is more
/// than 1, cut off at the image and made to sum to 1. So nothing aliases and nothing darkens at the
/// edge.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any |
/// | `out` | image of the given size | Y X C | as `in` | 0 to white; f32 any, a little beyond `in` | as `in` |
///
/// Colours are weighted by their alpha, so that what is transparent does not show. The samples are
/// mixed as they are encoded, as other programs do: of sRGB that is not what light does, and an
/// average of black and white comes out darker than a fine pattern of both looks.
///
/// **Border**: pixels outside do not count; the weights inside are made to sum to 1.
/// **NaN** and infinity spread over the pixels that see them.
/// **Cost**: the taps of both axes per sample; of memory a table of the taps of a band and a few
/// rows of floats (the footprint for images with alpha); the footprint is what the region is made
/// of.
/// **Errors**: a side outside its range, also one that follows the other; a result above the limit
/// of one image.
///
/// **Source**: Pillow 13 `resize` in its float mode, rounded once: within 1 for integers, 1e-5 of
/// the largest sample for f32. `area`: OpenCV 5 `INTER_AREA` for smaller images, within 1.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::geometry::{Resampling, Resize};
///
/// let image = Image::from_samples(4, 2, 1, vec![
///     0u8, 2, 10, 20,
///     4,   6, 30, 40,
/// ])?;
/// let step = Resize { filter: Resampling::Area, ..Resize::to(2, 1) };
/// let out = step.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     3, 25,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Resize {
    /// New width; follows the height if left out, so that the picture keeps its shape. 1 to
    /// 1048576 px.
    #[schemars(range(min = *SIDE.start(), max = *SIDE.end()), extend("x-unit" = "px"))]
    pub width: Option<u32>,
    /// New height; follows the width if left out. 1 to 1048576 px.
    #[schemars(range(min = *SIDE.start(), max = *SIDE.end()), extend("x-unit" = "px"))]
    pub height: Option<u32>,
    /// How new pixels are made; default `lanczos3`.
    pub filter: Resampling,
}

impl Resize {
    /// A resize to this size with the default filter.
    #[must_use]
    pub fn to(width: u32, height: u32) -> Self {
        Self { width: Some(width), height: Some(height), filter: Resampling::default() }
    }

    /// The input region that an output region is made of.
    fn source(&self, region: Region, input: Layout, output: Layout) -> Region {
        let x = self.span(region.x, region.width, input.width, output.width);
        let y = self.span(region.y, region.height, input.height, output.height);
        Region::new(x.0, y.0, x.1, y.1)
    }

    /// The first and the number of the input pixels that output pixels are made of.
    fn span(&self, start: u32, len: u32, input: u32, output: u32) -> (u32, u32) {
        let first = self.filter.span(start, input, output).start;
        let end = self.filter.span(start + len.max(1) - 1, input, output).end;
        let number = |place| u32::try_from(place).unwrap_or(u32::MAX);
        (number(first), number(end - first))
    }

    fn render_as<T: Sample>(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let (from, to, region) = (input.image(), out.image(), out.region());
        let source = self.source(region, from, to);
        let plane = input.crop(source).typed::<T>()?;
        let taps = |start, len, from, to| TapTable::new(self.filter, start..start + len, from, to);
        let columns = taps(region.x, region.width, from.width, to.width);
        let rows = taps(region.y, region.height, from.height, to.height);
        let mix = Mix { source, columns: &columns, rows: &rows };
        let samples: Vec<&[T]> = plane.rows().collect();
        if self.filter == Resampling::Nearest {
            return mix.pick(&samples, out, ctx);
        }
        if !from.has_alpha() {
            return mix.render::<T, T>(&samples, out, ctx);
        }
        let row_len = source.width as usize * plane.channels();
        ctx.scratch(|scratch| {
            scratch.samples::<f32, _>(row_len * source.height as usize, |colors, _| {
                for (colors, row) in colors.chunks_exact_mut(row_len).zip(samples) {
                    ctx.check()?;
                    premultiply(row, plane.channels(), colors);
                }
                let colors: Vec<&[f32]> = colors.chunks_exact(row_len).collect();
                mix.render::<f32, T>(&colors, out, ctx)
            })
        })
    }
}

/// The taps of a region, and the input region that they lie in.
struct Mix<'a> {
    source: Region,
    columns: &'a TapTable,
    rows: &'a TapTable,
}

impl Mix<'_> {
    /// Copies the nearest pixels.
    fn pick<T: Sample>(
        &self,
        samples: &[&[T]],
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let channels = usize::from(out.image().channels);
        for (taps, (_, out)) in self.rows.iter().zip(out.rows::<T>()?) {
            ctx.check()?;
            let row = samples[taps.first - self.source.y as usize];
            for (out, taps) in out.chunks_exact_mut(channels).zip(self.columns.iter()) {
                let from = (taps.first - self.source.x as usize) * channels;
                out.copy_from_slice(&row[from..from + channels]);
            }
        }
        Ok(())
    }

    /// Mixes columns first: of each output row nothing is kept but one row of sums.
    fn render<T: Sample, U: Sample>(
        &self,
        samples: &[&[T]],
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let (channels, alpha) = (usize::from(out.image().channels), out.image().has_alpha());
        let (left, top) = (self.source.x as usize, self.source.y as usize);
        let row_len = self.source.width as usize * channels;
        let out_len = out.region().width as usize * channels;
        let mut part = Vec::new();
        ctx.scratch(|scratch| {
            scratch.samples::<f32, _>(row_len + out_len, |memory, _| {
                let (sums, mixed) = memory.split_at_mut(row_len);
                for (taps, (_, out)) in self.rows.iter().zip(out.rows::<U>()?) {
                    let window = &samples[taps.first - top..taps.end() - top];
                    let block = neighborhood::block(window.len());
                    for (place, sums) in sums.chunks_mut(block).enumerate() {
                        ctx.check()?;
                        part.clear();
                        part.extend(window.iter().map(|row| &row[place * block..]));
                        vertical(&part, taps.weights, sums);
                    }
                    blend_pixels(sums, left, channels, self.columns, mixed);
                    if alpha {
                        unpremultiply(mixed, channels, U::WHITE);
                    }
                    out.iter_mut().zip(&*mixed).for_each(|(out, &sum)| *out = U::from_f32(sum));
                }
                Ok(())
            })
        })
    }
}

impl Step for Resize {
    const NAME: &'static str = "resize";
    const VERSION: u32 = 2;
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for Resize {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        let image = inputs[0];
        let (width, height) = match (self.width, self.height) {
            (Some(width), Some(height)) => (width, height),
            (Some(width), None) => (width, follow(width, image.width, image.height)),
            (None, Some(height)) => (follow(height, image.height, image.width), height),
            (None, None) => (image.width, image.height),
        };
        check::within("width", width, &SIDE, "px")?;
        check::within("height", height, &SIDE, "px")?;
        Ok(Layout { width, height, ..image })
    }

    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        let output = self.layout(inputs).unwrap_or(inputs[0]);
        self.source(region, inputs[0], output)
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        dispatch!(out.sample_type(), T => self.render_as::<T>(&inputs[0], out, ctx))
    }
}

/// The other side of an image whose side `from` becomes `to`: rounded, at least 1.
fn follow(to: u32, from: u32, other: u32) -> u32 {
    // Any `to` may come here, its range is checked with that of the answer; so 64 bits are too few.
    let (to, from, other) = (u128::from(to), u128::from(from), u128::from(other));
    let side = (2 * to * other + from) / (2 * from).max(1);
    u32::try_from(side.max(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_side_follows_without_passing_its_type() {
        assert_eq!(follow(50, 100, 31), 16, "15.5 rounded up");
        assert_eq!(follow(1, 1000, 10), 1);
        assert_eq!(follow(u32::MAX, 1, u32::MAX), u32::MAX);
        assert_eq!(follow(u32::MAX, u32::MAX, u32::MAX), u32::MAX);
    }
}
