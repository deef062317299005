//! What a batch tells while it goes on.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What happened in a batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum BatchEvent {
    /// The first of all.
    Started {
        /// Items in all.
        items: usize,
        /// Batches that they make.
        batches: usize,
        /// Items that are at work at the same time.
        workers: usize,
    },
    /// A worker took up an item.
    ItemStarted {
        /// The item.
        fov: Arc<str>,
        /// The batch that it belongs to, from 0 on.
        batch: usize,
        /// The worker, from 0 on.
        worker: usize,
        /// Which attempt this is, counted from 1.
        attempt: u32,
    },
    /// A step of an item came further.
    Progress(Progress),
    /// An item ended, for good if it will not be tried again.
    ItemFinished {
        /// The item.
        fov: Arc<str>,
        /// The worker, from 0 on.
        worker: usize,
        /// How it ended.
        status: ItemStatus,
        /// What failed, and why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        /// Whether it will be tried again.
        again: bool,
        /// Milliseconds that it took.
        duration_ms: u64,
        /// Items that have ended for good.
        done: usize,
        /// Items in all.
        items: usize,
        /// Milliseconds until all will have ended, if it goes on like this.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        eta_ms: Option<u64>,
    },
    /// All items of a batch have ended.
    BatchFinished {
        /// The batch, from 0 on.
        batch: usize,
        /// Batches in all.
        batches: usize,
    },
    /// The last of all.
    Finished {
        /// Items that are done, before or now.
        done: usize,
        /// Items that are not.
        open: usize,
    },
}

/// How far a step of an item has come.
///
/// Nodes that are named as one step at several frames, as by
/// [`Graph::add_frames`](crate::Graph::add_frames), count as one step with so many frames; any
/// other node is a step with one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The step, as the graph names it.
    pub step: Arc<str>,
    /// The item.
    pub fov: Arc<str>,
    /// The worker, from 0 on.
    pub worker: usize,
    /// Frames that are done.
    pub t: u64,
    /// Frames in all.
    #[serde(rename = "T")]
    pub frames: u64,
    /// The same in words.
    pub message: String,
}

/// How an item ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ItemStatus {
    /// It was done.
    Done,
    /// It was done before, by what is recorded, and its files are whole.
    Unchanged,
    /// It failed.
    Failed,
    /// It was stopped, or not begun.
    Cancelled,
    /// Another process works on it.
    Elsewhere,
}

impl ItemStatus {
    /// Whether everything of the item is there.
    #[must_use]
    pub const fn is_ok(self) -> bool {
        matches!(self, Self::Done | Self::Unchanged)
    }

    /// The word for it, as in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Unchanged => "unchanged",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Elsewhere => "elsewhere",
        }
    }
}
