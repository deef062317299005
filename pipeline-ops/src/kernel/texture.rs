//! How much neighbouring samples differ, and specks taken out before that is measured.
//!
//! Rows come in threes, the one above and the one below beside their own; at the edge a row or a
//! column stands for the one beyond it.

use super::parts::{Parts, each_part};
use super::vector::widest;

/// How many steps of a logarithm lead to e times as much.
pub(crate) const STEPS: f32 = 128.0;

/// The steps that there are, from the least deviation that is told from none to a million times it.
pub(crate) const ALL_STEPS: usize = 1792;

/// Fills the row with its samples, each no less and no more than its eight neighbours are.
///
/// # Panics
/// If a row is shorter than `out`.
pub(crate) fn without_specks(rows: [&[f32]; 3], out: &mut [f32]) {
    out.copy_from_slice(&rows[1][..out.len()]);
    over_nine(rows, out, |[above, own, below]| {
        let [[a, b, c], [d, middle, e], [f, g, h]] = [above, own, below];
        let least = a.min(b).min(c.min(d)).min(e.min(f).min(g.min(h)));
        let most = a.max(b).max(c.max(d)).max(e.max(f).max(g.max(h)));
        middle.max(least).min(most)
    });
}

/// Fills a row with the standard deviations of 3 × 3 samples.
///
/// Samples count by what they differ from the middle one, so that nothing is lost where they are
/// large and nearly equal.
///
/// # Panics
/// If a row is shorter than `out`.
pub(crate) fn deviations(rows: [&[f32]; 3], out: &mut [f32]) {
    let len = out.len();
    for x in [0, len.saturating_sub(1)].into_iter().take(len) {
        let columns = [x.saturating_sub(1), x, (x + 1).min(len - 1)];
        out[x] = deviation(rows.map(|row| columns.map(|x| row[x])));
    }
    over_nine(rows, out, deviation);
}

#[inline(always)]
fn deviation([[a, b, c], [d, middle, e], [f, g, h]]: [[f32; 3]; 3]) -> f32 {
    let [a, b, c, d] = [a - middle, b - middle, c - middle, d - middle];
    let [e, f, g, h] = [e - middle, f - middle, g - middle, h - middle];
    let sum = ((a + b) + (c + d)) + ((e + f) + (g + h));
    let squares = ((a * a + b * b) + (c * c + d * d)) + ((e * e + f * f) + (g * g + h * h));
    let mean = sum * (1.0 / 9.0);
    (squares * (1.0 / 9.0) - mean * mean).max(0.0).sqrt()
}

/// Sets all but the first and the last sample of a row to what `work` makes of the nine around
/// them.
#[inline(always)]
fn over_nine(rows: [&[f32]; 3], out: &mut [f32], work: impl Fn([[f32; 3]; 3]) -> f32) {
    let Some(inner) = out.len().checked_sub(2) else { return };
    widest(
        #[inline(always)]
        || {
            // All of one length, so that one comparison is enough for all.
            let rows = rows.map(|row| [0, 1, 2].map(|shift| &row[shift..][..inner]));
            each_part::<f32>(inner, &mut Nine { rows, out: &mut out[1..][..inner], work });
        },
    );
}

struct Nine<'a, W> {
    /// Three rows, each as three columns of the windows see it.
    rows: [[&'a [f32]; 3]; 3],
    out: &'a mut [f32],
    work: W,
}

impl<W: Fn([[f32; 3]; 3]) -> f32> Parts for Nine<'_, W> {
    #[inline(always)]
    fn part<const LEN: usize>(&mut self, at: usize) {
        let row = |row: usize, column: usize| &self.rows[row][column][at..][..LEN];
        let (a0, b0, c0) = (row(0, 0), row(1, 0), row(2, 0));
        let (a1, b1, c1) = (row(0, 1), row(1, 1), row(2, 1));
        let (a2, b2, c2) = (row(0, 2), row(1, 2), row(2, 2));
        let mut out = [0.0; LEN];
        for i in 0..LEN {
            out[i] =
                (self.work)([[a0[i], a1[i], a2[i]], [b0[i], b1[i], b2[i]], [c0[i], c1[i], c2[i]]]);
        }
        self.out[at..][..LEN].copy_from_slice(&out);
    }
}

/// Fills `out` with the steps of the logarithms of deviations, of which `least` is hardly told from
/// none.
pub(crate) fn logarithmic(deviations: &[f32], least: f32, out: &mut [u16]) {
    const LAST: f32 = (ALL_STEPS - 1) as f32;
    /// Steps to twice as much.
    const OCTAVE: f32 = STEPS * std::f32::consts::LN_2;

    let scale = 1.0 / least;
    widest(
        #[inline(always)]
        || {
            for (out, &deviation) in out.iter_mut().zip(deviations) {
                let step = octaves((deviation * scale).min(f32::MAX) + 1.0) * OCTAVE;
                *out = step.min(LAST) as i32 as u16;
            }
        },
    );
}

/// The logarithm to the base 2 of a number from 1 on, wrong by less than a tenth of a step: by the
/// first terms of the series of the inverse hyperbolic tangent.
#[inline(always)]
fn octaves(number: f32) -> f32 {
    /// The bits of the square root of one half: fractions are from there to that of 2.
    const LEAST: u32 = std::f32::consts::FRAC_1_SQRT_2.to_bits();
    const FRACTION: u32 = f32::MANTISSA_DIGITS - 1;

    let above = number.to_bits().wrapping_sub(LEAST) as i32;
    let exponent = (above >> FRACTION) as f32;
    let fraction = f32::from_bits((above as u32 & ((1 << FRACTION) - 1)).wrapping_add(LEAST));
    let ratio = (fraction - 1.0) / (fraction + 1.0);
    let square = ratio * ratio;
    let series = ((square * (1.0 / 7.0) + 1.0 / 5.0) * square + 1.0 / 3.0) * square + 1.0;
    exponent + ratio * series * (2.0 * std::f32::consts::LOG2_E)
}

