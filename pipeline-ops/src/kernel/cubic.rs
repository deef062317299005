//! Cubic splines through many rows of numbers at once.

/// How a spline goes on where there is nothing to go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    /// Without a bend, and as a line beyond.
    Natural,
    /// The two outer pieces are one, and beyond it stays as it is at the end.
    NotAKnot,
}

/// The places that splines go through, in ascending order.
#[derive(Debug)]
pub(crate) struct Knots {
    places: Vec<f64>,
    ends: Ends,
}

/// The knot before a place, and what the spline there is made of: of the values at that knot and
/// at the next one, and of the second derivatives there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Blend {
    pub(crate) knot: usize,
    pub(crate) values: [f64; 2],
    pub(crate) bends: [f64; 2],
}

impl Knots {
    pub(crate) fn new(places: Vec<f64>, ends: Ends) -> Self {
        Self { places, ends }
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    fn gap(&self, at: usize) -> f64 {
        self.places[at + 1] - self.places[at]
    }

    /// What the splines are made of at a place.
    pub(crate) fn blend(&self, place: f64) -> Blend {
        let last = self.len() - 1;
        if last == 0 {
            return Blend { knot: 0, values: [1.0, 0.0], bends: [0.0; 2] };
        }
        let (first, end) = (self.places[0], self.places[last]);
        let inside = place.clamp(first, end);
        let after = self.places.partition_point(|&knot| knot <= inside);
        let knot = after.saturating_sub(1).min(last - 1);
        let gap = self.gap(knot);
        let (left, right) =
            ((self.places[knot + 1] - inside) / gap, (inside - self.places[knot]) / gap);
        let bend = |share: f64| (share.powi(3) - share) * gap * gap / 6.0;
        let mut blend = Blend { knot, values: [left, right], bends: [bend(left), bend(right)] };
        if self.ends == Ends::Natural && place != inside {
            // The slope at the end, where there is no bend.
            let beyond = place - inside;
            blend.values[0] -= beyond / gap;
            blend.values[1] += beyond / gap;
            // Of the two second derivatives the outer one is 0.
            let inner = usize::from(place < first);
            blend.bends[inner] += beyond.abs() * gap / 6.0;
        }
        blend
    }

    /// The second derivatives at the knots of splines through `values`, which are rows of `width`
    /// numbers, one for each knot.
    pub(crate) fn bends(&self, values: &[f64], width: usize) -> Vec<f64> {
        let count = self.len();
        let mut bends = vec![0.0; values.len()];
        if count < 3 {
            return bends;
        }
        // Six times the second differences.
        for (at, row) in bends.chunks_exact_mut(width).enumerate().take(count - 1).skip(1) {
            let (before, after) = (6.0 / self.gap(at - 1), 6.0 / self.gap(at));
            let [above, own, below] = [at - 1, at, at + 1].map(|at| &values[at * width..][..width]);
            for (x, bend) in row.iter_mut().enumerate() {
                *bend = (below[x] - own[x]) * after - (own[x] - above[x]) * before;
            }
        }
        if count == 3 && self.ends == Ends::NotAKnot {
            // One parabola.
            let sum = 3.0 * (self.gap(0) + self.gap(1));
            let middle: Vec<f64> = bends[width..2 * width].iter().map(|bend| bend / sum).collect();
            bends.chunks_exact_mut(width).for_each(|row| row.copy_from_slice(&middle));
            return bends;
        }
        self.solve(&mut bends, width);
        if self.ends == Ends::NotAKnot {
            self.continue_ends(&mut bends, width);
        }
        bends
    }

    /// Solves the tridiagonal system of the inner knots, whose right side stands in `bends`.
    fn solve(&self, bends: &mut [f64], width: usize) {
        let last = self.len() - 2;
        let mut above = vec![0.0; self.len()];
        for at in 1..=last {
            let (before, after) = (self.gap(at - 1), self.gap(at));
            let (mut low, mut own, mut high) = (before, 2.0 * (before + after), after);
            if self.ends == Ends::NotAKnot {
                // The outer unknown is that of the line through the two next ones.
                if at == 1 {
                    own += before * (before + after) / after;
                    high -= before * before / after;
                }
                if at == last {
                    own += after * (before + after) / before;
                    low -= after * after / before;
                }
            }
            if at == 1 {
                low = 0.0;
            }
            if at == last {
                high = 0.0;
            }
            let scale = 1.0 / (own - low * above[at - 1]);
            above[at] = high * scale;
            let (done, rest) = bends.split_at_mut(at * width);
            let before = &done[(at - 1) * width..];
            for (bend, before) in rest[..width].iter_mut().zip(before) {
                *bend = (*bend - low * before) * scale;
            }
        }
        for at in (1..last).rev() {
            let (done, rest) = bends.split_at_mut((at + 1) * width);
            for (bend, next) in done[at * width..].iter_mut().zip(&rest[..width]) {
                *bend -= above[at] * next;
            }
        }
    }

    /// The outer second derivatives, on the lines through the two next ones.
    fn continue_ends(&self, bends: &mut [f64], width: usize) {
        let last = self.len() - 1;
        for (outer, inner, next, share) in [
            (0, 1, 2, self.gap(0) / self.gap(1)),
            (last, last - 1, last - 2, self.gap(last - 1) / self.gap(last - 2)),
        ] {
            for x in 0..width {
                let [inner, next] = [inner, next].map(|at| bends[at * width + x]);
                bends[outer * width + x] = inner + (inner - next) * share;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(knots: &Knots, values: &[f64], place: f64) -> f64 {
        let bends = knots.bends(values, 1);
        let Blend { knot, values: shares, bends: of_bends } = knots.blend(place);
        let next = (knot + 1).min(values.len() - 1);
        shares[0] * values[knot]
            + shares[1] * values[next]
            + of_bends[0] * bends[knot]
            + of_bends[1] * bends[next]
    }

    #[test]
    fn a_cubic_without_knots_at_its_ends_is_met_everywhere() {
        let cubic = |x: f64| 2.0 - x + 0.5 * x * x - 0.01 * x * x * x;
        for count in 4..9 {
            let places: Vec<f64> = (0..count).map(|n| f64::from(n * n + 3 * n)).collect();
            let values: Vec<f64> = places.iter().map(|&x| cubic(x)).collect();
            let knots = Knots::new(places, Ends::NotAKnot);
            let end = knots.places[knots.len() - 1];
            for step in 0..50 {
                let place = end * f64::from(step) / 49.0;
                let (found, expected) = (at(&knots, &values, place), cubic(place));
                assert!((found - expected).abs() < 1e-8, "{found} for {expected}");
            }
            assert_eq!(at(&knots, &values, end + 7.0), at(&knots, &values, end));
            assert_eq!(at(&knots, &values, -7.0), values[0]);
        }
    }

    #[test]
    fn few_knots_have_polynomials_of_fewer_bends() {
        let one = Knots::new(vec![3.0], Ends::NotAKnot);
        assert_eq!([-9.0, 3.0, 9.0].map(|place| at(&one, &[5.0], place)), [5.0; 3]);
        let two = Knots::new(vec![1.0, 3.0], Ends::Natural);
        assert_eq!([0.0, 2.0, 4.0].map(|place| at(&two, &[1.0, 5.0], place)), [-1.0, 3.0, 7.0]);
        let three = Knots::new(vec![0.0, 1.0, 3.0], Ends::NotAKnot);
        assert!((at(&three, &[0.0, 1.0, 9.0], 2.0) - 4.0).abs() < 1e-12);
    }

    #[test]
    fn natural_splines_go_on_as_lines() {
        let knots = Knots::new(vec![0.0, 1.0, 2.5, 3.0, 5.0], Ends::Natural);
        let values = [1.0, -2.0, 4.0, 3.0, 0.5];
        for (end, out) in [(0.0, -1.0), (5.0, 1.0)] {
            let value = |step: f64| at(&knots, &values, end + out * step);
            let slope = (value(1e-6) - value(-1e-6)) / 2e-6;
            assert!((value(3.0) - value(0.0) - 3.0 * slope).abs() < 1e-4);
            let bend = (value(1e-3) - 2.0 * value(0.0) + value(-1e-3)) / 1e-6;
            assert!(bend.abs() < 0.1, "{bend}");
        }
        for (place, value) in knots.places.iter().zip(values) {
            assert!((at(&knots, &values, *place) - value).abs() < 1e-12);
        }
    }
}
