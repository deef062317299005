//! From what a file says to a graph, with all of its faults.
//!
//! Two passes: the first makes the nodes, the second their wires, which may lead to nodes further
//! down. A node with a fault stays known, so that its wires are checked too and do not look like
//! wires to nowhere. If anything was at fault, what was read is then checked as the planner would
//! check it, so that one reading tells all.

use std::collections::HashMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::faults::{Faults, Fields, take};
use super::limits::FileLimits;
use super::tree::Tree;
use super::{VERSION, good_name, name_fault};
use crate::data::DataType;
use crate::error::{Error, Fault, FaultCode};
use crate::graph::{Graph, NodeRows, Partner, Settings, cycle, structure};
use crate::id::NodeId;
use crate::step::{AnyStep, Context, Registry, Step, StepType, check_params, shorten};

/// The work that goes into finding nearest names in one file, in pairs of characters compared. A
/// file of many nodes and many wrong names would otherwise take time with the square of its size.
const NEAREST_WORK: usize = 50_000_000;

/// The graph that a file describes, or all of its faults.
pub(super) fn graph(
    tree: Tree,
    registry: &Registry,
    limits: &FileLimits,
) -> Result<Graph, Vec<Fault>> {
    let settings = super::schema::settings();
    let mut known: Vec<&str> = vec!["step", "params", "inputs"];
    known.extend(settings["properties"].as_object().into_iter().flat_map(Map::keys).map(|k| &**k));
    let mut reader = Reader {
        registry,
        limits,
        graph: Graph::new(),
        nodes: HashMap::new(),
        wires: Vec::new(),
        names_length: 0,
        faults: Faults::default(),
        nearest_work: NEAREST_WORK,
        settings,
        node_fields: &known,
    };
    reader.file(tree);
    let faults = reader.faults.into_list();
    if faults.is_empty() { Ok(reader.graph) } else { Err(faults) }
}

pub(super) struct Reader<'a> {
    registry: &'a Registry,
    limits: &'a FileLimits,
    pub(super) graph: Graph,
    pub(super) nodes: HashMap<Arc<str>, Known>,
    /// Per node its name and the wires of its inputs, if they can be read.
    pub(super) wires: Vec<(Arc<str>, Option<Fields>)>,
    pub(super) names_length: usize,
    pub(super) faults: Faults,
    pub(super) nearest_work: usize,
    settings: &'a Json,
    node_fields: &'a [&'a str],
}

/// A node that the file names.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) role: Role,
    /// `None` if it is not known what it is, so that it is not in the graph.
    pub(super) id: Option<NodeId>,
}

#[derive(Clone)]
pub(super) enum Role {
    Input(Option<DataType>),
    Step(Option<Arc<StepType>>),
}

