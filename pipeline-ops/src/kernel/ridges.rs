//! Basins that are joined where the ridge between them is low beside their other borders.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use pipeline_core::Result;

/// Heights along a border.
#[derive(Debug, Clone, Copy, Default)]
struct Ridge {
    sum: u64,
    count: u64,
}

impl Ridge {
    fn add(&mut self, other: Self) {
        self.sum += other.sum;
        self.count += other.count;
    }

    fn mean(self) -> f64 {
        self.sum as f64 / self.count as f64
    }
}

/// How weak a ridge between two basins is: less is weaker.
#[derive(Debug, Clone, Copy)]
struct Weakness(f64);

impl Ord for Weakness {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Weakness {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Weakness {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Weakness {}

/// Basins with what is between them, by their numbers.
#[derive(Debug)]
struct Map {
    /// The borders to what is around all basins.
    shores: Vec<Ridge>,
    /// The ridges to other basins.
    ridges: Vec<BTreeMap<u32, Ridge>>,
    /// How often a basin was joined with another, of which what was queued before is out of date.
    changes: Vec<u32>,
    /// The basin that each was joined to; itself if to none.
    tops: Vec<u32>,
}

/// Joins basins of `labels`, rows of `width` numbered from 1 to `count`, the weakest ridge first.
///
/// The ridge between two is weak if its mean height above `zero` is less than `ratio` of that of
/// the lower of their borders to label 0, of at least 5 pairs of pixels. Each pair of neighbours
/// has the height of its higher pixel. Joined basins have the lowest of their numbers.
///
/// # Errors
/// What `check` returns, which is asked after each row and before two are joined.
pub(crate) fn join_weak(
    labels: &mut [u32],
    count: u32,
    heights: &[u16],
    width: usize,
    (zero, ratio): (u16, f64),
    check: impl Fn() -> Result<()>,
) -> Result<()> {
    let mut map = Map::new(count as usize);
    let mut above: Option<(&[u32], &[u16])> = None;
    for (labels, heights) in labels.chunks_exact(width).zip(heights.chunks_exact(width)) {
        check()?;
        if let Some((labels_above, heights_above)) = above {
            map.add_pairs((labels_above, labels), (heights_above, heights));
        }
        map.add_pairs((labels, &labels[1..]), (heights, &heights[1..]));
        above = Some((labels, heights));
    }
    map.join_weak(zero, ratio, check)?;
    // A basin is joined to one before it.
    for basin in 1..map.tops.len() {
        map.tops[basin] = map.tops[map.tops[basin] as usize];
    }
    labels.iter_mut().for_each(|label| *label = map.tops[*label as usize]);
    Ok(())
}

impl Map {
    fn new(count: usize) -> Self {
        Self {
            shores: vec![Ridge::default(); count + 1],
            ridges: vec![BTreeMap::new(); count + 1],
            changes: vec![0; count + 1],
            tops: (0..=count as u32).collect(),
        }
    }

    /// Adds the heights between pairs of neighbours.
    fn add_pairs(&mut self, labels: (&[u32], &[u32]), heights: (&[u16], &[u16])) {
        let heights = heights.0.iter().zip(heights.1);
        for ((&a, &b), heights) in labels.0.iter().zip(labels.1).zip(heights) {
            if a != b {
                let height = *heights.0.max(heights.1);
                self.add(a.min(b), a.max(b), Ridge { sum: height.into(), count: 1 });
            }
        }
    }

    fn add(&mut self, a: u32, b: u32, ridge: Ridge) {
        if a == 0 {
            self.shores[b as usize].add(ridge);
        } else {
            for (own, other) in [(a, b), (b, a)] {
                self.ridges[own as usize].entry(other).or_default().add(ridge);
            }
        }
    }

    fn join_weak(&mut self, zero: u16, ratio: f64, check: impl Fn() -> Result<()>) -> Result<()> {
        let mut queue = BinaryHeap::new();
        let changes = |map: &Self, a: u32, b: u32| [a, b].map(|basin| map.changes[basin as usize]);
        let push = |map: &Self, queue: &mut BinaryHeap<_>, a: u32, only_above: bool| {
            for (&b, &ridge) in
                map.ridges[a as usize].iter().filter(|&(&b, _)| !only_above || b > a)
            {
                let (a, b) = (a.min(b), a.max(b));
                let weakness = map.weakness(a, b, ridge, zero).filter(|weakness| *weakness < ratio);
                if let Some(weakness) = weakness {
                    queue.push(Reverse((Weakness(weakness), a, b, changes(map, a, b))));
                }
            }
        };
        (1..self.ridges.len() as u32).for_each(|basin| push(self, &mut queue, basin, true));
        while let Some(Reverse((_, a, b, seen))) = queue.pop() {
            if seen == changes(self, a, b) {
                check()?;
                self.join(a, b);
                push(self, &mut queue, a, false);
            }
        }
        Ok(())
    }

    /// The mean of a ridge as a part of the lower of the shores of both; none if they have none.
    fn weakness(&self, a: u32, b: u32, ridge: Ridge, zero: u16) -> Option<f64> {
        /// A border of fewer pairs says nothing.
        const FEWEST: u64 = 5;

        let zero = f64::from(zero);
        let shores = [a, b].map(|basin| self.shores[basin as usize]);
        let means = shores.iter().filter(|shore| shore.count >= FEWEST).map(|shore| shore.mean());
        let lower = means.reduce(f64::min)?;
        // A shore that is not above zero holds nothing back.
        Some((ridge.mean() - zero) / (lower - zero).max(1e-9))
    }

    /// Joins basin `b` to `a`.
    fn join(&mut self, a: u32, b: u32) {
        self.tops[b as usize] = a;
        for basin in [a, b] {
            self.changes[basin as usize] += 1;
        }
        let shore = self.shores[b as usize];
        self.shores[a as usize].add(shore);
        for (other, ridge) in std::mem::take(&mut self.ridges[b as usize]) {
            self.ridges[other as usize].remove(&b);
            if other != a {
                self.add(a, other, ridge);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of the same pixels, so that borders are long enough.
    #[track_caller]
    fn check(labels: [u32; 8], heights: [u16; 8], ratio: f64, expected: [u32; 8]) {
        let (mut labels, heights) = (labels.repeat(6), heights.repeat(6));
        join_weak(&mut labels, 3, &heights, 8, (100, ratio), || Ok(())).unwrap();
        assert_eq!(labels, expected.repeat(6));
    }

    #[test]
    fn low_ridges_are_opened_the_weakest_first() {
        let labels = [0, 1, 1, 2, 2, 3, 3, 0];
        // Shores of 100, ridges of 40 and 60.
        let heights = [200, 0, 140, 0, 160, 0, 0, 200];
        check(labels, heights, 0.3, labels);
        check(labels, heights, 0.5, [0, 1, 1, 1, 1, 3, 3, 0]);
        check(labels, heights, 0.7, [0, 1, 1, 1, 1, 1, 1, 0]);
    }

    #[test]
    fn without_a_shore_nothing_is_joined() {
        let labels = [1, 1, 1, 2, 2, 3, 3, 3];
        check(labels, [150; 8], 0.9, labels);
    }
}
