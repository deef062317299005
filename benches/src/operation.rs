//! Operations on given values, by their names and parameters.

use std::sync::Arc;

use pipeline_core::data::Value;
use pipeline_core::plan::Bindings;
use pipeline_core::step::Arity;
use pipeline_core::{Error, Executor, Graph, NodeId, Registry, Result, RunOptions};

/// A graph of one step, or of some in a row.
#[derive(Debug)]
pub struct Operation {
    graph: Graph,
    options: RunOptions,
    last: NodeId,
}

impl Operation {
    /// A step with its parameters. The ports of a type take its values in order, and the last once
    /// there is no other; a port for any number of them takes all, and one that may be left out is
    /// left out if there is none.
    ///
    /// # Errors
    /// If there is no such step, or it has no such parameters.
    pub fn new(step: &str, params: &serde_json::Value, values: &[&Value]) -> Result<Self> {
        Self::chain(&[(step, params)], values)
    }

    /// Steps each of which takes the result of the one before at its first port; the first takes
    /// values as [`new`](Self::new) has it.
    ///
    /// # Errors
    /// As [`new`](Self::new), and if there is no step.
    pub fn chain(steps: &[(&str, &serde_json::Value)], values: &[&Value]) -> Result<Self> {
        let mut registry = Registry::new();
        pipeline_ops::register(&mut registry)?;
        let (mut graph, mut bindings) = (Graph::new(), Bindings::new());
        let mut before: Option<NodeId> = None;
        for (place, (step, params)) in steps.iter().enumerate() {
            let kind = registry.find(step)?;
            let node = graph.add_any(place.to_string(), kind.build(params)?, Arc::clone(kind));
            match before {
                Some(before) => graph.connect((before, "out"), (node, kind.inputs[0].name))?,
                None => {
                    for (place, port) in kind.inputs.iter().enumerate() {
                        let of_type = |value: &&&Value| value.data_type() == port.data;
                        let own: Vec<_> = values.iter().filter(of_type).collect();
                        let before = kind.inputs[..place].iter();
                        let first = before.filter(|before| before.data == port.data).count();
                        let last = own.len().saturating_sub(1);
                        let taken = match port.arity {
                            Arity::Many => 0..own.len(),
                            _ => first.min(last)..(first + 1).min(own.len()),
                        };
                        for (number, value) in own[taken].iter().enumerate() {
                            let name = format!("{}[{number}]", port.name);
                            let input = graph.input_any(name.as_str(), port.data);
                            graph.connect((input, "out"), (node, port.name))?;
                            bindings = bindings.with_value(&name, Value::clone(value));
                        }
                    }
                }
            }
            before = Some(node);
        }
        let last = before.ok_or_else(|| Error::input("the steps", "none", "one or more"))?;
        let options = RunOptions { bindings, ..RunOptions::default() };
        Ok(Self { graph, options, last })
    }

    /// Runs the steps once and returns the first result of the last.
    ///
    /// # Errors
    /// That of a step.
    pub fn run(&self, executor: &Executor) -> Result<Value> {
        let report = executor.run(&self.graph, &self.options)?;
        report.value(self.last, 0).cloned()
    }
}
