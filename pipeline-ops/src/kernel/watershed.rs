//! Watersheds: labels that flood an image, lowest first.

use std::collections::VecDeque;

use pipeline_core::Result;

use super::Connectivity;
use crate::memory::{push, push_back};

/// Pixels that are flooded between two looks for a cancel.
const STRETCH: usize = 1 << 12;

/// What has no room where there are too many.
const FRONT: &str = "the front of a flood";

/// A pixel to flood from.
#[derive(Debug, Clone, Copy)]
struct Front {
    /// The level at which water reached it.
    level: u32,
    at: u32,
}

/// Pixels to flood from: lower ones first, and of one level the one that came first.
///
/// No pixel is lower than one that was taken before it, so this is a radix heap (Ahuja, Mehlhorn,
/// Orlin and Tarjan 1990): a pixel lies in the bucket of the highest bit in which its level is not
/// that of the last one taken. A bucket is shared out in order once all below it are empty, so what
/// came first stays first.
#[derive(Debug)]
struct Fronts {
    /// Those of the level of the last one taken.
    lowest: VecDeque<Front>,
    /// Those whose level differs from it in this bit, and in none above.
    buckets: [Vec<Front>; u32::BITS as usize],
    level: u32,
}

impl Fronts {
    fn new() -> Self {
        Self { lowest: VecDeque::new(), buckets: [const { Vec::new() }; _], level: 0 }
    }

    fn push(&mut self, front: Front) -> Result<()> {
        match (front.level ^ self.level).checked_ilog2() {
            Some(bit) => push(&mut self.buckets[bit as usize], front, FRONT),
            None => push_back(&mut self.lowest, front, FRONT),
        }
    }

    fn pop(&mut self, check: impl Fn() -> Result<()>) -> Result<Option<Front>> {
        if self.lowest.is_empty()
            && let Some(bucket) = self.buckets.iter_mut().find(|bucket| !bucket.is_empty())
        {
            let bucket = std::mem::take(bucket);
            self.level = bucket.iter().map(|front| front.level).min().unwrap_or(self.level);
            for (place, front) in bucket.into_iter().enumerate() {
                if place.is_multiple_of(STRETCH) {
                    check()?;
                }
                self.push(front)?;
            }
        }
        Ok(self.lowest.pop_front())
    }
}

