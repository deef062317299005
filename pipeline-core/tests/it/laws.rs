//! Laws of runs, on random graphs: the right values, the fewest steps, the same bits every time.

use pipeline_core::data::In;
use pipeline_core::graph::Retry;
use pipeline_core::step::CutOff;
use pipeline_core::{
    CancelReason, Context, Executor, Graph, Node, Options, Result, RunOptions, Services, Spec,
    Step, Targets,
};
use proptest::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sketch::{Kind, Memory, Seed, Sketch, seeded, seeds};
use crate::toy::{
    Give, Hoard, Journal, Maybe, Mix, Number, Polls, Split, forgetful, hoarding, mix,
};

/// Whatever the numbers are, some edit.
#[derive(Debug, Clone)]
struct Edit {
    op: u8,
    at: u16,
    plus: i64,
    seed: Seed,
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let edit = (any::<u8>(), any::<u16>(), -50i64..50, seeds(1));
    let edit =
        edit.prop_map(|(op, at, plus, mut seeds)| Edit { op, at, plus, seed: seeds.remove(0) });
    prop::collection::vec(edit, 1..12)
}

/// A graph under edit beside its sketch.
struct Desk {
    sketch: Sketch,
    graph: Graph,
    nodes: Vec<Vec<Node<Number>>>,
    past: Vec<Sketch>,
}

impl Desk {
    fn new(sketch: Sketch) -> Self {
        let (graph, nodes) = sketch.graph();
        Self { sketch, graph, nodes, past: Vec::new() }
    }

    fn edit(&mut self, edit: &Edit) {
        self.past.push(self.sketch.clone());
        let at = self.sketch.pick(edit.at);
        match edit.op % 8 {
            0..=2 => self.set(at, edit.plus),
            3 => self.switch(at),
            4 => self.rewire(at, edit),
            5 => {
                self.sketch.grow(&edit.seed);
                let at = self.sketch.0.len() - 1;
                let made = self.sketch.add(at, &mut self.graph, &self.nodes);
                self.nodes.push(made);
            }
            6 => self.remove(at),
            _ => {
                let back = usize::from(edit.at) % self.past.len();
                self.sketch = self.past[back].clone();
                (self.graph, self.nodes) = self.sketch.graph();
            }
        }
    }

    fn set(&mut self, at: usize, plus: i64) {
        let plot = self.sketch.0[at].as_mut().unwrap();
        plot.plus = plus;
        let id = self.nodes[at][0].id();
        let done = match plot.kind {
            Kind::Give => self.graph.edit::<Give>(id, |step| step.number = plus),
            Kind::Mix => self.graph.edit::<Mix>(id, |step| step.plus = plus),
            Kind::Split => self.graph.set_param(id, "plus", plus.into()),
            Kind::Maybe => self.graph.edit::<Maybe>(id, |step| step.plus = plus),
        };
        done.unwrap();
    }

    fn switch(&mut self, at: usize) {
        let plot = self.sketch.0[at].as_mut().unwrap();
        if plot.inputs().next().is_none() {
            return;
        }
        plot.bypassed = !plot.bypassed;
        let id = self.nodes[at][0].id();
        let done = if plot.bypassed { self.graph.bypass(id) } else { self.graph.enable(id) };
        done.unwrap();
    }

    /// Wires one port of a node anew, to nodes before it.
    fn rewire(&mut self, at: usize, edit: &Edit) {
        let plot = self.sketch.plot(at);
        let ports = plot.kind.ports();
        let before = Sketch(self.sketch.0[..at].to_vec());
        if ports.is_empty() || before.plots().next().is_none() {
            return;
        }
        let port = usize::from(edit.seed.3) % ports.len();
        let (name, many) = ports[port];
        let wires = edit.seed.1.iter().map(|&(node, output)| before.output(node, output));
        let is_optional = plot.kind == Kind::Maybe && port == 1;
        let mut wires: Vec<_> = wires.take(if many { 9 } else { 1 }).collect();
        if wires.is_empty() && !many && !is_optional {
            wires.push(before.output(0, 0));
        }
        let others = plot.wires.iter().enumerate().any(|(p, w)| p != port && !w.is_empty());
        if plot.bypassed && wires.is_empty() && !others {
            return;
        }
        let id = self.nodes[at][0].id();
        self.graph.disconnect(id, name).unwrap();
        for &(node, output) in &wires {
            let outputs = self.sketch.plot(node).kind.outputs();
            let from = (self.nodes[node][0].id(), outputs[output]);
            self.graph.connect(from, (id, name)).unwrap();
        }
        self.sketch.0[at].as_mut().unwrap().wires[port] = wires;
    }

