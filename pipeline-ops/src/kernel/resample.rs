//! Resampling: which input pixels an output pixel is made of, and their weighted sums.
//!
//! Pixel centres lie at half integers. A filter that makes an image smaller is widened by the same
//! factor, so that every input pixel counts: this is what Pillow does and OpenCV does not.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::strides::Strides;

/// How new pixels are made from old ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resampling {
    /// The pixel whose centre is nearest. Makes no new values; for masks and label colours.
    Nearest,
    /// A triangle of radius 1: smooth, soft.
    Bilinear,
    /// The cubic of Catmull and Rom (a = -0.5), radius 2: sharper, overshoots a little at edges.
    CatmullRom,
    /// A sinc windowed by a sinc, radius 3: the sharpest, overshoots at edges.
    #[default]
    Lanczos3,
    /// The mean over the area that the output pixel covers: exact, for measurements.
    Area,
}

/// The input pixels that make up one output pixel along one axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Taps<'a> {
    /// The first input pixel.
    pub(crate) first: usize,
    /// The weights of it and those after it; they sum to 1.
    pub(crate) weights: &'a [f32],
}

impl Taps<'_> {
    /// The pixel after the last one.
    pub(crate) fn end(&self) -> usize {
        self.first + self.weights.len()
    }
}

/// The taps of some output pixels that follow each other, in two allocations for all.
#[derive(Debug, Default)]
pub(crate) struct TapTable {
    /// The first input pixel of each output pixel, and where its weights end.
    places: Vec<(usize, usize)>,
    weights: Vec<f32>,
    even: Even,
}

/// The pixels of a table whose weights are the same and whose taps begin `stride` pixels apart, if
/// that is more than one: all but those at the edges, where the input is a whole number of times as
/// large.
#[derive(Debug, Default)]
struct Even {
    pixels: Range<usize>,
    stride: usize,
}

impl TapTable {
    /// The taps of pixels `range` of `output` pixels over `input` pixels.
    pub(crate) fn new(filter: Resampling, range: Range<u32>, input: u32, output: u32) -> Self {
        let mut table = Self::default();
        let mut exact = Vec::new();
        // Then the distances are exact, and where nothing is cut off the weights repeat.
        let is_whole = input.is_multiple_of(output);
        let stride = (input / output) as usize;
        let mut before = 0..0;
        for at in range {
            let span = filter.span(at, input, output);
            let moved = before.start + stride..before.end + stride;
            before = span.clone();
            if is_whole && span == moved && !table.places.is_empty() {
                table.weights.extend_from_within(table.weights.len() - span.len()..);
                table.places.push((span.start, table.weights.len()));
                continue;
            }
            exact.clear();
            filter.weigh(at, input, output, span.clone(), &mut exact);
            let sum: f64 = exact.iter().sum();
            table.weights.extend(exact.iter().map(|weight| (weight / sum) as f32));
            table.places.push((span.start, table.weights.len()));
        }
        table.even = table.find_even();
        table
    }

    /// The taps of each pixel.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Taps<'_>> {
        self.part(0..self.places.len())
    }

    fn part(&self, pixels: Range<usize>) -> impl Iterator<Item = Taps<'_>> {
        pixels.map(|at| self.at(at))
    }

    fn at(&self, pixel: usize) -> Taps<'_> {
        let start = if pixel == 0 { 0 } else { self.places[pixel - 1].1 };
        let (first, end) = self.places[pixel];
        Taps { first, weights: &self.weights[start..end] }
    }

    fn find_even(&self) -> Even {
        let middle = self.places.len() / 2;
        if middle == 0 {
            return Even::default();
        }
        let stride = self.places[middle].0 - self.places[middle - 1].0;
        if stride < 2 || !self.at(middle).weights.len().is_multiple_of(stride) {
            return Even::default();
        }
        let continues = |&pixel: &usize| {
            let (before, taps) = (self.at(pixel - 1), self.at(pixel));
            before.weights == taps.weights && before.first + stride == taps.first
        };
        let before = (1..=middle).rev().take_while(continues).count();
        let after = (middle + 1..self.places.len()).take_while(continues).count();
        Even { pixels: middle - before..middle + after + 1, stride }
    }

    /// How the even pixels of up to four channels are summed.
    fn strides(&self, channels: usize) -> Option<Strides<'_>> {
        let Even { pixels, stride } = &self.even;
        let weights = self.at(pixels.clone().next()?).weights;
        (channels <= 4).then_some(Strides { stride: *stride, channels, weights })
    }

    /// Numbers of working memory that [`blend_pixels`] needs.
    pub(crate) fn memory(&self, channels: usize) -> usize {
        self.strides(channels).map_or(0, |strides| strides.memory(self.even.pixels.len()))
    }
}

