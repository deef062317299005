//! One place of a run, from the queue to its end.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::cell::{Runner, State};
use super::engine::{Follower, inside_step, runner, seat};
use super::late::Found;
use super::options::OnFailure;
use super::run::{Abandoned, Local, RunCore};
use super::slots::{Take, dispose};
use super::wait::is_on;
use crate::cache::{Cache, Maker, Origin, Tier};
use crate::data::Value;
use crate::error::{CancelReason, Error, Result};
use crate::event::{EventKind, Status};
use crate::graph::Retry;
use crate::observe::Emit;
use crate::plan::Action;
use crate::step::{AnyStep, Context, Lane, Reader};
use crate::sync::atomic::Ordering;

/// The results of one step. Most have one, which needs no allocation.
#[derive(Clone, Default)]
pub(super) struct Values {
    first: Option<Value>,
    rest: Vec<Value>,
}

impl Values {
    pub(super) fn push(&mut self, value: Value) {
        match &self.first {
            None => self.first = Some(value),
            Some(_) => self.rest.push(value),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Value> {
        self.first.iter().chain(&self.rest)
    }

    /// Whether there is nothing to keep: the one result is `()`.
    fn is_nothing(&self) -> bool {
        self.rest.is_empty() && self.first.as_ref().is_none_or(Value::is_unit)
    }

    fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.rest.len()
    }
}

/// How a place is to be run.
#[derive(Clone, Copy)]
struct Terms {
    limit: Option<Duration>,
    retry: Retry,
}

impl Default for Terms {
    fn default() -> Self {
        Self { limit: None, retry: Retry::NEVER }
    }
}

/// How a place ended.
#[derive(Clone)]
pub(super) struct End {
    pub(super) status: Status,
    pub(super) error: Option<Arc<Error>>,
    pub(super) tier: Option<Tier>,
}

impl End {
    pub(super) const fn ok(status: Status) -> Self {
        Self { status, error: None, tier: None }
    }
}

/// What became of a place that was executed.
enum Outcome {
    Ended(End),
    /// It waits for another attempt or another run.
    Parked,
    /// A thread of another lane runs it, with what it took at the gate.
    HandedOver,
    /// Its thread was given up on.
    Abandoned,
}

impl RunCore {
    /// Executes a place and returns the one that this thread should go on with.
    pub(super) fn execute(
        self: &Arc<Self>,
        place: u32,
        local: &mut Local,
    ) -> Result<Option<u32>, Abandoned> {
        let outcome = match self.plan.program.actions[place as usize] {
            Action::Run => self.run_step(place, local),
            Action::Pass => Outcome::Ended(self.pass_on(place, Status::Bypassed)),
            Action::Share => Outcome::Ended(self.pass_on(place, Status::Adopted)),
            // These never come into the queue.
            _ => Outcome::Parked,
        };
        match outcome {
            Outcome::Ended(end) => Ok(self.end(place, &end, local)),
            Outcome::Parked => {
                if self.schedule.is_limited() {
                    self.call_the_blocked();
                }
                self.flush(local);
                Ok(None)
            }
            Outcome::HandedOver => {
                self.flush(local);
                Ok(None)
            }
            Outcome::Abandoned => Err(Abandoned),
        }
    }

    /// Why a place must not run, if it must not.
    fn refuse(&self, place: u32) -> Option<End> {
        if let Some(culprit) = self.state.cells[place as usize].blamed() {
            let because = self.plan.infos[culprit as usize].name().to_owned();
            let error = Some(Arc::new(Error::Skipped { because }));
            return Some(End { status: Status::Skipped, error, tier: None });
        }
        let reason = self.token.reason()?;
        let error = Some(Arc::new(Error::Cancelled(reason)));
        Some(End { status: Status::Cancelled, error, tier: None })
    }

