//! How much noise one image has against another.

use pipeline_core::data::Raster;
use pipeline_core::step::CutOff;
use pipeline_core::{Context, Image, In, Result, Spec, Step, dispatch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Table, similar};
use crate::kernel::Squares;
use crate::passes;

/// Measures how far an image is from a reference: mean squared error and peak signal-to-noise
/// ratio.
///
/// `mse = Σ (in - reference)² / n` over all n samples, `psnr = 10 log₁₀(range² / mse)` in decibels.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any |
/// | `reference` | image | Y X C | as `in` | any | as `in`; the same size |
/// | `out` | table | – | f64 | one row of `mse` and `psnr` | – |
///
/// Every channel, alpha included, counts. The ratio of equal images is infinite.
///
/// **Border**: nothing beyond the edge is seen. **NaN** in any sample makes both NaN.
/// **Cost**: one pass over both images; memory for one number per row. The whole image counts, so
/// there are no tiles.
/// **Errors**: images of different size, channels, sample type or colour space, unless one is data;
/// a range that is not above 0.
///
/// A table that comes out as before spares the steps below from running.
///
/// **Source**: `skimage.metrics.peak_signal_noise_ratio` and `mean_squared_error` 0.26, within 1e-9
/// of the value.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::measure::Psnr;
///
/// let image = Image::from_samples(2, 2, 1, vec![
///     10u8, 20,
///     30,   40,
/// ])?;
/// let reference = Image::from_samples(2, 2, 1, vec![
///     10u8, 22,
///     30,   40,
/// ])?;
/// let inputs = (In::new(image), In::new(reference));
/// let out = Psnr::default().run(inputs, &Context::default())?;
/// assert_eq!(out.column("mse"), Some(&[1.0][..]));
/// assert_eq!(out.column("psnr").map(|db| db[0].round()), Some(48.0));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Psnr {
    /// The difference of the brightest and the darkest sample there may be; if left out 255 of u8,
    /// 65535 of u16, 1 of f32. More than 0 sample.
    #[schemars(extend("exclusiveMinimum" = 0.0, "x-unit" = "sample"))]
    pub range: Option<f32>,
}

impl Step for Psnr {
    const NAME: &'static str = "psnr";
    const VERSION: u32 = 2;
    const INPUTS: &'static [&'static str] = &["in", "reference"];
    type Input = (In<Image>, In<Image>);
    type Output = Table;

    fn run(&self, (image, reference): Self::Input, ctx: &Context<'_>) -> Result<Table> {
        similar::check(&image, &reference)?;
        let range = similar::range(self.range, image.sample_type())?;
        let mse = dispatch!(image.sample_type(), T => error::<T>(&image, &reference, ctx))?;
        let psnr = 10.0 * (range * range / mse).log10();
        Table::new(vec![("mse", vec![mse]), ("psnr", vec![psnr])])
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}

/// The mean squared error.
#[expect(clippy::cast_precision_loss, reason = "counts of samples are below 2^53")]
fn error<T: Squares>(image: &Image, reference: &Image, ctx: &Context<'_>) -> Result<f64> {
    let (a, b) = (image.view().typed::<T>()?, reference.view().typed::<T>()?);
    let size = (image.width(), image.height());
    let rows = passes::each_row(size, ctx, |y| T::squares(a.row(y), b.row(y)))?;
    Ok(rows.iter().sum::<f64>() / image.layout().sample_count()? as f64)
}
