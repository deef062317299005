//! What a batch records, and what a second start makes of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Instant;

use pipeline_core::batch::{
    BatchOptions, BatchReport, Item, ItemStatus, Job, Output, Record, Shard, records,
};
use pipeline_core::{
    Bindings, CancelReason, Context, Error, Executor, Graph, In, Options, Result, Services, Spec,
    Step,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::batch::{Keep, executor, items, job, statuses};
use crate::declared::Sense;
use crate::names::Length;
use crate::toy::{Fault, Give, Journal, LONG, Mix, Number, note};
use ItemStatus::{Done, Elsewhere, Failed, Unchanged};

fn options(folder: &Path) -> BatchOptions {
    let (folder, pipeline) = (Some(folder.to_owned()), "sums".to_owned());
    BatchOptions { folder, pipeline, ..BatchOptions::default() }
}

/// Runs three items; says how they ended and what was written.
fn run(folder: &Path, first: i64, options: &BatchOptions) -> (Vec<ItemStatus>, Vec<String>) {
    let journal = Journal::default();
    let report = executor(&journal).batch(&items(folder, 3, first), options).unwrap();
    let written = journal.take().into_iter().filter(|name| !name.is_empty()).collect();
    (statuses(&report), written)
}

#[test]
fn a_second_start_does_nothing_and_a_change_does_what_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let all = ["a", "b", "c"].map(str::to_owned);
    assert_eq!(run(folder, 7, &options(folder)), (vec![Done; 3], all.to_vec()));
    assert_eq!(run(folder, 7, &options(folder)), (vec![Unchanged; 3], vec![]));
    let before = fs::read(folder.join("a.txt")).unwrap();
    let (statuses, written) = run(folder, 8, &options(folder));
    assert_eq!((statuses, written), (vec![Done, Unchanged, Unchanged], vec!["a".to_owned()]));
    assert_ne!(fs::read(folder.join("a.txt")).unwrap(), before);
    let redo = BatchOptions { redo: true, ..options(folder) };
    assert_eq!(run(folder, 8, &redo), (vec![Done; 3], all.to_vec()));
}

#[test]
fn files_are_verified_and_not_only_looked_for() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let [a, b, c] = ["a.txt", "b.txt", "c.txt"].map(|name| folder.join(name));
    run(folder, 7, &options(folder));
    let content = fs::read(&a).unwrap();
    // Of the same length, of another, gone, a folder.
    fs::write(&a, vec![b'x'; content.len()]).unwrap();
    fs::write(&b, "").unwrap();
    fs::remove_file(&c).unwrap();
    assert_eq!(run(folder, 7, &options(folder)).0, [Done; 3]);
    assert_eq!(fs::read(&a).unwrap(), content);
    fs::remove_file(&c).unwrap();
    fs::create_dir(&c).unwrap();
    assert_eq!(run(folder, 7, &options(folder)).0, [Unchanged, Unchanged, Failed]);
    fs::remove_dir(&c).unwrap();
    // The same content in another file is what was written.
    fs::remove_file(&a).unwrap();
    fs::write(&a, &content).unwrap();
    assert_eq!(run(folder, 7, &options(folder)).0, [Unchanged, Unchanged, Done]);
    let revalidate = BatchOptions { revalidate: true, ..options(folder) };
    assert_eq!(run(folder, 7, &revalidate).0, [Unchanged; 3]);
}

#[test]
fn records_say_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let items = [
        Item::new("good", || Ok(job(&folder.join("good.txt"), 1, Fault::None))),
        Item::new("bad", || Ok(job(&folder.join("bad.txt"), 2, Fault::Fail))),
    ];
    let report = executor(&Journal::default()).batch(&items, &options(folder)).unwrap();
    let found = records(folder).unwrap();
    let [bad, good] = &found[..] else { panic!("{found:?}") };
    assert_eq!((&*good.item, good.status, &good.message), ("good", Done, &None));
    let [Output { path, bytes, digest, .. }] = &good.outputs[..] else { panic!("{good:?}") };
    let content = fs::read(folder.join("good.txt")).unwrap();
    assert_eq!((path.as_path(), *bytes), (Path::new("good.txt"), content.len() as u64));
    assert_eq!(digest.to_string(), blake3::hash(&content).to_string());
    assert_eq!(report.items[0].outputs, good.outputs);
    let message = "step `sum` (mix): it was told to";
    assert_eq!((bad.status, bad.message.as_deref()), (Failed, Some(message)));
    assert!(bad.outputs.is_empty());
    assert_eq!(records(&folder.join("nowhere")).unwrap(), []);
}

