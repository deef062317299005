//! Traces into a file.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use pipeline_core::{Context, In, Result, Spec, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::csv::{Column, Form, write_csv};
use super::text_file::write_text;
use crate::check;
use crate::measure::Table;

/// Numbers of fields of view and of channels.
const NUMBERS: RangeInclusive<u32> = 0..=16_777_215;

/// How long it may be from frame to frame.
const INTERVAL: RangeInclusive<f64> = 0.0..=1e9;

/// Saves traces as a text file in one of the two layouts that `pyama` has had.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | table | – | f64 | what `traces` gives | – |
///
/// | `channel` | columns | rows |
/// |---|---|---|
/// | given | `fov`, `cell`, `time`, `good`, `position_x`, `position_y`, `intensity_total`, `area` | by frame, then by cell |
/// | left out | `fov`, `cell`, `frame`, `time`, `good`, `position_x`, `position_y`, `bbox_x0`, `bbox_y0`, `bbox_x1`, `bbox_y1`, all others | by cell, then by frame |
///
/// With a channel `intensity_total` is the column `intensity_total_…` of that name. Without one
/// `area` gets the name `area_ch_…` of the channel that the cells were found in; the channels of
/// `traces` are best named `ch_1`, `ch_2` and so on, as `pyama` names them. `time` is the number of
/// the frame times `interval`, and `good` is `True`, unless the table has columns of these names.
///
/// `fov`, `cell`, `frame` and `parent` are written without decimals, `good` as `True` or `False`,
/// all other numbers with six decimals. Lines end with a line feed; without traces there is the
/// line of names alone. The folder is made if it is missing. The file is there whole or as before,
/// as that of `save`.
///
/// **Border**: tables have none. **NaN** is an empty field, and infinity `inf` or `-inf`.
/// **Cost**: rows are sorted, and written one after the other; memory for their order and some
/// kilobytes of text. The step waits for the disk on a thread for that; a cancel is seen whenever
/// bytes are written.
/// **Errors**: a parameter outside its range; a table without the columns that are needed; a file
/// or folder that cannot be written.
///
/// **Source**: the files of `pyama`, equal: with a channel those of September 2025, without one
/// those of November 2025.
///
/// ```
/// use pipeline_core::{Context, In, Step};
/// use pipeline_ops::io::SaveTraces;
/// use pipeline_ops::measure::Table;
///
/// # let folder = std::env::temp_dir().join(format!("save_traces-{}", std::process::id()));
/// let path = folder.join("traces_ch_1.csv");
/// let traces = Table::new(vec![
///     ("cell", vec![1.0, 1.0]), ("frame", vec![0.0, 1.0]),
///     ("position_x", vec![6.0, 7.0]), ("position_y", vec![2.5, 2.5]), ("area", vec![6.0, 6.0]),
///     ("intensity_total_ch_1", vec![90.0, 95.5]),
/// ])?;
/// let channel = Some("ch_1".to_owned());
/// let step = SaveTraces { channel, interval: 10.0, ..SaveTraces::path(&path) };
/// step.run(In::new(traces), &Context::default())?;
/// assert_eq!(
///     std::fs::read_to_string(&path)?,
///     "fov,cell,time,good,position_x,position_y,intensity_total,area\n\
///      0,1,0.000000,True,6.000000,2.500000,90.000000,6.000000\n\
///      0,1,10.000000,True,7.000000,2.500000,95.500000,6.000000\n",
/// );
/// # std::fs::remove_dir_all(folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["path"]))]
pub struct SaveTraces {
    /// The file; it must be given.
    #[schemars(length(min = 1), extend("x-widget" = "save_file"))]
    pub path: PathBuf,
    /// The name of the only channel that is written, as `traces` knows it; all are if left out.
    pub channel: Option<String>,
    /// Which field of view it is. 0 to 16777215, a number without a unit, default 0.
    #[schemars(range(min = *NUMBERS.start(), max = *NUMBERS.end()))]
    pub fov: u32,
    /// The time from frame to frame, in a unit of choice. 0 to 1000000000, default 1.
    #[schemars(range(min = *INTERVAL.start(), max = *INTERVAL.end()))]
    pub interval: f64,
    /// Which channel the cells were found in. 0 to 16777215, a number without a unit, default 0.
    #[schemars(range(min = *NUMBERS.start(), max = *NUMBERS.end()))]
    pub cells_channel: u32,
    /// Whether the step waits until the file is on the disk, as that of `save`; default true.
    pub durable: bool,
}

