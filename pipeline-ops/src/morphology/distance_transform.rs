//! How far the background is.

use bytemuck::allocation::cast_vec;
use pipeline_core::data::zeros;
use pipeline_core::{ColorSpace, Context, Image, In, Mask, Result, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::{Envelope, FAR, from_beside};
use crate::passes;

/// Replaces each pixel of the foreground by its distance to the nearest pixel of the background.
///
/// `out(x, y) = min √(i² + j²)` over all `(i, j)` with background at `(x + i, y + j)`: exact, and 0
/// in the background.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | mask | Y X | – | true or false | – |
/// | `out` | image | Y X C | f32 | 0, and 1 or more; in pixels | 1, data |
///
/// **Border**: what lies beyond the edge is no background. Without any background, all is infinite.
/// **NaN**: a mask has none.
/// **Cost**: about 15 operations per pixel, whatever the distances; the memory of the image. The
/// background may be anywhere, so there are no tiles.
/// **Errors**: a side of more than 1048576 px.
///
/// **Source**: `scipy.ndimage.distance_transform_edt` 1.17, equal. Meijster, Roerdink and Hesselink
/// (2000); Maurer, Qi and Raghavan (2003).
///
/// ```
/// use pipeline_core::{Context, In, Mask, Step};
/// use pipeline_ops::morphology::DistanceTransform;
///
/// let mask = Mask::from_bytes(5, 3, vec![
///     1, 1, 1, 1, 1,
///     1, 0, 1, 1, 1,
///     1, 1, 1, 1, 1,
/// ])?;
/// let out = DistanceTransform {}.run(In::new(mask), &Context::default())?;
/// let root = f32::sqrt;
/// assert_eq!(out.samples::<f32>(), Some(&[
///     root(2.0), 1.0, root(2.0), root(5.0), root(10.0),
///     1.0,       0.0, 1.0,       2.0,       3.0,
///     root(2.0), 1.0, root(2.0), root(5.0), root(10.0),
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DistanceTransform {}

impl Step for DistanceTransform {
    const NAME: &'static str = "distance_transform";
    type Input = In<Mask>;
    type Output = Image;

    fn run(&self, mask: In<Mask>, ctx: &Context<'_>) -> Result<Image> {
        let (width, height) = (mask.width(), mask.height());
        let pixels = passes::measurable(width, height)?;
        let (row_len, grain) = (width as usize, passes::grain(width));
        // Distances within the columns first. They make room for the bits of the results.
        let mut bits = zeros::<u32>(pixels, || format!("distances of {width}×{height} pixels"))?;
        for (row, mask) in bits.chunks_mut(row_len).zip(mask.bytes().chunks(row_len)) {
            ctx.check()?;
            row.iter_mut().zip(mask).for_each(|(bits, &mask)| *bits = u32::from(mask) * FAR);
        }
        passes::down_and_up(&mut bits, row_len, ctx, from_beside)?;

        ctx.fill_rows(&mut bits, row_len, grain, |_, rows| {
            let mut envelope = Envelope::default();
            ctx.scratch(|scratch| {
                scratch.samples::<u32, _>(row_len, |columns, _| {
                    for row in rows.chunks_exact_mut(row_len) {
                        columns.copy_from_slice(row);
                        row.fill(f32::INFINITY.to_bits());
                        let columns = columns.iter().copied();
                        envelope.row(columns, |x, squared, _| row[x] = root(squared).to_bits());
                    }
                    Ok(())
                })
            })
        })?;
        let image = Image::from_samples(width, height, 1, cast_vec::<u32, f32>(bits))?;
        Ok(image.with_color(ColorSpace::Data))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "squares up to 2^53 are exact, and the root is rounded once"
)]
fn root(squared: u64) -> f32 {
    (squared as f64).sqrt() as f32
}
