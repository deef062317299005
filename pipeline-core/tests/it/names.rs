//! What is read and digested only to name results, and by whom that is asked for.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pipeline_core::data::{Codec, Data, In};
use pipeline_core::event::{Event, EventKind, Status};
use pipeline_core::step::CutOff;
use pipeline_core::{
    Bindings, Context, Error, Executor, Graph, Key, Options, Result, RunOptions, Spec, Step,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::toy::{Draw, Hoard, Listener, Number, mix};
use crate::trust::Load;

fn executor(has_cache: bool) -> Executor {
    let mut options = Options { threads: Some(1), ..Options::default() };
    if has_cache {
        options.cache = Some(Arc::new(Hoard::default()));
    }
    Executor::new(options).unwrap()
}

/// A number that counts how often it is digested.
#[derive(Debug)]
struct Counted {
    number: i64,
    digests: Arc<AtomicUsize>,
}

impl Data for Counted {
    const NAME: &'static str = "counted";

    fn size_bytes(&self) -> usize {
        8
    }

    fn codec() -> Option<Codec<Self>> {
        Some(Codec::new(
            1,
            |counted, out| {
                counted.digests.fetch_add(1, Ordering::SeqCst);
                assert!(counted.number >= 0, "less than nothing");
                out.write_all(&counted.number.to_le_bytes())
            },
            |_| Err(Error::failed("is never read back")),
        ))
    }
}

/// Adds one to what was counted.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Count {}

impl Step for Count {
    const NAME: &'static str = "count";
    type Input = In<Counted>;
    type Output = Counted;

    fn run(&self, counted: In<Counted>, _: &Context<'_>) -> Result<Counted> {
        Ok(Counted { number: counted.number + 1, digests: Arc::clone(&counted.digests) })
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}

#[test]
fn without_a_cache_a_file_is_not_read_for_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a terabyte that takes no room");
    File::create(&path).unwrap().set_len(1 << 40).unwrap();
    let mut graph = Graph::new();
    let length = graph.add("length", Length { path }, ());
    // Long enough to look at a file, and by far too short to read this one.
    let soon = RunOptions { timeout: Some(Duration::from_secs(3)), ..RunOptions::default() };
    let report = executor(false).run(&graph, &soon).unwrap();
    assert_eq!(report.output(length).unwrap().0, 1 << 40);
    assert_eq!(report.plan().key(length.id()), None);
    let refused = executor(true).plan(&graph, &soon).map(drop);
    assert!(matches!(refused, Err(Error::Cancelled(_))), "{refused:?}");
}

/// Tells how long a file is.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Length {
    pub(crate) path: PathBuf,
}

impl Step for Length {
    const NAME: &'static str = "length";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), _: &Context<'_>) -> Result<Number> {
        let metadata = std::fs::metadata(&self.path);
        let len = metadata.map_err(|error| Error::caused("the file is not there", error))?.len();
        Ok(Number(len.cast_signed()))
    }

    fn spec(&self) -> Spec {
        Spec::default().reads(&self.path)
    }
}

#[test]
fn a_value_is_digested_once_and_only_for_a_cache() {
    let mut graph = Graph::new();
    let photo = graph.input::<Counted>("photo");
    let count = graph.add("count", Count {}, photo);
    for (has_cache, expected) in [(false, 0), (true, 2)] {
        let digests = Arc::new(AtomicUsize::new(0));
        let value = Counted { number: 3, digests: Arc::clone(&digests) };
        let bindings = Bindings::new().with("photo", value);
        let options = RunOptions { bindings, ..RunOptions::default() };
        let executor = executor(has_cache);
        for _ in 0..3 {
            let report = executor.run(&graph, &options).unwrap();
            assert_eq!(report.output(count).unwrap().number, 4);
        }
        // The value and the result, whose content decides what runs below it.
        assert_eq!(digests.load(Ordering::SeqCst), expected);
    }
}

#[test]
fn a_value_whose_digest_panics_has_no_name() {
    let mut graph = Graph::new();
    let photo = graph.input::<Counted>("photo");
    let count = graph.add("count", Count {}, photo);
    let value = Counted { number: -3, digests: Arc::default() };
    let bindings = Bindings::new().with("photo", value);
    let options = RunOptions { bindings, ..RunOptions::default() };
    let report = executor(true).run(&graph, &options).unwrap();
    assert_eq!(report.output(count).unwrap().number, -2);
    assert_eq!(report.plan().key(count.id()), None);
}

