//! JPEG files row by row, where the picture is too large to be there as a whole.
//!
//! `libjpeg` reports an error by a panic that unwinds through its C code, which is compiled for
//! that; here it becomes an error again. In a program that aborts on panics files are left to the
//! decoder that gives a picture at once.
#![expect(unsafe_code, reason = "a decoder behind pointers moves to the thread that reads")]

use std::io::{self, Cursor, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use image::codecs::jpeg::JpegDecoder;
use mozjpeg::Decompress;
use mozjpeg::decompress::DecompressStarted;
use pipeline_core::error::Cause;
use pipeline_core::step::{Rows, no_more};
use pipeline_core::{Layout, Result};

use super::complete::{START_OF_SCAN, head_of_jpeg};
use super::decode::{allow, panic_message, refuse};
use super::file::PictureFile;
use super::open::Open;
use super::whole::{Described, turned};

/// The markers of frames whose samples come from top to bottom: baseline, and extended with tables
/// of Huffman (ITU-T T.81, table B.1).
const SEQUENTIAL: [u8; 2] = [0xC0, 0xC1];

/// Bytes of a picture up to which it is decoded at once, which is faster where `libjpeg` had to be
/// built without its assembly.
const WHOLE: u64 = 64 << 20;

/// Rows that a decoder keeps, at most: three rows of blocks, four times as high as usual where a
/// channel has a quarter of the resolution.
const KEPT: u64 = 3 * 4 * 8;

/// The rows of a JPEG file; none if it is small or they do not come from top to bottom, and it is
/// for `image`.
pub(super) fn rows<'a>(
    open: &'a Open,
    mut source: PictureFile<'a>,
) -> Result<Option<Box<dyn Rows + 'a>>> {
    let head = head_of_jpeg(&mut source, open.max_bytes).unwrap_or_default();
    if !cfg!(panic = "unwind") || !is_one_scan(&head) {
        return Ok(None);
    }
    let Ok(mut decoder) = JpegDecoder::new(Cursor::new(head)) else { return Ok(None) };
    let Described { layout, icc, orientation } = Described::of(open, &mut decoder)?;
    if layout.size_bytes() <= WHOLE.min(open.max_bytes) {
        return Ok(None);
    }
    source.rewind().map_err(|error| refuse(&open.path, "read", error))?;
    let rows =
        JpegRows { open, layout, icc, source: Some(source), decoder: None, left: layout.height };
    turned(open, orientation, Box::new(rows)).map(Some)
}

/// Whether one scan holds gray or colours of eight bits from top to bottom: then a decoder keeps a
/// few rows, and otherwise the coefficients of all.
fn is_one_scan(head: &[u8]) -> bool {
    let mut frame = None;
    for (code, content) in segments(head) {
        match (code, content) {
            (START_OF_SCAN, [channels, ..]) => return frame == Some(channels),
            (_, [8, _, _, _, _, channels @ (1 | 3), ..]) if SEQUENTIAL.contains(&code) => {
                frame = Some(channels);
            }
            _ => {}
        }
    }
    false
}

/// The marker and the content of each segment that has one.
fn segments(head: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    // Behind the start of the image, a marker without content.
    let mut rest = head.get(2..).unwrap_or_default();
    std::iter::from_fn(move || {
        let at = rest.windows(2).position(|pair| pair[0] == 0xFF && pair[1] != 0xFF)?;
        let (code, segment) = rest[at + 1..].split_first()?;
        let len = segment.first_chunk().map(|len| usize::from(u16::from_be_bytes(*len)))?;
        rest = segment.get(len..)?;
        Some((*code, segment.get(2..len)?))
    })
}

struct JpegRows<'a> {
    open: &'a Open,
    layout: Layout,
    icc: Option<Arc<[u8]>>,
    /// The file, until the first row is asked for.
    source: Option<PictureFile<'a>>,
    decoder: Option<Decoder<PictureFile<'a>>>,
    /// Rows that were not read yet.
    left: u32,
}

