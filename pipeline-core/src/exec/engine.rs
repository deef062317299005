//! The threads of an executor, and what its runs share.
//!
//! Workers are jobs on the executor's own rayon pool, at most one per thread. A worker takes the
//! most urgent run that has something queued, drains it, helps open row loops, and goes home when
//! there is neither. It is called back when a run queues more than a few microseconds of work:
//! waking a thread costs about as much as some hundred empty steps.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use quanta::Clock;
use rayon::ThreadPool;

use super::cell::Runner;
use super::guarded::Guarded;
use super::inflight::InFlight;
use super::lane::{Handed, Waiting};
use super::options::{Fusion, Options};
use super::roster::Roster;
use super::run::RunCore;
use super::state::Spare;
use super::timer::Timer;
use crate::error::{Error, Result};
use crate::id::RunId;
use crate::observe::{Observer, Pump};
use crate::plan::{Costs, FileDigests, Fuse, Identities, Planner, Recheck};
use crate::step::{Crew, Lane, Services};
use crate::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};

thread_local! {
    /// How many steps are open on this thread.
    static OPEN: Cell<u32> = const { Cell::new(0) };
    /// What this thread is to the executor.
    static RUNNER: Cell<Runner> = const { Cell::new(Runner::Caller) };
    /// The number of this thread among all that ever were.
    static SEAT: u32 = {
        static SEATS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        SEATS.fetch_add(1, Ordering::Relaxed)
    };
}

/// The number of this thread.
pub(super) fn seat() -> u32 {
    SEAT.with(|&seat| seat)
}

/// What this thread is to the executor.
pub(super) fn runner() -> Runner {
    RUNNER.get()
}

