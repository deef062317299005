//! Finds a parameter by the path that a fault prints: `points[0].x`.

use serde_json::{Map, Value as Json};

use super::expect;
use crate::error::{Error, Result, nearest};

/// References and nested forms are followed this far.
const MOST_DEPTH: usize = 16;

/// The place of a parameter among all parameters of a step.
///
/// A field that is not there, because serde leaves it out while it is empty, gets its place if the
/// schema knows it and the path ends with it.
///
/// # Errors
/// [`Error::Unknown`] with the nearest name of a field that is there.
pub(crate) fn locate<'a>(schema: &Json, params: &'a mut Json, path: &str) -> Result<&'a mut Json> {
    let mut forms = Vec::new();
    expand(schema, schema, 0, &mut forms);
    let mut place = params;
    let steps = steps(path);
    for (at, step) in steps.iter().enumerate() {
        if let (Step::Field(name), Json::Object(fields)) = (step, &mut *place)
            && !fields.contains_key(*name)
        {
            if at + 1 < steps.len() || !forms.iter().any(|form| field(form, name).is_some()) {
                let known = forms.iter().filter_map(|form| form.get("properties")?.as_object());
                let known = known.flat_map(Map::keys).chain(fields.keys()).map(String::as_str);
                let nearest = nearest(name, known);
                return Err(Error::Unknown { what: "parameter", name: path.to_owned(), nearest });
            }
            fields.insert((*name).to_owned(), Json::Null);
        }
        let inside = match step {
            Step::Field(name) => place.get_mut(name),
            Step::Item(index) => place.get_mut(index),
        };
        place = inside.ok_or_else(|| Error::unknown("parameter", path, []))?;
        let mut next = Vec::new();
        for form in forms {
            let inside = match step {
                Step::Field(name) => field(form, name),
                Step::Item(index) => item(form, *index),
            };
            inside.into_iter().for_each(|inside| expand(schema, inside, 0, &mut next));
        }
        forms = next;
    }
    Ok(place)
}

/// One step of a path.
enum Step<'a> {
    Field(&'a str),
    Item(usize),
}

fn steps(path: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    for part in path.split('.') {
        let (name, items) = items(part).unwrap_or((part, Vec::new()));
        if !name.is_empty() || items.is_empty() {
            steps.push(Step::Field(name));
        }
        steps.extend(items.into_iter().map(Step::Item));
    }
    steps
}

/// `a[0][1]` as `a` and its numbers.
fn items(part: &str) -> Option<(&str, Vec<usize>)> {
    let (name, items) = part.strip_suffix(']')?.split_once('[')?;
    let items: Result<Vec<usize>, _> = items.split("][").map(str::parse).collect();
    Some((name, items.ok()?))
}

/// The forms that a value may have, references followed.
fn expand<'a>(
    root: &'a Json,
    schema: &'a Json,
    depth: usize,
    forms: &mut Vec<&'a Map<String, Json>>,
) {
    let Some(keywords) = schema.as_object().filter(|_| depth < MOST_DEPTH) else { return };
    forms.push(keywords);
    let parts = ["allOf", "oneOf", "anyOf"].map(|key| expect::schemas(keywords, key));
    let referred = keywords.get("$ref").and_then(|to| expect::target(root, to));
    for part in parts.into_iter().flatten().chain(referred) {
        expand(root, part, depth + 1, forms);
    }
}

/// What a form says of a field.
fn field<'a>(form: &'a Map<String, Json>, name: &str) -> Option<&'a Json> {
    let own = form.get("properties").and_then(|fields| fields.get(name));
    let more = || form.get("additionalProperties").filter(|more| *more != &Json::Bool(false));
    let pattern = || form.get("patternProperties")?.as_object()?.values().next();
    own.or_else(more).or_else(pattern)
}

/// What a form says of an item of a list.
fn item(form: &Map<String, Json>, index: usize) -> Option<&Json> {
    expect::schemas(form, "prefixItems").get(index).or_else(|| form.get("items"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_lead_to_fields_and_items() {
        let schema = json!({
            "properties": {
                "points": { "items": { "$ref": "#/$defs/Point" } },
                "gains": { "additionalProperties": { "type": "number" } },
            },
            "$defs": { "Point": { "anyOf": [
                { "properties": { "x": {}, "y": {} } },
                { "type": "null" },
            ] } },
        });
        let params = json!({ "points": [{ "x": 1 }, { "x": 2 }], "odd[": [[1, 2]], "gains": {} });
        let find = |path: &str| {
            let mut params = params.clone();
            locate(&schema, &mut params, path)
                .map(|place| place.clone())
                .map_err(|error| error.to_string())
        };
        assert_eq!(find("points[1].x"), Ok(json!(2)));
        assert_eq!(find("points[1].y"), Ok(Json::Null));
        assert_eq!(find("odd[[0][1]"), Err("there is no parameter `odd[[0][1]`".into()));
        assert_eq!(find("odd["), Ok(json!([[1, 2]])));
        assert_eq!(find("gains.red"), Ok(Json::Null));
        for wrong in ["points[2]", "points[-1]", "points.x", "points[0].x.y", "", "gains.red.deep"]
        {
            assert_eq!(find(wrong), Err(format!("there is no parameter `{wrong}`")));
        }
        let expected = "there is no parameter `pionts`; did you mean `points`?";
        assert_eq!(find("pionts"), Err(expected.into()));
        let mut list = json!([[1, 2], 3]);
        assert_eq!(locate(&json!(true), &mut list, "[0][1]").unwrap(), &json!(2));
    }
}
