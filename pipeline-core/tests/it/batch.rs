//! Batches: items apart from each other, tried again, stopped, shared out and told of.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use pipeline_core::batch::{
    BatchEvent, BatchOptions, BatchReport, Item, ItemStatus, Job, Progress, Shard,
};
use pipeline_core::exec::OnFailure;
use pipeline_core::{
    Bindings, CancelReason, Context, Error, Executor, Graph, In, Options, Result, Services, Spec,
    Step,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::toy::{Fault, Give, Journal, Mix, Number, note};

/// Writes a number into a file.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Keep {
    /// The file.
    pub(crate) path: PathBuf,
}

impl Step for Keep {
    const NAME: &'static str = "keep";
    type Input = In<Number>;
    type Output = ();

    fn run(&self, number: In<Number>, ctx: &Context<'_>) -> Result<()> {
        note(ctx, &self.path.file_stem().unwrap_or_default().to_string_lossy());
        std::fs::write(&self.path, number.0.to_string())
            .map_err(|error| Error::caused("no file", error))
    }

    fn spec(&self) -> Spec {
        Spec::effect().writes(&self.path).blocking()
    }
}

/// A sum over three frames that goes into a file, and a number that is added to it.
pub(crate) fn job(path: &Path, number: i64, fault: Fault) -> Job {
    let mut graph = Graph::new();
    let frames = graph.add_frames("frame", 3, |t| {
        (Give { number: i64::try_from(t).unwrap(), ..Give::default() }, ())
    });
    let mix = Mix { plus: number, fault, ..Mix::default() };
    let sum = graph.add("sum", mix, frames);
    graph.add("keep", Keep { path: path.to_owned() }, sum);
    Job::from(graph)
}

/// Items `a`, `b` and so on whose files are in a folder; the number of `a` is given.
pub(crate) fn items(folder: &Path, count: u8, first: i64) -> Vec<Item<'static>> {
    let item = |at: u8| {
        let name = char::from(b'a' + at).to_string();
        let path = folder.join(format!("{name}.txt"));
        let number = if at == 0 { first } else { at.into() };
        Item::new(name, move || Ok(job(&path, number, Fault::None)))
    };
    (0..count).map(item).collect()
}

pub(crate) fn executor(journal: &Journal) -> Executor {
    let services = Services::new().with(journal.clone());
    Executor::new(Options { threads: Some(2), services, ..Options::default() }).unwrap()
}

pub(crate) fn statuses(report: &BatchReport) -> Vec<ItemStatus> {
    report.items.iter().map(|item| item.status).collect()
}

/// What a batch tells, in order.
#[derive(Debug, Clone, Default)]
struct Told(Arc<Mutex<Vec<BatchEvent>>>);

impl Told {
    fn options(&self) -> BatchOptions {
        let told = Arc::clone(&self.0);
        let listener = move |event: &BatchEvent| told.lock().push(event.clone());
        BatchOptions { listener: Some(Arc::new(listener)), ..BatchOptions::default() }
    }

    fn take(&self) -> Vec<BatchEvent> {
        std::mem::take(&mut *self.0.lock())
    }
}

#[test]
fn a_graph_goes_through_the_values_of_each_item() {
    let mut graph = Graph::new();
    let number = graph.input::<Number>("number");
    let sum = graph.add("sum", Mix { plus: 1, ..Mix::default() }, vec![number]);
    graph.target(sum);
    let graph = Arc::new(graph);
    let bound =
        |at: i64| Item::of(at.to_string(), &graph, Bindings::new().with("number", Number(at)));
    let mut items: Vec<Item<'_>> = (0..20).map(bound).collect();
    items.push(Item::of("without", &graph, Bindings::new()));
    let report = executor(&Journal::default()).batch(&items, &BatchOptions::default()).unwrap();
    assert_eq!(report.count(ItemStatus::Done), 20);
    let last = report.items.last().unwrap();
    assert_eq!((last.status, last.attempts), (ItemStatus::Failed, 1));
    assert!(last.message().unwrap().contains("number"), "{last:?}");
    let names: Vec<&str> = report.items.iter().map(|item| &*item.name).collect();
    assert_eq!(names, items.iter().map(Item::name).collect::<Vec<_>>());
}

