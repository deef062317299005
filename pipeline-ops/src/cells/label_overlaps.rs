//! How much of which object of one picture is which of another one.

use pipeline_core::step::CutOff;
use pipeline_core::{Context, In, Labels, Result, Spec, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check;
use crate::measure::Table;

/// Counts the pixels that objects of two pictures have in common.
///
/// | column | per pair of objects that have a pixel in common |
/// |---|---|
/// | `first` | the number of the object of the first picture, 0 for its background |
/// | `second` | that of the second one |
/// | `pixels` | how many pixels belong to both |
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `first`, `second` | labels | Y X | u32 | any | – |
/// | `out` | table | – | f64 | one row per pair, by `first` and then by `second` | – |
///
/// What is background in both has no row, so the pixels of an object are the sum of its rows.
///
/// **Border**: what lies beyond the edge belongs to no object. **NaN**: labels have none.
/// **Cost**: one pass over both; memory for some 24 bytes per run of pixels. An object may reach
/// anywhere, so there are no tiles.
/// **Errors**: labels of two sizes.
///
/// A table that comes out as before spares the steps below from running.
///
/// **Source**: `numpy.unique` 2.4 of pairs, equal.
///
/// ```
/// use pipeline_core::{Context, In, Labels, Step};
/// use pipeline_ops::cells::LabelOverlaps;
///
/// let labels = |labels: [u32; 6]| Labels::new(6, 1, labels.to_vec()).map(In::new);
/// let inputs = (labels([1, 1, 1, 0, 0, 2])?, labels([0, 2, 2, 2, 0, 1])?);
/// let out = LabelOverlaps {}.run(inputs, &Context::default())?;
/// assert_eq!(out.to_csv(), "first,second,pixels\n0,2,1\n1,0,1\n1,2,2\n2,1,1\n");
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LabelOverlaps {}

impl Step for LabelOverlaps {
    const NAME: &'static str = "label_overlaps";
    const INPUTS: &'static [&'static str] = &["first", "second"];
    type Input = (In<Labels>, In<Labels>);
    type Output = Table;

    fn run(&self, (first, second): Self::Input, ctx: &Context<'_>) -> Result<Table> {
        let size = (first.width(), first.height());
        check::same_size(("`second`", (second.width(), second.height())), ("`first`", size))?;
        let row_len = (size.0 as usize).max(1);
        let rows = first.labels().chunks_exact(row_len).zip(second.labels().chunks_exact(row_len));
        // Runs of pixels of one pair.
        let mut runs: Vec<(u32, u32, u64)> = Vec::new();
        for (a, b) in rows {
            ctx.check()?;
            for (&a, &b) in a.iter().zip(b).filter(|pair| *pair != (&0, &0)) {
                match runs.last_mut() {
                    Some(run) if (run.0, run.1) == (a, b) => run.2 += 1,
                    _ => runs.push((a, b, 1)),
                }
            }
        }
        runs.sort_unstable_by_key(|&(a, b, _)| (a, b));
        let [mut of_first, mut of_second, mut pixels] = [(); 3].map(|()| Vec::new());
        for runs in runs.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            of_first.push(runs[0].0.into());
            of_second.push(runs[0].1.into());
            pixels.push(runs.iter().map(|&(_, _, count)| number(count)).sum());
        }
        Table::new(vec![("first", of_first), ("second", of_second), ("pixels", pixels)])
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of pixels are below 2^53")]
fn number(count: u64) -> f64 {
    count as f64
}
