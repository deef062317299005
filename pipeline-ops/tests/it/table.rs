//! The table of operations in the documentation, made from the registry.

use std::fmt::Write as _;
use std::path::Path;

use pipeline_core::step::{Arity, Port, StepType};
use pipeline_core::{Registry, Result};
use pipeline_ops::{draw, filter, geometry, io, measure, morphology, point, rank, segment};
use serde_json::Value as Json;

type Group = (&'static str, fn(&mut Registry) -> Result<()>);

const GROUPS: [Group; 9] = [
    ("io: picture files", io::register),
    ("point: each pixel from the same pixel", point::register),
    ("geometry: which pixel goes where", geometry::register),
    ("filter: linear filters and edges", filter::register),
    ("rank: one of the pixels around", rank::register),
    ("morphology: structuring elements and shapes of masks", morphology::register),
    ("segment: which pixels belong to an object", segment::register),
    ("measure: images and objects as numbers", measure::register),
    ("draw: images for people to look at", draw::register),
];

const HEAD: &str = "\
# Operations

All steps of `pipeline-ops`, made from the registry itself.
The page of a step, with formula, ranges, cost, errors and source, is in its documentation (`cargo doc`) and, as data, in `Registry::describe()`.
*Tiles* are steps that can make any part of their output alone: they run in parallel bands, and as one with their neighbours.

![Every operation on one photo](images/gallery.jpg)

What `cargo run --release --example gallery` makes of one photo.
";

#[test]
fn the_table_of_operations_is_that_of_the_registry() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let table = table();
    // With this variable the table is written instead.
    if std::env::var_os("PIPELINE_WRITE_TABLES").is_some() {
        std::fs::write(path, table).unwrap();
        return;
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    let hint = "run this test with PIPELINE_WRITE_TABLES=1 to write docs/operations.md anew";
    assert!(found == table, "docs/operations.md is not what the registry says; {hint}");
}

fn table() -> String {
    let mut text = HEAD.to_owned();
    for (title, register) in GROUPS {
        let mut registry = Registry::new();
        register(&mut registry).unwrap();
        let mut steps: Vec<_> = registry.iter().collect();
        steps.sort_unstable_by_key(|step| step.name);
        writeln!(text, "\n## {title}\n").unwrap();
        text += "| step | what it does | ports | samples | parameters and defaults | tiles |\n";
        text += "|---|---|---|---|---|---|\n";
        for step in steps {
            row(step, &mut text);
        }
    }
    text
}

fn row(step: &StepType, text: &mut String) {
    let tiles = step.build(&Json::Object(serde_json::Map::new())).unwrap().tile().is_some();
    writeln!(
        text,
        "| `{}` | {} | {} → {} | {} | {} | {} |",
        step.name,
        step.summary().replace('\n', " ").replace('|', "\\|"),
        ports(&step.inputs),
        ports(&step.outputs),
        samples(step.docs()),
        parameters(&step.schema),
        if tiles { "yes" } else { "" },
    )
    .unwrap();
}

fn ports(ports: &[Port]) -> String {
    let port = |port: &Port| {
        let name = port.data.name;
        match port.arity {
            Arity::One => name.to_owned(),
            Arity::Optional => format!("{name}?"),
            Arity::Many => format!("{name}…"),
        }
    };
    ports.iter().map(port).collect::<Vec<_>>().join(", ")
}

/// What the first row of the page's table of ports says of samples.
fn samples(docs: &str) -> &str {
    let rows = docs.lines().filter(|line| line.starts_with("| `"));
    rows.filter_map(|row| row.split('|').nth(4)).next().unwrap_or_default().trim()
}

fn parameters(schema: &Json) -> String {
    let properties = schema["properties"].as_object().into_iter().flatten();
    let one = |(name, parameter): (&String, &Json)| {
        let unit = parameter["x-unit"].as_str().unwrap_or_default();
        match &parameter["default"] {
            Json::Null => format!("`{name}`"),
            Json::String(word) if word.is_empty() => format!("`{name}`"),
            Json::String(word) => format!("`{name}` {word}"),
            other => format!("`{name}` {other} {unit}").trim_end().to_owned(),
        }
    };
    properties.map(one).collect::<Vec<_>>().join(", ")
}
