//! What becomes of each cell over time.

use std::collections::HashMap;

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

/// The share of frames that may be missing.
const MISSING: std::ops::RangeInclusive<f32> = 0.0..=1.0;

/// How much larger or smaller a cell may become.
const CHANGE: std::ops::RangeInclusive<f32> = 1.0..=1e6;

/// How far a cell may move, in pixels.
const SPEED: std::ops::RangeInclusive<f32> = 0.0..=1_048_576.0;

/// What becomes of traces that are not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Poor {
    /// They are left out.
    #[default]
    Drop,
    /// They stay, and the column `good` says so.
    Mark,
}

/// Puts the measurements of all frames in the order of the cells.
///
/// | column | per cell and frame |
/// |---|---|
/// | `cell` | the number of its track |
/// | `frame` | the number of the frame, from 0 on |
/// | `good` | 1, and 0 if its trace is not good |
/// | `position_x`, `position_y` | the middle of its box, in px |
/// | `bbox_x0`, `bbox_y0`, `bbox_x1`, `bbox_y1` | the first and the last column and row that it has pixels in |
/// | `area` | its pixels |
/// | `intensity_total_…` | the sum of the samples of each of the `channels` |
/// | `parent` | the number of the track that the cell came from, 0 if from none; if the tracks say so |
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `0` | table | – | f64 | the tracks that `link` made | – |
/// | `1`, `2`, … | table | – | f64 | what `cell_features` says of all frames, then what `cell_sums` says of all frames of the first channel, then of the next | – |
/// | `out` | table | – | f64 | one row per cell and frame, by cell and then by frame | – |
///
/// A daughter is a cell of its own, also where its parent is left out.
///
/// A trace is good if it has `min_frames` frames, never comes nearer to an edge than `margin`, and
/// passes what of `max_missing`, `max_change` and `max_speed` is given. These compare a frame with
/// the next one that has the cell, and none with the parent; where frames are missing in between,
/// the speed is the distance divided by the frames from one to the other.
///
/// **Border**: what lies beyond the edge belongs to no cell. **NaN** stays; a trace with a NaN or
/// an area of 0 passes no limit on it.
/// **Cost**: one pass over the rows of all tables; memory for the rows. There are no tiles.
/// **Errors**: a parameter outside its range; two channels of one name; tables that are not as many
/// for each channel; a table without the columns that are needed; sums of other objects.
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
    /// Which share of the frames from the first to the last one of a cell it may be missing in.
    /// 0 to 1, a share without a unit; any if left out.
    #[schemars(range(min = *MISSING.start(), max = *MISSING.end()))]
    pub max_missing: Option<f32>,
    /// How many times as large, or as small, a cell may become at once. 1 to 1000000, a ratio of
    /// areas without a unit; any if left out.
    #[schemars(range(min = *CHANGE.start(), max = *CHANGE.end()))]
    pub max_change: Option<f32>,
    /// How far the middle of the box of a cell may move per frame. 0 to 1048576 px; any if left
    /// out.
    #[schemars(range(min = *SPEED.start(), max = *SPEED.end()), extend("x-unit" = "px"))]
    pub max_speed: Option<f32>,
    /// What becomes of traces that are not good; default `drop`.
    pub poor: Poor,
}

impl Default for Traces {
    fn default() -> Self {
        Self {
            channels: Vec::new(),
            min_frames: 1,
            margin: 0,
            max_missing: None,
            max_change: None,
            max_speed: None,
            poor: Poor::Drop,
        }
    }
}

/// What `cell_features` says of a cell.
const COPIED: [(&str, &str); 5] =
    [("bbox_x0", "x0"), ("bbox_y0", "y0"), ("bbox_x1", "x1"), ("bbox_y1", "y1"), ("area", "area")];

impl Step for Traces {
    const NAME: &'static str = "traces";
    const VERSION: u32 = 3;
    type Input = Vec<In<Table>>;
    type Output = Table;

