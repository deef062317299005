//! From a field of view of a movie to the traces of its cells, as a graph.

use std::path::PathBuf;

use pipeline_core::batch::{Item, Job};
use pipeline_core::{Error, Graph, Result};
use serde::{Deserialize, Serialize};

use super::field_files::{FieldFiles, item_name};
use super::field_graph::Field;
use super::{Background, Link, SegmentCells, Traces};
use crate::io::{FieldInfo, SeriesFile};

/// How cells are found, and how times are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// As well as it can be done here: by `segment_cells`. Times are in minutes where the movie
    /// says how far apart its frames are, and else numbers of frames.
    #[default]
    Improved,
    /// As `pyama` does it, equal in masks and labels, and in the times that it prints. With
    /// [`Workflow::compatible`] all that is printed of traces is equal.
    Compatible,
}

/// The most frames of a field: each has nodes in its graph, of which a run knows about 29 KB, and a
/// damaged file may name any number.
const MOST_FRAMES: usize = 100_000;

/// Which files there are of traces, and how their columns are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TraceLayout {
    /// One file for each field, as `pyama` has it since November 2025.
    #[default]
    New,
    /// One file for each field and channel, as `pyama` had it in September 2025.
    Old,
}

/// What is to be made of each field of view of a movie, and where.
///
/// [`graph`](Self::graph) gives each frame nodes of its own, so frames are made beside each other,
/// kept by a cache one by one, and let go of when they are written: no more images are in memory
/// for more frames, only what a run knows of these nodes, 29 KB in a batch, and what is measured. A
/// field has at most 100000 frames.
///
/// ```text
/// open ch_0 ─▶ phase[t] ─▶ cells[t] ┬─▶ shapes[t] ───────▶ tracks ─┬─▶ traces ─▶ CSV, plot
///                                   ├─▶ labels, masks: files ──────┼─▶ tracked: file, overlay
/// open ch_1 ─▶ signal[t] ───────────┴─▶ corrected[t]: file ─▶ sums[t]
/// ```
///
/// ```no_run
/// use pipeline_core::batch::BatchOptions;
/// use pipeline_core::{Executor, Options};
/// use pipeline_ops::cells::Workflow;
/// use pipeline_ops::io::SeriesFile;
///
/// let workflow = Workflow { signals: vec![1], ..Workflow::new("movie.ome.tif", "out") };
/// let file = SeriesFile::open("movie.ome.tif")?;
/// let items = workflow.items(&file, 0..2)?;
/// let options = BatchOptions { folder: Some("out".into()), ..BatchOptions::default() };
/// Executor::new(Options::default())?.batch(&items, &options)?.ok()?;
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workflow {
    /// The movie.
    pub input: PathBuf,
    /// The folder for all that is made.
    pub output: PathBuf,
    /// The channel that cells are found in.
    pub phase: u32,
    /// The channels that are measured.
    pub signals: Vec<u32>,
    /// The slice that is looked at.
    pub slice: u32,
    /// How it is done.
    pub mode: Mode,
    /// Which files there are of traces.
    pub layout: TraceLayout,
    /// Whether masks, tracked cells, corrected channels and copies are NumPy arrays, which are not
    /// compressed, and not TIFF; masks are of `bool` then, and of 0 and 255 in TIFF.
    pub npy: bool,
    /// Whether corrected channels are saved as floats, which are not compressed, and not as whole
    /// counts from -32768 to 32767; always so in the compatible mode.
    pub floats: bool,
    /// Whether the channels are copied beside what is made of them, as `pyama` does, and in the new
    /// layout the backgrounds of those that are measured.
    pub copies: bool,
    /// How cells are found in the improved mode.
    pub cells: SegmentCells,
    /// By how many pixels cells are grown once they are found; 0 leaves them as they are.
    pub grow: f32,
    /// What is taken for the background of a measured channel.
    pub background: Background,
    /// How cells are followed.
    pub link: Link,
    /// Which traces are kept. Its channels are those that are measured.
    pub traces: Traces,
    /// How many frames are drawn with their cells.
    pub overlays: u32,
}

impl Workflow {
    /// The cells of channel 0, measured in no channel, in the improved way.
    #[must_use]
    pub fn new(input: impl Into<PathBuf>, output: impl Into<PathBuf>) -> Self {
        Self {
            input: input.into(),
            output: output.into(),
            phase: 0,
            signals: Vec::new(),
            slice: 0,
            mode: Mode::Improved,
            layout: TraceLayout::New,
            npy: false,
            floats: false,
            copies: false,
            cells: SegmentCells::default(),
            grow: 0.0,
            background: Background::default(),
            link: Link::default(),
            traces: Traces { min_frames: 5, ..Traces::default() },
            overlays: 1,
        }
    }