#[test]
fn an_item_that_failed_is_done_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let start = |fault| -> BatchReport {
        let items = [
            Item::new("a", move || Ok(job(&folder.join("a.txt"), 1, fault))),
            Item::new("b", || Ok(job(&folder.join("b.txt"), 2, Fault::None))),
        ];
        executor(&Journal::default()).batch(&items, &options(folder)).unwrap()
    };
    assert_eq!(statuses(&start(Fault::Fail)), [Failed, Done]);
    assert_eq!(statuses(&start(Fault::None)), [Done, Unchanged]);
}

#[test]
fn what_was_done_before_a_stop_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let stopped = BatchOptions { workers: Some(1), ..options(folder) };
    let token = stopped.token.clone();
    let mut items = items(folder, 2, 7);
    items.push(Item::new("c", || {
        token.cancel(CancelReason::User);
        Ok(job(&folder.join("c.txt"), 2, Fault::None))
    }));
    let report = executor(&Journal::default()).batch(&items, &stopped).unwrap();
    assert_eq!(statuses(&report), [Done, Done, ItemStatus::Cancelled]);
    assert_eq!(run(folder, 7, &options(folder)).0, [Unchanged, Unchanged, Done]);
}

#[test]
fn a_folder_of_something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run(folder, 7, &options(folder));
    let before = fs::read(folder.join("a.txt")).unwrap();
    let refused = |options: &BatchOptions| {
        let items = items(folder, 3, 9);
        executor(&Journal::default()).batch(&items, options).unwrap_err().to_string()
    };
    let other = BatchOptions { pipeline: "products".to_owned(), ..options(folder) };
    let error = refused(&other);
    let expected = "is `sums`, expected `products`; choose another output folder";
    assert!(error.ends_with(expected), "{error}");
    assert_eq!(fs::read(folder.join("a.txt")).unwrap(), before);

    let header = folder.join("manifest/pipeline.json");
    fs::write(&header, r#"{"format": 2, "pipeline": "sums"}"#).unwrap();
    let error = refused(&options(folder));
    assert!(error.contains("the format of ") && error.contains("2, made by another"), "{error}");
    assert!(records(folder).is_err());
    fs::write(&header, "no json").unwrap();
    assert!(refused(&options(folder)).ends_with("pipeline.json: cannot decode"));
    fs::remove_dir_all(folder.join("manifest")).unwrap();
    fs::write(folder.join("manifest"), "in the way").unwrap();
    let error = refused(&options(folder));
    assert!(error.contains("manifest") && error.contains(": cannot "), "{error}");
}

#[test]
fn a_record_that_is_damaged_counts_as_none() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run(folder, 7, &options(folder));
    let record = folder.join("manifest/items/b.json");
    let whole = fs::read(&record).unwrap();
    for cut in [0, 1, whole.len() / 2, whole.len() - 1] {
        fs::write(&record, &whole[..cut]).unwrap();
        assert_eq!(run(folder, 7, &options(folder)).0, [Unchanged, Done, Unchanged], "{cut}");
    }
    // Nor does one of another item.
    fs::copy(folder.join("manifest/items/a.json"), &record).unwrap();
    assert_eq!(run(folder, 7, &options(folder)).0, [Unchanged, Done, Unchanged]);
}