#[test]
fn equal_steps_are_one_without_a_cache_too() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("path"), folder.path().join("other"));
    std::fs::write(&path, "1").unwrap();
    std::fs::write(&other, "2").unwrap();
    for has_cache in [false, true] {
        let mut graph = Graph::new();
        let first = graph.add("first", Load { path: path.clone() }, ());
        let same = graph.add("same", Load { path: path.clone() }, ());
        let different = graph.add("different", Load { path: other.clone() }, ());
        let report = executor(has_cache).run(&graph, &RunOptions::default()).unwrap();
        for (node, expected) in [(first, 1), (same, 1), (different, 2)] {
            assert_eq!(report.output(node).unwrap().0, expected);
        }
        assert_eq!(report.nodes_that(Status::Computed).len(), 2);
    }
}

#[test]
fn other_values_under_the_same_names_give_other_results() {
    let mut graph = Graph::new();
    let (left, right) = (graph.input::<Number>("left"), graph.input::<Number>("right"));
    let ends = [left, right].map(|side| {
        let half = graph.add(format!("half{side:?}"), Halve {}, side);
        let quarter = graph.add(format!("quarter{side:?}"), Halve {}, half);
        graph.target(quarter);
        quarter
    });
    let executor = executor(false);
    for (left, right) in [(2, 8), (8, 2), (9, 8), (4, 2), (2, 2)] {
        let bindings = Bindings::new().with("left", Number(left)).with("right", Number(right));
        let options = RunOptions { bindings, ..RunOptions::default() };
        let report = executor.run(&graph, &options).unwrap();
        assert_eq!(report.output(ends[0]).unwrap().0, left / 4);
        assert_eq!(report.output(ends[1]).unwrap().0, right / 4);
    }
}

/// Halves a number, and often gives what it gave before.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Halve {}

impl Step for Halve {
    const NAME: &'static str = "halve";
    type Input = In<Number>;
    type Output = Number;

    fn run(&self, number: In<Number>, _: &Context<'_>) -> Result<Number> {
        Ok(Number(number.0 / 2))
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}

#[test]
fn keys_are_told_where_they_are_the_same_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("path");
    std::fs::write(&path, "1").unwrap();
    let mut graph = Graph::new();
    let alone = mix(&mut graph, "alone", 1, &[]);
    let keys = |graph: &Graph, has_cache: bool| -> Vec<Option<Key>> {
        let listener = Listener::default();
        let report = executor(has_cache).run(graph, &listener.options()).unwrap();
        let told = |event: Event| match event.kind {
            EventKind::StepFinished(finished) => Some(finished.key),
            _ => None,
        };
        let told: Vec<_> = listener.of(report.run()).into_iter().filter_map(told).collect();
        assert!(told.contains(&report.plan().key(alone.id())));
        told
    };
    // What needs nothing but its parameters has the same name everywhere.
    assert_eq!(keys(&graph, false), keys(&graph, true));
    let load = graph.add("load", Load { path }, ());
    assert_eq!(keys(&graph, false), [None, None]);
    assert!(keys(&graph, true).iter().all(Option::is_some));
    // A seed is made of the name, so the name has to be what it would be with a cache.
    graph.add("draw", Draw::default(), load);
    assert_eq!(keys(&graph, false), keys(&graph, true));
}

#[test]
fn names_follow_a_step_that_begins_to_need_a_seed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("path");
    std::fs::write(&path, "1").unwrap();
    let mut graph = Graph::new();
    let load = graph.add("load", Load { path }, ());
    let draw = graph.add("draw", Draw { is_silent: true, ..Draw::default() }, load);
    let executor = executor(false);
    let report = executor.run(&graph, &RunOptions::default()).unwrap();
    let error = report.output(draw).unwrap_err().to_string();
    assert!(error.contains("`draw`") && error.contains("seed"), "{error}");
    graph.edit(draw.id(), |draw: &mut Draw| draw.is_silent = false).unwrap();
    let seeded = executor.run(&graph, &RunOptions::default()).unwrap();
    let with_cache = self::executor(true).run(&graph, &RunOptions::default()).unwrap();
    assert_eq!(seeded.output(draw).unwrap().0, with_cache.output(draw).unwrap().0);
}
