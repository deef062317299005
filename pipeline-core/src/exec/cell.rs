//! What a run knows of each place: its state and what it cost.

use crate::event::Status;
use crate::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

/// One place of a run. Two fill a line of memory, and none lies across two.
#[derive(Debug, Default)]
#[repr(align(32))]
pub(super) struct Cell {
    state: AtomicU8,
    /// The attempt whose deadline has passed; 0 if none has.
    overdue: AtomicU8,
    pub(super) attempts: AtomicU8,
    runner: AtomicU8,
    /// The place that failed first among those this one depends on, plus one; or, for a place that
    /// runs and so depends on none that failed, [`SEAT`] and the number of the worker.
    link: AtomicU32,
    /// The start while it runs, the duration afterwards; in nanoseconds.
    pub(super) nanos: AtomicU64,
    /// Nanoseconds that other threads spent on it.
    pub(super) helped: AtomicU64,
    pub(super) bytes: AtomicU64,
}

/// The kind of thread that runs a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Runner {
    /// A thread of the program that waits for its run. Nobody else can take its place, so it is
    /// never given up on.
    Caller,
    /// One of the executor's workers.
    Worker,
    /// A thread of the pool that was handed a single step.
    Guest,
    /// A thread that may wait.
    Blocking,
}

/// Where a place is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Not begun, or waiting for another attempt or another run.
    Pending,
    Running,
    Ended(Status),
}

/// Tells the number of a worker from a place: no graph has two thousand million of these.
const SEAT: u32 = 1 << 31;

const ENDED: u8 = 1;
/// The first of the codes of running places, which tell attempts apart.
const RUNNING: u8 = 1 << 7;
/// Running, as far as anyone can tell, but about to end.
const ENDING: u8 = u8::MAX;

impl State {
    fn code(self, attempt: u8) -> u8 {
        match self {
            Self::Pending => 0,
            Self::Running => running(attempt),
            Self::Ended(status) => {
                let place = Status::ALL.iter().position(|&other| other == status);
                ENDED + u8::try_from(place.unwrap_or(0)).unwrap_or(0)
            }
        }
    }

    fn of(code: u8) -> Self {
        match code {
            0 => Self::Pending,
            RUNNING.. => Self::Running,
            ended => Self::Ended(Status::ALL[usize::from(ended - ENDED) % Status::ALL.len()]),
        }
    }
}

/// The code of an attempt that runs. Few steps are tried so often that two attempts have the same,
/// and none twice before somebody who has just looked looks again.
const fn running(attempt: u8) -> u8 {
    RUNNING + attempt % (ENDING - RUNNING)
}

impl Cell {
    pub(super) fn state(&self) -> State {
        State::of(self.state.load(Ordering::Acquire))
    }

    pub(super) fn set(&self, state: State) {
        let attempt = self.attempts.load(Ordering::Relaxed);
        self.state.store(state.code(attempt), Ordering::Release);
    }

    /// Whether this attempt runs.
    pub(super) fn is_at(&self, attempt: u8) -> bool {
        self.state.load(Ordering::Acquire) == running(attempt)
    }

    /// The attempt that runs, if one does.
    pub(super) fn attempt(&self) -> Option<u8> {
        let attempt = self.attempts.load(Ordering::Relaxed);
        self.is_at(attempt).then_some(attempt)
    }

    /// Notes an attempt that begins.
    pub(super) fn begin(&self, attempt: u8, at_nanos: u64, runner: Runner) {
        self.attempts.store(attempt, Ordering::Relaxed);
        self.nanos.store(at_nanos, Ordering::Relaxed);
        let code = match runner {
            Runner::Caller => 0,
            Runner::Worker => 1,
            Runner::Guest => 2,
            Runner::Blocking => 3,
        };
        self.runner.store(code, Ordering::Relaxed);
    }

    pub(super) fn runner(&self) -> Runner {
        match self.runner.load(Ordering::Relaxed) {
            0 => Runner::Caller,
            1 => Runner::Worker,
            2 => Runner::Guest,
            _ => Runner::Blocking,
        }
    }

