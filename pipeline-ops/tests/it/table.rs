//! The table of operations in the documentation, made from the registry.

use std::fmt::Write as _;
use std::path::Path;

use pipeline_core::step::{Arity, Port, StepType};
use pipeline_core::{Registry, Result};
use pipeline_ops::{cells, draw, filter, geometry, io, measure, morphology, point, rank, segment};
use serde_json::Value as Json;

type Group = (&'static str, fn(&mut Registry) -> Result<()>);

const GROUPS: [Group; 10] = [
    ("io: files of pictures, movies and tables", io::register),
    ("point: each pixel from the same pixel", point::register),
    ("geometry: which pixel goes where", geometry::register),
    ("filter: linear filters and edges", filter::register),
    ("rank: one of the pixels around", rank::register),
    ("morphology: structuring elements and shapes of masks", morphology::register),
    ("segment: which pixels belong to an object", segment::register),
    ("measure: images and objects as numbers", measure::register),
    ("cells: what is behind them, and which is which over time", cells::register),
    ("draw: images for people to look at", draw::register),
];

const HEAD: &str = "\
# Operations

All steps of `pipeline-ops`, made from the registry itself.
The page of a step, with formula, ranges, cost, errors and source, is in its documentation (`cargo doc`) and, as data, in `Registry::describe()`.
A parameter stands with its default, its unit and its range; `(0, 9]` is more than 0 and at most 9.
*Tiles* are steps that can make any part of their output alone: they run in parallel bands, and as one with their neighbours if each of their ports has one wire.

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

#[test]
fn the_readme_says_how_many_operations_there_are() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let mut registry = Registry::new();
    pipeline_ops::register(&mut registry).unwrap();
    let count = registry.iter().count();
    let readme = std::fs::read_to_string(path).unwrap();
    assert!(readme.contains(&format!("- {count} operations:")), "there are {count}");
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
    let required = schema["required"].as_array().into_iter().flatten();
    let required: Vec<&str> = required.filter_map(Json::as_str).collect();
    let one = |(name, parameter): (&String, &Json)| {
        let default = match &parameter["default"] {
            _ if required.contains(&name.as_str()) => "required".to_owned(),
            Json::Null => "none".to_owned(),
            Json::String(word) => word.clone(),
            other => other.to_string(),
        };
        let unit = parameter["x-unit"].as_str().unwrap_or_default();
        let text = format!("`{name}` {default} {unit}");
        format!("{}{}", text.trim_end(), range(parameter))
    };
    properties.map(one).collect::<Vec<_>>().join(", ")
}

/// The range of a number, or of each number of a list, in brackets that are round where it is open.
fn range(parameter: &Json) -> String {
    let numbers = if parameter["items"].is_object() { &parameter["items"] } else { parameter };
    let end = |closed: &str, open: &str| match (numbers[closed].as_f64(), numbers[open].as_f64()) {
        (None, end) => (end, true),
        (end, _) => (end, false),
    };
    let (low, is_above) = end("minimum", "exclusiveMinimum");
    let (high, is_below) = end("maximum", "exclusiveMaximum");
    if low.is_none() && high.is_none() {
        return String::new();
    }
    let low = low.map_or("-∞".to_owned(), |low| low.to_string());
    let high = high.map_or("∞".to_owned(), |high| high.to_string());
    let (left, right) = (if is_above { '(' } else { '[' }, if is_below { ')' } else { ']' });
    format!(" {left}{low}, {high}{right}")
}
