//! What a step declares about itself beside its parameters.

use std::path::PathBuf;
use std::time::Duration;

/// Whether a step's result may be served from the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Equal parameters and equal inputs give equal results: served from the cache.
    #[default]
    Pure,
    /// The result depends on something undeclared, such as a clock or a camera. It is made in
    /// every run, and the digest of its content decides whether its dependents run.
    Volatile,
    /// The step acts on the world, such as saving a file. It is done in every run that asks for
    /// it, never served from the cache, and nothing below it is cached.
    Effect,
}

/// Whether an unchanged result spares the steps below from running again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CutOff {
    /// The result is never digested.
    #[default]
    Never,
    /// The result is digested where the work below is known to cost more than the digest, and the
    /// cache keeps results of its type.
    Auto,
    /// The result is always digested. For small results that often stay the same: a mask, a
    /// threshold, a table.
    Always,
}

/// Which threads run a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lane {
    /// Any thread of the run; for steps that compute.
    #[default]
    Compute,
    /// The executor's own rayon pool; for steps that use rayon inside. On another thread their
    /// loops would end up in rayon's global pool.
    Rayon,
    /// A few threads of their own; for steps that wait for a disk, a network or a device. Such a
    /// step must not open a row loop, unless it is a [`Sink`](super::Sink) that takes its rows from
    /// a group.
    Blocking,
}

/// What a step declares about itself. Asked once when the step enters a graph, never during a run.
///
/// ```
/// use pipeline_core::step::{CutOff, Spec};
///
/// let spec = Spec::default().cut_off(CutOff::Always).needs("gpu", 1);
/// assert_eq!(spec.resources[0].units, 1);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Spec {
    /// Whether results may be served from the cache.
    pub kind: Kind,
    /// Whether an unchanged result spares the steps below.
    pub cut_off: CutOff,
    /// Which threads run the step.
    pub lane: Lane,
    /// Files the result depends on; their content enters the key.
    pub reads: Vec<PathBuf>,
    /// Files that an effect makes or replaces. A batch keeps record of them.
    pub writes: Vec<PathBuf>,
    /// Names of services the result depends on; their identity enters the key.
    pub services: Vec<&'static str>,
    /// Named resource units the step holds while it runs.
    pub resources: Vec<Units>,
    /// Bytes that the step's results are expected to take, if known before it runs.
    pub bytes: Option<u64>,
    /// Time the step is expected to take, if known before it runs.
    pub cost: Option<Duration>,
    /// Whether the step starts random numbers from its [seed](super::Context::seed).
    pub seeded: bool,
    /// Whether a tile-wise step makes each sample from itself alone.
    pub by_sample: bool,
}

/// An amount of a named resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Units {
    /// The name of the resource, as the executor's options give its total.
    pub resource: &'static str,
    /// How many units of it.
    pub units: u32,
}

impl Spec {
    /// The spec of a step that acts on the world.
    #[must_use]
    pub fn effect() -> Self {
        Self { kind: Kind::Effect, ..Self::default() }
    }

    /// The spec of a step whose result depends on something undeclared.
    #[must_use]
    pub fn volatile() -> Self {
        Self { kind: Kind::Volatile, ..Self::default() }
    }

    /// Sets when an unchanged result spares the steps below.
    #[must_use]
    pub fn cut_off(mut self, cut_off: CutOff) -> Self {
        self.cut_off = cut_off;
        self
    }

    /// Runs the step on the executor's rayon pool.
    #[must_use]
    pub fn rayon(mut self) -> Self {
        self.lane = Lane::Rayon;
        self
    }

    /// Runs the step on the threads for waiting.
    #[must_use]
    pub fn blocking(mut self) -> Self {
        self.lane = Lane::Blocking;
        self
    }

    /// Adds a file whose content enters the key.
    #[must_use]
    pub fn reads(mut self, path: impl Into<PathBuf>) -> Self {
        self.reads.push(path.into());
        self
    }

    /// Adds a file that the step makes or replaces.
    #[must_use]
    pub fn writes(mut self, path: impl Into<PathBuf>) -> Self {
        // Most write one file, and a long movie has many of them.
        if self.writes.is_empty() {
            self.writes.reserve_exact(1);
        }
        self.writes.push(path.into());
        self
    }

    /// Adds a service whose identity enters the key.
    #[must_use]
    pub fn uses(mut self, service: &'static str) -> Self {
        self.services.push(service);
        self
    }

    /// Adds units of a named resource.
    #[must_use]
    pub fn needs(mut self, resource: &'static str, units: u32) -> Self {
        self.resources.push(Units { resource, units });
        self
    }

    /// Gives the step a seed for random numbers.
    #[must_use]
    pub fn seeded(mut self) -> Self {
        self.seeded = true;
        self
    }

    /// Says of a [tile-wise](super::Tile) step that it makes each sample but opacity from the same
    /// sample of its only input and from nothing else, everywhere and in every channel in the same
    /// way, and copies opacity.
    ///
    /// Such steps are tables of the 256 samples that an 8-bit image can have, and those that follow
    /// one another are made into one table.
    #[must_use]
    pub fn by_sample(mut self) -> Self {
        self.by_sample = true;
        self
    }

    /// Says how many bytes the results will take.
    #[must_use]
    pub fn bytes(mut self, bytes: u64) -> Self {
        self.bytes = Some(bytes);
        self
    }

    /// Says how long the step will take.
    #[must_use]
    pub fn cost(mut self, cost: Duration) -> Self {
        self.cost = Some(cost);
        self
    }
}
