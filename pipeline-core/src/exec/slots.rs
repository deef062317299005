//! Where results wait for the steps that read them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::data::{Image, Layout, Mask, Raster, Value};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering};

/// The results of one run that are still needed, one slot per output port.
///
/// A slot is filled once. The last step to read it gets the value itself, everyone before a shared
/// handle; when the last reader has finished, the slot is empty.
#[derive(Debug)]
pub(crate) struct Slots {
    slots: Box<[Mutex<Slot>]>,
    live: AtomicU64,
    peak: AtomicU64,
}

#[derive(Debug)]
struct Slot {
    /// `()` stands for empty as well; whether a slot is filled follows from the order of the run.
    value: Value,
    /// Readers that have not finished.
    left: u32,
    bytes: u64,
}

/// Whether a reader may be given the only handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Take {
    /// The last reader gets the value itself.
    Last,
    /// The value stays, so that a failed attempt can be repeated.
    Keep,
}

impl Slots {
    pub(crate) fn new(uses: &[u32]) -> Self {
        let slot = |&left: &u32| Mutex::new(Slot { value: Value::new(()), left, bytes: 0 });
        Self {
            slots: uses.iter().map(slot).collect(),
            live: AtomicU64::new(0),
            peak: AtomicU64::new(0),
        }
    }

    /// Fills a slot; returns the bytes that the value keeps alive. A value that nobody reads is
    /// dropped.
    pub(crate) fn fill(&self, slot: u32, value: Value) -> u64 {
        let bytes = value.size_bytes() as u64;
        let mut place = self.slots[slot as usize].lock();
        if place.left == 0 {
            drop(place);
            dispose(value);
            return bytes;
        }
        place.value = value;
        place.bytes = bytes;
        drop(place);
        if bytes > 0 {
            let live = self.live.fetch_add(bytes, Ordering::Relaxed) + bytes;
            self.peak.fetch_max(live, Ordering::Relaxed);
        }
        bytes
    }

    /// The value of a slot, for a reader.
    pub(crate) fn take(&self, slot: u32, take: Take) -> Value {
        let mut place = self.slots[slot as usize].lock();
        if place.left == 1 && take == Take::Last {
            return std::mem::replace(&mut place.value, Value::new(()));
        }
        place.value.clone()
    }

    /// Says that a reader has finished; returns the bytes that nobody needs any more.
    pub(crate) fn finish(&self, slot: u32) -> u64 {
        let mut place = self.slots[slot as usize].lock();
        place.left -= 1;
        if place.left > 0 {
            return 0;
        }
        let value = std::mem::replace(&mut place.value, Value::new(()));
        let bytes = std::mem::take(&mut place.bytes);
        drop(place);
        // Freeing can take long; nobody waits for the slot meanwhile.
        dispose(value);
        if bytes > 0 {
            self.live.fetch_sub(bytes, Ordering::Relaxed);
        }
        bytes
    }

    /// Bytes of the value in a slot.
    pub(crate) fn bytes(&self, slot: u32) -> u64 {
        self.slots[slot as usize].lock().bytes
    }

    /// What the image or mask in a slot looks like.
    pub(crate) fn layout(&self, slot: u32) -> Option<Layout> {
        let place = self.slots[slot as usize].lock();
        let image = place.value.downcast_ref::<Image>().map(Image::layout);
        image.or_else(|| place.value.downcast_ref::<Mask>().map(|mask| mask.view().image()))
    }

    /// Bytes alive now.
    pub(crate) fn live(&self) -> u64 {
        self.live.load(Ordering::Relaxed)
    }

    /// The most bytes that were alive at once.
    pub(crate) fn peak(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }
}

/// Drops what a step has made. A panic in its destructor ends neither the thread nor the run.
pub(super) fn dispose<T>(value: T) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        // What it panicked with may have such a destructor as well.
        Box::leak(payload);
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    fn image() -> Value {
        let image = Image::from_samples(10, 10, 1, vec![0u8; 100]);
        Value::new(image.expect("a hundred samples for a hundred pixels"))
    }

    #[test]
    fn the_last_reader_owns_the_value() {
        let slots = Slots::new(&[2]);
        slots.fill(0, image());
        let first = slots.take(0, Take::Last);
        drop(first);
        slots.finish(0);
        let last = slots.take(0, Take::Last).downcast::<Image>().unwrap().into_owned();
        assert!(last.clone().samples_mut::<u8>().is_some());
        slots.finish(0);
        assert_eq!(slots.live(), 0);
        assert!(slots.peak() >= 100);
    }

    #[test]
    fn a_value_that_nobody_reads_is_not_kept() {
        let slots = Slots::new(&[0]);
        assert!(slots.fill(0, image()) > 0);
        assert_eq!(slots.live(), 0);
    }
}
