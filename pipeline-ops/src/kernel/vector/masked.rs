//! Pixels that a mask keeps, with the byte permutations of AVX-512.
//!
//! One instruction puts the bytes of a mask in front of the bytes of their pixels, whatever the
//! size of a pixel is. [`keep_masked`](super::super::keep_masked) does without where there is none,
//! and is the oracle of this.

#![cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "code for an instruction set may only be called where there is one"
    )
)]

/// Bytes of a vector, and pixels that are looked at together.
const VECTOR: usize = 64;

/// Fills `out` with the pixels of `input`, of so many bytes, where the mask is foreground,
/// elsewhere with the bytes of `fill`; says whether the machine can and the row is long enough.
pub(crate) fn keep_permuted<const BYTES: usize>(
    input: &[u8],
    mask: &[u8],
    fill: &[u8; VECTOR],
    out: &mut [u8],
) -> bool {
    #[cfg(target_arch = "x86_64")]
    if super::has_avx512() && std::is_x86_feature_detected!("avx512vbmi") && mask.len() >= VECTOR {
        // SAFETY: the machine has what the function is compiled for.
        unsafe { permute::<BYTES>(input, mask, fill, out) };
        return true;
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (input, mask, fill, out);
    false
}

/// The last block ends where the row does and takes some pixels again.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512bw,avx512vbmi")]
fn permute<const BYTES: usize>(input: &[u8], mask: &[u8], fill: &[u8; VECTOR], out: &mut [u8]) {
    use std::arch::x86_64::{
        __m512i, _mm512_mask_blend_epi8, _mm512_permutexvar_epi8, _mm512_test_epi8_mask,
    };

    // The pixel of each byte of a block.
    let places: [__m512i; BYTES] = std::array::from_fn(|vector| {
        let pixel = |byte| ((vector * VECTOR + byte) / BYTES) as u8;
        bytemuck::cast::<[u8; VECTOR], _>(std::array::from_fn(pixel))
    });
    let fill: __m512i = bytemuck::cast(*fill);
    for at in (0..mask.len()).step_by(VECTOR) {
        let at = at.min(mask.len() - VECTOR);
        let bytes = at * BYTES..(at + VECTOR) * BYTES;
        let mask: __m512i = bytemuck::cast(mask[at..].as_chunks::<VECTOR>().0[0]);
        let input = input[bytes.clone()].as_chunks::<VECTOR>().0;
        let out = out[bytes].as_chunks_mut::<VECTOR>().0;
        for ((out, input), &places) in out.iter_mut().zip(input).zip(&places) {
            let mask = _mm512_permutexvar_epi8(places, mask);
            let is_kept = _mm512_test_epi8_mask(mask, mask);
            *out = bytemuck::cast(_mm512_mask_blend_epi8(is_kept, fill, bytemuck::cast(*input)));
        }
    }
}
