//! Erosion of a mask.

use pipeline_core::step::CutOff;
use pipeline_core::{
    Context, In, Layout, Mask, Region, Result, Spec, Step, Tile, View, ViewMut, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Element;
use super::flat::Flat;
use crate::kernel::{Border, Least};
use crate::neighborhood::RADIUS;

/// Shrinks the foreground of a mask by a structuring element.
///
/// `out(x, y)` is foreground where all `in(x + i, y + j)` are, `(i, j)` of `element`.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | mask | Y X | – | true or false | – |
/// | `out` | mask | Y X | – | true or false | – |
///
/// **Border**: by `border`: `replicate` `aaa│abcd│ddd`, `reflect` `dcba│abcd│dcba`, `mirror`
/// `dcb│abcd│cba`, `wrap` `abcd│abcd│abcd`, `constant` `vvv│abcd│vvv`. The first three show nothing
/// that the element does not see within the image: it is cut off at the edge.
/// **NaN**: a mask has none.
/// **Cost**: time and memory as `erode` of an image of u8; the footprint is the region and `radius`
/// pixels on each side, never more than the side of the image.
/// **Errors**: a radius outside its range; a constant that is neither 0 nor 1.
///
/// A mask that comes out as before spares the steps below from running.
///
/// **Source**: `skimage.morphology.erosion` 0.26, and with every border
/// `scipy.ndimage.grey_erosion`
/// 1.17: equal.
///
/// ```
/// use pipeline_core::{Context, In, Mask, Step};
/// use pipeline_ops::morphology::ErodeMask;
///
/// let mask = Mask::from_bytes(6, 4, vec![
///     0, 0, 0, 0, 0, 0,
///     0, 1, 1, 1, 1, 0,
///     0, 1, 1, 1, 1, 1,
///     0, 1, 1, 1, 1, 0,
/// ])?;
/// let out = ErodeMask::default().run(In::new(mask), &Context::default())?;
/// assert_eq!(out.bytes(), [
///     0, 0, 0, 0, 0, 0,
///     0, 0, 0, 0, 0, 0,
///     0, 0, 1, 1, 0, 0,
///     0, 0, 1, 1, 0, 0,
/// ]);
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ErodeMask {
    /// The structuring element; default `square`.
    pub element: Element,
    /// Pixels on each side of the middle; 0 changes nothing. 0 to 4096 px, default 1.
    #[schemars(range(min = *RADIUS.start(), max = *RADIUS.end()), extend("x-unit" = "px"))]
    pub radius: u32,
    /// What lies beyond the edge; default `replicate`.
    pub border: Border,
}

impl Default for ErodeMask {
    fn default() -> Self {
        Self { element: Element::Square, radius: 1, border: Border::Replicate }
    }
}

impl ErodeMask {
    const fn flat(&self) -> Flat {
        Flat { element: self.element, radius: self.radius, border: self.border }
    }
}

impl Step for ErodeMask {
    const NAME: &'static str = "erode_mask";
    type Input = In<Mask>;
    type Output = Mask;

    fn run(&self, mask: In<Mask>, ctx: &Context<'_>) -> Result<Mask> {
        tile(self, mask, &[], ctx)
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for ErodeMask {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        self.flat().check_mask()?;
        Ok(inputs[0])
    }

    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        self.flat().footprint(region, inputs[0].region())
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        self.flat().once::<Least>(&inputs[0], out, ctx)
    }
}
