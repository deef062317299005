//! Bins of equal width, with edges at which every program agrees.

/// Bins of equal width: each holds its lower edge and not its upper one, the last holds both.
#[derive(Debug)]
pub(crate) struct EvenBins {
    edges: Vec<f64>,
    /// Bins in a unit.
    scale: f64,
}

impl EvenBins {
    /// `count` bins from `low` to `high`.
    pub(crate) fn new(low: f64, high: f64, count: usize) -> Self {
        let width = (high - low) / count as f64;
        let mut edges: Vec<f64> = (0..=count).map(|edge| low + edge as f64 * width).collect();
        edges[count] = high;
        Self { edges, scale: count as f64 / (high - low) }
    }

    /// Where each bin begins, and where the last one ends.
    pub(crate) fn edges(&self) -> &[f64] {
        &self.edges
    }

    /// The number of the bin of a value; none if it is outside.
    pub(crate) fn place(&self, value: f64) -> Option<usize> {
        let last = self.edges.len() - 2;
        let (low, high) = (self.edges[0], self.edges[last + 1]);
        if !(low..=high).contains(&value) {
            return None;
        }
        let near = ((value - low) * self.scale) as usize;
        let near = near.min(last);
        // What rounding puts beside an edge is put right by the edges themselves.
        if value < self.edges[near] {
            Some(near - 1)
        } else if near < last && value >= self.edges[near + 1] {
            Some(near + 1)
        } else {
            Some(near)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_decide() {
        let bins = EvenBins::new(0.0, 0.7, 7);
        for bin in 0..7 {
            assert_eq!(bins.place(bins.edges()[bin]), Some(bin));
            assert_eq!(bins.place(bins.edges()[bin + 1].next_down()), Some(bin));
        }
        assert_eq!(bins.place(0.7), Some(6));
        for outside in [-0.1, 0.71, f64::NAN, f64::INFINITY] {
            assert_eq!(bins.place(outside), None);
        }
    }
}
