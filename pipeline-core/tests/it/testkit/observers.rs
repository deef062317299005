//! Observers that bear everything, and some that do not.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use pipeline_core::event::{Event, EventKind, RunStarted, Status};
use pipeline_core::observe::{JsonLines, Log, Metrics, Observer};
use pipeline_core::testkit::{Recorder, assert_ran, assert_started, observer};
use pipeline_core::{Executor, Graph, Options, RunOptions};

use super::refuses;
use crate::toy::{Give, mix};

#[test]
fn our_observers_bear_everything() {
    observer::check(Recorder::new);
    observer::check(Metrics::default);
    observer::check(Log::new);
    observer::check(|| JsonLines::new(Vec::new()));
}

/// What an observer cannot bear.
fn check(bad: fn(&Event) -> bool) {
    observer::check(|| move |event: &Event| assert!(!bad(event), "it cannot bear this"));
}

#[test]
fn each_kind_of_event_comes() {
    let kinds = [
        "run_started",
        "step_queued",
        "step_started",
        "step_progress",
        "step_finished",
        "preview_ready",
        "evicted",
        "throttled",
        "warning",
        "run_finished",
    ];
    for kind in kinds {
        refuses(kind, || {
            observer::check(|| move |event: &Event| assert!(event.kind.name() != kind, "no"));
        });
    }
    for status in Status::ALL {
        let is = move |event: &Event| matches!(&event.kind, EventKind::StepFinished(end) if end.status == status);
        refuses("`step_finished`: panicked", || {
            observer::check(|| move |event: &Event| assert!(!is(event), "no"));
        });
    }
}

#[test]
fn odd_runs_come() {
    refuses("a run without nodes", || {
        check(|event| matches!(&event.kind, EventKind::RunStarted(s) if s.nodes.is_empty()));
    });
    refuses("ten thousand", || {
        check(|event| event.node.is_some_and(|node| node.index() > 20_000));
    });
    refuses("odd names", || check(|event| event.t_us == u64::MAX));
}

/// Expects every number of a run, so it cannot bear a lag.
#[derive(Default)]
struct Strict(AtomicU64);

impl Observer for Strict {
    fn on_event(&self, event: &Event) {
        let next = self.0.fetch_add(1, Ordering::Relaxed);
        assert!(event.seq == next, "a number is missing");
    }
}

/// Expects one run at a time.
#[derive(Default)]
struct OneRun(Mutex<Option<RunStarted>>);

impl Observer for OneRun {
    fn on_event(&self, event: &Event) {
        match &event.kind {
            EventKind::RunStarted(start) => {
                let before = self.0.lock().replace(start.clone());
                assert!(before.is_none(), "one run at a time");
            }
            EventKind::RunFinished(_) => *self.0.lock() = None,
            _ => {}
        }
    }
}

#[test]
fn lags_and_several_runs_at_once_come() {
    refuses("after a lag", || observer::check(Strict::default));
    refuses("among other runs", || observer::check(OneRun::default));
}

#[test]
fn what_ran_is_told_by_the_report_and_by_the_events() {
    let recorder = Recorder::new();
    let options = Options {
        cache: Some(std::sync::Arc::new(pipeline_core::testkit::CountingCache::default())),
        observers: vec![std::sync::Arc::new(recorder.clone())],
        ..Options::default()
    };
    let executor = Executor::new(options).unwrap();
    let mut graph = Graph::new();
    let top = graph.add("top", Give { number: 3, name: "top".into() }, ());
    let below = mix(&mut graph, "below", 1, &[top]);
    let report = executor.run(&graph, &RunOptions::default()).unwrap();
    assert_ran(&report, &["below", "top"]);
    recorder.hear_out(report.run());
    let state = recorder.state(report.run()).unwrap();
    assert!(state.finished.is_some());
    assert_eq!(recorder.kinds(report.run())[0], "run_started");
    assert_started(&recorder.take(), &["below", "top"]);

    graph.edit::<crate::toy::Mix>(below.id(), |mix| mix.plus = 5).unwrap();
    let report = executor.run(&graph, &RunOptions::default()).unwrap();
    assert_ran(&report, &["below"]);
    recorder.hear_out(report.run());
    assert_started(&recorder.events(), &["below"]);
    refuses("expected [\"top\"]", || assert_ran(&report, &["top"]));
    refuses("expected []", || assert_started(&recorder.events(), &[]));
}
