//! The value of a pixel, which is its largest colour, and pixels of another value.

use pipeline_core::Sample;

use super::alpha::is_seen;
use super::histogram::Count;

/// Which pixels count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// All of them.
    All,
    /// Those whose last sample, which is opacity, is above 0.
    ByAlpha,
}

impl Seen {
    /// Whether this pixel counts.
    pub(crate) fn holds<T: Sample, const C: usize>(self, pixel: &[T; C]) -> bool {
        self == Self::All || is_seen(pixel[C - 1])
    }
}

/// How many samples of `C` are colours.
const fn color_count(channels: usize) -> usize {
    if channels < 3 { 1 } else { 3 }
}

/// The largest colour; NaN if one is NaN.
pub(crate) fn value<T: Sample, const C: usize>(pixel: [T; C]) -> T {
    pixel[1..color_count(C)].iter().fold(pixel[0], |largest, &color| {
        if color > largest || color.to_f32().is_nan() { color } else { largest }
    })
}

/// The pixel with its value changed from `old` to `new`, all colours in one ratio: hue and
/// saturation stay. What has no hue becomes gray; colours below 0 become 0.
pub(crate) fn with_value<T: Sample, const C: usize>(pixel: [T; C], old: T, new: f32) -> [T; C] {
    let (mut out, old) = (pixel, old.to_f32());
    for color in &mut out[..color_count(C)] {
        let own = color.to_f32();
        // The largest colour gets the new value as it is, even where it is infinite.
        let share = if own < old && old > 0.0 { (own / old).max(0.0) } else { 1.0 };
        *color = T::from_f32(new * share);
    }
    out
}

/// The smallest and the largest finite value of the pixels of a row that count; none if there is
/// none.
pub(crate) fn value_range<T: Count, const C: usize>(row: &[T], seen: Seen) -> Option<(f32, f32)> {
    let pixels = row.as_chunks::<C>().0.iter().filter(|pixel| seen.holds(pixel));
    let values = pixels.map(|&pixel| value(pixel).to_f32()).filter(|value| value.is_finite());
    values.map(|value| (value, value)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_colour_is_the_value_and_opacity_is_none() {
        assert_eq!(value([7u8]), 7);
        assert_eq!(value([7u16, 900]), 7);
        assert_eq!(value([7u8, 9, 8]), 9);
        assert_eq!(value([-0.5f32, -2.0, -0.7, 1.0]), -0.5);
        for at in 0..3 {
            let mut pixel = [0.5f32; 3];
            pixel[at] = f32::NAN;
            assert!(value(pixel).is_nan(), "{pixel:?}");
        }
    }

    #[test]
    fn colours_keep_their_ratio() {
        assert_eq!(with_value([50u8, 100, 25, 7], 100, 201.0), [100, 201, 50, 7]);
        assert_eq!(with_value([50u8, 7], 50, 201.0), [201, 7]);
        assert_eq!(with_value([0u8; 3], 0, 9.0), [9; 3], "black has no hue");
        assert_eq!(with_value([0.5f32, -3.0, 0.25], 0.5, 1.0), [1.0, 0.0, 0.5]);
        assert_eq!(with_value([-0.5f32, -3.0, -1.0], -0.5, 0.25), [0.25; 3]);
    }

    #[test]
    fn infinite_and_tiny_colours_give_numbers() {
        let infinite = [f32::INFINITY, 5.0, f32::NEG_INFINITY];
        assert_eq!(with_value(infinite, f32::INFINITY, 0.75), [0.75, 0.0, 0.0]);
        assert_eq!(with_value([1e-45f32, 0.0, -1.0], 1e-45, 0.75), [0.75, 0.0, 0.0]);
        let none = with_value([1.0, f32::NAN, 0.0], f32::NAN, f32::NAN);
        assert!(none.iter().all(|color| color.is_nan()));
    }

    #[test]
    fn the_range_is_that_of_what_is_seen_and_finite() {
        let row = [0.5f32, 1.0, f32::NAN, 1.0, 9.0, 0.0, f32::INFINITY, 1.0, -1.0, 0.1];
        assert_eq!(value_range::<_, 2>(&row, Seen::ByAlpha), Some((-1.0, 0.5)));
        assert_eq!(value_range::<_, 2>(&row, Seen::All), Some((-1.0, 9.0)));
        assert_eq!(value_range::<_, 1>(&row[2..3], Seen::All), None);
    }
}
