//! The stream of events of real runs, under faults, cancels, retries and time limits.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use pipeline_core::data::In;
use pipeline_core::event::{
    Edit, ErrorInfo, Event, EventKind, RunStatus, Snapshot, Status, Warning,
};
use pipeline_core::exec::OnFailure;
use pipeline_core::graph::Retry;
use pipeline_core::observe::{Advice, JsonLines, Received, read};
use pipeline_core::{
    Bindings, Context, Error, Executor, Graph, NodeId, Observer, Options, Report, Result,
    RunOptions, Services, Step, Targets,
};
use proptest::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sketch::{Kind, Sketch, seeded, seeds};
use crate::toy::{
    Door, Fault, Give, Hang, Hoard, LONG, Listener, Number, Polls, Split, comes_back, forgetful,
    hoarding, mix,
};

/// Where a log is written, to be read meanwhile.
#[derive(Debug, Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn replay(events: &[Event]) -> Snapshot {
    let mut state = Snapshot::new(events[0].run, events[0].revision);
    for event in events {
        assert!(state.apply(event), "{event:?} changes nothing");
    }
    state
}

/// Whether two states tell the same of how every node and the run ended.
#[track_caller]
fn assert_same_end(a: &Snapshot, b: &Snapshot) {
    assert_eq!(a.counts, b.counts);
    assert_eq!(a.finished, b.finished);
    for ((info, a), (_, b)) in a.nodes().zip(b.nodes()) {
        assert_eq!(a.attempt, b.attempt, "{}", info.name);
        // Within a stream time does not go back, so there it may be a little later than on record.
        for state in [a, b] {
            assert!(state.ended_us.is_some() && state.started_us <= state.ended_us);
            assert_eq!(state.started_us.is_some(), state.attempt > 0, "{}", info.name);
        }
        let (a, b) = (a.finished.clone().unwrap(), b.finished.clone().unwrap());
        assert_eq!(a, b, "{}", info.name);
    }
}

/// The laws of a whole stream.
fn check_laws(events: &[Event], graph: &Graph, report: &Report) {
    assert!(matches!(events[0].kind, EventKind::RunStarted(_)));
    assert!(matches!(events.last().unwrap().kind, EventKind::RunFinished(_)));
    let mut ended: HashMap<NodeId, Status> = HashMap::new();
    let mut running: HashMap<NodeId, u32> = HashMap::new();
    let mut inputs: HashMap<NodeId, Vec<NodeId>> = HashMap::new();
    for ((from, _), (to, _)) in graph.wires() {
        inputs.entry(to).or_default().push(from);
    }
    let planned: HashSet<NodeId> = report.steps().map(|step| step.id).collect();
    let mut last = 0;
    for (seq, event) in (0..).zip(events) {
        assert_eq!(event.seq, seq, "a gap");
        assert!(event.t_us >= last, "time runs backwards");
        last = event.t_us;
        let Some(node) = event.node else { continue };
        match &event.kind {
            EventKind::StepStarted { attempt } => {
                assert_eq!(running.insert(node, *attempt).unwrap_or(0) + 1, *attempt);
                for input in inputs.get(&node).into_iter().flatten() {
                    let was = ended.get(input);
                    // What a cached or bypassed node does not pass on is not in the plan.
                    assert!(was.is_some() || !planned.contains(input), "{input:?} is not there");
                }
            }
            EventKind::StepFinished(end) => {
                assert_eq!(ended.insert(node, end.status), None, "two ends");
                let started = running.get(&node).copied().unwrap_or(0);
                assert_eq!(end.attempt, started);
                let record = report.step(node).unwrap();
                assert_eq!((end.status, end.attempt), (record.status, record.attempts));
                assert_eq!(end.bytes, record.bytes, "{node:?} {}", end.status);
                assert_eq!(end.error.is_some(), record.error.is_some());
            }
            _ => assert!(!ended.contains_key(&node), "{event:?} after the end"),
        }
    }
    assert_eq!(ended.keys().copied().collect::<HashSet<_>>(), planned);
    let EventKind::RunFinished(end) = &events.last().unwrap().kind else { unreachable!() };
    assert_eq!(end.status, report.status());
    assert_eq!(&end.totals, report.totals());
    let bytes: u64 = report.steps().map(|step| step.record.bytes).sum();
    assert_eq!(end.totals.bytes, bytes);
    assert_eq!(end.totals.counts.total() as usize, planned.len());
}

