//! The row-wise forms of a step: images that come in, or go out, from top to bottom.

use std::sync::Arc;

use super::context::Context;
use crate::data::{Image, Layout};
use crate::error::{Error, Result};

/// The row-wise form of a step, as [`Step::stream`](super::Step::stream) names it.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Stream<'a> {
    /// A step without an input whose image comes from somewhere row by row.
    Source(&'a dyn Source),
    /// A step with one image as its input and no output, which takes it row by row.
    Sink(&'a dyn Sink),
}

impl std::fmt::Debug for Stream<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Source(_) => "Source",
            Self::Sink(_) => "Sink",
        })
    }
}

/// Rows of an image, from top to bottom, each of them once.
///
/// Whoever has them reads them on one thread at a time.
pub trait Rows: Send {
    /// What the whole image looks like.
    fn layout(&self) -> Layout;

    /// The ICC profile of the image.
    fn icc(&self) -> Option<Arc<[u8]>> {
        None
    }

    /// The most bytes that are taken to hand rows out, beside the rows themselves. As many as the
    /// image has where it must be there as a whole; then it is asked for as a whole.
    fn aside(&self) -> u64 {
        0
    }

    /// Refuses to be put together as one image. For sources that limit what they are trusted with:
    /// asked before memory is taken for the whole, and not where rows pass by.
    ///
    /// # Errors
    /// [`Error::TooLarge`] where the image would be.
    fn allow_whole(&self) -> Result<()> {
        Ok(())
    }

    /// Fills `rows` with the next rows: whole rows, as bytes in this machine's byte order, aligned
    /// for the type of the samples.
    ///
    /// # Errors
    /// Whatever keeps the rows from coming. Nothing is read after that.
    fn read(&mut self, rows: &mut [u8]) -> Result<()>;

    /// All rows that have not been read, without a copy, if they lie in memory one behind the
    /// other. Then none is left.
    fn rest(&mut self) -> Option<&[u8]> {
        None
    }
}

/// A step that can give its image row by row, so that a run need not hold all of it.
///
/// Where everything that reads the image is tile-wise and goes from top to bottom, a run reads rows
/// ahead on a thread that may wait, while others work on those before
/// ([`Fusion`](crate::exec::Fusion)). Otherwise [`Step::run`](super::Step::run) makes the image as
/// a whole; its body is [`gather`].
///
/// # Contract
///
/// Opening reads what tells the layout and no more. It may happen without the rows being read: the
/// layout is also asked for to tell how much memory a run will take. The rows are those of the
/// image that [`Step::run`](super::Step::run) gives, and they fail where it fails: all of them are
/// read, whether they are wanted or not.
///
/// ```
/// use pipeline_core::step::{Rows, Source, gather};
/// use pipeline_core::{Context, Layout, Result, SampleType};
///
/// /// A slope from black to white, 256 pixels high.
/// struct Slope;
///
/// struct Line(u8);
///
/// impl Source for Slope {
///     fn open<'a>(&'a self, _: &Context<'a>) -> Result<Box<dyn Rows + 'a>> {
///         Ok(Box::new(Line(0)))
///     }
/// }
///
/// impl Rows for Line {
///     fn layout(&self) -> Layout {
///         Layout::new(3, 256, 1, SampleType::U8)
///     }
///
///     fn read(&mut self, rows: &mut [u8]) -> Result<()> {
///         for row in rows.chunks_mut(3) {
///             row.fill(self.0);
///             self.0 = self.0.wrapping_add(1);
///         }
///         Ok(())
///     }
/// }
///
/// let image = gather(Slope.open(&Context::default())?)?;
/// assert_eq!(image.samples::<u8>().map(|samples| samples[3 * 200]), Some(200));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
pub trait Source: Send + Sync {
    /// Begins anew at the top.
    ///
    /// # Errors
    /// Whatever keeps the image from being read, as far as that is known before its rows are.
    fn open<'a>(&'a self, ctx: &Context<'a>) -> Result<Box<dyn Rows + 'a>>;
}

/// A step that can take its image row by row.
///
/// The other end of a [`Source`]: called on a thread that may wait, while others make the rows that
/// come next. Those that have nothing to do help with its row loops, such as
/// [`Context::rows_of`].
///
/// # Contract
///
/// All rows are read, from one to the last, before anything is done that cannot be undone: rows
/// that do not come, because a step before has failed or the run was cancelled, are an error that
/// is passed on, and nothing is left behind.
pub trait Sink: Send + Sync {
    /// Takes all rows.
    ///
    /// # Errors
    /// Whatever keeps the image from being taken, and the error of rows that do not come.
    fn write(&self, rows: &mut dyn Rows, ctx: &Context<'_>) -> Result<()>;

    /// The most bytes that are taken to write an image of this layout, beside the rows that come.
    fn aside(&self, layout: Layout) -> u64;
}

/// All rows as an image: the body of [`Step::run`](super::Step::run) for a step that is a
/// [`Source`].
///
/// # Errors
/// That of the rows, [`Error::Input`] and [`Error::TooLarge`] if there can be no such image.
pub fn gather(mut rows: Box<dyn Rows + '_>) -> Result<Image> {
    rows.allow_whole()?;
    let mut image = Image::zeros(rows.layout())?;
    crate::dispatch!(image.sample_type(), T => {
        let samples = image.samples_mut::<T>().unwrap_or_default();
        rows.read(bytemuck::cast_slice_mut(samples))?;
    });
    Ok(image.with_icc(rows.icc()))
}

/// The rows of an image: what [`Step::run`](super::Step::run) gives to a step that is a [`Sink`].
#[derive(Debug)]
pub struct ImageRows<'a> {
    image: &'a Image,
    at: usize,
}

impl<'a> ImageRows<'a> {
    /// All rows of an image.
    #[must_use]
    pub const fn new(image: &'a Image) -> Self {
        Self { image, at: 0 }
    }
}

impl Rows for ImageRows<'_> {
    fn layout(&self) -> Layout {
        self.image.layout()
    }

    fn icc(&self) -> Option<Arc<[u8]>> {
        self.image.icc().cloned()
    }

    fn read(&mut self, rows: &mut [u8]) -> Result<()> {
        let end = self.at + rows.len();
        let Some(next) = self.image.bytes().get(self.at..end) else { return Err(no_more()) };
        rows.copy_from_slice(next);
        self.at = end;
        Ok(())
    }

    fn rest(&mut self) -> Option<&[u8]> {
        let bytes = self.image.bytes();
        let rest = &bytes[self.at..];
        self.at = bytes.len();
        Some(rest)
    }
}

/// The error of rows beyond the last one.
#[must_use]
pub fn no_more() -> Error {
    Error::failed("there are no more rows")
}