#[test]
fn an_item_that_another_process_works_on_is_left_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir_all(folder.join("manifest/locks")).unwrap();
    let lock = fs::File::create(folder.join("manifest/locks/b")).unwrap();
    lock.lock().unwrap();
    let journal = Journal::default();
    let report = executor(&journal).batch(&items(folder, 3, 7), &options(folder)).unwrap();
    assert_eq!(statuses(&report), [Done, Elsewhere, Done]);
    let error = report.ok().unwrap_err().to_string();
    assert_eq!(error, "`b`: another process works on it");
    drop(lock);
    assert_eq!(run(folder, 7, &options(folder)).0, [Unchanged, Done, Unchanged]);
}

#[test]
fn shards_record_into_one_folder() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::thread::scope(|scope| {
        for index in 0..2 {
            let shard = Shard::new(index, 2).unwrap();
            scope.spawn(move || run(folder, 7, &BatchOptions { shard, ..options(folder) }));
        }
    });
    let names: Vec<String> = records(folder).unwrap().into_iter().map(|one| one.item).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(run(folder, 7, &options(folder)).0, [Unchanged; 3]);
}

#[test]
fn what_may_be_otherwise_each_time_is_done_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let items = [Item::new("a", || {
        let mut graph = Graph::new();
        let number = graph.add("sense", Sense {}, ());
        graph.add("keep", Keep { path: folder.join("a.txt") }, number);
        Ok(Job::from(graph))
    })];
    for _ in 0..2 {
        let services = Services::new().with(Journal::default()).with(AtomicI64::new(1));
        let executor = Executor::new(Options { services, ..Options::default() }).unwrap();
        let report = executor.batch(&items, &options(folder)).unwrap();
        assert_eq!(statuses(&report), [Done]);
    }
    let record: Vec<Record> = records(folder).unwrap();
    assert_eq!((&record[0].targets[..], record[0].outputs[0].fingerprint), (&[None][..], None));
}

/// Two files of one item: the second one is of a sum of what the first one has.
fn two(folder: &Path, number: i64, fault: Fault) -> Job {
    let mut graph = Graph::new();
    let give = graph.add("give", Give { number: 1, name: "give".into() }, ());
    graph.add("keep first", Keep { path: folder.join("first.txt") }, give);
    let mix = Mix { plus: number, fault, name: "mix".into(), ..Mix::default() };
    let sum = graph.add("mix", mix, vec![give]);
    graph.add("keep second", Keep { path: folder.join("second.txt") }, sum);
    Job::from(graph)
}

#[test]
fn only_those_files_are_written_that_are_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let run = |number, fault| {
        let journal = Journal::default();
        let item = [Item::new("a", move || Ok(two(folder, number, fault)))];
        let report = executor(&journal).batch(&item, &options(folder)).unwrap();
        (statuses(&report)[0], journal.take().join(" "))
    };
    assert_eq!(run(1, Fault::None), (Done, "first give mix second".to_owned()));
    assert_eq!(run(1, Fault::None), (Unchanged, String::new()));
    assert_eq!(run(2, Fault::None), (Done, "give mix second".to_owned()));
    fs::remove_file(folder.join("first.txt")).unwrap();
    assert_eq!(run(2, Fault::None), (Done, "first give".to_owned()));
    assert_eq!(run(2, Fault::None), (Unchanged, String::new()));
}

/// Acts on the world without a file of its own: fails as long as it is told to, once a file is
/// there.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Post {
    path: PathBuf,
    fails: bool,
    number: i64,
}

impl Step for Post {
    const NAME: &'static str = "post";
    type Input = In<Number>;
    type Output = ();

    fn run(&self, _: In<Number>, ctx: &Context<'_>) -> Result<()> {
        while !self.path.exists() {
            ctx.check()?;
            std::thread::yield_now();
        }
        note(ctx, "post");
        if self.fails { Err(Error::failed("nobody answers")) } else { Ok(()) }
    }

    fn spec(&self) -> Spec {
        Spec::effect()
    }
}

