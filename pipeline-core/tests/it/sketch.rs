//! Random graphs of toys beside a naive evaluator that knows their values and their names.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use pipeline_core::graph::Retry;
use pipeline_core::{Graph, Node};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::toy::{Fault, Give, Maybe, Mix, Number, Split};

/// The same cases in every run of the tests.
pub(crate) fn seeded(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(11),
        failure_persistence: None,
        max_shrink_iters: 2000,
        ..ProptestConfig::default()
    }
}

/// The step of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Give,
    Mix,
    Split,
    Maybe,
}

impl Kind {
    /// The names of the input ports, and how many wires each may have.
    pub(crate) const fn ports(self) -> &'static [(&'static str, bool)] {
        match self {
            Self::Give => &[],
            Self::Mix => &[("in", true)],
            Self::Split => &[("in", false)],
            Self::Maybe => &[("a", false), ("b", false), ("c", true)],
        }
    }

    pub(crate) const fn outputs(self) -> &'static [&'static str] {
        match self {
            Self::Split => &["a", "b"],
            _ => &["out"],
        }
    }
}

/// A node as the evaluator sees it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plot {
    pub(crate) kind: Kind,
    pub(crate) label: String,
    pub(crate) plus: i64,
    pub(crate) divide: Option<i64>,
    pub(crate) digest: bool,
    pub(crate) bypassed: bool,
    pub(crate) fault: Fault,
    /// For each input port, the outputs it reads.
    pub(crate) wires: Vec<Vec<(usize, usize)>>,
}

impl Plot {
    pub(crate) fn inputs(&self) -> impl Iterator<Item = (usize, usize)> {
        self.wires.iter().flatten().copied()
    }

    fn give(&self) -> Give {
        Give { number: self.plus, name: self.label.clone() }
    }

    pub(crate) fn mix(&self) -> Mix {
        let Self { plus, divide, digest, fault, .. } = *self;
        Mix { plus, divide, digest, fault, name: self.label.clone() }
    }

    fn split(&self) -> Split {
        Split { plus: self.plus, name: self.label.clone(), digest: self.digest }
    }

    fn maybe(&self) -> Maybe {
        Maybe { plus: self.plus, name: self.label.clone(), digest: self.digest }
    }

    fn run(&self, values: &[Vec<i64>]) -> Vec<i64> {
        let all = |port: usize| {
            self.wires[port].iter().map(|&(node, output): &(usize, usize)| values[node][output])
        };
        if self.bypassed {
            let (node, output) = self.inputs().next().expect("a bypassed node has an input");
            return vec![values[node][output]; self.kind.outputs().len()];
        }
        match self.kind {
            Kind::Give => vec![self.plus],
            Kind::Mix => vec![self.mix().sum(all(0)).0],
            Kind::Split => {
                let (a, b) = self.split().parts(all(0).next().expect("one wire"));
                vec![a.0, b.0]
            }
            Kind::Maybe => {
                let one = all(0).next().expect("one wire");
                vec![self.maybe().sum(one, all(1).next(), all(2)).0]
            }
        }
    }
}

/// A graph as the evaluator sees it: every wire comes from an earlier node. A node that was removed
/// leaves a gap.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Sketch(pub(crate) Vec<Option<Plot>>);

/// Numbers that [`Sketch::grown`] makes a node of, whatever they are.
pub(crate) type Seed = (u8, Vec<(u16, u8)>, i64, u8, u8);

/// Up to `most` nodes.
pub(crate) fn seeds(most: usize) -> impl Strategy<Value = Vec<Seed>> {
    let wires = prop::collection::vec((any::<u16>(), any::<u8>()), 0..5);
    prop::collection::vec((any::<u8>(), wires, -50i64..50, any::<u8>(), any::<u8>()), 1..=most)
}

impl Sketch {
    pub(crate) fn grown(seeds: &[Seed]) -> Self {
        let mut sketch = Self::default();
        seeds.iter().for_each(|seed| sketch.grow(seed));
        sketch
    }

