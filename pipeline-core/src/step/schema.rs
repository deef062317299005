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
mod tests {
    use std::collections::{BTreeMap, HashMap};
    use std::time::Duration;

    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};
    use serde_json::json;

    use super::*;

    /// One parameter of every kind that serde and schemars know.
    #[derive(Debug, Serialize, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Every {
        #[schemars(range(min = 0.1, max = 100.0), extend("x-unit" = "px"))]
        sigma: Option<f32>,
        #[schemars(range(min = 0.1, max = 100.0), extend("x-unit" = "px"))]
        plain: f32,
        #[schemars(extend("exclusiveMinimum" = 0.0))]
        open: Option<f64>,
        #[schemars(extend("multipleOf" = 0.1))]
        tenths: Option<f64>,
        #[schemars(range(min = 1), extend("multipleOf" = 2))]
        even: Option<u32>,
        byte: Option<u8>,
        short: Option<i16>,
        long: Option<i64>,
        seed: Option<u64>,
        single: Option<f32>,
        flag: Option<bool>,
        #[schemars(length(min = 1, max = 5))]
        name: Option<String>,
        letter: Option<char>,
        border: Option<Border>,
        method: Option<Method>,
        shape: Option<Shape>,
        level: Option<Level>,
        points: Option<Vec<Point>>,
        triple: Option<[f32; 3]>,
        pair: Option<(u8, String)>,
        gains: Option<HashMap<String, f32>>,
        by_number: Option<BTreeMap<u32, f32>>,
        time: Option<Duration>,
        any: Option<Json>,
        tree: Option<Tree>,
        flat: Option<Flat>,
        inner: Option<Loose>,
    }

    #[derive(Debug, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Border {
        /// Repeats the last sample.
        Replicate,
        /// Mirrors.
        Reflect,
        /// A value.
        Constant(#[schemars(range(min = 0.0, max = 1.0))] f32),
        Ramp {
            low: u8,
            high: u8,
        },
    }

    #[derive(Debug, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Method {
        Mean,
        Median,
    }

    #[derive(Debug, Serialize, Deserialize, JsonSchema)]
    #[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
    enum Shape {
        Disk { radius: u8 },
        Square { size: u8 },
    }

    #[derive(Debug, Serialize, Deserialize, JsonSchema)]
    #[serde(untagged)]
    enum Level {
        Fixed(#[schemars(range(min = 0))] f32),
        Name(String),
        At(Point),
    }

    #[derive(Debug, Serialize, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Point {
        x: f32,
        #[schemars(range(min = 0, max = 9))]
        y: i16,
    }

    #[derive(Debug, Serialize, Deserialize, JsonSchema)]
    struct Loose {
        inside: u8,
    }

    #[derive(Debug, Serialize, Deserialize, JsonSchema)]
    struct Flat {
        #[serde(flatten)]
        shape: Shape,
        width: u8,
    }

    #[derive(Debug, Serialize, Deserialize, JsonSchema)]
    #[serde(untagged)]
    enum Tree {
        Leaf(f32),
        Twice(Vec<Self>, u8),
        Again(Vec<Self>, String),
    }

    fn schema_of<T: JsonSchema>() -> Json {
        schemars::generate::SchemaSettings::draft2020_12()
            .into_generator()
            .into_root_schema_for::<T>()
            .to_value()
    }

    fn faults_of<T: JsonSchema>(params: &Json) -> Vec<String> {
        let mut faults = Vec::new();
        check(&schema_of::<T>(), params, "params", &mut faults);
        faults.iter().map(ToString::to_string).collect()
    }

    #[track_caller]
    fn row(field: &str, value: Json, expected: &[&str]) {
        let mut params = json!({ "plain": 1.5 });
        params[field] = value;
        assert_eq!(faults_of::<Every>(&params), expected);
    }

    #[test]
    fn the_accepted_number_nearest_to_a_refused_one_is_known() {
        let nearest = |field: &str, value: Json| {
            let mut params = json!({ "plain": 1.5 });
            params[field] = value;
            let mut faults = Vec::new();
            check(&schema_of::<Every>(), &params, "params", &mut faults);
            faults.remove(0).nearest
        };
        for (field, value, expected) in [
            ("sigma", json!(0.01), Some("0.1")),
            ("sigma", json!(-5), Some("0.1")),
            ("sigma", json!(1e9), Some("100")),
            ("open", json!(0), None),
            ("even", json!(0), Some("2")),
            ("even", json!(-7), Some("2")),
            ("even", json!(7), Some("8")),
            ("byte", json!(256), Some("255")),
        ] {
            assert_eq!(nearest(field, value.clone()).as_deref(), expected, "{field} is {value}");
        }
    }

    #[test]
    fn values_in_range_are_accepted() {
        for (field, value) in [
            ("sigma", json!(0.1)),
            ("sigma", json!(100)),
            ("sigma", Json::Null),
            ("plain", json!(100.0)),
            ("open", json!(1e-300)),
            ("tenths", json!(0.3)),
            ("even", json!(4)),
            ("byte", json!(255)),
            ("short", json!(-32768)),
            ("long", json!(i64::MIN)),
            ("seed", json!(u64::MAX)),
            ("single", json!(3.4e38)),
            ("flag", json!(true)),
            ("name", json!("größe")),
            ("letter", json!("ß")),
            ("border", json!("replicate")),
            ("border", json!({ "constant": 0.5 })),
            ("border", json!({ "ramp": { "low": 1, "high": 2 } })),
            ("border", Json::Null),
            ("method", json!("mean")),
            ("shape", json!({ "kind": "disk", "radius": 2 })),
            ("level", json!(2)),
            ("level", json!("auto")),
            ("level", json!({ "x": 1.0, "y": 2 })),
            ("points", json!([{ "x": 1.0, "y": 2 }, { "x": 1.5, "y": 0 }])),
            ("triple", json!([1, 2.5, 3])),
            ("pair", json!([1, "a"])),
            ("gains", json!({ "red": 1.0, "any.thing": 2 })),
            ("by_number", json!({ "7": 1.0 })),
            ("time", json!({ "secs": 1, "nanos": 0 })),
            ("any", json!({ "deep": [null, { "x": [] }] })),
            ("flat", json!({ "kind": "disk", "radius": 2, "width": 1 })),
            ("tree", json!([[1.5, [[2.5], 3]], "a"])),
        ] {
            row(field, value, &[]);
        }
    }

    #[test]
    fn ranges_are_told_with_their_unit() {
        row("sigma", json!(-1.5), &["params.sigma: found -1.5, expected 0.1 to 100 px"]);
        row("sigma", json!("2"), &["params.sigma: found \"2\", expected a number, 0.1 to 100 px"]);
        row(
            "plain",
            Json::Null,
            &["params.plain: found null (not a finite number), expected a number, 0.1 to 100 px"],
        );
        row("open", json!(0.0), &["params.open: found 0.0, expected more than 0"]);
        row("tenths", json!(0.35), &["params.tenths: found 0.35, expected a multiple of 0.1"]);
        row("even", json!(3), &["params.even: found 3, expected a multiple of 2, 1 to 4294967295"]);
        row("byte", json!(256), &["params.byte: found 256, expected 0 to 255"]);
        row("byte", json!(3.0), &["params.byte: found 3.0, expected a whole number, 0 to 255"]);
        row("short", json!(40000), &["params.short: found 40000, expected -32768 to 32767"]);
        row(
            "long",
            json!(u64::MAX),
            &["params.long: found 18446744073709551615, expected at most 9223372036854775807"],
        );
        row("seed", json!(-1), &["params.seed: found -1, expected at least 0"]);
        row("seed", json!(1e30), &["params.seed: found 1e+30, expected 0 to 18446744073709551615"]);
        row(
            "single",
            json!(1e39),
            &["params.single: found 1e+39, expected at most 3.4028234663852886e+38"],
        );
    }

    #[test]
    fn texts_lists_and_tuples_have_lengths() {
        row("flag", json!(1), &["params.flag: found 1, expected true or false"]);
        row("name", json!(""), &["params.name: found \"\", expected 1 to 5 characters"]);
        row("letter", json!("ab"), &["params.letter: found \"ab\", expected 1 character"]);
        row(
            "triple",
            json!([1, 2]),
            &["params.triple: found a list of 2 values, expected 3 values"],
        );
        row(
            "pair",
            json!([300, 5]),
            &[
                "params.pair[0]: found 300, expected 0 to 255",
                "params.pair[1]: found 5, expected text",
            ],
        );
        row(
            "name",
            json!([[]]),
            &["params.name: found a list of 1 value, expected text of 1 to 5 characters"],
        );
        let long = "x".repeat(100);
        let shown = format!("params.name: found \"{}…\", expected 1 to 5 characters", &long[..40]);
        row("name", json!(long), &[&shown]);
    }

    #[test]
    fn enums_name_their_variants_and_the_nearest() {
        row(
            "border",
            json!("relfect"),
            &["params.border: found \"relfect\", expected one of `replicate`, `reflect`, \
             `{constant: …}`, `{ramp: …}`; did you mean `reflect`?"],
        );
        row(
            "border",
            json!({ "constant": 2 }),
            &["params.border.constant: found 2, expected 0 to 1"],
        );
        row(
            "border",
            json!({ "ramp": { "low": 1, "hihg": 2 } }),
            &[
                "params.border.ramp.hihg: found `hihg`, expected one of `low`, `high`; did you mean \
             `high`?",
                "params.border.ramp.high: found nothing, expected a whole number, 0 to 255",
            ],
        );
        row(
            "border",
            json!({ "constnat": 1 }),
            &["params.border: found an object with `constnat`, expected one of `replicate`, \
             `reflect`, `{constant: …}`, `{ramp: …}`; did you mean `constant`?"],
        );
        row(
            "border",
            json!(5),
            &["params.border: found 5, expected one of `replicate`, `reflect`, `{constant: …}`, \
             `{ramp: …}`"],
        );
        row(
            "method",
            json!("medain"),
            &["params.method: found \"medain\", expected one of `mean`, `median`; did you mean \
             `median`?"],
        );
        row(
            "shape",
            json!({ "kind": "disc", "radius": 1 }),
            &["params.shape.kind: found \"disc\", expected one of `disk`, `square`; did you mean \
             `disk`?"],
        );
        row(
            "shape",
            json!({ "radius": 1 }),
            &["params.shape.kind: found nothing, expected one of `disk`, `square`"],
        );
        row(
            "shape",
            json!({ "kind": "disk", "radius": 1, "size": 2 }),
            &["params.shape.size: found `size`, expected one of `kind`, `radius`"],
        );
        row("level", json!(-1), &["params.level: found -1, expected at least 0"]);
        row("level", json!({ "x": 1, "y": 10 }), &["params.level.y: found 10, expected 0 to 9"]);
        row(
            "level",
            json!(true),
            &["params.level: found true, expected a number, at least 0 or text or an object"],
        );
    }

    #[test]
    fn paths_lead_into_lists_and_objects() {
        row(
            "points",
            json!([{ "x": 1.0, "y": 2 }, { "x": "a", "y": 12, "z": 1 }, { "y": 1 }]),
            &[
                "params.points[1].x: found \"a\", expected a number",
                "params.points[1].y: found 12, expected 0 to 9",
                "params.points[1].z: found `z`, expected one of `x`, `y`; did you mean `x`?",
                "params.points[2].x: found nothing, expected a number",
            ],
        );
        row("gains", json!({ "red": "x" }), &["params.gains.red: found \"x\", expected a number"]);
        row(
            "by_number",
            json!({ "7": true }),
            &["params.by_number.7: found true, expected a number"],
        );
    }

    #[test]
    fn unknown_fields_are_faults_even_where_serde_ignores_them() {
        row(
            "simga",
            json!(1),
            &["params.simga: found `simga`, expected one of `sigma`, `plain`, \
             `open`, `tenths`, `even`, `byte`, `short`, `long`, `seed`, `single`, `flag`, `name`, \
             …; did you mean `sigma`?"],
        );
        row(
            "inner",
            json!({ "inside": 1, "outside": 2 }),
            &["params.inner.outside: found `outside`, expected `inside`"],
        );
        row(
            "flat",
            json!({ "kind": "disk", "radius": 2, "width": 1, "widht": 1 }),
            &[
                "params.flat.widht: found `widht`, expected one of `width`, `kind`, `radius`, `size`; \
             did you mean `width`?",
            ],
        );
    }

    #[test]
    fn every_fault_is_listed() {
        let params = json!({ "byte": -1, "nmae": "x", "border": "x" });
        assert_eq!(faults_of::<Every>(&params).len(), 4);
        assert_eq!(
            faults_of::<Every>(&json!([])),
            ["params: found an empty list, expected an object"]
        );
        let many: Vec<u8> = vec![10; 5000];
        let points: Vec<Json> = many.iter().map(|y| json!({ "x": 0, "y": y })).collect();
        let params = json!({ "plain": 1, "points": points });
        assert_eq!(faults_of::<Every>(&params).len(), MOST_FAULTS);
    }

    #[test]
    fn forms_within_forms_end() {
        let mut deep = json!(true);
        for _ in 0..60 {
            deep = json!([[deep], true]);
        }
        // Past the bound, the step's own deserialisation has the last word.
        assert_eq!(faults_of::<Every>(&json!({ "plain": 1, "tree": deep })), [""; 0]);
        let circle = json!({ "$ref": "#" });
        let mut faults = Vec::new();
        check(&circle, &json!(1), "params", &mut faults);
        assert_eq!(faults, []);
    }

    #[test]
    fn a_fault_has_its_kind() {
        let kinds = |params: Json| -> Vec<FaultCode> {
            let mut faults = Vec::new();
            check(&schema_of::<Every>(), &params, "params", &mut faults);
            faults.into_iter().map(|fault| fault.code).collect()
        };
        assert_eq!(kinds(json!({ "plain": 1, "byte": "x" })), [FaultCode::Type]);
        assert_eq!(kinds(json!({ "plain": 1, "byte": 256 })), [FaultCode::Range]);
        assert_eq!(kinds(json!({ "plain": null })), [FaultCode::Range]);
        assert_eq!(kinds(json!({})), [FaultCode::Missing]);
        assert_eq!(kinds(json!({ "plain": 1, "x": 1 })), [FaultCode::UnknownField]);
        assert_eq!(kinds(json!({ "plain": 1, "method": "x" })), [FaultCode::Range]);
    }
}
