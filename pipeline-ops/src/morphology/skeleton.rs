//! Lines in the middle of objects.

use pipeline_core::data::{Buffer, Canvas, Raster};
use pipeline_core::step::CutOff;
use pipeline_core::{Context, In, Mask, Result, Spec, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::{Tile, Tiles};
use crate::memory::copies;

/// Thins the objects of a mask to lines of one pixel that are connected as the objects are.
///
/// Pixels go from all sides in turn as long as an object does not break or shorten: in the first of
/// two passes those with background to the right or below or at the upper left, in the second those
/// at the opposite sides.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | mask | Y X | – | true or false | – |
/// | `out` | mask | Y X | – | true or false | – |
///
/// **Border**: what lies beyond the edge is background. **NaN**: a mask has none.
/// **Cost**: about 100 operations per pixel that goes; memory for two masks, and 8 bytes per pixel
/// at the outline of objects. An object may reach anywhere, so there are no tiles for the engine.
/// **Errors**: an image for which there is no memory.
///
/// A mask that comes out as before spares the steps below from running.
///
/// **Source**: `skimage.morphology.skeletonize` 0.26, method `zhang`, equal. Zhang and Suen (1984).
///
/// ```
/// use pipeline_core::{Context, In, Mask, Step};
/// use pipeline_ops::morphology::Skeleton;
///
/// let mask = Mask::from_bytes(6, 5, vec![
///     0, 0, 0, 0, 0, 0,
///     1, 1, 1, 1, 1, 0,
///     1, 1, 1, 1, 1, 0,
///     1, 1, 1, 1, 1, 0,
///     0, 0, 0, 0, 0, 0,
/// ])?;
/// let out = Skeleton {}.run(In::new(mask), &Context::default())?;
/// assert_eq!(out.bytes(), [
///     0, 0, 0, 0, 0, 0,
///     0, 0, 0, 1, 0, 0,
///     1, 1, 1, 0, 0, 0,
///     0, 0, 0, 0, 0, 0,
///     0, 0, 0, 0, 0, 0,
/// ]);
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Skeleton {}

impl Step for Skeleton {
    const NAME: &'static str = "skeleton";
    type Input = In<Mask>;
    type Output = Mask;

    fn run(&self, mask: In<Mask>, ctx: &Context<'_>) -> Result<Mask> {
        let (layout, mut buffer, _) = mask.into_owned().into_parts();
        if let Buffer::U8(samples) = &mut buffer {
            let (width, height) = (layout.row_len(), layout.height as usize);
            let mut tiles = Tiles::new(width, height);
            loop {
                let what = || format!("tiles of {layout}");
                let mut round = copies(Tile::default(), tiles.count(), what)?;
                ctx.fill_rows(&mut round, 1, 1, |number, tile| {
                    tile[0] = tiles.round(number, samples, || ctx.check())?;
                    Ok(())
                })?;
                if !tiles.set(round) {
                    break;
                }
                ctx.fill_rows(samples.make_mut(), width, tiles.side(), |first, rows| {
                    tiles.put(first, rows);
                    Ok(())
                })?;
            }
        }
        Mask::assemble(layout, buffer, None)
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}
