//! Holds progress back so that each node is heard at most 20 times a second, and never runs
//! backwards.
//!
//! Several threads report for one step, and what was counted first may arrive last. So of reports
//! that count the same units up to the same total only those that say something new are let
//! through. Another total or unit is another count, and so is one that begins anew at 0, as the
//! second of two equal passes does.

use crate::event::StepProgress;
use crate::id::NodeId;

/// Microseconds between two reports of a node.
const INTERVAL_US: u64 = 50_000;

/// The newest report of every running node that was not let through yet.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    /// One per node that has reported and still runs: few, as there are few workers; or all steps
    /// of a group, which report seldom.
    nodes: Vec<Reporting>,
    /// When the first of the held reports may go; `u64::MAX` if none is held.
    due_us: u64,
}

#[derive(Debug)]
struct Reporting {
    node: NodeId,
    next_us: u64,
    held: Option<(u64, StepProgress)>,
    /// The newest report, held or let through, without its words.
    newest: StepProgress,
}

impl Reporting {
    /// Whether a report says something that the newest one did not; then it is the newest.
    fn is_news(&mut self, progress: &StepProgress) -> bool {
        let newest = &mut self.newest;
        if (newest.total, &newest.unit) == (progress.total, &progress.unit) {
            let is_behind = progress.done < newest.done && progress.done > 0;
            let is_repeated = progress.done == newest.done && progress.message.is_none();
            if is_behind || is_repeated {
                return false;
            }
        }
        *newest = StepProgress { message: None, ..progress.clone() };
        true
    }
}

impl Limiter {
    pub(super) const fn new() -> Self {
        Self { nodes: Vec::new(), due_us: u64::MAX }
    }

    /// Gives the report back if it may go now, and keeps it otherwise; forgets it if it is behind
    /// an earlier one.
    pub(super) fn admit(
        &mut self,
        t_us: u64,
        node: NodeId,
        progress: StepProgress,
    ) -> Option<StepProgress> {
        let next_us = t_us.saturating_add(INTERVAL_US);
        let Some(reporting) = self.nodes.iter_mut().find(|reporting| reporting.node == node) else {
            let newest = StepProgress { message: None, ..progress.clone() };
            self.nodes.push(Reporting { node, next_us, held: None, newest });
            return Some(progress);
        };
        if !reporting.is_news(&progress) {
            return None;
        }
        if t_us < reporting.next_us {
            reporting.held = Some((t_us, progress));
            self.due_us = self.due_us.min(reporting.next_us);
            return None;
        }
        reporting.next_us = next_us;
        reporting.held = None;
        self.renew();
        Some(progress)
    }

    /// Forgets the node and gives back what was held.
    #[inline]
    pub(super) fn end(&mut self, node: NodeId) -> Option<(u64, StepProgress)> {
        let place = self.nodes.iter().position(|reporting| reporting.node == node)?;
        let held = self.nodes.swap_remove(place).held;
        self.renew();
        held
    }

    /// Takes one held report whose time has come.
    #[inline]
    pub(super) fn due(&mut self, t_us: u64) -> Option<(u64, NodeId, StepProgress)> {
        if t_us < self.due_us {
            return None;
        }
        let reporting = self
            .nodes
            .iter_mut()
            .find(|reporting| reporting.held.is_some() && reporting.next_us <= t_us)?;
        let held = reporting.held.take();
        reporting.next_us = t_us.saturating_add(INTERVAL_US);
        let node = reporting.node;
        self.renew();
        held.map(|(at, progress)| (at, node, progress))
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }

    fn renew(&mut self) {
        let held = self.nodes.iter().filter(|reporting| reporting.held.is_some());
        self.due_us = held.map(|reporting| reporting.next_us).min().unwrap_or(u64::MAX);
    }
}
