//! Samples between the pixels of an image, anywhere on the plane.

use pipeline_core::Sample;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Border;
use super::transform::Places;

/// How a sample between pixels is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// The pixel in whose square it lies. Makes no new values, as images of labels need.
    Nearest,
    /// A triangle of radius 1, over 2 × 2 pixels: smooth, soft.
    #[default]
    Bilinear,
    /// The cubic of Catmull and Rom (a = -0.5), over 4 × 4 pixels: sharper, overshoots a little at
    /// edges.
    CatmullRom,
}

impl Sampling {
    /// Pixels on each side of a place that its sample may be made of.
    pub(crate) const fn reach(self) -> u32 {
        match self {
            Self::Nearest | Self::Bilinear => 1,
            Self::CatmullRom => 2,
        }
    }
}

/// A part of an image, to be sampled at places of the whole.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field<'a, T> {
    /// The stored pixels, from the first to the last.
    pub(crate) samples: &'a [T],
    /// Samples from the start of one row to the start of the next.
    pub(crate) stride: usize,
    /// The image column and row of the first stored pixel.
    pub(crate) origin: (usize, usize),
    /// The width and height of the image.
    pub(crate) size: (usize, usize),
    /// Samples of one pixel.
    pub(crate) channels: usize,
    /// Whether the last of them is opacity.
    pub(crate) alpha: bool,
    pub(crate) border: Border,
    /// A pixel of the border, where that is a constant.
    pub(crate) constant: &'a [T],
}

impl<'a, T: Sample> Field<'a, T> {
    /// Fills the pixels of `out` with the samples at `places`, pixel centres being half integers.
    ///
    /// # Panics
    /// If a pixel that a sample is made of lies beyond those that are stored.
    pub(crate) fn sample(&self, filter: Sampling, places: Places<'_>, out: &mut [T]) {
        match filter {
            Sampling::Nearest => self.pick(places, out),
            Sampling::Bilinear if !self.alpha && self.channels == 1 => {
                self.bilinear::<1>(places, out);
            }
            Sampling::Bilinear if !self.alpha && self.channels == 3 => {
                self.bilinear::<3>(places, out);
            }
            Sampling::Bilinear => self.channels::<2>(triangle, places, out),
            Sampling::CatmullRom => self.channels::<4>(cubic, places, out),
        }
    }

    fn pick(&self, places: Places<'_>, out: &mut [T]) {
        for (out, (u, v)) in out.chunks_exact_mut(self.channels).zip(places.iter()) {
            let column = self.border.place(floor(u), self.size.0);
            let row = self.border.place(floor(v), self.size.1);
            out.copy_from_slice(self.pixel(column, row));
        }
    }

    /// The pixel at a place of the image, or that of the border.
    fn pixel(&self, column: Option<usize>, row: Option<usize>) -> &'a [T] {
        match (column, row) {
            (Some(column), Some(row)) => {
                let start = self.start(column, row);
                &self.samples[start..start + self.channels]
            }
            _ => self.constant,
        }
    }

    /// Where the samples of a stored pixel begin.
    #[inline(always)]
    fn start(&self, column: usize, row: usize) -> usize {
        (row - self.origin.1) * self.stride + (column - self.origin.0) * self.channels
    }

    /// Mixes up to four channels at a time.
    pub(super) fn channels<const N: usize>(
        &self,
        weigh: impl Fn(f32) -> [f32; N] + Copy,
        places: Places<'_>,
        out: &mut [T],
    ) {
        // With the stride as a literal, the places of all samples of a pixel are known.
        match self.channels {
            1 => self.mix::<N, 1>((1, 0), weigh, places, out),
            2 => self.mix::<N, 2>((2, 0), weigh, places, out),
            3 => self.mix::<N, 3>((3, 0), weigh, places, out),
            4 => self.mix::<N, 4>((4, 0), weigh, places, out),
            many => {
                let mut first = 0;
                while first + 4 <= many {
                    self.mix::<N, 4>((many, first), weigh, places, out);
                    first += 4;
                }
                (first..many).for_each(|at| self.mix::<N, 1>((many, at), weigh, places, out));
            }
        }
    }

    /// Channels from `first` on, each from `N` × `N` pixels that lie `apart` samples apart.
    #[inline(always)]
    fn mix<const N: usize, const C: usize>(
        &self,
        (apart, first): (usize, usize),
        weigh: impl Fn(f32) -> [f32; N],
        places: Places<'_>,
        out: &mut [T],
    ) {
        let before = N / 2 - 1;
        let inside = |start: i64, len: usize| start >= 0 && start as usize + N <= len;
        for (out, (u, v)) in out.chunks_exact_mut(apart).zip(places.iter()) {
            let (x, y) = (floor(u - 0.5), floor(v - 0.5));
            let (right, down) = ((u - 0.5 - x as f64) as f32, (v - 0.5 - y as f64) as f32);
            let (column, row) = (x - before as i64, y - before as i64);
            let out = &mut out[first..first + C];
            let mut around = [[[0.0f32; C]; N]; N];
            if inside(column, self.size.0) && inside(row, self.size.1) {
                let start = self.start(column as usize, row as usize) + first;
                for (row, around) in around.iter_mut().enumerate() {
                    let part = &self.samples[start + row * self.stride..][..(N - 1) * apart + C];
                    for (at, pixel) in around.iter_mut().enumerate() {
                        *pixel = floats(&part[at * apart..]);
                    }
                }
            } else {
                for (row, around) in (row..).zip(&mut around) {
                    let row = self.border.place(row, self.size.1);
                    for (column, pixel) in (column..).zip(around) {
                        let column = self.border.place(column, self.size.0);
                        *pixel = floats(&self.pixel(column, row)[first..]);
                    }
                }
            }
            // At its centre a pixel is itself, whatever its neighbours are and however transparent.
            let sums = if right == 0.0 && down == 0.0 {
                around[before][before]
            } else {
                weighted(&around, (weigh(right), weigh(down)), self.alpha)
            };
            out.iter_mut().zip(sums).for_each(|(out, sum)| *out = T::from_f32(sum));
        }
    }
}

