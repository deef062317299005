//! What becomes of each cell over time.

use std::collections::{BTreeMap, HashMap};

use pipeline_core::step::CutOff;
use pipeline_core::{Context, Error, In, Result, Spec, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::columns::{column, number, of_frame};
use crate::check;
use crate::measure::Table;

/// How many channels there may be.
const CHANNELS: std::ops::RangeInclusive<u32> = 0..=64;

/// How long a trace may have to be, in frames.
const FRAMES: std::ops::RangeInclusive<u32> = 1..=1_000_000;

/// How far cells may have to be from the edge, in pixels.
const MARGIN: std::ops::RangeInclusive<u32> = 0..=1_048_576;

/// Puts the measurements of all frames in the order of the cells.
///
/// | column | per cell and frame |
/// |---|---|
/// | `cell` | the number of its track |
/// | `frame` | the number of the frame, from 0 on |
/// | `position_x`, `position_y` | the middle of its box, in px |
/// | `bbox_x0`, `bbox_y0`, `bbox_x1`, `bbox_y1` | the first and the last column and row that it has pixels in |
/// | `area` | its pixels |
/// | `intensity_total_…` | the sum of the samples of each of the `channels` |
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `0` | table | – | f64 | the tracks that `link` made | – |
/// | `1`, `2`, … | table | – | f64 | what `cell_features` says: of all frames of the first channel, then of the next | – |
/// | `out` | table | – | f64 | one row per cell and frame, by cell and then by frame | – |
///
/// Without channels the tables are those of the frames alone. Traces of fewer than `min_frames`
/// frames are left out, and those that come nearer to an edge than `margin` in any frame.
///
/// **Border**: what lies beyond the edge belongs to no cell. **NaN** stays.
/// **Cost**: one pass over the rows of all tables; memory for the rows. There are no tiles.
/// **Errors**: a parameter outside its range; two channels of one name; tables that are not as many
/// for each channel; a table without the columns that are needed.
///
/// Traces that come out as before spare the steps below from running.
///
/// **Source**: the traces of `pyama`, equal to the digits that it prints.
///
/// ```
/// use pipeline_core::{Context, In, Step};
/// use pipeline_ops::cells::Traces;
/// use pipeline_ops::measure::Table;
///
/// let tracks = Table::new(vec![
///     ("frame", vec![0.0, 1.0]), ("label", vec![1.0, 1.0]), ("track", vec![1.0, 1.0]),
/// ])?;
/// let frame = |x: f64| Table::new(vec![
///     ("label", vec![1.0]), ("area", vec![6.0]), ("edge", vec![2.0]),
///     ("x0", vec![x]), ("y0", vec![2.0]), ("x1", vec![x + 2.0]), ("y1", vec![3.0]),
/// ]);
/// let inputs = vec![In::new(tracks), In::new(frame(5.0)?), In::new(frame(6.0)?)];
/// let out = Traces::default().run(inputs, &Context::default())?;
/// assert_eq!(out.column("cell"), Some(&[1.0, 1.0][..]));
/// assert_eq!(out.column("position_x"), Some(&[6.0, 7.0][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Traces {
    /// The names of the channels whose sums the tables have, default [].
    #[schemars(length(max = *CHANNELS.end()))]
    pub channels: Vec<String>,
    /// How many frames a trace must have. 1 to 1000000, a count without a unit, default 1.
    #[schemars(range(min = *FRAMES.start(), max = *FRAMES.end()))]
    pub min_frames: u32,
    /// How far from the edge a cell must stay, by the column `edge`. 0 to 1048576 px, default 0.
    #[schemars(range(min = *MARGIN.start(), max = *MARGIN.end()), extend("x-unit" = "px"))]
    pub margin: u32,
}

impl Default for Traces {
    fn default() -> Self {
        Self { channels: Vec::new(), min_frames: 1, margin: 0 }
    }
}

/// What `cell_features` says of a cell where it is alone.
const COPIED: [(&str, &str); 5] =
    [("bbox_x0", "x0"), ("bbox_y0", "y0"), ("bbox_x1", "x1"), ("bbox_y1", "y1"), ("area", "area")];

impl Step for Traces {
    const NAME: &'static str = "traces";
    type Input = Vec<In<Table>>;
    type Output = Table;

