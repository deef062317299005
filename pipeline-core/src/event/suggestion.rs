//! What to do about an error or a warning, where possible as an edit a program can apply.

use serde::{Deserialize, Serialize};

/// One thing to do about an error or a warning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Suggestion {
    /// The advice in words.
    pub text: String,
    /// The same as an edit, where a program can apply it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edit: Option<Edit>,
}

impl Suggestion {
    /// Advice that only a person can follow.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), edit: None }
    }

    /// Advice that a program can apply.
    #[must_use]
    pub fn edit(text: impl Into<String>, edit: Edit) -> Self {
        Self { text: text.into(), edit: Some(edit) }
    }
}

/// A change of a graph or of a run's options, as data. Nodes go by their name in the graph.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "edit", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Edit {
    /// Sets a parameter, for example to the nearest allowed number.
    SetParam {
        /// The node.
        node: String,
        /// The path of the parameter within the step: `sigma`, `kernel.size`.
        path: String,
        /// The new value.
        value: serde_json::Value,
    },
    /// Switches a node off: it passes its input on.
    Bypass {
        /// The node.
        node: String,
    },
    /// Runs again; what has finished comes from the cache.
    Retry {
        /// The node to begin with.
        node: String,
    },
    /// Allows the cache more memory.
    RaiseCacheBudget {
        /// The new budget.
        bytes: u64,
    },
    /// Allows the step, or without a node the run, more time.
    RaiseTimeout {
        /// The node, if it is a step's time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        node: Option<String>,
        /// The new time.
        millis: u64,
    },
    /// Computes at a reduced scale.
    ReduceScale {
        /// The new scale as a fraction of full size: 1 / `divisor`.
        divisor: u32,
    },
}
