//! Pixels that a mask keeps, and others that are filled.
//!
//! A mask has one byte for a pixel, and an image often more. So each byte of the mask is repeated
//! for all bytes of its pixel, and what is chosen then are bytes, whatever the samples are.

use bytemuck::{cast_slice, cast_slice_mut};
use pipeline_core::Sample;

use super::vector::{keep_permuted, widest};

/// Bytes of the widest vectors.
const VECTOR: usize = 64;

/// Pixels that are looked at together: as many as make whole vectors, whatever the pixels are.
const BLOCK: usize = VECTOR;

/// Vectors of a block of the largest pixels, and one for what is written beyond its end.
const VECTORS: usize = 16 + 1;

/// Fills `out` with the pixels of `input` where the mask is foreground, elsewhere with one sample.
pub(crate) fn keep_masked<T: Sample>(input: &[T], mask: &[u8], fill: T, out: &mut [T]) {
    let channels = (input.len() / mask.len().max(1)).max(1);
    let (from, fills, to) = (cast_slice(input), [fill; VECTOR], cast_slice_mut(out));
    let fills: &[u8; VECTOR] = &cast_slice(&fills).as_chunks().0[0];
    match channels * size_of::<T>() {
        _ if mask.len() < BLOCK => one_by_one(input, (mask, channels), fill, out),
        1 => keep::<1, 1>(from, mask, fills, to),
        2 => keep::<2, 2>(from, mask, fills, to),
        3 => keep::<3, 4>(from, mask, fills, to),
        4 => keep::<4, 4>(from, mask, fills, to),
        6 => keep::<6, 8>(from, mask, fills, to),
        8 => keep::<8, 8>(from, mask, fills, to),
        12 => keep::<12, 16>(from, mask, fills, to),
        16 => keep::<16, 16>(from, mask, fills, to),
        _ => one_by_one(input, (mask, channels), fill, out),
    }
}

fn one_by_one<T: Sample>(input: &[T], (mask, channels): (&[u8], usize), fill: T, out: &mut [T]) {
    let pixels = out.chunks_exact_mut(channels).zip(input.chunks_exact(channels));
    for ((out, input), &mask) in pixels.zip(mask) {
        if mask == 0 { out.fill(fill) } else { out.copy_from_slice(input) }
    }
}

fn keep<const BYTES: usize, const WRITTEN: usize>(
    input: &[u8],
    mask: &[u8],
    fill: &[u8; VECTOR],
    out: &mut [u8],
) {
    if !keep_permuted::<BYTES>(input, mask, fill, out) {
        widest(
            #[inline(always)]
            || in_blocks::<BYTES, WRITTEN>(input, mask, fill, out),
        );
    }
}

/// Pixels of `BYTES`, for each of which a byte is repeated `WRITTEN` times: a power of two is one
/// store. The last block ends where the row does and takes some pixels again.
#[inline(always)]
fn in_blocks<const BYTES: usize, const WRITTEN: usize>(
    input: &[u8],
    mask: &[u8],
    fill: &[u8; VECTOR],
    out: &mut [u8],
) {
    let mut repeated = [[0; VECTOR]; VECTORS];
    for at in (0..mask.len()).step_by(BLOCK) {
        let at = at.min(mask.len() - BLOCK);
        let bytes = at * BYTES..(at + BLOCK) * BYTES;
        let mask: &[u8; BLOCK] = &mask[at..].as_chunks().0[0];
        let input: &[[u8; VECTOR]; BYTES] = &input[bytes.clone()].as_chunks().0.as_chunks().0[0];
        let out: &mut [[u8; VECTOR]; BYTES] =
            &mut out[bytes].as_chunks_mut().0.as_chunks_mut().0[0];
        // Neighbours are mostly alike, and where a byte is a pixel there is nothing to repeat.
        let differences = mask.iter().fold(0, |all, &byte| all | byte ^ mask[0]);
        if BYTES > 1 && differences == 0 {
            *out = if mask[0] == 0 { [*fill; BYTES] } else { *input };
            continue;
        }
        for (pixel, &byte) in mask.iter().enumerate() {
            let byte = if byte == 0 { 0 } else { u8::MAX };
            let bytes = &mut repeated.as_flattened_mut()[pixel * BYTES..][..WRITTEN];
            bytes.copy_from_slice(&[byte; WRITTEN]);
        }
        for ((out, input), kept) in out.iter_mut().zip(input).zip(&repeated) {
            for at in 0..VECTOR {
                out[at] = input[at] & kept[at] | fill[at] & !kept[at];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use super::super::vector::every_width;

    fn mask(width: usize) -> Vec<u8> {
        (0..width).map(|x| u8::from(x < 150 || x > 290 && x % 7 != 5) * 2).collect()
    }

    #[test]
    fn rows_are_as_pixel_by_pixel() {
        fn check<T: Sample>(sample: impl Fn(usize) -> T) {
            for width in [0, 1, 63, 64, 65, 199, 320, 400] {
                let mask = mask(width);
                for channels in 1..7 {
                    let input: Vec<T> = (0..width * channels).map(&sample).collect();
                    let (mut out, mut expected) = (vec![sample(1); input.len()], input.clone());
                    one_by_one(&input, (&mask, channels), sample(9), &mut expected);
                    keep_masked(&input, &mask, sample(9), &mut out);
                    assert_eq!(out, expected, "{width} pixels of {channels} channels");
                }
            }
        }
        check(|at| at as u8);
        check(|at| (at * 257) as u16);
        check(|at| at as f32 / 3.0);
    }

    #[test]
    fn blocks_are_as_pixel_by_pixel_on_every_machine() {
        fn check<const BYTES: usize, const WRITTEN: usize>() {
            for width in [64, 65, 199, 400] {
                let mask = mask(width);
                let input: Vec<u8> = (0..width * BYTES).map(|at| at as u8).collect();
                let mut expected = input.clone();
                one_by_one(&input, (&mask, BYTES), 9, &mut expected);
                let found = every_width(
                    #[inline(always)]
                    || {
                        let mut out = vec![1; input.len()];
                        in_blocks::<BYTES, WRITTEN>(&input, &mask, &[9; VECTOR], &mut out);
                        out
                    },
                );
                assert!(found.iter().all(|found| *found == expected), "{width} of {BYTES} bytes");
            }
        }
        check::<1, 1>();
        check::<2, 2>();
        check::<3, 4>();
        check::<4, 4>();
        check::<6, 8>();
        check::<8, 8>();
        check::<12, 16>();
        check::<16, 16>();
    }
}
