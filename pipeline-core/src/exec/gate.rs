//! What limits how much runs at once: a byte budget and named resource units.
//!
//! A step takes all it needs or nothing, at the moment it leaves the queue, so two steps can never
//! wait for each other. A step that needs more than the whole budget runs when nothing else does.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use crate::step::Units;

/// Memory is plenty while less than this part of the budget is taken. With one half, the branches
/// of a batch were all begun before the first was finished, and 64 images under a budget of eight
/// took 1.8 times as long as without one; with a sixteenth it was 1.04 times.
const PLENTY: u64 = 16;

/// How many of the places that should go first are looked at for one that fits.
const LOOKED_AT: usize = 32;

/// How often others may pass by the place that should go first and does not fit. After that it is
/// waited for.
const PATIENCE: u32 = 64;

/// What a run knows of its places, for the gate to ask.
pub(crate) trait Needs {
    /// Bytes that the results of a place are expected to take, once its inputs are there. May run
    /// code of steps.
    fn bytes(&self, place: u32) -> u64;
    /// Resource units that a place holds while it runs.
    fn units(&self, place: u32) -> &[Units];
    /// Bytes alive now.
    fn live(&self) -> u64;
}

/// A place that is ready, with all that decides when it goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ready {
    pub(super) place: u32,
    /// Larger goes first while memory is plenty.
    pub(super) urgency: u32,
    /// Smaller goes first when it is not: that finishes what was begun.
    pub(super) position: u32,
    /// Bytes that its results are expected to take.
    pub(super) bytes: u64,
}

/// Places in the order of a number, the largest first. Those that left by another way are still in
/// it, and are passed over.
type Heap = BinaryHeap<(u32, Reverse<u32>)>;

/// The limits of one run and what is taken of them.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    budget: Option<u64>,
    free: HashMap<&'static str, u32>,
    /// Expected bytes of the results of running places.
    reserved: HashMap<u32, u64>,
    /// All of these together.
    taken: u64,
    /// The most by which the budget was passed.
    overshoot: u64,
    /// Queued places and the bytes that they are expected to take.
    ready: HashMap<u32, u64>,
    by_urgency: Heap,
    by_position: Heap,
    /// The place that should go first and did not fit, and how often others passed by.
    waits: (u32, u32),
}

impl Gate {
    pub(crate) fn new(budget: Option<u64>, units: HashMap<&'static str, u32>) -> Self {
        Self { budget, free: units, waits: (u32::MAX, 0), ..Self::default() }
    }

    pub(super) fn push(&mut self, ready: Ready) {
        let Ready { place, urgency, position, bytes } = ready;
        self.ready.insert(place, bytes);
        self.by_urgency.push((urgency, Reverse(place)));
        self.by_position.push((u32::MAX - position, Reverse(place)));
    }

    /// How many places are queued.
    pub(crate) fn len(&self) -> usize {
        self.ready.len()
    }

    /// The best place that fits, with what it needs taken.
    pub(crate) fn pop(&mut self, needs: &dyn Needs) -> Option<u32> {
        let taken = self.taken.saturating_add(needs.live());
        let is_plenty = self.budget.is_none_or(|budget| taken < budget / PLENTY);
        let mut heap =
            std::mem::take(if is_plenty { &mut self.by_urgency } else { &mut self.by_position });
        let mut passed = Vec::new();
        let (mut found, mut alone) = (None, None);
        while passed.len() < LOOKED_AT
            && let Some(entry) = heap.pop()
        {
            let Reverse(place) = entry.1;
            let Some(&bytes) = self.ready.get(&place) else { continue };
            let has_room = self.budget.is_none_or(|budget| taken.saturating_add(bytes) <= budget);
            let has_units = self.has_units(needs.units(place));
            if has_room && has_units {
                found = Some((place, bytes));
                break;
            }
            if has_units && alone.is_none() {
                alone = Some((place, bytes));
            }
            let is_first = passed.is_empty();
            passed.push(entry);
            if is_first && self.is_waited_for(place) {
                break;
            }
        }
        heap.extend(passed);
        *(if is_plenty { &mut self.by_urgency } else { &mut self.by_position }) = heap;
        // What is too large for the budget runs when nothing else does.
        let (place, bytes) = found.or(alone.filter(|_| self.reserved.is_empty()))?;
        self.ready.remove(&place);
        if let Some(budget) = self.budget {
            let above = taken.saturating_add(bytes).saturating_sub(budget);
            self.overshoot = self.overshoot.max(above);
        }
        self.reserved.insert(place, bytes);
        self.taken = self.taken.saturating_add(bytes);
        for need in needs.units(place) {
            if let Some(free) = self.free.get_mut(need.resource) {
                *free -= need.units;
            }
        }
        Some(place)
    }

