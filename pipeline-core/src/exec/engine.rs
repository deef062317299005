//! The threads of an executor, and what its runs share.
//!
//! Workers are jobs on the executor's own rayon pool, at most one per thread. A worker takes the
//! most urgent run that has something queued, drains it, helps open row loops, and goes home when
//! there is neither. It is called back when a run queues more than a few microseconds of work:
//! waking a thread costs about as much as some hundred empty steps.

use std::cell::Cell;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use rayon::ThreadPool;

use super::Options;
use super::cell::Runner;
use super::inflight::InFlight;
use super::run::RunCore;
use super::state::Spare;
use super::timer::Timer;
use crate::cache::Cache;
use crate::error::{Error, Result};
use crate::observe::{Observer, Pump};
use crate::plan::{Costs, Identities, Planner, Sources};
use crate::step::{Crew, Lane, Services};
use crate::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};

thread_local! {
    /// How many steps are open on this thread.
    static OPEN: Cell<u32> = const { Cell::new(0) };
    /// What this thread is to the executor.
    static RUNNER: Cell<Runner> = const { Cell::new(Runner::Other) };
}

/// What this thread is to the executor.
pub(super) fn runner() -> Runner {
    RUNNER.get()
}

/// Marks this thread as being inside a step.
pub(super) fn inside_step<R>(f: impl FnOnce() -> R) -> R {
    struct Reset;
    impl Drop for Reset {
        fn drop(&mut self) {
            OPEN.set(OPEN.get() - 1);
        }
    }
    OPEN.set(OPEN.get() + 1);
    let _reset = Reset;
    f()
}

/// Whether this thread is inside a step.
pub(super) fn is_inside_step() -> bool {
    OPEN.get() > 0
}

/// A run that waits for another run to finish the same computation.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) run: Arc<RunCore>,
    pub(super) place: u32,
}

pub(super) struct Engine {
    pool: Mutex<Arc<ThreadPool>>,
    /// The threads that may wait.
    waiting: Mutex<Option<Arc<ThreadPool>>>,
    /// Whether a worker came to a thread that was inside a step, and went again.
    declined: AtomicBool,
    pub(super) threads: usize,
    blocking_threads: usize,
    workers: AtomicUsize,
    /// Callers that drain their own run and so take a processor.
    callers: AtomicUsize,
    /// Workers that will not come back from a step.
    stuck: AtomicUsize,
    runs: Mutex<Vec<Arc<RunCore>>>,
    /// The highest priority among runs that have something queued.
    urgent: AtomicU8,
    pub(super) spare: Arc<Spare>,
    pub(super) crew: Crew,
    pub(super) timer: Timer,
    pub(super) inflight: InFlight<Follower>,
    pub(super) cache: Option<Arc<dyn Cache>>,
    pub(super) services: Services,
    pub(super) observers: Vec<Arc<dyn Observer>>,
    pub(super) pump: Pump,
    pub(super) sources: Sources,
    pub(super) identities: Identities,
    pub(super) costs: Costs,
    pub(super) planners: Mutex<Vec<(u64, Planner)>>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("threads", &self.threads)
            .field("workers", &self.workers)
            .finish_non_exhaustive()
    }
}

fn build_pool(threads: usize, name: &'static str) -> Result<Arc<ThreadPool>> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(move |number| format!("{name}-{number}"))
        .build()
        .map(Arc::new)
        .map_err(|error| Error::caused(format!("{threads} threads cannot be started"), error))
}

impl Engine {
    pub(super) fn new(
        threads: usize,
        blocking_threads: usize,
        options: Options,
    ) -> Result<Arc<Self>> {
        let pool = build_pool(threads, "pipeline")?;
        Ok(Arc::new_cyclic(|engine: &Weak<Self>| {
            let engine = Weak::clone(engine);
            Self {
                pool: Mutex::new(pool),
                waiting: Mutex::new(None),
                declined: AtomicBool::new(false),
                threads,
                blocking_threads,
                workers: AtomicUsize::new(0),
                callers: AtomicUsize::new(0),
                stuck: AtomicUsize::new(0),
                runs: Mutex::new(Vec::new()),
                urgent: AtomicU8::new(0),
                spare: Arc::default(),
                crew: Crew::new(move |wanted| {
                    if let Some(engine) = engine.upgrade() {
                        engine.wake(wanted);
                    }
                }),
                timer: Timer::default(),
                inflight: InFlight::new(),
                cache: options.cache,
                services: options.services,
                observers: options.observers,
                pump: Pump::new(),
                sources: Sources::new(),
                identities: Identities::default(),
                costs: Costs::default(),
                planners: Mutex::new(Vec::new()),
            }
        }))
    }

    /// Lets workers see a run.
    pub(super) fn enlist(&self, run: &Arc<RunCore>) {
        let mut runs = self.runs.lock();
        let place = runs.partition_point(|other| other.priority >= run.priority);
        runs.insert(place, Arc::clone(run));
        self.urgent.store(runs[0].priority, Ordering::Relaxed);
    }

