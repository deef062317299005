//! Sums weighted by likeness, for a block of pixels: the inner loops of the bilateral filter.

use std::f32::consts::LN_2;

use super::vector::widest;

/// The sums of a block of pixels, whose colours stand in planes.
#[derive(Debug)]
pub(crate) struct LikenessSums<'a> {
    /// Working memory: the weight of the tap at hand for each pixel.
    weights: &'a mut [f32],
    /// The weights of each pixel together.
    totals: &'a mut [f32],
    /// For each colour the weighted samples of each pixel together.
    sums: &'a mut [f32],
}

impl<'a> LikenessSums<'a> {
    /// Numbers of working memory for `pixels` of some colours.
    pub(crate) const fn len(pixels: usize, colors: usize) -> usize {
        pixels * (2 + colors)
    }

    /// Sums of nothing, in the first [`len`](Self::len) numbers of `memory`.
    pub(crate) fn new(memory: &'a mut [f32], pixels: usize, colors: usize) -> Self {
        let memory = &mut memory[..Self::len(pixels, colors)];
        memory.fill(0.0);
        let (weights, memory) = memory.split_at_mut(pixels);
        let (totals, sums) = memory.split_at_mut(pixels);
        Self { weights, totals, sums }
    }

    /// Adds one tap: `pairs` are, for each colour, the pixels themselves and those beside them. A
    /// pair that differs by `d` in all colours together weighs `space · 2^(-steepness · d²)`, times
    /// the opacity of the pixel beside it if there is any.
    pub(crate) fn add<'p>(
        &mut self,
        pairs: impl Iterator<Item = (&'p [f32], &'p [f32])> + Clone,
        opacities: Option<&[f32]>,
        (space, steepness): (f32, f32),
    ) {
        widest(
            #[inline(always)]
            || self.add_plainly(pairs, opacities, (space, steepness)),
        );
    }

    #[inline(always)]
    fn add_plainly<'p>(
        &mut self,
        pairs: impl Iterator<Item = (&'p [f32], &'p [f32])> + Clone,
        opacities: Option<&[f32]>,
        (space, steepness): (f32, f32),
    ) {
        let len = self.totals.len();
        self.weights.fill(0.0);
        for (own, other) in pairs.clone() {
            let pixels = own[..len].iter().zip(&other[..len]);
            for (difference, (own, other)) in self.weights.iter_mut().zip(pixels) {
                *difference += (own - other).abs();
            }
        }
        let weights = self.weights.iter_mut().zip(&mut *self.totals);
        if let Some(opacities) = opacities {
            for ((weight, total), opacity) in weights.zip(opacities) {
                *weight = space * half_to_the(steepness * *weight * *weight) * opacity;
                *total += *weight;
            }
        } else {
            for (weight, total) in weights {
                *weight = space * half_to_the(steepness * *weight * *weight);
                *total += *weight;
            }
        }
        for (sums, (_, other)) in self.sums.chunks_exact_mut(len).zip(pairs) {
            let pixels = sums.iter_mut().zip(other).zip(&*self.weights);
            let Some(opacities) = opacities else {
                pixels.for_each(|((sum, other), weight)| *sum += weight * other);
                continue;
            };
            // What is not seen may be NaN, which a weight of 0 would spread.
            for (((sum, other), weight), &opacity) in pixels.zip(opacities) {
                *sum += if opacity == 0.0 { 0.0 } else { weight * other };
            }
        }
    }

    /// The means of one colour; 0 where nothing has a weight.
    pub(crate) fn means(&self, color: usize) -> impl Iterator<Item = f32> {
        let len = self.totals.len();
        self.sums[color * len..][..len].iter().zip(&*self.totals).map(|(sum, total)| {
            // Nothing that is seen.
            if *total == 0.0 { 0.0 } else { sum / total }
        })
    }
}

