//! A mask as a picture.

use pipeline_core::{
    ColorSpace, Context, Image, In, Layout, Mask, Result, Step, Tile, View, ViewMut, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Turns a mask into a gray picture, to look at, save or blend.
///
/// `out = 255` where the mask is foreground, 0 elsewhere.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | mask | Y X | – | true or false | – |
/// | `out` | image | Y X C | u8 | 0 and 255 | 1 |
///
/// **Border**: nothing beyond the pixel is seen. **NaN**: a mask has none.
/// **Cost**: one multiplication per pixel; no memory where it works in place, else that of the
/// image; the footprint is the region itself.
/// **Errors**: none of its own.
///
/// **Source**: `skimage.util.img_as_ubyte` 0.26 of a mask, equal.
///
/// ```
/// use pipeline_core::{Context, In, Mask, Step};
/// use pipeline_ops::segment::MaskImage;
///
/// let mask = Mask::from_bytes(3, 1, vec![
///     0, 1, 0,
/// ])?;
/// let out = MaskImage {}.run(In::new(mask), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     0, 255, 0,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MaskImage {}

impl Step for MaskImage {
    const NAME: &'static str = "mask_image";
    type Input = In<Mask>;
    type Output = Image;

    fn run(&self, mask: In<Mask>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, mask, &[], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for MaskImage {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        Ok(Layout { color: ColorSpace::Srgb, ..inputs[0] })
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, _: &Context<'_>) -> Result<()> {
        let input = inputs[0].crop(out.region()).typed::<u8>()?;
        for (y, row) in out.rows::<u8>()? {
            row.iter_mut().zip(input.row(y)).for_each(|(out, &mask)| *out = mask * u8::MAX);
        }
        Ok(())
    }
}
