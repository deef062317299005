//! What the microscopy steps cost for a frame, beside the program that they follow.
//!
//! Its figures were taken by the processor time of one thread on this class of machine; it is
//! written in Python and cannot run beside ours.

use std::path::Path;
use std::time::Duration;

use pipeline_core::{Context, Image, In, Labels, Mask, Result, Step};
use pipeline_ops::cells::{Background, CellFeatures, CellSums, Link, SegmentCells, Traces};
use pipeline_ops::filter::{Arithmetic, LogStd};
use pipeline_ops::io::SeriesFile;
use pipeline_ops::measure::Table;
use pipeline_ops::morphology::{ClosingMask, Element, FillHoles, OpeningMask};
use pipeline_ops::segment::{Border, ConnectedComponents, Connectivity, ModeThreshold};

use crate::clock::{cpu_of, least_in_turn};
use crate::figure::Figure;

/// The size of a frame.
const SIZE: (u32, u32) = (640, 576);

/// Frames of a movie.
const FRAMES: usize = 8;

/// A movie of cells, and what is made of it in turn.
struct Movie {
    cells: Vec<Image>,
    signal: Vec<Image>,
    masks: Vec<Mask>,
    labels: Vec<Labels>,
    corrected: Vec<Image>,
    features: Vec<Table>,
}

/// Frames of the shipped movie beside itself, or parts of them, until they are as large as this.
pub(crate) fn frames(channel: usize, size: (u32, u32)) -> Result<Vec<Image>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pipeline-ops/tests/cells");
    let stack = SeriesFile::open(path.join("synth-b.ome.tif"))?.stack(0, channel, 0)?;
    let repeated = |t: usize| {
        let frame = stack.frame(t)?;
        let (width, height) = (frame.width(), frame.height());
        let samples = frame.samples::<u16>().unwrap_or_default();
        let rows = (0..size.1).map(|y| &samples[(y % height * width) as usize..][..width as usize]);
        let repeated = rows.flat_map(|row| row.iter().cycle().take(size.0 as usize).copied());
        Image::from_samples(size.0, size.1, 1, repeated.collect::<Vec<u16>>())
    };
    (0..FRAMES).map(repeated).collect()
}

fn segment(frame: &Image) -> Result<Mask> {
    let ctx = Context::default();
    let texture = LogStd { arithmetic: Arithmetic::Single, ..LogStd::default() };
    let texture = texture.run(In::new(frame.clone()), &ctx)?;
    let mask = ModeThreshold::default().run(In::new(texture), &ctx)?;
    let mask = FillHoles::default().run(In::new(mask), &ctx)?;
    let (element, radius, border) = (Element::Square, 9, Border::Constant(0.0));
    let mask = OpeningMask { element, radius, border }.run(In::new(mask), &ctx)?;
    ClosingMask { element, radius, border }.run(In::new(mask), &ctx)
}

fn correct(step: &Background, signal: &Image, mask: &Mask) -> Result<Image> {
    step.run((In::new(signal.clone()), Some(In::new(mask.clone()))), &Context::default())
}

fn number(mask: &Mask) -> Result<Labels> {
    let step = ConnectedComponents { connectivity: Connectivity::Four };
    step.run(In::new(mask.clone()), &Context::default())
}

fn measure(labels: &Labels) -> Result<Table> {
    CellFeatures {}.run(In::new(labels.clone()), &Context::default())
}

fn add_up(labels: &Labels, signal: &Image) -> Result<Table> {
    CellSums {}.run((In::new(labels.clone()), In::new(signal.clone())), &Context::default())
}

fn link(step: &Link, features: &[Table]) -> Result<Table> {
    step.run(features.iter().cloned().map(In::new).collect(), &Context::default())
}

impl Movie {
    fn new() -> Result<Self> {
        let (cells, signal) = (frames(0, SIZE)?, frames(1, SIZE)?);
        let masks: Vec<Mask> = cells.iter().map(segment).collect::<Result<_>>()?;
        let labels: Vec<Labels> = masks.iter().map(number).collect::<Result<_>>()?;
        let both = signal.iter().zip(&masks);
        let step = Background::compatible();
        let corrected = both.map(|(signal, mask)| correct(&step, signal, mask));
        let corrected: Vec<Image> = corrected.collect::<Result<_>>()?;
        let features = labels.iter().map(measure).collect::<Result<_>>()?;
        Ok(Self { cells, signal, masks, labels, corrected, features })
    }

    fn segmentation(&self) -> Result<()> {
        self.cells.iter().try_for_each(|frame| segment(frame).map(drop))
    }

    fn cells(&self) -> Result<()> {
        let step = SegmentCells::default();
        let find = |frame: &Image| step.run(In::new(frame.clone()), &Context::default()).map(drop);
        self.cells.iter().try_for_each(find)
    }

    fn background(&self, step: &Background) -> Result<()> {
        let mut both = self.signal.iter().zip(&self.masks);
        both.try_for_each(|(signal, mask)| correct(step, signal, mask).map(drop))
    }

    fn tracking(&self, step: &Link) -> Result<()> {
        let of = |mask: &Mask| measure(&number(mask)?);
        link(step, &self.masks.iter().map(of).collect::<Result<Vec<_>>>()?).map(drop)
    }

    fn extraction(&self) -> Result<()> {
        let both = self.labels.iter().zip(&self.corrected);
        let sums = both.map(|(labels, signal)| add_up(labels, signal));
        let sums = sums.collect::<Result<Vec<_>>>()?;
        // The features are those that the tracks were made of.
        let tracks = [link(&Link::compatible(), &self.features)?];
        let features = self.features.iter().cloned();
        let tables = tracks.into_iter().chain(features).chain(sums).map(In::new);
        let step = Traces { channels: vec!["signal".to_owned()], ..Traces::default() };
        step.run(tables.collect(), &Context::default()).map(drop)
    }
}

/// All figures.
///
/// # Panics
/// If the shipped movie cannot be read, or a step fails.
#[must_use]
pub fn figures() -> Vec<Figure> {
    let movie = Movie::new().expect("the shipped movie");
    let time = |work: &dyn Fn() -> Result<()>| cpu_of(|| work().expect("no failure"));
    let times = least_in_turn(|| {
        [
            time(&|| movie.segmentation()),
            time(&|| movie.cells()),
            time(&|| movie.background(&Background::compatible())),
            time(&|| movie.background(&Background::default())),
            time(&|| movie.tracking(&Link::compatible())),
            time(&|| movie.tracking(&Link::default())),
            time(&|| movie.extraction()),
        ]
    });
    // A tenth, a fourteenth, an eighth and a twelfth of theirs. They have nothing like ours.
    let rows = [
        ("segmentation", 4.65, "pyama 46.5"),
        ("segment_cells", 10.0, ""),
        ("background", 1.35, "pyama 19.0"),
        ("background/smooth", 1.35, "pyama 19.0"),
        ("tracking", 0.375, "pyama 3.0"),
        ("tracking/shape", 0.5, "pyama 3.0"),
        ("extraction", 0.45, "pyama 5.4"),
    ];
    let figure = |((name, most, theirs), time): ((&str, f64, _), Duration)| {
        let each = milliseconds(time) / FRAMES as f64;
        Figure::new(format!("cells/{name}"), each, "ms CPU/frame").reach(most).peer(theirs)
    };
    rows.into_iter().zip(times).map(figure).collect()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
