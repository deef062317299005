//! The executor as programs see it.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::engine::{self, Engine};
use super::handle::Run;
use super::options::{Options, RunOptions};
use super::report::Report;
use super::run::{Audience, RunCore};
use crate::cache::Cache;
use crate::data::release;
use crate::error::{CancelReason, Error, Fault, FaultCode, Result};
use crate::graph::Graph;
use crate::plan::{FileDigests, Fuse, Outline, Plan, Planner, Request, Stop, outline};

/// Runs plans. One per program is enough; runs share its threads, its cache and whatever they are
/// computing at the same time.
///
/// Dropping it stops its runs.
#[derive(Debug)]
pub struct Executor {
    pub(super) engine: Arc<Engine>,
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
    /// [`Error::Invalid`] with every fault of the graph and of the options; [`Error::Cancelled`] if
    /// the token was set or the time was over before all files had been read that results are named
    /// after.
    pub fn plan(&self, graph: &Graph, options: &RunOptions) -> Result<Plan> {
        let stop = stop_of(options);
        let check = || stop.reason().map_or(Ok(()), |reason| Err(Error::Cancelled(reason)));
        check()?;
        let plan = self.plan_until(graph, options, stop)?;
        check()?;
        Ok(plan)
    }

    /// What a run would do and write, whatever is cached and wherever the folder is.
    pub(crate) fn outline(
        &self,
        graph: &Graph,
        options: &RunOptions,
        folder: Option<&Path>,
    ) -> Result<Outline> {
        outline(graph, &self.request(options, stop_of(options)), folder)
    }

    /// What is known of files.
    pub(crate) fn digests(&self) -> Arc<FileDigests> {
        Arc::clone(&self.engine.digests)
    }

    /// As [`plan`](Self::plan), but where files were to be read for longer, what is made from them
    /// has no name: a run that is to stop is planned without them.
    fn plan_until(&self, graph: &Graph, options: &RunOptions, stop: Stop<'_>) -> Result<Plan> {
        let engine = &self.engine;
        let request = self.request(options, stop);
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

    fn request<'a>(&'a self, options: &'a RunOptions, stop: Stop<'a>) -> Request<'a> {
        let engine = &self.engine;
        Request {
            targets: &options.targets,
            bindings: &options.bindings,
            cache: engine.cache.as_ref().map(|cache| cache as &dyn Cache),
            services: &engine.services,
            digests: &engine.digests,
            stop,
            identities: &engine.identities,
            costs: &engine.costs,
            recheck: engine.recheck(),
            fuse: if options.step_timeout.is_none() { engine.fuse() } else { Fuse::Nothing },
            threads: engine.threads,
        }
    }

    /// Plans a graph and runs it on this thread and the workers, until it is over.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every fault of the graph and of the options. Failures of steps are
    /// in the report, and so is a cancel; [`Report::ok`] turns the first of them into an error.
    pub fn run(&self, graph: &Graph, options: &RunOptions) -> Result<Arc<Report>> {
        let (plan, left) = self.plan_run(graph, options)?;
        self.run_plan(plan, left.as_ref().unwrap_or(options))
    }

    /// As [`run`](Self::run), of a graph that is let go of once it is planned, if nobody else has
    /// it.
    pub(crate) fn run_once(&self, graph: Arc<Graph>, options: &RunOptions) -> Result<Arc<Report>> {
        let planned = self.plan_run(&graph, options);
        if Arc::strong_count(&graph) == 1 {
            self.engine.planners.lock().retain(|&(id, _)| id != graph.id());
        }
        drop(graph);
        let (plan, left) = planned?;
        self.run_plan(plan, left.as_ref().unwrap_or(options))
    }

    /// Plans a graph and runs it on the workers while the caller goes on.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn spawn(&self, graph: &Graph, options: &RunOptions) -> Result<Run> {
        let (plan, left) = self.plan_run(graph, options)?;
        self.spawn_plan(plan, left.as_ref().unwrap_or(options))
    }

    /// Plans what is run at once. The second value is what planning leaves of a time limit.
    fn plan_run(&self, graph: &Graph, options: &RunOptions) -> Result<(Plan, Option<RunOptions>)> {
        let began = options.timeout.map(|timeout| (timeout, Instant::now()));
        let plan = self.plan_until(graph, options, stop_of(options))?;
        let left = began.map(|(timeout, began)| RunOptions {
            timeout: Some(timeout.saturating_sub(began.elapsed())),
            ..options.clone()
        });
        Ok((plan, left))
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
        let begin = || {
            run.begin(options);
            run.left(run.schedule.leave());
        };
        if is_nested {
            begin();
            // The worker that this thread is stays with the run: it may be the only one.
            return Ok(run.see_through());
        }
        let report = self.engine.as_caller(|| {
            // From the first step on this thread is one of the workers.
            begin();
            run.see_through()
        });
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
        self.engine.digests.revalidate();
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
        release();
    }
}

/// When planning must not read files any more.
fn stop_of(options: &RunOptions) -> Stop<'_> {
    let at = options.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    Stop { token: Some(&options.token), at }
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
