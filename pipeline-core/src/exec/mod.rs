//! Running a plan: the executor, its options and its reports.
#![doc = include_str!("README.md")]

mod cell;
mod engine;
mod expect;
mod gate;
mod handful;
mod handle;
mod inflight;
mod late;
#[cfg(all(test, shuttle))]
mod model;
mod report;
mod roster;
mod run;
mod schedule;
mod slots;
mod state;
mod stop;
mod task;
mod timer;
mod trust;
mod wait;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use handle::Run;
pub use report::{Report, StepRecord, StepReport};

#[cfg(feature = "testkit")]
pub(crate) use {gate::Needs, handful::Hand, schedule::Schedule};

/// The scheduler of a plan without a run around it.
#[cfg(feature = "testkit")]
pub(crate) fn schedule_of(plan: &Plan) -> Schedule {
    let state = state::RunState::new(&plan.program, &Arc::default());
    Schedule::new(Arc::clone(&plan.program), state, None)
}

use crate::cache::Cache;
use crate::error::{CancelReason, Error, Fault, FaultCode, Result};
use crate::graph::Graph;
use crate::id::RunId;
use crate::observe::Observer;
use crate::plan::{Bindings, Plan, Planner, Request, Targets};
use crate::step::{CancelToken, Services};
use engine::Engine;
use run::{Audience, RunCore};

/// What an executor is made of.
#[derive(Default)]
pub struct Options {
    /// Worker threads; as many as the process may use if `None`.
    pub threads: Option<usize>,
    /// Threads for steps that wait, started when the first such step comes; 4 if `None`.
    pub blocking_threads: Option<usize>,
    /// Where results are kept. Without one every run computes everything anew.
    pub cache: Option<Arc<dyn Cache>>,
    /// What the program lends to steps.
    pub services: Services,
    /// Who hears every run.
    pub observers: Vec<Arc<dyn Observer>>,
    /// The share of cached results, from 0 to 1, that are computed all the same and compared: to
    /// find a step that is not what it declares, or a cache that does not keep what it was given.
    /// A difference is a warning of the run, `cache_mismatch`, that names the node, and the new
    /// result takes the place of the old one. Results of types without a codec are not compared.
    pub self_check: f64,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("threads", &self.threads)
            .field("blocking_threads", &self.blocking_threads)
            .field("cache", &self.cache)
            .field("services", &self.services)
            .field("observers", &self.observers.len())
            .field("self_check", &self.self_check)
            .finish()
    }
}

/// What a run does when a step fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// Everything that does not depend on the failed step goes on.
    #[default]
    Continue,
    /// The run stops.
    Stop,
}

/// How a graph is to be run.
#[derive(Clone)]
pub struct RunOptions {
    /// What is wanted; the graph's own targets by default.
    pub targets: Targets,
    /// Values for the graph's named inputs.
    pub bindings: Bindings,
    /// What happens when a step fails.
    pub on_failure: OnFailure,
    /// Runs of higher priority get the workers first, at the next step boundary.
    pub priority: u8,
    /// The time the run may take.
    pub timeout: Option<Duration>,
    /// The time one attempt of a step may take, where its node says nothing else.
    pub step_timeout: Option<Duration>,
    /// How long a step that was told to stop may take to return before it is given up on.
    pub grace: Duration,
    /// Bytes that results may keep alive at once.
    pub budget: Option<u64>,
    /// How many units there are of each named resource; those not named are not limited.
    pub resources: HashMap<&'static str, u32>,
    /// Stops the run when it is set.
    pub token: CancelToken,
    /// Who hears this run, besides those who hear every run.
    pub observers: Vec<Arc<dyn Observer>>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            targets: Targets::declared(),
            bindings: Bindings::new(),
            on_failure: OnFailure::Continue,
            priority: 100,
            timeout: None,
            step_timeout: None,
            grace: Duration::from_secs(1),
            budget: None,
            resources: HashMap::new(),
            token: CancelToken::new(),
            observers: Vec::new(),
        }
    }
}

impl std::fmt::Debug for RunOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunOptions")
            .field("targets", &self.targets)
            .field("on_failure", &self.on_failure)
            .field("priority", &self.priority)
            .field("timeout", &self.timeout)
            .field("step_timeout", &self.step_timeout)
            .field("budget", &self.budget)
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}

impl RunOptions {
    /// Options that differ from the default in what is wanted.
    #[must_use]
    pub fn to(targets: impl Into<Targets>) -> Self {
        Self { targets: targets.into(), ..Self::default() }
    }
}

/// Runs plans. One per program is enough; runs share its threads, its cache and whatever they are
/// computing at the same time.
///
/// Dropping it stops its runs.
#[derive(Debug)]
pub struct Executor {
    engine: Arc<Engine>,
}

/// Plans of this many graphs are kept for the next edit.
const PLANNERS: usize = 8;

