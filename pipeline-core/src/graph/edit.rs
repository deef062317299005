//! Changing a graph that is in use: parameters, bypass, wires, names.

use std::any::Any;
use std::sync::Arc;

use petgraph::visit::EdgeRef;

use super::node::{Body, NodeInfo, Settings};
use super::store::Joint;
use super::{EDITS_KEPT, Graph, index};
use crate::error::{Error, Result};
use crate::id::NodeId;
use crate::step::{AnyStep, Arity, Port, Step, locate};

impl Graph {
    /// Changes the parameters of a step of known type.
    ///
    /// ```
    /// # use pipeline_core::{Context, Graph, Result, Step};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
    /// # struct Wait { ms: u64 }
    /// # impl Step for Wait {
    /// #     const NAME: &'static str = "wait";
    /// #     type Input = ();
    /// #     type Output = ();
    /// #     fn run(&self, (): (), _: &Context<'_>) -> Result<()> { Ok(()) }
    /// # }
    /// # let mut graph = Graph::new();
    /// let wait = graph.add("wait", Wait { ms: 5 }, ());
    /// graph.edit::<Wait>(wait.id(), |wait| wait.ms = 10)?;
    /// # Ok::<(), pipeline_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Unknown`] if there is no such node, [`Error::Input`] if its step is of another
    /// type.
    pub fn edit<S: Step>(&mut self, node: NodeId, change: impl FnOnce(&mut S)) -> Result<()> {
        let info = self.info(node)?;
        let step: Option<&S> = info.step().and_then(|step| (&**step as &dyn Any).downcast_ref());
        let mut step = step
            .ok_or_else(|| {
                Error::input(format!("node `{}`", info.name()), info.step_name(), S::NAME)
            })?
            .clone();
        change(&mut step);
        self.replace(node, Arc::new(step))
    }

    /// Changes one parameter by its path, as a fault gives it: `sigma`, `range.low`,
    /// `points[0].x`.
    ///
    /// # Errors
    /// [`Error::Unknown`] if there is no such node or parameter, [`Error::Failed`] if the value is
    /// not of the parameter's type. A value out of range is a fault of the next plan.
    pub fn set_param(&mut self, node: NodeId, path: &str, value: serde_json::Value) -> Result<()> {
        let info = self.info(node)?;
        let (Some(step), Some(kind)) = (info.step(), info.step_type()) else {
            return Err(Error::input(format!("node `{}`", info.name()), "an input", "a step"));
        };
        let mut params = step.params();
        *locate(&kind.schema, &mut params, path)? = value;
        let step = kind.build(&params)?;
        self.replace(node, step)
    }

    fn replace(&mut self, node: NodeId, step: Arc<dyn AnyStep>) -> Result<()> {
        let info = self.info_mut(node)?;
        if let Body::Step(body) = &info.body {
            info.body = Body::step(step, Arc::clone(&body.kind));
        }
        self.revision += 1;
        self.edited.push(index(node));
        if self.edited.len() > EDITS_KEPT {
            self.restructure();
        }
        Ok(())
    }

    /// Makes a node pass its input on instead of running.
    ///
    /// # Errors
    /// [`Error::Unknown`] if there is no such node.
    pub fn bypass(&mut self, node: NodeId) -> Result<()> {
        self.settings(node, |settings| settings.bypassed = true)
    }

    /// Makes a bypassed node run again.
    ///
    /// # Errors
    /// [`Error::Unknown`] if there is no such node.
    pub fn enable(&mut self, node: NodeId) -> Result<()> {
        self.settings(node, |settings| settings.bypassed = false)
    }

    /// Changes how a node is run: retries, time limit, priority, what an editor attached.
    ///
    /// # Errors
    /// [`Error::Unknown`] if there is no such node.
    pub fn settings(&mut self, node: NodeId, change: impl FnOnce(&mut Settings)) -> Result<()> {
        let info = self.info_mut(node)?;
        let mut settings = info.settings().clone();
        change(&mut settings);
        info.set_settings(settings);
        self.restructure();
        Ok(())
    }

    /// Gives a node another name.
    ///
    /// # Errors
    /// [`Error::Unknown`] if there is no such node, [`Error::Input`] if the name is taken.
    pub fn rename(&mut self, node: NodeId, name: impl Into<Arc<str>>) -> Result<()> {
        let name = name.into();
        if self.names.contains_key(&name) {
            return Err(Error::input("the node name", &name, "a name of its own"));
        }
        let info = self.info_mut(node)?;
        let old = info.shared_name();
        info.rename(Arc::clone(&name));
        self.free(&old, node);
        self.names.insert(name, index(node));
        self.restructure();
        Ok(())
    }

