//! A microscope file: which fields of view it has, and their frames.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::tiff::decoder::{Decoder, Limits};
use ::tiff::tags::Tag;
use pipeline_core::data::ReadFrames;
use pipeline_core::step::gather;
use pipeline_core::{Context, Error, Image, Result, Stack};

use super::super::decode::{given, guard, refuse};
use super::super::file::PictureFile;
use super::super::open::{Open, Orientation};
use super::super::tiff;
use super::describe::{self, Field};
use super::npy::Npy;
use super::pages::Pages;

/// Bytes that are read at a time while pages are looked for: tags stand close together, and pages
/// far apart.
const READ: usize = 1 << 10;

/// The longest description that is read.
const DESCRIPTION: usize = 256 << 20;

/// A file of one or more fields of view over time: TIFF with OME-XML, TIFF of `ImageJ` or of plain
/// pages, or a NumPy array of axes `[t, y, x]` or `[t, y, x, c]`.
///
/// Opening looks for the pages and reads none of them. The frames of a [`Stack`] are read when they
/// are asked for, each from its own pages, so it does not matter how large the file is. Of a file
/// that is cut off, and whose description says what there was, those frames can be read that are
/// whole.
///
/// ```no_run
/// use pipeline_ops::io::SeriesFile;
///
/// let file = SeriesFile::open("movie.ome.tif")?;
/// for field in file.fields() {
///     println!("{}: {} frames of {:?}", field.name, field.frames, field.channels);
/// }
/// let first = file.stack(0, 0, 0)?.frame(0)?;
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SeriesFile {
    path: PathBuf,
    fields: Vec<FieldInfo>,
    kind: Kind,
}

/// What is known of a field of view before a pixel of it is read.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FieldInfo {
    /// What the file calls it.
    pub name: String,
    /// What the file calls its channels.
    pub channels: Vec<String>,
    /// Slices of each frame, one above the other.
    pub slices: usize,
    /// Frames over time.
    pub frames: usize,
    /// Seconds from one frame to the next, if the file says so.
    pub seconds_per_frame: Option<f64>,
    /// Micrometres from one pixel to the next, if the file says so.
    pub micrometers_per_pixel: Option<f64>,
    /// The first frame that is not there, or not all of it, as far as that is known before a pixel
    /// is read: the file may be cut off.
    pub missing_frame: Option<usize>,
}

#[derive(Debug, Clone)]
enum Kind {
    Tiff(Arc<TiffPages>),
    Npy(Arc<Npy>),
}

#[derive(Debug)]
struct TiffPages {
    open: Open,
    pages: Pages,
    fields: Vec<Field>,
}

