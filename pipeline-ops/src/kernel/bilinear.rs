//! Bilinear samples of many places at once, where that is all there is to do: no opacity to weigh
//! colours by, and no edge between the places.
//!
//! Places and weights are computed side by side, pixels are fetched one by one, and mixed side by
//! side again. Each sample comes out with the bits that [`Field::sample`] gives one by one.

use pipeline_core::{Sample, SampleType};

use super::transform::Places;
use super::vector::widest;
use super::{Border, Field};

/// Places that are sampled at once.
pub(super) const BLOCK: usize = 64;

/// Numbers that are compared at once.
const LANES: usize = 8;

/// A float of 2⁵² and a half of that: added to a smaller one, it leaves no room for a fraction, and
/// the last bits of the sum are the integer nearest to it.
const NO_FRACTION: f64 = (3u64 << 51) as f64;

/// The bits of such a sum that are the integer, where that is not negative.
const LAST_BITS: u64 = (1 << 51) - 1;

/// The pixels left above a block of places, and how far the places are to the right of them and below.
struct Spots {
    /// Where the samples of each pixel begin; of a meaning only where all places are inside.
    starts: [u64; BLOCK],
    right: [f32; BLOCK],
    down: [f32; BLOCK],
    /// Whether all four pixels around every place are those of the image.
    is_inside: bool,
    /// Whether no pixel is, because all places lie beyond the same side.
    is_beside: bool,
}

/// The whole numbers below places along one axis.
struct Below {
    whole: [f64; BLOCK],
    fractions: [f32; BLOCK],
    /// Whether all places lie between pixels of the image.
    is_inside: bool,
    /// Whether all of them lie beyond the same side.
    is_beside: bool,
}

impl Below {
    #[inline(always)]
    fn new(places: &[f64; BLOCK], side: usize) -> Self {
        let (mut whole, mut fractions) = ([0.0; BLOCK], [0.0; BLOCK]);
        for at in 0..BLOCK {
            let place = places[at] - 0.5;
            whole[at] = floor(place);
            fractions[at] = (place - whole[at]) as f32;
        }
        // Several at a time, because floats are not compared in another order than is written here.
        let (mut least, mut most) = ([f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES]);
        for whole in whole.as_chunks::<LANES>().0 {
            for lane in 0..LANES {
                least[lane] = if whole[lane] < least[lane] { whole[lane] } else { least[lane] };
                most[lane] = if whole[lane] > most[lane] { whole[lane] } else { most[lane] };
            }
        }
        let (side, mut inside, mut before, mut after) = (side as f64, true, true, true);
        for lane in 0..LANES {
            inside &= (least[lane] >= 0.0) & (most[lane] + 2.0 <= side);
            before &= most[lane] <= -2.0;
            after &= least[lane] >= side;
        }
        Self { whole, fractions, is_inside: inside, is_beside: before | after }
    }
}

/// The whole number below a place that a map keeps within 2⁴⁶.
#[inline(always)]
fn floor(place: f64) -> f64 {
    let near = (place + NO_FRACTION) - NO_FRACTION;
    if near > place { near - 1.0 } else { near }
}

