//! Bilinear samples of gray pixels, sixteen at a time.
//!
//! The pixels around successive places lie anywhere, and no plain loop fetches them at once. A
//! machine with AVX-512 gathers them: the two beside each other that are above a place, and the two
//! below. Where the places follow one another there is nothing to gather. All else is done number
//! by number as [`Field::sample`] does it one by one, the oracle of this.

#![cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "code for an instruction set may only be called where there is one, and what it \
                  gathers is found by numbers"
    )
)]

use pipeline_core::Sample;

use super::super::Field;
use super::super::bilinear::BLOCK;

impl<T: Sample> Field<'_, T> {
    /// Fills `out` with the samples of the only channel at places that all lie within the image;
    /// answers whether they do, and whether the machine has what this takes.
    pub(crate) fn gather(&self, u: &[f64; BLOCK], v: &[f64; BLOCK], out: &mut [T; BLOCK]) -> bool {
        #[cfg(target_arch = "x86_64")]
        if super::has_avx512() {
            // SAFETY: the machine has all that the function is compiled for.
            return unsafe { avx512::sample(self, u, v, out) };
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (u, v, out);
        false
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::{
        __m512, __m512d, __m512i, _CMP_EQ_OQ, _CMP_GE_OQ, _CMP_LT_OQ, _mm256_setzero_ps,
        _mm256_setzero_si256, _mm512_add_epi32, _mm512_add_pd, _mm512_add_ps, _mm512_and_si512,
        _mm512_castsi512_ps, _mm512_castsi512_si256, _mm512_cmp_pd_mask, _mm512_cmp_ps_mask,
        _mm512_cmpeq_epi32_mask, _mm512_cmple_epu32_mask, _mm512_cvtepi32_ps, _mm512_cvtepu8_epi32,
        _mm512_cvtepu16_epi32, _mm512_cvtpd_epi32, _mm512_cvtpd_ps, _mm512_cvtps_epi32,
        _mm512_cvtsi512_si32, _mm512_cvtusepi32_epi8, _mm512_cvtusepi32_epi16,
        _mm512_extracti64x4_epi64, _mm512_i32gather_epi32, _mm512_i32gather_epi64,
        _mm512_mask_cmp_pd_mask, _mm512_mask_mov_ps, _mm512_mul_pd, _mm512_mul_ps,
        _mm512_permutex2var_epi32, _mm512_roundscale_pd, _mm512_set1_epi32, _mm512_set1_pd,
        _mm512_set1_ps, _mm512_setzero_pd, _mm512_setzero_ps, _mm512_srli_epi32, _mm512_sub_pd,
        _mm512_sub_ps,
    };

    use pipeline_core::{Sample, SampleType};

    use super::{BLOCK, Field};

    /// Places of a group.
    const GROUP: usize = 16;

    /// The numbers of places in a group.
    const NUMBERS: [u32; GROUP] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

    /// Rounding down.
    const DOWN: i32 = 0x09;

    /// The first, third and so on of the 32-bit numbers of two vectors.
    const EVEN: [u32; GROUP] = [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30];

    /// Those between.
    const ODD: [u32; GROUP] = [1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31];

    /// Where the pixels left above some places are, and how far the places are to the right of them
    /// and below.
    #[derive(Clone, Copy)]
    struct Spots {
        starts: __m512i,
        right: __m512,
        down: __m512,
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    pub(super) fn sample<T: Sample>(
        field: &Field<'_, T>,
        u: &[f64; BLOCK],
        v: &[f64; BLOCK],
        out: &mut [T; BLOCK],
    ) -> bool {
        // Four bytes are gathered at least. What lies beyond the end is left to who asks, as are
        // numbers above those that count as places.
        let read = (4 / size_of::<T>()).max(2);
        let Some(last) = field.samples.len().checked_sub(field.stride + read) else {
            return false;
        };
        let last = last.min(i32::MAX as usize) as i32;
        let (above, below) = (field.samples, &field.samples[field.stride..]);
        let nowhere = Spots {
            starts: _mm512_set1_epi32(0),
            right: _mm512_setzero_ps(),
            down: _mm512_setzero_ps(),
        };
        let mut spots = [nowhere; BLOCK / GROUP];
        let mut are_inside = true;
        let places = u.as_chunks().0.iter().zip(v.as_chunks().0);
        for (spots, (u, v)) in spots.iter_mut().zip(places) {
            let is_inside;
            (*spots, is_inside) = find(field, u, v);
            let is_stored = _mm512_cmple_epu32_mask(spots.starts, _mm512_set1_epi32(last));
            are_inside &= is_inside & (is_stored == u16::MAX);
        }
        if !are_inside {
            return false;
        }
        for (out, spots) in out.as_chunks_mut::<GROUP>().0.iter_mut().zip(spots) {
            let around = match [above, below].map(|samples| in_a_row(samples, spots.starts)) {
                [Some(above), Some(below)] => [above, below],
                // SAFETY: places are at most `last`, so that what is read ends within the samples.
                _ => unsafe { [pairs(above, spots.starts), pairs(below, spots.starts)] },
            };
            mix(around, spots, out);
        }
        true
    }

    /// What [`pairs`] gives, if the places follow one another, as those of a translation do.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    fn in_a_row<T: Sample>(samples: &[T], starts: __m512i) -> Option<[__m512; 2]> {
        let first = _mm512_cvtsi512_si32(starts);
        let row = _mm512_add_epi32(_mm512_set1_epi32(first), bytemuck::cast(NUMBERS));
        if _mm512_cmpeq_epi32_mask(starts, row) != u16::MAX {
            return None;
        }
        let samples = samples.get(first as usize..)?.get(..=GROUP)?;
        let floats = |samples: &[T]| match T::TYPE {
            SampleType::U8 => {
                let samples = bytemuck::cast_slice::<T, [u8; GROUP]>(samples)[0];
                _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytemuck::cast(samples)))
            }
            SampleType::U16 => {
                let samples = bytemuck::cast_slice::<T, [u16; GROUP]>(samples)[0];
                _mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(bytemuck::cast(samples)))
            }
            _ => bytemuck::cast(bytemuck::cast_slice::<T, [f32; GROUP]>(samples)[0]),
        };
        Some([floats(&samples[..GROUP]), floats(&samples[1..])])
    }

    /// The spots of places, and whether all four pixels around every place are those of the image.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    fn find<T: Sample>(field: &Field<'_, T>, u: &[f64; GROUP], v: &[f64; GROUP]) -> (Spots, bool) {
        let stride = field.stride as f64;
        let origin = _mm512_set1_pd(field.origin.1 as f64 * stride + field.origin.0 as f64);
        let stride = _mm512_set1_pd(stride);
        let width = _mm512_set1_pd(field.size.0 as f64 - 1.0);
        let height = _mm512_set1_pd(field.size.1 as f64 - 1.0);
        let (half, zero) = (_mm512_set1_pd(0.5), _mm512_setzero_pd());
        let (u, v) = (bytemuck::cast::<_, [__m512d; 2]>(*u), bytemuck::cast::<_, [__m512d; 2]>(*v));
        let mut starts = [_mm256_setzero_si256(); 2];
        let (mut right, mut down) = ([_mm256_setzero_ps(); 2], [_mm256_setzero_ps(); 2]);
        let mut inside = u8::MAX;
        for at in 0..2 {
            let (x, y) = (_mm512_sub_pd(u[at], half), _mm512_sub_pd(v[at], half));
            let (column, row) = (_mm512_roundscale_pd::<DOWN>(x), _mm512_roundscale_pd::<DOWN>(y));
            right[at] = _mm512_cvtpd_ps(_mm512_sub_pd(x, column));
            down[at] = _mm512_cvtpd_ps(_mm512_sub_pd(y, row));
            let place = _mm512_add_pd(_mm512_mul_pd(row, stride), column);
            // What no 32 bits hold becomes a number above all others.
            starts[at] = _mm512_cvtpd_epi32(_mm512_sub_pd(place, origin));
            inside &= _mm512_cmp_pd_mask::<_CMP_GE_OQ>(x, zero);
            inside = _mm512_mask_cmp_pd_mask::<_CMP_GE_OQ>(inside, y, zero);
            inside = _mm512_mask_cmp_pd_mask::<_CMP_LT_OQ>(inside, x, width);
            inside = _mm512_mask_cmp_pd_mask::<_CMP_LT_OQ>(inside, y, height);
        }
        let (right, down) = (bytemuck::cast(right), bytemuck::cast(down));
        (Spots { starts: bytemuck::cast(starts), right, down }, inside == u8::MAX)
    }

    /// The samples at some places and those beside them.
    ///
    /// # Safety
    /// From each place on there are two samples, and four bytes.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    unsafe fn pairs<T: Sample>(samples: &[T], starts: __m512i) -> [__m512; 2] {
        let from = samples.as_ptr();
        match T::TYPE {
            SampleType::U8 => {
                // SAFETY: the caller has seen to it.
                let pairs = unsafe { _mm512_i32gather_epi32::<1>(starts, from.cast()) };
                let byte = _mm512_set1_epi32(0xff);
                let pair = [pairs, _mm512_srli_epi32::<8>(pairs)];
                pair.map(
                    #[inline(always)]
                    |samples| _mm512_cvtepi32_ps(_mm512_and_si512(samples, byte)),
                )
            }
            SampleType::U16 => {
                // SAFETY: the caller has seen to it.
                let pairs = unsafe { _mm512_i32gather_epi32::<2>(starts, from.cast()) };
                let left = _mm512_and_si512(pairs, _mm512_set1_epi32(0xffff));
                [_mm512_cvtepi32_ps(left), _mm512_cvtepi32_ps(_mm512_srli_epi32::<16>(pairs))]
            }
            _ => {
                let (first, second) =
                    (_mm512_castsi512_si256(starts), _mm512_extracti64x4_epi64::<1>(starts));
                // SAFETY: the caller has seen to it.
                let (first, second) = unsafe {
                    (
                        _mm512_i32gather_epi64::<4>(first, from.cast()),
                        _mm512_i32gather_epi64::<4>(second, from.cast()),
                    )
                };
                let [even, odd] = bytemuck::cast([EVEN, ODD]);
                [
                    _mm512_castsi512_ps(_mm512_permutex2var_epi32(first, even, second)),
                    _mm512_castsi512_ps(_mm512_permutex2var_epi32(first, odd, second)),
                ]
            }
        }
    }

    /// The mixtures of the pixels around places.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    fn mix<T: Sample>([[a, b], [c, d]]: [[__m512; 2]; 2], spots: Spots, out: &mut [T; GROUP]) {
        let Spots { right, down, .. } = spots;
        let (one, zero) = (_mm512_set1_ps(1.0), _mm512_setzero_ps());
        let (left, up) = (_mm512_sub_ps(one, right), _mm512_sub_ps(one, down));
        let [mut above, mut below] = [_mm512_mul_ps(left, a), _mm512_mul_ps(left, c)];
        if T::TYPE == SampleType::F32 {
            (above, below) = (_mm512_add_ps(zero, above), _mm512_add_ps(zero, below));
        }
        above = _mm512_mul_ps(up, _mm512_add_ps(above, _mm512_mul_ps(right, b)));
        below = _mm512_mul_ps(down, _mm512_add_ps(below, _mm512_mul_ps(right, d)));
        let out = bytemuck::bytes_of_mut(out);
        if T::TYPE == SampleType::F32 {
            let mean = _mm512_add_ps(_mm512_add_ps(zero, above), below);
            let at_centre = _mm512_cmp_ps_mask::<_CMP_EQ_OQ>(right, zero)
                & _mm512_cmp_ps_mask::<_CMP_EQ_OQ>(down, zero);
            out.copy_from_slice(bytemuck::bytes_of(&_mm512_mask_mov_ps(mean, at_centre, a)));
            return;
        }
        let mean = _mm512_cvtps_epi32(_mm512_add_ps(above, below));
        if T::TYPE == SampleType::U8 {
            out.copy_from_slice(bytemuck::bytes_of(&_mm512_cvtusepi32_epi8(mean)));
        } else {
            out.copy_from_slice(bytemuck::bytes_of(&_mm512_cvtusepi32_epi16(mean)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::warp::triangle;
    use super::super::super::{Border, Places};
    use super::super::has_avx512;
    use super::*;

    /// A part of an image of 99 × 99: 90 × 70 pixels from (3, 2) on.
    fn part<T>(samples: &[T]) -> Field<'_, T> {
        Field {
            samples,
            stride: 90,
            origin: (3, 2),
            size: (99, 99),
            channels: 1,
            alpha: false,
            border: Border::Replicate,
            constant: &[],
        }
    }

    fn places(start: (f64, f64), step: (f64, f64)) -> [[f64; BLOCK]; 2] {
        let line = |start, step| std::array::from_fn(|at| start + step * at as f64);
        [line(start.0, step.0), line(start.1, step.1)]
    }

    #[test]
    fn groups_have_the_bits_of_single_places() {
        fn check<T: Sample>(value: impl Fn(u32) -> T) {
            let number = |n: u32| n.wrapping_mul(2_654_435_761) >> 13;
            let samples: Vec<T> = (0..90 * 70).map(|n| value(number(n))).collect();
            let field = part(&samples);
            for start in [(3.5, 2.5), (20.0, 9.0), (10.25, 25.75)] {
                for step in [(0.0, 0.0), (1.0, 0.0), (0.956, 0.292), (0.3, 0.7), (0.125, 0.5)] {
                    let [u, v] = places(start, step);
                    let mut gathered = [T::default(); BLOCK];
                    assert_eq!(field.gather(&u, &v, &mut gathered), has_avx512());
                    if has_avx512() {
                        let mut single = [T::default(); BLOCK];
                        field.channels::<2>(triangle, Places { u: &u, v: &v }, &mut single);
                        assert_eq!(
                            bytemuck::bytes_of(&gathered),
                            bytemuck::bytes_of(&single),
                            "{start:?} {step:?}"
                        );
                    }
                }
            }
        }
        check(|n| n as u8);
        check(|n| n as u16);
        check(|n| n as f32 / 7.0 - 9e3);
        check(|n| [0.0, -0.0, f32::INFINITY, 1.0, -2.5][n as usize % 5]);
    }

    #[test]
    fn what_is_outside_or_not_stored_is_not_gathered() {
        fn check<T: Sample>() {
            let samples = [T::default(); 90 * 70];
            let field = part(&samples);
            let is_gathered = |start| {
                let [u, v] = places(start, (0.0, 0.0));
                field.gather(&u, &v, &mut [T::default(); BLOCK])
            };
            assert_eq!(is_gathered((3.5, 2.5)), has_avx512(), "the first place");
            assert!(!is_gathered((2.4, 2.5)) && !is_gathered((3.5, 1.4)), "before what is stored");
            assert!(!is_gathered((3.5, 71.6)), "after that");
            assert!(!is_gathered((98.6, 40.0)), "beyond the image");
            assert!(!is_gathered((1e13, 1e13)) && !is_gathered((-1e13, 9.0)), "far away");
            let whole = Field { samples: &samples[..2], size: (1, 2), stride: 1, ..field };
            let [u, v] = places((0.5, 0.5), (0.0, 0.0));
            assert!(!whole.gather(&u, &v, &mut [T::default(); BLOCK]), "too few samples");
        }
        check::<u8>();
        check::<u16>();
        check::<f32>();
    }
}
