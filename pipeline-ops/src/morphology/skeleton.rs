//! Lines in the middle of objects.

use pipeline_core::data::{Buffer, Raster, zeros};
use pipeline_core::step::CutOff;
use pipeline_core::{Context, Error, In, Mask, Result, Spec, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::Thinning;

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
/// **Cost**: about 100 operations per pixel that goes; memory for two masks, and 8 bytes per pixel at
/// the outline of objects. An object may reach anywhere, so there are no tiles.
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
            let (row_len, rows) = (layout.row_len(), layout.height as usize);
            let padded_len = row_len + 2;
            let too_large = || Error::input("the image", layout, "one that has room for a frame");
            let len = padded_len.checked_mul(rows + 2).ok_or_else(too_large)?;
            let mut pixels = zeros::<u8>(len, || format!("a mask of {layout} in a frame"))?;
            let inner = |y: usize| (y + 1) * padded_len + 1;
            for (y, row) in samples.chunks(row_len).enumerate() {
                pixels[inner(y)..][..row_len].copy_from_slice(row);
            }
            Thinning::new(&mut pixels, padded_len).run(|| ctx.check())?;
            for (y, row) in samples.make_mut().chunks_mut(row_len).enumerate() {
                row.copy_from_slice(&pixels[inner(y)..][..row_len]);
            }
        }
        Mask::assemble(layout, buffer, None)
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}
