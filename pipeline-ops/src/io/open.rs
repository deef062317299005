//! A picture from a file.

use std::path::PathBuf;

use pipeline_core::step::{Rows, Source, Stream, gather};
use pipeline_core::{Context, Image, Result, Spec, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decode::rows;

/// Whether the camera's note on which side is up is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Orientation {
    /// The picture is turned upright, as viewers show it.
    #[default]
    Apply,
    /// The pixels stay as they are stored.
    Ignore,
}

/// Opens a picture file.
///
/// Reads PNG, JPEG, TIFF (the first picture of a file), WebP, GIF (the first frame), BMP and PNM.
/// What the file holds decides, not its name. An ICC profile stays with the image; no colour is
/// converted.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `out` | image | Y X C | u8, u16; f32 for TIFF of floats, 32-bit or signed integers | as stored | 1 to 4, more from TIFF |
///
/// Palettes become RGB, 1, 2 and 4 bits become 8, and CMYK becomes RGB without a profile. TIFF
/// files of palettes, YCbCr (which those with JPEG in them mostly are), L\*a\*b\*, CMYK with
/// opacity and other depths, such as 12 bits, are refused.
///
/// An ICC profile says whether samples are encoded or proportional to light, and the image is
/// marked so. Without one floats of RGB or with opacity are light, other floats data, and all else
/// is sRGB.
///
/// The last channel is opacity where the file says so. Colours that a TIFF file stores multiplied
/// by it are divided by it again; further channels of a TIFF file are left out beside RGB, and
/// beside gray make the picture data.
///
/// **Border**: nothing lies beyond the edge of a file. **NaN** and infinity of float files stay.
/// **Cost**: decoding; of memory the samples once, twice while a picture is turned. TIFF, PNG and
/// JPEG are read row by row where everything after them goes from top to bottom: then a strip, a
/// row of tiles or a few rows are there at a time; not if the picture is turned, a PNG interlaced,
/// or a JPEG progressive, of CMYK, in several scans or of no more than 64 MiB and `max_bytes`. PNG,
/// JPEG and WebP are read through to their end once more before the first row, to know that they
/// are whole. The step waits for the disk on a thread for that; a cancel is seen whenever the file
/// is read. On x86-64 a large JPEG takes two and a half times as long if the program was built
/// where there is no `nasm`.
/// **Errors**: a path that is missing or no file, such as a folder or a pipe; a file that is cut
/// off, damaged or of an unknown kind; a side or a size above its limit, which is checked before
/// the samples are allocated. A panic of a decoder becomes an error.
///
/// The content of the file, not its date, decides whether a result is computed again.
///
/// **Source**: crates `image` 0.25, `mozjpeg` 0.10, `png` 0.18 and `tiff` 0.11; TIFF 6.0
/// (1992) for extra samples.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::io::{Open, Save};
///
/// let folder = std::env::temp_dir().join(format!("open-doctest-{}", std::process::id()));
/// let path = folder.join("tiny.png");
/// let image = Image::from_samples(3, 1, 1, vec![
///     0u8, 100, 255,
/// ])?;
/// Save::path(&path).run(In::new(image.clone()), &Context::default())?;
/// assert_eq!(Open::path(&path).run((), &Context::default())?, image);
/// # std::fs::remove_dir_all(folder).ok();
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["path"]))]
pub struct Open {
    /// The file; must be given.
    #[schemars(length(min = 1), extend("x-widget" = "file"))]
    pub path: PathBuf,
    /// Whether the picture is turned upright; default `apply`.
    pub orientation: Orientation,
    /// The longest side that is opened. 1 px and more, default 131072.
    #[schemars(range(min = 1), extend("x-unit" = "px"))]
    pub max_side: u32,
    /// The most that a picture may take where it has to be there as a whole, and that may be
    /// decoded of it at once where it is read row by row; what a decoder needs beside it is limited
    /// to as much again. So is a file that is not read row by row. 1 byte and more, default
    /// 1073741824.
    #[schemars(range(min = 1), extend("x-unit" = "byte"))]
    pub max_bytes: u64,
}

impl Default for Open {
    fn default() -> Self {
        Self {
            path: PathBuf::new(),
            orientation: Orientation::Apply,
            max_side: 1 << 17,
            max_bytes: 1 << 30,
        }
    }
}

impl Open {
    /// Opens this file with the usual limits.
    #[must_use]
    pub fn path(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }
}

impl Step for Open {
    const NAME: &'static str = "open";
    const VERSION: u32 = 4;
    type Input = ();
    type Output = Image;

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<Image> {
        gather(Source::open(self, ctx)?)
    }

    fn stream(&self) -> Option<Stream<'_>> {
        Some(Stream::Source(self))
    }

    fn spec(&self) -> Spec {
        Spec::default().reads(&self.path).blocking()
    }
}

impl Source for Open {
    fn open<'a>(&'a self, ctx: &Context<'a>) -> Result<Box<dyn Rows + 'a>> {
        rows(self, ctx)
    }
}
