//! What lies beyond the edge of an image: the border modes and padded rows.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a neighbourhood sees beyond the edge of the image.
///
/// Other programs give the same modes other names; the letters tell them apart. The image row is
/// `abcd`.
///
/// | mode | pattern | SciPy | OpenCV | NumPy |
/// |---|---|---|---|---|
/// | `replicate` | `aaa│abcd│ddd` | `nearest` | `BORDER_REPLICATE` | `edge` |
/// | `reflect` | `dcba│abcd│dcba` | `reflect` | `BORDER_REFLECT` | `symmetric` |
/// | `mirror` | `dcb│abcd│cba` | `mirror` | `BORDER_REFLECT_101` | `reflect` |
/// | `wrap` | `abcd│abcd│abcd` | `grid-wrap` | `BORDER_WRAP` | `wrap` |
/// | `constant` | `vvv│abcd│vvv` | `grid-constant` | `BORDER_CONSTANT` | `constant` |
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Border {
    /// The nearest pixel of the image: `aaa│abcd│ddd`.
    #[default]
    Replicate,
    /// The image mirrored at its edge, the edge pixel twice: `dcba│abcd│dcba`.
    Reflect,
    /// The image mirrored at its edge pixel, which stands once: `dcb│abcd│cba`.
    Mirror,
    /// The image again: `abcd│abcd│abcd`.
    Wrap,
    /// This value, in units of the samples, in every channel: `vvv│abcd│vvv`.
    Constant(f32),
}

impl Border {
    /// The place within `0..len` that stands for `place`, which may lie anywhere; none for a
    /// constant beyond the edge.
    ///
    /// # Panics
    /// If `len` is zero.
    #[must_use]
    pub(crate) fn place(self, place: i64, len: usize) -> Option<usize> {
        let inside = usize::try_from(place).ok().filter(|&place| place < len);
        if inside.is_some() {
            return inside;
        }
        match self {
            Self::Constant(_) => None,
            Self::Replicate => Some(if place < 0 { 0 } else { len - 1 }),
            Self::Reflect | Self::Mirror | Self::Wrap => {
                let Run { places, is_reversed } = self.run(place, len);
                Some(if is_reversed { places.end - 1 } else { places.start })
            }
        }
    }

    /// The longest row of places within `0..len` that is shown from `place` on, where the image is
    /// repeated.
    fn run(self, place: i64, len: usize) -> Run {
        // How often places repeat, and the first and last of those that are shown backwards.
        let (period, back) = match self {
            Self::Reflect => (2 * len, 0..len),
            Self::Mirror => ((2 * len - 2).max(1), 1..len - 1),
            // The others show nothing twice.
            Self::Wrap | Self::Replicate | Self::Constant(_) => (len, 0..0),
        };
        let end = i64::try_from(period).expect("sides of images fit 32 bits");
        let place = place.rem_euclid(end) as usize;
        if place < len {
            Run { places: place..len, is_reversed: false }
        } else {
            Run { places: back.start..back.end - (place - len), is_reversed: true }
        }
    }

    /// The places within `0..len` that `range` shows, as one range of at least one place: a window
    /// that shows nothing but a constant reaches for the pixel that is nearest.
    ///
    /// # Panics
    /// If `len` is zero.
    #[must_use]
    pub(crate) fn reach(self, range: Range<i64>, len: usize) -> Range<usize> {
        let end = i64::try_from(len).expect("sides of images fit 32 bits");
        let (start, stop) = (range.start.clamp(0, end - 1), range.end.clamp(1, end));
        let nearest = start as usize..stop.max(start + 1) as usize;
        let is_inside = range.start >= 0 && range.end <= end;
        match self {
            Self::Replicate | Self::Constant(_) => nearest,
            Self::Reflect | Self::Mirror | Self::Wrap if is_inside => nearest,
            Self::Reflect | Self::Mirror | Self::Wrap if range.end - range.start >= end => 0..len,
            Self::Reflect | Self::Mirror | Self::Wrap => {
                let shown = range.filter_map(|place| self.place(place, len));
                let seen = shown.map(|place| place..place + 1);
                seen.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end)).unwrap_or(nearest)
            }
        }
    }
}