struct Decoder<R>(DecompressStarted<R>);

// SAFETY: a decoder owns all that its pointers lead to: its tables and buffers, and the reader,
// which may move as `R` says. It keeps nothing for the thread that made it: what the C code knows
// of the processor is looked up once on each thread that asks.
unsafe impl<R: Send> Send for Decoder<R> {}

impl<'a> JpegRows<'a> {
    fn start(&self, source: PictureFile<'a>) -> Result<Decoder<PictureFile<'a>>, Cause> {
        let decoder = caught(|| {
            let decoder = Decompress::builder().from_reader(source)?;
            if self.layout.channels == 1 { decoder.grayscale() } else { decoder.rgb() }
        })?;
        let (width, height) = (decoder.width(), decoder.height());
        if (width, height) != (self.layout.width as usize, self.layout.height as usize) {
            return Err(format!("the picture became one of {width}×{height}").into());
        }
        Ok(Decoder(decoder))
    }

    fn fill(&mut self, rows: &mut [u8]) -> Result<(), Cause> {
        let mut decoder = match (self.decoder.take(), self.source.take()) {
            (Some(decoder), _) => decoder,
            (None, Some(source)) => self.start(source)?,
            (None, None) => return Err("it failed before".into()),
        };
        caught(|| decoder.0.read_scanlines_into(rows).map(|_| ()))?;
        if self.left > 0 {
            self.decoder = Some(decoder);
        }
        Ok(())
    }
}

/// What `libjpeg` does, with its panics as errors.
fn caught<T>(f: impl FnOnce() -> io::Result<T>) -> Result<T, Cause> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(result) => Ok(result?),
        Err(payload) => Err(panic_message(payload.as_ref()).into()),
    }
}

impl Rows for JpegRows<'_> {
    fn layout(&self) -> Layout {
        self.layout
    }

    fn icc(&self) -> Option<Arc<[u8]>> {
        self.icc.clone()
    }

    fn aside(&self) -> u64 {
        KEPT * self.layout.row_len() as u64
    }

    fn allow_whole(&self) -> Result<()> {
        allow(self.open, "the picture", self.layout.size_bytes())
    }

    fn read(&mut self, rows: &mut [u8]) -> Result<()> {
        let count = u32::try_from(rows.len() / self.layout.row_len()).unwrap_or(u32::MAX);
        self.left = self.left.checked_sub(count).ok_or_else(no_more)?;
        self.fill(rows).map_err(|error| refuse(&self.open.path, "decode", error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A head: a note that holds what looks like a frame, a frame, and the start of a scan.
    fn head(frame: u8, bits: u8, channels: u8, scanned: u8) -> Vec<u8> {
        let note = b"\xFF\xE1\0\x0A\xFF\xC2\0\x08\x08\0\0\0";
        let frame = [0xFF, frame, 0, 8, bits, 0, 1, 0, 1, channels];
        let scan = [0xFF, 0xFF, START_OF_SCAN, 0, 3, scanned];
        [b"\xFF\xD8", &note[..], &frame[..], &scan[..]].concat()
    }

    #[test]
    fn a_sequential_picture_in_one_scan_comes_row_by_row() {
        for (frame, bits, channels, scanned, expected) in [
            (0xC0, 8, 1, 1, true),
            (0xC0, 8, 3, 3, true),
            (0xC1, 8, 3, 3, true),
            // Progressive, arithmetic, twelve bits, each channel by itself, and four of them.
            (0xC2, 8, 3, 3, false),
            (0xC9, 8, 3, 3, false),
            (0xC1, 12, 3, 3, false),
            (0xC0, 8, 3, 1, false),
            (0xC0, 8, 4, 4, false),
        ] {
            let head = head(frame, bits, channels, scanned);
            assert_eq!(is_one_scan(&head), expected, "{frame:X} {bits} {channels} {scanned}");
            for cut in 0..head.len() {
                assert!(!is_one_scan(&head[..cut]), "{cut}");
            }
        }
    }
}