    /// Adds one node.
    pub(crate) fn grow(&mut self, (kind, wires, plus, knobs, twin): &Seed) {
        let label = format!("n{}", self.0.len());
        let any_before = self.0.iter().any(Option::is_some);
        if *twin < 20 && any_before {
            // A node that computes what another one computes.
            let mut copy = self.0[self.pick(u16::from(*twin))].clone();
            if let Some(plot) = &mut copy {
                plot.bypassed = false;
            }
            return self.0.push(copy);
        }
        let kind = match kind % 10 {
            _ if !any_before => Kind::Give,
            0 => Kind::Give,
            1 | 2 => Kind::Split,
            3 | 4 => Kind::Maybe,
            _ => Kind::Mix,
        };
        let wires = wires.iter().filter(|_| any_before);
        let wires: Vec<_> = wires.map(|&(node, output)| self.output(node, output)).collect();
        let first = || vec![wires.first().copied().unwrap_or_else(|| self.output(0, 0))];
        let wires = match kind {
            Kind::Give => vec![],
            Kind::Mix => vec![wires],
            Kind::Split => vec![first()],
            Kind::Maybe => vec![
                first(),
                wires.get(1).copied().into_iter().collect(),
                wires.get(2..).unwrap_or_default().to_vec(),
            ],
        };
        let plot = Plot {
            kind,
            label,
            plus: *plus,
            divide: (knobs % 4 == 0 && kind == Kind::Mix).then_some(40),
            digest: knobs % 3 == 0 && kind != Kind::Give,
            bypassed: knobs / 16 == 1 && wires.iter().any(|port| !port.is_empty()),
            fault: Fault::None,
            wires,
        };
        self.0.push(Some(plot));
    }

    /// A node that exists.
    pub(crate) fn pick(&self, number: u16) -> usize {
        let there: Vec<_> = (0..self.0.len()).filter(|&at| self.0[at].is_some()).collect();
        there[usize::from(number) % there.len()]
    }

    /// An output that exists.
    pub(crate) fn output(&self, node: u16, output: u8) -> (usize, usize) {
        let node = self.pick(node);
        let outputs = self.plot(node).kind.outputs().len();
        (node, usize::from(output) % outputs)
    }

    pub(crate) fn plot(&self, at: usize) -> &Plot {
        self.0[at].as_ref().expect("the node was not removed")
    }

    pub(crate) fn plots(&self) -> impl Iterator<Item = (usize, &Plot)> {
        self.0.iter().enumerate().filter_map(|(at, plot)| Some((at, plot.as_ref()?)))
    }

    /// The outputs of all nodes that nothing reads from.
    pub(crate) fn sinks(&self) -> Vec<(usize, usize)> {
        let read: HashSet<usize> =
            self.plots().flat_map(|(_, plot)| plot.inputs()).map(|(node, _)| node).collect();
        let sinks = self.plots().filter(|(at, _)| !read.contains(at));
        sinks
            .flat_map(|(at, plot)| (0..plot.kind.outputs().len()).map(move |port| (at, port)))
            .collect()
    }

    /// The value of every output.
    pub(crate) fn values(&self) -> Vec<Vec<i64>> {
        let mut values: Vec<Vec<i64>> = Vec::new();
        for plot in &self.0 {
            let value = plot.as_ref().map(|plot| plot.run(&values)).unwrap_or_default();
            values.push(value);
        }
        values
    }

    /// Whether `low` needs a result of `high`, when bypassed nodes pass on their first input only.
    pub(crate) fn ancestors(&self, targets: &[(usize, usize)]) -> HashSet<usize> {
        let mut needed: HashSet<usize> = targets.iter().map(|&(node, _)| node).collect();
        for at in (0..self.0.len()).rev() {
            if needed.contains(&at) {
                let plot = self.plot(at);
                let take = if plot.bypassed { 1 } else { usize::MAX };
                needed.extend(plot.inputs().take(take).map(|(node, _)| node));
            }
        }
        needed
    }

    /// The graph, with a handle for every output.
    pub(crate) fn graph(&self) -> (Graph, Vec<Vec<Node<Number>>>) {
        let mut graph = Graph::new();
        let mut nodes = Vec::new();
        for at in 0..self.0.len() {
            let made = if self.0[at].is_some() { self.add(at, &mut graph, &nodes) } else { vec![] };
            nodes.push(made);
        }
        (graph, nodes)
    }