proptest! {
    #![proptest_config(seeded(100))]

    #[test]
    fn every_stream_obeys_the_laws(
        seeds in seeds(30),
        faults in prop::collection::vec((any::<u16>(), any::<u8>()), 0..4),
        cancel_at in 0usize..120,
        stops in any::<bool>(),
        threads in 1usize..=2,
    ) {
        let mut sketch = Sketch::grown(&seeds);
        for (at, fault) in faults {
            let at = sketch.pick(at);
            let plot = sketch.0[at].as_mut().unwrap();
            if plot.kind == Kind::Mix && !plot.bypassed {
                plot.fault = [Fault::Fail, Fault::Panic, Fault::Flaky][usize::from(fault) % 3];
            }
        }
        let (graph, _) = sketch.graph();
        let polls = Polls::default();
        let (paper, all) = (Paper::default(), Listener::default());
        let log: Arc<dyn Observer> = Arc::new(JsonLines::new(paper.clone()));
        let executor = Executor::new(Options {
            threads: Some(threads),
            cache: Some(Arc::new(Hoard::default())),
            services: Services::new().with(polls.clone()),
            observers: vec![all.observer()],
            ..Options::default()
        })
        .unwrap();
        // The second run finds what the first one left.
        for round in 0..2 {
            let heard = Listener::default();
            let options = RunOptions {
                // The last one hears last: when it has heard the end, so have the others.
                observers: vec![Arc::clone(&log), heard.observer()],
                on_failure: if stops { OnFailure::Stop } else { OnFailure::Continue },
                ..RunOptions::default()
            };
            polls.trip(cancel_at + round * 1000, &options.token);
            let report = executor.run(&graph, &options).unwrap();
            let events = heard.of(report.run());
            check_laws(&events, &graph, &report);
            // Any state and what follows it is the last state.
            let whole = replay(&events);
            let middle = events.len() / 2;
            let mut state = replay(&events[..=middle.min(events.len() - 1)]);
            for event in &events[middle..] {
                state.apply(event);
            }
            prop_assert_eq!(&state, &whole);
        }
        let written = paper.0.lock().clone();
        let mut runs: HashMap<_, Vec<Event>> = HashMap::new();
        for event in read(&written[..]) {
            let event = event.unwrap();
            runs.entry(event.run).or_default().push(event);
        }
        prop_assert_eq!(runs.len(), 2);
        for (run, events) in runs {
            prop_assert_eq!(replay(&events), replay(&all.of(run)));
        }
    }

    #[test]
    fn whoever_joins_late_learns_the_same_end(seeds in seeds(30), joiners in 1usize..4) {
        let (graph, _) = Sketch::grown(&seeds).graph();
        let (executor, _) = hoarding(2);
        let run = executor.spawn(&graph, &Listener::default().options()).unwrap();
        let late: Vec<_> = (0..joiners)
            .map(|_| {
                let run = run.clone();
                std::thread::spawn(move || {
                    let (mut state, tail) = run.subscribe(16);
                    for received in tail {
                        match received {
                            Received::Event(event) => {
                                assert_eq!(event.seq, state.next_seq, "a gap");
                                assert!(state.apply(&event), "{event:?} came twice");
                            }
                            Received::Lagged(fresh) => state = *fresh,
                        }
                    }
                    state
                })
            })
            .collect();
        // Without an observer the first one to join makes the state from the records.
        let bare = executor.spawn(&graph, &RunOptions::default()).unwrap();
        let (mut state, tail) = bare.subscribe(1 << 12);
        for event in tail.filter_map(Received::event) {
            prop_assert!(state.apply(&event));
        }
        let report = bare.wait();
        for step in report.steps() {
            let end = state.node(step.id).unwrap().finished.as_ref().unwrap();
            prop_assert_eq!(end.status, step.record.status);
            prop_assert_eq!(end.bytes, step.record.bytes);
            let micros = u64::try_from(step.record.duration.as_micros()).unwrap();
            let ran = step.record.attempts > 0;
            prop_assert_eq!(end.duration_us, if ran { micros } else { 0 });
        }
        let report = run.wait();
        let ends: Vec<_> = late.into_iter().map(|thread| thread.join().unwrap()).collect();
        let after = run.subscribe(16).0;
        for state in ends.iter().chain([&after]) {
            assert_same_end(state, &ends[0]);
            prop_assert_eq!(&state.finished.as_ref().unwrap().totals, report.totals());
        }
    }
}

