//! Which of two sets belong together: the pairs whose weights have the largest sum.

/// Pairs of a row and a column with their weights, which are above 0. Answers the column of each
/// row, so that no column has two rows and the sum of the weights is the largest there is.
///
/// Rows and columns that are joined by pairs are a problem of their own, so that many objects of
/// which each touches few cost no more than that.
pub(crate) fn assign(
    rows: usize,
    columns: usize,
    pairs: &[(usize, usize, f64)],
) -> Vec<Option<usize>> {
    let mut assigned = vec![None; rows];
    for group in groups(rows, columns, pairs) {
        let mut own_rows: Vec<usize> = group.iter().map(|pair| pair.0).collect();
        let mut own_columns: Vec<usize> = group.iter().map(|pair| pair.1).collect();
        for own in [&mut own_rows, &mut own_columns] {
            own.sort_unstable();
            own.dedup();
        }
        let place = |own: &[usize], at| own.binary_search(&at).unwrap_or(0);
        // A row more or less is one that belongs to nothing.
        let side = own_rows.len().max(own_columns.len());
        let mut costs = vec![0.0; side * side];
        for &(row, column, weight) in &group {
            costs[place(&own_rows, row) * side + place(&own_columns, column)] = -weight;
        }
        for (row, column) in solve(&costs, side).into_iter().enumerate() {
            if costs[row * side + column] < 0.0 {
                assigned[own_rows[row]] = Some(own_columns[column]);
            }
        }
    }
    assigned
}

/// The pairs that are joined by others.
fn groups(
    rows: usize,
    columns: usize,
    pairs: &[(usize, usize, f64)],
) -> Vec<Vec<(usize, usize, f64)>> {
    let mut parents: Vec<usize> = (0..rows + columns).collect();
    fn root(parents: &mut [usize], mut at: usize) -> usize {
        while parents[at] != at {
            parents[at] = parents[parents[at]];
            at = parents[at];
        }
        at
    }
    for &(row, column, _) in pairs {
        let (a, b) = (root(&mut parents, row), root(&mut parents, rows + column));
        parents[a.max(b)] = a.min(b);
    }
    let mut sorted: Vec<(usize, (usize, usize, f64))> =
        pairs.iter().map(|&pair| (root(&mut parents, pair.0), pair)).collect();
    sorted.sort_by_key(|&(root, (row, column, _))| (root, row, column));
    let groups = sorted.chunk_by(|a, b| a.0 == b.0);
    groups.map(|group| group.iter().map(|&(_, pair)| pair).collect()).collect()
}

/// The column of each row of a square of costs whose sum is the least, by the shortest augmenting
/// paths of Jonker and Volgenant (1987).
fn solve(costs: &[f64], side: usize) -> Vec<usize> {
    // Places are counted from 1; 0 is where a path begins.
    let (mut of_rows, mut of_columns) = (vec![0.0; side + 1], vec![0.0; side + 1]);
    let mut row_of = vec![0usize; side + 1];
    for row in 1..=side {
        row_of[0] = row;
        let (mut column, mut from) = (0, vec![0usize; side + 1]);
        let (mut least, mut is_used) = (vec![f64::INFINITY; side + 1], vec![false; side + 1]);
        while row_of[column] != 0 {
            is_used[column] = true;
            let (here, mut step, mut next) = (row_of[column], f64::INFINITY, 0);
            for other in (1..=side).filter(|&other| !is_used[other]) {
                let cost = costs[(here - 1) * side + other - 1] - of_rows[here] - of_columns[other];
                if cost < least[other] {
                    (least[other], from[other]) = (cost, column);
                }
                if least[other] < step {
                    (step, next) = (least[other], other);
                }
            }
            for other in 0..=side {
                if is_used[other] {
                    of_rows[row_of[other]] += step;
                    of_columns[other] -= step;
                } else {
                    least[other] -= step;
                }
            }
            column = next;
        }
        while column != 0 {
            row_of[column] = row_of[from[column]];
            column = from[column];
        }
    }
    let mut columns = vec![0; side];
    for column in 1..=side {
        columns[row_of[column] - 1] = column - 1;
    }
    columns
}

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
