//! The loop of point operations that change every sample but alpha by itself.

use pipeline_core::{Context, Result, Sample, View, ViewMut, dispatch};

use crate::kernel::{Map, Pixel};

/// Fills `out` with `f(sample, white)` of each sample; alpha is copied.
pub(crate) fn each(
    input: &View<'_>,
    out: &mut ViewMut<'_>,
    ctx: &Context<'_>,
    f: impl Fn(f32, f32) -> f32,
) -> Result<()> {
    let image = input.image();
    let pixel = Pixel { channels: usize::from(image.channels), alpha: image.has_alpha() };
    let input = input.crop(out.region());
    dispatch!(image.sample, T => {
        let input = input.typed::<T>()?;
        let map = Map::new::<T>(pixel, |sample| f(sample, T::WHITE));
        for (y, row) in out.rows::<T>()? {
            ctx.check()?;
            map.row(input.row(y), row);
        }
        Ok(())
    })
}
