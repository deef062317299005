//! What limits how much runs at once: a byte budget and named resource units.
//!
//! A step takes all it needs or nothing, at the moment it leaves the queue, so two steps can never
//! wait for each other. Nor does one begin that would leave too little for the rest of the run: see
//! [`Forecast`]. A step that needs more than the whole budget runs when nothing else does.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::forecast::Forecast;
use crate::step::Units;

/// Memory is plenty while less than this part of the budget is taken. With one half, the branches
/// of a batch were all begun before the first was finished, and 64 images under a budget of eight
/// took 1.8 times as long as without one; with a sixteenth it was 1.03 times.
const PLENTY: u64 = 16;

/// How many of the places that should go first are looked at for one that fits.
const LOOKED_AT: usize = 32;

/// How often others may pass by the place that should go first and for which units are missing.
/// After that it is waited for.
const PATIENCE: u32 = 64;

/// What a run knows of its places, for the gate to ask.
pub(crate) trait Needs {
    /// Bytes that the results of a place are expected to take, now that its inputs are there, if
    /// more is known of them than before the run. May run code of steps.
    fn bytes(&self, place: u32) -> Option<u64>;
    /// Resource units that a place holds while it runs.
    fn units(&self, place: u32) -> &[Units];
    /// Bytes alive now.
    fn live(&self) -> u64;
}

/// What there is for a place, from the best to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Room {
    Enough,
    /// It waits until others have ended.
    TooLittle,
    /// With it, what has begun could not be finished within the budget.
    Unsafe,
}

/// A place that is ready, with all that decides when it goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ready {
    pub(super) place: u32,
    /// Larger goes first while memory is plenty.
    pub(super) urgency: u32,
    /// Smaller goes first when it is not: that finishes what was begun.
    pub(super) position: u32,
    /// Bytes that its results are expected to take, if more is known by now than at the start.
    pub(super) bytes: Option<u64>,
}

/// Places in the order of a number, the largest first. Those that left by another way are still in
/// it, and are passed over.
type Heap = BinaryHeap<(u32, Reverse<u32>)>;

/// A limit of memory.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) budget: u64,
    pub(crate) forecast: Forecast,
}

