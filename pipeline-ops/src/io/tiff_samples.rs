//! TIFF files whose samples `image` does not take: floats in gray, 32 and 64 bits, signed integers,
//! more than four channels. They become f32, unscaled; 8 and 16 bits stay.

use std::sync::Arc;

use image::metadata::Orientation as Exif;
use pipeline_core::data::Buffer;
use pipeline_core::{ColorSpace, Image, Layout, Result, SampleType};
use tiff::ColorType;
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;

use super::decode::{Source, allow, allow_sides, refuse};
use super::open::{Open, Orientation};
use crate::geometry::{Axis, Flip, QuarterTurns, Rotate90};

/// Reads the first picture of a TIFF file.
pub(super) fn read(open: &Open, source: Source<'_>) -> Result<Image> {
    let fail = |error: tiff::TiffError| refuse(&open.path, "decode", error);
    let mut decoder = Decoder::new(source).map_err(fail)?;
    let (width, height) = decoder.dimensions().map_err(fail)?;
    let color = decoder.colortype().map_err(fail)?;
    let channels = match color {
        ColorType::Gray(_) => 1,
        ColorType::GrayA(_) => 2,
        ColorType::RGB(_) => 3,
        ColorType::RGBA(_) => 4,
        ColorType::Multiband { num_samples, .. } => num_samples,
        _ => {
            let message = format!("{color:?} is not supported; gray, RGB and multiband are");
            return Err(refuse(&open.path, "decode", message));
        }
    };
    allow_sides(open, width, height)?;
    // Twice the file's own samples: wide ones exist beside the f32 that they become.
    let bits = u64::from(color.bit_depth()) + 32;
    let pixels = u64::from(width) * u64::from(height);
    allow(
        open,
        "the picture",
        pixels.saturating_mul(u64::from(channels)).saturating_mul(bits) / 8,
    )?;

    let mut decoder = decoder.with_limits(limits(open));
    let icc = decoder.get_tag_u8_vec(Tag::IccProfile).ok();
    let exif = decoder.find_tag_unsigned::<u8>(Tag::Orientation).ok().flatten();
    let buffer = widen(decoder.read_image().map_err(fail)?);

    let mut layout = Layout::new(width, height, channels, buffer.sample_type());
    if buffer.sample_type() == SampleType::F32 {
        layout.color = ColorSpace::Data;
    }
    if layout.sample_count()? != buffer.len() {
        let message = format!("{} samples came for {layout}", buffer.len());
        return Err(refuse(&open.path, "decode", message));
    }
    let image = Image::from_buffer(layout, buffer)?.with_icc(icc.map(Arc::from));
    match open.orientation {
        Orientation::Apply => turn(image, exif.and_then(Exif::from_exif)),
        Orientation::Ignore => Ok(image),
    }
}

/// The profile of the first picture of a TIFF file, if it has one that can be read.
pub(super) fn profile(open: &Open, source: Source<'_>) -> Option<Arc<[u8]>> {
    let mut decoder = Decoder::new(source).ok()?.with_limits(limits(open));
    decoder.get_tag_u8_vec(Tag::IccProfile).ok().map(Arc::from)
}

fn limits(open: &Open) -> Limits {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = usize::try_from(open.max_bytes).unwrap_or(usize::MAX);
    limits.intermediate_buffer_size = limits.decoding_buffer_size;
    limits
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

fn turn(image: Image, orientation: Option<Exif>) -> Result<Image> {
    let rotate = |image, turn| apply(&Rotate90 { turn }, image);
    let flip = |image, axis| apply(&Flip { axis }, image);
    match orientation.unwrap_or(Exif::NoTransforms) {
        Exif::NoTransforms => Ok(image),
        Exif::FlipHorizontal => flip(image, Axis::Horizontal),
        Exif::FlipVertical => flip(image, Axis::Vertical),
        Exif::Rotate180 => rotate(image, QuarterTurns::Two),
        Exif::Rotate90 => rotate(image, QuarterTurns::One),
        Exif::Rotate270 => rotate(image, QuarterTurns::Three),
        Exif::Rotate90FlipH => flip(rotate(image, QuarterTurns::One)?, Axis::Horizontal),
        Exif::Rotate270FlipH => flip(rotate(image, QuarterTurns::Three)?, Axis::Horizontal),
    }
}

fn apply<S>(step: &S, image: Image) -> Result<Image>
where
    S: pipeline_core::Step<Input = pipeline_core::In<Image>, Output = Image>,
{
    step.run(pipeline_core::In::new(image), &pipeline_core::Context::default())
}
