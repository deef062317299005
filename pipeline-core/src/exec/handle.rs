//! A run that goes on while the caller does something else.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::engine::is_inside_step;
use super::options::RunOptions;
use super::report::Report;
use super::run::RunCore;
use crate::error::CancelReason;
use crate::event::Snapshot;
use crate::id::RunId;
use crate::observe::Subscription;

/// A run in progress. Dropping the handle lets the run go on.
#[derive(Debug, Clone)]
pub struct Run(Arc<RunCore>);

impl Run {
    pub(super) fn start(run: Arc<RunCore>, options: &RunOptions) -> Self {
        run.begin(options);
        run.engine.wake(1);
        // The starter goes out; whoever it woke is in by then or finds the run in the list.
        run.left(run.schedule.leave());
        Self(run)
    }

    /// The run's number.
    #[must_use]
    pub fn id(&self) -> RunId {
        self.0.id
    }

    /// Tells the run to stop. Steps stop at their next poll; one that does not within the grace
    /// period is given up on. Finished results stay in the cache.
    pub fn cancel(&self) {
        self.0.cancel(CancelReason::User);
    }

    /// Tells the run to stop because a newer one takes its place.
    pub fn supersede(&self) {
        self.0.cancel(CancelReason::Superseded);
    }

    /// Blocks until the run is over, and a moment longer for its observers to have heard it; never
    /// for one that is stuck.
    #[must_use]
    pub fn wait(&self) -> Arc<Report> {
        if is_inside_step() {
            // The worker that this thread is may be the only one.
            return self.0.see_through();
        }
        let report = self.0.wait();
        self.0.let_observers_finish();
        report
    }

    /// Blocks until the run is over, but no longer than `time`. Inside a step, this thread runs
    /// steps of the run meanwhile, and finishes the one that it is at.
    #[must_use]
    pub fn wait_for(&self, time: Duration) -> Option<Arc<Report>> {
        let Some(until) = Instant::now().checked_add(time) else { return Some(self.wait()) };
        if is_inside_step() {
            return self.0.see_through_until(Some(until));
        }
        self.0.wait_until(until)
    }

    /// Joins the stream of events: the state now, and everything after it. At most `capacity`
    /// events wait for the subscriber.
    #[must_use]
    pub fn subscribe(&self, capacity: usize) -> (Snapshot, Subscription) {
        self.0.bus.subscribe(capacity, || self.0.seed())
    }
}
