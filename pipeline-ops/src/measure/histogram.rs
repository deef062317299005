//! How often each brightness occurs.

use std::ops::RangeInclusive;

use bytemuck::cast_slice;
use pipeline_core::data::{Plane, zeros};
use pipeline_core::step::CutOff;
use pipeline_core::{Context, Image, In, Mask, Result, Sample, SampleType, Spec, Step, dispatch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Table;
use super::chosen::Chosen;
use crate::kernel::{Digits, EvenBins, count_bytes};
use crate::{check, passes};

/// How many bins there may be.
const BINS: RangeInclusive<u32> = 1..=65_536;

/// Counts the samples of each channel in bins of equal width.
///
/// Bin k holds the samples from `low + k w` to before `low + (k + 1) w`, with `w = (high - low) /
/// bins`; the last holds `high` too. Samples below `low` or above `high` are not counted.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | any |
/// | `mask` | mask, may be left out | Y X | – | what counts | – |
/// | `out` | table | – | f64 | one row per bin: `low`, `high`, and `channel_0` and so on | – |
///
/// **Border**: nothing beyond the edge is seen. **NaN** is not counted.
/// **Cost**: one pass over the image, two where limits of f32 are left out; memory for the counts
/// on each thread. The whole image counts, so there are no tiles.
/// **Errors**: bins outside their range; limits that are not numbers, or `high` not above `low`; a
/// mask of another size.
///
/// A table that comes out as before spares the steps below from running.
///
/// **Source**: `numpy.histogram` 2.4 of 64-bit floats, equal.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::measure::Histogram;
///
/// let image = Image::from_samples(4, 1, 1, vec![
///     0u8, 10, 200, 255,
/// ])?;
/// let step = Histogram { bins: 2, ..Default::default() };
/// let out = step.run((In::new(image), None), &Context::default())?;
/// assert_eq!(out.to_csv(), "low,high,channel_0\n0,128,2\n128,256,2\n");
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Histogram {
    /// The number of bins. 1 to 65536, a count without a unit, default 256.
    #[schemars(range(min = *BINS.start(), max = *BINS.end()))]
    pub bins: u32,
    /// Where the first bin begins, in units of the samples; if left out 0 of u8 and u16, the
    /// smallest finite sample of f32.
    #[schemars(extend("x-unit" = "sample"))]
    pub low: Option<f32>,
    /// Where the last bin ends, in units of the samples; if left out 256 of u8, 65536 of u16, the
    /// largest finite sample of f32.
    #[schemars(extend("x-unit" = "sample"))]
    pub high: Option<f32>,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { bins: 256, low: None, high: None }
    }
}

impl Step for Histogram {
    const NAME: &'static str = "histogram";
    const INPUTS: &'static [&'static str] = &["in", "mask"];
    type Input = (In<Image>, Option<In<Mask>>);
    type Output = Table;

    fn run(&self, (image, mask): Self::Input, ctx: &Context<'_>) -> Result<Table> {
        check::within("bins", self.bins, &BINS, "")?;
        dispatch!(image.sample_type(), T => {
            self.count::<T>(&Chosen::new(&image, mask.as_deref())?, ctx)
        })
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}

impl Histogram {
    fn count<T: Digits>(&self, chosen: &Chosen<'_, T>, ctx: &Context<'_>) -> Result<Table> {
        let (low, high) = self.limits(chosen, ctx)?;
        let count = self.bins as usize;
        let bins = EvenBins::new(low, high, count);
        let total = match chosen.whole() {
            Some(plane) if T::TYPE == SampleType::U8 => count_whole(plane, &bins, ctx)?,
            Some(plane) if T::TYPE == SampleType::F32 => count_floats(plane, &bins, ctx)?,
            _ => count_chosen(chosen, &bins, ctx)?,
        };

        let edges = bins.edges();
        let mut columns = vec![
            ("low".to_owned(), edges[..count].to_vec()),
            ("high".to_owned(), edges[1..].to_vec()),
        ];
        for (channel, counts) in total.chunks_exact(count).enumerate() {
            let numbers = counts.iter().map(|&count| number(count)).collect();
            columns.push((format!("channel_{channel}"), numbers));
        }
        Table::new(columns)
    }

