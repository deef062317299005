//! Running graphs: values, order, failure, retry, cancel.

use pipeline_core::event::{RunStatus, Status};
use pipeline_core::exec::OnFailure;
use pipeline_core::graph::Retry;
use pipeline_core::{Error, EventKind, Executor, Graph, Options, RunOptions, Services};

use crate::toy::{
    Door, Fault, Give, Hang, Journal, Listener, Mix, Number, comes_back, forgetful, hoarding, mix,
};

fn diamond() -> (Graph, [pipeline_core::Node<Number>; 4]) {
    let mut graph = Graph::new();
    let top = graph.add("top", Give { number: 3, name: "top".into() }, ());
    let left = mix(&mut graph, "left", 1, &[top]);
    let right = mix(&mut graph, "right", 2, &[top]);
    let join = mix(&mut graph, "join", 0, &[left, right]);
    (graph, [top, left, right, join])
}

#[test]
fn a_diamond_gives_its_sum() {
    for threads in [1, 2, 4] {
        let (executor, journal) = forgetful(threads);
        let (graph, [.., join]) = diamond();
        let report = executor.run(&graph, &RunOptions::default()).unwrap();
        assert_eq!(report.output(join).unwrap().0, (31 + 3) * 31 + (2 * 31 + 3));
        assert_eq!(report.status(), RunStatus::Completed);
        assert_eq!(journal.take(), ["join", "left", "right", "top"]);
    }
}

#[test]
fn an_edit_runs_its_cone_and_undo_runs_nothing() {
    let (executor, journal) = hoarding(2);
    let (mut graph, [_, left, _, join]) = diamond();
    let options = RunOptions::default();
    let first = executor.run(&graph, &options).unwrap().output(join).unwrap().0;
    journal.take();

    let again = executor.run(&graph, &options).unwrap();
    assert_eq!(journal.take(), [""; 0]);
    assert_eq!(again.nodes_that(Status::Cached), ["join"]);

    graph.edit::<Mix>(left.id(), |mix| mix.plus = 7).unwrap();
    let edited = executor.run(&graph, &options).unwrap();
    assert_eq!(journal.take(), ["join", "left"]);
    assert_ne!(edited.output(join).unwrap().0, first);

    graph.edit::<Mix>(left.id(), |mix| mix.plus = 1).unwrap();
    let undone = executor.run(&graph, &options).unwrap();
    assert_eq!(journal.take(), [""; 0]);
    assert_eq!(undone.output(join).unwrap().0, first);
}

#[test]
fn run_to_a_node_runs_what_it_needs() {
    let (executor, journal) = forgetful(2);
    let (graph, [_, left, ..]) = diamond();
    let report = executor.run(&graph, &RunOptions::to(left)).unwrap();
    assert_eq!(report.output(left).unwrap().0, 31 + 3);
    assert_eq!(journal.take(), ["left", "top"]);
}

#[test]
fn equal_nodes_are_computed_once() {
    let (executor, journal) = forgetful(2);
    let mut graph = Graph::new();
    let top = graph.add("top", Give { number: 3, name: "top".into() }, ());
    let twin = |graph: &mut Graph, node: &str| {
        let step = Mix { plus: 5, name: "twin".into(), ..Mix::default() };
        graph.add(node, step, vec![top])
    };
    let (one, two) = (twin(&mut graph, "one"), twin(&mut graph, "two"));
    let join = mix(&mut graph, "join", 0, &[one, two]);
    let report = executor.run(&graph, &RunOptions::default()).unwrap();
    assert_eq!(journal.take(), ["join", "top", "twin"]);
    assert_eq!(report.nodes_that(Status::Adopted), ["two"]);
    assert_eq!(report.output(join).unwrap().0, (5 * 31 + 3) * 31 + 5 * 31 + 3);
}

