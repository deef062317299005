//! Colours for objects.

use pipeline_core::{Context, Image, In, Labels, Layout, Result, SampleType, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::passes;

/// The colours of objects that follow one another: red, blue, yellow, magenta, green, indigo,
/// dark orange, cyan, pink and yellow-green, as style sheets of the web name them.
const COLORS: [[u8; 3]; 10] = [
    [255, 0, 0],
    [0, 0, 255],
    [255, 255, 0],
    [255, 0, 255],
    [0, 128, 0],
    [75, 0, 130],
    [255, 140, 0],
    [0, 255, 255],
    [255, 192, 203],
    [154, 205, 50],
];

/// Gives every object a colour, so that neighbours can be told apart.
///
/// `out = colors[(in - 1) mod 10]`, and black where there is no object.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | labels | Y X | u32 | any | – |
/// | `out` | image | Y X C | u8 | ten colours and black, sRGB | 3, or 4 if `transparent`, of which the last is alpha |
///
/// `alpha_over` lays transparent colours over a photo, as densely as its `opacity` says.
///
/// **Border**: nothing beyond the pixel is seen. **NaN**: labels have none.
/// **Cost**: one look-up per pixel; the memory of the image. Labels have no views, so there are no
/// tiles.
/// **Errors**: none.
///
/// **Source**: scikit-image 0.26 `color.label2rgb` without an image, equal.
///
/// ```
/// use pipeline_core::{Context, In, Labels, Step};
/// use pipeline_ops::draw::ColorLabels;
///
/// let labels = Labels::new(3, 1, vec![
///     0, 1, 2,
/// ])?;
/// let out = ColorLabels::default().run(In::new(labels), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     0, 0, 0,   255, 0, 0,   0, 0, 255,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ColorLabels {
    /// Whether what belongs to no object is transparent and not black; default false.
    pub transparent: bool,
}

impl ColorLabels {
    fn channels(&self) -> u16 {
        if self.transparent { 4 } else { 3 }
    }
}

impl Step for ColorLabels {
    const NAME: &'static str = "color_labels";
    type Input = In<Labels>;
    type Output = Image;

    fn run(&self, labels: In<Labels>, ctx: &Context<'_>) -> Result<Image> {
        let (width, height) = (labels.width(), labels.height());
        let mut image = Image::zeros(Layout::new(width, height, self.channels(), SampleType::U8))?;
        let (row_len, channels) = (image.layout().row_len(), usize::from(self.channels()));
        let samples = image.samples_mut::<u8>().unwrap_or_default();
        ctx.fill_rows(samples, row_len, passes::grain(width), |first, rows| {
            let labels = &labels.labels()[first * width as usize..];
            for (out, &label) in rows.chunks_exact_mut(channels).zip(labels) {
                if let Some(before) = label.checked_sub(1) {
                    out[..3].copy_from_slice(&COLORS[before as usize % COLORS.len()]);
                    out[3..].fill(u8::MAX);
                }
            }
            Ok(())
        })?;
        Ok(image)
    }
}
