//! Quarter turns of rows.

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

impl QuarterTurns {
    /// The place, in pixels, of an input of `columns` × `rows` that comes to lie at `(x, y)`.
    fn origin(self, (x, y): (usize, usize), (columns, rows): (usize, usize)) -> (usize, usize) {
        match self {
            Self::One => (y, rows - 1 - x),
            Self::Two => (columns - 1 - x, rows - 1 - y),
            Self::Three => (columns - 1 - y, x),
        }
    }
}

/// Fills the rows of `out`, of which the first is row `first`, with the turned `rows`.
pub(crate) fn turn<T: Copy>(
    rows: &[&[T]],
    channels: usize,
    turns: QuarterTurns,
    first: usize,
    out: &mut [&mut [T]],
) {
    let columns = rows.first().map_or(0, |row| row.len()) / channels;
    let width = if turns == QuarterTurns::Two { columns } else { rows.len() };
    // Columns outermost: neighbours along a column of the input are read while they are near.
    for x in 0..width {
        for (y, out) in (first..).zip(out.iter_mut()) {
            let (column, row) = turns.origin((x, y), (columns, rows.len()));
            out[x * channels..][..channels]
                .copy_from_slice(&rows[row][column * channels..][..channels]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
