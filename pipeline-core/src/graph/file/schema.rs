//! The JSON Schema of the pipeline file, for editors that complete and check while one types.
//!
//! Everything in it that a step, a setting or a port could change comes from their own
//! descriptions. Each step has a branch of its own: where `step` is its name, `params` and `inputs`
//! are its parameters and ports.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value as Json, json};

use super::{LONGEST_NAME, VERSION};
use crate::graph::{Graph, Settings};
use crate::step::{Arity, Port, Registry, StepType};

/// The schema of a node's settings.
pub(super) fn settings() -> &'static Json {
    static SCHEMA: LazyLock<Json> = LazyLock::new(|| {
        let generator = SchemaSettings::draft2020_12().into_generator();
        generator.into_root_schema_for::<Settings>().to_value()
    });
    &SCHEMA
}

/// The pattern of a node's name: no `.`, no control characters.
fn name_pattern() -> String {
    format!(r"[^.\x00-\x1f\x7f-\x9f]{{1,{LONGEST_NAME}}}")
}

impl Graph {
    /// The JSON Schema (draft 2020-12) of pipeline files whose steps are those of a registry.
    ///
    /// A file may name it as its `$schema`, so that an editor finds it.
    #[must_use]
    pub fn json_schema(registry: &Registry) -> Json {
        let mut defs = Map::new();
        let name = name_pattern();
        let mut settings = settings().clone();
        absorb(&mut settings, "settings", &mut defs);
        let mut fields = Map::new();
        fields.insert("step".to_owned(), json!({ "oneOf": step_names(registry) }));
        fields.insert("params".to_owned(), json!({ "description": "The step's parameters." }));
        let inputs = "The wires at the step's inputs: `node` or `node.port`.";
        fields.insert("inputs".to_owned(), json!({ "type": "object", "description": inputs }));
        let shared = settings.get_mut("properties").and_then(Json::as_object_mut);
        fields.extend(shared.map(std::mem::take).unwrap_or_default());
        let branches: Vec<Json> = registry.iter().map(|kind| branch(kind, &mut defs)).collect();
        let mut node = json!({
            "type": "object",
            "required": ["step"],
            "additionalProperties": false,
            "properties": fields,
        });
        if !branches.is_empty() {
            node["allOf"] = branches.into();
        }
        defs.insert("node".to_owned(), node);
        defs.insert(
            "wire".to_owned(),
            json!({
                "type": "string",
                "pattern": format!("^{name}(\\..+)?$"),
                "description": "An output: `node`, or `node.port` if the node has several.",
            }),
        );
        let data: Vec<&str> = registry.data_types().map(|data| data.name).collect();
        let names = json!({ "pattern": format!("^{name}$"), "maxLength": LONGEST_NAME });
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Pipeline file",
            "type": "object",
            "required": ["version", "nodes"],
            "additionalProperties": false,
            "properties": {
                "$schema": { "type": "string" },
                "version": { "const": VERSION, "description": "The version of the format." },
                "inputs": {
                    "type": "object",
                    "description": "Values that are given for each run, by name.",
                    "propertyNames": names.clone(),
                    "additionalProperties": {
                        "type": "object",
                        "required": ["type"],
                        "additionalProperties": false,
                        "properties": { "type": { "enum": data }, "meta": {} },
                    },
                },
                "nodes": {
                    "type": "object",
                    "description": "The steps, by name.",
                    "propertyNames": names,
                    "additionalProperties": { "$ref": "#/$defs/node" },
                },
                "targets": {
                    "type": "array",
                    "description": "What a run computes if it is not told otherwise; by default \
                                    every node that nothing reads from.",
                    "uniqueItems": true,
                    "items": { "$ref": "#/$defs/wire" },
                },
                "meta": { "description": "What an editor attached." },
            },
            "$defs": defs,
        })
    }
}

fn step_names(registry: &Registry) -> Vec<Json> {
    let name = |kind: &StepType| json!({ "const": kind.name, "description": kind.summary() });
    registry.iter().map(|kind| name(kind)).collect()
}

/// What holds for the nodes of one step.
fn branch(kind: &StepType, defs: &mut Map<String, Json>) -> Json {
    let mut params = kind.schema.clone();
    absorb(&mut params, kind.name, defs);
    let place = format!("step.{}", kind.name);
    let to = json!({ "$ref": format!("#/$defs/{}", pointer(&place)) });
    let needs_params =
        params.get("required").and_then(Json::as_array).is_some_and(|names| !names.is_empty());
    defs.insert(place, params);
    let needed = kind.inputs.iter().filter(|port| port.arity == Arity::One);
    let needed: Vec<&str> = needed.map(|port| port.name).collect();
    let ports: Map<String, Json> =
        kind.inputs.iter().map(|port| (port.name.to_owned(), port_schema(port))).collect();
    let mut inputs = json!({ "additionalProperties": false, "properties": ports });
    let mut fields = Vec::new();
    if needs_params {
        fields.push("params");
    }
    if !needed.is_empty() {
        fields.push("inputs");
        inputs["required"] = needed.into();
    }
    let mut then = json!({ "properties": { "params": to, "inputs": inputs } });
    if !fields.is_empty() {
        then["required"] = fields.into();
    }
    json!({ "if": { "properties": { "step": { "const": kind.name } } }, "then": then })
}

fn port_schema(port: &Port) -> Json {
    let wire = json!({ "$ref": "#/$defs/wire" });
    match port.arity {
        Arity::Many => {
            json!({ "description": format!("Any number of {}.", port.data.name),
                "anyOf": [wire.clone(), { "type": "array", "items": wire }] })
        }
        Arity::Optional => {
            json!({ "description": format!("{}, may be left out.", port.data.name),
                "allOf": [wire] })
        }
        Arity::One => json!({ "description": port.data.name, "allOf": [wire] }),
    }
}

/// Makes a schema part of a larger one: its definitions move to the common ones under a prefix.
fn absorb(schema: &mut Json, prefix: &str, defs: &mut Map<String, Json>) {
    let Some(keywords) = schema.as_object_mut() else { return };
    keywords.remove("$schema");
    let own = keywords.remove("$defs");
    redirect(schema, prefix);
    for (name, mut definition) in own.into_iter().filter_map(into_object).flatten() {
        redirect(&mut definition, prefix);
        defs.insert(format!("{prefix}.{name}"), definition);
    }
}

fn into_object(value: Json) -> Option<Map<String, Json>> {
    if let Json::Object(object) = value { Some(object) } else { None }
}

fn redirect(schema: &mut Json, prefix: &str) {
    match schema {
        Json::Object(keywords) => {
            for (key, value) in keywords {
                match value {
                    Json::String(to) if key == "$ref" => {
                        if let Some(name) = to.strip_prefix("#/$defs/") {
                            *to = format!("#/$defs/{}.{name}", pointer(prefix));
                        } else if to == "#" {
                            *to = format!("#/$defs/step.{}", pointer(prefix));
                        }
                    }
                    // Values of a parameter, not schemas.
                    _ if key == "default" || key == "const" || key == "enum" => {}
                    other => redirect(other, prefix),
                }
            }
        }
        Json::Array(schemas) => schemas.iter_mut().for_each(|schema| redirect(schema, prefix)),
        _ => {}
    }
}

/// A name as part of a JSON pointer.
fn pointer(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
