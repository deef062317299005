//! Foreground that is connected to something bright.

use pipeline_core::step::CutOff;
use pipeline_core::{
    Context, Error, Image, In, Layout, Mask, Result, Sample, Spec, Step, Tile, View, ViewMut,
    dispatch, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::{Connectivity, NOTHING, STRONG, WEAK};
use crate::point::mask_layout;
use crate::{check, components, passes};

/// Marks as foreground what is brighter than one level and is connected to what is brighter
/// than another.
///
/// `out` is true where `in > high`, and where `in > low` and a path of such pixels leads to one of
/// those.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | 1 |
/// | `out` | mask | Y X | – | true or false | – |
///
/// **Border**: nothing beyond the image is seen. **NaN** is background.
/// **Cost**: one pass over the image, and three over the mask; memory for the mask and the runs of
/// pixels, 16 bytes each. A path may cross the whole image, so there are no tiles.
/// **Errors**: more than one channel; a level that is not finite; `high` below `low`; an image of
/// more than 4294967295 pixels.
///
/// A mask that comes out as before spares the steps below from running.
///
/// **Source**: `skimage.filters.apply_hysteresis_threshold` 0.26 for `four`, equal; with the
/// structure of `scipy.ndimage.label` 1.17 for `eight`, equal.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::segment::Hysteresis;
///
/// let image = Image::from_samples(6, 3, 1, vec![
///     0u8, 5, 5, 0, 0, 0,
///     0,   0, 9, 0, 0, 5,
///     0,   0, 0, 5, 0, 5,
/// ])?;
/// let step = Hysteresis { low: 4.0, high: 8.0, ..Default::default() };
/// let out = step.run(In::new(image), &Context::default())?;
/// assert_eq!(out.bytes(), [
///     0, 1, 1, 0, 0, 0,
///     0, 0, 1, 0, 0, 0,
///     0, 0, 0, 0, 0, 0,
/// ]);
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Hysteresis {
    /// The brightest background, in the unit of the samples: up to 255 in u8, 65535 in u16; default
    /// 85.
    #[schemars(extend("x-unit" = "sample"))]
    pub low: f32,
    /// The level above which a pixel is foreground by itself, in the unit of the samples; `low` or
    /// more; default 170.
    #[schemars(extend("x-unit" = "sample"))]
    pub high: f32,
    /// Which pixels are connected; default `four`.
    pub connectivity: Connectivity,
}

impl Default for Hysteresis {
    fn default() -> Self {
        Self { low: 85.0, high: 170.0, connectivity: Connectivity::Four }
    }
}

impl Step for Hysteresis {
    const NAME: &'static str = "hysteresis";
    type Input = In<Image>;
    type Output = Mask;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Mask> {
        check::finite("low", self.low)?;
        check::finite("high", self.high)?;
        if self.high < self.low {
            return Err(Error::input("high", self.high, format!("low, {}, or more", self.low)));
        }
        check::single_channel(image.layout())?;
        passes::countable(image.layout().width, image.layout().height)?;
        let marks: Image = tile(&Marks { low: self.low, high: self.high }, image, &[], ctx)?;
        components::follow(marks, self.connectivity, ctx)
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}

/// What is above both levels, one or none of them.
struct Marks {
    low: f32,
    high: f32,
}

impl Tile for Marks {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        Ok(mask_layout(inputs[0]))
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, _: &Context<'_>) -> Result<()> {
        dispatch!(inputs[0].sample_type(), T => {
            let input = inputs[0].crop(out.region()).typed::<T>()?;
            for (y, row) in out.rows::<u8>()? {
                for (out, sample) in row.iter_mut().zip(input.row(y)) {
                    let sample = sample.to_f32();
                    let weak = if sample > self.low { WEAK } else { NOTHING };
                    *out = if sample > self.high { STRONG } else { weak };
                }
            }
            Ok(())
        })
    }
}
