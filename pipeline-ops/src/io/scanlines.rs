//! JPEG files row by row, where the picture is too large to be there as a whole.
//!
//! `libjpeg` reports an error by a panic that unwinds through its C code, which is compiled for
//! that; here it becomes an error again. In a program that aborts on panics files are left to the
//! decoder that gives a picture at once.
#![expect(unsafe_code, reason = "a decoder behind pointers moves to the thread that reads")]

use std::io::{self, BufRead, Cursor, ErrorKind, Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use image::ImageDecoder;
use image::codecs::jpeg::JpegDecoder;
use mozjpeg::Decompress;
use mozjpeg::decompress::DecompressStarted;
use pipeline_core::error::Cause;
use pipeline_core::step::{Rows, no_more};
use pipeline_core::{Layout, Result};

use super::complete::{START_OF_SCAN, head_of_jpeg, is_alone};
use super::decode::{allow, panic_message, refuse};
use super::file::PictureFile;
use super::open::Open;
use super::whole::{Described, turned};

/// Bytes of a picture up to which it is decoded at once, which is faster where `libjpeg` had to be
/// built without its assembly.
const WHOLE: u64 = 64 << 20;

/// The longest side that `libjpeg` takes (`JPEG_MAX_DIMENSION`).
const LONGEST: u32 = 65_500;

/// The markers of frames whose samples come from top to bottom: baseline, and extended with tables
/// of Huffman (ITU-T T.81, table B.1).
const SEQUENTIAL: [u8; 2] = [0xC0, 0xC1];

/// The marker of the note that Adobe's programs leave.
const ADOBE: u8 = 0xEE;

/// Rows that are decoded at once, at most: those of a block, four times as high as usual where a
/// channel has a quarter of the resolution.
const AT_ONCE: u32 = 4 * 8;

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
    let (width, height) = decoder.dimensions();
    if decoder.total_bytes() <= WHOLE.min(open.max_bytes) || width.max(height) > LONGEST {
        return Ok(None);
    }
    let Described { layout, icc, orientation } = Described::of(open, &mut decoder)?;
    let at_once = Layout { height: AT_ONCE.min(height), ..layout }.size_bytes();
    allow(open, "a row of blocks of", at_once)?;
    source.rewind().map_err(|error| refuse(&open.path, "read", error))?;
    let (source, left) = (Some(source), layout.height);
    let rows = JpegRows { open, layout, icc, at_once, source, decoder: None, left };
    turned(open, orientation, Box::new(rows)).map(Some)
}

/// Whether one scan holds gray or colours of eight bits from top to bottom: then a decoder keeps a
/// few rows, and otherwise the coefficients of all. What decoders take for RGB, some by one note in
/// the head and some by another, is none.
fn is_one_scan(head: &[u8]) -> bool {
    let (mut frame, mut is_rgb) = (None, false);
    for (code, content) in segments(head) {
        match (code, content) {
            (START_OF_SCAN, [channels, ..]) => return frame == Some(channels) && !is_rgb,
            // The twelfth byte says whether colours are brightness and two differences.
            (ADOBE, [b'A', b'd', b'o', b'b', b'e', _, _, _, _, _, _, transform, ..]) => {
                is_rgb |= *transform != 1;
            }
            (_, [8, _, _, _, _, channels @ (1 | 3), names @ ..]) if SEQUENTIAL.contains(&code) => {
                frame = Some(channels);
                is_rgb |= names.iter().step_by(3).eq(b"RGB");
            }
            _ => {}
        }
    }
    false
}

/// The marker and the content of each segment, up to a marker that has none.
fn segments(head: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    // Behind the start of the image, a marker without content.
    let mut rest = head.get(2..).unwrap_or_default();
    std::iter::from_fn(move || {
        let at = rest.windows(2).position(|pair| pair[0] == 0xFF && pair[1] != 0xFF)?;
        let (code, segment) = rest[at + 1..].split_first().filter(|(code, _)| !is_alone(**code))?;
        let len = segment.first_chunk().map(|len| usize::from(u16::from_be_bytes(*len)))?;
        rest = segment.get(len..)?;
        Some((*code, segment.get(2..len)?))
    })
}

struct JpegRows<'a> {
    open: &'a Open,
    layout: Layout,
    icc: Option<Arc<[u8]>>,
    /// Bytes that are decoded at once.
    at_once: u64,
    /// The file, until the first row is asked for.
    source: Option<PictureFile<'a>>,
    decoder: Option<Decoder<Reader<'a>>>,
    /// Rows that were not read yet.
    left: u32,
}

struct Decoder<R> {
    started: DecompressStarted<R>,
    /// What the reader failed with.
    failed: Arc<Mutex<Option<io::Error>>>,
}

