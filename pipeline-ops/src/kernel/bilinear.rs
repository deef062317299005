//! Bilinear samples of many places at once, where that is all there is to do: no opacity to weigh
//! colours by, and no edge between the places.
//!
//! Places and weights are computed side by side, pixels are fetched one by one, and mixed side by
//! side again. Each sample comes out with the bits that [`Field::sample`] gives one by one.

use pipeline_core::{Sample, SampleType};

use super::vector::widest;
use super::{Border, Field};

/// Places that are sampled at once.
pub(super) const BLOCK: usize = 64;

/// A float of 2⁵² and a half of that: added to a smaller one, it leaves no room for a fraction, and
/// the last bits of the sum are the integer nearest to it.
const NO_FRACTION: f64 = (3u64 << 51) as f64;

/// The pixels left above some places, and how far the places are to the right of them and below.
struct Spots {
    columns: [i32; BLOCK],
    rows: [i32; BLOCK],
    right: [f32; BLOCK],
    down: [f32; BLOCK],
    /// Whether all four pixels around every place are those of the image.
    is_inside: bool,
    /// Whether no pixel is, because all places lie beyond the same side.
    is_beside: bool,
}

impl Spots {
    #[inline(always)]
    fn new(places: &[(f64, f64)], size: (usize, usize)) -> Self {
        let (mut u, mut v) = ([0.5; BLOCK], [0.5; BLOCK]);
        for ((u, v), place) in u.iter_mut().zip(&mut v).zip(places) {
            (*u, *v) = *place;
        }
        let (width, height) = (size.0 as f64, size.1 as f64);
        let (columns, right, is_within, beside) = split(&u, places.len(), width);
        let (rows, down, is_between, above_or_below) = split(&v, places.len(), height);
        Self {
            columns,
            rows,
            right,
            down,
            is_inside: is_within & is_between,
            is_beside: beside | above_or_below,
        }
    }
}

/// The pixels before places along one axis and how far the places are behind them; whether all
/// of the first `count` lie between pixels of the image, and whether all lie beyond the same side.
#[inline(always)]
fn split(
    places: &[f64; BLOCK],
    count: usize,
    side: f64,
) -> ([i32; BLOCK], [f32; BLOCK], bool, bool) {
    let (mut pixels, mut fractions) = ([0; BLOCK], [0.0; BLOCK]);
    let mut whole = [0.0; BLOCK];
    for at in 0..BLOCK {
        whole[at] = floor(places[at] - 0.5);
        fractions[at] = (places[at] - 0.5 - whole[at]) as f32;
        // Only looked at where all places are inside.
        pixels[at] = (whole[at] + NO_FRACTION).to_bits() as i32;
    }
    let (mut inside, mut before, mut after) = (true, true, true);
    for &whole in &whole[..count] {
        inside &= (whole >= 0.0) & (whole + 2.0 <= side);
        before &= whole <= -2.0;
        after &= whole >= side;
    }
    (pixels, fractions, inside, before | after)
}

/// The whole number below a place that a map keeps within 2⁴⁶.
#[inline(always)]
fn floor(place: f64) -> f64 {
    let near = (place + NO_FRACTION) - NO_FRACTION;
    if near > place { near - 1.0 } else { near }
}

impl<T: Sample> Field<'_, T> {
    /// Fills `out` with the samples at `places` if all of them lie within the image, or all of them
    /// beyond one side of it where there is a constant; answers whether they do.
    pub(super) fn bilinear_block<const C: usize>(
        &self,
        places: &[(f64, f64)],
        out: &mut [T],
    ) -> bool {
        widest(
            #[inline(always)]
            || {
                let spots = Spots::new(places, self.size);
                if spots.is_inside {
                    self.mix_block::<C>(&spots, out);
                    return true;
                }
                let is_filled = spots.is_beside && self.shows_one_value();
                if is_filled {
                    let pixels = out.as_chunks_mut::<C>().0;
                    pixels.iter_mut().for_each(|pixel| pixel.copy_from_slice(self.constant));
                }
                is_filled
            },
        )
    }

    /// Whether every mixture of the border's constant is the constant, bit by bit.
    fn shows_one_value(&self) -> bool {
        let is_zero = bytemuck::cast_slice::<T, u8>(self.constant).iter().all(|&byte| byte == 0);
        matches!(self.border, Border::Constant(_)) && (T::TYPE != SampleType::F32 || is_zero)
    }

    #[inline(always)]
    fn mix_block<const C: usize>(&self, spots: &Spots, out: &mut [T]) {
        let pixels = out.as_chunks_mut::<C>().0;
        let mut corners = [[[T::default(); BLOCK]; C]; 4];
        let places = spots.columns.iter().zip(&spots.rows).take(pixels.len());
        for (at, (&column, &row)) in places.enumerate() {
            let row = row as usize - self.origin.1;
            let start = (column as usize - self.origin.0) * C;
            let (above, below) = (self.rows[row], self.rows[row + 1]);
            let (above, below) = (&above[start..][..2 * C], &below[start..][..2 * C]);
            for channel in 0..C {
                corners[0][channel][at] = above[channel];
                corners[1][channel][at] = above[C + channel];
                corners[2][channel][at] = below[channel];
                corners[3][channel][at] = below[C + channel];
            }
        }
        let mut mixed = [[T::default(); BLOCK]; C];
        for channel in 0..C {
            let mixed = &mut mixed[channel];
            let (a, b) = (&corners[0][channel], &corners[1][channel]);
            let (c, d) = (&corners[2][channel], &corners[3][channel]);
            for at in 0..BLOCK {
                let (right, down) = (spots.right[at], spots.down[at]);
                let (left, up) = (1.0 - right, 1.0 - down);
                let above = (0.0 + left * a[at].to_f32()) + right * b[at].to_f32();
                let below = (0.0 + left * c[at].to_f32()) + right * d[at].to_f32();
                let mean = (0.0 + up * above) + down * below;
                // At its centre a pixel is itself, whatever its neighbours are.
                let is_centre = (right == 0.0) & (down == 0.0);
                mixed[at] = T::from_f32(if is_centre { a[at].to_f32() } else { mean });
            }
        }
        for (at, pixel) in pixels.iter_mut().enumerate() {
            for channel in 0..C {
                pixel[channel] = mixed[channel][at];
            }
        }
    }
}
