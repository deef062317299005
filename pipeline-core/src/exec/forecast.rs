//! What memory the rest of a run will take.
//!
//! Whatever has begun, the rest of a run can be finished one place after the other in memory order.
//! The forecast knows for each place that has not begun how many bytes are alive then while it
//! runs. A place that begins before its turn adds its results to all that stand before it, because
//! they are alive for longer. As long as no sum passes the budget, the run can be finished within
//! it: the rule of the banker's algorithm (Dijkstra 1965, EWD 108; Habermann 1969), with the places
//! of a graph in the place of customers.

use std::sync::Arc;

use super::profile::Profile;
use crate::plan::{Action, Plan, Program, Stop};

/// Bytes that are alive while each place runs.
#[derive(Debug)]
pub(crate) struct Forecast {
    program: Arc<Program>,
    places: Vec<Place>,
    /// By position; places that have begun are taken out.
    profile: Profile,
    /// No size counts for more, so that sums stay in range.
    most: u64,
}

/// What the forecast knows of one place.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    /// Bytes of its results.
    bytes: u64,
    /// The position after which they are gone.
    last: u32,
    /// Readers of them that have not finished.
    left: u32,
    has_begun: bool,
}

impl Forecast {
    /// Asks steps what their results will look like, so it may run code of theirs and look into
    /// files, until it is to stop.
    pub(super) fn new(plan: &Plan, stop: &Stop<'_>) -> Self {
        let sizes = plan.sizes(stop);
        let (program, shape) = (&*plan.program, &*plan.program.shape);
        let mut bytes: Vec<u64> = Vec::with_capacity(shape.len());
        for (place, size) in (0u32..).zip(sizes.bytes) {
            let size = size.filter(|_| !program.actions[place as usize].is_passing());
            // Of what nothing is known: as much as its largest input.
            let inputs = || shape.inputs(place).iter().map(|&slot| shape.producer(slot));
            let most = || inputs().map(|input| bytes[input as usize]).max().unwrap_or(0);
            bytes.push(size.unwrap_or_else(most));
        }
        Self::of(Arc::clone(&plan.program), &bytes, &sizes.aside)
    }

    /// For results of these sizes, with so many bytes beside them while each place runs.
    pub(super) fn of(program: Arc<Program>, bytes: &[u64], aside: &[u64]) -> Self {
        let shape = &*program.shape;
        let count = shape.len();
        let most = (Profile::LIMIT / (2 * count as u64 + 2)).max(1);
        let mut places = vec![Place::default(); count];
        let mut beside = vec![0; count];
        for (at, place) in places.iter_mut().enumerate() {
            let number = u32::try_from(at).unwrap_or(u32::MAX);
            let readers = shape.consumers(number).iter();
            *place = Place {
                bytes: bytes[at].min(most),
                last: readers.map(|&reader| program.position(reader)).max().unwrap_or(0),
                left: shape.slots(number).map(|slot| program.uses[slot as usize]).sum(),
                has_begun: false,
            };
            place.last = place.last.max(program.position(number));
            beside[program.position(number) as usize] = match program.actions[at] {
                // The value changes hands.
                Action::Pass | Action::Share => -signed(place.bytes),
                _ => signed(aside[at].min(most)),
            };
        }
        for &slot in &program.targets {
            places[shape.producer(slot) as usize].last = u32::MAX;
        }
        let spans = places
            .iter()
            .zip(0u32..)
            .map(|(place, number)| (program.position(number)..=place.last, signed(place.bytes)));
        let profile = Profile::new(&beside, spans);
        let mut forecast = Self { program, places, profile, most };
        for place in 0..u32::try_from(count).unwrap_or(u32::MAX) {
            match forecast.program.actions[place as usize] {
                Action::Run | Action::Pass | Action::Share => {}
                Action::Given => forecast.begin(place),
                // These take no memory of their own.
                _ => {
                    forecast.begin(place);
                    forecast.resize(place, 0);
                }
            }
        }
        forecast
    }

    /// Bytes that the results of a place are taken to have.
    pub(super) fn bytes(&self, place: u32) -> u64 {
        self.places[place as usize].bytes
    }

    /// Whether the run can still be finished within a budget if a place begins now. Where it cannot
    /// be anyway, whether that makes it no worse.
    pub(super) fn is_safe(&self, place: u32, budget: u64) -> bool {
        let before = self.profile.most_before(self.program.position(place));
        let limit = signed(budget.min(Profile::LIMIT)).max(self.profile.most());
        before.is_none_or(|before| before + signed(self.bytes(place)) <= limit)
    }

    /// Whether the end of a place gives back as much memory as its results take.
    pub(super) fn gives_back(&self, place: u32) -> bool {
        let shape = &self.program.shape;
        let mut read: Vec<u32> =
            shape.inputs(place).iter().map(|&slot| shape.producer(slot)).collect();
        read.sort_unstable();
        let freed = read.chunk_by(|one, other| one == other).map(|wires| {
            let Place { left, bytes, .. } = self.places[wires[0] as usize];
            if left as usize == wires.len() { bytes } else { 0 }
        });
        freed.sum::<u64>() >= self.bytes(place)
    }

    /// A place begins.
    pub(super) fn begin(&mut self, place: u32) {
        let at = &mut self.places[place as usize];
        if !at.has_begun {
            at.has_begun = true;
            let position = self.program.position(place);
            self.profile.take_out(position);
            self.profile.add(0, position, signed(at.bytes));
        }
    }

    /// A place that has begun will begin anew.
    pub(super) fn put_back(&mut self, place: u32) {
        let at = &mut self.places[place as usize];
        if at.has_begun {
            at.has_begun = false;
            let position = self.program.position(place);
            self.profile.put_back(position);
            self.profile.add(0, position, -signed(at.bytes));
        }
    }

    /// A place ends with results of so many bytes, and has read its inputs.
    pub(super) fn end(&mut self, place: u32, bytes: u64) {
        self.begin(place);
        let is_read = self.places[place as usize].left > 0;
        self.resize(place, if is_read { bytes } else { 0 });
        let program = Arc::clone(&self.program);
        for &slot in program.shape.inputs(place) {
            let input = program.shape.producer(slot);
            let at = &mut self.places[input as usize];
            at.left = at.left.saturating_sub(1);
            if at.left == 0 {
                self.resize(input, 0);
            }
        }
    }

    /// Takes note of what the results of a place take, for as long as they are alive.
    pub(super) fn resize(&mut self, place: u32, bytes: u64) {
        let at = &mut self.places[place as usize];
        let bytes = bytes.min(self.most);
        if bytes != at.bytes {
            let more = signed(bytes) - signed(at.bytes);
            let from = if at.has_begun { 0 } else { self.program.position(place) };
            self.profile.add(from, at.last.saturating_add(1), more);
            at.bytes = bytes;
        }
    }
}

/// Sizes are kept below [`Profile::LIMIT`].
const fn signed(bytes: u64) -> i64 {
    bytes.cast_signed()
}