impl Default for SaveTraces {
    fn default() -> Self {
        let (fov, interval, cells_channel) = (0, 1.0, 0);
        Self { path: PathBuf::new(), channel: None, fov, interval, cells_channel, durable: true }
    }
}

/// The places of a cell, as both layouts have them.
const PLACES: [&str; 2] = ["position_x", "position_y"];

/// The box of a cell.
const BOX: [&str; 4] = ["bbox_x0", "bbox_y0", "bbox_x1", "bbox_y1"];

impl SaveTraces {
    /// Saves to this file.
    #[must_use]
    pub fn path(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }

    /// The columns of the file.
    fn columns<'a>(&self, traces: &'a Table) -> Result<Vec<Column<'a>>> {
        let frames = column(traces, "frame")?;
        let constant = |number: f64| Cow::Owned(vec![number; traces.rows()]);
        let interval = self.interval;
        let times = || Cow::Owned(frames.iter().map(|frame| frame * interval).collect());
        let own = |name: &str| traces.column(name).map(Cow::Borrowed);
        let decimals = Form::Decimals(6);

        let mut columns = vec![
            ("fov".into(), own("fov").unwrap_or_else(|| constant(self.fov.into())), Form::Shortest),
            ("cell".into(), column(traces, "cell")?.into(), Form::Shortest),
        ];
        if self.channel.is_none() {
            columns.push(("frame".into(), frames.into(), Form::Shortest));
        }
        columns.push(("time".into(), own("time").unwrap_or_else(times), decimals));
        columns.push(("good".into(), own("good").unwrap_or_else(|| constant(1.0)), Form::Truth));
        let boxes = if self.channel.is_none() { &BOX[..] } else { &[] };
        for &name in PLACES.iter().chain(boxes) {
            columns.push((name.into(), column(traces, name)?.into(), decimals));
        }
        if let Some(channel) = &self.channel {
            let sums = column(traces, &format!("intensity_total_{channel}"))?;
            columns.push(("intensity_total".into(), sums.into(), decimals));
            columns.push(("area".into(), column(traces, "area")?.into(), decimals));
        } else {
            let is_known = |name: &str| columns.iter().any(|(known, ..)| known == name);
            let others: Vec<_> = traces.columns().filter(|(name, _)| !is_known(name)).collect();
            for (name, numbers) in others {
                let name: Cow<'_, str> = match name {
                    "area" => format!("area_ch_{}", self.cells_channel).into(),
                    name => name.into(),
                };
                let form = if name == "parent" { Form::Shortest } else { decimals };
                columns.push((name, numbers.into(), form));
            }
        }
        let column = |(name, numbers, form)| Column { name, numbers, form };
        Ok(columns.into_iter().map(column).collect())
    }
}

/// A column that the traces must have.
fn column<'a>(traces: &'a Table, name: &str) -> Result<&'a [f64]> {
    traces.named(name, || "the columns of the traces".to_owned())
}

impl Step for SaveTraces {
    const NAME: &'static str = "save_traces";
    type Input = In<Table>;
    type Output = ();

    fn run(&self, traces: In<Table>, ctx: &Context<'_>) -> Result<()> {
        check::within("fov", self.fov, &NUMBERS, "")?;
        check::within("interval", self.interval, &INTERVAL, "")?;
        check::within("cells_channel", self.cells_channel, &NUMBERS, "")?;
        let columns = self.columns(&traces)?;
        let (cells, frames) = (column(&traces, "cell")?, column(&traces, "frame")?);
        let [first, second] =
            if self.channel.is_some() { [frames, cells] } else { [cells, frames] };
        let mut rows: Vec<usize> = (0..traces.rows()).collect();
        rows.sort_by(|&a, &b| first[a].total_cmp(&first[b]).then(second[a].total_cmp(&second[b])));
        write_text((&self.path, self.durable), ctx, |out| {
            write_csv(out, &columns, rows.into_iter(), "")
        })
    }

    fn spec(&self) -> Spec {
        Spec::effect().writes(&self.path).blocking()
    }
}