    pub(super) fn dismiss(&self, run: &RunCore) {
        let mut runs = self.runs.lock();
        runs.retain(|other| other.id != run.id);
        self.urgent.store(runs.first().map_or(0, |run| run.priority), Ordering::Relaxed);
    }

    /// All runs that have not ended.
    pub(super) fn runs(&self) -> Vec<Arc<RunCore>> {
        self.runs.lock().clone()
    }

    /// Whether a run of higher priority has something for a thread that drains one of `priority`.
    pub(super) fn is_outranked(&self, priority: u8) -> bool {
        self.urgent.load(Ordering::Relaxed) > priority
            && self
                .runs
                .lock()
                .iter()
                .take_while(|run| run.priority > priority)
                .any(|run| run.schedule.has_queued())
    }

    /// Calls up to `wanted` more workers.
    pub(super) fn wake(self: &Arc<Self>, wanted: usize) {
        for _ in 0..wanted {
            if !self.reserve() {
                return;
            }
            let engine = Arc::clone(self);
            let pool = Arc::clone(&self.pool.lock());
            pool.spawn(move || work(&engine));
        }
    }

    /// Counts one more worker, if there may be one.
    fn reserve(&self) -> bool {
        let limit = self.threads.saturating_sub(self.callers.load(Ordering::Relaxed));
        let more = |workers: usize| (workers < limit).then_some(workers + 1);
        self.workers.fetch_update(Ordering::SeqCst, Ordering::Relaxed, more).is_ok()
    }

    /// Runs `f` while this thread counts as one of the workers.
    pub(super) fn as_caller<R>(self: &Arc<Self>, f: impl FnOnce() -> R) -> R {
        self.callers.fetch_add(1, Ordering::Relaxed);
        let result = f();
        self.callers.fetch_sub(1, Ordering::Relaxed);
        result
    }

    /// Something queued of the most urgent run.
    fn next(&self) -> Option<(Arc<RunCore>, u32)> {
        let runs = self.runs.lock();
        runs.iter().find_map(|run| Some((Arc::clone(run), run.schedule.join(&**run)?)))
    }

    /// Runs a job on the threads of a lane.
    pub(super) fn hand_over(&self, lane: Lane, job: impl FnOnce() + Send + 'static) -> Result<()> {
        if lane != Lane::Blocking {
            Arc::clone(&self.pool.lock()).spawn(|| {
                RUNNER.set(Runner::Other);
                job();
            });
            return Ok(());
        }
        let mut waiting = self.waiting.lock();
        let pool = match &mut *waiting {
            Some(pool) => Arc::clone(pool),
            none => {
                Arc::clone(none.insert(build_pool(self.blocking_threads, "pipeline-blocking")?))
            }
        };
        drop(waiting);
        pool.spawn(|| {
            RUNNER.set(Runner::Blocking);
            job();
        });
        Ok(())
    }

    /// Calls back a worker that came to a thread which was inside a step.
    #[inline]
    pub(super) fn recall_declined(self: &Arc<Self>) {
        if self.declined.load(Ordering::Relaxed) && self.declined.swap(false, Ordering::Relaxed) {
            self.wake(1);
        }
    }

    /// Takes note that a thread is lost in a step. Once more than a quarter of the workers are, new
    /// ones take over; the lost ones end when their steps do.
    pub(super) fn lose(self: &Arc<Self>, runner: Runner) {
        match runner {
            Runner::Worker => {}
            Runner::Blocking => {
                // The next step that waits gets fresh threads.
                *self.waiting.lock() = None;
                return;
            }
            Runner::Other => return,
        }
        self.workers.fetch_sub(1, Ordering::SeqCst);
        let stuck = self.stuck.fetch_add(1, Ordering::Relaxed) + 1;
        if stuck * 4 > self.threads
            && let Ok(fresh) = build_pool(self.threads, "pipeline")
        {
            *self.pool.lock() = fresh;
            self.stuck.store(0, Ordering::Relaxed);
        }
        self.wake(1);
    }
}

/// One worker, from its call until there is nothing to do.
fn work(engine: &Arc<Engine>) {
    if is_inside_step() {
        // This thread waits inside a step that uses rayon itself. A foreign step must not run on
        // its stack; the end of the step calls a worker again.
        engine.workers.fetch_sub(1, Ordering::SeqCst);
        engine.declined.store(true, Ordering::Relaxed);
        return;
    }
    RUNNER.set(Runner::Worker);
    loop {
        while let Some((run, place)) = engine.next() {
            if run.schedule.has_queued() {
                engine.wake(1);
            }
            if run.drain(place) == Drained::Lost {
                return;
            }
        }
        if engine.crew.help() {
            continue;
        }
        engine.workers.fetch_sub(1, Ordering::SeqCst);
        // Whatever was queued before this worker counted itself out, it must see now.
        if let Some((run, place)) = engine.next() {
            engine.workers.fetch_add(1, Ordering::SeqCst);
            if run.drain(place) == Drained::Lost {
                return;
            }
        } else if !engine.crew.wants_help() || !engine.reserve() {
            return;
        }
    }
}

/// How a thread comes out of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Drained {
    /// Free for other work.
    Free,
    /// Given up on meanwhile: its step overran, and another thread took its place.
    Lost,
}
