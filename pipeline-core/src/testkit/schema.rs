//! What the schema of a step's parameters must tell a person.

use serde_json::{Map, Value as Json};

use crate::step::StepType;

/// The step and every parameter are described, and every number has a range but the `unbounded`.
pub(super) fn check(kind: &StepType, unbounded: &[&str]) {
    let name = kind.name;
    assert!(!kind.summary().trim().is_empty(), "step `{name}`: the struct has no doc comment");
    let walk = Walk { name, root: &kind.schema, unbounded };
    walk.object(&kind.schema, "", true);
    let defs = kind.schema.get("$defs").and_then(Json::as_object);
    for (def, schema) in defs.into_iter().flatten() {
        walk.object(schema, def, true);
    }
}

struct Walk<'a> {
    name: &'a str,
    root: &'a Json,
    unbounded: &'a [&'a str],
}

impl Walk<'_> {
    /// Checks the parameters of an object. In a variant of an enum, `ranges` is false: what such a
    /// number means, and so its range, depends on the variant.
    fn object(&self, schema: &Json, path: &str, ranges: bool) {
        for key in ["oneOf", "anyOf", "allOf"] {
            for variant in schema.get(key).and_then(Json::as_array).into_iter().flatten() {
                self.object(variant, path, ranges && key == "allOf");
            }
        }
        let properties = schema.get("properties").and_then(Json::as_object);
        for (field, property) in properties.into_iter().flatten() {
            let path = if path.is_empty() { field.clone() } else { format!("{path}.{field}") };
            let is_tag = property.get("const").is_some();
            // The only field of a variant stands for the variant, which has its own description.
            let described = self.is_described(property) || is_tag || !ranges && has_text(schema);
            assert!(described, "step `{}`: parameter `{path}` has no doc comment", self.name);
            if ranges {
                self.range(property, &path);
            }
            self.object(property, &path, ranges);
            for items in [property.get("items"), property.get("additionalProperties")] {
                if let Some(items) = items.filter(|items| items.is_object()) {
                    self.object(items, &path, ranges);
                    self.range(items, &path);
                }
            }
        }
    }

    fn is_described(&self, schema: &Json) -> bool {
        let forms = |key| schema.get(key).and_then(Json::as_array).into_iter().flatten();
        has_text(schema)
            || self.target(schema).is_some_and(has_text)
            || forms("allOf").chain(forms("anyOf")).any(|form| self.is_described(form))
    }

    fn target(&self, schema: &Json) -> Option<&Json> {
        let path = schema.get("$ref")?.as_str()?.strip_prefix('#')?;
        self.root.pointer(path)
    }

    fn range(&self, schema: &Json, path: &str) {
        let Some(keywords) = schema.as_object() else { return };
        let bounds =
            ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "enum", "const"];
        let bounded = bounds.iter().any(|bound| keywords.contains_key(*bound));
        assert!(
            bounded || !is_number(keywords) || self.unbounded.contains(&path),
            "step `{}`: parameter `{path}` is a number without a range",
            self.name
        );
    }
}

fn has_text(schema: &Json) -> bool {
    let text = schema.get("description").and_then(Json::as_str);
    text.is_some_and(|text| !text.trim().is_empty())
}

/// Whether a schema is for numbers, or for numbers and null.
fn is_number(keywords: &Map<String, Json>) -> bool {
    let is = |kind: &Json| matches!(kind.as_str(), Some("number" | "integer"));
    match keywords.get("type") {
        Some(Json::Array(kinds)) => kinds.iter().any(is),
        Some(kind) => is(kind),
        None => false,
    }
}
