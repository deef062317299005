//! The laws of the bus on one thread: numbers, lag, progress, who may join when.

use std::task::Poll;
use std::time::Duration;

use proptest::prelude::*;

use super::{Bus, Emit, Received, Subscription};
use crate::event::history::{
    Happening, finished, history, node, progress, run_finished, run_started,
};
use crate::event::{Event, EventKind, RunStatus, Snapshot, Status, StepProgress};
use crate::id::{NodeId, RunId};

const RUN: RunId = RunId(1);

fn empty() -> Snapshot {
    Snapshot::new(RUN, 0)
}

/// Everything that is there, without waiting.
fn drain(subscription: &mut Subscription) -> Vec<Received> {
    std::iter::from_fn(|| match subscription.try_recv() {
        Poll::Ready(received) => received,
        Poll::Pending => None,
    })
    .collect()
}

fn drain_events(subscription: &mut Subscription) -> Vec<Event> {
    drain(subscription).into_iter().map(|received| received.event().expect("no lag")).collect()
}

fn emit(bus: &Bus, (t_us, node, kind): &Happening) {
    match (node, kind) {
        (Some(node), EventKind::StepProgress(progress)) => {
            bus.progress(*t_us, *node, progress.clone());
        }
        _ => bus.emit(*t_us, *node, kind.clone()),
    }
}

/// What the executor's records say after some part of the history.
fn seed(history: &[Happening]) -> Snapshot {
    let mut state = empty();
    for (t_us, node, kind) in history {
        if !matches!(kind, EventKind::StepProgress(_)) {
            state.note(*t_us, *node, kind);
        }
    }
    state
}

/// Follows what was received. Fails if anything arrives that is not new.
fn follow(mut state: Snapshot, received: &[Received]) -> Snapshot {
    for received in received {
        match received {
            Received::Event(event) => assert!(state.apply(event), "{event:?} is not new"),
            Received::Lagged(fresh) => state = (**fresh).clone(),
        }
    }
    state
}