#[test]
fn a_cached_node_of_which_only_the_second_output_is_needed_has_its_end() {
    let (executor, _) = hoarding(1);
    let mut graph = Graph::new();
    let top = graph.add("top", Give::default(), ());
    let (_, second) = graph.add("split", Split::default(), top);
    let last = mix(&mut graph, "last", 0, &[second]);
    executor.run(&graph, &RunOptions::default()).unwrap();
    graph.edit::<crate::toy::Mix>(last.id(), |mix| mix.plus = 1).unwrap();
    let heard = Listener::default();
    let report = executor.run(&graph, &heard.options()).unwrap();
    assert_eq!(report.nodes_that(Status::Cached), ["split"]);
    check_laws(&heard.of(report.run()), &graph, &report);
}

#[test]
fn deadlines_and_retries_obey_the_laws() {
    let heard = Listener::default();
    let (executor, _) = forgetful(2);
    let mut graph = Graph::new();
    let top = graph.add("top", Give::default(), ());
    let flaky = mix(&mut graph, "flaky", 0, &[top]);
    graph.edit::<crate::toy::Mix>(flaky.id(), |mix| mix.fault = Fault::Flaky).unwrap();
    graph
        .settings(flaky.id(), |s| {
            s.retry = Retry { attempts: 3, delay_ms: 1 };
            s.timeout = Some(LONG);
        })
        .unwrap();
    mix(&mut graph, "below", 0, &[flaky]);
    let options = RunOptions { timeout: Some(LONG), ..heard.options() };
    let report = executor.run(&graph, &options).unwrap();
    let heard = heard.of(report.run());
    check_laws(&heard, &graph, &report);
    let starts = heard.iter().filter(|event| {
        event.node == Some(flaky.id()) && matches!(event.kind, EventKind::StepStarted { .. })
    });
    assert_eq!(starts.count(), 3);
}

/// Takes longer than everything before it took, then fails in a way that passes.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Outlast {}

impl Step for Outlast {
    const NAME: &'static str = "outlast";
    type Input = In<Number>;
    type Output = Number;

    fn run(&self, _: In<Number>, ctx: &Context<'_>) -> Result<Number> {
        let (before, here) = (ctx.service::<Instant>()?.elapsed(), Instant::now());
        ctx.service::<Door>()?.arrive();
        while here.elapsed() <= before * 2 {
            std::thread::yield_now();
        }
        Err(Error::transient("not yet"))
    }
}

#[test]
fn a_run_stopped_before_another_attempt_tells_how_long_the_last_one_took() {
    let (began, door) = (Instant::now(), Door::default());
    let services = Services::new().with(began).with(door.clone());
    let options = Options { threads: Some(1), services, ..Options::default() };
    let executor = Executor::new(options).unwrap();
    let mut graph = Graph::new();
    let top = graph.add("top", Give::default(), ());
    let flaky = graph.add("flaky", Outlast {}, top);
    graph.settings(flaky.id(), |s| s.retry = Retry { attempts: 3, delay_ms: 60_000 }).unwrap();
    let heard = Listener::default();
    let run = executor.spawn(&graph, &heard.options()).unwrap();
    door.crowd(1);
    // The only worker comes to another run when the step waits for its next attempt.
    let mut other = Graph::new();
    other.add("other", Give::default(), ());
    assert!(executor.spawn(&other, &RunOptions::default()).unwrap().wait().ok().is_ok());
    run.cancel();
    let report = run.wait();
    assert_eq!(report.status(), RunStatus::Cancelled);
    let record = report.step(flaky.id()).unwrap();
    assert_eq!(record.attempts, 1);
    let started = heard.of(report.run()).into_iter().find_map(|event| {
        let is_start = matches!(event.kind, EventKind::StepStarted { attempt: 1 });
        (is_start && event.node == Some(flaky.id())).then_some(event.t_us)
    });
    // However slow the machine, the step saw to it that it took longer than what came before it.
    let took = record.duration.as_micros();
    assert!(took > started.unwrap().into(), "{took} us is the start, not the length");
}

#[test]
fn a_slow_subscriber_lags_and_is_set_right() {
    let door = Door::default();
    let services = Services::new().with(door.clone());
    let executor =
        Executor::new(Options { threads: Some(2), services, ..Options::default() }).unwrap();
    let mut graph = Graph::new();
    let first = graph.add("first", Hang::default(), ());
    for number in 0..1000 {
        mix(&mut graph, &format!("m{number}"), number, &[first]);
    }
    let run = executor.spawn(&graph, &RunOptions::default()).unwrap();
    door.crowd(1);
    let (mut state, mut tail) = run.subscribe(16);
    door.open();
    let report = run.wait();
    let mut lags = 0;
    while let Some(received) = tail.recv() {
        match received {
            Received::Event(event) => {
                state.apply(&event);
            }
            Received::Lagged(fresh) => {
                lags += 1;
                state = *fresh;
            }
        }
    }
    assert!(lags > 0, "the subscriber took nothing before the run was over");
    assert_eq!(state.open(), 0);
    assert_eq!(state.count_of(Status::Computed), 1001);
    assert_eq!(state.finished.unwrap().status, report.status());
}

