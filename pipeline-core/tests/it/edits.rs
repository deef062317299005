//! Edits of a graph: ids that stay, wires to nowhere, parameters by path.

use pipeline_core::error::FaultCode;
use pipeline_core::{Context, Error, Fault, Graph, In, NodeId, Result, RunOptions, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::scalars::{Add, Number, Pick, Scalar, Scale};
use crate::toy::forgetful;

fn number(value: f64) -> Number {
    Number { value }
}

fn planned(graph: &Graph) -> Vec<Fault> {
    match forgetful(1).0.plan(graph, &RunOptions::default()) {
        Ok(_) => Vec::new(),
        Err(Error::Invalid(faults)) => faults,
        Err(other) => panic!("a graph has faults and nothing else: {other}"),
    }
}

fn lines(graph: &Graph) -> Vec<String> {
    planned(graph).iter().map(ToString::to_string).collect()
}

fn names(graph: &Graph) -> Vec<&str> {
    graph.nodes().map(|(_, info)| info.name()).collect()
}

#[test]
fn nodes_that_share_a_step_are_edited_one_by_one() {
    let mut graph = Graph::new();
    let step = graph.share(number(1.0));
    let [first, second] = ["first", "second"].map(|name| graph.add_shared(name, &step, ()));
    let apart = graph.add("apart", number(1.0), ());
    let nodes = [first, second, apart].map(|node| node.id());
    let keys = |graph: &Graph| {
        let plan = forgetful(1).0.plan(graph, &RunOptions::default()).unwrap();
        nodes.map(|node| plan.key(node).unwrap())
    };
    let [before, ..] = keys(&graph);
    assert_eq!(keys(&graph), [before; 3]);
    let mut copy = graph.clone();
    copy.set_param(nodes[1], "value", json!(2.0)).unwrap();
    assert_eq!(keys(&graph), [before; 3]);
    let [_, other, _] = keys(&copy);
    assert_ne!(other, before);
    assert_eq!(keys(&copy), [before, other, before]);
    graph.bypass(nodes[0]).unwrap();
    assert!(graph.node(nodes[0]).unwrap().settings().bypassed);
    assert!(!graph.node(nodes[1]).unwrap().settings().bypassed);
}

#[test]
fn an_id_is_never_given_twice() {
    let mut graph = Graph::new();
    let first = graph.add("first", number(1.0), ());
    let gone = graph.add("gone", number(2.0), ());
    let last = graph.add("last", number(3.0), ());
    graph.remove(gone.id()).unwrap();
    let copy = graph.clone();
    for mut graph in [graph, copy] {
        let mut ids = vec![first.id(), gone.id(), last.id()];
        for n in 0..5 {
            let new = graph.add(format!("new{n}"), number(4.0), ()).id();
            assert!(!ids.contains(&new));
            ids.push(new);
            graph.remove(new).unwrap();
        }
        graph.add("new", number(5.0), ());
        assert_eq!(names(&graph), ["first", "last", "new"]);
        assert!(graph.nodes().map(|(id, _)| id).is_sorted());
        assert_eq!(graph.len(), 3);
        graph.remove(first.id()).unwrap();
        graph.remove(last.id()).unwrap();
        graph.remove(graph.find("new").unwrap()).unwrap();
        assert!(graph.is_empty());
        assert_eq!(planned(&graph), []);
    }
}

#[test]
fn a_stale_id_is_an_unknown_node_for_every_edit() {
    let mut graph = Graph::new();
    let other = graph.add("other", number(1.0), ());
    let gone = graph.add("gone", Scale::default(), other).id();
    graph.remove(gone).unwrap();
    graph.add("heir", Scale::default(), other);
    let before = graph.to_json().unwrap();
    for stale in [gone, NodeId::from_index(1000), NodeId::from_index(u32::MAX)] {
        assert_eq!(graph.name(stale), None);
        assert!(graph.node(stale).is_none());
        let unknown = |result: Result<()>| {
            let error = result.unwrap_err();
            assert!(matches!(error, Error::Unknown { what: "node", .. }), "{error}");
            assert_eq!(error.to_string(), format!("there is no node `{}`", stale.index()));
        };
        unknown(graph.edit::<Scale>(stale, |scale| scale.factor = 2.0));
        unknown(graph.set_param(stale, "factor", json!(2)));
        unknown(graph.settings(stale, |settings| settings.priority = 1));
        unknown(graph.bypass(stale));
        unknown(graph.enable(stale));
        unknown(graph.rename(stale, "again"));
        unknown(graph.connect((stale, "out"), (other.id(), "in")));
        unknown(graph.connect((other.id(), "out"), (stale, "in")));
        unknown(graph.disconnect(stale, "in"));
        unknown(graph.remove(stale));
        assert_eq!(graph.to_json().unwrap(), before);
    }
}

#[test]
fn a_run_to_a_stale_node_is_refused_and_a_report_has_no_output_of_it() {
    let mut graph = Graph::new();
    let gone = graph.add("gone", number(1.0), ());
    graph.remove(gone.id()).unwrap();
    let here = graph.add("here", number(2.0), ());
    let (executor, _) = forgetful(1);
    let report = executor.run(&graph, &RunOptions::default()).unwrap();
    assert_eq!(report.output(here).unwrap().0, 2.0);
    assert!(report.output(gone).is_err());
    let error = executor.run(&graph, &RunOptions::to(gone)).unwrap_err();
    assert!(error.to_string().contains("targets: found node 0"), "{error}");
    graph.target(gone);
    assert_eq!(planned(&graph)[0].path, "targets");
}

#[test]
fn a_wire_from_a_node_that_is_not_there_is_a_fault_of_the_plan() {
    let mut graph = Graph::new();
    let gone = graph.add("gone", number(1.0), ());
    graph.remove(gone.id()).unwrap();
    let mut stranger = Graph::new();
    let far = (0..9).map(|n| stranger.add(format!("n{n}"), number(0.0), ())).last().unwrap();
    let here = graph.add("here", number(2.0), ());
    let b = graph.add("b", Scale::default(), gone);
    let sum = graph.add("sum", Add {}, vec![here, far, gone]);
    let pick = graph.add("pick", Pick {}, (here, Some(far)));
    let expected = "expected a wire from a node of this graph";
    assert_eq!(
        lines(&graph),
        [
            format!("nodes.b.inputs.in: found a wire from node 0, {expected}"),
            format!("nodes.sum.inputs.terms: found a wire from node 8, {expected}"),
            format!("nodes.sum.inputs.terms: found a wire from node 0, {expected}"),
            format!("nodes.pick.inputs.other: found a wire from node 8, {expected}"),
        ]
    );
    assert!(planned(&graph).iter().all(|fault| fault.code == FaultCode::UnknownNode));
    assert!(matches!(graph.to_json(), Err(Error::Invalid(faults)) if faults.len() == 4));
    // Each way to set it right.
    graph.connect((here.id(), "out"), (b.id(), "in")).unwrap();
    graph.disconnect(sum.id(), "terms").unwrap();
    graph.remove(pick.id()).unwrap();
    assert_eq!(lines(&graph), [""; 0]);
}

#[test]
fn a_removed_node_leaves_its_readers_with_a_missing_input() {
    let mut graph = Graph::new();
    let a = graph.add("a", number(1.0), ());
    let b = graph.add("b", Scale::default(), a);
    let c = graph.add("c", Add {}, vec![a, b, a]);
    graph.remove(a.id()).unwrap();
    assert_eq!(graph.wires().collect::<Vec<_>>(), [((b.id(), 0), (c.id(), 0))]);
    let expected = "nodes.b.inputs.in: found 0 wires, expected one wire that carries scalar";
    assert_eq!(lines(&graph), [expected]);
}

/// Points and other parameters that hold others.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Outline {
    points: Vec<Point>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<Point>,
    width: Option<f32>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Point {
    #[schemars(range(min = 0.0, max = 9.0))]
    x: f32,
    y: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<f32>,
}

impl Step for Outline {
    const NAME: &'static str = "outline";
    type Input = In<Scalar>;
    type Output = Scalar;

    fn run(&self, number: In<Scalar>, _: &Context<'_>) -> Result<Scalar> {
        Ok(*number)
    }
}

fn outlined(outline: Outline) -> (Graph, NodeId) {
    let mut graph = Graph::new();
    let number = graph.add("number", number(1.0), ());
    let outline = graph.add("outline", outline, number).id();
    (graph, outline)
}

#[test]
fn a_parameter_is_reached_by_the_path_that_a_fault_prints() {
    let outline = Outline { points: vec![Point::default(); 3], ..Outline::default() };
    let (mut graph, node) = outlined(outline.clone());
    graph.set_param(node, "points[1].x", json!(12)).unwrap();
    let fault = planned(&graph).remove(0);
    assert_eq!(fault.path, "nodes.outline.params.points[1].x");
    let path = fault.path.strip_prefix("nodes.outline.params.").unwrap().to_owned();
    graph.set_param(node, &path, json!(5)).unwrap();
    graph.set_param(node, "points[2]", json!({ "x": 1, "y": 2 })).unwrap();
    graph.set_param(node, "points[0].weight", json!(0.5)).unwrap();
    graph.set_param(node, "label", json!("nucleus")).unwrap();
    graph.set_param(node, "first", json!({ "x": 3 })).unwrap();
    graph.set_param(node, "first.y", json!(4)).unwrap();
    assert_eq!(lines(&graph), [""; 0]);
    let mut expected = outline;
    expected.points[1].x = 5.0;
    expected.points[2] = Point { x: 1.0, y: 2.0, weight: None };
    expected.points[0].weight = Some(0.5);
    expected.label = Some("nucleus".into());
    expected.first = Some(Point { x: 3.0, y: 4.0, weight: None });
    let mut found = None;
    graph.edit::<Outline>(node, |outline| found = Some(outline.clone())).unwrap();
    assert_eq!(found, Some(expected));
    // A field that was left out can be left out again.
    graph.set_param(node, "label", Json::Null).unwrap();
    graph.edit::<Outline>(node, |outline| assert_eq!(outline.label, None)).unwrap();
}

#[test]
fn a_path_to_nowhere_is_an_unknown_parameter() {
    let (mut graph, node) =
        outlined(Outline { points: vec![Point::default()], ..Outline::default() });
    let before = graph.to_json().unwrap();
    for (path, near) in [
        ("pionts", Some("points")),
        ("points[1]", None),
        ("points[x]", Some("points")),
        ("points.x", None),
        ("points[0].z", Some("x")),
        ("lable", Some("label")),
        ("first.x", Some("first")),
        ("width.deep", None),
        ("", None),
    ] {
        match graph.set_param(node, path, json!(1)).unwrap_err() {
            Error::Unknown { what: "parameter", name, nearest } => {
                assert_eq!((name.as_str(), nearest.as_deref()), (path, near));
            }
            other => panic!("{path}: {other}"),
        }
    }
    assert!(matches!(graph.set_param(node, "points[0].x", json!("a")), Err(Error::Failed { .. })));
    assert_eq!(graph.to_json().unwrap(), before);
}

#[test]
fn a_number_that_is_not_finite_is_a_fault_even_where_none_is_a_value() {
    let odd = Point { weight: Some(f32::NAN), x: f32::INFINITY, ..Point::default() };
    let outline =
        Outline { points: vec![odd], width: Some(f32::NEG_INFINITY), ..Outline::default() };
    let (graph, _) = outlined(outline);
    let params = "nodes.outline.params";
    let mut found = lines(&graph);
    found.sort();
    assert_eq!(
        found,
        [
            format!("{params}.points[0].weight: found NaN, expected a finite number"),
            format!(
                "{params}.points[0].x: found null (not a finite number), expected a number, 0 to 9"
            ),
            format!("{params}.width: found -inf, expected a finite number"),
        ]
    );
    assert!(planned(&graph).iter().all(|fault| fault.code == FaultCode::Range));
    let (graph, _) = outlined(Outline::default());
    assert_eq!(lines(&graph), [""; 0]);
}
