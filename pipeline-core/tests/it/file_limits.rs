//! Pipeline files that are too deep, too large or too wrong.

use pipeline_core::error::FaultCode;
use pipeline_core::graph::{FileFormat, FileLimits};
use pipeline_core::{Error, Graph};
use serde_json::{Value as Json, json};

use crate::file::{GOLDEN, faults, faults_in, lines};
use crate::scalars::registry;

#[test]
fn deep_nesting_is_refused_in_every_format() {
    let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let objects = |depth: usize| "{\"a\":".repeat(depth) + "1" + &"}".repeat(depth);
    let only = |text: &str, format| {
        let faults = faults_in(text, format);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!(faults[0].code, FaultCode::Limit, "{faults:?}");
    };
    for depth in [64, 65, 100, 127, 128, 1000, 100_000] {
        let text = format!("{{\"version\": 1, \"nodes\": {{}}, \"meta\": {}}}", deep(depth));
        only(&text, FileFormat::Json);
        only(&objects(depth + 1), FileFormat::Json);
        only(&"[".repeat(depth + 1), FileFormat::Json);
        #[cfg(feature = "yaml")]
        {
            only(&text, FileFormat::Yaml);
            only(&"- ".repeat(depth + 1), FileFormat::Yaml);
        }
        #[cfg(feature = "toml")]
        {
            let text = format!("version = 1\nnodes = {{}}\nmeta = {}\n", deep(depth));
            only(&text, FileFormat::Toml);
            only(&format!("{}a = 1\n", "a.".repeat(depth + 1)), FileFormat::Toml);
        }
    }
    let fits = format!("{{\"version\": 1, \"nodes\": {{}}, \"meta\": {}}}", deep(63));
    assert_eq!(lines(&fits), [""; 0]);
    let found = lines(&"[".repeat(65));
    assert_eq!(
        found,
        [
            "line 1, column 65: found deeper nesting, expected at most 64 levels of lists and objects \
         and 10000000 values",
        ]
    );
}

#[test]
fn files_past_their_limits_are_refused() {
    let refused = |limits: FileLimits| match limits.parse(GOLDEN, FileFormat::Json, &registry()) {
        Err(Error::Invalid(faults)) => faults.iter().map(ToString::to_string).collect(),
        other => vec![format!("{other:?}")],
    };
    let limits = FileLimits::default();
    assert_eq!(
        refused(FileLimits { max_bytes: 100, ..limits }),
        [format!("file: found {} bytes, expected at most 100 bytes", GOLDEN.len())]
    );
    assert_eq!(
        refused(FileLimits { max_nodes: 6, ..limits }),
        ["nodes: found 7 nodes and inputs, expected at most 6",]
    );
    assert_eq!(refused(FileLimits { max_values: 20, ..limits }).len(), 1);
}

#[test]
fn a_hundred_thousand_nodes_with_as_many_wires_at_one_input_are_read() {
    let count = 100_000;
    let mut nodes = serde_json::Map::new();
    let mut names = vec!["start".to_owned()];
    for place in 0..count {
        let node = json!({ "step": "scale", "inputs": { "in": names[place] } });
        names.push(format!("scale {place}"));
        nodes.insert(names[place + 1].clone(), node);
    }
    nodes.insert("sum".to_owned(), json!({ "step": "add", "inputs": { "terms": names } }));
    let inputs = json!({ "start": { "type": "scalar" } });
    let file = json!({ "version": 1, "inputs": inputs, "nodes": nodes, "targets": names });
    // Were any of this quadratic, the test would not end while one waits for it.
    let graph = Graph::from_json(&file.to_string(), &registry()).unwrap();
    assert_eq!(graph.len(), count + 2);
    assert_eq!(graph.wires().count(), 2 * count + 1);
    assert_eq!(graph.targets().count(), count + 1);
    let again: Json = serde_json::from_str(&graph.to_json().unwrap()).unwrap();
    assert_eq!(again["nodes"]["sum"], file["nodes"]["sum"]);
}

#[test]
fn many_faults_are_found_in_linear_time_and_counted() {
    let mut nodes = serde_json::Map::new();
    for place in 0..12_000 {
        let wire = format!("nod{place}");
        let node = json!({ "step": "scale", "inputs": { "in": wire }, "x": 1 });
        nodes.insert(format!("node{place}"), node);
    }
    let found = faults(&json!({ "version": 1, "nodes": nodes }).to_string());
    assert_eq!(found.len(), 10_001);
    assert_eq!(found[10_000].found, "14000 more faults");
    let ports: Vec<String> = (0..50_000).map(|place| format!("\"p{place}\": 1")).collect();
    let text = format!(
        "{{\"version\": 1, \"nodes\": {{\"a\": {{\"step\": \"scale\", \"inputs\": {{{}}}}}}}}}",
        ports.join(",")
    );
    assert_eq!(faults(&text).len(), 10_001);
    let long = "x".repeat(1_000_000);
    assert_eq!(faults(&text.replace("scale", &long)).len(), 10_001);
}
