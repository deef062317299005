//! Bilinear samples of many places at once, where there is no opacity to weigh colours by.
//!
//! Places and weights are computed side by side, pixels are fetched one by one, and mixed side by
//! side again. Near an edge all that is inside is done so, and the rest after it. Each sample comes
//! out with the bits that [`Field::sample`] gives one by one.

use pipeline_core::{Sample, SampleType};

use super::transform::Places;
use super::vector::widest;
use super::warp::triangle;
use super::{Border, Field};

/// Places that are sampled at once.
pub(super) const BLOCK: usize = 64;

/// A float of 2⁵² and a half of that: added to a smaller one, it leaves no room for a fraction, and
/// the last bits of the sum are the integer nearest to it.
const NO_FRACTION: f64 = (3u64 << 51) as f64;

/// The pixels left above a block of places, and how far the places are to the right of them and
/// below.
struct Spots {
    /// Where the samples of each pixel begin; of a meaning only where the place is inside.
    starts: [u64; BLOCK],
    right: [f32; BLOCK],
    down: [f32; BLOCK],
    /// Whether all four pixels around every place are those of the image.
    is_inside: bool,
}

/// The whole number below a place that a map keeps within 2⁴⁶.
#[inline(always)]
fn floor(place: f64) -> f64 {
    let near = (place + NO_FRACTION) - NO_FRACTION;
    if near > place { near - 1.0 } else { near }
}

/// The integer that a float is; one below zero becomes one that is larger than all others.
#[inline(always)]
fn integer(whole: f64) -> u64 {
    (whole + NO_FRACTION).to_bits().wrapping_sub(NO_FRACTION.to_bits())
}

impl<T: Sample> Field<'_, T> {
    /// Fills the pixels of `out`, of `C` samples each, with the samples at `places`.
    pub(super) fn bilinear<const C: usize>(&self, places: Places<'_>, out: &mut [T]) {
        let out = out.as_chunks_mut::<C>().0;
        for (places, out) in places.chunks(BLOCK).zip(out.chunks_mut(BLOCK)) {
            let used = out.len();
            if let (Ok(u), Ok(v)) = (places.u.try_into(), places.v.try_into())
                && let Ok(out) = (&mut *out).try_into()
            {
                self.bilinear_block(u, v, used, out);
                continue;
            }
            let full = |places: &[f64]| std::array::from_fn(|at| places[at.min(used - 1)]);
            let mut pixels = [[T::default(); C]; BLOCK];
            self.bilinear_block(&full(places.u), &full(places.v), used, &mut pixels);
            out.copy_from_slice(&pixels[..used]);
        }
    }

    /// The first `used` places are asked for; the others are filled if that costs nothing.
    fn bilinear_block<const C: usize>(
        &self,
        u: &[f64; BLOCK],
        v: &[f64; BLOCK],
        used: usize,
        out: &mut [[T; C]; BLOCK],
    ) {
        if let Ok(gray) = out.as_flattened_mut().try_into()
            && self.gather(u, v, gray)
        {
            return;
        }
        widest(
            #[inline(always)]
            || {
                let mut spots = self.spots::<C>(u, v);
                if spots.is_inside {
                    self.mix_block(&spots, out);
                } else {
                    self.edge_block(&mut spots, (u, v), used, out);
                }
            },
        );
    }

    #[inline(always)]
    fn spots<const C: usize>(&self, u: &[f64; BLOCK], v: &[f64; BLOCK]) -> Spots {
        // Floats hold these numbers exactly, as an image has fewer samples than 2⁵⁰.
        let stride = self.stride as f64;
        let origin = self.origin.1 as f64 * stride + (self.origin.0 * C) as f64;
        let (right, down) = ([0.0; BLOCK], [0.0; BLOCK]);
        let mut spots = Spots { starts: [0; BLOCK], right, down, is_inside: false };
        let mut last = (0, 0);
        for at in 0..BLOCK {
            let (x, y) = (u[at] - 0.5, v[at] - 0.5);
            let (column, row) = (floor(x), floor(y));
            spots.right[at] = (x - column) as f32;
            spots.down[at] = (y - row) as f32;
            spots.starts[at] = integer(row * stride + column * C as f64 - origin);
            last = (last.0.max(integer(column)), last.1.max(integer(row)));
        }
        let (width, height) = (self.size.0 as u64, self.size.1 as u64);
        spots.is_inside = last.0 < width.saturating_sub(1) && last.1 < height.saturating_sub(1);
        spots
    }

    /// Mixes what is inside, and does the rest one by one unless it is the border's constant.
    #[inline(always)]
    fn edge_block<const C: usize>(
        &self,
        spots: &mut Spots,
        (u, v): (&[f64; BLOCK], &[f64; BLOCK]),
        used: usize,
        out: &mut [[T; C]; BLOCK],
    ) {
        let (width, height) = (self.size.0 as f64, self.size.1 as f64);
        let (mut inside, mut beside) = ([false; BLOCK], [false; BLOCK]);
        for at in 0..BLOCK {
            let (x, y) = (floor(u[at] - 0.5), floor(v[at] - 0.5));
            inside[at] = (x >= 0.0) & (x + 2.0 <= width) & (y >= 0.0) & (y + 2.0 <= height);
            beside[at] = (x <= -2.0) | (x >= width) | (y <= -2.0) | (y >= height);
            spots.starts[at] = if inside[at] { spots.starts[at] } else { 0 };
        }
        if inside.contains(&true) {
            self.mix_block(spots, out);
        }
        let is_constant = self.shows_one_value();
        for (at, out) in out[..used].iter_mut().enumerate() {
            if beside[at] && is_constant {
                out.copy_from_slice(self.constant);
            } else if !inside[at] {
                self.channels::<2>(triangle, Places { u: &u[at..=at], v: &v[at..=at] }, out);
            }
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
    // Floats may be less than zero, or no numbers: sums begin at zero, as they do one by one, and
    // at its centre a pixel is itself, whatever its neighbours are.
    let above = (0.0 + left * a) + right * b;
    let below = (0.0 + left * c) + right * d;
    let mean = (0.0 + up * above) + down * below;
    T::from_f32(if (right == 0.0) & (down == 0.0) { a } else { mean })
}
