//! TIFF files: all that their samples can be, with what stands beside the colours.
//!
//! `image` reads fewer kinds of samples and takes a fourth channel for opacity whatever the file
//! says of it. CMYK is left to it.
//!
//! A file is read strip by strip, or by rows of tiles. Samples that are stored as they are used go
//! straight to their place; those that are not compressed either are read without a strip or a row
//! of tiles between.

use std::io::{self, Seek, SeekFrom};
use std::sync::Arc;

use image::metadata::Orientation as Exif;
use pipeline_core::data::Buffer;
use pipeline_core::error::Cause;
use pipeline_core::step::{Rows, no_more};
use pipeline_core::{ColorSpace, Error, Image, Layout, Result, Sample, SampleType, dispatch};
use tiff::decoder::ifd::Entry;
use tiff::decoder::{
    BufferLayoutPreference, ChunkType, Decoder, DecodingResult, DecodingSampleType, Limits,
};
use tiff::tags::{
    ByteOrder, CompressionMethod, ExtraSamples, PhotometricInterpretation, Predictor, Tag, Type,
};
use tiff::{ColorType, TiffError};

use super::decode::{allow, allow_sides, profiled, refuse};
use super::file::PictureFile;
use super::open::Open;
use super::whole::turned;
use crate::kernel::unpremultiply;

/// The rows of the first picture of a TIFF file; none if it is for `image`.
pub(super) fn rows<'a>(
    open: &'a Open,
    source: PictureFile<'a>,
) -> Result<Option<Box<dyn Rows + 'a>>> {
    let fail = |error: TiffError| refuse(&open.path, "decode", error);
    let mut decoder = Decoder::new(source).map_err(fail)?.with_limits(limits(open));
    let (width, height) = decoder.dimensions().map_err(fail)?;
    let color = decoder.colortype().map_err(fail)?;
    if let ColorType::CMYK(_) = color {
        return Ok(None);
    }
    let channels = channels(open, color)?;
    let stored = decoder.image_buffer_layout().map_err(fail)?;
    let mut layout = Layout::new(width, height, channels, sample_type(stored.sample_type));
    allow_sides(open, width, height)?;
    layout.sample_count()?;
    let needed = needed(&stored, layout);
    let (_, down) = decoder.chunk_dimensions();
    let at_once = Layout { height: down, ..layout }.size_bytes();
    allow(open, "a row of strips or tiles of", at_once.min(needed))?;

    is_whole(&mut decoder).map_err(fail)?;
    let extra = tag(decoder.find_tag_unsigned_vec::<u16>(Tag::ExtraSamples)).map_err(fail)?;
    let extra = extra.unwrap_or_default().first().copied().and_then(ExtraSamples::from_u16);
    let alpha = has_alpha(color, extra);
    let icc = profile(open, &mut decoder)?;
    let (declared, icc) = profiled(icc.as_deref(), layout, assumed(layout));
    let is_data = !alpha && (channels == 2 || matches!(color, ColorType::Multiband { .. }));
    let is_rounded = layout.sample == SampleType::F32 && !is_float(stored.sample_type);
    layout.color = if is_data || is_rounded { ColorSpace::Data } else { declared };
    let turn = tag(decoder.find_tag_unsigned::<u8>(Tag::Orientation)).map_err(fail)?;

    let is_strips = decoder.get_chunk_type() == ChunkType::Strip;
    let is_multiplied = alpha && extra == Some(ExtraSamples::AssociatedAlpha);
    let is_as_used = !is_multiplied
        && stored.planes == 1
        && color.bit_depth() >= 8
        && stored.complete_len as u64 == layout.size_bytes()
        && matches!(
            stored.sample_type,
            Some(DecodingSampleType::U8 | DecodingSampleType::U16 | DecodingSampleType::F32)
        );
    let flat = if is_as_used { Flat::of(&mut decoder, layout).map_err(fail)? } else { None };
    let (across, down) = decoder.chunk_dimensions();
    let rows = TiffRows {
        open,
        layout,
        icc,
        color,
        planes: u32::try_from(stored.planes).unwrap_or(u32::MAX),
        chunk: (across.clamp(1, width), down.clamp(1, height)),
        is_plain: is_as_used && is_strips,
        is_multiplied,
        flat,
        tile: Vec::new(),
        at: 0,
        group: None,
        needed,
        decoder,
    };
    let turn = turn.and_then(Exif::from_exif).unwrap_or(Exif::NoTransforms);
    turned(open, turn, Box::new(rows)).map(Some)
}

