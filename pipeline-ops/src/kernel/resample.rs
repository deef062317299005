//! Resampling: which input pixels an output pixel is made of, and their weighted sums.
//!
//! Pixel centres lie at half integers. A filter that makes an image smaller is widened by the same
//! factor, so that every input pixel counts: this is what Pillow does and OpenCV does not.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::equal_taps::EqualTaps;
use super::strides::Strides;
use super::vector::{Permuted, widest};

/// Taps of a pixel up to which those of the edge are filled up: more would cost more than they
/// save.
const MOST_EQUAL: usize = 16;

/// How new pixels are made from old ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resampling {
    /// The pixel whose centre is nearest. Makes no new values, as images of
    /// labels need.
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

/// The taps of some output pixels that follow each other, in three allocations for all.
#[derive(Debug, Default)]
pub(crate) struct TapTable {
    /// The first input pixel of each output pixel.
    firsts: Vec<u32>,
    /// The number of weights that are not there to fill up.
    counts: Vec<u32>,
    /// As many weights for each output pixel.
    weights: Vec<f32>,
    each: usize,
    even: Even,
    /// The same for rows of some channels, if they can be summed so.
    permuted: Option<Permuted>,
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
        let spans: Vec<_> = range.clone().map(|at| filter.span(at, input, output)).collect();
        let each = spans.iter().map(ExactSizeIterator::len).max().unwrap_or(0);
        let mut weights = vec![0.0; spans.len() * each];
        let mut exact = Vec::new();
        // Then the distances are exact, and where nothing is cut off the weights repeat.
        let is_whole = input.is_multiple_of(output);
        let stride = (input / output) as usize;
        for (place, (at, span)) in range.zip(&spans).enumerate() {
            let start = place * each;
            if is_whole && place > 0 {
                let before = &spans[place - 1];
                if *span == (before.start + stride..before.end + stride) {
                    weights.copy_within(start - each..start, start);
                    continue;
                }
            }
            exact.clear();
            filter.weigh(at, input, output, span.clone(), &mut exact);
            let sum: f64 = exact.iter().sum();
            let weights = weights[start..].iter_mut().zip(&exact);
            weights.for_each(|(to, weight)| *to = (weight / sum) as f32);
        }
        let firsts = spans.iter().map(|span| span.start as u32).collect();
        let counts = spans.iter().map(|span| span.len() as u32).collect();
        let (even, permuted) = (Even::default(), None);
        let mut table = Self { firsts, counts, weights, each, even, permuted };
        table.even = table.find_even();
        table
    }

    /// The same, made ready to be summed along rows of this many channels.
    pub(crate) fn along_rows(mut self, channels: usize) -> Self {
        let is_for_pixels = self.strides(channels).is_none() && channels <= 4;
        let equal = self.equal().filter(|_| is_for_pixels);
        self.permuted = equal.and_then(|taps| Permuted::of(taps, channels));
        self
    }

    /// The taps, if those of the edge are filled up.
    fn equal(&self) -> Option<EqualTaps<'_>> {
        let Self { firsts, weights, each, .. } = self;
        (*each <= MOST_EQUAL).then_some(EqualTaps { firsts, weights, each: *each })
    }

    /// The taps of each pixel.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Taps<'_>> {
        self.part(0..self.firsts.len())
    }

    /// The first input pixel of each pixel.
    pub(crate) fn firsts(&self) -> impl Iterator<Item = u32> {
        self.firsts.iter().copied()
    }

    fn part(&self, pixels: Range<usize>) -> impl Iterator<Item = Taps<'_>> {
        pixels.map(|at| self.at(at))
    }

    fn at(&self, pixel: usize) -> Taps<'_> {
        let weights = &self.weights[pixel * self.each..][..self.counts[pixel] as usize];
        Taps { first: self.firsts[pixel] as usize, weights }
    }

    fn find_even(&self) -> Even {
        let middle = self.firsts.len() / 2;
        if middle == 0 {
            return Even::default();
        }
        let stride = (self.firsts[middle] - self.firsts[middle - 1]) as usize;
        if stride < 2 || !self.at(middle).weights.len().is_multiple_of(stride) {
            return Even::default();
        }
        let continues = |&pixel: &usize| {
            let (before, taps) = (self.at(pixel - 1), self.at(pixel));
            before.weights == taps.weights && before.first + stride == taps.first
        };
        let before = (1..=middle).rev().take_while(continues).count();
        let after = (middle + 1..self.firsts.len()).take_while(continues).count();
        Even { pixels: middle - before..middle + after + 1, stride }
    }

    /// How the even pixels of up to four channels are summed.
    fn strides(&self, channels: usize) -> Option<Strides<'_>> {
        let Even { pixels, stride } = &self.even;
        let weights = self.at(pixels.clone().next()?).weights;
        (channels <= 4).then_some(Strides { stride: *stride, channels, weights })
    }

    /// Numbers of working memory that [`MixedRow::blend`] needs.
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

