//! How keys are placed in hash tables.

use std::hash::Hasher;

/// Odd numbers without a pattern: from the fractions of the square roots of 2, 3, 5 and 7.
const FACTORS: [u64; 4] =
    [0x6A09_E667_F3BC_C909, 0xBB67_AE85_84CA_A73B, 0x3C6E_F372_FE94_F82B, 0xA54F_F53A_5F1D_36F1];

/// Folds a key into a number. Keys are digests and spread well by themselves; folding all of one
/// keeps keys apart that a program has made up and that differ in a few bytes only.
#[derive(Debug, Default)]
pub(crate) struct KeyState(u64);

impl Hasher for KeyState {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, _) = bytes.as_chunks::<8>();
        // Each word by a factor of its own: no product waits for another one.
        let products = words
            .iter()
            .zip(FACTORS)
            .map(|(word, factor)| u64::from_le_bytes(*word).wrapping_mul(factor));
        let sum = products.fold(0, u64::wrapping_add);
        self.0 = (sum ^ sum >> 32).wrapping_mul(FACTORS[0]);
    }

    fn write_usize(&mut self, _: usize) {
        // The length of a key, which is always the same.
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
