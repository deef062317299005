//! From a snapshot back to events: what a listener that fell behind must hear.

use super::{Event, EventKind, NodeState, NodeStatus, RunStarted, Snapshot};
use crate::id::NodeId;

impl Snapshot {
    /// The events that lead from an earlier state of the same run to this one.
    ///
    /// They stand for the true events between the two, of which there are at least as many: what
    /// did not last, such as earlier progress, is left out; every end of a node is there once.
    /// Numbers and times grow and fit between those of the two states.
    #[must_use]
    pub fn catch_up(&self, since: &Self) -> Vec<Event> {
        let mut missed = Vec::new();
        if self.started && !since.started {
            missed.push((0, None, EventKind::RunStarted(self.run_started())));
        }
        let unseen = NodeState::default();
        for (info, state) in self.nodes() {
            missed_of_node(info.id, state, since.node(info.id).unwrap_or(&unseen), &mut missed);
        }
        let warnings = self.warning_count.saturating_sub(since.warning_count);
        let known = self.warnings.len().min(usize::try_from(warnings).unwrap_or(usize::MAX));
        for warning in self.warnings.iter().skip(self.warnings.len() - known) {
            missed.push((self.t_us, None, EventKind::Warning(Box::new(warning.clone()))));
        }
        missed.sort_by_key(|&(t_us, ..)| t_us);
        if let (Some(finished), None) = (&self.finished, &since.finished) {
            missed.push((self.t_us, None, EventKind::RunFinished(finished.clone())));
        }

        let mut t_us = since.t_us;
        let events = missed.into_iter().zip(since.next_seq..);
        let stamp = |((at, node, kind), seq)| {
            t_us = t_us.max(at);
            Event { seq, run: self.run, revision: self.revision, t_us, node, kind }
        };
        events.map(stamp).collect()
    }

    /// How many events [`catch_up`](Self::catch_up) makes for someone who has heard nothing.
    pub(crate) fn events_told(&self) -> u64 {
        let of_node = |state: &NodeState| {
            let told = [
                state.queued_us.is_some(),
                state.started_us.is_some(),
                state.progress.is_some(),
                state.finished.is_some(),
                state.preview.is_some(),
            ];
            told.into_iter().map(u64::from).sum::<u64>()
        };
        let nodes: u64 = self.nodes().map(|(_, state)| of_node(state)).sum();
        let run = u64::from(self.started) + u64::from(self.finished.is_some());
        nodes + run + self.warnings.len() as u64
    }

    /// What the run's first event told.
    #[must_use]
    pub fn run_started(&self) -> RunStarted {
        RunStarted {
            nodes: self.planned_nodes(),
            targets: std::sync::Arc::clone(&self.targets),
            cached: self.cached,
            estimate_us: self.estimate_us,
        }
    }
}

type Missed = (u64, Option<NodeId>, EventKind);

fn missed_of_node(id: NodeId, now: &NodeState, then: &NodeState, missed: &mut Vec<Missed>) {
    let node = Some(id);
    let status = now.status();
    if let (Some(at), None, NodeStatus::Pending) = (now.queued_us, then.queued_us, then.status()) {
        missed.push((at, node, EventKind::StepQueued));
    }
    if let Some(at) = now.started_us.filter(|_| now.attempt > then.attempt) {
        missed.push((at, node, EventKind::StepStarted { attempt: now.attempt }));
    }
    let moved = (now.attempt, &now.progress) != (then.attempt, &then.progress);
    if let Some(progress) = now.progress.as_ref().filter(|_| moved) {
        // It came at some time after the start; the start is what is known.
        let at = now.started_us.unwrap_or(0);
        missed.push((at, node, EventKind::StepProgress((**progress).clone())));
    }
    if let (Some(finished), false) = (&now.finished, status == then.status()) {
        let at = now.ended_us.unwrap_or(0);
        missed.push((at, node, EventKind::StepFinished(finished.clone())));
    }
    if let Some(preview) = now.preview.as_ref().filter(|_| now.preview != then.preview) {
        let at = now.ended_us.unwrap_or(0);
        missed.push((at, node, EventKind::PreviewReady(preview.clone())));
    }
}
