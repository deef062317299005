//! Channels of some rows, put behind each other.

use pipeline_core::Sample;

use super::vector::widest;

/// Fills a row with the pixels of others, each with its number of channels.
pub(crate) fn merge<T: Sample>(rows: &[(&[T], usize)], out: &mut [T]) {
    match *rows {
        [(a, 1), (b, 1)] => woven([a, b], out),
        [(a, 1), (b, 1), (c, 1)] => woven([a, b, c], out),
        [(a, 1), (b, 1), (c, 1), (d, 1)] => woven([a, b, c, d], out),
        [(colors, 3), (alpha, 1)] => with_alpha(colors, alpha, out),
        _ => {
            let channels = rows.iter().map(|(_, channels)| channels).sum();
            let mut first = 0;
            for &(row, own) in rows {
                for channel in 0..own {
                    let samples = row.iter().skip(channel).step_by(own);
                    let places = out.iter_mut().skip(first + channel).step_by(channels);
                    places.zip(samples).for_each(|(out, &sample)| *out = sample);
                }
                first += own;
            }
        }
    }
}

/// Pixels that are made at a time: for a number that is known the compiler uses vectors.
const TOGETHER: usize = 64;

/// A channel from each row.
fn woven<T: Sample, const N: usize>(rows: [&[T]; N], out: &mut [T]) {
    let out = out.as_chunks_mut::<N>().0;
    widest(
        #[inline(always)]
        || {
            let (parts, rest) = out.as_chunks_mut::<TOGETHER>();
            let whole = parts.len() * TOGETHER;
            let ends = rows.map(|row| row.get(whole..).unwrap_or_default());
            let rows = rows.map(|row| row.as_chunks::<TOGETHER>().0);
            for (place, part) in parts.iter_mut().enumerate() {
                let samples = rows.map(|row| &row[place]);
                for (at, pixel) in part.iter_mut().enumerate() {
                    *pixel = samples.map(|row| row[at]);
                }
            }
            for (at, pixel) in rest.iter_mut().enumerate() {
                *pixel = ends.map(|row| row[at]);
            }
        },
    );
}

/// Three channels from one row and one from another.
fn with_alpha<T: Sample>(colors: &[T], alpha: &[T], out: &mut [T]) {
    let (colors, out) = (colors.as_chunks::<3>().0, out.as_chunks_mut::<4>().0);
    widest(
        #[inline(always)]
        || {
            for ((out, &[r, g, b]), &alpha) in out.iter_mut().zip(colors).zip(alpha) {
                *out = [r, g, b, alpha];
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T: Sample>(channels: &[usize], pixels: usize) {
        let sample = |row: usize, at: usize| T::from_f32(((row * 7 + at) % 251) as f32);
        let row =
            |(row, own): (usize, &usize)| (0..own * pixels).map(|at| sample(row, at)).collect();
        let rows: Vec<Vec<T>> = channels.iter().enumerate().map(row).collect();
        let pairs: Vec<_> = rows.iter().map(Vec::as_slice).zip(channels.iter().copied()).collect();
        let mut out = vec![T::default(); channels.iter().sum::<usize>() * pixels];
        merge(&pairs, &mut out);
        let expected: Vec<T> = (0..pixels)
            .flat_map(|at| pairs.iter().flat_map(move |(row, own)| &row[at * own..][..*own]))
            .copied()
            .collect();
        assert_eq!(out, expected, "{pixels} of {channels:?}");
    }

    #[test]
    fn pixels_have_the_channels_of_all_rows() {
        let numbers: [&[usize]; 8] =
            [&[1], &[1, 1], &[1, 1, 1], &[1, 1, 1, 1], &[3, 1], &[1, 3], &[4, 1], &[1, 1, 1, 1, 1]];
        for channels in numbers {
            for pixels in [1, TOGETHER - 1, TOGETHER, TOGETHER + 1, 150] {
                check::<u8>(channels, pixels);
                check::<u16>(channels, pixels);
                check::<f32>(channels, pixels);
            }
        }
    }
}
