//! Running a plan: the executor, its options and its reports.
#![doc = include_str!("README.md")]

mod cell;
mod engine;
mod executor;
mod forecast;
mod fused;
mod gate;
mod guarded;
mod handful;
mod handle;
mod inflight;
mod lane;
mod late;
#[cfg(all(test, shuttle))]
mod model;
mod needs;
mod options;
mod profile;
mod queue;
mod report;
mod roster;
mod run;
mod schedule;
mod slots;
mod state;
mod stop;
mod sum;
mod task;
mod tell;
#[cfg(all(test, not(shuttle)))]
mod tests;
mod timer;
mod trust;
mod wait;

pub use executor::Executor;
pub use handle::Run;
pub use options::{Fusion, OnFailure, Options, RunOptions};
pub use report::{Report, StepRecord, StepReport};

#[cfg(feature = "testkit")]
pub(crate) use {
    gate::Needs,
    schedule::{Schedule, WORTH_A_WORKER},
};

/// The scheduler of a plan without a run around it.
#[cfg(feature = "testkit")]
pub(crate) fn schedule_of(plan: &crate::plan::Plan) -> Schedule {
    let state = state::RunState::new(&plan.program, &std::sync::Arc::default(), false);
    Schedule::new(std::sync::Arc::clone(&plan.program), state, None)
}
