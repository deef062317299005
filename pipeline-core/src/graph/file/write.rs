//! From a graph to what a file says: one JSON value, in the one form that is written.
//!
//! Inputs come before steps, wires stand in the order of the step's ports, parameters are written
//! in full, and what has its default and says nothing (settings, empty lists) is left out. Reading
//! a file in this form and writing it again gives the same text.

use std::collections::HashSet;

use petgraph::visit::EdgeRef;
use serde_json::{Map, Value as Json};

use super::read::no_params;
use super::schema::settings as settings_schema;
use super::{VERSION, good_name, name_fault};
use crate::error::{Fault, FaultCode};
use crate::graph::check::loose;
use crate::graph::node::StepBody;
use crate::graph::{Graph, NodeInfo, index};
use crate::id::NodeId;
use crate::step::{Arity, check_params, shorten};

/// The graph as a file says it, or what cannot stand in a file.
pub(super) fn document(graph: &Graph) -> Result<Json, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut inputs = Map::new();
    let mut nodes = Map::new();
    let mut names = HashSet::new();
    for (id, info) in graph.nodes() {
        let (members, group) = match info.input_type() {
            Some(_) => (&mut inputs, "inputs"),
            None => (&mut nodes, "nodes"),
        };
        let path = format!("{group}.{}", shorten(info.name()));
        let mut fault = |found: String, expected: &str| {
            faults.push(Fault::new(FaultCode::Name, &path, found, expected));
        };
        if let Some(found) = name_fault(info.name()) {
            fault(found, &good_name());
        }
        if !names.insert(info.name()) {
            fault(format!("`{}` a second time", info.name()), "each name once");
            continue;
        }
        let member = match (info.input_type(), info.body()) {
            (None, Some(body)) => step(graph, id, info, body, &path, &mut faults),
            (data, _) => input(info, data.map(|data| data.name)),
        };
        members.insert(info.name().to_owned(), member);
    }
    faults.extend(loose(graph));
    let mut targets = Vec::new();
    for (place, (node, port)) in graph.targets().enumerate() {
        match wire(graph, node, port) {
            Some(text) => targets.push(Json::from(text)),
            None => faults.push(Fault::new(
                FaultCode::UnknownPort,
                format!("targets[{place}]"),
                format!("output {port} of `{}`", graph.name(node).unwrap_or("no node")),
                "an output that the node has",
            )),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut document = Map::new();
    if let Some(link) = &graph.schema_link {
        document.insert("$schema".to_owned(), (**link).into());
    }
    document.insert("version".to_owned(), VERSION.into());
    if !inputs.is_empty() {
        document.insert("inputs".to_owned(), inputs.into());
    }
    document.insert("nodes".to_owned(), nodes.into());
    if !targets.is_empty() {
        document.insert("targets".to_owned(), targets.into());
    }
    if let Some(meta) = graph.meta() {
        document.insert("meta".to_owned(), meta.clone());
    }
    Ok(document.into())
}

fn input(info: &NodeInfo, data: Option<&str>) -> Json {
    let mut member = Map::new();
    member.insert("type".to_owned(), data.into());
    if let Some(meta) = &info.settings().meta {
        member.insert("meta".to_owned(), meta.clone());
    }
    member.into()
}

fn step(
    graph: &Graph,
    id: NodeId,
    info: &NodeInfo,
    body: &StepBody,
    path: &str,
    faults: &mut Vec<Fault>,
) -> Json {
    let mut member = Map::new();
    member.insert("step".to_owned(), body.kind.name.into());
    let params = body.step.params();
    let read_again = body.kind.build(&params).ok().and_then(|step| step.digest().ok());
    if read_again.is_none() || read_again != body.digest {
        faults.extend(unwritable(body, path));
    }
    if params != no_params(&body.kind) {
        member.insert("params".to_owned(), params);
    }
    let inputs = wires(graph, id, body);
    if !inputs.is_empty() {
        member.insert("inputs".to_owned(), inputs.into());
    }
    let settings = serde_json::to_value(info.settings()).unwrap_or_default();
    check_params(settings_schema(), &settings, path, faults);
    if let Json::Object(settings) = settings {
        member.extend(settings);
    }
    member.into()
}

/// Why parameters would not be the same after they were written and read again.
fn unwritable(body: &StepBody, path: &str) -> Vec<Fault> {
    if body.faults.is_empty() {
        return vec![Fault::new(
            FaultCode::Range,
            format!("{path}.params"),
            "a number that is not finite, or a value that does not read back",
            "parameters that a file can hold",
        )];
    }
    let faults = body.faults.iter().cloned();
    faults.map(|fault| Fault { path: format!("{path}.{}", fault.path), ..fault }).collect()
}

/// The wires at a node's inputs, by port.
fn wires(graph: &Graph, id: NodeId, body: &StepBody) -> Map<String, Json> {
    let edges = graph.store().incoming(index(id));
    let mut joints: Vec<_> =
        edges.map(|edge| (*edge.weight(), crate::graph::id(edge.source()))).collect();
    joints.sort_unstable_by_key(|(joint, _)| (joint.input, joint.place));
    let mut inputs = Map::new();
    for (joint, source) in joints {
        let port = body.kind.inputs.get(usize::from(joint.input));
        let (Some(port), Some(text)) = (port, wire(graph, source, joint.output)) else { continue };
        if port.arity == Arity::Many {
            let list = inputs.entry(port.name).or_insert_with(|| Json::Array(Vec::new()));
            list.as_array_mut().into_iter().for_each(|list| list.push(text.as_str().into()));
        } else {
            inputs.insert(port.name.to_owned(), text.into());
        }
    }
    inputs
}

/// An output as a file names it: `node`, or `node.port` if the node has several.
fn wire(graph: &Graph, node: NodeId, port: u16) -> Option<String> {
    let info = graph.node(node)?;
    let name = info.name();
    match info.step_type() {
        Some(kind) if kind.outputs.len() > 1 => {
            Some(format!("{name}.{}", kind.outputs.get(usize::from(port))?.name))
        }
        _ => (port == 0).then(|| name.to_owned()),
    }
}

/// Takes the nulls out of a document, for a format that has none.
///
/// A parameter that is null is left out where its default is null, too. Where it is not, and in
/// what an embedder attached, that would change the graph, and is a fault.
#[cfg(feature = "toml")]
pub(super) fn without_nulls(graph: &Graph, document: &mut Json) -> Result<(), Vec<Fault>> {
    let mut faults = Vec::new();
    if let Some(nodes) = document.get_mut("nodes").and_then(Json::as_object_mut) {
        for (name, node) in nodes {
            let Some(params) = node.get_mut("params") else { continue };
            drop_nulls(params);
            let body = graph.find(name).ok().and_then(|id| graph.node(id)).and_then(NodeInfo::body);
            let same = body.is_some_and(|body| {
                let step = body.kind.build(params).ok();
                step.and_then(|step| step.digest().ok()) == body.digest
            });
            if !same {
                faults.push(null(format!("nodes.{}.params", shorten(name))));
            }
        }
    }
    let mut path = String::new();
    find_nulls(document, &mut path, &mut faults);
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

#[cfg(feature = "toml")]
fn null(path: String) -> Fault {
    Fault::new(FaultCode::Type, path, "null", "a value; TOML has no null")
}

#[cfg(feature = "toml")]
fn drop_nulls(value: &mut Json) {
    match value {
        Json::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Json::Array(values) => values.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

#[cfg(feature = "toml")]
fn find_nulls(value: &Json, path: &mut String, faults: &mut Vec<Fault>) {
    let end = path.len();
    match value {
        Json::Null => faults.push(null(path.clone())),
        Json::Object(fields) => {
            for (name, value) in fields {
                if end > 0 {
                    path.push('.');
                }
                path.push_str(&shorten(name));
                find_nulls(value, path, faults);
                path.truncate(end);
            }
        }
        Json::Array(values) => {
            for (place, value) in values.iter().enumerate() {
                path.push_str(&format!("[{place}]"));
                find_nulls(value, path, faults);
                path.truncate(end);
            }
        }
        _ => {}
    }
}