    fn run(&self, tables: Vec<In<Table>>, ctx: &Context<'_>) -> Result<Table> {
        check::within("min_frames", self.min_frames, &FRAMES, "")?;
        check::within("margin", self.margin, &MARGIN, "px")?;
        for (name, limit, range, unit) in [
            ("max_missing", self.max_missing, &MISSING, ""),
            ("max_change", self.max_change, &CHANGE, ""),
            ("max_speed", self.max_speed, &SPEED, "px"),
        ] {
            limit.map_or(Ok(()), |limit| check::within(name, limit, range, unit))?;
        }
        let names = u32::try_from(self.channels.len()).unwrap_or(u32::MAX);
        check::within("channels", names, &CHANNELS, "names")?;
        let (tracks, frames) = tables.split_first().ok_or_else(|| {
            Error::input("the tables", 0, "the tracks, and a table for each frame and channel")
        })?;
        let parts = self.channels.len() + 1;
        if !frames.len().is_multiple_of(parts) {
            let expected = format!("the features and as many sums for each of {names} channels");
            return Err(Error::input("the tables of frames", frames.len(), expected));
        }
        let (frames, sums) = frames.split_at(frames.len() / parts);
        let kept = self.kept(rows(tracks, frames, ctx)?, frames)?;
        let mut columns: Vec<(String, Vec<f64>)> = vec![
            ("cell".to_owned(), kept.iter().map(|row| row.cell).collect()),
            ("frame".to_owned(), kept.iter().map(|row| number(row.frame)).collect()),
            ("good".to_owned(), kept.iter().map(|row| f64::from(u8::from(row.is_good))).collect()),
        ];
        let of = |name: &str| -> Result<Vec<f64>> {
            let number = |row: &Row| Ok(of_frame(&frames[row.frame], row.frame, name)?[row.row]);
            kept.iter().map(number).collect()
        };
        for axis in ["x", "y"] {
            let (first, last) = (of(&format!("{axis}0"))?, of(&format!("{axis}1"))?);
            let middles = first.iter().zip(&last).map(|(first, last)| f64::midpoint(*first, *last));
            columns.push((format!("position_{axis}"), middles.collect()));
        }
        for (name, from) in COPIED {
            columns.push((name.to_owned(), of(from)?));
        }
        for (at, name) in self.channels.iter().enumerate() {
            let sums = totals(name, &sums[at * frames.len()..][..frames.len()], frames)?;
            let column = kept.iter().map(|row| sums[row.frame][row.row]).collect();
            columns.push((format!("intensity_total_{name}"), column));
        }
        if tracks.column("parent").is_some() {
            columns.push(("parent".to_owned(), kept.iter().map(|row| row.parent).collect()));
        }
        Table::new(columns)
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}

impl Traces {
    /// The rows of the cells that are not left out.
    fn kept(&self, mut rows: Vec<Row>, frames: &[In<Table>]) -> Result<Vec<Row>> {
        for trace in rows.chunk_by_mut(|a, b| a.cell.to_bits() == b.cell.to_bits()) {
            let is_good = self.is_good(trace, frames)?;
            trace.iter_mut().for_each(|row| row.is_good = is_good);
        }
        rows.retain(|row| row.is_good || self.poor == Poor::Mark);
        Ok(rows)
    }

