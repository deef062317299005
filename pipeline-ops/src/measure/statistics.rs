//! How bright an image is.

use std::ops::Range;

use pipeline_core::step::CutOff;
use pipeline_core::{Context, Image, In, Mask, Result, Sample, Spec, Step, dispatch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Table;
use super::chosen::Chosen;
use crate::kernel::{Digits, Tally, median, spread, tally, tally_counted};
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
/// **Cost**: one pass over an image of integers for every four channels, five over one of floats;
/// memory for counts, at most 2 MB on each thread. The whole image counts, so there are no tiles.
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
    const VERSION: u32 = 2;
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

/// Channels that are counted in one pass.
const TOGETHER: usize = 4;

fn measure<T: Digits>(chosen: &Chosen<'_, T>, ctx: &Context<'_>) -> Result<Table> {
    let names = ["channel", "count", "min", "max", "mean", "std", "median"];
    let mut columns = names.map(|name| (name, Vec::new()));
    for first in (0..chosen.channels()).step_by(TOGETHER) {
        let channels = first..chosen.channels().min(first + TOGETHER);
        let firsts = count(chosen, channels.clone(), T::FIRST, ctx, |rows, channel, counts| {
            T::count_firsts(chosen.samples(rows, channel), counts);
        })?;
        for (channel, firsts) in channels.zip(firsts.chunks_exact(T::FIRST)) {
            let (all, squares) = if T::SECOND == 1 {
                of_counts::<T>(firsts)
            } else {
                of_rows(chosen, channel, ctx)?
            };
            let median = median::<T, _>(firsts, |digit| {
                count(chosen, channel..channel + 1, T::SECOND, ctx, |rows, channel, counts| {
                    let digits = chosen.samples(rows, channel).map(T::split);
                    let wanted = digits.filter(|&(first, _)| first == digit);
                    wanted.for_each(|(_, second)| counts[second] += 1);
                })
            })?;
            let (count, mean) = (number(all.count), all.mean());
            let std = (squares / count).sqrt();
            let limit = |limit: f64| if all.count > 0 { limit } else { f64::NAN };
            let (least, most) = (limit(all.least), limit(all.most));
            let row = [number(channel as u64), count, least, most, mean, std, median];
            columns.iter_mut().zip(row).for_each(|((_, column), number)| column.push(number));
        }
    }
    Table::new(columns.to_vec())
}

/// Sums and squared differences from the mean, where the first digits are all that samples have.
fn of_counts<T: Digits>(counts: &[u64]) -> (Tally, f64) {
    let sample = |(digit, &count)| (f64::from(T::from_digits(digit, 0).to_f32()), count);
    tally_counted(counts.iter().enumerate().map(sample))
}

/// The same in two passes over the rows.
fn of_rows<T: Sample>(
    chosen: &Chosen<'_, T>,
    channel: usize,
    ctx: &Context<'_>,
) -> Result<(Tally, f64)> {
    let (size, samples) = (chosen.size(), |y: u32| chosen.row(y, channel));
    let mut all = Tally::default();
    passes::each_row(size, ctx, |y| tally(samples(y)))?.into_iter().for_each(|row| all.add(row));
    let squares = passes::each_row(size, ctx, |y| spread(samples(y), all.mean()))?;
    Ok((all, squares.iter().sum()))
}

/// What `add` counts in rows of some channels, in `len` counts for each channel.
fn count<T: Sample>(
    chosen: &Chosen<'_, T>,
    channels: Range<usize>,
    len: usize,
    ctx: &Context<'_>,
    add: impl Fn(Range<usize>, usize, &mut [u64]) + Sync,
) -> Result<Vec<u64>> {
    passes::counts(chosen.size(), len * channels.len(), ctx, |rows, counts| {
        for (channel, counts) in channels.clone().zip(counts.chunks_exact_mut(len)) {
            add(rows.clone(), channel, counts);
        }
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts of samples are below 2^53")]
fn number(count: u64) -> f64 {
    count as f64
}
