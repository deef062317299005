//! The loop of point operations that change every sample but alpha by itself.

use pipeline_core::{
    Context, Image, In, Layout, Result, Sample, Tile, View, ViewMut, dispatch, tile,
};

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

/// Makes `f(sample, white)` of each sample of an image; alpha is copied. For steps that look at the
/// whole image before they know `f`.
pub(super) fn map(
    image: In<Image>,
    ctx: &Context<'_>,
    f: impl Fn(f32, f32) -> f32 + Send + Sync,
) -> Result<Image> {
    tile(&Each(f), image, &[], ctx)
}

struct Each<F>(F);

impl<F: Fn(f32, f32) -> f32 + Send + Sync> Tile for Each<F> {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        Ok(inputs[0])
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        each(&inputs[0], out, ctx, &self.0)
    }
}
