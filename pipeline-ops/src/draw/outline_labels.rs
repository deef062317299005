//! Outlines of objects on an image.

use pipeline_core::{Context, Image, In, Labels, Result, Step, dispatch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ink::{Ink, allow};
use crate::check::{self, SHARE};
use crate::kernel::{Rows, Side};
use crate::passes;

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
/// else that of the result. Labels have no views, so there are no tiles.
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

impl Step for OutlineLabels {
    const NAME: &'static str = "outline_labels";
    const VERSION: u32 = 2;
    const INPUTS: &'static [&'static str] = &["in", "labels"];
    type Input = (In<Image>, In<Labels>);
    type Output = Image;

    fn run(&self, (image, labels): Self::Input, ctx: &Context<'_>) -> Result<Image> {
        let layout = image.layout();
        allow(layout, self.color, self.opacity)?;
        let size = (labels.width(), labels.height());
        check::same_size(("`labels`", size), ("`in`", check::size(layout)))?;
        let mut image = image.into_owned();
        let (width, channels) = (layout.width as usize, usize::from(layout.channels));
        let labels = |y: usize| &labels.labels()[y.min(size.1 as usize - 1) * width..][..width];
        dispatch!(layout.sample, T => {
            let samples = image.samples_mut::<T>().unwrap_or_default();
            let (row_len, grain) = (layout.row_len(), passes::grain(layout.width));
            ctx.fill_rows(samples, row_len, grain, |first, rows| {
                let ink = Ink::<T>::new(self.color, self.opacity, layout, width);
                let mut before = Vec::with_capacity(row_len);
                for (y, out) in (first..).zip(rows.chunks_exact_mut(row_len)) {
                    let (above, below) = (labels(y.saturating_sub(1)), labels(y + 1));
                    for run in (Rows { above, here: labels(y), below }).runs(self.side) {
                        let out = &mut out[run.start * channels..run.end * channels];
                        before.clear();
                        before.extend_from_slice(out);
                        ink.draw(&before, out);
                    }
                }
                Ok(())
            })?;
        });
        Ok(image)
    }
}
