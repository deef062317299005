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

/// A part of what the reader says, in words of its own or of its program; what was found there, or
/// `None` for the character; and what was expected.
type Words = (&'static str, Option<&'static str>, &'static str);

const WORDS: &[Words] = &[
    // Brackets and quotes; the place is where they open.
    ("unclosed bracket '['", Some("a `[` that nothing closes"), "`]`"),
    ("unclosed bracket '{'", Some("a `{` that nothing closes"), "`}`"),
    ("bracket '[' closed by", Some("a `[` that `}` closes"), "`]`"),
    ("bracket '{' closed by", Some("a `{` that `]` closes"), "`}`"),
    ("misplaced bracket", Some("a bracket that closes nothing"), "one that opens before it"),
    ("unclosed quote", Some("a quote that nothing closes"), "another one behind the text"),
    ("trailing content after", Some("text behind a closing quote"), "the end of the value"),
    ("EOF while parsing", None, "a value"),
    // Escapes; the place is the quote before.
    ("unknown escape", Some("an escape that YAML does not know"), "one such as `\\n` or `\\u00e9`"),
    ("hexadecimal number", Some("an escape with too few digits"), "2 for `\\x`, 4 for `\\u`"),
    ("surrogate", Some("half of a pair of escapes"), "both halves"),
    ("character escape code", Some("an escape of no character"), "the number of one in Unicode"),
    // Lines and where they begin.
    ("tabs disallowed", Some("a tab"), "spaces"),
    ("found a tab", Some("a tab"), "spaces"),
    (
        "multiline quoted scalar",
        Some("a line of quoted text that begins too far to the left"),
        "one further in",
    ),
    (
        "mapping values are not allowed",
        Some("a `:` that begins no object"),
        "one `name: value` per line",
    ),
    (
        "mapping keys are not allowed",
        Some("a `?` that begins no object"),
        "one `name: value` per line",
    ),
    ("entries are not allowed", Some("a `-` that begins no list"), "one item per line"),
    ("simple key expected", Some("a line that is no `name: value`"), "`:` behind a name"),
    ("expected key", None, "a name"),
    // Texts.
    ("cannot start with '-'", Some("a `-` that is neither item nor text"), "quotes around text"),
    ("unexpected character", None, "quotes around text that begins so"),
    ("comments must be separated", Some("a `#` right behind a value"), "a space before it"),
    ("indicator equal to 0", Some("a depth of 0"), "1 to 9"),
    ("while scanning a block scalar", Some("more behind `|` or `>`"), "the end of the line"),
    ("expected string scalar", Some("a key that is a list or an object"), "text"),
    ("null into string", Some("a key that is null"), "text"),
    // Anchors and tags.
    ("unknown anchor", Some("an alias of no anchor"), "an anchor of this name before it"),
    ("recursive references", Some("an alias inside of what it stands for"), "an alias behind it"),
    ("an anchor or alias", Some("an anchor or alias without a name"), "letters or digits"),
    ("merge value must be", Some("a single value to merge"), "an object or a list of objects"),
    ("a verbatim tag", Some("a `!<` that nothing closes"), "`>`"),
    ("tag URI", Some("a tag without a name"), "one such as `!!str`"),
    // Documents.
    ("multiple YAML documents", Some("a second document"), "one document"),
    ("<document start>", None, "the end of the document"),
    ("document end marker before", Some("a directive inside of a document"), "`...` before it"),
    ("after document end marker", Some("more behind `...`"), "the end of the line"),
    ("version number", Some("a directive without a version"), "one such as `%YAML 1.2`"),
];

/// A message as what was found and what was expected. Where it only says what was expected, the
/// character there was found.
fn reworded(message: &str, text: &str, place: Option<(u64, u64)>) -> (String, String) {
    if let Some((_, found, expected)) = WORDS.iter().find(|(word, _, _)| message.contains(word)) {
        let found = found.map_or_else(|| at(text, place), str::to_owned);
        return (found, (*expected).to_owned());
    }
    if let Some((_, expected)) = message.split_once(" expected ") {
        return (at(text, place), expected.replace('\'', "`"));
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
