//! Weighted sums along a row, sixteen at a time, where their taps lie close together.
//!
//! What successive sums read lies wherever their taps begin, and no plain loop loads that at once.
//! A machine with AVX-512 holds 32 numbers of the row in two registers and picks any 16 of them with
//! one instruction. Each sum adds its taps in their order, as [`EqualTaps`] does, the oracle of this.

#![cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "code for an instruction set may only be called where there is one"
    )
)]

use super::super::equal_taps::EqualTaps;
use super::has_avx512;

/// Sums of a group.
const SUMS: usize = 16;

/// Numbers of the row that a group may read.
const NEAR: usize = 32;

/// What successive groups of sums read of a row, and the weights of that.
#[derive(Debug)]
pub(crate) struct Permuted {
    channels: usize,
    each: usize,
    /// For each group the first number of the row.
    starts: Vec<u32>,
    /// For each group and tap the places after that, and the weights.
    places: Vec<[u8; SUMS]>,
    weights: Vec<[f32; SUMS]>,
}

impl Permuted {
    /// The groups of some taps; none if they lie too far apart or the machine cannot pick them.
    pub(crate) fn of(taps: EqualTaps<'_>, channels: usize) -> Option<Self> {
        if !has_avx512() {
            return None;
        }
        let EqualTaps { firsts, weights: of_pixels, each } = taps;
        let (mut starts, mut places, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        for group in 0..firsts.len() * channels / SUMS {
            let start = firsts[group * SUMS / channels] as usize * channels;
            starts.push(u32::try_from(start).ok()?);
            for tap in 0..each {
                let (mut place, mut weight) = ([0; SUMS], [0.0; SUMS]);
                for sum in 0..SUMS {
                    let number = group * SUMS + sum;
                    let (pixel, channel) = (number / channels, number % channels);
                    let at = (firsts[pixel] as usize + tap) * channels + channel - start;
                    place[sum] = u8::try_from(at).ok().filter(|&at| usize::from(at) < NEAR)?;
                    weight[sum] = of_pixels[pixel * each + tap];
                }
                places.push(place);
                weights.push(weight);
            }
        }
        Some(Self { channels, each, starts, places, weights })
    }

    /// Sums a row that begins with pixel `stored`, as long as what groups may read is in it; says how
    /// many pixels are done.
    pub(crate) fn sum(&self, row: &[f32], stored: usize, out: &mut [f32]) -> usize {
        let before = stored * self.channels;
        let is_in_row = |&start: &u32| start as usize - before + NEAR <= row.len();
        let count = self.starts.partition_point(is_in_row).min(out.len() / SUMS);
        #[cfg(target_arch = "x86_64")]
        // SAFETY: where the machine lacks what the function is compiled for, none was made.
        unsafe {
            self.permute(row, before, &mut out.as_chunks_mut().0[..count]);
        }
        #[cfg(not(target_arch = "x86_64"))]
        let count = 0;
        count * SUMS / self.channels
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    fn permute(&self, row: &[f32], before: usize, out: &mut [[f32; SUMS]]) {
        match self.each {
            2 => self.permute_each(row, before, 2, out),
            3 => self.permute_each(row, before, 3, out),
            4 => self.permute_each(row, before, 4, out),
            each => self.permute_each(row, before, each, out),
        }
    }

    /// The number of taps is given apart, so that the loop over them is unrolled.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    fn permute_each(&self, row: &[f32], before: usize, each: usize, out: &mut [[f32; SUMS]]) {
        use std::arch::x86_64::{
            __m128i, __m512, _mm512_add_ps, _mm512_cvtepu8_epi32, _mm512_mul_ps,
            _mm512_permutex2var_ps, _mm512_setzero_ps,
        };

        let taps = self.places.chunks_exact(each).zip(self.weights.chunks_exact(each));
        for ((out, start), (places, weights)) in out.iter_mut().zip(&self.starts).zip(taps) {
            let near: [f32; NEAR] = row[*start as usize - before..].as_chunks().0[0];
            let [low, high]: [__m512; 2] = bytemuck::cast(near);
            let mut sums = _mm512_setzero_ps();
            for (places, weights) in places.iter().zip(weights) {
                let places = _mm512_cvtepu8_epi32(bytemuck::cast::<_, __m128i>(*places));
                let numbers = _mm512_permutex2var_ps(low, places, high);
                sums = _mm512_add_ps(sums, _mm512_mul_ps(bytemuck::cast(*weights), numbers));
            }
            *out = bytemuck::cast(sums);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_have_the_bits_of_pixels() {
        for channels in 1..=4 {
            for each in 1..7 {
                let firsts: Vec<u32> = (0..100).map(|at| 10 + at * 10 / 9).collect();
                let weights: Vec<f32> = (1..=100 * each).map(|n| 1.0 / n as f32).collect();
                let row: Vec<f32> = (0..(99 * 10 / 9 + each) * channels)
                    .map(|n| (n * 7919 % 65_521) as f32 / 3.0)
                    .collect();
                let taps = EqualTaps { firsts: &firsts, weights: &weights, each };
                let (mut out, mut expected) =
                    (vec![0.0; 100 * channels], vec![0.0; 100 * channels]);
                taps.sum(&row, 10, channels, &mut expected);
                let Some(permuted) = Permuted::of(taps, channels) else {
                    let is_near = SUMS.div_ceil(channels) * 10 / 9 + each <= NEAR / channels;
                    assert!(!(has_avx512() && is_near), "{channels} channels, {each} taps");
                    continue;
                };
                let done = permuted.sum(&row, 10, &mut out);
                assert!(done >= 100 - NEAR, "{done} pixels");
                assert_eq!(out[..done * channels], expected[..done * channels]);
            }
        }
    }

    #[test]
    fn taps_that_lie_far_apart_are_not_for_groups() {
        let firsts: Vec<u32> = (0..100).map(|at| at * 3).collect();
        let taps = EqualTaps { firsts: &firsts, weights: &[1.0; 100], each: 1 };
        assert!(Permuted::of(taps, 3).is_none());
    }
}
