//! The coded samples of strips of a baseline JPEG (ITU-T T.81).
//!
//! A strip is coded by itself, as between two restart markers. Its pixels are taken apart into luma
//! and chroma (`samples`). Then, as many minimum coded units (MCUs) at a time as stay in the
//! nearest memory, blocks become quantised frequencies (`transform`), and these become bits
//! (`entropy`).
//!
//! Every bit is the one that `libjpeg` writes with the tables of Annex K, chroma that are means,
//! and its accurate transform of integers, of a picture that is repeated at its edges up to whole
//! MCUs; the tests compare all of them. By itself `libjpeg` repeats chroma there, and of blocks
//! beyond the edges the mean.

use super::entropy::{Coded, ROOM};
use super::samples::Planes;
use super::tables::{Codes, Quantization};
use super::transform::{Blocks, Frequencies, LANES, WIDTH};
use crate::kernel::widest;

/// Which of two tables is that of luma, and which that of chroma.
const LUMA: usize = 0;
const CHROMA: usize = 1;

/// What the samples of a picture are, and how much of its chroma is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sampling {
    /// One channel.
    Gray,
    /// Red, green and blue; chroma at the full resolution.
    Full,
    /// Red, green and blue; of chroma the means of 2 × 2 pixels.
    Half,
}

impl Sampling {
    /// Samples of a pixel.
    pub(super) fn channels(self) -> usize {
        if self == Self::Gray { 1 } else { 3 }
    }

    /// The side of a minimum coded unit (MCU): a square of pixels whose blocks are coded together.
    pub(super) fn mcu(self) -> usize {
        if self == Self::Half { 16 } else { 8 }
    }

    /// MCUs that are coded at a time. At half resolution they have two groups of blocks of luma,
    /// one below the other, and one that Cb and Cr share.
    const fn together(self) -> usize {
        if matches!(self, Self::Half) { LANES / 2 } else { LANES }
    }

    /// Samples of so many MCUs, with those that fill the last groups of blocks.
    pub(super) fn samples(self, mcus: usize) -> usize {
        (mcus * self.mcu()).next_multiple_of(WIDTH) * self.mcu() * self.channels()
    }

    /// Bytes that are taken to code a strip, beside its samples and its bits.
    pub(super) fn aside(self) -> usize {
        self.groups().len() * size_of::<Frequencies>() + size_of::<Blocks>() + ROOM
    }

    /// The tables of the groups of blocks.
    fn groups(self) -> &'static [usize] {
        match self {
            Self::Gray => &[LUMA],
            Self::Full => &[LUMA, CHROMA, CHROMA],
            Self::Half => &[LUMA, LUMA, CHROMA],
        }
    }
}

/// Bytes that so many samples become at the most: no noise has passed that.
pub(super) fn coded(samples: usize, quality: u8) -> usize {
    samples * if quality < 90 { 1 } else { 2 }
}

/// Codes strips with the tables of a quality.
#[derive(Debug)]
pub(super) struct Coder {
    pub(super) sampling: Sampling,
    pub(super) quantization: [Quantization; 2],
    codes: [Codes; 2],
    quality: u8,
}

impl Coder {
    /// With the tables of a quality from 1 to 100.
    pub(super) fn new(sampling: Sampling, quality: u8) -> Self {
        let (quantization, codes) = (Quantization::of(quality), Codes::standard());
        Self { sampling, quantization, codes, quality }
    }

    /// The coded samples of a strip of rows of `width` pixels. Behind the last pixel of a row, and
    /// below the last row, those are repeated up to whole MCUs.
    pub(super) fn encode(&self, samples: &[u8], width: usize) -> Vec<u8> {
        let sampling = self.sampling;
        let planes = Planes::of(samples, width, sampling);
        let mut blocks = [[0; WIDTH]; 8];
        let mut frequencies = vec![Frequencies::default(); sampling.groups().len()];
        let mut coded = Coded::with_capacity(coded(planes.samples(), self.quality));
        let mut predicted = [0; 3];
        for first in (0..planes.mcus()).step_by(sampling.together()) {
            let count = sampling.together().min(planes.mcus() - first);
            for (group, frequencies) in frequencies.iter_mut().enumerate() {
                planes.copy(first, group, &mut blocks);
                let quantization = &self.quantization[sampling.groups()[group]];
                widest(
                    #[inline(always)]
                    || frequencies.fill(&blocks, quantization),
                );
            }
            for mcu in 0..count {
                let mut code = |group: usize, block: usize, component: usize| {
                    let codes = &self.codes[if component == 0 { LUMA } else { CHROMA }];
                    coded.block(&frequencies[group], block, &mut predicted[component], codes);
                };
                match sampling {
                    Sampling::Gray => code(0, mcu, 0),
                    Sampling::Full => (0..3).for_each(|group| code(group, mcu, group)),
                    Sampling::Half => {
                        for group in [0, 1] {
                            code(group, 2 * mcu, 0);
                            code(group, 2 * mcu + 1, 0);
                        }
                        code(2, mcu, 1);
                        code(2, LANES / 2 + mcu, 2);
                    }
                }
            }
        }
        coded.finish()
    }
}
