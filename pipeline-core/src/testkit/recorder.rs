//! What ran: an observer that keeps every event, and assertions over it.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::event::{Event, EventKind, Snapshot};
use crate::exec::Report;
use crate::id::RunId;
use crate::observe::Observer;

/// Keeps every event it hears. Cloning shares.
///
/// Observers hear a run a moment after it happened, and a run does not wait long for them, so a
/// test first waits with [`hear_out`](Self::hear_out) until the end of the run was heard.
#[derive(Debug, Clone, Default)]
pub struct Recorder(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    events: Mutex<Vec<Event>>,
    /// Called when the end of a run was heard.
    ended: Condvar,
}

/// Longer than an observer's thread stands still on a busy machine.
const LONG: Duration = Duration::from_secs(120);

impl Recorder {
    /// A recorder that has heard nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits until it has heard the end of a run. To be called before [`take`](Self::take), which
    /// takes the end away too.
    ///
    /// # Panics
    /// If the end does not come within two minutes.
    #[track_caller]
    pub fn hear_out(&self, run: RunId) {
        let is_end =
            |event: &Event| event.run == run && matches!(event.kind, EventKind::RunFinished(_));
        let mut events = self.0.events.lock();
        while !events.iter().any(is_end) {
            let waited = self.0.ended.wait_for(&mut events, LONG);
            assert!(!waited.timed_out(), "the end of {run} was not heard");
        }
    }

    /// Everything it has heard.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.0.events.lock().clone()
    }

    /// Everything it has heard since it was last emptied; empties it.
    #[must_use]
    pub fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.0.events.lock())
    }

    /// The words for the kinds of a run's events, in order.
    #[must_use]
    pub fn kinds(&self, run: RunId) -> Vec<&'static str> {
        let events = self.0.events.lock();
        events.iter().filter(|event| event.run == run).map(|event| event.kind.name()).collect()
    }

    /// What the events of a run add up to; `None` if it heard none.
    #[must_use]
    pub fn state(&self, run: RunId) -> Option<Snapshot> {
        let events = self.0.events.lock();
        let mut events = events.iter().filter(|event| event.run == run);
        let first = events.next()?;
        let mut state = Snapshot::new(run, first.revision);
        std::iter::once(first).chain(events).for_each(|event| {
            state.apply(event);
        });
        Some(state)
    }
}

impl Observer for Recorder {
    fn on_event(&self, event: &Event) {
        self.0.events.lock().push(event.clone());
        if matches!(event.kind, EventKind::RunFinished(_)) {
            self.0.ended.notify_all();
        }
    }
}

/// Asserts that exactly these nodes were started, in any order; a node that was served, skipped or
/// switched off was not.
///
/// # Panics
/// If other nodes ran, or some of these did not.
#[track_caller]
pub fn assert_ran(report: &Report, names: &[&str]) {
    let ran = report.steps().filter(|step| step.record.attempts > 0).map(|step| step.node);
    compare(ran.collect(), names);
}

/// Asserts of a log of events what [`assert_ran`] asserts of a report. The log may hold several
/// runs; a node that was started in several, or several times, counts once.
///
/// # Panics
/// As [`assert_ran`].
#[track_caller]
pub fn assert_started(events: &[Event], names: &[&str]) {
    let mut ran = Vec::new();
    let mut known = Vec::new();
    for event in events {
        match &event.kind {
            EventKind::RunStarted(start) => {
                known.extend(start.nodes.iter().map(|node| ((event.run, node.id), &*node.name)));
            }
            EventKind::StepStarted { .. } => {
                let of = event.node.map(|node| (event.run, node));
                let name = known.iter().find(|(id, _)| Some(*id) == of).map(|&(_, name)| name);
                ran.push(name.unwrap_or("a node that is not in the plan"));
            }
            _ => {}
        }
    }
    ran.sort_unstable();
    ran.dedup();
    compare(ran, names);
}

#[track_caller]
fn compare(mut ran: Vec<&str>, names: &[&str]) {
    let mut expected = names.to_vec();
    ran.sort_unstable();
    expected.sort_unstable();
    assert!(ran == expected, "the nodes that ran are {ran:?}, expected {expected:?}");
}
