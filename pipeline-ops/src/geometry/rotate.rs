//! Any angle.

use std::ops::RangeInclusive;

use pipeline_core::{Context, Image, In, Layout, Region, Result, Step, Tile, View, ViewMut, tile};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::warp::Warp;
use crate::check;
use crate::kernel::{Border, Sampling, Transform};

/// The angles that are taken, in degrees.
const ANGLE: RangeInclusive<f64> = -360.0..=360.0;

/// Parts of a pixel by which a turned corner may stand out without a pixel being added for it: what
/// rounding makes of a corner on an edge.
const SLACK: f64 = 1e-6;

/// How large a turned image is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Canvas {
    /// As before; corners are cut off.
    #[default]
    Keep,
    /// As large as holds all of it.
    Expand,
}

/// Turns the image clockwise by any angle around its middle.
///
/// `out(p) = in(R⁻¹ (p - m') + m)`, where `R` turns by `angle`, and `m`, `m'` are the middles of
/// both images. With `expand` the sides are `⌈w |cos| + h |sin|⌉` and `⌈w |sin| + h |cos|⌉`.
/// Quarter turns are exact.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any |
/// | `out` | image, of the size of `in` or larger | Y X C | as `in` | those of `in` and of the border; `catmull_rom` a little beyond | as `in` |
///
/// Colours are weighted by their alpha, so that what is transparent does not show. The corners are
/// transparent where there is alpha and the border is a constant of 0.
///
/// **Border**: by `border`: `replicate` `aaa│abcd│ddd`, `reflect` `dcba│abcd│dcba`, `mirror`
/// `dcb│abcd│cba`, `wrap` `abcd│abcd│abcd`, `constant` `vvv│abcd│vvv`.
/// **NaN** and infinity spread over the samples that are made of them, also with a weight of 0.
/// **Cost**: 4 multiplications per sample, 16 for `catmull_rom`; no memory but the result; the
/// footprint is the box around the turned region and up to 3 pixels on each side.
/// **Errors**: an angle outside its range; a result above the limit of one image.
///
/// **Source**: `skimage.transform.warp` 0.26 with orders 0, 1 and 3 (its order 3 is the cubic of
/// Catmull and Rom) on floats, rounded once: equal for `nearest`, within 1 for integers, 1e-5 of
/// the largest sample for f32. Its `rotate`, Pillow and OpenCV count angles the other way round.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::geometry::{Canvas, Rotate};
///
/// let image = Image::from_samples(3, 2, 1, vec![
///     10u8, 20, 30,
///     40,   50, 60,
/// ])?;
/// let step = Rotate { angle: 45.0, canvas: Canvas::Expand, ..Default::default() };
/// let out = step.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///      0,  5,  1,  0,
///     19, 28, 16,  2,
///      4, 40, 42, 14,
///      0,  5, 28,  0,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rotate {
    /// How far, clockwise; counterclockwise if negative. -360 to 360 degrees, default 0.
    #[schemars(range(min = *ANGLE.start(), max = *ANGLE.end()), extend("x-unit" = "degrees"))]
    pub angle: f64,
    /// How large the result is; default `keep`.
    pub canvas: Canvas,
    /// How samples between pixels are made; default `bilinear`.
    pub filter: Sampling,
    /// What lies beyond the edge; default {"constant":0.0}.
    pub border: Border,
}

impl Default for Rotate {
    fn default() -> Self {
        Self {
            angle: 0.0,
            canvas: Canvas::Keep,
            filter: Sampling::Bilinear,
            border: Border::Constant(0.0),
        }
    }
}

impl Rotate {
    /// A turn by this angle that keeps the size.
    #[must_use]
    pub fn by(angle: f64) -> Self {
        Self { angle, ..Self::default() }
    }

    /// Cosine and sine of the angle; those of quarter turns are whole numbers.
    fn turn(&self) -> (f64, f64) {
        let quarters = (self.angle / 90.0).round();
        let (sin, cos) = (self.angle - quarters * 90.0).to_radians().sin_cos();
        match quarters.rem_euclid(4.0) {
            1.0 => (-sin, cos),
            2.0 => (-cos, -sin),
            3.0 => (sin, -cos),
            _ => (cos, sin),
        }
    }

    fn size(&self, image: Layout) -> (u32, u32) {
        if self.canvas == Canvas::Keep {
            return (image.width, image.height);
        }
        let (cos, sin) = self.turn();
        let (width, height) = (f64::from(image.width), f64::from(image.height));
        (side(width * cos.abs() + height * sin.abs()), side(width * sin.abs() + height * cos.abs()))
    }

    fn warp(&self, image: Layout) -> Warp {
        let (cos, sin) = self.turn();
        let middle = |(width, height)| (f64::from(width) / 2.0, f64::from(height) / 2.0);
        let (x, y) = middle((image.width, image.height));
        let (to_x, to_y) = middle(self.size(image));
        let map = Transform::affine([
            cos,
            sin,
            x - (cos * to_x + sin * to_y),
            -sin,
            cos,
            y - (cos * to_y - sin * to_x),
        ]);
        Warp { map, filter: self.filter, border: self.border }
    }
}

/// The side of an image that is this long: pixels that are cut count whole.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and what saturates is above the limit of one image"
)]
fn side(length: f64) -> u32 {
    (length - SLACK).ceil().max(1.0) as u32
}

impl Step for Rotate {
    const NAME: &'static str = "rotate";
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

impl Tile for Rotate {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        check::within("angle", self.angle, &ANGLE, "degrees")?;
        let (width, height) = self.size(inputs[0]);
        Ok(Layout { width, height, ..inputs[0] })
    }

    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        self.warp(inputs[0]).footprint(region, inputs[0])
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        self.warp(inputs[0].image()).render(&inputs[0], out, ctx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quarter_turns_are_whole_numbers() {
        let turns = [(0.0, (1.0, 0.0)), (90.0, (0.0, 1.0)), (180.0, (-1.0, 0.0))];
        for (angle, expected) in turns {
            assert_eq!(Rotate::by(angle).turn(), expected, "{angle}");
            assert_eq!(Rotate::by(angle - 360.0).turn(), expected, "{angle} - 360");
        }
        assert_eq!(Rotate::by(-90.0).turn(), (0.0, -1.0));
        for angle in [-300.0f64, -100.0, 10.0, 44.9, 45.1, 135.0, 225.0, 300.0] {
            let (cos, sin) = Rotate::by(angle).turn();
            assert!((cos - angle.to_radians().cos()).abs() < 1e-12, "{angle}");
            assert!((sin - angle.to_radians().sin()).abs() < 1e-12, "{angle}");
        }
    }
}
