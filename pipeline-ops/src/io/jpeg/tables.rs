//! The tables of ITU-T T.81, Annex K: how coefficients are quantised, and their Huffman codes.
//!
//! Of a quality the steps are made as the Independent JPEG Group does: those of the annex are of
//! quality 50, below it they grow as its inverse, and above it they shrink to 1 at 100.

use super::transform::ZIGZAG;

/// Steps of quantisation at quality 50, by rows (T.81, K.1): of luma and of chroma.
const STEPS: [[u8; 64]; 2] = [
    [
        16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69,
        56, 14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81,
        104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
    ],
    [
        17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99,
        99, 47, 66, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    ],
];

/// How many codes there are of each length, and their symbols (T.81, K.3.1 and K.3.2).
type Huffman = ([u8; 16], &'static [u8]);

/// Of differences of DC coefficients: the symbol is how many bits follow.
pub(super) const DC: [Huffman; 2] = [
    ([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
    ([0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
];

/// Of AC coefficients: the upper half of the symbol is how many zeros stand before it.
pub(super) const AC: [Huffman; 2] = [
    (
        [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125],
        &[
            0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51,
            0x61, 0x07, 0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xA1, 0x08, 0x23, 0x42, 0xB1, 0xC1,
            0x15, 0x52, 0xD1, 0xF0, 0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0A, 0x16, 0x17, 0x18,
            0x19, 0x1A, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2A, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39,
            0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x53, 0x54, 0x55, 0x56, 0x57,
            0x58, 0x59, 0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A, 0x73, 0x74, 0x75,
            0x76, 0x77, 0x78, 0x79, 0x7A, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x92,
            0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7,
            0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA, 0xC2, 0xC3,
            0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8,
            0xD9, 0xDA, 0xE1, 0xE2, 0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF1, 0xF2,
            0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8, 0xF9, 0xFA,
        ],
    ),
    (
        [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119],
        &[
            0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07,
            0x61, 0x71, 0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xA1, 0xB1, 0xC1, 0x09,
            0x23, 0x33, 0x52, 0xF0, 0x15, 0x62, 0x72, 0xD1, 0x0A, 0x16, 0x24, 0x34, 0xE1, 0x25,
            0xF1, 0x17, 0x18, 0x19, 0x1A, 0x26, 0x27, 0x28, 0x29, 0x2A, 0x35, 0x36, 0x37, 0x38,
            0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x53, 0x54, 0x55, 0x56,
            0x57, 0x58, 0x59, 0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A, 0x73, 0x74,
            0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
            0x8A, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0xA2, 0xA3, 0xA4, 0xA5,
            0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA,
            0xC2, 0xC3, 0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6,
            0xD7, 0xD8, 0xD9, 0xDA, 0xE2, 0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF2,
            0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8, 0xF9, 0xFA,
        ],
    ),
];

/// How coefficients are quantised.
#[derive(Debug, Clone)]
pub(super) struct Quantization {
    /// By rows.
    steps: [u8; 64],
    /// What is multiplied by instead of a division by eight times the steps.
    reciprocals: [Reciprocal; 64],
}

impl Quantization {
    /// Of luma and of chroma.
    pub(super) fn of(quality: u8) -> [Self; 2] {
        let quality = u32::from(quality.clamp(1, 100));
        let percent = if quality < 50 { 5000 / quality } else { 200 - 2 * quality };
        STEPS.map(|steps| {
            let steps =
                steps.map(|step| ((u32::from(step) * percent + 50) / 100).clamp(1, 255) as u8);
            Self { steps, reciprocals: steps.map(Reciprocal::of) }
        })
    }

    /// The steps in the order of the zigzag.
    pub(super) fn steps(&self) -> [u8; 64] {
        let mut steps = [0; 64];
        for (&at, step) in ZIGZAG.iter().zip(self.steps) {
            steps[usize::from(at)] = step;
        }
        steps
    }

    /// How many steps a coefficient has, to the nearest and halves away from zero; it is given
    /// eight times as large.
    #[inline(always)]
    pub(super) fn quantize(&self, coefficient: i16, place: usize) -> i16 {
        let Reciprocal { added, factor, bits } = self.reciprocals[place];
        // At most 8192 and 1021.
        let sum = coefficient.unsigned_abs() + added;
        let count = ((u32::from(sum) * u32::from(factor)) >> 16) as u16 >> bits;
        let sign = coefficient >> 15;
        (count as i16 ^ sign) - sign
    }
}

/// What stands for a division by eight times a step, rounded to the nearest: something is added,
/// and the upper half of the product is cut short. The factor has 16 bits, so the quotient is that
/// of a division for every number of 16 bits (Granlund and Montgomery, "Division by invariant
/// integers using multiplication", PLDI 1994).
#[derive(Debug, Clone, Copy)]
struct Reciprocal {
    added: u16,
    factor: u16,
    bits: u32,
}

impl Reciprocal {
    fn of(step: u8) -> Self {
        let divisor = 8 * u32::from(step);
        let (bits, half) = (divisor.ilog2(), (divisor / 2) as u16);
        let (factor, rest) = ((1 << (16 + bits)) / divisor, (1 << (16 + bits)) % divisor);
        match rest {
            // A power of two, whose factor would have 17 bits.
            0 => Self { added: half, factor: 1 << 15, bits: bits - 1 },
            // A factor that is too small needs one more.
            rest if rest <= divisor / 2 => Self { added: half + 1, factor: factor as u16, bits },
            _ => Self { added: half, factor: factor as u16 + 1, bits },
        }
    }
}

/// Bits that are written for a symbol.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Code {
    /// With zeros in the place of those that follow.
    pub(super) bits: u32,
    /// Of all of them.
    pub(super) len: u32,
}

/// The codes of a component.
#[derive(Debug)]
pub(super) struct Codes {
    pub(super) dc: [Code; 16],
    pub(super) ac: [Code; 256],
}

impl Codes {
    /// Of luma and of chroma.
    pub(super) fn standard() -> [Self; 2] {
        [0, 1].map(|of| Self { dc: codes(DC[of]), ac: codes(AC[of]) })
    }
}

/// The codes by symbol (T.81, C.2). The lower half of a symbol is how many bits follow.
fn codes<const N: usize>((counts, symbols): Huffman) -> [Code; N] {
    let lens = (1..).zip(counts).flat_map(|(len, count)| (0..count).map(move |_| len));
    let (mut codes, mut next, mut before) = ([Code::default(); N], 0, 0);
    for (len, &symbol) in lens.zip(symbols) {
        next <<= len - before;
        let more = u32::from(symbol % 16);
        codes[usize::from(symbol)] = Code { bits: next << more, len: len + more };
        (next, before) = (next + 1, len);
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_quantize_is_to_divide() {
        for step in 1..=255 {
            let reciprocals = [Reciprocal::of(step); 64];
            let quantization = Quantization { steps: [step; 64], reciprocals };
            for coefficient in -16_384..=16_384i16 {
                let (size, divisor) = (i32::from(coefficient).abs(), 8 * i32::from(step));
                let count = (size + divisor / 2) / divisor * i32::from(coefficient.signum());
                assert_eq!(i32::from(quantization.quantize(coefficient, 0)), count);
            }
        }
    }
}
