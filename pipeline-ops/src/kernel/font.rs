//! A font of 8 × 13 pixels for Latin text: that of the X Window System's misc-fixed.

use std::ops::Range;

/// Columns of a glyph.
pub(crate) const WIDTH: i64 = 8;

/// Rows of a glyph.
pub(crate) const HEIGHT: usize = 13;

/// The glyphs of U+0020 to U+007E, of U+00A0 to U+00FF, and the one for all others.
const GLYPHS: &[u8] = include_bytes!("tables/8x13.bin");

/// The runs of pixels that row `row` of the glyphs of `line` inks, `scale` pixels for one of the
/// font, in a row of `width` pixels whose pixel `first` is that where the line begins.
pub(crate) fn inked(
    line: &str,
    row: usize,
    scale: u32,
    (first, width): (i64, usize),
) -> impl Iterator<Item = Range<usize>> {
    let (scale, end) = (i64::from(scale), width as i64);
    let starts = (0..).map(move |at| first + at * WIDTH * scale);
    let glyphs = line.chars().zip(starts);
    let seen = glyphs
        .skip_while(move |&(_, start)| start + WIDTH * scale <= 0)
        .take_while(move |&(_, start)| start < end);
    seen.flat_map(move |(character, start)| {
        let bits = glyph_row(character, row);
        let inked = (0..WIDTH).filter(move |bit| bits & (0x80 >> bit) != 0);
        inked.filter_map(move |bit| {
            let (from, to) = (start + bit * scale, start + (bit + 1) * scale);
            let run = from.max(0)..to.min(end);
            (!run.is_empty()).then_some(run.start as usize..run.end as usize)
        })
    })
}

/// A row of a character, the leftmost pixel in the highest bit. What the font does not have is a
/// box.
fn glyph_row(character: char, row: usize) -> u8 {
    let (glyphs, _) = GLYPHS.as_chunks::<HEIGHT>();
    let glyph = match character as usize {
        code @ 0x20..=0x7E => code - 0x20,
        code @ 0xA0..=0xFF => code - 0xA0 + 0x5F,
        _ => glyphs.len() - 1,
    };
    glyphs[glyph][row]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(character: char) -> Vec<String> {
        let rows = (0..HEIGHT).map(|row| format!("{:08b}", glyph_row(character, row)));
        rows.map(|row| row.replace('0', ".").replace('1', "#")).collect()
    }

    #[test]
    fn glyphs_are_where_their_characters_are() {
        assert_eq!(GLYPHS.len(), (95 + 96 + 1) * HEIGHT);
        assert!(draw(' ').iter().all(|row| row == "........"));
        assert_eq!(
            draw('L')[2..11],
            [
                ".#......", ".#......", ".#......", ".#......", ".#......", ".#......", ".#......",
                ".#......", ".######.",
            ]
        );
        assert_eq!(draw('°')[2..6], ["...##...", "..#..#..", "..#..#..", "...##..."]);
        assert_eq!(draw('€'), draw('\u{7f}'), "the box for what is not there");
        assert_ne!(draw('ÿ'), draw('€'));
        assert_ne!(draw('~'), draw('€'));
    }

    #[test]
    fn runs_are_cut_off_at_the_row() {
        let runs = |line, scale, first, width| -> Vec<Range<usize>> {
            inked(line, 10, scale, (first, width)).collect()
        };
        assert_eq!(draw('L')[10], ".######.");
        assert_eq!(runs("LL", 1, 0, 20).len(), 12);
        assert_eq!(runs("L", 3, 0, 20)[..2], [3..6, 6..9]);
        assert_eq!(runs("L", 3, -4, 20)[0], 0..2);
        assert_eq!(runs("L", 3, 0, 5).first(), Some(&(3..5)));
        assert_eq!(runs("LLL", 1, -16, 3), [1..2, 2..3]);
        assert!(runs("L", 1, 20, 20).is_empty() && runs("L", 1, -8, 20).is_empty());
    }
}
