//! Which step is ready, and which of the ready ones goes next. Knows nothing of steps.
//!
//! Each place counts the wires that it still waits for. Whoever takes the last one makes the place
//! ready and sets its counter back, so a plan runs again without a pass over it. A thread that
//! finishes a place keeps the most urgent place it made ready and queues the others; a chain never
//! touches the queue. There is no global count of what is left: the run is over when the last
//! thread in it finds the queue empty.

use std::sync::Arc;

use super::gate::{Gate, Needs, Ready};
use super::handful::Hand;
use super::queue::{Entry, Queue};
use super::state::RunState;
use crate::plan::{Action, Program, UNKNOWN_NANOS};
use crate::step::Units;
use crate::sync::Mutex;

/// The ready counters and the queue of one run.
#[derive(Debug)]
pub(crate) struct Schedule {
    program: Arc<Program>,
    state: Arc<RunState>,
    limited: bool,
    queue: Mutex<Queue>,
}

/// Expected time of what a thread takes in one go, in nanoseconds: so little that a second thread
/// would not be worth waking for it.
const HANDFUL: f64 = 10_000.0;

/// Expected time of a step that a thread that made it ready keeps to itself, in nanoseconds.
const SHORT: f64 = 1_000.0;

/// What finishing a place set free.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Released {
    /// The most urgent place that became ready, for the caller to run next.
    pub(crate) next: Option<u32>,
    /// Expected nanoseconds of what is queued, if anything was queued now.
    pub(crate) queued_nanos: f64,
}

/// What a thread that leaves a run leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// Others are still at it.
    Others,
    /// It was the last one, and nothing is queued: the run is over.
    Nobody,
}

impl Schedule {
    pub(super) fn new(program: Arc<Program>, state: Arc<RunState>, gate: Option<Gate>) -> Self {
        let limited = gate.is_some();
        Self { program, state, limited, queue: Mutex::new(Queue::new(gate)) }
    }

    /// Queues every place that waits for nothing and counts the caller in.
    pub(crate) fn start(&self, needs: &dyn Needs) {
        self.enter();
        if self.limited {
            self.first().for_each(|place| self.push(place, needs));
            return;
        }
        let mut queue = self.queue.lock();
        self.first().for_each(|place| self.push_locked(&mut queue, place, 0));
    }

    /// The places that wait for nothing.
    pub(crate) fn first(&self) -> impl Iterator<Item = u32> {
        let places = (0u32..).zip(self.program.waits.iter().zip(&self.program.actions));
        places
            .filter(|&(_, (&waits, &action))| waits == 0 && action != Action::Given)
            .map(|(place, _)| place)
    }

    /// Counts one more thread, timer or other source of ready places in.
    pub(crate) fn enter(&self) {
        self.queue.lock().enter();
    }

    /// Counts a thread in if there is something for it, and gives it that.
    pub(crate) fn join(&self, needs: &dyn Needs) -> Option<u32> {
        let mut queue = self.queue.lock();
        let place = self.pop_locked(&mut queue, needs)?;
        queue.enter();
        Some(place)
    }

    /// Counts a thread out.
    pub(crate) fn leave(&self) -> Left {
        let mut queue = self.queue.lock();
        queue.active -= 1;
        if queue.active == 0 && queue.is_empty() { Left::Nobody } else { Left::Others }
    }

    /// The next place, or the thread is counted out. One lock for both, so that no place can be
    /// queued in between and missed. `hand` is what the thread has taken before.
    pub(crate) fn pop_or_leave(&self, hand: &mut Hand, needs: &dyn Needs) -> Result<u32, Left> {
        if let Some(place) = hand.as_ref().and_then(|hand| hand.take()) {
            return Ok(place);
        }
        let mut queue = self.queue.lock();
        if let Some(place) = self.pop_locked(&mut queue, needs) {
            self.take_more(&mut queue, place, hand);
            return Ok(place);
        }
        queue.put_down(hand);
        queue.active -= 1;
        Err(if queue.active == 0 && queue.is_empty() { Left::Nobody } else { Left::Others })
    }