/// Neighbours of an image as a border shows them.
struct Run {
    places: Range<usize>,
    is_reversed: bool,
}

/// Where a stored row and a padded row lie in their image, in pixels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    /// The image column of the first stored pixel.
    pub(crate) stored: usize,
    /// The image column of the first padded pixel; negative left of the image.
    pub(crate) padded: i64,
    /// The width of the image.
    pub(crate) width: usize,
    /// Samples of one pixel.
    pub(crate) channels: usize,
}

/// Fills `padded` from the `stored` part of a row and, beyond the image, from its border.
///
/// `constant` is what [`Border::Constant`] shows here; a filter that has passed over the rows
/// already gives the constant in its own units.
///
/// # Panics
/// If a pixel that the padded row shows is not stored.
pub(crate) fn pad_row<T: Copy>(
    stored: &[T],
    padded: &mut [T],
    span: Span,
    border: Border,
    constant: T,
) {
    pad_made(padded, span, (border, &[constant]), |from, to| {
        to.copy_from_slice(&stored[from..][..to.len()]);
    });
}

/// The same for what `make` makes of the pixels that are stored from a place on, counted in
/// samples, and a constant that may be a whole pixel.
///
/// # Panics
/// If `make` does, for a pixel that the padded row shows and that is not stored.
pub(crate) fn pad_made<T: Copy>(
    padded: &mut [T],
    span: Span,
    (border, constant): (Border, &[T]),
    make: impl Fn(usize, &mut [T]),
) {
    let Span { stored: first, padded: start, width, channels } = span;
    let pixels = padded.len() / channels;
    let left = usize::try_from(-start).unwrap_or(0).min(pixels);
    let right = usize::try_from(width as i64 - start).unwrap_or(0).clamp(left, pixels);
    if left < right {
        let from = usize::try_from(start.max(0)).unwrap_or(0) - first;
        make(from * channels, &mut padded[left * channels..right * channels]);
    }
    for (outside, edge) in [(0..left, 0), (right..pixels, width - 1)] {
        let beside = &mut padded[outside.start * channels..outside.end * channels];
        match border {
            _ if beside.is_empty() => {}
            Border::Constant(_) => repeat(constant, beside),
            Border::Replicate => {
                let (nearest, beside) = beside.split_at_mut(channels);
                make((edge - first) * channels, nearest);
                repeat(nearest, beside);
            }
            Border::Reflect | Border::Mirror | Border::Wrap => {
                let (mut at, mut beside) = (start + outside.start as i64, beside);
                while !beside.is_empty() {
                    let Run { places, is_reversed } = border.run(at, width);
                    let count = places.len().min(beside.len() / channels);
                    let (pixels, rest) = beside.split_at_mut(count * channels);
                    let nearest = if is_reversed { places.end - count } else { places.start };
                    make((nearest - first) * channels, pixels);
                    if is_reversed {
                        turn_around(pixels, channels);
                    }
                    (at, beside) = (at + count as i64, rest);
                }
            }
        }
    }
}

/// Puts the last of some pixels first.
fn turn_around<T>(pixels: &mut [T], channels: usize) {
    pixels.reverse();
    if channels > 1 {
        pixels.chunks_exact_mut(channels).for_each(<[T]>::reverse);
    }
}

