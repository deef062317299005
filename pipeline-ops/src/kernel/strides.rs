//! Weighted sums that begin a whole number of pixels apart: a row made smaller by that number.
//!
//! The pixels are dealt out, so that those which equal taps of successive sums meet stand next to
//! each other. Then every tap is one product of whole rows, as in a convolution.

use super::parts::{Sums, fill};
use super::vector::widest;

/// Sums of pixels `stride` apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Strides<'a> {
    pub(super) stride: usize,
    pub(super) channels: usize,
    /// A whole number of times as many as `stride`.
    pub(super) weights: &'a [f32],
}

impl Strides<'_> {
    /// Pixels of each hand that `sums` sums are made of.
    fn hand(&self, sums: usize) -> usize {
        sums + self.weights.len() / self.stride - 1
    }

    /// Numbers of working memory for some sums.
    pub(super) fn memory(&self, sums: usize) -> usize {
        self.stride * self.hand(sums) * self.channels
    }

    /// `out[i] = Σ weights[k] · row[i · stride + k]`, pixel by pixel, in the order of the taps.
    ///
    /// # Panics
    /// If the row ends before the taps do, or the memory is too small.
    pub(super) fn sum(self, row: &[f32], memory: &mut [f32], out: &mut [f32]) {
        let hands = &mut memory[..self.memory(out.len() / self.channels)];
        let row = &row[..hands.len()];
        widest(
            #[inline(always)]
            || {
                match self.channels {
                    1 => deal::<1>(row, self.stride, hands),
                    2 => deal::<2>(row, self.stride, hands),
                    3 => deal::<3>(row, self.stride, hands),
                    _ => deal::<4>(row, self.stride, hands),
                }
                fill(out, &Hands { strides: self, hands });
            },
        );
    }
}

/// Deals the pixels of a row out, in turns.
#[inline(always)]
fn deal<const C: usize>(row: &[f32], stride: usize, hands: &mut [f32]) {
    let (row, hands) = (row.as_chunks::<C>().0, hands.as_chunks_mut::<C>().0);
    match stride {
        2 => deal_to::<2, C>(row, hands),
        3 => deal_to::<3, C>(row, hands),
        4 => deal_to::<4, C>(row, hands),
        _ => {
            let len = row.len() / stride;
            for (first, hand) in hands.chunks_exact_mut(len).enumerate() {
                let pixels = row[first..].iter().step_by(stride);
                hand.iter_mut().zip(pixels).for_each(|(to, pixel)| *to = *pixel);
            }
        }
    }
}

#[inline(always)]
fn deal_to<const N: usize, const C: usize>(row: &[[f32; C]], mut hands: &mut [[f32; C]]) {
    let len = row.len() / N;
    let hands: [&mut [[f32; C]]; N] =
        std::array::from_fn(|_| hands.split_off_mut(..len).unwrap_or_default());
    for (at, pixels) in row.as_chunks::<N>().0.iter().take(len).enumerate() {
        for hand in 0..N {
            hands[hand][at] = pixels[hand];
        }
    }
}

/// The pixels after they were dealt out.
struct Hands<'a> {
    strides: Strides<'a>,
    hands: &'a [f32],
}

impl Sums for Hands<'_> {
    #[inline(always)]
    fn part<const LEN: usize>(&self, at: usize) -> [f32; LEN] {
        let Strides { stride, channels, weights } = self.strides;
        let mut sums = [0.0; LEN];
        for (shift, weights) in weights.chunks_exact(stride).enumerate() {
            let hands = self.hands.chunks_exact(self.hands.len() / stride);
            for (hand, &weight) in hands.zip(weights) {
                let samples = &hand[at + shift * channels..][..LEN];
                sums.iter_mut().zip(samples).for_each(|(sum, sample)| *sum += weight * sample);
            }
        }
        sums
    }
}
