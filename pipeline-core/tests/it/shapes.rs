//! Graphs of every shape: empty, deep, wide, huge, and faulty ones.

use std::path::Path;
use std::time::Duration;

use pipeline_core::data::{Data, In};
use pipeline_core::error::{Fault, FaultCode};
use pipeline_core::event::{RunStatus, Status};
use pipeline_core::{
    Bindings, Context, Error, Executor, Graph, Node, NodeId, Options, Plan, Result, RunOptions,
    Spec, Step, Targets,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::toy::{Give, Maybe, Mix, Number, Split, comes_back, forgetful, hoarding, mix};

/// As many nodes as a graph must be able to have.
const MANY: usize = 1_000_000;

/// Runs on a thread with a stack as small as some programs give theirs.
fn on_a_small_stack(f: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(256 << 10).spawn(f).unwrap();
    if let Err(payload) = thread.join() {
        std::panic::resume_unwind(payload);
    }
}

/// Adds its inputs, without a name to copy.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Sum {}

impl Step for Sum {
    const NAME: &'static str = "sum";
    type Input = Vec<In<Number>>;
    type Output = Number;

    fn run(&self, inputs: Vec<In<Number>>, _: &Context<'_>) -> Result<Number> {
        Ok(Number(inputs.iter().fold(1, |sum, number| sum.wrapping_mul(3) ^ number.0)))
    }
}

fn sum(graph: &mut Graph, name: String, inputs: Vec<Node<Number>>) -> Node<Number> {
    graph.add(name, Sum {}, inputs)
}

#[test]
fn a_graph_without_nodes_runs() {
    let (executor, _) = hoarding(1);
    let graph = Graph::new();
    let report = executor.run(&graph, &RunOptions::default()).unwrap();
    assert_eq!((report.status(), report.steps().count()), (RunStatus::Completed, 0));
    report.ok().unwrap();
    let run = executor.spawn(&graph, &RunOptions::default()).unwrap();
    assert_eq!(run.wait().status(), RunStatus::Completed);
    let plan = executor.plan(&graph, &RunOptions::default()).unwrap();
    assert!(plan.is_empty() && plan.batches().is_empty() && plan.critical_path().is_empty());
    assert_eq!(plan.to_string(), "plan: 0 nodes, 0 to run, 0 cached\ncritical path: \n");
}

#[test]
fn a_single_node_runs() {
    let (executor, journal) = forgetful(1);
    let mut graph = Graph::new();
    let one = graph.add("one", Give { number: 1, name: "one".into() }, ());
    assert_eq!(executor.run(&graph, &RunOptions::default()).unwrap().output(one).unwrap().0, 1);
    assert_eq!(journal.take(), ["one"]);
}

#[test]
fn a_chain_of_ten_thousand_runs_on_a_small_stack() {
    on_a_small_stack(|| {
        let mut graph = Graph::new();
        let mut last = sum(&mut graph, "top".into(), vec![]);
        for number in 0..10_000 {
            last = sum(&mut graph, format!("n{number}"), vec![last]);
        }
        for (executor, _) in [forgetful(1), hoarding(2)] {
            let report = executor.run(&graph, &RunOptions::default()).unwrap();
            assert!(report.output(last).is_ok());
            let run = executor.spawn(&graph, &RunOptions::default()).unwrap();
            assert!(run.wait().output(last).is_ok());
            let plan = executor.plan(&graph, &RunOptions::default()).unwrap();
            let nodes = plan.batches().len();
            assert_eq!(plan.critical_path().len(), nodes);
        }
    });
}

#[test]
fn a_ladder_of_which_every_rung_is_read_twice_runs_each_once() {
    let mut graph = Graph::new();
    let mut rung = [sum(&mut graph, "l".into(), vec![]), sum(&mut graph, "r".into(), vec![])];
    for number in 0..2000 {
        rung = ["l", "r"].map(|side| sum(&mut graph, format!("{side}{number}"), rung.to_vec()));
    }
    // Both sides compute the same, so that one of them is enough.
    let (executor, _) = forgetful(2);
    let report = executor.run(&graph, &RunOptions::default()).unwrap();
    assert_eq!(report.output(rung[0]).unwrap().0, report.output(rung[1]).unwrap().0);
    assert_eq!(report.nodes_that(Status::Computed).len(), 2001);
    assert_eq!(report.nodes_that(Status::Adopted).len(), 2001);
}

/// Steps of every kind, each reading from some anywhere before it.
fn thicket(count: usize) -> (Graph, Vec<NodeId>) {
    let mut graph = Graph::new();
    let mut last = graph.add("top", Give { number: 1, name: "top".into() }, ());
    let (mut outputs, mut ids) = (vec![last], vec![last.id()]);
    let mut state = 1usize;
    for number in 1..count {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let [one, other] = [state >> 33, state >> 20].map(|at| outputs[at % outputs.len()]);
        // What comes early has much below it, and all of that has names that come late.
        let digest = number > 4 && number.is_power_of_two();
        let (name, plus) = (format!("n{number}"), number as i64);
        last = match state >> 60 {
            0 => graph.add(name, Mix { plus, digest, ..Mix::default() }, vec![one, other, last]),
            1..8 => {
                let split = Split { plus, digest, ..Split::default() };
                let (first, second) = graph.add(name, split, one);
                outputs.push(second);
                first
            }
            _ => graph.add(name, Maybe { plus, digest, ..Maybe::default() }, (one, None, vec![])),
        };
        outputs.push(last);
        ids.push(last.id());
    }
    (graph, ids)
}

#[test]
fn a_large_graph_is_planned_alike_on_one_thread_and_on_two_and_edit_by_edit() {
    let (mut graph, ids) = thicket(70_000);
    let keys = |plan: &Plan| {
        let sample = ids.iter().step_by(61).map(|&id| plan.key(id));
        sample.collect::<Vec<_>>()
    };
    let options = RunOptions::default();
    let [one, two] = [1, 2].map(|threads| hoarding(threads).0);
    let plan = one.plan(&graph, &options).unwrap();
    let (before, expected) = (plan.to_string(), keys(&plan));
    assert!(expected.iter().any(Option::is_some) && expected.iter().any(Option::is_none));
    let plan = two.plan(&graph, &options).unwrap();
    assert_eq!((plan.to_string(), keys(&plan)), (before, expected.clone()));
    // What an edit leaves behind is named node by node.
    for number in [2, 1] {
        graph.edit::<Give>(ids[0], |give| give.number = number).unwrap();
        let edited = keys(&two.plan(&graph, &options).unwrap());
        assert_eq!(edited == expected, number == 1);
    }
}

/// One above, `width` between, one below.
fn fan(width: i64, budget: Option<u64>, threads: usize) {
    let mut graph = Graph::new();
    let top = graph.add("top", Give { number: 5, ..Give::default() }, ());
    let middle: Vec<_> = (0..width)
        .map(|plus| {
            let step = Mix { plus, ..Mix::default() };
            graph.add(format!("m{plus}"), step, vec![top])
        })
        .collect();
    let join = sum(&mut graph, "join".into(), middle);
    let (executor, _) = forgetful(threads);
    let options = RunOptions { budget, ..RunOptions::default() };
    let report = executor.run(&graph, &options).unwrap();
    let expected = (0..width).fold(1i64, |sum, plus| sum.wrapping_mul(3) ^ (plus * 31 + 5));
    assert_eq!(report.output(join).unwrap().0, expected);
}

#[test]
fn ten_thousand_stand_between_one_and_one() {
    fan(10_000, None, 1);
    fan(10_000, None, 2);
    fan(1000, Some(100), 2);
}

#[test]
fn a_wire_may_be_there_twice() {
    let (executor, journal) = hoarding(1);
    let mut graph = Graph::new();
    let top = graph.add("top", Give { number: 3, name: "top".into() }, ());
    let join = mix(&mut graph, "join", 0, &[top, top, top]);
    let report = executor.run(&graph, &RunOptions::to(Targets::node(join).and(top).and(top)));
    let report = report.unwrap();
    assert_eq!(report.output(join).unwrap().0, (3 * 31 + 3) * 31 + 3);
    assert_eq!(report.output(top).unwrap().0, 3);
    assert_eq!(journal.take(), ["join", "top"]);
}

#[test]
fn a_target_may_be_an_input_of_the_graph() {
    let (executor, _) = hoarding(1);
    let mut graph = Graph::new();
    let input = graph.input::<Number>("number");
    let below = mix(&mut graph, "below", 1, &[input]);
    let options = RunOptions {
        targets: Targets::node(input).and(below),
        bindings: Bindings::new().with("number", Number(7)),
        ..RunOptions::default()
    };
    for _ in 0..2 {
        let report = executor.run(&graph, &options).unwrap();
        assert_eq!(report.output(input).unwrap().0, 7);
        assert_eq!(report.output(below).unwrap().0, 31 + 7);
    }
}

#[test]
fn a_huge_random_graph_is_planned_run_and_dropped_on_a_small_stack() {
    on_a_small_stack(|| {
        let mut graph = Graph::new();
        let mut nodes: Vec<Node<Number>> = Vec::with_capacity(MANY);
        let mut seed = 7u64;
        for number in 0..MANY {
            let inputs = if number == 0 { 0 } else { 2 };
            let mut pick = || {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                nodes[usize::try_from(seed >> 33).unwrap() % nodes.len()]
            };
            let inputs = (0..inputs).map(|_| pick()).collect();
            nodes.push(sum(&mut graph, format!("n{number}"), inputs));
        }
        let last = nodes[MANY - 1];
        graph.target(last);
        let options = Options { threads: Some(2), ..Options::default() };
        let executor = Executor::new(options).unwrap();
        let everything = RunOptions::to(Targets::nodes(nodes.iter().map(Node::id)));
        let plan = executor.plan(&graph, &everything).unwrap();
        assert_eq!(plan.len(), MANY);
        assert!(plan.size_bytes() / MANY <= 160, "{} bytes a step", plan.size_bytes() / MANY);
        let report = executor.run_plan(plan, &everything).unwrap();
        report.ok().unwrap();
        assert!(executor.run(&graph, &RunOptions::default()).unwrap().output(last).is_ok());
    });
}

/// Something else than a number.
#[derive(Debug, Clone)]
struct Text(String);

impl Data for Text {
    const NAME: &'static str = "text";

    fn size_bytes(&self) -> usize {
        self.0.len()
    }
}

/// Makes text.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Write {
    /// How much of it.
    #[schemars(range(min = 1.0, max = 9.5))]
    amount: f64,
}

