//! A row of sums in which a whole range is raised, and the largest is found, in the time of a
//! logarithm.

use std::ops::RangeInclusive;

/// A tree over positions. Each knot holds the largest sum below it, and what was added to all of
/// them at once.
#[derive(Debug)]
pub(super) struct Profile {
    /// The root is 1, the children of `n` are `2 n` and `2 n + 1`; the leaves are the second half.
    knots: Vec<Knot>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Knot {
    most: i64,
    added: i64,
}

/// Taken off a position that is taken out.
const OUT: i64 = 1 << 61;

impl Profile {
    /// No sum may grow above this, nor fall below its negative.
    pub(super) const LIMIT: u64 = 1 << 60;

    /// One sum for each position, and on top of it the spans, each added to a range of positions.
    pub(super) fn new(
        sums: &[i64],
        spans: impl Iterator<Item = (RangeInclusive<u32>, i64)>,
    ) -> Self {
        let leaves = sums.len().next_power_of_two();
        // What changes from each position to the next.
        let mut steps = vec![0; sums.len() + 1];
        for (span, sum) in spans {
            steps[*span.start() as usize] += sum;
            steps[(*span.end() as usize).saturating_add(1).min(sums.len())] -= sum;
        }
        let mut knots = vec![Knot { most: -OUT, added: 0 }; 2 * leaves];
        let mut carried = 0;
        for (knot, (&sum, step)) in knots[leaves..].iter_mut().zip(sums.iter().zip(steps)) {
            carried += step;
            knot.most = sum + carried;
        }
        let mut profile = Self { knots };
        (1..leaves).rev().for_each(|knot| profile.sum_up(knot));
        profile
    }

    /// Adds to the sums from one position up to, and without, another.
    pub(super) fn add(&mut self, from: u32, to: u32, sum: i64) {
        let leaves = self.leaves();
        let (mut low, mut high) = (from as usize + leaves, (to as usize).min(leaves) + leaves);
        if low >= high {
            return;
        }
        let (first, last) = (low, high - 1);
        while low < high {
            if low % 2 == 1 {
                self.raise(low, sum);
                low += 1;
            }
            if high % 2 == 1 {
                high -= 1;
                self.raise(high, sum);
            }
            (low, high) = (low / 2, high / 2);
        }
        self.sum_up_above(first);
        self.sum_up_above(last);
    }

    /// Takes a position out: it no longer counts for the largest.
    pub(super) fn take_out(&mut self, position: u32) {
        self.add(position, position + 1, -OUT);
    }

    /// Takes a position in again.
    pub(super) fn put_back(&mut self, position: u32) {
        self.add(position, position + 1, OUT);
    }

    /// The largest sum.
    pub(super) fn most(&self) -> i64 {
        self.knots[1].most
    }

    /// The largest sum before a position, if there is any position left.
    pub(super) fn most_before(&self, position: u32) -> Option<i64> {
        let mut knot = (position.checked_sub(1)? as usize).min(self.leaves() - 1) + self.leaves();
        let mut most = self.knots[knot].most;
        while knot > 1 {
            if knot % 2 == 1 {
                most = most.max(self.knots[knot - 1].most);
            }
            knot /= 2;
            most += self.knots[knot].added;
        }
        (most > -OUT / 2).then_some(most)
    }

    fn leaves(&self) -> usize {
        self.knots.len() / 2
    }

    fn raise(&mut self, knot: usize, sum: i64) {
        self.knots[knot].most += sum;
        self.knots[knot].added += sum;
    }

    fn sum_up(&mut self, knot: usize) {
        let below = self.knots[2 * knot].most.max(self.knots[2 * knot + 1].most);
        self.knots[knot].most = below + self.knots[knot].added;
    }

    fn sum_up_above(&mut self, mut knot: usize) {
        while knot > 1 {
            knot /= 2;
            self.sum_up(knot);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_says_what_a_plain_row_says(
            sums in prop::collection::vec(-100i64..100, 1..40),
            spans in prop::collection::vec((0u32..40, 0u32..40, -100i64..100), 0..10),
            changes in prop::collection::vec((0u32..41, 0u32..60, -100i64..100), 0..40),
        ) {
            let count = u32::try_from(sums.len()).unwrap();
            let spans: Vec<_> = spans
                .into_iter()
                .map(|(from, to, sum)| (from % count..=(from % count).max(to), sum))
                .collect();
            let mut row: Vec<Option<i64>> = sums.iter().copied().map(Some).collect();
            let mut profile = Profile::new(&sums, spans.iter().cloned());
            for (span, sum) in spans {
                let to = (*span.end() as usize + 1).min(row.len());
                row[*span.start() as usize..to].iter_mut().flatten().for_each(|at| *at += sum);
            }
            for (from, to, sum) in changes {
                if from > to && from < count {
                    // Out and in again, and out for good now and then.
                    if row[from as usize].is_some() {
                        profile.take_out(from);
                        if sum > 0 {
                            profile.put_back(from);
                        } else {
                            row[from as usize] = None;
                        }
                    }
                } else {
                    profile.add(from, to, sum);
                    let to = (to as usize).min(row.len());
                    if (from as usize) < to {
                        row[from as usize..to].iter_mut().flatten().for_each(|at| *at += sum);
                    }
                }
                for position in 0..=count {
                    let expected = row[..position as usize].iter().flatten().max().copied();
                    prop_assert_eq!(profile.most_before(position), expected);
                }
                if let Some(most) = row.iter().flatten().max() {
                    prop_assert_eq!(profile.most(), *most);
                }
            }
        }
    }
}
