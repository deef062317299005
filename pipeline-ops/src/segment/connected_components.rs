//! Objects as connected pixels.

use pipeline_core::data::leftovers;
use pipeline_core::step::CutOff;
use pipeline_core::{Context, In, Labels, Mask, Result, Spec, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::components::{self, Ground};
use crate::kernel::Connectivity;
use crate::passes;

/// Numbers the objects of a mask: each set of connected pixels is one.
///
/// `out` is 0 in the background and the number of the object in the foreground. Objects are
/// numbered from 1 by their first pixel, row by row from the top left.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | mask | Y X | – | true or false | – |
/// | `out` | labels | Y X | u32 | 0 to the number of objects | – |
///
/// **Border**: nothing beyond the edge is seen. **NaN**: a mask has none.
/// **Cost**: one pass over the mask, a word of pixels at a time, and one over the labels; memory
/// for the labels and the runs of pixels, 16 bytes each. An object may reach anywhere, so there are
/// no tiles.
/// **Errors**: an image of more than 4294967295 pixels.
///
/// Labels that come out as before spare the steps below from running.
///
/// **Source**: `skimage.measure.label` 0.26 and `scipy.ndimage.label` 1.17, equal. Joining runs:
/// Rosenfeld and Pfaltz (1966).
///
/// ```
/// use pipeline_core::{Context, In, Mask, Step};
/// use pipeline_ops::segment::ConnectedComponents;
///
/// let mask = Mask::from_bytes(5, 3, vec![
///     1, 0, 0, 1, 1,
///     0, 1, 0, 0, 0,
///     0, 0, 0, 1, 0,
/// ])?;
/// let out = ConnectedComponents::default().run(In::new(mask), &Context::default())?;
/// assert_eq!(out.labels(), [
///     1, 0, 0, 2, 2,
///     0, 1, 0, 0, 0,
///     0, 0, 0, 3, 0,
/// ]);
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ConnectedComponents {
    /// Which pixels are connected; default `eight`.
    pub connectivity: Connectivity,
}

impl Default for ConnectedComponents {
    fn default() -> Self {
        Self { connectivity: Connectivity::Eight }
    }
}

impl Step for ConnectedComponents {
    const NAME: &'static str = "connected_components";
    type Input = In<Mask>;
    type Output = Labels;

    fn run(&self, mask: In<Mask>, ctx: &Context<'_>) -> Result<Labels> {
        let (width, height) = (mask.width(), mask.height());
        let pixels = passes::countable(width, height)?;
        let what = || format!("labels of {width}×{height} pixels");
        let mut labels = leftovers::<u32>(pixels, what)?;
        let objects = components::find(&mask, Ground::Foreground, self.connectivity, ctx)?;
        let grain = passes::grain(width);
        ctx.fill_rows(&mut labels, width as usize, grain, |first, rows| {
            for (y, row) in (first..).zip(rows.chunks_exact_mut(width as usize)) {
                let mut done = 0;
                for (run, number) in objects.row(y) {
                    row[done..run.start].fill(0);
                    done = run.end;
                    row[run].fill(number);
                }
                row[done..].fill(0);
            }
            Ok(())
        })?;
        Labels::numbered(width, height, labels, objects.count())
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}
