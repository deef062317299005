//! Pictures that are there only as a whole: their decoder gives all at once, or they are turned.

use std::io::{Cursor, Seek};
use std::sync::Arc;

use image::codecs::{bmp, gif, jpeg, png, pnm, tiff, webp};
use image::error::{ImageFormatHint, UnsupportedError, UnsupportedErrorKind};
use image::metadata::Orientation as Exif;
use image::{ColorType, ImageDecoder, ImageError, ImageFormat, ImageResult, Limits};
use pipeline_core::step::{Rows, gather, no_more};
use pipeline_core::{ColorSpace, Error, Image, Layout, Result, SampleType};

use super::complete::head_of_jpeg;
use super::decode::{allow, allow_sides, profiled, refuse};
use super::file::PictureFile;
use super::open::{Open, Orientation};
use super::upright::{is_on_its_side, upright};

/// The rows of a picture that `image` decodes.
pub(super) fn picture<'a>(
    open: &'a Open,
    format: ImageFormat,
    source: PictureFile<'a>,
) -> Result<Box<dyn Rows + 'a>> {
    let fail = |error: ImageError| refuse(&open.path, "decode", error);
    // Some decoders read all of a file before they tell anything.
    allow(open, "the file", source.len())?;
    match format {
        ImageFormat::Png => {
            all_at_once(open, png::PngDecoder::with_limits(source, limits(open)).map_err(fail)?)
        }
        ImageFormat::Jpeg => jpeg(open, source),
        ImageFormat::Tiff => all_at_once(open, tiff::TiffDecoder::new(source).map_err(fail)?),
        ImageFormat::WebP => all_at_once(open, webp::WebPDecoder::new(source).map_err(fail)?),
        ImageFormat::Gif => all_at_once(open, gif::GifDecoder::new(source).map_err(fail)?),
        ImageFormat::Bmp => all_at_once(open, bmp::BmpDecoder::new(source).map_err(fail)?),
        ImageFormat::Pnm => all_at_once(open, pnm::PnmDecoder::new(source).map_err(fail)?),
        other => {
            let format = ImageFormatHint::Exact(other);
            let kind = UnsupportedErrorKind::Format(format.clone());
            let error = UnsupportedError::from_format_and_kind(format, kind);
            Err(fail(ImageError::Unsupported(error)))
        }
    }
}

fn limits(open: &Open) -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(open.max_bytes);
    limits
}

/// The decoder reads all of a file before it tells anything, so it is asked about the head alone
/// first; where that does not do, about all.
fn jpeg<'a>(open: &'a Open, mut source: PictureFile<'a>) -> Result<Box<dyn Rows + 'a>> {
    let head = head_of_jpeg(&mut source, open.max_bytes).ok();
    source.rewind().map_err(|error| refuse(&open.path, "read", error))?;
    match head.and_then(|head| jpeg::JpegDecoder::new(Cursor::new(head)).ok()) {
        Some(head) => rows(open, head, move |_, samples| {
            let mut decoder = jpeg::JpegDecoder::new(source)?;
            decoder.set_limits(limits(open))?;
            decoder.read_image(samples)
        }),
        None => {
            let decoder = jpeg::JpegDecoder::new(source);
            all_at_once(open, decoder.map_err(|error| refuse(&open.path, "decode", error))?)
        }
    }
}

fn all_at_once<'a>(
    open: &'a Open,
    decoder: impl ImageDecoder + Send + 'a,
) -> Result<Box<dyn Rows + 'a>> {
    rows(open, decoder, ImageDecoder::read_image)
}

/// The rows of a picture that `decoder` tells about and `decode` makes of it.
fn rows<'a, D: ImageDecoder + Send + 'a>(
    open: &'a Open,
    mut decoder: D,
    decode: impl FnOnce(D, &mut [u8]) -> ImageResult<()> + Send + 'a,
) -> Result<Box<dyn Rows + 'a>> {
    let fail = |error: ImageError| refuse(&open.path, "decode", error);
    decoder.set_limits(limits(open)).map_err(fail)?;
    let Described { layout, icc, orientation } = Described::of(open, &mut decoder)?;
    allow(open, "the picture", decoder.total_bytes())?;
    let decode = Box::new(move |samples: &mut [u8]| decode(decoder, samples));
    let rows = Decoded { open, layout, icc, decode: Some(decode), image: None };
    turned(open, orientation, Box::new(rows))
}

/// What a decoder of `image` tells about a picture.
pub(super) struct Described {
    pub(super) layout: Layout,
    pub(super) icc: Option<Arc<[u8]>>,
    pub(super) orientation: Exif,
}

impl Described {
    pub(super) fn of(open: &Open, decoder: &mut impl ImageDecoder) -> Result<Self> {
        let (width, height) = decoder.dimensions();
        allow_sides(open, width, height)?;
        let mut layout = layout(open, width, height, decoder.color_type())?;
        // A damaged profile or note is no reason to refuse the pixels.
        let icc = decoder.icc_profile().ok().flatten();
        let (color, icc) = profiled(icc.as_deref(), layout, layout.color);
        layout.color = color;
        let orientation = decoder.orientation().unwrap_or(Exif::NoTransforms);
        Ok(Self { layout, icc, orientation })
    }
}

