//! Checks of parameters and inputs that many steps share, with messages in one form.

use std::fmt::Display;
use std::ops::RangeInclusive;

use pipeline_core::{Error, Layout, Result};

/// A share of a whole.
pub(crate) const SHARE: RangeInclusive<f64> = 0.0..=1.0;

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

/// Refuses images of more than one channel.
pub(crate) fn single_channel(layout: Layout) -> Result<()> {
    if layout.channels == 1 {
        return Ok(());
    }
    Err(Error::input("the image", layout, "one channel; put a `grayscale` step before"))
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