/// The channels that are stored for a pixel; an error if they or their depth are not for us.
fn channels(open: &Open, color: ColorType) -> Result<u16> {
    match (color, color.bit_depth()) {
        (ColorType::Gray(_), 1 | 2 | 4 | 8 | 16 | 32 | 64) => Ok(1),
        (ColorType::GrayA(_), 8 | 16 | 32 | 64) => Ok(2),
        (ColorType::RGB(_), 8 | 16 | 32 | 64) => Ok(3),
        (ColorType::RGBA(_), 8 | 16 | 32 | 64) => Ok(4),
        (ColorType::Multiband { num_samples, .. }, 8 | 16 | 32 | 64) => Ok(num_samples),
        _ => Err(unsupported(open, color)),
    }
}

fn is_float(stored: Option<DecodingSampleType>) -> bool {
    use DecodingSampleType::{F16, F32, F64};
    matches!(stored, Some(F16 | F32 | F64))
}

/// What samples are where no profile says it.
fn assumed(layout: Layout) -> ColorSpace {
    match layout.sample {
        SampleType::F32 if layout.channels == 1 => ColorSpace::Data,
        SampleType::F32 => ColorSpace::LinearSrgb,
        _ => ColorSpace::Srgb,
    }
}

struct TiffRows<'a> {
    open: &'a Open,
    decoder: Decoder<PictureFile<'a>>,
    layout: Layout,
    icc: Option<Arc<[u8]>>,
    /// Bytes that it takes to have all of it.
    needed: u64,
    color: ColorType,
    planes: u32,
    /// The size of a strip or tile.
    chunk: (u32, u32),
    /// Whether strips hold samples as they are used.
    is_plain: bool,
    /// Whether colours were stored multiplied by their opacity.
    is_multiplied: bool,
    /// Where samples are, if strips or tiles hold nothing but those samples.
    flat: Option<Flat>,
    /// Memory for the rows of a tile.
    tile: Vec<u8>,
    /// The next row.
    at: u32,
    /// The strip or row of tiles that rows are handed out of, and its first row.
    group: Option<(u32, Image)>,
}

impl Rows for TiffRows<'_> {
    fn layout(&self) -> Layout {
        self.layout
    }

    fn icc(&self) -> Option<Arc<[u8]>> {
        self.icc.clone()
    }

    fn aside(&self) -> u64 {
        let group = Layout { height: self.chunk.1, ..self.layout }.size_bytes();
        match (&self.flat, self.is_plain) {
            (Some(flat), _) => flat.aside(&self.layout, self.chunk.1),
            (None, true) => group,
            // Beside it stands what is stored: of the widest kind 8 bytes for 4.
            (None, false) => group.saturating_mul(3),
        }
    }

    fn allow_whole(&self) -> Result<()> {
        allow(self.open, "the picture", self.needed)
    }

    fn read(&mut self, mut rows: &mut [u8]) -> Result<()> {
        let row_bytes = self.layout.row_len() * self.layout.sample.size();
        while !rows.is_empty() {
            let Layout { height, .. } = self.layout;
            if self.at >= height {
                return Err(no_more());
            }
            let first = self.at - self.at % self.chunk.1;
            let end = height.min(first.saturating_add(self.chunk.1));
            let wanted = u32::try_from(rows.len() / row_bytes).unwrap_or(u32::MAX);
            let count = wanted.min(end - self.at);
            let (next, rest) = rows.split_at_mut(count as usize * row_bytes);
            let number = first / self.chunk.1;
            let done = if let Some(flat) = &self.flat {
                let chunk = (number as usize, self.at - first);
                let source = self.decoder.inner();
                flat.read(source, chunk, row_bytes, next, &mut self.tile)
                    .map_err(TiffError::IoError)
            } else if self.is_plain && count == end - first {
                self.decoder.read_chunk_bytes(number, next)
            } else {
                self.load(first, end)?;
                let (_, group) = self.group.as_ref().ok_or_else(no_more)?;
                let from = (self.at - first) as usize * row_bytes;
                next.copy_from_slice(&group.bytes()[from..from + next.len()]);
                Ok(())
            };
            done.map_err(|error| refuse(&self.open.path, "decode", error))?;
            self.at += count;
            rows = rest;
        }
        Ok(())
    }
}

