//! Masks of what is brighter than a level that the whole image or its surroundings gave.

use pipeline_core::{Context, Image, In, Mask, Result, View, ViewMut, tile};

use crate::kernel::Moments;
use crate::neighborhood::WindowSums;
use crate::point::Threshold;

/// Marks what is brighter than `level`; without one nothing is foreground.
pub(super) fn above(image: In<Image>, level: Option<f64>, ctx: &Context<'_>) -> Result<Mask> {
    // Nothing finite is above this level, so an image that cannot be divided is background.
    let level = level.map_or(f32::MAX, rounded_down);
    tile(&Threshold { level }, image, &[], ctx)
}

/// Fills a mask with what is brighter than the level that `level` makes of the mean and the
/// standard deviation over the square around it.
pub(super) fn above_local<T: Moments>(
    windows: WindowSums,
    input: &View<'_>,
    out: &mut ViewMut<'_>,
    ctx: &Context<'_>,
    level: impl Fn(f64, f64) -> f64,
) -> Result<()> {
    let own = input.crop(out.region()).typed::<T>()?;
    windows.render::<T, u8>(input, out, ctx, |y, sums, out| {
        for ((out, sample), &sums) in out.iter_mut().zip(own.row(y)).zip(sums) {
            let (mean, deviation) = T::moments(sums, windows.area());
            *out = u8::from(f64::from(sample.to_f32()) > level(mean, deviation));
        }
    })
}

/// The largest 32-bit float that is not above `level`: of samples, the same ones are above both.
#[expect(clippy::cast_possible_truncation, reason = "what the cast rounds up is taken back")]
pub(super) fn rounded_down(level: f64) -> f32 {
    let nearest = level as f32;
    if f64::from(nearest) > level { nearest.next_down() } else { nearest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_samples_are_above_a_level_and_what_it_is_rounded_to() {
        for level in [0.1f64, -0.1, 0.3, 1e-50, -1e-50, 100.5, 1.0 - 1e-9] {
            let rounded = rounded_down(level);
            assert!(f64::from(rounded) <= level && level < f64::from(rounded.next_up()), "{level}");
        }
    }
}
