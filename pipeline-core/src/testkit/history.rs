//! Histories of runs as an executor may tell them.

use std::sync::Arc;

use crate::error::{CancelReason, Error};
use crate::event::{
    Counts, ErrorInfo, Event, EventKind, Finished, PlannedNode, Preview, RunFinished, RunStarted,
    RunStatus, Snapshot, Status, StepProgress, Suggestion, Throttle, Tier, Totals, Warning,
};
use crate::id::{NodeId, RunId};
use crate::key::Key;

/// The events of one run, from its first to its last.
pub(super) struct History {
    pub(super) name: &'static str,
    pub(super) events: Vec<Event>,
}

/// Numbers events as a bus does.
struct Log {
    run: RunId,
    t_us: u64,
    events: Vec<Event>,
    counts: Counts,
}

impl Log {
    fn new(run: u64, names: &[&str]) -> Self {
        let mut log =
            Self { run: RunId(run), t_us: 0, events: Vec::new(), counts: Counts::default() };
        let nodes: Arc<[PlannedNode]> = (0..)
            .zip(names)
            .map(|(at, name)| PlannedNode {
                id: node(at),
                name: (*name).into(),
                step: "gain".into(),
            })
            .collect();
        let targets = nodes.last().map(|node| node.id).into_iter().collect();
        let start = RunStarted { nodes, targets, cached: 1, estimate_us: Some(5000) };
        log.add(None, EventKind::RunStarted(start));
        log
    }

    fn add(&mut self, node: Option<NodeId>, kind: EventKind) {
        if let EventKind::StepFinished(end) = &kind {
            self.counts.add(end.status);
        }
        let seq = self.events.len() as u64;
        self.events.push(Event { seq, run: self.run, revision: 3, t_us: self.t_us, node, kind });
        self.t_us = self.t_us.saturating_add(750);
    }

    fn of(&mut self, at: u32, kinds: impl IntoIterator<Item = EventKind>) -> &mut Self {
        kinds.into_iter().for_each(|kind| self.add(Some(node(at)), kind));
        self
    }

    fn end(mut self, name: &'static str, status: RunStatus) -> History {
        let totals = Totals {
            counts: self.counts,
            duration_us: self.t_us,
            thread_us: self.t_us.saturating_mul(2),
            bytes: 1 << 40,
            peak_bytes: 1 << 30,
            peak_concurrency: 2,
        };
        self.add(None, EventKind::RunFinished(Box::new(RunFinished { status, totals })));
        History { name, events: self.events }
    }
}

/// Ids leave gaps: nodes were removed from the graph.
fn node(at: u32) -> NodeId {
    NodeId::from_index(at * 3 + 1)
}

fn started(attempt: u32) -> EventKind {
    EventKind::StepStarted { attempt }
}

fn progress(done: u64, total: u64) -> EventKind {
    EventKind::StepProgress(StepProgress {
        done,
        total,
        unit: "rows".into(),
        message: None,
        eta_ms: Some(7),
    })
}

fn ended(status: Status) -> EventKind {
    let attempt = u32::from(matches!(status, Status::Computed | Status::Failed));
    EventKind::StepFinished(Finished {
        tier: matches!(status, Status::Cached | Status::Adopted).then_some(Tier::Memory),
        attempt,
        duration_us: 700 * u64::from(attempt),
        thread_us: 1300 * u64::from(attempt),
        bytes: 1 << 20,
        pixels: 1 << 18,
        key: Some(Key::from_bytes([7; 32])),
        ..Finished::new(status)
    })
}

fn failed(status: Status, error: &Error, because: Option<NodeId>) -> EventKind {
    let error = Some(Box::new(ErrorInfo::from_error(error, "blur", "gaussian_blur")));
    EventKind::StepFinished(Finished { attempt: 1, because, error, ..Finished::new(status) })
}

/// The histories that every observer must bear.
pub(super) fn histories() -> Vec<History> {
    vec![full(), troubled(), cancelled_early(), odd(), empty(), large()]
}

