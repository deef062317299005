//! Pipeline files: round trips, faults, schema.

use std::time::Duration;

use pipeline_core::error::FaultCode;
use pipeline_core::graph::{FileFormat, FileLimits, Retry};
use pipeline_core::{Error, Fault, Graph, Registry, RunOptions};
use serde_json::{Value as Json, json};

use crate::scalars::{Add, Note, Number, Pick, Scalar, Scale, Split, Tell, registry};

pub(crate) const GOLDEN: &str = include_str!("../golden/pipeline.json");

pub(crate) fn faults_in(text: &str, format: FileFormat) -> Vec<Fault> {
    match FileLimits::default().parse(text, format, &registry()) {
        Ok(_) => Vec::new(),
        Err(Error::Invalid(faults)) => faults,
        Err(other) => panic!("a file has faults and nothing else: {other}"),
    }
}

pub(crate) fn faults(text: &str) -> Vec<Fault> {
    faults_in(text, FileFormat::Json)
}

pub(crate) fn lines(text: &str) -> Vec<String> {
    faults(text).iter().map(ToString::to_string).collect()
}

/// The faults of a file with these nodes beside a `two` that gives a number.
#[track_caller]
fn check(nodes: Json, expected: &[&str]) {
    let mut all = json!({ "two": { "step": "number" } });
    if let (Json::Object(all), Json::Object(nodes)) = (&mut all, nodes) {
        all.extend(nodes);
    }
    let file = json!({ "version": 1, "nodes": all });
    assert_eq!(lines(&file.to_string()), expected);
}

#[test]
fn the_golden_file_survives_every_format() {
    let registry = registry();
    let graph = Graph::from_json(GOLDEN, &registry).unwrap();
    assert_eq!(graph.to_json().unwrap(), GOLDEN);
    #[cfg(feature = "yaml")]
    {
        let yaml = graph.to_yaml().unwrap();
        assert_eq!(Graph::from_yaml(&yaml, &registry).unwrap().to_json().unwrap(), GOLDEN);
    }
    #[cfg(feature = "toml")]
    {
        // TOML has no null, which only what an embedder attached needs here.
        let error = graph.to_toml().unwrap_err();
        let shown = "nodes.scaled by a tenth.meta.color: found null, expected a value; TOML has no \
                     null";
        assert_eq!(error.to_string(), shown);
        let text = GOLDEN.replace("\"color\": null", "\"color\": \"red\"");
        let toml = Graph::from_json(&text, &registry).unwrap().to_toml().unwrap();
        assert_eq!(Graph::from_toml(&toml, &registry).unwrap().to_json().unwrap(), text);
    }
}

#[test]
fn a_graph_made_in_rust_is_the_graph_of_its_file() {
    let mut graph = Graph::new();
    let start = graph.input::<Scalar>("start");
    let two = graph.add("two", Number { value: 2.0 }, ());
    let (whole, fraction) = graph.add("parts", Split {}, start);
    let sum = graph.add("sum", Add {}, vec![two, fraction, two, whole]);
    let scaled = graph.add("scaled", Scale { factor: 0.1, ..Scale::default() }, sum);
    let choice = graph.add("choice", Pick {}, (sum, Some(scaled)));
    graph.add("plain", Pick {}, (sum, None));
    let note = graph.add("note", Tell { words: "=".into() }, choice);
    graph.target(note);
    graph.bypass(scaled.id()).unwrap();
    graph
        .settings(two.id(), |settings| {
            settings.retry = Retry { attempts: 2, delay_ms: 5 };
            settings.timeout = Some(Duration::from_secs(1));
        })
        .unwrap();
    let text = graph.to_json().unwrap();
    let again = Graph::from_json(&text, &registry()).unwrap();
    assert_eq!(again.to_json().unwrap(), text);
    let wires = |graph: &Graph| {
        let mut wires: Vec<_> = graph
            .wires()
            .map(|(from, to)| {
                let name = |id| graph.name(id).unwrap().to_owned();
                (name(to.0), to.1, name(from.0), from.1)
            })
            .collect();
        wires.sort();
        wires
    };
    assert_eq!(wires(&again), wires(&graph));
    let file: Json = serde_json::from_str(&text).unwrap();
    let terms = &file["nodes"]["sum"]["inputs"]["terms"];
    assert_eq!(*terms, json!(["two", "parts.fraction", "two", "parts.whole"]));
    assert_eq!(file["nodes"]["scaled"]["params"]["factor"], json!(0.1));
    let settings = again.node(again.find("two").unwrap()).unwrap().settings();
    assert_eq!(settings.timeout, Some(Duration::from_secs(1)));
}

