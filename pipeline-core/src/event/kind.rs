//! The kinds of events and what each carries.
//!
//! The kinds that come once per node lie inline and allocate nothing; the rare ones are boxed.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Counts, Finished, Suggestion, Tier};
use crate::id::NodeId;
use crate::key::Key;

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// The run began. The first event of every stream.
    RunStarted(RunStarted),
    /// Everything the node needs is there; it waits for a thread.
    StepQueued,
    /// The step began to run.
    StepStarted {
        /// Which attempt this is, counted from 1.
        attempt: u32,
    },
    /// The step came further. At most 20 a second per node.
    StepProgress(StepProgress),
    /// The node ended; the only such event of the node.
    StepFinished(Finished),
    /// A small picture of the node's result can be fetched.
    PreviewReady(Box<Preview>),
    /// A stored result was thrown out to make room.
    Evicted {
        /// The key of the result.
        key: Key,
        /// Its size.
        bytes: u64,
        /// Where it lay.
        tier: Tier,
    },
    /// The executor does less, or again more, at once.
    Throttled {
        /// What made it.
        reason: Throttle,
        /// The limit before, in the unit of the reason.
        from: u64,
        /// The limit now.
        to: u64,
    },
    /// Something a person should know; the run goes on.
    Warning(Box<Warning>),
    /// The run ended; the last event of every stream.
    RunFinished(Box<RunFinished>),
}

impl EventKind {
    /// The word for the kind, as in JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::RunStarted(_) => "run_started",
            Self::StepQueued => "step_queued",
            Self::StepStarted { .. } => "step_started",
            Self::StepProgress(_) => "step_progress",
            Self::StepFinished(_) => "step_finished",
            Self::PreviewReady(_) => "preview_ready",
            Self::Evicted { .. } => "evicted",
            Self::Throttled { .. } => "throttled",
            Self::Warning(_) => "warning",
            Self::RunFinished(_) => "run_finished",
        }
    }

    /// Whether a newer event of the same kind and node replaces this one, so that it may be left
    /// out for a subscriber that is slow.
    #[must_use]
    pub const fn is_mergeable(&self) -> bool {
        matches!(self, Self::StepProgress(_) | Self::PreviewReady(_))
    }
}

/// What the run is going to do: the payload of `run_started`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunStarted {
    /// The nodes of the plan.
    pub nodes: Arc<[PlannedNode]>,
    /// The nodes whose results were asked for.
    pub targets: Arc<[NodeId]>,
    /// How many nodes the plan serves from the cache. Inputs of the graph are not among them.
    #[serde(default)]
    pub cached: u32,
    /// Microseconds that the run is expected to take, if that can be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate_us: Option<u64>,
}

/// A node of the plan, as people know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedNode {
    /// The node.
    pub id: NodeId,
    /// Its name in the graph.
    pub name: Arc<str>,
    /// The name of its step type.
    pub step: Arc<str>,
}

/// How far a step has come: the payload of `step_progress`.
///
/// Steps that run as one come as far as all of them together: rows are those that are being made.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct StepProgress {
    /// Units of work that are finished.
    pub done: u64,
    /// Units of work in all; 0 if unknown.
    pub total: u64,
    /// What is counted: `rows`, `frames`.
    #[serde(default)]
    pub unit: Cow<'static, str>,
    /// What the step says about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Milliseconds until the step will have finished, if it goes on like this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta_ms: Option<u64>,
}

/// A picture that can be fetched: the payload of `preview_ready`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// The key of the picture.
    pub key: Key,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Whether it stands for a result that is still to be computed exactly.
    #[serde(default)]
    pub approximate: bool,
}

/// What made the executor do less, or again more, at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Throttle {
    /// The machine is short of memory; the limits are byte budgets.
    Memory,
    /// Other work took, or gave back, processors; the limits are workers.
    Processors,
    /// A step larger than the byte budget runs alone; the limits are bytes.
    Overshoot,
}

/// Something a person should know: the payload of `warning`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Warning {
    /// A short stable word.
    pub code: Cow<'static, str>,
    /// What is the matter, in one clause.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suggestions: Vec<Suggestion>,
}

/// How the run ended: the payload of `run_finished`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunFinished {
    /// How it ended.
    pub status: RunStatus,
    /// What it did and what that cost.
    #[serde(default)]
    pub totals: Totals,
}

/// The ways in which a run can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RunStatus {
    /// Every target has its result.
    Completed,
    /// At least one node failed.
    Failed,
    /// It was told to stop.
    Cancelled,
    /// Its time was up.
    TimedOut,
}

impl std::fmt::Display for RunStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed out",
        })
    }
}

/// What a run did and what that cost.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    /// How many nodes ended in each way.
    pub counts: Counts,
    /// Microseconds from the start to the end.
    pub duration_us: u64,
    /// Microseconds that threads spent inside steps, waiting included, added up.
    pub thread_us: u64,
    /// Size of all computed results.
    pub bytes: u64,
    /// The most bytes that were live at once: results that somebody still needs, what steps that
    /// run as one make on the way, and the results of running steps.
    ///
    /// A result that is being made counts if its step says beforehand what it takes: with
    /// [`Spec::bytes`](crate::Spec::bytes), or as a [`Tile`](crate::Tile). That of any other step
    /// counts once the step has ended, and what a step needs beside its result does not count.
    pub peak_bytes: u64,
    /// The most that were in the run at once: threads that worked for it, and steps that waited for
    /// another attempt, another run or a thread of their lane.
    pub peak_concurrency: u32,
}
