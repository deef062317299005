//! How bright an image is.

use pipeline_core::step::CutOff;
use pipeline_core::{Context, Image, In, Mask, Result, Sample, Spec, Step, dispatch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Table;
use super::chosen::Chosen;
use crate::kernel::{Rank, Tally, spread, tally};
use crate::memory::copies;
use crate::passes;

/// Measures the samples of each channel: how many, smallest, largest, mean, deviation and median.
///
/// | column | per channel |
/// |---|---|
/// | `channel` | its place, from 0 |
/// | `count` | samples that are a number, within the mask |
/// | `min`, `max`, `mean` | of them, in units of the samples |
/// | `std` | `√(Σ (in - mean)² / count)` |
/// | `median` | the middle one, or the mean of the middle two |
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any |
/// | `mask` | mask, may be left out | Y X | – | what counts | – |
/// | `out` | table | – | f64 | one row per channel | – |
///
/// **Border**: nothing beyond the edge is seen. **NaN** is not counted. Where nothing is, all but
/// `count` is NaN.
/// **Cost**: two passes over the image; memory for the keys of one channel, to find the median.
/// The whole image counts, so there are no tiles.
/// **Errors**: a mask of another size.
///
/// A table that comes out as before spares the steps below from running.
///
/// **Source**: NumPy 2.4 `min`, `max`, `mean`, `std`, `median` of 64-bit floats, within 1e-9 of the
/// value.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::measure::Statistics;
///
/// let image = Image::from_samples(3, 2, 1, vec![
///     1u8, 2, 3,
///     3,   3, 6,
/// ])?;
/// let out = Statistics {}.run((In::new(image), None), &Context::default())?;
/// assert_eq!(out.column("mean"), Some(&[3.0][..]));
/// assert_eq!(out.column("median"), Some(&[3.0][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Statistics {}

impl Step for Statistics {
    const NAME: &'static str = "statistics";
    const INPUTS: &'static [&'static str] = &["in", "mask"];
    type Input = (In<Image>, Option<In<Mask>>);
    type Output = Table;

    fn run(&self, (image, mask): Self::Input, ctx: &Context<'_>) -> Result<Table> {
        dispatch!(image.sample_type(), T => {
            measure::<T>(&Chosen::new(&image, mask.as_deref())?, ctx)
        })
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}

fn measure<T: Sample>(chosen: &Chosen<'_, T>, ctx: &Context<'_>) -> Result<Table> {
    let size = chosen.size();
    let names = ["channel", "count", "min", "max", "mean", "std", "median"];
    let mut columns = names.map(|name| (name, Vec::new()));
    for channel in 0..chosen.channels() {
        let samples = |y: u32| chosen.row(y, channel);
        let mut all = Tally::default();
        passes::each_row(size, ctx, |y| tally(samples(y)))?.into_iter().for_each(|t| all.add(t));
        let (count, mean) = (count_as_number(all.count), all.mean());
        let squares = passes::each_row(size, ctx, |y| spread(samples(y), mean))?;
        let std = (squares.iter().sum::<f64>() / count).sqrt();
        let median = median(all.count, (0..size.1).map(samples), ctx)?;
        let limit = |limit: f64| if all.count > 0 { limit } else { f64::NAN };
        let (least, most) = (limit(all.least), limit(all.most));
        let row = [count_as_number(channel as u64), count, least, most, mean, std, median];
        columns.iter_mut().zip(row).for_each(|((_, column), number)| column.push(number));
    }
    Table::new(columns.to_vec())
}

#[expect(clippy::cast_precision_loss, reason = "counts of samples are below 2^53")]
fn count_as_number(count: u64) -> f64 {
    count as f64
}

/// The middle of `count` samples.
fn median<I: Iterator<Item = f64>>(
    count: u64,
    rows: impl Iterator<Item = I>,
    ctx: &Context<'_>,
) -> Result<f64> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if count == 0 {
        return Ok(f64::NAN);
    }
    let mut keys =
        copies(0.0f32.key(), count, || format!("{count} samples to find the middle of"))?;
    let mut places = keys.iter_mut();
    for row in rows {
        ctx.check()?;
        // The samples were floats of 32 bits, or integers that fit into them.
        row.zip(&mut places).for_each(|(sample, key)| *key = narrow(sample).key());
    }
    let (below, &mut upper, _) = keys.select_nth_unstable(count / 2);
    let upper = f64::from(f32::from_key(upper));
    let lower = below.iter().max().filter(|_| count.is_multiple_of(2));
    Ok(lower.map_or(upper, |&lower| f64::midpoint(f64::from(f32::from_key(lower)), upper)))
}

#[expect(clippy::cast_possible_truncation, reason = "the number was one of 32 bits before")]
fn narrow(sample: f64) -> f32 {
    sample as f32
}
