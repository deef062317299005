//! Pixels added around an image.

use std::ops::RangeInclusive;

use pipeline_core::{
    Context, Error, Image, In, Layout, Region, Result, Step, Tile, View, ViewMut, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shift::Shift;
use crate::check;
use crate::kernel::Border;

/// How many pixels are added on one side.
const SIDE: RangeInclusive<u32> = 0..=1 << 20;

/// Adds pixels around the image, as a border mode continues it.
///
/// `out(x, y) = in(x - left, y - top)`, where the border mode says what lies beyond the edge.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any |
/// | `out` | image, larger by the sides | Y X C | as `in` | those of `in`, and the constant | as `in` |
///
/// A constant of 0 is transparent where there is alpha. Sides may be longer than the image.
///
/// **Border**: by `border`: `replicate` `aaa│abcd│ddd`, `reflect` `dcba│abcd│dcba`, `mirror`
/// `dcb│abcd│cba`, `wrap` `abcd│abcd│abcd`, `constant` `vvv│abcd│vvv`.
/// **NaN** is copied like any sample.
/// **Cost**: one copy, which is all the memory; the footprint is the region, moved by `left` and
/// `top`, as far as the image reaches, and what the border shows of it.
/// **Errors**: a side outside its range; a result above the limit of one image.
///
/// **Source**: `numpy.pad` 2.4 with the modes `edge`, `symmetric`, `reflect`, `wrap` and
/// `constant`, and libvips 8.18 `embed` with `copy`, `mirror` and `repeat` for the first, second
/// and fourth: equal.
///
/// ```
/// use pipeline_core::{Context, Error, Image, In, Step};
/// use pipeline_ops::geometry::Pad;
///
/// let image = Image::from_samples(2, 2, 1, vec![
///     1u8, 2,
///     3,   4,
/// ])?;
/// let step = Pad { left: 2, top: 1, right: 1, ..Default::default() };
/// let out = step.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     0, 0, 0, 0, 0,
///     0, 0, 1, 2, 0,
///     0, 0, 3, 4, 0,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Pad {
    /// Columns to the left. 0 to 1048576 px, default 0.
    #[schemars(range(min = *SIDE.start(), max = *SIDE.end()), extend("x-unit" = "px"))]
    pub left: u32,
    /// Rows above. 0 to 1048576 px, default 0.
    #[schemars(range(min = *SIDE.start(), max = *SIDE.end()), extend("x-unit" = "px"))]
    pub top: u32,
    /// Columns to the right. 0 to 1048576 px, default 0.
    #[schemars(range(min = *SIDE.start(), max = *SIDE.end()), extend("x-unit" = "px"))]
    pub right: u32,
    /// Rows below. 0 to 1048576 px, default 0.
    #[schemars(range(min = *SIDE.start(), max = *SIDE.end()), extend("x-unit" = "px"))]
    pub bottom: u32,
    /// What the new pixels show; default {"constant":0.0}.
    pub border: Border,
}

impl Default for Pad {
    fn default() -> Self {
        Self { left: 0, top: 0, right: 0, bottom: 0, border: Border::Constant(0.0) }
    }
}

impl Pad {
    fn shift(&self) -> Shift {
        Shift { x: self.left.into(), y: self.top.into(), border: self.border }
    }
}

/// The side of an image of which `more` is added to `side`.
fn padded(name: &str, side: u32, more: u32) -> Result<u32> {
    side.checked_add(more).ok_or_else(|| {
        let found = u64::from(side) + u64::from(more);
        Error::input(name, format!("{found} px"), format!("up to {} px", u32::MAX))
    })
}

impl Step for Pad {
    const NAME: &'static str = "pad";
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for Pad {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        let sides = [
            ("left", self.left),
            ("top", self.top),
            ("right", self.right),
            ("bottom", self.bottom),
        ];
        sides.into_iter().try_for_each(|(name, side)| check::within(name, side, &SIDE, "px"))?;
        let width = padded("the padded width", inputs[0].width, self.left + self.right)?;
        let height = padded("the padded height", inputs[0].height, self.top + self.bottom)?;
        Ok(Layout { width, height, ..inputs[0] })
    }

    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        self.shift().footprint(region, inputs[0])
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        self.shift().render(&inputs[0], out, ctx)
    }
}
