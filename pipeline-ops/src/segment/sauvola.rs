//! Foreground by the mean and the contrast around each pixel.

use std::ops::RangeInclusive;

use pipeline_core::step::CutOff;
use pipeline_core::{
    Context, Image, In, Layout, Mask, Region, Result, Sample, Spec, Step, Tile, View, ViewMut,
    dispatch, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::level::above_local;
use crate::check::{self, SHARE};
use crate::kernel::Border;
use crate::neighborhood::{self, RADIUS, WindowSums};
use crate::point::mask_layout;

/// The largest deviations that are taken, as shares of white.
const DEVIATION: RangeInclusive<f64> = 0.001..=1e6;

/// Marks as foreground what is brighter than Sauvola's level for its surroundings: for writing on
/// stained paper, where the paper is to be foreground and the ink is not.
///
/// `out = in > m (1 + k (s / R - 1))`, where `m` and `s` are the mean and the standard deviation
/// over a square of side `2 · radius + 1`, and `R = deviation · white`, white being 255, 65535 or
/// 1.0.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | 1 |
/// | `out` | mask | Y X | – | true or false | – |
///
/// **Border**: by `border`: `replicate` `aaa│abcd│ddd`, `reflect` `dcba│abcd│dcba`, `mirror`
/// `dcb│abcd│cba`, `wrap` `abcd│abcd│abcd`, `constant` `vvv│abcd│vvv`.
/// **NaN** and infinity in a window make its pixel background.
/// **Cost**: time independent of the radius for u8 and u16, whose running sums are exact, and about
/// 2 · size + 4 log size additions per sample for f32, whose sums are taken afresh so that no tile
/// changes them; of memory the mask and three rows of sums; the footprint is the region and
/// `radius` pixels on each side.
/// **Errors**: more than one channel; a parameter outside its range.
///
/// A mask that comes out as before spares the steps below from running.
///
/// **Source**: Sauvola, Pietikäinen (2000); `skimage.filters.threshold_sauvola` 0.26, whose border
/// is `mirror` and whose `r` is 0.5 of white for integers, 1 for floats: equal.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::segment::Sauvola;
///
/// let image = Image::from_samples(6, 3, 1, vec![
///     90u8, 95, 20, 140, 160, 180,
///     90,   15, 95, 140,  60, 180,
///     90,   95, 95, 140, 160, 180,
/// ])?;
/// let out = Sauvola { radius: 1, ..Default::default() }.run(In::new(image), &Context::default())?;
/// assert_eq!(out.bytes(), [
///     1, 1, 0, 1, 1, 1,
///     1, 0, 1, 1, 0, 1,
///     1, 1, 1, 1, 1, 1,
/// ]);
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sauvola {
    /// Pixels on each side of the middle. 0 to 4096 px, default 7.
    #[schemars(range(min = *RADIUS.start(), max = *RADIUS.end()), extend("x-unit" = "px"))]
    pub radius: u32,
    /// How far the level goes below the mean where there is no contrast. 0 to 1, default 0.2.
    #[schemars(range(min = *SHARE.start(), max = *SHARE.end()), extend("x-unit" = "ratio"))]
    pub k: f32,
    /// The standard deviation at which the level is the mean, as a share of white. 0.001 to
    /// 1000000, default 0.5.
    #[schemars(
        range(min = *DEVIATION.start(), max = *DEVIATION.end()),
        extend("x-unit" = "white")
    )]
    pub deviation: f32,
    /// What lies beyond the edge; default `replicate`.
    pub border: Border,
}

impl Default for Sauvola {
    fn default() -> Self {
        Self { radius: 7, k: 0.2, deviation: 0.5, border: Border::Replicate }
    }
}

impl Step for Sauvola {
    const NAME: &'static str = "sauvola";
    const VERSION: u32 = 2;
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

impl Tile for Sauvola {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        check::within("radius", self.radius, &RADIUS, "px")?;
        check::within("k", self.k, &SHARE, "")?;
        check::within("deviation", self.deviation, &DEVIATION, "of white")?;
        check::single_channel(inputs[0])?;
        Ok(mask_layout(inputs[0]))
    }

    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        let radius = (self.radius, self.radius);
        neighborhood::footprint(self.border, region, radius, inputs[0].region())
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        let windows = WindowSums { radius: self.radius, border: self.border };
        let k = f64::from(self.k);
        dispatch!(inputs[0].sample_type(), T => {
            let most = f64::from(self.deviation) * f64::from(T::WHITE);
            above_local::<T>(windows, &inputs[0], out, ctx, |mean, deviation| {
                mean * (1.0 + k * (deviation / most - 1.0))
            })
        })
    }
}
