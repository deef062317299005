//! A table of colours with three axes, and the colours between its entries.

/// Colours at evenly spaced places of a cube; the last axis runs fastest.
#[derive(Debug)]
pub(crate) struct Cube {
    side: usize,
    nodes: Vec<[f32; 3]>,
}

impl Cube {
    /// A cube of `side` entries along each axis, two or more, with `side³` entries in all.
    #[must_use]
    pub(crate) fn new(side: usize, nodes: Vec<[f32; 3]>) -> Option<Self> {
        (side > 1 && side.checked_pow(3) == Some(nodes.len())).then_some(Self { side, nodes })
    }

    /// The colour at a place, whose axes go from 0 to 1 and end there; NaN in any is NaN in all.
    ///
    /// Each cell is six tetrahedra with the diagonal from black to white in common, so gray is made
    /// of gray.
    #[must_use]
    pub(crate) fn at(&self, place: [f32; 3]) -> [f32; 3] {
        if place.iter().any(|share| share.is_nan()) {
            return [f32::NAN; 3];
        }
        let last = self.side - 1;
        let scaled = place.map(|share| share.clamp(0.0, 1.0) * last as f32);
        let cell = scaled.map(|place| (place as usize).min(last - 1));
        let steps = [self.side * self.side, self.side, 1];
        let mut order: [(f32, usize); 3] =
            std::array::from_fn(|axis| (scaled[axis] - cell[axis] as f32, steps[axis]));
        // Along the axis that is furthest first: no order of equals changes the sum.
        if order[0].0 < order[1].0 {
            order.swap(0, 1);
        }
        if order[1].0 < order[2].0 {
            order.swap(1, 2);
        }
        if order[0].0 < order[1].0 {
            order.swap(0, 1);
        }
        let mut at = cell.iter().zip(steps).map(|(cell, step)| cell * step).sum::<usize>();
        let mut sum = self.nodes[at];
        for (part, step) in order {
            let (from, to) = (self.nodes[at], self.nodes[at + step]);
            at += step;
            for channel in 0..3 {
                sum[channel] += (to[channel] - from[channel]) * part;
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cube whose entries are a sum of their axes.
    fn plane(side: usize) -> Cube {
        let share = |place: usize| place as f32 / (side - 1) as f32;
        let place = |at: usize| [at / (side * side), at / side % side, at % side].map(share);
        let colors = (0..side * side * side).map(place);
        Cube::new(side, colors.map(|[r, g, b]| [r, g + 0.5 * b, 2.0 * b - r]).collect()).unwrap()
    }

    #[test]
    fn what_is_straight_stays_so() {
        for side in [2, 3, 7] {
            let cube = plane(side);
            for [r, g, b] in [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.3, 0.71, 0.2], [0.9, 0.5, 0.99]]
            {
                let expected = [r, g + 0.5 * b, 2.0 * b - r];
                let found = cube.at([r, g, b]);
                let near = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5);
                assert!(near, "{side}: {found:?}, expected {expected:?}");
            }
        }
    }

    #[test]
    fn beyond_the_cube_is_its_surface_and_nan_is_nan() {
        let cube = plane(3);
        assert_eq!(cube.at([-1.0, 2.0, f32::INFINITY]), cube.at([0.0, 1.0, 1.0]));
        assert!(cube.at([0.5, f32::NAN, 0.5])[0].is_nan());
    }

    #[test]
    fn another_number_of_entries_is_no_cube() {
        assert!(Cube::new(1, vec![[0.0; 3]]).is_none());
        assert!(Cube::new(2, vec![[0.0; 3]; 7]).is_none());
        assert!(Cube::new(usize::MAX, Vec::new()).is_none());
    }
}