#[test]
fn wires_may_lead_to_nodes_further_down_and_defaults_may_be_left_out() {
    let text = r#"{"version": 1, "nodes": {
        "sum": {"step": "add", "inputs": {"terms": "late"}},
        "late": {"step": "scale", "inputs": {"in": "two"}},
        "two": {"step": "number"}
    }}"#;
    let graph = Graph::from_json(text, &registry()).unwrap();
    let file: Json = serde_json::from_str(&graph.to_json().unwrap()).unwrap();
    let params = json!({ "factor": 1.0, "limit": null, "beyond": "keep" });
    assert_eq!(file["nodes"]["late"]["params"], params);
    assert_eq!(file["nodes"]["sum"]["inputs"], json!({ "terms": ["late"] }));
}

#[test]
fn parameters_are_told_with_path_value_and_range() {
    check(
        json!({ "s": {
            "step": "scale", "params": { "factor": -1.5 }, "inputs": { "in": "two" },
        } }),
        &["nodes.s.params.factor: found -1.5, expected 0.1 to 100 ratio"],
    );
    check(
        json!({ "s": {
            "step": "scale", "params": { "facotr": 1, "beyond": "clmap" }, "inputs": { "in": "two" },
        } }),
        &[
            "nodes.s.params.facotr: found `facotr`, expected one of `factor`, `limit`, `beyond`; did \
         you mean `factor`?",
            "nodes.s.params.beyond: found \"clmap\", expected one of `keep`, `clamp`, `{replace: …}`; \
         did you mean `clamp`?",
        ],
    );
    check(
        json!({ "t": { "step": "tell" } }),
        &[
            "nodes.t.params.words: found nothing, expected text of 1 to 40 characters",
            "nodes.t.inputs.in: found 0 wires, expected one wire that carries scalar",
        ],
    );
    check(
        json!({ "s": { "step": "scale", "params": [], "inputs": { "in": "two" } } }),
        &["nodes.s.params: found an empty list, expected an object"],
    );
    check(
        json!({ "s": { "step": "scale", "params": null, "inputs": { "in": "two" } } }),
        &["nodes.s.params: found null, expected an object"],
    );
}

#[test]
fn names_are_told_with_the_nearest() {
    check(
        json!({ "s": { "step": "scael" } }),
        &[
            "nodes.s.step: found `scael`, expected one of `add`, `number`, `pick`, `scale`, `split`, \
         `tell`; did you mean `scale`?",
        ],
    );
    check(
        json!({ "s": { "step": "scale", "inputs": { "in": "tow", "on": "two" } } }),
        &[
            "nodes.s.inputs.in: found `tow`, expected the name of a node or an input; did you mean \
         `two`?",
            "nodes.s.inputs.on: found `on`, expected `in`",
        ],
    );
    // There is only one input, whatever it is called.
    check(
        json!({ "s": { "step": "scale", "inputs": { "image": "two" } } }),
        &["nodes.s.inputs.image: found `image`, expected `in`"],
    );
    check(
        json!({
            "p": { "step": "split", "inputs": { "in": "two" } },
            "s": { "step": "scale", "inputs": { "in": "p.fractoin" } },
            "t": { "step": "scale", "inputs": { "in": "two.a" } },
        }),
        &[
            "nodes.s.inputs.in: found `fractoin`, expected one of `whole`, `fraction`; did you \
             mean `fraction`?",
            "nodes.t.inputs.in: found `a`, expected `out`",
        ],
    );
    check(
        json!({ "s": {
            "step": "scale", "parms": {}, "bypased": true, "inputs": { "in": "two" },
        } }),
        &[
            "nodes.s.parms: found `parms`, expected one of `step`, `params`, `inputs`, `bypassed`, \
         `retry`, `timeout_ms`, `priority`, `meta`; did you mean `params`?",
            "nodes.s.bypased: found `bypased`, expected one of `step`, `params`, `inputs`, `bypassed`, \
         `retry`, `timeout_ms`, `priority`, `meta`; did you mean `bypassed`?",
        ],
    );
    check(
        json!({ "": { "step": "number" }, "a.b": { "step": "number" } }),
        &[
            "nodes.: found an empty name, expected 1 to 200 characters without `.` and control \
         characters",
            "nodes.a.b: found a name with a `.`, expected 1 to 200 characters without `.` and control \
         characters",
        ],
    );
}