impl Resampling {
    /// The input pixels that pixel `at` of `output` pixels over `input` pixels is made of.
    pub(crate) fn span(self, at: u32, input: u32, output: u32) -> Range<usize> {
        let (at, input, output) = (u64::from(at), u64::from(input), u64::from(output));
        match self {
            Self::Nearest => {
                let first = ((2 * at + 1) * input / (2 * output)) as usize;
                first..first + 1
            }
            Self::Area => {
                let start = at * input;
                (start / output) as usize..(start + input).div_ceil(output) as usize
            }
            Self::Bilinear | Self::CatmullRom | Self::Lanczos3 => {
                let scale = input as f64 / output as f64;
                let centre = (at as f64 + 0.5) * scale;
                let reach = self.radius() * scale.max(1.0);
                let first = (centre - reach + 0.5).max(0.0) as usize;
                first..((centre + reach + 0.5) as usize).min(input as usize)
            }
        }
    }

    /// The weights of the pixels of a span, up to a factor.
    fn weigh(self, at: u32, input: u32, output: u32, span: Range<usize>, out: &mut Vec<f64>) {
        match self {
            Self::Nearest => out.push(1.0),
            Self::Area => {
                // The edges are fractions of `output`, so all lengths are whole numbers.
                let (start, output) = (u64::from(at) * u64::from(input), u64::from(output));
                let end = start + u64::from(input);
                out.extend(span.map(|pixel| {
                    let (left, right) = (pixel as u64 * output, (pixel as u64 + 1) * output);
                    (right.min(end) - left.max(start)) as f64
                }));
            }
            Self::Bilinear | Self::CatmullRom | Self::Lanczos3 => {
                let scale = f64::from(input) / f64::from(output);
                let (centre, stretch) = ((f64::from(at) + 0.5) * scale, scale.max(1.0));
                let weight = |pixel| self.weight((pixel as f64 - centre + 0.5) / stretch);
                out.extend(span.map(weight));
            }
        }
    }

    /// How far the filter reaches, in pixels of the smaller image.
    fn radius(self) -> f64 {
        match self {
            Self::Nearest | Self::Area => 0.5,
            Self::Bilinear => 1.0,
            Self::CatmullRom => 2.0,
            Self::Lanczos3 => 3.0,
        }
    }

    /// The filter's weight at a distance in pixels.
    fn weight(self, x: f64) -> f64 {
        let x = x.abs();
        match self {
            Self::Bilinear if x < 1.0 => 1.0 - x,
            Self::CatmullRom if x < 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
            Self::CatmullRom if x < 2.0 => ((2.5 - 0.5 * x) * x - 4.0) * x + 2.0,
            Self::Lanczos3 if x < 3.0 => sinc(x) * sinc(x / 3.0),
            _ => 0.0,
        }
    }
}

fn sinc(x: f64) -> f64 {
    let x = x * std::f64::consts::PI;
    if x == 0.0 { 1.0 } else { x.sin() / x }
}

/// The pass along a row: each pixel of `out` from its taps in `row`, whose first pixel is `stored`.
///
/// `memory` is working memory of [`TapTable::memory`].
pub(crate) fn blend_pixels(
    row: &[f32],
    stored: usize,
    channels: usize,
    taps: &TapTable,
    memory: &mut [f32],
    out: &mut [f32],
) {
    let each = |pixels: Range<usize>, out: &mut [f32]| {
        let taps = taps.part(pixels);
        match channels {
            1 => blend_fixed::<1>(row, stored, taps, out),
            2 => blend_fixed::<2>(row, stored, taps, out),
            3 => blend_fixed::<3>(row, stored, taps, out),
            4 => blend_fixed::<4>(row, stored, taps, out),
            _ => blend_any(row, stored, channels, taps, out),
        }
    };
    let all = taps.places.len();
    let Some(strides) = taps.strides(channels) else { return each(0..all, out) };
    let Range { start, end } = taps.even.pixels;
    let (before, out) = out.split_at_mut(start * channels);
    let (even, after) = out.split_at_mut((end - start) * channels);
    each(0..start, before);
    strides.sum(&row[(taps.places[start].0 - stored) * channels..], memory, even);
    each(end..all, after);
}

