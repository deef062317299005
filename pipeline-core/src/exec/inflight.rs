//! One computation per key at a time, across runs.
//!
//! The first to begin a key leads: it computes. Everyone who begins the same key meanwhile follows:
//! it leaves a continuation and goes on with other work. Nobody waits inside a worker, because a
//! worker that waits for a result may be the one that would have to make it.

use std::collections::HashMap;

use crate::key::Key;
use crate::sync::Mutex;

/// The keys that are being computed, each with those who want to know.
#[derive(Debug)]
pub(crate) struct InFlight<F> {
    leaders: Mutex<HashMap<Key, Vec<F>>>,
}

/// What to do about a key.
#[derive(Debug)]
pub(crate) enum Begin<H> {
    /// It is there already.
    Hit(H),
    /// Compute it, and call [`InFlight::finish`] whatever happens.
    Leader,
    /// Someone computes it; the continuation was kept.
    Follower,
}

impl<F> InFlight<F> {
    pub(crate) fn new() -> Self {
        Self { leaders: Mutex::new(HashMap::new()) }
    }

    /// Begins a key. `is_there` runs under the lock: a leader puts its result in the cache before
    /// it finishes, so whoever finds no leader finds the result. `look_up`, which may take its
    /// time, does not.
    pub(crate) fn begin<H>(
        &self,
        key: Key,
        is_there: impl Fn() -> bool,
        look_up: impl Fn() -> Option<H>,
        follower: impl FnOnce() -> F,
    ) -> Begin<H> {
        let mut is_gone = false;
        loop {
            let mut leaders = self.leaders.lock();
            if let Some(followers) = leaders.get_mut(&key) {
                followers.push(follower());
                return Begin::Follower;
            }
            // What was there and could not be had is not asked for again.
            if is_gone || !is_there() {
                leaders.insert(key, Vec::new());
                return Begin::Leader;
            }
            drop(leaders);
            match look_up() {
                Some(hit) => return Begin::Hit(hit),
                None => is_gone = true,
            }
        }
    }

    /// Ends a computation, well or not; returns those who followed.
    pub(crate) fn finish(&self, key: &Key) -> Vec<F> {
        self.leaders.lock().remove(key).unwrap_or_default()
    }

    /// Whether anyone follows a key.
    pub(crate) fn has_followers(&self, key: &Key) -> bool {
        self.leaders.lock().get(key).is_some_and(|followers| !followers.is_empty())
    }

    /// Takes out all followers for which `leaves` is true.
    pub(crate) fn detach(&self, leaves: impl Fn(&F) -> bool) -> Vec<F> {
        let mut gone = Vec::new();
        for followers in self.leaders.lock().values_mut() {
            gone.extend(followers.extract_if(.., |follower| leaves(follower)));
        }
        gone
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;
    use crate::key::KeyHasher;

    #[test]
    fn the_first_leads_and_the_others_follow() {
        let key = KeyHasher::result().text("k").finish();
        let inflight = InFlight::new();
        assert!(matches!(inflight.begin(key, || false, || None::<()>, || 1), Begin::Leader));
        assert!(matches!(inflight.begin(key, || false, || None::<()>, || 2), Begin::Follower));
        assert!(matches!(inflight.begin(key, || false, || None::<()>, || 3), Begin::Follower));
        assert!(inflight.has_followers(&key));
        assert_eq!(inflight.detach(|&follower| follower == 2), [2]);
        assert_eq!(inflight.finish(&key), [3]);
        assert!(matches!(inflight.begin(key, || true, || Some(()), || 4), Begin::Hit(())));
        assert!(matches!(inflight.begin(key, || true, || None::<()>, || 5), Begin::Leader));
    }
}
