//! What the examples share, and the guides, whose code is compiled and run with the tests.

use pipeline_core::{Context, Error, Image, In, Result, Step};
use pipeline_ops::geometry::Resize;

/// White pixels between two pictures of a contact sheet.
const GAP: usize = 6;

/// Puts colour pictures of one size next to each other, each `width` pixels wide.
///
/// # Errors
/// If a picture is not 8-bit RGB, or of another shape than the first.
pub fn contact_sheet(pictures: &[&Image], width: u32) -> Result<Image> {
    let resize = Resize { width: Some(width), ..Resize::default() };
    let small = |picture: &&Image| resize.run(In::new((*picture).clone()), &Context::default());
    let pictures = pictures.iter().map(small).collect::<Result<Vec<_>>>()?;

    let row_len = pictures.first().map_or(0, |picture| picture.layout().row_len());
    let mut rows = Vec::with_capacity(pictures.len());
    for picture in &pictures {
        let samples = picture.samples::<u8>().filter(|_| picture.channels() == 3);
        let samples =
            samples.ok_or_else(|| Error::input("the picture", picture.layout(), "8-bit RGB"))?;
        rows.push(samples.chunks_exact(row_len));
    }
    let (mut sheet, mut height) = (Vec::new(), 0);
    while let Some(row) = rows.iter_mut().map(Iterator::next).collect::<Option<Vec<_>>>()
        && !row.is_empty()
    {
        sheet.extend(row.join(&[u8::MAX; 3 * GAP][..]));
        height += 1;
    }
    let width = sheet.len() / 3 / height.max(1);
    let side = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
    Image::from_samples(side(width), side(height), 3, sheet)
}

#[doc = include_str!("../../README.md")]
mod readme {}

#[doc = include_str!("../../docs/guide/write-a-step.md")]
mod guide_write_a_step {}

#[doc = include_str!("../../docs/guide/write-a-cache.md")]
mod guide_write_a_cache {}

#[doc = include_str!("../../docs/guide/embed.md")]
mod guide_embed {}