    fn run_step(self: &Arc<Self>, place: u32, local: &mut Local) -> Outcome {
        if let Some(end) = self.refuse(place) {
            return Outcome::Ended(end);
        }
        if self.keeps_results {
            // What another thread may tell of this place comes after what this one has to tell.
            self.flush(local);
            match self.look_up(place) {
                Found::Nothing => {}
                Found::Result(end) => return Outcome::Ended(end),
                Found::Elsewhere => return Outcome::Parked,
            }
            // A cache may take its time, and the run may be told to stop meanwhile.
            if let Some(end) = self.refuse(place) {
                return Outcome::Ended(end);
            }
        }
        let mut terms = Terms { limit: self.step_timeout, ..Terms::default() };
        if self.plan.traits.has_special {
            let info = &self.plan.infos[place as usize];
            terms.limit = self.limit(place);
            terms.retry = info.settings().retry;
            let lane = self.lane(place);
            // A worker is a thread of the pool itself.
            let is_here = is_on(lane) || lane == Lane::Rayon && runner() == Runner::Worker;
            if lane != Lane::Compute && !is_here {
                self.flush(local);
                return match self.hand_over(place, lane) {
                    Ok(()) => Outcome::HandedOver,
                    Err(error) => Outcome::Ended(self.failure(place, error)),
                };
            }
        }
        self.attempt(place, terms, local)
    }

    /// The threads that run a place: of a group those that may wait, if a step of it does.
    fn lane(&self, place: u32) -> Lane {
        let of = |place: u32| self.plan.infos[place as usize].body().map(|body| body.spec.lane);
        let is_blocking = |place: u32| of(place) == Some(Lane::Blocking);
        match self.plan.program.group(place) {
            Some(group) if group.places().any(is_blocking) => Lane::Blocking,
            Some(_) => Lane::Compute,
            None => of(place).unwrap_or_default(),
        }
    }

    /// The time that one attempt of a place may take.
    pub(super) fn limit(&self, place: u32) -> Option<Duration> {
        if !self.plan.traits.has_timeouts {
            return self.step_timeout;
        }
        self.plan.infos[place as usize].settings().timeout.or(self.step_timeout)
    }

    /// Runs the step once.
    fn attempt(self: &Arc<Self>, place: u32, terms: Terms, local: &mut Local) -> Outcome {
        let Some(step) = &self.plan.steps[place as usize] else { return Outcome::Parked };
        let cell = &self.state.cells[place as usize];
        let attempt = cell.attempts.load(Ordering::Relaxed).saturating_add(1);
        if self.keeps_results {
            // Looking up and keeping take time that is not the step's.
            local.now = self.now();
        }
        let (began, runner) = (local.now, runner());
        self.enter(place, attempt, runner, local);
        let watched = terms.limit.and_then(|limit| self.watch(place, attempt, limit));
        let is_final = terms.retry.attempts <= u32::from(attempt);
        let take = if is_final { Take::Last } else { Take::Keep };
        let ctx = Context {
            host: &**self,
            node: place,
            crew: Some(&self.engine.crew),
            lends: runner == Runner::Blocking && self.plan.program.group(place).is_some(),
            services: Some(&self.engine.services),
            attempt: attempt.into(),
            deadline: watched.as_ref().map(|watch| watch.deadline),
            helped: Some(&cell.helped),
            is_told: false,
        };
        let stated = if self.plan.traits.has_sizes { self.stated_bytes(place) } else { 0 };
        if stated > 0 {
            self.state.slots.begin_aside(stated);
        }
        let mut values = Values::default();
        let call = || self.call_step(place, &**step, take, &ctx, &mut values);
        let result = inside_step(|| catch_unwind(AssertUnwindSafe(call)));
        if stated > 0 {
            self.state.slots.end_aside(stated);
        }
        if let Some(watch) = watched {
            self.forget(watch);
        }
        self.engine.recall_declined();
        local.now = self.now();
        let took = local.now.saturating_sub(began);
        self.schedule.note(place, took);
        match result {
            Ok(Ok(())) if values.len() == self.plan.program.shape.slots(place).len() => {
                if !cell.claim_from(runner) {
                    dispose(values);
                    return Outcome::Abandoned;
                }
                cell.nanos.store(self.own_share(place, took, Status::Computed), Ordering::Relaxed);
                self.publish(place, values, took, local);
                Outcome::Ended(End::ok(Status::Computed))
            }
            other => {
                let error = match other {
                    Ok(Ok(())) => Error::failed(format!("returned {} results", values.len())),
                    Ok(Err(error)) => printable(*error),
                    Err(payload) => panicked(payload),
                };
                dispose(values);
                self.unsuccessful(place, terms, error, local)
            }
        }
    }

