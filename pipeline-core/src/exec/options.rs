//! What an executor is made of, and how a run is to go.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::cache::Cache;
use crate::observe::Observer;
use crate::plan::{Bindings, Targets};
use crate::step::{CancelToken, Services};

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
    /// A difference is a warning of the run, `cache_mismatch`, that names the node; the run goes on
    /// with the new result, and nothing made from it is kept. Results of types without a codec are
    /// not compared.
    pub self_check: f64,
    /// Whether steps with a tile-wise form run as one.
    pub fusion: Fusion,
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
            .field("fusion", &self.fusion)
            .finish()
    }
}

/// Whether steps with a tile-wise form run as one, so that images between them are never made as a
/// whole. Not one bit of a result depends on it.
///
/// A step before them that is a [`Source`](crate::step::Source) and one after them that is a
/// [`Sink`](crate::step::Sink) run with them: band by band where the steps go from top to bottom,
/// and each with a thread of its own, beside those of the executor, as long as that takes.
///
/// The last step of such a group is told of like any other. The others begin and come further with
/// it and end when it does, each with the time that was its own and no bytes; if one of them fails,
/// the rest are skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Fusion {
    /// Where it pays, and where steps have no time limit each.
    ///
    /// Beside a cache only the result of a group is looked for and kept. So what images are read
    /// from, what takes long, by what was measured so far, and what the steps read that were edited
    /// last are results of their own; steps of which nothing was measured run apart. A step whose
    /// result goes by the digest of its content ([`CutOff`](crate::step::CutOff)) does too, and so
    /// do those below it as long as that digest is not known.
    #[default]
    Auto,
    /// As `Auto`, but beside a cache as without one: an edit of any step of a group makes all of it
    /// again. Right for batches, and for pictures of which memory holds few, and not for an editor.
    Always,
    /// Each step makes its whole result before the next one begins.
    Never,
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
    ///
    /// It is kept if it suffices for one step after the other ([`Plan::peak_bytes`]) and sizes are
    /// known beforehand. Otherwise what fits nowhere runs when nothing else does, and the event
    /// `throttled` tells by how much the budget was passed.
    ///
    /// [`Plan::peak_bytes`]: crate::Plan::peak_bytes
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
