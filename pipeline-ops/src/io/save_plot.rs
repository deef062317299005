//! A plot of a table into a file.

use std::ffi::OsStr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use pipeline_core::{Context, Error, In, Result, Spec, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decode::given;
use super::plot::Plot;
use super::text_file::write_text;
use crate::check;
use crate::measure::Table;

/// What `x` may be multiplied by.
const FACTOR: RangeInclusive<f64> = 1e-6..=1e6;

/// How many lines may be drawn.
const LINES: RangeInclusive<u32> = 1..=10_000;

/// Saves a plot of lines as an SVG picture: the traces of a field of view, and their median.
///
/// A line goes through the points `(x_factor · x, y)` of all rows that have one number in the
/// column `by`, in the order of `x`. It has the colour of that number; its width is about a pixel.
/// The median of all lines, at each `x` that there is, is drawn in black.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | table | – | f64 | any; what `traces` gives | – |
///
/// Axes have round numbers, whole ones for whole numbers, and a power of ten beside their label
/// where numbers would be long. Where there is nothing to draw stands "no traces".
///
/// A plot has 800 × 500 px. If there are more than `lines` lines, so many are drawn, evenly chosen,
/// and the plot says so; the median is of all. Of more than two points of a line within a pixel the
/// highest and the lowest are drawn, so a line takes up to 17 KB, and the file up to 7 MB with 400
/// lines. Words are in the font of the viewer. The same table makes the same bytes.
///
/// The folder is made if it is missing. The file is there whole or as before, as that of `save`.
///
/// **Border**: tables have none. **NaN** of `y`, infinity and what is beyond ±10³⁰⁰ are gaps, which
/// the median does not count; rows whose `x` or `by` is one are left out. A point between gaps is a
/// dot.
/// **Cost**: rows are sorted twice; memory for two copies of three columns. The step waits for the
/// disk on a thread for that; a cancel is seen whenever bytes are written.
/// **Errors**: another extension than `svg`; a table without a column that is named; a parameter
/// outside its range; a file or folder that cannot be written.
///
/// **Source**: SVG 1.1 (2011); steps of 1, 2 and 5 between ticks, as usual.
///
/// ```
/// use pipeline_core::{Context, In, Step};
/// use pipeline_ops::io::SavePlot;
/// use pipeline_ops::measure::Table;
///
/// # let folder = std::env::temp_dir().join(format!("save_plot-{}", std::process::id()));
/// let path = folder.join("area.svg");
/// let traces = Table::new(vec![
///     ("cell", vec![1.0, 1.0, 2.0, 2.0]),
///     ("frame", vec![0.0, 1.0, 0.0, 1.0]),
///     ("area", vec![90.0, 95.0, 60.0, 70.0]),
/// ])?;
/// SavePlot::of("area", &path).run(In::new(traces), &Context::default())?;
/// let text = std::fs::read_to_string(&path)?;
/// assert!(text.starts_with("<svg") && text.contains("2 traces, their median in black"));
/// # std::fs::remove_dir_all(folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["path", "y"]))]
pub struct SavePlot {
    /// The file, whose extension is `svg`; it must be given.
    #[schemars(length(min = 1), extend("x-widget" = "save_file"))]
    pub path: PathBuf,
    /// The column of what is drawn upwards; it must be given.
    #[schemars(length(min = 1))]
    pub y: String,
    /// The column of what is drawn to the right, default `frame`.
    pub x: String,
    /// The column that says which rows make a line, default `cell`.
    pub by: String,
    /// What `x` is multiplied by, such as the hours from frame to frame. 0.000001 to 1000000, in a
    /// unit of choice, default 1.
    #[schemars(range(min = *FACTOR.start(), max = *FACTOR.end()))]
    pub x_factor: f64,
    /// What stands above the plot; nothing if left out.
    pub title: Option<String>,
    /// What stands at the axis of `x`, with its unit; the name of the column if left out.
    pub x_label: Option<String>,
    /// What stands at the axis of `y`, with its unit; the name of the column if left out.
    pub y_label: Option<String>,
    /// How many lines are drawn at most. 1 to 10000, a count without a unit, default 400.
    #[schemars(range(min = *LINES.start(), max = *LINES.end()))]
    pub lines: u32,
    /// Whether the step waits until the file is on the disk, as that of `save`; default true.
    pub durable: bool,
}

impl Default for SavePlot {
    fn default() -> Self {
        let (x, by) = ("frame".to_owned(), "cell".to_owned());
        let (title, x_label, y_label) = (None, None, None);
        let (path, y, x_factor, lines) = (PathBuf::new(), String::new(), 1.0, 400);
        Self { path, y, x, by, x_factor, title, x_label, y_label, lines, durable: true }
    }
}

impl SavePlot {
    /// A plot of this column over the frames, a line for each cell.
    #[must_use]
    pub fn of(y: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), y: y.into(), ..Self::default() }
    }
}

impl Step for SavePlot {
    const NAME: &'static str = "save_plot";
    type Input = In<Table>;
    type Output = ();

    fn run(&self, table: In<Table>, ctx: &Context<'_>) -> Result<()> {
        check::within("x_factor", self.x_factor, &FACTOR, "")?;
        check::within("lines", self.lines, &LINES, "")?;
        given(&self.path)?;
        let extension = self.path.extension().unwrap_or(OsStr::new(""));
        if !extension.eq_ignore_ascii_case("svg") {
            let what = format!("the extension of {}", self.path.display());
            return Err(Error::input(what, format_args!("`{}`", extension.display()), "`svg`"));
        }
        let column = |name: &str| table.named(name, || "the columns of the table".to_owned());
        let (x, y, by) = (column(&self.x)?, column(&self.y)?, column(&self.by)?);
        let x: Vec<f64> = x.iter().map(|x| x * self.x_factor).collect();
        let plot = Plot {
            title: self.title.as_deref().unwrap_or_default(),
            labels: (
                self.x_label.as_deref().unwrap_or(&self.x),
                self.y_label.as_deref().unwrap_or(&self.y),
            ),
            columns: (&x, y, by),
            most: self.lines as usize,
        };
        write_text((&self.path, self.durable), ctx, |out| plot.write(out))
    }

    fn spec(&self) -> Spec {
        Spec::effect().writes(&self.path).blocking()
    }
}