/// The first samples of a slice as floats.
#[inline(always)]
fn floats<T: Sample, const C: usize>(samples: &[T]) -> [f32; C] {
    let samples = &samples[..C];
    std::array::from_fn(|channel| samples[channel].to_f32())
}

/// The weighted sums of `N` × `N` pixels; colours count by their alpha.
#[inline(always)]
fn weighted<const N: usize, const C: usize>(
    around: &[[[f32; C]; N]; N],
    (across, down): ([f32; N], [f32; N]),
    alpha: bool,
) -> [f32; C] {
    let mut sums = [0.0f32; C];
    for (row, down) in around.iter().zip(down) {
        let mut part = [0.0f32; C];
        for (pixel, weight) in row.iter().zip(across) {
            let last = pixel[C - 1];
            let color = if alpha { weight * last } else { weight };
            // Not with a weight of 0, which would spread NaN that nobody sees.
            let is_hidden = alpha && last == 0.0;
            for channel in 0..C - 1 {
                part[channel] += if is_hidden { 0.0 } else { color * pixel[channel] };
            }
            // Opacity itself counts by its weight alone, as everything does without opacity.
            part[C - 1] += weight * last;
        }
        for channel in 0..C {
            sums[channel] += down * part[channel];
        }
    }
    if alpha {
        let opacity = sums[C - 1];
        let factor = if opacity > 0.0 { 1.0 / opacity } else { 0.0 };
        sums[..C - 1].iter_mut().for_each(|sum| *sum *= factor);
    }
    sums
}

/// The whole number below `place`. The function of the same name is a call on processors of the
/// oldest kind, and four of them per pixel take longer than all the rest.
fn floor(place: f64) -> i64 {
    let toward_zero = place as i64;
    toward_zero - i64::from(toward_zero as f64 > place)
}

pub(super) fn triangle(t: f32) -> [f32; 2] {
    [1.0 - t, t]
}