#[test]
fn an_item_that_fails_is_tried_again_after_the_others_and_stops_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let tries = AtomicU32::new(0);
    let (flaky, bad, good) = (path("flaky.txt"), path("bad.txt"), path("good.txt"));
    let items = [
        Item::new("bad", || Ok(job(&bad, 1, Fault::Fail))),
        Item::new("flaky", || {
            let is_first = tries.fetch_add(1, Ordering::Relaxed) == 0;
            Ok(job(&flaky, 2, if is_first { Fault::Panic } else { Fault::None }))
        }),
        Item::new("none", || Err(Error::failed("there is no such field"))),
        Item::new("wild", || panic!("out of bounds")),
        Item::new("good", || Ok(job(&good, 3, Fault::None))),
    ];
    let told = Told::default();
    let options = BatchOptions { retries: 2, workers: Some(1), ..told.options() };
    let report = executor(&Journal::default()).batch(&items, &options).unwrap();
    use ItemStatus::{Done, Failed};
    assert_eq!(statuses(&report), [Failed, Done, Failed, Failed, Done]);
    let attempts: Vec<u32> = report.items.iter().map(|item| item.attempts).collect();
    assert_eq!(attempts, [3, 2, 3, 3, 1]);
    let message = report.items[0].message().unwrap();
    assert_eq!(message, "step `sum` (mix): it was told to");
    assert_eq!(report.items[2].message().unwrap(), "there is no such field");
    assert_eq!(report.ok().unwrap_err().to_string(), format!("`bad`: {message}"));
    assert!(!bad.exists() && flaky.exists() && good.exists());
    // The first attempts of all come before the second of any.
    let attempts = told.take().into_iter().filter_map(|event| match event {
        BatchEvent::ItemStarted { attempt, .. } => Some(attempt),
        _ => None,
    });
    assert!(attempts.is_sorted());
}

#[test]
fn a_batch_may_stop_at_the_first_failure() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    let fail = || Ok(job(&path, 1, Fault::Fail));
    let items = ["a", "b", "c"].map(|name| Item::new(name, fail));
    let options =
        BatchOptions { on_failure: OnFailure::Stop, workers: Some(1), ..BatchOptions::default() };
    let report = executor(&Journal::default()).batch(&items, &options).unwrap();
    use ItemStatus::{Cancelled, Failed};
    assert_eq!(statuses(&report), [Failed, Cancelled, Cancelled]);
}

#[test]
fn what_is_told_begins_ends_and_counts_frames() {
    let folder = tempfile::tempdir().unwrap();
    let told = Told::default();
    let options = BatchOptions { batch_size: Some(2), every: 2, ..told.options() };
    let items = items(folder.path(), 5, 0);
    executor(&Journal::default()).batch(&items, &options).unwrap();
    let events = told.take();
    assert!(matches!(events[0], BatchEvent::Started { items: 5, batches: 3, workers: 2 }));
    assert!(matches!(events.last(), Some(BatchEvent::Finished { done: 5, open: 0 })));
    let of_a = |event: &BatchEvent| match event {
        BatchEvent::Progress(Progress { step, fov, t, frames, .. }) if &**fov == "a" => {
            Some((step.to_string(), *t, *frames))
        }
        _ => None,
    };
    let mut of_a: Vec<_> = events.iter().filter_map(of_a).collect();
    of_a.sort();
    let step = |name: &str, t, frames| (name.to_owned(), t, frames);
    let frames = [step("frame", 1, 3), step("frame", 2, 3), step("frame", 3, 3)];
    assert_eq!(of_a, [&frames[..], &[step("keep", 1, 1), step("sum", 1, 1)]].concat());
    let ends = events.iter().filter_map(|event| match event {
        BatchEvent::ItemFinished { done, items: 5, .. } => Some(*done),
        _ => None,
    });
    assert_eq!(ends.collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    let mut batches: Vec<usize> = events
        .iter()
        .filter_map(|event| match event {
            BatchEvent::BatchFinished { batch, batches: 3 } => Some(*batch),
            _ => None,
        })
        .collect();
    batches.sort_unstable();
    assert_eq!(batches, [0, 1, 2]);
    for event in &events {
        let json = serde_json::to_string(event).unwrap();
        assert_eq!(&serde_json::from_str::<BatchEvent>(&json).unwrap(), event);
    }
    let progress = events.iter().find(|event| matches!(event, BatchEvent::Progress(_)));
    let json = serde_json::to_value(progress.unwrap()).unwrap();
    let fields: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["kind", "step", "fov", "worker", "t", "T", "message"]);
}

#[test]
fn a_listener_that_panics_disturbs_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let listener = |_: &BatchEvent| panic!("it hears badly");
    let options = BatchOptions { listener: Some(Arc::new(listener)), ..BatchOptions::default() };
    let report = executor(&Journal::default()).batch(&items(folder.path(), 3, 0), &options);
    report.unwrap().ok().unwrap();
}

