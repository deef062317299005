//! Races of the executor that have to be met at one exact point.

use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cell::{Runner, State};
use super::executor::Executor;
use super::options::{Options, RunOptions};
use super::run::{Audience, RunCore};
use super::timer::NOT_HURRIED;
use crate::error::{CancelReason, Result};
use crate::event::Status;
use crate::graph::Graph;
use crate::step::{Context, Step};

/// Longer than any thread of a busy machine stands still.
const LONG: Duration = Duration::from_secs(60);

/// Goes round until it is told to stop.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Obey {
    number: usize,
}

impl Step for Obey {
    const NAME: &'static str = "obey";
    type Input = ();
    type Output = ();

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<()> {
        loop {
            ctx.check()?;
            std::thread::yield_now();
        }
    }
}

fn executor() -> Executor {
    Executor::new(Options { threads: Some(1), ..Options::default() }).expect("one thread")
}

#[test]
fn a_step_that_begins_while_its_run_is_told_to_stop_is_given_up_on() {
    let executor = executor();
    let mut graph = Graph::new();
    graph.add("late", Obey::default(), ());
    let options = RunOptions { grace: Duration::ZERO, ..RunOptions::default() };
    let plan = executor.plan(&graph, &options).unwrap();
    let run = RunCore::new(&executor.engine, plan, &options, Audience::Handle);
    run.begin(&options);
    // This thread is the one that was about to run the step when the cancel came.
    let place = run.schedule.join(&*run).unwrap();
    run.left(run.schedule.leave());
    run.cancel(CancelReason::User);
    let (tell, wait) = std::sync::mpsc::channel();
    executor.engine.timer.at(Instant::now(), NOT_HURRIED, move || {
        let _ = tell.send(());
    });
    wait.recv_timeout(LONG).unwrap();
    let cell = &run.state.cells[place as usize];
    cell.begin(1, 0, Runner::Guest);
    cell.set(State::Running);
    let report = run.wait_until(Instant::now() + LONG).expect("the run ends");
    assert_eq!(report.nodes_that(Status::Failed), ["late"]);
}

#[test]
fn whoever_came_back_is_not_watched_any_more() {
    let executor = executor();
    let mut graph = Graph::new();
    for number in 0..20 {
        graph.add(format!("slow{number}"), Obey { number }, ());
    }
    let options = RunOptions {
        step_timeout: Some(Duration::from_millis(1)),
        grace: LONG * 60,
        ..RunOptions::default()
    };
    let report = executor.run(&graph, &options).unwrap();
    assert_eq!(report.nodes_that(Status::Failed).len(), 20);
    // One may be left: that which looks after what is ready.
    let left = executor.engine.timer.len();
    assert!(left <= 1, "{left}");
}
