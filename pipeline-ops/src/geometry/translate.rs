//! The image moved, by whole pixels or parts of them.

use std::ops::RangeInclusive;

use pipeline_core::{Context, Image, In, Layout, Region, Result, Step, Tile, View, ViewMut, tile};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shift::Shift;
use super::warp::Warp;
use crate::check;
use crate::kernel::{Border, Sampling, Transform};

/// How far an image is moved, in pixels.
const OFFSET: RangeInclusive<f64> = -1e6..=1e6;

/// Moves the image within its frame, to the right by `x` and down by `y`.
///
/// `out(i, j) = in(i - x, j - y)`; between pixels a sample is made by the filter, and whole offsets
/// copy.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any |
/// | `out` | image | Y X C | as `in` | those of `in` and of the border; `catmull_rom` a little beyond | as `in` |
///
/// Colours are weighted by their alpha, so that what is transparent does not show. What moves in is
/// transparent where there is alpha and the border is a constant of 0.
///
/// **Border**: by `border`: `replicate` `aaa│abcd│ddd`, `reflect` `dcba│abcd│dcba`, `mirror`
/// `dcb│abcd│cba`, `wrap` `abcd│abcd│abcd`, `constant` `vvv│abcd│vvv`.
/// **NaN** and infinity spread over the samples that are made of them, also with a weight of 0;
/// whole offsets copy them.
/// **Cost**: a copy for whole offsets, else 4 or 16 multiplications per sample; no memory but the
/// result; the footprint is the region, moved, and up to 3 pixels on each side.
/// **Errors**: an offset outside its range.
///
/// **Source**: `skimage.transform.warp` 0.26 with orders 0, 1 and 3 (its order 3 is the cubic of
/// Catmull and Rom) on floats, rounded once: equal for whole offsets and `nearest`, else within 1
/// for integers, 1e-5 of the largest sample for f32. `nearest` moves by half a pixel as if by
/// slightly less.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::geometry::Translate;
///
/// let image = Image::from_samples(4, 2, 1, vec![
///     10u8, 20, 30, 40,
///     50,   60, 70, 80,
/// ])?;
/// let step = Translate { x: 1.5, y: 0.0, ..Default::default() };
/// let out = step.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     0,  5, 15, 25,
///     0, 25, 55, 65,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Translate {
    /// How far to the right; to the left if negative. -1000000 to 1000000 px, default 0.
    #[schemars(range(min = *OFFSET.start(), max = *OFFSET.end()), extend("x-unit" = "px"))]
    pub x: f64,
    /// How far down; up if negative. -1000000 to 1000000 px, default 0.
    #[schemars(range(min = *OFFSET.start(), max = *OFFSET.end()), extend("x-unit" = "px"))]
    pub y: f64,
    /// How samples between pixels are made; default `bilinear`.
    pub filter: Sampling,
    /// What moves in; default {"constant":0.0}.
    pub border: Border,
}

impl Default for Translate {
    fn default() -> Self {
        Self { x: 0.0, y: 0.0, filter: Sampling::Bilinear, border: Border::Constant(0.0) }
    }
}

impl Translate {
    /// The move by whole pixels that this is, if it is one.
    #[expect(clippy::cast_possible_truncation, reason = "the range of offsets fits")]
    fn shift(&self) -> Option<Shift> {
        let whole = |offset: f64| match self.filter {
            Sampling::Nearest => Some((offset - 0.5).ceil() as i64),
            _ if offset.fract() == 0.0 => Some(offset as i64),
            _ => None,
        };
        Some(Shift { x: whole(self.x)?, y: whole(self.y)?, border: self.border })
    }

    fn warp(&self) -> Warp {
        let map = Transform::affine([1.0, 0.0, -self.x, 0.0, 1.0, -self.y]);
        Warp { map, filter: self.filter, border: self.border }
    }
}

impl Step for Translate {
    const NAME: &'static str = "translate";
    const VERSION: u32 = 2;
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for Translate {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        check::within("x", self.x, &OFFSET, "px")?;
        check::within("y", self.y, &OFFSET, "px")?;
        Ok(inputs[0])
    }

    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        match self.shift() {
            Some(shift) => shift.footprint(region, inputs[0]),
            None => self.warp().footprint(region, inputs[0]),
        }
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        match self.shift() {
            Some(shift) => shift.render(&inputs[0], out, ctx),
            None => self.warp().render(&inputs[0], out, ctx),
        }
    }
}
