//! The graph of one field of view.

use std::path::PathBuf;

use pipeline_core::step::{Inputs, Outputs};
use pipeline_core::{Graph, Image, Labels, Mask, Node, SampleType, Stack, Step};

use super::field_files::{FieldFiles, item_name};
use super::workflow::{Mode, TraceLayout, Workflow};
use super::{CellFeatures, Traces, TrackImage};
use crate::draw::DrawTracks;
use crate::filter::{Arithmetic, LogStd};
use crate::io::{
    Frame, FrameFile, OpenStack, Save, SaveFrame, SavePlot, SaveTable, SaveTraces, SavedStack,
};
use crate::measure::Table;
use crate::morphology::{ClosingMask, Element, FillHoles, OpeningMask};
use crate::point::{Convert, Rescale, Threshold};
use crate::segment::{
    Border, ConnectedComponents, Connectivity, ExpandLabels, LabelImage, MaskImage, ModeThreshold,
    Relabel,
};

/// The graph of one field of view, as it grows: frame by frame, which is the order in which it
/// needs the least memory.
pub(super) struct Field<'a> {
    pub(super) workflow: &'a Workflow,
    pub(super) fov: u32,
    pub(super) files: FieldFiles,
    pub(super) frames: usize,
    /// From one frame to the next; 0 if that is not known.
    pub(super) seconds: f64,
    pub(super) graph: Graph,
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
    pub(super) fn build(&mut self) {
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
