//! Checks parameters against the JSON Schema of their step.
//!
//! Holds the part of JSON Schema that schemars writes for parameter structs, and nothing else:
//! types, references, objects, lists, enums in all their serde forms, ranges, lengths and the
//! formats that give a number its width. Keywords outside of that part, such as `pattern`, are left
//! to the step's own deserialisation. Two things are stricter than JSON Schema: a field that no
//! schema mentions is a fault even where serde would ignore it, because a misspelled parameter must
//! not silently become its default, and `3.0` is not a whole number, because serde says so.

use serde_json::{Map, Value as Json};

use super::expect::{self, Unit};
use super::range::Range;
use crate::error::{Fault, FaultCode, nearest};

/// At most this many faults are listed for one set of parameters.
const MOST_FAULTS: usize = 1000;

/// References that lead to references are followed this far, and values are looked into this deep.
const MOST_DEPTH: usize = 200;

/// Values looked at while choosing between the forms of an enum. A bound for forms that contain
/// each other, which would otherwise be tried without end; past it a value counts as accepted and
/// the step's own deserialisation has the last word.
const MOST_TRIALS: usize = 500_000;

/// Adds a fault for everything in `params` that `schema` forbids; `path` is where `params` stand.
pub(crate) fn check(schema: &Json, params: &Json, path: &str, faults: &mut Vec<Fault>) {
    let limit = faults.len().saturating_add(MOST_FAULTS);
    let mut check = Check { root: schema, faults, limit, trials: MOST_TRIALS, quiet: false };
    let place = Place { unit: None, depth: 0, part: false };
    check.value(schema, params, &mut path.to_owned(), place);
}

/// What a value inherits from where it stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    unit: Unit<'a>,
    depth: usize,
    /// Whether the schema describes only a part of the object, so that other fields are not its
    /// business.
    part: bool,
}

struct Check<'a> {
    root: &'a Json,
    faults: &'a mut Vec<Fault>,
    limit: usize,
    trials: usize,
    /// Whether only the existence of a fault counts.
    quiet: bool,
}

impl<'a> Check<'a> {
    fn value(&mut self, schema: &'a Json, value: &Json, path: &mut String, place: Place<'a>) {
        let Some(keywords) = schema.as_object() else {
            if schema == &Json::Bool(false) {
                self.fault(FaultCode::Type, path, expect::found(value), "nothing", None);
            }
            return;
        };
        if self.faults.len() >= self.limit || place.depth > MOST_DEPTH || !self.try_one() {
            return;
        }
        let unit = expect::unit(keywords).or(place.unit);
        let place = Place { unit, depth: place.depth + 1, part: place.part };
        if !expect::type_fits(keywords, value) {
            let (code, found) = if value.is_null() && expect::is_number(keywords) {
                (FaultCode::Range, "null (not a finite number)".to_owned())
            } else {
                (FaultCode::Type, expect::found(value))
            };
            let expected = expect::describe(self.root, schema, unit);
            self.fault(code, path, found, expected, None);
            return;
        }
        if let Some(names) = expect::constants(keywords)
            && !names.contains(&value)
        {
            let expected = expect::describe(self.root, schema, unit);
            let known = names.iter().filter_map(|name| name.as_str());
            let near = value.as_str().and_then(|name| nearest(name, known));
            self.fault(FaultCode::Range, path, expect::found(value), expected, near);
        }
        match value {
            Json::Number(number) => {
                let range = Range::of(keywords);
                if let Err(expected) = range.check(number, unit) {
                    let near = range.nearest(number).map(|near| super::range::plain(&near));
                    self.fault(FaultCode::Range, path, expect::found(value), expected, near);
                }
            }
            Json::String(text) => self.text(keywords, text, path),
            Json::Array(values) => self.list(keywords, values, path, place),
            Json::Object(fields) => self.object(schema, keywords, fields, path, place),
            Json::Null | Json::Bool(_) => {}
        }
        self.combined(keywords, value, path, place);
    }

