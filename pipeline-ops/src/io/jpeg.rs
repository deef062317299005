//! JPEG files written row by row.
//!
//! The encoder of `image` asks for pixels in blocks from top to bottom, each of them once, and says
//! that it always will. So it is given a picture of which only one row of blocks is there.

use std::cell::{Cell, RefCell};
use std::io::{self, Write};
use std::marker::PhantomData;

use image::codecs::jpeg::JpegEncoder;
use image::{GenericImageView, ImageEncoder, Luma, Pixel, PixelWithColorType, Rgb};
use pipeline_core::error::Cause;
use pipeline_core::step::Rows;
use pipeline_core::{Error, Layout, Result};

use super::encode::profile;

/// Rows of a block.
const BLOCK: u32 = 8;

/// Writes gray or RGB pixels of 8 bits.
pub(super) fn write(
    rows: &mut dyn Rows,
    quality: u8,
    writer: &mut impl Write,
) -> Result<(), Cause> {
    match rows.layout().channels {
        1 => write_as::<Luma<u8>>(rows, quality, writer),
        _ => write_as::<Rgb<u8>>(rows, quality, writer),
    }
}

fn write_as<P: Pixel<Subpixel = u8> + PixelWithColorType>(
    rows: &mut dyn Rows,
    quality: u8,
    writer: &mut impl Write,
) -> Result<(), Cause> {
    let (layout, icc) = (rows.layout(), profile(rows));
    let has_failed = Cell::new(false);
    let writer = Stoppable { writer, has_failed: &has_failed };
    let mut encoder = JpegEncoder::new_with_quality(writer, quality);
    if let Some(icc) = icc {
        encoder.set_icc_profile(icc.to_vec())?;
    }
    let samples = vec![0; BLOCK as usize * layout.row_len()];
    let blocks = Blocks { rows, samples, end: 0, error: None };
    let picture =
        Picture::<P> { layout, blocks: blocks.into(), has_failed: &has_failed, of: PhantomData };
    let written = encoder.encode_image(&picture);
    match picture.blocks.into_inner().error {
        Some(error) => Err(error.into()),
        None => Ok(written?),
    }
}

/// A picture as the encoder sees it.
struct Picture<'a, P> {
    layout: Layout,
    blocks: RefCell<Blocks<'a>>,
    has_failed: &'a Cell<bool>,
    of: PhantomData<P>,
}

/// The row of blocks that is there.
struct Blocks<'a> {
    rows: &'a mut dyn Rows,
    samples: Vec<u8>,
    /// The row below it.
    end: u32,
    error: Option<Error>,
}

impl<P: Pixel<Subpixel = u8>> GenericImageView for Picture<'_, P> {
    type Pixel = P;

    fn dimensions(&self) -> (u32, u32) {
        (self.layout.width, self.layout.height)
    }

    fn get_pixel(&self, x: u32, y: u32) -> P {
        let mut blocks = self.blocks.borrow_mut();
        if y >= blocks.end && blocks.error.is_none() {
            blocks.error = blocks.advance(self.layout).err();
            self.has_failed.set(blocks.error.is_some());
        }
        let row = (y % BLOCK) as usize * self.layout.row_len();
        let start = row + x as usize * usize::from(self.layout.channels);
        *P::from_slice(&blocks.samples[start..start + usize::from(P::CHANNEL_COUNT)])
    }
}

impl Blocks<'_> {
    fn advance(&mut self, layout: Layout) -> Result<()> {
        let count = BLOCK.min(layout.height - self.end);
        self.rows.read(&mut self.samples[..count as usize * layout.row_len()])?;
        self.end += count;
        Ok(())
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
