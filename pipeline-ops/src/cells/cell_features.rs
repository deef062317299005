//! What cells are like in one frame.

use pipeline_core::data::Raster;
use pipeline_core::step::CutOff;
use pipeline_core::{Context, Image, In, Labels, Result, Sample, Spec, Step, dispatch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check;
use crate::kernel::pairwise_sum;
use crate::measure::Table;

/// Measures the objects of a frame: where they are, how large, and how bright.
///
/// | column | per object |
/// |---|---|
/// | `label` | its number |
/// | `area` | its pixels |
/// | `x0`, `y0`, `x1`, `y1` | the first and the last column and row that it has pixels in |
/// | `centroid_x`, `centroid_y` | the means of its pixels, in px |
/// | `edge` | how near its box is to an edge, in px: the least of `x0`, `y0`, the width without `x1` and the height without `y1` |
/// | `intensity_total` | the sum of the samples of `in`, if it is wired |
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `labels` | labels | Y X | u32 | any | – |
/// | `in` | image, may be left out | Y X C | u8, u16, f32 | any | 1 |
/// | `out` | table | – | f64 | one row per object that has pixels | – |
///
/// Sums are taken in 32 bits, by halves.
///
/// **Border**: what lies beyond the edge belongs to no object. **NaN** in an object makes its sum
/// NaN.
/// **Cost**: one pass over both; memory for the samples of all objects, and some 80 bytes for each.
/// An object may reach anywhere, so there are no tiles.
/// **Errors**: an image of more than one channel, or of another size.
///
/// A table that comes out as before spares the steps below from running.
///
/// **Source**: the features of `pyama`; `numpy.sum` 2.4 of f32, equal.
///
/// ```
/// use pipeline_core::{Context, Image, In, Labels, Step};
/// use pipeline_ops::cells::CellFeatures;
///
/// let labels = Labels::new(4, 2, vec![
///     1, 1, 0, 2,
///     1, 0, 0, 2,
/// ])?;
/// let image = Image::from_samples(4, 2, 1, vec![
///     5u8, 6, 9, 1,
///     7,   9, 9, 2,
/// ])?;
/// let inputs = (In::new(labels), Some(In::new(image)));
/// let out = CellFeatures {}.run(inputs, &Context::default())?;
/// assert_eq!(out.column("area"), Some(&[3.0, 2.0][..]));
/// assert_eq!(out.column("x1"), Some(&[1.0, 3.0][..]));
/// assert_eq!(out.column("intensity_total"), Some(&[18.0, 3.0][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CellFeatures {}

/// What is known of an object.
#[derive(Debug, Clone, Default)]
struct Object {
    area: u64,
    /// The first and the last column and row.
    across: [u32; 2],
    down: [u32; 2],
    sums: [u64; 2],
    samples: Vec<f32>,
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
    const INPUTS: &'static [&'static str] = &["labels", "in"];
    type Input = (In<Labels>, Option<In<Image>>);
    type Output = Table;

    fn run(&self, (labels, image): Self::Input, ctx: &Context<'_>) -> Result<Table> {
        if let Some(image) = &image {
            check::image_in(&labels, image)?;
        }
        let objects = match &image {
            Some(image) => dispatch!(image.sample_type(), T => {
                let plane = image.view().typed::<T>()?;
                objects(&labels, ctx, |object, y, from, to| {
                    let row = &plane.row(y)[from as usize..to as usize];
                    object.samples.extend(row.iter().map(|sample| sample.to_f32()));
                })?
            }),
            None => objects(&labels, ctx, |_, _, _, _| ())?,
        };
        table(&objects, (labels.width(), labels.height()), image.is_some())
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}

/// The objects by their numbers. `see` is given each run of pixels of an object.
fn objects(
    labels: &Labels,
    ctx: &Context<'_>,
    mut see: impl FnMut(&mut Object, u32, u32, u32),
) -> Result<Vec<Object>> {
    let mut objects = vec![Object::default(); labels.count() as usize];
    let rows = labels.labels().chunks_exact((labels.width() as usize).max(1));
    for (y, row) in (0u32..).zip(rows) {
        ctx.check()?;
        let mut from = 0u32;
        for run in row.chunk_by(|a, b| a == b) {
            let to = from + u32::try_from(run.len()).unwrap_or(u32::MAX);
            let place = (run[0] as usize).checked_sub(1);
            if let Some(object) = place.and_then(|place| objects.get_mut(place)) {
                object.add(y, from, to);
                see(object, y, from, to);
            }
            from = to;
        }
    }
    Ok(objects)
}

#[expect(clippy::cast_precision_loss, reason = "counts of pixels are below 2^53")]
fn table(objects: &[Object], (width, height): (u32, u32), has_image: bool) -> Result<Table> {
    let found: Vec<(usize, &Object)> =
        objects.iter().enumerate().filter(|(_, object)| object.area > 0).collect();
    let column = |measure: &dyn Fn(&Object) -> f64| -> Vec<f64> {
        found.iter().map(|(_, object)| measure(object)).collect()
    };
    let mut columns = vec![
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
    ];
    if has_image {
        columns.push(("intensity_total", column(&|object| pairwise_sum(&object.samples).into())));
    }
    Table::new(columns)
}
