//! The backlog of one subscriber: a bounded queue.

use std::collections::VecDeque;
use std::sync::Arc;

use super::signal::Signal;
use crate::event::EventKind;
use crate::id::NodeId;

/// An event without what all events of a run have in common.
#[derive(Debug, Clone)]
pub(super) struct Stamped {
    pub(super) seq: u64,
    pub(super) t_us: u64,
    pub(super) node: Option<NodeId>,
    pub(super) kind: EventKind,
}

/// How deeply a subscriber sleeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    /// It is awake.
    No,
    /// It was busy a moment ago and will look again by itself within milliseconds: waking it for
    /// every event would cost the executor more than the event.
    Lightly,
    /// Until it is woken.
    Deeply,
}

/// What one subscriber has not taken yet.
///
/// Full, it first lets go of progress and previews. If that is not enough it lets go of everything
/// and is *behind* until the subscriber takes the state of the run instead.
#[derive(Debug)]
pub(super) struct Backlog {
    pub(super) id: u64,
    pub(super) events: VecDeque<Stamped>,
    pub(super) behind: bool,
    pub(super) waiting: Waiting,
    capacity: usize,
    mergeable: usize,
    signal: Arc<Signal>,
}

impl Backlog {
    pub(super) fn new(id: u64, capacity: usize, signal: Arc<Signal>) -> Self {
        Self {
            id,
            events: VecDeque::new(),
            behind: false,
            waiting: Waiting::No,
            capacity,
            mergeable: 0,
            signal,
        }
    }

    /// Appends an event, and wakes the subscriber if it should look now.
    #[inline]
    pub(super) fn push(&mut self, seq: u64, t_us: u64, node: Option<NodeId>, kind: EventKind) {
        if self.behind {
            return;
        }
        let urgent = matches!(kind, EventKind::RunFinished(_));
        if kind.is_mergeable() {
            self.push_mergeable(Stamped { seq, t_us, node, kind });
        } else if self.events.len() < self.capacity || self.make_room() {
            self.events.push_back(Stamped { seq, t_us, node, kind });
        } else {
            self.behind = true;
            self.events.clear();
        }
        match self.waiting {
            Waiting::No => {}
            Waiting::Deeply => self.wake(),
            Waiting::Lightly => {
                if urgent || self.behind || self.events.len() >= self.capacity / 4 {
                    self.wake();
                }
            }
        }
    }

    /// Near the end of the room an event that can be merged only takes the place of an older one.
    /// So making room, which looks at the whole backlog, is needed at most once per quarter of it.
    fn push_mergeable(&mut self, event: Stamped) {
        if self.events.len() >= self.capacity - self.capacity / 4 {
            let kind = std::mem::discriminant(&event.kind);
            let older = self.events.iter().rposition(|known| {
                known.node == event.node && std::mem::discriminant(&known.kind) == kind
            });
            let Some(place) = older else { return };
            self.events.remove(place);
        } else {
            self.mergeable += 1;
        }
        self.events.push_back(event);
    }

    fn make_room(&mut self) -> bool {
        if self.mergeable == 0 {
            return false;
        }
        self.events.retain(|event| !event.kind.is_mergeable());
        self.mergeable = 0;
        true
    }

    /// Gives everything away in exchange for an empty backlog.
    pub(super) fn swap(&mut self, empty: &mut VecDeque<Stamped>) {
        std::mem::swap(&mut self.events, empty);
        self.mergeable = 0;
    }

    pub(super) fn wake(&mut self) {
        self.waiting = Waiting::No;
        self.signal.call();
    }
}