    /// Takes the right to end a place that is at this attempt, unless someone else did or another
    /// attempt has begun. Whoever looks sees a running place until its end is [`set`](Self::set),
    /// when all that is told of it is there.
    pub(super) fn claim(&self, attempt: u8) -> bool {
        let (from, to) = (running(attempt), ENDING);
        self.state.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Nanoseconds that threads spent inside its step, waiting included.
    pub(super) fn thread_nanos(&self) -> u64 {
        match self.attempts.load(Ordering::Relaxed) {
            0 => 0,
            _ => self.nanos.load(Ordering::Relaxed) + self.helped.load(Ordering::Relaxed),
        }
    }

    /// Sets a running place back for another attempt, unless someone ended it.
    pub(super) fn set_back(&self) -> bool {
        let attempt = self.attempts.load(Ordering::Relaxed);
        let (from, to) = (running(attempt), State::Pending.code(attempt));
        self.state.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Says that the deadline of an attempt has passed.
    pub(super) fn expire(&self, attempt: u8) {
        self.overdue.store(attempt, Ordering::Relaxed);
    }

    /// Whether the deadline of the present attempt has passed.
    pub(super) fn is_overdue(&self) -> bool {
        let overdue = self.overdue.load(Ordering::Relaxed);
        overdue > 0 && overdue == self.attempts.load(Ordering::Relaxed)
    }

    /// The place that failed first.
    pub(super) fn blamed(&self) -> Option<u32> {
        let link = self.link.load(Ordering::Relaxed);
        if link & SEAT == 0 { link.checked_sub(1) } else { None }
    }

    /// The number of the worker that runs it.
    pub(super) fn seat(&self) -> u32 {
        self.link.load(Ordering::Relaxed) & !SEAT
    }

    /// Notes the number of the worker that runs it.
    pub(super) fn set_seat(&self, seat: u32) {
        self.link.store(SEAT | seat & !SEAT, Ordering::Relaxed);
    }

    /// As [`claim`](Self::claim), for the thread that runs the step. Only a caller's place is sure
    /// to be its own.
    pub(super) fn claim_from(&self, runner: Runner) -> bool {
        runner == Runner::Caller || self.claim(self.attempts.load(Ordering::Relaxed))
    }

    /// Blames a place for the end of one that has run.
    pub(super) fn set_blame(&self, place: u32) {
        self.link.store(place + 1, Ordering::Relaxed);
    }

    /// Blames a place; the first one stays.
    pub(super) fn blame(&self, place: u32) {
        let _ = self.link.compare_exchange(0, place + 1, Ordering::Relaxed, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_ends_a_running_place() {
        let cell = Cell::default();
        assert!(!cell.claim(0), "it does not run yet");
        cell.set(State::Running);
        assert!(cell.claim(0));
        assert!(!cell.claim(0));
        assert_eq!(cell.state(), State::Running, "its end has not been told");
        assert!(!cell.set_back());
        cell.set(State::Ended(Status::Failed));
        assert_eq!(cell.state(), State::Ended(Status::Failed));
        assert!(!cell.set_back(), "it has ended");
    }

    #[test]
    fn whoever_gives_up_on_an_attempt_does_not_end_the_next() {
        let cell = Cell::default();
        for attempt in 1..=u8::MAX {
            cell.begin(attempt, 0, Runner::Worker);
            cell.set(State::Running);
            assert_eq!((cell.state(), cell.attempt()), (State::Running, Some(attempt)));
            assert!(!cell.claim(attempt - 1), "attempt {attempt}");
            assert!(cell.set_back());
            assert!(!cell.claim(attempt), "attempt {attempt} is over");
        }
    }

    #[test]
    fn a_worker_is_not_taken_for_a_culprit() {
        let cell = Cell::default();
        cell.set_seat(7);
        assert_eq!((cell.seat(), cell.blamed()), (7, None));
        let cell = Cell::default();
        cell.blame(7);
        assert_eq!(cell.blamed(), Some(7));
    }

    #[test]
    fn a_deadline_belongs_to_its_attempt() {
        let cell = Cell::default();
        assert!(!cell.is_overdue());
        cell.attempts.store(1, Ordering::Relaxed);
        cell.expire(1);
        assert!(cell.is_overdue());
        cell.attempts.store(2, Ordering::Relaxed);
        assert!(!cell.is_overdue());
    }

    #[test]
    fn every_state_survives_its_code() {
        for status in Status::ALL {
            assert_eq!(State::of(State::Ended(status).code(1)), State::Ended(status));
        }
    }
}