/// `2^-x` for `x` of 0 and more, within 1e-7, but at least 2^-64: that is too light to be seen, and
/// heavy enough that no product needs the slow arithmetic of the least floats. NaN counts as such:
/// its sample makes the sum NaN.
///
/// Unlike a call of the exponential function it becomes vector code.
#[inline(always)]
fn half_to_the(x: f32) -> f32 {
    /// The least power of two.
    const LIGHTEST: f32 = -64.0;
    /// Adding it leaves the nearest integer in the lowest bits of a float.
    const NO_FRACTION: f32 = 12_582_912.0;
    /// What 2^f is in the middle of its series: ln(2)^k / k!.
    const SERIES: [f32; 7] =
        [1.0, LN_2, 0.240_226_5, 0.055_504_11, 0.009_618_129, 0.001_333_355_8, 0.000_154_035_3];

    let power = (-x).max(LIGHTEST);
    let shifted = power + NO_FRACTION;
    let fraction = power - (shifted - NO_FRACTION);
    let part = SERIES.iter().rev().fold(0.0, |sum, term| sum * fraction + term);
    let exponent = shifted.to_bits().wrapping_sub(NO_FRACTION.to_bits()).wrapping_add(127);
    part * f32::from_bits(exponent << 23)
}

#[cfg(test)]
mod tests {
    use super::super::vector::every_width;
    use super::*;

    #[test]
    fn powers_are_exact_to_the_last_digits() {
        for at in 0..6400u16 {
            let x = f32::from(at) / 100.0;
            let (found, expected) = (f64::from(half_to_the(x)), (-f64::from(x)).exp2());
            assert!((found / expected - 1.0).abs() < 3e-7, "{x}: {found} for {expected}");
        }
        for x in [64.0, 1e9, f32::INFINITY, f32::NAN] {
            assert_eq!(half_to_the(x), (-64f32).exp2());
        }
    }

    #[test]
    fn what_is_alike_weighs_more() {
        let (own, beside) = ([10.0, 10.0], [10.0, 12.0]);
        let mut memory = [7.0; 6];
        let mut sums = LikenessSums::new(&mut memory, 2, 1);
        sums.add([(&own[..], &own[..])].into_iter(), None, (1.0, 0.25));
        sums.add([(&own[..], &beside[..])].into_iter(), None, (1.0, 0.25));
        // 2^(-0.25 · 2²) is a half.
        let means: Vec<f32> = sums.means(0).collect();
        assert_eq!(means, [10.0, (10.0 + 0.5 * 12.0) / 1.5]);
    }

    #[test]
    fn what_is_not_seen_weighs_nothing() {
        let (own, beside) = ([10.0, 10.0, 10.0], [12.0, f32::NAN, f32::INFINITY]);
        let mut memory = [7.0; 9];
        let mut sums = LikenessSums::new(&mut memory, 3, 1);
        sums.add([(&own[..], &own[..])].into_iter(), Some(&[1.0, 1.0, 0.0]), (1.0, 0.25));
        sums.add([(&own[..], &beside[..])].into_iter(), Some(&[1.0, 0.0, 0.0]), (1.0, 0.25));
        let means: Vec<f32> = sums.means(0).collect();
        assert_eq!(means, [(10.0 + 0.5 * 12.0) / 1.5, 10.0, 0.0]);
    }

    #[test]
    fn every_width_gives_the_same_bits() {
        let samples: Vec<f32> = (0..500u32).map(|n| (n * 7919 % 256) as f32).collect();
        let widths = every_width(
            #[inline(always)]
            || {
                let mut memory = [0.0; 4 * 77];
                let mut sums = LikenessSums::new(&mut memory, 77, 2);
                for tap in 0..9 {
                    let pairs = [0, 200].map(|color| (&samples[color..], &samples[color + tap..]));
                    let opacities = (tap % 2 == 0).then_some(&samples[300..]);
                    sums.add_plainly(pairs.into_iter(), opacities, (0.7, 0.001));
                }
                memory
            },
        );
        assert!(widths.iter().all(|memory| *memory == widths[0]));
    }
}
