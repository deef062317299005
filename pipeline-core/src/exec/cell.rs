//! What a run knows of each place: its state and what it cost.

use crate::event::Status;
use crate::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};

/// One place of a run.
#[derive(Debug, Default)]
pub(super) struct Cell {
    state: AtomicU8,
    /// Set when the step's own deadline has passed.
    pub(super) overdue: AtomicBool,
    pub(super) attempts: AtomicU8,
    runner: AtomicU8,
    /// The place that failed first among those this one depends on, plus one.
    blame: AtomicU32,
    /// The start while it runs, the duration afterwards; in nanoseconds.
    pub(super) nanos: AtomicU64,
    /// Nanoseconds that other threads spent on it.
    pub(super) helped: AtomicU64,
    pub(super) bytes: AtomicU64,
}

/// The kind of thread that runs a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Runner {
    /// One of the executor's workers.
    Worker,
    /// A thread that may wait.
    Blocking,
    /// A thread of the program, or of rayon's making.
    Other,
}

/// Where a place is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Not begun, or waiting for another attempt or another run.
    Pending,
    Running,
    Ended(Status),
}

const RUNNING: u8 = 1;
const ENDED: u8 = 2;

impl State {
    fn code(self) -> u8 {
        match self {
            Self::Pending => 0,
            Self::Running => RUNNING,
            Self::Ended(status) => {
                let place = Status::ALL.iter().position(|&other| other == status);
                ENDED + u8::try_from(place.unwrap_or(0)).unwrap_or(0)
            }
        }
    }

    fn of(code: u8) -> Self {
        match code {
            0 => Self::Pending,
            RUNNING => Self::Running,
            ended => Self::Ended(Status::ALL[usize::from(ended - ENDED) % Status::ALL.len()]),
        }
    }
}

impl Cell {
    pub(super) fn state(&self) -> State {
        State::of(self.state.load(Ordering::Acquire))
    }

    pub(super) fn set(&self, state: State) {
        self.state.store(state.code(), Ordering::Release);
    }

    pub(super) fn set_runner(&self, runner: Runner) {
        let code = match runner {
            Runner::Worker => 1,
            Runner::Blocking => 2,
            Runner::Other => 3,
        };
        self.runner.store(code, Ordering::Relaxed);
    }

    pub(super) fn runner(&self) -> Option<Runner> {
        match self.runner.load(Ordering::Relaxed) {
            1 => Some(Runner::Worker),
            2 => Some(Runner::Blocking),
            3 => Some(Runner::Other),
            _ => None,
        }
    }

    /// Ends a running place, unless someone else did.
    pub(super) fn claim(&self, status: Status) -> bool {
        let code = State::Ended(status).code();
        self.state.compare_exchange(RUNNING, code, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Nanoseconds that all threads spent on it.
    pub(super) fn cpu_nanos(&self) -> u64 {
        match self.attempts.load(Ordering::Relaxed) {
            0 => 0,
            _ => self.nanos.load(Ordering::Relaxed) + self.helped.load(Ordering::Relaxed),
        }
    }

    /// The place that failed first.
    pub(super) fn blamed(&self) -> Option<u32> {
        self.blame.load(Ordering::Relaxed).checked_sub(1)
    }

    /// Blames a place; the first one stays.
    pub(super) fn blame(&self, place: u32) {
        let _ = self.blame.compare_exchange(0, place + 1, Ordering::Relaxed, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_ends_a_running_place() {
        let cell = Cell::default();
        assert!(!cell.claim(Status::Computed), "it does not run yet");
        cell.set(State::Running);
        assert!(cell.claim(Status::Failed));
        assert!(!cell.claim(Status::Computed));
        assert_eq!(cell.state(), State::Ended(Status::Failed));
    }

    #[test]
    fn every_state_survives_its_code() {
        for status in Status::ALL {
            assert_eq!(State::of(State::Ended(status).code()), State::Ended(status));
        }
    }
}
