//! Specks in the background.

use pipeline_core::step::CutOff;
use pipeline_core::{Context, In, Mask, Result, Spec, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::components::{self, Ground};
use crate::kernel::Connectivity;

/// Removes the objects of a mask up to an area.
///
/// `out` is `in` without the components of the foreground of `max_area` pixels or fewer.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | mask | Y X | – | true or false | – |
/// | `out` | mask | Y X | – | true or false | – |
///
/// **Border**: objects are as large as they are within the image. **NaN**: a mask has none.
/// **Cost**: two passes over the mask, a word of pixels at a time; memory for the runs of pixels,
/// 16 bytes each, and the mask where it is not worked on in place. A component may reach anywhere,
/// so there are no tiles.
/// **Errors**: an image of more than 4294967295 pixels.
///
/// A mask that comes out as before spares the steps below from running.
///
/// **Source**: `skimage.morphology.remove_small_objects` 0.26, equal, with `max_size`.
///
/// ```
/// use pipeline_core::{Context, In, Mask, Step};
/// use pipeline_ops::morphology::RemoveSmallObjects;
///
/// let mask = Mask::from_bytes(5, 4, vec![
///     1, 0, 0, 0, 0,
///     0, 0, 1, 1, 1,
///     0, 0, 0, 1, 0,
///     1, 1, 0, 0, 0,
/// ])?;
/// let out = RemoveSmallObjects { max_area: 2, ..Default::default() }
///    .run(In::new(mask), &Context::default())?;
/// assert_eq!(out.bytes(), [
///     0, 0, 0, 0, 0,
///     0, 0, 1, 1, 1,
///     0, 0, 0, 1, 0,
///     0, 0, 0, 0, 0,
/// ]);
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RemoveSmallObjects {
    /// The area of the largest object that is removed; 0 changes nothing. 0 to 4294967295 px²,
    /// default 64.
    #[schemars(range(min = 0, max = u32::MAX), extend("x-unit" = "px²"))]
    pub max_area: u32,
    /// Which pixels of the foreground are connected; default `eight`.
    pub connectivity: Connectivity,
}

impl Default for RemoveSmallObjects {
    fn default() -> Self {
        Self { max_area: 64, connectivity: Connectivity::Eight }
    }
}

impl Step for RemoveSmallObjects {
    const NAME: &'static str = "remove_small_objects";
    type Input = In<Mask>;
    type Output = Mask;

    fn run(&self, mask: In<Mask>, ctx: &Context<'_>) -> Result<Mask> {
        let objects = components::find(&mask, Ground::Foreground, self.connectivity, ctx)?;
        let areas = components::areas(&objects, ctx)?;
        let is_small = |number: u32| areas[number as usize] <= u64::from(self.max_area);
        components::repaint(mask, (&objects, Ground::Foreground), is_small, ctx)
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}
