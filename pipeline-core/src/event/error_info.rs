//! An error as data: what failed, where, why, and what to do about it.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{Edit, Suggestion};
use crate::error::{CancelReason, Error, Fault, FaultCode};

/// An error of a node as data, for events, logs and editors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorInfo {
    /// The kind of error: [`Error::code`].
    pub code: Cow<'static, str>,
    /// What happened, in one clause, without the node.
    pub message: String,
    /// The node's name in the graph.
    pub node: String,
    /// The name of its step type.
    pub step: String,
    /// What is wrong: the path of a parameter, of a file, or the name of an input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What was found there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// What was expected there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The errors behind this one, nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
    /// All faults, if the error is a list of them; the first is also told by the fields above.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    /// What to do about it; never empty.
    pub suggestions: Vec<Suggestion>,
}

impl ErrorInfo {
    /// The data of an error that happened in the node `node`, a `step`.
    #[must_use]
    pub fn from_error(error: &Error, node: &str, step: &str) -> Self {
        Self::of_step(error, node, step, &|| Json::Null)
    }

    /// As [`from_error`](Self::from_error), for a step whose parameters are known: then a limit
    /// that one of them sets can be raised by an edit.
    pub(crate) fn of_step(
        error: &Error,
        node: &str,
        step: &str,
        params: &dyn Fn() -> Json,
    ) -> Self {
        let mut info = Self {
            code: Cow::Borrowed(error.code()),
            message: error.to_string(),
            node: node.to_owned(),
            step: step.to_owned(),
            path: None,
            found: None,
            expected: None,
            causes: error.causes(),
            faults: Vec::new(),
            suggestions: Vec::new(),
        };
        match error {
            // The inner error knows more; its node is the one that failed.
            Error::Node { node, step, source } => {
                return Self::of_step(source, node, step, params);
            }
            Error::Invalid(faults) => info.invalid(faults),
            Error::Input { what, found, expected } => {
                info.place(what.clone(), found.clone(), expected.clone());
                info.say(format!("connect or convert the input so that it is {expected}"));
                info.offer_bypass();
            }
            Error::Failed { transient, .. } => {
                let help = if *transient { "run again; this may pass" } else { "run again" };
                info.offer(help, Edit::Retry { node: info.node.clone() });
                info.offer_bypass();
            }
            Error::File { path, action, .. } => {
                info.path = Some(path.display().to_string());
                info.say(file_advice(action));
                info.offer("run again afterwards", Edit::Retry { node: info.node.clone() });
            }
            Error::TooLarge { what, needed, allowed } => {
                info.place(what.clone(), needed.to_string(), format!("at most {allowed}"));
                info.too_large(*needed, limit(&params(), *allowed));
            }
            Error::Cancelled(reason) => info.cancelled(*reason),
            Error::TimedOut { after, .. } => info.timed_out(*after),
            Error::Panicked(_) => {
                info.say("report the panic to the author of the step; nothing else is affected");
                info.offer_bypass();
            }
            Error::Skipped { because } => info.offer(
                format!("repair `{because}` and run again"),
                Edit::Retry { node: because.clone() },
            ),
            Error::Unknown { what, name, nearest } => {
                info.found = Some(name.clone());
                info.expected.clone_from(nearest);
                info.say(match nearest {
                    Some(nearest) => format!("use the {what} `{nearest}`"),
                    None => format!("add a {what} `{name}` or use another one"),
                });
            }
        }
        info
    }

    fn place(&mut self, path: String, found: String, expected: String) {
        self.path = Some(path);
        self.found = Some(found);
        self.expected = Some(expected);
    }

    fn say(&mut self, text: impl Into<String>) {
        self.suggestions.push(Suggestion::text(text));
    }

    fn offer(&mut self, text: impl Into<String>, edit: Edit) {
        self.suggestions.push(Suggestion::edit(text, edit));
    }

