//! Foreground by brightness.

use pipeline_core::step::CutOff;
use pipeline_core::{
    ColorSpace, Context, Error, Image, In, Layout, Mask, Result, SampleType, Spec, Step, Tile,
    View, ViewMut, dispatch, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check;
use crate::kernel::above;

/// Marks as foreground what is brighter than a level.
///
/// `out = in > level`
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | 1 |
/// | `out` | mask | Y X | – | true or false | – |
///
/// **Border**: nothing beyond the pixel is seen. **NaN** is background.
/// **Cost**: one comparison per pixel; the memory of the mask; the footprint is the region itself.
/// **Errors**: more than one channel; a level that is NaN.
///
/// A mask that comes out as before spares the steps below from running.
///
/// **Source**: NumPy 2.4, `in > level`, equal.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::point::Threshold;
///
/// let image = Image::from_samples(3, 2, 1, vec![
///     0u8, 128, 129,
///     127, 200, 255,
/// ])?;
/// let out = Threshold { level: 128.0 }.run(In::new(image), &Context::default())?;
/// assert_eq!(out.bytes(), [
///     0, 0, 1,
///     0, 1, 1,
/// ]);
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Threshold {
    /// The brightest background, in the unit of the samples: up to 255 in u8, 65535 in u16; default
    /// 127.
    #[schemars(extend("x-unit" = "sample"))]
    pub level: f32,
}

impl Default for Threshold {
    fn default() -> Self {
        Self { level: 127.0 }
    }
}

/// The layout of a mask for an image of this layout.
pub(crate) fn mask_layout(image: Layout) -> Layout {
    Layout { channels: 1, sample: SampleType::U8, color: ColorSpace::Data, ..image }
}

impl Step for Threshold {
    const NAME: &'static str = "threshold";
    type Input = In<Image>;
    type Output = Mask;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Mask> {
        tile(self, image, &[], ctx)
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for Threshold {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        check::single_channel(inputs[0])?;
        if self.level.is_nan() {
            return Err(Error::input("level", "not a number", "a number"));
        }
        Ok(mask_layout(inputs[0]))
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, _: &Context<'_>) -> Result<()> {
        dispatch!(inputs[0].sample_type(), T => {
            let input = inputs[0].crop(out.region()).typed::<T>()?;
            for (y, row) in out.rows::<u8>()? {
                above(input.row(y), self.level, row);
            }
            Ok(())
        })
    }
}
