//! From the bytes of a file to the rows of an image, within limits.

use std::io::{ErrorKind, Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use image::ImageFormat;
use pipeline_core::step::Rows;
use pipeline_core::{ColorSpace, Context, Error, Layout, Result};

use super::file::PictureFile;
use super::open::Open;
use super::{complete, png, scanlines, tiff, whole};
use crate::point::declared;

/// Bytes at the start of a file that tell its format.
const START: u64 = 16;

/// The rows of the picture in the file of `open`; a panic of a decoder becomes an error.
///
/// Whether the file is whole is looked at before the first row, or where a decoder refuses it: then
/// that it is cut off says more than what the decoder missed.
pub(super) fn rows<'a>(open: &'a Open, ctx: &Context<'a>) -> Result<Box<dyn Rows + 'a>> {
    let (format, source) = guard(open, ctx, || start(open, ctx))?;
    match guard(open, ctx, || decoder(open, ctx, format, source)) {
        Ok(rows) => {
            let unchecked = complete::has_end(format).then_some(format);
            Ok(Box::new(Guarded { open, ctx: *ctx, rows, unchecked }))
        }
        Err(error) => {
            guard(open, ctx, || is_whole(open, ctx, format))?;
            Err(error)
        }
    }
}

/// Rows whose decoder may panic, and meets a cancel as an error of the file.
struct Guarded<'a> {
    open: &'a Open,
    ctx: Context<'a>,
    rows: Box<dyn Rows + 'a>,
    /// The format of a file that is still to be looked at for its end.
    unchecked: Option<ImageFormat>,
}

impl Rows for Guarded<'_> {
    fn layout(&self) -> Layout {
        self.rows.layout()
    }

    fn icc(&self) -> Option<Arc<[u8]>> {
        self.rows.icc()
    }

    fn aside(&self) -> u64 {
        self.rows.aside()
    }

    fn allow_whole(&self) -> Result<()> {
        self.rows.allow_whole()
    }

    fn read(&mut self, rows: &mut [u8]) -> Result<()> {
        if let Some(format) = self.unchecked.take() {
            guard(self.open, &self.ctx, || is_whole(self.open, &self.ctx, format))?;
        }
        guard(self.open, &self.ctx, || self.rows.read(rows))
    }
}

pub(super) fn guard<T>(open: &Open, ctx: &Context<'_>, f: impl FnOnce() -> Result<T>) -> Result<T> {
    let result = catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|payload| {
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

/// The file, and the format of the picture that it begins with.
fn start<'a>(open: &Open, ctx: &Context<'a>) -> Result<(ImageFormat, PictureFile<'a>)> {
    given(&open.path)?;
    let mut source = PictureFile::of(open, ctx)?;
    let fail = |error| refuse(&open.path, "read", error);
    let format = match format(&mut source).map_err(fail)? {
        Some(format) => format,
        None => ImageFormat::from_path(&open.path)
            .map_err(|error| refuse(&open.path, "decode", error))?,
    };
    source.rewind().map_err(fail)?;
    Ok((format, source))
}

fn decoder<'a>(
    open: &'a Open,
    ctx: &Context<'a>,
    format: ImageFormat,
    source: PictureFile<'a>,
) -> Result<Box<dyn Rows + 'a>> {
    let rows = match format {
        ImageFormat::Tiff => tiff::rows(open, source)?,
        ImageFormat::Png => png::rows(open, source)?,
        ImageFormat::Jpeg => scanlines::rows(open, source)?,
        _ => return whole::picture(open, format, source),
    };
    match rows {
        Some(rows) => Ok(rows),
        None => whole::picture(open, format, PictureFile::of(open, ctx)?),
    }
}

/// Refuses a file that ends before the picture does.
fn is_whole(open: &Open, ctx: &Context<'_>, format: ImageFormat) -> Result<()> {
    let mut source = PictureFile::of(open, ctx)?;
    complete::check(format, &mut source).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => {
            refuse(&open.path, "decode", "the file ends before the picture does")
        }
        _ => refuse(&open.path, "read", error),
    })
}

/// The format that the first bytes tell.
fn format(source: &mut PictureFile<'_>) -> std::io::Result<Option<ImageFormat>> {
    let mut start = Vec::new();
    source.take(START).read_to_end(&mut start)?;
    Ok(image::guess_format(&start).ok())
}

/// Whether a profile is for the colours that were decoded: bytes 16 to 19 name its colour space,
/// and CMYK has become RGB.
pub(super) fn describes(icc: &[u8], layout: Layout) -> bool {
    let expected: &[u8] = if layout.channels < 3 { b"GRAY" } else { b"RGB " };
    icc.get(16..20) == Some(expected)
}

/// The profile of a picture, unless it is for other colours, and what it says the samples are;
/// where it says nothing, `assumed`.
pub(super) fn profiled(
    icc: Option<&[u8]>,
    layout: Layout,
    assumed: ColorSpace,
) -> (ColorSpace, Option<Arc<[u8]>>) {
    let icc = icc.filter(|icc| describes(icc, layout));
    (icc.and_then(declared).unwrap_or(assumed), icc.map(Arc::from))
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
