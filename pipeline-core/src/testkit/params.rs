//! What must hold of a step's parameters: written, read, left out, changed.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::subject::Subject;
use crate::key::Key;
use crate::step::{AnyStep, Step, StepType, check_params};

/// How often a step is written and read back to see whether its key stays: a hash set has many
/// orders.
const ROUNDS: usize = 16;

/// Checks everything that can be said of the parameters without running the step. Returns the step
/// as it is after it was written and read back.
pub(super) fn check<S: Step>(step: &S, subject: &Subject<'_>) -> Arc<dyn AnyStep> {
    let kind = &subject.kind;
    name(kind.name);
    let params = match serde_json::to_value(step) {
        Ok(params) => params,
        Err(error) => panic!("step `{}`: the parameters cannot be written: {error}", kind.name),
    };
    let digest = digest(step);
    let mut again = None;
    for _ in 0..ROUNDS {
        let text = params.to_string();
        let read: S = serde_json::from_str(&text).unwrap_or_else(|error| {
            panic!("step `{}`: {text} was written but cannot be read: {error}", kind.name)
        });
        let changed = "the parameters differ after they were written and read";
        assert!(self::digest(&read) == digest, "step `{}`: {changed}: {text}", kind.name);
        again = Some(read);
    }
    fits(kind, &params);
    defaults(kind, &params);
    for field in fields(kind) {
        changes_the_key(kind, &params, field, digest);
    }
    again.map_or_else(|| Arc::clone(&subject.step), |again| Arc::new(again))
}

fn name(name: &str) {
    let word = |word: &str| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
    let right = starts && name.split('_').all(word);
    assert!(right, "the step name is `{name}`, expected lower-case words joined by `_`");
}

fn digest(step: &dyn AnyStep) -> Key {
    match step.digest() {
        Ok(digest) => digest,
        Err(error) => panic!("step `{}`: the parameters have no key: {error}", step.name()),
    }
}

fn fields(kind: &StepType) -> impl Iterator<Item = &str> {
    let properties = kind.schema.get("properties").and_then(Json::as_object);
    properties.into_iter().flatten().map(|(name, _)| name.as_str())
}

/// Whether the schema lets these parameters through.
fn is_valid(kind: &StepType, params: &Json) -> Result<(), String> {
    let mut faults = Vec::new();
    check_params(&kind.schema, params, "params", &mut faults);
    faults.first().map_or(Ok(()), |fault| Err(fault.to_string()))
}

fn fits(kind: &StepType, params: &Json) {
    if let Err(fault) = is_valid(kind, params) {
        panic!("step `{}`: its own schema refuses the parameters: {fault}", kind.name);
    }
}

/// What the schema does not require can be left out, and what it calls the default is the default.
fn defaults(kind: &StepType, params: &Json) {
    let required = kind.schema.get("required").and_then(Json::as_array);
    let required: BTreeSet<_> = required.into_iter().flatten().filter_map(Json::as_str).collect();
    let Some(given) = params.as_object() else { return };
    for field in fields(kind).filter(|field| !required.contains(field)) {
        let mut without = given.clone();
        without.remove(field);
        let left_out = kind.build(&Json::Object(without.clone())).unwrap_or_else(|error| {
            let causes = error.causes().join(", ");
            let optional = "is not required but cannot be left out";
            panic!("step `{}`: parameter `{field}` {optional}: {causes}", kind.name)
        });
        fits(kind, &left_out.params());
        let property = kind.schema.pointer(&format!("/properties/{field}/default"));
        if let Some(default) = property {
            without.insert(field.to_owned(), default.clone());
            let same = kind
                .build(&Json::Object(without))
                .is_ok_and(|set| digest(&*set) == digest(&*left_out));
            let other = "has another value when it is left out";
            assert!(same, "step `{}`: parameter `{field}` {other} than {default}", kind.name);
        }
    }
}

/// Other values for one parameter lead to other keys.
fn changes_the_key(kind: &StepType, params: &Json, field: &str, digest: Key) {
    let current = params.get(field).unwrap_or(&Json::Null);
    let mut accepted = 0;
    for candidate in others(current, &kind.schema) {
        let mut changed = params.clone();
        let Some(fields) = changed.as_object_mut() else { return };
        fields.insert(field.to_owned(), candidate);
        if is_valid(kind, &changed).is_err() {
            continue;
        }
        let Ok(step) = kind.build(&changed) else { continue };
        if self::digest(&*step) != digest {
            return;
        }
        accepted += 1;
    }
    // One other value may be an alias of the present one, two different ones cannot be.
    assert!(
        accepted < 2,
        "step `{}`: parameter `{field}` does not enter the key, so a change of it would be \
         answered with the former result",
        kind.name
    );
}

/// Values unlike `current`, some of which a parameter may accept.
fn others(current: &Json, schema: &Json) -> Vec<Json> {
    let mut others = vec![json!(true), json!(false), json!([]), json!({}), Json::Null];
    if let Some(number) = current.as_f64() {
        others.extend([number + 1.0, number - 1.0, number / 2.0, number * 2.0].map(|n| json!(n)));
    }
    if let Some(number) = current.as_i64() {
        let near = [1, -1, 2, -2].map(|step| json!(number.saturating_add(step)));
        others.extend(near);
    }
    others.extend([0, 1, 2, 3, 5, 7, 8, 16, 90, 100, 255, -1].map(|number| json!(number)));
    others.extend([0.0, 0.25, 0.5, 1.0, 1.5, 3.0, 100.0, -0.5].map(|number| json!(number)));
    others.extend(["a", "b", "a.png", "#102030"].map(|text| json!(text)));
    constants(schema, &mut others);
    match current {
        Json::Object(fields) => {
            for (name, value) in fields {
                for other in others_within(value, schema) {
                    let mut changed = fields.clone();
                    changed.insert(name.clone(), other);
                    others.push(Json::Object(changed));
                }
            }
        }
        Json::Array(values) => {
            others.push(Json::Array(values.iter().rev().cloned().collect()));
            others.push(Json::Array(values.iter().skip(1).cloned().collect()));
            others.push(Json::Array(values.iter().chain(values.first()).cloned().collect()));
            for (at, value) in values.iter().enumerate().take(4) {
                for other in others_within(value, schema) {
                    let mut changed = values.clone();
                    changed[at] = other;
                    others.push(Json::Array(changed));
                }
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
    let mut seen = BTreeSet::from([current.to_string()]);
    others.retain(|other| seen.insert(other.to_string()));
    others
}

/// As [`others`] for a part of a parameter, which is looked into no deeper if it is large.
fn others_within(value: &Json, schema: &Json) -> Vec<Json> {
    let small = value.to_string().len() < 200;
    if small { others(value, schema) } else { Vec::new() }
}

/// Every constant that the schema names, among them the variants of enums.
fn constants(schema: &Json, found: &mut Vec<Json>) {
    match schema {
        Json::Object(keywords) => {
            found.extend(keywords.get("const").cloned());
            let listed = ["enum", "examples"].map(|key| keywords.get(key).and_then(Json::as_array));
            found.extend(listed.into_iter().flatten().flatten().cloned());
            keywords.values().for_each(|part| constants(part, found));
        }
        Json::Array(parts) => parts.iter().for_each(|part| constants(part, found)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}
