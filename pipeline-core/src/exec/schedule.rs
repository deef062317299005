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
use crate::plan::{Action, DECLARED, Program, UNKNOWN_NANOS};
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

/// Expected time of what a thread takes in one go, in nanoseconds. Others take it back when they
/// have nothing to do.
const HANDFUL: f64 = 50_000.0;

/// Expected time of what is worth taking out of the hand of a thread that is at it, in nanoseconds:
/// less is done before the other thread has begun.
const WORTH_TAKING: f64 = 5_000.0;

/// Expected time of a step that a thread that made it ready keeps to itself, in nanoseconds: what
/// it reads and writes would take about as long on its way to another processor and back.
const SHORT: f64 = 1_000.0;

/// Queued work that is worth waking a thread for, in nanoseconds.
pub(crate) const WORTH_A_WORKER: f64 = 10_000.0;

/// What a step counts for when it is asked whether a second thread is worth it. Nobody is called
/// for what is short; and for what nobody knows, only once it has waited.
fn worth(nanos: f64) -> f64 {
    if nanos <= SHORT || nanos == f64::from(UNKNOWN_NANOS) { 0.0 } else { nanos }
}

/// What finishing a place set free.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Released {
    /// The most urgent place that became ready, for the caller to run next.
    pub(crate) next: Option<u32>,
    /// Whether anything else became ready, which waits now.
    pub(crate) has_more: bool,
    /// Expected nanoseconds of what is queued, as far as it is worth a second thread.
    pub(crate) queued_nanos: f64,
}

