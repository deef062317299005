//! One node of a graph: its step or input, and how it is to be run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{Data, DataType};
use crate::error::Fault;
use crate::key::Key;
use crate::step::{AnyStep, Form, Spec, StepType, Units, check_params};

/// A node: a step with its parameters, or a named input of the graph.
#[derive(Debug, Clone)]
pub struct NodeInfo {
    name: Arc<str>,
    pub(crate) body: Body,
    /// Left out where they are the default, as they are in all but a few nodes.
    settings: Option<Box<Settings>>,
}

#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// A value that is given for each run.
    Input(DataType),
    /// A step.
    Step(Arc<StepBody>),
}

#[derive(Debug)]
pub(crate) struct StepBody {
    pub(crate) step: Arc<dyn AnyStep>,
    pub(crate) kind: Arc<StepType>,
    pub(crate) spec: Spec,
    pub(crate) form: Form,
    /// Of name, version and parameters; `None` if the parameters cannot be serialised.
    pub(crate) digest: Option<Key>,
    /// Faults of the parameters, with paths below the node's own.
    pub(crate) faults: Vec<Fault>,
}

impl Body {
    pub(crate) fn input<T: Data>() -> Self {
        Self::Input(DataType::of::<T>())
    }

    /// Everything that depends on the parameters alone is worked out here, once, so that planning
    /// and running never ask the step again.
    pub(crate) fn step(step: Arc<dyn AnyStep>, kind: Arc<StepType>) -> Self {
        let mut faults = Vec::new();
        if kind.has_parameters() {
            check_params(&kind.schema, &step.params(), "params", &mut faults);
            for fault in step.not_finite("params") {
                // Where null is no value, the check of the written form told it.
                if faults.iter().all(|other| other.path != fault.path) {
                    faults.push(fault);
                }
            }
        }
        let (mut spec, digest) = (step.spec(), step.digest().ok());
        merge(&mut spec.resources);
        // A panic there is told when the step runs.
        let form = catch_unwind(AssertUnwindSafe(|| Form::of(&*step))).unwrap_or_default();
        Self::Step(Arc::new(StepBody { step, kind, spec, form, digest, faults }))
    }
}

/// Adds up what is asked for in several parts, so that it can be taken all or nothing.
fn merge(resources: &mut Vec<Units>) {
    let mut merged: Vec<Units> = Vec::with_capacity(resources.len());
    for need in resources.drain(..) {
        match merged.iter_mut().find(|other| other.resource == need.resource) {
            Some(other) => other.units = other.units.saturating_add(need.units),
            None => merged.push(need),
        }
    }
    *resources = merged;
}

/// How a node is run. Never enters a key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Whether the node passes its input on instead of running: each output carries the first
    /// input of the same data type.
    #[serde(skip_serializing_if = "is_false")]
    pub bypassed: bool,
    /// How often and how patiently a transient failure is tried again.
    #[serde(skip_serializing_if = "Retry::is_never")]
    pub retry: Retry,
    /// The time one attempt may take. A file holds it to the nanosecond up to 13 days, above that
    /// to the millisecond.
    #[serde(rename = "timeout_ms", with = "millis", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<f64>", range(min = 0), extend("x-unit" = "ms"))]
    pub timeout: Option<Duration>,
    /// Higher runs first among nodes that are ready.
    #[serde(skip_serializing_if = "is_zero")]
    pub priority: i8,
    /// What an editor attached, such as a position; kept as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta: Option<serde_json::Value>,
}

impl Settings {
    const DEFAULT: Self =
        Self { bypassed: false, retry: Retry::NEVER, timeout: None, priority: 0, meta: None };
}

impl Default for Settings {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
const fn is_zero(value: &i8) -> bool {
    *value == 0
}

mod millis {
    //! A duration as milliseconds: a whole number where it is one.

    use std::time::Duration;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};
    use serde_json::Number;

    /// Fewer nanoseconds than this are found again behind a fraction of milliseconds, whatever the
    /// roundings on the way there and back.
    const EXACT: u128 = 1 << 50;

    const NANOS: f64 = 1e6;

    #[expect(clippy::ref_option, reason = "the signature serde asks for")]
    pub(super) fn serialize<S: Serializer>(
        value: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let Some(time) = value else { return serializer.serialize_none() };
        if time.subsec_nanos() % 1_000_000 != 0 && time.as_nanos() < EXACT {
            return serializer.serialize_f64(time.as_nanos() as f64 / NANOS);
        }
        serializer.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        let Some(number) = Option::<Number>::deserialize(deserializer)? else { return Ok(None) };
        if let Some(whole) = number.as_u64() {
            return Ok(Some(Duration::from_millis(whole)));
        }
        let time = number.as_f64().and_then(|millis| {
            // To the nanosecond, which the fraction stands for.
            let nanos = (millis * NANOS).round();
            Duration::try_from_secs_f64(nanos / 1e9).ok()
        });
        time.map(Some).ok_or_else(|| {
            D::Error::custom(format_args!("a time of {number} ms, expected 0 or more"))
        })
    }
}

