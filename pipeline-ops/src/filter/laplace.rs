//! The Laplace operator.

use pipeline_core::{
    Context, Image, In, Layout, Region, Result, Step, Tile, View, ViewMut, dispatch, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::edges;
use super::weighted::Weighted;
use crate::kernel::{Border, keep_seen};

/// Sums the second derivatives along x and y: how much a pixel differs from the four beside it.
///
/// `out(x, y) = in(x - 1, y) + in(x + 1, y) + in(x, y - 1) + in(x, y + 1) - 4 in(x, y)`: positive
/// where a pixel is darker than its neighbours, 0 on even slopes.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any |
/// | `out` | image | Y X C | f32 | signed, in the unit of `in` | as `in` |
///
/// Derivatives are data, and data has no alpha: the last channel of an image with alpha then holds
/// the opacity as a number from 0 to 1. Colours count by their alpha, and for what is not seen of a
/// pixel the colour of the one in the middle stands: what is transparent does not show, and its
/// outline is no edge. At a pixel of which nothing is seen the sum is 0.
///
/// **Border**: by `border`: `replicate` `aaa│abcd│ddd`, `reflect` `dcba│abcd│dcba`, `mirror`
/// `dcb│abcd│cba`, `wrap` `abcd│abcd│abcd`, `constant` `vvv│abcd│vvv`.
/// **NaN** stays and spreads to its four neighbours; infinity becomes infinity or NaN there.
/// **Cost**: 5 multiplications per sample; three rows of floats of memory; the footprint is the
/// region and 1 pixel on each side.
/// **Errors**: none of its own.
///
/// **Source**: `scipy.ndimage.laplace` 1.17 on samples taken as floats: equal for integers, within
/// 1e-6 of white with alpha, within 1e-5 of the largest sample for f32.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::filter::Laplace;
///
/// let image = Image::from_samples(5, 3, 1, vec![
///     5u8, 5, 5, 5, 5,
///     5,   5, 9, 5, 5,
///     5,   5, 5, 5, 5,
/// ])?;
/// let out = Laplace::default().run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<f32>(), Some(&[
///     0.0, 0.0,   4.0, 0.0, 0.0,
///     0.0, 4.0, -16.0, 4.0, 0.0,
///     0.0, 0.0,   4.0, 0.0, 0.0,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Laplace {
    /// What lies beyond the edge; default `replicate`.
    pub border: Border,
}

impl Laplace {
    fn weighted(&self) -> Weighted {
        let kernel = [[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]];
        Weighted::new(&kernel, self.border)
    }
}

impl Step for Laplace {
    const NAME: &'static str = "laplace";
    const VERSION: u32 = 3;
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for Laplace {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        Ok(edges::derived(inputs[0]))
    }

    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        self.weighted().footprint(region, inputs)
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        let input = &inputs[0];
        let (alpha, channels) = (input.image().has_alpha(), usize::from(input.image().channels));
        dispatch!(input.sample_type(), T => {
            self.weighted().render::<T, f32>(input, out, ctx, |own, sums, out| {
                out.copy_from_slice(sums);
                if alpha {
                    keep_seen(own, channels, out);
                }
            })
        })
    }
}
