//! The image of another size: what a resize renders.

use std::rc::Rc;

use pipeline_core::{
    ColorSpace, Context, Layout, Region, Result, Sample, SampleType, View, ViewMut, dispatch,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::{
    Halve, Light, MixedRow, Resampling, TapTable, all_finite, encode, halve, nearest_row, pick,
    premultiply, premultiply_floats, unpremultiply, vertical,
};
use crate::neighborhood;

/// What is mixed when pixels are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mixing {
    /// Samples as they are encoded, as other programs do.
    #[default]
    Encoded,
    /// The light that sRGB stands for, as a lens does: fine patterns keep their brightness. Of
    /// images that are not sRGB the samples.
    Light,
}

/// An output whose pixels are weighted sums of the input: the image of another size, or a part of
/// it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    pub(super) filter: Resampling,
    pub(super) mixing: Mixing,
    /// The width and height of the whole image of another size.
    pub(super) size: (u32, u32),
    /// The place of the output's first pixel in it.
    pub(super) origin: (u32, u32),
}

impl Scale {
    /// The input region that an output region is made of.
    pub(super) fn footprint(self, region: Region, input: Layout) -> Region {
        let x = self.span(self.origin.0 + region.x, region.width, input.width, self.size.0);
        let y = self.span(self.origin.1 + region.y, region.height, input.height, self.size.1);
        Region::new(x.0, y.0, x.1, y.1)
    }

    /// The first and the number of the input pixels that output pixels are made of.
    fn span(self, start: u32, len: u32, input: u32, output: u32) -> (u32, u32) {
        let first = self.filter.span(start, input, output).start;
        let end = self.filter.span(start + len.max(1) - 1, input, output).end;
        let number = |place| u32::try_from(place).unwrap_or(u32::MAX);
        (number(first), number(end - first))
    }

    /// Whether each pixel is the mean of 2 × 2 pixels of the input.
    fn halves(self, input: Layout) -> bool {
        let (width, height) = self.size;
        let is_half = |half: u32, side: u32| half.checked_mul(2) == Some(side);
        self.filter == Resampling::Area
            && is_half(width, input.width)
            && is_half(height, input.height)
    }

    /// Fills `out` from the input.
    pub(super) fn render(
        self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        dispatch!(out.sample_type(), T => self.render_as::<T>(input, out, ctx))
    }

    fn render_as<T: Halve>(
        self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let (image, region) = (input.image(), out.region());
        let source = self.footprint(region, image);
        let plane = input.crop(source).typed::<T>()?;
        let taps =
            |start, len, input, output| Taps { filter: self.filter, start, len, input, output };
        let columns = taps(self.origin.0 + region.x, region.width, image.width, self.size.0);
        let rows = taps(self.origin.1 + region.y, region.height, image.height, self.size.1);
        // Tiles below each other have their columns in common.
        let key = (columns, plane.channels());
        let make = || columns.table().along_rows(plane.channels());
        let columns = if columns.bytes() > TABLE {
            Rc::new(make())
        } else {
            ctx.scratch(|scratch| scratch.table(&key, make))
        };
        let rows = rows.table();
        let is_light = self.mixing == Mixing::Light && image.color == ColorSpace::Srgb;
        let mix = Mix { source, columns: &columns, rows: &rows, is_light };
        let samples: Vec<&[T]> = plane.rows().collect();
        if self.filter == Resampling::Nearest {
            return mix.pick(&samples, out, ctx);
        }
        if !image.has_alpha() && !is_light && self.halves(image) {
            let channels = plane.channels();
            for (pair, (_, out)) in samples.as_chunks::<2>().0.iter().zip(out.rows::<T>()?) {
                ctx.check()?;
                halve(*pair, channels, out);
            }
            return Ok(());
        }
        if !image.has_alpha() && !is_light {
            return mix.render::<T, T>(&samples, out, ctx);
        }
        let (channels, alpha) = (plane.channels(), image.has_alpha());
        let row_len = source.width as usize * channels;
        let light = is_light.then(Light::new::<T>);
        ctx.scratch(|scratch| {
            scratch.samples::<f32, _>(row_len * source.height as usize, |colors, _| {
                for (colors, row) in colors.chunks_exact_mut(row_len).zip(samples) {
                    ctx.check()?;
                    match &light {
                        None => premultiply(row, channels, colors),
                        Some(light) => {
                            light.of(row, channels, alpha, colors);
                            if alpha {
                                premultiply_floats(colors, channels, T::WHITE);
                            }
                        }
                    }
                }
                let colors: Vec<&[f32]> = colors.chunks_exact(row_len).collect();
                mix.render::<f32, T>(&colors, out, ctx)
            })
        })
    }
}

/// Bytes of the largest table that is kept for the next tile.
const TABLE: usize = 1 << 20;

/// What a table of taps is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Taps {
    filter: Resampling,
    /// The first output pixel, and how many there are.
    start: u32,
    len: u32,
    /// The pixels of the whole input and of the whole output.
    input: u32,
    output: u32,
}

impl Taps {
    fn table(self) -> TapTable {
        TapTable::new(self.filter, self.start..self.start + self.len, self.input, self.output)
    }

    /// About the bytes of its weights.
    fn bytes(self) -> usize {
        let middle = self.filter.span(self.output / 2, self.input, self.output);
        middle.len() * self.len as usize * size_of::<f32>()
    }
}

/// The taps of a region, and the input region that they lie in.
struct Mix<'a> {
    source: Region,
    columns: &'a TapTable,
    rows: &'a TapTable,
    /// Whether what is mixed is light, to be encoded.
    is_light: bool,
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
        let places: Vec<u32> = self.columns.firsts().map(|first| first - self.source.x).collect();
        for (taps, (_, out)) in self.rows.iter().zip(out.rows::<T>()?) {
            ctx.check()?;
            pick(samples[taps.first - self.source.y as usize], &places, channels, out);
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
        let lens = row_len + out_len + self.columns.memory(channels);
        ctx.scratch(|scratch| {
            scratch.samples::<f32, _>(lens, |memory, _| {
                let (sums, memory) = memory.split_at_mut(row_len);
                let (mixed, memory) = memory.split_at_mut(out_len);
                for (taps, (_, out)) in self.rows.iter().zip(out.rows::<U>()?) {
                    let window = &samples[taps.first - top..taps.end() - top];
                    let block = neighborhood::block(window.len());
                    for (place, sums) in sums.chunks_mut(block).enumerate() {
                        ctx.check()?;
                        part.clear();
                        part.extend(window.iter().map(|row| &row[place * block..]));
                        vertical(&part, taps.weights, sums);
                    }
                    let is_finite = U::TYPE != SampleType::F32 || all_finite(sums);
                    let row = MixedRow { sums, stored: left, channels, is_finite };
                    row.blend(self.columns, memory, mixed);
                    if alpha {
                        unpremultiply(mixed, channels, U::WHITE);
                    }
                    if self.is_light {
                        encode(mixed, channels, alpha, U::WHITE);
                    }
                    nearest_row(mixed, out);
                }
                Ok(())
            })
        })
    }
}