/// Whether no number is NaN or infinite.
pub(crate) fn all_finite(numbers: &[f32]) -> bool {
    const INFINITE: u32 = f32::INFINITY.to_bits();
    let largest = widest(
        #[inline(always)]
        || numbers.iter().fold(0, |largest, number| largest.max(number.abs().to_bits())),
    );
    largest < INFINITE
}

/// A row of sums of columns, to be summed along.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MixedRow<'a> {
    pub(crate) sums: &'a [f32],
    /// The place of its first pixel in the image.
    pub(crate) stored: usize,
    pub(crate) channels: usize,
    /// Whether no sum is NaN or infinite, so that a weight of 0 takes it away.
    pub(crate) is_finite: bool,
}

impl MixedRow<'_> {
    /// Makes each pixel of `out` from its taps. `memory` is working memory of [`TapTable::memory`].
    pub(crate) fn blend(self, taps: &TapTable, memory: &mut [f32], out: &mut [f32]) {
        let all = taps.firsts.len();
        let (before, after) = if let Some(strides) = taps.strides(self.channels) {
            let Range { start, end } = taps.even.pixels;
            let even = &mut out[start * self.channels..end * self.channels];
            let first = taps.firsts[start] as usize - self.stored;
            strides.sum(&self.sums[first * self.channels..], memory, even);
            (0..start, end..all)
        } else if self.is_finite
            && self.channels <= 4
            && let Some(equal) = taps.equal()
        {
            let permuted = taps.permuted.as_ref();
            let done = permuted.map_or(0, |taps| taps.sum(self.sums, self.stored, out));
            let rest = &mut out[done * self.channels..];
            let done = done + equal.after(done).sum(self.sums, self.stored, self.channels, rest);
            (0..0, done..all)
        } else {
            (0..0, 0..all)
        };
        for pixels in [before, after] {
            let out = &mut out[pixels.start * self.channels..pixels.end * self.channels];
            let (row, taps) = (self.sums, taps.part(pixels));
            match self.channels {
                1 => blend_fixed::<1>(row, self.stored, taps, out),
                2 => blend_fixed::<2>(row, self.stored, taps, out),
                3 => blend_fixed::<3>(row, self.stored, taps, out),
                4 => blend_fixed::<4>(row, self.stored, taps, out),
                channels => blend_any(row, self.stored, channels, taps, out),
            }
        }
    }
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
    fn one_number_that_is_none_is_found_anywhere() {
        for at in 0..40 {
            let mut numbers = [f32::MAX; 40];
            assert!(all_finite(&numbers));
            for odd in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                numbers[at] = odd;
                assert!(!all_finite(&numbers));
            }
        }
        assert!(all_finite(&[]) && all_finite(&[-0.0, f32::MIN_POSITIVE / 2.0]));
    }

    #[test]
    fn areas_are_exact() {
        let half = TapTable::new(Resampling::Area, 0..1, 4, 2);
        assert_eq!(half.iter().next(), Some(Taps { first: 0, weights: &[0.5, 0.5] }));
        let third = TapTable::new(Resampling::Area, 1..2, 4, 3);
        assert_eq!(third.iter().next(), Some(Taps { first: 1, weights: &[0.5, 0.5] }));
    }

    #[test]
    fn however_pixels_are_summed_the_bits_are_the_same() {
        for filter in ALL {
            let sizes = [
                (600, 300),
                (601, 300),
                (240, 80),
                (70, 10),
                (8, 2),
                (512, 200),
                (50, 45),
                (9, 31),
            ];
            for (input, output) in sizes {
                for channels in 1..=5 {
                    let range = output / 5..output;
                    let table = TapTable::new(filter, range.clone(), input, output);
                    let table = table.along_rows(channels);
                    let stored = filter.span(range.start, input, output).start;
                    let sums: Vec<f32> = (0..(input as usize - stored) * channels)
                        .map(|n| (n * 7919 % 65_521) as f32 / 3.0)
                        .collect();
                    let mut expected = vec![0.0; range.len() * channels];
                    blend_any(&sums, stored, channels, table.iter(), &mut expected);
                    for is_finite in [true, false] {
                        let row = MixedRow { sums: &sums, stored, channels, is_finite };
                        let mut out = vec![0.0; range.len() * channels];
                        let mut memory = vec![0.0; table.memory(channels)];
                        row.blend(&table, &mut memory, &mut out);
                        assert_eq!(out, expected, "{filter:?} {input} {output} {channels}");
                    }
                }
            }
        }
        let lanczos = TapTable::new(Resampling::Lanczos3, 0..300, 600, 300);
        assert_eq!(lanczos.even.pixels, 3..297, "all but those whose taps the edge cuts off");
    }
}
