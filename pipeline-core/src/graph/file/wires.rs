//! The wires and targets of a file, once all of its nodes are known.

use std::collections::HashSet;

use super::faults::Fields;
use super::read::{Known, Reader, Role};
use super::tree::Tree;
use crate::data::DataType;
use crate::error::{Fault, FaultCode, nearest};
use crate::id::NodeId;
use crate::step::{Arity, Port, Wire, one_of, shorten};

impl Reader<'_> {
    pub(super) fn wire_node(&mut self, name: &str, inputs: Option<Fields>) {
        let Some(node) = self.nodes.get(name).cloned() else { return };
        let kind = if let Role::Step(kind) = node.role { kind } else { None };
        let ports = kind.as_ref().map(|kind| &*kind.inputs);
        let Some(inputs) = inputs else {
            let all = (0..).zip(ports.unwrap_or_default());
            all.for_each(|(input, _)| self.leave_open(node.id, input));
            return;
        };
        let mut wired = HashSet::new();
        for (port_name, tree) in inputs {
            let path = format!("nodes.{}.inputs.{}", shorten(name), shorten(&port_name));
            let port = ports.and_then(|ports| Port::find(ports, &port_name));
            if let (Some(ports), None) = (ports, port) {
                let known: Vec<&str> = ports.iter().map(|port| port.name).collect();
                let near = match known[..] {
                    // Whatever it is called, no other can be meant.
                    [only] => Some(only.to_owned()),
                    _ => nearest(&port_name, known.iter().copied()),
                };
                let meant = near.as_deref().and_then(|name| Port::find(ports, name));
                if let Some((input, _)) = meant {
                    self.leave_open(node.id, input);
                }
                let found = format!("`{}`", shorten(&port_name));
                let fault = Fault::new(FaultCode::UnknownPort, &path, found, one_of(&known));
                self.faults.push(fault.near(near));
            }
            if wired.contains(&port_name) {
                self.faults.repeated(&path, &port_name);
                continue;
            }
            let before = self.faults.count();
            let texts = self.wire_texts(tree, &path, port.map(|(_, port)| port.arity));
            let mut sound = self.faults.count() == before;
            for (text, path, place) in texts {
                let from = self.wire(&text, &path, port.map(|(_, port)| port));
                let Some(((input, _), to)) = port.zip(node.id) else { continue };
                match from {
                    Some(from) => self.graph.wire(from, to, input, place),
                    None => sound = false,
                }
            }
            if let (false, Some((input, _))) = (sound, port) {
                self.leave_open(node.id, input);
            }
            wired.insert(port_name);
        }
    }

    /// Where a wire comes from that ends at `port`, if it can be made.
    fn wire(&mut self, text: &str, path: &str, port: Option<Port>) -> Option<Wire> {
        let producer = self.producer(text, path)?;
        let (data, port) = (producer.data?, port?);
        if data != port.data {
            let found = format!("`{}`, which carries {}", shorten(text), data.name);
            self.faults.fault(FaultCode::Wire, path, found, port.data.name);
            return None;
        }
        Some(Wire { node: producer.id?, port: producer.port })
    }

    /// Notes that what an input lacks is told already.
    fn leave_open(&mut self, node: Option<NodeId>, input: u16) {
        if let Some(node) = node {
            self.graph.leave_open(node, input);
        }
    }

    /// The wires at one input, each with its path and its place.
    fn wire_texts(
        &mut self,
        tree: Tree,
        path: &str,
        arity: Option<Arity>,
    ) -> Vec<(String, String, u32)> {
        let one = "a wire: `node` or `node.port`";
        match tree {
            Tree::Text(text) => vec![(text, path.to_owned(), 0)],
            Tree::List(list) if arity.is_none_or(|arity| arity == Arity::Many) => {
                let mut wires = Vec::with_capacity(list.len());
                for (tree, place) in list.into_iter().zip(0u32..) {
                    let path = format!("{path}[{place}]");
                    match tree {
                        Tree::Text(text) => wires.push((text, path, place)),
                        other => self.faults.wrong_type(&path, &other, one),
                    }
                }
                wires
            }
            Tree::List(list) if list.len() > 1 => {
                let found = format!("{} wires", list.len());
                self.faults.fault(FaultCode::Wire, path, found, "one wire");
                Vec::new()
            }
            other => {
                self.faults.wrong_type(path, &other, one);
                Vec::new()
            }
        }
    }

    /// The output that a wire comes from.
    fn producer(&mut self, text: &str, path: &str) -> Option<Producer> {
        let (name, port) = match text.split_once('.') {
            Some((name, port)) => (name, Some(port)),
            None => (text, None),
        };
        let Some(Known { role, id }) = self.nodes.get(name).cloned() else {
            let near = self.nearest_node(name);
            let found = format!("`{}`", shorten(name));
            let expected = "the name of a node or an input";
            let fault = Fault::new(FaultCode::UnknownNode, path, found, expected);
            self.faults.push(fault.near(near));
            return None;
        };
        let (place, data) = match &role {
            Role::Input(data) => (port.is_none_or(|port| port == "out").then_some(0), *data),
            Role::Step(None) => (Some(0), None),
            Role::Step(Some(kind)) => {
                let found = match port {
                    Some(port) => Port::find(&kind.outputs, port),
                    None => kind.outputs.first().map(|port| (0, *port)),
                };
                (found.map(|(place, _)| place), found.map(|(_, port)| port.data))
            }
        };
        let Some(port_place) = place else {
            let known: Vec<&str> = match &role {
                Role::Step(Some(kind)) => kind.outputs.iter().map(|port| port.name).collect(),
                _ => vec!["out"],
            };
            let name = port.unwrap_or_default();
            self.faults.unknown_name(FaultCode::UnknownPort, path, name, &known);
            return None;
        };
        Some(Producer { id, port: port_place, data })
    }

    pub(super) fn targets(&mut self, tree: Tree) {
        let Tree::List(list) = tree else {
            self.faults.wrong_type("targets", &tree, "a list");
            return;
        };
        let mut seen = HashSet::new();
        let mut targets = Vec::new();
        for (index, tree) in list.into_iter().enumerate() {
            let path = format!("targets[{index}]");
            let Tree::Text(text) = tree else {
                self.faults.wrong_type(&path, &tree, "an output: `node` or `node.port`");
                continue;
            };
            let Some(producer) = self.producer(&text, &path) else { continue };
            let Some(node) = producer.id else { continue };
            let wire = Wire { node, port: producer.port };
            if seen.insert(wire) {
                targets.push(wire);
            } else {
                let found = format!("`{}` a second time", shorten(&text));
                self.faults.fault(FaultCode::Name, &path, found, "each output once");
            }
        }
        self.graph.set_targets(targets);
    }

    /// The nearest name of a node, as long as the file's allowance lasts.
    fn nearest_node(&mut self, name: &str) -> Option<String> {
        let work = self.names_length.saturating_mul(name.chars().count());
        self.nearest_work = self.nearest_work.checked_sub(work)?;
        nearest(name, self.nodes.keys().map(|known| &**known))
    }
}

/// Where a wire comes from.
struct Producer {
    id: Option<NodeId>,
    port: u16,
    /// `None` if a fault keeps it from being known.
    data: Option<DataType>,
}
