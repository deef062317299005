//! The loop of point operations that change every sample but alpha by itself.

use pipeline_core::{Result, Sample, View, ViewMut, dispatch};

use crate::kernel::{Pixel, map};

/// Fills `out` with `f(sample, white)` of each sample; alpha is copied.
pub(crate) fn each(
    input: &View<'_>,
    out: &mut ViewMut<'_>,
    f: impl Fn(f32, f32) -> f32,
) -> Result<()> {
    let image = input.image();
    let pixel = Pixel { channels: usize::from(image.channels), alpha: image.has_alpha() };
    let input = input.crop(out.region());
    dispatch!(image.sample, T => {
        let input = input.typed::<T>()?;
        let rows = out.rows::<T>()?.map(|(y, row)| (input.row(y), row));
        map(rows, pixel, |sample| f(sample, T::WHITE));
        Ok(())
    })
}