proptest! {
    #![proptest_config(crate::event::history::seeded())]

    #[test]
    fn numbers_are_gapless_and_every_node_ends_once(history in history(9)) {
        let bus = Bus::new(RUN, 0);
        let (_, mut subscription) = bus.subscribe(1000, empty);
        history.iter().for_each(|happening| emit(&bus, happening));
        let log = drain_events(&mut subscription);
        prop_assert!(log.iter().map(|event| event.seq).eq(0..log.len() as u64));
        prop_assert!(log.is_sorted_by_key(|event| event.t_us));
        let ends = |node| log.iter().filter(|event| {
            event.node == Some(node) && matches!(event.kind, EventKind::StepFinished(_))
        }).count();
        let EventKind::RunStarted(start) = &log[0].kind else { panic!("{:?} first", log[0]) };
        prop_assert!(start.nodes.iter().all(|info| ends(info.id) == 1));
        let last = matches!(log.last().unwrap().kind, EventKind::RunFinished(_));
        prop_assert!(last);
        prop_assert_eq!(subscription.recv(), None);
    }

    #[test]
    fn whoever_joins_at_any_time_sees_the_same_state(
        history in history(9),
        at in any::<prop::sample::Index>(),
        first in any::<prop::sample::Index>(),
    ) {
        let (at, first) = (at.index(history.len() + 1), first.index(history.len() + 1));
        let bus = Bus::new(RUN, 0);
        let mut subscribers = Vec::new();
        for place in 0..=history.len() {
            if place == at || place == first {
                subscribers.push(bus.subscribe(1000, || seed(&history[..place])));
            }
            history.get(place).into_iter().for_each(|happening| emit(&bus, happening));
        }
        let ends: Vec<_> = subscribers
            .into_iter()
            .map(|(state, mut tail)| follow(state, &drain(&mut tail)))
            .collect();
        prop_assert!(ends.windows(2).all(|pair| pair[0] == pair[1]));
        for state in ends {
            prop_assert_eq!(state.open(), 0);
            prop_assert!(state.finished.is_some());
        }
    }

    #[test]
    fn a_seed_that_knows_more_than_the_stream_doubles_nothing(
        history in history(9),
        at in any::<prop::sample::Index>(),
        ahead in 0usize..9,
    ) {
        // The records run ahead of the emits: a batch is still on its way.
        let at = at.index(history.len());
        let bus = Bus::new(RUN, 0);
        let known = (at + ahead).min(history.len() - 1);
        let (state, mut tail) = bus.subscribe(1000, || seed(&history[..known]));
        let mut batch: Vec<_> = history[at..]
            .iter()
            .map(|(t_us, node, kind)| Emit { t_us: *t_us, node: *node, kind: kind.clone() })
            .collect();
        bus.emit_all(&mut batch);
        let state = follow(state, &drain(&mut tail));
        prop_assert_eq!(state.counts, seed(&history).counts);
    }

    #[test]
    fn a_subscriber_that_lags_always_ends_in_the_true_state(
        history in history(30),
        pauses in prop::collection::vec(0usize..60, 1..20),
    ) {
        let bus = Bus::new(RUN, 0);
        let (live, mut all) = bus.subscribe(10_000, empty);
        let (mut slow, mut tail) = bus.subscribe(16, empty);
        let mut pauses = pauses.into_iter().cycle();
        let mut wait = 0;
        for happening in &history {
            emit(&bus, happening);
            if wait == 0 {
                slow = follow(slow, &drain(&mut tail));
                wait = pauses.next().unwrap();
            }
            wait -= usize::from(wait > 0);
        }
        slow = follow(slow, &drain(&mut tail));
        let live = follow(live, &drain(&mut all));
        // Previews and progress of ended nodes are gone from both.
        prop_assert_eq!(slow, live);
        prop_assert_eq!(tail.try_recv(), Poll::Ready(None));
    }

    #[test]
    fn held_progress_is_out_before_the_end_of_its_node(
        reports in prop::collection::vec((0u64..40_000, 1u64..100), 1..50),
    ) {
        let bus = Bus::new(RUN, 0);
        let (_, mut tail) = bus.subscribe(1000, empty);
        bus.emit(0, None, run_started(1));
        bus.emit(0, Some(node(0)), EventKind::StepStarted { attempt: 1 });
        let mut t_us = 0;
        for (step, done) in &reports {
            t_us += step;
            bus.progress(t_us, node(0), progress(*done, 100));
        }
        bus.emit(t_us, Some(node(0)), finished(Status::Computed));
        let log = drain_events(&mut tail);
        let seen: Vec<_> = log.iter().filter_map(|event| match &event.kind {
            EventKind::StepProgress(progress) => Some((event.t_us, progress.done)),
            _ => None,
        }).collect();
        prop_assert_eq!(seen.last().unwrap().1, reports.iter().map(|report| report.1).max().unwrap());
        prop_assert!(seen.windows(2).all(|pair| pair[0].1 < pair[1].1), "{seen:?} runs backwards");
        // The last one may come early because the node ended.
        let kept = &seen[..seen.len() - 1];
        prop_assert!(kept.windows(2).all(|pair| pair[1].0 - pair[0].0 >= 50_000), "{seen:?}");
        let ended = matches!(log.last().unwrap().kind, EventKind::StepFinished(_));
        prop_assert!(ended);
    }
}

/// What is told of these reports, each a twentieth of a second after the one before.
fn told(reports: &[StepProgress]) -> Vec<StepProgress> {
    let bus = Bus::new(RUN, 0);
    let (_, mut tail) = bus.subscribe(1000, empty);
    bus.emit(0, None, run_started(1));
    bus.emit(0, Some(node(0)), EventKind::StepStarted { attempt: 1 });
    for (report, at) in reports.iter().zip(1..) {
        bus.progress(50_000 * at, node(0), report.clone());
    }
    bus.emit(u64::MAX, Some(node(0)), finished(Status::Computed));
    let told = drain_events(&mut tail).into_iter().filter_map(|event| match event.kind {
        EventKind::StepProgress(progress) => Some(StepProgress { eta_ms: None, ..progress }),
        _ => None,
    });
    told.collect()
}

#[test]
fn reports_that_overtake_each_other_are_told_in_order() {
    let said =
        |done, message: &str| StepProgress { message: Some(message.into()), ..progress(done, 9) };
    let other = |done| StepProgress { unit: "frames".into(), ..progress(done, 9) };
    // Two threads count on and report in another order; the last one counted comes first.
    let overtaken = [2, 1, 5, 3, 9, 8, 7].map(|done| progress(done, 9));
    assert_eq!(told(&overtaken), [2, 5, 9].map(|done| progress(done, 9)));
    let repeated = [progress(3, 9), progress(3, 9), said(3, "smooth"), said(2, "late")];
    assert_eq!(told(&repeated), [progress(3, 9), said(3, "smooth")]);
    // What counts something else begins anew.
    let anew = [progress(9, 9), other(1), progress(2, 8), progress(1, 9)];
    assert_eq!(told(&anew), anew);
    let twice = [progress(0, 9), progress(9, 9), progress(0, 9), progress(9, 9)];
    assert_eq!(told(&twice), twice);
}

