//! One run of a plan: its state, the loop that drains it, and its end.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex as Door};

use super::cell::{Runner, State};
use super::engine::{Drained, Engine, is_inside_step, runner};
use super::forecast::Forecast;
use super::fused::Visits;
use super::gate::{Gate, Memory};
use super::handful::Hand;
use super::options::{OnFailure, RunOptions};
use super::report::Report;
use super::schedule::{Left, Look, Schedule, WORTH_A_WORKER};
use super::slots::dispose;
use super::state::RunState;
use super::timer::{Due, NOT_HURRIED};
use crate::cache::Claimed;
use crate::data::Value;
use crate::error::{CancelReason, Error};
use crate::event::Snapshot;
use crate::id::{NodeId, RunId};
use crate::key::Key;
use crate::observe::{Bus, Emit};
use crate::plan::{Identity, Plan, Stop};
use crate::step::{CancelToken, Lane};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicU32, Ordering, fence};

/// A run and everything its threads share.
#[derive(Debug)]
pub(super) struct RunCore {
    pub(super) id: RunId,
    pub(super) engine: Arc<Engine>,
    pub(super) plan: Plan,
    pub(super) priority: u8,
    pub(super) on_failure: OnFailure,
    pub(super) step_timeout: Option<Duration>,
    pub(super) grace: Duration,
    /// When the run is told to stop, if it has a time limit.
    pub(super) timeout: Mutex<Option<Due>>,
    pub(super) budget: Option<u64>,
    pub(super) token: CancelToken,
    audience: Audience,
    /// Whether it runs inside a step of another run, on whose thread it depends.
    pub(super) is_nested: bool,
    /// When the run began, on the engine's clock.
    start: u64,
    pub(super) schedule: Schedule,
    pub(super) state: Arc<RunState>,
    pub(super) bus: Bus,
    pub(super) failures: Mutex<HashMap<u32, Arc<Error>>>,
    /// Identities that come to light while the run goes on; empty where the plan knows them all.
    pub(super) identities: Mutex<Vec<Identity>>,
    /// Keys that came to light, by place.
    pub(super) late_keys: Mutex<HashMap<u32, Key>>,
    /// Places whose computation other runs may be waiting for, and what keeps other processes from
    /// it; none while one of these is at it.
    pub(super) leading: Mutex<HashMap<u32, Option<Claimed>>>,
    /// The groups that run, by their last place.
    pub(super) groups: Mutex<HashMap<u32, Arc<Vec<Visits>>>>,
    /// Whether results are looked for and kept between the steps.
    pub(super) keeps_results: bool,
    /// Places whose results are not what their keys say.
    pub(super) doubtful: Mutex<HashSet<u32>>,
    pub(super) has_doubts: AtomicBool,
    /// What the cache had for places that are computed all the same.
    pub(super) expected: Mutex<HashMap<u32, Vec<Value>>>,
    pub(super) report: Door<Option<Arc<Report>>>,
    pub(super) over: Condvar,
    /// Whether a timer looks after what is ready.
    is_looked_after: AtomicBool,
    /// Threads that drain the run and wait for something to be queued.
    idle: AtomicU32,
}

/// Who may join the stream of a run while it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    /// Nobody: the caller drains the run.
    Drainer,
    /// Nobody: the caller waits inside.
    Nobody,
    /// Whoever holds the handle.
    Handle,
}

/// What a thread carries from step to step.
#[derive(Debug)]
pub(super) struct Local {
    /// Events that nobody can miss yet: nothing that follows from them is visible to others.
    pub(super) events: Vec<Emit>,
    /// Short steps that it keeps to itself for a moment.
    pub(super) hand: Hand,
    /// Room for what the end of a place makes ready.
    pub(super) ready: Vec<u32>,
    /// When the last step ended, which is when the next one begins: nanoseconds from the start of
    /// the run.
    pub(super) now: u64,
}

