//! The end of a run: its report, what later plans learn from it, and who is told.

use std::sync::Arc;

use super::cell::{Cell, State};
use super::options::Fusion;
use super::report::Report;
use super::run::RunCore;
use super::slots::Take;
use crate::cache::Cache;
use crate::error::CancelReason;
use crate::event::{
    EventKind, RunFinished, RunStatus, Status, Suggestion, Throttle, Totals, Warning,
};
use crate::plan::Fuse;
use crate::sync::atomic::{Ordering, fence};

/// Bytes of a picture for which it is worth to say how they could be spared.
const WORTH_STREAMING: u64 = 64 << 20;

impl RunCore {
    /// Makes the report, tells everyone, and lets go of the run.
    pub(super) fn conclude(self: &Arc<Self>) {
        let t_us = self.now() / 1000;
        let report = Arc::new(self.make_report(t_us));
        self.state.slots.clear();
        if let Some(due) = self.timeout.lock().take() {
            self.engine.timer.forget(due);
        }
        self.engine.dismiss(self);
        self.learn();
        let (status, totals) = (report.status(), report.totals().clone());
        *self.report.lock() = Some(report);
        if self.is_shared() {
            fence(Ordering::SeqCst);
        }
        if self.bus.is_active() {
            self.tell_of_the_cache(t_us);
            self.tell_of_whole_pictures(t_us);
            let above = |budget| self.state.slots.peak().saturating_sub(budget);
            let overshoot = self.schedule.overshoot().max(self.budget.map_or(0, above));
            if let (Some(budget), 1..) = (self.budget, overshoot) {
                let reason = Throttle::Overshoot;
                let to = budget.saturating_add(overshoot);
                let kind = EventKind::Throttled { reason, from: budget, to };
                self.bus.emit(t_us, None, kind);
            }
            let finished = EventKind::RunFinished(Box::new(RunFinished { status, totals }));
            self.bus.emit(t_us, None, finished);
        }
        self.over.notify_all();
    }

    /// Tells if the program's cache panicked, and of what went wrong in it.
    fn tell_of_the_cache(&self, t_us: u64) {
        let Some(cache) = &self.engine.cache else { return };
        let faults = cache.take_faults().into_iter().map(|fault| Warning {
            code: "cache_fault".into(),
            message: format!("the cache goes on without {fault}"),
            suggestions: Vec::new(),
        });
        let panicked = cache.take_panic().map(|text| Warning {
            code: "cache_panicked".into(),
            message: format!("the cache panicked: {text}; what it was asked for was computed"),
            suggestions: vec![Suggestion::text("check the cache with `pipeline_core::testkit`")],
        });
        for warning in faults.chain(panicked) {
            self.bus.emit(t_us, None, EventKind::Warning(Box::new(warning)));
        }
    }

    /// Tells of a large picture that was made as a whole because of how the run goes, and not of
    /// what the graph does with it.
    fn tell_of_whole_pictures(&self, t_us: u64) {
        if self.engine.fusion == Fusion::Never || !self.plan.traits.has_forms {
            return;
        }
        let (cause, advice) = match (self.engine.fuse() == Fuse::All, self.step_timeout) {
            (false, _) => (
                "the executor has a cache",
                "run what goes from file to file without a cache, or with `Fusion::Always`",
            ),
            (true, Some(_)) => (
                "steps have a time limit each",
                "limit the time of the run, or that of single nodes, instead of `step_timeout`",
            ),
            (true, None) => return,
        };
        for (place, cell) in (0u32..).zip(&self.state.cells) {
            let bytes = cell.bytes.load(Ordering::Relaxed);
            let is_made = cell.state() == State::Ended(Status::Computed);
            if bytes <= WORTH_STREAMING || !is_made || !self.plan.could_stream(place) {
                continue;
            }
            let name = self.plan.infos[place as usize].name();
            let warning = Warning {
                code: "not_streamed".into(),
                message: format!(
                    "`{name}` made {} MiB at once and not row by row, because {cause}",
                    bytes >> 20
                ),
                suggestions: vec![Suggestion::text(advice)],
            };
            let kind = EventKind::Warning(Box::new(warning));
            self.bus.emit(t_us, Some(self.node(place)), kind);
        }
    }

    pub(super) fn make_report(&self, duration_us: u64) -> Report {
        let mut totals = Totals { duration_us, ..Totals::default() };
        let mut nanos = 0;
        for cell in &self.state.cells {
            if !matches!(cell.state(), State::Ended(_)) {
                cell.set(State::Ended(Status::Cancelled));
            }
            if let State::Ended(status) = cell.state() {
                totals.counts.add(status);
            }
            nanos += cell.thread_nanos();
            let bytes = cell.bytes.load(Ordering::Relaxed);
            totals.bytes = totals.bytes.saturating_add(bytes);
        }
        totals.thread_us = nanos / 1000;
        totals.peak_bytes = self.state.slots.peak();
        totals.peak_concurrency = self.schedule.peak_active();
        let shape = &self.plan.program.shape;
        let targets = self.plan.program.targets.iter();
        let values: Vec<_> = targets
            .map(|&slot| {
                let cell = &self.state.cells[shape.producer(slot) as usize];
                let State::Ended(status) = cell.state() else { return None };
                status.is_ok().then(|| {
                    let value = self.state.slots.take(slot, Take::Keep);
                    self.state.slots.finish(slot);
                    value
                })
            })
            .collect();
        let complete = values.iter().all(Option::is_some);
        let failed = totals.counts.failed > 0;
        let status = match self.token.reason() {
            None if failed || !complete => RunStatus::Failed,
            None => RunStatus::Completed,
            Some(_) if complete && !failed => RunStatus::Completed,
            Some(CancelReason::Timeout) => RunStatus::TimedOut,
            Some(CancelReason::PeerFailed) => RunStatus::Failed,
            Some(_) => RunStatus::Cancelled,
        };
        let failures = std::mem::take(&mut *self.failures.lock());
        let state = Arc::clone(&self.state);
        Report::new(self.id, self.plan.clone(), status, totals, state, failures, values)
    }

    /// Lets later plans know what steps cost: enough of them, and never more than a glance at a
    /// huge run. Those of groups are known already.
    pub(super) fn learn(&self) {
        let steps = self.plan.infos.iter().map(|info| info.step_name());
        let program = &self.plan.program;
        let mut cells = (0u32..)
            .zip(steps.zip(&self.state.cells))
            .step_by(self.state.cells.len() / 1024 + 1)
            .filter(|&(place, (_, cell))| {
                cell.state() == State::Ended(Status::Computed)
                    && program.group_number(place).is_none()
            })
            .map(|(_, cell)| cell);
        let measure =
            |cell: &Cell| (cell.nanos.load(Ordering::Relaxed), cell.bytes.load(Ordering::Relaxed));
        let Some((mut step, first)) = cells.next() else { return };
        let ((mut nanos, mut bytes), mut count) = (measure(first), 1);
        // Neighbours are often of one type; one look-up serves them all.
        for (next, cell) in cells {
            if next != step {
                self.engine.costs.learn(step, nanos / count, bytes / count);
                (step, nanos, bytes, count) = (next, 0, 0, 0);
            }
            let (more_nanos, more_bytes) = measure(cell);
            bytes = bytes.saturating_add(more_bytes);
            (nanos, count) = (nanos + more_nanos, count + 1);
        }
        self.engine.costs.learn(step, nanos / count, bytes / count);
    }
}
