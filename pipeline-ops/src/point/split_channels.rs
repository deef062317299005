//! Red, green and blue apart.

use pipeline_core::{Context, Error, Image, In, Result, Step, tile};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shuffle_channels::ShuffleChannels;

/// Makes three gray images of the colours of one.
///
/// `red = in[0]`, `green = in[1]`, `blue = in[2]`
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | 3, or 4 of which the last is alpha |
/// | `red`, `green`, `blue` | image | Y X C | as `in` | those of `in` | 1 |
///
/// Opacity is left out. Single channels, and those of other images, are taken by
/// `shuffle_channels`; `merge_channels` puts them together again.
///
/// **Border**: nothing beyond the pixel is seen. **NaN** stays NaN.
/// **Cost**: one pass over the image for each channel and the memory of one channel for each
/// output.
/// **Errors**: other numbers of channels.
///
/// **Source**: OpenCV 5 `split`, equal.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::point::SplitChannels;
///
/// let image = Image::from_samples(2, 1, 3, vec![
///     1u8, 2, 3,   4, 5, 6,
/// ])?;
/// let (red, green, blue) = SplitChannels {}.run(In::new(image), &Context::default())?;
/// assert_eq!(red.samples::<u8>(), Some(&[1, 4][..]));
/// assert_eq!(green.samples::<u8>(), Some(&[2, 5][..]));
/// assert_eq!(blue.samples::<u8>(), Some(&[3, 6][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SplitChannels {}

impl Step for SplitChannels {
    const NAME: &'static str = "split_channels";
    const OUTPUTS: &'static [&'static str] = &["red", "green", "blue"];
    type Input = In<Image>;
    type Output = (Image, Image, Image);

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<(Image, Image, Image)> {
        let layout = image.layout();
        if layout.channels - u16::from(layout.has_alpha()) != 3 {
            return Err(Error::input("the image", layout, "RGB, with or without alpha"));
        }
        let take =
            |channel| tile(&ShuffleChannels { channels: vec![channel] }, image.clone(), &[], ctx);
        Ok((take(0)?, take(1)?, take(2)?))
    }
}
