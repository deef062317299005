//! The bits of coefficients (ITU-T T.81, F.1.2).
//!
//! Runs of zeros are counted in a mask of what is not zero. Bits are written as whole words over
//! and over, so that the processor need not guess when a word is full; the zeros that must follow
//! bytes of ones are put in afterwards, for many blocks at once.

use super::tables::{Code, Codes};
use super::transform::Frequencies;

/// The symbols of 16 zeros, and of nothing but zeros up to the end.
const ZEROS: usize = 0xF0;
const END: usize = 0;

/// Bytes that are kept until those of ones are looked for, and the most that a block adds to them:
/// 64 codes of 26 bits, and the word that begins where the last of them ends.
pub(super) const ROOM: usize = 4096;
const BLOCK: usize = 64 * 26 / 8 + 8;

/// Coded samples.
pub(super) struct Coded {
    bytes: Vec<u8>,
    /// What comes behind them, with nothing behind bytes of ones yet.
    room: Box<[u8; ROOM]>,
    bits: Bits,
}

/// Where bits are written next.
#[derive(Debug, Clone, Copy, Default)]
struct Bits {
    /// The byte.
    at: usize,
    /// Bits of that byte that there are already, less than 8, and the lowest ones of these.
    count: u32,
    word: u64,
}

impl Bits {
    /// Writes all bits that there are, however few, so that nothing depends on how many.
    #[inline(always)]
    fn append(&mut self, code: Code, more: u16, room: &mut [u8; ROOM]) {
        self.word = self.word << code.len | u64::from(code.bits | u32::from(more));
        self.count += code.len;
        let word = self.word.wrapping_shl(64 - self.count);
        room[self.at..][..8].copy_from_slice(&word.to_be_bytes());
        self.at += self.count as usize / 8;
        self.count %= 8;
    }
}

impl Coded {
    pub(super) fn with_capacity(len: usize) -> Self {
        let bytes = Vec::with_capacity(len);
        Self { bytes, room: Box::new([0; ROOM]), bits: Bits::default() }
    }

    /// Codes a block. Of its DC coefficient that is the difference from `predicted`, which becomes
    /// the coefficient.
    #[inline]
    pub(super) fn block(
        &mut self,
        frequencies: &Frequencies,
        block: usize,
        predicted: &mut i16,
        codes: &Codes,
    ) {
        if self.bits.at > ROOM - BLOCK {
            self.flush();
        }
        // A copy stays in registers.
        let (mut bits, room) = (self.bits, &mut *self.room);
        let lane = Frequencies::lane(block);
        let dc = frequencies.coefficient(lane, 0);
        let difference = number(dc - *predicted);
        *predicted = dc;
        bits.append(codes.dc[usize::from(difference % 16)], difference >> 4, room);

        let mut nonzero = frequencies.nonzero(lane) & !1;
        let mut last = 0;
        while nonzero != 0 {
            let step = nonzero.trailing_zeros();
            nonzero &= nonzero - 1;
            let mut zeros = step - last - 1;
            last = step;
            while zeros > 15 {
                bits.append(codes.ac[ZEROS], 0, room);
                zeros -= 16;
            }
            let value = number(frequencies.coefficient(lane, step));
            let symbol = (zeros as usize % 16) << 4 | usize::from(value % 16);
            bits.append(codes.ac[symbol], value >> 4, room);
        }
        if last < 63 {
            bits.append(codes.ac[END], 0, room);
        }
        self.bits = bits;
    }

    /// Takes whole bytes, and puts a zero behind each byte of ones (F.1.2.3).
    fn flush(&mut self) {
        let (words, rest) = self.room[..self.bits.at].as_chunks();
        for bytes in words {
            let word = u64::from_le_bytes(*bytes);
            // Where a byte is 0xFF its highest bit is lost when one is added, and nowhere else but
            // in a byte above such a one.
            if word & 0x8080_8080_8080_8080 & !word.wrapping_add(0x0101_0101_0101_0101) == 0 {
                self.bytes.extend_from_slice(bytes);
            } else {
                bytes.iter().for_each(|&byte| push(&mut self.bytes, byte));
            }
        }
        rest.iter().for_each(|&byte| push(&mut self.bytes, byte));
        self.bits.at = 0;
    }

    /// All bytes. The last one is filled up with ones.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.flush();
        let Bits { count, word, .. } = self.bits;
        if count > 0 {
            push(&mut self.bytes, (word << (8 - count)) as u8 | 0xFF >> count);
        }
        self.bytes
    }
}

fn push(bytes: &mut Vec<u8>, byte: u8) {
    bytes.push(byte);
    if byte == 0xFF {
        bytes.push(0);
    }
}

/// How many bits are written of a number, and from the fifth bit on these (F.1.2.1.1).
#[inline(always)]
fn number(number: i16) -> u16 {
    NUMBERS[usize::from(number as u16 % 4096)]
}

/// For all numbers of 12 bits, of which one is the sign.
static NUMBERS: [u16; 4096] = {
    let mut numbers = [0; 4096];
    let mut at = 0;
    while at < 4096u16 {
        let number = (at << 4) as i16 >> 4;
        let len = 16 - number.unsigned_abs().leading_zeros();
        // Below zero it is that of one less, so that the highest bit is the sign.
        let bits = (number + (number >> 15)) as u16 & ((1 << len) - 1);
        numbers[at as usize] = bits << 4 | len as u16;
        at += 1;
    }
    numbers
};
