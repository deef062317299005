//! The coded samples of strips of a baseline JPEG (ITU-T T.81).
//!
//! A strip is coded by itself, as between two restart markers. Its colours are taken apart
//! (`samples`). Then, as many units at a time as stay in the nearest memory, blocks become
//! quantised frequencies (`transform`), and these become bits (`entropy`).
//!
//! Every bit is the one that `libjpeg` writes with the tables of Annex K, colours that are means,
//! and its accurate transform of integers, the edges beyond the picture excepted: there the last
//! pixels are repeated, and not the last means of colours.

use super::entropy::Coded;
use super::samples::Planes;
use super::tables::{Codes, Quantization};
use super::transform::{Frequencies, LANES, WIDTH};
use crate::kernel::widest;

/// Which of two tables is that of luma, and which that of both colours.
const LUMA: usize = 0;
const COLOR: usize = 1;

/// What the samples of a picture are, and how many of its colours are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sampling {
    /// One channel.
    Gray,
    /// Red, green and blue; colours at the full resolution.
    Full,
    /// Red, green and blue; of colours the means of 2 × 2 pixels.
    Half,
}

impl Sampling {
    /// Samples of a pixel.
    pub(super) fn channels(self) -> usize {
        if self == Self::Gray { 1 } else { 3 }
    }

    /// The side of a unit: of the squares of pixels that are coded one after the other.
    pub(super) fn unit(self) -> usize {
        if self == Self::Half { 16 } else { 8 }
    }

    /// Units that are coded at a time. At half resolution they have two groups of blocks of luma,
    /// one below the other, and one that the two colours share.
    const fn together(self) -> usize {
        if matches!(self, Self::Half) { LANES / 2 } else { LANES }
    }

    /// The tables of the groups of blocks.
    fn groups(self) -> &'static [usize] {
        match self {
            Self::Gray => &[LUMA],
            Self::Full => &[LUMA, COLOR, COLOR],
            Self::Half => &[LUMA, LUMA, COLOR],
        }
    }
}

/// Codes strips with the tables of a quality.
#[derive(Debug)]
pub(super) struct Coder {
    pub(super) sampling: Sampling,
    pub(super) quantization: [Quantization; 2],
    codes: [Codes; 2],
}

impl Coder {
    /// With the tables of a quality from 1 to 100.
    pub(super) fn new(sampling: Sampling, quality: u8) -> Self {
        Self { sampling, quantization: Quantization::of(quality), codes: Codes::standard() }
    }

    /// The coded samples of a strip of rows of `width` pixels. Behind the last pixel of a row, and
    /// below the last row, those are repeated up to whole units.
    pub(super) fn encode(&self, samples: &[u8], width: usize) -> Vec<u8> {
        let sampling = self.sampling;
        let planes = Planes::of(samples, width, sampling);
        let mut blocks = [[0; WIDTH]; 8];
        let mut frequencies = vec![Frequencies::default(); sampling.groups().len()];
        let mut coded = Coded::with_capacity(samples.len() / 4);
        let mut predicted = [0; 3];
        for first in (0..planes.units()).step_by(sampling.together()) {
            let count = sampling.together().min(planes.units() - first);
            for (group, frequencies) in frequencies.iter_mut().enumerate() {
                planes.copy(first, group, &mut blocks);
                let quantization = &self.quantization[sampling.groups()[group]];
                widest(
                    #[inline(always)]
                    || frequencies.fill(&blocks, quantization),
                );
            }
            for unit in 0..count {
                let mut code = |group: usize, block: usize, component: usize| {
                    let codes = &self.codes[if component == 0 { LUMA } else { COLOR }];
                    coded.block(&frequencies[group], block, &mut predicted[component], codes);
                };
                match sampling {
                    Sampling::Gray => code(0, unit, 0),
                    Sampling::Full => (0..3).for_each(|group| code(group, unit, group)),
                    Sampling::Half => {
                        for group in [0, 1] {
                            code(group, 2 * unit, 0);
                            code(group, 2 * unit + 1, 0);
                        }
                        code(2, unit, 1);
                        code(2, LANES / 2 + unit, 2);
                    }
                }
            }
        }
        coded.finish()
    }
}