/// How a transient failure is tried again: after `delay`, then twice that, and so on up to a
/// minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// Attempts in all; 1 never tries again. An executor makes one if this is 0, and 255 at most.
    #[schemars(range(min = 1, max = 255))]
    pub attempts: u32,
    /// Milliseconds before the second attempt.
    #[serde(default)]
    #[schemars(extend("x-unit" = "ms"))]
    pub delay_ms: u64,
}

impl Retry {
    /// One attempt only.
    pub const NEVER: Self = Self { attempts: 1, delay_ms: 0 };

    fn is_never(&self) -> bool {
        *self == Self::NEVER
    }

    /// The pause after attempt number `attempt`.
    #[must_use]
    pub fn pause(&self, attempt: u32) -> Duration {
        let factor = 1u64 << attempt.saturating_sub(1).min(16);
        Duration::from_millis(self.delay_ms.saturating_mul(factor)).min(Duration::from_secs(60))
    }
}

impl NodeInfo {
    pub(crate) fn new(name: Arc<str>, body: Body) -> Self {
        Self { name, body, settings: None }
    }

    /// The node's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    pub(crate) fn rename(&mut self, name: Arc<str>) {
        self.name = name;
    }

    /// The node's step; `None` for an input of the graph.
    #[must_use]
    pub fn step(&self) -> Option<&Arc<dyn AnyStep>> {
        self.body().map(|body| &body.step)
    }

    /// The type of the node's step; `None` for an input of the graph.
    #[must_use]
    pub fn step_type(&self) -> Option<&Arc<StepType>> {
        self.body().map(|body| &body.kind)
    }

    /// The name of the node's step, or `input`.
    #[must_use]
    pub fn step_name(&self) -> &'static str {
        self.body().map_or("input", |body| body.kind.name)
    }

    /// What a graph input carries; `None` for a step.
    #[must_use]
    pub const fn input_type(&self) -> Option<DataType> {
        match &self.body {
            Body::Input(data) => Some(*data),
            Body::Step(_) => None,
        }
    }

    /// How the node is run.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        self.settings.as_deref().unwrap_or(&Settings::DEFAULT)
    }

    pub(super) fn set_settings(&mut self, settings: Settings) {
        self.settings = (settings != Settings::DEFAULT).then(|| Box::new(settings));
    }

    pub(crate) fn body(&self) -> Option<&StepBody> {
        match &self.body {
            Body::Input(_) => None,
            Body::Step(body) => Some(body),
        }
    }

    pub(crate) fn output_type(&self, port: u16) -> Option<DataType> {
        match &self.body {
            Body::Input(data) => (port == 0).then_some(*data),
            Body::Step(body) => body.kind.outputs.get(usize::from(port)).map(|port| port.data),
        }
    }

    pub(crate) fn output_count(&self) -> u16 {
        self.body().map_or(1, |body| u16::try_from(body.kind.outputs.len()).unwrap_or(u16::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute() {
        let retry = Retry { attempts: 9, delay_ms: 500 };
        let pauses: Vec<u64> =
            [1, 2, 3, 40].map(|n| retry.pause(n).as_millis().try_into().unwrap()).to_vec();
        assert_eq!(pauses, [500, 1000, 2000, 60_000]);
    }

    #[test]
    fn default_settings_are_left_out_of_files() {
        assert_eq!(serde_json::to_string(&Settings::default()).unwrap(), "{}");
        let settings = Settings { timeout: Some(Duration::from_secs(2)), ..Settings::default() };
        let text = serde_json::to_string(&settings).unwrap();
        assert_eq!(text, r#"{"timeout_ms":2000}"#);
        assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), settings);
    }

    #[test]
    fn a_time_limit_is_written_to_the_nanosecond() {
        let text = |time| {
            let settings = Settings { timeout: Some(time), ..Settings::default() };
            let text = serde_json::to_string(&settings).unwrap();
            assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), settings, "{text}");
            text
        };
        assert_eq!(text(Duration::from_micros(500)), r#"{"timeout_ms":0.5}"#);
        assert_eq!(text(Duration::from_nanos(1)), r#"{"timeout_ms":1e-6}"#);
        assert_eq!(text(Duration::from_micros(1_234_567)), r#"{"timeout_ms":1234.567}"#);
        assert_eq!(
            text(Duration::from_millis(u64::MAX)),
            format!(r#"{{"timeout_ms":{}}}"#, u64::MAX)
        );
        text(Duration::ZERO);
        text(Duration::from_nanos((1 << 50) - 1));
        let long =
            Settings { timeout: Some(Duration::from_nanos(1 << 53 | 1)), ..Settings::default() };
        assert_eq!(serde_json::to_string(&long).unwrap(), r#"{"timeout_ms":9007199254}"#);
        for refused in ["-1", "-0.5", "1e300", r#""1""#, "[]"] {
            let text = format!(r#"{{"timeout_ms":{refused}}}"#);
            assert!(serde_json::from_str::<Settings>(&text).is_err(), "{refused}");
        }
    }
}