    /// Removes a node with its wires.
    ///
    /// # Errors
    /// [`Error::Unknown`] if there is no such node.
    pub fn remove(&mut self, node: NodeId) -> Result<()> {
        let name = self.info(node)?.shared_name();
        self.nodes.remove_node(index(node));
        self.loose.retain(|loose| loose.to != node);
        self.free(&name, node);
        self.targets.retain(|wire| wire.node != node);
        self.restructure();
        Ok(())
    }

    /// Frees the name that a node had. If others have it too, it is one of theirs now.
    fn free(&mut self, name: &Arc<str>, node: NodeId) {
        let mine = self.names.get(name) == Some(&index(node));
        let Some(place) = self.duplicates.iter().position(|duplicate| duplicate == name) else {
            if mine {
                self.names.remove(name);
            }
            return;
        };
        self.duplicates.swap_remove(place);
        let heir = self.nodes().find(|(_, info)| info.name() == &**name).map(|(id, _)| index(id));
        if let Some(heir) = heir.filter(|_| mine) {
            self.names.insert(Arc::clone(name), heir);
        }
    }

    /// Wires output `from` of one node to the input `to` of another, by the names of the ports.
    /// The wire of an input that takes one is replaced; an input that takes many gets one more.
    ///
    /// # Errors
    /// [`Error::Unknown`] if there is no such node or port, [`Error::Input`] if the ports carry
    /// different data.
    pub fn connect(&mut self, from: (NodeId, &str), to: (NodeId, &str)) -> Result<()> {
        let producer = self.info(from.0)?;
        let (output, carried) = match producer.step_type() {
            Some(kind) => {
                let (output, port) = find_port(&kind.outputs, from.1)?;
                (output, port.data)
            }
            None => (0, producer.output_type(0).ok_or_else(|| unknown_port(from.1, &[]))?),
        };
        let kind = self.info(to.0)?.step_type().ok_or_else(|| unknown_port(to.1, &[]))?;
        let (input, Port { data: expected, arity, .. }) = find_port(&kind.inputs, to.1)?;
        if carried != expected {
            let what = format!("the wire to `{}.{}`", self.name(to.0).unwrap_or_default(), to.1);
            return Err(Error::input(what, carried.name, expected.name));
        }
        if arity != Arity::Many {
            self.cut(to.0, input);
            self.tie_up(to.0, input);
        }
        // Only their order counts, and to look for the next one of this port would take longer the
        // more there are.
        self.last_place = self.last_place.saturating_add(1);
        let joint = Joint { input, output, place: self.last_place };
        self.nodes.add_edge(index(from.0), index(to.0), joint);
        self.restructure();
        Ok(())
    }

    /// Takes all wires off an input.
    ///
    /// # Errors
    /// [`Error::Unknown`] if there is no such node or port.
    pub fn disconnect(&mut self, node: NodeId, input: &str) -> Result<()> {
        let kind = self.info(node)?.step_type().ok_or_else(|| unknown_port(input, &[]))?;
        let (input, _) = find_port(&kind.inputs, input)?;
        self.cut(node, input);
        self.tie_up(node, input);
        self.restructure();
        Ok(())
    }

    /// Forgets the loose wires of an input.
    fn tie_up(&mut self, node: NodeId, input: u16) {
        self.loose.retain(|loose| (loose.to, loose.input) != (node, input));
    }

    /// Removes the wires of an input.
    fn cut(&mut self, node: NodeId, input: u16) {
        let mine = self.nodes.incoming(index(node)).filter(|edge| edge.weight().input == input);
        let edges: Vec<_> = mine.map(|edge| edge.id()).collect();
        edges.into_iter().for_each(|edge| self.nodes.remove_edge(edge));
    }

    fn info(&self, node: NodeId) -> Result<&NodeInfo> {
        self.node(node).ok_or_else(|| unknown_node(node))
    }

    fn info_mut(&mut self, node: NodeId) -> Result<&mut NodeInfo> {
        self.nodes.node_weight_mut(index(node)).ok_or_else(|| unknown_node(node))
    }
}

fn unknown_node(node: NodeId) -> Error {
    Error::unknown("node", node.index().to_string(), [])
}

fn unknown_port(name: &str, ports: &[Port]) -> Error {
    Error::unknown("port", name, ports.iter().map(|port| port.name))
}

fn find_port(ports: &[Port], name: &str) -> Result<(u16, Port)> {
    Port::find(ports, name).ok_or_else(|| unknown_port(name, ports))
}
