//! Random edits of a graph, with caches of any kind and budget, restarts and harmed files: every
//! result is that of a fresh evaluation, bit for bit.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pipeline_cache::{DiskCache, DiskOptions, MemoryCache, Policy, TieredCache};
use pipeline_core::cache::Cache;
use pipeline_core::event::Status;
use pipeline_core::step::CutOff;
use pipeline_core::{
    Context, Executor, Graph, Image, In, Node, NodeId, Options, Result, RunOptions, Spec, Step,
    Targets,
};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::harmed::{HARMS, Harm, files, harm};
use crate::values::take_time;

/// Nodes of the graph. The first reads nothing; each of the others two before it.
const NODES: usize = 7;

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Mix {
    factor: u16,
    /// The least bits that are left; those above go, so that others may give the same result.
    bits: u32,
    /// Side of the image of a node that reads nothing.
    side: u32,
}

impl Default for Mix {
    fn default() -> Self {
        Self { factor: 1, bits: 16, side: 20 }
    }
}

impl Mix {
    /// What comes of images, sample by sample.
    fn apply(self, inputs: &[&[u16]]) -> Vec<u16> {
        let len = (self.side * self.side) as usize;
        let kept = u16::MAX >> (16 - self.bits);
        let sample = |at: usize| {
            let sum = inputs.iter().fold(u16::try_from(at).unwrap_or(9) / 5, |sum, input| {
                sum.wrapping_mul(31).wrapping_add(input[at % input.len()])
            });
            sum.wrapping_mul(self.factor) & kept
        };
        (0..inputs.first().map_or(len, |input| input.len())).map(sample).collect()
    }
}

impl Step for Mix {
    const NAME: &'static str = "mix";
    type Input = Vec<In<Image>>;
    type Output = Image;

    fn run(&self, inputs: Vec<In<Image>>, _: &Context<'_>) -> Result<Image> {
        let samples = inputs.iter().filter_map(|input| input.samples::<u16>());
        let samples = self.apply(&samples.collect::<Vec<_>>());
        let side = inputs.first().map_or(self.side, |input| input.width());
        // So long that it pays to write the result.
        take_time(Duration::from_micros(if side < 100 { 100 } else { 500 }));
        Image::from_samples(side, side, 1, samples)
    }

    fn spec(&self) -> Spec {
        // Few bits are often the same ones.
        Spec::default().cut_off(if self.bits < 3 { CutOff::Always } else { CutOff::Auto })
    }
}

/// What the graph is now.
#[derive(Debug, Clone)]
struct Model {
    nodes: [(Mix, [usize; 2]); NODES],
}

impl Model {
    fn graph(&self) -> (Graph, Vec<NodeId>) {
        let mut graph = Graph::new();
        let mut nodes: Vec<Node<Image>> = Vec::new();
        for (at, (mix, reads)) in self.nodes.iter().enumerate() {
            let inputs = if at == 0 { vec![] } else { reads.map(|from| nodes[from]).to_vec() };
            nodes.push(graph.add(format!("{at}"), *mix, inputs));
        }
        (graph, nodes.into_iter().map(|node| node.id()).collect())
    }

    /// All results.
    fn evaluate(&self) -> Vec<Vec<u16>> {
        let mut results: Vec<Vec<u16>> = Vec::new();
        for (at, (mix, reads)) in self.nodes.iter().enumerate() {
            let inputs =
                if at == 0 { vec![] } else { reads.map(|from| &results[from][..]).to_vec() };
            let made = mix.apply(&inputs);
            results.push(made);
        }
        results
    }
}

