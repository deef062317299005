//! Basins of a relief, flooded from below and joined where that is asked for.

use std::ops::RangeInclusive;

use pipeline_core::Result;

use crate::memory::{copies, leftovers};

/// No basin: what is not flooded, or not yet.
const NONE: u32 = u32::MAX;

/// Pixels that are flooded between two looks for a cancel.
const STRETCH: usize = 1 << 14;

/// What is around the pixels that are flooded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outside {
    /// One basin, number 0, that is deeper than all others.
    Basin,
    /// Nothing.
    Nothing,
}

/// A relief to be flooded, row by row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Relief<'a> {
    pub(crate) heights: &'a [u16],
    /// Not 0 where it is to be flooded.
    pub(crate) mask: &'a [u8],
    /// Of a row.
    pub(crate) width: usize,
}

impl Relief<'_> {
    /// Floods the relief from the lowest pixel to the highest, of equal ones from the first. A
    /// pixel goes to the basin of its lowest neighbour of four that was flooded before, or begins
    /// one. Where two basins meet, `join` is asked with the height there and the floor of the
    /// shallower one whether they are one.
    ///
    /// Answers the basin of each pixel and their number. They are numbered from 1 on by their
    /// floors, the lowest first; pixels of the outside have 0. There are fewer than 2³² pixels.
    ///
    /// # Errors
    /// What `check` returns, which is asked now and then, and
    /// [`Error::TooLarge`](pipeline_core::Error::TooLarge) if there is no memory for the pixels.
    pub(crate) fn basins(
        self,
        outside: Outside,
        join: impl Fn(u16, u16) -> bool,
        check: impl Fn() -> Result<()>,
    ) -> Result<(Vec<u32>, u32)> {
        let (heights, width) = (self.heights, self.width);
        let beyond = if outside == Outside::Basin { 0 } else { NONE };
        let what = || "the basins of a relief".to_owned();
        let mut own: Vec<u32> = leftovers(self.mask.len(), what)?;
        let pairs = own.iter_mut().zip(self.mask);
        pairs.for_each(|(own, &mask)| *own = if mask == 0 { beyond } else { NONE });
        let mut known = Known { parents: vec![0], floors: vec![0] };
        for pixels in self.order()?.chunks(STRETCH) {
            check()?;
            for &at in pixels {
                let at = at as usize;
                let height = heights[at];
                let (mut lowest, mut basin, mut met) = (u16::MAX, NONE, NONE);
                let mut last = NONE;
                for near in neighbours(at, width, heights.len()).into_iter().flatten() {
                    let other = own[near];
                    if other == NONE {
                        continue;
                    }
                    if basin == NONE || heights[near] < lowest {
                        (lowest, basin) = (heights[near], other);
                    }
                    if other != last {
                        let top = known.root(other);
                        met = if met == NONE || met == top {
                            top
                        } else {
                            known.meet(met, top, |floor| join(height, floor))
                        };
                        last = other;
                    }
                }
                own[at] = if basin == NONE { known.begin(height) } else { basin };
            }
        }
        let (numbers, count) = known.numbers();
        own.iter_mut().for_each(|own| *own = numbers.get(*own as usize).copied().unwrap_or(0));
        Ok((own, count))
    }

    /// The pixels to be flooded, from the lowest on, counted into their places.
    fn order(self) -> Result<Vec<u32>> {
        let Some(range) = self.range() else { return Ok(Vec::new()) };
        let low = *range.start();
        let flooded = || self.heights.iter().zip(self.mask).filter(|&(_, &mask)| mask != 0);
        let mut places = vec![0u32; usize::from(range.end() - low) + 2];
        flooded().for_each(|(&height, _)| places[usize::from(height - low) + 1] += 1);
        let mut before = 0;
        for place in &mut places {
            before += *place;
            *place = before;
        }
        let mut order = copies(0, before as usize, || format!("the order of {before} pixels"))?;
        for (at, (&height, &mask)) in (0..).zip(self.heights.iter().zip(self.mask)) {
            if mask != 0 {
                let place = &mut places[usize::from(height - low)];
                order[*place as usize] = at;
                *place += 1;
            }
        }
        Ok(order)
    }

    /// The heights from the lowest to the highest that are to be flooded.
    fn range(self) -> Option<RangeInclusive<u16>> {
        let (mut low, mut high) = (u16::MAX, u16::MIN);
        for (&height, &mask) in self.heights.iter().zip(self.mask) {
            low = low.min(if mask == 0 { u16::MAX } else { height });
            high = high.max(if mask == 0 { u16::MIN } else { height });
        }
        (low <= high && self.mask.iter().any(|&mask| mask != 0)).then_some(low..=high)
    }
}

