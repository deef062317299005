//! How a run stops before its end: what is queued is refused, what waits comes back, what runs is
//! told, and given up on if it does not listen.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::cell::Runner;
use super::run::RunCore;
use super::timer::NOT_HURRIED;
use crate::error::{CancelReason, Error};
use crate::event::Status;
use crate::step::{Group, OnCancel};
use crate::sync::atomic::Ordering;

/// How long a run that was told to stop may go on, because others wait for its steps, before it is
/// asked again whether they still do.
const STILL_THERE: Duration = Duration::from_millis(50);

impl RunCore {
    /// Tells the run to stop; what does not stop within the grace period is given up on.
    pub(super) fn cancel(self: &Arc<Self>, reason: CancelReason) {
        if self.token.cancel(reason) {
            self.wind_down();
        }
    }

    /// Brings back whatever waits for something else than a thread, so that it can end.
    pub(super) fn bring_back(self: &Arc<Self>) {
        for follower in self.engine.inflight.detach(|follower| follower.run.id == self.id) {
            follower.run.come_back(follower.place);
        }
        for place in self.engine.withdraw(self.id) {
            self.schedule.put_back(place, self.units_of(place));
            self.come_back(place);
        }
        self.engine.timer.hurry(self.id.0);
    }

    /// Ends the run soon: what waits comes back, what is queued is refused, what runs is given up
    /// on after the grace period.
    pub(super) fn wind_down(self: &Arc<Self>) {
        self.bring_back();
        self.refuse_queued();
        self.abandon_after(self.grace);
    }

    fn abandon_after(self: &Arc<Self>, pause: Duration) {
        let Some(at) = Instant::now().checked_add(pause) else { return };
        let run = Arc::downgrade(self);
        self.engine.timer.at(at, NOT_HURRIED, move || {
            if let Some(run) = run.upgrade() {
                run.abandon_all();
            }
        });
    }

    /// Ends everything that is queued. The run was told to stop, so no step runs: this takes no
    /// worker, and there may be none to wait for.
    pub(super) fn refuse_queued(self: &Arc<Self>) {
        while let Some(place) = self.schedule.pop_any() {
            let (mut local, mut next) = (self.local(), Some(place));
            while let Some(place) = next {
                next = self.execute(place, &mut local).ok().flatten();
            }
            self.flush(&mut local);
            self.left(self.schedule.leave());
        }
    }

    fn abandon_all(self: &Arc<Self>) {
        let Some(reason) = self.token.reason() else { return };
        let places = (0u32..).zip(self.state.cells.iter().zip(&self.plan.program.actions));
        // Of a group its last step stands for all.
        for (place, (cell, _)) in places.filter(|(_, (_, action))| !action.is_within()) {
            if let Some(attempt) = cell.attempt()
                && !self.is_wanted(place, reason)
            {
                self.abandon(place, attempt, None);
            }
        }
        // What others wait for goes on, and a step that began while the run was told to stop may
        // not have been seen.
        let is_over = self.report.lock().is_some();
        if !is_over {
            self.abandon_after(self.grace.max(STILL_THERE));
        }
    }

    /// Gives up on an attempt that does not return: the place fails, its thread is replaced, and
    /// what the step may still return is dropped. `limit` is the time that it was given, if that is
    /// why.
    pub(super) fn abandon(self: &Arc<Self>, place: u32, attempt: u8, limit: Option<Duration>) {
        let cell = &self.state.cells[place as usize];
        let runner = cell.runner();
        if runner == Runner::Caller || !cell.claim(attempt) {
            return;
        }
        let mut local = self.local();
        let began = cell.nanos.load(Ordering::Relaxed);
        let took = local.now.saturating_sub(began);
        let inside = self.inside(place);
        cell.nanos.store(self.own_share(place, took, Status::Cancelled), Ordering::Relaxed);
        if self.bus.is_active() && self.is_told_late(place) {
            // The lost thread will not tell it.
            let now = std::mem::replace(&mut local.now, began);
            let group = self.plan.program.group(place);
            let members = group.into_iter().flat_map(Group::places);
            for member in members.filter(|&member| member != place) {
                self.tell_started(member, 1, &mut local);
            }
            self.tell_started(place, attempt, &mut local);
            local.now = now;
        }
        let after = limit.unwrap_or(Duration::from_nanos(took));
        let mut error = Error::TimedOut { after, still_running: true };
        if self.plan.program.group(place).is_some() {
            error = self.fault(inside, error);
        }
        let end = self.failure(place, error);
        self.engine.lose(runner, cell.seat());
        self.schedule.recall();
        let next = self.end(place, &end, &mut local);
        self.flush(&mut local);
        if let Some(next) = next {
            self.queue(next);
        }
        if self.token.is_cancelled() {
            self.refuse_queued();
        }
        // The lost thread was counted in; it will not count itself out.
        self.left(self.schedule.leave());
    }

    /// Whether another run waits for a place of this one, which was told to stop: then it goes on,
    /// unless nobody can wait any more.
    pub(super) fn is_wanted(&self, place: u32, reason: CancelReason) -> bool {
        reason != CancelReason::Shutdown
            && self.engine.cache.is_some()
            && self.leading.lock().contains_key(&place)
            && self.cache_key(place).is_some_and(|key| self.engine.inflight.has_followers(&key))
    }
}

/// What the program's own token does to the run.
impl OnCancel for RunCore {
    fn cancelled(self: Arc<Self>, reason: CancelReason) {
        self.cancel(reason);
    }
}