    /// Removes a node that no one cannot do without.
    fn remove(&mut self, at: usize) {
        let mut sketch = self.sketch.clone();
        sketch.0[at] = None;
        for plot in sketch.0.iter_mut().flatten() {
            plot.wires.iter_mut().for_each(|port| port.retain(|&(node, _)| node != at));
        }
        let is_whole = sketch.plots().all(|(_, plot)| {
            let needs_one = matches!(plot.kind, Kind::Split | Kind::Maybe);
            let is_lonely = plot.inputs().next().is_none();
            !(needs_one && plot.wires[0].is_empty() || plot.bypassed && is_lonely)
        });
        if is_whole && sketch.plots().next().is_some() {
            self.graph.remove(self.nodes[at][0].id()).unwrap();
            self.nodes[at].clear();
            self.sketch = sketch;
        }
    }

    /// Runs for all sinks or for one node; checks the values, and which steps ran.
    fn check(&self, executor: &Executor, journal: &Journal, memory: &mut Memory, to: Option<u16>) {
        let targets = match to {
            Some(number) => vec![self.sketch.output(number, 0)],
            None => self.sketch.sinks(),
        };
        let options = match to {
            Some(_) => RunOptions::to(self.nodes[targets[0].0][targets[0].1]),
            None => RunOptions::default(),
        };
        let report = executor.run(&self.graph, &options).unwrap();
        report.ok().unwrap();
        let values = self.sketch.values();
        for &(node, output) in &targets {
            let found = report.output(self.nodes[node][output]).unwrap().0;
            assert_eq!(found, values[node][output], "node{node}.{output}");
        }
        assert_eq!(journal.take(), memory.run(&self.sketch, &targets), "{report}");

        // The names do not depend on how the graph came to be.
        let (fresh, nodes) = self.sketch.graph();
        let edited = executor.plan(&self.graph, &options).unwrap();
        let targets = targets.iter().fold(Targets::declared(), |all, &(n, o)| all.and(nodes[n][o]));
        let fresh = executor.plan(&fresh, &RunOptions::to(targets)).unwrap();
        for (at, _) in self.sketch.plots() {
            let (here, there) = (self.nodes[at][0].id(), nodes[at][0].id());
            assert_eq!(edited.key(here), fresh.key(there), "node{at}");
        }
    }
}

proptest! {
    #![proptest_config(seeded(120))]

    #[test]
    fn edits_run_exactly_what_changed(
        seeds in seeds(40), edits in edits(), threads in 1usize..=2,
    ) {
        let (executor, journal) = hoarding(threads);
        let mut memory = Memory::default();
        let mut desk = Desk::new(Sketch::grown(&seeds));
        desk.check(&executor, &journal, &mut memory, None);
        for edit in &edits {
            desk.edit(edit);
            let to = (edit.op >= 128).then_some(edit.at);
            desk.check(&executor, &journal, &mut memory, to);
        }
        desk.sketch = desk.past[0].clone();
        (desk.graph, desk.nodes) = desk.sketch.graph();
        desk.check(&executor, &journal, &mut memory, None);
        prop_assert_eq!(memory.clone().run(&desk.sketch, &desk.sketch.sinks()), [""; 0]);
    }

    #[test]
    fn a_run_to_a_node_runs_exactly_its_ancestors(seeds in seeds(60), at in any::<u16>()) {
        let sketch = Sketch::grown(&seeds);
        let (graph, nodes) = sketch.graph();
        let (executor, journal) = hoarding(1);
        let target = sketch.output(at, 0);
        let report = executor.run(&graph, &RunOptions::to(nodes[target.0][target.1])).unwrap();
        let mut plan: Vec<_> = report.steps().map(|step| step.id).collect();
        let ancestors = sketch.ancestors(&[target]);
        let mut expected: Vec<_> = ancestors.iter().map(|&at| nodes[at][0].id()).collect();
        plan.sort();
        expected.sort();
        prop_assert_eq!(plan, expected);
        journal.take();
    }

    #[test]
    fn threads_budgets_caches_and_cancels_change_no_bit(
        seeds in seeds(60), cancel_at in 0usize..60,
    ) {
        let sketch = Sketch::grown(&seeds);
        let values = sketch.values();
        let (graph, nodes) = sketch.graph();
        for (number, threads) in [1, 2, 4].into_iter().enumerate() {
            for budget in [None, Some(64), Some(1)] {
                let polls = Polls::default();
                let executor = Executor::new(Options {
                    threads: Some(threads),
                    cache: (number % 2 == 0).then(|| std::sync::Arc::new(Hoard::default()) as _),
                    services: Services::new().with(polls.clone()),
                    ..Options::default()
                })
                .unwrap();
                let stopped = RunOptions { budget, ..RunOptions::default() };
                polls.trip(cancel_at, &stopped.token);
                let _ = executor.run(&graph, &stopped).unwrap();
                let options = RunOptions { budget, ..RunOptions::default() };
                let report = executor.run(&graph, &options).unwrap();
                for (node, output) in sketch.sinks() {
                    let found = report.output(nodes[node][output]).unwrap().0;
                    prop_assert_eq!(found, values[node][output]);
                }
            }
        }
    }
}