impl TiffRows<'_> {
    /// Decodes a strip or a row of tiles, unless it is there.
    fn load(&mut self, first: u32, end: u32) -> Result<()> {
        if self.group.as_ref().is_some_and(|(there, _)| *there == first) {
            return Ok(());
        }
        let layout = Layout { height: end - first, ..self.layout };
        // Their memory serves all groups of one height.
        let old = self.group.take().map(|(_, image)| image).filter(|old| old.layout() == layout);
        let mut image = old.map_or_else(|| Image::zeros(layout), Ok)?;
        let fail = |error| refuse(&self.open.path, "decode", error);
        let row = first / self.chunk.1;
        if self.is_plain {
            dispatch!(layout.sample, T => {
                let samples = image.samples_mut::<T>().unwrap_or_default();
                let bytes = bytemuck::cast_slice_mut(samples);
                self.decoder.read_chunk_bytes(row, bytes).map_err(fail)?;
            });
        } else {
            let across = layout.width.div_ceil(self.chunk.0);
            let of_plane = across.saturating_mul(self.layout.height.div_ceil(self.chunk.1));
            let planes = self.planes;
            for (column, plane) in (0..across).flat_map(|x| (0..planes).map(move |p| (x, p))) {
                let number = plane.saturating_mul(of_plane) + row * across + column;
                let (width, _) = self.decoder.chunk_data_dimensions(number);
                self.reserve(number)?;
                let fail = |error| refuse(&self.open.path, "decode", error);
                let chunk = match (self.color, self.decoder.read_chunk(number).map_err(fail)?) {
                    (ColorType::Gray(bits @ 1..=4), DecodingResult::U8(packed)) => {
                        unpack(&packed, bits, Layout { width, ..layout }).into()
                    }
                    (_, samples) => widen(samples),
                };
                let x = column * self.chunk.0;
                if !place(&chunk, (x, width), (plane, planes), &mut image) {
                    let message = format!("{} samples came for {width} of {layout}", chunk.len());
                    return Err(refuse(&self.open.path, "decode", message));
                }
            }
        }
        if self.is_multiplied {
            divide_by_alpha(&mut image);
        }
        self.group = Some((first, image));
        Ok(())
    }

    /// Refuses a strip or tile that there is no memory for: the decoder takes it for granted.
    fn reserve(&mut self, number: u32) -> Result<()> {
        let fail = |error| refuse(&self.open.path, "decode", error);
        let stored = self.decoder.image_chunk_buffer_layout(number).map_err(fail)?;
        Vec::<u8>::new()
            .try_reserve_exact(stored.complete_len)
            .map_err(|error| refuse(&self.open.path, "decode", error))
    }
}

/// Strips or tiles of samples that are neither compressed nor turned around.
struct Flat {
    /// Where each of them begins.
    starts: Vec<u64>,
    /// How many of them stand beside each other.
    across: usize,
    /// Bytes of a row of one of them; the last tile goes on beyond the image.
    row_bytes: usize,
}

