//! The standard deviation over a square window.

use pipeline_core::{
    Context, Image, In, Layout, Region, Result, Step, Tile, View, ViewMut, dispatch, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::edges;
use crate::check;
use crate::kernel::{Border, Moments, keep_seen, seen_deviations};
use crate::neighborhood::{self, RADIUS, WindowSums};

/// Measures texture: the standard deviation over a square of side `2 · radius + 1`.
///
/// `out(x, y) = √(mean of (in(x + i, y + j) - m)²)` over `|i|, |j| ≤ radius`, where `m` is the mean
/// of the same samples: the deviation of the window itself, not an estimate for more than it.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any |
/// | `out` | image | Y X C | f32 | from 0, in the unit of `in` | as `in` |
///
/// Deviations are data, and data has no alpha: the last channel of an image with alpha then holds
/// the opacity as a number from 0 to 1. Colours count by their alpha, in the mean of the squares as
/// in `m`, so that what is transparent does not show; at a pixel of which nothing is seen the
/// deviation is 0.
///
/// **Border**: by `border`: `replicate` `aaa│abcd│ddd`, `reflect` `dcba│abcd│dcba`, `mirror`
/// `dcb│abcd│cba`, `wrap` `abcd│abcd│abcd`, `constant` `vvv│abcd│vvv`.
/// **NaN** and infinity make NaN of their window.
/// **Cost**: time independent of the radius for u8 and u16, whose running sums are exact, and about
/// 2 · size + 4 log size additions per sample for f32 and with alpha, whose sums are taken afresh
/// so that no tile changes them; three rows of sums of memory; the footprint is the region and
/// `radius` pixels on each side.
/// **Errors**: a radius outside its range.
///
/// **Source**: `numpy.std` 2.4 by `scipy.ndimage.generic_filter` 1.17, equal for integers, within
/// 1e-6 of the largest sample for f32. With alpha the formula above, within 1e-6 of white or of the
/// largest sample.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::filter::LocalStd;
///
/// let image = Image::from_samples(5, 3, 1, vec![
///     10u8, 10, 10, 10, 10,
///     10,   10, 10, 10, 10,
///     10,   10, 10, 10, 19,
/// ])?;
/// let out = LocalStd::default().run(In::new(image), &Context::default())?;
/// let tenths: Vec<f32> = out.samples::<f32>().unwrap_or_default().iter()
///     .map(|deviation| (10.0 * deviation).round() / 10.0)
///     .collect();
/// assert_eq!(tenths, [
///     0.0, 0.0, 0.0, 0.0, 0.0,
///     0.0, 0.0, 0.0, 2.8, 3.7,
///     0.0, 0.0, 0.0, 3.7, 4.5,
/// ]);
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LocalStd {
    /// Pixels on each side of the middle; 0 gives 0. 0 to 4096 px, default 1.
    #[schemars(range(min = *RADIUS.start(), max = *RADIUS.end()), extend("x-unit" = "px"))]
    pub radius: u32,
    /// What lies beyond the edge; default `replicate`.
    pub border: Border,
}

impl Default for LocalStd {
    fn default() -> Self {
        Self { radius: 1, border: Border::Replicate }
    }
}

impl LocalStd {
    #[expect(clippy::cast_possible_truncation, reason = "a deviation has no more than a sample")]
    fn render_as<T: Moments>(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let windows = WindowSums { radius: self.radius, border: self.border };
        if input.image().has_alpha() {
            let own = input.crop(out.region()).typed::<T>()?;
            return windows.render_seen::<T, f32>(input, out, ctx, |y, sums, out| {
                seen_deviations(sums, own.channels(), out);
                keep_seen(own.row(y), own.channels(), out);
            });
        }
        let area = windows.area();
        windows.render::<T, f32>(input, out, ctx, |_, sums, out| {
            for (out, &sums) in out.iter_mut().zip(sums) {
                *out = T::moments(sums, area).1 as f32;
            }
        })
    }
}

impl Step for LocalStd {
    const NAME: &'static str = "local_std";
    const VERSION: u32 = 3;
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for LocalStd {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        check::within("radius", self.radius, &RADIUS, "px")?;
        Ok(edges::derived(inputs[0]))
    }

    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        let radius = (self.radius, self.radius);
        neighborhood::footprint(self.border, region, radius, inputs[0].region())
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        dispatch!(inputs[0].sample_type(), T => self.render_as::<T>(&inputs[0], out, ctx))
    }
}
