//! Numbers that look random and are the same in every run.

/// A generator of the xorshift family; its quality is enough for making up sessions.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    /// Equal seeds roll equal numbers.
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(7919).wrapping_add(13) ^ 0x9E37_79B9_7F4A_7C15)
    }

    const fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number from 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are left")]
    pub(super) fn unit(&mut self) -> f64 {
        (self.roll() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number below `end`.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "small numbers"
    )]
    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.unit() * end as f64) as usize
    }

    /// Yes in so many of all cases.
    pub(super) fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }
}
