//! Encoded samples and the light that they stand for (IEC 61966-2-1, sRGB).

use pipeline_core::{Sample, SampleType};

use super::power::power;

/// The light of encoded samples, white being as white as before.
///
/// 8-bit samples go through a table of 256 entries; the result is the same.
#[derive(Debug)]
pub(crate) struct Light {
    table: Vec<f32>,
}

impl Light {
    /// The light of samples of type `T`.
    #[must_use]
    pub(crate) fn new<T: Sample>() -> Self {
        let levels = if T::TYPE == SampleType::U8 { 256 } else { 0 };
        let table = (0..levels).map(|sample| light(sample as f32 / T::WHITE) * T::WHITE).collect();
        Self { table }
    }

    /// Fills `out` with the light of a row of the type it was made for; alpha is copied.
    pub(crate) fn of<T: Sample>(&self, row: &[T], channels: usize, alpha: bool, out: &mut [f32]) {
        let colors = channels - usize::from(alpha);
        for (out, pixel) in out.chunks_exact_mut(channels).zip(row.chunks_exact(channels)) {
            for (out, sample) in out.iter_mut().zip(pixel).take(colors) {
                let sample = sample.to_f32();
                // Where there is a table, the sample is one of its whole numbers.
                *out = match self.table.get(sample as usize) {
                    Some(&light) => light,
                    None => light(sample / T::WHITE) * T::WHITE,
                };
            }
            out[colors..].iter_mut().zip(&pixel[colors..]).for_each(|(out, a)| *out = a.to_f32());
        }
    }
}

/// Encodes a row of light in place; alpha is left alone.
pub(crate) fn encode(row: &mut [f32], channels: usize, alpha: bool, white: f32) {
    let colors = channels - usize::from(alpha);
    for pixel in row.chunks_exact_mut(channels) {
        for sample in &mut pixel[..colors] {
            *sample = encoded(*sample / white) * white;
        }
    }
}

/// The light of an encoded sample, both as shares of white.
#[must_use]
#[inline(always)]
pub(crate) fn light(share: f32) -> f32 {
    let (line, curve) = (share / 12.92, power((share + 0.055) / 1.055, 2.4));
    if share > 0.04045 { curve } else { line }
}

/// The encoded sample of some light, both as shares of white.
#[must_use]
#[inline(always)]
pub(crate) fn encoded(light: f32) -> f32 {
    let (line, curve) = (light * 12.92, 1.055 * power(light, 1.0 / 2.4) - 0.055);
    if light > 0.003_130_8 { curve } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn light_comes_back_encoded() {
        let samples: Vec<u8> = (0..=255).collect();
        let mut row = vec![0.0; 256];
        Light::new::<u8>().of(&samples, 1, false, &mut row);
        assert!((row[128] - 55.04).abs() < 0.01, "{}", row[128]);
        assert_eq!((row[0], row[255]), (0.0, 255.0));
        encode(&mut row, 1, false, 255.0);
        let back: Vec<u8> = row.into_iter().map(u8::from_f32).collect();
        assert_eq!(back, samples);
    }

    #[test]
    fn alpha_and_what_is_beyond_black_and_white_pass() {
        let mut row = [0.0; 4];
        Light::new::<f32>().of(&[-0.5f32, 0.3, 2.0, 0.7], 2, true, &mut row);
        assert_eq!((row[1], row[3]), (0.3, 0.7));
        encode(&mut row, 2, true, 1.0);
        assert!((row[0] + 0.5).abs() < 1e-6 && (row[2] - 2.0).abs() < 1e-5, "{row:?}");
    }
}