    /// Takes a queued place out, whether it fits or not, and nothing for it.
    pub(super) fn pop_any(&mut self) -> Option<u32> {
        while let Some((_, Reverse(place))) = self.by_urgency.pop() {
            if self.ready.remove(&place).is_some() {
                return Some(place);
            }
        }
        None
    }

    /// Takes note that the place that should go first does not fit; says whether it has been passed
    /// by often enough.
    fn is_waited_for(&mut self, place: u32) -> bool {
        let (first, often) = self.waits;
        self.waits = (place, if first == place { often + 1 } else { 0 });
        self.waits.1 > PATIENCE
    }

    /// Gives back what a place took.
    pub(crate) fn done(&mut self, place: u32, units: &[Units]) {
        if let Some(bytes) = self.reserved.remove(&place) {
            self.taken = self.taken.saturating_sub(bytes);
            for need in units {
                if let Some(free) = self.free.get_mut(need.resource) {
                    *free += need.units;
                }
            }
        }
    }

    /// The most by which the budget was passed.
    pub(crate) const fn overshoot(&self) -> u64 {
        self.overshoot
    }

    fn has_units(&self, units: &[Units]) -> bool {
        // A resource without a total is not limited.
        units.iter().all(|need| self.free.get(need.resource).is_none_or(|&free| free >= need.units))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed {
        live: u64,
        units: Vec<Units>,
    }

    impl Needs for Fixed {
        fn bytes(&self, _: u32) -> u64 {
            0
        }

        fn units(&self, _: u32) -> &[Units] {
            &self.units
        }

        fn live(&self) -> u64 {
            self.live
        }
    }

    fn push(gate: &mut Gate, place: u32, bytes: u64) {
        gate.push(Ready { place, urgency: place, position: place, bytes });
    }

    #[test]
    fn a_budget_limits_what_runs_and_memory_decides_the_order_once_it_is_scarce() {
        let mut gate = Gate::new(Some(100), HashMap::new());
        (0..4).for_each(|place| push(&mut gate, place, 40));
        let mut needs = Fixed { live: 0, units: Vec::new() };
        assert_eq!(gate.pop(&needs), Some(3), "plenty of memory: the most urgent");
        assert_eq!(gate.pop(&needs), Some(0), "40 are taken: the first in memory order");
        assert_eq!(gate.pop(&needs), None, "80 of 100 are reserved");
        gate.done(3, &[]);
        gate.done(0, &[]);
        needs.live = 55;
        assert_eq!(gate.pop(&needs), Some(1));
    }

    #[test]
    fn a_step_larger_than_the_budget_runs_alone() {
        let mut gate = Gate::new(Some(20), HashMap::new());
        (0..2).for_each(|place| push(&mut gate, place, 30));
        let needs = Fixed { live: 0, units: Vec::new() };
        assert_eq!(gate.pop(&needs), Some(1));
        assert_eq!(gate.pop(&needs), None);
        assert_eq!(gate.overshoot(), 10);
        gate.done(1, &[]);
        assert_eq!(gate.pop(&needs), Some(0));
    }

    #[test]
    fn units_are_taken_all_or_nothing() {
        let mut gate = Gate::new(None, HashMap::from([("gpu", 2)]));
        (0..2).for_each(|place| push(&mut gate, place, 0));
        let units = vec![Units { resource: "gpu", units: 2 }];
        let needs = Fixed { live: 0, units };
        assert_eq!(gate.pop(&needs), Some(1));
        assert_eq!(gate.pop(&needs), None);
        gate.done(1, &needs.units);
        assert_eq!(gate.pop(&needs), Some(0));
    }

    #[test]
    fn a_step_that_is_always_passed_by_is_waited_for_in_the_end() {
        let mut gate = Gate::new(Some(100), HashMap::new());
        let needs = Fixed { live: 10, units: Vec::new() };
        push(&mut gate, 5, 50);
        assert_eq!(gate.pop(&needs), Some(5));
        push(&mut gate, 0, 60);
        let mut passed = 0;
        for place in 10..1000 {
            push(&mut gate, place, 1);
            if gate.pop(&needs) != Some(place) {
                break;
            }
            gate.done(place, &[]);
            passed += 1;
        }
        assert_eq!(passed, PATIENCE + 1);
        gate.done(5, &[]);
        assert_eq!(gate.pop(&needs), Some(0), "there is room, and it goes first");
    }

    #[test]
    fn sizes_without_end_are_only_too_large() {
        let mut gate = Gate::new(Some(100), HashMap::new());
        let needs = Fixed { live: u64::MAX, units: Vec::new() };
        (0..2).for_each(|place| push(&mut gate, place, u64::MAX));
        assert_eq!(gate.pop(&needs), Some(0));
        assert_eq!(gate.pop(&needs), None);
        assert_eq!(gate.overshoot(), u64::MAX - 100);
        gate.done(0, &[]);
        assert_eq!(gate.pop_any(), Some(1));
        assert_eq!(gate.len(), 0);
    }
}