/// The pixels above, to the left, to the right and below, as far as there are any.
#[inline(always)]
pub(crate) fn neighbours(at: usize, width: usize, len: usize) -> [Option<usize>; 4] {
    let x = at as u32 % width as u32;
    [
        at.checked_sub(width),
        (x > 0).then(|| at - 1),
        (x as usize + 1 < width).then(|| at + 1),
        Some(at + width).filter(|&below| below < len),
    ]
}

/// Basins that were begun, the outside first.
struct Known {
    /// For each one that it was joined to; itself if to none.
    parents: Vec<u32>,
    floors: Vec<u16>,
}

impl Known {
    fn begin(&mut self, floor: u16) -> u32 {
        let basin = self.parents.len() as u32;
        self.parents.push(basin);
        self.floors.push(floor);
        basin
    }

    #[inline(always)]
    fn root(&mut self, mut basin: u32) -> u32 {
        while self.parents[basin as usize] != basin {
            let above = self.parents[self.parents[basin as usize] as usize];
            self.parents[basin as usize] = above;
            basin = above;
        }
        basin
    }

    /// The deeper of two basins that meet, to which the other was joined if that is to be. Of two
    /// floors of one height the one begun first is deeper, as the outside is of all.
    fn meet(&mut self, a: u32, b: u32, join: impl Fn(u16) -> bool) -> u32 {
        let (deeper, shallower) = (a.min(b), a.max(b));
        if join(self.floors[shallower as usize]) {
            self.parents[shallower as usize] = deeper;
        }
        deeper
    }

    /// The number of each basin once those joined to one before have its number, and how many there
    /// are.
    fn numbers(&mut self) -> (Vec<u32>, u32) {
        let mut numbers = vec![0; self.parents.len()];
        let mut count = 0;
        for basin in 1..self.parents.len() {
            let top = self.root(basin as u32) as usize;
            numbers[basin] = if top == basin {
                count += 1;
                count
            } else {
                numbers[top]
            };
        }
        (numbers, count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(heights: &[u16], mask: &[u8], outside: Outside, depth: u16, expected: &[u32]) {
        let relief = Relief { heights, mask, width: 8 };
        let join = |height, floor| height - floor < depth;
        let (found, count) = relief.basins(outside, join, || Ok(())).unwrap();
        assert_eq!((found.as_slice(), count), (expected, expected.iter().copied().max().unwrap()));
    }

    #[test]
    fn basins_are_joined_where_they_are_shallow() {
        let heights = [3, 1, 4, 2, 6, 0, 7, 5];
        check(&heights, &[1; 8], Outside::Nothing, 0, &[2, 2, 2, 3, 1, 1, 1, 4]);
        check(&heights, &[1; 8], Outside::Nothing, 3, &[2, 2, 2, 2, 1, 1, 1, 1]);
        check(&heights, &[1; 8], Outside::Nothing, 9, &[1; 8]);
    }

    #[test]
    fn what_is_not_flooded_may_be_the_deepest_basin() {
        let (heights, mask) = ([9, 5, 8, 1, 7, 4, 9, 9], [0, 1, 1, 1, 1, 1, 1, 0]);
        check(&heights, &mask, Outside::Nothing, 0, &[0, 3, 1, 1, 1, 2, 2, 0]);
        check(&heights, &mask, Outside::Basin, 0, &[0, 0, 1, 1, 1, 2, 2, 0]);
        check(&heights, &mask, Outside::Basin, 6, &[0, 0, 1, 1, 1, 1, 1, 0]);
        check(&heights, &mask, Outside::Basin, 8, &[0; 8]);
        check(&heights, &[0; 8], Outside::Nothing, 1, &[0; 8]);
    }
}