/// Floods an image from the labels that are not 0 into those that are.
///
/// A pixel goes to the label that reaches it first; labels of one height begin row by row. `height`
/// is a number that orders as the samples do, `open` whether a pixel may be flooded.
///
/// # Errors
/// What `check` returns, which is asked now and then, and
/// [`Error::TooLarge`](pipeline_core::Error::TooLarge) if there is no memory for the front.
pub(crate) fn flood(
    labels: &mut [u32],
    width: usize,
    connectivity: Connectivity,
    height: impl Fn(usize) -> i32,
    open: impl Fn(usize) -> bool,
    check: impl Fn() -> Result<()>,
) -> Result<()> {
    // The order in which neighbours are reached: near ones first, then row by row.
    let near = [(0, -1), (-1, 0), (1, 0), (0, 1)];
    let corners = [(-1, -1), (1, -1), (-1, 1), (1, 1)];
    let around: Vec<(isize, isize)> = match connectivity {
        Connectivity::Four => near.to_vec(),
        Connectivity::Eight => [near, corners].concat(),
    };
    let rows = labels.len() / width;
    let beside = |at: usize| {
        let (x, y) = (at as u32 % width as u32, at as u32 / width as u32);
        let (x, y) = (x as usize, y as usize);
        around.iter().filter_map(move |&(dx, dy)| {
            let is_inside = x.wrapping_add_signed(dx) < width && y.wrapping_add_signed(dy) < rows;
            is_inside.then_some(at.wrapping_add_signed(dy * width as isize + dx))
        })
    };
    // Heights of both signs, as numbers without one that order alike.
    let height = |at: usize| height(at).cast_unsigned() ^ 1 << 31;
    let is_free = |labels: &[u32], at: usize| labels[at] == 0 && open(at);

    let mut fronts = Fronts::new();
    for at in 0..labels.len() {
        if at.is_multiple_of(STRETCH) {
            check()?;
        }
        if labels[at] != 0 && beside(at).any(|beside| is_free(labels, beside)) {
            fronts.push(Front { level: height(at), at: at as u32 })?;
        }
    }
    let mut flooded = 0usize;
    while let Some(Front { level, at }) = fronts.pop(&check)? {
        if flooded.is_multiple_of(STRETCH) {
            check()?;
        }
        flooded += 1;
        for beside in beside(at as usize) {
            if is_free(labels, beside) {
                labels[beside] = labels[at as usize];
                // Water that runs down has still come over the height it came from.
                let level = level.max(height(beside));
                fronts.push(Front { level, at: beside as u32 })?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_comes_first_and_of_one_level_the_first() {
        let mut fronts = Fronts::new();
        let mut expected: Vec<_> = (0..200u32).map(|at| (at * 7919 % 23, at)).collect();
        for &(level, at) in &expected {
            fronts.push(Front { level, at }).unwrap();
        }
        expected.sort();
        let mut found = Vec::new();
        while let Some(Front { level, at }) = fronts.pop(|| Ok(())).unwrap() {
            found.push((level, at));
        }
        assert_eq!(found, expected);
    }

    #[test]
    fn a_level_takes_no_more_memory_than_its_front() {
        let mut fronts = Fronts::new();
        for at in 0..100_000 {
            fronts.push(Front { level: 7, at }).unwrap();
            if at > 50 {
                let first = fronts.pop(|| Ok(())).unwrap().unwrap();
                assert_eq!((first.level, first.at), (7, at - 51));
            }
        }
        assert!(fronts.lowest.capacity() < 1000, "{}", fronts.lowest.capacity());
    }

    #[test]
    fn labels_meet_on_the_ridge() {
        let heights = [-1, 1, 5, 1, 1, -1];
        let mut labels = [1, 0, 0, 0, 0, 2];
        flood(&mut labels, 6, Connectivity::Four, |at| heights[at], |at| at != 1, || Ok(()))
            .unwrap();
        assert_eq!(labels, [1, 0, 2, 2, 2, 2], "a closed pixel stays");
    }

    /// The definition: of all pixels that are reached the lowest is flooded from, of equal ones the
    /// one that was reached first.
    fn by_search(
        heights: &[i32],
        labels: &mut [u32],
        width: usize,
        around: &[(isize, isize)],
        open: impl Fn(usize) -> bool,
    ) {
        let mut reached: Vec<_> =
            (0..labels.len()).filter(|&at| labels[at] != 0).map(|at| (heights[at], at)).collect();
        while let Some(first) = (0..reached.len()).min_by_key(|&place| reached[place].0) {
            let (level, at) = reached.remove(first);
            for (dx, dy) in around {
                let (x, y) = ((at % width) as isize + dx, (at / width) as isize + dy);
                if x < 0 || y < 0 || x >= width as isize || y >= (labels.len() / width) as isize {
                    continue;
                }
                let beside = y as usize * width + x as usize;
                if labels[beside] == 0 && open(beside) {
                    labels[beside] = labels[at];
                    reached.push((heights[beside].max(level), beside));
                }
            }
        }
    }

    #[test]
    fn what_is_equal_is_decided_as_the_definition_says() {
        let near = vec![(0, -1), (-1, 0), (1, 0), (0, 1)];
        let all = [&near[..], &[(-1, -1), (1, -1), (-1, 1), (1, 1)]].concat();
        let width = 13;
        for seed in 0..40u64 {
            let noise =
                |at: usize| (at as u64 + 1 + 1000 * seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
            let heights: Vec<i32> = (0..130usize).map(|at| (noise(at) % 5) as i32 - 2).collect();
            let open = |at| noise(at + 900) % 8 != 0;
            let marker = |at| if noise(at + 500) % 6 == 0 { 1 + at as u32 } else { 0 };
            let markers: Vec<u32> = (0..130usize).map(marker).collect();
            for (connectivity, around) in [(Connectivity::Four, &near), (Connectivity::Eight, &all)]
            {
                let (mut found, mut expected) = (markers.clone(), markers.clone());
                flood(&mut found, width, connectivity, |at| heights[at], open, || Ok(())).unwrap();
                by_search(&heights, &mut expected, width, around, open);
                assert_eq!(found, expected, "{seed}");
            }
        }
    }
}