impl Default for Write {
    fn default() -> Self {
        Self { amount: 2.0 }
    }
}

impl Step for Write {
    const NAME: &'static str = "write";
    type Input = ();
    type Output = Text;

    fn run(&self, (): (), _: &Context<'_>) -> Result<Text> {
        Ok(Text(format!("{}", self.amount)))
    }

    fn spec(&self) -> Spec {
        Spec::default().cost(Duration::from_millis(3))
    }
}

#[track_caller]
fn faults(graph: &Graph, options: &RunOptions) -> Vec<Fault> {
    match forgetful(1).0.run(graph, options) {
        Err(Error::Invalid(faults)) => faults,
        other => panic!("expected faults, found {other:?}"),
    }
}

/// Nodes in a ring.
fn ring(length: usize) -> Graph {
    let mut graph = Graph::new();
    let nodes: Vec<_> = (0..length).map(|n| mix(&mut graph, &format!("n{n}"), 0, &[])).collect();
    for (at, node) in nodes.iter().enumerate() {
        let next = nodes[(at + 1) % length].id();
        graph.connect((node.id(), "out"), (next, "in")).unwrap();
    }
    graph
}

#[test]
fn a_cycle_is_told_as_its_path() {
    for (length, path) in [
        (1, "the cycle n0 → n0"),
        (2, "the cycle n0 → n1 → n0"),
        (3, "the cycle n0 → n1 → n2 → n0"),
    ] {
        let faults = faults(&ring(length), &RunOptions::default());
        assert_eq!(faults.len(), 1);
        assert_eq!((faults[0].code, &*faults[0].found), (FaultCode::Cycle, path));
        assert_eq!(faults[0].path, "nodes.n0");
    }
}