/// Fills `pixels` with copies of one.
fn repeat<T: Copy>(pixel: &[T], pixels: &mut [T]) {
    match *pixel {
        [gray] => pixels.fill(gray),
        [red, green, blue] => {
            pixels.as_chunks_mut().0.fill([red, green, blue]);
        }
        _ => pixels.chunks_exact_mut(pixel.len()).for_each(|to| to.copy_from_slice(pixel)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(border: Border, expected: &str) {
        let mut padded = [b' '; 12];
        let span = Span { stored: 0, padded: -4, width: 4, channels: 1 };
        pad_row(b"abcd", &mut padded, span, border, b'v');
        assert_eq!(std::str::from_utf8(&padded).unwrap(), expected);
    }

    #[test]
    fn every_mode_has_its_letters() {
        check(Border::Replicate, "aaaaabcddddd");
        check(Border::Reflect, "dcbaabcddcba");
        check(Border::Mirror, "cdcbabcdcbab");
        check(Border::Wrap, "abcdabcdabcd");
        check(Border::Constant(0.0), "vvvvabcdvvvv");
    }

    #[test]
    fn a_border_reaches_around_tiny_images_many_times() {
        for border in [Border::Replicate, Border::Reflect, Border::Mirror, Border::Wrap] {
            for place in -50..50 {
                assert_eq!(border.place(place, 1), Some(0), "{border:?}");
                assert!(border.place(place, 3).is_some_and(|place| place < 3));
            }
        }
    }

    #[test]
    fn rows_are_padded_as_places_are_shown() {
        for border in [Border::Replicate, Border::Reflect, Border::Mirror, Border::Wrap] {
            for (width, channels) in [(1, 1), (2, 3), (3, 1), (5, 2), (9, 4)] {
                let stored: Vec<usize> = (0..width * channels).collect();
                for start in [-40, -7, -1, 0, 3, 12] {
                    let span = Span { stored: 0, padded: start, width, channels };
                    let mut padded = vec![usize::MAX; 30 * channels];
                    pad_row(&stored, &mut padded, span, border, 0);
                    let shown = (start..).map(|place| border.place(place, width).unwrap());
                    let expected = shown.flat_map(|x| (0..channels).map(move |c| x * channels + c));
                    let expected: Vec<usize> = expected.take(padded.len()).collect();
                    assert_eq!(padded, expected, "{border:?} of {width} from {start}");
                }
            }
        }
    }

    #[test]
    fn a_window_reaches_for_the_pixels_that_it_shows() {
        let modes = [
            Border::Replicate,
            Border::Reflect,
            Border::Mirror,
            Border::Wrap,
            Border::Constant(0.0),
        ];
        for border in modes {
            for (start, end) in [(0, 5), (1, 3), (-2, 1), (4, 9), (-9, -7), (11, 13), (-20, 30)] {
                let reach = border.reach(start..end, 5);
                assert!(!reach.is_empty() && reach.end <= 5, "{border:?} {reach:?}");
                let mut shown = (start..end).filter_map(|place| border.place(place, 5));
                assert!(shown.all(|place| reach.contains(&place)), "{border:?} {reach:?}");
            }
        }
        assert_eq!(Border::Wrap.reach(-2..0, 9), 7..9, "the far side alone");
        assert_eq!(Border::Mirror.reach(-2..1, 9), 0..3);
        assert_eq!(Border::Constant(0.0).reach(20..30, 9), 8..9);
    }

    #[test]
    fn a_window_beside_the_image_is_all_border() {
        let mut padded = [0u8; 4];
        let span = Span { stored: 0, padded: 4, width: 2, channels: 2 };
        pad_row(&[1, 2, 3, 4], &mut padded, span, Border::Replicate, 0);
        assert_eq!(padded, [3, 4, 3, 4]);
    }

    #[test]
    fn a_constant_may_be_a_pixel() {
        let mut padded = [0u8; 8];
        let span = Span { stored: 0, padded: -1, width: 2, channels: 2 };
        let border = (Border::Constant(0.0), &[8, 9][..]);
        let stored = [1, 2, 3, 4];
        pad_made(&mut padded, span, border, |from, to| {
            to.copy_from_slice(&stored[from..][..to.len()]);
        });
        assert_eq!(padded, [8, 9, 1, 2, 3, 4, 8, 9]);
    }
}
