//! One image of the channels of many.

use pipeline_core::data::Raster;
use pipeline_core::{
    Context, Error, Image, In, Layout, Result, Step, Tile, View, ViewMut, dispatch, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{self, size};
use crate::kernel::merge;

/// Puts the channels of some images behind each other: gray ones for red, green and blue become
/// colour.
///
/// `out = [in 1, in 2, …]`, each with all of its channels.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | any number of images | Y X C | u8, u16, f32, all the same | any | any |
/// | `out` | image | Y X C | as `in` | those of `in` | the sum of those of `in` |
///
/// The colour space is that of the first image, which the others are in too, or are data: of two or
/// four channels of a picture the last is opacity, which has none.
///
/// **Border**: nothing beyond the pixel is seen. **NaN** stays NaN.
/// **Cost**: one copy per sample; the memory of the result; the footprint is the region itself.
/// **Errors**: no image; images of different size, sample type or colour space; more than 65535
/// channels in all.
///
/// **Source**: OpenCV 5 `merge`, equal.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::point::MergeChannels;
///
/// let [red, green, blue] = [[1u8, 4], [2, 5], [3, 6]]
///     .map(|samples| Image::from_samples(2, 1, 1, samples.to_vec()));
/// let inputs = vec![In::new(red?), In::new(green?), In::new(blue?)];
/// let out = MergeChannels {}.run(inputs, &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     1, 2, 3,   4, 5, 6,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MergeChannels {}

impl Step for MergeChannels {
    const NAME: &'static str = "merge_channels";
    type Input = Vec<In<Image>>;
    type Output = Image;

    fn run(&self, mut images: Vec<In<Image>>, ctx: &Context<'_>) -> Result<Image> {
        if images.is_empty() {
            return Err(none());
        }
        let first = images.remove(0);
        let rest: Vec<_> = images.iter().map(|image| image.view()).collect();
        tile(self, first, &rest, ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

fn none() -> Error {
    Error::input("the number of images", 0, "at least one")
}

impl Tile for MergeChannels {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        let first = *inputs.first().ok_or_else(none)?;
        for (at, &input) in inputs.iter().enumerate().skip(1) {
            let name = format!("`in[{at}]`");
            check::same_size((&name, size(input)), ("`in[0]`", size(first)))?;
            check::same_samples((&name, input), ("`in[0]`", first))?;
        }
        let channels: u64 = inputs.iter().map(|input| u64::from(input.channels)).sum();
        let Ok(sum) = u16::try_from(channels) else {
            let expected = format!("at most {}", u16::MAX);
            return Err(Error::input("the number of channels", channels, expected));
        };
        let merged = Layout { channels: sum, ..first };
        for (at, &input) in inputs.iter().enumerate().skip(1) {
            let is_opacity = merged.has_alpha() && at + 1 == inputs.len() && input.channels == 1;
            if !is_opacity {
                let name = format!("`in[{at}]`");
                check::same_space((&name, input), ("`in[0]`", first))?;
            }
        }
        Ok(merged)
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        dispatch!(out.sample_type(), T => {
            let planes = inputs.iter().map(|input| input.crop(out.region()).typed::<T>());
            let planes: Vec<_> = planes.collect::<Result<_>>()?;
            let mut rows = Vec::with_capacity(planes.len());
            for (y, row) in out.rows::<T>()? {
                ctx.check()?;
                rows.clear();
                rows.extend(planes.iter().map(|plane| (plane.row(y), plane.channels())));
                merge(&rows, row);
            }
            Ok(())
        })
    }
}
