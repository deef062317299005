//! Weighted sums along a row, sixteen at a time, where their taps lie close together.
//!
//! What successive sums read lies wherever their taps begin, and no plain loop loads that at once.
//! A machine with AVX-512 holds 32 numbers of the row in two registers and picks any 16 of them
//! with one instruction. Where all taps of 16 sums are among those, they are loaded once. Else the
//! window moves on by a pixel from tap to tap, and all taps lie in the same places of it. Each sum
//! adds its taps in their order, as [`EqualTaps`] does, the oracle of this.

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

/// Numbers of the row that a window holds.
const NEAR: usize = 32;

/// What successive groups of sums read of a row, and the weights of that.
#[derive(Debug)]
pub(crate) struct Permuted {
    channels: usize,
    each: usize,
    /// How far the window moves from tap to tap: not at all, or by a pixel.
    step: usize,
    /// For each group the first number of its window.
    starts: Vec<u32>,
    /// The places in the window, for each group and tap; for each group if the window moves.
    places: Vec<[u8; SUMS]>,
    /// The weights of each group, tap by tap.
    weights: Vec<[f32; SUMS]>,
}

impl Permuted {
    /// The groups of some taps; none if they lie too far apart or the machine cannot pick them.
    pub(crate) fn of(taps: EqualTaps<'_>, channels: usize) -> Option<Self> {
        if !has_avx512() {
            return None;
        }
        Self::moving(taps, channels, 0).or_else(|| Self::moving(taps, channels, channels))
    }

    fn moving(taps: EqualTaps<'_>, channels: usize, step: usize) -> Option<Self> {
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
                    let at = (firsts[pixel] as usize + tap) * channels + channel;
                    let at = at - start - tap * step;
                    place[sum] = u8::try_from(at).ok().filter(|&at| usize::from(at) < NEAR)?;
                    weight[sum] = of_pixels[pixel * each + tap];
                }
                if tap == 0 || step == 0 {
                    places.push(place);
                }
                weights.push(weight);
            }
        }
        Some(Self { channels, each, step, starts, places, weights })
    }

    /// Sums a row that begins with pixel `stored`, as long as what groups may read is in it; says
    /// how many pixels are done.
    pub(crate) fn sum(&self, row: &[f32], stored: usize, out: &mut [f32]) -> usize {
        let before = stored * self.channels;
        let read = self.each.saturating_sub(1) * self.step + NEAR;
        let is_in_row = |&start: &u32| start as usize - before + read <= row.len();
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
        // These numbers are given apart, so that the loop over the taps is unrolled.
        match (self.step, self.each) {
            (0, 2) => self.permute_each(row, before, (0, 2), out),
            (0, 3) => self.permute_each(row, before, (0, 3), out),
            (0, 4) => self.permute_each(row, before, (0, 4), out),
            (0, each) => self.permute_each(row, before, (0, each), out),
            (step, 7) => self.permute_each(row, before, (step, 7), out),
            (step, 8) => self.permute_each(row, before, (step, 8), out),
            (step, each) => self.permute_each(row, before, (step, each), out),
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    #[inline]
    fn permute_each(
        &self,
        row: &[f32],
        before: usize,
        (step, each): (usize, usize),
        out: &mut [[f32; SUMS]],
    ) {
        use std::arch::x86_64::{
            __m128i, __m512, _mm512_add_ps, _mm512_cvtepu8_epi32, _mm512_mul_ps,
            _mm512_permutex2var_ps, _mm512_setzero_ps,
        };

        let places = self.places.chunks_exact(if step == 0 { each } else { 1 });
        let groups = self.starts.iter().zip(places).zip(self.weights.chunks_exact(each));
        for (out, ((start, places), weights)) in out.iter_mut().zip(groups) {
            let row = &row[*start as usize - before..][..(each - 1) * step + NEAR];
            let mut sums = _mm512_setzero_ps();
            for tap in 0..each {
                let places = places[if step == 0 { tap } else { 0 }];
                let places = _mm512_cvtepu8_epi32(bytemuck::cast::<_, __m128i>(places));
                let near: [f32; NEAR] = row[tap * step..].as_chunks().0[0];
                let [low, high]: [__m512; 2] = bytemuck::cast(near);
                let numbers = _mm512_permutex2var_ps(low, places, high);
                sums = _mm512_add_ps(sums, _mm512_mul_ps(bytemuck::cast(weights[tap]), numbers));
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
            for each in 1..10 {
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
                    assert!(!has_avx512(), "{channels} channels, {each} taps");
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
