//! What is kept, what is not, and what it takes to find it again.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use pipeline_core::cache::{Cache, Evicted, Hit, Origin, Tier};
use pipeline_core::data::{Codec, Data, In};
use pipeline_core::event::{EventKind, RunStatus, Status};
use pipeline_core::step::CutOff;
use pipeline_core::{
    Bindings, CancelReason, CancelToken, Context, Error, Executor, Graph, Key, Node, NodeId,
    Options, Result, RunOptions, Services, Spec, Step, Value,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::patience::impatient;
use crate::toy::{
    Door, Farewell, Give, Hang, Hoard, Journal, LONG, Listener, Number, On, mix, note,
};

/// Sets the token of its own run, and comes to its end all the same.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct LastWord {}

impl Step for LastWord {
    const NAME: &'static str = "last_word";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<Number> {
        ctx.service::<CancelToken>()?.cancel(CancelReason::User);
        Ok(Number(7))
    }
}

#[test]
fn what_is_finished_after_a_cancel_is_kept() {
    let options = RunOptions::default();
    let executor = Executor::new(Options {
        threads: Some(1),
        cache: Some(Arc::new(Hoard::default())),
        services: Services::new().with(options.token.clone()),
        ..Options::default()
    })
    .unwrap();
    let mut graph = Graph::new();
    let last = graph.add("last", LastWord {}, ());
    let below = mix(&mut graph, "below", 1, &[last]);
    let report = executor.run(&graph, &options).unwrap();
    assert_eq!(report.status(), RunStatus::Cancelled);
    assert_eq!(report.nodes_that(Status::Computed), ["last"]);
    let report = executor.run(&graph, &RunOptions::default()).unwrap();
    assert_eq!(report.nodes_that(Status::Cached), ["last"]);
    assert_eq!(report.output(below).unwrap().0, 31 + 7);
}

#[test]
fn what_comes_too_late_is_kept_under_no_key() {
    for (threads, lane) in [(1, On::Workers), (2, On::Workers), (1, On::Blocking)] {
        let (tell, wait) = std::sync::mpsc::channel();
        let (door, cache) = (Door::default(), Arc::new(Hoard::default()));
        let services = Services::new().with(door.clone()).with(Mutex::new(Farewell(tell)));
        let executor = Executor::new(Options {
            threads: Some(threads),
            cache: Some(Arc::clone(&cache) as _),
            services,
            ..Options::default()
        })
        .unwrap();
        let mut graph = Graph::new();
        let stuck = graph.add("stuck", Hang { number: 1, lane, ..Default::default() }, ());
        let plan = executor.plan(&graph, &RunOptions::default()).unwrap();
        let key = plan.key(stuck.id()).unwrap();
        let report = executor.run_plan(plan, &impatient()).unwrap();
        assert_eq!(report.nodes_that(Status::Failed), ["stuck"]);
        // It may be given up on before its thread gets to the door.
        door.crowd(1);
        door.open();
        drop((executor, report));
        // When the last of its threads is gone, it has come through.
        assert!(wait.recv_timeout(LONG).is_ok(), "its threads are still there");
        assert!(!cache.contains(&key), "{threads} threads, {lane:?}");
    }
}

/// Keeps one value, and says what had to go for it.
#[derive(Debug, Default)]
struct Single(Mutex<Option<(Key, Value)>>);

impl Cache for Single {
    fn get(&self, key: &Key) -> Option<Hit> {
        let held = self.0.lock();
        let (_, value) = held.as_ref().filter(|(held, _)| held == key)?;
        Some(Hit { value: value.clone(), tier: Tier::Memory })
    }

    fn put(&self, key: Key, value: &Value, _: Origin<'_>) -> Vec<Evicted> {
        let gone = self.0.lock().replace((key, value.clone()));
        let tell = |(key, value): (Key, Value)| Evicted {
            key,
            bytes: value.size_bytes() as u64,
            tier: Tier::Memory,
        };
        gone.map(tell).into_iter().collect()
    }

    fn contains(&self, key: &Key) -> bool {
        self.0.lock().as_ref().is_some_and(|(held, _)| held == key)
    }
}

