//! From the samples of one colour profile to those of another.

use pipeline_core::{Sample, SampleType};

use super::color_table::Cube;
use super::map::Pixel;
use super::tone::{Encoding, Power, Tone};

/// How the light of the result is made from that of the input.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Mix {
    /// Gray stays gray.
    Same,
    /// Gray becomes the gray of three colours.
    Spread,
    /// Three colours become their weighted sum.
    Weigh([f32; 3]),
    /// Three colours become three others, a row of weights for each.
    Matrix([[f32; 3]; 3]),
}

/// Pixels that are taken beside each other, their colours apart.
const TOGETHER: usize = 64;

/// The way from one profile to another, ready to be applied to rows of one sample type.
#[derive(Debug)]
pub(crate) struct DeviceLink {
    cube: Option<Cube>,
    tones: Vec<Tone>,
    mix: Mix,
    curve: Power,
    /// The light of each sample of an integer type, a table for each tone.
    lights: Vec<Vec<f32>>,
    encoding: Option<Encoding>,
}

impl DeviceLink {
    /// A way through a cube, if there is one, then the tones, one for all colours or one for each,
    /// then the light is mixed and encoded by `curve`.
    #[must_use]
    pub(crate) fn new<T: Sample>(
        cube: Option<Cube>,
        tones: Vec<Tone>,
        mix: Mix,
        curve: Power,
    ) -> Self {
        let is_table = cube.is_none() && T::TYPE != SampleType::F32;
        let samples = if is_table { T::WHITE as u32 + 1 } else { 0 };
        let table =
            |tone: &Tone| (0..samples).map(|sample| tone.light(sample as f32 / T::WHITE)).collect();
        let lights = tones.iter().map(table).collect();
        let encoding = (T::TYPE != SampleType::F32).then(|| Encoding::new(&curve, T::WHITE));
        Self { cube, tones, mix, curve, lights, encoding }
    }

    /// Fills `out` from a row of the type it was made for; alpha is copied. The pixels are those
    /// that the mix takes and makes.
    pub(crate) fn row<T: Sample>(
        &self,
        (input, from): (&[T], Pixel),
        (out, to): (&mut [T], Pixel),
    ) {
        let mut colors = [[0.0; TOGETHER]; 3];
        let input = input.chunks(TOGETHER * from.channels);
        for (input, out) in input.zip(out.chunks_mut(TOGETHER * to.channels)) {
            let count = input.len() / from.channels;
            self.light(input, from, &mut colors);
            self.mix(&mut colors, count);
            for (channel, colors) in colors.iter().enumerate().take(of_colors(to)) {
                let places = out.iter_mut().skip(channel).step_by(to.channels);
                for (out, &light) in places.zip(colors) {
                    *out = T::from_f32(match &self.encoding {
                        Some(encoding) => encoding.of(light),
                        None => self.curve.share(light),
                    });
                }
            }
            if from.alpha && to.alpha {
                let alphas = input.iter().skip(from.channels - 1).step_by(from.channels);
                let places = out.iter_mut().skip(to.channels - 1).step_by(to.channels);
                places.zip(alphas).for_each(|(out, &alpha)| *out = alpha);
            }
        }
    }

    fn light<T: Sample>(&self, input: &[T], pixel: Pixel, colors: &mut [[f32; TOGETHER]; 3]) {
        for (channel, colors) in colors.iter_mut().enumerate().take(of_colors(pixel)) {
            let samples = input.iter().skip(channel).step_by(pixel.channels);
            let one = channel.min(self.tones.len() - 1);
            let (tone, lights) = (&self.tones[one], &self.lights[one]);
            for (out, sample) in colors.iter_mut().zip(samples) {
                let sample = sample.to_f32();
                // Where there is a table, the sample is one of its whole numbers.
                *out = match lights.get(sample as usize) {
                    Some(&light) => light,
                    None if self.cube.is_some() => sample / T::WHITE,
                    None => tone.light(sample),
                };
            }
        }
        if let Some(cube) = &self.cube {
            let [first, second, third] = colors;
            let pixels = first.iter_mut().zip(second).zip(third);
            for ((r, g), b) in pixels.take(input.len() / pixel.channels) {
                let shares = cube.at([*r, *g, *b]);
                let tone = |channel: usize| &self.tones[channel.min(self.tones.len() - 1)];
                [*r, *g, *b] = [0, 1, 2].map(|channel| tone(channel).light(shares[channel]));
            }
        }
    }

