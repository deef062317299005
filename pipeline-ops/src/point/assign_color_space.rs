//! Samples that are said to mean something else.

use pipeline_core::{
    ColorSpace, Context, Error, Image, In, Layout, Result, Step, Tile, View, ViewMut, dispatch,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Says what the samples of an image mean, and changes none of them: for files that do not tell, or
/// tell something wrong.
///
/// `out = in`.
///
/// What converts colours, as `to_linear`, `to_hsv` or `convert_profile`, goes by what the samples
/// are said to mean. Where that changes, the image loses its ICC profile, which spoke of the old
/// meaning.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any |
/// | `out` | image in `to` | Y X C | as `in` | as `in` | as `in` |
///
/// **Border**: nothing beyond the pixel is seen. **NaN** stays NaN.
/// **Cost**: no time and no memory alone, a copy where it runs tile by tile; the footprint is the
/// region itself.
/// **Errors**: channels that the colour space does not have: of data any number, of `hsv` and `lab`
/// 3 or 4, else 1 to 4.
///
/// **Source**: `interpretation` of libvips 8.18 `copy`, equal.
///
/// ```
/// use pipeline_core::{ColorSpace, Context, Image, In, Step};
/// use pipeline_ops::point::AssignColorSpace;
///
/// let counts = Image::from_samples(3, 1, 1, vec![0.25f32, 0.5, 1.0])?.with_color(ColorSpace::Data);
/// let step = AssignColorSpace { to: ColorSpace::LinearSrgb };
/// let out = step.run(In::new(counts), &Context::default())?;
/// assert_eq!(out.layout().color, ColorSpace::LinearSrgb);
/// assert_eq!(out.samples::<f32>(), Some(&[
///     0.25, 0.5, 1.0,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AssignColorSpace {
    /// What the samples mean; default `srgb`.
    pub to: ColorSpace,
}

impl Step for AssignColorSpace {
    const NAME: &'static str = "assign_color_space";
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, _: &Context<'_>) -> Result<Image> {
        let before = image.layout();
        let layout = self.layout(&[before])?;
        let image = image.into_owned();
        let icc = image.icc().filter(|_| layout == before).cloned();
        Ok(image.with_color(self.to).with_icc(icc))
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for AssignColorSpace {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        let (channels, expected) = match self.to {
            ColorSpace::Data => (1..=u16::MAX, ""),
            ColorSpace::Hsv | ColorSpace::Lab => (3..=4, "3 or 4 channels"),
            _ => (1..=4, "1 to 4 channels"),
        };
        if !channels.contains(&inputs[0].channels) {
            return Err(Error::input("the image", inputs[0], expected));
        }
        Ok(Layout { color: self.to, ..inputs[0] })
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, _: &Context<'_>) -> Result<()> {
        dispatch!(out.sample_type(), T => {
            let input = inputs[0].crop(out.region()).typed::<T>()?;
            for (y, row) in out.rows::<T>()? {
                row.copy_from_slice(input.row(y));
            }
            Ok(())
        })
    }
}