#[test]
fn a_cycle_of_forty_thousand_in_a_long_chain_is_told_briefly() {
    on_a_small_stack(|| {
        let mut graph = Graph::new();
        let mut nodes: Vec<Node<Number>> = Vec::new();
        for number in 0..100_000 {
            let inputs = nodes.last().copied().into_iter().collect();
            nodes.push(sum(&mut graph, format!("n{number}"), inputs));
        }
        graph.connect((nodes[70_000].id(), "out"), (nodes[30_000].id(), "in")).unwrap();
        let faults = faults(&graph, &RunOptions::default());
        assert_eq!(faults.len(), 1);
        let found = &faults[0].found;
        assert!(found.starts_with("the cycle n") && found.contains("… 39982 more …"), "{found}");
        assert!(found.len() < 500, "{found}");
        let name = faults[0].path.strip_prefix("nodes.").unwrap();
        assert!(found.ends_with(&format!("→ {name}")), "{found}");
    });
}

#[test]
fn all_faults_are_told_at_once_with_their_paths() {
    let mut graph = Graph::new();
    let one = graph.add("one", Give::default(), ());
    graph.add("one", Give::default(), ());
    let (split, _) = graph.add("split", Split::default(), one);
    graph.disconnect(split.id(), "in").unwrap();
    let lonely = mix(&mut graph, "lonely", 0, &[]);
    graph.bypass(lonely.id()).unwrap();
    graph.add("low", Write { amount: 0.5 }, ());
    graph.add("nan", Write { amount: f64::NAN }, ());
    let loops = mix(&mut graph, "loops", 0, &[one]);
    graph.connect((loops.id(), "out"), (loops.id(), "in")).unwrap();
    let mut paths: Vec<_> =
        faults(&graph, &RunOptions::default()).into_iter().map(|f| (f.path, f.code)).collect();
    paths.sort_by(|a, b| a.0.cmp(&b.0));
    let expected = [
        ("nodes.lonely.bypassed", FaultCode::Wire),
        ("nodes.loops", FaultCode::Cycle),
        ("nodes.low.params.amount", FaultCode::Range),
        ("nodes.nan.params.amount", FaultCode::Range),
        ("nodes.one", FaultCode::Name),
        ("nodes.split.inputs.in", FaultCode::Missing),
    ];
    assert_eq!(paths, expected.map(|(path, code)| (path.to_owned(), code)));
}

