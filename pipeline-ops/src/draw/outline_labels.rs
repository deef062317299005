//! Outlines of objects on an image.

use pipeline_core::data::Raster;
use pipeline_core::{
    Context, Image, In, Labels, Layout, Region, Result, Sample, Step, Tile, View, ViewMut,
    dispatch, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ink::{Ink, allow};
use crate::check::{self, SHARE};
use crate::kernel::{Rows, Side};

/// Draws the outlines of objects on an image.
///
/// `out = (1 - opacity) in + opacity color` at pixels of an outline: those that one of their four
/// neighbours in the image differs from in its label, on the chosen side.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | 1 or 3, or 2 or 4 of which the last is alpha |
/// | `labels` | labels | Y X | u32 | any, in the size of `in` | – |
/// | `out` | image | Y X C | as `in` | those of `in`, and the colour | as `in` |
///
/// Gray images take the colour's brightness (Rec. 601); `shuffle_channels` makes them RGB. What is
/// transparent becomes visible where an outline is.
///
/// **Border**: the edge of the image is no outline. **NaN** stays where nothing is drawn, and under
/// an outline that is not opaque.
/// **Cost**: a copy of the image and nine look-ups per pixel; no memory where it works in place,
/// else that of the result; the footprint is the region itself, and of the labels the region with
/// one pixel around it.
/// **Errors**: other numbers of channels; colours in HSV or L\*a\*b\*; labels of another size; a
/// parameter outside its range.
///
/// **Source**: scikit-image 0.26 `segmentation.find_boundaries`, equal.
///
/// ```
/// use pipeline_core::{Context, Image, In, Labels, Step};
/// use pipeline_ops::draw::OutlineLabels;
///
/// let image = Image::from_samples(5, 3, 1, vec![9u8; 15])?;
/// let labels = Labels::new(5, 3, vec![
///     1, 1, 1, 0, 0,
///     1, 1, 1, 0, 2,
///     1, 1, 1, 0, 0,
/// ])?;
/// let step = OutlineLabels { color: [1.0; 3], ..OutlineLabels::default() };
/// let out = step.run((In::new(image), In::new(labels)), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     9, 9, 255, 9,   9,
///     9, 9, 255, 9, 255,
///     9, 9, 255, 9,   9,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OutlineLabels {
    /// Where outlines lie; default `inner`.
    pub side: Side,
    /// Red, green and blue, as shares of white. 0 to 1, default [1.0,1.0,0.0].
    #[schemars(inner(range(min = *SHARE.start(), max = *SHARE.end())))]
    pub color: [f32; 3],
    /// How much it covers; 0 changes nothing. 0 to 1, default 1.
    #[schemars(range(min = *SHARE.start(), max = *SHARE.end()), extend("x-unit" = "ratio"))]
    pub opacity: f32,
}

impl Default for OutlineLabels {
    fn default() -> Self {
        Self { side: Side::Inner, color: [1.0, 1.0, 0.0], opacity: 1.0 }
    }
}

impl OutlineLabels {
    fn render_as<T: Sample>(
        &self,
        inputs: &[View<'_>],
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let (layout, region) = (out.image(), out.region());
        let seen = around(region, inputs[1].image());
        let input = inputs[0].crop(region).typed::<T>()?;
        let labels = inputs[1].crop(seen).typed::<u32>()?;
        let last = layout.height - 1;
        let first = (region.x - seen.x) as usize;
        let columns = first..first + region.width as usize;
        let channels = usize::from(layout.channels);
        let ink = Ink::<T>::new(self.color, self.opacity, layout, columns.len());
        for (y, out) in out.rows::<T>()? {
            ctx.check()?;
            let before = input.row(y);
            out.copy_from_slice(before);
            let (above, below) = (labels.row(y.saturating_sub(1)), labels.row(last.min(y + 1)));
            let rows = Rows { above, here: labels.row(y), below };
            for run in rows.runs(columns.clone(), self.side) {
                let run = (run.start - first) * channels..(run.end - first) * channels;
                ink.draw(&before[run.clone()], &mut out[run]);
            }
        }
        Ok(())
    }
}

/// What decides on the outlines in a region: its labels and those next to them.
fn around(region: Region, labels: Layout) -> Region {
    region.grow(1, 1, &labels.region())
}

impl Step for OutlineLabels {
    const NAME: &'static str = "outline_labels";
    const VERSION: u32 = 2;
    const INPUTS: &'static [&'static str] = &["in", "labels"];
    type Input = (In<Image>, In<Labels>);
    type Output = Image;

    fn run(&self, (image, labels): Self::Input, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[labels.view()], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for OutlineLabels {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        allow(inputs[0], self.color, self.opacity)?;
        check::same_size(("`labels`", check::size(inputs[1])), ("`in`", check::size(inputs[0])))?;
        Ok(inputs[0])
    }

    fn footprint(&self, input: usize, region: Region, inputs: &[Layout]) -> Region {
        if input == 0 { region } else { around(region, inputs[1]) }
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        dispatch!(out.sample_type(), T => self.render_as::<T>(inputs, out, ctx))
    }
}
