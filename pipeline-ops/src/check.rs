//! Checks of parameters and inputs that many steps share, with messages in one form.

use std::fmt::Display;
use std::ops::RangeInclusive;

use pipeline_core::{ColorSpace, Error, Image, Labels, Layout, Result, SampleType};

/// A share of a whole.
pub(crate) const SHARE: RangeInclusive<f64> = 0.0..=1.0;

/// Percent of a whole.
pub(crate) const PERCENT: RangeInclusive<f64> = 0.0..=100.0;

/// Refuses a parameter outside `range`, and NaN. The range is the one that the schema is made of.
pub(crate) fn within<N, R>(
    name: &str,
    value: N,
    range: &RangeInclusive<R>,
    unit: &str,
) -> Result<()>
where
    N: Display + Copy + Into<f64>,
    R: Display + Copy + Into<f64>,
{
    let (least, most) = ((*range.start()).into(), (*range.end()).into());
    if (least..=most).contains(&value.into()) {
        return Ok(());
    }
    let space = if unit.is_empty() { "" } else { " " };
    let expected = format!("{} to {}{space}{unit}", range.start(), range.end());
    Err(Error::input(name, format_args!("{value}{space}{unit}"), expected))
}

/// The error of a parameter that is not above another one, each with its name.
pub(crate) fn not_above<N: Display + Copy>(
    name: &str,
    value: N,
    other: (&str, N),
    unit: &str,
) -> Error {
    let space = if unit.is_empty() { "" } else { " " };
    let found = format_args!("{value}{space}{unit}");
    Error::input(name, found, format!("more than {}, {}{space}{unit}", other.0, other.1))
}

/// Refuses a range that is none. Its end comes as it was given, if it was, and as it is used.
pub(crate) fn range<N: Display + Copy + PartialOrd + Into<f64>>(
    low: N,
    (given, high): (Option<N>, N),
) -> Result<()> {
    if !low.into().is_finite() {
        return Err(Error::input("low", low, "a finite number"));
    }
    if !high.into().is_finite() {
        return Err(Error::input("high", high, "a finite number"));
    }
    if low < high {
        return Ok(());
    }
    Err(match given {
        Some(_) => not_above("high", high, ("low", low), ""),
        None => Error::input("low", low, format!("less than high, which is {high}")),
    })
}

/// Refuses images of more than one channel.
pub(crate) fn single_channel(layout: Layout) -> Result<()> {
    if layout.channels == 1 {
        return Ok(());
    }
    let is_mixed = matches!(layout.color, ColorSpace::Srgb | ColorSpace::LinearSrgb);
    let expected = match layout.channels {
        3 if is_mixed => "one channel; put a `grayscale` step before",
        4 if is_mixed && layout.has_alpha() => {
            "one channel; put a `grayscale` step before, and behind that `shuffle_channels` with \
             channel 0 alone, which drops alpha"
        }
        _ => "one channel; put a `shuffle_channels` step with one of them before",
    };
    Err(Error::input("the image", layout, expected))
}

/// Refuses a number that is infinite or none.
pub(crate) fn finite(name: &str, value: f32) -> Result<()> {
    if value.is_finite() {
        return Ok(());
    }
    Err(Error::input(name, value, "a finite number"))
}

/// Width and height.
pub(crate) const fn size(layout: Layout) -> (u32, u32) {
    (layout.width, layout.height)
}

/// Refuses an input of another size, `(width, height)`, than `first`. Inputs come with their names.
pub(crate) fn same_size(input: (&str, (u32, u32)), first: (&str, (u32, u32))) -> Result<()> {
    let ((name, size), (first_name, first)) = (input, first);
    if size == first {
        return Ok(());
    }
    let expected = format!("{}×{} as {first_name}", first.0, first.1);
    Err(Error::input(name, format_args!("{}×{}", size.0, size.1), expected))
}

/// Refuses an image that has not one channel and the size of the labels that it is measured in.
pub(crate) fn image_in(labels: &Labels, image: &Image) -> Result<()> {
    single_channel(image.layout())?;
    let [of_image, of_labels] =
        [(image.width(), image.height()), (labels.width(), labels.height())];
    same_size(("`in`", of_image), ("`labels`", of_labels))
}