impl Flat {
    fn of(
        decoder: &mut Decoder<PictureFile<'_>>,
        layout: Layout,
    ) -> tiff::TiffResult<Option<Self>> {
        let mut number = |name| tag(decoder.find_tag_unsigned::<u16>(name));
        let is_stored = number(Tag::Compression)?
            .is_none_or(|n| n == CompressionMethod::None.to_u16())
            && number(Tag::Predictor)?.is_none_or(|n| n == Predictor::None.to_u16())
            && number(Tag::PhotometricInterpretation)?
                .is_some_and(|n| n != PhotometricInterpretation::WhiteIsZero.to_u16());
        let is_native =
            layout.sample == SampleType::U8 || decoder.byte_order() == ByteOrder::native();
        let (width, height) = decoder.chunk_dimensions();
        if !(is_stored && is_native) || width == 0 || height == 0 {
            return Ok(None);
        }
        let chunks = decoder.get_chunk_type();
        let (starts, lens) = match chunks {
            ChunkType::Strip => (Tag::StripOffsets, Tag::StripByteCounts),
            ChunkType::Tile => (Tag::TileOffsets, Tag::TileByteCounts),
        };
        let mut numbers = |name| tag(decoder.find_tag_unsigned_vec::<u64>(name));
        let starts = numbers(starts)?.unwrap_or_default();
        let lens = numbers(lens)?.unwrap_or_default();
        let bytes = |width, height| Layout { width, height, ..layout }.size_bytes();
        let (across, down) = (layout.width.div_ceil(width), layout.height.div_ceil(height));
        let count = u64::from(across) * u64::from(down);
        let is_flat = |(row, &len): (u32, &u64)| match chunks {
            ChunkType::Strip => len == bytes(width, height.min(layout.height - row * height)),
            ChunkType::Tile => len == bytes(width, height),
        };
        let are_all = [&starts, &lens].iter().all(|numbers| numbers.len() as u64 == count);
        if !are_all || !(0..).zip(&lens).all(is_flat) {
            return Ok(None);
        }
        let row_bytes = usize::try_from(bytes(width, 1)).unwrap_or(usize::MAX);
        Ok(Some(Self { across: across as usize, row_bytes, starts }))
    }

    /// Bytes of the tile that rows are taken out of.
    fn aside(&self, layout: &Layout, rows: u32) -> u64 {
        let is_whole = self.row_bytes == layout.row_len() * layout.sample.size();
        if is_whole { 0 } else { self.row_bytes as u64 * u64::from(rows) }
    }

    /// Reads rows of an image, from row `first` of strip `row`, or of row `row` of tiles.
    fn read(
        &self,
        source: &mut PictureFile<'_>,
        (row, first): (usize, u32),
        row_bytes: usize,
        rows: &mut [u8],
        tile: &mut Vec<u8>,
    ) -> io::Result<()> {
        let skipped = u64::from(first) * self.row_bytes as u64;
        let starts = &self.starts[row * self.across..][..self.across];
        if self.row_bytes == row_bytes {
            return source.read_at(starts[0] + skipped, rows);
        }
        let len = rows.len() / row_bytes * self.row_bytes;
        tile.try_reserve(len.saturating_sub(tile.len()))?;
        tile.resize(len.max(tile.len()), 0);
        for (column, start) in starts.iter().enumerate() {
            let tile = &mut tile[..len];
            source.read_at(start + skipped, tile)?;
            let from = column * self.row_bytes;
            for (row, stored) in
                rows.chunks_exact_mut(row_bytes).zip(tile.chunks_exact(self.row_bytes))
            {
                let row = &mut row[from..row_bytes.min(from + self.row_bytes)];
                row.copy_from_slice(&stored[..row.len()]);
            }
        }
        Ok(())
    }
}

fn unsupported(open: &Open, color: ColorType) -> Error {
    let message = format!(
        "{color:?} is not supported; gray of 1, 2 and 4 bits is, and gray, RGB, CMYK and multiband \
         of 8 bits and more"
    );
    refuse(&open.path, "decode", message)
}

/// A tag that may be missing or damaged, but not beyond the end of the file.
fn tag<T>(found: tiff::TiffResult<Option<T>>) -> tiff::TiffResult<Option<T>> {
    match found {
        Err(error @ TiffError::IoError(_)) => Err(error),
        found => Ok(found.ok().flatten()),
    }
}

/// The ICC profile of a file that is whole, byte by byte: decoded, each would take 32.
fn profile(open: &Open, decoder: &mut Decoder<PictureFile<'_>>) -> Result<Option<Vec<u8>>> {
    let mut tags = decoder.image_ifd();
    let Some(entry) = tags.find_entry(Tag::IccProfile) else { return Ok(None) };
    if !matches!(entry.field_type(), Type::BYTE | Type::UNDEFINED) {
        return Ok(None);
    }
    allow(open, "the ICC profile of", entry.count())?;
    let fail = |error: Cause| refuse(&open.path, "decode", error);
    let (mut icc, len) = (Vec::new(), usize::try_from(entry.count()).unwrap_or(usize::MAX));
    icc.try_reserve_exact(len).map_err(|error| fail(error.into()))?;
    icc.resize(len, 0);
    let read = tag(tags.find_tag_bytes(Tag::IccProfile, &mut icc, 0));
    Ok(read.map_err(|error| fail(error.into()))?.map(|_| icc))
}

