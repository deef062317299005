//! Images to and from the `image` and `ndarray` crates, without a copy where the layout allows.

#[cfg(feature = "ndarray")]
mod arrays {
    use ndarray::{Array3, ArrayView3};

    use crate::data::{Image, Raster, Sample};
    use crate::error::{Error, Result};

    impl Image {
        /// A view `[[y, x, channel]]` of the samples, if they are of type `T`. Copies nothing.
        #[must_use]
        pub fn as_array<T: Sample>(&self) -> Option<ArrayView3<'_, T>> {
            let shape =
                (self.height() as usize, self.width() as usize, usize::from(self.channels()));
            ArrayView3::from_shape(shape, self.samples::<T>()?).ok()
        }

        /// An image of an array `[[y, x, channel]]`. Moves the samples if the array owns them in
        /// row-major order, copies them otherwise.
        ///
        /// # Errors
        /// As [`Image::from_samples`], and [`Error::TooLarge`] if an axis passes its limit.
        pub fn from_array<T: Sample>(array: Array3<T>) -> Result<Self> {
            let (height, width, channels) = array.dim();
            let refuse = |len: usize| Error::TooLarge {
                what: "an axis of the array".to_owned(),
                needed: len as u64,
                allowed: u32::MAX.into(),
            };
            let samples = if array.is_standard_layout() {
                let len = array.len();
                let (samples, offset) = array.into_raw_vec_and_offset();
                let start = offset.unwrap_or(0);
                crate::data::Samples::from(samples).window(start..start + len)
            } else {
                array.iter().copied().collect::<Vec<T>>().into()
            };
            Self::from_samples(
                u32::try_from(width).map_err(|_| refuse(width))?,
                u32::try_from(height).map_err(|_| refuse(height))?,
                u16::try_from(channels).map_err(|_| refuse(channels))?,
                samples,
            )
        }

        /// The samples as an array `[[y, x, channel]]`: moved if nobody else holds them.
        ///
        /// # Errors
        /// [`Error::Input`] if the samples are not of type `T`.
        pub fn into_array<T: Sample>(self) -> Result<Array3<T>> {
            let (layout, mut buffer, _) = self.into_parts();
            let samples = T::peek_mut(&mut buffer)
                .map(|samples| std::mem::replace(samples, Vec::new().into()).into_vec())
                .ok_or_else(|| {
                    Error::input("the sample type", layout.sample, T::TYPE.to_string())
                })?;
            let shape =
                (layout.height as usize, layout.width as usize, usize::from(layout.channels));
            Array3::from_shape_vec(shape, samples)
                .map_err(|error| Error::caused("the samples do not fit their layout", error))
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn an_array_goes_in_and_out_without_a_copy() {
            let array =
                Array3::from_shape_fn((2, 3, 1), |(y, x, _)| [[0u16, 1, 2], [3, 4, 5]][y][x]);
            let address = array.as_ptr();
            let image = Image::from_array(array).unwrap();
            assert_eq!(image.as_array::<u16>().unwrap()[[1, 2, 0]], 5);
            assert!(image.as_array::<u8>().is_none());
            let array = image.into_array::<u16>().unwrap();
            assert_eq!(array.as_ptr(), address);
        }
    }
}

#[cfg(feature = "image")]
mod pictures {
    use image::{DynamicImage, ImageBuffer, Pixel};

    use crate::data::{Buffer, ColorSpace, Image, Layout, Raster, Sample, SampleType};
    use crate::error::{Error, Result};

    fn adopt<P: Pixel>(picture: ImageBuffer<P, Vec<P::Subpixel>>) -> Result<Image>
    where
        P::Subpixel: Sample,
    {
        let (width, height) = picture.dimensions();
        Image::from_samples(width, height, P::CHANNEL_COUNT.into(), picture.into_raw())
    }

    impl TryFrom<DynamicImage> for Image {
        type Error = Error;

        /// Moves the samples.
        fn try_from(picture: DynamicImage) -> Result<Self> {
            match picture {
                DynamicImage::ImageLuma8(picture) => adopt(picture),
                DynamicImage::ImageLumaA8(picture) => adopt(picture),
                DynamicImage::ImageRgb8(picture) => adopt(picture),
                DynamicImage::ImageRgba8(picture) => adopt(picture),
                DynamicImage::ImageLuma16(picture) => adopt(picture),
                DynamicImage::ImageLumaA16(picture) => adopt(picture),
                DynamicImage::ImageRgb16(picture) => adopt(picture),
                DynamicImage::ImageRgba16(picture) => adopt(picture),
                DynamicImage::ImageRgb32F(picture) => {
                    Ok(adopt(picture)?.with_color(ColorSpace::LinearSrgb))
                }
                DynamicImage::ImageRgba32F(picture) => {
                    Ok(adopt(picture)?.with_color(ColorSpace::LinearSrgb))
                }
                other => Err(Error::input(
                    "the pixel format",
                    format_args!("{:?}", other.color()),
                    "8-bit, 16-bit or float, gray or RGB, with or without alpha",
                )),
            }
        }
    }

    fn lend<P: Pixel>(layout: Layout, samples: Vec<P::Subpixel>) -> Result<DynamicImage>
    where
        DynamicImage: From<ImageBuffer<P, Vec<P::Subpixel>>>,
    {
        ImageBuffer::<P, _>::from_raw(layout.width, layout.height, samples)
            .map(DynamicImage::from)
            .ok_or_else(|| Error::failed("the samples do not fit their layout"))
    }

    impl TryFrom<Image> for DynamicImage {
        type Error = Error;

        /// Moves the samples if nobody else holds them, copies them otherwise.
        fn try_from(image: Image) -> Result<Self> {
            use image::{Luma, LumaA, Rgb, Rgba};
            let (layout, buffer, _) = image.into_parts();
            match (buffer, layout.channels) {
                (Buffer::U8(s), 1) => lend::<Luma<u8>>(layout, s.into_vec()),
                (Buffer::U8(s), 2) => lend::<LumaA<u8>>(layout, s.into_vec()),
                (Buffer::U8(s), 3) => lend::<Rgb<u8>>(layout, s.into_vec()),
                (Buffer::U8(s), 4) => lend::<Rgba<u8>>(layout, s.into_vec()),
                (Buffer::U16(s), 1) => lend::<Luma<u16>>(layout, s.into_vec()),
                (Buffer::U16(s), 2) => lend::<LumaA<u16>>(layout, s.into_vec()),
                (Buffer::U16(s), 3) => lend::<Rgb<u16>>(layout, s.into_vec()),
                (Buffer::U16(s), 4) => lend::<Rgba<u16>>(layout, s.into_vec()),
                (Buffer::F32(s), 3) => lend::<Rgb<f32>>(layout, s.into_vec()),
                (Buffer::F32(s), 4) => lend::<Rgba<f32>>(layout, s.into_vec()),
                (_, channels) => Err(Error::input(
                    "the image",
                    layout,
                    if layout.sample == SampleType::F32 && channels < 3 {
                        "3 or 4 channels, which is what a float picture can hold"
                    } else {
                        "1 to 4 channels"
                    },
                )),
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_picture_goes_in_and_out_without_a_copy() {
            let picture = ImageBuffer::from_fn(3, 2, |x, y| {
                image::Rgb([[1u8, 2, 3][x as usize], [4, 5][y as usize], 9])
            });
            let address = picture.as_raw().as_ptr();
            let image = Image::try_from(DynamicImage::from(picture)).unwrap();
            let picture = DynamicImage::try_from(image).unwrap();
            assert_eq!(picture.as_bytes().as_ptr(), address);
        }
    }
}
