//! What planning asks of every node, side by side.
//!
//! A node is three allocations away from its place. Every pass over a large graph would wait for
//! all of them; so they are visited once, when the graph is frozen, and again when a node is
//! edited.

use super::{NodeInfo, Retry};
use crate::key::Key;
use crate::step::{Arity, CutOff, Form, Kind, Lane};

/// What planning asks of one node.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "answers to questions that are asked apart")]
pub(crate) struct Facts {
    /// Of name, version and parameters of the step; [`Key::UNKNOWN`] if there is none.
    pub(crate) digest: Key,
    /// The name of the node's step, or `input`.
    pub(crate) step: &'static str,
    /// Nanoseconds that the step says it takes, if it does.
    pub(crate) nanos: Option<f32>,
    /// Bytes that the step says its results take, if it does.
    pub(crate) bytes: Option<f32>,
    pub(crate) kind: Kind,
    pub(crate) cut_off: CutOff,
    /// Whether the node is a step and not an input of the graph.
    pub(crate) is_step: bool,
    pub(crate) is_bypassed: bool,
    /// Whether the result depends on files or services.
    pub(crate) is_external: bool,
    pub(crate) reads_files: bool,
    /// Whether random numbers start from the name of the result.
    pub(crate) is_seeded: bool,
    /// Whether each sample of the result is made from itself alone.
    pub(crate) is_by_sample: bool,
    /// The node's own priority.
    pub(crate) priority: i8,
    /// How many results there are.
    pub(crate) outputs: u16,
    /// Whether there is a port that does not take exactly one wire.
    pub(crate) has_odd_ports: bool,
    /// Whether parameters have faults.
    pub(crate) has_faults: bool,
    pub(crate) needs_units: bool,
    pub(crate) has_timeout: bool,
    /// The form in which the step can run together with others.
    pub(crate) form: Form,
    /// Whether a failure is tried again.
    pub(crate) retries: bool,
    /// Whether it retries, has a time limit or runs on threads of its own.
    pub(crate) is_special: bool,
}

impl Facts {
    pub(crate) fn of(info: &NodeInfo) -> Self {
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
            reads_files: false,
            is_seeded: false,
            is_by_sample: false,
            priority: settings.priority,
            outputs: info.output_count(),
            has_odd_ports: false,
            has_faults: false,
            needs_units: false,
            has_timeout: settings.timeout.is_some(),
            form: Form::Whole,
            retries: settings.retry != Retry::NEVER,
            is_special: settings.timeout.is_some() || settings.retry != Retry::NEVER,
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
        facts.has_odd_ports = body.kind.inputs.iter().any(|port| port.arity != Arity::One);
        facts.has_faults = !body.faults.is_empty();
        facts.needs_units = !spec.resources.is_empty();
        facts.is_special |= spec.lane != Lane::Compute;
        facts.form = body.form;
        facts.reads_files = !spec.reads.is_empty();
        facts.is_seeded = spec.seeded;
        facts.is_by_sample = spec.by_sample;
        facts.is_external = !spec.reads.is_empty() || !spec.services.is_empty();
        facts
    }

    /// Whether the identity of the results is the derived key, and stays so until the next edit.
    pub(crate) fn is_plain(&self) -> bool {
        self.is_step
            && !self.is_bypassed
            && !self.is_external
            && self.kind == Kind::Pure
            && self.cut_off == CutOff::Never
    }

    /// Whether the name of a result may change without an edit.
    pub(crate) fn is_unstable(&self) -> bool {
        !self.is_step || self.is_external || self.cut_off != CutOff::Never
    }
}
