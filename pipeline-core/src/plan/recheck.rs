//! Which hits are computed anew, to see whether the cache and the steps keep their word.

use crate::key::Key;

/// Picks a share of keys, others in every plan.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Recheck {
    /// The share of hits that are computed anew, from 0 to 1.
    pub(crate) share: f64,
    /// Differs from plan to plan.
    pub(crate) salt: u64,
}

impl Recheck {
    /// Whether the result of this key is computed though it is there.
    pub(crate) fn picks(&self, key: &Key) -> bool {
        if self.share <= 0.0 {
            return false;
        }
        // Keys are digests, so mixing in the salt needs one step only (SplitMix64's multiplier).
        let mixed = (key.prefix() ^ self.salt).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let [.., a, b, c, d] = (mixed ^ mixed >> 31).to_le_bytes();
        f64::from(u32::from_le_bytes([a, b, c, d])) < self.share * f64::from(u32::MAX)
            || self.share >= 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::KeyHasher;

    #[test]
    fn the_share_is_kept_and_differs_from_plan_to_plan() {
        let keys: Vec<Key> = (0..4000).map(|n| KeyHasher::result().number(n).finish()).collect();
        let picked = |share, salt| {
            let recheck = Recheck { share, salt };
            keys.iter().map(|key| recheck.picks(key)).collect::<Vec<_>>()
        };
        let count = |picked: &[bool]| picked.iter().filter(|&&picked| picked).count();
        assert_eq!(count(&picked(0.0, 1)), 0);
        assert_eq!(count(&picked(1.0, 1)), keys.len());
        let (one, two) = (picked(0.25, 1), picked(0.25, 2));
        assert!((850..1150).contains(&count(&one)), "{}", count(&one));
        assert_ne!(one, two);
    }
}
