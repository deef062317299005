//! The laws of events and snapshots, on every kind and on random histories.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::history::{
    RUN, finished, history, log_of, node, progress, replay, run_finished, run_started, seeded,
};
use super::*;
use crate::error::{CancelReason, Error, Fault, FaultCode};
use crate::key::Key;

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn a_snapshot_and_the_later_events_are_the_live_state(
        history in history(9),
        at in any::<prop::sample::Index>(),
    ) {
        let log = log_of(history);
        let live = replay(&log);
        let cut = at.index(log.len() + 1);
        let mut state = replay(&log[..cut]);
        // Applying what is already part of the state does no harm.
        log.iter().for_each(|event| { state.apply(event); });
        prop_assert_eq!(&state, &live);
        prop_assert_eq!(live.open(), 0);
        prop_assert_eq!((live.queued, live.running), (0, 0));
    }

    #[test]
    fn a_second_end_of_a_node_changes_nothing(history in history(9)) {
        let log = log_of(history);
        let mut state = Snapshot::new(RUN, 2);
        for event in &log {
            state.apply(event);
            let before = state.clone();
            if !matches!(event.kind, EventKind::StepProgress(_)) {
                prop_assert!(!state.note(event.t_us + 1, event.node, &event.kind));
            }
            prop_assert_eq!(&state, &before);
        }
    }

    #[test]
    fn catching_up_leads_to_the_same_state(
        history in history(9),
        from in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(),
    ) {
        let log = log_of(history);
        let (a, b) = (from.index(log.len() + 1), to.index(log.len() + 1));
        let mut state = replay(&log[..a.min(b)]);
        let wanted = replay(&log[..a.max(b)]);
        let missed = wanted.catch_up(&state);
        prop_assert!(missed.len() <= a.max(b) - a.min(b), "{} are too many", missed.len());
        let heard_nothing = Snapshot::new(RUN, 2);
        prop_assert_eq!(wanted.catch_up(&heard_nothing).len() as u64, wanted.events_told());
        for event in &missed {
            prop_assert!(state.apply(event), "{event:?} changes nothing");
        }
        prop_assert!(state.next_seq <= wanted.next_seq);
        prop_assert_eq!(state.counts, wanted.counts);
        prop_assert_eq!(&state.finished, &wanted.finished);
        for ((info, mine), (_, theirs)) in state.nodes().zip(wanted.nodes()) {
            prop_assert_eq!(mine.status(), theirs.status(), "{}", info.name);
            prop_assert_eq!(&mine.progress, &theirs.progress);
            prop_assert_eq!(&mine.finished, &theirs.finished);
        }
    }

    #[test]
    fn events_and_snapshots_survive_json(history in history(5)) {
        let log = log_of(history);
        for event in &log {
            let text = serde_json::to_string(event).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Event>(&text).unwrap(), event);
        }
        let state = replay(&log[..log.len() - 1]);
        let text = serde_json::to_string(&state).unwrap();
        prop_assert_eq!(serde_json::from_str::<Snapshot>(&text).unwrap(), state);
    }
}

fn warning() -> Warning {
    let value = serde_json::json!({"sigma": 1.5, "sizes": [3, 5]});
    let edit = Edit::SetParam { node: "blur".into(), path: "kernel".into(), value };
    Warning {
        code: "slow_step".into(),
        message: "`blur` took 9 s".into(),
        suggestions: vec![Suggestion::edit("less", edit), Suggestion::text("wait")],
    }
}

fn rich_end() -> Finished {
    let error = Error::input("the image", "f32", "u8");
    Finished {
        tier: Some(Tier::Disk),
        attempt: 3,
        duration_us: 4_000_000_000_000,
        thread_us: u64::MAX,
        bytes: 5,
        pixels: 6,
        key: Some(Key::from_bytes([9; 32])),
        group: Some(1),
        because: Some(NodeId::from_index(4)),
        error: Some(Box::new(ErrorInfo::from_error(&error, "blur", "gaussian_blur"))),
        ..Finished::new(Status::Failed)
    }
}

