//! Thinning to lines of one pixel: Zhang and Suen (1984), in the form of scikit-image.
//!
//! Every pass looks at the pixels that may go, all against the same picture, and takes them away
//! together. Only what lies beside a pixel that went is looked at anew, so the work is that of the
//! pixels that go, not that of the picture times its thickness.
//!
//! A picture is thinned tile by tile: a tile is copied with what lies around it, and some passes
//! are made on the copy. What the copy does not show is felt one pixel further in with every pass,
//! so what lies deeper than the number of passes is as if the whole picture had been thinned. Then
//! the tiles are put back, and copied again.

use std::ops::Range;

use pipeline_core::Result;

use crate::memory::{copies, push, room};

/// What has no room where there are too many.
const LIST: &str = "the list of pixels to look at";

/// Patterns of neighbours whose passes are not those of the rule, as the reference has them. Most
/// are corners of stairs, which the rule leaves two pixels wide.
const EXCEPTIONS: [(u8, u8); 25] = [
    (3, 1),
    (6, 1),
    (10, 3),
    (11, 1),
    (12, 1),
    (14, 1),
    (24, 2),
    (26, 2),
    (40, 3),
    (48, 0),
    (56, 2),
    (96, 2),
    (104, 2),
    (108, 2),
    (129, 0),
    (130, 3),
    (131, 1),
    (134, 1),
    (160, 3),
    (161, 1),
    (176, 2),
    (192, 2),
    (194, 1),
    (198, 1),
    (224, 2),
];

/// In which passes a pixel goes, by its neighbours: bit 0 stands for the first, bit 1 for the
/// second.
const PASSES: [u8; 256] = passes();

const fn passes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut pattern = 0;
    while pattern < 256 {
        table[pattern] = by_rule(pattern as u8);
        pattern += 1;
    }
    let mut at = 0;
    while at < EXCEPTIONS.len() {
        table[EXCEPTIONS[at].0 as usize] = EXCEPTIONS[at].1;
        at += 1;
    }
    table
}

/// The rule: two to six neighbours, all next to each other, and not on certain sides. The bits of a
/// pattern go around the pixel from the upper left, clockwise.
const fn by_rule(pattern: u8) -> u8 {
    let beginnings = (pattern & !pattern.rotate_left(1)).count_ones();
    let neighbours = pattern.count_ones();
    if beginnings != 1 || neighbours < 2 || neighbours > 6 {
        return 0;
    }
    let (above, right, below, left) =
        (pattern >> 1 & 1, pattern >> 3 & 1, pattern >> 5 & 1, pattern >> 7 & 1);
    let first = above & right & below == 0 && right & below & left == 0;
    let second = above & right & left == 0 && above & below & left == 0;
    first as u8 | (second as u8) << 1
}

const FOREGROUND: u8 = 1;

/// A pixel of the foreground that is to be looked at.
const LISTED: u8 = 3;

/// The sides of a tile: its copy stays in the cache of a processor.
const SIDE: usize = 512;

/// How often a tile is thinned from both sides before it is copied again.
const ROUNDS: usize = 16;

/// What a copy has around its tile: a pixel for each pass, and one more, because a pixel that goes
/// in the last pass makes those beside it to be looked at.
const AROUND: usize = 2 * ROUNDS + 1;

/// A picture cut into tiles, and what is to be looked at in each.
#[derive(Debug)]
pub(crate) struct Tiles {
    width: usize,
    height: usize,
    side: usize,
    /// Nothing before the first round, which looks at all pixels.
    tiles: Vec<Tile>,
}

/// A tile after a round.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tile {
    /// Its pixels, row by row; nothing if none went.
    pixels: Vec<u8>,
    /// The places in the picture of what may go in the next round.
    listed: Vec<usize>,
}

/// Columns and rows of a picture.
#[derive(Debug)]
struct Window {
    x: Range<usize>,
    y: Range<usize>,
}

impl Window {
    fn contains(&self, (x, y): (usize, usize)) -> bool {
        self.x.contains(&x) && self.y.contains(&y)
    }
}

impl Tiles {
    /// Those of a picture.
    pub(crate) const fn new(width: usize, height: usize) -> Self {
        Self::of_side(width, height, SIDE)
    }

    const fn of_side(width: usize, height: usize, side: usize) -> Self {
        Self { width, height, side, tiles: Vec::new() }
    }

    /// How many there are.
    pub(crate) const fn count(&self) -> usize {
        self.columns() * self.height.div_ceil(self.side)
    }

    /// The rows of a tile.
    pub(crate) const fn side(&self) -> usize {
        self.side
    }

    const fn columns(&self) -> usize {
        self.width.div_ceil(self.side)
    }