#[test]
fn wires_are_told_with_what_they_carry() {
    check(
        json!({
            "t": { "step": "tell", "params": { "words": "=" }, "inputs": { "in": "two" } },
            "s": { "step": "scale", "inputs": { "in": "t" } },
            "a": { "step": "add", "inputs": { "terms": ["two", "t", 3] } },
            "b": { "step": "scale", "inputs": { "in": ["two", "two"] } },
            "c": { "step": "scale", "inputs": { "in": ["two"] } },
            "d": { "step": "scale", "inputs": ["two"] },
        }),
        &[
            "nodes.d.inputs: found a list of 1 value, expected an object",
            "nodes.s.inputs.in: found `t`, which carries note, expected scalar",
            "nodes.a.inputs.terms[2]: found 3, expected a wire: `node` or `node.port`",
            "nodes.a.inputs.terms[1]: found `t`, which carries note, expected scalar",
            "nodes.b.inputs.in: found 2 wires, expected one wire",
            "nodes.c.inputs.in: found a list of 1 value, expected a wire: `node` or `node.port`",
        ],
    );
}

#[test]
fn one_reading_tells_the_faults_of_the_structure_too() {
    let text = |name: &str| json!({ "step": "tell", "params": { "words": "=" }, "inputs": { "in": name } });
    let nodes = json!({
        "stranger": { "step": "scael", "inputs": { "in": "a" } },
        "follows": { "step": "scale", "inputs": { "in": "stranger" } },
        "a": { "step": "scale", "params": { "factor": 1000 }, "inputs": { "in": "b" } },
        "b": { "step": "scale", "inputs": { "in": "a" } },
        "lonely": { "step": "pick" },
        "both": { "step": "scale", "params": { "factor": 0 } },
        "note": text("b"),
        "wrong": text("note"),
        "slip": { "step": "scale", "inputs": { "on": "two" } },
        "source": { "step": "number", "bypassed": true },
    });
    check(
        nodes,
        &[
            "nodes.stranger.step: found `scael`, expected one of `add`, `number`, `pick`, `scale`, \
             `split`, `tell`; did you mean `scale`?",
            "nodes.a.params.factor: found 1000, expected 0.1 to 100 ratio",
            "nodes.both.params.factor: found 0, expected 0.1 to 100 ratio",
            "nodes.wrong.inputs.in: found `note`, which carries note, expected scalar",
            "nodes.slip.inputs.on: found `on`, expected `in`",
            "nodes.lonely.inputs.first: found 0 wires, expected one wire that carries scalar",
            "nodes.both.inputs.in: found 0 wires, expected one wire that carries scalar",
            "nodes.source.bypassed: found no wire that carries scalar, expected one, to pass on to \
             output `out`",
            "nodes.a: found the cycle a → b → a, expected wires without a cycle",
        ],
    );
    // Work that is not finished can be kept, and its plan tells the same.
    let file = json!({ "version": 1, "nodes": { "lonely": { "step": "pick" } } });
    let graph = Graph::from_json(&file.to_string(), &registry()).unwrap();
    let error = crate::toy::forgetful(1).0.plan(&graph, &RunOptions::default()).unwrap_err();
    let expected =
        "nodes.lonely.inputs.first: found 0 wires, expected one wire that carries scalar";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_time_limit_may_be_a_fraction_and_nothing_absurd() {
    let node = |limit: Json| json!({ "s": { "step": "number", "timeout_ms": limit } });
    for good in [json!(0), json!(0.5), json!(1500), json!(u64::MAX)] {
        check(node(good), &[]);
    }
    check(node(json!(-0.5)), &["nodes.s.timeout_ms: found -0.5, expected at least 0 ms"]);
    check(node(json!("1")), &["nodes.s.timeout_ms: found \"1\", expected a number, at least 0 ms"]);
    let refused = "nodes.s: found settings that cannot be read (a time of 1e+300 ms, expected 0 or \
                   more), expected settings of a node";
    check(node(json!(1e300)), &[refused]);
    #[cfg(feature = "yaml")]
    {
        let text = "version: 1\nnodes:\n  a: {step: number, timeout_ms: .nan}\n";
        let shown = faults_in(text, FileFormat::Yaml);
        assert_eq!(shown.len(), 1, "{shown:?}");
        assert_eq!(shown[0].path, "nodes.a.timeout_ms");
    }
}

#[test]
fn settings_are_checked_like_parameters() {
    check(
        json!({ "s": {
            "step": "number", "bypassed": "yes", "retry": { "atempts": 2 },
            "timeout_ms": -5, "priority": 200,
        } }),
        &[
            "nodes.s.bypassed: found \"yes\", expected true or false",
            "nodes.s.retry.atempts: found `atempts`, expected one of `attempts`, `delay_ms`; did \
             you mean `attempts`?",
            "nodes.s.retry.attempts: found nothing, expected a whole number, 1 to 255",
            "nodes.s.timeout_ms: found -5, expected at least 0 ms",
            "nodes.s.priority: found 200, expected -128 to 127",
        ],
    );
}

#[test]
fn the_file_itself_is_checked() {
    for (text, expected) in [
        ("[]", vec!["file: found an empty list, expected an object"]),
        (
            "{}",
            vec!["version: found nothing, expected 1", "nodes: found nothing, expected an object"],
        ),
        (r#"{"version": 2, "anything": 1}"#, vec!["version: found 2, expected 1"]),
        (r#"{"version": "1", "nodes": {}}"#, vec!["version: found \"1\", expected 1"]),
        (
            r#"{"version": 1, "nodes": [], "target": []}"#,
            vec![
                "target: found `target`, expected one of `version`, `inputs`, `nodes`, `targets`, \
             `meta`, `$schema`; did you mean `targets`?",
                "nodes: found an empty list, expected an object",
            ],
        ),
        (
            r#"{"version": 1, "inputs": {"a": {"type": "scalra"}, "b": 1, "c": {}}, "nodes": {},
                "targets": ["a", "a.out", "b", "x", 5]}"#,
            vec![
                "inputs.a.type: found `scalra`, expected one of `note`, `scalar`; did \
                 you mean `scalar`?",
                "inputs.b: found 1, expected an object",
                "inputs.c.type: found nothing, expected the name of a data type",
                "targets[3]: found `x`, expected the name of a node or an input; did you mean `a`?",
                "targets[4]: found 5, expected an output: `node` or `node.port`",
            ],
        ),
        (
            r#"{"version": 1, "nodes": {"a": {"step": "number"}}, "targets": ["a", "a.out"]}"#,
            vec!["targets[1]: found `a.out` a second time, expected each output once"],
        ),
    ] {
        assert_eq!(lines(text), expected, "{text}");
    }
}

#[test]
fn repeated_fields_are_faults_at_every_level() {
    let text = r#"{"version": 1, "meta": {"a": 1, "a": 2}, "meta": 1,
        "inputs": {"n": {"type": "scalar", "type": "note"}},
        "nodes": {
            "n": {"step": "number"},
            "s": {"step": "scale", "step": "add", "params": {"factor": 2, "factor": 3},
                  "inputs": {"in": "n", "in": "n"}, "priority": 1, "priority": 2},
            "s": {"step": "scale"}
        }}"#;
    let found = lines(text);
    let once = "expected each field once";
    assert_eq!(
        found,
        [
            format!("meta: found `meta` a second time, {once}"),
            format!("inputs.n.type: found `type` a second time, {once}"),
            "nodes.n: found `n` a second time, expected each name once among nodes and inputs"
                .into(),
            format!("nodes.s.step: found `step` a second time, {once}"),
            format!("nodes.s.priority: found `priority` a second time, {once}"),
            format!("nodes.s.params.factor: found `factor` a second time, {once}"),
            "nodes.s: found `s` a second time, expected each name once among nodes and inputs"
                .into(),
            format!("nodes.s.inputs.in: found `in` a second time, {once}"),
            format!("meta.a: found `a` a second time, {once}"),
        ]
    );
    assert!(faults(text).iter().all(|fault| fault.code == FaultCode::Name));
}

#[test]
fn a_file_on_disk_is_read_by_its_extension() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("a.json"), GOLDEN).unwrap();
    std::fs::write(path("a.JSON"), GOLDEN).unwrap();
    std::fs::write(path("a.png"), GOLDEN).unwrap();
    std::fs::write(path("bad.json"), b"{\"version\": \xff}").unwrap();
    let registry = registry();
    assert_eq!(Graph::read(path("a.json"), &registry).unwrap().len(), 7);
    assert_eq!(Graph::read(path("a.JSON"), &registry).unwrap().len(), 7);
    assert!(matches!(Graph::read(path("a.png"), &registry), Err(Error::Input { .. })));
    assert!(matches!(Graph::read(path("none"), &registry), Err(Error::Input { .. })));
    assert!(matches!(Graph::read(path("none.json"), &registry), Err(Error::File { .. })));
    let error = Graph::read(path("bad.json"), &registry).unwrap_err();
    assert_eq!(error.to_string(), "byte 12: found bytes that are not text, expected UTF-8");
    let small = FileLimits { max_bytes: 10, ..FileLimits::default() };
    let error = small.read(path("a.json"), &registry).unwrap_err();
    assert!(error.to_string().starts_with("file: found"), "{error}");
    std::fs::create_dir(path("folder.json")).unwrap();
    assert!(matches!(Graph::read(path("folder.json"), &registry), Err(Error::File { .. })));
}