    fn offer_bypass(&mut self) {
        let text = format!("switch `{}` off", self.node);
        self.offer(text, Edit::Bypass { node: self.node.clone() });
    }

    fn invalid(&mut self, faults: &[Fault]) {
        if let Some(first) = faults.first() {
            self.place(first.path.clone(), first.found.clone(), first.expected.clone());
        }
        for fault in faults {
            match clamp(fault, &self.node) {
                Some((text, edit)) => self.offer(text, edit),
                None => self.say(fault_advice(fault)),
            }
        }
        if faults.is_empty() {
            self.say("check the graph");
        }
        self.faults = faults.to_vec();
    }

    fn too_large(&mut self, needed: u64, limit: Option<String>) {
        // A size that saturated fits nowhere, so there is nothing to raise a limit to.
        match limit.filter(|_| needed < u64::MAX) {
            Some(path) => {
                let text = format!("allow {needed} bytes by raising `{path}`");
                let node = self.node.clone();
                self.offer(text, Edit::SetParam { node, path, value: needed.into() });
            }
            None => self.say("give it less to work on: a part, or a smaller picture"),
        }
    }

    fn cancelled(&mut self, reason: CancelReason) {
        let text = match reason {
            CancelReason::User => "run again; what had finished comes from the cache",
            CancelReason::Superseded => "nothing to do: the newer edit is running",
            CancelReason::Timeout => "allow the run more time",
            CancelReason::PeerFailed => "repair the step that failed and run again",
            CancelReason::Shutdown => "run again with a new executor",
        };
        match reason {
            CancelReason::Superseded => self.say(text),
            _ => self.offer(text, Edit::Retry { node: self.node.clone() }),
        }
    }

    fn timed_out(&mut self, after: Duration) {
        let millis = u64::try_from(after.as_millis()).unwrap_or(u64::MAX).saturating_mul(2).max(1);
        let node = Some(self.node.clone());
        self.offer(format!("allow it {millis} ms"), Edit::RaiseTimeout { node, millis });
    }
}

/// The parameter that sets a limit: the only one of that value.
fn limit(params: &Json, allowed: u64) -> Option<String> {
    let fields = params.as_object().into_iter().flatten();
    let mut equal = fields.filter(|(_, value)| value.as_u64() == Some(allowed));
    let (name, _) = equal.next()?;
    equal.next().is_none().then(|| name.clone())
}

/// The edit that puts a number into its range, in words and as data.
fn clamp(fault: &Fault, node: &str) -> Option<(String, Edit)> {
    let value = fault.clamped()?;
    let (node, path) = match fault.path.strip_prefix("nodes.") {
        Some(path) => path.split_once(".params.")?,
        None => (node, fault.path.strip_prefix("params.")?),
    };
    // An edit sets whole parameters, not a place in a list.
    if path.contains('[') {
        return None;
    }
    let text = format!("set {} to {value}", fault.path);
    let (node, path) = (node.to_owned(), path.to_owned());
    Some((text, Edit::SetParam { node, path, value: value.into() }))
}

fn file_advice(action: &str) -> &'static str {
    match action {
        "read" => "check that the file exists and may be read",
        "decode" => "check that the file is complete and of a known format",
        "write" => "check that the folder exists, may be written to and has space left",
        _ => "check the file and its folder",
    }
}

fn fault_advice(fault: &Fault) -> String {
    let Fault { path, expected, .. } = fault;
    match (&fault.nearest, fault.code) {
        (Some(nearest), _) if fault.clamped().is_none() => {
            format!("at {path}: write `{nearest}`")
        }
        (_, FaultCode::Cycle) => format!("at {path}: remove one of the wires"),
        (_, FaultCode::Missing) => format!("at {path}: connect {expected}"),
        (_, FaultCode::Range | FaultCode::Type) => format!("set {path} to {expected}"),
        (_, _) => format!("at {path}: give {expected}"),
    }
}
