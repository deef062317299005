//! Bins of equal width, with edges at which every program agrees.

use super::power::COUNTS;
use super::vector::widest;

/// Bins of equal width: each holds its lower edge and not its upper one, the last holds both.
#[derive(Debug)]
pub(crate) struct EvenBins {
    edges: Vec<f64>,
    width: f64,
    /// Bins in a unit.
    scale: f64,
}

impl EvenBins {
    /// `count` bins from `low` to `high`.
    pub(crate) fn new(low: f64, high: f64, count: usize) -> Self {
        let width = (high - low) / count as f64;
        let mut edges: Vec<f64> = (0..=count).map(|edge| low + edge as f64 * width).collect();
        edges[count] = high;
        Self { edges, width, scale: count as f64 / (high - low) }
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

    /// The number of the bin of each sample, and the number of bins for what is outside.
    ///
    /// As [`place`](Self::place), with edges that are computed where those of the list are looked
    /// at, so that it becomes vector code.
    pub(crate) fn places(&self, samples: &[f32], places: &mut [u32]) {
        let last = self.edges.len() - 2;
        let (low, high) = (self.edges[0], self.edges[last + 1]);
        let (width, scale, outside) = (self.width, self.scale, last as u32 + 1);
        let last = f64::from(last as u32);
        widest(
            #[inline(always)]
            move || {
                for (place, &sample) in places.iter_mut().zip(samples) {
                    let value = f64::from(sample);
                    let is_inside = (value >= low) & (value <= high);
                    let near = ((value - low) * scale).min(last).max(0.0).floor();
                    let is_before = value < low + near * width;
                    let is_after = (near < last) & (value >= low + (near + 1.0) * width);
                    let forward = if is_after { 1.0 } else { 0.0 };
                    let step = if is_before { -1.0 } else { forward };
                    // Not by a cast, which looks for what an integer cannot hold.
                    let bin = (near + step + COUNTS).to_bits();
                    *place = if is_inside { bin as u32 } else { outside };
                }
            },
        );
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

    #[test]
    fn places_of_a_row_are_those_of_single_samples() {
        for (low, high, count) in [(0.0, 0.7, 7), (-3.5, 1e3, 256), (1e-30, 2e-30, 65_536)] {
            let bins = EvenBins::new(low, high, count);
            let edges = bins.edges().iter().map(|&edge| edge as f32);
            let mut samples: Vec<f32> =
                edges.flat_map(|edge| [edge.next_down(), edge, edge.next_up()]).collect();
            samples.extend([f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, f32::MAX, f32::MIN]);
            let mut places = vec![0; samples.len()];
            bins.places(&samples, &mut places);
            for (&sample, &place) in samples.iter().zip(&places) {
                let expected = bins.place(f64::from(sample)).unwrap_or(count);
                assert_eq!(place as usize, expected, "{sample} of {bins:?}");
            }
        }
    }
}