    /// Notes and tells that a place is running.
    #[inline]
    fn enter(&self, place: u32, attempt: u8, runner: Runner, local: &mut Local) {
        let cell = &self.state.cells[place as usize];
        cell.begin(attempt, local.now, runner);
        if runner == Runner::Worker {
            cell.set_seat(seat());
        }
        self.set(place, State::Running);
        if let Some(group) = self.plan.program.group(place) {
            self.begin_members(place, group, local);
        }
        if self.bus.is_active() {
            self.tell_started(place, attempt, local);
            if !self.is_told_late(place) {
                self.flush(local);
            }
        }
    }

    /// Calls the step of a place, or runs its group, on what its wires bring.
    #[inline]
    fn call_step(
        &self,
        place: u32,
        step: &dyn AnyStep,
        take: Take,
        ctx: &Context<'_>,
        values: &mut Values,
    ) -> Result<(), Box<Error>> {
        let shape = &*self.plan.program.shape;
        let inputs = shape.inputs(place);
        let mut read = |at: usize| Some(self.state.slots.take(*inputs.get(at)?, take));
        if let Some(group) = self.plan.program.group(place) {
            let inputs: Vec<Value> = (0..inputs.len()).filter_map(read).collect();
            values.push(self.run_group(place, group, &inputs, ctx)?);
            return Ok(());
        }
        let mut reader = Reader::new(&mut read, shape.port_counts(place));
        let called = step.call(&mut reader, ctx, &mut |value| {
            // Asked here for the first time: a panic is this step's.
            let _ = value.size_bytes();
            values.push(value);
        });
        // Boxed, so that a step that went well does not move the room for an error.
        called.map_err(Box::new)
    }

    /// Decides what becomes of a place whose step did not finish.
    #[cold]
    #[inline(never)]
    fn unsuccessful(
        self: &Arc<Self>,
        place: u32,
        terms: Terms,
        error: Error,
        local: &mut Local,
    ) -> Outcome {
        let cell = &self.state.cells[place as usize];
        let took = local.now.saturating_sub(cell.nanos.load(Ordering::Relaxed));
        let attempt = u32::from(cell.attempts.load(Ordering::Relaxed));
        let may_pass =
            error.is_transient() && attempt < terms.retry.attempts && attempt < u8::MAX.into();
        if may_pass && !self.token.is_cancelled() {
            if !cell.set_back() {
                return Outcome::Abandoned;
            }
            cell.nanos.store(took, Ordering::Relaxed);
            // Before it can be queued again: afterwards what it holds may be that of its next turn.
            self.schedule.put_back(place, self.units_of(place));
            // The next attempt may be told by another thread.
            self.flush(local);
            self.try_later(place, terms.retry.pause(attempt));
            return Outcome::Parked;
        }
        let stopped = matches!(error, Error::Cancelled(_));
        let overdue = stopped && cell.is_overdue();
        // A step that stops while nobody told it to has failed; one that would have been tried
        // again has not.
        let cancelled = (stopped && !overdue || may_pass) && self.token.is_cancelled();
        let status = if cancelled { Status::Cancelled } else { Status::Failed };
        if !cell.claim_from(runner()) {
            return Outcome::Abandoned;
        }
        cell.nanos.store(self.own_share(place, took, status), Ordering::Relaxed);
        Outcome::Ended(match error {
            error if cancelled => End { status, error: Some(Arc::new(error)), tier: None },
            _ if overdue => {
                let after = terms.limit.unwrap_or(Duration::from_nanos(took));
                self.failure(place, Error::TimedOut { after, still_running: false })
            }
            error => self.failure(place, error),
        })
    }

