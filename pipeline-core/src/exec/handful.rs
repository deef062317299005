//! A few short steps that a thread keeps to itself for a moment.
//!
//! Queueing steps of a microsecond one by one, threads would spend more time on the lock of the
//! queue than on the steps. So a thread takes several at once when they are short, keeps short ones
//! that it makes ready, and runs them one after the other without the lock. They are not its own:
//! any thread that finds the queue empty takes back what is left of every handful, if that is worth
//! it. Less is left to the thread that holds it, which has it done sooner; and should that be at a
//! step which takes longer than expected, it is noticed a moment later.

use std::sync::Arc;

use crate::sync::atomic::{AtomicU32, Ordering};

/// Places in a handful at the most.
pub(super) const MOST: u32 = 32;

/// The places that one thread holds, first in, first out.
///
/// The thread that holds it puts in and takes out without a lock. Others only take everything, one
/// at a time, because they do so under the lock of the queue. Places are numbered as they are put
/// in; a number is not used again within four billion.
#[derive(Debug, Default)]
pub(crate) struct Handful {
    /// The number of the next place that comes out. Whoever moves it has what it moved over.
    next: AtomicU32,
    /// The number after the last place. Only the thread that holds it moves it.
    end: AtomicU32,
    /// What both were when it was last asked whether anything happens here.
    seen: [AtomicU32; 2],
    /// The place of each number, modulo their count.
    places: [AtomicU32; MOST as usize],
}

/// What a thread took or made ready and has not run yet; once there was anything.
pub(crate) type Hand = Option<Arc<Handful>>;

impl Handful {
    fn place(&self, number: u32) -> &AtomicU32 {
        &self.places[(number % MOST) as usize]
    }

    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.next.load(Ordering::Relaxed) == self.end.load(Ordering::Relaxed)
    }

    /// Whether anything was put in or taken out since the last time this was asked. Under the lock
    /// of the queue.
    pub(super) fn has_moved(&self) -> bool {
        let moved = |now: &AtomicU32, seen: &AtomicU32| {
            let now = now.load(Ordering::Relaxed);
            seen.swap(now, Ordering::Relaxed) != now
        };
        moved(&self.next, &self.seen[0]) | moved(&self.end, &self.seen[1])
    }

    /// Looks at what is in it; some of it may be taken meanwhile.
    pub(super) fn look(&self, mut each: impl FnMut(u32)) {
        let next = self.next.load(Ordering::Acquire);
        let end = self.end.load(Ordering::Acquire);
        // Since the first look, any number may have come and gone.
        for offset in 0..end.wrapping_sub(next).min(MOST) {
            each(self.place(next.wrapping_add(offset)).load(Ordering::Relaxed));
        }
    }

    /// The next place, for the thread that holds them.
    #[inline]
    pub(super) fn take(&self) -> Option<u32> {
        let end = self.end.load(Ordering::Relaxed);
        let more = |next: u32| (next != end).then(|| next.wrapping_add(1));
        let next = self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(self.place(next).load(Ordering::Relaxed))
    }

    /// Puts a place in, if there is room; for the thread that holds them.
    #[inline]
    pub(super) fn put(&self, place: u32) -> bool {
        let end = self.end.load(Ordering::Relaxed);
        // Acquire: whoever took what stood here before has read it.
        if end.wrapping_sub(self.next.load(Ordering::Acquire)) == MOST {
            return false;
        }
        self.place(end).store(place, Ordering::Relaxed);
        // Release: whoever takes the place sees what it was made ready by.
        self.end.store(end.wrapping_add(1), Ordering::Release);
        true
    }

    /// Takes everything; `each` gets it. Under the lock of the queue.
    pub(super) fn empty(&self, each: impl FnMut(u32)) {
        let mut places = [0; MOST as usize];
        let mut next = self.next.load(Ordering::Acquire);
        loop {
            let end = self.end.load(Ordering::Acquire);
            let count = end.wrapping_sub(next).min(MOST);
            for (place, offset) in places.iter_mut().zip(0..count) {
                *place = self.place(next.wrapping_add(offset)).load(Ordering::Relaxed);
            }
            // If it has not moved, nothing of what was read was taken or written over meanwhile.
            let taken = self.next.compare_exchange(next, end, Ordering::AcqRel, Ordering::Acquire);
            match taken {
                Ok(_) => return places.into_iter().take(count as usize).for_each(each),
                Err(newer) => next = newer,
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
