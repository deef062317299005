//! Where results wait for the steps that read them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::data::{Layout, Value};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// The results of one run that are still needed, one slot per output port.
///
/// A slot is filled once. The last step to read it gets the value itself, everyone before a shared
/// handle; when the last reader has finished, the slot is empty. A result that is `()` takes no
/// slot: there is nothing to keep.
///
/// What is asked of every slot lies in rows of its own, apart from the values: steps whose results
/// take no slot never come near those.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    /// Readers of each slot that have not finished.
    left: Vec<AtomicU32>,
    /// Whether each slot holds a value, or its last reader does.
    filled: Vec<AtomicBool>,
    values: Vec<Slot>,
    live: AtomicU64,
    /// Bytes that running steps make, their results included as far as they say what these take.
    aside: AtomicU64,
    peak: AtomicU64,
}

/// Who reads a slot, and that it is filled, is ordered by the schedule: a reader starts after the
/// producer has filled it. The lock only orders readers among themselves.
#[derive(Debug)]
struct Slot {
    value: Mutex<Value>,
    bytes: AtomicU64,
}

impl Default for Slot {
    fn default() -> Self {
        Self { value: Mutex::new(Value::new(())), bytes: AtomicU64::new(0) }
    }
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
    /// Expects `uses` readers of each slot. All slots are empty: new, or [cleared](Self::clear).
    pub(crate) fn reset(&mut self, uses: &[u32]) {
        self.left.clear();
        self.left.extend(uses.iter().map(|&uses| AtomicU32::new(uses)));
        self.filled.resize_with(uses.len(), AtomicBool::default);
        self.values.resize_with(uses.len(), Slot::default);
        (self.live, self.aside, self.peak) = Default::default();
    }

    /// Empties the slots whose readers will not come any more.
    pub(crate) fn clear(&self) {
        for (slot, filled) in (0u32..).zip(&self.filled) {
            if filled.load(Ordering::Relaxed) {
                self.empty(slot);
            }
        }
    }

    /// Fills a slot; returns the bytes that the value keeps alive. A value that nobody reads is
    /// dropped.
    pub(crate) fn fill(&self, slot: u32, value: Value) -> u64 {
        if value.is_unit() {
            return 0;
        }
        let bytes = value.counted_bytes();
        if self.left[slot as usize].load(Ordering::Relaxed) == 0 {
            dispose(value);
            return bytes;
        }
        let at = &self.values[slot as usize];
        *at.value.lock() = value;
        at.bytes.store(bytes, Ordering::Relaxed);
        self.filled[slot as usize].store(true, Ordering::Relaxed);
        let live = self.live.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        let peak = live.saturating_add(self.aside.load(Ordering::Relaxed));
        self.peak.fetch_max(peak, Ordering::Relaxed);
        bytes
    }

    /// Counts bytes that a step makes while it runs: its result, until that is [filled](Self::fill)
    /// in, and what is beside it. They are not [live](Self::live): what a step is expected to take
    /// is reserved for it already.
    pub(crate) fn begin_aside(&self, bytes: u64) {
        let aside = self.aside.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        self.peak.fetch_max(self.live().saturating_add(aside), Ordering::Relaxed);
    }

    /// Counts bytes as gone that a step made [aside](Self::begin_aside).
    pub(crate) fn end_aside(&self, bytes: u64) {
        self.aside.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// The value of a slot, for a reader.
    #[inline]
    pub(crate) fn take(&self, slot: u32, take: Take) -> Value {
        if !self.filled[slot as usize].load(Ordering::Relaxed) {
            return Value::new(());
        }
        // Acquire: the readers that have finished have let go of their handles.
        let is_last = self.left[slot as usize].load(Ordering::Acquire) == 1;
        let mut value = self.values[slot as usize].value.lock();
        if is_last && take == Take::Last {
            return std::mem::replace(&mut *value, Value::new(()));
        }
        value.clone()
    }

    /// Says that a reader has finished.
    #[inline]
    pub(crate) fn finish(&self, slot: u32) {
        if self.filled[slot as usize].load(Ordering::Relaxed)
            && self.left[slot as usize].fetch_sub(1, Ordering::AcqRel) == 1
        {
            self.empty(slot);
        }
    }

    #[inline(never)]
    fn empty(&self, slot: u32) {
        self.filled[slot as usize].store(false, Ordering::Relaxed);
        let slot = &self.values[slot as usize];
        let value = std::mem::replace(&mut *slot.value.lock(), Value::new(()));
        // Freeing can take long; nobody waits for the slot meanwhile.
        dispose(value);
        self.live.fetch_sub(slot.bytes.swap(0, Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Bytes of the value in a slot.
    pub(crate) fn bytes(&self, slot: u32) -> u64 {
        self.values[slot as usize].bytes.load(Ordering::Relaxed)
    }

    /// What the image, the mask or the labels in a slot look like.
    pub(crate) fn layout(&self, slot: u32) -> Option<Layout> {
        self.values[slot as usize].value.lock().layout()
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
    use crate::data::Image;

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
    fn the_last_reader_owns_the_value() {
        let slots = of(&[2]);
        slots.fill(0, image());
        let address = |value: &Value| value.downcast_ref::<Image>().unwrap().bytes().as_ptr();
        let first = slots.take(0, Take::Last);
        let shared = address(&first);
        drop(first);
        slots.finish(0);
        let last = slots.take(0, Take::Last).downcast::<Image>().unwrap();
        let mut last = last.into_owned();
        last.samples_mut::<u8>().unwrap()[0] = 1;
        assert_eq!(last.bytes().as_ptr(), shared, "written in place");
        slots.finish(0);
        assert_eq!(slots.live(), 0);
        assert!(slots.peak() >= 100);
    }

    #[test]
    fn an_attempt_that_may_be_repeated_leaves_the_value() {
        let slots = of(&[1]);
        slots.fill(0, image());
        drop(slots.take(0, Take::Keep));
        assert!(slots.take(0, Take::Last).downcast::<Image>().is_ok());
    }

    #[test]
    fn a_value_whose_reader_does_not_come_goes_when_the_run_is_over() {
        let slots = of(&[1, 1]);
        slots.fill(1, image());
        slots.clear();
        assert_eq!(slots.live(), 0);
        assert_eq!(slots.take(1, Take::Keep).size_bytes(), 0);
    }

    #[test]
    fn a_value_that_nobody_reads_is_not_kept() {
        let slots = of(&[0]);
        assert!(slots.fill(0, image()) > 0);
        assert_eq!(slots.live(), 0);
    }
}