#[test]
fn wrong_wires_names_targets_and_values_are_refused() {
    let mut graph = Graph::new();
    let one = graph.add("one", Give::default(), ());
    let text = graph.add("text", Write::default(), ());
    let sum = mix(&mut graph, "sum", 0, &[one]);
    let message = |result: Result<()>| result.unwrap_err().to_string();
    let (out, into) = ((text.id(), "out"), (sum.id(), "in"));
    let error = message(graph.connect(out, into));
    assert_eq!(error, "the wire to `sum.in` is text, expected number");
    let error = message(graph.connect((one.id(), "aut"), into));
    assert_eq!(error, "there is no port `aut`; did you mean `out`?");
    let error = message(graph.connect((one.id(), "out"), (one.id(), "in")));
    assert_eq!(error, "there is no port `in`");
    let error = graph.find("txt").unwrap_err().to_string();
    assert_eq!(error, "there is no node `txt`; did you mean `text`?");
    let error = message(graph.set_param(sum.id(), "plas", 1.into()));
    assert_eq!(error, "there is no parameter `plas`; did you mean `plus`?");
    assert!(graph.set_param(sum.id(), "plus", "many".into()).is_err());
    assert!(graph.edit::<Give>(sum.id(), |_| ()).is_err());

    let mut other = Graph::new();
    for number in 0..9 {
        mix(&mut other, &format!("n{number}"), 0, &[]);
    }
    let stranger = mix(&mut other, "stranger", 0, &[]);
    let faults = faults(&graph, &RunOptions::to(stranger));
    assert_eq!((faults[0].code, &*faults[0].path), (FaultCode::UnknownNode, "targets"));
}

