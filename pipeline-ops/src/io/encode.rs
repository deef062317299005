//! From the rows of an image to the bytes of a file.

use std::io::{Seek, Write};
use std::path::Path;
use std::sync::Arc;

use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder};
use pipeline_core::error::Cause;
use pipeline_core::step::Rows;
use pipeline_core::{ColorSpace, Context, Error, Image, Layout, Result, Sample, SampleType};
use png::{BitDepth, Compression, Filter, Info};
use tiff::encoder::colortype::{ColorType, Gray8, Gray16, Gray32Float, RGB8, RGB16, RGB32Float};
use tiff::encoder::{TiffEncoder, TiffKind, TiffValue};
use tiff::tags::{ExtraSamples, Tag};

use super::decode::describes;
use super::jpeg;
use crate::point::declaring;

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
        if layout.sample == SampleType::U32 {
            let what = format!("the image for {}", path.display());
            return Err(Error::input(what, layout, "samples of u8, u16 or f32"));
        }
        let (samples, convert) = match (self, layout.sample) {
            (Self::Png, SampleType::F32) => ("u8 or u16", "u16"),
            (Self::Jpeg | Self::WebP, SampleType::U16 | SampleType::F32) => ("u8", "u8"),
            _ => ("", ""),
        };
        let what = || format!("the image for {}", path.display());
        self.holds_color(layout, &what())?;
        if !samples.is_empty() {
            let expected = format!("{samples} samples; put a `convert` step to {convert} before");
            return Err(Error::input(what(), layout, expected));
        }
        let longest = match self {
            Self::Jpeg => u32::from(u16::MAX),
            Self::WebP => 1 << 14,
            Self::Png => i32::MAX.unsigned_abs(),
            Self::Tiff => u32::MAX,
        };
        if layout.width.max(layout.height) > longest {
            let expected = format!("sides up to {longest} px; `tif` holds any");
            return Err(Error::input(what(), layout, expected));
        }
        let expected = match (self, layout.channels) {
            (Self::Tiff, _) if !layout.color.is_rgb() => return Ok(()),
            (Self::Png | Self::WebP, 2 | 4) if !layout.has_alpha() => {
                "1 or 3 channels of data, of which the last would be opacity; `tif` holds any number"
            }
            (Self::Png | Self::WebP | Self::Tiff, 1..=4) | (Self::Jpeg, 1 | 3) => return Ok(()),
            (Self::Png | Self::WebP | Self::Tiff, _) => "1 to 4 channels",
            (Self::Jpeg, _) => "1 or 3 channels, without alpha; `png` holds alpha",
        };
        Err(Error::input(what(), layout, expected))
    }

    /// Refuses colours that would be shown as others: no format names HSV, nor L\*a\*b\* in the
    /// numbers that it has here. In a TIFF file they become data, and one channel of them is gray.
    fn holds_color(self, layout: Layout, what: &str) -> Result<()> {
        let step = match layout.color {
            ColorSpace::Hsv => "from_hsv",
            ColorSpace::Lab => "from_lab",
            _ => return Ok(()),
        };
        if self == Self::Tiff || layout.channels == 1 {
            return Ok(());
        }
        let what = format!("the colour space of {what}");
        let found = format_args!("{:?}", layout.color);
        let expected = format!("Srgb, LinearSrgb or Data; put a `{step}` step before");
        Err(Error::input(what, found, expected))
    }
}

/// Bytes of a strip of a TIFF file, as far as whole rows allow.
const STRIP: usize = 256 << 10;

/// Bytes of rows of a PNG file that are written at a time.
const PNG: usize = 1 << 20;

/// Samples that a TIFF file holds at the most, beside which there is room for all else before the
/// places of 32 bits end; larger ones are written as `BigTIFF`.
const LARGEST_TIFF: u64 = (1 << 32) - (256 << 20);