    /// A tile and as much around it as there is, of at most `around` pixels.
    fn window(&self, number: usize, around: usize) -> Window {
        let range = |at: usize, len: usize| {
            let start = at * self.side;
            start.saturating_sub(around)..(start + self.side + around).min(len)
        };
        let (column, row) = (number % self.columns(), number / self.columns());
        Window { x: range(column, self.width), y: range(row, self.height) }
    }

    /// The tiles that the copy of one shows something of.
    fn near(&self, number: usize) -> impl Iterator<Item = usize> + use<> {
        let (columns, reach) = (self.columns(), AROUND.div_ceil(self.side));
        let range = |at: usize, end: usize| at.saturating_sub(reach)..(at + reach + 1).min(end);
        let x = range(number % columns, columns);
        let y = range(number / columns, self.height.div_ceil(self.side));
        y.flat_map(move |y| x.clone().map(move |x| y * columns + x))
    }

    /// A tile as it is after a round on `pixels`, which are zeros and ones.
    ///
    /// # Errors
    /// What `check` returns, which is asked now and then, and
    /// [`Error::TooLarge`](pipeline_core::Error::TooLarge) if there is no memory for the lists.
    pub(crate) fn round(
        &self,
        number: usize,
        pixels: &[u8],
        check: impl Fn() -> Result<()>,
    ) -> Result<Tile> {
        let (own, seen) = (self.window(number, 0), self.window(number, AROUND));
        let listed = |number: usize| self.tiles.get(number).map_or(&[][..], |tile| &tile.listed);
        let near = self.near(number).flat_map(listed);
        let near = near.map(|&at| (at % self.width, at / self.width));
        let mut near = near.filter(|&place| seen.contains(place)).peekable();
        let is_first = self.tiles.is_empty();
        if !is_first && near.peek().is_none() {
            return Ok(Tile::default());
        }

        let row_len = seen.x.len() + 2;
        let what = || format!("a copy of {}×{} pixels", seen.x.len(), seen.y.len());
        let mut copy = copies(0u8, row_len * (seen.y.len() + 2), what)?;
        let rows = copy.chunks_exact_mut(row_len).skip(1);
        for (row, y) in rows.zip(seen.y.clone()) {
            row[1..=seen.x.len()].copy_from_slice(&pixels[y * self.width..][seen.x.clone()]);
        }
        let mut thinning = Thinning::new(&mut copy, row_len);
        if is_first {
            thinning.list_all()?;
        }
        for (x, y) in near {
            thinning.list((y - seen.y.start + 1) * row_len + x - seen.x.start + 1)?;
        }
        thinning.run(ROUNDS, check)?;
        let Thinning { listed, is_thinner, .. } = thinning;
        let in_picture =
            |at: usize| (at % row_len - 1 + seen.x.start, at / row_len - 1 + seen.y.start);
        let listed = listed.into_iter().map(in_picture).filter(|&place| own.contains(place));
        let mut tile = Tile::default();
        for (x, y) in listed {
            push(&mut tile.listed, y * self.width + x, LIST)?;
        }
        if is_thinner {
            let what = || format!("a tile of {}×{} pixels", own.x.len(), own.y.len());
            tile.pixels = room(own.x.len() * own.y.len(), what)?;
            for y in own.y.clone() {
                let first = (y - seen.y.start + 1) * row_len + own.x.start - seen.x.start + 1;
                let row = &copy[first..][..own.x.len()];
                tile.pixels.extend(row.iter().map(|pixel| pixel & FOREGROUND));
            }
        }
        Ok(tile)
    }

    /// Takes note of what all tiles are after a round. Returns whether any pixel went.
    pub(crate) fn set(&mut self, tiles: Vec<Tile>) -> bool {
        self.tiles = tiles;
        self.tiles.iter().any(|tile| !tile.pixels.is_empty())
    }

    /// Puts the pixels of a row of tiles into `rows`, those of the picture from row `first` on.
    pub(crate) fn put(&self, first: usize, rows: &mut [u8]) {
        let number = first / self.side * self.columns();
        for (tile, number) in self.tiles.iter().skip(number).zip(number..).take(self.columns()) {
            let columns = self.window(number, 0).x;
            let own = tile.pixels.chunks_exact(columns.len());
            for (row, own) in rows.chunks_exact_mut(self.width).zip(own) {
                row[columns.clone()].copy_from_slice(own);
            }
        }
    }
}

/// A mask with one pixel of background around it, which is being thinned.
#[derive(Debug)]
struct Thinning<'a> {
    pixels: &'a mut [u8],
    /// The places of the eight neighbours, from the upper left, clockwise.
    around: [isize; 8],
    /// What is to be looked at.
    listed: Vec<usize>,
    /// What goes in a pass.
    gone: Vec<usize>,
    /// Whether anything went.
    is_thinner: bool,
}

