//! The mean over a square window.

use bytemuck::Pod;
use pipeline_core::{
    Context, Image, In, Layout, Region, Result, SampleType, Step, Tile, View, ViewMut, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::seen::{blurred, fill};
use crate::check;
use crate::kernel::{Border, BoxMean, NARROW, SHARING, column_sums, pad_row, row_means};
use crate::neighborhood::{self, BorderedRows, BoxSums, RADIUS};

/// Blurs with the mean over a square of side `2 · radius + 1`.
///
/// `out(x, y) = (1 / size²) Σ in(x + i, y + j)` over `|i|, |j| ≤ radius`, `size = 2 · radius + 1`.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any |
/// | `out` | image | Y X C | as `in` | those of `in` | as `in` |
///
/// Colours are weighted by their alpha, so that what is transparent does not show; they become 0
/// where nothing else is in the window.
///
/// **Border**: by `border`: `replicate` `aaa│abcd│ddd`, `reflect` `dcba│abcd│dcba`, `mirror`
/// `dcb│abcd│cba`, `wrap` `abcd│abcd│abcd`, `constant` `vvv│abcd│vvv`.
/// **NaN** and infinity spread over their window.
/// **Cost**: as many additions at any radius for u8 and u16, whose running sums are exact, with one
/// row of sums of memory, and less than half of the time for u8 up to a radius of 7, whose sums are
/// short; the larger the radius, the more rows pass through the cache meanwhile. About size / 8 + 2
/// log size additions per sample for f32 and with alpha, whose sums are taken afresh so that no
/// tile changes them, with 8 rows, and with alpha the footprint and the result in floats; the
/// footprint is the region and `radius` pixels on each side.
/// **Errors**: a radius outside its range.
///
/// **Source**: `scipy.ndimage.uniform_filter` 1.17 on floats, of colours times alpha where there is
/// alpha, rounded once: equal for integers, within 1 with alpha, within 1e-5 of the largest sample
/// for f32.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::filter::BoxBlur;
///
/// let image = Image::from_samples(4, 3, 1, vec![
///     9u8, 0, 0, 0,
///     0,   0, 0, 0,
///     0,   0, 0, 90,
/// ])?;
/// let out = BoxBlur { radius: 1, ..Default::default() }.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     4, 2,  0,  0,
///     2, 1, 10, 20,
///     0, 0, 20, 40,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BoxBlur {
    /// Pixels on each side of the middle; 0 changes nothing. 0 to 4096 px, default 1.
    #[schemars(range(min = *RADIUS.start(), max = *RADIUS.end()), extend("x-unit" = "px"))]
    pub radius: u32,
    /// What lies beyond the edge; default `replicate`.
    pub border: Border,
}

impl Default for BoxBlur {
    fn default() -> Self {
        Self { radius: 1, border: Border::Replicate }
    }
}

impl BoxBlur {
    fn render_as<T: BoxMean<S>, S: Pod>(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let Self { radius, border } = *self;
        let channels = usize::from(input.image().channels);
        BoxSums { radius, border }.render::<T, S, T>(input, out, ctx, |_, padded, out| {
            T::means(padded, 2 * radius + 1, channels, out);
        })
    }

    fn render_floats(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let (region, radius) = (out.region(), self.radius);
        let size = 2 * radius as usize + 1;
        let rows = BorderedRows::<f32>::new(input, region, (radius, radius), self.border)?;
        let (span, row_len) = (rows.span(region, radius), rows.row_len());
        let constant = rows.constant() * size as f32;
        let padded_len = (region.width as usize + 2 * radius as usize) * span.channels;

        let sharing = if size < SHARING { 1 } else { SHARING };
        let block = neighborhood::cached_block::<f32>(size + sharing, size);
        let mut out: Vec<(u32, &mut [f32])> = out.rows::<f32>()?.collect();
        let groups = out.chunk_by_mut(|(above, _), (below, _)| {
            *above as usize / sharing == *below as usize / sharing
        });
        ctx.scratch(|scratch| {
            scratch.samples::<f32, _>(sharing * row_len + padded_len, |memory, _| {
                let (columns, padded) = memory.split_at_mut(sharing * row_len);
                for group in groups {
                    let first = group[0].0;
                    let top = i64::from(first) - i64::from(radius);
                    let seen: Vec<&[f32]> =
                        (top..).take(size + group.len() - 1).map(|y| rows.row(y)).collect();
                    for start in (0..row_len).step_by(block) {
                        ctx.check()?;
                        let end = row_len.min(start + block);
                        let part: Vec<&[f32]> = seen.iter().map(|row| &row[start..end]).collect();
                        let sums = columns.chunks_exact_mut(row_len).take(group.len());
                        let mut sums: Vec<&mut [f32]> =
                            sums.map(|sums| &mut sums[start..end]).collect();
                        column_sums(&part, size, first as usize % sharing, &mut sums);
                    }
                    for ((_, out), columns) in group.iter_mut().zip(columns.chunks_exact(row_len)) {
                        ctx.check()?;
                        pad_row(columns, padded, span, self.border, constant);
                        row_means(padded, size, span.channels, out);
                    }
                }
                Ok(())
            })
        })
    }
}

impl Step for BoxBlur {
    const NAME: &'static str = "box_blur";
    const VERSION: u32 = 4;
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for BoxBlur {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        check::within("radius", self.radius, &RADIUS, "px")?;
        Ok(inputs[0])
    }

    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        let radius = (self.radius, self.radius);
        neighborhood::footprint(self.border, region, radius, inputs[0].region())
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        let (input, radius) = (&inputs[0], self.radius);
        if input.image().has_alpha() && radius > 0 {
            let region = out.region();
            let seen = self.footprint(0, region, &[input.image()]);
            let blur = |input: &View<'_>, border, out: &mut ViewMut<'_>| {
                Self { radius, border }.render_floats(input, out, ctx)
            };
            return fill(out, &blurred((input, seen), self.border, region, ctx, blur)?, ctx);
        }
        // The type of the sums is chosen together with that of the samples.
        match out.sample_type() {
            SampleType::U8 if 2 * self.radius < NARROW => {
                self.render_as::<u8, u16>(input, out, ctx)
            }
            SampleType::U8 => self.render_as::<u8, u32>(input, out, ctx),
            SampleType::U16 => self.render_as::<u16, u32>(input, out, ctx),
            _ => self.render_floats(input, out, ctx),
        }
    }
}
