//! Rows turned by quarters, and mirrored.

use pipeline_core::Sample;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::vector::widest;

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

/// Rows of the input that are turned before the next columns are, for pixels of so many bytes: a
/// line of each stays in the nearer caches. What was fastest: of one byte 128 rows take two thirds
/// of the time of 1024.
const fn tall(bytes: usize) -> usize {
    match bytes {
        1 | 2 => 128,
        4 => 1024,
        _ => 512,
    }
}

/// Fills the rows of `out`, of which the first is row `first`, with the turned `rows`.
pub(crate) fn turn<T: Sample>(
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
        _ => quarter_plainly(rows, channels, is_clockwise, first, out),
    }
}

/// A quarter turn of pixels of `N` samples.
fn quarter<T: Sample, const N: usize>(
    rows: &[&[T]],
    is_clockwise: bool,
    first: usize,
    out: &mut [&mut [T]],
) {
    // What vectors can interleave is turned in larger squares, if there is one.
    if matches!(size_of::<[T; N]>(), 1 | 2 | 4) && rows.len().min(out.len()) >= 16 {
        widest(
            #[inline(always)]
            || squares::<T, N, 16>(rows, is_clockwise, first, out, interleaved),
        );
    } else {
        squares::<T, N, 8>(rows, is_clockwise, first, out, transposed);
    }
}

/// A quarter turn, square by square. Squares at the end overlap those before them.
#[inline(always)]
fn squares<T: Sample, const N: usize, const SIDE: usize>(
    rows: &[&[T]],
    is_clockwise: bool,
    first: usize,
    out: &mut [&mut [T]],
    transpose: impl Fn([[[T; N]; SIDE]; SIDE]) -> [[[T; N]; SIDE]; SIDE],
) {
    if rows.len() < SIDE || out.len() < SIDE {
        return quarter_plainly(rows, N, is_clockwise, first, out);
    }
    let columns = rows[0].len() / N;
    let last = (rows.len() - SIDE, out.len() - SIDE);
    let tall = const { tall(size_of::<[T; N]>()) };
    for start in (0..rows.len()).step_by(tall) {
        let end = rows.len().min(start + tall);
        for y in (0..out.len()).step_by(SIDE) {
            let y = y.min(last.1);
            let left = if is_clockwise { first + y } else { columns - first - y - SIDE };
            let out = &mut out[y..y + SIDE];
            for x in (start..end).step_by(SIDE) {
                let x = x.min(last.0);
                let mut square = [[[T::default(); N]; SIDE]; SIDE];
                for (x, pixels) in (x..).zip(&mut square) {
                    let row = rows[if is_clockwise { rows.len() - 1 - x } else { x }];
                    pixels.copy_from_slice(&row.as_chunks::<N>().0[left..left + SIDE]);
                }
                for (at, pixels) in transpose(square).into_iter().enumerate() {
                    let y = if is_clockwise { at } else { SIDE - 1 - at };
                    out[y].as_chunks_mut::<N>().0[x..][..SIDE].copy_from_slice(&pixels);
                }
            }
        }
    }
}

/// A quarter turn pixel by pixel.
fn quarter_plainly<T: Copy>(
    rows: &[&[T]],
    channels: usize,
    is_clockwise: bool,
    first: usize,
    out: &mut [&mut [T]],
) {
    let columns = rows.first().map_or(0, |row| row.len()) / channels;
    for (y, out) in (first..).zip(out) {
        let column = if is_clockwise { y } else { columns - 1 - y };
        for (x, out) in out.chunks_exact_mut(channels).enumerate() {
            let row = if is_clockwise { rows.len() - 1 - x } else { x };
            out.copy_from_slice(&rows[row][column * channels..][..channels]);
        }
    }
}

/// A square whose columns are the rows of another.
#[inline(always)]
fn transposed<P: Copy, const SIDE: usize>(square: [[P; SIDE]; SIDE]) -> [[P; SIDE]; SIDE] {
    // Loops, because maps within each other are not always inlined.
    let mut turned = square;
    for (at, row) in square.iter().enumerate() {
        for (turned, pixel) in turned.iter_mut().zip(row) {
            turned[at] = *pixel;
        }
    }
    turned
}

/// The same for a side that is a power of two. Both halves of the pixels are interleaved like a
/// pack of cards: a bit of each pixel's row moves to its column. Once for every bit, the square is
/// turned.
#[inline(always)]
fn interleaved<P: Copy, const SIDE: usize>(mut square: [[P; SIDE]; SIDE]) -> [[P; SIDE]; SIDE] {
    let mut mixed = square;
    for _ in 0..SIDE.ilog2() {
        let (upper, lower) = square.as_flattened().split_at(SIDE * SIDE / 2);
        let pairs = mixed.as_flattened_mut().as_chunks_mut::<2>().0;
        for (pair, (above, below)) in pairs.iter_mut().zip(upper.iter().zip(lower)) {
            *pair = [*above, *below];
        }
        square = mixed;
    }
    square
}

