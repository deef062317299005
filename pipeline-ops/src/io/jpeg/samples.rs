//! The blocks of some MCUs: luma and chroma (Cb and Cr) apart, and whole MCUs at the edges.

use super::coder::Sampling;
use super::transform::{Blocks, LANES, WIDTH};
use crate::kernel::widest;

/// The samples of a strip, channel by channel: whole MCUs, all of them side by side.
pub(super) struct Planes {
    sampling: Sampling,
    mcus: usize,
    /// Samples of a row: of all MCUs, and of more where groups are not full.
    stride: usize,
    /// As many rows as an MCU has, of luma, Cb and Cr.
    channels: [Vec<u8>; 3],
}

impl Planes {
    /// Takes a strip of rows of `width` pixels apart.
    pub(super) fn of(samples: &[u8], width: usize, sampling: Sampling) -> Self {
        let (side, row_len) = (sampling.mcu(), width * sampling.channels());
        let rows = samples.len() / row_len.max(1);
        let across = width.div_ceil(side);
        let mcus = across * rows.div_ceil(side);
        let stride = (mcus * side).next_multiple_of(WIDTH);
        let mut channels = [0, 1, 2].map(|channel| {
            let has_samples = channel < sampling.channels();
            vec![0; if has_samples { stride * side } else { 0 }]
        });
        for y in 0..rows.next_multiple_of(side) {
            let row = &samples[y.min(rows - 1) * row_len..][..row_len];
            let start = y % side * stride + y / side * across * side;
            let [luma, cb, cr] = &mut channels;
            if sampling == Sampling::Gray {
                luma[start..start + width].copy_from_slice(row);
                repeat_last(&mut luma[start..start + across * side], width);
            } else {
                part(row, [luma, cb, cr].map(|plane| &mut plane[start..start + across * side]));
            }
        }
        Self { sampling, mcus, stride, channels }
    }

    pub(super) fn mcus(&self) -> usize {
        self.mcus
    }

    /// Samples of all channels.
    pub(super) fn samples(&self) -> usize {
        self.channels.iter().map(Vec::len).sum()
    }

    /// Copies the blocks of a group, the first of which are of an MCU.
    pub(super) fn copy(&self, mcu: usize, group: usize, blocks: &mut Blocks) {
        let x = mcu * self.sampling.mcu();
        let row =
            |channel: usize, y: usize| &self.channels[channel][y * self.stride + x..][..WIDTH];
        match (self.sampling, group) {
            (Sampling::Half, 2) => {
                for (y, means) in blocks.iter_mut().enumerate() {
                    let (cb, cr) = means.split_at_mut(WIDTH / 2);
                    for (channel, means) in [(1, cb), (2, cr)] {
                        let (above, below) = (row(channel, 2 * y), row(channel, 2 * y + 1));
                        widest(
                            #[inline(always)]
                            || average(above, below, means),
                        );
                    }
                }
            }
            (Sampling::Half, _) => {
                for (y, samples) in (8 * group..).zip(blocks) {
                    samples.copy_from_slice(row(0, y));
                }
            }
            _ => {
                for (y, samples) in blocks.iter_mut().enumerate() {
                    samples.copy_from_slice(row(group, y));
                }
            }
        }
    }
}

/// Goes on with the last of so many samples.
fn repeat_last(samples: &mut [u8], count: usize) {
    let (filled, beyond) = samples.split_at_mut(count);
    beyond.fill(filled.last().copied().unwrap_or_default());
}

/// Puts pixels into their planes.
fn part(samples: &[u8], mut planes: [&mut [u8]; 3]) {
    let count = samples.len() / 3;
    let [luma, cb, cr] = planes.each_mut().map(|plane| &mut plane[..count]);
    let (fours, pixels_left) = samples.as_chunks();
    let [luma, cb, cr] = [luma, cb, cr].map(|plane| plane.as_chunks_mut());
    widest(
        #[inline(always)]
        || {
            for (((four, luma), cb), cr) in fours.iter().zip(luma.0).zip(cb.0).zip(cr.0) {
                [*luma, *cb, *cr] = part_four(four);
            }
        },
    );
    let pixels_left = pixels_left.as_chunks().0;
    for (((&pixel, luma), cb), cr) in pixels_left.iter().zip(luma.1).zip(cb.1).zip(cr.1) {
        [*luma, *cb, *cr] = luma_and_chroma(pixel.map(u32::from)).map(|sum| (sum >> 16) as u8);
    }
    planes.into_iter().for_each(|plane| repeat_last(plane, count));
}

/// Four pixels at a time, which are three words: of each plane they make one.
#[inline(always)]
fn part_four(pixels: &[u8; 12]) -> [[u8; 4]; 3] {
    let words = pixels.as_chunks::<4>().0;
    let byte = |at: usize| u32::from_le_bytes(words[at / 4]) >> (8 * (at % 4)) & 0xFF;
    let mut planes = [0; 3];
    for at in 0..4 {
        let sums = luma_and_chroma([0, 1, 2].map(|channel| byte(3 * at + channel)));
        for (plane, sum) in planes.iter_mut().zip(sums) {
            *plane |= (sum >> 16) << (8 * at);
        }
    }
    planes.map(u32::to_le_bytes)
}

/// Luma, Cb and Cr (ITU-T T.871, 7) in 65536ths, so that the last 16 bits are to be cut off. A half
/// of luma is rounded up, and one of chroma down.
#[inline(always)]
fn luma_and_chroma(pixel: [u32; 3]) -> [u32; 3] {
    // What is taken away is less than the middle.
    const MIDDLE: u32 = (128 << 16) + HALF - 1;
    const HALF: u32 = 1 << 15;
    let [r, g, b] = pixel;
    let luma = 19_595 * r + 38_470 * g + 7_471 * b + HALF;
    let cb = HALF * b + MIDDLE - 11_059 * r - 21_709 * g;
    let cr = HALF * r + MIDDLE - 27_439 * g - 5_329 * b;
    [luma, cb, cr]
}

/// The means of two samples and the two below them. Halves are rounded down and up in turn.
#[inline(always)]
fn average(above: &[u8], below: &[u8], means: &mut [u8]) {
    let [above, below] = [above, below].map(|row| row.as_chunks::<2>().0);
    for (x, (mean, (above, below))) in means.iter_mut().zip(above.iter().zip(below)).enumerate() {
        let [above, below] = [*above, *below].map(|pair| {
            let pair = u16::from_le_bytes(pair);
            (pair & 0xFF) + (pair >> 8)
        });
        *mean = ((above + below + 1 + x as u16 % 2) / 4) as u8;
    }
}

const _: () = assert!(WIDTH == 8 * LANES);
