//! Channels in another order.

use std::ops::RangeInclusive;

use pipeline_core::{
    Context, Error, Image, In, Layout, Result, Step, Tile, View, ViewMut, dispatch, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::shuffle;

/// How many channels can be taken.
const COUNT: RangeInclusive<usize> = 1..=1024;

/// Takes some channels of an image, in any order and any of them more than once.
///
/// `out[k] = in[channels[k]]`
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8, u16, f32 | any | those that are taken |
/// | `out` | image | Y X C | as `in` | those of `in` | as many as `channels` names |
///
/// The colour space stays, so of two or four channels of a picture the last is opacity, whichever
/// it was before: `[1]` is the green of a picture, `[0, 0, 0]` turns gray into colour, and `[2, 1,
/// 0, 3]` changes red and blue and keeps the opacity.
///
/// **Border**: nothing beyond the pixel is seen. **NaN** stays NaN.
/// **Cost**: one copy per sample of the result; no memory where it works in place, else that of the
/// result; the footprint is the region itself.
/// **Errors**: no channel or more than 1024; one that the image does not have.
///
/// **Source**: NumPy 2.4, `in[..., channels]`, equal.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::point::ShuffleChannels;
///
/// let image = Image::from_samples(2, 1, 3, vec![
///     1u8, 2, 3,   4, 5, 6,
/// ])?;
/// let out = ShuffleChannels::default().run(In::new(image), &Context::default())?;
/// assert_eq!(out.samples::<u8>(), Some(&[
///     3, 2, 1,   6, 5, 4,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ShuffleChannels {
    /// The channels to take, counted from 0: 1 to 1024 of them, each 0 to 65534; default [2,1,0],
    /// which changes red and blue.
    #[allow(rustdoc::broken_intra_doc_links, reason = "a list of numbers, not a link")]
    #[schemars(
        length(min = *COUNT.start(), max = *COUNT.end()),
        inner(range(min = 0, max = 65534)),
        extend("x-unit" = "channel")
    )]
    pub channels: Vec<u16>,
}

impl Default for ShuffleChannels {
    fn default() -> Self {
        Self { channels: vec![2, 1, 0] }
    }
}

impl Step for ShuffleChannels {
    const NAME: &'static str = "shuffle_channels";
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for ShuffleChannels {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        let count = self.channels.len();
        let (Ok(channels), true) = (u16::try_from(count), COUNT.contains(&count)) else {
            let expected = format!("{} to {} channels", COUNT.start(), COUNT.end());
            return Err(Error::input("channels", format_args!("a list of {count}"), expected));
        };
        let mut channels_of = self.channels.iter().enumerate();
        if let Some((place, channel)) = channels_of.find(|(_, at)| **at >= inputs[0].channels) {
            let expected = format!("0 to {}, a channel of the image", inputs[0].channels - 1);
            return Err(Error::input(format!("channels[{place}]"), channel, expected));
        }
        Ok(Layout { channels, ..inputs[0] })
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        dispatch!(out.sample_type(), T => {
            let input = inputs[0].crop(out.region()).typed::<T>()?;
            for (y, row) in out.rows::<T>()? {
                ctx.check()?;
                shuffle(input.row(y), input.channels(), &self.channels, row);
            }
            Ok(())
        })
    }
}
