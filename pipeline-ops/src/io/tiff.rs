//! TIFF files: all that their samples can be, with what stands beside the colours.
//!
//! `image` reads fewer kinds of samples and takes a fourth channel for opacity whatever the file
//! says of it. CMYK is left to it.

use std::io::{self, Seek, SeekFrom};
use std::sync::Arc;

use image::metadata::Orientation as Exif;
use pipeline_core::data::Buffer;
use pipeline_core::{ColorSpace, Error, Image, Layout, Result, Sample, SampleType, dispatch};
use tiff::decoder::{Decoder, DecodingResult, DecodingSampleType, Limits};
use tiff::tags::{ExtraSamples, Tag};
use tiff::{ColorType, TiffError};

use super::decode::{Source, allow, allow_sides, describes, refuse};
use super::open::{Open, Orientation};
use super::upright::upright;
use crate::kernel::unpremultiply;

/// Reads the first picture of a TIFF file; none if it is for `image`.
pub(super) fn read(open: &Open, source: Source<'_>) -> Result<Option<Image>> {
    let fail = |error: TiffError| refuse(&open.path, "decode", error);
    let mut decoder = Decoder::new(source).map_err(fail)?.with_limits(limits(open));
    let (width, height) = decoder.dimensions().map_err(fail)?;
    let color = decoder.colortype().map_err(fail)?;
    let channels = match color {
        ColorType::Gray(_) => 1,
        ColorType::GrayA(_) => 2,
        ColorType::RGB(_) => 3,
        ColorType::RGBA(_) => 4,
        ColorType::Multiband { num_samples, .. } => num_samples,
        ColorType::CMYK(_) => return Ok(None),
        _ => return Err(unsupported(open, color)),
    };
    if !matches!(
        (color, color.bit_depth()),
        (ColorType::Gray(_), 1 | 2 | 4) | (_, 8 | 16 | 32 | 64)
    ) {
        return Err(unsupported(open, color));
    }
    let stored = decoder.image_buffer_layout().map_err(fail)?;
    let mut layout = Layout::new(width, height, channels, sample_type(stored.sample_type));
    allow_sides(open, width, height)?;
    allow(open, "the picture", needed(&stored, layout))?;
    layout.sample_count()?;

    let extra = tag(decoder.find_tag_unsigned_vec::<u16>(Tag::ExtraSamples)).map_err(fail)?;
    let extra = extra.unwrap_or_default().first().copied().and_then(ExtraSamples::from_u16);
    let is_float = matches!(
        stored.sample_type,
        Some(DecodingSampleType::F16 | DecodingSampleType::F32 | DecodingSampleType::F64)
    );
    let alpha = has_alpha(color, extra);
    layout.color = match (layout.sample, color) {
        _ if channels == 2 && !alpha => ColorSpace::Data,
        (_, ColorType::Multiband { .. }) if !alpha => ColorSpace::Data,
        (SampleType::F32, _) if !is_float || channels == 1 => ColorSpace::Data,
        (SampleType::F32, _) => ColorSpace::LinearSrgb,
        _ => ColorSpace::Srgb,
    };

    is_whole(&mut decoder).map_err(fail)?;
    let icc = tag(decoder.find_tag(Tag::IccProfile)).map_err(fail)?;
    let icc = icc.and_then(|icc| icc.into_u8_vec().ok()).filter(|icc| describes(icc, layout));
    let turn = tag(decoder.find_tag_unsigned::<u8>(Tag::Orientation)).map_err(fail)?;

    // The decoder takes what it needs for granted, so it is asked for here first.
    let bytes = usize::try_from(needed(&stored, layout)).unwrap_or(usize::MAX);
    Vec::<u8>::new()
        .try_reserve_exact(bytes)
        .map_err(|error| refuse(&open.path, "decode", error))?;
    let mut samples = DecodingResult::U8(Vec::new());
    decoder.read_image_to_buffer(&mut samples).map_err(fail)?;
    let buffer = match (color, samples) {
        (ColorType::Gray(bits @ 1..=4), DecodingResult::U8(packed)) => {
            unpack(&packed, bits, layout).into()
        }
        (_, samples) => {
            let buffer = widen(samples);
            if stored.planes > 1 { interleave(&buffer, stored.planes) } else { buffer }
        }
    };
    if layout.sample_count()? != buffer.len() {
        let message = format!("{} samples came for {layout}", buffer.len());
        return Err(refuse(&open.path, "decode", message));
    }
    let mut image = Image::from_buffer(layout, buffer)?.with_icc(icc.map(Arc::from));
    if alpha && extra == Some(ExtraSamples::AssociatedAlpha) {
        divide_by_alpha(&mut image);
    }
    match (open.orientation, turn.and_then(Exif::from_exif)) {
        (Orientation::Apply, Some(turn)) => upright(image, turn).map(Some),
        _ => Ok(Some(image)),
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

/// Refuses a file that ends before all that its first picture names: decoders leave out what they
/// can do without, such as notes and the unseen part of the last tile.
fn is_whole(decoder: &mut Decoder<Source<'_>>) -> tiff::TiffResult<()> {
    for entry in decoder.tag_iter() {
        tag(entry.map(Some))?;
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
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
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
fn needed(stored: &tiff::decoder::BufferLayoutPreference, layout: Layout) -> u64 {
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

/// Planes that stand one after the other as channels of pixels.
fn interleave(buffer: &Buffer, planes: usize) -> Buffer {
    dispatch!(buffer.sample_type(), T => {
        let samples = buffer.samples::<T>().unwrap_or_default();
        let pixels = samples.len() / planes;
        let pixel = |at: usize| (0..planes).map(move |plane| samples[plane * pixels + at]);
        Buffer::from((0..pixels).flat_map(pixel).collect::<Vec<T>>())
    })
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
    fn planes_become_channels() {
        let buffer = interleave(&Buffer::from(vec![1u16, 2, 3, 10, 20, 30]), 2);
        assert_eq!(buffer.samples::<u16>(), Some(&[1u16, 10, 2, 20, 3, 30][..]));
    }
}