/// Bytes of a tag: all that is longer has eight each.
fn bytes_of(entry: &Entry) -> u64 {
    let each = match entry.field_type() {
        Type::BYTE | Type::SBYTE | Type::ASCII | Type::UNDEFINED => 1,
        Type::SHORT | Type::SSHORT => 2,
        Type::LONG | Type::SLONG | Type::FLOAT | Type::IFD => 4,
        _ => 8,
    };
    entry.count().saturating_mul(each)
}

/// Refuses a file that ends before all that its first picture names: decoders leave out what they
/// can do without, such as notes and the unseen part of the last tile. Of a tag the last byte is
/// read, and no more: notes of other programs may be as large as files can be.
fn is_whole(decoder: &mut Decoder<PictureFile<'_>>) -> tiff::TiffResult<()> {
    let cut_off = || TiffError::from(io::Error::from(io::ErrorKind::UnexpectedEof));
    let directory = decoder.ifd_pointer().map(|start| decoder.read_directory(start)).transpose()?;
    if let Some(directory) = &directory {
        let mut tags = decoder.read_directory_tags(directory);
        for (name, entry) in directory.iter() {
            let Some(last) = bytes_of(entry).checked_sub(1) else { continue };
            tags.find_tag_bytes(name, &mut [0], last).map_err(|error| match error {
                TiffError::IoError(_) => error,
                // More than 64 bits can say.
                _ => cut_off(),
            })?;
        }
    }
    let ranges =
        [(Tag::StripOffsets, Tag::StripByteCounts), (Tag::TileOffsets, Tag::TileByteCounts)];
    let len = decoder.inner().seek(SeekFrom::End(0))?;
    for (starts, lens) in ranges {
        let mut numbers = |name| tag(decoder.find_tag_unsigned_vec::<u64>(name));
        let starts = numbers(starts)?.unwrap_or_default();
        let lens = numbers(lens)?.unwrap_or_default();
        let mut ends = starts.into_iter().zip(lens).map(|(start, len)| start.saturating_add(len));
        if ends.any(|end| end > len) {
            return Err(cut_off());
        }
    }
    Ok(())
}

/// Whether the last channel is opacity. Beside gray it must be declared; a fourth sample of RGB
/// that the file says nothing of is opacity by custom.
fn has_alpha(color: ColorType, extra: Option<ExtraSamples>) -> bool {
    let declared =
        matches!(extra, Some(ExtraSamples::AssociatedAlpha | ExtraSamples::UnassociatedAlpha));
    match color {
        ColorType::RGBA(_) => true,
        ColorType::GrayA(_) | ColorType::Multiband { num_samples: 2, .. } => declared,
        _ => false,
    }
}

/// The sample type that stored samples become.
fn sample_type(stored: Option<DecodingSampleType>) -> SampleType {
    match stored {
        Some(DecodingSampleType::U8) => SampleType::U8,
        Some(DecodingSampleType::U16) => SampleType::U16,
        _ => SampleType::F32,
    }
}

/// Bytes that exist at the same time: the samples as they are stored, and beside them what they are
/// turned into.
fn needed(stored: &BufferLayoutPreference, layout: Layout) -> u64 {
    let own = stored.complete_len as u64;
    let is_kept = own == layout.size_bytes();
    let widened = if is_kept { 0 } else { layout.size_bytes() };
    own.saturating_add(widened).saturating_add(if stored.planes > 1 { widened.max(own) } else { 0 })
}

fn limits(open: &Open) -> Limits {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = usize::try_from(open.max_bytes).unwrap_or(usize::MAX);
    limits.intermediate_buffer_size = limits.decoding_buffer_size;
    limits
}

/// Samples of less than a byte as whole ones, white as 255. Rows begin at whole bytes.
fn unpack(packed: &[u8], bits: u8, layout: Layout) -> Vec<u8> {
    let (width, bits) = (layout.width as usize, usize::from(bits));
    let most = u8::MAX >> (8 - bits);
    let sample = |row: &[u8], x: usize| {
        let from = 8 - bits - x * bits % 8;
        (row[x * bits / 8] >> from & most) * (u8::MAX / most)
    };
    let rows = packed.chunks_exact((width * bits).div_ceil(8).max(1));
    rows.flat_map(|row| (0..width).map(move |x| sample(row, x))).collect()
}