#[test]
fn every_kind_survives_json() {
    let key = Key::from_bytes([1; 32]);
    let totals = Totals {
        counts: Counts { computed: 3, failed: 1, ..Counts::default() },
        duration_us: 5,
        peak_concurrency: 2,
        ..Totals::default()
    };
    let kinds = [
        run_started(2),
        EventKind::StepQueued,
        EventKind::StepStarted { attempt: 2 },
        EventKind::StepProgress(StepProgress {
            message: Some("half".into()),
            eta_ms: Some(12),
            ..progress(1, 2)
        }),
        EventKind::StepFinished(rich_end()),
        EventKind::PreviewReady(Box::new(Preview { key, width: 3, height: 2, approximate: true })),
        EventKind::Evicted { key, bytes: 7, tier: Tier::Memory },
        EventKind::Throttled { reason: Throttle::Memory, from: 9, to: 4 },
        EventKind::Warning(Box::new(warning())),
        EventKind::RunFinished(Box::new(RunFinished { status: RunStatus::TimedOut, totals })),
    ];
    for (kind, seq) in kinds.into_iter().zip(0..) {
        let node = (seq % 2 == 0).then_some(NodeId::from_index(1));
        let event = Event { seq, run: RunId(1), revision: 3, t_us: 44, node, kind };
        let json = serde_json::to_value(&event).unwrap();
        assert_eq!(json["kind"], event.kind.name());
        assert_eq!(json["seq"], seq);
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event, "{text}");
    }
}

#[test]
fn an_event_is_a_flat_object() {
    let kind = EventKind::StepStarted { attempt: 1 };
    let node = Some(NodeId::from_index(3));
    let event = Event { seq: 7, run: RunId(1), revision: 0, t_us: 1250, node, kind };
    assert_eq!(
        serde_json::to_string(&event).unwrap(),
        r#"{"seq":7,"run":1,"revision":0,"t_us":1250,"node":3,"kind":"step_started","attempt":1}"#
    );
}

#[test]
fn events_are_small() {
    // Two thirds are the key and the costs of a finished step, which must not be allocated.
    assert!(size_of::<Event>() <= 136, "{}", size_of::<Event>());
}

#[test]
fn a_snapshot_is_copied_without_its_nodes() {
    let mut state = Snapshot::new(RunId(1), 0);
    state.note(0, None, &run_started(1000));
    let copy = state.clone();
    assert!(state.note(5, Some(node(999)), &finished(Status::Cached)));
    assert_eq!(copy.open(), 1000);
    assert_eq!(state.open(), 999);
    assert_eq!(state.node(node(999)).unwrap().status(), NodeStatus::Finished(Status::Cached));
    assert_eq!(copy.node(node(999)).unwrap().status(), NodeStatus::Pending);
}

#[test]
fn what_is_not_in_the_plan_changes_nothing() {
    let mut state = Snapshot::new(RunId(1), 0);
    assert!(!state.note(0, Some(node(0)), &EventKind::StepQueued), "the run has not started");
    state.note(0, None, &run_started(2));
    for stranger in [NodeId::from_index(0), NodeId::from_index(u32::MAX)] {
        assert!(!state.note(1, Some(stranger), &finished(Status::Computed)));
    }
    assert!(!state.note(1, None, &finished(Status::Computed)), "of no node");
    assert!(state.note(2, None, &run_finished(RunStatus::Cancelled)));
    assert!(!state.note(3, Some(node(0)), &finished(Status::Computed)), "the run has ended");
}

#[test]
fn a_log_with_huge_ids_needs_no_huge_table() {
    let far =
        PlannedNode { id: NodeId::from_index(u32::MAX), name: "far".into(), step: "gain".into() };
    let start = RunStarted {
        nodes: Arc::from([far]),
        targets: Arc::default(),
        cached: 0,
        estimate_us: None,
    };
    let mut state = Snapshot::new(RunId(1), 0);
    state.note(0, None, &EventKind::RunStarted(start));
    let far = Some(NodeId::from_index(u32::MAX));
    assert!(state.note(1, far, &finished(Status::Computed)));
}

#[test]
fn warnings_are_kept_within_bounds() {
    let mut state = Snapshot::new(RunId(1), 0);
    for _ in 0..1000 {
        state.note(0, None, &EventKind::Warning(Box::new(warning())));
    }
    assert_eq!((state.warnings.len(), state.warning_count), (64, 1000));
}