#[derive(Debug, Clone)]
enum Op {
    Factor {
        at: usize,
        factor: u16,
    },
    Bits {
        at: usize,
        bits: u32,
    },
    Rewire {
        at: usize,
        to: [usize; 2],
    },
    /// The first image becomes small or large.
    Resize {
        side: u32,
    },
    Run {
        wanted: usize,
    },
    /// The program ends, and another one begins with caches of another kind on the same directory.
    Restart {
        kind: usize,
        budget: u64,
    },
    Harm {
        file: usize,
        harm: Harm,
        place: usize,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let (at, budget) = (0..NODES, prop::sample::select(&[1000u64, 100_000, 400_000, 1 << 30]));
    prop_oneof![
        3 => (at.clone(), 1..4u16).prop_map(|(at, factor)| Op::Factor { at, factor }),
        2 => (at.clone(), prop::sample::select(&[1u32, 2, 9, 16]))
            .prop_map(|(at, bits)| Op::Bits { at, bits }),
        2 => (1..NODES, 0..100usize, 0..100usize)
            .prop_map(|(at, one, other)| Op::Rewire { at, to: [one % at, other % at] }),
        1 => prop::sample::select(&[20u32, 200]).prop_map(|side| Op::Resize { side }),
        8 => at.prop_map(|wanted| Op::Run { wanted }),
        1 => (0..4usize, budget).prop_map(|(kind, budget)| Op::Restart { kind, budget }),
        2 => (0..1000usize, prop::sample::select(&HARMS), 0..1_000_000usize)
            .prop_map(|(file, harm, place)| Op::Harm { file, harm, place }),
    ]
}

/// An executor, and how many results of its cache were found on the disk.
struct Program {
    executor: Executor,
    found: Box<dyn Fn() -> u64>,
}

fn program(folder: &Path, kind: usize, budget: u64) -> Program {
    let disk = || {
        let options = DiskOptions { budget, ..DiskOptions::default() };
        DiskCache::open(folder, options).unwrap()
    };
    let none = || Box::new(|| 0);
    let (cache, found): (Arc<dyn Cache>, Box<dyn Fn() -> u64>) = match kind {
        0 => (Arc::new(MemoryCache::new(budget)), none()),
        1 => (Arc::new(MemoryCache::new(budget).with_policy(Policy::LeastRecent)), none()),
        2 => {
            let disk = Arc::new(disk());
            (Arc::<DiskCache>::clone(&disk), Box::new(move || disk.stats().hits))
        }
        _ => {
            let tiered = TieredCache::new(MemoryCache::new(budget), disk()).unwrap();
            let tiered = Arc::new(tiered.with_delay(Duration::from_millis(1)));
            (Arc::<TieredCache>::clone(&tiered), Box::new(move || tiered.disk().stats().hits))
        }
    };
    let options = Options { threads: Some(2), cache: Some(cache), ..Options::default() };
    Program { executor: Executor::new(options).unwrap(), found }
}

#[test]
fn every_result_is_that_of_a_fresh_evaluation() {
    let config = ProptestConfig {
        cases: 200,
        rng_seed: RngSeed::Fixed(5),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let start = (0..4usize, prop::sample::select(&[100_000u64, 1 << 30]));
    let served = Cell::new(0);
    let found_on_disk = Cell::new([0; 4]);
    proptest!(config, |(ops in prop::collection::vec(op(), 1..50), (kind, budget) in start)| {
        let folder = tempfile::tempdir().unwrap();
        let mut kind = kind;
        let mut running = Some(program(folder.path(), kind, budget));
        let end = |kind: usize, running: Option<Program>| {
            let mut found = found_on_disk.get();
            found[kind] += running.map_or(0, |running| (running.found)());
            found_on_disk.set(found);
        };
        let mut model = Model { nodes: std::array::from_fn(|at| {
            (Mix::default(), [at.saturating_sub(1), at / 2].map(|from| from.min(at.saturating_sub(1))))
        }) };
        for op in ops {
            match op {
                Op::Factor { at, factor } => model.nodes[at].0.factor = factor,
                Op::Bits { at, bits } => model.nodes[at].0.bits = bits,
                Op::Rewire { at, to } => model.nodes[at].1 = to,
                Op::Resize { side } => model.nodes[0].0.side = side,
                Op::Run { wanted } => {
                    let (graph, nodes) = model.graph();
                    let options = RunOptions::to(Targets::nodes([nodes[wanted]]));
                    let report = running.as_ref().unwrap().executor.run(&graph, &options).unwrap();
                    report.ok().unwrap();
                    served.set(served.get() + report.nodes_that(Status::Cached).len());
                    let value = report.value(nodes[wanted], 0).unwrap();
                    let found = value.downcast_ref::<Image>().and_then(|image| image.samples::<u16>());
                    prop_assert_eq!(found, Some(&model.evaluate()[wanted][..]));
                }
                Op::Restart { kind: next, budget } => {
                    end(kind, running.take());
                    kind = next;
                    running = Some(program(folder.path(), kind, budget));
                }
                Op::Harm { file, harm: kind, place } => {
                    let files = files(folder.path());
                    if let Some(path) = files.get(file % files.len().max(1)) {
                        harm(path, kind, place);
                    }
                }
            }
        }
        end(kind, running);
    });
    // A cache that has nothing is right too.
    assert!(served.get() > 200, "{} results were served", served.get());
    let [_, _, disk, tiered] = found_on_disk.get();
    assert!(disk > 100 && tiered > 20, "{disk} and {tiered} were found on the disk");
}
