//! Opacity, the last channel of a pixel: kept, multiplied in and taken out again.

use std::borrow::Cow;

use pipeline_core::Sample;

use super::map::Pixel;

/// The samples of a row without its alpha and what is not seen.
pub(crate) fn colors<T: Sample>(row: &[T], pixel: Pixel) -> Cow<'_, [T]> {
    if !pixel.alpha {
        return Cow::Borrowed(row);
    }
    let pixels = row.chunks_exact(pixel.channels);
    let seen = pixels.filter(|pixel| is_seen(pixel[pixel.len() - 1]));
    Cow::Owned(seen.flat_map(|pixel| &pixel[..pixel.len() - 1]).copied().collect())
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

/// Whether anything is seen of a pixel of this alpha.
pub(crate) fn is_seen<T: Sample>(alpha: T) -> bool {
    alpha.to_f32() > 0.0
}

/// Copies the alpha of a row, and pixels of which nothing is seen with all of their samples.
pub(crate) fn copy_unseen<T: Sample>(input: &[T], channels: usize, out: &mut [T]) {
    for (out, pixel) in out.chunks_exact_mut(channels).zip(input.chunks_exact(channels)) {
        let alpha = pixel[channels - 1];
        if is_seen(alpha) {
            out[channels - 1] = alpha;
        } else {
            out.copy_from_slice(pixel);
        }
    }
}

/// Copies the alpha of a row of which `out` holds measurements: of what is not seen there are none,
/// and 0 stands for them.
pub(crate) fn keep_seen<T: Sample, U: Sample>(input: &[T], channels: usize, out: &mut [U]) {
    copy_alpha(input, channels, out);
    for (out, pixel) in out.chunks_exact_mut(channels).zip(input.chunks_exact(channels)) {
        if !is_seen(pixel[channels - 1]) {
            out[..channels - 1].fill(U::default());
        }
    }
}

/// Makes the colours of pixels of which nothing is seen `color`.
pub(crate) fn color_unseen<T: Copy>(
    row: &mut [T],
    channels: usize,
    color: T,
    is_seen: impl Fn(T) -> bool,
) {
    for pixel in row.chunks_exact_mut(channels) {
        if !is_seen(pixel[channels - 1]) {
            pixel[..channels - 1].fill(color);
        }
    }
}

/// Completes weighted sums over colours that are multiplied by their alpha: what is missing from
/// `total`, the sum of the weights, is given to the colours of the pixels themselves.
pub(crate) fn complete_sums<T: Sample>(row: &[T], channels: usize, total: f32, sums: &mut [f32]) {
    for (sums, pixel) in sums.chunks_exact_mut(channels).zip(row.chunks_exact(channels)) {
        let missing = total - sums[channels - 1] / T::WHITE;
        // Infinity times nothing would be no number.
        if missing != 0.0 {
            let colors = sums[..channels - 1].iter_mut().zip(pixel);
            colors.for_each(|(sum, own)| *sum += own.to_f32() * missing);
        }
    }
}

/// Multiplies the colours of a row by their alpha, as a share of white. Where alpha is 0 they
/// become 0, whatever they are.
pub(crate) fn premultiply<T: Sample>(row: &[T], channels: usize, out: &mut [f32]) {
    for (out, pixel) in out.chunks_exact_mut(channels).zip(row.chunks_exact(channels)) {
        let alpha = pixel[channels - 1].to_f32();
        let share = alpha / T::WHITE;
        let weigh = |sample: T| if alpha == 0.0 { 0.0 } else { sample.to_f32() * share };
        out.iter_mut().zip(pixel).for_each(|(out, &sample)| *out = weigh(sample));
        out[channels - 1] = alpha;
    }
}

/// As [`premultiply`], for a row of floats whose white is `white`, in place.
pub(crate) fn premultiply_floats(row: &mut [f32], channels: usize, white: f32) {
    for pixel in row.chunks_exact_mut(channels) {
        let share = pixel[channels - 1] / white;
        let weigh = |sample: f32| if share == 0.0 { 0.0 } else { sample * share };
        pixel[..channels - 1].iter_mut().for_each(|sample| *sample = weigh(*sample));
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
    fn only_colours_that_are_seen_are_counted() {
        let pixel = Pixel { channels: 2, alpha: true };
        assert_eq!(*colors(&[7u8, 255, 8, 0, 9, 1], pixel), [7, 9]);
        let pixel = Pixel { channels: 2, alpha: false };
        assert_eq!(*colors(&[7u8, 255, 8, 0], pixel), [7, 255, 8, 0]);
    }

    #[test]
    fn colours_survive_their_alpha_unless_it_is_none() {
        let mut row = [0.0; 4];
        premultiply(&[200u8, 51, 90, 0], 2, &mut row);
        unpremultiply(&mut row, 2, 255.0);
        assert!((row[0] - 200.0).abs() < 1e-3, "{row:?}");
        assert_eq!(row[1..], [51.0, 0.0, 0.0]);
    }

    #[test]
    fn only_what_is_not_seen_gives_way() {
        let row = [7u8, 200, 9, 0];
        let mut out = [1u8; 4];
        copy_unseen(&row, 2, &mut out);
        assert_eq!(out, [1, 200, 9, 0]);
        let mut colored = row;
        color_unseen(&mut colored, 2, 255, is_seen);
        assert_eq!(colored, [7, 200, 255, 0]);
    }

    #[test]
    fn the_own_colour_stands_for_what_is_not_seen() {
        // Of three weights of 1, two fall on opaque pixels of 60 and one on one that is not seen.
        let mut sums = [120.0, 510.0];
        complete_sums(&[30u8, 255], 2, 3.0, &mut sums);
        assert_eq!(sums, [150.0, 510.0]);
    }
}
