//! How similar one image looks to another.

use pipeline_core::data::{Raster, zeros};
use pipeline_core::step::CutOff;
use pipeline_core::{Context, Error, Image, In, Result, Sample, Spec, Step, dispatch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Table, similar};
use crate::kernel::Similarity;
use crate::passes;

/// The weights of the window that an image is compared over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SimilarityWindow {
    /// A square of 7 × 7 pixels, all of which count alike; variances are those of a sample.
    #[default]
    Uniform,
    /// A Gaussian of sigma 1.5, cut off at 5 pixels, as Wang and others (2004) have it.
    Gaussian,
}

/// Measures how similar an image is to a reference: the structural similarity index, 1 where equal.
///
/// The mean, over all places where the window lies within the image, of
///
/// `(2 μₐ μᵦ + c₁) (2 σₐᵦ + c₂) / ((μₐ² + μᵦ² + c₁) (σₐ² + σᵦ² + c₂))`
///
/// with the means, variances and covariance of both images over the window, `c₁ = (0.01 range)²`
/// and `c₂ = (0.03 range)²`.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any |
/// | `reference` | image | Y X C | as `in` | any | as `in`; the same size |
/// | `out` | table | – | f64 | one row per channel: `channel`, `ssim` | – |
///
/// **Border**: only windows within the image count. **NaN** in any sample makes its channel NaN.
/// **Cost**: 10 multiplications per sample and pixel of the window's side; memory for the rows of
/// the window. The whole image counts, so there are no tiles.
/// **Errors**: images of different size, channels, sample type or colour space, unless one is data;
/// images smaller than the window; a range that is not above 0.
///
/// A table that comes out as before spares the steps below from running.
///
/// **Source**: Wang, Bovik, Sheikh, Simoncelli (2004); `skimage.metrics.structural_similarity` 0.26
/// on 64-bit floats, `gaussian` with `gaussian_weights=True, use_sample_covariance=False`, within
/// 1e-9.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::measure::Ssim;
///
/// let image = Image::from_samples(8, 8, 1, (0u8..64).collect::<Vec<_>>())?;
/// let inputs = (In::new(image.clone()), In::new(image));
/// let out = Ssim::default().run(inputs, &Context::default())?;
/// assert_eq!(out.to_csv(), "channel,ssim\n0,1\n");
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ssim {
    /// What is compared at a time; default `uniform`.
    pub window: SimilarityWindow,
    /// The difference of the brightest and the darkest sample there may be; if left out 255 of u8,
    /// 65535 of u16, 1 of f32. More than 0 sample.
    #[schemars(extend("exclusiveMinimum" = 0.0, "x-unit" = "sample"))]
    pub range: Option<f32>,
}

impl Step for Ssim {
    const NAME: &'static str = "ssim";
    const INPUTS: &'static [&'static str] = &["in", "reference"];
    type Input = (In<Image>, In<Image>);
    type Output = Table;

    fn run(&self, (image, reference): Self::Input, ctx: &Context<'_>) -> Result<Table> {
        similar::check(&image, &reference)?;
        let range = similar::range(self.range, image.sample_type())?;
        let similarity = self.similarity(range);
        let size = similarity.size();
        if (image.width().min(image.height()) as usize) < size {
            let expected = format!("at least {size}×{size}");
            return Err(Error::input("the image", image.layout(), expected));
        }
        let channels = 0..image.channels();
        let measured = dispatch!(image.sample_type(), T => channels
            .clone()
            .map(|channel| mean::<T>(&similarity, &image, &reference, channel.into(), ctx))
            .collect::<Result<Vec<f64>>>())?;
        Table::new(vec![("channel", channels.map(f64::from).collect()), ("ssim", measured)])
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}

impl Ssim {
    fn similarity(&self, range: f64) -> Similarity {
        match self.window {
            SimilarityWindow::Uniform => Similarity::uniform(7, range),
            SimilarityWindow::Gaussian => Similarity::gaussian(1.5, 5, range),
        }
    }
}

/// The mean similarity of one channel.
#[expect(clippy::cast_precision_loss, reason = "counts of windows are below 2^53")]
fn mean<T: Sample>(
    similarity: &Similarity,
    image: &Image,
    reference: &Image,
    channel: usize,
    ctx: &Context<'_>,
) -> Result<f64> {
    let (a, b) = (image.view().typed::<T>()?, reference.view().typed::<T>()?);
    let size = similarity.size();
    let (width, height) = (image.width() as usize, image.height() as usize);
    let places = height - size + 1;
    let mut sums = zeros::<f64>(places, || format!("sums of {places} rows"))?;
    // A row takes a whole window of rows, which are converted once for all rows of a chunk.
    let grain = (passes::grain(image.width()) / size).max(size);
    ctx.fill_rows(&mut sums, 1, grain, |first, sums| {
        let rows = first..first + sums.len() + size - 1;
        let channel_of = |row: &[T]| -> Vec<f64> {
            let samples = row[channel..].iter().step_by(a.channels());
            samples.map(|sample| f64::from(sample.to_f32())).collect()
        };
        let rows: Vec<(Vec<f64>, Vec<f64>)> = rows
            .filter_map(|y| u32::try_from(y).ok())
            .map(|y| (channel_of(a.row(y)), channel_of(b.row(y))))
            .collect();
        let rows: Vec<(&[f64], &[f64])> = rows.iter().map(|(a, b)| (&a[..], &b[..])).collect();
        let mut columns = vec![[0.0; 5]; width];
        for (sum, window) in sums.iter_mut().zip(rows.windows(size)) {
            ctx.check()?;
            *sum = similarity.row(window, &mut columns);
        }
        Ok(())
    })?;
    Ok(sums.iter().sum::<f64>() / (places as f64 * (width - size + 1) as f64))
}
