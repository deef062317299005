//! What an image looks like without its pixels: size, channels, sample type, colour.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::region::Region;
use super::sample::SampleType;
use crate::error::{Error, Result};

/// What the samples of an image mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ColorSpace {
    /// Encoded for display, the usual form of photographs.
    #[default]
    Srgb,
    /// Proportional to light, with the primaries of sRGB.
    LinearSrgb,
    /// Hue, saturation and value, as shares of white.
    Hsv,
    /// CIE L\*a\*b\*: lightness from 0 to 100 and two opposite colours.
    Lab,
    /// Measurements without a colour meaning, such as fluorescence counts.
    Data,
}

/// Size, channels, sample type and colour of an image; axes are `[y, x, channel]`, interleaved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Layout {
    /// Columns, in pixels.
    pub width: u32,
    /// Rows, in pixels.
    pub height: u32,
    /// Samples of one pixel: 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha; of
    /// [data](ColorSpace::Data) any number, all of one kind.
    pub channels: u16,
    /// The type of every sample.
    pub sample: SampleType,
    /// What the samples mean.
    pub color: ColorSpace,
}

impl ColorSpace {
    /// Whether samples are amounts of red, green and blue, or of gray, as files and screens take
    /// them.
    #[must_use]
    pub const fn is_rgb(self) -> bool {
        matches!(self, Self::Srgb | Self::LinearSrgb)
    }
}

impl Layout {
    /// A layout in the default colour space.
    #[must_use]
    pub const fn new(width: u32, height: u32, channels: u16, sample: SampleType) -> Self {
        Self { width, height, channels, sample, color: ColorSpace::Srgb }
    }

    /// The region of the whole image.
    #[must_use]
    pub const fn region(&self) -> Region {
        Region::whole(self.width, self.height)
    }

    /// Samples in one row.
    #[must_use]
    pub const fn row_len(&self) -> usize {
        (self.width as usize).saturating_mul(self.channels as usize)
    }

    /// Whether the last channel is opacity: that of two or four channels, unless they are data.
    #[must_use]
    pub const fn has_alpha(&self) -> bool {
        !matches!(self.color, ColorSpace::Data) && matches!(self.channels, 2 | 4)
    }

    /// The most bytes that the samples of one image may take: 16 GiB, a gigapixel of RGBA floats.
    ///
    /// It guards the process, not the picture: where memory is promised before it is there, as on
    /// Linux, an allocation of a terabyte succeeds and the process is killed once it is written to.
    /// A mistyped size is to end in words instead. Larger data is a stack of images or a file that
    /// is mapped into memory.
    pub const MAX_BYTES: u64 = {
        let (limit, possible) = (16 << 30, isize::MAX.unsigned_abs() as u64);
        if limit < possible { limit } else { possible }
    };

    /// The number of samples, if the image can exist at all.
    ///
    /// # Errors
    /// [`Error::Input`] if a side or the channel count is zero, [`Error::TooLarge`] if the bytes
    /// pass [`MAX_BYTES`](Self::MAX_BYTES).
    pub fn sample_count(&self) -> Result<usize> {
        if self.width == 0 || self.height == 0 || self.channels == 0 {
            return Err(Error::input("the image", self, "at least one pixel and one channel"));
        }
        let count = u128::from(self.width) * u128::from(self.height) * u128::from(self.channels);
        let bytes = count * self.sample.size() as u128;
        let too_large = || Error::TooLarge {
            what: format!("an image of {self}"),
            needed: u64::try_from(bytes).unwrap_or(u64::MAX),
            allowed: Self::MAX_BYTES,
        };
        if bytes > u128::from(Self::MAX_BYTES) {
            return Err(too_large());
        }
        usize::try_from(count).map_err(|_| too_large())
    }

    /// The number of samples, if this can be the layout of an image.
    ///
    /// # Errors
    /// As [`sample_count`](Self::sample_count), and [`Error::Input`] if it is that of labels.
    pub(crate) fn image_samples(&self) -> Result<usize> {
        if self.sample == SampleType::U32 {
            return Err(Error::input("the image", self, "samples of u8, u16 or f32"));
        }
        self.sample_count()
    }

    /// Bytes of all samples; saturates where the image cannot exist.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        u64::from(self.width)
            .saturating_mul(u64::from(self.height))
            .saturating_mul(u64::from(self.channels))
            .saturating_mul(self.sample.size() as u64)
    }
}

impl std::fmt::Display for Layout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { width, height, channels, sample, .. } = self;
        write!(f, "{width}×{height}×{channels} {sample}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_sizes_are_refused_before_anything_is_allocated() {
        let huge = Layout::new(u32::MAX, u32::MAX, u16::MAX, SampleType::F32);
        assert!(matches!(huge.sample_count(), Err(Error::TooLarge { .. })));
        let empty = Layout::new(0, 5, 3, SampleType::U8);
        assert!(matches!(empty.sample_count(), Err(Error::Input { .. })));
        assert_eq!(Layout::new(3, 2, 4, SampleType::U16).sample_count().unwrap(), 24);
    }

    #[test]
    fn data_has_no_alpha_however_many_channels() {
        for channels in 1..=5 {
            let picture = Layout::new(1, 1, channels, SampleType::U8);
            assert_eq!(picture.has_alpha(), channels == 2 || channels == 4);
            assert!(!Layout { color: ColorSpace::Data, ..picture }.has_alpha());
        }
    }

    // Where a pointer has 32 bits, the limit is what they can address.
    #[cfg(target_pointer_width = "64")]
    #[test]
    fn the_limit_of_one_image_is_named_with_its_size() {
        let most = Layout::new(1 << 17, 1 << 17, 1, SampleType::U8);
        assert_eq!(most.sample_count().ok(), usize::try_from(Layout::MAX_BYTES).ok());
        let more = Layout { height: (1 << 17) + 1, ..most };
        assert_eq!(
            more.sample_count().unwrap_err().to_string(),
            "an image of 131072×131073×1 u8 needs 17180000256 bytes, allowed are 17179869184"
        );
    }
}
