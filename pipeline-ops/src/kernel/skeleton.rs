//! Thinning to lines of one pixel: Zhang and Suen (1984), in the form of scikit-image.
//!
//! Every pass looks at the pixels that may go, all against the same picture, and takes them away
//! together. Only what lies beside a pixel that went is looked at anew, so the work is that of the
//! pixels that go, not that of the picture times its thickness.

use pipeline_core::Result;

use crate::memory::push;

/// What has no room where there are too many.
const LIST: &str = "the list of pixels to look at";

/// Pixels that are looked at between two looks for a cancel.
const STRETCH: usize = 1 << 14;

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

/// A mask with one pixel of background around it, which is being thinned.
#[derive(Debug)]
pub(crate) struct Thinning<'a> {
    pixels: &'a mut [u8],
    /// The places of the eight neighbours, from the upper left, clockwise.
    around: [isize; 8],
}

impl<'a> Thinning<'a> {
    /// A mask of zeros and ones, of rows of `row_len` pixels, of which the first and the last row
    /// and column are background.
    pub(crate) fn new(pixels: &'a mut [u8], row_len: usize) -> Self {
        let row = row_len as isize;
        Self { pixels, around: [-row - 1, -row, -row + 1, 1, row + 1, row, row - 1, -1] }
    }

    /// Takes pixels away until only lines are left.
    ///
    /// # Errors
    /// What `check` returns, which is asked now and then, and
    /// [`Error::TooLarge`](pipeline_core::Error::TooLarge) if there is no memory for the list.
    pub(crate) fn run(&mut self, check: impl Fn() -> Result<()>) -> Result<()> {
        let mut listed = Vec::new();
        let row_len = self.around[5] as usize;
        let inner = row_len + 1..self.pixels.len().saturating_sub(row_len + 1);
        for at in inner {
            if at.is_multiple_of(STRETCH) {
                check()?;
            }
            if self.pixels[at] == FOREGROUND && self.passes(at) != 0 {
                self.pixels[at] = LISTED;
                push(&mut listed, at, LIST)?;
            }
        }
        let mut gone = Vec::new();
        loop {
            let mut changed = false;
            for pass in [1, 2] {
                self.pass(pass, &mut listed, &mut gone, &check)?;
                changed |= !gone.is_empty();
            }
            if !changed {
                break;
            }
        }
        self.pixels.iter_mut().for_each(|pixel| *pixel &= FOREGROUND);
        Ok(())
    }

    /// Takes away what goes in a pass, lists what is to be looked at in the next.
    fn pass(
        &mut self,
        pass: u8,
        listed: &mut Vec<usize>,
        gone: &mut Vec<usize>,
        check: impl Fn() -> Result<()>,
    ) -> Result<()> {
        gone.clear();
        let mut kept = 0;
        for place in 0..listed.len() {
            if place.is_multiple_of(STRETCH) {
                check()?;
            }
            let at = listed[place];
            match self.passes(at) {
                // Until a neighbour goes, this pixel stays.
                0 => self.pixels[at] = FOREGROUND,
                passes if passes & pass != 0 => push(gone, at, LIST)?,
                _ => {
                    listed[kept] = at;
                    kept += 1;
                }
            }
        }
        listed.truncate(kept);
        gone.iter().for_each(|&at| self.pixels[at] = 0);
        for (place, &at) in gone.iter().enumerate() {
            if place.is_multiple_of(STRETCH) {
                check()?;
            }
            for by in self.around {
                let beside = at.wrapping_add_signed(by);
                if self.pixels[beside] == FOREGROUND {
                    self.pixels[beside] = LISTED;
                    push(listed, beside, LIST)?;
                }
            }
        }
        Ok(())
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

    #[test]
    fn a_bar_becomes_a_line_and_a_line_stays() {
        let mut pixels = [0; 9 * 5];
        for y in 1..4 {
            pixels[y * 9 + 1..y * 9 + 8].fill(1);
        }
        Thinning::new(&mut pixels, 9).run(|| Ok(())).unwrap();
        let mut line = [0; 9 * 5];
        line[9 + 6] = 1;
        line[2 * 9 + 1..2 * 9 + 6].fill(1);
        assert_eq!(pixels, line);
        Thinning::new(&mut pixels, 9).run(|| Ok(())).unwrap();
        assert_eq!(pixels, line);
    }
}
