//! The frames of a channel of a field of view.

use std::path::PathBuf;

use pipeline_core::data::{Codec, Data};
use pipeline_core::step::CutOff;
use pipeline_core::{Context, Error, In, Result, Spec, Stack, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::file::SeriesFile;
use super::open_files::OpenFiles;

/// The number of a field of view: what a batch over the fields of a file binds for each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field(pub u32);

impl Data for Field {
    const NAME: &'static str = "field";

    fn size_bytes(&self) -> usize {
        size_of::<Self>()
    }

    fn codec() -> Option<Codec<Self>> {
        Some(Codec::new(
            1,
            |Self(number), out| out.write_all(&number.to_le_bytes()),
            |bytes| match bytes[..] {
                [a, b, c, d] => Ok(Self(u32::from_le_bytes([a, b, c, d]))),
                _ => Err(Error::input("the encoded field", bytes.len(), "4 bytes")),
            },
        ))
    }
}

/// Opens a microscope file: the frames of one channel of a field of view.
///
/// Reads TIFF, OME-TIFF, TIFF of `ImageJ`, and `.npy` of axes `[t, y, x]` or `[t, y, x, c]`. What
/// the file holds decides, not its name. No frame but the first is read: the others are when they
/// are asked for, as by `frame`, so the file may be of any size.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `field` | field, may be left out | – | – | the number of a field of view | – |
/// | `out` | stack | T Y X C | u8, u16; f32 for floats, 32-bit or signed integers | as stored | 1; those of a pixel, if it has several samples |
///
/// Series of OME-TIFF are fields of view; other files have one. Without a description pages are
/// frames. Slices are chosen and not projected. NumPy arrays may be of `b1`, `u1`, `u2`, `u4`,
/// `i1`, `i2`, `i4`, `f4` and `f8`, in the order of C. Of a file that is cut off those frames can
/// be read that are whole, if it says how many there were.
///
/// **Border**: nothing lies beyond the edge of a file. **NaN** and infinity of float files stay.
/// **Cost**: two short reads for each page of the file, and the first frame; of memory eight bytes
/// per page and plane. Where a program lends [`OpenFiles`], a file is gone through once for all its
/// fields and channels. There are no tiles.
/// **Errors**: a path that is missing or no file; a file that is damaged or of an unknown kind; a
/// field, channel or slice that it does not have; planes in other files; a frame that the file does
/// not have, or that is of another layout than the first, when it is read.
///
/// The content of the file, not its date, decides whether a result is computed again.
///
/// **Source**: crates `tiff` 0.11 and `roxmltree` 0.21; the OME data model of 2016-06.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::io::{OpenStack, Save};
///
/// let folder = std::env::temp_dir().join(format!("open-stack-{}", std::process::id()));
/// let path = folder.join("tiny.tif");
/// let image = Image::from_samples(3, 1, 1, vec![
///     0u16, 100, 255,
/// ])?;
/// Save::path(&path).run(In::new(image.clone()), &Context::default())?;
/// let out = OpenStack::path(&path).run(None, &Context::default())?;
/// assert_eq!((out.frames(), out.frame(0)?.bytes()), (1, image.bytes()));
/// # std::fs::remove_dir_all(folder).ok();
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["path"]))]
pub struct OpenStack {
    /// The file; must be given.
    #[schemars(length(min = 1), extend("x-widget" = "file"))]
    pub path: PathBuf,
    /// Which field of view, if `field` is not wired. 0 to 16777215, a number without a
    /// unit, default 0.
    #[schemars(range(min = 0, max = 16_777_215))]
    pub field: u32,
    /// Which channel. 0 to 16777215, a number without a unit, default 0.
    #[schemars(range(min = 0, max = 16_777_215))]
    pub channel: u32,
    /// Which slice. 0 to 16777215, a number without a unit, default 0.
    #[schemars(range(min = 0, max = 16_777_215))]
    pub slice: u32,
}

impl OpenStack {
    /// The first channel of the first field of this file.
    #[must_use]
    pub fn path(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }
}

impl Step for OpenStack {
    const NAME: &'static str = "open_stack";
    const INPUTS: &'static [&'static str] = &["field"];
    type Input = Option<In<Field>>;
    type Output = Stack;

    fn run(&self, field: Option<In<Field>>, ctx: &Context<'_>) -> Result<Stack> {
        let field = field.map_or(self.field, |field| field.0);
        let file = match ctx.service::<OpenFiles>() {
            Ok(files) => files.open(&self.path)?,
            Err(_) => SeriesFile::open(&self.path)?,
        };
        file.stack(field as usize, self.channel as usize, self.slice as usize)
    }

    fn spec(&self) -> Spec {
        // Its frames are known by the file; to digest them would read all of it.
        Spec::default().reads(&self.path).cut_off(CutOff::Never).blocking()
    }
}