    /// As `pyama` does it: traces of at least 30 frames, and in the new layout of cells that stay
    /// 50 pixels from the edge.
    #[must_use]
    pub fn compatible(mut self) -> Self {
        self.mode = Mode::Compatible;
        (self.background, self.link) = (Background::compatible(), Link::compatible());
        let margin = if self.layout == TraceLayout::New { 50 } else { 0 };
        self.traces = Traces { min_frames: 30, margin, ..Traces::default() };
        self
    }

    /// The fields of a movie as items of a batch, `fov_000` and so on.
    ///
    /// # Errors
    /// [`Error::Input`] if the movie lacks a field or a channel, or the range is empty.
    pub fn items(&self, file: &SeriesFile, fields: std::ops::Range<u32>) -> Result<Vec<Item<'_>>> {
        let infos = file.fields();
        let count = u32::try_from(infos.len()).unwrap_or(u32::MAX);
        if fields.is_empty() || fields.end > count {
            let found = match fields.len() {
                0 => "none".to_owned(),
                _ => format!("{} to {}", fields.start, fields.end - 1),
            };
            let expected = format!("one or more of 0 to {} of {}", count - 1, self.input.display());
            return Err(Error::input("the fields of view", found, expected));
        }
        let item = |fov: u32| {
            let info = infos[fov as usize].clone();
            self.check(fov, &info)?;
            Ok(Item::new(item_name(fov), move || self.graph(fov, &info).map(Job::from)))
        };
        fields.map(item).collect()
    }

    /// Whether backgrounds are saved, as `pyama` does in the new layout.
    pub(super) fn has_backgrounds(&self) -> bool {
        self.copies && self.layout == TraceLayout::New
    }

    /// Where the files of a field of view are.
    #[must_use]
    pub fn files(&self, fov: u32) -> FieldFiles {
        let extension = if self.npy { "npy" } else { "tif" };
        FieldFiles::new(&self.movie(), &self.output, fov, extension)
    }

    /// The name of the movie: that of its file without extensions, of which the old layout leaves
    /// one of two.
    #[must_use]
    pub fn movie(&self) -> String {
        let stem = self.input.file_stem().unwrap_or_default().to_string_lossy();
        let short = stem.strip_suffix(".ome").filter(|short| !short.is_empty());
        match (self.layout, short) {
            (TraceLayout::New, Some(short)) => short.to_owned(),
            _ => stem.into_owned(),
        }
    }

    fn check(&self, fov: u32, info: &FieldInfo) -> Result<()> {
        let channels = info.channels.len();
        for &channel in [self.phase].iter().chain(&self.signals) {
            if channel as usize >= channels {
                let expected = format!("0 to {} of {}", channels - 1, self.input.display());
                let what = format!("the channel of {}", item_name(fov));
                return Err(Error::input(what, channel, expected));
            }
        }
        let is_twice = |at: usize| self.signals[..at].contains(&self.signals[at]);
        if let Some(at) = (0..self.signals.len()).find(|&at| is_twice(at)) {
            let found = format!("{} twice", self.signals[at]);
            return Err(Error::input("the channels that are measured", found, "each once"));
        }
        if self.slice as usize >= info.slices {
            let expected = format!("0 to {}", info.slices.max(1) - 1);
            return Err(Error::input(
                format!("the slice of {}", item_name(fov)),
                self.slice,
                expected,
            ));
        }
        if !(1..=MOST_FRAMES).contains(&info.frames) {
            let what = format!("the frames of {}", item_name(fov));
            return Err(Error::input(what, info.frames, format!("1 to {MOST_FRAMES}")));
        }
        Ok(())
    }

    /// What is to be done for a field of view. All that is wanted is files, so the graph has no
    /// other targets than the steps that write them.
    ///
    /// # Errors
    /// [`Error::Input`] if the movie lacks a channel or a frame, or has no or too many frames.
    pub fn graph(&self, fov: u32, info: &FieldInfo) -> Result<Graph> {
        self.check(fov, info)?;
        if let Some(frame) = info.missing_frame {
            let what = format!("frame {frame} of {}", item_name(fov));
            let expected = format!("all {} frames in {}", info.frames, self.input.display());
            return Err(Error::input(what, "missing", expected));
        }
        let seconds = info.seconds_per_frame.unwrap_or(0.0);
        let mut field = Field {
            workflow: self,
            fov,
            files: self.files(fov),
            frames: info.frames,
            seconds,
            graph: Graph::new(),
        };
        field.build();
        Ok(field.graph)
    }

    /// From the number of a frame to the time that is printed.
    pub(super) fn interval(&self, seconds: f64) -> f64 {
        match (self.mode, seconds > 0.0) {
            (Mode::Improved, true) => seconds / 60.0,
            (Mode::Improved, false) => 1.0,
            // It takes every time for one in milliseconds, also the number of a frame.
            (Mode::Compatible, true) => seconds / 60_000.0,
            (Mode::Compatible, false) => 1.0 / 60_000.0,
        }
    }
}