    /// Adds one node to a graph.
    pub(crate) fn add(
        &self,
        at: usize,
        graph: &mut Graph,
        nodes: &[Vec<Node<Number>>],
    ) -> Vec<Node<Number>> {
        let plot = self.plot(at);
        let name = format!("node{at}");
        let port = |port: usize| -> Vec<Node<Number>> {
            plot.wires[port].iter().map(|&(node, output)| nodes[node][output]).collect()
        };
        let made = match plot.kind {
            Kind::Give => vec![graph.add(name, plot.give(), ())],
            Kind::Mix => vec![graph.add(name, plot.mix(), port(0))],
            Kind::Split => {
                let (a, b) = graph.add(name, plot.split(), port(0)[0]);
                vec![a, b]
            }
            Kind::Maybe => {
                let wires = (port(0)[0], port(1).first().copied(), port(2));
                vec![graph.add(name, plot.maybe(), wires)]
            }
        };
        if plot.bypassed {
            graph.bypass(made[0].id()).expect("the node was just added");
        }
        if plot.fault == Fault::Flaky {
            let retry = Retry { attempts: 3, delay_ms: 0 };
            graph.settings(made[0].id(), |s| s.retry = retry).expect("the node was just added");
        }
        made
    }
}

/// What an executor with a cache that keeps everything has computed so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    known: HashSet<u64>,
    recorded: HashSet<u64>,
}

fn name_of(parts: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}

impl Memory {
    /// The labels of the steps that a run for these targets must run, sorted. Each is run once per
    /// key, and remembered.
    pub(crate) fn run(&mut self, sketch: &Sketch, targets: &[(usize, usize)]) -> Vec<String> {
        let values = sketch.values();
        let count = sketch.0.len();
        // The names of results, and whether they are known before the run.
        let mut keys = vec![0u64; count];
        let mut known = vec![false; count];
        let mut names: Vec<Vec<(u64, bool)>> = Vec::new();
        for at in 0..count {
            let Some(plot) = &sketch.0[at] else {
                names.push(vec![]);
                continue;
            };
            let outputs = 0..plot.kind.outputs().len();
            if plot.bypassed {
                let (node, output) = plot.inputs().next().expect("a bypassed node has an input");
                names.push(vec![names[node][output]; outputs.len()]);
                continue;
            }
            let inputs: Vec<Vec<u64>> = plot
                .wires
                .iter()
                .map(|port| port.iter().map(|&(node, output)| names[node][output].0).collect())
                .collect();
            known[at] = plot.inputs().all(|(node, output)| names[node][output].1);
            let params = (plot.kind, &plot.label, plot.plus, plot.divide, plot.digest, plot.fault);
            keys[at] = name_of((params, inputs));
            let name = |port: usize| {
                if plot.digest {
                    let content = name_of(("content", values[at][port]));
                    (content, known[at] && self.recorded.contains(&keys[at]))
                } else {
                    (name_of((keys[at], port)), known[at])
                }
            };
            names.push(outputs.map(name).collect());
        }

        let mut wanted: HashSet<usize> = targets.iter().map(|&(node, _)| node).collect();
        let mut planned = Vec::new();
        for at in (0..count).rev().filter(|at| sketch.0[*at].is_some()) {
            let plot = sketch.plot(at);
            let is_hit = !plot.bypassed && known[at] && self.known.contains(&keys[at]);
            if !wanted.contains(&at) || is_hit {
                continue;
            }
            let take = if plot.bypassed { 1 } else { usize::MAX };
            wanted.extend(plot.inputs().take(take).map(|(node, _)| node));
            if !plot.bypassed {
                planned.push(at);
            }
        }
        let mut labels = Vec::new();
        for at in planned.into_iter().rev() {
            let plot = sketch.plot(at);
            if plot.digest {
                self.recorded.insert(keys[at]);
            }
            if self.known.insert(keys[at]) {
                labels.push(plot.label.clone());
            }
        }
        labels.sort();
        labels
    }
}
