//! What limits how much runs at once: a byte budget and named resource units.
//!
//! A step takes all it needs or nothing, at the moment it leaves the queue, so two steps can never
//! wait for each other. A step that needs more than the whole budget runs when nothing else does.

use std::collections::HashMap;

use crate::step::Units;

/// Memory is plenty while less than this part of the budget is taken. With one half, the branches
/// of a batch were all begun before the first was finished, and 64 images under a budget of eight
/// took 1.8 times as long as without one; with a sixteenth it was 1.04 times.
const PLENTY: u64 = 16;

/// What a run knows of its places, for the gate to ask.
pub(crate) trait Needs {
    /// Bytes that the results of a place are expected to take.
    fn bytes(&self, place: u32) -> u64;
    /// Resource units that a place holds while it runs.
    fn units(&self, place: u32) -> &[Units];
    /// Bytes alive now.
    fn live(&self) -> u64;
}

/// The limits of one run and what is taken of them.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    budget: Option<u64>,
    free: HashMap<&'static str, u32>,
    /// Expected bytes of the results of running places.
    reserved: HashMap<u32, u64>,
    /// The most by which the budget was passed.
    overshoot: u64,
    ready: Vec<u32>,
}

impl Gate {
    pub(crate) fn new(budget: Option<u64>, units: HashMap<&'static str, u32>) -> Self {
        Self { budget, free: units, ..Self::default() }
    }

    pub(crate) fn push(&mut self, place: u32) {
        self.ready.push(place);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }

    /// The best place that fits, with what it needs taken.
    ///
    /// `urgency` orders while memory is plenty, `position` when it is not:
    /// then the place that finishes what was begun goes first.
    pub(crate) fn pop(
        &mut self,
        needs: &dyn Needs,
        urgency: impl Fn(u32) -> u32,
        position: impl Fn(u32) -> u32,
    ) -> Option<u32> {
        let taken: u64 = needs.live() + self.reserved.values().sum::<u64>();
        let plenty = self.budget.is_none_or(|budget| taken < budget / PLENTY);
        let order = |place: u32| {
            let first = if plenty { urgency(place) } else { u32::MAX };
            (first, u32::MAX - position(place))
        };
        let best = |gate: &Self, fits: &dyn Fn(u32) -> bool| {
            let ready = gate.ready.iter().enumerate().filter(|&(_, &place)| fits(place));
            ready.max_by_key(|&(_, &place)| order(place)).map(|(at, _)| at)
        };
        let units = |place: u32| self.has_units(needs.units(place));
        let fits = |place: u32| {
            let room = |budget| taken.saturating_add(needs.bytes(place)) <= budget;
            self.budget.is_none_or(room) && units(place)
        };
        let at = match best(self, &fits) {
            Some(at) => at,
            None if self.reserved.is_empty() => best(self, &units)?,
            None => return None,
        };
        let place = self.ready.swap_remove(at);
        let bytes = needs.bytes(place);
        if let Some(budget) = self.budget {
            self.overshoot = self.overshoot.max((taken + bytes).saturating_sub(budget));
        }
        self.reserved.insert(place, bytes);
        for need in needs.units(place) {
            if let Some(free) = self.free.get_mut(need.resource) {
                *free -= need.units;
            }
        }
        Some(place)
    }

    /// Gives back what a place took.
    pub(crate) fn done(&mut self, place: u32, units: &[Units]) {
        if self.reserved.remove(&place).is_some() {
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
        bytes: u64,
        live: u64,
        units: Vec<Units>,
    }

    impl Needs for Fixed {
        fn bytes(&self, _: u32) -> u64 {
            self.bytes
        }

        fn units(&self, _: u32) -> &[Units] {
            &self.units
        }

        fn live(&self) -> u64 {
            self.live
        }
    }

    fn pop(gate: &mut Gate, needs: &Fixed) -> Option<u32> {
        gate.pop(needs, |place| place, |place| place)
    }

    #[test]
    fn a_budget_limits_what_runs_and_memory_decides_the_order_above_half() {
        let mut gate = Gate::new(Some(100), HashMap::new());
        (0..4).for_each(|place| gate.push(place));
        let mut needs = Fixed { bytes: 40, live: 0, units: Vec::new() };
        assert_eq!(pop(&mut gate, &needs), Some(3), "plenty of memory: the most urgent");
        assert_eq!(pop(&mut gate, &needs), Some(0), "40 are taken: the first in memory order");
        assert_eq!(pop(&mut gate, &needs), None, "80 of 100 are reserved");
        gate.done(3, &[]);
        gate.done(0, &[]);
        needs.live = 55;
        assert_eq!(pop(&mut gate, &needs), Some(1));
    }

    #[test]
    fn a_step_larger_than_the_budget_runs_alone() {
        let mut gate = Gate::new(Some(20), HashMap::new());
        (0..2).for_each(|place| gate.push(place));
        let needs = Fixed { bytes: 30, live: 0, units: Vec::new() };
        assert_eq!(pop(&mut gate, &needs), Some(1));
        assert_eq!(pop(&mut gate, &needs), None);
        assert_eq!(gate.overshoot(), 10);
        gate.done(1, &[]);
        assert_eq!(pop(&mut gate, &needs), Some(0));
    }

    #[test]
    fn units_are_taken_all_or_nothing() {
        let mut gate = Gate::new(None, HashMap::from([("gpu", 2)]));
        (0..2).for_each(|place| gate.push(place));
        let units = vec![Units { resource: "gpu", units: 2 }];
        let needs = Fixed { bytes: 0, live: 0, units };
        assert_eq!(pop(&mut gate, &needs), Some(1));
        assert_eq!(pop(&mut gate, &needs), None);
        gate.done(1, &needs.units);
        assert_eq!(pop(&mut gate, &needs), Some(0));
    }
}
