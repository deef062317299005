//! Channels of pixels, taken in any order.

use pipeline_core::Sample;

use super::vector::widest;

/// Fills the pixels of a row with the channels `taken` of another.
pub(crate) fn shuffle<T: Sample>(input: &[T], channels: usize, taken: &[u16], out: &mut [T]) {
    match (channels, taken) {
        (3, [0]) => one::<T, 3, 0>(input, out),
        (3, [1]) => one::<T, 3, 1>(input, out),
        (3, [2]) => one::<T, 3, 2>(input, out),
        (4, [0]) => one::<T, 4, 0>(input, out),
        (4, [1]) => one::<T, 4, 1>(input, out),
        (4, [2]) => one::<T, 4, 2>(input, out),
        (4, [3]) => one::<T, 4, 3>(input, out),
        (1, [_, _, _]) => repeat::<T, 3>(input, out),
        (1, [_, _, _, _]) => repeat::<T, 4>(input, out),
        (3, [_, _, _]) => each::<T, 3>(input, taken, out),
        (4, [_, _, _, _]) => each::<T, 4>(input, taken, out),
        _ => {
            for (place, &channel) in taken.iter().enumerate() {
                let samples = input.iter().skip(usize::from(channel)).step_by(channels);
                let places = out.iter_mut().skip(place).step_by(taken.len());
                places.zip(samples).for_each(|(out, &sample)| *out = sample);
            }
        }
    }
}

/// Channel `C` of `N`: for places that are known, vectors pick samples.
fn one<T: Sample, const N: usize, const C: usize>(input: &[T], out: &mut [T]) {
    let pixels = input.as_chunks::<N>().0;
    widest(
        #[inline(always)]
        || out.iter_mut().zip(pixels).for_each(|(out, pixel)| *out = pixel[C]),
    );
}

/// Any order of a usual number of channels: one pass instead of one for each channel.
fn each<T: Sample, const N: usize>(input: &[T], taken: &[u16], out: &mut [T]) {
    let mut channels = [0; N];
    channels.iter_mut().zip(taken).for_each(|(at, &channel)| *at = usize::from(channel));
    let (input, out) = (input.as_chunks::<N>().0, out.as_chunks_mut::<N>().0);
    if size_of::<T>() > 2 {
        return single(input, channels, out);
    }
    widest(
        #[inline(always)]
        || apart(input, channels, out),
    );
}

/// Pixels whose channels are taken apart before they are put together in another order: both are
/// vector code, whatever the order is.
const TOGETHER: usize = 64;

#[inline(always)]
fn apart<T: Sample, const N: usize>(input: &[[T; N]], channels: [usize; N], out: &mut [[T; N]]) {
    let (input, rest) = input.as_chunks::<TOGETHER>();
    let (out, out_rest) = out.as_chunks_mut::<TOGETHER>();
    let mut planes = [[T::default(); TOGETHER]; N];
    for (out, pixels) in out.iter_mut().zip(input) {
        for (at, pixel) in pixels.iter().enumerate() {
            for channel in 0..N {
                planes[channel][at] = pixel[channel];
            }
        }
        let taken = channels.map(|channel| &planes[channel]);
        for (at, pixel) in out.iter_mut().enumerate() {
            for channel in 0..N {
                pixel[channel] = taken[channel][at];
            }
        }
    }
    single(rest, channels, out_rest);
}

#[inline(always)]
fn single<T: Sample, const N: usize>(input: &[[T; N]], channels: [usize; N], out: &mut [[T; N]]) {
    for (out, pixel) in out.iter_mut().zip(input) {
        *out = channels.map(|channel| pixel[channel]);
    }
}

/// Gray as every channel.
fn repeat<T: Sample, const N: usize>(input: &[T], out: &mut [T]) {
    let pixels = out.as_chunks_mut::<N>().0;
    widest(
        #[inline(always)]
        || pixels.iter_mut().zip(input).for_each(|(out, &gray)| *out = [gray; N]),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T: Sample>(channels: usize, taken: &[u16], sample: impl Fn(usize) -> T) {
        let input: Vec<T> = (0..channels * 199).map(sample).collect();
        let mut out = vec![T::default(); taken.len() * 199];
        shuffle(&input, channels, taken, &mut out);
        let pixels = input.chunks(channels);
        let expected: Vec<T> = pixels
            .flat_map(|pixel| taken.iter().map(|&channel| pixel[usize::from(channel)]))
            .collect();
        assert_eq!(out, expected, "{taken:?} of {channels}");
    }

    #[test]
    fn every_choice_is_what_it_is_sample_by_sample() {
        let choices: [&[u16]; 12] = [
            &[0],
            &[1],
            &[2],
            &[3],
            &[0, 0, 0],
            &[0, 0, 0, 0],
            &[2, 1, 0],
            &[1, 2, 0],
            &[3, 2, 1, 0],
            &[1, 1],
            &[0, 1, 2],
            &[4, 0, 3, 3, 1],
        ];
        for channels in 1..=5 {
            for taken in choices {
                if taken.iter().any(|&channel| usize::from(channel) >= channels) {
                    continue;
                }
                check(channels, taken, |at| at as u8);
                check(channels, taken, |at| at as u16);
                check(channels, taken, |at| at as f32);
            }
        }
    }
}