impl Reader<'_> {
    fn file(&mut self, tree: Tree) {
        let Tree::Object(all) = tree else {
            self.faults.wrong_type("file", &tree, "an object");
            return;
        };
        let version = all.iter().find(|(name, _)| name == "version").map(|(_, version)| version);
        if !matches!(version, Some(Tree::Number(number)) if number.as_u64() == Some(VERSION)) {
            let found = version.map_or_else(|| "nothing".to_owned(), Tree::found);
            self.faults.fault(FaultCode::Version, "version", found, VERSION.to_string());
            // What a file of another version means by the rest is not known.
            if version.is_some() {
                return;
            }
        }
        let names = ["version", "inputs", "nodes", "targets", "meta", "$schema"];
        let mut fields = self.faults.known(all, "", &names);
        let nodes = take(&mut fields, "nodes");
        if nodes.is_none() {
            self.faults.fault(FaultCode::Missing, "nodes", "nothing".to_owned(), "an object");
        }
        let inputs = take(&mut fields, "inputs").and_then(|tree| self.members(tree, "inputs"));
        let nodes = nodes.and_then(|tree| self.members(tree, "nodes"));
        let count = [&inputs, &nodes].into_iter().flatten().map(Vec::len).sum::<usize>();
        if count > self.limits.max_nodes {
            let found = format!("{count} nodes and inputs");
            let expected = format!("at most {}", self.limits.max_nodes);
            self.faults.fault(FaultCode::Limit, "nodes", found, expected);
            return;
        }
        for (name, tree) in inputs.into_iter().flatten() {
            self.input(name, tree);
        }
        for (name, tree) in nodes.into_iter().flatten() {
            self.node(name, tree);
        }
        for (name, inputs) in std::mem::take(&mut self.wires) {
            self.wire_node(&name, inputs);
        }
        self.structure();
        if let Some(targets) = take(&mut fields, "targets") {
            self.targets(targets);
        }
        if let Some(meta) = take(&mut fields, "meta") {
            let meta = self.faults.json(meta, &mut "meta".to_owned());
            self.graph.set_meta(Some(meta));
        }
        match take(&mut fields, "$schema") {
            Some(Tree::Text(link)) => self.graph.schema_link = Some(link.into()),
            Some(other) => self.faults.wrong_type("$schema", &other, "text"),
            None => {}
        }
    }

    /// Adds what the planner would find, if the file is refused anyway. A file that has no other
    /// faults is read, so that work that is not finished can be kept; its plan tells them.
    fn structure(&mut self) {
        if self.faults.count() > 0 {
            let partner = Partner::default();
            let rows = NodeRows::of(&self.graph, partner);
            let found = structure(&self.graph, &rows, partner).into_iter().chain(cycle(&rows));
            found.for_each(|fault| self.faults.push(fault));
        }
    }

    /// The fields of an object of nodes or inputs; any names are known.
    fn members(&mut self, tree: Tree, path: &str) -> Option<Fields> {
        match tree {
            Tree::Object(members) => Some(members),
            other => {
                self.faults.wrong_type(path, &other, "an object");
                None
            }
        }
    }

    fn input(&mut self, name: String, tree: Tree) {
        let path = format!("inputs.{}", shorten(&name));
        let Some(name) = self.name(name, &path, Role::Input(None)) else { return };
        let Some(mut fields) = self.faults.object(tree, &path, &["type", "meta"]) else { return };
        let kind = self.faults.text(&mut fields, "type", &path, "the name of a data type");
        let data = kind.and_then(|kind| self.data_type(&kind, &format!("{path}.type")));
        let meta = take(&mut fields, "meta");
        let meta = meta.map(|meta| self.faults.json(meta, &mut format!("{path}.meta")));
        let Some(data) = data else { return };
        let id = self.graph.input_any(Arc::clone(&name), data);
        self.graph.put_settings(id, Settings { meta, ..Settings::default() });
        self.nodes.insert(name, Known { role: Role::Input(Some(data)), id: Some(id) });
    }

    fn data_type(&mut self, name: &str, path: &str) -> Option<DataType> {
        let data = self.registry.data_type(name).ok();
        if data.is_none() {
            let known: Vec<&str> = self.registry.data_types().map(|data| data.name).collect();
            self.faults.unknown_name(FaultCode::Type, path, name, &known);
        }
        data
    }

    fn node(&mut self, name: String, tree: Tree) {
        let path = format!("nodes.{}", shorten(&name));
        let Some(name) = self.name(name, &path, Role::Step(None)) else { return };
        let Some(mut fields) = self.faults.object(tree, &path, self.node_fields) else { return };
        let kind = self.faults.text(&mut fields, "step", &path, "the name of a step");
        let kind = kind.and_then(|kind| self.step_type(&kind, &format!("{path}.step")));
        let params_path = format!("{path}.params");
        let before = self.faults.count();
        let params = take(&mut fields, "params")
            .map(|params| self.faults.json(params, &mut params_path.clone()));
        let readable = self.faults.count() == before;
        match take(&mut fields, "inputs") {
            Some(Tree::Object(inputs)) => self.wires.push((Arc::clone(&name), Some(inputs))),
            Some(other) => {
                self.faults.wrong_type(&format!("{path}.inputs"), &other, "an object");
                self.wires.push((Arc::clone(&name), None));
            }
            None => {}
        }
        let settings = self.node_settings(fields, &path);
        let Some(kind) = kind else { return };
        let params = params.unwrap_or_else(|| no_params(&kind));
        let step = readable.then(|| self.build(&kind, &params, &params_path)).flatten();
        let step = step.unwrap_or_else(|| Arc::new(Unread {}));
        let id = self.graph.add_any(Arc::clone(&name), step, Arc::clone(&kind));
        if let Some(settings) = settings {
            self.graph.put_settings(id, settings);
        }
        self.nodes.insert(name, Known { role: Role::Step(Some(kind)), id: Some(id) });
    }

    fn step_type(&mut self, name: &str, path: &str) -> Option<Arc<StepType>> {
        let kind = self.registry.find(name).ok().cloned();
        if kind.is_none() {
            let known: Vec<&str> = self.registry.iter().map(|kind| kind.name).collect();
            self.faults.unknown_name(FaultCode::UnknownStep, path, name, &known);
        }
        kind
    }

    fn build(&mut self, kind: &StepType, params: &Json, path: &str) -> Option<Arc<dyn AnyStep>> {
        let mut faults = Vec::new();
        check_params(&kind.schema, params, path, &mut faults);
        if !faults.is_empty() {
            faults.into_iter().for_each(|fault| self.faults.push(fault));
            return None;
        }
        // What the schema does not say, such as a check in the step's own deserialisation.
        match kind.build(params) {
            Ok(step) => Some(step),
            Err(error) => {
                let causes = error.causes();
                let why = causes.first().map_or("no reason was given", String::as_str);
                let found = format!("parameters that it refuses ({why})");
                let expected = format!("parameters of `{}`", kind.name);
                self.faults.fault(FaultCode::Type, path, found, expected);
                None
            }
        }
    }

    /// How a node is run: what is left of its fields.
    fn node_settings(&mut self, mut fields: Fields, path: &str) -> Option<Settings> {
        let meta = take(&mut fields, "meta");
        let meta = meta.map(|meta| self.faults.json(meta, &mut format!("{path}.meta")));
        if fields.is_empty() && meta.is_none() {
            return None;
        }
        let json = self.faults.json(Tree::Object(fields), &mut path.to_owned());
        let mut faults = Vec::new();
        check_params(self.settings, &json, path, &mut faults);
        let sound = faults.is_empty();
        faults.into_iter().for_each(|fault| self.faults.push(fault));
        if !sound {
            return None;
        }
        match serde_json::from_value(json) {
            Ok(settings) => Some(Settings { meta, ..settings }),
            Err(error) => {
                let found = format!("settings that cannot be read ({error})");
                self.faults.fault(FaultCode::Type, path, found, "settings of a node");
                None
            }
        }
    }

    /// Makes a node known, unless its name is taken.
    fn name(&mut self, name: String, path: &str, role: Role) -> Option<Arc<str>> {
        if let Some(found) = name_fault(&name) {
            self.faults.fault(FaultCode::Name, path, found, good_name());
        }
        if self.nodes.contains_key(&*name) {
            let found = format!("`{}` a second time", shorten(&name));
            self.faults.fault(
                FaultCode::Name,
                path,
                found,
                "each name once among nodes and inputs",
            );
            return None;
        }
        let name: Arc<str> = name.into();
        self.names_length += name.len();
        self.nodes.insert(Arc::clone(&name), Known { role, id: None });
        Some(name)
    }
}

/// Stands for a step whose parameters are at fault, so that its wires are checked all the same. A
/// graph that holds one is refused.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct Unread {}

impl Step for Unread {
    const NAME: &'static str = "unread";
    type Input = ();
    type Output = ();

    fn run(&self, (): (), _: &Context<'_>) -> crate::error::Result<()> {
        Err(Error::failed("the parameters could not be read"))
    }
}

/// What a node that gives no parameters gives.
pub(super) fn no_params(kind: &StepType) -> Json {
    let is_unit = kind.schema.get("type").and_then(Json::as_str) == Some("null");
    if is_unit { Json::Null } else { Json::Object(Map::new()) }
}
