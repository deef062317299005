//! Rows turned by quarters, and mirrored.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far an image is turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum QuarterTurns {
    /// A quarter turn clockwise.
    #[default]
    #[serde(rename = "90")]
    One,
    /// Half a turn.
    #[serde(rename = "180")]
    Two,
    /// A quarter turn counterclockwise.
    #[serde(rename = "270")]
    Three,
}

/// Rows of the input that are turned side by side: a line of each stays in the nearest cache.
const ABREAST: usize = 16;

/// Fills the rows of `out`, of which the first is row `first`, with the turned `rows`.
pub(crate) fn turn<T: Copy>(
    rows: &[&[T]],
    channels: usize,
    turns: QuarterTurns,
    first: usize,
    out: &mut [&mut [T]],
) {
    if turns == QuarterTurns::Two {
        let opposite = rows.iter().rev().skip(first);
        out.iter_mut().zip(opposite).for_each(|(out, row)| reverse(row, channels, out));
        return;
    }
    let is_clockwise = turns == QuarterTurns::One;
    match channels {
        1 => quarter::<T, 1>(rows, is_clockwise, first, out),
        2 => quarter::<T, 2>(rows, is_clockwise, first, out),
        3 => quarter::<T, 3>(rows, is_clockwise, first, out),
        4 => quarter::<T, 4>(rows, is_clockwise, first, out),
        _ => {
            let columns = rows.first().map_or(0, |row| row.len()) / channels;
            for (y, out) in (first..).zip(out) {
                let column = if is_clockwise { y } else { columns - 1 - y };
                for (x, out) in out.chunks_exact_mut(channels).enumerate() {
                    let row = if is_clockwise { rows.len() - 1 - x } else { x };
                    out.copy_from_slice(&rows[row][column * channels..][..channels]);
                }
            }
        }
    }
}

/// A quarter turn of pixels of `N` samples.
fn quarter<T: Copy, const N: usize>(
    rows: &[&[T]],
    is_clockwise: bool,
    first: usize,
    out: &mut [&mut [T]],
) {
    let columns = rows.first().map_or(0, |row| row.len()) / N;
    for start in (0..rows.len()).step_by(ABREAST) {
        let count = ABREAST.min(rows.len() - start);
        let mut abreast: [&[[T; N]]; ABREAST] = [&[]; ABREAST];
        for (place, source) in (start..).zip(&mut abreast[..count]) {
            let row = if is_clockwise { rows.len() - 1 - place } else { place };
            *source = rows[row].as_chunks().0;
        }
        for (y, out) in (first..).zip(out.iter_mut()) {
            let column = if is_clockwise { y } else { columns - 1 - y };
            let out = out[start * N..][..count * N].as_chunks_mut::<N>().0;
            out.iter_mut().zip(&abreast).for_each(|(out, source)| *out = source[column]);
        }
    }
}

/// Fills `out` with the pixels of a row from its last to its first.
pub(crate) fn reverse<T: Copy>(row: &[T], channels: usize, out: &mut [T]) {
    fn pixels<T: Copy, const N: usize>(row: &[T], out: &mut [T]) {
        let pixels = row.as_chunks::<N>().0.iter().rev();
        out.as_chunks_mut::<N>().0.iter_mut().zip(pixels).for_each(|(out, pixel)| *out = *pixel);
    }
    match channels {
        1 => pixels::<T, 1>(row, out),
        2 => pixels::<T, 2>(row, out),
        3 => pixels::<T, 3>(row, out),
        4 => pixels::<T, 4>(row, out),
        _ => {
            let pixels = row.chunks_exact(channels).rev();
            let out = out.chunks_exact_mut(channels);
            out.zip(pixels).for_each(|(out, pixel)| out.copy_from_slice(pixel));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_mirrored_pixel_by_pixel() {
        let row: Vec<u16> = (0..60).collect();
        for channels in [1, 2, 3, 4, 5, 6] {
            let mut out = [0; 60];
            reverse(&row, channels, &mut out);
            let expected: Vec<u16> = row.chunks(channels).rev().flatten().copied().collect();
            assert_eq!(out[..], expected, "{channels} channels");
        }
    }

    #[test]
    fn pixels_turn_with_all_their_channels() {
        // Pixels 1 to 6 of two samples: 1 2 3 over 4 5 6.
        let rows: [&[u8]; 2] = [&[1, 10, 2, 20, 3, 30], &[4, 40, 5, 50, 6, 60]];
        let rows_of = [
            (QuarterTurns::One, [4, 40, 1, 10, 5, 50, 2, 20, 6, 60, 3, 30]),
            (QuarterTurns::Two, [6, 60, 5, 50, 4, 40, 3, 30, 2, 20, 1, 10]),
            (QuarterTurns::Three, [3, 30, 6, 60, 2, 20, 5, 50, 1, 10, 4, 40]),
        ];
        for (turns, expected) in rows_of {
            let width = if turns == QuarterTurns::Two { 6 } else { 4 };
            let mut out = [0; 12];
            turn(&rows, 2, turns, 0, &mut out.chunks_mut(width).collect::<Vec<_>>());
            assert_eq!(out, expected, "{turns:?}");
            let mut last = vec![0; width];
            turn(&rows, 2, turns, 12 / width - 1, &mut [&mut last[..]]);
            assert_eq!(last, expected[12 - width..], "{turns:?} from the last row");
        }
    }
}