fn layout(open: &Open, width: u32, height: u32, color: ColorType) -> Result<Layout> {
    let (channels, sample) = match color {
        ColorType::L8 => (1, SampleType::U8),
        ColorType::La8 => (2, SampleType::U8),
        ColorType::Rgb8 => (3, SampleType::U8),
        ColorType::Rgba8 => (4, SampleType::U8),
        ColorType::L16 => (1, SampleType::U16),
        ColorType::La16 => (2, SampleType::U16),
        ColorType::Rgb16 => (3, SampleType::U16),
        ColorType::Rgba16 => (4, SampleType::U16),
        ColorType::Rgb32F => (3, SampleType::F32),
        ColorType::Rgba32F => (4, SampleType::F32),
        other => {
            let expected = "gray or RGB of 8 or 16 bits, or RGB of floats";
            let what = format!("the pixel format of {}", open.path.display());
            return Err(Error::input(what, format_args!("{other:?}"), expected));
        }
    };
    let layout = Layout::new(width, height, channels, sample);
    let is_linear = sample == SampleType::F32;
    Ok(if is_linear { Layout { color: ColorSpace::LinearSrgb, ..layout } } else { layout })
}

/// Fills the samples of a whole picture.
type Decode<'a> = dyn FnOnce(&mut [u8]) -> ImageResult<()> + Send + 'a;

/// A picture whose decoder gives all of it at once.
struct Decoded<'a> {
    open: &'a Open,
    layout: Layout,
    icc: Option<Arc<[u8]>>,
    decode: Option<Box<Decode<'a>>>,
    /// Its samples, if they are wanted piece by piece, and how many bytes were.
    image: Option<(Image, usize)>,
}

impl Decoded<'_> {
    fn decode(&mut self, samples: &mut [u8]) -> Result<()> {
        let decode = self.decode.take().ok_or_else(no_more)?;
        decode(samples).map_err(|error| refuse(&self.open.path, "decode", error))
    }
}

impl Rows for Decoded<'_> {
    fn layout(&self) -> Layout {
        self.layout
    }

    fn icc(&self) -> Option<Arc<[u8]>> {
        self.icc.clone()
    }

    fn aside(&self) -> u64 {
        self.layout.size_bytes()
    }

    fn read(&mut self, rows: &mut [u8]) -> Result<()> {
        if self.image.is_none() {
            if rows.len() as u64 == self.layout.size_bytes() {
                return self.decode(rows);
            }
            let mut image = Image::zeros(self.layout)?;
            pipeline_core::dispatch!(self.layout.sample, T => {
                let samples = image.samples_mut::<T>().unwrap_or_default();
                self.decode(bytemuck::cast_slice_mut(samples))?;
            });
            self.image = Some((image, 0));
        }
        hand_out(&mut self.image, rows)
    }
}

/// The rows of a picture as it is to be looked at.
///
/// # Errors
/// That of rows that may not be a whole image, which they have to be for a turn.
pub(super) fn turned<'a>(
    open: &'a Open,
    orientation: Exif,
    rows: Box<dyn Rows + 'a>,
) -> Result<Box<dyn Rows + 'a>> {
    if open.orientation == Orientation::Ignore || orientation == Exif::NoTransforms {
        return Ok(rows);
    }
    rows.allow_whole()?;
    let (mut layout, icc) = (rows.layout(), rows.icc());
    if is_on_its_side(orientation) {
        (layout.width, layout.height) = (layout.height, layout.width);
    }
    Ok(Box::new(Turned { rows: Some(rows), orientation, layout, icc, image: None }))
}

/// A picture that is turned upright.
struct Turned<'a> {
    rows: Option<Box<dyn Rows + 'a>>,
    orientation: Exif,
    layout: Layout,
    icc: Option<Arc<[u8]>>,
    image: Option<(Image, usize)>,
}

impl Rows for Turned<'_> {
    fn layout(&self) -> Layout {
        self.layout
    }

    fn icc(&self) -> Option<Arc<[u8]>> {
        self.icc.clone()
    }

    fn aside(&self) -> u64 {
        self.layout.size_bytes().saturating_mul(2)
    }

    fn read(&mut self, rows: &mut [u8]) -> Result<()> {
        if let Some(stored) = self.rows.take() {
            self.image = Some((upright(gather(stored)?, self.orientation)?, 0));
        }
        hand_out(&mut self.image, rows)
    }
}

/// Copies the next rows of a picture that is there, which goes with the last one.
fn hand_out(image: &mut Option<(Image, usize)>, rows: &mut [u8]) -> Result<()> {
    let Some((whole, at)) = image else { return Err(no_more()) };
    let end = *at + rows.len();
    rows.copy_from_slice(whole.bytes().get(*at..end).ok_or_else(no_more)?);
    *at = end;
    if end == whole.bytes().len() {
        *image = None;
    }
    Ok(())
}