#[test]
fn every_error_comes_with_a_suggestion() {
    let fault = |code, nearest: Option<&str>| Fault {
        code,
        path: "nodes.blur.params.sigma".into(),
        found: "-1.5".into(),
        expected: "more than 0".into(),
        nearest: nearest.map(Into::into),
    };
    let source = || std::io::Error::other("disk on fire").into();
    let cancelled = [
        CancelReason::User,
        CancelReason::Superseded,
        CancelReason::Timeout,
        CancelReason::PeerFailed,
        CancelReason::Shutdown,
    ];
    let mut errors = vec![
        Error::Invalid(vec![]),
        Error::Invalid(vec![fault(FaultCode::Range, None), fault(FaultCode::Cycle, None)]),
        Error::Invalid(vec![fault(FaultCode::UnknownStep, Some("gain"))]),
        Error::input("the image", "f32", "u8"),
        Error::failed("no"),
        Error::transient("busy"),
        Error::caused("no", "because"),
        Error::File { path: "a.png".into(), action: "read", source: source() },
        Error::File { path: "a.png".into(), action: "invent", source: source() },
        Error::TooLarge { what: "the image".into(), needed: 100, allowed: 20 },
        Error::TooLarge { what: "the image".into(), needed: u64::MAX, allowed: 0 },
        Error::TimedOut { after: Duration::from_secs(2), still_running: true },
        Error::Panicked("index 9".into()),
        Error::Skipped { because: "open".into() },
        Error::Unknown { what: "input", name: "a".into(), nearest: None },
        Error::Unknown { what: "input", name: "a".into(), nearest: Some("b".into()) },
    ];
    errors.extend(cancelled.map(Error::Cancelled));
    for error in errors {
        let info = ErrorInfo::from_error(&error, "blur", "gaussian_blur");
        assert!(!info.suggestions.is_empty(), "{info:?}");
        assert_eq!((&*info.code, &info.message), (error.code(), &error.to_string()));
        let text = serde_json::to_string(&info).unwrap();
        assert_eq!(serde_json::from_str::<ErrorInfo>(&text).unwrap(), info);
        let inner = Error::Node {
            node: "blur".into(),
            step: "gaussian_blur".into(),
            source: Arc::new(error),
        };
        assert_eq!(ErrorInfo::from_error(&inner, "other", "other"), info);
    }
}

#[test]
fn suggestions_are_edits_where_possible() {
    let edits = |error: &Error| -> Vec<Edit> {
        let info = ErrorInfo::from_error(error, "blur", "gaussian_blur");
        info.suggestions.into_iter().filter_map(|suggestion| suggestion.edit).collect()
    };
    let fault = |path: &str, nearest: Option<&str>| Fault {
        code: FaultCode::Range,
        path: path.into(),
        found: "-1.5".into(),
        expected: "0.5 to 9".into(),
        nearest: nearest.map(Into::into),
    };
    let out_of_range = Error::Invalid(vec![
        fault("nodes.soft.params.kernel.sigma", Some("0.5")),
        fault("params.sigma", Some("9")),
        fault("nodes.soft.params.sigmas[3]", Some("0.5")),
        fault("nodes.soft.params.sigma", None),
    ]);
    let set = |node: &str, path: &str, value: serde_json::Value| Edit::SetParam {
        node: node.into(),
        path: path.into(),
        value,
    };
    let expected = [set("soft", "kernel.sigma", 0.5.into()), set("blur", "sigma", 9.into())];
    assert_eq!(edits(&out_of_range), expected);
    let bypass = [Edit::Bypass { node: "blur".into() }];
    assert_eq!(edits(&Error::Panicked("x".into())), bypass);
    let late = Error::TimedOut { after: Duration::from_millis(50), still_running: false };
    let raise = Edit::RaiseTimeout { node: Some("blur".into()), millis: 100 };
    assert_eq!(edits(&late), [raise]);
}

#[test]
fn a_size_over_the_limit_of_a_parameter_suggests_to_raise_it() {
    let edits = |needed, params: serde_json::Value| -> Vec<Edit> {
        let error = Error::TooLarge { what: "the picture".into(), needed, allowed: 20 };
        let info = ErrorInfo::of_step(&error, "photo", "open", &|| params.clone());
        assert!(!info.suggestions.is_empty());
        info.suggestions.into_iter().filter_map(|suggestion| suggestion.edit).collect()
    };
    let params = serde_json::json!({"path": "a.png", "max_side": 99, "max_bytes": 20});
    let (node, path) = ("photo".to_owned(), "max_bytes".to_owned());
    let raise = Edit::SetParam { node, path, value: 100.into() };
    assert_eq!(edits(100, params.clone()), [raise]);
    assert_eq!(edits(u64::MAX, params), [], "it fits nowhere");
    assert_eq!(edits(100, serde_json::json!({"a": 20, "b": 20})), [], "which one is not known");
    assert_eq!(edits(100, serde_json::Value::Null), []);
}
