//! From a field of view of a movie to the traces of its cells, as a graph.

use std::path::PathBuf;

use pipeline_core::batch::{Item, Job};
use pipeline_core::step::{Inputs, Outputs};
use pipeline_core::{Error, Graph, Image, Labels, Mask, Node, Result, SampleType, Stack, Step};
use serde::{Deserialize, Serialize};

use super::field_files::{FieldFiles, item_name};
use super::{Background, CellFeatures, Link, SegmentCells, Traces, TrackImage};
use crate::draw::DrawTracks;
use crate::filter::{Arithmetic, LogStd};
use crate::io::{
    FieldInfo, Frame, FrameFile, OpenStack, Save, SaveFrame, SavePlot, SaveTable, SaveTraces,
    SavedStack, SeriesFile,
};
use crate::measure::Table;
use crate::morphology::{ClosingMask, Element, FillHoles, OpeningMask};
use crate::point::{Convert, Rescale, Threshold};
use crate::segment::{
    Border, ConnectedComponents, Connectivity, ExpandLabels, LabelImage, MaskImage, ModeThreshold,
    Relabel,
};

/// How cells are found, and how times are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// As well as it can be done here: by `segment_cells`. Times are in minutes.
    #[default]
    Improved,
    /// As `pyama` does it, equal in masks and labels, and in the times that it prints. With
    /// [`Workflow::compatible`] all that is printed of traces is equal.
    Compatible,
}

/// The most frames of a field: each has nodes in its graph, about 45 KB with all that a run knows
/// of them, and a damaged file may name any number.
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
/// for more frames, only 45 KB of graph and run for each. A field has at most 100000 frames.
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
    /// Whether masks, tracked cells and corrected channels are NumPy arrays, which are not
    /// compressed, and not TIFF.
    pub npy: bool,
    /// Whether corrected channels are saved as floats, which are not compressed, and not as whole
    /// counts from -32768 to 32767; always so in the compatible mode.
    pub floats: bool,
    /// Whether the channels are copied beside what is made of them, as `pyama` does.
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
    /// [`Error::Input`] if the movie lacks a channel, or has no or too many frames.
    pub fn graph(&self, fov: u32, info: &FieldInfo) -> Result<Graph> {
        self.check(fov, info)?;
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
    fn interval(&self, seconds: f64) -> f64 {
        match (self.mode, seconds > 0.0) {
            (Mode::Improved, true) => seconds / 60.0,
            (Mode::Improved, false) => 1.0,
            // It takes every time for one in milliseconds, also the number of a frame.
            (Mode::Compatible, true) => seconds / 60_000.0,
            (Mode::Compatible, false) => 1.0 / 60_000.0,
        }
    }
}

/// The graph of one field of view, as it grows: frame by frame, which is the order in which it
/// needs the least memory.
struct Field<'a> {
    workflow: &'a Workflow,
    fov: u32,
    files: FieldFiles,
    frames: usize,
    /// From one frame to the next; 0 if that is not known.
    seconds: f64,
    graph: Graph,
}

/// The cells of a frame in the forms in which they are needed.
#[derive(Clone, Copy)]
struct Cells {
    labels: Node<Labels>,
    mask: Node<Mask>,
    numbers: Node<Image>,
}

/// A file that gets a frame after the other.
struct Saved {
    name: String,
    step: SaveFrame,
    last: Option<Node<FrameFile>>,
}

impl Saved {
    fn add(&mut self, graph: &mut Graph, t: usize, image: Node<Image>) {
        let step = SaveFrame { frame: number(t), ..self.step.clone() };
        self.last = Some(graph.add(format!("{}[{t}]", self.name), step, (image, self.last)));
    }
}

