//! The loop of steps that change the three colours of a pixel together.

use pipeline_core::{ColorSpace, Context, Error, Layout, Result, View, ViewMut, dispatch};

use crate::check::step_before;
use crate::kernel::{Share, change_colors, copy_alpha};

/// Refuses images that are not three colours, or these and a fourth channel, and those of another
/// colour space than `expected`. Data may be anything, so it is taken.
pub(super) fn check(layout: Layout, expected: ColorSpace) -> Result<()> {
    if !matches!(layout.channels, 3 | 4) {
        return Err(Error::input("the image", layout, "3 channels, or 4"));
    }
    if layout.color == expected || layout.color == ColorSpace::Data {
        return Ok(());
    }
    let before = match expected {
        ColorSpace::Hsv => " as `to_hsv` makes it, or Data",
        ColorSpace::Lab => " as `to_lab` makes it, or Data",
        _ => step_before(layout.color, expected),
    };
    let (found, expected) = (format_args!("{:?}", layout.color), format!("{expected:?}{before}"));
    Err(Error::input("the colour space", found, expected))
}

/// Fills `out` with `f` of the three colours of each pixel, which are given as their `shares` and
/// taken as shares of white. A fourth channel is copied, at full scale where
/// the sample type changes.
pub(super) fn each_color(
    input: &View<'_>,
    out: &mut ViewMut<'_>,
    ctx: &Context<'_>,
    shares: &impl Share,
    f: impl Fn([f32; 3]) -> [f32; 3] + Copy,
) -> Result<()> {
    dispatch!(input.sample_type(), T => dispatch!(out.sample_type(), U => {
        let input = input.crop(out.region()).typed::<T>()?;
        for (y, out) in out.rows::<U>()? {
            ctx.check()?;
            change_colors(input.row(y), input.channels(), shares, f, out);
            if input.channels() == 4 {
                copy_alpha(input.row(y), input.channels(), out);
            }
        }
        Ok(())
    }))
}
