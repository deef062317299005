//! PNG files row by row.

use std::sync::Arc;

use image::metadata::Orientation as Exif;
use pipeline_core::step::{Rows, no_more};
use pipeline_core::{Layout, Result, SampleType};
use png::{BitDepth, ColorType, Decoder, DecodingError, Limits, Reader, Transformations};

use super::decode::{allow, allow_sides, profiled, refuse};
use super::file::PictureFile;
use super::open::Open;
use super::whole::turned;

/// The rows of a PNG file; none if they do not come from top to bottom, and it is for `image`.
pub(super) fn rows<'a>(
    open: &'a Open,
    source: PictureFile<'a>,
) -> Result<Option<Box<dyn Rows + 'a>>> {
    let fail = |error: DecodingError| refuse(&open.path, "decode", error);
    let bytes = usize::try_from(open.max_bytes).unwrap_or(usize::MAX);
    let mut decoder = Decoder::new_with_limits(source, Limits { bytes });
    decoder.set_transformations(Transformations::EXPAND);
    let reader = decoder.read_info().map_err(fail)?;
    let info = reader.info();
    if info.interlaced || info.is_animated() {
        return Ok(None);
    }
    let (channels, sample) = match reader.output_color_type() {
        (ColorType::Grayscale, BitDepth::Eight) => (1, SampleType::U8),
        (ColorType::GrayscaleAlpha, BitDepth::Eight) => (2, SampleType::U8),
        (ColorType::Rgb, BitDepth::Eight) => (3, SampleType::U8),
        (ColorType::Rgba, BitDepth::Eight) => (4, SampleType::U8),
        (ColorType::Grayscale, BitDepth::Sixteen) => (1, SampleType::U16),
        (ColorType::GrayscaleAlpha, BitDepth::Sixteen) => (2, SampleType::U16),
        (ColorType::Rgb, BitDepth::Sixteen) => (3, SampleType::U16),
        (ColorType::Rgba, BitDepth::Sixteen) => (4, SampleType::U16),
        // Expanded there are no others.
        _ => return Ok(None),
    };
    let mut layout = Layout::new(info.width, info.height, channels, sample);
    allow_sides(open, layout.width, layout.height)?;
    layout.sample_count()?;
    let (color, icc) = profiled(info.icc_profile.as_deref(), layout, layout.color);
    layout.color = color;
    let orientation = info.exif_metadata.as_deref().and_then(Exif::from_exif_chunk);
    let rows = PngRows { open, reader, layout, icc, left: layout.height };
    turned(open, orientation.unwrap_or(Exif::NoTransforms), Box::new(rows)).map(Some)
}

struct PngRows<'a> {
    open: &'a Open,
    reader: Reader<PictureFile<'a>>,
    layout: Layout,
    icc: Option<Arc<[u8]>>,
    /// Rows that were not read yet.
    left: u32,
}

impl Rows for PngRows<'_> {
    fn layout(&self) -> Layout {
        self.layout
    }

    fn icc(&self) -> Option<Arc<[u8]>> {
        self.icc.clone()
    }

    fn allow_whole(&self) -> Result<()> {
        allow(self.open, "the picture", self.layout.size_bytes())
    }

    fn read(&mut self, rows: &mut [u8]) -> Result<()> {
        let fail = |error| refuse(&self.open.path, "decode", error);
        for row in rows.chunks_mut(self.layout.row_len() * self.layout.sample.size()) {
            self.left = self.left.checked_sub(1).ok_or_else(no_more)?;
            self.reader.read_row(row).map_err(fail)?;
            if self.left == 0 {
                // There is no further row, but a checksum of all.
                self.reader.read_row(&mut []).map_err(fail)?;
            }
        }
        if self.layout.sample == SampleType::U16 {
            for sample in rows.as_chunks_mut::<2>().0 {
                *sample = u16::from_be_bytes(*sample).to_ne_bytes();
            }
        }
        Ok(())
    }
}