impl Field<'_> {
    fn build(&mut self) {
        let Workflow { phase, signals, mode, background, copies, .. } = self.workflow;
        let movie = self.open("phase", *phase);
        let channels: Vec<_> = signals
            .iter()
            .map(|&channel| (channel, self.open(&format!("ch_{channel}"), channel)))
            .collect();
        let mut masks = self.saved("masks", self.files.masks(*phase));
        let mut labels = self.saved("labels", self.files.labels(*phase));
        let mut corrected: Vec<Saved> = signals
            .iter()
            .map(|&channel| {
                let name = format!("corrected ch_{channel}");
                let saved = self.saved(&name, self.files.corrected(channel));
                // Floats hardly become smaller, and take long to find that out.
                let step = if self.workflow.floats || *mode == Mode::Compatible {
                    SaveFrame { level: 0, ..saved.step }
                } else {
                    SaveFrame { whole: true, ..saved.step }
                };
                Saved { step, ..saved }
            })
            .collect();
        let mut copied: Vec<Saved> = Vec::new();
        if *copies {
            copied.push(self.saved("copy of phase", self.files.phase(*phase)));
            copied.extend(signals.iter().map(|&channel| {
                self.saved(&format!("copy of ch_{channel}"), self.files.signal(channel))
            }));
        }
        let mut lights = Vec::new();
        let (mut shapes, mut sums) = (Vec::new(), vec![Vec::new(); signals.len()]);
        for t in 0..self.frames {
            let light = self.frame("phase", t, movie);
            lights.push(light);
            if let Some(copied) = copied.first_mut() {
                copied.add(&mut self.graph, t, light);
            }
            let cells = self.cells(t, light);
            shapes.push(self.add("shapes", t, CellFeatures {}, (cells.labels, None)));
            let picture = self.add("mask pictures", t, MaskImage {}, cells.mask);
            masks.add(&mut self.graph, t, picture);
            labels.add(&mut self.graph, t, cells.numbers);
            for (at, &(channel, movie)) in channels.iter().enumerate() {
                let light = self.frame(&format!("ch_{channel}"), t, movie);
                let name = format!("corrected ch_{channel}");
                if let Some(copied) = copied.get_mut(at + 1) {
                    copied.add(&mut self.graph, t, light);
                }
                let image = self.add(&name, t, background.clone(), (light, Some(cells.mask)));
                corrected[at].add(&mut self.graph, t, image);
                let name = format!("sums ch_{channel}");
                sums[at].push(self.add(&name, t, CellFeatures {}, (cells.labels, Some(image))));
            }
        }
        let tracks = self.graph.add("tracks", self.workflow.link.clone(), shapes.clone());
        let measured = if signals.is_empty() { shapes } else { sums.concat() };
        self.traces(tracks, measured);
        if let Some(saved) = labels.last {
            self.tracked(saved, &lights, tracks);
        }
    }

    /// Adds what is done to a frame.
    fn add<S: Step>(
        &mut self,
        name: &str,
        t: usize,
        step: S,
        wires: <S::Input as Inputs>::Wires,
    ) -> <S::Output as Outputs>::Nodes {
        self.graph.add(format!("{name}[{t}]"), step, wires)
    }

    /// The frames of a channel.
    fn open(&mut self, name: &str, channel: u32) -> Node<Stack> {
        let Workflow { input, slice, .. } = self.workflow;
        let open = OpenStack { path: input.clone(), field: self.fov, channel, slice: *slice };
        self.graph.add(format!("open {name}"), open, None)
    }

    fn frame(&mut self, name: &str, t: usize, stack: Node<Stack>) -> Node<Image> {
        self.add(name, t, Frame { frame: number(t) }, stack)
    }

    fn saved(&self, name: &str, path: PathBuf) -> Saved {
        let (frames, interval) = (number(self.frames), self.seconds);
        let step = SaveFrame { frames, interval, ..SaveFrame::path(path) };
        Saved { name: format!("save {name}"), step, last: None }
    }

    fn cells(&mut self, t: usize, light: Node<Image>) -> Cells {
        let (labels, mask) = match self.workflow.mode {
            Mode::Improved => (self.add("cells", t, self.workflow.cells.clone(), light), None),
            Mode::Compatible => {
                let arithmetic = Arithmetic::Single;
                let texture = LogStd { arithmetic, ..LogStd::default() };
                let texture = self.add("texture", t, texture, light);
                let mask = self.add("threshold", t, ModeThreshold::default(), texture);
                let mask = self.add("holes", t, FillHoles::default(), mask);
                let (element, radius, border) = (Element::Square, 9, Border::Constant(0.0));
                let mask = self.add("opening", t, OpeningMask { element, radius, border }, mask);
                let mask = self.add("closing", t, ClosingMask { element, radius, border }, mask);
                let components = ConnectedComponents { connectivity: Connectivity::Four };
                (self.add("cells", t, components, mask), Some(mask))
            }
        };
        let grow = ExpandLabels { distance: self.workflow.grow };
        let is_grown = grow.distance != 0.0;
        let labels = if is_grown { self.add("grown", t, grow, labels) } else { labels };
        let numbers = self.add("numbers", t, LabelImage::default(), labels);
        let mask = match mask.filter(|_| !is_grown) {
            Some(mask) => mask,
            None => self.add("masks", t, Threshold { level: 0.0 }, numbers),
        };
        Cells { labels, mask, numbers }
    }

    /// The traces, and what is written of them.
    fn traces(&mut self, tracks: Node<Table>, measured: Vec<Node<Table>>) {
        let workflow = self.workflow;
        let names = workflow.signals.iter().map(|channel| format!("ch_{channel}"));
        let traces = Traces { channels: names.collect(), ..workflow.traces.clone() };
        let tables = [tracks].into_iter().chain(measured).collect();
        let traces = self.graph.add("traces", traces, tables);
        self.graph.add("save tracks", SaveTable::path(self.files.tracks()), tracks);

        let interval = workflow.interval(self.seconds);
        let (fov, cells_channel) = (self.fov, workflow.phase);
        let save = |path| SaveTraces { fov, interval, cells_channel, ..SaveTraces::path(path) };
        if workflow.layout == TraceLayout::New || workflow.signals.is_empty() {
            self.graph.add("save traces", save(self.files.traces()), traces);
        }
        for &channel in &workflow.signals {
            if workflow.layout == TraceLayout::Old {
                let one = Some(format!("ch_{channel}"));
                let step = SaveTraces { channel: one, ..save(self.files.traces_of(channel)) };
                self.graph.add(format!("save traces ch_{channel}"), step, traces);
            }
            let hours = self.seconds / 3600.0;
            let (x_factor, x_label) =
                if hours > 0.0 { (hours, "time / h") } else { (1.0, "frame") };
            let plot = SavePlot {
                x_factor,
                x_label: Some(x_label.to_owned()),
                y_label: Some(format!("sum of channel {channel} / counts")),
                title: Some(format!("{}, channel {channel}", item_name(fov))),
                ..SavePlot::of(format!("intensity_total_ch_{channel}"), self.files.plot(channel))
            };
            self.graph.add(format!("plot ch_{channel}"), plot, traces);
        }
    }

    /// The cells under the numbers of their tracks. These are known when all frames have been seen,
    /// so cells are read back from their file then.
    fn tracked(&mut self, saved: Node<FrameFile>, lights: &[Node<Image>], tracks: Node<Table>) {
        let count = (self.workflow.overlays as usize).min(self.frames);
        let drawn: Vec<usize> =
            (0..count).map(|at| (at * self.frames + self.frames / 2) / count).collect();
        let saved = self.graph.add("saved labels", SavedStack {}, saved);
        let mut file = self.saved("tracked", self.files.tracked(self.workflow.phase));
        for (t, &light) in lights.iter().enumerate() {
            let numbers = self.frame("read labels", t, saved);
            let labels = self.add("labels", t, Relabel {}, numbers);
            let step = TrackImage { frame: number(t), ..TrackImage::default() };
            let image = self.add("tracked", t, step, (labels, tracks));
            file.add(&mut self.graph, t, image);
            if drawn.contains(&t) {
                let light = self.add("light", t, Rescale { low: 0.5, high: 99.5 }, light);
                let light = self.add("bytes", t, Convert::to(SampleType::U8), light);
                let draw = DrawTracks { frame: number(t), line: 1, ..DrawTracks::default() };
                let drawn = self.add("overlay", t, draw, (light, labels, tracks));
                let path = self.files.overlay(number(t));
                self.add("save overlay", t, Save::path(path), drawn);
            }
        }
    }
}

/// Files have fewer frames than that.
fn number(frame: usize) -> u32 {
    u32::try_from(frame).unwrap_or(u32::MAX)
}
