//! How a node ended.

use serde::{Deserialize, Serialize};

use super::ErrorInfo;
use crate::cache::Tier;
use crate::id::NodeId;
use crate::key::Key;

/// How a node of a run ended, with what it cost: the payload of `step_finished`.
///
/// Every node of the plan gets exactly one, whatever happens to the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    /// How it ended.
    pub status: Status,
    /// Where the result came from, for [`Status::Cached`] and [`Status::Adopted`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// How many attempts it took; 0 if the step was not run.
    #[serde(default)]
    pub attempt: u32,
    /// Microseconds from its start to its end.
    #[serde(default)]
    pub duration_us: u64,
    /// Microseconds that threads spent inside the step, added up: its own and those that helped
    /// with its rows. A thread that waits inside the step, for a disk or for another thread, counts
    /// as well.
    #[serde(default)]
    pub thread_us: u64,
    /// Size of its results.
    #[serde(default)]
    pub bytes: u64,
    /// Pixels of its results.
    #[serde(default)]
    pub pixels: u64,
    /// The key of its first output, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    /// The group of steps that it ran in as one, by the number that the printed plan gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<u32>,
    /// For [`Status::Skipped`]: the node that failed first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<NodeId>,
    /// What went wrong, for [`Status::Failed`] and [`Status::Cancelled`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Box<ErrorInfo>>,
}

impl Finished {
    /// An end with this status that cost nothing.
    #[must_use]
    pub const fn new(status: Status) -> Self {
        Self {
            status,
            tier: None,
            attempt: 0,
            duration_us: 0,
            thread_us: 0,
            bytes: 0,
            pixels: 0,
            key: None,
            group: None,
            because: None,
            error: None,
        }
    }
}

/// The ways in which a node can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Status {
    /// The step ran and finished.
    Computed,
    /// The result came from the cache.
    Cached,
    /// The result came from another run that was computing it already.
    Adopted,
    /// An input was recomputed but did not change, so the former result still holds.
    CutOff,
    /// The node is switched off and passed its input on.
    Bypassed,
    /// Its value is one that the program handed in.
    Given,
    /// A node it depends on did not finish.
    Skipped,
    /// The step failed, panicked or ran out of time.
    Failed,
    /// The run was told to stop before the step had finished.
    Cancelled,
}

impl Status {
    /// All of them, in the order of [`Counts`].
    pub const ALL: [Self; 9] = [
        Self::Computed,
        Self::Cached,
        Self::Adopted,
        Self::CutOff,
        Self::Bypassed,
        Self::Given,
        Self::Skipped,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Whether the node has a result.
    #[must_use]
    pub const fn is_ok(self) -> bool {
        !matches!(self, Self::Skipped | Self::Failed | Self::Cancelled)
    }

    /// The word for it in events, logs and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Computed => "computed",
            Self::Cached => "cached",
            Self::Adopted => "adopted",
            Self::CutOff => "cut_off",
            Self::Bypassed => "bypassed",
            Self::Given => "given",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// How many nodes ended in each way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Nodes whose step ran and finished.
    pub computed: u32,
    /// Nodes served from the cache.
    pub cached: u32,
    /// Nodes whose result came from another run.
    pub adopted: u32,
    /// Nodes whose former result still holds.
    pub cut_off: u32,
    /// Nodes that are switched off.
    pub bypassed: u32,
    /// Inputs of the graph, whose values the program handed in.
    pub given: u32,
    /// Nodes that could not run.
    pub skipped: u32,
    /// Nodes that failed.
    pub failed: u32,
    /// Nodes that were stopped.
    pub cancelled: u32,
}

impl Counts {
    /// Counts one more node.
    pub const fn add(&mut self, status: Status) {
        *self.slot(status) += 1;
    }

    /// How many nodes ended in this way.
    #[must_use]
    pub const fn of(&self, status: Status) -> u32 {
        let mut copy = *self;
        *copy.slot(status)
    }

    /// How many nodes ended.
    #[must_use]
    pub fn total(&self) -> u32 {
        Status::ALL.iter().map(|&status| self.of(status)).sum()
    }

    /// How many nodes have a result that did not have to be computed.
    #[must_use]
    pub const fn served(&self) -> u32 {
        self.cached + self.adopted + self.cut_off
    }

    /// The share of results that did not have to be computed, from 0 to 1; `None` without results.
    /// What nobody would have computed, such as the value of an input, is not counted.
    #[must_use]
    pub fn hit_rate(&self) -> Option<f64> {
        let hits = self.served();
        let results = hits + self.computed;
        (results > 0).then(|| f64::from(hits) / f64::from(results))
    }

    const fn slot(&mut self, status: Status) -> &mut u32 {
        match status {
            Status::Computed => &mut self.computed,
            Status::Cached => &mut self.cached,
            Status::Adopted => &mut self.adopted,
            Status::CutOff => &mut self.cut_off,
            Status::Bypassed => &mut self.bypassed,
            Status::Given => &mut self.given,
            Status::Skipped => &mut self.skipped,
            Status::Failed => &mut self.failed,
            Status::Cancelled => &mut self.cancelled,
        }
    }
}
