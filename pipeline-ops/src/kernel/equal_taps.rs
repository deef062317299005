//! Weighted sums along a row, all of which have the same number of taps.
//!
//! Sums of fewer taps get some of weight 0, which change no sum of finite numbers. Then no pixel
//! branches, and a pixel is one vector: of three channels the fourth number belongs to the next
//! pixel, and is written over when that one comes.

use super::vector::widest;

/// The first input pixel of each sum, and the weights: `each` for every sum.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EqualTaps<'a> {
    pub(crate) firsts: &'a [u32],
    pub(crate) weights: &'a [f32],
    pub(crate) each: usize,
}

impl EqualTaps<'_> {
    /// Those after the first few sums.
    pub(super) fn after(self, sums: usize) -> Self {
        let Self { firsts, weights, each } = self;
        Self { firsts: &firsts[sums..], weights: &weights[sums * each..], each }
    }

    /// Sums the pixels of up to four channels of a row that begins with pixel `stored`, as long as
    /// whole vectors are in the row and in `out`; says how many pixels those are.
    pub(super) fn sum(self, row: &[f32], stored: usize, channels: usize, out: &mut [f32]) -> usize {
        match channels {
            1 => self.sum_as::<1, 1>(row, stored, out),
            2 => self.sum_as::<2, 2>(row, stored, out),
            3 => self.sum_as::<3, 4>(row, stored, out),
            _ => self.sum_as::<4, 4>(row, stored, out),
        }
    }

    fn sum_as<const C: usize, const LANES: usize>(
        self,
        row: &[f32],
        stored: usize,
        out: &mut [f32],
    ) -> usize {
        let is_in_row =
            |&first: &u32| (first as usize - stored + self.each - 1) * C + LANES <= row.len();
        let in_row = self.firsts.partition_point(is_in_row);
        let in_out = (out.len() + C).saturating_sub(LANES) / C;
        let firsts = &self.firsts[..in_row.min(in_out)];
        widest(
            #[inline(always)]
            || match self.each {
                2 => self.fixed::<C, LANES, 2>(row, stored, firsts, out),
                3 => self.fixed::<C, LANES, 3>(row, stored, firsts, out),
                4 => self.fixed::<C, LANES, 4>(row, stored, firsts, out),
                _ => self.any::<C, LANES>(row, stored, firsts, out),
            },
        );
        firsts.len()
    }

    #[inline(always)]
    fn fixed<const C: usize, const LANES: usize, const EACH: usize>(
        self,
        row: &[f32],
        stored: usize,
        firsts: &[u32],
        out: &mut [f32],
    ) {
        let weights = self.weights.as_chunks::<EACH>().0;
        for (at, (&first, weights)) in firsts.iter().zip(weights).enumerate() {
            let taps = &row[(first as usize - stored) * C..][..(EACH - 1) * C + LANES];
            let mut sums = [0.0; LANES];
            for tap in 0..EACH {
                for lane in 0..LANES {
                    sums[lane] += weights[tap] * taps[tap * C + lane];
                }
            }
            out[at * C..][..LANES].copy_from_slice(&sums);
        }
    }

    #[inline(always)]
    fn any<const C: usize, const LANES: usize>(
        self,
        row: &[f32],
        stored: usize,
        firsts: &[u32],
        out: &mut [f32],
    ) {
        let weights = self.weights.chunks_exact(self.each);
        for (at, (&first, weights)) in firsts.iter().zip(weights).enumerate() {
            let taps = &row[(first as usize - stored) * C..];
            let mut sums = [0.0; LANES];
            for (tap, &weight) in weights.iter().enumerate() {
                let pixel = &taps[tap * C..][..LANES];
                for lane in 0..LANES {
                    sums[lane] += weight * pixel[lane];
                }
            }
            out[at * C..][..LANES].copy_from_slice(&sums);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sum of one channel of one pixel, as the formula has it.
    fn direct(row: &[f32], first: usize, channels: usize, weights: &[f32]) -> f32 {
        let mut sum = 0.0;
        weights
            .iter()
            .enumerate()
            .for_each(|(k, weight)| sum += weight * row[first + k * channels]);
        sum
    }

    #[test]
    fn all_that_fit_are_summed_and_no_others() {
        for (channels, beyond) in [(1, 0), (2, 0), (3, 1), (4, 0)] {
            for each in 1..7 {
                let firsts: Vec<u32> = (0..40).map(|at| 10 + at * 7 / 5).collect();
                let weights: Vec<f32> = (1..=40 * each).map(|n| 1.0 / n as f32).collect();
                let pixels = 39 * 7 / 5 + each;
                let row: Vec<f32> =
                    (0..pixels * channels).map(|n| (n * 7919 % 65_521) as f32 / 3.0).collect();
                let taps = EqualTaps { firsts: &firsts, weights: &weights, each };
                let mut out = vec![-1.0; 40 * channels];
                let done = taps.sum(&row, 10, channels, &mut out);
                assert_eq!(done, 40 - beyond, "the fourth number of the last pixel is missing");
                for (at, &sum) in out.iter().enumerate().take(done * channels) {
                    let (pixel, channel) = (at / channels, at % channels);
                    let first = (firsts[pixel] as usize - 10) * channels + channel;
                    let weights = &weights[pixel * each..][..each];
                    assert_eq!(sum, direct(&row, first, channels, weights));
                }
            }
        }
    }
}
