//! How long it takes to read a value.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Bytes per second at which values are read, by what that took so far.
#[derive(Debug)]
pub(super) struct Speed(AtomicU64);

/// Seconds to find a value and to open its file, however small it is.
const OPEN: f64 = 20e-6;

/// Bytes from which on the time of reading tells how fast that is.
const TELLING: u64 = 1 << 20;

impl Default for Speed {
    fn default() -> Self {
        Self(AtomicU64::new(0.5e9f64.to_bits()))
    }
}

impl Speed {
    /// Takes in how long it took to read so many bytes. Of a few it says nothing.
    pub(super) fn learn(&self, bytes: u64, time: Duration) {
        let seconds = time.as_secs_f64();
        if bytes >= TELLING && seconds > 0.0 {
            let speed = f64::from_bits(self.0.load(Ordering::Relaxed));
            let speed = speed + (bytes as f64 / seconds - speed) / 4.0;
            // Of two at the same time one may be lost.
            self.0.store(speed.to_bits(), Ordering::Relaxed);
        }
    }

    /// Seconds to read and to decode so many bytes for the first time.
    pub(super) fn seconds(&self, bytes: u64) -> f64 {
        OPEN + bytes as f64 / f64::from_bits(self.0.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_tells_how_fast() {
        let speed = Speed::default();
        assert!((speed.seconds(500_000_000) - 1.0 - OPEN).abs() < 1e-9);
        speed.learn(TELLING - 1, Duration::from_nanos(1));
        speed.learn(TELLING, Duration::ZERO);
        assert!((speed.seconds(500_000_000) - 1.0 - OPEN).abs() < 1e-9);
        (0..100).for_each(|_| speed.learn(2_000_000_000, Duration::from_secs(1)));
        assert!((speed.seconds(2_000_000_000) - 1.0 - OPEN).abs() < 1e-3);
        assert!(speed.seconds(1) >= OPEN);
    }
}
