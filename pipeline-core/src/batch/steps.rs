//! From the events of nodes to the progress of steps over frames.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::event::{BatchEvent, Progress};
use super::teller::Teller;
use crate::event::{Event, EventKind, PlannedNode};
use crate::id::NodeId;
use crate::observe::Observer;

/// Hears the run of one item and tells how far its steps have come.
pub(super) struct Steps {
    pub(super) fov: Arc<str>,
    pub(super) worker: usize,
    pub(super) every: u64,
    pub(super) teller: Arc<Teller>,
    pub(super) counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    of_node: HashMap<NodeId, usize>,
    steps: Vec<Count>,
}

#[derive(Debug)]
struct Count {
    name: Arc<str>,
    done: u64,
    frames: u64,
}

impl Observer for Steps {
    fn on_event(&self, event: &Event) {
        match &event.kind {
            EventKind::RunStarted(start) => *self.counts.lock() = Counts::of(&start.nodes),
            EventKind::StepFinished(end) if end.status.is_ok() => {
                let Some(progress) = event.node.and_then(|node| self.count(node)) else { return };
                self.teller.tell(&BatchEvent::Progress(progress));
            }
            _ => {}
        }
    }
}

impl Steps {
    /// Counts a frame, which is told of if it is the first, the last or one in so many.
    fn count(&self, node: NodeId) -> Option<Progress> {
        let mut counts = self.counts.lock();
        let at = *counts.of_node.get(&node)?;
        let Count { name, done, frames } = counts.steps.get_mut(at)?;
        *done += 1;
        let is_due = *done == 1 || done == frames || done.is_multiple_of(self.every.max(1));
        is_due.then(|| Progress {
            step: Arc::clone(name),
            fov: Arc::clone(&self.fov),
            worker: self.worker,
            t: *done,
            frames: *frames,
            message: format!("{name}: {done} of {frames} frames"),
        })
    }
}

impl Counts {
    fn of(nodes: &[PlannedNode]) -> Self {
        let mut counts = Self::default();
        let mut places: HashMap<&str, usize> = HashMap::new();
        for node in nodes {
            let name = step_of(&node.name);
            let at = *places.entry(name).or_insert_with(|| {
                counts.steps.push(Count { name: name.into(), done: 0, frames: 0 });
                counts.steps.len() - 1
            });
            counts.steps[at].frames += 1;
            counts.of_node.insert(node.id, at);
        }
        counts
    }
}

/// The name of a node without its frame: `cells` of `cells[12]`.
fn step_of(node: &str) -> &str {
    let frame = node.strip_suffix(']').and_then(|node| node.rsplit_once('['));
    match frame {
        Some((step, frame)) if frame.bytes().all(|digit| digit.is_ascii_digit()) => step,
        _ => node,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_is_no_part_of_the_name_of_a_step() {
        assert_eq!(step_of("cells[12]"), "cells");
        assert_eq!(step_of("cells[a]"), "cells[a]");
        assert_eq!(step_of("cells[1][2]"), "cells[1]");
        assert_eq!(step_of("]"), "]");
    }
}