#[test]
fn a_failure_skips_exactly_what_depends_on_it() {
    for fault in [Fault::Fail, Fault::Panic] {
        let (executor, _) = hoarding(2);
        let (mut graph, [_, left, right, join]) = diamond();
        graph.target(right);
        graph.target(join);
        graph.edit::<Mix>(left.id(), |mix| mix.fault = fault).unwrap();
        let report = executor.run(&graph, &RunOptions::default()).unwrap();
        assert_eq!(report.status(), RunStatus::Failed);
        assert_eq!(report.nodes_that(Status::Failed), ["left"]);
        assert_eq!(report.nodes_that(Status::Skipped), ["join"]);
        assert!(report.output(right).is_ok());
        let error = report.output(join).unwrap_err().to_string();
        assert_eq!(error, "step `join` (mix): skipped because `left` did not finish");
        let error = report.ok().unwrap_err().to_string();
        assert!(error.starts_with("step `left` (mix): "), "{error}");

        graph.edit::<Mix>(left.id(), |mix| mix.fault = Fault::None).unwrap();
        let repaired = executor.run(&graph, &RunOptions::default()).unwrap();
        assert_eq!(repaired.nodes_that(Status::Computed), ["left", "join"]);
    }
}

#[test]
fn a_transient_failure_is_tried_again() {
    let (executor, journal) = forgetful(1);
    let (mut graph, [_, left, _, join]) = diamond();
    graph.edit::<Mix>(left.id(), |mix| mix.fault = Fault::Flaky).unwrap();
    let report = executor.run(&graph, &RunOptions::default()).unwrap();
    assert_eq!(report.nodes_that(Status::Failed), ["left"]);
    journal.take();

    graph.settings(left.id(), |s| s.retry = Retry { attempts: 3, delay_ms: 1 }).unwrap();
    let report = executor.run(&graph, &RunOptions::default()).unwrap();
    assert_eq!(report.step(left.id()).unwrap().attempts, 3);
    assert!(report.output(join).is_ok());
    assert_eq!(journal.take(), ["join", "left", "left", "left", "right", "top"]);
}

#[test]
fn a_cancelled_run_starts_nothing_more_and_keeps_what_it_has() {
    let (executor, journal) = hoarding(2);
    let (graph, [top, ..]) = diamond();
    executor.run(&graph, &RunOptions::to(top)).unwrap();
    journal.take();
    let options = RunOptions::default();
    options.token.cancel(pipeline_core::CancelReason::User);
    let report = executor.run(&graph, &options).unwrap();
    assert_eq!(report.status(), RunStatus::Cancelled);
    assert_eq!(journal.take(), [""; 0]);
    assert!(matches!(report.ok().unwrap_err(), Error::Node { .. }));
    let report = executor.run(&graph, &RunOptions::default()).unwrap();
    assert_eq!(report.nodes_that(Status::Cached), ["top"]);
}

#[test]
fn stop_on_failure_cancels_the_rest() {
    let (executor, _) = forgetful(1);
    let (mut graph, [_, left, ..]) = diamond();
    graph.edit::<Mix>(left.id(), |mix| mix.fault = Fault::Fail).unwrap();
    let options = RunOptions { on_failure: OnFailure::Stop, ..RunOptions::default() };
    let report = executor.run(&graph, &options).unwrap();
    assert_eq!(report.status(), RunStatus::Failed);
    assert_eq!(report.nodes_that(Status::Skipped), ["join"]);
}

#[test]
fn an_unchanged_digest_spares_the_steps_below() {
    let (executor, journal) = hoarding(2);
    let mut graph = Graph::new();
    let top = graph.add("top", Give { number: 40, name: "top".into() }, ());
    let step = Mix { divide: Some(10), digest: true, name: "coarse".into(), ..Mix::default() };
    let coarse = graph.add("coarse", step, vec![top]);
    let below = mix(&mut graph, "below", 1, &[coarse]);
    let last = mix(&mut graph, "last", 2, &[below]);
    let options = RunOptions::default();
    let first = executor.run(&graph, &options).unwrap().output(last).unwrap().0;
    assert_eq!(journal.take(), ["below", "coarse", "last", "top"]);

    graph.edit::<Give>(top.id(), |give| give.number = 43).unwrap();
    let report = executor.run(&graph, &options).unwrap();
    assert_eq!(journal.take(), ["coarse", "top"]);
    assert_eq!(report.nodes_that(Status::CutOff), ["below", "last"]);
    assert_eq!(report.output(last).unwrap().0, first);

    graph.edit::<Give>(top.id(), |give| give.number = 50).unwrap();
    let report = executor.run(&graph, &options).unwrap();
    assert_eq!(journal.take(), ["below", "coarse", "last", "top"]);
    assert_ne!(report.output(last).unwrap().0, first);
}

