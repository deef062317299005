//! What a parameter's schema expects, in the words of a fault.

use serde_json::{Map, Value as Json};

use super::range::Range;

/// The unit of a parameter, such as `px`.
pub(super) type Unit<'a> = Option<&'a str>;

/// A list of names is cut after this many.
const MOST_NAMES: usize = 12;

/// A text is cut after this many characters.
const MOST_TEXT: usize = 40;

/// References and nested forms are followed this far.
const MOST_DEPTH: usize = 16;

/// The value as a fault shows it.
pub(crate) fn found(value: &Json) -> String {
    match value {
        Json::Null => "null".to_owned(),
        Json::Bool(value) => value.to_string(),
        Json::Number(number) => number.to_string(),
        Json::String(text) => format!("{:?}", shorten(text)),
        Json::Array(values) => list_of(values.len()),
        Json::Object(_) => "an object".to_owned(),
    }
}

pub(crate) fn list_of(count: usize) -> String {
    match count {
        0 => "an empty list".to_owned(),
        1 => "a list of 1 value".to_owned(),
        _ => format!("a list of {count} values"),
    }
}

/// The start of a text, if it is long.
pub(crate) fn shorten(text: &str) -> String {
    match text.char_indices().nth(MOST_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// ``one of `a`, `b` ``.
pub(crate) fn one_of(names: &[impl AsRef<str>]) -> String {
    let quoted: Vec<String> =
        names.iter().take(MOST_NAMES).map(|name| format!("`{}`", name.as_ref())).collect();
    match quoted.as_slice() {
        [] => "nothing".to_owned(),
        [only] if names.len() == 1 => only.clone(),
        _ => {
            let more = if names.len() > MOST_NAMES { ", …" } else { "" };
            format!("one of {}{more}", quoted.join(", "))
        }
    }
}

pub(super) fn fields(known: &[&str]) -> String {
    if known.is_empty() { "no fields".to_owned() } else { one_of(known) }
}

/// `1 to 5 values`.
pub(super) fn amount(low: Option<u64>, high: Option<u64>, what: &str) -> String {
    let (count, last) = match (low, high) {
        (Some(low), Some(high)) if low == high => (low.to_string(), low),
        (Some(low), Some(high)) => (format!("{low} to {high}"), high),
        (Some(low), None) => (format!("at least {low}"), low),
        (None, Some(high)) => (format!("at most {high}"), high),
        (None, None) => ("any number of".to_owned(), 2),
    };
    format!("{count} {what}{}", if last == 1 { "" } else { "s" })
}

pub(super) fn unit(keywords: &Map<String, Json>) -> Unit<'_> {
    keywords.get("x-unit").and_then(Json::as_str)
}

/// The schema a reference leads to.
pub(super) fn target<'a>(root: &'a Json, to: &Json) -> Option<&'a Json> {
    root.pointer(to.as_str()?.strip_prefix('#')?)
}

/// The schemas in a list.
pub(super) fn schemas<'a>(keywords: &'a Map<String, Json>, key: &str) -> &'a [Json] {
    keywords.get(key).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn types(keywords: &Map<String, Json>) -> impl Iterator<Item = &str> {
    let (one, many) = match keywords.get("type") {
        Some(Json::Array(types)) => (None, types.as_slice()),
        other => (other, [].as_slice()),
    };
    one.into_iter().chain(many).filter_map(Json::as_str)
}