/// What a histogram of steps says of a texture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TextureLevel {
    /// The step that most have in common: the noise of the background.
    pub(crate) background: usize,
    /// The step from which on there is more than that.
    pub(crate) level: usize,
}

impl TextureLevel {
    /// The level of steps that were counted; none if nothing was.
    ///
    /// The background is the fullest place of the counts. What lies below it says how far it
    /// spreads, and the level is some deviations of that higher. But it is not far below what the
    /// clearest of the rest have: halos throw a faint texture around them.
    pub(crate) fn of(counts: &[u64]) -> Option<Self> {
        /// Steps that are summed on each side to find the fullest place.
        const AROUND: usize = 6;
        /// How many deviations the level is higher, and the steps that it is at the most.
        const HIGHER: (f64, f64) = (4.0, 0.9 * STEPS as f64);
        /// The part of those above the level that are the clearest, and the steps from the level
        /// to the least clear of them: an eighth of their deviation.
        const CLEAREST: (u64, usize) = (20, 271);

        let around = |at: usize| -> u64 {
            let end = counts.len().min(at + AROUND + 1);
            counts[at.saturating_sub(AROUND)..end].iter().sum()
        };
        // Of equal ones the first.
        let background = (0..counts.len()).rev().max_by_key(|&at| around(at))?;
        let (mut total, mut squares) = (0, 0.0);
        for (at, &count) in counts.iter().enumerate().take(background + 1) {
            total += count;
            squares += count as f64 * ((background - at) as f64).powi(2);
        }
        if around(background) == 0 {
            return None;
        }
        let spread = (squares / total.max(1) as f64).sqrt();
        let level = background + 1 + (HIGHER.0 * spread).min(HIGHER.1) as usize;
        let rest: u64 = counts.iter().skip(level).sum();
        let mut beyond = 0;
        let clear = counts.iter().rposition(|&count| {
            beyond += count;
            rest > 0 && beyond * CLEAREST.0 >= rest
        });
        let least = clear.map_or(0, |clear| clear.saturating_sub(CLEAREST.1));
        Some(Self { background, level: level.max(least) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speck_becomes_as_its_neighbours_and_the_edge_stays() {
        let rows = [[1.0, 2.0, 3.0, 4.0], [9.0, 99.0, 5.0, 6.0], [1.0, 2.0, 3.0, 2.5]];
        let mut out = [0.0; 4];
        without_specks(rows.each_ref().map(|row| &row[..]), &mut out);
        assert_eq!(out, [9.0, 9.0, 5.0, 6.0]);
        let mut out = [0.0; 1];
        without_specks([&[1.0], &[2.0], &[3.0]], &mut out);
        assert_eq!(out, [2.0]);
    }

    #[test]
    fn deviations_are_those_of_nine_samples() {
        let rows = [[1e6, 1e6, 1e6 + 9.0], [1e6, 1e6, 1e6], [1e6, 1e6, 1e6]];
        let mut out = [0.0; 3];
        deviations(rows.each_ref().map(|row| &row[..]), &mut out);
        assert_eq!(out[0], 0.0);
        assert!((out[1] - 8f32.sqrt()).abs() < 1e-6 && (out[2] - 14f32.sqrt()).abs() < 1e-6);
        let mut out = [1.0];
        deviations([&[3.0], &[3.0], &[6.0]], &mut out);
        assert!((out[0] - 2f32.sqrt()).abs() < 1e-6);
    }

    #[test]
    fn steps_are_those_of_the_natural_logarithm() {
        let deviations: Vec<f32> = (0u16..400).map(|at| 1.05f32.powi(at.into()) - 1.0).collect();
        let mut out = vec![0; deviations.len()];
        logarithmic(&deviations, 1.0, &mut out);
        for (at, (&deviation, &step)) in deviations.iter().zip(&out).enumerate() {
            let exact = (deviation.ln_1p() * STEPS).min((ALL_STEPS - 1) as f32);
            assert!((f32::from(step) + 0.5 - exact).abs() < 0.6, "{at}: {step} for {exact}");
        }
        let mut out = [7; 2];
        logarithmic(&[f32::INFINITY, f32::MAX], 1e-30, &mut out);
        assert_eq!(out.map(usize::from), [ALL_STEPS - 1; 2]);
    }

    #[test]
    fn the_level_lies_above_what_most_have_in_common() {
        let mut counts = vec![0; 600];
        (counts[90], counts[100], counts[300]) = (250, 1000, 40);
        // The deviation of those up to 94, of which 250 are four steps lower.
        let found = TextureLevel::of(&counts).unwrap();
        assert_eq!(found, TextureLevel { background: 94, level: 111 });
        counts[590] = 2;
        assert_eq!(TextureLevel::of(&counts), Some(TextureLevel { background: 94, level: 111 }));
        counts[590] = 3;
        assert_eq!(TextureLevel::of(&counts).unwrap().level, 590 - 271);
        assert_eq!(TextureLevel::of(&[0; 5]), None);
    }
}