/// Puts the samples of a chunk into their columns, and if they are of one plane of several, into
/// its channel. Says whether there were as many as expected.
fn place(
    chunk: &Buffer,
    (x, width): (u32, u32),
    (plane, planes): (u32, u32),
    image: &mut Image,
) -> bool {
    let layout = image.layout();
    let channels = usize::from(layout.channels);
    let (x, width) = (x as usize * channels, width as usize * channels);
    dispatch!(layout.sample, T => {
        let samples = chunk.samples::<T>().unwrap_or_default();
        let rows = image.samples_mut::<T>().unwrap_or_default().chunks_exact_mut(layout.row_len());
        let stored = width / planes.max(1) as usize;
        if stored == 0 || samples.len() != stored * rows.len() {
            return false;
        }
        for (row, samples) in rows.zip(samples.chunks_exact(stored)) {
            let row = &mut row[x..x + width];
            if planes == 1 {
                row.copy_from_slice(samples);
                continue;
            }
            for (pixel, sample) in row.chunks_exact_mut(channels).zip(samples) {
                pixel[plane as usize] = *sample;
            }
        }
    });
    true
}

/// Colours that were stored multiplied by their opacity, as they were before.
fn divide_by_alpha(image: &mut Image) {
    let channels = usize::from(image.channels());
    dispatch!(image.sample_type(), T => {
        let mut colors = vec![0.0; channels];
        for pixel in image.samples_mut::<T>().unwrap_or_default().chunks_exact_mut(channels) {
            colors.iter_mut().zip(&*pixel).for_each(|(color, sample)| *color = sample.to_f32());
            unpremultiply(&mut colors, channels, T::WHITE);
            pixel.iter_mut().zip(&colors).for_each(|(sample, color)| *sample = T::from_f32(*color));
        }
    });
}

#[expect(clippy::cast_possible_truncation, reason = "f32 is the widest sample; digits are lost")]
fn widen(samples: DecodingResult) -> Buffer {
    let floats: Vec<f32> = match samples {
        DecodingResult::U8(samples) => return samples.into(),
        DecodingResult::U16(samples) => return samples.into(),
        DecodingResult::F32(samples) => samples,
        DecodingResult::U32(samples) => samples.into_iter().map(|v| v as f32).collect(),
        DecodingResult::U64(samples) => samples.into_iter().map(|v| v as f32).collect(),
        DecodingResult::F64(samples) => samples.into_iter().map(|v| v as f32).collect(),
        DecodingResult::F16(samples) => samples.into_iter().map(f32::from).collect(),
        DecodingResult::I8(samples) => samples.into_iter().map(f32::from).collect(),
        DecodingResult::I16(samples) => samples.into_iter().map(f32::from).collect(),
        DecodingResult::I32(samples) => samples.into_iter().map(|v| v as f32).collect(),
        DecodingResult::I64(samples) => samples.into_iter().map(|v| v as f32).collect(),
    };
    floats.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_bits_become_whole_bytes_row_by_row() {
        let layout = Layout::new(3, 2, 1, SampleType::U8);
        assert_eq!(unpack(&[0b1010_0000, 0b0110_0000], 1, layout), [255, 0, 255, 0, 255, 255]);
        assert_eq!(unpack(&[0b0001_1000, 0b1100_0000], 2, layout), [0, 85, 170, 255, 0, 0]);
        assert_eq!(unpack(&[0x0F, 0x10, 0x2F, 0x00], 4, layout), [0, 255, 17, 34, 255, 0]);
    }

    #[test]
    fn planes_become_channels_and_tiles_columns() {
        let mut image = Image::zeros(Layout::new(3, 1, 2, SampleType::U16)).unwrap();
        let chunk = |samples: &[u16]| Buffer::from(samples.to_vec());
        assert!(place(&chunk(&[1, 2]), (0, 2), (0, 2), &mut image));
        assert!(place(&chunk(&[10, 20]), (0, 2), (1, 2), &mut image));
        assert!(place(&chunk(&[3, 30]), (2, 1), (0, 1), &mut image));
        assert!(!place(&chunk(&[3]), (2, 1), (0, 1), &mut image));
        assert_eq!(image.samples::<u16>(), Some(&[1u16, 10, 2, 20, 3, 30][..]));
    }
}
