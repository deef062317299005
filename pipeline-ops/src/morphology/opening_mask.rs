//! Erosion of a mask, then dilation.

use pipeline_core::step::CutOff;
use pipeline_core::{
    Context, In, Layout, Mask, Region, Result, Spec, Step, Tile, View, ViewMut, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Element;
use super::flat::Flat;
use crate::kernel::{Border, Least, Most};
use crate::neighborhood::RADIUS;

/// Removes foreground that a structuring element does not fit into; keeps the shape of the rest.
///
/// `out = dilate(erode(in))`, both over `element`: all places of the element within the foreground.
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
/// **Cost**: twice that of `erode_mask`; memory as the footprint, which is the region and 2 ·
/// `radius` pixels on each side, never more than twice the side of the image.
/// **Errors**: a radius outside its range; a constant that is neither 0 nor 1.
///
/// A mask that comes out as before spares the steps below from running.
///
/// **Source**: `skimage.morphology.opening` 0.26, and with every border
/// `scipy.ndimage.grey_opening`
/// 1.17: equal.
///
/// ```
/// use pipeline_core::{Context, In, Mask, Step};
/// use pipeline_ops::morphology::OpeningMask;
///
/// let mask = Mask::from_bytes(6, 4, vec![
///     0, 0, 0, 0, 0, 1,
///     0, 1, 1, 1, 0, 0,
///     0, 1, 1, 1, 1, 1,
///     0, 1, 1, 1, 0, 0,
/// ])?;
/// let out = OpeningMask::default().run(In::new(mask), &Context::default())?;
/// assert_eq!(out.bytes(), [
///     0, 0, 0, 0, 0, 0,
///     0, 1, 1, 1, 0, 0,
///     0, 1, 1, 1, 0, 0,
///     0, 1, 1, 1, 0, 0,
/// ]);
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OpeningMask {
    /// The structuring element; default `square`.
    pub element: Element,
    /// Pixels on each side of the middle; 0 changes nothing. 0 to 4096 px, default 1.
    #[schemars(range(min = *RADIUS.start(), max = *RADIUS.end()), extend("x-unit" = "px"))]
    pub radius: u32,
    /// What lies beyond the edge; default `replicate`.
    pub border: Border,
}

impl Default for OpeningMask {
    fn default() -> Self {
        Self { element: Element::Square, radius: 1, border: Border::Replicate }
    }
}

impl OpeningMask {
    const fn flat(&self) -> Flat {
        Flat { element: self.element, radius: self.radius, border: self.border }
    }
}

impl Step for OpeningMask {
    const NAME: &'static str = "opening_mask";
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

impl Tile for OpeningMask {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        self.flat().check_mask()?;
        Ok(inputs[0])
    }

    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        self.flat().footprint_of_two(region, inputs[0].region())
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        self.flat().twice::<Least, Most>(&inputs[0], out, ctx)
    }
}