#[test]
fn what_a_file_cannot_hold_is_not_written() {
    let mut graph = Graph::new();
    graph.add("a.b", Number::default(), ());
    graph.add("n", Number::default(), ());
    graph.add("n", Number::default(), ());
    graph.add("nan", Number { value: f64::NAN }, ());
    let lost = Scale { limit: Some(f32::INFINITY), ..Scale::default() };
    let number = graph.add("x", Number::default(), ());
    graph.add("lost", lost, number);
    graph.settings(number.id(), |settings| settings.retry.attempts = 0).unwrap();
    graph.target_any(number.id(), 3);
    let found: Vec<String> =
        graph.to_json().unwrap_err().to_string().lines().map(str::to_owned).collect();
    assert_eq!(
        found,
        [
            "nodes.a.b: found a name with a `.`, expected 1 to 200 characters without `.` and control \
         characters",
            "nodes.n: found `n` a second time, expected each name once",
            "nodes.nan.params.value: found null (not a finite number), expected a number",
            "nodes.x.retry.attempts: found 0, expected 1 to 255",
            "nodes.lost.params.limit: found inf, expected a finite number",
            "targets[0]: found output 3 of `x`, expected an output that the node has",
        ]
    );
}

#[test]
fn the_schema_describes_every_step() {
    let registry = registry();
    let schema = Graph::json_schema(&registry);
    let node = &schema["$defs"]["node"];
    assert_eq!(node["properties"]["step"]["oneOf"][3]["const"], "scale");
    assert_eq!(node["properties"]["step"]["oneOf"][3]["description"], "Multiplies a number.");
    let branch = &node["allOf"][3];
    assert_eq!(branch["if"], json!({ "properties": { "step": { "const": "scale" } } }));
    assert_eq!(branch["then"]["properties"]["params"], json!({ "$ref": "#/$defs/step.scale" }));
    let params = &schema["$defs"]["step.scale"];
    let factor = &params["properties"]["factor"];
    assert_eq!(factor["x-unit"], "ratio");
    assert_eq!(factor["minimum"], 0.1);
    assert_eq!(params["properties"]["beyond"]["$ref"], "#/$defs/scale.Beyond");
    assert!(schema["$defs"]["scale.Beyond"]["oneOf"].is_array());
    assert_eq!(schema["$defs"]["node"]["properties"]["retry"]["$ref"], "#/$defs/settings.Retry");
    assert_eq!(node["allOf"][5]["then"]["required"], json!(["params", "inputs"]));
    assert_eq!(branch["then"]["required"], json!(["inputs"]));
    assert_eq!(branch["then"]["properties"]["inputs"]["required"], json!(["in"]));
    assert_eq!(node["allOf"][2]["then"]["properties"]["inputs"]["required"], json!(["first"]));
    let inputs = &node["allOf"][2]["then"]["properties"]["inputs"]["properties"];
    let names: Vec<&String> = inputs.as_object().unwrap().keys().collect();
    assert_eq!(names, ["first", "other"]);
    // Every reference leads somewhere.
    let mut open = vec![&schema];
    while let Some(value) = open.pop() {
        match value {
            Json::Object(fields) => {
                if let Some(Json::String(to)) = fields.get("$ref") {
                    assert!(schema.pointer(&to[1..]).is_some(), "{to}");
                }
                open.extend(fields.values());
            }
            Json::Array(values) => open.extend(values),
            _ => {}
        }
    }
}

#[test]
fn a_registry_describes_itself() {
    let registry = registry();
    let steps = registry.describe();
    let scale = &steps[3];
    assert_eq!(scale["name"], "scale");
    assert_eq!(scale["summary"], "Multiplies a number.");
    assert_eq!(scale["docs"], "Multiplies a number.\n\nAnd limits it.");
    assert_eq!(
        steps[0]["inputs"],
        json!([
            { "name": "terms", "type": "scalar", "arity": "many" },
        ])
    );
    assert_eq!(scale["params"]["properties"]["factor"]["default"], 1.0);
    let data: Vec<&str> = registry.data_types().map(|data| data.name).collect();
    assert_eq!(data, ["note", "scalar"]);
    assert_eq!(registry.data_type("note").unwrap(), pipeline_core::data::DataType::of::<Note>());
    let error = Registry::new().data_type("note").unwrap_err();
    assert_eq!(error.to_string(), "there is no data type `note`");
}