    fn combined(
        &mut self,
        keywords: &'a Map<String, Json>,
        value: &Json,
        path: &mut String,
        place: Place<'a>,
    ) {
        // Beside other keywords, these describe a part of the object only; its unknown fields were
        // reported above, where all parts are known.
        let part = place.part || describes_fields(keywords);
        let place = Place { part, ..place };
        if let Some(target) = keywords.get("$ref").and_then(|to| expect::target(self.root, to)) {
            self.value(target, value, path, place);
        }
        for schema in expect::schemas(keywords, "allOf") {
            self.value(schema, value, path, Place { part: true, ..place });
        }
        for forms in ["oneOf", "anyOf"].map(|key| expect::schemas(keywords, key)) {
            if !forms.is_empty() {
                self.forms(forms, value, path, place);
            }
        }
    }

    /// Whether another value may be looked at.
    fn try_one(&mut self) -> bool {
        if self.quiet {
            self.trials = self.trials.saturating_sub(1);
        }
        self.trials > 0
    }

    /// Checks a value that may have one of several forms. If it has none of them, the faults are
    /// those of the form that it resembles.
    fn forms(&mut self, forms: &'a [Json], value: &Json, path: &mut String, place: Place<'a>) {
        if forms.iter().any(|form| self.accepts(form, value, place)) {
            return;
        }
        if self.quiet {
            // Which form is meant matters only for the text.
            self.fault(FaultCode::Type, path, String::new(), "", None);
            return;
        }
        match expect::resembled(self.root, forms, value) {
            expect::Resembled::Form(form) => self.value(form, value, path, place),
            expect::Resembled::Tag { field, names } => {
                let length = path.len();
                push_field(path, field);
                let tag = value.get(field);
                let near = tag
                    .and_then(Json::as_str)
                    .and_then(|tag| nearest(tag, names.iter().map(String::as_str)));
                let code = if tag.is_some() { FaultCode::Range } else { FaultCode::Missing };
                let found = tag.map_or_else(|| "nothing".to_owned(), expect::found);
                self.fault(code, path, found, expect::one_of(&names), near);
                path.truncate(length);
            }
            expect::Resembled::None => {
                let names = expect::form_names(self.root, forms);
                let wrong = value.as_str().or_else(|| {
                    let fields = value.as_object().filter(|fields| fields.len() == 1)?;
                    fields.keys().next().map(String::as_str)
                });
                let near = wrong.and_then(|wrong| nearest(wrong, names.iter().map(String::as_str)));
                let code = if value.is_string() { FaultCode::Range } else { FaultCode::Type };
                let expected = expect::describe_forms(self.root, forms, place.unit);
                let found = match (value, wrong) {
                    (Json::Object(_), Some(field)) => format!("an object with `{field}`"),
                    _ => expect::found(value),
                };
                self.fault(code, path, found, expected, near);
            }
        }
    }

    fn accepts(&mut self, schema: &'a Json, value: &Json, place: Place<'a>) -> bool {
        let mut faults = Vec::new();
        let mut trial = Check {
            root: self.root,
            faults: &mut faults,
            limit: 1,
            trials: self.trials,
            quiet: true,
        };
        trial.value(schema, value, &mut String::new(), place);
        self.trials = trial.trials.max(1);
        faults.is_empty()
    }

    fn text(&mut self, keywords: &Map<String, Json>, text: &str, path: &mut str) {
        let (low, high) = bounds(keywords, "minLength", "maxLength");
        if low.is_none() && high.is_none() {
            return;
        }
        let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
        if length < low.unwrap_or(0) || length > high.unwrap_or(u64::MAX) {
            let found = expect::found(&Json::String(text.to_owned()));
            let expected = expect::amount(low, high, "character");
            self.fault(FaultCode::Range, path, found, expected, None);
        }
    }