    fn run(&self, tables: Vec<In<Table>>, ctx: &Context<'_>) -> Result<Table> {
        check::within("min_frames", self.min_frames, &FRAMES, "")?;
        check::within("margin", self.margin, &MARGIN, "px")?;
        let names = u32::try_from(self.channels.len()).unwrap_or(u32::MAX);
        check::within("channels", names, &CHANNELS, "names")?;
        let (tracks, frames) = tables.split_first().ok_or_else(|| {
            Error::input("the tables", 0, "the tracks, and a table for each frame and channel")
        })?;
        let channels = self.channels.len().max(1);
        if !frames.len().is_multiple_of(channels) {
            let expected = format!("as many for each of {channels} channels");
            return Err(Error::input("the tables of frames", frames.len(), expected));
        }
        let count = frames.len() / channels;
        let rows = rows(tracks, &frames[..count], ctx)?;
        let kept = self.kept(&rows, &frames[..count])?;
        let mut columns: Vec<(String, Vec<f64>)> = vec![
            ("cell".to_owned(), kept.iter().map(|row| row.cell).collect()),
            ("frame".to_owned(), kept.iter().map(|row| number(row.frame)).collect()),
        ];
        let of = |channel: usize, name: &str| -> Result<Vec<f64>> {
            let of_frames = &frames[channel * count..][..count];
            let number =
                |row: &&Row| Ok(of_frame(&of_frames[row.frame], row.frame, name)?[row.row]);
            kept.iter().map(number).collect()
        };
        for axis in ["x", "y"] {
            let (first, last) = (of(0, &format!("{axis}0"))?, of(0, &format!("{axis}1"))?);
            let middles = first.iter().zip(&last).map(|(first, last)| f64::midpoint(*first, *last));
            columns.push((format!("position_{axis}"), middles.collect()));
        }
        for (name, from) in COPIED {
            columns.push((name.to_owned(), of(0, from)?));
        }
        for (at, name) in self.channels.iter().enumerate() {
            columns.push((format!("intensity_total_{name}"), of(at, "intensity_total")?));
        }
        Table::new(columns)
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}

impl Traces {
    /// The rows of the cells that are not left out.
    fn kept<'a>(&self, rows: &'a [Row], frames: &[In<Table>]) -> Result<Vec<&'a Row>> {
        let mut kept = Vec::new();
        for trace in rows.chunk_by(|a, b| a.cell.to_bits() == b.cell.to_bits()) {
            if trace.len() < self.min_frames as usize {
                continue;
            }
            let mut is_inside = true;
            if self.margin > 0 {
                for row in trace {
                    let edge = of_frame(&frames[row.frame], row.frame, "edge")?[row.row];
                    is_inside &= edge >= self.margin.into();
                }
            }
            if is_inside {
                kept.extend(trace);
            }
        }
        Ok(kept)
    }
}

/// Where a cell stands in the table of a frame.
#[derive(Debug)]
struct Row {
    cell: f64,
    frame: usize,
    row: usize,
}

/// The rows of all tracks, by track and then by frame.
fn rows(tracks: &Table, frames: &[In<Table>], ctx: &Context<'_>) -> Result<Vec<Row>> {
    let [of_frames, labels, of_tracks] =
        ["frame", "label", "track"].map(|name| column(tracks, name));
    let (of_frames, labels, of_tracks) = (of_frames?, labels?, of_tracks?);
    let mut places = Vec::with_capacity(frames.len());
    for (frame, table) in frames.iter().enumerate() {
        ctx.check()?;
        let labels = of_frame(table, frame, "label")?.iter().enumerate();
        places.push(labels.map(|(row, label)| (label.to_bits(), row)).collect::<HashMap<_, _>>());
    }
    let mut found: BTreeMap<(u64, usize), Row> = BTreeMap::new();
    for ((&frame, label), &cell) in of_frames.iter().zip(labels).zip(of_tracks) {
        let at = (0..places.len()).nth(index(frame));
        let row = at.and_then(|at| Some((at, *places[at].get(&label.to_bits())?)));
        let (at, row) = row.ok_or_else(|| {
            let what = format!("track {cell} of the tracks");
            let found = format!("object {label} of frame {frame}");
            Error::input(what, found, "an object of the tables of frames")
        })?;
        // Positive numbers are in the order of their bits.
        found.insert((cell.to_bits(), at), Row { cell, frame: at, row });
    }
    Ok(found.into_values().collect())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what is no number of a frame is beyond all of them"
)]
fn index(frame: f64) -> usize {
    if frame >= 0.0 && frame.fract() == 0.0 { frame as usize } else { usize::MAX }
}