impl SeriesFile {
    /// Opens a file and finds out what is in it.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be read, or is neither TIFF nor `.npy`; [`Error::Input`] if its
    /// description contradicts itself, or names planes in other files.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        given(&path)?;
        let fail = |error| refuse(&path, "read", error);
        let file = File::open(&path).map_err(fail)?;
        if !file.metadata().map_err(fail)?.is_file() {
            return Err(refuse(&path, "read", "it is no file"));
        }
        if let Some(npy) = Npy::of(&path, file)? {
            let fields = vec![FieldInfo {
                name: stem(&path),
                channels: vec!["channel_0".to_owned()],
                slices: 1,
                frames: npy.frames(),
                seconds_per_frame: None,
                micrometers_per_pixel: None,
                missing_frame: npy.missing(),
            }];
            return Ok(Self { path, fields, kind: Kind::Npy(Arc::new(npy)) });
        }
        let file = File::open(&path).map_err(fail)?;
        let pages = Pages::of(&mut BufReader::with_capacity(READ, file));
        let pages = pages.map_err(|error| refuse(&path, "decode", error))?;
        let open = Open { orientation: Orientation::Ignore, ..Open::path(&path) };
        let text = description(&open, pages.is_cut_off)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let fields = describe::fields(text.as_deref(), &name, &pages)
            .map_err(|error| refuse(&path, "decode", error.to_string()))?;
        let infos = fields.iter().map(|field| FieldInfo {
            name: field.name.clone(),
            channels: field.channels.clone(),
            slices: field.slices,
            frames: field.frames,
            seconds_per_frame: field.interval,
            micrometers_per_pixel: field.pixel,
            missing_frame: field.missing(&pages),
        });
        let infos = infos.collect();
        Ok(Self {
            path,
            fields: infos,
            kind: Kind::Tiff(Arc::new(TiffPages { open, pages, fields })),
        })
    }

    /// The fields of view, in the order of the file.
    #[must_use]
    pub fn fields(&self) -> &[FieldInfo] {
        &self.fields
    }

    /// The frames of one channel and slice of a field of view. The first one is read, to know what
    /// the others should be like.
    ///
    /// # Errors
    /// [`Error::Input`] if there is no such field, channel or slice; what reading the first frame
    /// fails with.
    pub fn stack(&self, field: usize, channel: usize, slice: usize) -> Result<Stack> {
        let within = |what: &str, at: usize, count: usize| {
            if at < count {
                return Ok(());
            }
            let expected = format!("0 to {} of {}", count - 1, self.path.display());
            Err(Error::input(what, at, expected))
        };
        within("field", field, self.fields.len())?;
        let info = &self.fields[field];
        within("channel", channel, info.channels.len())?;
        within("slice", slice, info.slices)?;
        match &self.kind {
            Kind::Npy(npy) => Stack::read_by(npy.layout(), npy.frames(), Arc::<Npy>::clone(npy)),
            Kind::Tiff(file) => {
                let frames = TiffFrames { file: Arc::clone(file), field, channel, slice };
                let layout = frames.read(0)?.layout();
                Stack::read_by(layout, info.frames, Arc::new(frames))
            }
        }
    }
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// What the first page says of all. It may stand at the end of the file.
fn description(open: &Open, is_cut_off: bool) -> Result<Option<String>> {
    let fail = |error: ::tiff::TiffError| match is_cut_off {
        true => refuse(&open.path, "decode", "it is cut off, and does not say what it had"),
        false => refuse(&open.path, "decode", error),
    };
    let ctx = Context::default();
    guard(open, &ctx, || {
        let mut limits = Limits::default();
        limits.ifd_value_size = DESCRIPTION;
        let mut decoder =
            Decoder::new(PictureFile::of(open, &ctx)?).map_err(fail)?.with_limits(limits);
        let found = decoder.find_tag(Tag::ImageDescription).map_err(fail)?;
        // What is no text describes nothing.
        Ok(found.and_then(|value| value.into_string().ok()))
    })
}

/// The frames of a channel of a field of view of a TIFF file.
#[derive(Debug)]
struct TiffFrames {
    file: Arc<TiffPages>,
    field: usize,
    channel: usize,
    slice: usize,
}

impl ReadFrames for TiffFrames {
    fn read(&self, t: usize) -> Result<Image> {
        let TiffPages { open, pages, fields } = &*self.file;
        let page = fields[self.field].page(self.channel, self.slice, t);
        let page = page.filter(|&page| page < pages.starts.len()).ok_or_else(|| {
            let (channel, slice) = (self.channel, self.slice);
            let why = if pages.is_cut_off { ": it is cut off" } else { "" };
            let what = format!("frame {t} of channel {channel}, slice {slice}, is missing{why}");
            refuse(&open.path, "read", what)
        })?;
        let ctx = Context::default();
        guard(open, &ctx, || {
            let source = PictureFile::with_head(open, &ctx, pages.head(page))?;
            let rows = tiff::rows(open, source)?;
            let rows = rows.ok_or_else(|| refuse(&open.path, "decode", "its pages are CMYK"))?;
            gather(rows)
        })
    }
}