#[test]
fn what_the_cache_throws_out_is_told() {
    let cache: Option<Arc<dyn Cache>> = Some(Arc::new(Single::default()));
    let executor = Executor::new(Options { threads: Some(1), cache, ..Options::default() });
    let executor = executor.unwrap();
    let mut graph = Graph::new();
    let top = graph.add("top", Give::default(), ());
    let middle = mix(&mut graph, "middle", 1, &[top]);
    mix(&mut graph, "last", 2, &[middle]);
    let heard = Listener::default();
    let report = executor.run(&graph, &heard.options()).unwrap();
    let gone = heard.of(report.run()).into_iter().filter_map(|event| match event.kind {
        EventKind::Evicted { key, bytes, tier } => Some((Some(key), bytes, tier)),
        _ => None,
    });
    let expected = [top, middle].map(|node| (report.plan().key(node.id()), 8, Tier::Memory));
    assert_eq!(gone.collect::<Vec<_>>(), expected);
}

/// A value that counts how often its content is looked at.
#[derive(Debug)]
struct Shy(Arc<AtomicUsize>);

impl Data for Shy {
    const NAME: &'static str = "shy";

    fn size_bytes(&self) -> usize {
        1
    }

    fn codec() -> Option<Codec<Self>> {
        Some(Codec::new(
            1,
            |shy, _| {
                shy.0.fetch_add(1, Ordering::SeqCst);
                Ok(())
            },
            |_| Err(Error::failed("never read")),
        ))
    }
}

/// Passes shy values on, and counts how often it is asked.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Hide {}

impl Step for Hide {
    const NAME: &'static str = "hide";
    type Input = Vec<In<Shy>>;
    type Output = Shy;

    fn run(&self, _: Vec<In<Shy>>, ctx: &Context<'_>) -> Result<Shy> {
        note(ctx, "hide");
        Ok(Shy(Arc::clone(ctx.service::<Arc<AtomicUsize>>()?)))
    }
}

#[test]
fn looking_for_a_result_runs_no_step_and_reads_no_content() {
    let (journal, looks) = (Journal::default(), Arc::new(AtomicUsize::new(0)));
    let options = Options {
        threads: Some(1),
        cache: Some(Arc::new(Hoard::default())),
        services: Services::new().with(journal.clone()).with(Arc::clone(&looks)),
        ..Options::default()
    };
    let executor = Executor::new(options).unwrap();
    let mut graph = Graph::new();
    let top = graph.add("top", Hide {}, vec![]);
    let middle = graph.add("middle", Hide {}, vec![top]);
    let last = graph.add("last", Hide {}, vec![middle, top]);
    executor.run(&graph, &RunOptions::default()).unwrap().ok().unwrap();
    assert_eq!(journal.take().len(), 3);
    for _ in 0..3 {
        let plan = executor.plan(&graph, &RunOptions::default()).unwrap();
        let cached: Vec<NodeId> = plan.cached().collect();
        assert_eq!((plan.running(), cached), (0, vec![last.id()]));
        assert!(executor.run_plan(plan, &RunOptions::default()).unwrap().output(last).is_ok());
    }
    assert_eq!(journal.take(), [""; 0]);
    assert_eq!(looks.load(Ordering::SeqCst), 0);
}

/// As many bytes as it says, of which it writes one.
#[derive(Debug)]
struct Bulk {
    bytes: u64,
    looks: Arc<AtomicUsize>,
}

impl Data for Bulk {
    const NAME: &'static str = "bulk";

    fn size_bytes(&self) -> usize {
        usize::try_from(self.bytes).unwrap()
    }

    fn codec() -> Option<Codec<Self>> {
        Some(Codec::new(
            1,
            |bulk, out| {
                bulk.looks.fetch_add(1, Ordering::SeqCst);
                out.write_all(&[7])
            },
            |_| Err(Error::failed("never read")),
        ))
    }
}

/// Gives the same whatever its input is, and lets the engine decide whether that is worth a look.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Level {
    bytes: u64,
}

impl Step for Level {
    const NAME: &'static str = "level";
    type Input = In<Number>;
    type Output = Bulk;

