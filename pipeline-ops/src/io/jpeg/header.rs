//! What stands before the coded samples (ITU-T T.81, B.2; JFIF is ITU-T T.871).

use pipeline_core::{Error, Result};

use super::coder::{Coder, Sampling};
use super::tables::{AC, DC};

/// Bytes of a colour profile that fit into a segment, beside its length and what numbers it.
const PROFILE_PART: usize = 65_535 - 2 - 14;

impl Coder {
    /// The header of a picture, up to its coded samples. If there are markers, behind so many MCUs
    /// each.
    ///
    /// # Errors
    /// If the profile does not fit into 255 segments.
    pub(super) fn header(
        &self,
        [width, height]: [u16; 2],
        interval: Option<u16>,
        icc: Option<&[u8]>,
    ) -> Result<Vec<u8>> {
        let mut header = vec![0xFF, 0xD8];
        let mut segment = |marker: u8, parts: &[&[u8]]| {
            // No segment here is longer than a length can say.
            let len = 2 + parts.iter().map(|part| part.len()).sum::<usize>();
            header.extend([0xFF, marker, (len >> 8) as u8, len as u8]);
            parts.iter().for_each(|part| header.extend_from_slice(part));
        };
        // Version 1.2, pixels that are squares, no small picture.
        segment(0xE0, &[b"JFIF\0", &[1, 2, 0, 0, 1, 0, 1, 0, 0]]);
        if let Some(icc) = icc {
            // ICC.1:2022, B.4.
            let count = u8::try_from(icc.len().div_ceil(PROFILE_PART)).map_err(|_| {
                let most = PROFILE_PART * usize::from(u8::MAX);
                let found = format_args!("{} bytes", icc.len());
                Error::input("the ICC profile", found, format!("at most {most} bytes"))
            })?;
            for (number, part) in (1..=count).zip(icc.chunks(PROFILE_PART)) {
                segment(0xE2, &[b"ICC_PROFILE\0", &[number, count], part]);
            }
        }
        // Each component has a number (T.871, 6.1), its blocks in an MCU, and its tables.
        let luma = if self.sampling == Sampling::Half { 0x22 } else { 0x11 };
        let components = [(1, luma, 0), (2, 0x11, 1), (3, 0x11, 1)];
        let components = &components[..self.sampling.channels()];
        let count = [components.len() as u8];
        let sizes = components.iter().flat_map(|&(number, size, table)| [number, size, table]);
        let sizes: Vec<u8> = sizes.collect();
        segment(0xC0, &[&[8], &height.to_be_bytes(), &width.to_be_bytes(), &count, &sizes]);
        let tables = components.len().min(2);
        for (number, quantization) in (0..).zip(&self.quantization).take(tables) {
            segment(0xDB, &[&[number], &quantization.steps()]);
        }
        for (number, (dc, ac)) in (0..).zip(DC.iter().zip(&AC)).take(tables) {
            segment(0xC4, &[&[number], &dc.0, dc.1]);
            segment(0xC4, &[&[0x10 | number], &ac.0, ac.1]);
        }
        if let Some(interval) = interval {
            segment(0xDD, &[&interval.to_be_bytes()]);
        }
        let tables = components.iter().flat_map(|&(number, _, table)| [number, 0x11 * table]);
        let tables: Vec<u8> = tables.collect();
        // All coefficients, with all their bits.
        segment(0xDA, &[&count, &tables, &[0, 63, 0]]);
        Ok(header)
    }
}
