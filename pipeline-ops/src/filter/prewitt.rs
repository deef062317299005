//! Prewitt derivatives and their magnitude.

use pipeline_core::{Context, Image, In, Layout, Region, Result, Step, Tile, View, ViewMut, tile};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::edges::{EdgeOutput, Edges};
use crate::kernel::{Border, Smoothing};

/// Finds edges by derivatives that are averaged over three pixels.
///
/// `gx = ⅓ [1 1 1]ᵀ · [-1 0 1]`, `gy = ⅓ [-1 0 1]ᵀ · [1 1 1]`, magnitude `√((gx² + gy²) / 2)`.
/// So a step from black to white along an axis gives a derivative of white and a magnitude of
/// white / √2, and no magnitude passes white.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any; alpha is kept |
/// | `out` | image | Y X C | magnitude as `in`; x and y f32 | magnitude from 0; x and y signed, in the unit of `in` | as `in` |
///
/// Derivatives are data, and data has no alpha: the last channel of an image with alpha then holds
/// the opacity as a number from 0 to 1. Colours count by their alpha, and for what is not seen of a
/// pixel the colour of the one in the middle stands: what is transparent does not show, and its
/// outline is no edge. At a pixel of which nothing is seen all is 0.
///
/// **Border**: by `border`: `replicate` `aaa│abcd│ddd`, `reflect` `dcba│abcd│dcba`, `mirror`
/// `dcb│abcd│cba`, `wrap` `abcd│abcd│abcd`, `constant` `vvv│abcd│vvv`.
/// **NaN** makes the neighbours NaN whose sums it enters: for x all but those above and below, for
/// y all but those left and right, for the magnitude all eight, and its own place only where it
/// stands for what is not seen beside it; infinity makes them NaN or infinity.
/// **Cost**: about 20 operations per sample, 30 with alpha; two rows of floats of memory, seven
/// with alpha; the footprint is the region and 1 pixel on each side.
/// **Errors**: none of its own.
///
/// **Source**: `skimage.filters.prewitt`, `prewitt_v` (x) and `prewitt_h` (y) 0.26 on samples taken
/// as floats: within 1 for integers, 1e-5 of the largest sample for f32. SciPy's `prewitt` is 3
/// times the derivatives.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::filter::{Prewitt, EdgeOutput};
///
/// let image = Image::from_samples(4, 3, 1, vec![
///     0u8, 0, 0,  0,
///     0,   0, 0,  0,
///     0,   0, 0, 48,
/// ])?;
/// let step = Prewitt { output: EdgeOutput::X, ..Default::default() };
/// let out = step.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<f32>(), Some(&[
///     0.0, 0.0,  0.0,  0.0,
///     0.0, 0.0, 16.0, 16.0,
///     0.0, 0.0, 32.0, 32.0,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Prewitt {
    /// Magnitude or one derivative; default `magnitude`.
    pub output: EdgeOutput,
    /// What lies beyond the edge; default `replicate`.
    pub border: Border,
}

impl Prewitt {
    fn edges(&self) -> Edges {
        let smoothing = Smoothing { side: 1.0, middle: 1.0 };
        Edges { smoothing, output: self.output, border: self.border }
    }
}

impl Step for Prewitt {
    const NAME: &'static str = "prewitt";
    const VERSION: u32 = 2;
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for Prewitt {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        Ok(self.edges().layout(inputs))
    }

    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        self.edges().footprint(region, inputs)
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        self.edges().render(&inputs[0], out, ctx)
    }
}
