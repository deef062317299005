//! Who looks at files and writes records while items are worked on, and holds up nobody by that.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Instant;

use super::ledger::Ledger;
use crate::event::{Event, EventKind, Status};
use crate::id::NodeId;
use crate::observe::Observer;

/// That a node of an item has ended; nothing after the last one.
pub(super) type Note = Option<(Arc<Ledger>, NodeId, Status)>;

/// Works until it is told of the end: a process that is killed loses no file that it has recorded.
pub(super) fn keep_records(notes: &Receiver<Note>) {
    let mut behind: Vec<(Arc<Ledger>, Instant)> = Vec::new();
    loop {
        let due = behind.iter().map(|&(_, due)| due).min();
        let note = match due {
            None => notes.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(due) => notes.recv_timeout(due.saturating_duration_since(Instant::now())),
        };
        match note {
            Ok(Some((ledger, node, status))) => {
                ledger.hear(node, status);
                if !behind.iter().any(|(known, _)| Arc::ptr_eq(known, &ledger)) {
                    behind.push((ledger, Instant::now()));
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Ok(None) | Err(RecvTimeoutError::Disconnected) => return,
        }
        behind.retain_mut(|(ledger, due)| {
            let next = ledger.catch_up();
            *due = next.unwrap_or(*due);
            next.is_some()
        });
    }
}

/// Tells the clerk of the run of an item.
pub(super) struct Ear {
    pub(super) ledger: Arc<Ledger>,
    pub(super) clerk: Sender<Note>,
}

impl Observer for Ear {
    fn on_event(&self, event: &Event) {
        let EventKind::StepFinished(end) = &event.kind else { return };
        if let Some(node) = event.node.filter(|&node| self.ledger.is_of(node)) {
            // Where there is no clerk, all is noted at the end.
            let _ = self.clerk.send(Some((Arc::clone(&self.ledger), node, end.status)));
        }
    }
}

/// Tells the clerk of the end, however that comes about.
pub(super) struct LastWord<'a>(pub(super) &'a Sender<Note>);

impl Drop for LastWord<'_> {
    fn drop(&mut self) {
        let _ = self.0.send(None);
    }
}
