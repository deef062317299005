//! The step under test with its inputs, and ways to run it.

use std::fmt::Display;
use std::sync::Arc;

use super::guard::no_panic;
use super::supply::Piece;
use crate::data::Value;
use crate::error::Result;
use crate::exec::{Executor, Options, RunOptions};
use crate::graph::Graph;
use crate::plan::Bindings;
use crate::step::{AnyStep, Context, Kind, Reader, Services, StepType};

/// A step, its type, its inputs by port, and what it may use.
#[derive(Clone)]
pub(super) struct Subject<'a> {
    pub(super) step: Arc<dyn AnyStep>,
    pub(super) kind: Arc<StepType>,
    pub(super) inputs: Vec<Vec<Piece>>,
    pub(super) services: &'a Services,
}

impl<'a> Subject<'a> {
    /// What a context for running the step by hand looks like.
    pub(super) fn ctx(&self) -> Context<'a> {
        Context::with_services(self.services)
    }

    /// Whether equal inputs must give equal results.
    pub(super) fn is_steady(&self) -> bool {
        self.step.spec().kind != Kind::Volatile
    }

    /// The values of all wires, sharing what the subject holds.
    pub(super) fn values(&self) -> Vec<Value> {
        self.inputs.iter().flatten().map(|piece| piece.value.clone()).collect()
    }

    /// Equal values that share nothing, if all of the inputs can be copied.
    pub(super) fn copies(&self) -> Option<Vec<Value>> {
        let copy = |piece: &Piece| {
            let copy = piece.copy()?.unwrap_or_else(|error| {
                panic!("an input does not survive its codec: {error}");
            });
            assert!(
                print(&copy) == print(&piece.value),
                "an input of type `{}` differs after its codec wrote and read it",
                copy.data_type().name
            );
            Some(copy)
        };
        self.inputs.iter().flatten().map(copy).collect()
    }

    /// Runs the step once by hand on values in the order of the wires.
    pub(super) fn call(
        &self,
        during: impl Display,
        values: Vec<Value>,
        ctx: &Context<'_>,
    ) -> Result<Vec<Value>> {
        let counts: Vec<u32> =
            self.inputs.iter().map(|port| u32::try_from(port.len()).unwrap_or(u32::MAX)).collect();
        let mut values: Vec<Option<Value>> = values.into_iter().map(Some).collect();
        let mut take = |at: usize| values.get_mut(at)?.take();
        let mut outputs = Vec::new();
        no_panic(format_args!("step `{}`, {during}", self.kind.name), || {
            let mut reader = Reader::new(&mut take, &counts);
            self.step.call(&mut reader, ctx, &mut |value| outputs.push(value))
        })?;
        Ok(outputs)
    }

    /// Runs the step by hand on inputs that it is said to work on.
    pub(super) fn results(&self, during: &str, values: Vec<Value>) -> Vec<Value> {
        match self.call(during, values, &self.ctx()) {
            Ok(outputs) => outputs,
            Err(error) => panic!("step `{}`, {during}: {error}", self.kind.name),
        }
    }

    /// Runs the step as the only node of a graph.
    pub(super) fn execute(&self, threads: usize) -> Result<Vec<Value>> {
        let executor = Executor::new(Options {
            threads: Some(threads),
            services: self.services.clone(),
            ..Options::default()
        })?;
        let mut graph = Graph::new();
        let node = graph.add_any("step", Arc::clone(&self.step), Arc::clone(&self.kind));
        let mut bindings = Bindings::new();
        for (port, pieces) in self.kind.inputs.iter().zip(&self.inputs) {
            for piece in pieces {
                let name = format!("input{}", graph.len());
                let input = graph.input_any(name.as_str(), piece.value.data_type());
                graph.connect((input, "out"), (node, port.name))?;
                bindings = bindings.with_value(&name, piece.value.clone());
            }
        }
        let ports = (0u16..).zip(&self.kind.outputs);
        for (port, _) in ports.clone() {
            graph.target_any(node, port);
        }
        let options = RunOptions { bindings, ..RunOptions::default() };
        let report = executor.run(&graph, &options)?;
        report.ok()?;
        ports.map(|(port, _)| report.value(node, port).cloned()).collect()
    }
}

/// What a value is: the digest of its content, or what it prints if it has none.
pub(super) fn print(value: &Value) -> String {
    let content = match value.digest() {
        Some(Ok(digest)) => digest.to_string(),
        Some(Err(error)) => panic!("a value that cannot be digested: {error}"),
        None => format!("{value:?}"),
    };
    format!("{} {content}", value.data_type().name)
}

/// What all values are.
pub(super) fn prints(values: &[Value]) -> Vec<String> {
    values.iter().map(print).collect()
}

/// What was expected of a step's results, if they differ.
pub(super) fn assert_same(name: &str, during: impl Display, found: &[Value], expected: &[Value]) {
    assert!(
        prints(found) == prints(expected),
        "step `{name}`, {during}: the result differs from that of the first run"
    );
}
