//! From the bytes of a file to an image, within limits.

use std::fs::{File, Metadata};
use std::io::{BufReader, ErrorKind, Read, Seek, Take};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use image::metadata::Orientation as Exif;
use image::{ColorType, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use pipeline_core::{ColorSpace, Context, Error, Image, Layout, Result, SampleType, dispatch};

use super::open::{Open, Orientation};
use super::upright::upright;
use super::watched::Watched;
use super::{complete, tiff};

/// What decoders read from.
pub(super) type Source<'a> = BufReader<Watched<'a, Take<File>>>;

/// Bytes that are read at a time; also how far apart the looks for a cancel are.
const READ: usize = 256 << 10;

/// Bytes at the start of a file that tell its format.
const START: u64 = 16;

/// Decodes the file of `open`; a panic of a decoder becomes an error.
pub(super) fn decode(open: &Open, ctx: &Context<'_>) -> Result<Image> {
    let result = catch_unwind(AssertUnwindSafe(|| attempt(open, ctx))).unwrap_or_else(|payload| {
        let message = panic_message(payload.as_ref());
        Err(refuse(&open.path, "decode", format!("the decoder panicked: {message}")))
    });
    // A cancel reaches decoders as a read error; it is not the file's fault.
    ctx.check()?;
    result
}

pub(super) fn panic_message(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default()
}

pub(super) fn refuse(
    path: &Path,
    action: &'static str,
    source: impl Into<pipeline_core::error::Cause>,
) -> Error {
    Error::File { path: path.to_owned(), action, source: source.into() }
}

/// Refuses a path that was not given.
pub(super) fn given(path: &Path) -> Result<()> {
    if path.as_os_str().is_empty() {
        return Err(Error::input("path", "empty", "that of a file"));
    }
    Ok(())
}

fn attempt(open: &Open, ctx: &Context<'_>) -> Result<Image> {
    given(&open.path)?;
    let mut source = source(open, ctx)?;
    let fail = |error| refuse(&open.path, "read", error);
    let format = match format(&mut source).map_err(fail)? {
        Some(format) => format,
        None => ImageFormat::from_path(&open.path)
            .map_err(|error| refuse(&open.path, "decode", error))?,
    };
    source.rewind().map_err(fail)?;
    if format == ImageFormat::Tiff {
        if let Some(image) = tiff::read(open, source)? {
            return Ok(image);
        }
        source = self::source(open, ctx)?;
    } else {
        complete::check(format, &mut source).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => {
                refuse(&open.path, "decode", "the file ends before the picture does")
            }
            _ => fail(error),
        })?;
        source.rewind().map_err(fail)?;
    }
    picture(open, ImageReader::with_format(source, format))
}

/// The file of `open`, if it is one that has an end: looking into a pipe waits for another program,
/// and some devices go on for ever.
fn source<'a>(open: &Open, ctx: &Context<'a>) -> Result<Source<'a>> {
    let fail = |error| refuse(&open.path, "read", error);
    let check = |metadata: &Metadata| {
        if !metadata.is_file() {
            let kind = if metadata.is_dir() { "a folder" } else { "a pipe, a socket or a device" };
            return Err(refuse(&open.path, "read", format!("it is {kind}, not a file")));
        }
        allow(open, "the file", metadata.len())
    };
    // Before it is opened, because that may wait already; and after, because it may be another now.
    check(&std::fs::metadata(&open.path).map_err(fail)?)?;
    let file = File::open(&open.path).map_err(fail)?;
    let metadata = file.metadata().map_err(fail)?;
    check(&metadata)?;
    // A file that grows meanwhile is read as long as it was, so the limit holds for all that is read.
    let file = file.take(metadata.len());
    Ok(BufReader::with_capacity(READ, Watched::new(file, ctx)))
}

/// The format that the first bytes tell.
fn format(source: &mut Source<'_>) -> std::io::Result<Option<ImageFormat>> {
    let mut start = Vec::new();
    source.take(START).read_to_end(&mut start)?;
    Ok(image::guess_format(&start).ok())
}

fn picture(open: &Open, mut reader: ImageReader<Source<'_>>) -> Result<Image> {
    let fail = |error: ImageError| refuse(&open.path, "decode", error);
    let mut limits = Limits::default();
    limits.max_alloc = Some(open.max_bytes);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(fail)?;
    let (width, height) = decoder.dimensions();
    allow_sides(open, width, height)?;
    allow(open, "the picture", decoder.total_bytes())?;
    let layout = layout(open, width, height, decoder.color_type())?;
    // A damaged profile or note is no reason to refuse the pixels.
    let icc = decoder.icc_profile().ok().flatten().filter(|icc| describes(icc, layout));
    let orientation = match open.orientation {
        Orientation::Apply => decoder.orientation().unwrap_or(Exif::NoTransforms),
        Orientation::Ignore => Exif::NoTransforms,
    };
    let mut image = Image::zeros(layout)?;
    dispatch!(layout.sample, T => {
        let samples = image.samples_mut::<T>().unwrap_or_default();
        decoder.read_image(bytemuck::cast_slice_mut(samples)).map_err(fail)?;
    });
    upright(image.with_icc(icc.map(Arc::from)), orientation)
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
    Ok(match sample {
        SampleType::F32 => Layout { color: ColorSpace::LinearSrgb, ..layout },
        SampleType::U8 | SampleType::U16 => layout,
    })
}

/// Whether a profile is for the colours that were decoded: bytes 16 to 19 name its colour space,
/// and CMYK has become RGB.
pub(super) fn describes(icc: &[u8], layout: Layout) -> bool {
    let expected: &[u8] = if layout.channels < 3 { b"GRAY" } else { b"RGB " };
    icc.get(16..20) == Some(expected)
}

/// Refuses sides above the limit, and pictures without pixels.
pub(super) fn allow_sides(open: &Open, width: u32, height: u32) -> Result<()> {
    let expected = match width.min(height) {
        0 => "at least one pixel".to_owned(),
        _ if width.max(height) <= open.max_side => return Ok(()),
        _ => format!("sides up to {} px (`max_side`)", open.max_side),
    };
    let what = format!("the picture in {}", open.path.display());
    Err(Error::input(what, format_args!("{width}×{height}"), expected))
}

/// Refuses sizes above the limit.
pub(super) fn allow(open: &Open, what: &str, needed: u64) -> Result<()> {
    if needed <= open.max_bytes {
        return Ok(());
    }
    let what = format!("{what} {}", open.path.display());
    Err(Error::TooLarge { what, needed, allowed: open.max_bytes })
}