/// Fills `out` with the pixels of a row from its last to its first.
pub(crate) fn reverse<T: Sample>(row: &[T], channels: usize, out: &mut [T]) {
    widest(
        #[inline(always)]
        || match channels {
            1 => reverse_pixels::<T, 1>(row, out),
            2 => reverse_pixels::<T, 2>(row, out),
            3 if size_of::<T>() == 1 => {
                reverse_triples(bytemuck::cast_slice(row), bytemuck::cast_slice_mut(out));
            }
            3 => reverse_pixels::<T, 3>(row, out),
            4 => reverse_pixels::<T, 4>(row, out),
            _ => {
                let pixels = row.chunks_exact(channels).rev();
                let out = out.chunks_exact_mut(channels);
                out.zip(pixels).for_each(|(out, pixel)| out.copy_from_slice(pixel));
            }
        },
    );
}

#[inline(always)]
fn reverse_pixels<T: Copy, const N: usize>(row: &[T], out: &mut [T]) {
    let pixels = row.as_chunks::<N>().0.iter().rev();
    out.as_chunks_mut::<N>().0.iter_mut().zip(pixels).for_each(|(out, pixel)| *out = *pixel);
}

/// Pixels of three bytes, four at a time as three numbers: moving bytes one by one does not become
/// vector code.
#[inline(always)]
fn reverse_triples(row: &[u8], out: &mut [u8]) {
    let (rest, fours) = row.as_rchunks::<12>();
    let (out, out_rest) = out.as_chunks_mut::<12>();
    for (out, four) in out.iter_mut().zip(fours.iter().rev()) {
        let number = |at: usize| u32::from_le_bytes(std::array::from_fn(|byte| four[at + byte]));
        // From the lowest byte: RGBR, GBRG, BRGB.
        let (a, b, c) = (number(0), number(4), number(8));
        let reversed = [
            c >> 8 | (b >> 16) << 24,
            b >> 24 | (c & 0xff) << 8 | a >> 24 << 16 | b << 24,
            b >> 8 & 0xff | a << 8,
        ];
        for (out, number) in out.as_chunks_mut::<4>().0.iter_mut().zip(reversed) {
            *out = number.to_le_bytes();
        }
    }
    reverse_pixels::<u8, 3>(rest, out_rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_mirrored_pixel_by_pixel() {
        fn check<T: Sample>(sample: impl Fn(usize) -> T) {
            for (channels, width) in [(1, 1), (1, 150), (2, 9), (3, 1), (3, 71), (4, 20), (5, 6)] {
                let row: Vec<T> = (0..width * channels).map(&sample).collect();
                let mut out = vec![T::default(); row.len()];
                reverse(&row, channels, &mut out);
                let expected: Vec<T> = row.chunks(channels).rev().flatten().copied().collect();
                assert_eq!(out, expected, "{channels} channels");
            }
        }
        check(|n| n as u8);
        check(|n| n as u16);
        check(|n| n as f32);
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

    #[test]
    fn interleaving_turns_a_square() {
        let square: [[u8; 16]; 16] =
            std::array::from_fn(|y| std::array::from_fn(|x| (16 * y + x) as u8));
        assert_eq!(interleaved(square), transposed(square));
        assert_eq!(
            interleaved([[[1, 2], [3, 4]], [[5, 6], [7, 8]]]),
            [[[1, 2], [5, 6]], [[3, 4], [7, 8]]]
        );
    }

    #[test]
    fn squares_turn_as_single_pixels_do() {
        fn check<T: Sample>(sample: impl Fn(usize) -> T) {
            for (width, height) in [(1, 1), (8, 8), (7, 530), (33, 17), (40, 1030)] {
                for channels in 1..=4 {
                    let samples: Vec<T> = (0..width * height * channels).map(&sample).collect();
                    let rows: Vec<&[T]> = samples.chunks(width * channels).collect();
                    for (turns, is_clockwise) in
                        [(QuarterTurns::One, true), (QuarterTurns::Three, false)]
                    {
                        let first = width / 5;
                        let mut out = vec![T::default(); (width - first) * height * channels];
                        let mut expected = out.clone();
                        let mut lines: Vec<_> = out.chunks_mut(height * channels).collect();
                        turn(&rows, channels, turns, first, &mut lines);
                        let mut lines: Vec<_> = expected.chunks_mut(height * channels).collect();
                        quarter_plainly(&rows, channels, is_clockwise, first, &mut lines);
                        assert_eq!(out, expected, "{width} × {height} of {channels}, {turns:?}");
                    }
                }
            }
        }
        check(|n| (n * 7919 % 251) as u8);
        check(|n| (n * 7919 % 65_521) as u16);
        check(|n| n as f32);
    }
}
