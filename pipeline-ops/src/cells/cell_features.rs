//! What cells are like in one frame.

use std::ops::Range;

use pipeline_core::step::CutOff;
use pipeline_core::{Context, In, Labels, Result, Spec, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measure::Table;

/// Measures the objects of a frame: where they are, and how large.
///
/// | column | per object |
/// |---|---|
/// | `label` | its number |
/// | `area` | its pixels |
/// | `x0`, `y0`, `x1`, `y1` | the first and the last column and row that it has pixels in |
/// | `centroid_x`, `centroid_y` | the means of its pixels, in px |
/// | `edge` | how near its box is to an edge, in px: the least of `x0`, `y0`, the width without `x1` and the height without `y1` |
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | labels | Y X | u32 | any | – |
/// | `out` | table | – | f64 | one row per object that has pixels | – |
///
/// **Border**: what lies beyond the edge belongs to no object. **NaN**: labels have none.
/// **Cost**: one pass; some 50 bytes of memory for each object. An object may reach anywhere, so
/// there are no tiles.
/// **Errors**: none.
///
/// A table that comes out as before spares the steps below from running.
///
/// **Source**: the features of `pyama`, equal.
///
/// ```
/// use pipeline_core::{Context, In, Labels, Step};
/// use pipeline_ops::cells::CellFeatures;
///
/// let labels = Labels::new(4, 2, vec![
///     1, 1, 0, 2,
///     1, 0, 0, 2,
/// ])?;
/// let out = CellFeatures {}.run(In::new(labels), &Context::default())?;
/// assert_eq!(out.column("area"), Some(&[3.0, 2.0][..]));
/// assert_eq!(out.column("x1"), Some(&[1.0, 3.0][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CellFeatures {}

/// What is known of an object.
#[derive(Debug, Clone, Copy, Default)]
struct Object {
    area: u64,
    /// The first and the last column and row.
    across: [u32; 2],
    down: [u32; 2],
    sums: [u64; 2],
}

impl Object {
    /// Adds pixels of a row, from one column to before another one.
    fn add(&mut self, y: u32, from: u32, to: u32) {
        if self.area == 0 {
            (self.across, self.down) = ([from, to - 1], [y, y]);
        }
        self.across = [self.across[0].min(from), self.across[1].max(to - 1)];
        self.down[1] = y;
        let count = u64::from(to - from);
        self.area += count;
        self.sums[0] += (u64::from(from) + u64::from(to) - 1) * count / 2;
        self.sums[1] += u64::from(y) * count;
    }
}

impl Step for CellFeatures {
    const NAME: &'static str = "cell_features";
    type Input = In<Labels>;
    type Output = Table;

    fn run(&self, labels: In<Labels>, ctx: &Context<'_>) -> Result<Table> {
        let mut objects = vec![Object::default(); labels.count() as usize];
        each_run(&labels, ctx, |place, y, run| {
            if let Some(object) = objects.get_mut(place) {
                object.add(y, run.start, run.end);
            }
        })?;
        table(&objects, (labels.width(), labels.height()))
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}

/// Calls `see` with each run of pixels in a row that belong to one object: its number without 1,
/// the row, and the columns.
pub(super) fn each_run(
    labels: &Labels,
    ctx: &Context<'_>,
    mut see: impl FnMut(usize, u32, Range<u32>),
) -> Result<()> {
    let rows = labels.labels().chunks_exact((labels.width() as usize).max(1));
    for (y, row) in (0u32..).zip(rows) {
        ctx.check()?;
        let mut from = 0u32;
        for run in row.chunk_by(|a, b| a == b) {
            let to = from + u32::try_from(run.len()).unwrap_or(u32::MAX);
            if let Some(place) = (run[0] as usize).checked_sub(1) {
                see(place, y, from..to);
            }
            from = to;
        }
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts of pixels are below 2^53")]
fn table(objects: &[Object], (width, height): (u32, u32)) -> Result<Table> {
    let found: Vec<(usize, &Object)> =
        objects.iter().enumerate().filter(|(_, object)| object.area > 0).collect();
    let column = |measure: &dyn Fn(&Object) -> f64| -> Vec<f64> {
        found.iter().map(|(_, object)| measure(object)).collect()
    };
    Table::new(vec![
        ("label", found.iter().map(|&(at, _)| at as f64 + 1.0).collect()),
        ("area", column(&|object| object.area as f64)),
        ("x0", column(&|object| object.across[0].into())),
        ("y0", column(&|object| object.down[0].into())),
        ("x1", column(&|object| object.across[1].into())),
        ("y1", column(&|object| object.down[1].into())),
        ("centroid_x", column(&|object| object.sums[0] as f64 / object.area as f64)),
        ("centroid_y", column(&|object| object.sums[1] as f64 / object.area as f64)),
        (
            "edge",
            column(&|object| {
                let ([x0, x1], [y0, y1]) = (object.across, object.down);
                x0.min(y0).min(width - x1).min(height - y1).into()
            }),
        ),
    ])
}