// SAFETY: a decoder owns all that its pointers lead to: its tables and buffers, and the reader,
// which may move if `R` may. It keeps nothing for the thread that made it: what the C code knows
// of the processor is looked up once on each thread that asks.
unsafe impl<R: Send> Send for Decoder<R> {}

impl<'a> Decoder<Reader<'a>> {
    fn start(file: PictureFile<'a>, layout: Layout) -> Result<Self, Cause> {
        let failed = Arc::new(Mutex::new(None));
        let reader = Reader { file, failed: Arc::clone(&failed) };
        let started = caught(&failed, || {
            let decoder = Decompress::builder().from_reader(reader)?;
            if layout.channels == 1 { decoder.grayscale() } else { decoder.rgb() }
        })?;
        let (width, height) = (started.width(), started.height());
        if (width, height) != (layout.width as usize, layout.height as usize) {
            return Err(format!("the picture became one of {width}×{height}").into());
        }
        Ok(Self { started, failed })
    }

    fn fill(&mut self, rows: &mut [u8]) -> Result<(), Cause> {
        caught(&self.failed, || self.started.read_scanlines_into(rows).map(|_| ()))
    }
}

/// What `libjpeg` does, with its panics as errors; where it could not read, with the reason.
fn caught<T>(
    failed: &Mutex<Option<io::Error>>,
    f: impl FnOnce() -> io::Result<T>,
) -> Result<T, Cause> {
    let result = catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|payload| {
        let message = panic_message(payload.as_ref());
        if !message.starts_with("libjpeg") {
            resume_unwind(payload);
        }
        Err(io::Error::other(message))
    });
    let reason = failed.lock().unwrap_or_else(PoisonError::into_inner).take();
    reason.map_or(result, Err).map_err(Into::into)
}

/// A file that keeps what it failed with, of which `libjpeg` tells that there was something.
struct Reader<'a> {
    file: PictureFile<'a>,
    failed: Arc<Mutex<Option<io::Error>>>,
}

impl BufRead for Reader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.file.fill_buf().map_err(|error| {
            *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            ErrorKind::Other.into()
        })
    }

    fn consume(&mut self, amount: usize) {
        self.file.consume(amount);
    }
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl JpegRows<'_> {
    fn fill(&mut self, rows: &mut [u8]) -> Result<(), Cause> {
        let mut decoder = match (self.decoder.take(), self.source.take()) {
            (Some(decoder), _) => decoder,
            (None, Some(source)) => Decoder::start(source, self.layout)?,
            (None, None) => return Err("the decoder has failed before".into()),
        };
        decoder.fill(rows)?;
        if self.left > 0 {
            self.decoder = Some(decoder);
        }
        Ok(())
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
        // The rows above and below help where colours are made larger.
        3 * self.at_once
    }

    fn allow_whole(&self) -> Result<()> {
        allow(self.open, "the picture", self.layout.size_bytes())
    }

    fn read(&mut self, rows: &mut [u8]) -> Result<()> {
        let count = u32::try_from(rows.len() / self.layout.row_len()).unwrap_or(u32::MAX);
        self.left = self.left.checked_sub(count).ok_or_else(no_more)?;
        if rows.is_empty() {
            return Ok(());
        }
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

    #[test]
    fn what_decoders_read_in_two_ways_does_not_come_row_by_row() {
        let gray = head(0xC0, 8, 1, 1);
        let after_start = |more: &[u8]| [&gray[..2], more, &gray[2..]].concat();
        // A marker that some take for a segment, within which there is another frame.
        for alone in [0x00, 0x01, 0xD0, 0xD8, 0xD9] {
            assert!(!is_one_scan(&after_start(&[0xFF, alone, 0, 4, 0xFF, 0xC2])), "{alone:X}");
        }
        let adobe = |transform| [b"\xFF\xEE\0\x0EAdobe\0\x64\0\0\0\0", &[transform][..]].concat();
        assert!(is_one_scan(&after_start(&adobe(1))) && !is_one_scan(&after_start(&adobe(0))));
        let longer = b"\xFF\xEE\0\x0FAdobe\0\x64\0\0\0\0\0\x01";
        assert!(!is_one_scan(&after_start(longer)), "what follows is no part of the note");
        let named = |names: [u8; 3]| {
            let [r, g, b] = names;
            let frame = [0xFF, 0xC0, 0, 17, 8, 0, 1, 0, 1, 3, r, 17, 0, g, 17, 0, b, 17, 0];
            [b"\xFF\xD8", &frame[..], &[0xFF, START_OF_SCAN, 0, 3, 3]].concat()
        };
        assert!(is_one_scan(&named([1, 2, 3])) && !is_one_scan(&named(*b"RGB")));
    }
}