fn blend_fixed<'t, const C: usize>(
    row: &[f32],
    stored: usize,
    taps: impl Iterator<Item = Taps<'t>>,
    out: &mut [f32],
) {
    let (pixels, _) = row.as_chunks::<C>();
    let (out, _) = out.as_chunks_mut::<C>();
    for (out, taps) in out.iter_mut().zip(taps) {
        let mut sums = [0.0; C];
        for (pixel, weight) in pixels[taps.first - stored..].iter().zip(taps.weights) {
            for channel in 0..C {
                sums[channel] += weight * pixel[channel];
            }
        }
        *out = sums;
    }
}

fn blend_any<'t>(
    row: &[f32],
    stored: usize,
    channels: usize,
    taps: impl Iterator<Item = Taps<'t>>,
    out: &mut [f32],
) {
    for (pixel, taps) in out.chunks_exact_mut(channels).zip(taps) {
        let inputs = row[(taps.first - stored) * channels..].chunks_exact(channels);
        pixel.fill(0.0);
        for (input, weight) in inputs.zip(taps.weights) {
            pixel.iter_mut().zip(input).for_each(|(sum, sample)| *sum += weight * sample);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Resampling; 5] = [
        Resampling::Nearest,
        Resampling::Bilinear,
        Resampling::CatmullRom,
        Resampling::Lanczos3,
        Resampling::Area,
    ];

    #[test]
    fn taps_lie_within_the_input_and_sum_to_one() {
        for filter in ALL {
            for (input, output) in [(1, 1), (1, 7), (7, 1), (10, 3), (3, 10), (512, 200)] {
                let table = TapTable::new(filter, 0..output, input, output);
                assert_eq!(table.iter().count(), output as usize);
                for (at, taps) in (0..).zip(table.iter()) {
                    assert!(taps.end() <= input as usize && !taps.weights.is_empty());
                    assert!((taps.weights.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{taps:?}");
                    assert_eq!(filter.span(at, input, output), taps.first..taps.end());
                    let alone = TapTable::new(filter, at..at + 1, input, output);
                    assert_eq!(alone.iter().next(), Some(taps));
                }
            }
        }
    }

    #[test]
    fn the_same_size_changes_nothing() {
        for filter in ALL {
            let table = TapTable::new(filter, 5..6, 9, 9);
            let taps = table.iter().next().unwrap();
            let middle = 5 - taps.first;
            for (place, weight) in taps.weights.iter().enumerate() {
                let expected = if place == middle { 1.0 } else { 0.0 };
                assert!((weight - expected).abs() < 1e-6, "{filter:?} {taps:?}");
            }
        }
    }

    #[test]
    fn areas_are_exact() {
        let half = TapTable::new(Resampling::Area, 0..1, 4, 2);
        assert_eq!(half.iter().next(), Some(Taps { first: 0, weights: &[0.5, 0.5] }));
        let third = TapTable::new(Resampling::Area, 1..2, 4, 3);
        assert_eq!(third.iter().next(), Some(Taps { first: 1, weights: &[0.5, 0.5] }));
    }

    #[test]
    fn pixels_an_equal_step_apart_have_the_bits_of_any_others() {
        for filter in ALL {
            for (input, output) in [(600, 300), (601, 300), (240, 80), (70, 10), (8, 2), (512, 200)]
            {
                for channels in 1..=5 {
                    let range = output / 5..output;
                    let table = TapTable::new(filter, range.clone(), input, output);
                    let stored = filter.span(range.start, input, output).start;
                    let row: Vec<f32> = (0..(input as usize - stored) * channels)
                        .map(|n| (n * 7919 % 65_521) as f32 / 3.0)
                        .collect();
                    let mut out = vec![0.0; range.len() * channels];
                    let mut expected = out.clone();
                    let mut memory = vec![0.0; table.memory(channels)];
                    blend_pixels(&row, stored, channels, &table, &mut memory, &mut out);
                    blend_any(&row, stored, channels, table.iter(), &mut expected);
                    assert_eq!(out, expected, "{filter:?} {input} {output} {channels}");
                }
            }
        }
        let lanczos = TapTable::new(Resampling::Lanczos3, 0..300, 600, 300);
        assert_eq!(lanczos.even.pixels, 3..297, "all but those whose taps the edge cuts off");
    }
}