#[test]
fn what_was_done_before_a_failure_is_not_done_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let run = |fails, number| {
        let journal = Journal::default();
        let item = [Item::new("a", move || {
            let mut graph = Graph::new();
            let give = graph.add("give", Give { number: 1, name: "give".into() }, ());
            let path = folder.join("first.txt");
            graph.add("keep", Keep { path: path.clone() }, give);
            graph.add("post", Post { path, fails, number }, give);
            Ok(Job::from(graph))
        })];
        let report = executor(&journal).batch(&item, &options(folder)).unwrap();
        (statuses(&report)[0], journal.take().join(" "))
    };
    assert_eq!(run(true, 1), (Failed, "first give post".to_owned()));
    // The file is whole, and yet not everything is done.
    assert_eq!(run(true, 1), (Failed, "give post".to_owned()));
    assert_eq!(run(false, 1), (Done, "give post".to_owned()));
    assert_eq!(run(false, 1), (Unchanged, String::new()));
    assert_eq!(run(false, 2), (Done, "give post".to_owned()));
    assert_eq!(records(folder).unwrap()[0].status, Done);
}

#[test]
fn a_file_is_recorded_as_soon_as_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let [first, other] = ["first", "other"].map(|name| folder.path().join(name));
    let go = folder.path().join("go");
    let until = |is: &dyn Fn() -> bool| {
        let begin = Instant::now();
        while !is() && begin.elapsed() < LONG {
            std::thread::yield_now();
        }
    };
    let run = |folder: &Path| {
        let journal = Journal::default();
        let quick = Item::new("quick", || Ok(job(&folder.join("quick.txt"), 1, Fault::None)));
        let slow = Item::new("slow", || {
            // The worker that made the other one has nothing left to do.
            let record = |record: &Record| record.item == "quick" && record.status == Done;
            until(&|| records(folder).unwrap_or_default().iter().any(record));
            let mut graph = Graph::new();
            let give = graph.add("give", Give { number: 1, name: "give".into() }, ());
            graph.add("keep", Keep { path: folder.join("first.txt") }, give);
            graph.add("post", Post { path: go.clone(), fails: false, number: 1 }, give);
            Ok(Job::from(graph))
        });
        let report = executor(&journal).batch(&[quick, slow], &options(folder)).unwrap();
        let names = journal.take().into_iter().filter(|name| !["", "quick"].contains(&&**name));
        (statuses(&report)[1], names.collect::<Vec<_>>().join(" "))
    };
    fs::create_dir(&first).unwrap();
    std::thread::scope(|scope| {
        let running = scope.spawn(|| run(&first));
        let slow = || {
            let records = records(&first).unwrap_or_default();
            records.into_iter().find(|record| record.item == "slow")
        };
        until(&|| slow().is_some());
        let record = slow();
        // What a process leaves that ends here.
        fs::create_dir_all(other.join("manifest/items")).unwrap();
        for name in ["manifest/pipeline.json", "manifest/items/slow.json", "first.txt"] {
            fs::copy(first.join(name), other.join(name)).unwrap();
        }
        fs::write(&go, "").unwrap();
        let record = record.unwrap();
        assert_eq!((record.status, record.outputs.len()), (ItemStatus::Cancelled, 1));
        assert_eq!(running.join().unwrap(), (Done, "first give post".to_owned()));
    });
    assert_eq!(run(&other), (Done, "give post".to_owned()));
    assert_eq!([&first, &other].map(|folder| run(folder).0), [Unchanged; 2]);
}

#[test]
fn a_folder_may_move_with_all_that_was_done() {
    let folder = tempfile::tempdir().unwrap();
    let [before, after] = ["before", "after"].map(|name| folder.path().join(name));
    let run = |folder: &Path| {
        let item = [Item::new("a", || {
            let mut graph = Graph::new();
            let length = graph.add("length", Length { path: folder.join("movie") }, ());
            graph.add("keep", Keep { path: folder.join("length.txt") }, length);
            Ok(Job::from(graph))
        })];
        let report = executor(&Journal::default()).batch(&item, &options(folder)).unwrap();
        statuses(&report)[0]
    };
    fs::create_dir(&before).unwrap();
    fs::write(before.join("movie"), "seven").unwrap();
    assert_eq!([run(&before), run(&before)], [Done, Unchanged]);
    // The same folder in other words.
    assert_eq!(run(&before.join(".").join("..").join("before")), Unchanged);
    fs::rename(&before, &after).unwrap();
    assert_eq!(run(&after), Unchanged);
    fs::write(after.join("movie"), "eight").unwrap();
    assert_eq!([run(&after), run(&after)], [Done, Unchanged]);
}

