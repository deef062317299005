//! What planning asks of every node, side by side.
//!
//! A node is three allocations away from its place. Every pass over a large graph would wait for
//! all of them; so they are visited once, when the graph is frozen, and again when a node is edited.

use crate::graph::NodeInfo;
use crate::key::Key;
use crate::step::{CutOff, Kind};

/// What planning asks of one node.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    /// Of name, version and parameters of the step; [`Key::UNKNOWN`] if there is none.
    pub(super) digest: Key,
    /// The name of the node's step, or `input`.
    pub(super) step: &'static str,
    /// Nanoseconds that the step says it takes, if it does.
    pub(super) nanos: Option<f32>,
    /// Bytes that the step says its results take, if it does.
    pub(super) bytes: Option<f32>,
    pub(super) kind: Kind,
    pub(super) cut_off: CutOff,
    /// Whether the node is a step and not an input of the graph.
    pub(super) is_step: bool,
    pub(super) is_bypassed: bool,
    /// Whether the result depends on files or services.
    pub(super) is_external: bool,
    /// The node's own priority.
    pub(super) priority: i8,
}

impl Facts {
    pub(super) fn of(info: &NodeInfo) -> Self {
        let settings = info.settings();
        let mut facts = Self {
            digest: Key::UNKNOWN,
            step: info.step_name(),
            nanos: None,
            bytes: None,
            kind: Kind::Pure,
            cut_off: CutOff::Never,
            is_step: false,
            is_bypassed: settings.bypassed,
            is_external: false,
            priority: settings.priority,
        };
        let Some(body) = info.body() else { return facts };
        let spec = &body.spec;
        facts.is_step = true;
        facts.digest = body.digest.unwrap_or(Key::UNKNOWN);
        facts.nanos = spec.cost.map(|cost| cost.as_secs_f32() * 1e9);
        #[expect(clippy::cast_precision_loss, reason = "an estimate needs no more than 24 bits")]
        let bytes = spec.bytes.map(|bytes| bytes as f32);
        facts.bytes = bytes;
        (facts.kind, facts.cut_off) = (spec.kind, spec.cut_off);
        facts.is_external = !spec.reads.is_empty() || !spec.services.is_empty();
        facts
    }

    /// Whether the identity of the results is the derived key, and stays so until the next edit.
    pub(super) fn is_plain(&self) -> bool {
        self.is_step
            && !self.is_bypassed
            && !self.is_external
            && self.kind == Kind::Pure
            && self.cut_off == CutOff::Never
    }

    /// Whether the name of a result may change without an edit.
    pub(super) fn is_unstable(&self) -> bool {
        !self.is_step || self.is_external || self.cut_off != CutOff::Never
    }
}