impl RunCore {
    pub(super) fn new(
        engine: &Arc<Engine>,
        plan: Plan,
        options: &RunOptions,
        audience: Audience,
    ) -> Arc<Self> {
        let needs_gate = options.budget.is_some() || plan.needs_units();
        let at = options.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let stop = Stop { token: Some(&options.token), at };
        let forecast = |budget| Memory { budget, forecast: Forecast::new(&plan, &stop) };
        let memory = options.budget.map(forecast);
        let gate = needs_gate.then(|| Gate::new(memory, options.resources.clone()));
        let identities = plan.late.as_ref().map(|late| late.identities.clone());
        let id = next_run();
        let is_shared = audience == Audience::Handle;
        let is_told = is_shared || !engine.observers.is_empty() || !options.observers.is_empty();
        let state = RunState::new(&plan.program, &engine.spare, is_told);
        Arc::new(Self {
            id,
            engine: Arc::clone(engine),
            priority: options.priority,
            on_failure: options.on_failure,
            step_timeout: options.step_timeout,
            grace: options.grace,
            timeout: Mutex::new(None),
            budget: options.budget,
            token: CancelToken::new(),
            audience,
            is_nested: is_inside_step(),
            start: engine.clock.raw(),
            schedule: Schedule::new(Arc::clone(&plan.program), Arc::clone(&state), gate),
            state,
            bus: Bus::new(id, plan.revision()),
            failures: Mutex::new(HashMap::new()),
            identities: Mutex::new(identities.unwrap_or_default()),
            late_keys: Mutex::new(HashMap::new()),
            leading: Mutex::new(HashMap::new()),
            groups: Mutex::default(),
            keeps_results: engine.cache.is_some() || plan.late.is_some(),
            doubtful: Mutex::default(),
            has_doubts: AtomicBool::new(false),
            expected: Mutex::default(),
            report: Door::new(None),
            over: Condvar::new(),
            is_looked_after: AtomicBool::new(false),
            idle: AtomicU32::new(0),
            plan,
        })
    }

    /// Fills in what is there already and queues what waits for nothing. The caller is counted in.
    pub(super) fn begin(self: &Arc<Self>, options: &RunOptions) {
        options.token.listen(self);
        let observers = self.engine.observers.iter().chain(&options.observers);
        let observers: Vec<_> = observers.map(Arc::clone).collect();
        let before = || Snapshot::new(self.id, self.plan.revision());
        self.engine.pump.observe(&self.bus, observers, WAITING_EVENTS, before);
        for given in &self.plan.given {
            self.identify(given);
            let bytes = self.state.slots.fill(given.slot, given.value.clone());
            let place = self.plan.program.shape.producer(given.slot);
            self.state.cells[place as usize].bytes.fetch_add(bytes, Ordering::Relaxed);
            if let Some(tale) = self.state.tales.get(place as usize) {
                tale.set_tier(given.tier);
            }
        }
        for (place, action) in (0u32..).zip(&self.plan.program.actions) {
            if *action == crate::plan::Action::Given {
                let status = self.given_status(place);
                self.state.cells[place as usize].set(State::Ended(status));
            }
        }
        if self.bus.is_active() {
            let mut events = Vec::new();
            self.tell_begin(|emit| events.push(emit));
            events.extend(self.schedule.first().map(|place| self.queued_event(place, 0)));
            self.bus.emit_all(&mut events);
        }
        if let Some(at) = options.timeout.and_then(|timeout| Instant::now().checked_add(timeout)) {
            let run = Arc::downgrade(self);
            let due = self.engine.timer.at(at, NOT_HURRIED, move || {
                if let Some(run) = run.upgrade() {
                    run.cancel(CancelReason::Timeout);
                }
            });
            *self.timeout.lock() = Some(due);
        }
        let sources = self.schedule.start();
        self.engine.enlist(self);
        if sources > 1 {
            self.look_after();
        }
        // A cancel that came before found nothing to refuse.
        if self.token.is_cancelled() {
            self.refuse_queued();
        }
    }

    /// Sets the state of a place so that either a listener that joins now sees it, or this thread
    /// sees that there is a listener.
    pub(super) fn set(&self, place: u32, state: State) {
        self.state.cells[place as usize].set(state);
        if self.is_shared() {
            fence(Ordering::SeqCst);
        }
    }

    /// Whether anyone holds a handle on the run while it goes on.
    pub(super) fn is_shared(&self) -> bool {
        self.audience == Audience::Handle
    }

    /// Whether the thread that wants the run drains it.
    pub(super) fn is_attended(&self) -> bool {
        self.audience == Audience::Drainer
    }

    /// Runs places until there is none, or something more urgent, or this thread was given up on.
    pub(super) fn drain(self: &Arc<Self>, first: u32) -> Drained {
        self.drain_until(first, None)
    }

    /// As [`drain`](Self::drain), but begins no place at a time or later.
    fn drain_until(self: &Arc<Self>, first: u32, until: Option<Instant>) -> Drained {
        let mut local = self.local();
        let mut next = Some(first);
        // An inner run ends with its outer step; to stop in between would hold the thread up.
        let is_nested = is_inside_step();
        loop {
            let place = match next.take() {
                Some(place) => place,
                None => {
                    self.flush(&mut local);
                    match self.schedule.pop_or_leave(&mut local.hand, &**self) {
                        Ok(place) => place,
                        Err(left) => {
                            self.left(left);
                            return Drained::Free;
                        }
                    }
                }
            };
            let is_outranked =
                !is_nested && (self.engine.is_outranked(self.priority) || self.engine.is_surplus());
            if is_outranked || is_past(until) {
                self.flush(&mut local);
                let left = self.schedule.give_back(place, &mut local.hand, &**self);
                if left == Left::Others {
                    self.call();
                }
                self.left(left);
                return Drained::Free;
            }
            match self.execute(place, &mut local) {
                Ok(following) => next = following,
                Err(Abandoned) => return Drained::Lost,
            }
        }
    }

