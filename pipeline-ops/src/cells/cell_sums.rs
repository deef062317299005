//! How bright cells are in one frame.

use pipeline_core::data::Raster;
use pipeline_core::step::CutOff;
use pipeline_core::{Context, Image, In, Labels, Result, Sample, Spec, Step, dispatch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cell_features::each_run;
use super::columns::number;
use crate::check;
use crate::kernel::pairwise_sum;
use crate::measure::Table;

/// Adds up the samples of each object of a frame.
///
/// | column | per object |
/// |---|---|
/// | `label` | its number |
/// | `intensity_total` | the sum of its samples |
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `labels` | labels | Y X | u32 | any | – |
/// | `in` | image | Y X C | u8, u16, f32 | any | 1 |
/// | `out` | table | – | f64 | one row per object that has pixels | – |
///
/// Sums are taken in 32 bits, by halves.
///
/// **Border**: what lies beyond the edge belongs to no object. **NaN** in an object makes its sum
/// NaN.
/// **Cost**: one pass over both; memory for the samples of all objects. An object may reach
/// anywhere, so there are no tiles.
/// **Errors**: an image of more than one channel, or of another size.
///
/// A table that comes out as before spares the steps below from running.
///
/// **Source**: the features of `pyama`; `numpy.sum` 2.4 of f32, equal.
///
/// ```
/// use pipeline_core::{Context, Image, In, Labels, Step};
/// use pipeline_ops::cells::CellSums;
///
/// let labels = Labels::new(4, 2, vec![
///     1, 1, 0, 2,
///     1, 0, 0, 2,
/// ])?;
/// let image = Image::from_samples(4, 2, 1, vec![
///     5u8, 6, 9, 1,
///     7,   9, 9, 2,
/// ])?;
/// let out = CellSums {}.run((In::new(labels), In::new(image)), &Context::default())?;
/// assert_eq!(out.column("intensity_total"), Some(&[18.0, 3.0][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CellSums {}

impl Step for CellSums {
    const NAME: &'static str = "cell_sums";
    const INPUTS: &'static [&'static str] = &["labels", "in"];
    type Input = (In<Labels>, In<Image>);
    type Output = Table;

    fn run(&self, (labels, image): Self::Input, ctx: &Context<'_>) -> Result<Table> {
        check::image_in(&labels, &image)?;
        let mut objects = vec![Vec::<f32>::new(); labels.count() as usize];
        dispatch!(image.sample_type(), T => {
            let plane = image.view().typed::<T>()?;
            each_run(&labels, ctx, |place, y, run| {
                if let Some(object) = objects.get_mut(place) {
                    let row = &plane.row(y)[run.start as usize..run.end as usize];
                    object.extend(row.iter().map(|sample| sample.to_f32()));
                }
            })?;
        });
        let found = || objects.iter().enumerate().filter(|(_, object)| !object.is_empty());
        Table::new(vec![
            ("label", found().map(|(place, _)| number(place + 1)).collect()),
            ("intensity_total", found().map(|(_, object)| pairwise_sum(object).into()).collect()),
        ])
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}
