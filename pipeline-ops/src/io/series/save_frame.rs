//! One more frame into a file.

use std::path::PathBuf;

use parking_lot::Mutex;
use pipeline_core::data::Data;
use pipeline_core::{Context, Error, Graph, Image, In, Node, Result, Spec, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::decode::given;
use super::file::SeriesFile;
use super::writer::{Plan, Writer};
use crate::check;

/// A file that has the frames up to one of them. Dropped before it has all, it is removed.
#[derive(Debug)]
pub struct FrameFile {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    /// Frames are missing.
    Open(Box<Writer>),
    /// Another step added a frame to it.
    Taken,
    /// All frames are there.
    Saved,
}

impl FrameFile {
    /// Opens it to read, if all its frames are there.
    pub(super) fn open(&self) -> Result<SeriesFile> {
        match &*self.state.lock() {
            State::Saved => SeriesFile::open(&self.path),
            State::Open(_) | State::Taken => {
                let what = format!("{}, whose frames are not all there", self.path.display());
                Err(Error::input("the frame file", what, "one with all frames"))
            }
        }
    }

    fn take(&self) -> Result<Writer> {
        match std::mem::replace(&mut *self.state.lock(), State::Taken) {
            State::Open(writer) => Ok(*writer),
            State::Taken | State::Saved => {
                let found = "a file that went on elsewhere";
                Err(Error::input("`before`", found, "one of its own that lacks frames"))
            }
        }
    }
}

impl Data for FrameFile {
    const NAME: &'static str = "frame_file";

    fn size_bytes(&self) -> usize {
        size_of::<Self>()
    }
}

/// Saves a frame into a file of many, after the one before it.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | 1 or 3 |
/// | `before` | frame file, left out by the first frame | – | – | the file with the frames before | – |
/// | `out` | frame file | – | – | the file with this frame too | – |
///
/// One step per frame, each wired to the one before it ([`chain`](Self::chain)): a frame is let go
/// of as soon as it is written, so memory does not depend on how many there are. The file is made
/// beside its target, and takes its place in one move when the last frame is on the disk: it is
/// there whole or as before. The folder is made if it is missing.
///
/// | extension | file |
/// |---|---|
/// | `tif`, `tiff` | a page per frame, compressed without loss (Deflate); `ImageJ` and Fiji take the pages for frames over time; from 4 GB on `BigTIFF` |
/// | `npy` | a NumPy array of axes `[t, y, x]`, or `[t, y, x, c]` of 3 channels; not compressed |
///
/// **Border**: nothing beyond the edge is written. **NaN** and infinity stay in floats.
/// **Cost**: compressing; each thread that does it keeps up to 2.5 MiB for that, and whole numbers
/// and booleans take those of the frame. A strip is 256 KiB, or one row. The last step waits for
/// the disk on a thread for that.
/// **Errors**: another extension; 2 or more than 3 channels; a sample that is to be a whole number
/// and is NaN or beyond their range; true and false in TIFF, or of more than 8 bits; a frame that
/// is not the next one or is of another size than those before; a parameter outside its range; a
/// file or folder that cannot be written.
///
/// **Source**: crates `tiff` 0.11, `libdeflater` 1.26 for noise and `flate2` 1.1 for the rest; the
/// format of `numpy.save`, version 1.0.
///
/// ```
/// use pipeline_core::{Executor, Graph, Image, Options, RunOptions};
/// use pipeline_ops::io::{Open, SaveFrame, SeriesFile};
/// # use pipeline_core::{Bindings, In};
///
/// let path = std::env::temp_dir().join(format!("save-frame-{}.tif", std::process::id()));
/// let mut graph = Graph::new();
/// let frames: Vec<_> = (0..2).map(|t| graph.input::<Image>(format!("frame {t}"))).collect();
/// SaveFrame::path(&path).chain(&mut graph, "save", &frames);
///
/// let image = |sample| Image::from_samples(2, 1, 1, vec![0u16, sample]);
/// let bindings = Bindings::new().with("frame 0", image(7)?).with("frame 1", image(8)?);
/// let options = RunOptions { bindings, ..RunOptions::default() };
/// Executor::new(Options::default())?.run(&graph, &options)?.ok()?;
/// let stack = SeriesFile::open(&path)?.stack(0, 0, 0)?;
/// assert_eq!((stack.frames(), stack.frame(1)?.bytes()), (2, image(8)?.bytes()));
/// # std::fs::remove_file(path).ok();
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["path"]))]
pub struct SaveFrame {
    /// The file; its extension names the format. It must be given.
    #[schemars(length(min = 1), extend("x-widget" = "save_file"))]
    pub path: PathBuf,
    /// Which frame, from 0 on. 0 to 16777215, a number without a unit, default 0.
    #[schemars(range(min = 0, max = MOST))]
    pub frame: u32,
    /// How many frames the file will have. 1 to 16777216, a count without a unit, default 1.
    #[schemars(range(min = 1, max = MOST + 1))]
    pub frames: u32,
    /// Effort of compression, from 0, none, to 9; of noise 1 and 2 make the same. 0 to 9, a number
    /// without a unit, default 2.
    #[schemars(range(min = 0, max = 9))]
    pub level: u8,
    /// Whether floats are rounded to whole numbers from -32768 to 32767, which take a quarter of
    /// the space; beyond is an error; default false.
    pub whole: bool,
    /// Whether samples of 8 bits are saved as true, above 0, and false, which `npy` alone has;
    /// default false.
    pub boolean: bool,
    /// Time from one frame to the next, for programs that show it; 0 if it is not known. 0 to
    /// 1000000000 s, default 0.
    #[schemars(range(min = 0.0, max = 1e9), extend("x-unit" = "s"))]
    pub interval: f64,
}