    /// Queues a place that was taken and not run, with whatever else the thread holds, and counts
    /// the thread out.
    pub(crate) fn give_back(&self, place: u32, hand: &mut Hand, needs: &dyn Needs) -> Left {
        self.done(place, needs.units(place));
        self.push(place, needs);
        let mut queue = self.queue.lock();
        self.recall_locked(&mut queue);
        queue.put_down(hand);
        queue.active -= 1;
        // What was queued is there or with another thread, so the run is not over.
        if queue.active == 0 && queue.is_empty() { Left::Nobody } else { Left::Others }
    }

    /// A queued place, whatever it needs, and nothing taken for it: for a run that was told to stop,
    /// where places are only ended. Counts the caller in with the first.
    pub(crate) fn pop_any(&self) -> Option<u32> {
        let mut queue = self.queue.lock();
        self.recall_locked(&mut queue);
        let place = match &mut queue.gate {
            Some(gate) => gate.pop_any(),
            None => queue.pop(),
        }?;
        queue.take_off(self.nanos(place));
        queue.enter();
        Some(place)
    }

    /// Queues again what threads have taken and not run yet; for when one of them is lost.
    pub(crate) fn recall(&self) {
        self.recall_locked(&mut self.queue.lock());
    }

    /// Queues a place.
    pub(crate) fn push(&self, place: u32, needs: &dyn Needs) {
        // May run code of the step, so before the lock.
        let bytes = if self.limited { needs.bytes(place) } else { 0 };
        self.push_locked(&mut self.queue.lock(), place, bytes);
    }

    /// Takes one wire off each consumer of a place that has finished, and queues what this made
    /// ready, but for the most urgent one. Short steps are kept in `hand` while it has room.
    /// `queued` is told of each before others can see it.
    #[inline]
    pub(crate) fn release(
        &self,
        place: u32,
        hand: &Hand,
        needs: &dyn Needs,
        mut queued: impl FnMut(u32),
    ) -> Released {
        let mut best: Option<u32> = None;
        let (mut queue, mut kept) = (None, 0.0f64);
        let mut put = |place: u32| {
            queued(place);
            if self.limited {
                self.push(place, needs);
                return;
            }
            let nanos = self.nanos(place);
            if let Some(hand) = hand
                && nanos <= SHORT
                && let Some(count) = hand.put(place)
            {
                kept = nanos * f64::from(count);
                return;
            }
            let queue = queue.get_or_insert_with(|| self.queue.lock());
            self.push_locked(queue, place, 0);
        };
        for &consumer in self.program.shape.consumers(place) {
            if !self.state.waits[consumer as usize].arrive() {
                continue;
            }
            // Where there are limits, every place goes through the gate.
            if self.limited {
                put(consumer);
                continue;
            }
            match best {
                Some(other) if self.urgency(consumer) <= self.urgency(other) => put(consumer),
                other => {
                    best = Some(consumer);
                    other.into_iter().for_each(&mut put);
                }
            }
        }
        let queue = queue.or_else(|| self.limited.then(|| self.queue.lock()));
        let mut waiting = queue.map_or(kept, |queue| queue.nanos);
        // Whatever waits would wait for the one that this thread goes on with.
        let next = best.map_or(0.0, |best| self.nanos(best));
        if next > waiting && (waiting > 0.0 || hand.as_ref().is_some_and(|hand| !hand.is_empty())) {
            waiting = next;
        }
        Released { next: best, queued_nanos: waiting }
    }

    /// Takes note of what a step took, for those of the same type of which nothing is known.
    #[inline]
    pub(crate) fn note(&self, place: u32, nanos: u64) {
        if self.state.waits[place as usize].nanos == UNKNOWN_NANOS {
            self.state.paces[usize::from(self.program.kinds[place as usize])].note(nanos);
        }
    }