#[test]
fn progress_begins_anew_with_another_attempt() {
    let bus = Bus::new(RUN, 0);
    let (_, mut tail) = bus.subscribe(1000, empty);
    bus.emit(0, None, run_started(1));
    for attempt in [1, 2] {
        bus.emit(0, Some(node(0)), EventKind::StepStarted { attempt });
        bus.progress(0, node(0), progress(7 - u64::from(attempt), 9));
    }
    bus.emit(0, Some(node(0)), finished(Status::Computed));
    let told = drain_events(&mut tail).into_iter().filter_map(|event| match event.kind {
        EventKind::StepProgress(progress) => Some(progress.done),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), [6, 5]);
}

#[test]
fn nobody_listening_costs_no_state() {
    let bus = Bus::new(RUN, 0);
    assert!(!bus.is_active());
    bus.emit(0, None, run_started(1));
    let (state, subscription) = bus.subscribe(0, || seed(&[(0, None, run_started(2))]));
    assert!(bus.is_active());
    assert_eq!(state.node_count(), 2, "the seed gives the state, not what was emitted");
    let (_, second) = bus.subscribe(0, || unreachable!("the bus has the state"));
    drop(subscription);
    assert!(bus.is_active());
    drop(second);
    assert!(!bus.is_active());
}

#[test]
fn numbers_go_on_when_the_bus_was_left_alone() {
    let bus = Bus::new(RUN, 0);
    let (_, mut tail) = bus.subscribe(16, empty);
    bus.emit(0, None, run_started(1));
    assert_eq!(drain(&mut tail).len(), 1);
    drop(tail);
    let (state, mut tail) = bus.subscribe(16, || seed(&[(0, None, run_started(1))]));
    assert_eq!(state.next_seq, 1);
    bus.emit(1, Some(node(0)), finished(Status::Cached));
    assert_eq!(drain_events(&mut tail)[0].seq, 1);
}

#[test]
fn a_batch_keeps_its_capacity() {
    let bus = Bus::new(RUN, 0);
    let mut batch = Vec::with_capacity(32);
    for active in [false, true] {
        let subscription = active.then(|| bus.subscribe(16, empty));
        batch.push(Emit { t_us: 0, node: None, kind: run_started(1) });
        bus.emit_all(&mut batch);
        assert_eq!((batch.len(), batch.capacity()), (0, 32));
        drop(subscription);
    }
}

#[test]
fn a_stopped_subscriber_loses_progress_first_and_then_everything_but_the_state() {
    let bus = Bus::new(RUN, 0);
    let (_, mut tail) = bus.subscribe(16, empty);
    bus.emit(0, None, run_started(100));
    let mut t_us = 0;
    for index in 0..5 {
        bus.emit(t_us, Some(node(index)), EventKind::StepStarted { attempt: 1 });
        for done in 0..3 {
            t_us += 100_000;
            bus.progress(t_us, node(index), progress(done, 3));
        }
    }
    // 1 start of the run and 5 of nodes, and as much progress as there was room for.
    for index in 0..5 {
        bus.emit(t_us, Some(node(index)), finished(Status::Computed));
    }
    let seen = drain_events(&mut tail);
    assert_eq!(seen.iter().filter(|event| !event.kind.is_mergeable()).count(), 11);

    for index in 5..100 {
        bus.emit(t_us, Some(node(index)), finished(Status::Cached));
    }
    bus.emit(t_us, None, run_finished(RunStatus::Completed));
    let Some(Received::Lagged(state)) = tail.recv() else { panic!("lagged") };
    assert_eq!((state.open(), state.counts.cached), (0, 95));
    assert!(state.finished.is_some());
    assert_eq!(tail.recv(), None);
}

#[test]
fn newer_progress_takes_the_place_of_older_where_room_is_short() {
    let bus = Bus::new(RUN, 0);
    let (_, mut tail) = bus.subscribe(16, empty);
    bus.emit(0, None, run_started(1));
    bus.emit(0, Some(node(0)), EventKind::StepStarted { attempt: 1 });
    for done in 0..1000 {
        bus.progress(done * 60_000, node(0), progress(done, 1000));
    }
    let seen = drain_events(&mut tail);
    assert!(seen.len() <= 16);
    let EventKind::StepProgress(last) = &seen.last().unwrap().kind else { panic!("progress") };
    assert_eq!(last.done, 999, "the newest stays");
}