    /// The limits that are given, and for those that are not, what the samples have.
    fn limits<T: Digits>(&self, chosen: &Chosen<'_, T>, ctx: &Context<'_>) -> Result<(f64, f64)> {
        let (mut low, mut high) = (self.low.map(f64::from), self.high.map(f64::from));
        if T::TYPE != SampleType::F32 {
            low = low.or(Some(0.0));
            high = high.or(Some(f64::from(T::WHITE) + 1.0));
        } else if low.is_none() || high.is_none() {
            let rows = passes::each_row(chosen.size(), ctx, |y| chosen.extremes(y))?;
            let all = rows.into_iter().flatten();
            let all = all.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
            // Without a spread the bins lie around the one value, as in the reference.
            let (least, most) = match all {
                None => (0.0, 1.0),
                Some((least, most)) if least == most => (least - 0.5, most + 0.5),
                Some(range) => range,
            };
            low = low.or(Some(least));
            high = high.or(Some(most));
        }
        let (low, high) = (low.unwrap_or(f64::NAN), high.unwrap_or(f64::NAN));
        check::range(low, (self.high.map(f64::from), high))?;
        Ok((low, high))
    }
}

/// The counts of an image of bytes, of which each number is placed once, after it is counted.
fn count_whole<T: Sample>(
    plane: Plane<'_, T>,
    bins: &EvenBins,
    ctx: &Context<'_>,
) -> Result<Vec<u64>> {
    let (channels, size) = (plane.channels(), (plane.region().width, plane.region().height));
    let numbers = passes::counts(size, 256 * channels, ctx, |rows, counts| {
        let rows = rows.filter_map(|y| u32::try_from(y).ok());
        count_bytes(rows.map(|y| cast_slice(plane.row(y))), channels, counts);
    })?;
    let count = bins.edges().len() - 1;
    let mut total = zeros::<u64>(count * channels, || format!("{count} counts"))?;
    let places: Vec<_> = integers::<T>().map(|n| bins.place(n)).collect();
    for (total, numbers) in total.chunks_exact_mut(count).zip(numbers.chunks_exact(256)) {
        for (&place, number) in places.iter().zip(numbers) {
            if let Some(place) = place {
                total[place] += number;
            }
        }
    }
    Ok(total)
}

/// Floats that are placed before they are counted.
const PART: usize = 512;

/// The counts of an image of floats.
fn count_floats<T: Sample>(
    plane: Plane<'_, T>,
    bins: &EvenBins,
    ctx: &Context<'_>,
) -> Result<Vec<u64>> {
    let (channels, size) = (plane.channels(), (plane.region().width, plane.region().height));
    let (count, len) = (bins.edges().len() - 1, (PART / channels).max(1) * channels);
    passes::counts(size, count * channels, ctx, |rows, counts| {
        let mut places = vec![0; len];
        for y in rows.filter_map(|y| u32::try_from(y).ok()) {
            for samples in cast_slice::<T, f32>(plane.row(y)).chunks(len) {
                let places = &mut places[..samples.len()];
                bins.places(samples, places);
                for (channel, counts) in counts.chunks_exact_mut(count).enumerate() {
                    for &place in places.iter().skip(channel).step_by(channels) {
                        if let Some(count) = counts.get_mut(place as usize) {
                            *count += 1;
                        }
                    }
                }
            }
        }
    })
}

/// The counts of what a mask chooses, or of 16-bit samples, of which each number is placed once.
fn count_chosen<T: Sample>(
    chosen: &Chosen<'_, T>,
    bins: &EvenBins,
    ctx: &Context<'_>,
) -> Result<Vec<u64>> {
    let count = bins.edges().len() - 1;
    // Integers are so few that each is placed once.
    let table: Option<Vec<_>> =
        (T::TYPE != SampleType::F32).then(|| integers::<T>().map(|n| bins.place(n)).collect());
    let place = |sample: f64| match &table {
        Some(table) => table[whole(sample)],
        None => bins.place(sample),
    };
    passes::counts(chosen.size(), count * chosen.channels(), ctx, |rows, counts| {
        for y in rows.filter_map(|y| u32::try_from(y).ok()) {
            for (channel, counts) in counts.chunks_exact_mut(count).enumerate() {
                chosen.row(y, channel).filter_map(place).for_each(|bin| counts[bin] += 1);
            }
        }
    })
}

/// All samples of an integer type.
fn integers<T: Sample>() -> impl Iterator<Item = f64> {
    (0..=whole(T::WHITE.into())).filter_map(|n| u32::try_from(n).ok()).map(f64::from)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an integer sample, which is whole and not negative"
)]
fn whole(sample: f64) -> usize {
    sample as usize
}

#[expect(clippy::cast_precision_loss, reason = "counts of samples are below 2^53")]
fn number(count: u64) -> f64 {
    count as f64
}