    /// Whether anything is queued.
    pub(crate) fn has_queued(&self) -> bool {
        !self.queue.lock().is_empty()
    }

    /// Whether anything is queued that may run now.
    pub(crate) fn has_runnable(&self) -> bool {
        let queue = self.queue.lock();
        !queue.is_empty() && !queue.blocked
    }

    /// Gives back what a place took at the gate.
    pub(crate) fn done(&self, place: u32, units: &[Units]) {
        if !self.limited {
            return;
        }
        let mut queue = self.queue.lock();
        queue.blocked = false;
        if let Some(gate) = &mut queue.gate {
            gate.done(place, units);
        }
    }

    /// Whether a budget or resource units limit what runs at once.
    pub(crate) const fn is_limited(&self) -> bool {
        self.limited
    }

    /// The most by which the byte budget was passed.
    pub(crate) fn overshoot(&self) -> u64 {
        self.queue.lock().gate.as_ref().map_or(0, Gate::overshoot)
    }

    /// The most threads that were in the run at once.
    pub(crate) fn peak_active(&self) -> u32 {
        self.queue.lock().peak_active
    }

    fn urgency(&self, place: u32) -> u32 {
        self.state.waits[place as usize].urgency
    }

    fn position(&self, place: u32) -> u32 {
        self.program.positions.get(place as usize).copied().unwrap_or(place)
    }

    fn push_locked(&self, queue: &mut Queue, place: u32, bytes: u64) {
        let urgency = self.urgency(place);
        match &mut queue.gate {
            Some(gate) => {
                gate.push(Ready { place, urgency, position: self.position(place), bytes });
                queue.blocked = false;
            }
            None => queue.fresh.push(Entry::new(urgency, place)),
        }
        queue.nanos += self.nanos(place);
    }

    fn pop_locked(&self, queue: &mut Queue, needs: &dyn Needs) -> Option<u32> {
        let place = match &mut queue.gate {
            Some(gate) => {
                let place = gate.pop(needs);
                queue.blocked = place.is_none();
                place?
            }
            None => {
                if queue.is_empty() {
                    self.recall_locked(queue);
                }
                queue.pop()?
            }
        };
        queue.take_off(self.nanos(place));
        Some(place)
    }

    /// Takes some more places for a thread that takes `first`, if they are short.
    fn take_more(&self, queue: &mut Queue, first: u32, hand: &mut Hand) {
        if queue.gate.is_some() {
            return;
        }
        let hand = hand.get_or_insert_with(Arc::default);
        if !queue.hands.iter().any(|other| Arc::ptr_eq(other, hand)) {
            queue.hands.push(Arc::clone(hand));
        }
        // At least as much is left for others.
        let most = queue.len() / 2;
        let mut nanos = self.nanos(first);
        for _ in 0..most {
            let Some(place) = queue.peek() else { return };
            nanos += self.nanos(place);
            if nanos > HANDFUL || hand.put(place).is_none() {
                return;
            }
            queue.pop();
            queue.take_off(self.nanos(place));
        }
    }

    /// Empties all hands into the queue. They stay known: their threads may put in more.
    fn recall_locked(&self, queue: &mut Queue) {
        let hands = std::mem::take(&mut queue.hands);
        for hand in &hands {
            hand.empty(|place| self.push_locked(queue, place, 0));
        }
        queue.hands = hands;
    }

    /// Nanoseconds that a place is expected to take: what was declared or learned, or what steps of
    /// its type took in this run so far, or enough to be worth a thread.
    fn nanos(&self, place: u32) -> f64 {
        let nanos = self.state.waits[place as usize].nanos;
        if nanos != UNKNOWN_NANOS {
            return nanos.into();
        }
        let kind = self.program.kinds[place as usize];
        self.state.paces[usize::from(kind)].nanos().unwrap_or(UNKNOWN_NANOS).into()
    }
}
