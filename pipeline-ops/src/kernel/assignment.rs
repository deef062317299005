//! Which of two sets belong together: the pairs whose weights have the largest sum.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Pairs of a row and a column with their weights, which are above 0. Answers the column of each
/// row, so that no column has two rows and the sum of the weights is the largest there is.
///
/// Rows are taken in one after the other, each by the shortest augmenting path of Jonker and
/// Volgenant (1987). The search for it follows pairs only and ends where the next step cannot pay,
/// so many objects of which each touches few cost little more than their pairs.
pub(crate) fn assign(
    rows: usize,
    columns: usize,
    pairs: &[(usize, usize, f64)],
) -> Vec<Option<usize>> {
    let mut matching = Matching::new(rows, columns, pairs);
    (0..rows).for_each(|row| matching.take_in(row));
    matching.column_of
}

/// What is matched so far, and the prices that prove it best: no pair costs less than the prices of
/// its row and its column together, and pairs that are matched cost just as much.
#[derive(Debug)]
struct Matching {
    /// The pairs by row, then by column; those of a row begin at its start and end at the next.
    pairs: Vec<(usize, usize, f64)>,
    starts: Vec<usize>,
    row_prices: Vec<f64>,
    column_prices: Vec<f64>,
    row_of: Vec<Option<usize>>,
    column_of: Vec<Option<usize>>,
    /// How far each column is from the row that is taken in, and the row before it.
    far: Vec<f64>,
    from: Vec<usize>,
    /// Whether nothing nearer can come: sums are rounded, and a path must not turn back.
    is_passed: Vec<bool>,
}

/// Where a path ends: at a column that is free, or at a row that goes without one.
#[derive(Debug, Clone, Copy)]
enum End {
    Column(usize),
    Row(usize),
}

impl Matching {
    fn new(rows: usize, columns: usize, pairs: &[(usize, usize, f64)]) -> Self {
        let mut pairs = pairs.to_vec();
        pairs.sort_by_key(|&(row, column, _)| (row, column));
        let starts = (0..=rows).map(|row| pairs.partition_point(|pair| pair.0 < row)).collect();
        Self {
            pairs,
            starts,
            row_prices: vec![0.0; rows],
            column_prices: vec![0.0; columns],
            row_of: vec![None; columns],
            column_of: vec![None; rows],
            far: vec![f64::INFINITY; columns],
            from: vec![0; columns],
            is_passed: vec![false; columns],
        }
    }

    fn take_in(&mut self, start: usize) {
        let (mut heap, mut reached, mut passed) = (BinaryHeap::new(), Vec::new(), Vec::new());
        let (mut row, mut so_far) = (start, 0.0);
        let (mut end, mut least) = (End::Row(start), f64::INFINITY);
        loop {
            let without = so_far - self.row_prices[row];
            if without < least {
                (end, least) = (End::Row(row), without);
            }
            for &(_, column, weight) in &self.pairs[self.starts[row]..self.starts[row + 1]] {
                let far = without - weight - self.column_prices[column];
                if far < self.far[column] && !self.is_passed[column] {
                    if self.far[column].is_infinite() {
                        reached.push(column);
                    }
                    (self.far[column], self.from[column]) = (far, row);
                    heap.push(Near { far, column });
                }
            }
            // What was found nearer meanwhile stands in the heap twice.
            while heap.peek().is_some_and(|near: &Near| self.is_passed[near.column]) {
                heap.pop();
            }
            match heap.pop() {
                Some(Near { far, column }) if far < least => match self.row_of[column] {
                    Some(next) => {
                        passed.push((column, next, far));
                        self.is_passed[column] = true;
                        (row, so_far) = (next, far);
                    }
                    None => {
                        (end, least) = (End::Column(column), far);
                        break;
                    }
                },
                _ => break,
            }
        }
        self.row_prices[start] += least;
        for (column, row, far) in passed {
            self.row_prices[row] += least - far;
            self.column_prices[column] -= least - far;
            self.is_passed[column] = false;
        }
        self.follow(end);
        reached.into_iter().for_each(|column| self.far[column] = f64::INFINITY);
    }

    /// Gives every column of a path to the row before it.
    fn follow(&mut self, end: End) {
        let mut next = match end {
            End::Column(column) => Some(column),
            End::Row(row) => self.column_of[row].take(),
        };
        while let Some(column) = next {
            let row = self.from[column];
            self.row_of[column] = Some(row);
            next = self.column_of[row].replace(column);
        }
    }
}

/// A column on the way; the nearest one is the greatest.
#[derive(Debug)]
struct Near {
    far: f64,
    column: usize,
}

impl Ord for Near {
    fn cmp(&self, other: &Self) -> Ordering {
        other.far.total_cmp(&self.far).then(other.column.cmp(&self.column))
    }
}

impl PartialOrd for Near {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Near {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Near {}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest sum of weights, by trying all.
    fn best(rows: usize, taken: &mut Vec<usize>, row: usize, pairs: &[(usize, usize, f64)]) -> f64 {
        if row == rows {
            return 0.0;
        }
        let mut most = best(rows, taken, row + 1, pairs);
        for &(_, column, weight) in pairs.iter().filter(|pair| pair.0 == row) {
            if !taken.contains(&column) {
                taken.push(column);
                most = most.max(weight + best(rows, taken, row + 1, pairs));
                taken.pop();
            }
        }
        most
    }

    #[test]
    fn rows_that_all_are_joined_cost_little_more_than_their_pairs() {
        // Each would rather have what the next one has: one path goes through all of them.
        let count = 20_000;
        let pairs: Vec<_> = (0..count).flat_map(|at| [(at, at, 1.0), (at, at + 1, 1.5)]).collect();
        let assigned = assign(count, count, &pairs[..2 * count - 1]);
        let shifted = (0..count - 1).all(|row| assigned[row] == Some(row + 1));
        assert!(shifted && assigned[count - 1].is_none(), "the last one would cost all others");
    }

    #[test]
    fn no_other_pairs_have_a_larger_sum() {
        let mut state = 7u32;
        let mut random = |most: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % most
        };
        for _ in 0..300 {
            let (rows, columns) = (random(6) as usize + 1, random(6) as usize + 1);
            let mut pairs = Vec::new();
            for row in 0..rows {
                for column in 0..columns {
                    if random(3) == 0 {
                        pairs.push((row, column, f64::from(random(100) + 1) / 100.0));
                    }
                }
            }
            let assigned = assign(rows, columns, &pairs);
            let weight = |row: usize, column: usize| {
                pairs.iter().find(|pair| (pair.0, pair.1) == (row, column)).unwrap().2
            };
            let chosen: Vec<(usize, usize)> = assigned
                .iter()
                .enumerate()
                .filter_map(|(row, column)| Some((row, (*column)?)))
                .collect();
            let mut used: Vec<usize> = chosen.iter().map(|pair| pair.1).collect();
            used.sort_unstable();
            used.dedup();
            assert_eq!(used.len(), chosen.len(), "no column twice");
            let sum: f64 = chosen.iter().map(|&(row, column)| weight(row, column)).sum();
            let expected = best(rows, &mut Vec::new(), 0, &pairs);
            assert!((sum - expected).abs() < 1e-9, "{sum} for {expected} of {pairs:?}");
        }
    }
}
