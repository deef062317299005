//! A plane seen at an angle, seen from the front.

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

/// Where a corner may lie, in pixels.
const PLACE: RangeInclusive<f64> = -1e6..=1e6;

/// Makes a rectangle of a part of the image with four corners: a page, a board, a front.
///
/// `out(p) = in(H p)`, where `H` is the projective map that takes the corners of the result to
/// `corners`. Pixel centres lie at half integers, the image's corner at `(0, 0)`.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any |
/// | `out` | image of the given size | Y X C | as `in` | those of `in` and of the border; `catmull_rom` a little beyond | as `in` |
///
/// Colours are weighted by their alpha, so that what is transparent does not show. Each sample is
/// made of the pixels around one place, so a map that shrinks much skips pixels: resize before.
///
/// **Border**: by `border`: `replicate` `aaa│abcd│ddd`, `reflect` `dcba│abcd│dcba`, `mirror`
/// `dcb│abcd│cba`, `wrap` `abcd│abcd│abcd`, `constant` `vvv│abcd│vvv`.
/// **NaN** and infinity spread over the samples that are made of them, also with a weight of 0.
/// **Cost**: a division per pixel and 4 multiplications per sample, 16 for `catmull_rom`; no memory
/// but the result; the footprint is the box around the mapped region and up to 3 pixels on each
/// side.
/// **Errors**: a corner or a side outside its range; corners that do not make a convex
/// quadrilateral.
///
/// **Source**: Heckbert, *Fundamentals of Texture Mapping and Image Warping* (1989);
/// `skimage.transform.warp` 0.26 by a `ProjectiveTransform`, orders 0, 1 and 3 (its order 3 is the
/// cubic of Catmull and Rom), on floats, rounded once: equal for `nearest`, within 1 for integers,
/// 1e-5 of the largest sample for f32.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::geometry::Perspective;
///
/// let image = Image::from_samples(4, 3, 1, vec![
///     10u8, 20, 30, 40,
///     50,   60, 70, 80,
///     90,  100, 110, 120,
/// ])?;
/// // What is twice as wide below as above.
/// let corners = Some([[1.5, 0.5], [2.5, 0.5], [3.0, 2.5], [1.0, 2.5]]);
/// let step = Perspective { corners, width: Some(2), height: Some(2), ..Default::default() };
/// let out = step.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     34, 39,
///     69, 77,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Perspective {
    /// Places `[x, y]` in the input of what becomes the top left, top right, bottom right and
    /// bottom left corner; those of the image if left out. Numbers from -1000000 to 1000000 px.
    #[schemars(inner(inner(range(min = *PLACE.start(), max = *PLACE.end()))))]
    pub corners: Option<[[f64; 2]; 4]>,
    /// Width of the result; the longer of the upper and the lower side if left out. 1 to 1048576
    /// px.
    #[schemars(range(min = *SIDE.start(), max = *SIDE.end()), extend("x-unit" = "px"))]
    pub width: Option<u32>,
    /// Height of the result; the longer of the left and the right side if left out. 1 to 1048576
    /// px.
    #[schemars(range(min = *SIDE.start(), max = *SIDE.end()), extend("x-unit" = "px"))]
    pub height: Option<u32>,
    /// How samples between pixels are made; default `bilinear`.
    pub filter: Sampling,
    /// What lies beyond the edge; default {"constant":0.0}.
    pub border: Border,
}

impl Default for Perspective {
    fn default() -> Self {
        Self {
            corners: None,
            width: None,
            height: None,
            filter: Sampling::Bilinear,
            border: Border::Constant(0.0),
        }
    }
}

impl Perspective {
    fn corners(&self, image: Layout) -> [[f64; 2]; 4] {
        let (width, height) = (f64::from(image.width), f64::from(image.height));
        self.corners.unwrap_or([[0.0, 0.0], [width, 0.0], [width, height], [0.0, height]])
    }

    /// The width and the height of the result.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the sides of a quadrilateral whose corners are in range fit"
    )]
    fn size(&self, image: Layout) -> (u32, u32) {
        let corners = self.corners(image);
        let longer = |sides: [(usize, usize); 2]| {
            let length = |(from, to): (usize, usize)| {
                let ([x, y], [to_x, to_y]) = (corners[from], corners[to]);
                (to_x - x).hypot(to_y - y)
            };
            sides.map(length).into_iter().fold(1.0, f64::max).round() as u32
        };
        let width = self.width.unwrap_or_else(|| longer([(0, 1), (3, 2)]));
        (width, self.height.unwrap_or_else(|| longer([(0, 3), (1, 2)])))
    }

    fn warp(&self, image: Layout) -> Result<Warp> {
        let (width, height) = self.size(image);
        let corners = self.corners(image);
        let size = (f64::from(width), f64::from(height));
        let map = Transform::onto(corners, size).ok_or_else(|| {
            let expected = "those of a convex quadrilateral, one after the other";
            Error::input("corners", format!("{corners:?}"), expected)
        })?;
        Ok(Warp { map, filter: self.filter, border: self.border })
    }
}

impl Step for Perspective {
    const NAME: &'static str = "perspective";
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

impl Tile for Perspective {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        for (corner, place) in self.corners.iter().flatten().enumerate() {
            for (axis, &place) in place.iter().enumerate() {
                check::within(&format!("corners[{corner}][{axis}]"), place, &PLACE, "px")?;
            }
        }
        for (name, side) in [("width", self.width), ("height", self.height)] {
            side.map_or(Ok(()), |side| check::within(name, side, &SIDE, "px"))?;
        }
        let (width, height) = self.size(inputs[0]);
        check::within("the width that follows from `corners`", width, &SIDE, "px")?;
        check::within("the height that follows from `corners`", height, &SIDE, "px")?;
        self.warp(inputs[0])?;
        Ok(Layout { width, height, ..inputs[0] })
    }

    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        // Without a map there is no layout, so nobody asks.
        self.warp(inputs[0]).map_or(inputs[0].region(), |warp| warp.footprint(region, inputs[0]))
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        self.warp(inputs[0].image())?.render(&inputs[0], out, ctx)
    }
}
