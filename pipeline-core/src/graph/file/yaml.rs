//! Reading a pipeline file as YAML.

use serde::de::DeserializeSeed;

use super::format::{limit, place, syntax};
use super::limits::FileLimits;
use super::tree::{DEEPER, Meter, Tree};
use crate::error::{Fault, FaultCode};

/// Aliases of a YAML file stand for at most this much: values, ends of lists and of objects.
const ALIASED: usize = 200_000;

pub(super) fn tree(text: &str, meter: &Meter, limits: &FileLimits) -> Result<Tree, Fault> {
    let bytes = usize::try_from(limits.max_bytes).unwrap_or(usize::MAX);
    // A value is one event, a list or an object two. One level more than is allowed, so that the
    // limit that is told is ours.
    let events = limits.max_values.saturating_mul(2);
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_reader_input_bytes: Some(bytes),
            max_events: events,
            max_nodes: events,
            max_total_scalar_bytes: bytes,
            max_recorded_anchor_events: ALIASED,
            max_depth: meter.max_depth() + 1,
            max_documents: 2,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: ALIASED },
        strict_booleans: true,
        non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::PassThrough,
        with_snippet: false,
    };
    let read = |reader: serde_saphyr::Deserializer<'_, '_>| meter.root().deserialize(reader);
    serde_saphyr::with_deserializer_from_str_with_options(text, options, read).map_err(|error| {
        let error = error.without_snippet();
        let path = error.location().filter(|location| location.line() > 0).map_or_else(
            || "file".to_owned(),
            |location| place(location.line(), location.column()),
        );
        let error = match error {
            serde_saphyr::Error::AliasError { error, .. } => error,
            other => other,
        };
        match error {
            serde_saphyr::Error::Budget { breach, .. } => {
                limit(path, &format!("{breach:?}"), meter, limits)
            }
            serde_saphyr::Error::AliasReplayLimitExceeded { .. } => {
                limit(path, "aliases that stand for more", meter, limits)
            }
            serde_saphyr::Error::DuplicateMappingKey { key, .. } => {
                let found = format!("`{}` a second time", key.as_deref().unwrap_or("a field"));
                Fault::new(FaultCode::Name, path, found, "each name once")
            }
            other => {
                let message = other.to_string();
                let message = message.lines().next().unwrap_or_default();
                if message.contains("recursion limit") {
                    return limit(path, DEEPER, meter, limits);
                }
                let told = format!(" at {path}");
                syntax(path, message.strip_suffix(&told).unwrap_or(message), "well-formed YAML")
            }
        }
    })
}
