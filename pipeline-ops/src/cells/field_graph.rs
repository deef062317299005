//! The graph of one field of view.

use std::path::PathBuf;

use pipeline_core::graph::Shared;
use pipeline_core::step::{Inputs, Outputs};
use pipeline_core::{Graph, Image, Labels, Mask, Node, SampleType, Stack, Step};

use super::field_files::{FieldFiles, item_name};
use super::workflow::{Mode, TraceLayout, Workflow};
use super::{Background, CellFeatures, CellSums, SegmentCells, Shown, Traces, TrackImage};
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

/// The steps that find the cells of a frame.
struct Search {
    finder: Finder,
    grow: Option<Shared<ExpandLabels>>,
    numbers: Shared<LabelImage>,
    masks: Shared<Threshold>,
}

enum Finder {
    Improved(Shared<SegmentCells>),
    Compatible {
        texture: Shared<LogStd>,
        threshold: Shared<ModeThreshold>,
        holes: Shared<FillHoles>,
        opening: Shared<OpeningMask>,
        closing: Shared<ClosingMask>,
        components: Shared<ConnectedComponents>,
    },
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
        let Workflow { phase, signals, mode, background, copies, npy, .. } = self.workflow;
        let movie = self.open("phase", *phase);
        let channels: Vec<_> = signals
            .iter()
            .map(|&channel| (channel, self.open(&format!("ch_{channel}"), channel)))
            .collect();
        let mut masks = self.saved("masks", self.files.masks(*phase));
        masks.step.boolean = *npy;
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
        let mut backgrounds: Vec<Saved> = Vec::new();
        if self.workflow.has_backgrounds() {
            backgrounds.extend(signals.iter().map(|&channel| {
                let name = format!("background ch_{channel}");
                let saved = self.saved(&name, self.files.background(channel));
                Saved { step: SaveFrame { level: 0, ..saved.step }, ..saved }
            }));
        }
        let search = self.search();
        let (features, adds) = (self.graph.share(CellFeatures {}), self.graph.share(CellSums {}));
        let pictures = self.graph.share(MaskImage {});
        let behind = Background { output: Shown::Background, ..background.clone() };
        let (background, behind) = (self.graph.share(background.clone()), self.graph.share(behind));
        let mut lights = Vec::new();
        let (mut shapes, mut sums) = (Vec::new(), vec![Vec::new(); signals.len()]);
        for t in 0..self.frames {
            let light = self.frame("phase", t, movie);
            lights.push(light);
            if let Some(copied) = copied.first_mut() {
                copied.add(&mut self.graph, t, light);
            }
            let cells = self.cells(t, light, &search);
            shapes.push(self.add("shapes", t, &features, cells.labels));
            let picture = self.add("mask pictures", t, &pictures, cells.mask);
            masks.add(&mut self.graph, t, picture);
            labels.add(&mut self.graph, t, cells.numbers);
            for (at, &(channel, movie)) in channels.iter().enumerate() {
                let light = self.frame(&format!("ch_{channel}"), t, movie);
                let name = format!("corrected ch_{channel}");
                if let Some(copied) = copied.get_mut(at + 1) {
                    copied.add(&mut self.graph, t, light);
                }
                let image = self.add(&name, t, &background, (light, Some(cells.mask)));
                if let Some(saved) = backgrounds.get_mut(at) {
                    let name = format!("background ch_{channel}");
                    let image = self.add(&name, t, &behind, (light, Some(cells.mask)));
                    saved.add(&mut self.graph, t, image);
                }
                corrected[at].add(&mut self.graph, t, image);
                let name = format!("sums ch_{channel}");
                sums[at].push(self.add(&name, t, &adds, (cells.labels, image)));
            }
        }
        let tracks = self.graph.add("tracks", self.workflow.link.clone(), shapes.clone());
        self.traces(tracks, [shapes, sums.concat()].concat());
        if let Some(saved) = labels.last {
            self.tracked(saved, &lights, tracks);
        }
    }

    /// Adds what is done to a frame.
    fn add<S: Step>(
        &mut self,
        name: &str,
        t: usize,
        step: &Shared<S>,
        wires: <S::Input as Inputs>::Wires,
    ) -> <S::Output as Outputs>::Nodes {
        self.graph.add_shared(format!("{name}[{t}]"), step, wires)
    }

    /// The frames of a channel.
    fn open(&mut self, name: &str, channel: u32) -> Node<Stack> {
        let Workflow { input, slice, .. } = self.workflow;
        let open = OpenStack { path: input.clone(), field: self.fov, channel, slice: *slice };
        self.graph.add(format!("open {name}"), open, None)
    }

    fn frame(&mut self, name: &str, t: usize, stack: Node<Stack>) -> Node<Image> {
        self.graph.add(format!("{name}[{t}]"), Frame { frame: number(t), finite: true }, stack)
    }

    fn saved(&self, name: &str, path: PathBuf) -> Saved {
        let (frames, interval) = (number(self.frames), self.seconds);
        let step = SaveFrame { frames, interval, ..SaveFrame::path(path) };
        Saved { name: format!("save {name}"), step, last: None }
    }

    /// What finds the cells of a frame.
    fn search(&mut self) -> Search {
        let Workflow { cells, grow, mode, .. } = self.workflow;
        let graph = &mut self.graph;
        let finder = match mode {
            Mode::Improved => Finder::Improved(graph.share(cells.clone())),
            Mode::Compatible => {
                let (element, radius, border) = (Element::Square, 9, Border::Constant(0.0));
                Finder::Compatible {
                    texture: graph
                        .share(LogStd { arithmetic: Arithmetic::Single, ..LogStd::default() }),
                    threshold: graph.share(ModeThreshold::default()),
                    holes: graph.share(FillHoles::default()),
                    opening: graph.share(OpeningMask { element, radius, border }),
                    closing: graph.share(ClosingMask { element, radius, border }),
                    components: graph
                        .share(ConnectedComponents { connectivity: Connectivity::Four }),
                }
            }
        };
        let grow = (*grow != 0.0).then(|| graph.share(ExpandLabels { distance: *grow }));
        let numbers = graph.share(LabelImage::default());
        Search { finder, grow, numbers, masks: graph.share(Threshold { level: 0.0 }) }
    }

    fn cells(&mut self, t: usize, light: Node<Image>, search: &Search) -> Cells {
        let (labels, mask) = match &search.finder {
            Finder::Improved(cells) => (self.add("cells", t, cells, light), None),
            Finder::Compatible { texture, threshold, holes, opening, closing, components } => {
                let texture = self.add("texture", t, texture, light);
                let mask = self.add("threshold", t, threshold, texture);
                let mask = self.add("holes", t, holes, mask);
                let mask = self.add("opening", t, opening, mask);
                let mask = self.add("closing", t, closing, mask);
                (self.add("cells", t, components, mask), Some(mask))
            }
        };
        let (labels, mask) = match &search.grow {
            Some(grow) => (self.add("grown", t, grow, labels), None),
            None => (labels, mask),
        };
        let numbers = self.add("numbers", t, &search.numbers, labels);
        let mask = mask.unwrap_or_else(|| self.add("masks", t, &search.masks, numbers));
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
        let saved = self.graph.add("saved labels", SavedStack {}, (saved, Some(tracks)));
        let mut file = self.saved("tracked", self.files.tracked(self.workflow.phase));
        let relabel = self.graph.share(Relabel {});
        let rescale = self.graph.share(Rescale { low: 0.5, high: 99.5 });
        let bytes = self.graph.share(Convert::to(SampleType::U8));
        for (t, &light) in lights.iter().enumerate() {
            let numbers = self.frame("read labels", t, saved);
            let labels = self.add("labels", t, &relabel, numbers);
            let step = TrackImage { frame: number(t), ..TrackImage::default() };
            let image = self.graph.add(format!("tracked[{t}]"), step, (labels, tracks));
            file.add(&mut self.graph, t, image);
            if drawn.contains(&t) {
                let light = self.add("light", t, &rescale, light);
                let light = self.add("bytes", t, &bytes, light);
                let draw = DrawTracks { frame: number(t), line: 1, ..DrawTracks::default() };
                let wires = (light, labels, tracks);
                let drawn = self.graph.add(format!("overlay[{t}]"), draw, wires);
                let step = Save::path(self.files.overlay(number(t)));
                self.graph.add(format!("save overlay[{t}]"), step, drawn);
            }
        }
    }
}

/// Files have fewer frames than that.
fn number(frame: usize) -> u32 {
    u32::try_from(frame).unwrap_or(u32::MAX)
}
