//! What lies outside of a mask is painted over.

use pipeline_core::data::Raster;
use pipeline_core::{
    Context, Image, In, Layout, Mask, Result, Sample, Step, Tile, View, ViewMut, dispatch, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{self, size};
use crate::kernel::keep_masked;

/// Keeps the pixels of a mask's foreground and fills the others.
///
/// `out = in` where the mask is foreground, `fill` elsewhere.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any |
/// | `mask` | mask | Y X | – | true or false | – |
/// | `out` | image | Y X C | as `in` | those of `in`, and `fill` | as `in` |
///
/// Every channel, alpha included, is filled: with 0, a picture with alpha is transparent there.
///
/// **Border**: nothing beyond the pixel is seen. **NaN** outside of the mask is filled as well.
/// **Cost**: one choice per sample; no memory in place of `in` where possible, else that of the
/// result; the footprint is the region itself.
/// **Errors**: a mask of another size; a fill that is not finite.
///
/// **Source**: `numpy.where` 2.4, equal.
///
/// ```
/// use pipeline_core::{Context, Image, In, Mask, Step};
/// use pipeline_ops::point::ApplyMask;
///
/// let image = Image::from_samples(3, 2, 1, vec![
///     10u8, 20, 30,
///     40, 50, 60,
/// ])?;
/// let mask = Mask::from_bytes(3, 2, vec![
///     0, 1, 1,
///     0, 0, 1,
/// ])?;
/// let out = ApplyMask { fill: 7.0 }.run((In::new(image), In::new(mask)), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     7, 20, 30,
///     7, 7, 60,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ApplyMask {
    /// The sample outside of the mask, in every channel: up to 255 in u8, 65535 in u16; default 0.
    #[schemars(extend("x-unit" = "sample"))]
    pub fill: f32,
}

impl Step for ApplyMask {
    const NAME: &'static str = "apply_mask";
    const INPUTS: &'static [&'static str] = &["in", "mask"];
    type Input = (In<Image>, In<Mask>);
    type Output = Image;

    fn run(&self, (image, mask): (In<Image>, In<Mask>), ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[mask.view()], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for ApplyMask {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        check::finite("fill", self.fill)?;
        check::same_size(("`mask`", size(inputs[1])), ("`in`", size(inputs[0])))?;
        check::mask("`mask`", inputs[1])?;
        Ok(inputs[0])
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        let mask = inputs[1].crop(out.region()).typed::<u8>()?;
        dispatch!(out.sample_type(), T => {
            let (input, fill) = (inputs[0].crop(out.region()).typed::<T>()?, T::from_f32(self.fill));
            for (y, row) in out.rows::<T>()? {
                ctx.check()?;
                keep_masked(input.row(y), mask.row(y), fill, row);
            }
            Ok(())
        })
    }
}