impl<T: Sample> Field<'_, T> {
    /// Fills `out` with the samples at 1 to [`BLOCK`] places if all of them lie within the image, or
    /// all of them beyond one side of it where there is a constant; answers whether they do.
    pub(super) fn bilinear_block<const C: usize>(&self, places: Places<'_>, out: &mut [T]) -> bool {
        let out = out.as_chunks_mut::<C>().0;
        if let (Ok(u), Ok(v)) = (places.u.try_into(), places.v.try_into())
            && let Ok(out) = (&mut *out).try_into()
        {
            return self.full_block(u, v, out);
        }
        let last = out.len() - 1;
        let full = |places: &[f64]| std::array::from_fn(|at| places[at.min(last)]);
        let mut pixels = [[T::default(); C]; BLOCK];
        let is_filled = self.full_block(&full(places.u), &full(places.v), &mut pixels);
        if is_filled {
            out.copy_from_slice(&pixels[..out.len()]);
        }
        is_filled
    }

    fn full_block<const C: usize>(
        &self,
        u: &[f64; BLOCK],
        v: &[f64; BLOCK],
        out: &mut [[T; C]; BLOCK],
    ) -> bool {
        widest(
            #[inline(always)]
            || {
                let spots = self.spots::<C>(u, v);
                if spots.is_inside {
                    self.mix_block(&spots, out);
                    return true;
                }
                let is_filled = spots.is_beside && self.shows_one_value();
                if is_filled {
                    out.iter_mut().for_each(|pixel| pixel.copy_from_slice(self.constant));
                }
                is_filled
            },
        )
    }

    #[inline(always)]
    fn spots<const C: usize>(&self, u: &[f64; BLOCK], v: &[f64; BLOCK]) -> Spots {
        let columns = Below::new(u, self.size.0);
        let rows = Below::new(v, self.size.1);
        // Floats hold these numbers exactly, as an image has fewer samples than 2⁵⁰.
        let stride = self.stride as f64;
        let origin = self.origin.1 as f64 * stride + (self.origin.0 * C) as f64;
        let mut starts = [0; BLOCK];
        for (start, (row, column)) in starts.iter_mut().zip(rows.whole.iter().zip(&columns.whole)) {
            let place = row * stride + column * C as f64;
            *start = (place - origin + NO_FRACTION).to_bits() & LAST_BITS;
        }
        Spots {
            starts,
            right: columns.fractions,
            down: rows.fractions,
            is_inside: columns.is_inside & rows.is_inside,
            is_beside: columns.is_beside | rows.is_beside,
        }
    }

    /// Whether every mixture of the border's constant is the constant, bit by bit.
    fn shows_one_value(&self) -> bool {
        let is_zero = bytemuck::cast_slice::<T, u8>(self.constant).iter().all(|&byte| byte == 0);
        matches!(self.border, Border::Constant(_)) && (T::TYPE != SampleType::F32 || is_zero)
    }

    #[inline(always)]
    fn mix_block<const C: usize>(&self, spots: &Spots, out: &mut [[T; C]; BLOCK]) {
        // Of equal lengths, so that one comparison serves both.
        let len = self.samples.len() - self.stride;
        let (above, below) = (&self.samples[..len], &self.samples[self.stride..][..len]);
        // Two samples that go as one are worth being taken apart again, up to four bytes.
        if C == 1 && size_of::<T>() <= 2 {
            let mut pairs = [[[T::default(); 2]; BLOCK]; 2];
            for (at, &start) in spots.starts.iter().enumerate() {
                let start = start as usize;
                pairs[0][at].copy_from_slice(&above[start..start + 2]);
                pairs[1][at].copy_from_slice(&below[start..start + 2]);
            }
            for at in 0..BLOCK {
                let ([a, b], [c, d]) = (pairs[0][at], pairs[1][at]);
                out[at][0] = mix([a, b, c, d], spots.right[at], spots.down[at]);
            }
            return;
        }
        let mut corners = [[[T::default(); C]; BLOCK]; 4];
        for (at, &start) in spots.starts.iter().enumerate() {
            let start = start as usize;
            let (above, below) = (&above[start..start + 2 * C], &below[start..start + 2 * C]);
            corners[0][at].copy_from_slice(&above[..C]);
            corners[1][at].copy_from_slice(&above[C..]);
            corners[2][at].copy_from_slice(&below[..C]);
            corners[3][at].copy_from_slice(&below[C..]);
        }
        // All channels in one row, each sample with the weights of its pixel.
        let [a, b, c, d] = &corners;
        let [a, b, c, d] = [a, b, c, d].map(|corner| corner.as_flattened());
        let (right, down) = (spots.right.map(|part| [part; C]), spots.down.map(|part| [part; C]));
        let (right, down) = (right.as_flattened(), down.as_flattened());
        for (at, mixed) in out.as_flattened_mut().iter_mut().enumerate() {
            *mixed = mix([a[at], b[at], c[at], d[at]], right[at], down[at]);
        }
    }
}

/// The mixture of four pixels around a place: two above, two below.
#[inline(always)]
fn mix<T: Sample>(around: [T; 4], right: f32, down: f32) -> T {
    let (left, up) = (1.0 - right, 1.0 - down);
    let [a, b, c, d] = around.map(T::to_f32);
    if T::TYPE != SampleType::F32 {
        let (above, below) = (left * a + right * b, left * c + right * d);
        return T::from_f32(up * above + down * below);
    }
    // Floats may be less than zero, or no numbers: sums begin at zero, as they do one by one, and at
    // its centre a pixel is itself, whatever its neighbours are.
    let above = (0.0 + left * a) + right * b;
    let below = (0.0 + left * c) + right * d;
    let mean = (0.0 + up * above) + down * below;
    T::from_f32(if (right == 0.0) & (down == 0.0) { a } else { mean })
}
