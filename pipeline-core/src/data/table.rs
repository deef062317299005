//! 8-bit samples through a table of 256 entries.
//!
//! One by one that is two loads and a store per sample. A machine with the byte permutations of
//! AVX-512 holds the whole table in four registers and looks 64 samples up at once.

#![cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "code for an instruction set may only be called where there is one"
    )
)]

/// Fills `to` with `table[sample]` for each sample of `from`, as far as both go.
///
/// ```
/// let square: [u8; 256] = std::array::from_fn(|n| (n * n % 256) as u8);
/// let mut to = [0; 3];
/// pipeline_core::data::look_up(&square, &[2, 3, 16], &mut to);
/// assert_eq!(to, [4, 9, 0]);
/// ```
pub fn look_up(table: &[u8; 256], from: &[u8], to: &mut [u8]) {
    let len = from.len().min(to.len());
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx512vbmi") && std::is_x86_feature_detected!("avx512bw") {
        let ((from, from_rest), (to, to_rest)) =
            (from[..len].as_chunks::<64>(), to[..len].as_chunks_mut::<64>());
        // SAFETY: the machine has what the function is compiled for.
        unsafe { permute(table, from, to) };
        return one_by_one(table, from_rest, to_rest);
    }
    one_by_one(table, &from[..len], &mut to[..len]);
}

fn one_by_one(table: &[u8; 256], from: &[u8], to: &mut [u8]) {
    to.iter_mut().zip(from).for_each(|(to, &sample)| *to = table[usize::from(sample)]);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512bw,avx512vbmi")]
fn permute(table: &[u8; 256], from: &[[u8; 64]], to: &mut [[u8; 64]]) {
    use std::arch::x86_64::{
        __m512i, _mm512_mask_blend_epi8, _mm512_movepi8_mask, _mm512_permutex2var_epi8,
    };

    let [a, b, c, d]: [__m512i; 4] = bytemuck::cast(*table);
    for (to, from) in to.iter_mut().zip(from) {
        // A permutation of two registers goes by the lower seven bits; the upper one chooses.
        let samples: __m512i = bytemuck::cast(*from);
        let dark = _mm512_permutex2var_epi8(a, samples, b);
        let bright = _mm512_permutex2var_epi8(c, samples, d);
        *to = bytemuck::cast(_mm512_mask_blend_epi8(_mm512_movepi8_mask(samples), dark, bright));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_length_is_what_it_is_one_by_one() {
        let table: [u8; 256] = std::array::from_fn(|n| (n * 167 + 13).to_le_bytes()[0]);
        for len in [0usize, 1, 63, 64, 65, 256, 1000] {
            let from: Vec<u8> = (0..len).map(|n| (n * 31 + n / 7).to_le_bytes()[0]).collect();
            let (mut to, mut expected) = (vec![0; len], vec![0; len]);
            look_up(&table, &from, &mut to);
            one_by_one(&table, &from, &mut expected);
            assert_eq!(to, expected);
        }
    }

    #[test]
    fn the_shorter_one_decides() {
        let (table, mut to) = ([7; 256], [0; 70]);
        look_up(&table, &[0; 66], &mut to);
        assert!(to[..66] == [7; 66] && to[66..] == [0; 4]);
        look_up(&[9; 256], &[0; 100], &mut to);
        assert_eq!(to, [9; 70]);
    }
}