/// The limits of one run and what is taken of them.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    memory: Option<Memory>,
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
    pub(crate) fn new(memory: Option<Memory>, units: HashMap<&'static str, u32>) -> Self {
        Self { memory, free: units, waits: (u32::MAX, 0), ..Self::default() }
    }

    pub(super) fn push(&mut self, ready: Ready) {
        let Ready { place, urgency, position, bytes } = ready;
        let bytes = self.memory.as_mut().map_or(0, |Memory { forecast, .. }| {
            if let Some(bytes) = bytes {
                forecast.resize(place, bytes);
            }
            forecast.bytes(place)
        });
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
        let is_plenty = self.memory.as_ref().is_none_or(|memory| taken < memory.budget / PLENTY);
        let mut heap =
            std::mem::take(if is_plenty { &mut self.by_urgency } else { &mut self.by_position });
        let mut passed = Vec::new();
        let (mut found, mut alone, mut is_room_waited_for) =
            (None, None::<(Room, u32, u64)>, false);
        while passed.len() < LOOKED_AT
            && let Some(entry) = heap.pop()
        {
            let Reverse(place) = entry.1;
            let Some(&bytes) = self.ready.get(&place) else { continue };
            if self.has_units(needs.units(place)) {
                let room = self.room(place, taken.saturating_add(bytes));
                if room == Room::Enough && !(is_room_waited_for && self.takes_room(place)) {
                    found = Some((place, bytes));
                    break;
                }
                // Whatever takes room for good waits with it.
                is_room_waited_for |= room != Room::Enough;
                if alone.is_none_or(|(best, ..)| room < best) {
                    alone = Some((room, place, bytes));
                }
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
        let alone = alone.filter(|_| self.reserved.is_empty());
        let (place, bytes) = found.or(alone.map(|(_, place, bytes)| (place, bytes)))?;
        self.ready.remove(&place);
        if let Some(Memory { budget, forecast }) = &mut self.memory {
            let above = taken.saturating_add(bytes).saturating_sub(*budget);
            self.overshoot = self.overshoot.max(above);
            forecast.begin(place);
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

    /// Whether there is room for a place, with so many bytes taken once it has begun.
    fn room(&self, place: u32, taken: u64) -> Room {
        match &self.memory {
            Some(Memory { budget, forecast }) if !forecast.is_safe(place, *budget) => Room::Unsafe,
            Some(Memory { budget, .. }) if taken > *budget => Room::TooLittle,
            _ => Room::Enough,
        }
    }

    /// Whether less memory is free when a place has ended than before it began.
    fn takes_room(&self, place: u32) -> bool {
        self.memory.as_ref().is_some_and(|memory| !memory.forecast.gives_back(place))
    }

    /// Gives back what a place took, which will be queued again.
    pub(super) fn put_back(&mut self, place: u32, units: &[Units]) {
        self.let_go(place, units);
        if let Some(memory) = &mut self.memory {
            memory.forecast.put_back(place);
        }
    }

    /// Gives back what a place took, whose results have so many bytes.
    pub(super) fn end(&mut self, place: u32, units: &[Units], bytes: u64) {
        self.let_go(place, units);
        if let Some(memory) = &mut self.memory {
            memory.forecast.end(place, bytes);
        }
    }

    fn let_go(&mut self, place: u32, units: &[Units]) {
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

    /// Place 0 takes these units.
    #[derive(Default)]
    struct Fixed {
        live: u64,
        units: Vec<Units>,
    }

    impl Needs for Fixed {
        fn bytes(&self, _: u32) -> Option<u64> {
            None
        }

        fn units(&self, place: u32) -> &[Units] {
            if place == 0 { &self.units } else { &[] }
        }

        fn live(&self) -> u64 {
            self.live
        }
    }

    fn push(gate: &mut Gate, places: &[(u32, u64)]) {
        for &(place, bytes) in places {
            gate.push(Ready { place, urgency: place, position: place, bytes: Some(bytes) });
        }
    }

    /// A gate of chains of two places: 0 to 1, 2 to 3 and so on.
    fn of(budget: u64, sizes: &[u64]) -> Gate {
        let count = u32::try_from(sizes.len()).unwrap();
        let wires: Vec<_> = (0..count / 2).map(|chain| (2 * chain, 2 * chain + 1)).collect();
        let program = crate::plan::Program::of_wires(count, &wires);
        let forecast = Forecast::of(program, sizes, &vec![0; sizes.len()]);
        Gate::new(Some(Memory { budget, forecast }), HashMap::new())
    }

    #[test]
    fn a_budget_limits_what_runs_and_memory_decides_the_order_once_it_is_scarce() {
        let mut gate = of(130, &[40; 6]);
        push(&mut gate, &[(0, 40), (2, 40), (4, 40)]);
        let mut needs = Fixed::default();
        assert_eq!(gate.pop(&needs), Some(4), "plenty of memory: the most urgent");
        assert_eq!(gate.pop(&needs), Some(0), "40 are taken: the first in memory order");
        assert_eq!(gate.pop(&needs), None, "a third chain would leave too little for any");
        gate.end(4, &[], 40);
        gate.end(0, &[], 40);
        needs.live = 80;
        push(&mut gate, &[(5, 40), (1, 40)]);
        assert_eq!(gate.pop(&needs), Some(1));
        assert_eq!(gate.pop(&needs), None);
    }

    #[test]
    fn what_has_begun_can_be_finished_within_the_budget() {
        // Two chains of which each needs 90 in the end.
        let mut gate = of(100, &[10, 80, 10, 80]);
        push(&mut gate, &[(0, 10), (2, 10)]);
        let mut needs = Fixed { live: 6, ..Fixed::default() };
        assert_eq!(gate.pop(&needs), Some(0));
        assert_eq!(gate.pop(&needs), Some(2), "90 and 10");
        gate.end(0, &[], 10);
        gate.end(2, &[], 10);
        needs.live = 20;
        push(&mut gate, &[(1, 80), (3, 80)]);
        assert_eq!(gate.pop(&needs), Some(1));
        assert_eq!(gate.pop(&needs), None);
        assert_eq!(gate.overshoot(), 0);

        let mut gate = of(99, &[10, 80, 10, 80]);
        push(&mut gate, &[(0, 10), (2, 10)]);
        needs.live = 7;
        assert_eq!(gate.pop(&needs), Some(0));
        assert_eq!(gate.pop(&needs), None, "with both begun, neither could be finished");
    }

    #[test]
    fn nothing_is_begun_while_what_has_begun_waits_for_room() {
        let mut gate = of(100, &[40, 40, 10, 0, 0, 0]);
        push(&mut gate, &[(0, 40), (4, 0)]);
        let mut needs = Fixed { live: 7, ..Fixed::default() };
        assert_eq!([gate.pop(&needs), gate.pop(&needs)], [Some(0), Some(4)]);
        gate.end(0, &[], 40);
        push(&mut gate, &[(1, 40), (2, 10)]);
        needs.live = 70;
        assert_eq!(gate.pop(&needs), None, "2 would fit, but takes what 1 waits for");
        needs.live = 60;
        assert_eq!(gate.pop(&needs), Some(1));
    }

    #[test]
    fn a_step_larger_than_the_budget_runs_alone() {
        let mut gate = of(20, &[30; 2]);
        push(&mut gate, &[(0, 30), (1, 30)]);
        let needs = Fixed::default();
        assert_eq!(gate.pop(&needs), Some(1));
        assert_eq!(gate.pop(&needs), None);
        assert_eq!(gate.overshoot(), 10);
        gate.put_back(1, &[]);
        push(&mut gate, &[(1, 30)]);
        assert_eq!(gate.pop(&needs), Some(1));
        gate.end(1, &[], 30);
        assert_eq!(gate.pop(&needs), Some(0));
    }

    #[test]
    fn units_are_taken_all_or_nothing() {
        let units = vec![Units { resource: "gpu", units: 2 }];
        let needs = Fixed { live: 0, units: units.clone() };
        let mut gate = Gate::new(None, HashMap::from([("gpu", 2)]));
        push(&mut gate, &[(0, 0)]);
        assert_eq!(gate.pop(&needs), Some(0));
        push(&mut gate, &[(0, 0)]);
        assert_eq!(gate.pop(&needs), None);
        gate.end(0, &units, 0);
        assert_eq!(gate.pop(&needs), Some(0));
    }

    #[test]
    fn a_step_that_is_always_passed_by_is_waited_for_in_the_end() {
        let units = vec![Units { resource: "gpu", units: 2 }];
        let needs = Fixed { live: 0, units: units.clone() };
        let mut gate = Gate::new(None, HashMap::from([("gpu", 2)]));
        push(&mut gate, &[(0, 0)]);
        assert_eq!(gate.pop(&needs), Some(0));
        gate.push(Ready { place: 0, urgency: u32::MAX, position: 0, bytes: None });
        let mut passed = 0;
        for place in 10..1000 {
            push(&mut gate, &[(place, 1)]);
            if gate.pop(&needs) != Some(place) {
                break;
            }
            gate.end(place, &[], 0);
            passed += 1;
        }
        assert_eq!(passed, PATIENCE + 1);
        gate.end(0, &units, 0);
        assert_eq!(gate.pop(&needs), Some(0), "there are units, and it goes first");
    }

    #[test]
    fn sizes_without_end_are_only_too_large() {
        let mut gate = of(100, &[u64::MAX; 2]);
        let needs = Fixed { live: u64::MAX, units: Vec::new() };
        push(&mut gate, &[(0, u64::MAX), (1, u64::MAX)]);
        assert_eq!(gate.pop(&needs), Some(0));
        assert_eq!(gate.pop(&needs), None);
        assert_eq!(gate.overshoot(), u64::MAX - 100);
        gate.end(0, &[], u64::MAX);
        assert_eq!(gate.pop_any(), Some(1));
        gate.end(1, &[], u64::MAX);
        assert_eq!(gate.len(), 0);
    }
}