    /// Puts results where they are wanted: the slots, the cache, the runs that wait for them.
    fn publish(self: &Arc<Self>, place: u32, values: Values, took: u64, local: &mut Local) {
        if !self.keeps_results {
            self.fill(place, values);
            return;
        }
        if self.note_doubt(place, &values) {
            self.resolve(place, None);
            self.fill(place, values);
            return;
        }
        self.digest(place, &values);
        self.settle(place);
        if let Some(cache) = &self.engine.cache
            && let Some(key) = self.cache_key(place)
        {
            let inputs = self.kept_inputs(place);
            let step = self.plan.infos[place as usize].step_type().map_or("", |step| step.name);
            let shape = &self.plan.program.shape;
            let is_told = !inputs.is_empty() && inputs.len() == shape.inputs(place).len();
            let (graph, node) = (self.plan.graph, shape.ids[place as usize]);
            let time = Duration::from_nanos(took);
            for (value, port) in values.iter().zip(0u16..) {
                let key = key.port(port);
                let has_one = self.plan.traits.has_digests;
                let identity = has_one.then(|| self.engine.identities.find(&key)).flatten();
                let maker = is_told.then_some(Maker { graph, node, port });
                let origin = Origin { step, time, inputs: &inputs, maker, identity };
                for evicted in cache.put(key, value, origin) {
                    if self.bus.is_active() {
                        let kind = EventKind::Evicted {
                            key: evicted.key,
                            bytes: evicted.bytes,
                            tier: evicted.tier,
                        };
                        local.events.push(Emit { t_us: local.now / 1000, node: None, kind });
                    }
                }
            }
        }
        self.resolve(place, Some(&values));
        self.fill(place, values);
    }

    pub(super) fn fill(&self, place: u32, values: Values) {
        if values.is_nothing() {
            return;
        }
        let mut bytes = 0;
        let values = values.first.into_iter().chain(values.rest);
        let is_told = self.is_told();
        for (slot, value) in self.plan.program.shape.slots(place).zip(values) {
            if is_told {
                let tale = &self.state.tales[place as usize];
                tale.pixels.fetch_add(value.pixels(), Ordering::Relaxed);
            }
            bytes += self.state.slots.fill(slot, value);
        }
        self.state.cells[place as usize].bytes.store(bytes, Ordering::Relaxed);
    }

    /// Tells the runs that follow a place's computation what came of it.
    pub(super) fn resolve(self: &Arc<Self>, place: u32, values: Option<&Values>) {
        if self.engine.cache.is_none() {
            return;
        }
        let Some(claimed) = self.leading.lock().remove(&place) else { return };
        // It is of the cache, which was told what came of it.
        dispose(claimed);
        let Some(key) = self.cache_key(place) else { return };
        for Follower { run, place } in self.engine.inflight.finish(&key) {
            match values {
                Some(values) => run.adopt(place, values.clone()),
                None => run.come_back(place),
            }
        }
    }

    /// Takes over results that another run computed. Runs on that run's thread; the waiting place
    /// was counted in and goes out here.
    fn adopt(self: &Arc<Self>, place: u32, values: Values) {
        let mut local = self.local();
        let end = match self.refuse(place) {
            Some(end) => end,
            None => {
                self.digest(place, &values);
                self.fill(place, values);
                End { tier: Some(Tier::Memory), ..End::ok(Status::Adopted) }
            }
        };
        let next = self.end(place, &end, &mut local);
        self.flush(&mut local);
        if let Some(next) = next {
            self.queue(next);
        }
        self.left(self.schedule.leave());
    }

    /// Ends a place: its record, its event, its inputs, its consumers. Returns the place to go on
    /// with.
    pub(super) fn end(self: &Arc<Self>, place: u32, end: &End, local: &mut Local) -> Option<u32> {
        if let Some(group) = self.plan.program.group(place) {
            let own = self.end_members(place, group, end, local);
            return self.end_itself(place, &own, local);
        }
        self.end_itself(place, end, local)
    }

