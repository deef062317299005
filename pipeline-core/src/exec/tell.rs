//! What a run tells of itself: the events of its stream, and its state for whoever joins late.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::cell::{Runner, State};
use super::engine::runner;
use super::run::{Local, RunCore};
use crate::event::{ErrorInfo, EventKind, Finished, RunFinished, RunStarted, Snapshot, Status};
use crate::observe::Emit;
use crate::step::AnyStep;
use crate::sync::atomic::{Ordering, fence};

/// Events that a thread holds back at the most.
const HELD_BACK: usize = 64;

/// Steps that are expected to take longer are announced when they begin; in nanoseconds.
const WORTH_TELLING: f32 = 50_000.0;

impl RunCore {
    /// The events that every stream begins with.
    pub(super) fn tell_begin(&self, mut tell: impl FnMut(Emit)) {
        let shape = &self.plan.program.shape;
        let targets = self.plan.program.targets.iter();
        let cached = self.plan.cached().count();
        let started = RunStarted {
            nodes: self.engine.roster.of(&self.plan),
            targets: targets.map(|&slot| shape.ids[shape.producer(slot) as usize]).collect(),
            cached: u32::try_from(cached).unwrap_or(u32::MAX),
            estimate_us: self.plan.estimate_us(self.engine.threads),
        };
        tell(Emit { t_us: 0, node: None, kind: EventKind::RunStarted(started) });
        let mut told = None;
        for given in &self.plan.given {
            // Of several outputs only those that are needed are there.
            let place = shape.producer(given.slot);
            if told.replace(place) != Some(place) {
                let mut finished = Finished::new(self.given_status(place));
                finished.tier = given.tier;
                finished.bytes = self.state.cells[place as usize].bytes.load(Ordering::Relaxed);
                finished.key = self.told_key(place);
                let node = Some(self.node(place));
                tell(Emit { t_us: 0, node, kind: EventKind::StepFinished(finished) });
            }
        }
    }

    /// How a place ended that had its value before the run began.
    pub(super) fn given_status(&self, place: u32) -> Status {
        let is_input = self.plan.infos[place as usize].step().is_none();
        if is_input { Status::Given } else { Status::Cached }
    }

    /// The event of a place that was queued.
    pub(super) fn queued_event(&self, place: u32, t_us: u64) -> Emit {
        Emit { t_us, node: Some(self.node(place)), kind: EventKind::StepQueued }
    }

    /// Whether what happens is heard, or may be asked for by someone who joins later.
    pub(super) fn is_told(&self) -> bool {
        !self.state.tales.is_empty()
    }

    /// The state of the run as its records tell it, for a listener that comes late.
    pub(super) fn seed(&self) -> Snapshot {
        // The other half is in `RunCore::set`.
        fence(Ordering::SeqCst);
        let mut snapshot = Snapshot::new(self.id, self.plan.revision());
        self.tell_begin(|emit| {
            snapshot.note(emit.t_us, emit.node, &emit.kind);
        });
        for (place, cell) in (0u32..).zip(&self.state.cells) {
            let node = Some(self.node(place));
            let nanos = cell.nanos.load(Ordering::Relaxed);
            match cell.state() {
                State::Pending => {}
                State::Running => {
                    let attempt = cell.attempts.load(Ordering::Relaxed).into();
                    snapshot.note(nanos / 1000, node, &EventKind::StepStarted { attempt });
                }
                State::Ended(status) => {
                    let attempt = cell.attempts.load(Ordering::Relaxed).into();
                    let finished = self.finished_event(place, status);
                    let tale = &self.state.tales[place as usize];
                    let ended_us = tale.ended_us.load(Ordering::Relaxed);
                    if attempt > 0 {
                        let began_us = ended_us.saturating_sub(finished.duration_us);
                        snapshot.note(began_us, node, &EventKind::StepStarted { attempt });
                    }
                    snapshot.note(ended_us, node, &EventKind::StepFinished(finished));
                }
            }
        }
        if let Some(report) = &*self.report.lock() {
            let finished = RunFinished { status: report.status(), totals: report.totals().clone() };
            let t_us = report.totals().duration_us;
            snapshot.note(t_us, None, &EventKind::RunFinished(Box::new(finished)));
        }
        snapshot
    }

    #[inline(never)]
    pub(super) fn tell_started(&self, place: u32, attempt: u8, local: &mut Local) {
        let kind = EventKind::StepStarted { attempt: attempt.into() };
        let node = Some(self.node(place));
        local.events.push(Emit { t_us: local.now / 1000, node, kind });
    }

    /// Whether the start of a place is told only with what comes next. A listener wants to know of
    /// a step while it runs, unless that is over in no time; and another thread may tell the end of
    /// one that has a time limit.
    pub(super) fn is_told_late(&self, place: u32) -> bool {
        self.plan.program.estimates.nanos[place as usize] <= WORTH_TELLING
            && self.limit(place).is_none()
    }

    #[inline(never)]
    pub(super) fn tell_finished(&self, place: u32, status: Status, local: &mut Local) {
        let node = Some(self.node(place));
        let kind = EventKind::StepFinished(self.finished_event(place, status));
        local.events.push(Emit { t_us: local.now / 1000, node, kind });
        if !self.is_only_ours(place, local) {
            self.flush(local);
        }
    }

    /// Whether what follows from the end of a place can be seen by this thread alone: then its
    /// events may wait for those of the next place.
    pub(super) fn is_only_ours(&self, place: u32, local: &Local) -> bool {
        let program = &*self.plan.program;
        let consumers = program.shape.consumers(place);
        local.events.len() < HELD_BACK
            // A thread that can be given up on takes along what it holds back.
            && runner() == Runner::Caller
            && !self.schedule.is_limited()
            && matches!(consumers, [one] if program.waits[*one as usize] == 1)
    }

    /// The event that tells how a place ended, from the run's records.
    pub(super) fn finished_event(&self, place: u32, status: Status) -> Finished {
        let cell = &self.state.cells[place as usize];
        let mut finished = Finished::new(status);
        finished.attempt = cell.attempts.load(Ordering::Relaxed).into();
        if finished.attempt > 0 {
            let nanos = cell.nanos.load(Ordering::Relaxed);
            finished.duration_us = nanos / 1000;
            finished.thread_us = cell.thread_nanos() / 1000;
        }
        finished.bytes = cell.bytes.load(Ordering::Relaxed);
        let tale = &self.state.tales[place as usize];
        finished.pixels = tale.pixels.load(Ordering::Relaxed);
        finished.tier = tale.tier();
        finished.key = self.told_key(place);
        finished.group = self.plan.program.group_number(place);
        if !status.is_ok() {
            finished.because = cell.blamed().map(|culprit| self.node(culprit));
            let error = self.failures.lock().get(&place).map(Arc::clone);
            let info = &self.plan.infos[place as usize];
            // The step is asked for its parameters, by code of its own.
            let asked = |step: &Arc<dyn AnyStep>| {
                catch_unwind(AssertUnwindSafe(|| step.params())).unwrap_or_default()
            };
            let params = || info.step().map(asked).unwrap_or_default();
            finished.error = error.map(|error| {
                Box::new(ErrorInfo::of_step(&error, info.name(), info.step_name(), &params))
            });
        }
        finished
    }
}