    fn mix(&self, colors: &mut [[f32; TOGETHER]; 3], count: usize) {
        let [first, second, third] = colors;
        let pixels = first.iter_mut().zip(second).zip(third).take(count);
        match &self.mix {
            Mix::Same => {}
            Mix::Spread => pixels.for_each(|((r, g), b)| (*g, *b) = (*r, *r)),
            Mix::Weigh(weights) => pixels.for_each(|((r, g), b)| *r = sum(weights, [*r, *g, *b])),
            Mix::Matrix(rows) => pixels.for_each(|((r, g), b)| {
                [*r, *g, *b] = [0, 1, 2].map(|row| sum(&rows[row], [*r, *g, *b]));
            }),
        }
    }
}

fn of_colors(pixel: Pixel) -> usize {
    pixel.channels - usize::from(pixel.alpha)
}

#[inline(always)]
fn sum(weights: &[f32; 3], [r, g, b]: [f32; 3]) -> f32 {
    weights[0] * r + weights[1] * g + weights[2] * b
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRAY: Pixel = Pixel { channels: 1, alpha: false };
    const RGBA: Pixel = Pixel { channels: 4, alpha: true };
    const RGB: Pixel = Pixel { channels: 3, alpha: false };

    fn link<T: Sample>(cube: Option<Cube>, mix: Mix) -> DeviceLink {
        let tones = vec![Tone::Power(Power::gamma(2.0))];
        DeviceLink::new::<T>(cube, tones, mix, Power::gamma(1.0))
    }

    #[test]
    fn the_mixes_take_and_make_their_colours() {
        let input = [0.5f32, 1.0, 0.0, 0.3];
        let mut gray = [0.0f32; 1];
        let weights = Mix::Weigh([0.5, 0.25, 0.25]);
        link::<f32>(None, weights).row((&input, RGBA), (&mut gray, GRAY));
        assert_eq!(gray, [0.375]);

        let mut swapped = [0.0f32; 4];
        let rows = Mix::Matrix([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]]);
        link::<f32>(None, rows).row((&input, RGBA), (&mut swapped, RGBA));
        assert_eq!(swapped, [1.0, 0.25, 0.0, 0.3]);

        let mut spread = [7.0f32; 3];
        link::<f32>(None, Mix::Spread).row((&[-0.5], GRAY), (&mut spread, RGB));
        assert_eq!(spread, [-0.25; 3]);
        let mut same = [0u8; 3];
        link::<u8>(None, Mix::Same).row((&[0, 128, 255], GRAY), (&mut same, GRAY));
        assert_eq!(same, [0, 64, 255]);
    }

    #[test]
    fn a_cube_stands_before_the_tones() {
        let corners = (0..8).map(|at| [at >> 2, at >> 1 & 1, at & 1].map(|bit| 1.0 - bit as f32));
        let inverted = || Cube::new(2, corners.clone().collect());
        let mut out = [0u16; 3];
        link::<u16>(inverted(), Mix::Matrix([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]))
            .row((&[0, 65535, 13107], RGB), (&mut out, RGB));
        assert_eq!(out, [65535, 0, 41942]);
    }

    #[test]
    fn a_row_of_any_width_is_done_to_its_end() {
        for width in [1, 63, 64, 65, 200] {
            let input: Vec<u8> = (0..width).map(|at| at as u8).collect();
            let mut out = vec![9u8; 3 * width];
            link::<u8>(None, Mix::Spread).row((&input, GRAY), (&mut out, RGB));
            let square = |at: usize| u8::from_f32((at * at) as f32 / 255.0);
            let expected: Vec<u8> = (0..width).flat_map(|at| [square(at); 3]).collect();
            assert_eq!(out, expected, "{width}");
        }
    }
}
