//! Labels as a picture.

use pipeline_core::{
    ColorSpace, Context, Error, Image, In, Labels, Layout, Result, Sample, SampleType, Step,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::passes;

/// Turns labels into an image of their numbers, to save or to compute with.
///
/// `out = in`
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | labels | Y X | u32 | any | – |
/// | `out` | image | Y X C | by `to`: u8, u16, f32 | those of `in` | 1, data |
///
/// **Border**: nothing beyond the pixel is seen. **NaN**: labels have none.
/// **Cost**: one conversion per pixel; the memory of the image. Whether the samples have a number
/// for every object is known of the whole, so there are no tiles.
/// **Errors**: more objects than the samples have numbers: 255 of u8, 65535 of u16, 16777216 of
/// f32.
///
/// **Source**: NumPy 2.4 `astype`, equal.
///
/// ```
/// use pipeline_core::{Context, In, Labels, Step};
/// use pipeline_ops::segment::LabelImage;
///
/// let labels = Labels::new(3, 2, vec![
///     0, 1, 1,
///     2, 0, 3,
/// ])?;
/// let out = LabelImage::default().run(In::new(labels), &Context::default())?;
/// assert_eq!(out.samples::<u16>(), Some(&[
///     0, 1, 1,
///     2, 0, 3,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LabelImage {
    /// The type of the samples; default `u16`.
    pub to: SampleType,
}

impl Default for LabelImage {
    fn default() -> Self {
        Self { to: SampleType::U16 }
    }
}

impl Step for LabelImage {
    const NAME: &'static str = "label_image";
    type Input = In<Labels>;
    type Output = Image;

    fn run(&self, labels: In<Labels>, ctx: &Context<'_>) -> Result<Image> {
        let most = match self.to {
            SampleType::U8 => u32::from(u8::MAX),
            SampleType::U16 => u32::from(u16::MAX),
            SampleType::F32 => 1 << f32::MANTISSA_DIGITS,
            SampleType::U32 => return Err(Error::input("to", self.to, "u8, u16 or f32")),
        };
        if labels.count() > most {
            let expected = format!("at most {most} for {}", self.to);
            return Err(Error::input("the number of objects", labels.count(), expected));
        }
        // The type has a sample for every label.
        #[expect(clippy::cast_possible_truncation, reason = "checked above")]
        let image = match self.to {
            SampleType::U8 => image_of(&labels, ctx, |label| label as u8),
            SampleType::U16 => image_of(&labels, ctx, |label| label as u16),
            _ => image_of(&labels, ctx, |label| label as f32),
        };
        Ok(image?.with_color(ColorSpace::Data))
    }
}

/// The image of what is made of each label.
pub(crate) fn image_of<T: Sample>(
    labels: &Labels,
    ctx: &Context<'_>,
    sample: impl Fn(u32) -> T + Sync,
) -> Result<Image> {
    let (width, height) = (labels.width(), labels.height());
    let mut image = Image::zeros(Layout::new(width, height, 1, T::TYPE))?;
    let (width, grain) = (width as usize, passes::grain(width));
    let samples = image.samples_mut::<T>().unwrap_or_default();
    ctx.fill_rows(samples, width, grain, |first, rows| {
        let labels = &labels.labels()[first * width..][..rows.len()];
        rows.iter_mut().zip(labels).for_each(|(out, &label)| *out = sample(label));
        Ok(())
    })?;
    Ok(image)
}
