//! What happened in a run, as data: one ordered stream of events and the state they add up to.
//!
//! Every run has one stream. It opens with [`RunStarted`], every node of the plan gets exactly one
//! [`Finished`], and it closes with exactly one [`RunFinished`]. A [`Snapshot`] is the state after
//! some event; applying the later events to it gives the state of the live run, and replaying a
//! whole log gives the same state again.
//!
//! Events are plain data: cloneable, comparable, and flat JSON objects on the wire:
//!
//! ```json
//! {"seq":7,"run":1,"revision":0,"t_us":1250,"node":3,"kind":"step_started","attempt":1}
//! ```

mod catch_up;
mod error_info;
mod finished;
mod kind;
mod node_state;
mod state;
mod suggestion;

use serde::{Deserialize, Serialize};

pub use crate::cache::Tier;
pub use error_info::ErrorInfo;
pub use finished::{Counts, Finished, Status};
pub use kind::{
    EventKind, PlannedNode, Preview, RunFinished, RunStarted, RunStatus, StepProgress, Throttle,
    Totals, Warning,
};
pub(crate) use node_state::NodeTable;
pub use node_state::{NodeState, NodeStatus};
pub use state::Snapshot;
pub use suggestion::{Edit, Suggestion};

use crate::id::{NodeId, RunId};

/// One thing that happened in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The place in the run's stream, counted from 0 without gaps. A slow subscriber may see gaps
    /// where progress or previews were merged, and nowhere else.
    pub seq: u64,
    /// The run.
    pub run: RunId,
    /// The revision of the graph that the run computes.
    pub revision: u64,
    /// Microseconds since the run started. Never less than that of an earlier event.
    pub t_us: u64,
    /// The node it happened to, if it happened to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

#[cfg(test)]
pub(crate) mod history;
#[cfg(test)]
mod tests;
