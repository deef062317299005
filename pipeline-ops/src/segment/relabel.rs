//! Labels from a picture.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use pipeline_core::data::{leftovers, zeros};
use pipeline_core::step::CutOff;
use pipeline_core::{
    Context, Error, Image, In, Labels, Result, Sample, SampleType, Spec, Step, dispatch,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{check, passes};

/// The largest number that a sample may be: floats up to it are exact.
const LARGEST: f32 = 16_777_216.0;

/// Takes the samples of an image as the numbers of objects, and numbers them without gaps.
///
/// `out` is 0 where `in` is 0, and k where `in` has the k-th smallest of its numbers above 0. So
/// labels that were saved by another program, or edited, become labels again.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | whole numbers from 0 to 16777216 | 1 |
/// | `out` | labels | Y X | u32 | 0 to the count of numbers | – |
///
/// **Border**: nothing beyond the pixel is seen. **NaN** is an error.
/// **Cost**: two passes over the image; memory for the labels, a table as long as the largest
/// number, and a bit for each number that samples can be. The numbers of all of the image are
/// needed first, so there are no tiles.
/// **Errors**: more than one channel; a sample that is no whole number or out of range.
///
/// Labels that come out as before spare the steps below from running.
///
/// **Source**: `skimage.segmentation.relabel_sequential` 0.26, equal.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::segment::Relabel;
///
/// let image = Image::from_samples(3, 2, 1, vec![
///     0u16, 700, 700,
///     30,   0,   9,
/// ])?;
/// let out = Relabel {}.run(In::new(image), &Context::default())?;
/// assert_eq!(out.labels(), [
///     0, 3, 3,
///     2, 0, 1,
/// ]);
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Relabel {}

impl Step for Relabel {
    const NAME: &'static str = "relabel";
    type Input = In<Image>;
    type Output = Labels;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Labels> {
        check::single_channel(image.layout())?;
        dispatch!(image.sample_type(), T => relabel::<T>(&image, ctx))
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}

fn relabel<T: Sample>(image: &Image, ctx: &Context<'_>) -> Result<Labels> {
    let (width, height) = (image.width(), image.height());
    let pixels = passes::countable(width, height)?;
    let samples = image.samples::<T>().unwrap_or_default();
    let (row_len, grain) = (width as usize, passes::grain(width));

    // A bit for each number that there can be.
    let seen: Vec<AtomicU64> = (0..=most::<T>() / 64).map(|_| AtomicU64::new(0)).collect();
    ctx.rows(height as usize, grain, |rows| {
        let mut before = None;
        for sample in &samples[rows.start * row_len..rows.end * row_len] {
            // Objects are wide: a number that was just seen is not looked at again.
            if before.replace(sample) == Some(sample) {
                continue;
            }
            let number = sample.to_f32();
            if !(0.0..=LARGEST).contains(&number) || number.fract() != 0.0 {
                let expected = format!("a whole number from 0 to {LARGEST}");
                return Err(Error::input("a sample", number, expected));
            }
            let (word, bit) = (&seen[place(number) / 64], 1 << (place(number) % 64));
            // Most were seen before, and to write what others read takes long.
            if word.load(Relaxed) & bit == 0 {
                word.fetch_or(bit, Relaxed);
            }
        }
        Ok(())
    })?;
    let is_seen = |number: usize| seen[number / 64].load(Relaxed) >> (number % 64) & 1 == 1;
    let last = seen.iter().rposition(|word| word.load(Relaxed) != 0).unwrap_or_default();
    let largest = (0..=last * 64 + 63).rev().find(|&number| is_seen(number)).unwrap_or_default();

    let mut labels = leftovers::<u32>(pixels, || format!("labels of {width}×{height} pixels"))?;
    let mut numbers = zeros::<u32>(largest + 1, || format!("a table of {largest} numbers"))?;
    let mut count = 0;
    for (place, number) in numbers.iter_mut().enumerate().skip(1) {
        if is_seen(place) {
            count += 1;
            *number = count;
        }
    }
    ctx.fill_rows(&mut labels, row_len, grain, |first, rows| {
        let samples = &samples[first * row_len..][..rows.len()];
        let pairs = rows.iter_mut().zip(samples);
        pairs.for_each(|(label, sample)| *label = numbers[place(sample.to_f32())]);
        Ok(())
    })?;
    Labels::numbered(width, height, labels, count)
}

/// The largest number that a sample of this type can be.
const fn most<T: Sample>() -> usize {
    match T::TYPE {
        SampleType::U8 => 255,
        SampleType::U16 => 65_535,
        _ => 1 << 24,
    }
}

/// The place of a number in a table. It is whole and in range.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number was checked to be whole and from 0 to 2^24"
)]
fn place(number: f32) -> usize {
    number as usize
}
