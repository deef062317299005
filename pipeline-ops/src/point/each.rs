//! The loop of point operations that change every sample but alpha by itself.

use pipeline_core::{
    Context, Image, In, Layout, Result, Sample, SampleType, Tile, View, ViewMut, dispatch, tile,
};

use crate::kernel::{Map, Pixel, WORDS, WordTable};

/// Samples of an image for each entry of a table: with fewer of them the table, which every thread
/// makes for itself, would take a good part of the time.
const PER_ENTRY: usize = 16;

/// Fills `out` with `f(sample, white)` of each sample; alpha is copied.
///
/// An `f` that owns its parameters becomes vector code; behind a second reference they would be
/// read for every sample.
pub(crate) fn each(
    input: &View<'_>,
    out: &mut ViewMut<'_>,
    ctx: &Context<'_>,
    f: impl Fn(f32, f32) -> f32,
) -> Result<()> {
    let image = input.image();
    let pixel = pixel_of(&image);
    let input = input.crop(out.region());
    dispatch!(image.sample, T => {
        let input = input.typed::<T>()?;
        let map = Map::new::<T>(pixel, move |sample| f(sample, T::WHITE));
        for (y, row) in out.rows::<T>()? {
            ctx.check()?;
            map.row(input.row(y), row);
        }
        Ok(())
    })
}

/// As [`each`], for an `f` that takes much longer than a look-up. `step` is all that it is made of.
pub(super) fn each_by_table<S: PartialEq + Clone + 'static>(
    step: &S,
    input: &View<'_>,
    out: &mut ViewMut<'_>,
    ctx: &Context<'_>,
    f: impl Fn(f32, f32) -> f32,
) -> Result<()> {
    let image = input.image();
    if image.sample != SampleType::U16 || image.sample_count()? < PER_ENTRY * WORDS {
        return each(input, out, ctx, f);
    }
    let make = || WordTable::new(|sample| f(sample, u16::WHITE));
    let table = ctx.scratch(|scratch| scratch.table(step, make));
    let input = input.crop(out.region()).typed::<u16>()?;
    for (y, row) in out.rows::<u16>()? {
        ctx.check()?;
        table.row(input.row(y), pixel_of(&image), row);
    }
    Ok(())
}

fn pixel_of(image: &Layout) -> Pixel {
    Pixel { channels: usize::from(image.channels), alpha: image.has_alpha() }
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
