//! Channels of pixels, taken in any order.

use pipeline_core::Sample;

use super::vector::widest;

/// Fills the pixels of a row with the channels `taken` of another.
pub(crate) fn shuffle<T: Sample>(input: &[T], channels: usize, taken: &[u16], out: &mut [T]) {
    match (channels, taken) {
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

/// Any order of a usual number of channels, pixel by pixel: one pass instead of one for each channel.
fn each<T: Sample, const N: usize>(input: &[T], taken: &[u16], out: &mut [T]) {
    let mut channels = [0; N];
    channels.iter_mut().zip(taken).for_each(|(at, &channel)| *at = usize::from(channel));
    for (out, pixel) in out.as_chunks_mut::<N>().0.iter_mut().zip(input.as_chunks::<N>().0) {
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

    #[test]
    fn every_choice_is_what_it_is_sample_by_sample() {
        let choices: [&[u16]; 11] = [
            &[0],
            &[1],
            &[2],
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
                let input: Vec<u16> = (0..channels * 99).map(|at| at as u16).collect();
                let mut out = vec![0; taken.len() * 99];
                shuffle(&input, channels, taken, &mut out);
                let pixels = input.chunks(channels);
                let expected: Vec<u16> = pixels
                    .flat_map(|pixel| taken.iter().map(|&channel| pixel[usize::from(channel)]))
                    .collect();
                assert_eq!(out, expected, "{taken:?} of {channels}");
            }
        }
    }
}
