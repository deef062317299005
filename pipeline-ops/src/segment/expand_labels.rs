//! Objects grown into the background.

use std::ops::RangeInclusive;

use pipeline_core::data::{leftovers, zeros};
use pipeline_core::step::CutOff;
use pipeline_core::{Context, In, Labels, Result, Spec, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::columns::{self, within_bands};
use crate::kernel::{Envelope, FAR};
use crate::{check, passes};

/// How far objects may grow, in pixels.
const DISTANCE: RangeInclusive<f64> = 0.0..=1_000_000.0;

/// Grows all objects by a distance, each until it meets another.
///
/// `out` is the label of the nearest object in each pixel of the background that is at most
/// `distance` from it. Of objects equally near, the one whose nearest pixel is further left counts,
/// and then the one whose nearest pixel is further up.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | labels | Y X | u32 | any | – |
/// | `out` | labels | Y X | u32 | those of `in` | – |
///
/// **Border**: nothing beyond the edge is seen. **NaN**: labels have none.
/// **Cost**: about 20 operations per pixel, whatever the distance; memory for the labels and as
/// much again. There are no tiles: they would see as far around them as objects grow, which makes
/// the cost depend on the distance, and no tile makes labels.
/// **Errors**: a distance outside its range; a side of more than 1048576 px.
///
/// Labels that come out as before spare the steps below from running.
///
/// **Source**: `skimage.segmentation.expand_labels` 0.26, equal.
///
/// ```
/// use pipeline_core::{Context, In, Labels, Step};
/// use pipeline_ops::segment::ExpandLabels;
///
/// let labels = Labels::new(6, 3, vec![
///     0, 0, 0, 0, 0, 0,
///     0, 1, 0, 2, 0, 0,
///     0, 0, 0, 0, 0, 0,
/// ])?;
/// let out = ExpandLabels { distance: 1.0 }.run(In::new(labels), &Context::default())?;
/// assert_eq!(out.labels(), [
///     0, 1, 0, 2, 0, 0,
///     1, 1, 1, 2, 2, 0,
///     0, 1, 0, 2, 0, 0,
/// ]);
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExpandLabels {
    /// How far objects grow; 0 changes nothing. 0 to 1000000 px, default 1.
    #[schemars(range(min = *DISTANCE.start(), max = *DISTANCE.end()), extend("x-unit" = "px"))]
    pub distance: f32,
}

impl Default for ExpandLabels {
    fn default() -> Self {
        Self { distance: 1.0 }
    }
}

impl Step for ExpandLabels {
    const NAME: &'static str = "expand_labels";
    type Input = In<Labels>;
    type Output = Labels;

    fn run(&self, labels: In<Labels>, ctx: &Context<'_>) -> Result<Labels> {
        check::within("distance", self.distance, &DISTANCE, "px")?;
        let (width, height) = (labels.width(), labels.height());
        let pixels = passes::measurable(width, height)?;
        let (row_len, grain) = (width as usize, columns::grain(width));

        // The distance within the column and the label there, side by side.
        let what = || format!("labels of {width}×{height} pixels");
        let mut within = zeros::<[u32; 2]>(pixels, what)?;
        let beyond = within_bands(&mut within, (row_len, grain), ctx, |first, rows| {
            for (pair, &label) in rows.iter_mut().zip(&labels.labels()[first * row_len..]) {
                *pair = [if label == 0 { FAR } else { 0 }, label];
            }
        })?;

        let mut grown = leftovers::<u32>(pixels, what)?;
        ctx.fill_rows(&mut grown, row_len, grain, |first, rows| {
            let mut envelope = Envelope::default();
            let mut pairs = vec![[FAR, 0]; row_len];
            for (y, grown) in (first..).zip(rows.chunks_exact_mut(row_len)) {
                beyond.row(y, &within[y * row_len..][..row_len], &mut pairs);
                grown.fill(0);
                envelope.row(pairs.iter().map(|pair| pair[0]), |x, squared, column| {
                    if self.reaches(squared) {
                        grown[x] = pairs[column][1];
                    }
                });
            }
            Ok(())
        })?;
        Labels::numbered(width, height, grown, labels.count())
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}

impl ExpandLabels {
    #[expect(clippy::cast_precision_loss, reason = "squares up to 2^53 are exact")]
    fn reaches(&self, squared: u64) -> bool {
        (squared as f64).sqrt() <= f64::from(self.distance)
    }
}