#[test]
fn a_value_that_is_handed_in_is_given_and_no_hit() {
    let (executor, _) = hoarding(1);
    let mut graph = Graph::new();
    let number = graph.input::<Number>("number");
    let last = mix(&mut graph, "last", 0, &[number]);
    let bindings = Bindings::new().with("number", Number(4));
    for (served, rate) in [(0, 0.0), (1, 1.0)] {
        let heard = Listener::default();
        let targets = Targets::node(number).and(last);
        let options = RunOptions { bindings: bindings.clone(), targets, ..heard.options() };
        let report = executor.run(&graph, &options).unwrap();
        assert_eq!(report.nodes_that(Status::Given), ["number"]);
        let events = heard.of(report.run());
        check_laws(&events, &graph, &report);
        let EventKind::RunStarted(start) = &events[0].kind else { unreachable!() };
        assert_eq!(start.cached, served);
        let counts = report.totals().counts;
        assert_eq!((counts.given, counts.served()), (1, served));
        assert_eq!(counts.hit_rate(), Some(rate));
        let late = executor.spawn(&graph, &options).unwrap();
        let _ = late.wait();
        let state = late.subscribe(16).0;
        assert_eq!((state.count_of(Status::Given), state.open()), (1, 0));
    }
}

#[test]
fn a_step_that_waits_for_a_thread_is_told_as_queued_before_it_starts() {
    let (executor, _) = forgetful(1);
    let mut graph = Graph::new();
    let top = graph.add("top", Give::default(), ());
    for number in 0..20 {
        mix(&mut graph, &format!("m{number}"), number, &[top]);
    }
    let heard = Listener::default();
    let report = executor.run(&graph, &heard.options()).unwrap();
    let (mut queued, mut started) = (HashSet::new(), HashSet::new());
    for event in heard.of(report.run()) {
        match event.kind {
            EventKind::StepQueued => {
                assert!(!started.contains(&event.node) && queued.insert(event.node));
            }
            EventKind::StepStarted { .. } => assert!(started.insert(event.node)),
            _ => {}
        }
    }
    // The one that its thread goes on with need not wait.
    assert!(queued.len() >= 19, "{} of 20", queued.len());
}

/// Goes through rows, by itself and with whoever helps; so many that it is worth telling of.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Rows {}

impl Step for Rows {
    const NAME: &'static str = "rows";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<Number> {
        ctx.rows(20_000, 1, |_| Ok(()))?;
        // Another pass over as many rows.
        ctx.rows(20_000, 1, |_| Ok(()))?;
        Ok(Number(0))
    }
}

#[test]
fn the_progress_of_rows_never_runs_backwards_and_ends_at_the_end() {
    for threads in [1, 2, 4] {
        let (executor, _) = forgetful(threads);
        let mut graph = Graph::new();
        graph.add("rows", Rows {}, ());
        for _ in 0..5 {
            let heard = Listener::default();
            let report = executor.run(&graph, &heard.options()).unwrap();
            let told = heard.of(report.run()).into_iter().filter_map(|event| match event.kind {
                EventKind::StepProgress(progress) => Some((progress.done, progress.total)),
                _ => None,
            });
            let told: Vec<_> = told.collect();
            let back = told.windows(2).filter(|pair| pair[1].0 <= pair[0].0);
            assert!(back.count() <= 1, "only the second pass begins anew: {told:?}");
            assert_eq!(told.last(), Some(&(20_000, 20_000)));
        }
    }
}

#[test]
fn advice_reaches_people_at_the_end_of_a_run() {
    let (tell, told) = std::sync::mpsc::channel();
    let advice = Advice::default().observer(move |run, advice: &[Warning]| {
        let _ = tell.send((run, advice.to_vec()));
    });
    let executor = Executor::new(Options {
        threads: Some(1),
        observers: vec![Arc::new(advice)],
        ..Options::default()
    })
    .unwrap();
    let mut graph = Graph::new();
    let flaky = mix(&mut graph, "flaky", 0, &[]);
    graph.edit::<crate::toy::Mix>(flaky.id(), |mix| mix.fault = Fault::Flaky).unwrap();
    graph.settings(flaky.id(), |s| s.retry = Retry { attempts: 3, delay_ms: 0 }).unwrap();
    for _ in 0..2 {
        let report = executor.run(&graph, &RunOptions::default()).unwrap();
        assert_eq!(report.nodes_that(Status::Computed), ["flaky"]);
        let (run, advice) = told.recv_timeout(LONG).unwrap();
        assert_eq!(run, report.run());
        let retried = advice.iter().find(|warning| warning.code == "many_retries").unwrap();
        assert!(retried.message.starts_with("`flaky` "), "{retried:?}");
    }
}

