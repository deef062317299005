//! Labels as the numbers of their tracks.

use pipeline_core::{Context, Error, Image, In, Labels, Result, SampleType, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::columns::column;
use crate::measure::Table;
use crate::segment::image_of;

/// Turns the labels of a frame into an image of the numbers of their tracks.
///
/// `out = track(in)`, and 0 where there is no object or none of a track.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `labels` | labels | Y X | u32 | any | – |
/// | `tracks` | table | – | – | columns `frame`, `label`, `track`, as `link` makes it | – |
/// | `out` | image | Y X C | by `to`: u8, u16, f32 | 0 and the numbers of tracks | 1, data |
///
/// **Border**: nothing beyond the pixel is seen. **NaN**: labels have none.
/// **Cost**: one look-up per pixel and a pass over the table; the memory of the image. Whether the
/// samples have a number for every track is known of the whole, so there are no tiles.
/// **Errors**: a table without these columns; a label that the frame does not have; a track that is
/// no whole number above 0, or more than the samples can be: 255 of u8, 65535 of u16, 16777216 of
/// f32.
///
/// **Source**: NumPy 2.4 `table[labels]`, equal.
///
/// ```
/// use pipeline_core::{Context, In, Labels, Step};
/// use pipeline_ops::cells::TrackImage;
/// use pipeline_ops::measure::Table;
///
/// let labels = Labels::new(3, 2, vec![
///     0, 1, 1,
///     2, 0, 0,
/// ])?;
/// let tracks = Table::new(vec![
///     ("frame", vec![4.0, 5.0, 5.0]), ("label", vec![1.0, 1.0, 2.0]),
///     ("track", vec![8.0, 9.0, 7.0]),
/// ])?;
/// let step = TrackImage { frame: 5, ..TrackImage::default() };
/// let out = step.run((In::new(labels), In::new(tracks)), &Context::default())?;
/// assert_eq!(out.samples::<u16>(), Some(&[
///     0, 9, 9,
///     7, 0, 0,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrackImage {
    /// Which frame of the table the labels are of. 0 to 16777215, a number without a unit,
    /// default 0.
    #[schemars(range(min = 0, max = 16_777_215))]
    pub frame: u32,
    /// The type of the samples; default `u16`.
    pub to: SampleType,
}

impl Default for TrackImage {
    fn default() -> Self {
        Self { frame: 0, to: SampleType::U16 }
    }
}

impl Step for TrackImage {
    const NAME: &'static str = "track_image";
    const INPUTS: &'static [&'static str] = &["labels", "tracks"];
    type Input = (In<Labels>, In<Table>);
    type Output = Image;

    fn run(&self, (labels, tracks): Self::Input, ctx: &Context<'_>) -> Result<Image> {
        let most = match self.to {
            SampleType::U8 => f64::from(u8::MAX),
            SampleType::U16 => f64::from(u16::MAX),
            SampleType::F32 => f64::from(1u32 << f32::MANTISSA_DIGITS),
            SampleType::U32 => return Err(Error::input("to", self.to, "u8, u16 or f32")),
        };
        let numbers = numbers(&tracks, self.frame, labels.count(), most)?;
        // The type has a sample for every track.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole numbers within the range, checked before"
        )]
        match self.to {
            SampleType::U8 => image_of(&labels, ctx, |label| numbers[label as usize] as u8),
            SampleType::U16 => image_of(&labels, ctx, |label| numbers[label as usize] as u16),
            _ => image_of(&labels, ctx, |label| numbers[label as usize] as f32),
        }
    }
}

/// The track of each label of a frame, 0 of those that have none.
fn numbers(tracks: &Table, frame: u32, count: u32, most: f64) -> Result<Vec<f64>> {
    let [frames, labels, numbers] = ["frame", "label", "track"].map(|name| column(tracks, name));
    let mut of_label = vec![0.0; count as usize + 1];
    for ((&at, &label), &track) in frames?.iter().zip(labels?).zip(numbers?) {
        if at != f64::from(frame) {
            continue;
        }
        if !(1.0..=f64::from(count)).contains(&label) || label.fract() != 0.0 {
            let what = format!("a label of frame {frame}");
            return Err(Error::input(what, label, format!("a whole number from 1 to {count}")));
        }
        if !(1.0..=most).contains(&track) || track.fract() != 0.0 {
            let what = format!("the track of label {label} of frame {frame}");
            return Err(Error::input(what, track, format!("a whole number from 1 to {most}")));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number within the table"
        )]
        let place = label as usize;
        of_label[place] = track;
    }
    Ok(of_label)
}