    fn is_good(&self, trace: &[Row], frames: &[In<Table>]) -> Result<bool> {
        let of = |row: &Row, name: &str| -> Result<f64> {
            Ok(of_frame(&frames[row.frame], row.frame, name)?[row.row])
        };
        let middle = |row: &Row, [first, last]: [&str; 2]| -> Result<f64> {
            Ok(f64::midpoint(of(row, first)?, of(row, last)?))
        };
        let mut is_good = trace.len() >= self.min_frames as usize;
        if self.margin > 0 {
            for row in trace {
                is_good &= of(row, "edge")? >= f64::from(self.margin);
            }
        }
        if let (Some(most), [first, .., last]) = (self.max_missing, trace) {
            let frames = last.frame - first.frame + 1;
            is_good &= number(frames - trace.len()) <= f64::from(most) * number(frames);
        }
        for (before, after) in trace.iter().zip(trace.iter().skip(1)) {
            if let Some(most) = self.max_change {
                let change = of(after, "area")? / of(before, "area")?;
                is_good &= change.max(1.0 / change) <= f64::from(most);
            }
            if let Some(most) = self.max_speed {
                let x = middle(after, ["x0", "x1"])? - middle(before, ["x0", "x1"])?;
                let y = middle(after, ["y0", "y1"])? - middle(before, ["y0", "y1"])?;
                is_good &= x.hypot(y) <= f64::from(most) * number(after.frame - before.frame);
            }
        }
        Ok(is_good)
    }
}

/// Where a cell stands in the table of a frame.
#[derive(Debug)]
struct Row {
    cell: f64,
    parent: f64,
    frame: usize,
    row: usize,
    is_good: bool,
}

/// The rows of all tracks, by track and then by frame.
fn rows(tracks: &Table, frames: &[In<Table>], ctx: &Context<'_>) -> Result<Vec<Row>> {
    let [of_frames, labels, of_tracks] =
        ["frame", "label", "track"].map(|name| column(tracks, name));
    let (of_frames, labels, of_tracks) = (of_frames?, labels?, of_tracks?);
    for (frame, table) in frames.iter().enumerate() {
        of_frame(table, frame, "label")?;
    }
    let parents = tracks.column("parent");
    let mut order: Vec<usize> = (0..of_frames.len()).collect();
    order.sort_by_key(|&at| index(of_frames[at]));
    let mut found: Vec<Row> = Vec::with_capacity(order.len());
    for of_frame in order.chunk_by(|&a, &b| index(of_frames[a]) == index(of_frames[b])) {
        ctx.check()?;
        let frame = index(of_frames[of_frame[0]]);
        let places = frames.get(frame).map(|table| places(table, frame)).transpose()?;
        for &at in of_frame {
            let (label, cell) = (labels[at], of_tracks[at]);
            let row = places.as_ref().and_then(|places| places.get(&label.to_bits()).copied());
            let row = row.ok_or_else(|| {
                let what = format!("track {cell} of the tracks");
                let found = format!("object {label} of frame {}", of_frames[at]);
                Error::input(what, found, "an object of the tables of frames")
            })?;
            let parent = parents.map_or(0.0, |parents| parents[at]);
            found.push(Row { cell, parent, frame, row, is_good: true });
        }
    }
    // Positive numbers are in the order of their bits, and frames are in order.
    found.sort_by_key(|row| row.cell.to_bits());
    found.dedup_by(|later, row| {
        let is_same = later.cell.to_bits() == row.cell.to_bits() && later.frame == row.frame;
        if is_same {
            std::mem::swap(later, row);
        }
        is_same
    });
    Ok(found)
}

/// The sums of a channel, frame by frame: of the same objects in the same rows as the features.
fn totals<'a>(
    channel: &str,
    sums: &'a [In<Table>],
    features: &[In<Table>],
) -> Result<Vec<&'a [f64]>> {
    let of = |(frame, (sums, features)): (usize, (&'a In<Table>, &In<Table>))| {
        let columns = || format!("the columns of the sums of {channel} in frame {frame}");
        let found = sums.named("label", columns)?;
        let expected = of_frame(features, frame, "label")?;
        let is_other = |&row: &usize| {
            found.get(row).map(|label| label.to_bits())
                != expected.get(row).map(|label| label.to_bits())
        };
        if let Some(row) = (0..found.len().max(expected.len())).find(is_other) {
            let told =
                |label: Option<&f64>| label.map_or("none".to_owned(), |at| format!("object {at}"));
            let what = format!("row {row} of the sums of {channel} in frame {frame}");
            let expected = format!("{}, as the features have it", told(expected.get(row)));
            return Err(Error::input(what, told(found.get(row)), expected));
        }
        sums.named("intensity_total", columns)
    };
    sums.iter().zip(features).enumerate().map(of).collect()
}

/// The row of each label of a frame.
fn places(table: &Table, frame: usize) -> Result<HashMap<u64, usize>> {
    let labels = of_frame(table, frame, "label")?.iter().enumerate();
    Ok(labels.map(|(row, label)| (label.to_bits(), row)).collect())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what is no number of a frame is beyond all of them"
)]
fn index(frame: f64) -> usize {
    if frame >= 0.0 && frame.fract() == 0.0 { frame as usize } else { usize::MAX }
}