impl Executor {
    /// An executor with threads of its own.
    ///
    /// # Errors
    /// If the threads cannot be started.
    pub fn new(options: Options) -> Result<Self> {
        let threads = options.threads.unwrap_or_else(|| {
            std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
        });
        let blocking = options.blocking_threads.unwrap_or(4).max(1);
        let engine = Engine::new(threads.max(1), blocking, options)?;
        Ok(Self { engine })
    }

    /// Plans a run without running it.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every fault of the graph and of the options.
    pub fn plan(&self, graph: &Graph, options: &RunOptions) -> Result<Plan> {
        let engine = &self.engine;
        let request = Request {
            targets: &options.targets,
            bindings: &options.bindings,
            cache: engine.cache.as_deref(),
            services: &engine.services,
            sources: &engine.sources,
            identities: &engine.identities,
            costs: &engine.costs,
            recheck: engine.recheck(),
        };
        let mut planner = {
            let mut planners = engine.planners.lock();
            let known = planners.iter().position(|&(id, _)| id == graph.id());
            known.map_or_else(Planner::default, |at| planners.swap_remove(at).1)
        };
        let plan = planner.compile(graph, &request);
        let mut planners = engine.planners.lock();
        planners.push((graph.id(), planner));
        if planners.len() > PLANNERS {
            planners.remove(0);
        }
        drop(planners);
        let plan = plan?;
        check_resources(&plan, options)?;
        Ok(plan)
    }

    /// Plans a graph and runs it on this thread and the workers, until it is over.
    ///
    /// # Errors
    /// As [`plan`](Self::plan). Failures of steps are in the report; [`Report::ok`] turns the first
    /// of them into an error.
    pub fn run(&self, graph: &Graph, options: &RunOptions) -> Result<Arc<Report>> {
        self.run_plan(self.plan(graph, options)?, options)
    }

    /// Plans a graph and runs it on the workers while the caller goes on.
    ///
    /// # Errors
    /// As [`plan`](Self::plan).
    pub fn spawn(&self, graph: &Graph, options: &RunOptions) -> Result<Run> {
        self.spawn_plan(self.plan(graph, options)?, options)
    }

    /// Runs a plan on this thread and the workers, until it is over.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a step needs more of a resource than the options have.
    pub fn run_plan(&self, plan: Plan, options: &RunOptions) -> Result<Arc<Report>> {
        check_resources(&plan, options)?;
        let is_nested = engine::is_inside_step();
        if can_overrun(&plan, options) && !is_nested {
            // A thread whose step is given up on must be one that can be replaced.
            let run = RunCore::new(&self.engine, plan, options, Audience::Nobody);
            return Ok(Run::start(run, options).wait());
        }
        let run = RunCore::new(&self.engine, plan, options, Audience::Drainer);
        run.begin(options);
        run.left(run.schedule.leave());
        if is_nested {
            // The worker that this thread is stays with the run: it may be the only one.
            return Ok(run.see_through());
        }
        let report = self.engine.as_caller(|| run.see_through());
        run.let_observers_finish();
        Ok(report)
    }

    /// Runs a plan on the workers while the caller goes on.
    ///
    /// # Errors
    /// As [`run_plan`](Self::run_plan).
    pub fn spawn_plan(&self, plan: Plan, options: &RunOptions) -> Result<Run> {
        check_resources(&plan, options)?;
        Ok(Run::start(RunCore::new(&self.engine, plan, options, Audience::Handle), options))
    }

    /// Looks at every file again at the next plan, however unchanged it seems.
    pub fn revalidate(&self) {
        self.engine.sources.revalidate();
    }

    /// The service of type `T` that the executor lends to steps.
    ///
    /// # Errors
    /// [`Error::Input`] if there is none.
    pub fn service<T: std::any::Any + Send + Sync>(&self) -> Result<&T> {
        self.engine.services.find()
    }

    /// The number of worker threads.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.engine.threads
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        for run in self.engine.runs() {
            run.cancel(CancelReason::Shutdown);
        }
    }
}

/// Whether a step may be given up on.
fn can_overrun(plan: &Plan, options: &RunOptions) -> bool {
    options.timeout.is_some() || options.step_timeout.is_some() || plan.traits.has_timeouts
}

/// A step that needs more of a resource than there is could never run.
fn check_resources(plan: &Plan, options: &RunOptions) -> Result<()> {
    if !plan.needs_units() || options.resources.is_empty() {
        return Ok(());
    }
    let mut faults = Vec::new();
    for info in &*plan.infos {
        for need in info.body().map_or(&[][..], |body| &body.spec.resources) {
            let total = options.resources.get(need.resource);
            if total.is_some_and(|&total| need.units > total) {
                let path = format!("nodes.{}.resources.{}", info.name(), need.resource);
                let expected = format!("at most {}", total.copied().unwrap_or_default());
                let found = need.units.to_string();
                faults.push(Fault::new(FaultCode::Resource, path, found, expected));
            }
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}

static RUNS: AtomicU64 = AtomicU64::new(0);

fn next_run() -> RunId {
    RunId(RUNS.fetch_add(1, Ordering::Relaxed) + 1)
}
