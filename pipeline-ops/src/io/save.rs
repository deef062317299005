//! A picture into a file.

use std::io::{BufWriter, Write};
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use pipeline_core::error::Cause;
use pipeline_core::step::{ImageRows, Rows, Sink, Stream};
use pipeline_core::{Context, Image, In, Layout, Result, Spec, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decode::{given, panic_message, refuse};
use super::encode::{Format, aside, encode};
use super::replace::Replacement;
use super::watched::Watched;
use crate::check;

/// The qualities that are taken.
const QUALITY: RangeInclusive<u8> = 1..=100;

/// Saves the image as a picture file, in the format that the file's extension names.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | by the format | any | by the format |
///
/// | extension | samples | channels | |
/// |---|---|---|---|
/// | `png` | u8, u16 | 1 to 4 | lossless |
/// | `jpg`, `jpeg` | u8 | 1, 3 | lossy, by `quality`; sides up to 65535 px |
/// | `tif`, `tiff` | u8, u16, f32 | 1 to 4; any of data | lossless, not compressed |
/// | `webp` | u8 | 1 to 4 | lossless; gray becomes RGB; sides up to 16384 px |
///
/// Channels of data are written to TIFF as samples without a meaning, so that no program takes the
/// last one for opacity; the other formats take no data of 2 or 4 channels. One channel of data,
/// and three in the other formats, are opened as sRGB, because nothing in such files tells one from
/// the other; floats are opened as data.
///
/// An ICC profile is written with it, unless it is for another number of colours, or the image is
/// no RGB and no gray. An image without one gets one where it would be opened as something else:
/// linear light in every format, and sRGB of floats. No format names HSV or L\*a\*b\* in the
/// numbers they have here: in TIFF they become data, which `from_hsv` and `from_lab` take;
/// elsewhere those steps have to come before. One channel of them is saved as data is.
///
/// The folder is made if it is missing. The picture is written to a temporary file beside the
/// target, and then moved into its place: the target is there whole or as before, also after a
/// cancel, an error or a crash of the program; if it is `durable`, of the machine too. A picture
/// that is there already is replaced.
///
/// JPEG stores colours at half the resolution below a quality of 90, as other programs do, and has
/// restart markers between strips of some ten thousand pixels. TIFF files of nearly 4 GiB and more
/// are written as `BigTIFF`.
///
/// **Border**: nothing beyond the edge is written. **NaN** and infinity stay in TIFF files of
/// floats.
/// **Cost**: encoding; of memory some rows, for WebP the samples and the encoded file. All formats
/// but WebP are written row by row where the image is made from top to bottom, and strips of JPEG
/// are encoded on all threads that have nothing else to do. The step waits for the disk on a thread
/// for that; a cancel is seen whenever bytes are written.
/// **Errors**: an unknown extension; samples, channels or colours that the format does not hold; a
/// quality outside its range; a file or folder that cannot be written.
///
/// **Source**: crates `image` 0.25, `png` 0.18 and `tiff` 0.11; JPEG by ITU-T T.81, to the bit what
/// `libjpeg` writes with its default tables and its accurate transform, but for what lies beyond
/// the edges of the picture.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::io::Save;
///
/// let image = Image::from_samples(2, 1, 1, vec![0.25f32, 1.0])?;
/// let error = Save::path("out.png").run(In::new(image), &Context::default()).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "the image for out.png is 2×1×1 f32, expected u8 or u16 samples; \
///      put a `convert` step to u16 before",
/// );
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["path"]))]
pub struct Save {
    /// The file; its extension names the format. It must be given.
    #[schemars(length(min = 1), extend("x-widget" = "save_file"))]
    pub path: PathBuf,
    /// Quality of JPEG: more looks better and takes more bytes. 1 to 100 %, default 90.
    #[schemars(range(min = *QUALITY.start(), max = *QUALITY.end()), extend("x-unit" = "%"))]
    pub quality: u8,
    /// Whether the step waits until the file is on the disk, and on Unix its folder too, so that a
    /// crash of the machine cannot undo it any more; default true.
    pub durable: bool,
}

impl Default for Save {
    fn default() -> Self {
        Self { path: PathBuf::new(), quality: 90, durable: true }
    }
}

impl Save {
    /// Saves to this file.
    #[must_use]
    pub fn path(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }
}

impl Step for Save {
    const NAME: &'static str = "save";
    type Input = In<Image>;
    type Output = ();

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<()> {
        self.write(&mut ImageRows::new(&image), ctx)
    }

    fn stream(&self) -> Option<Stream<'_>> {
        Some(Stream::Sink(self))
    }

    fn spec(&self) -> Spec {
        Spec::effect().writes(&self.path).blocking()
    }
}

impl Sink for Save {
    fn write(&self, rows: &mut dyn Rows, ctx: &Context<'_>) -> Result<()> {
        check::within("quality", self.quality, &QUALITY, "%")?;
        given(&self.path)?;
        let format = Format::of(&self.path)?;
        format.holds(rows.layout(), &self.path)?;

        let fail = |error| refuse(&self.path, "write", error);
        let (replacement, file) = Replacement::of(&self.path).map_err(fail)?;
        let mut writer = BufWriter::new(Watched::new(&file, ctx));
        let encoded = catch_unwind(AssertUnwindSafe(|| {
            encode(rows, (format, self.quality), &mut writer, ctx)?;
            writer.flush()?;
            Ok::<_, Cause>(())
        }));
        // A cancel reaches encoders as a write error; it is not the file's fault.
        ctx.check()?;
        encoded
            .unwrap_or_else(|payload| {
                let message = panic_message(payload.as_ref());
                Err(format!("the encoder panicked: {message}").into())
            })
            .map_err(|error| refuse(&self.path, "encode", error))?;
        replacement.commit(&file, &self.path, self.durable).map_err(fail)
    }

    fn aside(&self, layout: Layout) -> u64 {
        let format = Format::of(&self.path);
        format.map_or(0, |format| aside((format, self.quality), layout))
    }
}