const MOST: u32 = 16_777_215;

impl Default for SaveFrame {
    fn default() -> Self {
        let (whole, boolean, interval) = (false, false, 0.0);
        Self { path: PathBuf::new(), frame: 0, frames: 1, level: 2, whole, boolean, interval }
    }
}

impl SaveFrame {
    /// Saves to this file.
    #[must_use]
    pub fn path(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }

    /// Adds a node for each of these frames, under the names `name[0]`, `name[1]` and so on, and
    /// returns the last of them; none if there are no frames.
    pub fn chain(
        &self,
        graph: &mut Graph,
        name: &str,
        images: &[Node<Image>],
    ) -> Option<Node<FrameFile>> {
        let frames = u32::try_from(images.len()).unwrap_or(u32::MAX);
        let step = Self { frame: 0, frames, ..self.clone() };
        images
            .iter()
            .fold(None, |last, &image| {
                let frame = last.map_or(0, |(frame, _)| frame + 1);
                let step = Self { frame, ..step.clone() };
                let before = last.map(|(_, node)| node);
                Some((frame, graph.add(format!("{name}[{frame}]"), step, (image, before))))
            })
            .map(|(_, node)| node)
    }
}

impl Step for SaveFrame {
    const NAME: &'static str = "save_frame";
    const INPUTS: &'static [&'static str] = &["in", "before"];
    type Input = (In<Image>, Option<In<FrameFile>>);
    type Output = FrameFile;

    fn run(&self, (image, before): Self::Input, ctx: &Context<'_>) -> Result<FrameFile> {
        given(&self.path)?;
        check::within("frames", self.frames, &(1..=MOST + 1), "frames")?;
        check::within("frame", self.frame, &(0..=self.frames - 1), "frames")?;
        check::within("level", self.level, &(0..=9), "")?;
        check::within("interval", self.interval, &(0.0..=1e9), "s")?;
        if !matches!(image.channels(), 1 | 3) {
            return Err(Error::input("the image", image.layout(), "1 or 3 channels"));
        }
        ctx.check()?;
        let writer = match before {
            Some(before) => before.take()?,
            None if self.frame > 0 => {
                return Err(Error::input("`before`", "nothing", "the file with the frames before"));
            }
            None => {
                let Self { frames, level, whole, boolean, interval, .. } = *self;
                let plan = Plan { frames, level, whole, boolean, interval };
                Writer::new(&self.path, plan, image.layout())?
            }
        };
        let writer = writer.add(&self.path, self.frame, &image)?;
        let state = writer.map_or(State::Saved, |writer| State::Open(Box::new(writer)));
        Ok(FrameFile { path: self.path.clone(), state: Mutex::new(state) })
    }

    fn spec(&self) -> Spec {
        let spec = Spec::effect().writes(&self.path);
        if self.frame.saturating_add(1) == self.frames { spec.blocking() } else { spec }
    }
}
