//! From the bytes of a file to an image, within limits.

use std::fs::File;
use std::io::BufReader;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use image::metadata::Orientation as Exif;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use pipeline_core::{Context, Error, Image, Result};

use super::open::{Open, Orientation};
use super::tiff_samples;
use super::watched::Watched;

/// What decoders read from.
pub(super) type Source<'a> = BufReader<Watched<'a, File>>;

/// Bytes that are read at a time; also how far apart the looks for a cancel are.
const READ: usize = 256 << 10;

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

fn attempt(open: &Open, ctx: &Context<'_>) -> Result<Image> {
    let file = File::open(&open.path).map_err(|error| refuse(&open.path, "read", error))?;
    let len = file.metadata().map_err(|error| refuse(&open.path, "read", error))?.len();
    allow(open, "the file", len)?;

    let source = BufReader::with_capacity(READ, Watched::new(file, ctx));
    let mut reader = ImageReader::new(source)
        .with_guessed_format()
        .map_err(|error| refuse(&open.path, "read", error))?;
    if reader.format().is_none() {
        let format = ImageFormat::from_path(&open.path);
        reader.set_format(format.map_err(|error| refuse(&open.path, "decode", error))?);
    }
    let is_tiff = reader.format() == Some(ImageFormat::Tiff);
    let mut limits = Limits::default();
    limits.max_alloc = Some(open.max_bytes);
    reader.limits(limits);

    let again = || {
        let file = File::open(&open.path).map_err(|error| refuse(&open.path, "read", error))?;
        Ok::<_, Error>(BufReader::with_capacity(READ, Watched::new(file, ctx)))
    };
    match picture(open, reader) {
        Err(Refusal::Format(ImageError::Unsupported(_))) if is_tiff => {
            tiff_samples::read(open, again()?)
        }
        Err(Refusal::Format(error)) => Err(refuse(&open.path, "decode", error)),
        Err(Refusal::Limit(error)) => Err(error),
        // The decoder counts a profile against the size of the picture and so drops it for small
        // ones.
        Ok(image) if is_tiff && image.icc().is_none() => {
            Ok(image.with_icc(tiff_samples::profile(open, again()?)))
        }
        Ok(image) => Ok(image),
    }
}

enum Refusal {
    Format(ImageError),
    Limit(Error),
}

impl From<ImageError> for Refusal {
    fn from(error: ImageError) -> Self {
        Self::Format(error)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Limit(error)
    }
}

fn picture(open: &Open, reader: ImageReader<Source<'_>>) -> Result<Image, Refusal> {
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    allow_sides(open, width, height)?;
    allow(open, "the picture", decoder.total_bytes())?;
    // A damaged profile or note is no reason to refuse the pixels.
    let icc = decoder.icc_profile().ok().flatten();
    let orientation = match open.orientation {
        Orientation::Apply => decoder.orientation().unwrap_or(Exif::NoTransforms),
        Orientation::Ignore => Exif::NoTransforms,
    };
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(Image::try_from(picture)?.with_icc(icc.map(Arc::from)))
}

/// Refuses sides above the limit.
pub(super) fn allow_sides(open: &Open, width: u32, height: u32) -> Result<()> {
    if width.max(height) <= open.max_side {
        return Ok(());
    }
    let what = format!("the picture in {}", open.path.display());
    let expected = format!("sides up to {} px (`max_side`)", open.max_side);
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