#[test]
fn an_item_that_fails_before_it_runs_is_not_done() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert_eq!(run(folder, 7, &options(folder)).0, [Done; 3]);
    let missing = [
        Item::new("a", || Err(Error::failed("no such movie"))),
        Item::new("b", || panic!("no job")),
    ];
    let report = executor(&Journal::default()).batch(&missing, &options(folder)).unwrap();
    assert_eq!(statuses(&report), [Failed, Failed]);
    let found = records(folder).unwrap();
    let found: Vec<_> = found.iter().map(|record| (record.status, record.outputs.len())).collect();
    assert_eq!(found, [(Failed, 1), (Failed, 1), (Done, 1)]);
    // Its files are as they were.
    assert_eq!(run(folder, 7, &options(folder)).0, [Unchanged; 3]);
}

#[test]
fn two_steps_write_one_file_only_in_turns() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let item = [Item::new("a", || {
        let mut graph = Graph::new();
        let give = graph.add("give", Give { number: 1, ..Give::default() }, ());
        for name in ["one", "other"] {
            graph.add(name, Keep { path: folder.join("a.txt") }, give);
        }
        Ok(Job::from(graph))
    })];
    let report = executor(&Journal::default()).batch(&item, &options(folder)).unwrap();
    let message = report.items[0].message().unwrap();
    let expected = "a.txt, which `one` and `other` both write, expected one step, or steps of \
                    which one follows the other";
    assert!(message.ends_with(expected), "{message}");
}

#[test]
fn an_item_that_cannot_be_planned_is_not_done() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut graph = Graph::new();
    let number = graph.input::<Number>("number");
    graph.add("keep", Keep { path: folder.join("a.txt") }, number);
    let graph = Arc::new(graph);
    let run = |bindings: Bindings| {
        let item = [Item::of("a", &graph, bindings)];
        statuses(&executor(&Journal::default()).batch(&item, &options(folder)).unwrap())[0]
    };
    assert_eq!(run(Bindings::new().with("number", Number(1))), Done);
    assert_eq!(run(Bindings::new()), Failed);
    let record = records(folder).unwrap().remove(0);
    assert_eq!(record.status, Failed);
    assert!(record.message.unwrap().contains("number"));
}

/// Writes a line into a file, anew or after what is there.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Line {
    path: PathBuf,
    after: bool,
}

impl Step for Line {
    const NAME: &'static str = "line";
    type Input = Vec<In<Number>>;
    type Output = Number;

    fn run(&self, _: Vec<In<Number>>, _: &Context<'_>) -> Result<Number> {
        let before = if self.after { fs::read_to_string(&self.path) } else { Ok(String::new()) };
        let written = before.and_then(|before| fs::write(&self.path, before + "line\n"));
        written.map(|()| Number(1)).map_err(|error| Error::caused("no file", error))
    }

    fn spec(&self) -> Spec {
        Spec::effect().writes(&self.path)
    }
}

#[test]
fn a_file_that_is_begun_anew_is_finished_too() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let [first, second] = ["first", "second"].map(|name| folder.join(name));
    let run = || {
        let item = [Item::new("a", || {
            let mut graph = Graph::new();
            let begin = graph.add("begin", Line { path: first.clone(), after: false }, vec![]);
            graph.add("end", Line { path: first.clone(), after: true }, vec![begin]);
            graph.add("other", Line { path: second.clone(), after: false }, vec![begin]);
            Ok(Job::from(graph))
        })];
        statuses(&executor(&Journal::default()).batch(&item, &options(folder)).unwrap())[0]
    };
    assert_eq!([run(), run()], [Done, Unchanged]);
    // The other file needs the first one to be begun, so that is to be finished as well.
    fs::remove_file(&second).unwrap();
    assert_eq!(run(), Done);
    assert_eq!(fs::read_to_string(&first).unwrap(), "line\nline\n");
    assert_eq!(run(), Unchanged);
}
