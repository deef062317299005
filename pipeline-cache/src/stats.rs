//! What a cache has done so far, and what it holds.

use std::time::Duration;

/// What a cache has done since it was made, and what it holds now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// How often a value was asked for and found.
    pub hits: u64,
    /// How often a value was asked for and not found.
    pub misses: u64,
    /// How many values were taken in.
    pub inserts: u64,
    /// How many values were thrown out to make room.
    pub evictions: u64,
    /// How many values were not taken in: larger than the budget without what is being made, or
    /// worth less than what would have had to go for them.
    pub refusals: u64,
    /// What the values that were found had taken to make.
    pub saved: Duration,
    /// How many values there are now.
    pub entries: u64,
    /// Bytes held now, the cache's own included.
    pub bytes: u64,
    /// Bytes that may be held.
    pub budget: u64,
}

impl Stats {
    /// The share of look-ups that found something, from 0 to 1; 0 if there were none.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 53 bits")]
    pub fn hit_rate(&self) -> f64 {
        let asked = self.hits.saturating_add(self.misses);
        if asked == 0 { 0.0 } else { self.hits as f64 / asked as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hit_rate_of_nothing_is_zero() {
        assert!(Stats::default().hit_rate() == 0.0);
        let stats = Stats { hits: 3, misses: 1, ..Stats::default() };
        assert!((stats.hit_rate() - 0.75).abs() < 1e-12);
    }
}