/// The key of the last node of a small graph that `change` may change.
fn key(change: impl FnOnce(&mut Graph, [pipeline_core::NodeId; 3])) -> pipeline_core::Key {
    let mut graph = Graph::new();
    let one = graph.add("one", Give { number: 1, ..Give::default() }, ());
    let two = graph.add("two", Give { number: 2, ..Give::default() }, ());
    let join = graph.add("join", Maybe::default(), (one, Some(two), vec![]));
    change(&mut graph, [one.id(), two.id(), join.id()]);
    let (executor, _) = forgetful(1);
    executor.plan(&graph, &RunOptions::to(join)).unwrap().key(join.id()).unwrap()
}

#[test]
fn a_key_changes_if_and_only_if_something_relevant_does() {
    let plain = key(|_, _| ());
    let same: [fn(&mut Graph, [pipeline_core::NodeId; 3]); 6] = [
        |graph, [one, ..]| graph.rename(one, "uno").unwrap(),
        |graph, [.., join]| graph.settings(join, |s| s.priority = 9).unwrap(),
        |graph, [.., join]| {
            let retry = Retry { attempts: 4, delay_ms: 3 };
            graph.settings(join, |s| s.retry = retry).unwrap();
        },
        |graph, [.., join]| {
            let limit = Some(std::time::Duration::from_secs(5));
            graph.settings(join, |s| s.timeout = limit).unwrap();
        },
        |graph, _| graph.set_meta(Some("a title".into())),
        |graph, [one, ..]| {
            graph.edit::<Give>(one, |give| give.number = 9).unwrap();
            graph.edit::<Give>(one, |give| give.number = 1).unwrap();
        },
    ];
    for change in same {
        assert_eq!(key(change), plain);
    }
    let other: [fn(&mut Graph, [pipeline_core::NodeId; 3]); 6] = [
        |graph, [one, ..]| graph.edit::<Give>(one, |give| give.number = 5).unwrap(),
        |graph, [.., join]| graph.edit::<Maybe>(join, |maybe| maybe.name = "b".into()).unwrap(),
        |graph, [.., join]| graph.disconnect(join, "b").unwrap(),
        // The same wires at other ports.
        |graph, [_, two, join]| {
            graph.disconnect(join, "b").unwrap();
            graph.connect((two, "out"), (join, "c")).unwrap();
        },
        |graph, [one, two, join]| {
            graph.connect((two, "out"), (join, "a")).unwrap();
            graph.connect((one, "out"), (join, "b")).unwrap();
        },
        |graph, [one, _, join]| graph.connect((one, "out"), (join, "c")).unwrap(),
    ];
    let mut keys: Vec<_> = other.map(key).to_vec();
    keys.push(plain);
    for (at, key) in keys.iter().enumerate() {
        assert!(!keys[..at].contains(key), "change {at}");
    }
}

#[test]
fn bypassing_a_node_with_several_wires_runs_only_what_is_passed_on() {
    let (executor, journal) = hoarding(1);
    let mut graph = Graph::new();
    let one = graph.add("one", Give { number: 1, name: "one".into() }, ());
    let two = graph.add("two", Give { number: 2, name: "two".into() }, ());
    let both = mix(&mut graph, "both", 0, &[one, two]);
    graph.bypass(both.id()).unwrap();
    let report = executor.run(&graph, &RunOptions::default()).unwrap();
    assert_eq!(report.output(both).unwrap().0, 1);
    assert_eq!(journal.take(), ["one"]);
}

#[test]
fn a_bypassed_node_passes_on_the_first_input_that_is_wired() {
    let (executor, _) = hoarding(1);
    let mut graph = Graph::new();
    let one = graph.add("one", Give { number: 1, ..Give::default() }, ());
    let lonely = mix(&mut graph, "lonely", 0, &[]);
    let split = graph.add("split", Split::default(), one);
    graph.bypass(lonely.id()).unwrap();
    let error = executor.run(&graph, &RunOptions::default()).unwrap_err().to_string();
    assert!(error.starts_with("nodes.lonely.bypassed: "), "{error}");
    graph.enable(lonely.id()).unwrap();
    graph.bypass(split.0.id()).unwrap();
    let report = executor.run(&graph, &RunOptions::to(split.1)).unwrap();
    assert_eq!(report.output(split.1).unwrap().0, 1);
}

