//! What can go wrong: one error type for steps, graphs, plans and runs, and its data form.

mod fault;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use fault::nearest_suffix;
pub use fault::{Fault, FaultCode, nearest};

/// The result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Any cause an embedder's step may wrap.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a run was told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CancelReason {
    /// A person or the embedding program asked for it.
    User,
    /// A newer edit made this run's result unwanted.
    Superseded,
    /// The run's or the step's deadline passed.
    Timeout,
    /// Another step failed and the run's policy is to stop at the first failure.
    PeerFailed,
    /// The executor is going away.
    Shutdown,
}

impl std::fmt::Display for CancelReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::User => "on request",
            Self::Superseded => "because a newer edit replaced it",
            Self::Timeout => "because its time was up",
            Self::PeerFailed => "because another step failed",
            Self::Shutdown => "because the executor is shutting down",
        })
    }
}

/// What a step, a graph, a plan or a run reports when it cannot go on.
///
/// Failure, panic, time-out and cancellation are different outcomes and stay so up to the report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The graph, its parameters or a pipeline file has faults; all of them are listed.
    #[error("{}", list(.0))]
    Invalid(Vec<Fault>),

    /// A step was given data that it cannot work on.
    #[error("{what} is {found}, expected {expected}")]
    Input {
        /// What was looked at, for example ``the sample type of `image` ``.
        what: String,
        /// What it was.
        found: String,
        /// What it should have been.
        expected: String,
    },

    /// A step failed for a reason of its own.
    #[error("{message}")]
    Failed {
        /// What failed, in one clause.
        message: String,
        /// The underlying error, if there is one.
        #[source]
        source: Option<Cause>,
        /// Whether trying again may help (a busy file, a lost connection).
        transient: bool,
    },

    /// A file could not be read or written.
    #[error("{}: cannot {action}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was attempted: `read`, `write`, `decode`, `encode`.
        action: &'static str,
        /// The underlying error.
        #[source]
        source: Cause,
    },

    /// A size does not fit into memory or passes a limit.
    #[error("{what} needs {needed} bytes, allowed are {allowed}")]
    TooLarge {
        /// What would have been allocated.
        what: String,
        /// Its size; saturated if it does not fit.
        needed: u64,
        /// The limit.
        allowed: u64,
    },

    /// The run was told to stop.
    #[error("cancelled {0}")]
    Cancelled(CancelReason),

    /// The step or the run passed its deadline.
    #[error("timed out after {after:?}{}", if *.still_running { ", still running" } else { "" })]
    TimedOut {
        /// The time that was allowed.
        after: Duration,
        /// Whether the step had not returned when this was reported.
        still_running: bool,
    },

    /// The step panicked; the panic was caught.
    #[error("panicked: {0}")]
    Panicked(String),

    /// The step was not run because one that it depends on did not finish.
    #[error("skipped because `{because}` did not finish")]
    Skipped {
        /// The node that failed first.
        because: String,
    },

    /// A node of a run did not finish.
    #[error("step `{node}` ({step}): {source}")]
    Node {
        /// The node's name in the graph.
        node: String,
        /// The name of its step type.
        step: String,
        /// What happened.
        #[source]
        source: Arc<Self>,
    },

    /// The caller asked for something that the graph, the plan or the report does not have.
    #[error("there is no {what} `{name}`{}", nearest_suffix(.nearest.as_deref()))]
    Unknown {
        /// The kind of thing: `node`, `step`, `parameter`, `input`.
        what: &'static str,
        /// The name that was asked for.
        name: String,
        /// The known name nearest to it.
        nearest: Option<String>,
    },
}

fn list(faults: &[Fault]) -> String {
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

impl Error {
    /// A failure with a message of the step's own.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self::Failed { message: message.into(), source: None, transient: false }
    }

    /// A failure with a cause.
    #[must_use]
    pub fn caused(message: impl Into<String>, source: impl Into<Cause>) -> Self {
        Self::Failed { message: message.into(), source: Some(source.into()), transient: false }
    }

    /// A failure that trying again may cure; only these are retried.
    #[must_use]
    pub fn transient(message: impl Into<String>) -> Self {
        Self::Failed { message: message.into(), source: None, transient: true }
    }

    /// Data that a step cannot work on.
    #[must_use]
    pub fn input(
        what: impl Into<String>,
        found: impl std::fmt::Display,
        expected: impl Into<String>,
    ) -> Self {
        Self::Input { what: what.into(), found: found.to_string(), expected: expected.into() }
    }

    /// A name that is none of those known.
    #[must_use]
    pub fn unknown<'a>(
        what: &'static str,
        name: impl Into<String>,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let name = name.into();
        let nearest = nearest(&name, known);
        Self::Unknown { what, name, nearest }
    }

    /// Whether trying again may help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Failed { transient: true, .. })
    }

    /// A short stable word for the kind of error, as events and logs carry it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid",
            Self::Input { .. } => "input",
            Self::Failed { transient: false, .. } => "failed",
            Self::Failed { transient: true, .. } => "transient",
            Self::File { .. } => "file",
            Self::TooLarge { .. } => "too_large",
            Self::Cancelled(_) => "cancelled",
            Self::TimedOut { .. } => "timed_out",
            Self::Panicked(_) => "panicked",
            Self::Skipped { .. } => "skipped",
            Self::Node { source, .. } => source.code(),
            Self::Unknown { .. } => "unknown",
        }
    }

    /// The messages of the errors behind this one, nearest first.
    #[must_use]
    pub fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        let mut next = std::error::Error::source(self);
        while let Some(error) = next {
            causes.push(error.to_string());
            next = error.source();
        }
        causes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_lists_its_causes() {
        let io = std::io::Error::new(std::io::ErrorKind::NotFound, "no such file");
        let error = Error::File { path: "a.png".into(), action: "read", source: io.into() };
        assert_eq!(error.to_string(), "a.png: cannot read");
        assert_eq!(error.causes(), ["no such file"]);
    }
}
