//! Where results wait for the steps that read them.

use crate::data::{Image, Layout, Mask, Raster, Value};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering};

/// The results of one run that are still needed, one slot per output port.
///
/// A slot is filled once. The last step to read it gets the value itself, everyone before a shared
/// handle; when the last reader has finished, the slot is empty.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    slots: Vec<Mutex<Slot>>,
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
    /// Empties all slots and expects `uses` readers of each.
    pub(crate) fn reset(&mut self, uses: &[u32]) {
        self.slots.clear();
        let slot = |&left: &u32| Mutex::new(Slot { value: Value::new(()), left, bytes: 0 });
        self.slots.extend(uses.iter().map(slot));
        (self.live, self.peak) = (AtomicU64::new(0), AtomicU64::new(0));
    }

    /// Fills a slot; returns the bytes that the value keeps alive. A value that nobody reads is
    /// dropped.
    pub(crate) fn fill(&self, slot: u32, value: Value) -> u64 {
        let bytes = value.size_bytes() as u64;
        let mut place = self.slots[slot as usize].lock();
        if place.left == 0 {
            drop(place);
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

    /// The value of a slot, for its only reader, which need not say that it has finished; it says
    /// how many bytes it [`release`](Self::release)s instead, counted up in `bytes`.
    pub(crate) fn take_only(&self, slot: u32, bytes: &mut u64) -> Value {
        let mut place = self.slots[slot as usize].lock();
        place.left = 0;
        *bytes += std::mem::take(&mut place.bytes);
        std::mem::replace(&mut place.value, Value::new(()))
    }

    /// Says that bytes taken by only readers are no longer needed.
    pub(crate) fn release(&self, bytes: u64) {
        if bytes > 0 {
            self.live.fetch_sub(bytes, Ordering::Relaxed);
        }
    }

    /// Says that a reader has finished; returns the bytes that nobody needs any more.
    pub(crate) fn finish(&self, slot: u32) -> u64 {
        let mut place = self.slots[slot as usize].lock();
        place.left = place.left.saturating_sub(1);
        if place.left > 0 {
            return 0;
        }
        let value = std::mem::replace(&mut place.value, Value::new(()));
        let bytes = std::mem::take(&mut place.bytes);
        drop(place);
        // Freeing can take long; nobody waits for the slot meanwhile.
        drop(value);
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

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    fn image() -> Value {
        let image = Image::from_samples(10, 10, 1, vec![0u8; 100]);
        Value::new(image.expect("a hundred samples for a hundred pixels"))
    }

    fn of(uses: &[u32]) -> Slots {
        let mut slots = Slots::default();
        slots.reset(uses);
        slots
    }

    #[test]
    fn the_only_reader_leaves_nothing_behind() {
        let slots = of(&[1]);
        let filled = slots.fill(0, image());
        let mut bytes = 0;
        let value = slots.take_only(0, &mut bytes);
        assert_eq!((bytes, slots.live()), (filled, filled), "alive while the reader has it");
        drop(value);
        slots.release(bytes);
        assert_eq!(slots.live(), 0);
    }

    #[test]
    fn the_last_reader_owns_the_value() {
        let slots = of(&[2]);
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
        let slots = of(&[0]);
        assert!(slots.fill(0, image()) > 0);
        assert_eq!(slots.live(), 0);
    }
}
