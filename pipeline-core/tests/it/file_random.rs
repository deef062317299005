//! Pipeline files of random graphs, and files damaged at random.

use std::time::Duration;

use pipeline_core::graph::{FileFormat, FileLimits, NodeInfo};
use pipeline_core::{Error, Graph, NodeId};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use serde_json::Value as Json;

use crate::file::GOLDEN;
use crate::scalars::{Add, Beyond, Number, Pick, Scalar, Scale, Split, Tell, registry};

/// A graph of up to `size` nodes, each wired to nodes before it, described by plain numbers.
fn any_graph(size: usize) -> impl Strategy<Value = Graph> {
    let name = "[^.\\x00-\\x1f\\x7f-\\x9f]{1,8}";
    let node = (name, 0u8..7, any::<[u16; 3]>(), any::<f64>(), 0.1f32..100.0, any_settings());
    let meta = prop::option::of(any_json());
    (prop::collection::vec(node, 0..size), meta).prop_map(|(nodes, meta)| {
        let mut graph = Graph::new();
        let mut made = Vec::new();
        for (place, (name, kind, picks, value, factor, settings)) in nodes.into_iter().enumerate() {
            let name = format!("{name}{place}");
            let pick = |n: usize| made.get(usize::from(picks[n]) % made.len().max(1)).copied();
            let value = if value.is_finite() { value } else { 0.5 };
            let id = match (kind, pick(0), pick(1)) {
                (0, _, _) => {
                    let input = graph.input::<Scalar>(name);
                    made.push(input);
                    input.id()
                }
                (1, Some(a), Some(b)) => {
                    let sum = graph.add(name, Add {}, vec![a, b, a]);
                    made.push(sum);
                    sum.id()
                }
                (2, Some(a), _) => {
                    let beyond = Beyond::Replace(factor);
                    let limit = Some(factor / 3.0);
                    let scaled = graph.add(name, Scale { factor, limit, beyond }, a);
                    made.push(scaled);
                    scaled.id()
                }
                (3, Some(a), _) => {
                    let (whole, fraction) = graph.add(name, Split {}, a);
                    made.extend([fraction, whole]);
                    graph.target(fraction);
                    whole.id()
                }
                (4, Some(a), b) => {
                    let picked = graph.add(name, Pick {}, (a, b.filter(|_| picks[2] % 2 == 0)));
                    made.push(picked);
                    graph.target(picked);
                    picked.id()
                }
                (5, Some(a), _) => {
                    let told = graph.add(name.clone(), Tell { words: name }, a);
                    graph.target(told);
                    told.id()
                }
                _ => {
                    let number = graph.add(name, Number { value }, ());
                    made.push(number);
                    number.id()
                }
            };
            let is_input = graph.node(id).unwrap().input_type().is_some();
            let (priority, timeout, meta) = settings;
            graph
                .settings(id, |settings| {
                    settings.meta = meta;
                    if !is_input {
                        settings.priority = priority;
                        settings.bypassed = priority > 100;
                        settings.timeout = timeout;
                    }
                })
                .unwrap();
        }
        graph.set_meta(meta);
        graph
    })
}

/// Inputs stand before steps in a file.
fn in_file_order(graph: &Graph) -> impl Iterator<Item = (NodeId, &NodeInfo)> {
    let is_input = |node: &(NodeId, &NodeInfo)| node.1.input_type().is_some();
    let steps = graph.nodes().filter(move |node| !is_input(node));
    graph.nodes().filter(is_input).chain(steps)
}

fn any_settings() -> impl Strategy<Value = (i8, Option<Duration>, Option<Json>)> {
    let timeout = prop_oneof![
        any::<u32>().prop_map(|ms| Duration::from_millis(ms.into())),
        (0u64..1 << 50).prop_map(Duration::from_nanos),
        (0u64..3_000_000).prop_map(Duration::from_nanos),
    ];
    (any::<i8>(), prop::option::of(timeout), prop::option::of(any_json()))
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        any_text().prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::vec((any_text(), inner), 0..4)
                .prop_map(|fields| fields.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

/// Texts, among them those that a format could take for something else.
fn any_text() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "",
        "~",
        "null",
        "true",
        "no",
        "1",
        "1.0",
        "1e3",
        "0x1f",
        ".nan",
        "-",
        "- a",
        "a: b",
        "#",
        "a #b",
        "*a",
        "&a",
        "!a",
        "'",
        "\"",
        "\\",
        "{",
        "[",
        "|",
        ">",
        "%",
        "@",
        "`",
        "<<",
        "=",
        "---",
        "...",
        "a\nb",
        "\n",
        "a\n\n",
        "\t",
        " a",
        "a ",
        "1979-05-27",
        "\u{feff}",
        "\u{85}",
        "\u{2028}",
        "$__toml_private_datetim",
        "a\r\nb",
        "\u{7f}",
        "\0",
    ]);
    prop_oneof![odd.prop_map(str::to_owned), "\\PC{0,12}", any::<String>()]
}

fn seeded(cases: u32) -> Config {
    Config {
        rng_seed: RngSeed::Fixed(0x5eed),
        failure_persistence: None,
        ..Config::with_cases(cases)
    }
}