/// The cubic of Catmull and Rom over pixels at -1, 0, 1 and 2.
fn cubic(t: f32) -> [f32; 4] {
    [
        ((1.0 - 0.5 * t) * t - 0.5) * t,
        (1.5 * t - 2.5) * t * t + 1.0,
        ((2.0 - 1.5 * t) * t + 0.5) * t,
        (0.5 * t - 0.5) * t * t,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An image of the given width, all of it stored.
    fn field<'a, T>(samples: &'a [T], width: usize, channels: usize) -> Field<'a, T> {
        let stride = width * channels;
        Field {
            samples,
            stride,
            origin: (0, 0),
            size: (width, samples.len() / stride),
            channels,
            alpha: channels == 2 || channels == 4,
            border: Border::Replicate,
            constant: &[],
        }
    }

    fn sample<T: Sample>(field: Field<'_, T>, filter: Sampling, places: &[(f64, f64)]) -> Vec<T> {
        let (u, v): (Vec<f64>, Vec<f64>) = places.iter().copied().unzip();
        let mut out = vec![T::default(); places.len() * field.channels];
        field.sample(filter, Places { u: &u, v: &v }, &mut out);
        out
    }

    #[test]
    fn weights_sum_to_one_and_are_those_of_the_pixel_at_its_centre() {
        for t in [0.0, 0.1, 0.25, 0.5, 0.9] {
            assert!((cubic(t).iter().sum::<f32>() - 1.0).abs() < 1e-6);
            assert!((triangle(t).iter().sum::<f32>() - 1.0).abs() < 1e-6);
        }
        assert_eq!(cubic(0.0), [0.0, 1.0, 0.0, 0.0]);
        assert_eq!(cubic(0.5), [-0.0625, 0.5625, 0.5625, -0.0625]);
    }

    #[test]
    fn a_place_at_a_centre_is_its_pixel_whatever_is_beside_it() {
        let samples = [1.0, f32::NAN, f32::INFINITY, 4.0];
        let border = Border::Constant(9.0);
        let field = Field { border, constant: &[9.0], ..field(&samples, 2, 1) };
        for filter in [Sampling::Nearest, Sampling::Bilinear, Sampling::CatmullRom] {
            let out = sample(field, filter, &[(0.5, 0.5), (1.5, 1.5), (-7.5, 0.5)]);
            assert_eq!(out, [1.0, 4.0, 9.0], "{filter:?}");
        }
    }

    #[test]
    fn what_is_transparent_does_not_show_between_pixels() {
        let field = field(&[255u8, 0, 100, 200], 2, 2);
        assert_eq!(sample(field, Sampling::Bilinear, &[(1.0, 0.5)]), [100, 100]);
    }

    #[test]
    fn channels_beyond_four_are_mixed_like_the_first() {
        let samples = [0u16, 10, 20, 30, 40, 50, 10, 20, 30, 40, 50, 60];
        let out = sample(field(&samples, 2, 6), Sampling::Bilinear, &[(1.0, 0.5)]);
        assert_eq!(out, [5, 15, 25, 35, 45, 55]);
    }

    #[test]
    fn what_is_stored_may_be_a_part_with_gaps_between_its_rows() {
        // Of an image of 9 × 9, the pixels from (3, 2) on, two of each row, and one that is not
        // seen.
        let samples = [10u8, 20, 99, 30, 40, 99, 50, 60];
        let part = Field { stride: 3, origin: (3, 2), size: (9, 9), ..field(&samples, 2, 1) };
        let nearest = sample(part, Sampling::Nearest, &[(3.5, 2.5), (4.5, 3.5), (3.5, 4.5)]);
        assert_eq!(nearest, [10, 40, 50]);
        let mixed = sample(part, Sampling::Bilinear, &[(3.5, 2.5), (4.0, 3.0), (4.0, 4.0)]);
        assert_eq!(mixed, [10, 25, 45]);
    }

    #[test]
    fn samples_of_many_places_have_the_bits_of_single_ones() {
        fn check<T: Sample>(channels: usize, border: Border, value: impl Fn(u32) -> T) {
            let samples: Vec<T> = (0..(90 * 70 * channels) as u32)
                .map(|n| value(n.wrapping_mul(40_503) >> 3))
                .collect();
            let constant = match border {
                Border::Constant(value) => vec![T::from_f32(value); channels],
                _ => vec![T::default(); channels],
            };
            let field = field(&samples, 90, channels);
            let field = Field { alpha: false, border, constant: &constant, ..field };
            for start in [(5.0, 5.0), (10.5, 20.5), (-3.0, 8.0), (200.0, 9.0), (60.0, -300.0)] {
                for step in [(0.0, 0.0), (1.0, 0.0), (0.956, 0.292), (-0.3, 0.7)] {
                    let place = |at: u32| {
                        let at = f64::from(at);
                        (start.0 + step.0 * at, start.1 + step.1 * at)
                    };
                    let places: Vec<(f64, f64)> = (0..77).map(place).collect();
                    let many = sample(field, Sampling::Bilinear, &places);
                    let (u, v): (Vec<f64>, Vec<f64>) = places.into_iter().unzip();
                    let mut single = many.clone();
                    field.channels::<2>(triangle, Places { u: &u, v: &v }, &mut single);
                    assert_eq!(
                        bytemuck::cast_slice::<T, u8>(&many),
                        bytemuck::cast_slice::<T, u8>(&single)
                    );
                }
            }
        }
        let constants = [Border::Constant(0.0), Border::Constant(77.0)];
        for border in [Border::Replicate, Border::Wrap].into_iter().chain(constants) {
            for channels in [1, 2, 3] {
                check(channels, border, |n| n as u8);
                check(channels, border, |n| n as u16);
                check(channels, border, |n| n as f32 / 7.0);
            }
        }
    }
}