/// Marks this thread as being inside a step. Inlined, so that what `f` holds stays in registers.
#[inline(always)]
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
    /// Workers that were called and have not come yet.
    called: AtomicUsize,
    /// Steps that wait for a thread of a lane. They are not left to the pools, because what is
    /// queued there behind a lost thread would be lost with it.
    in_pool: Waiting,
    in_waiting: Waiting,
    /// Callers that drain their own run and so take a processor.
    callers: AtomicUsize,
    /// Runs that no caller drains.
    unattended: AtomicUsize,
    /// Workers that will not come back from a step.
    stuck: AtomicUsize,
    /// Threads that may wait and will not come back from a step.
    stuck_waiting: AtomicUsize,
    /// Workers that were given up on, and in how many steps, one inside the other.
    lost: Mutex<HashMap<u32, i32>>,
    runs: Mutex<Vec<Arc<RunCore>>>,
    /// The highest priority among the runs.
    urgent: AtomicU8,
    pub(super) spare: Arc<Spare>,
    pub(super) crew: Crew,
    pub(super) timer: Timer,
    pub(super) clock: Clock,
    pub(super) roster: Roster,
    pub(super) inflight: InFlight<Follower>,
    pub(super) cache: Option<Guarded>,
    pub(super) services: Services,
    pub(super) observers: Vec<Arc<dyn Observer>>,
    pub(super) pump: Pump,
    pub(super) digests: Arc<FileDigests>,
    pub(super) identities: Identities,
    pub(super) costs: Costs,
    pub(super) planners: Mutex<Vec<(u64, Planner)>>,
    self_check: f64,
    pub(super) fusion: Fusion,
    /// Plans made so far, so that each one checks other results.
    plans: AtomicU64,
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
            let (engine, helpers) = (Weak::clone(engine), Weak::clone(engine));
            Self {
                pool: Mutex::new(pool),
                waiting: Mutex::new(None),
                declined: AtomicBool::new(false),
                threads,
                blocking_threads,
                workers: AtomicUsize::new(0),
                called: AtomicUsize::new(0),
                in_pool: Waiting::default(),
                in_waiting: Waiting::default(),
                callers: AtomicUsize::new(0),
                unattended: AtomicUsize::new(0),
                stuck: AtomicUsize::new(0),
                stuck_waiting: AtomicUsize::new(0),
                lost: Mutex::default(),
                runs: Mutex::new(Vec::new()),
                urgent: AtomicU8::new(0),
                spare: Arc::default(),
                crew: Crew::new(
                    move |wanted| {
                        if let Some(engine) = helpers.upgrade() {
                            engine.wake(wanted);
                        }
                    },
                    move || engine.upgrade().is_some_and(|engine| engine.has_runnable()),
                ),
                timer: Timer::default(),
                clock: Clock::new(),
                roster: Roster::default(),
                inflight: InFlight::new(),
                cache: options.cache.map(Guarded::new),
                services: options.services,
                observers: options.observers,
                pump: Pump::new(),
                digests: Arc::new(FileDigests::new()),
                identities: Identities::default(),
                costs: Costs::default(),
                planners: Mutex::new(Vec::new()),
                self_check: options.self_check,
                fusion: options.fusion,
                plans: AtomicU64::new(0),
            }
        }))
    }

    /// Which steps may run as one: results that are worth keeping are made as a whole, unless the
    /// program wants it otherwise.
    pub(super) const fn fuse(&self) -> Fuse {
        match self.fusion {
            Fusion::Auto if self.cache.is_some() => Fuse::Between,
            Fusion::Auto | Fusion::Always => Fuse::All,
            Fusion::Never => Fuse::Nothing,
        }
    }

    /// The hits that the next plan computes anew.
    pub(super) fn recheck(&self) -> Recheck {
        Recheck { share: self.self_check, salt: self.plans.fetch_add(1, Ordering::Relaxed) }
    }

    /// Lets workers see a run.
    pub(super) fn enlist(&self, run: &Arc<RunCore>) {
        if !run.is_attended() {
            self.unattended.fetch_add(1, Ordering::SeqCst);
        }
        let mut runs = self.runs.lock();
        let place = runs.partition_point(|other| other.priority >= run.priority);
        runs.insert(place, Arc::clone(run));
        self.urgent.store(runs[0].priority, Ordering::Relaxed);
    }

    pub(super) fn dismiss(&self, run: &RunCore) {
        if !run.is_attended() {
            self.unattended.fetch_sub(1, Ordering::SeqCst);
        }
        let mut runs = self.runs.lock();
        runs.retain(|other| other.id != run.id);
        self.urgent.store(runs.first().map_or(0, |run| run.priority), Ordering::Relaxed);
    }

    /// All runs that have not ended.
    pub(super) fn runs(&self) -> Vec<Arc<RunCore>> {
        self.runs.lock().clone()
    }

    /// Whether something more urgent waits for a thread that drains a run of `priority`: a run of
    /// higher priority, or a step that only threads of the pool may run.
    pub(super) fn is_outranked(&self, priority: u8) -> bool {
        if self.in_pool.len() > 0 && runner() == Runner::Worker && self.in_pool.has(priority) {
            return true;
        }
        self.urgent.load(Ordering::Relaxed) > priority
            && self
                .runs
                .lock()
                .iter()
                .take_while(|run| run.priority > priority)
                .any(|run| run.schedule.has_runnable())
    }

    /// Whether a step waits for a worker.
    fn has_runnable(&self) -> bool {
        self.runs.lock().iter().any(|run| run.schedule.has_runnable())
    }

    /// Calls up to `wanted` more workers.
    pub(super) fn wake(self: &Arc<Self>, wanted: usize) {
        for _ in 0..wanted {
            if !self.reserve() {
                return;
            }
            self.called.fetch_add(1, Ordering::SeqCst);
            let pool = Arc::clone(&self.pool.lock());
            self.send_worker(&pool);
        }
    }

    fn send_worker(self: &Arc<Self>, pool: &ThreadPool) {
        let engine = Arc::clone(self);
        pool.spawn(move || {
            let less = |called: usize| called.checked_sub(1);
            // Another one may have come in its place, when its pool was given up.
            if engine.called.fetch_update(Ordering::SeqCst, Ordering::Relaxed, less).is_ok() {
                work(&engine);
            }
        });
    }

    /// Lets a thread of the pool run one of the steps that use rayon.
    fn send_to_pool(self: &Arc<Self>, pool: &ThreadPool) {
        let engine = Arc::clone(self);
        pool.spawn(move || {
            if is_inside_step() {
                // As for workers: no foreign step on the stack of one that waits in rayon.
                engine.declined.store(true, Ordering::Relaxed);
                return;
            }
            if let Some(handed) = engine.in_pool.pop() {
                RUNNER.set(Runner::Guest);
                handed.run.drain_handed(handed.place, Lane::Rayon);
            }
        });
    }

    fn send_to_waiting(self: &Arc<Self>, pool: &ThreadPool) {
        let engine = Arc::clone(self);
        pool.spawn(move || {
            if is_inside_step() {
                engine.declined.store(true, Ordering::Relaxed);
                return;
            }
            if let Some(handed) = engine.in_waiting.pop() {
                RUNNER.set(Runner::Blocking);
                handed.run.drain_handed(handed.place, Lane::Blocking);
            }
        });
    }

    /// Counts one more worker, if there may be one.
    fn reserve(&self) -> bool {
        // However many callers there are, a run that none of them drains gets a thread.
        let least = self.unattended.load(Ordering::SeqCst).min(1);
        let limit = self.threads.saturating_sub(self.callers.load(Ordering::SeqCst)).max(least);
        let more = |workers: usize| (workers < limit).then_some(workers + 1);
        self.workers.fetch_update(Ordering::SeqCst, Ordering::Relaxed, more).is_ok()
    }

    /// Whether this worker came for a caller that was waiting and works again. Then it is one too
    /// many.
    pub(super) fn is_surplus(&self) -> bool {
        let all = || self.workers.load(Ordering::Relaxed) + self.callers.load(Ordering::Relaxed);
        all() > self.threads
            && runner() == Runner::Worker
            && self.unattended.load(Ordering::Relaxed) == 0
    }

    /// Counts this worker out if it is one too many: as many others as there may be go on.
    fn leaves_surplus(&self) -> bool {
        if !self.is_surplus() {
            return false;
        }
        let callers = self.callers.load(Ordering::SeqCst);
        let fewer = |workers: usize| (workers + callers > self.threads).then(|| workers - 1);
        self.workers.fetch_update(Ordering::SeqCst, Ordering::Relaxed, fewer).is_ok()
    }

    /// Runs `f` while this thread counts as one of the workers.
    pub(super) fn as_caller<R>(self: &Arc<Self>, f: impl FnOnce() -> R) -> R {
        self.callers.fetch_add(1, Ordering::SeqCst);
        let result = f();
        self.release_caller();
        result
    }

    /// Runs `f`, which waits, while a worker may take the place of this caller.
    pub(super) fn as_waiting<R>(self: &Arc<Self>, f: impl FnOnce() -> R) -> R {
        self.release_caller();
        let result = f();
        self.callers.fetch_add(1, Ordering::SeqCst);
        result
    }

    fn release_caller(self: &Arc<Self>) {
        self.callers.fetch_sub(1, Ordering::SeqCst);
        // Workers may have been told that there is no place for them.
        let is_wanted = self.unattended.load(Ordering::SeqCst) > 0
            || self.crew.wants_help()
            || self.has_runnable();
        if is_wanted {
            self.wake(1);
        }
    }

    /// A place that only threads of the pool may run, unless a more urgent run has one for any.
    fn next_handed(&self) -> Option<Handed> {
        if self.in_pool.len() == 0 {
            return None;
        }
        let runnable = |run: &&Arc<RunCore>| run.schedule.has_runnable();
        let urgent = self.runs.lock().iter().find(runnable).map_or(0, |run| run.priority);
        if self.in_pool.has(urgent) { self.in_pool.pop() } else { None }
    }

    /// Something queued of the most urgent run.
    fn next(&self) -> Option<(Arc<RunCore>, u32)> {
        let runs = self.runs.lock();
        runs.iter().find_map(|run| Some((Arc::clone(run), run.schedule.join(&**run)?)))
    }

    /// Lets a thread of a lane run a place.
    pub(super) fn hand_over(
        self: &Arc<Self>,
        lane: Lane,
        run: &Arc<RunCore>,
        place: u32,
    ) -> Result<()> {
        let handed = Handed { run: Arc::clone(run), place };
        if lane != Lane::Blocking {
            self.in_pool.push(handed);
            let pool = Arc::clone(&self.pool.lock());
            self.send_to_pool(&pool);
            return Ok(());
        }
        let mut waiting = self.waiting.lock();
        let pool = match &mut *waiting {
            Some(pool) => Arc::clone(pool),
            none => {
                Arc::clone(none.insert(build_pool(self.blocking_threads, "pipeline-blocking")?))
            }
        };
        self.in_waiting.push(handed);
        drop(waiting);
        self.send_to_waiting(&pool);
        Ok(())
    }

    /// The places of a run that wait for a thread of a lane, which then wait no longer.
    pub(super) fn withdraw(&self, run: RunId) -> Vec<u32> {
        let mut places = self.in_pool.withdraw(run);
        places.extend(self.in_waiting.withdraw(run));
        places
    }

    /// Whether a place of a run waits for a thread of a lane.
    pub(super) fn has_handed(&self, run: RunId) -> bool {
        self.in_pool.has_of(run) || self.in_waiting.has_of(run)
    }

    /// A place of a run that waits for a thread of a lane, and the lane.
    pub(super) fn take_handed(&self, run: RunId) -> Option<(u32, Lane)> {
        let in_pool = self.in_pool.pop_of(run).map(|place| (place, Lane::Rayon));
        in_pool.or_else(|| self.in_waiting.pop_of(run).map(|place| (place, Lane::Blocking)))
    }

    /// Calls back what came to a thread that was inside a step.
    #[inline]
    pub(super) fn recall_declined(self: &Arc<Self>) {
        if self.declined.load(Ordering::Relaxed) && self.declined.swap(false, Ordering::Relaxed) {
            let pool = Arc::clone(&self.pool.lock());
            let jobs = self.in_pool.len();
            (0..jobs).for_each(|_| self.send_to_pool(&pool));
            let waiting = self.waiting.lock().as_ref().map(Arc::clone);
            if let Some(waiting) = waiting {
                (0..self.in_waiting.len()).for_each(|_| self.send_to_waiting(&waiting));
            }
            self.wake(1);
        }
    }

    /// Takes note that the thread of a number is lost in a step. Once more than a quarter of the
    /// workers are, new ones take over, with all that waits for a thread; the lost ones end when
    /// their steps do.
    pub(super) fn lose(self: &Arc<Self>, runner: Runner, seat: u32) {
        match runner {
            Runner::Worker => {
                // One that hangs in a run inside a step may be given up on in both.
                if self.count_loss(seat, 1) != 1 {
                    return;
                }
                self.workers.fetch_sub(1, Ordering::SeqCst);
            }
            Runner::Guest => {}
            Runner::Blocking => return self.lose_waiting(),
            Runner::Caller => return,
        }
        let stuck = self.stuck.fetch_add(1, Ordering::Relaxed) + 1;
        if stuck * 4 > self.threads
            && let Ok(fresh) = build_pool(self.threads, "pipeline")
        {
            let old = std::mem::replace(&mut *self.pool.lock(), Arc::clone(&fresh));
            self.stuck.store(0, Ordering::Relaxed);
            let called = self.called.load(Ordering::SeqCst);
            (0..called).for_each(|_| self.send_worker(&fresh));
            let jobs = self.in_pool.len();
            (0..jobs).for_each(|_| self.send_to_pool(&fresh));
            drop(old);
        }
        self.wake(1);
    }

    /// Takes note that a thread which may wait is lost. As with workers, more than a quarter of
    /// them are replaced, together.
    fn lose_waiting(self: &Arc<Self>) {
        let mut waiting = self.waiting.lock();
        let stuck = self.stuck_waiting.fetch_add(1, Ordering::Relaxed) + 1;
        if stuck * 4 > self.blocking_threads
            && let Ok(fresh) = build_pool(self.blocking_threads, "pipeline-blocking")
        {
            self.stuck_waiting.store(0, Ordering::Relaxed);
            let jobs = self.in_waiting.len();
            (0..jobs).for_each(|_| self.send_to_waiting(&fresh));
            *waiting = Some(fresh);
        }
    }

    /// Counts in how many steps a worker is lost, one inside the other. It may come back from one
    /// before that was counted.
    fn count_loss(&self, seat: u32, more: i32) -> i32 {
        let mut lost = self.lost.lock();
        let steps = lost.entry(seat).or_insert(0);
        *steps += more;
        let steps = *steps;
        if steps == 0 {
            lost.remove(&seat);
        }
        steps
    }

    /// Takes note that a worker which was given up on in an inner run goes on with the outer step.
    pub(super) fn regain(&self) {
        if runner() == Runner::Worker && self.count_loss(seat(), -1) == 0 {
            self.workers.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Counts a worker out that was given up on and came back, unless that was done already.
    fn see_off(self: &Arc<Self>) {
        if self.count_loss(seat(), -1) < 0 {
            self.workers.fetch_sub(1, Ordering::SeqCst);
            self.wake(1);
        }
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
        while let Some(handed) = engine.next_handed() {
            if handed.run.drain_handed(handed.place, Lane::Rayon) == Drained::Lost {
                return engine.see_off();
            }
        }
        while let Some((run, place)) = engine.next() {
            if run.schedule.has_queued() {
                engine.wake(1);
            }
            if run.drain(place) == Drained::Lost {
                return engine.see_off();
            }
            if engine.leaves_surplus() {
                return;
            }
            if engine.in_pool.len() > 0 {
                break;
            }
        }
        // The bodies of row loops are code of steps as well.
        if engine.in_pool.len() > 0 || inside_step(|| engine.crew.help()) {
            continue;
        }
        engine.workers.fetch_sub(1, Ordering::SeqCst);
        // Whatever was queued before this worker counted itself out, it must see now.
        if let Some((run, place)) = engine.next() {
            engine.workers.fetch_add(1, Ordering::SeqCst);
            if run.drain(place) == Drained::Lost {
                return engine.see_off();
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

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn threads_that_may_wait_are_replaced_together() {
        let engine = Engine::new(1, 4, Options::default()).unwrap();
        engine.lose(Runner::Blocking, 0);
        assert!(engine.waiting.lock().is_none(), "three are left");
        engine.lose(Runner::Blocking, 0);
        assert!(engine.waiting.lock().is_some());
        assert_eq!(engine.stuck_waiting.load(Ordering::Relaxed), 0);
    }
}