    /// Ends the run if nobody is in it any more.
    pub(super) fn left(self: &Arc<Self>, left: Left) {
        if left == Left::Nobody {
            self.conclude();
        }
    }

    /// Queues a place whose other source is gone; the source was counted in and goes out.
    pub(super) fn come_back(self: &Arc<Self>, place: u32) {
        self.queue(place);
        if self.token.is_cancelled() {
            self.refuse_queued();
        }
        self.left(self.schedule.leave());
    }

    /// Queues a place from outside the drain loop.
    pub(super) fn queue(self: &Arc<Self>, place: u32) {
        self.schedule.push(place, &**self);
        self.look_after();
        self.call();
    }

    /// Sees to it that what is ready is run, though nobody was called for it: one timer for all of
    /// it, as long as there is anything.
    #[inline]
    pub(super) fn look_after(self: &Arc<Self>) {
        if !self.is_looked_after.load(Ordering::SeqCst)
            && !self.is_looked_after.swap(true, Ordering::SeqCst)
        {
            self.look_after_a(A_MOMENT);
        }
    }

    fn look_after_a(self: &Arc<Self>, moment: Duration) {
        let run = Arc::downgrade(self);
        self.engine.timer.at(Instant::now() + moment, NOT_HURRIED, move || {
            let Some(run) = run.upgrade() else { return };
            match run.schedule.look() {
                Look::Nothing => {
                    run.is_looked_after.store(false, Ordering::SeqCst);
                    // Whatever became ready in between relied on this timer.
                    if run.schedule.look() != Look::Nothing {
                        run.look_after();
                    }
                    return;
                }
                Look::Flowing => {}
                Look::Stuck => run.call(),
            }
            // The longer it goes on, the less a moment more matters.
            run.look_after_a((moment * 2).min(A_MOMENT * 16));
        });
    }

    /// Calls whoever may run what is queued.
    fn call(&self) {
        self.engine.wake(1);
        // A caller that waits for its run is as good as a worker.
        drop(self.report.lock());
        self.over.notify_all();
    }

    /// Drains the run on this thread until it is over. For a caller that has nothing else to do,
    /// and may be the only thread there is.
    pub(super) fn see_through(self: &Arc<Self>) -> Arc<Report> {
        loop {
            if let Some(report) = self.see_through_until(None) {
                return report;
            }
        }
    }

    /// As [`see_through`](Self::see_through), but no longer than until a time; a step that has
    /// begun is finished.
    pub(super) fn see_through_until(
        self: &Arc<Self>,
        until: Option<Instant>,
    ) -> Option<Arc<Report>> {
        loop {
            let (place, lane) = match self.await_place(until) {
                Ok(next) => next,
                Err(report) => return report,
            };
            if self.schedule.has_queued() {
                self.engine.wake(1);
            }
            let drained = match lane {
                Lane::Compute => self.drain_until(place, until),
                Lane::Rayon | Lane::Blocking => self.drain_handed(place, lane),
            };
            if drained == Drained::Lost {
                // It came back after all; the run may need it.
                self.engine.regain();
            }
        }
    }

