//! Sobel derivatives and their magnitude.

use pipeline_core::{
    ColorSpace, Context, Image, In, Layout, Region, Result, Sample, SampleType, Step, Tile, View,
    ViewMut, dispatch, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::{Border, copy_alpha, derivatives, pad_row, vertical};
use crate::neighborhood::{self, Rows};

/// What a Sobel filter gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SobelOutput {
    /// The strength of edges of any direction.
    #[default]
    Magnitude,
    /// The derivative along x: positive where samples rise to the right.
    X,
    /// The derivative along y: positive where samples rise downwards.
    Y,
}

/// Finds edges by smoothed derivatives.
///
/// `gx = ¼ [1 2 1]ᵀ · [-1 0 1]`, `gy = ¼ [-1 0 1]ᵀ · [1 2 1]`, magnitude `√((gx² + gy²) / 2)`.
/// So a step from black to white along an axis gives a derivative of white and a magnitude of
/// white / √2, and no magnitude passes white.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any; alpha is kept |
/// | `out` | image | Y X C | magnitude as `in`; x and y f32 | magnitude from 0; x and y signed, in the unit of `in` | as `in` |
///
/// Derivatives are data, and data has no alpha: the last channel of an image with alpha then holds
/// the opacity as a number from 0 to 1.
///
/// **Border**: by `border`: `replicate` `aaa│abcd│ddd`, `reflect` `dcba│abcd│dcba`, `mirror`
/// `dcb│abcd│cba`, `wrap` `abcd│abcd│abcd`, `constant` `vvv│abcd│vvv`.
/// **NaN** makes the neighbours NaN whose sums it enters: for x all but those above and below, for
/// y all but those left and right, for the magnitude all eight, and never its own place; infinity
/// makes them NaN or infinity.
/// **Cost**: about 20 operations per sample; four rows of floats of memory; the footprint is the
/// region and 1 pixel on each side.
/// **Errors**: none of its own.
///
/// **Source**: `skimage.filters.sobel`, `sobel_v` (x) and `sobel_h` (y) 0.26 on samples taken as
/// floats: within 1 for integers, 1e-5 of the largest sample for f32. SciPy's `sobel` is 4 times
/// the derivatives.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::filter::{Sobel, SobelOutput};
///
/// let image = Image::from_samples(4, 3, 1, vec![
///     0u8, 0, 80, 80, // 0 80 80 0
///     0,   0, 80, 80, // 0 80 80 0
///     0,   0, 80, 80, // 0 80 80 0
/// ])?;
/// let step = Sobel { output: SobelOutput::X, ..Default::default() };
/// let out = step.run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<f32>(), Some(&[
///     0.0, 80.0, 80.0, 0.0,
///     0.0, 80.0, 80.0, 0.0,
///     0.0, 80.0, 80.0, 0.0,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sobel {
    /// Magnitude or one derivative; default `magnitude`.
    pub output: SobelOutput,
    /// What lies beyond the edge; default `replicate`.
    pub border: Border,
}

impl Sobel {
    fn render_as<T: Sample, U: Sample>(
        &self,
        input: &View<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let region = out.region();
        let alpha = input.image().has_alpha();
        let rows = Rows::<T>::new(input, region, (1, 1), self.border)?;
        let own = input.crop(region).typed::<T>()?;
        let span = rows.span(region, 1);
        let constant = 4.0 * rows.constant().to_f32();
        let (len, channels) = (rows.row_len(), span.channels);
        let padded_len = (region.width as usize + 2) * channels;

        let mut window = Vec::with_capacity(3);
        ctx.scratch(|scratch| {
            scratch.samples::<f32, _>(len + 2 * padded_len, |memory, _| {
                let (columns, padded) = memory.split_at_mut(len);
                let (smooth, rise) = padded.split_at_mut(padded_len);
                for (y, out) in out.rows::<U>()? {
                    ctx.check()?;
                    rows.window(y, 1, &mut window);
                    vertical(&window, &[1.0, 2.0, 1.0], columns);
                    pad_row(columns, smooth, span, self.border, constant);
                    // Not with a weight of 0 for the row between, which would spread its NaN.
                    vertical(&[window[0], window[2]], &[-1.0, 1.0], columns);
                    pad_row(columns, rise, span, self.border, 0.0);

                    let (smooth, rise) = (&*smooth, &*rise);
                    match self.output {
                        SobelOutput::X => derivatives(smooth, rise, channels, out, |x, _| x),
                        SobelOutput::Y => derivatives(smooth, rise, channels, out, |_, y| y),
                        SobelOutput::Magnitude => {
                            let magnitude = |x: f32, y: f32| ((x * x + y * y) / 2.0).sqrt();
                            derivatives(smooth, rise, channels, out, magnitude);
                        }
                    }
                    if alpha {
                        copy_alpha(own.row(y), channels, out);
                    }
                }
                Ok(())
            })
        })
    }
}

impl Step for Sobel {
    const NAME: &'static str = "sobel";
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

impl Tile for Sobel {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        let layout = inputs[0];
        Ok(match self.output {
            SobelOutput::Magnitude => layout,
            SobelOutput::X | SobelOutput::Y => {
                Layout { sample: SampleType::F32, color: ColorSpace::Data, ..layout }
            }
        })
    }

    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        neighborhood::footprint(self.border, region, (1, 1), inputs[0].region())
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        let input = &inputs[0];
        dispatch!(input.sample_type(), T => {
            if out.sample_type() == T::TYPE {
                self.render_as::<T, T>(input, out, ctx)
            } else {
                self.render_as::<T, f32>(input, out, ctx)
            }
        })
    }
}
