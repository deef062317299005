//! The lines of a plot: rows of a table that belong together, and their median.

use super::axis::LARGEST;

/// What belongs together, in the order of `x`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    /// What its rows have in common.
    pub(super) number: f64,
    /// `x` and `y`, which is NaN where there is a gap.
    pub(super) points: Vec<(f64, f64)>,
}

/// The lines of rows whose numbers `by` are equal, in the order of these. Rows without `x` or `by`
/// are left out, and lines without any `y`.
pub(super) fn lines(x: &[f64], y: &[f64], by: &[f64]) -> Vec<Line> {
    let rows = x.iter().zip(y).zip(by).map(|((&x, &y), &by)| (by, x, y));
    let mut rows: Vec<_> = rows.filter(|&(by, x, _)| is_number(by) && is_number(x)).collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let line = |rows: &[(f64, f64, f64)]| Line {
        number: rows[0].0,
        points: rows
            .iter()
            .map(|&(_, x, y)| (x, if is_number(y) { y } else { f64::NAN }))
            .collect(),
    };
    let lines = rows.chunk_by(|a, b| a.0.to_bits() == b.0.to_bits()).map(line);
    lines.filter(|line| line.points.iter().any(|(_, y)| !y.is_nan())).collect()
}

fn is_number(number: f64) -> bool {
    number.abs() <= LARGEST
}

/// The median of what the lines have at each `x`; of an even count the mean of the middle two.
pub(super) fn median(lines: &[Line]) -> Line {
    let mut all: Vec<_> = lines.iter().flat_map(|line| line.points.iter().copied()).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let middle = |at: &[(f64, f64)]| {
        let mut numbers: Vec<f64> = at.iter().map(|&(_, y)| y).filter(|y| !y.is_nan()).collect();
        numbers.sort_by(f64::total_cmp);
        let y = match numbers.len() {
            0 => f64::NAN,
            count => f64::midpoint(numbers[(count - 1) / 2], numbers[count / 2]),
        };
        (at[0].0, y)
    };
    let points = all.chunk_by(|a, b| a.0.to_bits() == b.0.to_bits()).map(middle).collect();
    Line { number: f64::NAN, points }
}

/// Up to `most` of the lines, evenly spaced.
pub(super) fn chosen(lines: &[Line], most: usize) -> impl Iterator<Item = &Line> {
    let drawn = lines.len().min(most);
    (0..drawn).map(move |at| &lines[at * lines.len() / drawn])
}

/// The points of a line that can be told apart, as places in pixels: of more than two in one column
/// of pixels the highest and the lowest.
pub(super) fn thinned(places: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut kept = Vec::new();
    for column in places.chunk_by(|a, b| a.0.floor().total_cmp(&b.0.floor()).is_eq()) {
        let numbers = column.iter().enumerate().filter(|(_, (_, y))| !y.is_nan());
        if numbers.clone().count() <= 2 {
            kept.extend(column);
            continue;
        }
        let least = numbers.clone().min_by(|a, b| a.1.1.total_cmp(&b.1.1));
        let most = numbers.max_by(|a, b| a.1.1.total_cmp(&b.1.1));
        let mut ends: Vec<_> = least.into_iter().chain(most).collect();
        ends.sort_by_key(|&(at, _)| at);
        kept.extend(ends.into_iter().map(|(_, &place)| place));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAN: f64 = f64::NAN;

    #[test]
    fn rows_become_lines_in_the_order_of_x() {
        let (x, y) = ([1.0, 0.0, 0.0, 1.0, NAN, 0.0], [5.0, 4.0, 7.0, NAN, 1.0, f64::INFINITY]);
        let found = lines(&x, &y, &[2.0, 2.0, 1.0, 1.0, 1.0, 3.0]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0].points[0], (0.0, 7.0));
        assert!(found[0].points[1].1.is_nan());
        assert_eq!(found[1], Line { number: 2.0, points: vec![(0.0, 4.0), (1.0, 5.0)] });
    }

    #[test]
    fn the_median_is_of_what_there_is() {
        let line =
            |y: [f64; 3]| Line { number: 1.0, points: (0..).map(f64::from).zip(y).collect() };
        let found = median(&[line([1.0, NAN, 3.0]), line([5.0, NAN, NAN]), line([2.0, NAN, 4.0])]);
        assert_eq!(found.points[0], (0.0, 2.0));
        assert!(found.points[1].1.is_nan());
        assert_eq!(found.points[2], (2.0, 3.5));
        assert_eq!(median(&[]).points, []);
    }

    #[test]
    fn lines_are_chosen_evenly_and_thinned_to_their_extent() {
        let line = |number| Line { number, points: Vec::new() };
        let all: Vec<Line> = (0..10).map(f64::from).map(line).collect();
        let numbers: Vec<f64> = chosen(&all, 4).map(|line| line.number).collect();
        assert_eq!(numbers, [0.0, 2.0, 5.0, 7.0]);
        assert_eq!(chosen(&all, 99).count(), 10);
        let places = [(0.1, 5.0), (0.2, 9.0), (0.3, NAN), (0.4, 1.0), (0.5, 4.0), (1.5, 3.0)];
        assert_eq!(thinned(&places), [(0.2, 9.0), (0.4, 1.0), (1.5, 3.0)]);
    }
}
