//! The stream of one run: from the executor's threads to whoever listens.

use std::sync::Arc;

use super::backlog::{Backlog, Stamped};
use super::limiter::Limiter;
use super::signal::Signal;
use super::subscription::Subscription;
use crate::event::{Event, EventKind, Snapshot, StepProgress, Warning};
use crate::id::{NodeId, RunId};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};

/// Something that happened, on its way to the bus.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Emit {
    /// Microseconds since the run started.
    pub(crate) t_us: u64,
    /// The node it happened to, if it happened to one.
    pub(crate) node: Option<NodeId>,
    /// What happened.
    pub(crate) kind: EventKind,
}

/// The stream of one run.
///
/// Emitting takes one short lock, never waits for a subscriber and, for the kinds that come once
/// per node, allocates nothing. Dropping the bus closes it.
///
/// An executor makes one for each run; `Run::subscribe` joins it. A program makes one where events
/// come from elsewhere: to play a log back to a subscriber, or to try a subscriber without a run.
#[derive(Debug)]
pub struct Bus {
    shared: Arc<Shared>,
}

impl Bus {
    /// The stream of a run that nobody listens to yet.
    #[must_use]
    pub fn new(run: RunId, revision: u64) -> Self {
        let inner = Inner {
            state: None,
            early: None,
            next_seq: 0,
            backlogs: Vec::new(),
            next_id: 0,
            limiter: Limiter::new(),
            closed: false,
        };
        let shared = Shared {
            active: AtomicBool::new(false),
            run,
            revision,
            inner: Mutex::new(inner),
            seeding: Mutex::new(()),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Whether anyone listens. One atomic load; [the module's page](super) says when to ask.
    #[must_use]
    #[inline]
    pub fn is_active(&self) -> bool {
        self.shared.active.load(Ordering::SeqCst)
    }

    /// Emits one event.
    pub fn emit(&self, t_us: u64, node: Option<NodeId>, kind: EventKind) {
        if self.is_active() {
            let mut inner = self.shared.inner.lock();
            inner.take(t_us, node, kind);
            self.shared.follow(&inner);
        }
    }

    /// Emits a batch in order under one lock and leaves it empty, with its capacity.
    pub(crate) fn emit_all(&self, batch: &mut Vec<Emit>) {
        if batch.is_empty() {
            return;
        }
        if self.is_active() {
            let mut inner = self.shared.inner.lock();
            for Emit { t_us, node, kind } in batch.drain(..) {
                inner.take(t_us, node, kind);
            }
            self.shared.follow(&inner);
        } else {
            batch.clear();
        }
    }

    /// Reports how far a step has come. May be called as often as the step likes: at most 20
    /// reports a second per node become events, and the last one is out before the node's end. Of
    /// the same units and total less is never told after more, in whatever order threads report,
    /// unless the count begins anew at 0. The time left is filled in here.
    pub fn progress(&self, t_us: u64, node: NodeId, progress: StepProgress) {
        self.try_progress(t_us, node, progress);
    }

    /// The same; says whether the report became an event at once.
    pub(crate) fn try_progress(&self, t_us: u64, node: NodeId, progress: StepProgress) -> bool {
        self.is_active() && self.shared.inner.lock().progress(t_us, node, progress)
    }

    /// Joins the stream: gives the state of the run and a subscription to everything after it.
    ///
    /// At most `capacity` events wait for this subscriber; 16 at least have room, and the room is
    /// allocated here. `seed` is called, without a lock that emitters take, if the bus had been
    /// inactive: it makes the state from the executor's records, by [`Snapshot::note`]. It must not
    /// subscribe to the same bus.
    pub fn subscribe(
        &self,
        capacity: usize,
        seed: impl FnOnce() -> Snapshot,
    ) -> (Snapshot, Subscription) {
        self.subscribe_with(capacity, Arc::default(), seed)
    }

    /// As [`subscribe`](Self::subscribe), sharing a wake-up call with other subscriptions.
    pub(super) fn subscribe_with(
        &self,
        capacity: usize,
        signal: Arc<Signal>,
        seed: impl FnOnce() -> Snapshot,
    ) -> (Snapshot, Subscription) {
        let capacity = capacity.clamp(16, 1 << 20);
        let shared = &self.shared;
        // The first subscriber's seed is awaited by the others, never by an emitter.
        let turn = shared.seeding.lock();
        let mut inner = shared.inner.lock();
        if inner.state.is_none() {
            inner.early = Some(Vec::new());
            drop(inner);
            shared.active.store(true, Ordering::SeqCst);
            let mut state = seed();
            (state.run, state.revision) = (shared.run, shared.revision);
            inner = shared.inner.lock();
            inner.install(state);
        }
        let (state, id) = inner.join(capacity, &signal);
        let state = state.unwrap_or_else(|| Snapshot::new(shared.run, shared.revision));
        shared.follow(&inner);
        drop(inner);
        drop(turn);
        (state, Subscription::new(Arc::clone(shared), id, signal))
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let mut inner = self.shared.inner.lock();
        inner.close();
        self.shared.follow(&inner);
    }
}

/// What the bus and its subscriptions share.
#[derive(Debug)]
pub(super) struct Shared {
    active: AtomicBool,
    run: RunId,
    revision: u64,
    pub(super) inner: Mutex<Inner>,
    seeding: Mutex<()>,
}

impl Shared {
    pub(super) fn event(&self, stamped: Stamped) -> Event {
        let Stamped { seq, t_us, node, kind } = stamped;
        Event { seq, run: self.run, revision: self.revision, t_us, node, kind }
    }

    /// Adds a warning that arose outside the run.
    pub(super) fn warn(&self, warning: Warning) {
        let kind = EventKind::Warning(Box::new(warning));
        self.inner.lock().take(0, None, kind);
    }

    pub(super) fn leave(&self, id: u64) {
        let mut inner = self.inner.lock();
        inner.backlogs.retain(|backlog| backlog.id != id);
        if inner.backlogs.is_empty() {
            inner.state = None;
            inner.limiter.clear();
            self.active.store(false, Ordering::SeqCst);
        }
    }

    /// Turns the emitters off once nothing they do can matter any more.
    fn follow(&self, inner: &Inner) {
        if inner.closed {
            self.active.store(false, Ordering::SeqCst);
        }
    }
}

/// What the bus's lock protects.
#[derive(Debug)]
pub(super) struct Inner {
    /// What all events so far add up to, while anyone listens.
    state: Option<Snapshot>,
    /// What was emitted while the first subscriber's seed is being made.
    early: Option<Vec<Emit>>,
    next_seq: u64,
    backlogs: Vec<Backlog>,
    next_id: u64,
    limiter: Limiter,
    pub(super) closed: bool,
}

impl Inner {
    #[inline]
    fn take(&mut self, t_us: u64, node: Option<NodeId>, kind: EventKind) {
        if let Some(early) = &mut self.early {
            early.push(Emit { t_us, node, kind });
            return;
        }
        self.let_go(t_us, node, &kind);
        self.accept(t_us, node, kind);
    }

    /// Hands out the held progress that must not come later than this.
    #[inline]
    fn let_go(&mut self, t_us: u64, node: Option<NodeId>, kind: &EventKind) {
        while let Some((t_us, node, progress)) = self.limiter.due(t_us) {
            self.accept(t_us, Some(node), EventKind::StepProgress(progress));
        }
        if let (Some(node), EventKind::StepStarted { .. } | EventKind::StepFinished(_)) =
            (node, kind)
            && let Some((t_us, progress)) = self.limiter.end(node)
        {
            self.accept(t_us, Some(node), EventKind::StepProgress(progress));
        }
    }

    fn progress(&mut self, t_us: u64, node: NodeId, mut progress: StepProgress) -> bool {
        if let Some(early) = &mut self.early {
            let kind = EventKind::StepProgress(progress);
            early.push(Emit { t_us, node: Some(node), kind });
            return false;
        }
        let state = self.state.as_ref().and_then(|state| state.node(node));
        let Some((Some(started_us), None)) = state.map(|state| (state.started_us, &state.finished))
        else {
            return false;
        };
        progress.eta_ms = eta_ms(t_us.saturating_sub(started_us), &progress);
        let admitted = self.limiter.admit(t_us, node, progress);
        let is_admitted = admitted.is_some();
        if let Some(progress) = admitted {
            self.accept(t_us, Some(node), EventKind::StepProgress(progress));
        }
        is_admitted
    }

    /// Gives the event its number and hands it out, unless it changes nothing.
    #[inline]
    fn accept(&mut self, t_us: u64, node: Option<NodeId>, kind: EventKind) {
        let Some(state) = self.state.as_mut() else { return };
        let t_us = t_us.max(state.t_us);
        if self.closed || !state.note(t_us, node, &kind) {
            return;
        }
        let seq = self.next_seq;
        self.next_seq += 1;
        state.next_seq = self.next_seq;
        let ended = state.finished.is_some();
        if let Some((last, others)) = self.backlogs.split_last_mut() {
            for backlog in others {
                backlog.push(seq, t_us, node, kind.clone());
            }
            last.push(seq, t_us, node, kind);
        }
        if ended {
            self.close();
        }
    }

    /// Begins with a state made by the executor, and what was emitted meanwhile.
    fn install(&mut self, mut state: Snapshot) {
        // What happened unheard has numbers too, so that it can be told later.
        self.next_seq = self.next_seq.max(state.events_told());
        state.next_seq = self.next_seq;
        // The records may have been read node by node until the run ended; the ends of nodes that
        // were read too early are among the early ones and must not come after the end of the run.
        let ended = state.finished.take();
        let t_us = state.t_us;
        self.state = Some(state);
        for emit in self.early.take().unwrap_or_default() {
            match (emit.node, emit.kind) {
                (Some(node), EventKind::StepProgress(progress)) => {
                    self.progress(emit.t_us, node, progress);
                }
                (node, kind) => self.take(emit.t_us, node, kind),
            }
        }
        if let Some(state) = self.state.as_mut().filter(|state| state.finished.is_none())
            && let Some(ended) = ended
        {
            state.note(t_us, None, &EventKind::RunFinished(ended));
            self.close();
        }
    }

    fn join(&mut self, capacity: usize, signal: &Arc<Signal>) -> (Option<Snapshot>, u64) {
        let id = self.next_id;
        self.next_id += 1;
        self.backlogs.push(Backlog::new(id, capacity, Arc::clone(signal)));
        (self.state.clone(), id)
    }

    fn close(&mut self) {
        self.closed = true;
        self.backlogs.iter_mut().for_each(Backlog::wake);
    }

    pub(super) fn backlog(&mut self, id: u64) -> Option<&mut Backlog> {
        self.backlogs.iter_mut().find(|backlog| backlog.id == id)
    }

    /// What all events so far add up to.
    pub(super) fn snapshot(&self) -> Option<Snapshot> {
        self.state.clone()
    }
}

/// Milliseconds that the rest takes if it goes on as it went so far.
fn eta_ms(elapsed_us: u64, progress: &StepProgress) -> Option<u64> {
    let left = progress.total.checked_sub(progress.done)?;
    let us = (u128::from(elapsed_us) * u128::from(left)).checked_div(progress.done.into())?;
    u64::try_from(us / 1000).ok()
}
