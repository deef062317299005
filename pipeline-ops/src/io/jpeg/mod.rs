//! JPEG files written strip by strip, on as many threads as have nothing else to do.
//!
//! The coded samples of a JPEG may be cut by restart markers (ITU-T T.81, B.2.1 and E.1.4). Behind
//! each of them coding begins as it does at the start: at the edge of a byte, and with nothing to
//! predict from. So what stands between two of them depends on the pixels there alone; the header
//! says how many minimum coded units (MCUs) that are (B.2.4.4). Here they are those of a strip, as
//! wide as the picture. The markers are numbered from 0 to 7 over and over.
//!
//! How high a strip is follows from the width and the quality, so no byte depends on threads. A
//! picture of one strip has no markers.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "numbers of few bits are cut and joined, and the tests compare every byte"
)]

mod coder;
mod entropy;
mod header;
mod samples;
mod tables;
#[cfg(test)]
mod tests;
mod transform;

use std::io::Write;
use std::num::TryFromIntError;
use std::ops::Range;
use std::sync::OnceLock;

use coder::{Coder, Sampling, coded};
use pipeline_core::error::Cause;
use pipeline_core::step::{Rows, no_more};
use pipeline_core::{Context, Layout};

use super::complete::END_OF_IMAGE;
use super::encode::profile;

/// The quality from which on chroma is stored at the full resolution.
const FULL_CHROMA: u8 = 90;

/// Pixels of a strip, as far as whole rows of MCUs allow.
const STRIP: u32 = 64 << 10;

/// Strips that there are at a time, and that threads share.
const STRIPS: usize = 8;

/// The first of the markers where coding begins anew.
const RESTART: u8 = 0xD0;

/// Writes gray or RGB pixels of 8 bits.
pub(super) fn write(
    rows: &mut dyn Rows,
    quality: u8,
    writer: &mut impl Write,
    ctx: &Context<'_>,
) -> Result<(), Cause> {
    let cut = Cut::of(rows.layout(), quality)?;
    write_strips(rows, &cut, writer, ctx)
}

/// Bytes that are taken to write a picture, beside its rows.
pub(super) fn aside(layout: Layout, quality: u8) -> u64 {
    Cut::of(layout, quality).map_or(0, |cut| {
        let rows = u64::from(cut.rows.min(layout.height));
        let samples = cut.sampling.samples(cut.mcus.into());
        let beside = samples + coded(samples, quality) + cut.sampling.aside();
        let strips = u64::from(layout.height.div_ceil(cut.rows)).min(STRIPS as u64);
        strips * (rows * layout.row_len() as u64 + beside as u64)
    })
}

fn write_strips(
    rows: &mut dyn Rows,
    cut: &Cut,
    writer: &mut impl Write,
    ctx: &Context<'_>,
) -> Result<(), Cause> {
    let (height, row_len) = (usize::from(cut.height), cut.row_len);
    let most = STRIPS * cut.rows as usize;
    let parts = (0..height).step_by(most).map(|first| first..height.min(first + most));
    let coder = Coder::new(cut.sampling, cut.quality);
    let icc = profile(rows, rows.layout())?;
    writer.write_all(&coder.header([cut.width, cut.height], cut.interval(), icc.as_deref())?)?;
    let mut scan = Scan { cut, coder, writer, ctx };
    if let Some(samples) = rows.rest() {
        for part in parts {
            let range = part.start * row_len..part.end * row_len;
            scan.append(part, samples.get(range).ok_or_else(no_more)?)?;
        }
    } else {
        let mut samples = vec![0; height.min(most) * row_len];
        for part in parts {
            let samples = &mut samples[..part.len() * row_len];
            rows.read(samples)?;
            scan.append(part, samples)?;
        }
    }
    Ok(writer.write_all(&[0xFF, END_OF_IMAGE])?)
}

/// How a picture is cut into strips, and how they are coded.
#[derive(Debug, Clone, Copy)]
struct Cut {
    width: u16,
    height: u16,
    row_len: usize,
    sampling: Sampling,
    quality: u8,
    /// Rows of a strip, a multiple of the side of an MCU.
    rows: u32,
    /// The MCUs of a strip.
    mcus: u16,
}

impl Cut {
    fn of(layout: Layout, quality: u8) -> Result<Self, TryFromIntError> {
        let sampling = match layout.channels {
            1 => Sampling::Gray,
            _ if quality >= FULL_CHROMA => Sampling::Full,
            _ => Sampling::Half,
        };
        let side = sampling.mcu() as u32;
        let across = layout.width.div_ceil(side);
        let down = (STRIP / (side * side)).div_ceil(across.max(1));
        Ok(Self {
            width: layout.width.try_into()?,
            height: layout.height.try_into()?,
            row_len: layout.row_len(),
            sampling,
            quality,
            rows: down * side,
            mcus: (across * down).try_into()?,
        })
    }

    /// The MCUs between two markers, if there are any.
    fn interval(&self) -> Option<u16> {
        (self.rows < self.height.into()).then_some(self.mcus)
    }
}

/// The coded samples of a file.
struct Scan<'a, W> {
    cut: &'a Cut,
    coder: Coder,
    writer: &'a mut W,
    ctx: &'a Context<'a>,
}

impl<W: Write> Scan<'_, W> {
    /// Codes some strips, and writes them.
    fn append(&mut self, part: Range<usize>, samples: &[u8]) -> Result<(), Cause> {
        let Self { cut, coder, ctx, .. } = self;
        let (first, height) = (part.start, cut.rows as usize);
        let count = part.len().div_ceil(height);
        let strips = [const { OnceLock::new() }; STRIPS];
        ctx.rows_of(part, cut.height.into(), height, |rows| {
            let (start, end) = (rows.start - first, rows.end - first);
            let samples = &samples[start * cut.row_len..end * cut.row_len];
            // Nobody else makes this one.
            let _ = strips[start / height].set(coder.encode(samples, cut.width.into()));
            Ok(())
        })?;
        for (number, strip) in (first / height..).zip(strips).take(count) {
            let strip = strip.into_inner().ok_or("a strip was left out")?;
            if number > 0 {
                let [.., restart] = (number - 1).to_be_bytes();
                self.writer.write_all(&[0xFF, RESTART + restart % 8])?;
            }
            self.writer.write_all(&strip)?;
        }
        Ok(())
    }
}
