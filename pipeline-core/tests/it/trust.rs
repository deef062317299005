//! Results that are not what their keys say, and caches that do not keep their word.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use pipeline_core::data::In;
use pipeline_core::event::{Event, EventKind, RunStatus, Status};
use pipeline_core::{
    CancelReason, CancelToken, Context, Error, Executor, Graph, Node, Options, Report, Result,
    RunOptions, Services, Spec, Step,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::toy::{Draw, Hoard, Listener, Number};

/// Reads a number from a file.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Load {
    pub(crate) path: PathBuf,
}

impl Step for Load {
    const NAME: &'static str = "load";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), _: &Context<'_>) -> Result<Number> {
        let text = std::fs::read_to_string(&self.path)
            .map_err(|error| Error::caused("the file cannot be read", error))?;
        text.trim().parse().map(Number).map_err(|_| Error::failed("no number"))
    }

    fn spec(&self) -> Spec {
        Spec::default().reads(&self.path)
    }
}

/// Adds what a counter says, which it does not declare.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Drift {}

impl Step for Drift {
    const NAME: &'static str = "drift";
    type Input = In<Number>;
    type Output = Number;

    fn run(&self, input: In<Number>, ctx: &Context<'_>) -> Result<Number> {
        Ok(Number(input.0 + ctx.service::<AtomicI64>()?.load(Ordering::SeqCst)))
    }
}

/// Asks a model for its answer.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Ask {}

impl Step for Ask {
    const NAME: &'static str = "ask";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<Number> {
        ctx.service::<i64>().copied().map(Number)
    }

    fn spec(&self) -> Spec {
        Spec::default().uses("model")
    }
}

struct Bench {
    executor: Executor,
    listener: Listener,
}

fn bench(self_check: f64) -> Bench {
    let executor = Executor::new(Options {
        threads: Some(1),
        cache: Some(Arc::new(Hoard::default())),
        services: Services::new().with(AtomicI64::new(0)),
        self_check,
        ..Options::default()
    });
    Bench { executor: executor.unwrap(), listener: Listener::default() }
}

impl Bench {
    fn run(&self, graph: &Graph) -> Arc<Report> {
        self.executor.run(graph, &self.listener.options()).unwrap()
    }

    /// The warnings of a run, each with the name of the node that it is about.
    fn warnings(&self, report: &Report) -> Vec<String> {
        let name = |id| report.steps().find(|step| Some(step.id) == id).unwrap().node.to_owned();
        let warning = |event: Event| match event.kind {
            EventKind::Warning(warning) => Some(format!("{} {}", name(event.node), warning.code)),
            _ => None,
        };
        self.listener.of(report.run()).into_iter().filter_map(warning).collect()
    }
}

#[test]
fn a_run_that_is_to_stop_is_not_held_up_by_its_plan() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("number");
    std::fs::write(&path, "4").unwrap();
    let (graph, load, _) = chain(path);
    let executor = bench(0.0).executor;
    let token = CancelToken::new();
    let options = RunOptions { token: token.clone(), ..RunOptions::default() };
    let key = executor.plan(&graph, &options).unwrap().key(load.id());
    assert!(key.is_some());

    token.cancel(CancelReason::User);
    let refused = executor.plan(&graph, &options).map(drop);
    assert!(matches!(refused, Err(Error::Cancelled(CancelReason::User))), "{refused:?}");
    // A run ends with a report all the same, and its files were not read.
    let report = executor.run(&graph, &options).unwrap();
    assert_eq!(report.status(), RunStatus::Cancelled);
    assert_eq!(report.plan().key(load.id()), None);
    let report = executor.spawn(&graph, &options).unwrap().wait();
    assert_eq!(report.status(), RunStatus::Cancelled);

    let options = RunOptions { timeout: Some(Duration::ZERO), ..RunOptions::default() };
    let refused = executor.plan(&graph, &options).map(drop);
    assert!(matches!(refused, Err(Error::Cancelled(CancelReason::Timeout))), "{refused:?}");
    // The next plan knows nothing of that.
    assert_eq!(executor.plan(&graph, &RunOptions::default()).unwrap().key(load.id()), key);
}

fn chain(path: PathBuf) -> (Graph, Node<Number>, Node<Number>) {
    let mut graph = Graph::new();
    let load = graph.add("load", Load { path }, ());
    let drift = graph.add("drift", Drift {}, load);
    graph.target(drift);
    (graph, load, drift)
}

#[test]
fn what_was_made_from_a_file_that_changed_meanwhile_is_not_kept() {
    let bench = bench(0.0);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("number");
    let (graph, load, drift) = chain(path.clone());
    std::fs::write(&path, "1").unwrap();
    let options = bench.listener.options();
    let plan = bench.executor.plan(&graph, &options).unwrap();
    std::fs::write(&path, "2").unwrap();
    let report = bench.executor.run_plan(plan, &options).unwrap();
    assert_eq!(report.output(drift).unwrap().0, 2, "the run goes on with what it read");
    assert_eq!(bench.warnings(&report), ["load source_changed"]);
    // The old content again: neither its step nor the one below finds what the new one gave.
    std::fs::write(&path, "1").unwrap();
    let report = bench.run(&graph);
    assert_eq!(report.output(drift).unwrap().0, 1);
    assert_eq!(report.step(load.id()).unwrap().status, Status::Computed);
}

