//! What came of a run.

use std::collections::HashMap;
use std::fmt::{Display, Formatter};
use std::sync::Arc;
use std::time::Duration;

use super::cell::State;
use super::state::RunState;
use crate::data::{Data, In, Value};
use crate::error::{Error, Result};
use crate::event::{RunStatus, Status, Totals};
use crate::id::{NodeId, RunId};
use crate::plan::Plan;
use crate::step::Node;
use crate::sync::atomic::Ordering;

/// What came of a run: the targets' values, and how each node ended.
///
/// A report is there whatever happened: steps that finished before a failure or a cancel have
/// their status, times and, if they are targets, their values in it.
#[derive(Debug)]
pub struct Report {
    run: RunId,
    plan: Plan,
    status: RunStatus,
    totals: Totals,
    state: Arc<RunState>,
    failures: HashMap<u32, Arc<Error>>,
    values: Vec<Option<Value>>,
}

/// How one node ended.
#[derive(Debug, Clone)]
pub struct StepRecord {
    /// How it ended.
    pub status: Status,
    /// From its start to its end; zero if it did not run.
    pub duration: Duration,
    /// What threads spent inside the step, waiting included, added up.
    pub thread_time: Duration,
    /// Bytes of its results.
    pub bytes: u64,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it has no result.
    pub error: Option<Arc<Error>>,
}

/// A node of a report: what it is and how it ended.
#[derive(Debug, Clone)]
pub struct StepReport<'a> {
    /// The node.
    pub id: NodeId,
    /// Its name.
    pub node: &'a str,
    /// The name of its step.
    pub step: &'static str,
    /// How it ended.
    pub record: StepRecord,
}

impl Report {
    pub(super) fn new(
        run: RunId,
        plan: Plan,
        status: RunStatus,
        totals: Totals,
        state: Arc<RunState>,
        failures: HashMap<u32, Arc<Error>>,
        values: Vec<Option<Value>>,
    ) -> Self {
        Self { run, plan, status, totals, state, failures, values }
    }

    /// The run.
    #[must_use]
    pub const fn run(&self) -> RunId {
        self.run
    }

    /// How the run ended.
    #[must_use]
    pub const fn status(&self) -> RunStatus {
        self.status
    }

    /// Counts, times and bytes of the whole run.
    #[must_use]
    pub const fn totals(&self) -> &Totals {
        &self.totals
    }

    /// The plan that was run.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Every node of the plan, producers before consumers.
    pub fn steps(&self) -> impl Iterator<Item = StepReport<'_>> {
        let ids = (0u32..).zip(&self.plan.program.shape.ids);
        ids.zip(&*self.plan.infos).map(|((place, &id), info)| StepReport {
            id,
            node: info.name(),
            step: info.step_name(),
            record: self.record(place),
        })
    }

    /// How one node ended; `None` if it was not part of the run.
    #[must_use]
    pub fn step(&self, node: NodeId) -> Option<StepRecord> {
        let mut places = (0u32..).zip(&self.plan.program.shape.ids);
        places.find(|&(_, &id)| id == node).map(|(place, _)| self.record(place))
    }

    fn record(&self, place: u32) -> StepRecord {
        let cell = &self.state.cells[place as usize];
        let status = match cell.state() {
            State::Ended(status) => status,
            State::Pending | State::Running => Status::Cancelled,
        };
        let attempts = cell.attempts.load(Ordering::Relaxed).into();
        let nanos = if attempts == 0 { 0 } else { cell.nanos.load(Ordering::Relaxed) };
        StepRecord {
            status,
            duration: Duration::from_nanos(nanos),
            thread_time: Duration::from_nanos(cell.thread_nanos()),
            bytes: cell.bytes.load(Ordering::Relaxed),
            attempts,
            error: self.failures.get(&place).map(Arc::clone),
        }
    }

    /// The names of the nodes that ended in this way, producers first.
    #[must_use]
    pub fn nodes_that(&self, status: Status) -> Vec<&str> {
        self.steps().filter(|step| step.record.status == status).map(|step| step.node).collect()
    }

    /// The value of a target.
    ///
    /// # Errors
    /// What kept the target from being computed; [`Error::Unknown`] if the node was no target of
    /// the run.
    pub fn output<T: Data>(&self, node: Node<T>) -> Result<In<T>> {
        let value = self.value(node.id(), node.port())?.clone();
        value.downcast().map_err(|other| {
            Error::input("the value of the target", other.data_type().name, T::NAME)
        })
    }

    /// The value of a target whose type is not known.
    ///
    /// # Errors
    /// As [`output`](Self::output).
    pub fn value(&self, node: NodeId, port: u16) -> Result<&Value> {
        let shape = &self.plan.program.shape;
        let wanted = self.plan.program.targets.iter().position(|&slot| {
            shape.ids[shape.producer(slot) as usize] == node && shape.port(slot) == port
        });
        let Some(at) = wanted else {
            let name = self.name(node).unwrap_or_default().to_owned();
            return Err(Error::Unknown { what: "target", name, nearest: None });
        };
        self.values[at].as_ref().ok_or_else(|| self.why(node))
    }

    /// Nothing if every target has its value.
    ///
    /// # Errors
    /// The first failure in running order, or why the run stopped.
    pub fn ok(&self) -> Result<()> {
        if self.values.iter().all(Option::is_some) {
            return Ok(());
        }
        let failed = self.steps().find(|step| step.record.status == Status::Failed);
        let missing = self.steps().find(|step| !step.record.status.is_ok());
        match failed.or(missing) {
            Some(step) => Err(self.why(step.id)),
            None => Err(Error::failed("the run ended without a result")),
        }
    }

    /// The failures, in running order.
    pub fn failures(&self) -> impl Iterator<Item = &Arc<Error>> {
        let mut places: Vec<u32> = self.failures.keys().copied().collect();
        places.sort_unstable();
        let failed = |&place: &u32| self.record(place).status == Status::Failed;
        places.into_iter().filter(failed).filter_map(|place| self.failures.get(&place))
    }

    fn name(&self, node: NodeId) -> Option<&str> {
        self.steps().find(|step| step.id == node).map(|step| step.node)
    }

    fn why(&self, node: NodeId) -> Error {
        let Some(step) = self.steps().find(|step| step.id == node) else {
            return Error::failed("the node was not part of the run");
        };
        match &step.record.error {
            Some(error) => match &**error {
                Error::Node { node, step, source } => Error::Node {
                    node: node.clone(),
                    step: step.clone(),
                    source: Arc::clone(source),
                },
                _ => Error::Node {
                    node: step.node.to_owned(),
                    step: step.step.to_owned(),
                    source: Arc::clone(error),
                },
            },
            None => Error::failed(format!("`{}` has no result", step.node)),
        }
    }
}

/// A table with one line per node.
impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let width = self.steps().map(|step| step.node.chars().count()).max().unwrap_or(4).max(4);
        writeln!(
            f,
            "{:width$}  {:16}  {:9}  {:>10}  {:>10}",
            "node", "step", "status", "time", "bytes"
        )?;
        for step in self.steps() {
            let record = &step.record;
            let time = if record.attempts == 0 {
                "-".to_owned()
            } else {
                format!("{:.1} ms", record.duration.as_secs_f64() * 1e3)
            };
            let status = record.status.name();
            writeln!(
                f,
                "{:width$}  {:16}  {status:9}  {time:>10}  {:>10}",
                step.node, step.step, record.bytes
            )?;
        }
        let time = Duration::from_micros(self.totals.duration_us).as_secs_f64() * 1e3;
        write!(f, "{}: {} in {time:.1} ms", self.run, self.status)
    }
}