    /// Waits for a place that this thread may run, or for the end, or until it is time.
    fn await_place(
        self: &Arc<Self>,
        until: Option<Instant>,
    ) -> Result<(u32, Lane), Option<Arc<Report>>> {
        let is_nested = is_inside_step();
        // A thread that waits inside a step may be one that another run inside a step waits for.
        let may_lend = is_nested && runner() != Runner::Caller;
        let mut report = self.report.lock();
        loop {
            if report.is_some() || is_past(until) {
                return Err(report.clone());
            }
            if !is_nested && self.engine.is_outranked(self.priority) {
                // Nobody calls when the more urgent run has nothing left, so it looks again.
                self.engine.as_waiting(|| self.over.wait_for(&mut report, GIVING_WAY));
                continue;
            }
            // Whoever queues takes the lock of the report before it calls, so no call is missed
            // between this look and the wait.
            self.idle.fetch_add(1, Ordering::SeqCst);
            if let Some(place) = self.schedule.join(&**self) {
                self.idle.fetch_sub(1, Ordering::SeqCst);
                return Ok((place, Lane::Compute));
            }
            if may_lend && self.engine.has_handed(self.id) {
                // The threads of the lane may all wait as this one does: then it takes their place.
                if self.over.wait_for(&mut report, GIVING_WAY).timed_out()
                    && let Some((place, lane)) = self.engine.take_handed(self.id)
                {
                    self.idle.fetch_sub(1, Ordering::SeqCst);
                    return Ok((place, lane));
                }
            } else if let Some(until) = until {
                self.over.wait_until(&mut report, until);
            } else if is_nested {
                self.over.wait(&mut report);
            } else {
                // Without this thread the workers may use all processors.
                self.engine.as_waiting(|| self.over.wait(&mut report));
            }
            self.idle.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Calls whoever found that nothing fitted.
    pub(super) fn call_the_blocked(&self) {
        if self.schedule.has_queued() {
            self.call();
        }
    }

    /// Calls a thread if enough is queued to be worth one.
    pub(super) fn call_for_help(&self, queued_nanos: f64) {
        if queued_nanos > WORTH_A_WORKER {
            self.engine.wake(1);
            if self.idle.load(Ordering::SeqCst) > 0 {
                drop(self.report.lock());
                self.over.notify_all();
            }
        }
    }

    /// Gives the observers a moment to hear the end; an observer that is stuck holds nobody up for
    /// longer.
    pub(super) fn let_observers_finish(&self) {
        self.engine.pump.flush(self.id, LAST_WORD);
    }

    /// Blocks until the run is over.
    pub(super) fn wait(&self) -> Arc<Report> {
        // To be woken takes longer than a short run, so it looks a few times before it sleeps.
        for _ in 0..LOOKS {
            if let Some(report) = self.report.try_lock().and_then(|report| report.clone()) {
                return report;
            }
            // Not by giving the processor away: beside busy threads it comes back milliseconds
            // later.
            std::hint::spin_loop();
        }
        let mut report = self.report.lock();
        loop {
            match &*report {
                Some(report) => return Arc::clone(report),
                None => self.over.wait(&mut report),
            }
        }
    }

    pub(super) fn wait_until(&self, until: Instant) -> Option<Arc<Report>> {
        let mut report = self.report.lock();
        while report.is_none() {
            if self.over.wait_until(&mut report, until).timed_out() {
                break;
            }
        }
        report.clone()
    }

    pub(super) fn key(&self, place: u32) -> Option<Key> {
        self.plan.keys[place as usize].known().or_else(|| {
            self.plan.late.as_ref()?;
            self.late_keys.lock().get(&place).copied()
        })
    }

    /// The key of a place as it is told to others.
    pub(super) fn told_key(&self, place: u32) -> Option<Key> {
        if self.plan.tells_keys { self.key(place) } else { None }
    }

    pub(super) fn node(&self, place: u32) -> NodeId {
        self.plan.program.shape.ids[place as usize]
    }

    /// Nanoseconds from the start of the run.
    pub(super) fn now(&self) -> u64 {
        let clock = &self.engine.clock;
        clock.delta_as_nanos(self.start, clock.raw())
    }

    /// What a thread that comes into the run carries.
    pub(super) fn local(&self) -> Local {
        Local { events: Vec::new(), hand: None, ready: Vec::new(), now: self.now() }
    }

    /// Hands over the events that were held back.
    pub(super) fn flush(&self, local: &mut Local) {
        self.bus.emit_all(&mut local.events);
    }
}

/// Whether a time has come.
fn is_past(until: Option<Instant>) -> bool {
    until.is_some_and(|until| until <= Instant::now())
}

/// Events that may wait for observers before they are told the state instead.
const WAITING_EVENTS: usize = 1 << 16;

/// How long a finished run waits for its observers to hear of it.
const LAST_WORD: Duration = Duration::from_millis(500);

/// How long what is ready may wait while nobody comes for it; in long runs up to 16 times that.
const A_MOMENT: Duration = Duration::from_millis(1);

/// How often someone who waits for a run looks for its end before it sleeps: some microseconds.
const LOOKS: u32 = 200;

/// How long a caller whose run is outranked waits before it looks again, and a thread inside a step
/// before it takes the place of one of a lane.
const GIVING_WAY: Duration = Duration::from_millis(1);

/// The thread's step was given up on while it ran.
#[derive(Debug)]
pub(super) struct Abandoned;

/// The last handle may be a worker's, which a panic in the destructor of a result must not end.
impl Drop for RunCore {
    fn drop(&mut self) {
        dispose(self.report.get_mut().take());
        dispose(std::mem::take(&mut self.plan.given));
    }
}

static RUNS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

fn next_run() -> RunId {
    RunId(RUNS.fetch_add(1, Ordering::Relaxed) + 1)
}