#[test]
fn a_file_that_could_not_be_read_leaves_nothing_behind() {
    let bench = bench(0.0);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("number");
    let (graph, _, drift) = chain(path.clone());
    let plan = bench.executor.plan(&graph, &RunOptions::default()).unwrap();
    std::fs::write(&path, "5").unwrap();
    let report = bench.executor.run_plan(plan, &RunOptions::default()).unwrap();
    assert_eq!(report.output(drift).unwrap().0, 5);
    std::fs::remove_file(&path).unwrap();
    let report = bench.executor.run(&graph, &RunOptions::default()).unwrap();
    assert!(report.output(drift).is_err(), "no old result stands in for a missing file");
}

#[test]
fn a_self_check_finds_a_step_that_is_not_what_it_declares() {
    let bench = bench(1.0);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("number");
    std::fs::write(&path, "1").unwrap();
    let (graph, load, drift) = chain(path);
    assert_eq!(bench.run(&graph).output(drift).unwrap().0, 1);
    let report = bench.run(&graph);
    assert_eq!(report.step(load.id()).unwrap().status, Status::Computed, "checked, and the same");
    assert!(bench.warnings(&report).is_empty());
    bench.executor.service::<AtomicI64>().unwrap().store(7, Ordering::SeqCst);
    for _ in 0..2 {
        let report = bench.run(&graph);
        assert_eq!(report.output(drift).unwrap().0, 8, "the run goes on with the new result");
        assert_eq!(bench.warnings(&report), ["drift cache_mismatch"], "until that is repaired");
    }
}

#[test]
fn a_self_check_does_not_blame_steps_for_a_file_that_changed() {
    let bench = bench(1.0);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("number");
    std::fs::write(&path, "1").unwrap();
    let (graph, _, drift) = chain(path.clone());
    bench.run(&graph);
    let options = bench.listener.options();
    let plan = bench.executor.plan(&graph, &options).unwrap();
    std::fs::write(&path, "2").unwrap();
    let report = bench.executor.run_plan(plan, &options).unwrap();
    assert_eq!(report.output(drift).unwrap().0, 2);
    assert_eq!(bench.warnings(&report), ["load source_changed"]);
}

#[test]
fn a_declared_service_needs_an_identity() {
    let mut graph = Graph::new();
    let ask = graph.add("ask", Ask {}, ());
    let executor = |services: Services| {
        Executor::new(Options { threads: Some(1), services, ..Options::default() }).unwrap()
    };
    let nameless = executor(Services::new().with(4i64));
    let error = nameless.run(&graph, &RunOptions::default()).unwrap_err().to_string();
    assert!(error.contains("nodes.ask.services.model: found no identity"), "{error}");
    let named = executor(Services::new().with_identity("model", "v1", 4i64));
    let report = named.run(&graph, &RunOptions::default()).unwrap();
    assert_eq!(report.output(ask).unwrap().0, 4);
}

#[test]
fn another_identity_of_a_service_is_another_result() {
    let mut graph = Graph::new();
    let ask = graph.add("ask", Ask {}, ());
    let cache = Arc::new(Hoard::default());
    // The same model under its old name again: what it said then still holds.
    for (identity, model, expected, status) in [
        ("v1", 4i64, 4, Status::Computed),
        ("v2", 5, 5, Status::Computed),
        ("v1", 6, 4, Status::Cached),
    ] {
        let executor = Executor::new(Options {
            threads: Some(1),
            cache: Some(Arc::clone(&cache) as _),
            services: Services::new().with_identity("model", identity, model),
            ..Options::default()
        });
        let report = executor.unwrap().run(&graph, &RunOptions::default()).unwrap();
        assert_eq!(report.output(ask).unwrap().0, expected);
        assert_eq!(report.step(ask.id()).unwrap().status, status);
    }
}

#[test]
fn a_seed_depends_on_the_content_of_a_file_and_not_on_a_cache() {
    let folder = tempfile::tempdir().unwrap();
    let draw = |name: &str, content: &str, has_cache: bool| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let mut options = Options::default();
        if has_cache {
            options.cache = Some(Arc::new(Hoard::default()));
        }
        let mut graph = Graph::new();
        let number = graph.add("load", Load { path }, ());
        let drawn = graph.add("draw", Draw::default(), number);
        let executor = Executor::new(options).unwrap();
        let report = executor.run(&graph, &RunOptions::default()).unwrap();
        report.output(drawn).unwrap().0
    };
    let seed = draw("one", "7", true);
    assert_eq!(draw("one", "7", false), seed);
    assert_ne!(draw("one", "8", false), seed);
}
