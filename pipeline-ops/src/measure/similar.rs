//! What comparisons of two images ask of them.

use pipeline_core::{Error, Image, Result, Sample, SampleType, dispatch};

use crate::check::{self, size};

/// Refuses images of different size, channels, sample type or colour space.
pub(super) fn check(image: &Image, reference: &Image) -> Result<()> {
    let (layout, expected) = (reference.layout(), image.layout());
    check::same_size(("`reference`", size(layout)), ("`in`", size(expected)))?;
    if (layout.channels, layout.sample) == (expected.channels, expected.sample) {
        return check::same_space(("`reference`", layout), ("`in`", expected));
    }
    Err(Error::input("`reference`", layout, format!("{expected} as `in`")))
}

/// The brightest sample that counts: white, unless another is given.
pub(super) fn range(given: Option<f32>, sample: SampleType) -> Result<f64> {
    let range = given.unwrap_or(dispatch!(sample, T => T::WHITE));
    if range > 0.0 && range.is_finite() {
        return Ok(range.into());
    }
    Err(Error::input("range", range, "more than 0"))
}
