//! What the page of a step and the help of its parameters say: made from the schema alone, as an
//! editor or a table of operations would.

use pipeline_core::step::StepType;
use serde_json::{Map, Value as Json, json};

use crate::support::registry;

/// What every page has, in this order.
const HEADINGS: [&str; 7] =
    ["| port |", "**Border**", "**NaN**", "**Cost**", "**Errors**", "**Source**", "```"];

#[test]
fn every_page_has_its_parts_in_order() {
    let mut faults = Vec::new();
    for step in registry().iter() {
        let page = step.schema["description"].as_str().unwrap_or_default();
        let mut from = 0;
        for heading in HEADINGS {
            match page[from..].find(heading) {
                Some(at) => from += at,
                None => faults.push(format!("{}: no {heading} where it belongs", step.name)),
            }
        }
        let words = ["axes", "samples", "values", "memory"];
        let tiled = step.build(&json!({})).unwrap().tile().is_some();
        for word in words.into_iter().chain(tiled.then_some("footprint")) {
            if !page.contains(word) {
                faults.push(format!("{}: nothing on {word}", step.name));
            }
        }
        let bordered = parameters(step).contains_key("border");
        if bordered && !page.contains("dcba│abcd│dcba") {
            faults.push(format!("{}: no letters for its borders", step.name));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// The units of parameters: `sample` is a number as samples have it, `white` a share of the
/// brightest one, `ratio` a factor or a share of something else.
const UNITS: [&str; 13] = [
    "px", "px²", "%", "degrees", "ratio", "white", "sample", "sigma", "byte", "channel", "tiles",
    "images", "s",
];

#[test]
fn a_unit_has_one_name() {
    let mut faults = Vec::new();
    for step in registry().iter() {
        for (name, parameter) in parameters(step) {
            let unit = parameter["x-unit"].as_str();
            if let Some(unit) = unit.filter(|unit| !UNITS.contains(unit)) {
                faults.push(format!("{}.{name}: {unit}", step.name));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn the_help_of_every_parameter_says_its_range_and_default() {
    let mut faults = Vec::new();
    for step in registry().iter() {
        for (name, parameter) in parameters(step) {
            let help = parameter["description"].as_str().unwrap_or_default();
            let help = help.replace('\n', " ");
            for part in expected(&parameter) {
                if !help.contains(&part) {
                    faults.push(format!("{}.{name}: no `{part}` in `{help}`", step.name));
                }
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

fn parameters(step: &StepType) -> Map<String, Json> {
    step.schema["properties"].as_object().cloned().unwrap_or_default()
}

/// A number as people write it.
fn number(value: &Json) -> Option<String> {
    value.as_f64().map(|number| number.to_string())
}

/// What the help of a parameter must contain.
fn expected(parameter: &Json) -> Vec<String> {
    let mut parts = Vec::new();
    let unit = parameter["x-unit"].as_str().unwrap_or_default();
    match (number(&parameter["minimum"]), number(&parameter["maximum"])) {
        (Some(least), Some(most)) => parts.push(format!("{least} to {most}")),
        (Some(least), None) => parts.push(format!("{least} {unit} and more")),
        _ => {}
    }
    if let Some(bound) = number(&parameter["exclusiveMinimum"]) {
        parts.push(format!("More than {bound} {unit}"));
    }
    parts.push(match &parameter["default"] {
        Json::Null => "if left out".into(),
        Json::String(path) if path.is_empty() => "must be given".into(),
        Json::String(word) => format!("default `{word}`"),
        other => format!("default {}", number(other).unwrap_or_else(|| other.to_string())),
    });
    let kind = parameter["type"].to_string();
    if unit.is_empty() && (kind.contains("number") || kind.contains("integer")) {
        parts.push("a unit".into());
    }
    parts
}

#[test]
fn a_parameter_carries_unit_range_default_and_help() {
    let registry = registry();
    let schema = &registry.find("gaussian_blur").unwrap().schema;
    let sigma = &schema["properties"]["sigma"];
    assert_eq!(sigma["x-unit"], "px");
    assert_eq!((&sigma["minimum"], &sigma["maximum"]), (&json!(0.0), &json!(1000.0)));
    assert_eq!(sigma["default"], 1.0);
    assert_eq!(
        sigma["description"],
        "Standard deviation; 0 changes nothing. 0 to 1000 px, default 1."
    );
    assert_eq!(schema["properties"]["border"]["default"], "replicate");
}