/// What becomes of places that are ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// There are none.
    Nothing,
    /// Threads come for them.
    Flowing,
    /// Nobody came for a while, or more waits than those who come are known to be done with soon.
    Stuck,
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

    /// Queues every place that waits for nothing and counts the caller in. Says how many there are.
    pub(crate) fn start(&self) -> usize {
        self.enter();
        let mut queue = self.queue.lock();
        self.first().map(|place| self.push_locked(&mut queue, place, None)).count()
    }

    /// The places that wait for nothing.
    pub(crate) fn first(&self) -> impl Iterator<Item = u32> {
        let places = (0u32..).zip(self.program.waits.iter().zip(&self.program.actions));
        places
            .filter(|&(_, (&waits, &action))| {
                waits == 0 && action != Action::Given && !action.is_within()
            })
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
        self.put_back(place, needs.units(place));
        self.push(place, needs);
        let mut queue = self.queue.lock();
        self.recall_locked(&mut queue);
        queue.put_down(hand);
        queue.active -= 1;
        // What was queued is there or with another thread, so the run is not over.
        if queue.active == 0 && queue.is_empty() { Left::Nobody } else { Left::Others }
    }

    /// A queued place, whatever it needs, and nothing taken for it: for a run that was told to
    /// stop, where places are only ended. Counts the caller in, once for each place.
    pub(crate) fn pop_any(&self) -> Option<u32> {
        let mut queue = self.queue.lock();
        self.recall_locked(&mut queue);
        let place = match &mut queue.gate {
            Some(gate) => gate.pop_any(),
            None => queue.pop(),
        }?;
        queue.take_off(worth(self.nanos(place)));
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
        let bytes = if self.limited { needs.bytes(place) } else { None };
        self.push_locked(&mut self.queue.lock(), place, bytes);
    }

    /// Takes one wire off each consumer of a place that has finished, and queues what this made
    /// ready, but for the most urgent one. Short steps are kept in `hand` while it has room.
    /// `tell` hears of those that are queued before others can see them. `ready` is room for them.
    #[inline]
    pub(crate) fn release(
        &self,
        place: u32,
        hand: &Hand,
        needs: &dyn Needs,
        ready: &mut Vec<u32>,
        tell: impl FnOnce(&[u32]),
    ) -> Released {
        let mut best: Option<u32> = None;
        for &consumer in self.program.shape.consumers(place) {
            if !self.state.waits[consumer as usize].arrive() {
                continue;
            }
            match best {
                // Where there are limits, every place goes through the gate.
                _ if self.limited => ready.push(consumer),
                Some(other) if self.urgency(consumer) <= self.urgency(other) => {
                    ready.push(consumer);
                }
                other => {
                    best = Some(consumer);
                    ready.extend(other);
                }
            }
        }
        let has_more = !ready.is_empty();
        if has_more {
            tell(ready);
        }
        let mut queue = None;
        for place in ready.drain(..) {
            if self.limited {
                self.push(place, needs);
                continue;
            }
            if let Some(hand) = hand
                && self.nanos(place) <= SHORT
                && hand.put(place)
            {
                continue;
            }
            let queue = queue.get_or_insert_with(|| self.queue.lock());
            self.push_locked(queue, place, None);
        }
        let queue = queue.or_else(|| self.limited.then(|| self.queue.lock()));
        let mut waiting = queue.map_or(0.0, |queue| queue.nanos);
        // Whatever waits would wait for the one that this thread goes on with.
        let next = best.map_or(0.0, |best| worth(self.nanos(best)));
        if next > waiting && (waiting > 0.0 || hand.as_ref().is_some_and(|hand| !hand.is_empty())) {
            waiting = next;
        }
        Released { next: best, has_more, queued_nanos: waiting }
    }

    /// Takes note of what a step took, for the others of its type.
    #[inline]
    pub(crate) fn note(&self, place: u32, nanos: u64) {
        let kind = self.program.kinds[place as usize];
        if kind != DECLARED {
            self.state.paces[usize::from(kind)].note(nanos);
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

    /// Gives back what a place took at the gate; it will be queued again.
    pub(crate) fn put_back(&self, place: u32, units: &[Units]) {
        self.at_gate(|gate| gate.put_back(place, units));
    }

    /// Gives back what a place took at the gate; it has ended with results of so many bytes.
    pub(crate) fn done(&self, place: u32, units: &[Units], bytes: u64) {
        self.at_gate(|gate| gate.end(place, units, bytes));
    }

    fn at_gate(&self, give: impl FnOnce(&mut Gate)) {
        if !self.limited {
            return;
        }
        let mut queue = self.queue.lock();
        queue.blocked = false;
        if let Some(gate) = &mut queue.gate {
            give(gate);
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

    /// The most threads, timers and others that were in the run at once.
    pub(crate) fn peak_active(&self) -> u32 {
        self.queue.lock().peak_active
    }

    fn urgency(&self, place: u32) -> u32 {
        self.state.waits[place as usize].urgency
    }

    fn push_locked(&self, queue: &mut Queue, place: u32, bytes: Option<u64>) {
        let urgency = self.urgency(place);
        match &mut queue.gate {
            Some(gate) => {
                gate.push(Ready { place, urgency, position: self.program.position(place), bytes });
                queue.blocked = false;
            }
            None => queue.fresh.push(Entry::new(urgency, place)),
        }
        queue.nanos += worth(self.nanos(place));
    }

    fn pop_locked(&self, queue: &mut Queue, needs: &dyn Needs) -> Option<u32> {
        let place = match &mut queue.gate {
            Some(gate) => {
                let place = gate.pop(needs);
                queue.blocked = place.is_none();
                place?
            }
            None => {
                if queue.is_empty() && self.is_worth_taking(queue) {
                    self.recall_locked(queue);
                }
                queue.pop()?
            }
        };
        queue.taken += 1;
        queue.take_off(worth(self.nanos(place)));
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
            if nanos > HANDFUL || !hand.put(place) {
                return;
            }
            queue.pop();
            queue.take_off(worth(self.nanos(place)));
        }
    }

    /// Whether what threads hold is worth taking from them.
    fn is_worth_taking(&self, queue: &Queue) -> bool {
        let mut nanos = 0.0;
        queue.hands.iter().any(|hand| {
            hand.look(|place| nanos += worth(self.nanos(place)));
            nanos >= WORTH_TAKING
        })
    }

    /// Looks after what is ready while nobody may come for it. Nobody does if nothing was taken
    /// from the queue nor from any hand since the last look. What is in a hand that has not moved
    /// is queued: its thread is at a step that takes longer than expected.
    pub(crate) fn look(&self) -> Look {
        let mut queue = self.queue.lock();
        // Where nothing fits, whoever gives something back calls.
        let mut has_moved = queue.taken != queue.taken_before || queue.blocked;
        queue.taken_before = queue.taken;
        let hands = std::mem::take(&mut queue.hands);
        for hand in &hands {
            if hand.has_moved() {
                has_moved = true;
            } else {
                hand.empty(|place| self.push_locked(&mut queue, place, None));
            }
        }
        let is_kept = hands.iter().any(|hand| !hand.is_empty());
        queue.hands = hands;
        // What nobody knew when it was queued may be known by now; the next one speaks for all.
        let next = queue.peek().map_or(0.0, |place| worth(self.nanos(place)));
        #[expect(clippy::cast_precision_loss, reason = "an estimate needs no more than 53 bits")]
        let is_much = next * queue.len() as f64 >= WORTH_TAKING;
        match (queue.is_empty(), is_kept) {
            (true, false) => Look::Nothing,
            (false, _) if !has_moved || is_much => Look::Stuck,
            _ => Look::Flowing,
        }
    }

    /// Empties all hands into the queue. They stay known: their threads may put in more.
    fn recall_locked(&self, queue: &mut Queue) {
        let hands = std::mem::take(&mut queue.hands);
        for hand in &hands {
            hand.empty(|place| self.push_locked(queue, place, None));
        }
        queue.hands = hands;
    }

    /// Nanoseconds that a place is expected to take: what it declares, or what others of its type
    /// take.
    fn nanos(&self, place: u32) -> f64 {
        match self.program.kinds[place as usize] {
            DECLARED => self.state.waits[place as usize].nanos.into(),
            kind => self.state.paces[usize::from(kind)].nanos().into(),
        }
    }
}