/// Whether a value has one of the types that a schema allows.
pub(super) fn type_fits(keywords: &Map<String, Json>, value: &Json) -> bool {
    !keywords.contains_key("type")
        || types(keywords).any(|name| match name {
            "null" => value.is_null(),
            "boolean" => value.is_boolean(),
            "string" => value.is_string(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            "number" => value.is_number(),
            // A whole number that 64 bits cannot hold arrives as a float; its range is at fault.
            "integer" => value.as_number().is_some_and(|number| {
                !number.is_f64() || number.as_f64().is_some_and(|value| value.abs() > 9.2e18)
            }),
            _ => true,
        })
}

pub(super) fn is_number(keywords: &Map<String, Json>) -> bool {
    types(keywords).any(|name| name == "number" || name == "integer")
}

/// The values of an `enum` or `const`.
pub(super) fn constants(keywords: &Map<String, Json>) -> Option<Vec<&Json>> {
    keywords
        .get("const")
        .map(|only| vec![only])
        .or_else(|| Some(keywords.get("enum")?.as_array()?.iter().collect()))
}

fn resolve<'a>(root: &'a Json, mut schema: &'a Json) -> &'a Json {
    for _ in 0..MOST_DEPTH {
        match schema.get("$ref").and_then(|to| target(root, to)) {
            Some(next) => schema = next,
            None => break,
        }
    }
    schema
}

/// What a schema expects: `a number, 0.1 to 100 px`.
pub(super) fn describe(root: &Json, schema: &Json, unit: Unit<'_>) -> String {
    describe_to(root, schema, unit, 0)
}

fn describe_to(root: &Json, schema: &Json, outer: Unit<'_>, depth: usize) -> String {
    let own = schema.as_object().and_then(unit).or(outer);
    let Some(keywords) = resolve(root, schema).as_object() else { return "a value".to_owned() };
    let unit = unit(keywords).or(own);
    if depth > MOST_DEPTH {
        return "a value".to_owned();
    }
    if let Some(names) = constants(keywords) {
        let names: Vec<String> = names
            .iter()
            .map(|name| name.as_str().map_or_else(|| name.to_string(), str::to_owned))
            .collect();
        return one_of(&names);
    }
    for key in ["oneOf", "anyOf"] {
        let forms = schemas(keywords, key);
        if !forms.is_empty() {
            return forms_to(root, forms, unit, depth);
        }
    }
    let words: Vec<String> = types(keywords)
        .filter(|&name| name != "null" || keywords.get("type").is_some_and(Json::is_string))
        .map(|name| describe_type(name, keywords, unit))
        .collect();
    if words.is_empty() { "a value".to_owned() } else { words.join(" or ") }
}

fn describe_type(name: &str, keywords: &Map<String, Json>, unit: Unit<'_>) -> String {
    let count = |key: &str| keywords.get(key).and_then(Json::as_u64);
    let counted = |noun: &str, what: &str, low: Option<u64>, high: Option<u64>| {
        if low.is_none() && high.is_none() {
            noun.to_owned()
        } else {
            format!("{noun} of {}", amount(low, high, what))
        }
    };
    match name {
        "null" => "null".to_owned(),
        "boolean" => "true or false".to_owned(),
        "string" => counted("text", "character", count("minLength"), count("maxLength")),
        "array" => counted("a list", "value", count("minItems"), count("maxItems")),
        "object" => "an object".to_owned(),
        "number" | "integer" => {
            let noun = if name == "number" { "a number" } else { "a whole number" };
            let range = Range::of(keywords).describe(unit);
            match (range, unit) {
                (Some(range), _) => format!("{noun}, {range}"),
                (None, Some(unit)) => format!("{noun} in {unit}"),
                (None, None) => noun.to_owned(),
            }
        }
        other => other.to_owned(),
    }
}

/// What one of several forms is expected to be.
pub(super) fn describe_forms(root: &Json, forms: &[Json], unit: Unit<'_>) -> String {
    forms_to(root, forms, unit, 0)
}

fn forms_to(root: &Json, forms: &[Json], unit: Unit<'_>, depth: usize) -> String {
    let mut names = Vec::new();
    let mut others = Vec::new();
    for form in forms {
        let schema = resolve(root, form);
        match called(schema) {
            Called::Names(known) => names.extend(known.into_iter().map(str::to_owned)),
            Called::Field(field) => names.push(format!("{{{field}: …}}")),
            Called::Nothing if is_null(schema) => {}
            Called::Nothing => {
                let text = describe_to(root, form, unit, depth + 1);
                if !others.contains(&text) {
                    others.push(text);
                }
            }
        }
    }
    if !names.is_empty() {
        others.insert(0, one_of(&names));
    }
    if others.is_empty() { "a value".to_owned() } else { others.join(" or ") }
}

/// The names of an enum's variants, as a file gives them.
pub(super) fn form_names(root: &Json, forms: &[Json]) -> Vec<String> {
    let mut names = Vec::new();
    for form in forms {
        match called(resolve(root, form)) {
            Called::Names(known) => names.extend(known.into_iter().map(str::to_owned)),
            Called::Field(field) => names.push(field.to_owned()),
            Called::Nothing => {}
        }
    }
    names
}

/// What the variants that a form stands for are called by.
enum Called<'a> {
    /// These texts.
    Names(Vec<&'a str>),
    /// The only field of an object.
    Field(&'a str),
    /// It is no variant of a name.
    Nothing,
}

fn called(schema: &Json) -> Called<'_> {
    match (schema.as_object().and_then(constants), only_field(schema)) {
        (Some(names), _) => Called::Names(names.into_iter().filter_map(Json::as_str).collect()),
        (None, Some(field)) => Called::Field(field),
        (None, None) => Called::Nothing,
    }
}

fn is_null(schema: &Json) -> bool {
    schema.get("type").and_then(Json::as_str) == Some("null")
}

/// The field of an enum variant that is written as an object of one field.
fn only_field(schema: &Json) -> Option<&str> {
    let properties = schema.get("properties")?.as_object()?;
    let (name, value) = properties.iter().next().filter(|_| properties.len() == 1)?;
    let required = schema.get("required")?.as_array()?;
    let tag = value.get("const").is_some();
    (!tag && required.len() == 1 && required[0] == name.as_str()).then_some(name)
}

/// The field that tells the variants of an enum apart, and this variant's name there.
fn tag(schema: &Json) -> Option<(&str, &str)> {
    let properties = schema.get("properties")?.as_object()?;
    properties.iter().find_map(|(field, value)| Some((&**field, value.get("const")?.as_str()?)))
}

/// Which of several forms a value was probably meant to have.
pub(super) enum Resembled<'a> {
    /// This one.
    Form(&'a Json),
    /// The variant is named by this field, which is missing or has none of these names.
    Tag { field: &'a str, names: Vec<String> },
    /// None of them.
    None,
}

pub(super) fn resembled<'a>(root: &'a Json, forms: &'a [Json], value: &Json) -> Resembled<'a> {
    let mut rest = forms.iter().filter(|form| !is_null(resolve(root, form)));
    if let (Some(only), None) = (rest.next(), rest.next()) {
        return Resembled::Form(only);
    }
    if let Some(fields) = value.as_object() {
        let meant = forms.iter().find(|form| {
            let schema = resolve(root, form);
            tag(schema)
                .is_some_and(|(field, name)| fields.get(field).and_then(Json::as_str) == Some(name))
                || only_field(schema).is_some_and(|field| fields.contains_key(field))
        });
        if let Some(form) = meant {
            return Resembled::Form(form);
        }
        let tags: Vec<(&str, &str)> =
            forms.iter().filter_map(|form| tag(resolve(root, form))).collect();
        if let Some(&(field, _)) = tags.first()
            && tags.iter().all(|tag| tag.0 == field)
        {
            let names = tags.into_iter().map(|(_, name)| name.to_owned()).collect();
            return Resembled::Tag { field, names };
        }
    }
    let mut same_type = forms.iter().filter(|form| {
        let schema = resolve(root, form);
        only_field(schema).is_none()
            && schema.as_object().is_some_and(|keywords| {
                keywords.contains_key("type")
                    && constants(keywords).is_none()
                    && type_fits(keywords, value)
            })
    });
    match (same_type.next(), same_type.next()) {
        (Some(only), None) => Resembled::Form(only),
        _ => Resembled::None,
    }
}

/// Adds the names of all fields that an object may have; false if it may have others, too.
pub(super) fn collect_fields<'a>(
    root: &'a Json,
    schema: &'a Json,
    depth: usize,
    known: &mut Vec<&'a str>,
) -> bool {
    let Some(keywords) = schema.as_object() else { return schema == &Json::Bool(false) };
    let more = keywords.get("additionalProperties");
    if depth > MOST_DEPTH
        || keywords.contains_key("patternProperties")
        || more.is_some_and(|more| more != &Json::Bool(false))
    {
        return false;
    }
    if let Some(properties) = keywords.get("properties").and_then(Json::as_object) {
        for name in properties.keys() {
            if !known.contains(&name.as_str()) {
                known.push(name);
            }
        }
    }
    let parts = ["allOf", "oneOf", "anyOf"].into_iter().flat_map(|key| schemas(keywords, key));
    let referred = keywords.get("$ref").and_then(|to| target(root, to));
    let mut closed = true;
    for part in parts.chain(referred) {
        // A part that is not about fields, such as `null`, adds none and opens nothing.
        closed &= is_null(part) || collect_fields(root, part, depth + 1, known);
    }
    closed
}
