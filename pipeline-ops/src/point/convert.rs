//! From one sample type to another.

use pipeline_core::{
    Context, Image, In, Layout, Result, Sample, SampleType, Step, Tile, View, ViewMut, dispatch,
    tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::{cast, change_depth, copy_alpha};

/// What keeps its meaning when the sample type changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Range {
    /// White stays white: u8 255, u16 65535 and f32 1.0 are the same.
    #[default]
    FullScale,
    /// The number stays the number, as for counts of photons; alpha keeps its meaning.
    Raw,
}

/// Changes the sample type.
///
/// Full scale: `out = in / white(in) · white(out)`. Raw: `out = in`, but alpha is full scale.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any |
/// | `out` | image | Y X C | `to` | 0 to white; f32 any | as `in` |
///
/// Integers saturate and round half to even.
///
/// **Border**: nothing beyond the pixel is seen. **NaN** becomes 0 in integers.
/// **Cost**: at most one division per sample; the memory of the result; the footprint is the region
/// itself.
/// **Errors**: none of its own.
///
/// **Source**: the formula in NumPy 2.4 on 64-bit floats, rounded once: equal; so
/// `skimage.util.img_as_uint` 0.26. Its `img_as_ubyte` of u16 cuts off what is rounded here.
///
/// ```
/// use pipeline_core::{Context, Image, In, SampleType, Step};
/// use pipeline_ops::point::{Convert, Range};
///
/// let image = Image::from_samples(3, 1, 1, vec![
///     0u8, 100, 255,
/// ])?;
/// let out = Convert::to(SampleType::U16).run(In::new(image.clone()), &Context::default())?;
/// assert_eq!(out.samples::<u16>(), Some(&[
///     0, 25700, 65535,
/// ][..]));
/// let raw = Convert { to: SampleType::U16, range: Range::Raw };
/// let out = raw.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u16>(), Some(&[
///     0, 100, 255,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Convert {
    /// The sample type to make; default `u8`.
    pub to: SampleType,
    /// What keeps its meaning; default `full_scale`.
    pub range: Range,
}

impl Default for Convert {
    fn default() -> Self {
        Self::to(SampleType::U8)
    }
}

impl Convert {
    /// A conversion that keeps white white.
    #[must_use]
    pub fn to(sample: SampleType) -> Self {
        Self { to: sample, range: Range::FullScale }
    }

    fn render_as<T: Sample, U: Sample>(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let alpha = input.image().has_alpha() && self.range == Range::Raw;
        let input = input.crop(out.region()).typed::<T>()?;
        for (y, row) in out.rows::<U>()? {
            ctx.check()?;
            match self.range {
                Range::FullScale => change_depth(input.row(y), row),
                Range::Raw => cast(input.row(y), row),
            }
            if alpha {
                copy_alpha(input.row(y), input.channels(), row);
            }
        }
        Ok(())
    }
}

impl Step for Convert {
    const NAME: &'static str = "convert";
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

impl Tile for Convert {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        Ok(Layout { sample: self.to, ..inputs[0] })
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        dispatch!(inputs[0].sample_type(), T => {
            dispatch!(self.to, U => self.render_as::<T, U>(&inputs[0], out, ctx))
        })
    }
}
