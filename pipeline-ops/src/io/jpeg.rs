//! JPEG files written row by row.
//!
//! The encoder asks for rows from top to bottom, and for the last one again until a row of blocks is
//! full. It takes them for granted: when one does not come it is given black, and the file refuses
//! what it writes next.

use std::cell::{Cell, RefCell};
use std::io::{self, Write};

use jpeg_encoder::{ChromaSubsamplingMethod, Encoder, ImageBuffer, JpegColorType, rgb_to_ycbcr};
use pipeline_core::error::Cause;
use pipeline_core::step::Rows;
use pipeline_core::{Error, Layout, Result};

use super::encode::profile;
use crate::kernel::widest;

/// Writes gray or RGB pixels of 8 bits.
pub(super) fn write(
    rows: &mut dyn Rows,
    quality: u8,
    writer: &mut impl Write,
) -> Result<(), Cause> {
    let (layout, icc) = (rows.layout(), profile(rows));
    let (width, height) = (u16::try_from(layout.width)?, u16::try_from(layout.height)?);
    let has_failed = Cell::new(false);
    let mut encoder = Encoder::new(Stoppable { writer, has_failed: &has_failed }, quality);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    if let Some(icc) = icc {
        encoder.add_icc_profile(&icc)?;
    }
    let row = vec![0; layout.row_len()];
    let last = RefCell::new(LastRow { rows, row, count: 0, error: None });
    let written =
        encoder.encode_image(Picture { layout, width, height, last: &last, failed: &has_failed });
    match last.into_inner().error {
        Some(error) => Err(error.into()),
        None => Ok(written?),
    }
}

/// A picture as the encoder sees it.
struct Picture<'a, 'b> {
    layout: Layout,
    width: u16,
    height: u16,
    last: &'a RefCell<LastRow<'b>>,
    failed: &'a Cell<bool>,
}

/// The row that was read last.
struct LastRow<'a> {
    rows: &'a mut dyn Rows,
    row: Vec<u8>,
    /// Rows that were read.
    count: u32,
    error: Option<Error>,
}

impl LastRow<'_> {
    /// Reads the row of that number, unless it is there.
    fn advance(&mut self, number: u32) {
        if number < self.count || self.error.is_some() {
            return;
        }
        self.count += 1;
        if let Err(error) = self.rows.read(&mut self.row) {
            self.error = Some(error);
            self.row.fill(0);
        }
    }
}

impl ImageBuffer for Picture<'_, '_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        if self.layout.channels == 1 { JpegColorType::Luma } else { JpegColorType::Ycbcr }
    }

    fn width(&self) -> u16 {
        self.width
    }

    fn height(&self) -> u16 {
        self.height
    }

    fn fill_buffers(&self, y: u16, planes: &mut [Vec<u8>; 4]) {
        let mut last = self.last.borrow_mut();
        last.advance(u32::from(y));
        self.failed.set(last.error.is_some());
        let [luma, blue, red, _] = planes;
        if self.layout.channels == 1 {
            luma.extend_from_slice(&last.row);
            return;
        }
        let (pixels, _) = last.row.as_chunks::<3>();
        let start = luma.len();
        let planes = [luma, blue, red].map(|plane| {
            plane.resize(start + pixels.len(), 0);
            &mut plane[start..]
        });
        widest(
            #[inline(always)]
            || part(pixels, planes),
        );
    }
}

/// Puts pixels into their planes.
#[inline(always)]
fn part(pixels: &[[u8; 3]], [luma, blue, red]: [&mut [u8]; 3]) {
    let planes = luma.iter_mut().zip(blue).zip(red);
    for (&[r, g, b], ((luma, blue), red)) in pixels.iter().zip(planes) {
        (*luma, *blue, *red) = rgb_to_ycbcr(r, g, b);
    }
}

/// A file that is not written on once no more rows come.
struct Stoppable<'a, W> {
    writer: W,
    has_failed: &'a Cell<bool>,
}

impl<W: Write> Write for Stoppable<'_, W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if self.has_failed.get() {
            return Err(io::Error::other("no more rows come"));
        }
        self.writer.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