impl<'a> Thinning<'a> {
    /// A mask of zeros and ones, of rows of `row_len` pixels, of which the first and the last row
    /// and column are background.
    fn new(pixels: &'a mut [u8], row_len: usize) -> Self {
        let row = row_len as isize;
        let around = [-row - 1, -row, -row + 1, 1, row + 1, row, row - 1, -1];
        Self { pixels, around, listed: Vec::new(), gone: Vec::new(), is_thinner: false }
    }

    /// A pixel of the foreground is to be looked at.
    fn list(&mut self, at: usize) -> Result<()> {
        self.pixels[at] = LISTED;
        push(&mut self.listed, at, LIST)
    }

    /// All pixels that may go are to be looked at.
    fn list_all(&mut self) -> Result<()> {
        let row_len = self.around[5] as usize;
        for at in row_len + 1..self.pixels.len() - row_len - 1 {
            if self.pixels[at] == FOREGROUND && self.passes(at) != 0 {
                self.list(at)?;
            }
        }
        Ok(())
    }

    /// Takes pixels away from both sides, so many times or until only lines are left.
    fn run(&mut self, rounds: usize, check: impl Fn() -> Result<()>) -> Result<()> {
        for _ in 0..rounds {
            let mut went = false;
            for pass in [1, 2] {
                check()?;
                went |= self.pass(pass)?;
            }
            if !went {
                break;
            }
            self.is_thinner = true;
        }
        Ok(())
    }

    /// Takes away what goes in a pass, lists what is to be looked at in the next. Returns whether
    /// anything went.
    fn pass(&mut self, pass: u8) -> Result<bool> {
        self.gone.clear();
        let mut kept = 0;
        for place in 0..self.listed.len() {
            let at = self.listed[place];
            match self.passes(at) {
                // Until a neighbour goes, this pixel stays.
                0 => self.pixels[at] = FOREGROUND,
                passes if passes & pass != 0 => push(&mut self.gone, at, LIST)?,
                _ => {
                    self.listed[kept] = at;
                    kept += 1;
                }
            }
        }
        self.listed.truncate(kept);
        self.gone.iter().for_each(|&at| self.pixels[at] = 0);
        for place in 0..self.gone.len() {
            for by in self.around {
                let beside = self.gone[place].wrapping_add_signed(by);
                if self.pixels[beside] == FOREGROUND {
                    self.list(beside)?;
                }
            }
        }
        Ok(!self.gone.is_empty())
    }

    /// In which passes a pixel goes.
    fn passes(&self, at: usize) -> u8 {
        let bits = (0..)
            .zip(self.around)
            .map(|(bit, by)| (self.pixels[at.wrapping_add_signed(by)] & FOREGROUND) << bit);
        PASSES[bits.fold(0, |pattern, bit| pattern | bit) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thin(pixels: &mut [u8], width: usize, side: usize) {
        let mut tiles = Tiles::of_side(width, pixels.len() / width, side);
        loop {
            let round =
                (0..tiles.count()).map(|tile| tiles.round(tile, pixels, || Ok(())).unwrap());
            if !tiles.set(round.collect()) {
                break;
            }
            for (row, rows) in pixels.chunks_mut(width * side).enumerate() {
                tiles.put(row * side, rows);
            }
        }
    }

    #[test]
    fn a_bar_becomes_a_line_and_a_line_stays() {
        let mut pixels = [0; 9 * 5];
        for y in 1..4 {
            pixels[y * 9 + 1..y * 9 + 8].fill(1);
        }
        thin(&mut pixels, 9, SIDE);
        let mut line = [0; 9 * 5];
        line[9 + 6] = 1;
        line[2 * 9 + 1..2 * 9 + 6].fill(1);
        assert_eq!(pixels, line);
        thin(&mut pixels, 9, SIDE);
        assert_eq!(pixels, line);
    }

    #[test]
    fn tiles_of_any_size_give_the_same() {
        // Blobs as large as some tiles, with holes and specks.
        let (width, height) = (211, 190);
        let wave = |at: usize, length: f64| (at as f64 / length).sin();
        let mask = |at: usize| {
            let (x, y) = (at % width, at / width);
            let is_blob = wave(x, 17.0) * wave(y, 23.0) + wave(x + 2 * y, 31.0) * 0.5 > -0.2;
            u8::from(is_blob && !(at * 7919).is_multiple_of(97))
        };
        let mask: Vec<u8> = (0..width * height).map(mask).collect();
        let mut whole = mask.clone();
        thin(&mut whole, width, width);
        assert!(whole != mask);
        for side in [7, 40, 100] {
            let mut tiled = mask.clone();
            thin(&mut tiled, width, side);
            assert!(tiled == whole, "{side}");
        }
    }
}
