//! How far the background is.

use bytemuck::allocation::cast_vec;
use pipeline_core::data::leftovers;
use pipeline_core::{ColorSpace, Context, Image, In, Mask, Result, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::columns::{self, within_bands};
use crate::kernel::{Envelope, FAR};
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
        let (row_len, grain) = (width as usize, columns::grain(width));
        // Distances within the columns first. They make room for the bits of the results.
        let what = || format!("distances of {width}×{height} pixels");
        let mut bits = cast_vec::<f32, u32>(leftovers(pixels, what)?);
        let beyond = within_bands(&mut bits, (row_len, grain), ctx, |first, rows| {
            let mask = &mask.bytes()[first * row_len..];
            rows.iter_mut().zip(mask).for_each(|(bits, &mask)| *bits = u32::from(mask) * FAR);
        })?;

        ctx.fill_rows(&mut bits, row_len, grain, |first, rows| {
            let mut envelope = Envelope::default();
            ctx.scratch(|scratch| {
                scratch.samples::<u32, _>(row_len, |columns, _| {
                    for (y, row) in (first..).zip(rows.chunks_exact_mut(row_len)) {
                        beyond.row(y, row, columns);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// High enough for several bands of rows.
    const SIDES: (u32, u32) = (700, 500);

    #[test]
    fn columns_are_as_far_as_rows_though_they_cross_bands() {
        let (width, height) = (SIDES.0 as usize, SIDES.1 as usize);
        let is_background = |x: usize, y: usize| x % 190 == 7 && (y + x) % 230 == 11;
        let distances = |(width, height): (u32, u32), bytes: Vec<u8>| {
            let mask = Mask::from_bytes(width, height, bytes).unwrap();
            let out = DistanceTransform {}.run(In::new(mask), &Context::default()).unwrap();
            out.samples::<f32>().unwrap().to_vec()
        };
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let upright = places.clone().map(|(x, y)| u8::from(!is_background(x, y))).collect();
        let turned = (0..width).flat_map(|x| (0..height).map(move |y| (x, y)));
        let turned = turned.map(|(x, y)| u8::from(!is_background(x, y))).collect();
        let (upright, turned) = (distances(SIDES, upright), distances((SIDES.1, SIDES.0), turned));
        for (x, y) in places {
            assert_eq!(upright[y * width + x], turned[x * height + y], "at {x}, {y}");
        }
    }
}
