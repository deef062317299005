//! The flat arrays of a run, kept from one run to the next.

use std::sync::Arc;

use parking_lot::Mutex;

use super::cell::Cell;
use super::slots::Slots;
use crate::cache::Tier;
use crate::plan::{Program, UNKNOWN_NANOS};
use crate::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

/// What a run knows of its places and slots: one allocation per array, none per step, and in a warm
/// run none at all.
#[derive(Debug)]
pub(super) struct RunState {
    pub(super) cells: Vec<Cell>,
    pub(super) slots: Slots,
    pub(super) waits: Vec<Waits>,
    /// Empty where nobody listens and nobody may join.
    pub(super) tales: Vec<Tale>,
    /// What steps of each type took in this run, where nothing was known before.
    pub(super) paces: Vec<Pace>,
    home: Arc<Spare>,
}

type Arrays = (Vec<Cell>, Slots, Vec<Waits>, Vec<Tale>, Vec<Pace>);

/// The time that steps of one type take in this run: first what was learned before, then more and
/// more what the newest ones took.
#[derive(Debug)]
pub(super) struct Pace(AtomicU32);

impl Pace {
    fn new(nanos: f32) -> Self {
        Self(AtomicU32::new(nanos.to_bits()))
    }

    /// Takes note of what a step took. What is near the mean is not written, so that threads do not
    /// take the line from each other all the time; of two notes at once, one may be lost.
    #[inline]
    pub(super) fn note(&self, took: u64) {
        #[expect(clippy::cast_precision_loss, reason = "an estimate needs no more than 24 bits")]
        let took = took as f32;
        let mean = self.nanos();
        if mean == UNKNOWN_NANOS {
            self.0.store(took.to_bits(), Ordering::Relaxed);
        } else if took > mean * 2.0 || took < mean / 2.0 {
            self.0.store((mean + (took - mean) / 4.0).to_bits(), Ordering::Relaxed);
        }
    }

    /// Nanoseconds.
    #[inline]
    pub(super) fn nanos(&self) -> f32 {
        f32::from_bits(self.0.load(Ordering::Relaxed))
    }
}

/// What is told of a place besides its record.
#[derive(Debug, Default)]
pub(super) struct Tale {
    /// Pixels of its results.
    pub(super) pixels: AtomicU64,
    /// When it ended, in microseconds from the start of the run.
    pub(super) ended_us: AtomicU64,
    /// Where its result lay, plus one; 0 if it lay nowhere.
    tier: AtomicU8,
}

/// All tiers, in the order in which they are counted here.
const TIERS: [Tier; 3] = [Tier::Memory, Tier::Disk, Tier::Shared];

impl Tale {
    pub(super) fn set_tier(&self, tier: Option<Tier>) {
        let number = tier.and_then(|tier| (1u8..).zip(TIERS).find(|&(_, other)| other == tier));
        self.tier.store(number.map_or(0, |(number, _)| number), Ordering::Relaxed);
    }

    pub(super) fn tier(&self) -> Option<Tier> {
        let number = usize::from(self.tier.load(Ordering::Relaxed));
        TIERS.get(number.checked_sub(1)?).copied()
    }
}

/// The wires that a place waits for, and what the queue is ordered by once they are there. These
/// lie together, because they are read together and in no particular order of places.
#[derive(Debug)]
pub(super) struct Waits {
    all: u32,
    left: AtomicU32,
    /// The most urgent place goes first.
    pub(super) urgency: u32,
    /// Nanoseconds that the step is expected to take.
    pub(super) nanos: f32,
}

impl Waits {
    /// Takes one wire off; says whether it was the last one. Then the counter is set back, so that
    /// a plan can run again without a pass over it.
    #[inline]
    pub(super) fn arrive(&self) -> bool {
        // The last arrival sees what all earlier ones wrote, and has nobody to count against.
        if self.left.load(Ordering::Acquire) != 1 && self.left.fetch_sub(1, Ordering::AcqRel) != 1 {
            return false;
        }
        self.left.store(self.all, Ordering::Relaxed);
        true
    }
}

/// Arrays of runs that are over.
#[derive(Debug, Default)]
pub(super) struct Spare(Mutex<Vec<Arrays>>);

/// How many runs' arrays are kept.
const KEPT: usize = 4;

/// Arrays of more places are given back to the system.
const KEPT_PLACES: usize = 1 << 17;

impl RunState {
    /// The state of a run that has not begun; `is_told` if someone listens or may join.
    pub(super) fn new(program: &Program, home: &Arc<Spare>, is_told: bool) -> Arc<Self> {
        let (mut cells, mut slots, mut waits, mut tales, mut paces) =
            home.0.lock().pop().unwrap_or_default();
        let places = program.waits.len();
        cells.clear();
        cells.resize_with(places, Cell::default);
        paces.clear();
        paces.extend(program.paces.iter().map(|&nanos| Pace::new(nanos)));
        tales.clear();
        tales.resize_with(if is_told { places } else { 0 }, Tale::default);
        slots.reset(&program.uses);
        waits.clear();
        let order = program.urgency.iter().zip(&program.estimates.nanos);
        waits.extend(program.waits.iter().zip(order).map(|(&all, (&urgency, &nanos))| Waits {
            all,
            left: AtomicU32::new(all),
            urgency,
            nanos,
        }));
        Arc::new(Self { cells, slots, waits, tales, paces, home: Arc::clone(home) })
    }
}

impl Drop for RunState {
    fn drop(&mut self) {
        // What a run has that never came to its end.
        self.slots.clear();
        if self.cells.len() > KEPT_PLACES {
            return;
        }
        let arrays = (
            std::mem::take(&mut self.cells),
            std::mem::take(&mut self.slots),
            std::mem::take(&mut self.waits),
            std::mem::take(&mut self.tales),
            std::mem::take(&mut self.paces),
        );
        let mut spare = self.home.0.lock();
        if spare.len() < KEPT {
            spare.push(arrays);
        }
    }
}
