//! Foreground by the level that two classes agree upon.

use pipeline_core::data::Raster;
use pipeline_core::step::CutOff;
use pipeline_core::{Context, Image, In, Mask, Result, SampleType, Spec, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::level;
use crate::kernel::{Count, li, means_of_counts, total_between};
use crate::memory::copies;
use crate::{check, statistics};

/// Marks as foreground what is brighter than Li's level, which loses the least information.
///
/// `out = in > t`. With samples counted from the darkest one, `a` the mean of those up to `t` and
/// `b` of those above it, `t = (b - a) / (ln b - ln a)`: sought from the mean of all, until it
/// moves by half a sample or less, or, for floats, not at all.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | 1 |
/// | `out` | mask | Y X | – | true or false | – |
///
/// An image of one value is all background.
///
/// **Border**: nothing beyond the pixel is seen. **NaN** and infinity are not counted; NaN is
/// background.
/// **Cost**: two passes over the image; for f32 one for each step of the search, some 10 to 30. Of
/// memory the mask, and one histogram per thread or four numbers per row. The level needs the whole
/// image, so there are no tiles.
/// **Errors**: more than one channel.
///
/// A mask that comes out as before spares the steps below from running.
///
/// **Source**: Li, Tam (1998); `skimage.filters.threshold_li` 0.26, equal.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::segment::Li;
///
/// let image = Image::from_samples(4, 2, 1, vec![
///     10u8, 12, 200, 210,
///     11,   13, 190, 220,
/// ])?;
/// let out = Li {}.run(In::new(image), &Context::default())?;
/// assert_eq!(out.bytes(), [
///     0, 0, 1, 1,
///     0, 0, 1, 1,
/// ]);
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Li {}

impl Li {
    /// The level that divides the image; none if its samples are all equal or not finite.
    ///
    /// # Errors
    /// [`Error::Input`](pipeline_core::Error::Input) if it has more than one channel, and
    /// [`Error::Cancelled`](pipeline_core::Error::Cancelled).
    pub fn level(image: &Image, ctx: &Context<'_>) -> Result<Option<f64>> {
        check::single_channel(image.layout())?;
        if image.sample_type() == SampleType::F32 {
            return of_floats(image, ctx);
        }
        let Some(histogram) = statistics::histogram(image, ctx)? else {
            return Ok(None);
        };
        let is_filled = |&count: &u64| count > 0;
        let darkest = histogram.counts.iter().position(is_filled).unwrap_or(0);
        let brightest = histogram.counts.iter().rposition(is_filled).unwrap_or(0);
        if darkest == brightest {
            return Ok(None);
        }
        let counts = &histogram.counts[darkest..=brightest];
        let (mean, _) = means_of_counts(counts, f64::INFINITY);
        let level = li(mean, 0.5, |level| Ok(means_of_counts(counts, level)))?;
        Ok(Some(level + histogram.bins.value(darkest)))
    }
}

/// Samples that one chunk of rows sums.
const CHUNK: usize = 1 << 16;

fn of_floats(image: &Image, ctx: &Context<'_>) -> Result<Option<f64>> {
    let Some((darkest, brightest)) = statistics::limits(image, ctx, f32::range)? else {
        return Ok(None);
    };
    if darkest >= brightest {
        return Ok(None);
    }
    let view = image.view().typed::<f32>()?;
    let grain = (CHUNK / image.layout().row_len()).max(1);
    // Rows are added up in their order, whoever summed them.
    let count = image.height() as usize;
    let mut rows = copies([[0.0; 2]; 2], count, || format!("sums of {count} rows"))?;
    let mut means_at = |level: f32| -> Result<[f64; 2]> {
        ctx.fill_rows(&mut rows, 1, grain, |first, totals| {
            let numbers = (first..).filter_map(|y| u32::try_from(y).ok());
            for (totals, y) in totals.iter_mut().zip(numbers) {
                // Neither is taken from the total of both, in which a few large samples would hide
                // the small ones.
                let row = view.row(y);
                let below = total_between(row, f32::NEG_INFINITY, level);
                *totals = [below, total_between(row, level, f32::MAX)];
            }
            Ok(())
        })?;
        let add = |class: usize, at: usize| rows.iter().map(|row| row[class][at]).sum::<f64>();
        Ok([0, 1].map(|class| add(class, 0) / add(class, 1)))
    };
    let darkest = f64::from(darkest);
    let [mean, _] = means_at(f32::MAX)?;
    let level = li(mean - darkest, 0.0, |level| {
        let [below, above] = means_at(level::rounded_down(level + darkest))?;
        Ok((below - darkest, above - darkest))
    })?;
    Ok(Some(level + darkest))
}

impl Step for Li {
    const NAME: &'static str = "li";
    type Input = In<Image>;
    type Output = Mask;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Mask> {
        let level = Self::level(&image, ctx)?;
        level::above(image, level, ctx)
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}