#[test]
fn a_batch_that_is_stopped_begins_nothing_more() {
    let folder = tempfile::tempdir().unwrap();
    let options = BatchOptions { workers: Some(1), ..BatchOptions::default() };
    let token = options.token.clone();
    let listener = move |event: &BatchEvent| {
        if matches!(event, BatchEvent::ItemFinished { done: 2, .. }) {
            token.cancel(CancelReason::User);
        }
    };
    let options = BatchOptions { listener: Some(Arc::new(listener)), ..options };
    let report =
        executor(&Journal::default()).batch(&items(folder.path(), 5, 0), &options).unwrap();
    use ItemStatus::{Cancelled, Done};
    assert_eq!(statuses(&report), [Done, Done, Cancelled, Cancelled, Cancelled]);
    assert!(report.to_string().starts_with("2 done, 3 cancelled in "), "{report}");
    assert!(report.ok().is_err());
}

/// The graph of an item, as long as there is one.
#[derive(Debug, Default)]
struct Lent(Mutex<Weak<Graph>>);

/// Fails if the graph that it is a step of is still there.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Alone {}

impl Step for Alone {
    const NAME: &'static str = "alone";
    type Input = ();
    type Output = ();

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<()> {
        match ctx.service::<Arc<Lent>>()?.0.lock().upgrade() {
            Some(_) => Err(Error::failed("the graph is still there")),
            None => Ok(()),
        }
    }
}

#[test]
fn a_graph_is_let_go_of_once_it_is_planned() {
    let lent = Arc::new(Lent::default());
    let services = Services::new().with(Arc::clone(&lent));
    let executor = Executor::new(Options { services, ..Options::default() }).unwrap();
    let run = |keep: bool| {
        let kept = Mutex::new(None);
        let job = || {
            let mut graph = Graph::new();
            graph.add("alone", Alone {}, ());
            let job = Job::from(graph);
            *lent.0.lock() = Arc::downgrade(&job.graph);
            *kept.lock() = keep.then(|| Arc::clone(&job.graph));
            Ok(job)
        };
        statuses(&executor.batch(&[Item::new("a", job)], &BatchOptions::default()).unwrap())
    };
    assert_eq!([false, true].map(run), [[ItemStatus::Done], [ItemStatus::Failed]]);
}

#[test]
fn shards_share_a_batch_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    for index in 0..3 {
        let options =
            BatchOptions { shard: Shard::new(index, 3).unwrap(), ..BatchOptions::default() };
        let report = executor(&Journal::default()).batch(&items(folder.path(), 7, 0), &options);
        let report = report.unwrap();
        report.ok().unwrap();
        seen.extend(report.items.iter().map(|item| item.name.to_string()));
    }
    seen.sort();
    assert_eq!(seen, ["a", "b", "c", "d", "e", "f", "g"]);
    for text in ["", "/", "1", "2/2", "-1/2", "0/0", "a/b", "0/1/2"] {
        let error = text.parse::<Shard>().unwrap_err().to_string();
        assert!(error.starts_with("the shard is "), "{error}");
    }
}

#[test]
fn a_batch_of_nothing_is_done() {
    let told = Told::default();
    let report = executor(&Journal::default()).batch(&[], &told.options()).unwrap();
    report.ok().unwrap();
    assert!(report.to_string().starts_with("nothing to do in "));
    assert_eq!(told.take().len(), 2);
}

#[test]
fn names_of_items_are_names_of_files_and_differ() {
    let run = |names: &[&str]| {
        let items: Vec<Item<'_>> =
            names.iter().map(|&name| Item::new(name, || Ok(Job::default()))).collect();
        executor(&Journal::default()).batch(&items, &BatchOptions::default())
    };
    let long = "x".repeat(201);
    for name in ["", ".", "..", ".hidden", "a/b", "a\\b", "a\0b", "c:", &long] {
        let error = run(&[name]).unwrap_err().to_string();
        assert!(error.starts_with("the name of an item is "), "{error}");
    }
    let error = run(&["a", "B", "b"]).unwrap_err().to_string();
    assert!(error.starts_with("the name of two items is \"b\""), "{error}");
    run(&["a", "fov 1", "ä.ome"]).unwrap().ok().unwrap();
}

#[test]
fn no_two_items_write_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    let items = ["a", "b"].map(|name| Item::new(name, || Ok(job(&path, 1, Fault::None))));
    let options = BatchOptions { workers: Some(1), ..BatchOptions::default() };
    let report = executor(&Journal::default()).batch(&items, &options).unwrap();
    assert_eq!(statuses(&report), [ItemStatus::Done, ItemStatus::Failed]);
    let message = report.items[1].message().unwrap();
    assert!(message.ends_with("which `a` writes too, expected a file of its own"), "{message}");
}
