//! Waiting for something else than a worker, and giving up on what does not return.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::engine::Drained;
use super::run::RunCore;
use super::timer::{Due, NOT_HURRIED};
use crate::error::{CancelReason, Result};
use crate::step::Lane;

impl RunCore {
    /// Runs a place on the threads of another lane.
    pub(super) fn hand_over(self: &Arc<Self>, place: u32, lane: Lane) -> Result<()> {
        self.schedule.enter();
        let handed = self.engine.hand_over(lane, self, place);
        if handed.is_err() {
            self.left(self.schedule.leave());
        } else if self.token.is_cancelled() {
            // A cancel that came before did not find it.
            self.bring_back();
        }
        // Whoever waits for this run inside a step may have to run it.
        drop(self.report.lock());
        self.over.notify_all();
        handed
    }

    /// Executes one place on a thread of a lane, which was counted in, and queues what follows.
    pub(super) fn drain_handed(self: &Arc<Self>, place: u32, lane: Lane) -> Drained {
        let outer = ON.replace(Some(lane));
        let mut local = self.local();
        let executed = self.execute(place, &mut local);
        ON.set(outer);
        let Ok(next) = executed else { return Drained::Lost };
        self.flush(&mut local);
        if let Some(next) = next {
            self.queue(next);
        }
        self.left(self.schedule.leave());
        Drained::Free
    }

    pub(super) fn try_later(self: &Arc<Self>, place: u32, pause: Duration) {
        self.schedule.enter();
        let run = Arc::clone(self);
        // A pause is a minute at the most, which fits every clock.
        self.engine.timer.at(Instant::now() + pause, self.id.0, move || run.come_back(place));
        // A cancel that came before the timer knew of this did not hurry it.
        if self.token.is_cancelled() {
            self.engine.timer.hurry(self.id.0);
        }
    }

    /// Sets the step's deadline: first it is asked to stop, then it is given up on.
    pub(super) fn watch(
        self: &Arc<Self>,
        place: u32,
        attempt: u8,
        limit: Duration,
    ) -> Option<Deadline> {
        // A time that no clock reaches is no deadline.
        let deadline = Instant::now().checked_add(limit)?;
        let run = Arc::downgrade(self);
        let asked = self.engine.timer.at(deadline, NOT_HURRIED, move || {
            if let Some(run) = run.upgrade()
                && let cell = &run.state.cells[place as usize]
                && cell.is_at(attempt)
            {
                cell.expire(attempt);
            }
        });
        let given_up_on = deadline.checked_add(self.grace).map(|end| {
            let run = Arc::downgrade(self);
            self.engine.timer.at(end, NOT_HURRIED, move || {
                if let Some(run) = run.upgrade() {
                    run.abandon(place, attempt, Some(limit));
                }
            })
        });
        Some(Deadline { deadline, asked, given_up_on })
    }

    /// Watches an attempt that has come back no longer.
    pub(super) fn forget(&self, deadline: Deadline) {
        self.engine.timer.forget(deadline.asked);
        if let Some(due) = deadline.given_up_on {
            self.engine.timer.forget(due);
        }
    }
}

/// What a timer does about an attempt that takes too long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    pub(super) deadline: Instant,
    asked: Due,
    given_up_on: Option<Due>,
}

impl crate::step::Host for RunCore {
    fn interrupted(&self, place: u32) -> Option<CancelReason> {
        if self.state.cells[place as usize].is_overdue() {
            return Some(CancelReason::Timeout);
        }
        let reason = self.token.reason()?;
        (!self.is_wanted(place, reason)).then_some(reason)
    }

    fn progress(&self, place: u32, progress: crate::step::Progress) {
        if !self.bus.is_active() {
            return;
        }
        let progress = crate::event::StepProgress {
            done: progress.done,
            total: progress.total,
            unit: progress.unit.into(),
            message: progress.message,
            eta_ms: None,
        };
        let t_us = self.now() / 1000;
        let group = self.plan.program.group(place);
        let of_others = group.map(|_| progress.clone());
        let is_heard = self.bus.try_progress(t_us, self.node(place), progress);
        if let (true, Some(group), Some(progress)) = (is_heard, group, of_others) {
            for member in group.places().filter(|&member| member != place) {
                self.bus.progress(t_us, self.node(member), progress.clone());
            }
        }
    }

    fn seed(&self, place: u32) -> Option<u64> {
        let is_seeded = self.plan.infos[place as usize].body().is_some_and(|body| body.spec.seeded);
        is_seeded.then(|| self.key(place).map_or(0, |key| key.prefix()))
    }
}

thread_local! {
    /// The lane that this thread was handed a step for.
    static ON: std::cell::Cell<Option<Lane>> = const { std::cell::Cell::new(None) };
}

/// Whether this thread may run steps of a lane.
pub(super) fn is_on(lane: Lane) -> bool {
    ON.get() == Some(lane)
}