/// Rewrites part of a text, by numbers.
fn corrupt(text: &str, edits: &[(usize, u8, String)]) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for (place, kind, with) in edits {
        let place = place % text.len().max(1);
        match kind % 5 {
            0 => drop(text.drain(place..(place + 1 + with.len()).min(text.len()))),
            1 => drop(text.splice(place..place, with.chars())),
            2 => text.truncate(place),
            3 => {
                let piece: Vec<char> = text[place..(place + 40).min(text.len())].to_vec();
                drop(text.splice(place..place, piece));
            }
            _ => {
                let symbols = ['{', '}', '[', ']', '"', ':', ',', '-', '0', '\n', '&', '*', '.'];
                if let Some(character) = text.get_mut(place) {
                    *character = symbols[with.len() % symbols.len()];
                }
            }
        }
    }
    text.into_iter().collect()
}

fn any_edits() -> impl Strategy<Value = Vec<(usize, u8, String)>> {
    prop::collection::vec((any::<usize>(), any::<u8>(), "\\PC{0,6}"), 1..4)
}

/// The golden graph without nulls, which TOML could not hold.
#[cfg(any(feature = "yaml", feature = "toml"))]
fn golden() -> Graph {
    Graph::from_json(&GOLDEN.replace("null", "1"), &registry()).unwrap()
}

fn is_told(text: &str, format: FileFormat) -> Result<(), TestCaseError> {
    match FileLimits::default().parse(text, format, &registry()) {
        Ok(graph) => {
            // What was read can be written, and is then the same.
            let once = graph.to_json().map_err(|error| TestCaseError::fail(error.to_string()))?;
            let again = Graph::from_json(&once, &registry());
            let again = again.map_err(|error| TestCaseError::fail(format!("{error}\n{once}")))?;
            prop_assert_eq!(again.to_json().ok(), Some(once));
        }
        Err(Error::Invalid(faults)) => prop_assert!(!faults.is_empty()),
        Err(other) => return Err(TestCaseError::fail(other.to_string())),
    }
    Ok(())
}

proptest! {
    #![proptest_config(seeded(256))]

    #[test]
    fn every_graph_survives_its_file(graph in any_graph(24)) {
        let registry = registry();
        let text = graph.to_json().unwrap();
        let again = Graph::from_json(&text, &registry).unwrap();
        prop_assert_eq!(again.to_json().unwrap(), text.clone());
        for ((_, info), (_, read)) in in_file_order(&graph).zip(again.nodes()) {
            prop_assert_eq!((read.name(), read.settings()), (info.name(), info.settings()));
        }
        #[cfg(feature = "yaml")]
        {
            let yaml = graph.to_yaml().unwrap();
            let again = Graph::from_yaml(&yaml, &registry);
            prop_assert!(again.is_ok(), "{}\n{yaml}", again.unwrap_err());
            prop_assert_eq!(again.unwrap().to_json().unwrap(), text.clone(), "{}", yaml);
        }
        #[cfg(feature = "toml")]
        if let Ok(toml) = graph.to_toml() {
            let again = Graph::from_toml(&toml, &registry);
            prop_assert!(again.is_ok(), "{}\n{toml}", again.unwrap_err());
            // TOML puts tables behind values, so the order within `meta` may be another.
            let again: Json = serde_json::from_str(&again.unwrap().to_json().unwrap()).unwrap();
            prop_assert_eq!(again, serde_json::from_str::<Json>(&text).unwrap(), "{}", toml);
        }
    }

    #[test]
    fn a_corrupt_file_is_told_and_nothing_else(edits in any_edits()) {
        is_told(&corrupt(GOLDEN, &edits), FileFormat::Json)?;
        #[cfg(feature = "yaml")]
        is_told(&corrupt(GOLDEN, &edits), FileFormat::Yaml)?;
        #[cfg(feature = "yaml")]
        is_told(&corrupt(&golden().to_yaml().unwrap(), &edits), FileFormat::Yaml)?;
        #[cfg(feature = "toml")]
        is_told(&corrupt(&golden().to_toml().unwrap(), &edits), FileFormat::Toml)?;
    }

    #[test]
    fn a_file_of_wrong_values_is_told_and_nothing_else(
        places in prop::collection::vec((any::<prop::sample::Index>(), any_json()), 1..4),
    ) {
        let mut file: Json = serde_json::from_str(GOLDEN).unwrap();
        for (index, with) in places {
            let mut all = Vec::new();
            pointers(&file, String::new(), &mut all);
            let place = index.get(&all).clone();
            *file.pointer_mut(&place).unwrap() = with;
        }
        is_told(&file.to_string(), FileFormat::Json)?;
    }
}

fn pointers(value: &Json, at: String, all: &mut Vec<String>) {
    match value {
        Json::Object(fields) => {
            for (name, value) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                pointers(value, format!("{at}/{name}"), all);
            }
        }
        Json::Array(values) => {
            for (place, value) in values.iter().enumerate() {
                pointers(value, format!("{at}/{place}"), all);
            }
        }
        _ => {}
    }
    all.push(at);
}
