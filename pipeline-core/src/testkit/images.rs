//! Images written as grids.

use crate::data::{Image, Sample};

/// The image of one channel whose rows are given, top to bottom.
///
/// ```
/// use pipeline_core::testkit::{image_of, rows_of};
///
/// let step = image_of::<u8>(&[
///     &[0, 0, 9],
///     &[0, 9, 9],
/// ]);
/// assert_eq!((step.width(), step.height()), (3, 2));
/// assert_eq!(rows_of::<u8>(&step)[1], [0, 9, 9]);
/// ```
///
/// # Panics
/// If there is no row, a row is empty, or the rows differ in length.
#[must_use]
#[track_caller]
pub fn image_of<T: Sample>(rows: &[&[T]]) -> Image {
    let width = rows.first().map_or(0, |row| row.len());
    for (y, row) in rows.iter().enumerate() {
        assert!(row.len() == width, "row {y} has {} samples, row 0 has {width}", row.len());
    }
    let side = |len: usize| u32::try_from(len).expect("a grid in a test is small");
    match Image::from_samples(side(width), side(rows.len()), 1, rows.concat()) {
        Ok(image) => image,
        Err(error) => panic!("{error}"),
    }
}

/// The samples of an image, row by row, the channels of a pixel side by side.
///
/// # Panics
/// If the samples are not of type `T`.
#[must_use]
#[track_caller]
pub fn rows_of<T: Sample>(image: &Image) -> Vec<Vec<T>> {
    let Some(samples) = image.samples::<T>() else {
        panic!("the samples are {}, asked for were {}", image.sample_type(), T::TYPE);
    };
    samples.chunks(image.layout().row_len()).map(<[T]>::to_vec).collect()
}
