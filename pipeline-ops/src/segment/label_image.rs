//! Labels as a picture.

use pipeline_core::{
    ColorSpace, Context, Error, Image, In, Labels, Layout, Result, Sample, SampleType, Step, Tile,
    View, ViewMut, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::widest;

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
/// **Cost**: one conversion per pixel; the memory of the image; the footprint is the region itself.
/// **Errors**: an object whose number the samples do not have: above 255 for u8, 65535 for u16,
/// 16777216 for f32.
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

impl LabelImage {
    fn render_as<T: Sample>(
        labels: &View<'_>,
        out: &mut ViewMut<'_>,
        (most, sample): (u32, impl Fn(u32) -> T),
    ) -> Result<()> {
        let labels = labels.crop(out.region()).typed::<u32>()?;
        for (y, row) in out.rows::<T>()? {
            let labels = labels.row(y);
            let bits = widest(
                #[inline(always)]
                || {
                    let mut bits = 0;
                    for (out, &label) in row.iter_mut().zip(labels) {
                        *out = sample(label);
                        bits |= label;
                    }
                    bits
                },
            );
            // No label is above all their bits together.
            if bits <= most {
                continue;
            }
            let largest = labels.iter().copied().max().unwrap_or(0);
            if largest > most {
                let expected = format!("at most {most} for {}", T::TYPE);
                return Err(Error::input("the number of an object", largest, expected));
            }
        }
        Ok(())
    }
}

impl Step for LabelImage {
    const NAME: &'static str = "label_image";
    type Input = In<Labels>;
    type Output = Image;

    fn run(&self, labels: In<Labels>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, labels, &[], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for LabelImage {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        Ok(Layout { sample: self.to, color: ColorSpace::Data, ..inputs[0] })
    }

    #[expect(clippy::cast_possible_truncation, reason = "no label is above the largest sample")]
    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, _: &Context<'_>) -> Result<()> {
        let labels = &inputs[0];
        match self.to {
            SampleType::U8 => Self::render_as(labels, out, (u8::MAX.into(), |label| label as u8)),
            SampleType::U16 => {
                Self::render_as(labels, out, (u16::MAX.into(), |label| label as u16))
            }
            _ => Self::render_as(labels, out, (1 << f32::MANTISSA_DIGITS, |label| label as f32)),
        }
    }
}