/// Refuses an input of another sample type than `first`.
pub(crate) fn same_samples(input: (&str, Layout), first: (&str, Layout)) -> Result<()> {
    let ((name, layout), (first_name, first)) = (input, first);
    if layout.sample == first.sample {
        return Ok(());
    }
    let expected = format!("{} as {first_name}; put a `convert` step before", first.sample);
    Err(Error::input(name, layout, expected))
}

/// Refuses an input of another number of channels than `first`.
pub(crate) fn same_channels(input: (&str, Layout), first: (&str, Layout)) -> Result<()> {
    let ((name, layout), (first_name, first)) = (input, first);
    if layout.channels == first.channels {
        return Ok(());
    }
    Err(Error::input(name, layout, format!("{} channels as {first_name}", first.channels)))
}

/// Refuses an input of another number of colours than `first`, with or without alpha.
pub(crate) fn same_colors(input: (&str, Layout), first: (&str, Layout)) -> Result<()> {
    let ((name, layout), (first_name, first)) = (input, first);
    let colors = |layout: Layout| layout.channels - u16::from(layout.has_alpha());
    if colors(layout) == colors(first) {
        return Ok(());
    }
    Err(Error::input(name, layout, format!("{} colours as {first_name}", colors(first))))
}

/// Refuses an input in another colour space than `first`: numbers of both would be taken for the
/// same thing. Data may be anything, so it goes with all.
pub(crate) fn same_space(input: (&str, Layout), first: (&str, Layout)) -> Result<()> {
    let ((name, layout), (first_name, first)) = (input, first);
    if layout.color == first.color || [layout.color, first.color].contains(&ColorSpace::Data) {
        return Ok(());
    }
    let before = step_before(layout.color, first.color);
    let expected = format!("{:?} as {first_name}{before}", first.color);
    let what = format!("the colour space of {name}");
    Err(Error::input(what, format_args!("{:?}", layout.color), expected))
}

/// Refuses colours that are not red, green and blue; one channel of anything is gray.
pub(crate) fn rgb(layout: Layout) -> Result<()> {
    let colors = layout.channels - u16::from(layout.has_alpha());
    let is_other = matches!(layout.color, ColorSpace::Hsv | ColorSpace::Lab);
    if colors == 1 || !is_other {
        return Ok(());
    }
    let before = step_before(layout.color, ColorSpace::Srgb);
    let found = format_args!("{:?}", layout.color);
    Err(Error::input("the colour space", found, format!("Srgb, LinearSrgb or Data{before}")))
}

/// What to do about the wrong colour space, where one step does it.
pub(crate) const fn step_before(found: ColorSpace, expected: ColorSpace) -> &'static str {
    match (found, expected) {
        (ColorSpace::LinearSrgb, ColorSpace::Srgb) => "; put a `from_linear` step before",
        (ColorSpace::Hsv, ColorSpace::Srgb) => "; put a `from_hsv` step before",
        (ColorSpace::Lab, ColorSpace::Srgb) => "; put a `from_lab` step before",
        (ColorSpace::Srgb, ColorSpace::LinearSrgb) => "; put a `to_linear` step before",
        (ColorSpace::Srgb, ColorSpace::Hsv) => "; put a `to_hsv` step before",
        (ColorSpace::Srgb, ColorSpace::Lab) => "; put a `to_lab` step before",
        (ColorSpace::Data, _) => "; put an `assign_color_space` step before",
        _ => "",
    }
}

/// Refuses the layout of anything but a mask.
pub(crate) fn mask(name: &str, layout: Layout) -> Result<()> {
    if (layout.channels, layout.sample) == (1, SampleType::U8) {
        return Ok(());
    }
    Err(Error::input(name, layout, "a mask: one channel of u8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_value_unit_and_range() {
        let error = within("sigma", -1.5, &(0.0..=1000.0), "px").unwrap_err();
        assert_eq!(error.to_string(), "sigma is -1.5 px, expected 0 to 1000 px");
        assert!(within("sigma", f32::NAN, &(0.0..=1000.0), "px").is_err());
        assert!(within("sigma", 1000.0, &(0.0..=1000.0), "px").is_ok());
    }
}
