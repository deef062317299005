//! What nobody should do to an executor: caches that panic, sizes that no memory has, waits that
//! are too short.

use std::sync::Arc;
use std::time::Duration;

use pipeline_core::cache::{Cache, Claim, Claimed, Evicted, Hit, Origin, Tier};
use pipeline_core::event::Status;
use pipeline_core::{
    Bindings, Context, Data, Error, EventKind, Executor, Graph, In, Key, Options, Result,
    RunOptions, Services, Step, Value,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::toy::{Give, Home, Listener, Mix, Number, comes_back, mix};

/// Where a cache panics.
#[derive(Debug, Clone, Copy, PartialEq)]
enum At {
    Get,
    Put,
    Contains,
    Identity,
    Claim,
    /// When a claim goes, which is not in a call.
    Leave,
}

/// Has nothing, and panics.
#[derive(Debug)]
struct Broken(At);

impl Broken {
    fn meet(&self, at: At) {
        assert!(self.0 != at, "the shelf fell down");
    }
}

impl Cache for Broken {
    fn get(&self, _: &Key) -> Option<Hit> {
        self.meet(At::Get);
        None
    }

    fn put(&self, _: Key, _: &Value, _: Origin<'_>) -> Vec<Evicted> {
        self.meet(At::Put);
        Vec::new()
    }

    fn contains(&self, _: &Key) -> bool {
        self.meet(At::Contains);
        self.0 == At::Get
    }

    fn identity(&self, _: &Key) -> Option<Key> {
        self.meet(At::Identity);
        None
    }

    fn claim(&self, _: &Key, _: u64) -> Claim {
        self.meet(At::Claim);
        let claimed = if self.0 == At::Leave { Claimed::new(Falling) } else { Claimed::default() };
        Claim::Mine(claimed)
    }
}

/// Panics when it goes.
struct Falling;

impl Drop for Falling {
    fn drop(&mut self) {
        panic!("the shelf fell down");
    }
}

#[test]
fn a_cache_that_panics_is_one_that_has_nothing() {
    for at in [At::Get, At::Put, At::Contains, At::Identity, At::Claim, At::Leave] {
        comes_back(move || {
            let executor = Executor::new(Options {
                threads: Some(2),
                cache: Some(Arc::new(Broken(at))),
                ..Options::default()
            })
            .unwrap();
            let mut graph = Graph::new();
            let top = graph.add("top", Give { number: 1, ..Give::default() }, ());
            let step = Mix { digest: true, ..Mix::default() };
            let late = graph.add("late", step, vec![top]);
            let below = mix(&mut graph, "below", 3, &[late]);
            let listener = Listener::default();
            let reports = [
                executor.run(&graph, &listener.options()).unwrap(),
                executor.spawn(&graph, &listener.options()).unwrap().wait(),
            ];
            for (number, report) in reports.into_iter().enumerate() {
                assert_eq!(report.output(below).unwrap().0, 94, "{at:?}");
                let events = listener.of(report.run());
                let told: Vec<_> = events
                    .iter()
                    .filter_map(|event| match &event.kind {
                        EventKind::Warning(warning) => Some(&**warning),
                        _ => None,
                    })
                    .collect();
                // The second run knows by what the content goes.
                let is_met = at != At::Leave && (at != At::Identity || number == 0);
                assert_eq!(told.len(), usize::from(is_met), "{at:?} {number}");
                if !is_met {
                    continue;
                }
                assert_eq!(told[0].code, "cache_panicked");
                let says = told[0].message.contains("the shelf fell down");
                assert!(says, "{}", told[0].message);
            }
        });
    }
}

/// A value that says it is as large as a number can tell.
#[derive(Debug, Clone, Copy)]
struct Vast;

impl Data for Vast {
    const NAME: &'static str = "vast";

    fn size_bytes(&self) -> usize {
        usize::MAX - 1
    }
}

/// Makes, or passes on, something vast.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Swell {
    number: usize,
}

impl Step for Swell {
    const NAME: &'static str = "swell";
    type Input = Vec<In<Vast>>;
    type Output = (Vast, Vast);

