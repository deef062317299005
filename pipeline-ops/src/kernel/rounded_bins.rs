//! Even bins whose edges are floats of 32 bits, and what lies below their mode.

use super::vector::widest;

/// Samples that are placed before they are counted.
const PART: usize = 256;

/// Samples that are summed side by side.
const LANES: usize = 8;

/// Bins of equal width as far as 32 bits tell: each holds its lower edge and not its upper one, the
/// last holds both.
#[derive(Debug)]
pub(crate) struct RoundedBins {
    edges: Vec<f32>,
    /// Bins in a unit.
    scale: f64,
}

impl RoundedBins {
    /// `count` bins from `low` to `high`, which is more.
    pub(crate) fn new(low: f32, high: f32, count: u32) -> Self {
        let width = (high - low) / count as f32;
        // Where 32 bits do not hold what is between them.
        let width =
            if width.is_finite() { width } else { high / count as f32 - low / count as f32 };
        let mut edges: Vec<f32> = (0..=count).map(|edge| edge as f32 * width + low).collect();
        edges[count as usize] = high;
        Self { edges, scale: f64::from(count) / (f64::from(high) - f64::from(low)) }
    }

    /// The number of bins.
    pub(crate) fn len(&self) -> usize {
        self.edges.len() - 1
    }

    /// The middle of a bin.
    pub(crate) fn middle(&self, bin: usize) -> f32 {
        (self.edges[bin] + self.edges[bin + 1]) * 0.5
    }

    /// Adds samples to `counts`; what is outside is left out.
    pub(crate) fn count(&self, samples: &[f32], counts: &mut [u64]) {
        let last = self.len() - 1;
        let (low, high) = (f64::from(self.edges[0]), f64::from(self.edges[last + 1]));
        let (scale, most) = (self.scale, last as f64);
        let mut near = [0u32; PART];
        for samples in samples.chunks(PART) {
            widest(
                #[inline(always)]
                || {
                    for (near, &sample) in near.iter_mut().zip(samples) {
                        let sample = f64::from(sample).max(low).min(high);
                        *near = ((sample - low) * scale).min(most) as u32;
                    }
                },
            );
            for (&near, &sample) in near.iter().zip(samples) {
                let near = near as usize;
                // What rounding puts beside an edge is put right by the edges themselves.
                let bin = if sample < self.edges[near] {
                    near.wrapping_sub(1)
                } else if sample < self.edges[near + 1] || near == last {
                    near
                } else {
                    near + 1
                };
                let is_inside = sample <= self.edges[last + 1];
                if is_inside && let Some(count) = counts.get_mut(bin) {
                    *count += 1;
                }
            }
        }
    }
}

/// How many samples are from `least` to `most`, and the sums of what they have more than `most` and
/// of its squares.
pub(crate) fn sums_below(samples: &[f32], least: f32, most: f32) -> [f64; 3] {
    let mut sums = [[0.0f64; LANES]; 3];
    let (lanes, rest) = samples.as_chunks::<LANES>();
    widest(
        #[inline(always)]
        || {
            let [counts, sums, squares] = &mut sums;
            for samples in lanes {
                for (lane, &sample) in samples.iter().enumerate() {
                    let is_below = (sample >= least) & (sample <= most);
                    let more = if is_below { f64::from(sample) - f64::from(most) } else { 0.0 };
                    counts[lane] += f64::from(u8::from(is_below));
                    sums[lane] += more;
                    squares[lane] += more * more;
                }
            }
        },
    );
    for &sample in rest.iter().filter(|&&sample| sample >= least && sample <= most) {
        let more = f64::from(sample) - f64::from(most);
        sums.iter_mut().zip([1.0, more, more * more]).for_each(|(sums, term)| sums[0] += term);
    }
    sums.map(|lanes| lanes.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_decide() {
        for (low, high, count) in [(0.0f32, 0.7, 7), (-3.5, 1e3, 200), (1.0, 1.0 + 1e-6, 3)] {
            let bins = RoundedBins::new(low, high, count);
            for bin in 0..count as usize {
                let (low, high) = (bins.edges[bin], bins.edges[bin + 1]);
                let mut counts = vec![0; bins.len()];
                let samples = [low, high.next_down(), f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
                bins.count(&samples, &mut counts);
                assert_eq!((counts[bin], counts.iter().sum::<u64>()), (2, 2), "{bin} of {bins:?}");
            }
            let mut counts = vec![0; bins.len()];
            bins.count(&[high, high.next_up(), low.next_down()], &mut counts);
            assert_eq!((counts[count as usize - 1], counts.iter().sum::<u64>()), (1, 1));
        }
    }

    #[test]
    fn what_is_below_is_summed_in_any_place() {
        let samples: Vec<f32> = (0..21).map(|n| n as f32).chain([f32::NAN]).collect();
        for from in 0..9 {
            let below: Vec<f64> = (from.max(2)..=15).map(|n| n as f64 - 15.0).collect();
            let squares = below.iter().map(|more| more * more).sum();
            let expected = [below.len() as f64, below.iter().sum(), squares];
            assert_eq!(sums_below(&samples[from..], 2.0, 15.0), expected);
        }
        assert_eq!(sums_below(&[f32::NEG_INFINITY], -1.0, 1.0), [0.0; 3]);
    }
}
