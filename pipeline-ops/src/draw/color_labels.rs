//! Colours for objects.

use pipeline_core::{
    ColorSpace, Context, Image, In, Labels, Layout, Result, SampleType, Step, Tile, View, ViewMut,
    tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
/// **Cost**: one look-up per pixel; the memory of the image; the footprint is the region itself.
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
    fn render_as<const CHANNELS: usize>(labels: &[u32], out: &mut [u8]) {
        let (out, _) = out.as_chunks_mut::<CHANNELS>();
        for (out, &label) in out.iter_mut().zip(labels) {
            *out = [0; CHANNELS];
            if let Some(before) = label.checked_sub(1) {
                out[..3].copy_from_slice(&COLORS[before as usize % COLORS.len()]);
                out[3..].fill(u8::MAX);
            }
        }
    }
}

impl Step for ColorLabels {
    const NAME: &'static str = "color_labels";
    type Input = In<Labels>;
    type Output = Image;

    fn run(&self, labels: In<Labels>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, labels, &[], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for ColorLabels {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        let channels = if self.transparent { 4 } else { 3 };
        let (sample, color) = (SampleType::U8, ColorSpace::Srgb);
        Ok(Layout { channels, sample, color, ..inputs[0] })
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        let labels = inputs[0].crop(out.region()).typed::<u32>()?;
        for (y, row) in out.rows::<u8>()? {
            ctx.check()?;
            if self.transparent {
                Self::render_as::<4>(labels.row(y), row);
            } else {
                Self::render_as::<3>(labels.row(y), row);
            }
        }
        Ok(())
    }
}
