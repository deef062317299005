//! Opacity, the last channel of a pixel: kept, multiplied in and taken out again.

use std::borrow::Cow;

use pipeline_core::Sample;

use super::map::Pixel;

/// The samples of a row without its alpha.
pub(crate) fn colors<T: Sample>(row: &[T], pixel: Pixel) -> Cow<'_, [T]> {
    if !pixel.alpha {
        return Cow::Borrowed(row);
    }
    let pixels = row.chunks_exact(pixel.channels);
    Cow::Owned(pixels.flat_map(|pixel| &pixel[..pixel.len() - 1]).copied().collect())
}

/// Copies the alpha of a row, at full scale where the sample type changes: opaque stays opaque.
pub(crate) fn copy_alpha<T: Sample, U: Sample>(input: &[T], channels: usize, out: &mut [U]) {
    let alphas = input.iter().skip(channels - 1).step_by(channels);
    let places = out.iter_mut().skip(channels - 1).step_by(channels);
    // Of one type to itself, what a share of white loses is rounded away again.
    places.zip(alphas).for_each(|(out, alpha)| {
        *out = U::from_f32(alpha.to_f32() / T::WHITE * U::WHITE);
    });
}

/// Multiplies the colours of a row by their alpha, as a share of white.
pub(crate) fn premultiply<T: Sample>(row: &[T], channels: usize, out: &mut [f32]) {
    for (out, pixel) in out.chunks_exact_mut(channels).zip(row.chunks_exact(channels)) {
        let alpha = pixel[channels - 1].to_f32();
        let share = alpha / T::WHITE;
        out.iter_mut().zip(pixel).for_each(|(out, sample)| *out = sample.to_f32() * share);
        out[channels - 1] = alpha;
    }
}

/// As [`premultiply`], for a row of floats whose white is `white`, in place.
pub(crate) fn premultiply_floats(row: &mut [f32], channels: usize, white: f32) {
    for pixel in row.chunks_exact_mut(channels) {
        let share = pixel[channels - 1] / white;
        pixel[..channels - 1].iter_mut().for_each(|sample| *sample *= share);
    }
}

/// Divides the colours of a row by their alpha again; colours of no opacity become 0.
pub(crate) fn unpremultiply(row: &mut [f32], channels: usize, white: f32) {
    for pixel in row.chunks_exact_mut(channels) {
        let alpha = pixel[channels - 1];
        let factor = if alpha > 0.0 { white / alpha } else { 0.0 };
        pixel[..channels - 1].iter_mut().for_each(|sample| *sample *= factor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opaque_stays_opaque_in_every_type() {
        let mut floats = [7.0f32; 4];
        copy_alpha(&[1u8, 255, 2, 51], 2, &mut floats);
        assert_eq!(floats, [7.0, 1.0, 7.0, 0.2]);
        let mut wide = [7u16; 2];
        copy_alpha(&[1u8, 255], 2, &mut wide);
        assert_eq!(wide, [7, 65535]);
        for alpha in 0..=u16::MAX {
            let mut same = [0u16];
            copy_alpha(&[alpha], 1, &mut same);
            assert_eq!(same, [alpha]);
        }
    }

    #[test]
    fn colours_survive_their_alpha_unless_it_is_none() {
        let mut row = [0.0; 4];
        premultiply(&[200u8, 51, 90, 0], 2, &mut row);
        unpremultiply(&mut row, 2, 255.0);
        assert!((row[0] - 200.0).abs() < 1e-3, "{row:?}");
        assert_eq!(row[1..], [51.0, 0.0, 0.0]);
    }
}