/// Bytes that are taken to write an image, beside its rows.
pub(super) fn aside((format, quality): (Format, u8), layout: Layout) -> u64 {
    let row = (layout.row_len() * layout.sample.size()) as u64;
    match format {
        Format::Tiff => row.max(STRIP as u64).saturating_mul(2),
        Format::Png => row.saturating_mul(8).saturating_add(2 * PNG as u64),
        Format::Jpeg => jpeg::aside(layout, quality),
        // The image, and the file as it is encoded.
        Format::WebP => layout.size_bytes().saturating_mul(2),
    }
}

/// Writes an image that the format [`holds`](Format::holds).
pub(super) fn encode(
    rows: &mut dyn Rows,
    (format, quality): (Format, u8),
    writer: &mut (impl Write + Seek),
    ctx: &Context<'_>,
) -> Result<(), Cause> {
    let layout = rows.layout();
    match format {
        Format::Png => png(rows, writer),
        Format::Jpeg => jpeg::write(rows, quality, writer, ctx),
        Format::WebP => webp(rows, writer),
        Format::Tiff if layout.size_bytes() > LARGEST_TIFF => {
            tiff(rows, &mut TiffEncoder::new_big(writer)?)
        }
        Format::Tiff => tiff(rows, &mut TiffEncoder::new(writer)?),
    }
}

/// Whether a TIFF file has one colour; further channels of what is not red, green and blue stand
/// beside it without a meaning.
fn is_gray(layout: Layout) -> bool {
    layout.channels < 3 || !layout.color.is_rgb()
}

/// WebP is encoded at once.
fn webp(rows: &mut dyn Rows, writer: &mut impl Write) -> Result<(), Cause> {
    let layout = rows.layout();
    let color = match layout.channels {
        1 => ExtendedColorType::L8,
        2 => ExtendedColorType::La8,
        3 => ExtendedColorType::Rgb8,
        _ => ExtendedColorType::Rgba8,
    };
    let mut encoder = WebPEncoder::new_lossless(writer);
    // Gray becomes RGB, so a profile for gray says nothing of the file.
    let channels = if layout.channels < 3 { layout.channels + 2 } else { layout.channels };
    if let Some(icc) = profile(rows, Layout { channels, ..layout })? {
        encoder.set_icc_profile(icc.to_vec())?;
    }
    if let Some(bytes) = rows.rest() {
        return Ok(encoder.write_image(bytes, layout.width, layout.height, color)?);
    }
    let mut image = Image::zeros(layout)?;
    rows.read(image.samples_mut::<u8>().ok_or("the samples are of another type")?)?;
    Ok(encoder.write_image(image.bytes(), layout.width, layout.height, color)?)
}

fn png(rows: &mut dyn Rows, writer: &mut impl Write) -> Result<(), Cause> {
    let layout = rows.layout();
    let icc = profile(rows, layout)?;
    let mut info = Info::with_size(layout.width, layout.height);
    info.icc_profile = icc.as_deref().map(Into::into);
    let mut encoder = png::Encoder::with_info(writer, info)?;
    encoder.set_color(match layout.channels {
        1 => png::ColorType::Grayscale,
        2 => png::ColorType::GrayscaleAlpha,
        3 => png::ColorType::Rgb,
        _ => png::ColorType::Rgba,
    });
    let is_wide = layout.sample == SampleType::U16;
    encoder.set_depth(if is_wide { BitDepth::Sixteen } else { BitDepth::Eight });
    encoder.set_compression(Compression::Fast);
    encoder.set_filter(Filter::Adaptive);
    let mut writer = encoder.write_header()?;
    let mut stream = writer.stream_writer_with_size(PNG)?;
    let mut row = vec![0; layout.row_len() * layout.sample.size()];
    for _ in 0..layout.height {
        rows.read(&mut row)?;
        if is_wide {
            for sample in row.as_chunks_mut::<2>().0 {
                *sample = u16::from_ne_bytes(*sample).to_be_bytes();
            }
        }
        stream.write_all(&row)?;
    }
    stream.finish()?;
    Ok(writer.finish()?)
}