    fn list(
        &mut self,
        keywords: &'a Map<String, Json>,
        values: &[Json],
        path: &mut String,
        place: Place<'a>,
    ) {
        let (low, high) = bounds(keywords, "minItems", "maxItems");
        let length = u64::try_from(values.len()).unwrap_or(u64::MAX);
        if length < low.unwrap_or(0) || length > high.unwrap_or(u64::MAX) {
            let found = expect::list_of(values.len());
            let expected = expect::amount(low, high, "value");
            self.fault(FaultCode::Range, path, found, expected, None);
        }
        let first = expect::schemas(keywords, "prefixItems");
        let rest = keywords.get("items");
        let place = Place { part: false, ..place };
        let end = path.len();
        for (index, value) in values.iter().enumerate() {
            if let Some(schema) = first.get(index).or(rest) {
                if !self.quiet {
                    path.push_str(&format!("[{index}]"));
                }
                self.value(schema, value, path, place);
                path.truncate(end);
            }
            if self.faults.len() >= self.limit {
                return;
            }
        }
    }

    fn object(
        &mut self,
        schema: &'a Json,
        keywords: &'a Map<String, Json>,
        fields: &Map<String, Json>,
        path: &mut String,
        place: Place<'a>,
    ) {
        let properties = keywords.get("properties").and_then(Json::as_object);
        let inside = Place { unit: None, part: false, ..place };
        let end = path.len();
        let rest = keywords
            .get("patternProperties")
            .and_then(Json::as_object)
            .and_then(|patterns| patterns.values().next())
            .or_else(|| keywords.get("additionalProperties").filter(|more| !more.is_boolean()));
        let known = self.closed_fields(schema, keywords, place);
        for (name, value) in fields {
            let schema = properties.and_then(|properties| properties.get(name)).or(rest);
            let unknown = known.as_ref().filter(|known| !known.contains(&name.as_str()));
            if schema.is_none() && unknown.is_none() {
                continue;
            }
            push_field(path, name);
            if let Some(schema) = schema {
                self.value(schema, value, path, inside);
            } else if let Some(known) = unknown {
                let near = nearest(name, known.iter().copied());
                let found = format!("`{}`", expect::shorten(name));
                self.fault(FaultCode::UnknownField, path, found, expect::fields(known), near);
            }
            path.truncate(end);
        }
        let required = keywords.get("required").and_then(Json::as_array);
        for name in required.into_iter().flatten().filter_map(Json::as_str) {
            if !fields.contains_key(name) {
                let schema = properties.and_then(|properties| properties.get(name));
                let expected = schema.map_or_else(
                    || "a value".to_owned(),
                    |schema| expect::describe(self.root, schema, None),
                );
                push_field(path, name);
                self.fault(FaultCode::Missing, path, "nothing".to_owned(), expected, None);
                path.truncate(end);
            }
        }
    }

    /// The names of all fields an object may have, or `None` if it may have any.
    fn closed_fields(
        &self,
        schema: &'a Json,
        keywords: &'a Map<String, Json>,
        place: Place<'a>,
    ) -> Option<Vec<&'a str>> {
        if place.part || !describes_fields(keywords) {
            return None;
        }
        let mut known = Vec::new();
        expect::collect_fields(self.root, schema, 0, &mut known).then_some(known)
    }

    fn fault(
        &mut self,
        code: FaultCode,
        path: &str,
        found: String,
        expected: impl Into<String>,
        nearest: Option<String>,
    ) {
        if self.faults.len() < self.limit {
            self.faults.push(Fault::new(code, path, found, expected).near(nearest));
        }
    }
}

/// Whether a schema says by itself which fields an object has, rather than only referring to one
/// that does.
fn describes_fields(keywords: &Map<String, Json>) -> bool {
    keywords.contains_key("properties") || keywords.contains_key("additionalProperties")
}

fn bounds(keywords: &Map<String, Json>, low: &str, high: &str) -> (Option<u64>, Option<u64>) {
    let bound = |key: &str| keywords.get(key).and_then(Json::as_u64);
    (bound(low), bound(high))
}

pub(super) fn push_field(path: &mut String, name: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(&expect::shorten(name));
}

#[cfg(test)]
mod tests;
