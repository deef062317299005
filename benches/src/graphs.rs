//! Graphs of steps that do nothing.
//!
//! Their results are of type `()`, so a step allocates nothing. Every step has a tag of its own:
//! equal steps on equal inputs would be computed once.

use pipeline_core::data::In;
use pipeline_core::{Context, Graph, Node, NodeId, Result, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::work::Random;

/// No input, does nothing.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Begin {}

impl Step for Begin {
    const NAME: &'static str = "begin";
    type Input = ();
    type Output = ();

    fn run(&self, (): (), _: &Context<'_>) -> Result<()> {
        Ok(())
    }
}

/// One input, does nothing.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Relay {
    /// Tells equal steps apart.
    pub tag: u32,
}

impl Step for Relay {
    const NAME: &'static str = "relay";
    type Input = In<()>;
    type Output = ();

    fn run(&self, _: In<()>, _: &Context<'_>) -> Result<()> {
        Ok(())
    }
}

/// Two inputs, does nothing.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Join {
    /// Tells equal steps apart.
    pub tag: u32,
}

impl Step for Join {
    const NAME: &'static str = "join";
    type Input = (In<()>, In<()>);
    type Output = ();

    fn run(&self, _: (In<()>, In<()>), _: &Context<'_>) -> Result<()> {
        Ok(())
    }
}

/// Any number of inputs, does nothing.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Gather {}

impl Step for Gather {
    const NAME: &'static str = "gather";
    type Input = Vec<In<()>>;
    type Output = ();

    fn run(&self, _: Vec<In<()>>, _: &Context<'_>) -> Result<()> {
        Ok(())
    }
}

/// A builder of a graph of about `n` steps.
pub type Build = fn(n: u32) -> Graph;

/// The shapes that overhead is measured on.
pub const SHAPES: [(&str, Build); 4] =
    [("chain", chain), ("grid", grid), ("random", random), ("fan", fan)];

/// The shapes that planning is measured on.
pub const PLANNED: [(&str, Build); 3] = [("chain", chain), ("ladder", ladder), ("random", random)];

fn name(number: u32) -> String {
    format!("s{number}")
}

fn begin(graph: &mut Graph) -> Node<()> {
    graph.add("begin", Begin {}, ())
}

fn relay(graph: &mut Graph, tag: u32, input: Node<()>) -> Node<()> {
    graph.add(name(tag), Relay { tag }, input)
}

fn join(graph: &mut Graph, tag: u32, a: Node<()>, b: Node<()>) -> Node<()> {
    graph.add(name(tag), Join { tag }, (a, b))
}

/// One step after the other.
#[must_use]
pub fn chain(n: u32) -> Graph {
    let mut graph = Graph::new();
    let mut last = begin(&mut graph);
    for tag in 1..n {
        last = relay(&mut graph, tag, last);
    }
    graph
}

/// A square whose steps read from above and from the left.
#[must_use]
pub fn grid(n: u32) -> Graph {
    let side = n.isqrt();
    let mut graph = Graph::new();
    let mut nodes: Vec<Node<()>> = Vec::new();
    for tag in 0..side * side {
        let at = |back: u32| nodes[(tag - back) as usize];
        let node = match (tag / side, tag % side) {
            (0, 0) => begin(&mut graph),
            (0, _) => relay(&mut graph, tag, at(1)),
            (_, 0) => relay(&mut graph, tag, at(side)),
            _ => join(&mut graph, tag, at(side), at(1)),
        };
        nodes.push(node);
    }
    graph
}

/// Every step reads from two steps anywhere before it.
#[must_use]
pub fn random(n: u32) -> Graph {
    let mut random = Random::new(7);
    let mut graph = Graph::new();
    let mut nodes = vec![begin(&mut graph)];
    for tag in 1..n {
        let mut pick = || nodes[random.below(tag) as usize];
        let (a, b) = (pick(), pick());
        nodes.push(join(&mut graph, tag, a, b));
    }
    graph
}

/// One step, many that read from it, one that reads from them all.
#[must_use]
pub fn fan(n: u32) -> Graph {
    let mut graph = Graph::new();
    let first = begin(&mut graph);
    let middle = (1..n - 1).map(|tag| relay(&mut graph, tag, first)).collect();
    graph.add("gather", Gather {}, middle);
    graph
}

/// Two chains whose steps read from both: 2ⁿ paths lead to the end.
#[must_use]
pub fn ladder(n: u32) -> Graph {
    let mut graph = Graph::new();
    let first = begin(&mut graph);
    let mut rung = (relay(&mut graph, 1, first), relay(&mut graph, 2, first));
    for tag in (3..n - 1).step_by(2) {
        let (a, b) = rung;
        rung = (join(&mut graph, tag, a, b), join(&mut graph, tag + 1, a, b));
    }
    graph
}

/// Changes the parameter of a step.
pub fn touch(graph: &mut Graph, node: NodeId) {
    const FAR: u32 = 1 << 24;
    let changed = graph
        .edit::<Join>(node, |step| step.tag ^= FAR)
        .or_else(|_| graph.edit::<Relay>(node, |step| step.tag ^= FAR));
    changed.expect("the node is a join or a relay");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graphs_have_the_size_they_were_asked_for() {
        for (shape, build) in SHAPES.iter().chain(&PLANNED) {
            let len = build(100).len();
            assert!((99..=100).contains(&len), "{shape}: {len}");
        }
    }
}
