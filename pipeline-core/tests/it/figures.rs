//! What a run says of its time: what it will take, what it took, what it waits for.

use std::time::{Duration, Instant};

use pipeline_core::data::In;
use pipeline_core::event::EventKind;
use pipeline_core::graph::Retry;
use pipeline_core::{Context, Executor, Graph, Options, Result, Services, Spec, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::toy::{Door, Fault, Listener, Mix, Number, comes_back, forgetful, mix};

#[test]
fn the_pause_before_another_attempt_is_kept_and_doubles() {
    let (executor, _) = forgetful(1);
    let mut graph = Graph::new();
    let flaky = mix(&mut graph, "flaky", 0, &[]);
    graph.edit::<Mix>(flaky.id(), |mix| mix.fault = Fault::Flaky).unwrap();
    graph.settings(flaky.id(), |s| s.retry = Retry { attempts: 3, delay_ms: 10 }).unwrap();
    let heard = Listener::default();
    let report = executor.run(&graph, &heard.options()).unwrap();
    let starts = heard.of(report.run()).into_iter().filter_map(|event| match event.kind {
        EventKind::StepStarted { .. } => Some(event.t_us),
        _ => None,
    });
    let starts: Vec<_> = starts.collect();
    assert_eq!(starts.len(), 3);
    // However slow the machine, no attempt comes early.
    assert!(starts[1] - starts[0] >= 10_000 && starts[2] - starts[1] >= 20_000, "{starts:?}");
}

/// Says what it costs, and goes round for at least a tenth of that, once as many others are there.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Toil {
    number: i64,
    others: usize,
}

impl Step for Toil {
    const NAME: &'static str = "toil";
    type Input = Vec<In<Number>>;
    type Output = Number;

    fn run(&self, _: Vec<In<Number>>, ctx: &Context<'_>) -> Result<Number> {
        let (door, began) = (ctx.service::<Door>()?, Instant::now());
        door.arrive();
        door.crowd(self.others);
        while began.elapsed() < Duration::from_millis(1) {
            std::thread::yield_now();
        }
        Ok(Number(self.number))
    }

    fn spec(&self) -> Spec {
        Spec::default().cost(Duration::from_millis(10))
    }
}

#[test]
fn a_run_tells_what_it_will_take_what_it_took_and_how_much_went_on_at_once() {
    // Two beside each other and one below, on two threads; then one after the other on one.
    for (threads, together, estimate) in [(2, 2, 20_000), (1, 0, 30_000)] {
        let services = Services::new().with(Door::default());
        let executor =
            Executor::new(Options { threads: Some(threads), services, ..Options::default() });
        let executor = executor.unwrap();
        let mut graph = Graph::new();
        let pair = [1, 2].map(|number| {
            graph.add(format!("top{number}"), Toil { number, others: together }, vec![])
        });
        graph.add("join", Toil { number: 3, others: 0 }, pair.to_vec());
        let heard = Listener::default();
        let report = comes_back({
            let options = heard.options();
            move || executor.spawn(&graph, &options).unwrap().wait()
        });
        let events = heard.of(report.run());
        let EventKind::RunStarted(start) = &events[0].kind else { unreachable!() };
        assert_eq!(start.estimate_us, Some(estimate));
        let ends = events.iter().filter_map(|event| match &event.kind {
            EventKind::StepFinished(end) => Some(end),
            _ => None,
        });
        assert!(ends.clone().all(|end| end.duration_us >= 1000 && end.thread_us >= 1000));
        let totals = report.totals();
        assert!(totals.thread_us >= ends.map(|end| end.thread_us).sum(), "{totals:?}");
        assert!(totals.duration_us >= if together > 0 { 2000 } else { 3000 }, "{totals:?}");
        assert!(totals.peak_concurrency as usize >= together.max(1), "{totals:?}");
    }
}
