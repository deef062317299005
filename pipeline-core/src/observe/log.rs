//! Events as `tracing` spans and events.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tracing::Span;

use super::Observer;
use crate::event::{ErrorInfo, Event, EventKind, Finished, NodeTable, PlannedNode, Status};
use crate::id::{NodeId, RunId};

/// Writes runs to the program's `tracing` subscriber: one span per run, the run's start and end at
/// `INFO`, failures at `ERROR`, warnings at `WARN`, steps at `DEBUG`, progress at `TRACE`.
#[derive(Debug, Default)]
pub struct Log {
    runs: Mutex<HashMap<RunId, Run>>,
}

#[derive(Debug)]
struct Run {
    span: Span,
    nodes: NodeTable,
}

impl Run {
    fn node(&self, id: Option<NodeId>) -> Option<&PlannedNode> {
        self.nodes.planned(id?)
    }
}

impl Log {
    /// A log that writes to whatever subscriber is set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Observer for Log {
    fn on_event(&self, event: &Event) {
        let mut runs = self.runs.lock();
        if let EventKind::RunStarted(start) = &event.kind {
            let (run, revision) = (event.run.0, event.revision);
            let span = tracing::info_span!("run", run, revision);
            let (steps, cached) = (start.nodes.len(), start.cached);
            tracing::info!(parent: &span, steps, cached, "run started");
            let nodes = NodeTable::new(Arc::clone(&start.nodes));
            runs.insert(event.run, Run { span, nodes });
            return;
        }
        let Some(run) = runs.get(&event.run) else { return };
        write(run, event);
        if matches!(event.kind, EventKind::RunFinished(_)) {
            runs.remove(&event.run);
        }
    }
}

fn write(run: &Run, event: &Event) {
    let (span, t_us) = (&run.span, event.t_us);
    let (node, step) = run.node(event.node).map_or(("", ""), |info| (&*info.name, &*info.step));
    match &event.kind {
        EventKind::RunStarted(_) => {}
        EventKind::StepQueued => tracing::trace!(parent: span, t_us, node, step, "step queued"),
        EventKind::StepStarted { attempt } => {
            tracing::debug!(parent: span, t_us, node, step, attempt, "step started");
        }
        EventKind::StepProgress(progress) => {
            let (done, total, unit) = (progress.done, progress.total, &*progress.unit);
            let message = progress.message.as_deref().unwrap_or("step progress");
            tracing::trace!(parent: span, t_us, node, step, done, total, unit, "{message}");
        }
        EventKind::StepFinished(end) => write_end(run, t_us, node, step, end),
        EventKind::PreviewReady(preview) => {
            let (width, height) = (preview.width, preview.height);
            tracing::trace!(parent: span, t_us, node, step, width, height, "preview ready");
        }
        EventKind::Evicted { key, bytes, tier } => {
            tracing::debug!(parent: span, t_us, %key, bytes, ?tier, "result evicted");
        }
        EventKind::Throttled { reason, from, to } => {
            tracing::info!(parent: span, t_us, ?reason, from, to, "throttled");
        }
        EventKind::Warning(warning) => {
            let (code, message) = (&*warning.code, &warning.message);
            tracing::warn!(parent: span, t_us, code, "{message}");
        }
        EventKind::RunFinished(end) => {
            let (totals, status) = (&end.totals, end.status);
            tracing::info!(
                parent: span,
                t_us,
                %status,
                duration_us = totals.duration_us,
                computed = totals.counts.computed,
                failed = totals.counts.failed,
                peak_bytes = totals.peak_bytes,
                "run finished"
            );
        }
    }
}

fn write_end(run: &Run, t_us: u64, node: &str, step: &str, end: &Finished) {
    let (span, status, duration_us) = (&run.span, end.status.name(), end.duration_us);
    if end.status == Status::Failed {
        let (code, message) = end.error.as_deref().map_or(("", "no reason given"), told);
        tracing::error!(parent: span, t_us, node, step, code, duration_us, "{message}");
    } else {
        let because = run.node(end.because).map(|info| &*info.name);
        let bytes = end.bytes;
        tracing::debug!(
            parent: span, t_us, node, step, status, duration_us, bytes, because, "step finished"
        );
    }
}

fn told(error: &ErrorInfo) -> (&str, &str) {
    (&error.code, &error.message)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tracing::span::{Attributes, Id, Record};
    use tracing::{Level, Metadata};

    use super::*;
    use crate::event::RunStatus;
    use crate::event::history::{finished, node, run_finished, run_started};

    /// Counts what arrives by level.
    #[derive(Clone, Default)]
    struct Counter(Arc<[AtomicUsize; 5]>);

    impl Counter {
        fn of(&self, level: Level) -> usize {
            self.0[place(level)].load(Ordering::Relaxed)
        }
    }

    fn place(level: Level) -> usize {
        let levels = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];
        levels.iter().position(|&known| known == level).unwrap()
    }

    impl tracing::Subscriber for Counter {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, event: &tracing::Event<'_>) {
            self.0[place(*event.metadata().level())].fetch_add(1, Ordering::Relaxed);
        }

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn failures_are_errors_and_steps_are_details() {
        let counter = Counter::default();
        let log = Log::new();
        let happened = [
            (None, run_started(2)),
            (Some(node(0)), EventKind::StepStarted { attempt: 1 }),
            (Some(node(0)), finished(Status::Failed)),
            (Some(node(1)), finished(Status::Skipped)),
            (None, run_finished(RunStatus::Failed)),
        ];
        tracing::subscriber::with_default(counter.clone(), || {
            for ((node, kind), seq) in happened.into_iter().zip(0..) {
                log.on_event(&Event { seq, run: RunId(1), revision: 0, t_us: seq, node, kind });
            }
        });
        let counts = [Level::ERROR, Level::INFO, Level::DEBUG].map(|level| counter.of(level));
        assert_eq!(counts, [1, 2, 2]);
        assert!(log.runs.lock().is_empty(), "ended runs are forgotten");
    }
}
