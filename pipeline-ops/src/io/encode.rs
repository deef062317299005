//! From an image to the bytes of a file.

use std::io::{Seek, Write};
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder};
use pipeline_core::error::Cause;
use pipeline_core::{ColorSpace, Error, Image, Layout, Result, Sample, SampleType};
use tiff::encoder::colortype::{ColorType, Gray8, Gray16, Gray32Float, RGB8, RGB16, RGB32Float};
use tiff::encoder::{TiffEncoder, TiffValue};
use tiff::tags::{ExtraSamples, Tag};

use super::decode::describes;

/// A format that pictures are saved in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Png,
    Jpeg,
    Tiff,
    WebP,
}

impl Format {
    /// The format that the extension of a path names.
    pub(super) fn of(path: &Path) -> Result<Self> {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        match extension.as_str() {
            "png" => Ok(Self::Png),
            "jpg" | "jpeg" => Ok(Self::Jpeg),
            "tif" | "tiff" => Ok(Self::Tiff),
            "webp" => Ok(Self::WebP),
            _ => Err(Error::input(
                format!("the extension of `{}`", path.display()),
                format_args!("`{extension}`"),
                "`png`, `jpg`, `jpeg`, `tif`, `tiff` or `webp`",
            )),
        }
    }

    /// Refuses what the format does not hold, and says what to do about it.
    pub(super) fn holds(self, layout: Layout, path: &Path) -> Result<()> {
        layout.sample_count()?;
        let (samples, convert) = match (self, layout.sample) {
            (Self::Png, SampleType::F32) => ("u8 or u16", "u16"),
            (Self::Jpeg | Self::WebP, SampleType::U16 | SampleType::F32) => ("u8", "u8"),
            _ => ("", ""),
        };
        let what = || format!("the image for {}", path.display());
        if !samples.is_empty() {
            let expected = format!("{samples} samples; put a `convert` step to {convert} before");
            return Err(Error::input(what(), layout, expected));
        }
        let expected = match (self, layout.channels) {
            (Self::Tiff, _) if layout.color == ColorSpace::Data => return Ok(()),
            (Self::Png | Self::WebP, 2 | 4) if !layout.has_alpha() => {
                "1 or 3 channels of data, of which the last would be opacity; `tif` holds any number"
            }
            (Self::Png | Self::WebP | Self::Tiff, 1..=4) | (Self::Jpeg, 1 | 3) => return Ok(()),
            (Self::Png | Self::WebP | Self::Tiff, _) => "1 to 4 channels",
            (Self::Jpeg, _) => "1 or 3 channels, without alpha; `png` holds alpha",
        };
        Err(Error::input(what(), layout, expected))
    }
}

/// Writes an image that the format [`holds`](Format::holds).
pub(super) fn encode(
    image: &Image,
    format: Format,
    quality: u8,
    writer: &mut (impl Write + Seek),
) -> Result<(), Cause> {
    match format {
        Format::Png => picture(image, PngEncoder::new(writer)),
        Format::Jpeg => picture(image, JpegEncoder::new_with_quality(writer, quality)),
        Format::WebP => picture(image, WebPEncoder::new_lossless(writer)),
        Format::Tiff => match (image.sample_type(), is_gray(image.layout())) {
            (SampleType::U8, true) => tiff::<Gray8>(image, writer),
            (SampleType::U8, false) => tiff::<RGB8>(image, writer),
            (SampleType::U16, true) => tiff::<Gray16>(image, writer),
            (SampleType::U16, false) => tiff::<RGB16>(image, writer),
            (SampleType::F32, true) => tiff::<Gray32Float>(image, writer),
            (SampleType::F32, false) => tiff::<RGB32Float>(image, writer),
        },
    }
}

/// Whether a TIFF file has one colour; further channels of data stand beside it without a meaning.
fn is_gray(layout: Layout) -> bool {
    layout.channels < 3 || layout.color == ColorSpace::Data
}

fn picture(image: &Image, mut encoder: impl ImageEncoder) -> Result<(), Cause> {
    let color = match (image.sample_type(), image.channels()) {
        (SampleType::U8, 1) => ExtendedColorType::L8,
        (SampleType::U8, 2) => ExtendedColorType::La8,
        (SampleType::U8, 3) => ExtendedColorType::Rgb8,
        (SampleType::U8, _) => ExtendedColorType::Rgba8,
        (_, 1) => ExtendedColorType::L16,
        (_, 2) => ExtendedColorType::La16,
        (_, 3) => ExtendedColorType::Rgb16,
        (_, _) => ExtendedColorType::Rgba16,
    };
    if let Some(icc) = profile(image) {
        encoder.set_icc_profile(icc.to_vec())?;
    }
    Ok(encoder.write_image(image.bytes(), image.width(), image.height(), color)?)
}

fn tiff<C>(image: &Image, writer: &mut (impl Write + Seek)) -> Result<(), Cause>
where
    C: ColorType<Inner: Sample>,
    [C::Inner]: TiffValue,
{
    let mut encoder = TiffEncoder::new(writer)?;
    let mut picture = encoder.new_image::<C>(image.width(), image.height())?;
    let layout = image.layout();
    if layout.has_alpha() {
        picture.extra_samples(&[ExtraSamples::UnassociatedAlpha])?;
    } else if is_gray(layout) && layout.channels > 1 {
        let others = vec![ExtraSamples::Unspecified; usize::from(layout.channels) - 1];
        picture.extra_samples(&others)?;
    }
    if let Some(icc) = profile(image) {
        picture.encoder().write_tag(Tag::IccProfile, icc)?;
    }
    let samples = image.samples::<C::Inner>().ok_or("the samples are of another type")?;
    Ok(picture.write_data(samples)?)
}

/// The profile of an image, if it is for as many colours as the image has.
fn profile(image: &Image) -> Option<&[u8]> {
    image.icc().map(|icc| &**icc).filter(|icc| describes(icc, image.layout()))
}
