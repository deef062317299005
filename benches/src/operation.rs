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
    /// A step with its parameters. Each of its ports takes the first value of its type, one for any
    /// number of them takes all; one that may be left out is left out if there is none.
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
                    for port in &kind.inputs {
                        let most = if port.arity == Arity::Many { values.len() } else { 1 };
                        let of_type = |value: &&&Value| value.data_type() == port.data;
                        for (number, value) in values.iter().filter(of_type).take(most).enumerate()
                        {
                            let name = format!("{}[{number}]", port.name);
                            let input = graph.input_any(name.as_str(), port.data);
                            graph.connect((input, "out"), (node, port.name))?;
                            bindings = bindings.with_value(&name, (*value).clone());
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
