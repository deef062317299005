//! The loop of steps that change the three colours of a pixel together.

use pipeline_core::{ColorSpace, Context, Error, Layout, Result, View, ViewMut, dispatch};

use crate::kernel::{Share, change_colors, copy_alpha};

/// Refuses images that are not three colours, or these and a fourth channel, and those that are
/// light where encoded samples are expected.
pub(super) fn check(layout: Layout) -> Result<()> {
    if !matches!(layout.channels, 3 | 4) {
        return Err(Error::input("the image", layout, "3 channels, or 4"));
    }
    if layout.color == ColorSpace::LinearSrgb {
        let expected = "Srgb; put a `from_linear` step before";
        return Err(Error::input("the colour space", "LinearSrgb", expected));
    }
    Ok(())
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