fn tiff<W: Write + Seek, K: TiffKind>(
    rows: &mut dyn Rows,
    encoder: &mut TiffEncoder<W, K>,
) -> Result<(), Cause> {
    let layout = rows.layout();
    match (layout.sample, is_gray(layout)) {
        (SampleType::U8, true) => tiff_of::<Gray8, _, _>(rows, encoder),
        (SampleType::U8, false) => tiff_of::<RGB8, _, _>(rows, encoder),
        (SampleType::U16, true) => tiff_of::<Gray16, _, _>(rows, encoder),
        (SampleType::U16, false) => tiff_of::<RGB16, _, _>(rows, encoder),
        (_, true) => tiff_of::<Gray32Float, _, _>(rows, encoder),
        (_, false) => tiff_of::<RGB32Float, _, _>(rows, encoder),
    }
}

fn tiff_of<C, W: Write + Seek, K: TiffKind>(
    rows: &mut dyn Rows,
    encoder: &mut TiffEncoder<W, K>,
) -> Result<(), Cause>
where
    C: ColorType<Inner: Sample>,
    [C::Inner]: TiffValue,
{
    let layout = rows.layout();
    let mut picture = encoder.new_image::<C>(layout.width, layout.height)?;
    let height = STRIP / (layout.row_len() * layout.sample.size()).max(1);
    picture.rows_per_strip(u32::try_from(height)?.min(layout.height).max(1))?;
    if !layout.color.is_rgb() && layout.channels > 1 {
        let others = vec![ExtraSamples::Unspecified; usize::from(layout.channels) - 1];
        picture.extra_samples(&others)?;
    } else if layout.has_alpha() {
        picture.extra_samples(&[ExtraSamples::UnassociatedAlpha])?;
    }
    if let Some(icc) = profile(rows, layout)? {
        picture.encoder().write_tag(Tag::IccProfile, &*icc)?;
    }
    if let Some(mut samples) = rows.rest().map(bytemuck::cast_slice::<u8, C::Inner>) {
        while !samples.is_empty() {
            let count = usize::try_from(picture.next_strip_sample_count())?;
            let (strip, below) = samples.split_at(count.min(samples.len()));
            picture.write_strip(strip)?;
            samples = below;
        }
        return Ok(picture.finish()?);
    }
    let mut strip: Vec<C::Inner> = Vec::new();
    loop {
        let count = usize::try_from(picture.next_strip_sample_count())?;
        if count == 0 {
            return Ok(picture.finish()?);
        }
        strip.resize(count, C::Inner::default());
        rows.read(bytemuck::cast_slice_mut(&mut strip))?;
        picture.write_strip(&strip)?;
    }
}

/// The profile of a picture as it stands in the file: its own, if that is for as many colours, or
/// one that says what would be taken for something else without it.
pub(super) fn profile(rows: &dyn Rows, picture: Layout) -> Result<Option<Arc<[u8]>>> {
    if !picture.color.is_rgb() {
        return Ok(None);
    }
    let icc = rows.icc().filter(|icc| describes(icc, picture));
    let is_assumed = picture.color == ColorSpace::Srgb && picture.sample != SampleType::F32;
    if icc.is_some() || is_assumed {
        return Ok(icc);
    }
    Ok(Some(declaring(picture.color, picture.channels < 3)?.into()))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use pipeline_core::step::ImageRows;
    use tiff::decoder::{Decoder, DecodingResult};

    use super::*;

    #[test]
    fn the_largest_files_are_written_as_big_tiff() {
        let image = Image::from_samples(3, 2, 1, vec![0u16, 1, 2, 3, 4, 65535]).unwrap();
        let mut file = Cursor::new(Vec::new());
        let mut encoder = TiffEncoder::new_big(&mut file).unwrap();
        tiff(&mut ImageRows::new(&image), &mut encoder).unwrap();
        assert_eq!(file.get_ref()[2..4], 43u16.to_ne_bytes());
        file.set_position(0);
        let DecodingResult::U16(samples) = Decoder::new(file).unwrap().read_image().unwrap() else {
            panic!("expected u16");
        };
        assert_eq!(image.samples::<u16>(), Some(&*samples));
    }
}
