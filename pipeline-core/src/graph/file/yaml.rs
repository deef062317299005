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
        let place_of = error.location().filter(|location| location.line() > 0);
        let place_of = place_of.map(|location| (location.line(), location.column()));
        let path = place_of.map_or_else(|| "file".to_owned(), |(line, column)| place(line, column));
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
                let message = message.strip_suffix(&told).unwrap_or(message);
                let (found, expected) = reworded(message, text, place_of);
                syntax(path, found, &expected)
            }
        }
    })
}

/// What the reader says in words of its own or of its program, as what was found and what was
/// expected there.
const WORDS: &[(&str, &str, &str)] = &[
    ("multiple YAML documents", "a second document", "one document"),
    ("unknown anchor", "an alias of no anchor", "an anchor of this name before it"),
    ("recursive references", "an alias inside of what it stands for", "an alias behind it"),
    ("expected string scalar", "a key that is a list or an object", "text"),
    ("merge value must be", "a single value to merge", "an object or a list of objects"),
    ("tabs disallowed", "a tab", "spaces"),
    ("mapping values are not allowed", "a `:` that begins no object", "one `name: value` per line"),
];

/// A message as what was found and what was expected. Where it only says what was expected, the
/// character there was found.
fn reworded(message: &str, text: &str, place: Option<(u64, u64)>) -> (String, String) {
    if let Some((_, found, expected)) = WORDS.iter().find(|(word, _, _)| message.contains(word)) {
        return ((*found).to_owned(), (*expected).to_owned());
    }
    if let Some((_, expected)) = message.split_once(", did not find expected ") {
        return (at(text, place), expected.replace('\'', "`"));
    }
    if message.starts_with("unexpected character") {
        return (at(text, place), "well-formed YAML".to_owned());
    }
    let found = message.split_once(", found ").map_or(message, |(_, found)| found);
    (found.replace('\'', "`"), "well-formed YAML".to_owned())
}

/// The character at a line and a column, both counted from 1.
fn at(text: &str, place: Option<(u64, u64)>) -> String {
    let character = place.and_then(|(line, column)| {
        let line = text.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?)?;
        line.chars().nth(usize::try_from(column).ok()?.checked_sub(1)?)
    });
    character.map_or_else(|| "the end of the line".to_owned(), |found| format!("{found:?}"))
}