#[test]
fn the_time_left_follows_from_the_time_so_far() {
    let bus = Bus::new(RUN, 0);
    let (_, mut tail) = bus.subscribe(16, empty);
    bus.emit(0, None, run_started(1));
    bus.emit(1_000_000, Some(node(0)), EventKind::StepStarted { attempt: 1 });
    for (t_us, done, total) in [(2_000_000, 0, 4), (3_000_000, 1, 4), (4_000_000, 9, 4)] {
        bus.progress(t_us, node(0), progress(done, total));
    }
    let eta = drain_events(&mut tail).into_iter().filter_map(|event| match event.kind {
        EventKind::StepProgress(progress) => Some(progress.eta_ms),
        _ => None,
    });
    assert_eq!(eta.collect::<Vec<_>>(), [None, Some(6000), None]);
}

#[test]
fn progress_that_was_held_goes_out_with_the_next_event_when_its_time_has_come() {
    let bus = Bus::new(RUN, 0);
    let (_, mut tail) = bus.subscribe(16, empty);
    bus.emit(0, None, run_started(2));
    bus.emit(0, Some(node(0)), EventKind::StepStarted { attempt: 1 });
    bus.progress(10, node(0), progress(1, 9));
    bus.progress(20, node(0), progress(2, 9));
    bus.emit(30, Some(node(1)), EventKind::StepQueued);
    bus.emit(90_000, Some(node(1)), EventKind::StepStarted { attempt: 1 });
    let kinds = drain_events(&mut tail).into_iter().map(|event| event.kind.name());
    let expected = [
        "run_started",
        "step_started",
        "step_progress",
        "step_queued",
        "step_progress",
        "step_started",
    ];
    assert_eq!(kinds.collect::<Vec<_>>(), expected);
}

#[test]
fn a_dropped_bus_ends_its_subscriptions() {
    let bus = Bus::new(RUN, 0);
    let (_, mut tail) = bus.subscribe(16, empty);
    bus.emit(0, None, run_started(1));
    drop(bus);
    assert_eq!(drain_events(&mut tail).len(), 1);
    assert_eq!(tail.recv(), None);
}

#[test]
fn who_comes_after_the_end_gets_the_final_state_and_nothing_else() {
    let bus = Bus::new(RUN, 0);
    let history = [(0, None, run_started(0)), (1, None, run_finished(RunStatus::Failed))];
    let (state, mut tail) = bus.subscribe(16, || seed(&history));
    assert!(state.finished.is_some());
    assert_eq!(tail.recv(), None);
    assert!(!bus.is_active());
    bus.emit(2, Some(NodeId::from_index(0)), EventKind::StepQueued);
    assert_eq!(tail.try_recv(), Poll::Ready(None));
}

#[test]
fn a_subscriber_on_its_own_thread_hears_everything() {
    let bus = Bus::new(RUN, 0);
    let (state, tail) = bus.subscribe(20_000, empty);
    let listener = std::thread::spawn(move || {
        let received: Vec<_> = tail.collect();
        follow(state, &received)
    });
    bus.emit(0, None, run_started(4000));
    let mut batch = Vec::new();
    for index in 0..4000 {
        let node = Some(node(index));
        batch.push(Emit { t_us: 0, node, kind: EventKind::StepStarted { attempt: 1 } });
        batch.push(Emit { t_us: 0, node, kind: finished(Status::Computed) });
        if index % 7 == 0 {
            bus.emit_all(&mut batch);
        }
    }
    bus.emit_all(&mut batch);
    bus.emit(0, None, run_finished(RunStatus::Completed));
    let state = listener.join().unwrap();
    assert_eq!((state.open(), state.next_seq), (0, 8002));
}

#[test]
fn waiting_ends_when_its_time_is_up() {
    let bus = Bus::new(RUN, 0);
    let (_, mut tail) = bus.subscribe(16, empty);
    for timeout in [Duration::ZERO, Duration::from_millis(1)] {
        assert_eq!(tail.recv_timeout(timeout), Poll::Pending);
    }
    bus.emit(0, None, run_started(0));
    assert!(matches!(tail.recv_timeout(Duration::MAX), Poll::Ready(Some(Received::Event(_)))));
    assert_eq!(tail.recv_timeout(Duration::from_millis(1)), Poll::Pending);
    drop(bus);
    assert_eq!(tail.recv_timeout(Duration::MAX), Poll::Ready(None));
}

#[test]
fn any_capacity_will_do() {
    let bus = Bus::new(RUN, 0);
    for capacity in [0, usize::MAX] {
        drop(bus.subscribe(capacity, empty));
    }
}