    #[inline(always)]
    fn end_itself(self: &Arc<Self>, place: u32, end: &End, local: &mut Local) -> Option<u32> {
        if !end.status.is_ok() {
            self.pass_blame(place, end);
        }
        if self.is_told() {
            let tale = &self.state.tales[place as usize];
            tale.ended_us.store(local.now / 1000, Ordering::Relaxed);
            tale.set_tier(end.tier);
        }
        self.set(place, State::Ended(end.status));
        if self.bus.is_active() {
            self.tell_finished(place, end.status, local);
        }
        for &slot in self.plan.program.shape.inputs(place) {
            self.state.slots.finish(slot);
        }
        let active = self.bus.is_active();
        let Local { events, hand, ready, now } = local;
        let released = self.schedule.release(place, hand, &**self, ready, |queued| {
            if active {
                events.extend(queued.iter().map(|&place| self.queued_event(place, *now / 1000)));
                // Other threads tell what becomes of them.
                self.bus.emit_all(events);
            }
        });
        if self.schedule.is_limited() {
            // After those that it made ready are queued, so that nobody takes it for the last one.
            let bytes = self.state.cells[place as usize].bytes.load(Ordering::Relaxed);
            self.schedule.done(place, self.units_of(place), bytes);
            self.call_the_blocked();
        }
        self.call_for_help(released.queued_nanos);
        if released.has_more {
            self.look_after();
        }
        released.next
    }

    /// Notes why a place has no result, and tells those who counted on it.
    #[cold]
    #[inline(never)]
    fn pass_blame(self: &Arc<Self>, place: u32, end: &End) {
        if let Some(error) = &end.error {
            self.note_error(place, error);
        }
        self.resolve(place, None);
        let culprit = self.state.cells[place as usize].blamed().unwrap_or(place);
        for &consumer in self.plan.program.shape.consumers(place) {
            self.state.cells[consumer as usize].blame(culprit);
        }
    }

    /// Records why a place has no result. A cancel says nothing of the place that it met.
    pub(super) fn note_error(&self, place: u32, error: &Arc<Error>) {
        let error = match &**error {
            Error::Cancelled(reason) => Arc::new(self.fault(place, Error::Cancelled(*reason))),
            _ => Arc::clone(error),
        };
        self.failures.lock().insert(place, error);
    }

    /// The end of a place that failed; stops the run if that is its policy.
    pub(super) fn failure(self: &Arc<Self>, place: u32, error: Error) -> End {
        let error = match error {
            // Of a group it was said already which of its steps it was.
            error @ Error::Node { .. } if self.plan.program.group(place).is_some() => error,
            error => self.fault(place, error),
        };
        if self.on_failure == OnFailure::Stop && self.token.cancel(CancelReason::PeerFailed) {
            self.wind_down();
        }
        End { status: Status::Failed, error: Some(Arc::new(error)), tier: None }
    }

    /// The error of a place, which tells whose it is.
    pub(super) fn fault(&self, place: u32, error: Error) -> Error {
        let info = &self.plan.infos[place as usize];
        let (node, step) = (info.name().to_owned(), info.step_name().to_owned());
        Error::Node { node, step, source: Arc::new(error) }
    }

    /// Passes inputs on as outputs: a bypassed node, or one that shares an equal one's results.
    fn pass_on(&self, place: u32, status: Status) -> End {
        if let Some(end) = self.refuse(place) {
            return end;
        }
        self.pass_doubt(place);
        let shape = &self.plan.program.shape;
        let mut bytes = 0;
        for (slot, &source) in shape.slots(place).zip(shape.inputs(place)) {
            bytes += self.state.slots.fill(slot, self.state.slots.take(source, Take::Last));
            if self.plan.late.is_some() {
                let mut identities = self.identities.lock();
                identities[slot as usize] = identities[source as usize];
            }
        }
        self.state.cells[place as usize].bytes.store(bytes, Ordering::Relaxed);
        End::ok(status)
    }

    pub(super) fn units_of(&self, place: u32) -> &[crate::step::Units] {
        super::gate::Needs::units(self, place)
    }
}

/// The error of a step that panicked.
pub(super) fn panicked(payload: Box<dyn Any + Send>) -> Error {
    let text = panic_text(&*payload);
    dispose(payload);
    Error::Panicked(text)
}

/// The error itself, if it can be printed: events and reports tell it in words.
fn printable(error: Error) -> Error {
    let words = catch_unwind(AssertUnwindSafe(|| (error.to_string(), error.causes())));
    match words {
        Ok(_) => error,
        Err(payload) => {
            dispose(error);
            panicked(payload)
        }
    }
}

/// What a panic said. The payload is only looked at, never formatted: its own code could panic.
pub(super) fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "with a payload that is not text".to_owned())
}
