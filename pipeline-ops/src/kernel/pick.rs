//! Pixels copied from their places in a row.

use bytemuck::{cast_slice, cast_slice_mut};
use pipeline_core::Sample;

/// Fills `out` with the pixels of `row` at `places`.
///
/// # Panics
/// If a place is beyond the end of the row.
pub(crate) fn pick<T: Sample>(row: &[T], places: &[u32], channels: usize, out: &mut [T]) {
    let (from, to) = (cast_slice(row), cast_slice_mut(out));
    match channels * size_of::<T>() {
        1 => each::<1>(from, places, to),
        2 => each::<2>(from, places, to),
        3 => each::<3>(from, places, to),
        4 => each::<4>(from, places, to),
        6 => each::<6>(from, places, to),
        8 => each::<8>(from, places, to),
        12 => each::<12>(from, places, to),
        16 => each::<16>(from, places, to),
        _ => {
            for (out, &place) in out.chunks_exact_mut(channels).zip(places) {
                out.copy_from_slice(&row[place as usize * channels..][..channels]);
            }
        }
    }
}

/// Where the size of a pixel is known, its copy is a load and a store.
fn each<const BYTES: usize>(row: &[u8], places: &[u32], out: &mut [u8]) {
    let pixels = row.as_chunks::<BYTES>().0;
    let out = out.as_chunks_mut::<BYTES>().0;
    out.iter_mut().zip(places).for_each(|(out, &place)| *out = pixels[place as usize]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_of_every_size_come_from_their_places() {
        fn check<T: Sample>(channels: usize) {
            let row: Vec<T> = (0..5 * channels).map(|n| T::from_f32(n as f32)).collect();
            let places = [4, 0, 0, 3, 1, 2, 4];
            let mut out = vec![T::default(); places.len() * channels];
            pick(&row, &places, channels, &mut out);
            let pixels = places.iter().flat_map(|&at| &row[at as usize * channels..][..channels]);
            assert!(out.iter().map(|out| out.to_f32()).eq(pixels.map(|pixel| pixel.to_f32())));
        }
        for channels in 1..=5 {
            check::<u8>(channels);
            check::<u16>(channels);
            check::<f32>(channels);
        }
    }
}