#[test]
fn an_input_without_a_value_or_with_a_wrong_one_is_a_fault() {
    let mut graph = Graph::new();
    let input = graph.input::<Number>("number");
    let unused = graph.input::<Number>("unused");
    let below = mix(&mut graph, "below", 0, &[input]);
    let _ = unused;
    let found = faults(&graph, &RunOptions::to(below));
    assert_eq!(found.len(), 1, "what no target needs may be missing: {found:?}");
    assert_eq!(found[0].to_string(), "inputs.number: found no value, expected number");
    let wrong = Bindings::new().with_key(
        "number",
        Text("seven".into()),
        pipeline_core::key::KeyHasher::content().finish(),
    );
    let options = RunOptions { bindings: wrong, ..RunOptions::to(below) };
    let found = faults(&graph, &options);
    assert_eq!(found[0].to_string(), "inputs.number: found text, expected number");
}

#[test]
fn a_name_is_free_again_when_one_of_its_two_nodes_goes() {
    let twice = || {
        let mut graph = Graph::new();
        let first = graph.add("a", Give { number: 1, ..Give::default() }, ());
        let second = graph.add("a", Give { number: 2, ..Give::default() }, ());
        (graph, first, second)
    };
    let check = |graph: &Graph, left: Node<Number>| {
        assert_eq!(graph.find("a").unwrap(), left.id());
        assert!(forgetful(1).0.run(graph, &RunOptions::default()).is_ok());
    };
    let (mut graph, first, second) = twice();
    graph.remove(second.id()).unwrap();
    check(&graph, first);
    let (mut graph, first, second) = twice();
    graph.remove(first.id()).unwrap();
    check(&graph, second);
    let (mut graph, first, second) = twice();
    graph.rename(first.id(), "b").unwrap();
    check(&graph, second);
    graph.add("a", Give::default(), ());
    assert_eq!(faults(&graph, &RunOptions::default())[0].code, FaultCode::Name);
    let (mut graph, first, second) = twice();
    graph.rename(second.id(), "b").unwrap();
    check(&graph, first);
}

/// Two branches of one photo that meet again, with one node switched off and one that nobody needs.
fn branches() -> (Graph, Node<Number>) {
    let mut graph = Graph::new();
    let photo = graph.input::<Number>("photo");
    let (dark, bright) = graph.add("parts", Split::default(), photo);
    let soft = mix(&mut graph, "soft", 3, &[dark]);
    let sharp = mix(&mut graph, "sharp \"1\"", 4, &[bright]);
    let off = mix(&mut graph, "off", 5, &[sharp]);
    graph.bypass(off.id()).unwrap();
    let join = mix(&mut graph, "join", 6, &[soft, off, photo]);
    mix(&mut graph, "unused", 7, &[join]);
    (graph, join)
}