#[test]
fn a_step_begins_though_another_of_the_batch_before_it_goes_on() {
    let (door, journal) = (Door::default(), Journal::default());
    let executor = Executor::new(Options {
        threads: Some(2),
        services: Services::new().with(door.clone()).with(journal.clone()),
        ..Options::default()
    })
    .unwrap();
    let mut graph = Graph::new();
    let slow = graph.add("slow", Hang::default(), ());
    let quick = graph.add("quick", Give { number: 3, name: "quick".into() }, ());
    let below = mix(&mut graph, "below", 1, &[quick]);
    let last = mix(&mut graph, "last", 0, &[slow, below]);
    let plan = executor.plan(&graph, &RunOptions::default()).unwrap();
    assert!(plan.batches()[0].contains(&slow.id()) && plan.batches()[1].contains(&below.id()));
    let run = executor.spawn_plan(plan, &RunOptions::default()).unwrap();
    let heard = journal.clone();
    let ran = comes_back(move || {
        let mut ran = Vec::new();
        while !ran.contains(&"below".to_owned()) {
            ran.extend(heard.take_in_order());
            std::thread::yield_now();
        }
        ran
    });
    assert_eq!(ran, ["quick", "below"]);
    door.open();
    assert!(run.wait().output(last).is_ok());
    assert_eq!(journal.take(), ["last"]);
}

#[test]
fn spawned_runs_share_what_they_compute() {
    let (executor, journal) = hoarding(2);
    let (graph, [.., join]) = diamond();
    let runs: Vec<_> =
        (0..8).map(|_| executor.spawn(&graph, &RunOptions::default()).unwrap()).collect();
    for run in runs {
        assert!(run.wait().output(join).is_ok());
    }
    assert_eq!(journal.take(), ["join", "left", "right", "top"]);
}

#[test]
fn the_observers_of_a_run_hear_every_end_once() {
    let (executor, _) = forgetful(2);
    let (graph, _) = diamond();
    for _ in 0..100 {
        let heard = Listener::default();
        let report = executor.spawn(&graph, &heard.options()).unwrap().wait();
        let is_end = |kind: &EventKind| {
            matches!(kind, EventKind::StepFinished(_) | EventKind::RunFinished(_))
        };
        let ends = heard.of(report.run()).into_iter().filter(|event| is_end(&event.kind));
        assert_eq!(ends.count(), 5);
    }
}

#[test]
fn a_bypassed_node_passes_its_input_on() {
    let (executor, journal) = hoarding(1);
    let (mut graph, [top, left, _, join]) = diamond();
    let plain = executor.run(&graph, &RunOptions::default()).unwrap().output(join).unwrap().0;
    journal.take();
    graph.bypass(left.id()).unwrap();
    let report = executor.run(&graph, &RunOptions::default()).unwrap();
    assert_eq!(report.nodes_that(Status::Bypassed), ["left"]);
    assert_eq!(report.output(join).unwrap().0, 3 * 31 + (2 * 31 + 3));
    assert_eq!(journal.take(), ["join"]);
    graph.enable(left.id()).unwrap();
    let report = executor.run(&graph, &RunOptions::default()).unwrap();
    assert_eq!(report.output(join).unwrap().0, plain);
    assert_eq!(journal.take(), [""; 0]);
    let _ = top;
}