    fn run(&self, _: Vec<In<Vast>>, _: &Context<'_>) -> Result<(Vast, Vast)> {
        Ok((Vast, Vast))
    }
}

/// Keeps one value.
#[derive(Debug, Default)]
struct Shelf(parking_lot::Mutex<Option<(Key, Value)>>);

impl Cache for Shelf {
    fn get(&self, key: &Key) -> Option<Hit> {
        let kept = self.0.lock();
        let value = kept.as_ref().filter(|(of, _)| of == key)?.1.clone();
        Some(Hit { value, tier: Tier::Memory })
    }

    fn put(&self, key: Key, value: &Value, _: Origin<'_>) -> Vec<Evicted> {
        *self.0.lock() = Some((key, value.clone()));
        Vec::new()
    }

    fn contains(&self, key: &Key) -> bool {
        self.get(key).is_some()
    }
}

#[test]
fn sizes_that_no_memory_has_overflow_nothing() {
    for budget in [None, Some(1000), Some(u64::MAX)] {
        for cache in [false, true] {
            comes_back(move || {
                let cache = cache.then(|| Arc::new(Shelf::default()) as Arc<dyn Cache>);
                let options = Options { threads: Some(2), cache, ..Options::default() };
                let executor = Executor::new(options).unwrap();
                let mut graph = Graph::new();
                let inputs: Vec<_> =
                    (0..3).map(|number| graph.input::<Vast>(format!("in{number}"))).collect();
                let mut bindings = Bindings::new();
                for number in 0..3 {
                    bindings = bindings.with(&format!("in{number}"), Vast);
                }
                let tops: Vec<_> = (0..4)
                    .map(|number| {
                        graph.add(format!("top{number}"), Swell { number }, inputs.clone())
                    })
                    .flat_map(|(first, second)| [first, second])
                    .collect();
                let (last, _) = graph.add("last", Swell { number: 9 }, tops.clone());
                tops.iter().chain([&last]).for_each(|&node| graph.target(node));
                // The second time it is known how large results are.
                for _ in 0..2 {
                    let options =
                        RunOptions { budget, bindings: bindings.clone(), ..RunOptions::default() };
                    let plan = executor.plan(&graph, &options).unwrap();
                    assert!(plan.peak_bytes().0 > 1 << 40);
                    let report = executor.spawn_plan(plan, &options).unwrap().wait();
                    assert!(report.ok().is_ok());
                    assert!(report.totals().bytes > 1 << 40);
                    assert!(report.totals().peak_bytes > 1 << 40);
                    assert_eq!(report.step(last.id()).unwrap().status, Status::Computed);
                }
            });
        }
    }
}

/// Waits for a run of its own, for as long as it is told.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Waits {
    millis: u64,
    endless: bool,
}

impl Step for Waits {
    const NAME: &'static str = "waits";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<Number> {
        let mut graph = Graph::new();
        let mut last = graph.add("give", Give::default(), ());
        // Without an end it would be run for as long as its step is.
        let count = if self.endless { 100_000 } else { 3 };
        for number in 0..count {
            last = mix(&mut graph, &format!("mix{number}"), 1, &[last]);
        }
        let run = Home::of(ctx)?.spawn(&graph, &RunOptions::default())?;
        let report = run.wait_for(Duration::from_millis(self.millis));
        run.cancel();
        let report = report.ok_or_else(|| Error::failed("not over"))?;
        report.output(last).map(|number| *number)
    }
}

fn wait_on_the_only_thread(step: Waits) -> Result<()> {
    comes_back(|| {
        let executor = Home::new(1, Services::new());
        let mut graph = Graph::new();
        graph.add("waits", step, ());
        executor.spawn(&graph, &RunOptions::default()).unwrap().wait().ok()
    })
}

#[test]
fn a_step_that_waits_a_while_for_a_run_drains_it() {
    assert!(wait_on_the_only_thread(Waits { millis: 60_000, endless: false }).is_ok());
}

#[test]
fn a_step_that_waits_for_a_run_waits_no_longer_than_it_said() {
    let error = wait_on_the_only_thread(Waits { millis: 0, endless: true }).unwrap_err();
    assert!(error.to_string().ends_with("not over"), "{error}");
}
