//! Straight lines stay straight, and parallels stay parallel.

use std::ops::RangeInclusive;

use pipeline_core::{
    Context, Error, Image, In, Layout, Region, Result, Step, Tile, View, ViewMut, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::resize::SIDE;
use super::warp::Warp;
use crate::check;
use crate::kernel::{Border, Sampling, Transform};

/// The numbers that a matrix may have.
const ENTRY: RangeInclusive<f64> = -1e6..=1e6;

/// Maps the image by a matrix: scales, turns, shears and moves it in one go.
///
/// The point `(x, y)` goes to `(a x + b y + c, d x + e y + f)` for the matrix `[a, b, c, d, e, f]`;
/// so `out(p) = in(M⁻¹ p)`. Pixel centres lie at half integers, the image's corner at `(0, 0)`.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any |
/// | `out` | image of the given size | Y X C | as `in` | those of `in` and of the border; `catmull_rom` a little beyond | as `in` |
///
/// Colours are weighted by their alpha, so that what is transparent does not show. Each sample is
/// made of the pixels around one place, so a matrix that shrinks much skips pixels: resize before.
///
/// **Border**: by `border`: `replicate` `aaa│abcd│ddd`, `reflect` `dcba│abcd│dcba`, `mirror`
/// `dcb│abcd│cba`, `wrap` `abcd│abcd│abcd`, `constant` `vvv│abcd│vvv`.
/// **NaN** and infinity spread over the samples that are made of them, also with a weight of 0.
/// **Cost**: 4 multiplications per sample, 16 for `catmull_rom`; no memory but the result; the
/// footprint is the box around the mapped region and up to 3 pixels on each side.
/// **Errors**: a number of the matrix or a side outside its range; a matrix without an inverse, or
/// with one that stretches a pixel to more than 1000000.
///
/// **Source**: `skimage.transform.warp` 0.26 with orders 0, 1 and 3 (its order 3 is the cubic of
/// Catmull and Rom) on floats, rounded once: equal for `nearest`, within 1 for integers, 1e-5 of
/// the largest sample for f32. There and in OpenCV pixel centres are whole numbers, so `c` and `f`
/// differ; the inverse of the matrix is that of Pillow's `Image.transform`.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::geometry::Affine;
///
/// let image = Image::from_samples(4, 2, 1, vec![
///     10u8, 20, 30, 40,
///     50,   60, 70, 80,
/// ])?;
/// // A shear: each row half a pixel further to the right than the one above.
/// let step = Affine { matrix: [1.0, 0.5, -0.25, 0.0, 1.0, 0.0], ..Default::default() };
/// let out = step.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     10, 20, 30, 40,
///     25, 55, 65, 75,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Affine {
    /// From places of the input to places of the output. Numbers from -1000000 to 1000000, `c` and
    /// `f` in px; default [1.0,0.0,0.0,0.0,1.0,0.0].
    #[schemars(inner(range(min = *ENTRY.start(), max = *ENTRY.end())))]
    pub matrix: [f64; 6],
    /// Width of the result; that of the input if left out. 1 to 1048576 px.
    #[schemars(range(min = *SIDE.start(), max = *SIDE.end()), extend("x-unit" = "px"))]
    pub width: Option<u32>,
    /// Height of the result; that of the input if left out. 1 to 1048576 px.
    #[schemars(range(min = *SIDE.start(), max = *SIDE.end()), extend("x-unit" = "px"))]
    pub height: Option<u32>,
    /// How samples between pixels are made; default `bilinear`.
    pub filter: Sampling,
    /// What lies beyond the edge; default {"constant":0.0}.
    pub border: Border,
}

impl Default for Affine {
    fn default() -> Self {
        Self {
            matrix: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            width: None,
            height: None,
            filter: Sampling::Bilinear,
            border: Border::Constant(0.0),
        }
    }
}

impl Affine {
    fn warp(&self) -> Result<Warp> {
        let map = Transform::affine(self.matrix).inverse(*ENTRY.end()).ok_or_else(|| {
            let found = format!("{:?}", self.matrix);
            Error::input("matrix", found, "one with an inverse of entries up to 1000000")
        })?;
        Ok(Warp { map, filter: self.filter, border: self.border })
    }
}

impl Step for Affine {
    const NAME: &'static str = "affine";
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

impl Tile for Affine {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        for (at, entry) in self.matrix.into_iter().enumerate() {
            check::within(&format!("matrix[{at}]"), entry, &ENTRY, "")?;
        }
        self.warp()?;
        for (name, side) in [("width", self.width), ("height", self.height)] {
            side.map_or(Ok(()), |side| check::within(name, side, &SIDE, "px"))?;
        }
        let width = self.width.unwrap_or(inputs[0].width);
        let height = self.height.unwrap_or(inputs[0].height);
        Ok(Layout { width, height, ..inputs[0] })
    }

    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        // Without an inverse there is no layout, so nobody asks.
        self.warp().map_or(inputs[0].region(), |warp| warp.footprint(region, inputs[0]))
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        self.warp()?.render(&inputs[0], out, ctx)
    }
}