fn full() -> History {
    let key = Key::from_bytes([1; 32]);
    let mut log = Log::new(1, &["open", "blur", "mask", "twin", "off", "same", "join", "in"]);
    log.of(7, [ended(Status::Given)]).of(0, [ended(Status::Cached)]);
    log.of(1, [EventKind::StepQueued, started(1), progress(0, 4), progress(3, 4)]);
    log.add(None, EventKind::Evicted { key, bytes: 99, tier: Tier::Memory });
    log.add(None, EventKind::Throttled { reason: Throttle::Memory, from: 1 << 30, to: 1 << 29 });
    let suggestions = vec![Suggestion::text("wait")];
    let warning =
        Warning { code: "slow_step".into(), message: "`blur` took 9 s".into(), suggestions };
    log.add(None, EventKind::Warning(Box::new(warning)));
    let preview = Preview { key, width: 64, height: 48, approximate: true };
    log.of(1, [EventKind::PreviewReady(Box::new(preview)), progress(4, 4)]);
    log.of(1, [ended(Status::Computed)]);
    log.of(2, [ended(Status::Adopted)]).of(3, [ended(Status::CutOff)]);
    log.of(4, [ended(Status::Bypassed)]).of(5, [ended(Status::Cached)]);
    log.of(6, [started(1), ended(Status::Computed)]);
    log.add(None, EventKind::Throttled { reason: Throttle::Processors, from: 2, to: 4 });
    log.end("a full run", RunStatus::Completed)
}

fn troubled() -> History {
    let mut log = Log::new(2, &["open", "blur", "below", "slow", "stopped"]);
    log.of(0, [started(1), progress(1, 2), started(2), ended(Status::Computed)]);
    let error = Error::input("the image", "f32", "u8");
    log.of(1, [EventKind::StepQueued, started(1), failed(Status::Failed, &error, None)]);
    let skipped = Error::Skipped { because: "blur".into() };
    log.of(2, [failed(Status::Skipped, &skipped, Some(node(1)))]);
    let late = Error::TimedOut { after: std::time::Duration::from_secs(1), still_running: true };
    log.of(3, [started(1), failed(Status::Failed, &late, None)]);
    let stopped = Error::Cancelled(CancelReason::PeerFailed);
    log.of(4, [started(1), progress(1, 9), failed(Status::Cancelled, &stopped, None)]);
    log.end("a run with failures", RunStatus::Failed)
}

fn cancelled_early() -> History {
    let mut log = Log::new(3, &["open", "blur"]);
    log.of(0, [EventKind::StepQueued, ended(Status::Cancelled)]);
    log.of(1, [ended(Status::Cancelled)]);
    log.end("a run that was cancelled before its first step", RunStatus::Cancelled)
}

fn odd() -> History {
    let mut log = Log::new(u64::MAX, &["", "\u{0}\u{1b}[31m\n", "名前 💧", &"long".repeat(500)]);
    log.of(0, [started(1), progress(9, 0), progress(9, 4), ended(Status::Computed)]);
    let message = Some("half\u{7}\n way".repeat(300));
    let unit = "\u{202e}".into();
    let odd =
        StepProgress { done: u64::MAX, total: u64::MAX, unit, message, eta_ms: Some(u64::MAX) };
    log.of(1, [started(u32::MAX), EventKind::StepProgress(odd), ended(Status::Computed)]);
    let huge = Finished {
        duration_us: u64::MAX,
        thread_us: u64::MAX,
        bytes: u64::MAX,
        pixels: u64::MAX,
        ..Finished::new(Status::Computed)
    };
    log.t_us = u64::MAX;
    log.of(2, [started(1), EventKind::StepFinished(huge)]);
    let error = Error::failed("");
    log.of(3, [failed(Status::Failed, &error, None)]);
    log.end("a run with odd names and numbers", RunStatus::TimedOut)
}

fn empty() -> History {
    Log::new(5, &[]).end("a run without nodes", RunStatus::Completed)
}

fn large() -> History {
    let names: Vec<String> = (0..10_000).map(|at| format!("node{at}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut log = Log::new(6, &names);
    for at in 0..10_000 {
        log.of(at, [started(1), ended(Status::Computed)]);
    }
    log.end("a run of ten thousand nodes", RunStatus::Completed)
}

/// What an observer hears that lost the events from `from` to `to`: the fewest that lead to the
/// same state.
pub(super) fn catch_up(events: &[Event], from: usize, to: usize) -> Vec<Event> {
    let Some(first) = events.first() else { return Vec::new() };
    let mut seen = Snapshot::new(first.run, first.revision);
    for event in &events[..from] {
        seen.apply(event);
    }
    let mut present = seen.clone();
    for event in &events[from..to] {
        present.apply(event);
    }
    let mut heard = events[..from].to_vec();
    heard.extend(present.catch_up(&seen));
    heard.extend_from_slice(&events[to..]);
    heard
}