/// Refuses to be longer than a parameter allows.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Stretch {
    /// A factor.
    #[schemars(range(min = 0.5, max = 8.0))]
    by: f64,
    /// Bytes that it takes.
    length: u64,
    /// Bytes that it may take.
    most: u64,
}

impl Default for Stretch {
    fn default() -> Self {
        Self { by: 1.0, length: 0, most: 4 }
    }
}

impl Step for Stretch {
    const NAME: &'static str = "stretch";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), _: &Context<'_>) -> Result<Number> {
        let (needed, allowed) = (self.length, self.most);
        if needed > allowed {
            return Err(Error::TooLarge { what: "the stretch".into(), needed, allowed });
        }
        Ok(Number(0))
    }
}

#[test]
fn a_suggested_edit_repairs_the_graph() {
    let (executor, _) = forgetful(1);
    let mut graph = Graph::new();
    let stretch = graph.add("stretch", Stretch { by: -3.5, length: 2, most: 4 }, ());
    let error = executor.run(&graph, &RunOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "nodes.stretch.params.by: found -3.5, expected 0.5 to 8");
    let mut edits = ErrorInfo::from_error(&error, "", "").suggestions.into_iter();
    let edit = edits.next().unwrap().edit.unwrap();
    let Edit::SetParam { node, path, value } = edit else { panic!("{edit:?}") };
    assert_eq!((&*node, &*path, &value), ("stretch", "by", &0.5.into()));
    graph.set_param(graph.find(&node).unwrap(), &path, value).unwrap();
    let report = executor.run(&graph, &RunOptions::default()).unwrap();
    assert_eq!(report.output(stretch).unwrap().0, 0);

    graph.edit::<Stretch>(stretch.id(), |stretch| stretch.length = 9).unwrap();
    let heard = Listener::default();
    let report = executor.run(&graph, &heard.options()).unwrap();
    let events = heard.of(report.run());
    let error = events.iter().find_map(|event| match &event.kind {
        EventKind::StepFinished(end) => end.error.as_deref(),
        _ => None,
    });
    let edit = error.unwrap().suggestions[0].edit.clone().unwrap();
    let Edit::SetParam { path, value, .. } = edit else { panic!("{edit:?}") };
    graph.set_param(stretch.id(), &path, value).unwrap();
    assert!(executor.run(&graph, &RunOptions::default()).unwrap().ok().is_ok());
}

#[test]
fn observers_hear_runs_of_any_size_whole() {
    let (executor, _) = forgetful(2);
    for count in [0, 1, 300] {
        let mut graph = Graph::new();
        for number in 0..count {
            graph.add(format!("t{number}"), Give { number, ..Give::default() }, ());
        }
        let heard = Listener::default();
        let report = executor.run(&graph, &heard.options()).unwrap();
        check_laws(&heard.of(report.run()), &graph, &report);
    }
}

#[test]
fn an_observer_that_is_stuck_or_panics_holds_no_run_up() {
    let door = Door::default();
    let stuck = door.clone();
    comes_back(move || {
        let (executor, _) = forgetful(1);
        let mut graph = Graph::new();
        graph.add("top", Give::default(), ());
        let count = Arc::new(AtomicUsize::new(0));
        let (calls, heard) = (Arc::clone(&count), Listener::default());
        let panics = move |_: &Event| {
            calls.fetch_add(1, Ordering::SeqCst);
            panic!("an observer that panics");
        };
        let observers: Vec<Arc<dyn Observer>> = vec![Arc::new(panics), heard.observer()];
        let options = RunOptions { observers, ..RunOptions::default() };
        let report = executor.run(&graph, &options).unwrap();
        assert!(report.ok().is_ok());
        assert!(heard.of(report.run()).len() >= 3);
        assert!(count.load(Ordering::SeqCst) >= 3, "it hears the rest all the same");
        let observers: Vec<Arc<dyn Observer>> = vec![Arc::new(move |_: &Event| stuck.pass())];
        let options = RunOptions { observers, ..RunOptions::default() };
        assert!(executor.run(&graph, &options).unwrap().ok().is_ok());
        assert!(executor.run(&graph, &RunOptions::default()).unwrap().ok().is_ok());
    });
    door.open();
}
