//! Resampling: which input pixels an output pixel is made of, and their weighted sums.
//!
//! Pixel centres lie at half integers. A filter that makes an image smaller is widened by the same
//! factor, so that every input pixel counts: this is what Pillow does and OpenCV does not.

use pipeline_core::Sample;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How new pixels are made from old ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
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
#[derive(Debug, Clone, PartialEq)]
pub struct Taps {
    /// The first input pixel.
    pub first: usize,
    /// The weights of it and those after it; they sum to 1.
    pub weights: Vec<f32>,
}

impl Taps {
    /// The pixel after the last one.
    #[must_use]
    pub fn end(&self) -> usize {
        self.first + self.weights.len()
    }
}

impl Filter {
    /// The taps of pixel `at` of `output` pixels over `input` pixels.
    #[must_use]
    pub fn taps(self, at: u32, input: u32, output: u32) -> Taps {
        let scale = f64::from(input) / f64::from(output);
        let centre = (f64::from(at) + 0.5) * scale;
        let radius = match self {
            Self::Nearest => {
                let first = (2 * u64::from(at) + 1) * u64::from(input) / (2 * u64::from(output));
                return Taps { first: first as usize, weights: vec![1.0] };
            }
            Self::Area => return area(at, input, output),
            Self::Bilinear => 1.0,
            Self::CatmullRom => 2.0,
            Self::Lanczos3 => 3.0,
        };
        let stretch = scale.max(1.0);
        let first = (centre - radius * stretch + 0.5).max(0.0) as usize;
        let end = ((centre + radius * stretch + 0.5) as usize).min(input as usize);
        let weight = |pixel| self.weight((pixel as f64 - centre + 0.5) / stretch);
        normalised(first, (first..end).map(weight).collect())
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

/// The pixels under `at · scale .. (at + 1) · scale`, each with the length that is covered. The
/// edges are fractions of `output`, so all lengths are whole numbers.
fn area(at: u32, input: u32, output: u32) -> Taps {
    let (start, output) = (u64::from(at) * u64::from(input), u64::from(output));
    let end = start + u64::from(input);
    let first = start / output;
    let weight = |pixel: u64| {
        let (left, right) = (pixel * output, (pixel + 1) * output);
        (right.min(end) - left.max(start)) as f64
    };
    normalised(first as usize, (first..end.div_ceil(output)).map(weight).collect())
}

fn normalised(first: usize, weights: Vec<f64>) -> Taps {
    let sum: f64 = weights.iter().sum();
    Taps { first, weights: weights.into_iter().map(|weight| (weight / sum) as f32).collect() }
}

/// `sums[i] = Σ weights[k] · rows[k][i]`, the pass along columns.
pub fn blend_rows<T: Sample>(rows: &[&[T]], weights: &[f32], sums: &mut [f32]) {
    super::convolve::vertical(rows, weights, sums);
}

/// The pass along a row: each pixel of `out` from its taps in `row`, whose first pixel is `stored`.
pub fn blend_pixels(row: &[f32], stored: usize, channels: usize, taps: &[Taps], out: &mut [f32]) {
    match channels {
        1 => blend_fixed::<1>(row, stored, taps, out),
        2 => blend_fixed::<2>(row, stored, taps, out),
        3 => blend_fixed::<3>(row, stored, taps, out),
        4 => blend_fixed::<4>(row, stored, taps, out),
        _ => {
            for (pixel, taps) in out.chunks_exact_mut(channels).zip(taps) {
                let inputs = row[(taps.first - stored) * channels..].chunks_exact(channels);
                pixel.fill(0.0);
                for (input, weight) in inputs.zip(&taps.weights) {
                    pixel.iter_mut().zip(input).for_each(|(sum, sample)| *sum += weight * sample);
                }
            }
        }
    }
}

fn blend_fixed<const C: usize>(row: &[f32], stored: usize, taps: &[Taps], out: &mut [f32]) {
    let (pixels, _) = row.as_chunks::<C>();
    let (out, _) = out.as_chunks_mut::<C>();
    for (out, taps) in out.iter_mut().zip(taps) {
        let mut sums = [0.0; C];
        for (pixel, weight) in pixels[taps.first - stored..].iter().zip(&taps.weights) {
            for channel in 0..C {
                sums[channel] += weight * pixel[channel];
            }
        }
        *out = sums;
    }
}

/// Multiplies the colours of a row by their alpha, the last channel, as a share of white.
pub fn premultiply<T: Sample>(row: &[T], channels: usize, out: &mut [f32]) {
    for (out, pixel) in out.chunks_exact_mut(channels).zip(row.chunks_exact(channels)) {
        let alpha = pixel[channels - 1].to_f32();
        let share = alpha / T::WHITE;
        out.iter_mut().zip(pixel).for_each(|(out, sample)| *out = sample.to_f32() * share);
        out[channels - 1] = alpha;
    }
}

/// Divides the colours of a row by their alpha again; colours of no opacity become 0.
pub fn unpremultiply(row: &mut [f32], channels: usize, white: f32) {
    for pixel in row.chunks_exact_mut(channels) {
        let alpha = pixel[channels - 1];
        let factor = if alpha > 0.0 { white / alpha } else { 0.0 };
        pixel[..channels - 1].iter_mut().for_each(|sample| *sample *= factor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Filter; 5] =
        [Filter::Nearest, Filter::Bilinear, Filter::CatmullRom, Filter::Lanczos3, Filter::Area];

    #[test]
    fn taps_lie_within_the_input_and_sum_to_one() {
        for filter in ALL {
            for (input, output) in [(1, 1), (1, 7), (7, 1), (10, 3), (3, 10), (512, 200)] {
                for at in 0..output {
                    let taps = filter.taps(at, input, output);
                    assert!(taps.end() <= input as usize && !taps.weights.is_empty());
                    assert!((taps.weights.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{taps:?}");
                }
            }
        }
    }

    #[test]
    fn the_same_size_changes_nothing() {
        for filter in ALL {
            let taps = filter.taps(5, 9, 9);
            let middle = 5 - taps.first;
            for (place, weight) in taps.weights.iter().enumerate() {
                let expected = if place == middle { 1.0 } else { 0.0 };
                assert!((weight - expected).abs() < 1e-6, "{filter:?} {taps:?}");
            }
        }
    }

    #[test]
    fn areas_are_exact() {
        assert_eq!(Filter::Area.taps(0, 4, 2), Taps { first: 0, weights: vec![0.5, 0.5] });
        let third = Filter::Area.taps(1, 4, 3);
        assert_eq!(third.first, 1);
        assert_eq!(third.weights, [0.5, 0.5]);
    }
}
