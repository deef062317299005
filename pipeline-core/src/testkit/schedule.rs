//! The scheduler alone: the ready counters and the queue of a plan, without its steps.

use rayon::{Scope, ThreadPool, ThreadPoolBuilder};

use crate::error::{Error, Result};
use crate::exec::{Needs, Schedule, WORTH_A_WORKER, schedule_of};
use crate::plan::Plan;
use crate::step::Units;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// Goes through all places of a plan as its run would, and does nothing at any of them.
///
/// Shows what order and readiness cost by themselves. As in a run, the caller drains, and further
/// threads are called when enough is queued to be worth one.
#[derive(Debug)]
pub struct Drain {
    schedule: Schedule,
    pool: Option<ThreadPool>,
    /// Threads besides the caller that may still be called.
    idle: AtomicUsize,
}

impl Drain {
    /// Prepares a plan to be drained by this many threads, the caller included.
    ///
    /// # Errors
    /// If the threads cannot be started.
    pub fn new(plan: &Plan, threads: usize) -> Result<Self> {
        let others = threads.saturating_sub(1);
        let pool = (others > 0)
            .then(|| ThreadPoolBuilder::new().num_threads(others).build())
            .transpose()
            .map_err(|error| Error::caused("the threads cannot be started", error))?;
        Ok(Self { schedule: schedule_of(plan), pool, idle: AtomicUsize::new(others) })
    }

    /// Goes through the plan once. Returns how many places it passed.
    #[must_use]
    pub fn once(&self) -> usize {
        let passed = AtomicUsize::new(0);
        let _ = self.schedule.start();
        match &self.pool {
            Some(pool) => pool.in_place_scope(|scope| self.work(None, Some(scope), &passed)),
            None => self.work(None, None, &passed),
        }
        passed.into_inner()
    }

    fn work<'a>(
        &'a self,
        mut next: Option<u32>,
        scope: Option<&Scope<'a>>,
        passed: &'a AtomicUsize,
    ) {
        let (mut mine, mut hand, mut ready) = (0, None, Vec::new());
        while let Some(place) =
            next.or_else(|| self.schedule.pop_or_leave(&mut hand, &Unlimited).ok())
        {
            mine += 1;
            let released = self.schedule.release(place, &hand, &Unlimited, &mut ready, |_| ());
            if released.queued_nanos > WORTH_A_WORKER
                && let Some(scope) = scope
                && self.take_idle()
            {
                scope.spawn(move |scope| {
                    while let Some(place) = self.schedule.join(&Unlimited) {
                        self.work(Some(place), Some(scope), passed);
                    }
                    self.idle.fetch_add(1, Ordering::Relaxed);
                });
            }
            next = released.next;
        }
        passed.fetch_add(mine, Ordering::Relaxed);
    }

    fn take_idle(&self) -> bool {
        let less = |idle: usize| idle.checked_sub(1);
        self.idle.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}

/// Places that need nothing.
struct Unlimited;

impl Needs for Unlimited {
    fn bytes(&self, _: u32) -> Option<u64> {
        None
    }

    fn units(&self, _: u32) -> &[Units] {
        &[]
    }

    fn live(&self) -> u64 {
        0
    }
}