#[test]
fn a_plan_prints_itself() {
    let (graph, join) = branches();
    let (executor, _) = hoarding(1);
    let bindings = Bindings::new().with("photo", Number(40));
    let options = RunOptions { bindings, ..RunOptions::to(join) };
    let plan = executor.plan(&graph, &options).unwrap();
    let name = |id| graph.name(id).unwrap();
    let batches: Vec<Vec<_>> =
        plan.batches().iter().map(|batch| batch.iter().map(|&id| name(id)).collect()).collect();
    assert_eq!(
        batches,
        [vec!["photo"], vec!["parts"], vec!["soft", "sharp \"1\""], vec!["off"], vec!["join"]],
    );
    let path: Vec<_> = plan.critical_path().into_iter().map(name).collect();
    assert_eq!(path, ["photo", "parts", "soft", "join"]);
    let lifetimes: Vec<_> =
        plan.lifetimes().map(|(node, last)| (name(node), last.map(name))).collect();
    assert_eq!(
        lifetimes,
        [
            ("photo", Some("join")),
            ("parts", Some("sharp \"1\"")),
            ("soft", Some("join")),
            ("sharp \"1\"", Some("off")),
            ("off", Some("join")),
            ("join", None),
        ],
    );
    golden("plan.txt", &plan.to_string());
    golden("plan.dot", &plan.to_dot());
    executor.run_plan(plan, &options).unwrap().ok().unwrap();
    let mut edited = graph.clone();
    let soft = edited.find("soft").unwrap();
    edited.edit::<Mix>(soft, |mix| mix.plus = 9).unwrap();
    let plan = executor.plan(&edited, &options).unwrap();
    // The time that was measured differs from run to run.
    let print = plan.to_string();
    let (head, rest) = print.split_once('\n').unwrap();
    assert!(head.starts_with("plan: 6 nodes, 2 to run, 2 cached, about "), "{head}");
    let batches: Vec<_> = rest.lines().filter(|line| line.starts_with("batch")).collect();
    golden("plan_edited.txt", &(batches.join("\n") + "\n"));
}

/// Compares with a file of the golden folder, or writes it if `REGENERATE` is set.
#[track_caller]
fn golden(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("REGENERATE").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "{name}; REGENERATE=1 writes it anew");
}

#[test]
fn a_bad_plan_leaves_the_planner_fit_for_the_next() {
    let (executor, _) = hoarding(1);
    let mut graph = Graph::new();
    let write = graph.add("write", Write::default(), ());
    let options = RunOptions::default();
    executor.run(&graph, &options).unwrap().ok().unwrap();
    for amount in [0.0, f64::NAN, f64::INFINITY, 10.0] {
        graph.edit::<Write>(write.id(), |write| write.amount = amount).unwrap();
        for _ in 0..2 {
            assert!(matches!(executor.run(&graph, &options), Err(Error::Invalid(_))), "{amount}");
        }
    }
    graph.edit::<Write>(write.id(), |write| write.amount = 9.5).unwrap();
    assert_eq!(executor.run(&graph, &options).unwrap().output(write).unwrap().0, "9.5");
}

#[test]
fn many_threads_may_run_one_executor() {
    comes_back(|| {
        let (executor, _) = hoarding(2);
        let mut graph = Graph::new();
        let tops: Vec<_> = (0..8)
            .map(|number| graph.add(format!("t{number}"), Give { number, ..Give::default() }, ()))
            .collect();
        let join = mix(&mut graph, "join", 0, &tops);
        std::thread::scope(|scope| {
            for thread in 0..6i64 {
                let (executor, mut graph) = (&executor, graph.clone());
                scope.spawn(move || {
                    for round in 0..40i64 {
                        graph.edit::<Mix>(join.id(), |mix| mix.plus = thread * round % 7).unwrap();
                        let options = RunOptions {
                            priority: u8::try_from(thread * 20).unwrap(),
                            ..RunOptions::default()
                        };
                        if round % 3 == 0 {
                            let run = executor.spawn(&graph, &options).unwrap();
                            assert!(run.wait().output(join).is_ok());
                        } else {
                            let report = executor.run(&graph, &options).unwrap();
                            assert!(report.output(join).is_ok());
                        }
                    }
                });
            }
        });
    });
}