    fn run(&self, _: In<Number>, ctx: &Context<'_>) -> Result<Bulk> {
        note(ctx, "level");
        let looks = Arc::clone(ctx.service::<Arc<AtomicUsize>>()?);
        Ok(Bulk { bytes: self.bytes, looks })
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Auto).bytes(self.bytes)
    }
}

/// What is spared if nothing changed.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Below {}

impl Step for Below {
    const NAME: &'static str = "below";
    type Input = In<Bulk>;
    type Output = Number;

    fn run(&self, _: In<Bulk>, ctx: &Context<'_>) -> Result<Number> {
        note(ctx, "below");
        Ok(Number(1))
    }
}

#[test]
fn a_result_is_digested_unasked_only_where_the_work_below_costs_more() {
    // A digest of few bytes costs less than any step, one of a terabyte more.
    let rows: [(u64, &[&str]); 2] = [(8, &["level", "top"]), (1 << 40, &["below", "level", "top"])];
    for (bytes, expected) in rows {
        let (journal, looks) = (Journal::default(), Arc::new(AtomicUsize::new(0)));
        let executor = Executor::new(Options {
            threads: Some(1),
            cache: Some(Arc::new(Hoard::default())),
            services: Services::new().with(journal.clone()).with(Arc::clone(&looks)),
            ..Options::default()
        })
        .unwrap();
        let mut graph = Graph::new();
        let top = graph.add("top", Give { number: 0, name: "top".into() }, ());
        let level = graph.add("level", Level { bytes }, top);
        graph.add("below", Below {}, level);
        // The first run is to learn from, and the second one leaves a digest.
        let whole: &[&str] = &["below", "level", "top"];
        for (number, expected) in [(1, whole), (2, whole), (3, expected), (4, expected)] {
            graph.edit::<Give>(top.id(), |give| give.number = number).unwrap();
            executor.run(&graph, &RunOptions::default()).unwrap().ok().unwrap();
            assert_eq!(journal.take(), expected, "{bytes} bytes, run {number}");
        }
        assert_eq!(looks.load(Ordering::SeqCst), if expected.len() == 2 { 3 } else { 0 });
    }
}

/// Keeps everything, and what it was told of each result: its step and what it was made from.
#[derive(Debug, Default)]
struct Chronicle {
    results: Hoard,
    told: Mutex<HashMap<Key, (String, Vec<Key>)>>,
    requests: AtomicUsize,
}

impl Cache for Chronicle {
    fn begin(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self, key: &Key) -> Option<Hit> {
        self.results.get(key)
    }

    fn put(&self, key: Key, value: &Value, origin: Origin<'_>) -> Vec<Evicted> {
        self.told.lock().insert(key, (origin.step.to_owned(), origin.inputs.to_vec()));
        self.results.put(key, value, origin)
    }

    fn contains(&self, key: &Key) -> bool {
        self.results.contains(key)
    }
}

#[test]
fn a_cache_is_told_what_each_result_was_made_from() {
    let cache = Arc::new(Chronicle::default());
    let executor =
        Executor::new(Options { cache: Some(Arc::clone(&cache) as _), ..Options::default() })
            .unwrap();
    let mut graph = Graph::new();
    let given = graph.input::<Number>("given");
    let top = mix(&mut graph, "top", 1, &[given]);
    let left = mix(&mut graph, "left", 2, &[top]);
    let off = mix(&mut graph, "off", 3, &[left]);
    let last = mix(&mut graph, "last", 4, &[top, off, given]);
    graph.bypass(off.id()).unwrap();
    let options =
        RunOptions { bindings: Bindings::new().with("given", Number(5)), ..RunOptions::default() };
    let plan = executor.plan(&graph, &options).unwrap();
    let key = |node: Node<Number>| plan.key(node.id()).unwrap();
    let (top, left, last) = (key(top), key(left), key(last));
    executor.run_plan(plan.clone(), &options).unwrap().ok().unwrap();
    let told = cache.told.lock();
    assert_eq!(told[&top], ("mix".to_owned(), vec![]), "inputs of the graph have no key here");
    assert_eq!(told[&left].1, [top]);
    assert_eq!(told[&last].1, [top, left], "a bypassed node passes the name on");
    assert_eq!((told.len(), cache.requests.load(Ordering::Relaxed)), (3, 1));
}
