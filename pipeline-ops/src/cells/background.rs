//! What is behind the cells.

use pipeline_core::data::Raster;
use pipeline_core::{
    ColorSpace, Context, Image, In, Layout, Mask, Result, Sample, SampleType, Step, dispatch,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::surface::Fitted;
use crate::morphology::{DilateMask, Element};
use crate::segment::Border;
use crate::{check, passes};

/// The sides of tiles, in pixels.
const TILE: std::ops::RangeInclusive<u32> = 8..=4096;

/// How far the mask may grow, in pixels.
const GROW: std::ops::RangeInclusive<u32> = 0..=4096;

/// How stiff a surface may be.
const STIFFNESS: std::ops::RangeInclusive<f32> = 0.0..=1e6;

/// What a background is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Surface {
    /// The smoothest surface near the levels of tiles, of which there are 16 along an axis at the
    /// most. The level of a tile is the mean of what lies within 2.5 deviations of its median.
    #[default]
    Smooth,
    /// A bicubic spline through the medians of tiles that lie half over each other, as
    /// `pyama` does it. Beyond the outer middles of tiles it stays as it is there.
    Spline,
}

/// What comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// The image without its background.
    #[default]
    Corrected,
    /// The background.
    Background,
}

/// Finds what an image would be without its objects, and takes it away.
///
/// `out = in - b`, where `b` is a smooth surface through the levels of tiles, of pixels that are
/// farther than `grow` from the objects of `mask`.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | 1 |
/// | `mask` | mask, may be left out | Y X | – | true or false | – |
/// | `out` | image | Y X C | f32 | in the unit of `in` | 1 |
///
/// With `smooth` the levels of tiles are weighted by their pixels, and `stiffness` by how much
/// their third differences are small; tiles with fewer than 16 pixels of background follow from the
/// others. With `spline` a tile without any has the median of the whole image, and of fewer than
/// four tiles along an axis it is a polynomial. So images of any size have a background.
///
/// **Border**: nothing beyond the image is seen. **NaN** and infinity of `in` are not counted; they
/// stay in what is corrected.
/// **Cost**: four passes over the image, seven with `spline`; of memory the result, the mask grown,
/// and two rows of sums for each row of tiles. A surface needs the whole image, so there are no
/// tiles of the engine.
/// **Errors**: more than one channel; a mask of another size; a parameter outside its range; no
/// finite sample of background.
///
/// **Source**: `spline`: the background of `pyama`, by SciPy 1.17 within 1e-4 of a count. `smooth`:
/// Eilers (2003), *A perfect smoother*, along two axes.
///
/// ```
/// use pipeline_core::{Context, Image, In, Mask, Step};
/// use pipeline_ops::cells::Background;
///
/// let image = Image::from_samples(4, 2, 1, vec![
///     10u8, 10, 90, 10,
///     10,   10, 90, 10,
/// ])?;
/// let mask = Mask::from_bytes(4, 2, vec![0, 0, 1, 0, 0, 0, 1, 0])?;
/// let step = Background { grow: 0, ..Background::default() };
/// let out = step.run((In::new(image), Some(In::new(mask))), &Context::default())?;
/// let rounded: Vec<f32> = out.samples::<f32>().unwrap_or_default().iter()
///     .map(|sample| sample.round() + 0.0)
///     .collect();
/// assert_eq!(rounded, [
///     0.0, 0.0, 80.0, 0.0,
///     0.0, 0.0, 80.0, 0.0,
/// ]);
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Background {
    /// What the background is taken for; default `smooth`.
    pub surface: Surface,
    /// The side of a tile, about. 8 to 4096 px, default 32.
    #[schemars(range(min = *TILE.start(), max = *TILE.end()), extend("x-unit" = "px"))]
    pub tile: u32,
    /// How far around the objects nothing counts, as a square. 0 to 4096 px, default 10.
    #[schemars(range(min = *GROW.start(), max = *GROW.end()), extend("x-unit" = "px"))]
    pub grow: u32,
    /// How stiff a smooth surface is, beside the levels. 0 to 1000000, a weight without a unit,
    /// default 10.
    #[schemars(range(min = *STIFFNESS.start(), max = *STIFFNESS.end()))]
    pub stiffness: f32,
    /// What comes out; default `corrected`.
    pub output: Shown,
}

impl Default for Background {
    fn default() -> Self {
        Self {
            surface: Surface::Smooth,
            tile: 32,
            grow: 10,
            stiffness: 10.0,
            output: Shown::Corrected,
        }
    }
}

impl Background {
    /// As `pyama` does it.
    #[must_use]
    pub fn compatible() -> Self {
        Self { surface: Surface::Spline, tile: 256, ..Self::default() }
    }
}

impl Step for Background {
    const NAME: &'static str = "background";
    const INPUTS: &'static [&'static str] = &["in", "mask"];
    type Input = (In<Image>, Option<In<Mask>>);
    type Output = Image;

    fn run(&self, (image, mask): Self::Input, ctx: &Context<'_>) -> Result<Image> {
        check::within("tile", self.tile, &TILE, "px")?;
        check::within("grow", self.grow, &GROW, "px")?;
        check::within("stiffness", self.stiffness, &STIFFNESS, "")?;
        check::single_channel(image.layout())?;
        let size = (image.width(), image.height());
        let grow = |mask: In<Mask>| -> Result<Mask> {
            check::same_size(("`mask`", (mask.width(), mask.height())), ("`in`", size))?;
            let (element, radius) = (Element::Square, self.grow);
            DilateMask { element, radius, border: Border::Replicate }.run(mask, ctx)
        };
        let mask = mask.map(grow).transpose()?;
        let layout = Layout { sample: SampleType::F32, color: ColorSpace::Data, ..image.layout() };
        let mut out = Image::zeros(layout)?;
        let samples = out.samples_mut::<f32>().unwrap_or_default();
        dispatch!(image.sample_type(), T => {
            let plane = image.view().typed::<T>()?;
            let how = (self.surface, self.tile, self.stiffness);
            let fitted = Fitted::of(plane, mask.as_ref(), how, ctx)?;
            let row_len = size.0 as usize;
            ctx.fill_rows(samples, row_len, passes::grain(size.0), |first, rows| {
                let numbers = (first..).filter_map(|y| u32::try_from(y).ok());
                for (out, y) in rows.chunks_exact_mut(row_len).zip(numbers) {
                    fitted.fill(y, out);
                    if self.output == Shown::Corrected {
                        let both = out.iter_mut().zip(plane.row(y));
                        both.for_each(|(out, sample)| *out = sample.to_f32() - *out);
                    }
                }
                Ok(())
            })?;
        });
        Ok(out)
    }
}
