//! What the examples share, and the guides, whose code is compiled and run with the tests.

use std::path::{Path, PathBuf};

use pipeline_core::{
    ColorSpace, Context, Error, Image, In, Labels, Layout, Mask, Result, SampleType, Step, Value,
};
use pipeline_ops::draw::{ColorLabels, Text};
use pipeline_ops::measure::Table;
use pipeline_ops::point::{Convert, Rescale, ShuffleChannels};
use pipeline_ops::segment::MaskImage;

/// Any result as 8-bit RGB; numbers are written onto a page of that size.
///
/// # Errors
/// If the value is no image, mask, labels or table.
pub fn picture(value: &Value, page: (u32, u32), ctx: &Context<'_>) -> Result<Image> {
    let mut image = if let Some(mask) = value.downcast_ref::<Mask>() {
        MaskImage {}.run(In::new(mask.clone()), ctx)?
    } else if let Some(labels) = value.downcast_ref::<Labels>() {
        ColorLabels::default().run(In::new(labels.clone()), ctx)?
    } else if let Some(table) = value.downcast_ref::<Table>() {
        let line = |(name, numbers): (&str, &[f64])| match numbers.first() {
            Some(number) => format!("{name} {number:.3}\n"),
            None => format!("{name}\n"),
        };
        let lines: String = table.columns().take(7).map(line).collect();
        let page = Image::zeros(Layout::new(page.0, page.1, 3, SampleType::U8))?;
        Text::at(4, 4, lines).run(In::new(page), ctx)?
    } else if let Some(image) = value.downcast_ref::<Image>() {
        image.clone()
    } else {
        let expected = "an image, a mask, labels or a table";
        return Err(Error::input("the result", value.data_type().name, expected));
    };
    if image.sample_type() != SampleType::U8 {
        image = Rescale { low: 0.0, high: 100.0 }.run(In::new(image), ctx)?;
        image = Convert::to(SampleType::U8).run(In::new(image), ctx)?;
    }
    let channels = if image.channels() < 3 { vec![0, 0, 0] } else { vec![0, 1, 2] };
    // Light and numbers are shown as they are.
    let image = ShuffleChannels { channels }.run(In::new(image), ctx)?;
    Ok(image.with_color(ColorSpace::Srgb))
}

/// A folder below that for temporary files, which goes with the value.
#[derive(Debug)]
pub struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    /// A folder of this process; whoever writes into it makes it.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("{name}-{}", std::process::id())))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

#[doc = include_str!("../../README.md")]
mod readme {}

#[doc = include_str!("../../docs/guide/write-a-step.md")]
mod guide_write_a_step {}

#[doc = include_str!("../../docs/guide/write-a-source.md")]
mod guide_write_a_source {}

#[doc = include_str!("../../docs/guide/write-a-cache.md")]
mod guide_write_a_cache {}

#[doc = include_str!("../../docs/guide/embed.md")]
mod guide_embed {}

#[doc = include_str!("../../docs/guide/pipeline-json.md")]
mod guide_pipeline_json {}

#[doc = include_str!("../../docs/guide/batch-of-fields.md")]
mod guide_batch_of_fields {}
