//! Arithmetic of a known length, random numbers of a fixed seed, and a latch.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// Numbers that look random and are the same on every machine (`SplitMix64`).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The sequence of this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// The next number below `limit`.
    pub fn below(&mut self, limit: u32) -> u32 {
        let scaled = ((self.number() >> 32) * u64::from(limit.max(1))) >> 32;
        u32::try_from(scaled).unwrap_or(0)
    }
}

/// Does `rounds` rounds of dependent arithmetic.
pub fn spin(rounds: u64) {
    let mut state = black_box(0x9e37_79b9u64);
    for _ in 0..rounds {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
    }
    black_box(state);
}

/// How many rounds of [`spin`] take this long on this machine now: the best of many tries, since
/// whatever disturbs one makes it longer.
#[must_use]
pub fn rounds_of(time: Duration) -> u64 {
    const ROUNDS: u64 = 100_000;
    let one = || {
        let start = Instant::now();
        spin(ROUNDS);
        start.elapsed()
    };
    let best = (0..50).map(|_| one()).min().unwrap_or_default();
    let rounds = u128::from(ROUNDS) * time.as_nanos() / best.as_nanos().max(1);
    u64::try_from(rounds).unwrap_or(u64::MAX).max(1)
}

/// A gate that steps wait at until it is opened. Cloning shares it.
#[derive(Debug, Clone, Default)]
pub struct Latch(Arc<(Mutex<bool>, Condvar)>);

impl Latch {
    /// Lets everyone through, now and until it is closed.
    pub fn open(&self) {
        *self.0.0.lock() = true;
        self.0.1.notify_all();
    }

    /// Lets nobody through.
    pub fn close(&self) {
        *self.0.0.lock() = false;
    }

    /// Waits until it is open.
    pub fn wait(&self) {
        let mut open = self.0.0.lock();
        while !*open {
            self.0.1.wait(&mut open);
        }
    }
}
