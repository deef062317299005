//! A picture put somewhere onto another.

use pipeline_core::data::Raster;
use pipeline_core::{
    Context, Error, Image, In, Layout, Region, Result, Sample, Step, Tile, View, ViewMut, dispatch,
    tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::blend::mix;
use crate::check::{self, SHARE};
use crate::kernel::{BlendMode, Layer};

/// Puts a picture of any size onto another, as a watermark or a part of a collage.
///
/// Where the top lies, `out` is what `blend` in its `normal` mode makes of both; elsewhere it is
/// the bottom. What lies outside of the bottom is not seen.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `bottom` | image | Y X C | u8, u16, f32 | any | 1 to 4 |
/// | `top` | image | Y X C | as `bottom` | any | the same colours, with or without alpha; any size |
/// | `out` | image | Y X C | as `bottom` | 0 to white; f32 any | as `bottom` |
///
/// **Border**: nothing beyond the pixel is seen.
/// **NaN** as in `blend`: that of a top of no opacity and that of a bottom which is covered have no
/// effect.
/// **Cost**: about 10 operations per sample where the top lies, a copy elsewhere; no memory in
/// place of the bottom where possible, else that of the result; the footprint is the region itself,
/// in the top what lies on it.
/// **Errors**: images of different sample type, colours or colour space, unless one is data; an
/// opacity outside its range.
///
/// **Source**: Porter, Duff (1984); Pillow 13 `Image.alpha_composite`, and the formula in NumPy:
/// within 1 for integers, 1e-6 of the largest sample for f32.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::point::AlphaOver;
///
/// let bottom = Image::from_samples(4, 3, 1, vec![10u8; 12])?;
/// let top = Image::from_samples(2, 2, 1, vec![
///     50u8, 60,
///     70,   80,
/// ])?;
/// let step = AlphaOver { x: 3, y: 1, ..Default::default() };
/// let out = step.run((In::new(bottom), In::new(top)), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     10, 10, 10, 10,
///     10, 10, 10, 50,
///     10, 10, 10, 70,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AlphaOver {
    /// The column of the bottom that the first column of the top lies on; may be negative; default
    /// 0.
    #[schemars(extend("x-unit" = "px"))]
    pub x: i32,
    /// The row of the bottom that the first row of the top lies on; may be negative; default 0.
    #[schemars(extend("x-unit" = "px"))]
    pub y: i32,
    /// How much of the top is seen; 0 gives the bottom. 0 to 1, default 1.
    #[schemars(range(min = *SHARE.start(), max = *SHARE.end()), extend("x-unit" = "ratio"))]
    pub opacity: f32,
}

impl Default for AlphaOver {
    fn default() -> Self {
        Self { x: 0, y: 0, opacity: 1.0 }
    }
}

impl AlphaOver {
    /// The part of the top that lies on `region`, and where in the bottom it begins.
    fn meet(&self, region: Region, top: Layout) -> Option<(Region, (u32, u32))> {
        let (x, width) = overlap(region.x, region.width, self.x, top.width)?;
        let (y, height) = overlap(region.y, region.height, self.y, top.height)?;
        Some((Region::new(x.1, y.1, width, height), (x.0, y.0)))
    }

    fn render_as<T: Sample>(
        &self,
        inputs: &[View<'_>],
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let region = out.region();
        let has_alpha = [0, 1].map(|input| inputs[input].image().has_alpha());
        let bottom = inputs[0].crop(region).typed::<T>()?;
        let channels = bottom.channels();
        let Some((part, (left, above))) = self.meet(region, inputs[1].image()) else {
            for (y, out) in out.rows::<T>()? {
                ctx.check()?;
                out.copy_from_slice(bottom.row(y));
            }
            return Ok(());
        };
        let top = inputs[1].crop(part).typed::<T>()?;
        for (y, out) in out.rows::<T>()? {
            ctx.check()?;
            out.copy_from_slice(bottom.row(y));
            if y < above || y - above >= part.height {
                continue;
            }
            let start = (left - region.x) as usize * channels;
            let seen = start..start + part.width as usize * channels;
            let below = Layer { row: &bottom.row(y)[seen.clone()], has_alpha: has_alpha[0] };
            let above = Layer { row: top.row(part.y + (y - above)), has_alpha: has_alpha[1] };
            let colors = channels - usize::from(has_alpha[0]);
            mix(BlendMode::Normal, self.opacity, (below, above), colors, &mut out[seen]);
        }
        Ok(())
    }
}

/// Where `len` places from `start` and `top_len` places from `at` lie on each other: the first such
/// place, the same place counted from `at`, and how many there are.
fn overlap(start: u32, len: u32, at: i32, top_len: u32) -> Option<((u32, u32), u32)> {
    let (at, first) = (i64::from(at), i64::from(at).max(start.into()));
    let end = (i64::from(start) + i64::from(len)).min(at + i64::from(top_len));
    let whole = |place: i64| u32::try_from(place).ok();
    let count = whole(end - first).filter(|&count| count > 0)?;
    Some(((whole(first)?, whole(first - at)?), count))
}

impl Step for AlphaOver {
    const NAME: &'static str = "alpha_over";
    const VERSION: u32 = 2;
    const INPUTS: &'static [&'static str] = &["bottom", "top"];
    type Input = (In<Image>, In<Image>);
    type Output = Image;

    fn run(&self, (bottom, top): (In<Image>, In<Image>), ctx: &Context<'_>) -> Result<Image> {
        tile(self, bottom, &[top.view()], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for AlphaOver {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        check::within("opacity", self.opacity, &SHARE, "")?;
        let (bottom, top) = (inputs[0], inputs[1]);
        if !(1..=4).contains(&bottom.channels) {
            return Err(Error::input("`bottom`", bottom, "1 to 4 channels"));
        }
        check::same_samples(("`top`", top), ("`bottom`", bottom))?;
        check::same_colors(("`top`", top), ("`bottom`", bottom))?;
        check::same_space(("`top`", top), ("`bottom`", bottom))?;
        Ok(bottom)
    }

    fn footprint(&self, input: usize, region: Region, inputs: &[Layout]) -> Region {
        if input == 0 {
            return region.intersect(&inputs[0].region());
        }
        self.meet(region, inputs[1]).map_or(Region::new(0, 0, 0, 0), |(part, _)| part)
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        dispatch!(out.sample_type(), T => self.render_as::<T>(inputs, out, ctx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_lie_on_each_other_wherever_the_top_begins() {
        assert_eq!(overlap(0, 10, -3, 5), Some(((0, 3), 2)));
        assert_eq!(overlap(4, 3, 5, 100), Some(((5, 0), 2)));
        assert_eq!(overlap(4, 3, -100, 1000), Some(((4, 104), 3)));
        assert_eq!(overlap(4, 3, 7, 5), None);
        assert_eq!(overlap(0, u32::MAX, i32::MIN, 1), None);
        assert_eq!(overlap(0, u32::MAX, i32::MAX, u32::MAX), Some((((1 << 31) - 1, 0), 1 << 31)));
    }
}