#[test]
fn a_fresh_executor_serves_everything_from_a_warm_cache() {
    let cache = std::sync::Arc::new(Hoard::default());
    let mut graph = Graph::new();
    let top = graph.add("top", Give { number: 40, name: "top".into() }, ());
    let step = Mix { divide: Some(10), digest: true, name: "coarse".into(), ..Mix::default() };
    let coarse = graph.add("coarse", step, vec![top]);
    mix(&mut graph, "below", 1, &[coarse]);
    for expected in [&["below", "coarse", "top"][..], &[], &[]] {
        let journal = Journal::default();
        let executor = Executor::new(Options {
            threads: Some(1),
            cache: Some(std::sync::Arc::clone(&cache) as _),
            services: Services::new().with(journal.clone()),
            ..Options::default()
        })
        .unwrap();
        for expected in [expected, &[]] {
            executor.run(&graph, &RunOptions::default()).unwrap().ok().unwrap();
            assert_eq!(journal.take(), expected);
        }
    }
}

#[test]
fn a_cancelled_token_stays_set() {
    let token = pipeline_core::CancelToken::new();
    token.cancel(CancelReason::User);
    let (executor, journal) = hoarding(2);
    let mut graph = Graph::new();
    mix(&mut graph, "one", 0, &[]);
    for _ in 0..3 {
        let options = RunOptions { token: token.clone(), ..RunOptions::default() };
        let report = executor.run(&graph, &options).unwrap();
        assert_eq!(report.status(), pipeline_core::event::RunStatus::Cancelled);
    }
    assert_eq!(journal.take(), [""; 0]);
}

/// Reads a file, or none.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Peek {
    path: Option<std::path::PathBuf>,
}

impl Step for Peek {
    const NAME: &'static str = "peek";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<Number> {
        crate::toy::note(ctx, "peek");
        let bytes = self.path.as_ref().map_or(Ok(vec![]), std::fs::read);
        Ok(Number(bytes.unwrap_or_default().iter().map(|&byte| i64::from(byte)).sum()))
    }

    fn spec(&self) -> Spec {
        self.path.iter().fold(Spec::default(), Spec::reads)
    }
}

#[test]
fn a_step_that_begins_or_ceases_to_read_a_file_is_named_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("numbers");
    std::fs::write(&path, [1, 2, 3]).unwrap();
    let (executor, journal) = hoarding(1);
    let mut graph = Graph::new();
    let peek = graph.add("peek", Peek::default(), ());
    let options = RunOptions::default();
    let run = |graph: &Graph| executor.run(graph, &options).unwrap().output(peek).unwrap().0;
    assert_eq!(run(&graph), 0);
    graph.edit::<Peek>(peek.id(), |peek| peek.path = Some(path.clone())).unwrap();
    assert_eq!(run(&graph), 6);
    // Nobody tells the planner that the file has changed.
    std::fs::write(&path, [1, 2, 3, 4]).unwrap();
    assert_eq!(run(&graph), 10);
    journal.take();
    graph.edit::<Peek>(peek.id(), |peek| peek.path = None).unwrap();
    assert_eq!(run(&graph), 0);
    assert_eq!(journal.take(), [""; 0], "it is an undo");
}

/// Adds one, and lets the engine decide whether a digest pays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Auto {}

impl Step for Auto {
    const NAME: &'static str = "auto";
    type Input = In<Number>;
    type Output = Number;

    fn run(&self, number: In<Number>, ctx: &Context<'_>) -> Result<Number> {
        crate::toy::note(ctx, "auto");
        Ok(Number(number.0 + 1))
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Auto)
    }
}

#[test]
fn what_the_engine_learns_about_costs_makes_nothing_run_again() {
    let (executor, journal) = hoarding(1);
    let mut graph = Graph::new();
    let top = graph.add("top", Give { number: 1, name: "top".into() }, ());
    let auto = graph.add("auto", Auto {}, top);
    let mut last = mix(&mut graph, "m0", 0, &[auto]);
    for number in 1..20 {
        last = mix(&mut graph, &format!("m{number}"), 0, &[last]);
    }
    let options = RunOptions::default();
    executor.run(&graph, &options).unwrap().ok().unwrap();
    assert_eq!(journal.take().len(), 22);
    for _ in 0..3 {
        executor.run(&graph, &options).unwrap().ok().unwrap();
        assert_eq!(journal.take(), [""; 0]);
    }
    // New values are digested, by now.
    for (number, ran) in [(5, 22), (1, 0), (5, 0)] {
        graph.edit::<Give>(top.id(), |give| give.number = number).unwrap();
        executor.run(&graph, &options).unwrap().ok().unwrap();
        assert_eq!(journal.take().len(), ran, "{number}");
    }
}
