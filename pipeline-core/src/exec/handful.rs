//! A few short steps that a thread keeps to itself for a moment.
//!
//! Queueing steps of a microsecond one by one, threads would spend more time on the lock of the
//! queue than on the steps. So a thread takes several at once when they are short, keeps short ones
//! that it makes ready, and runs them one after the other without the lock. They are not its own:
//! any thread that finds the queue empty takes back what is left of every handful, if that is worth
//! it. Less is left to the thread that holds it, which has it done sooner; and should that be at a
//! step which takes longer than expected, it is noticed a moment later.

use std::sync::Arc;

use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Places in a handful at the most.
pub(super) const MOST: u32 = 32;

/// The places that one thread holds, first in, first out.
///
/// The thread that holds it puts in and takes out without a lock. Others only take everything, one
/// at a time, because they do so under the lock of the queue.
#[derive(Debug, Default)]
pub(crate) struct Handful {
    /// The number of the next place below, the number after the last one above. Numbers are never
    /// used again within a few billion, so equal ranges hold equal places.
    range: AtomicU64,
    /// What the range was when it was last asked whether anything happens here.
    seen: AtomicU64,
    /// The place of each number, modulo their count.
    places: [AtomicU32; MOST as usize],
}

/// What a thread took or made ready and has not run yet; once there was anything.
pub(crate) type Hand = Option<Arc<Handful>>;

fn split(range: u64) -> (u32, u32) {
    let [a, b, c, d, e, f, g, h] = range.to_le_bytes();
    (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]))
}

fn join(next: u32, end: u32) -> u64 {
    u64::from(end) << 32 | u64::from(next)
}

impl Handful {
    fn place(&self, number: u32) -> &AtomicU32 {
        &self.places[(number % MOST) as usize]
    }

    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        let (next, end) = split(self.range.load(Ordering::Relaxed));
        next == end
    }

    /// Whether anything was put in or taken out since the last time this was asked. Under the lock of
    /// the queue.
    pub(super) fn has_moved(&self) -> bool {
        let range = self.range.load(Ordering::Relaxed);
        self.seen.swap(range, Ordering::Relaxed) != range
    }

    /// Looks at what is in it; some of it may be taken meanwhile.
    pub(super) fn look(&self, mut each: impl FnMut(u32)) {
        let (next, end) = split(self.range.load(Ordering::Acquire));
        for offset in 0..end.wrapping_sub(next) {
            each(self.place(next.wrapping_add(offset)).load(Ordering::Relaxed));
        }
    }

    /// The next place, for the thread that holds them.
    #[inline]
    pub(super) fn take(&self) -> Option<u32> {
        let less = |range| {
            let (next, end) = split(range);
            (next != end).then(|| join(next.wrapping_add(1), end))
        };
        let before = self.range.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).ok()?;
        Some(self.place(split(before).0).load(Ordering::Relaxed))
    }

    /// Puts a place in, if there is room; for the thread that holds them.
    #[inline]
    pub(super) fn put(&self, place: u32) -> bool {
        let (next, end) = split(self.range.load(Ordering::Relaxed));
        if end.wrapping_sub(next) == MOST {
            return false;
        }
        // Whoever takes everything now reads up to `end` only, or starts again.
        self.place(end).store(place, Ordering::Relaxed);
        // Release: whoever takes the place sees what it was made ready by.
        self.range.fetch_add(join(0, 1), Ordering::Release);
        true
    }

    /// Takes everything; `each` gets it. Under the lock of the queue.
    pub(super) fn empty(&self, each: impl FnMut(u32)) {
        let mut range = self.range.load(Ordering::Acquire);
        let mut places = [0; MOST as usize];
        loop {
            let (next, end) = split(range);
            let count = end.wrapping_sub(next);
            for (place, offset) in places.iter_mut().zip(0..count) {
                *place = self.place(next.wrapping_add(offset)).load(Ordering::Relaxed);
            }
            let taken = self.range.compare_exchange(
                range,
                join(end, end),
                Ordering::Acquire,
                Ordering::Acquire,
            );
            match taken {
                Ok(_) => return places.into_iter().take(count as usize).for_each(each),
                Err(newer) => range = newer,
            }
        }
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn places_come_out_as_they_went_in_and_only_once() {
        let hand = Handful::default();
        assert_eq!(hand.take(), None);
        for round in 0..100 {
            (0..MOST).for_each(|place| assert!(hand.put(round * 100 + place)));
            assert!(!hand.put(7), "there is no room");
            assert_eq!(hand.take(), Some(round * 100));
            let mut rest = Vec::new();
            hand.empty(|place| rest.push(place));
            assert_eq!(rest, (1..MOST).map(|place| round * 100 + place).collect::<Vec<_>>());
            assert_eq!(hand.take(), None);
        }
    }
}
