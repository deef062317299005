//! One place of a run, from the queue to its end.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::OnFailure;
use super::cell::State;
use super::engine::{Follower, inside_step, runner};
use super::late::Found;
use super::run::{Abandoned, Local, RunCore};
use super::slots::{Take, dispose};
use super::wait::is_on;
use crate::cache::{Cost, Tier};
use crate::data::Value;
use crate::error::{CancelReason, Error, Result};
use crate::event::{ErrorInfo, EventKind, Finished, Status};
use crate::observe::Emit;
use crate::plan::Action;
use crate::step::{Context, Lane, Reader};
use crate::sync::atomic::Ordering;

/// The most outputs a step can have.
const OUTPUTS: usize = 4;

pub(super) type Values = [Option<Value>; OUTPUTS];

/// How a place ended.
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
            Action::Given | Action::Skip => Outcome::Parked,
        };
        match outcome {
            Outcome::Ended(end) => Ok(self.end(place, end, local)),
            Outcome::Parked => {
                self.schedule.done(place, self.units_of(place));
                if self.schedule.is_limited() {
                    self.call_the_blocked();
                }
                self.bus.emit_all(&mut local.events);
                Ok(None)
            }
            Outcome::HandedOver => {
                self.bus.emit_all(&mut local.events);
                Ok(None)
            }
            Outcome::Abandoned => Err(Abandoned),
        }
    }

    /// Why a place must not run, if it must not.
    fn refuse(&self, place: u32) -> Option<End> {
        if let Some(culprit) = self.cells[place as usize].blamed() {
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
        if self.engine.cache.is_some() || self.plan.late.is_some() {
            match self.look_up(place) {
                Found::Nothing => {}
                Found::Result(end) => return Outcome::Ended(end),
                Found::Elsewhere => return Outcome::Parked,
            }
        }
        let Some(body) = self.plan.infos[place as usize].body() else { return Outcome::Parked };
        if body.spec.lane != Lane::Compute && !is_on(body.spec.lane) {
            return match self.hand_over(place, body.spec.lane) {
                Ok(()) => Outcome::HandedOver,
                Err(error) => Outcome::Ended(self.failure(place, error, local)),
            };
        }
        self.attempt(place, local)
    }

    /// Runs the step once.
    fn attempt(self: &Arc<Self>, place: u32, local: &mut Local) -> Outcome {
        let mut values = Values::default();
        let outcome = self.attempt_into(&mut values, place, local);
        dispose(values);
        outcome
    }

    fn attempt_into(
        self: &Arc<Self>,
        values: &mut Values,
        place: u32,
        local: &mut Local,
    ) -> Outcome {
        let cell = &self.cells[place as usize];
        let info = &self.plan.infos[place as usize];
        let Some(body) = info.body() else { return Outcome::Parked };
        let retry = info.settings().retry;
        let attempt = cell.attempts.load(Ordering::Relaxed).saturating_add(1);
        cell.attempts.store(attempt, Ordering::Relaxed);
        let began = local.now;
        cell.nanos.store(self.t_us(began) * 1000, Ordering::Relaxed);
        cell.set_runner(runner());
        self.set(place, State::Running);
        let deadline = info.settings().timeout.or(self.step_timeout).map(|limit| {
            self.watch(place, attempt, limit);
            (limit, began.checked_add(limit))
        });
        if self.bus.is_active() {
            let kind = EventKind::StepStarted { attempt: attempt.into() };
            let node = Some(self.node(place));
            local.events.push(Emit { t_us: self.t_us(began), node, kind });
            // A listener wants to know of a step while it runs, not when it has ended.
            self.bus.emit_all(&mut local.events);
        }

        let shape = &self.plan.program.shape;
        let inputs = shape.inputs(place);
        let take = if retry.attempts > u32::from(attempt) { Take::Keep } else { Take::Last };
        let ctx = Context {
            host: &**self,
            node: place,
            crew: Some(&self.engine.crew),
            services: Some(&self.engine.services),
            seed: self.seed_of(place),
            attempt: attempt.into(),
            deadline: deadline.and_then(|(_, at)| at),
            helped: Some(&cell.helped),
        };
        let mut filled = 0;
        let result = inside_step(|| {
            catch_unwind(AssertUnwindSafe(|| {
                let mut read = |at: usize| inputs.get(at).map(|&slot| self.slots.take(slot, take));
                let mut reader = Reader::new(&mut read, shape.port_counts(place));
                body.step.call(&mut reader, &ctx, &mut |value| {
                    // Asked here for the first time: a panic is this step's.
                    let _ = value.size_bytes();
                    if let Some(output) = values.get_mut(filled) {
                        *output = Some(value);
                    }
                    filled += 1;
                })
            }))
        });
        self.engine.recall_declined();
        local.now = Instant::now();
        let took = local.now.saturating_duration_since(began);
        let result = match result {
            Ok(Ok(())) if filled == shape.slots(place).len() => Ok(()),
            Ok(Ok(())) => Err(Error::failed(format!("returned {filled} results"))),
            Ok(Err(error)) => Err(printable(error)),
            Err(payload) => Err(panicked(payload)),
        };
        let can_retry = result.as_ref().is_err_and(Error::is_transient)
            && u32::from(attempt) < retry.attempts
            && attempt < u8::MAX
            && !self.token.is_cancelled();
        let status = match &result {
            Ok(()) => Status::Computed,
            Err(_) if can_retry => {
                if !cell.set_back() {
                    return Outcome::Abandoned;
                }
                cell.nanos.store(nanos(took), Ordering::Relaxed);
                self.try_later(place, retry.pause(attempt.into()));
                return Outcome::Parked;
            }
            Err(Error::Cancelled(_)) if !cell.is_overdue() => Status::Cancelled,
            Err(_) => Status::Failed,
        };
        if !cell.claim() {
            return Outcome::Abandoned;
        }
        cell.nanos.store(nanos(took), Ordering::Relaxed);
        match result {
            Ok(()) => {
                self.publish(place, values, took, local);
                Outcome::Ended(End::ok(Status::Computed))
            }
            Err(Error::Cancelled(CancelReason::Timeout)) if status == Status::Failed => {
                let after = deadline.map_or(took, |(limit, _)| limit);
                let error = Error::TimedOut { after, still_running: false };
                Outcome::Ended(self.failure(place, error, local))
            }
            Err(error) if status == Status::Cancelled => {
                Outcome::Ended(End { status, error: Some(Arc::new(error)), tier: None })
            }
            Err(error) => Outcome::Ended(self.failure(place, error, local)),
        }
    }

    /// Puts results where they are wanted: the slots, the cache, the runs that wait for them.
    fn publish(self: &Arc<Self>, place: u32, values: &Values, took: Duration, local: &mut Local) {
        self.digest(place, values);
        self.settle(place);
        if let Some(cache) = &self.engine.cache
            && let Some(key) = self.cache_key(place)
        {
            for (value, port) in values.iter().flatten().zip(0u16..) {
                let cost = Cost { time: took, bytes: value.size_bytes() as u64 };
                for evicted in cache.put(key.port(port), value, cost) {
                    if self.bus.is_active() {
                        let kind = EventKind::Evicted {
                            key: evicted.key,
                            bytes: evicted.bytes,
                            tier: evicted.tier,
                        };
                        local.events.push(Emit { t_us: self.t_us(local.now), node: None, kind });
                    }
                }
            }
        }
        self.resolve(place, Some(values));
        self.fill(place, values.clone());
    }

    pub(super) fn fill(&self, place: u32, values: Values) {
        let mut bytes = 0;
        for (slot, value) in self.plan.program.shape.slots(place).zip(values.into_iter().flatten())
        {
            bytes += self.slots.fill(slot, value);
        }
        self.cells[place as usize].bytes.store(bytes, Ordering::Relaxed);
    }

    /// Tells the runs that follow a place's computation what came of it.
    fn resolve(self: &Arc<Self>, place: u32, values: Option<&Values>) {
        if self.engine.cache.is_none() || !self.leading.lock().remove(&place) {
            return;
        }
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
        let mut local = Local { events: Vec::new(), now: Instant::now() };
        let end = match self.refuse(place) {
            Some(end) => end,
            None => {
                self.digest(place, &values);
                self.fill(place, values);
                End { tier: Some(Tier::Memory), ..End::ok(Status::Adopted) }
            }
        };
        if let Some(next) = self.end(place, end, &mut local) {
            self.queue(next);
        }
        self.left(self.schedule.leave());
    }

    /// Ends a place: its record, its event, its inputs, its consumers. Returns the place to go on
    /// with.
    pub(super) fn end(self: &Arc<Self>, place: u32, end: End, local: &mut Local) -> Option<u32> {
        let cell = &self.cells[place as usize];
        if let Some(error) = end.error {
            self.failures.lock().insert(place, error);
        }
        self.set(place, State::Ended(end.status));
        if !end.status.is_ok() {
            self.resolve(place, None);
            let culprit = cell.blamed().unwrap_or(place);
            for &consumer in self.plan.program.shape.consumers(place) {
                self.cells[consumer as usize].blame(culprit);
            }
        }
        if self.bus.is_active() {
            let mut finished = self.finished_event(place, end.status);
            finished.tier = end.tier;
            let node = Some(self.node(place));
            let kind = EventKind::StepFinished(finished);
            local.events.push(Emit { t_us: self.t_us(local.now), node, kind });
            self.bus.emit_all(&mut local.events);
        }
        self.schedule.done(place, self.units_of(place));
        for &slot in self.plan.program.shape.inputs(place) {
            self.slots.finish(slot);
        }
        let active = self.bus.is_active();
        let released = self.schedule.release(place, |queued| {
            if active {
                local.events.push(self.queued_event(queued, self.t_us(local.now)));
            }
        });
        self.bus.emit_all(&mut local.events);
        if self.schedule.is_limited() {
            self.call_the_blocked();
        }
        self.call_for_help(released.queued_nanos);
        released.next
    }

    /// The event that tells how a place ended, from the run's records.
    pub(super) fn finished_event(&self, place: u32, status: Status) -> Finished {
        let cell = &self.cells[place as usize];
        let mut finished = Finished::new(status);
        finished.attempt = cell.attempts.load(Ordering::Relaxed).into();
        if finished.attempt > 0 {
            let nanos = cell.nanos.load(Ordering::Relaxed);
            finished.duration_us = nanos / 1000;
            finished.cpu_us = (nanos + cell.helped.load(Ordering::Relaxed)) / 1000;
        }
        finished.bytes = cell.bytes.load(Ordering::Relaxed);
        finished.key = self.key(place);
        if !status.is_ok() {
            finished.because = cell.blamed().map(|culprit| self.node(culprit));
            if let Some(error) = self.failures.lock().get(&place) {
                let info = &self.plan.infos[place as usize];
                let error = ErrorInfo::from_error(error, info.name(), info.step_name());
                finished.error = Some(Box::new(error));
            }
        }
        finished
    }

    /// The end of a place that failed; stops the run if that is its policy.
    pub(super) fn failure(self: &Arc<Self>, place: u32, error: Error, _: &mut Local) -> End {
        let info = &self.plan.infos[place as usize];
        let error = Error::Node {
            node: info.name().to_owned(),
            step: info.step_name().to_owned(),
            source: Arc::new(error),
        };
        if self.on_failure == OnFailure::Stop && self.token.cancel(CancelReason::PeerFailed) {
            self.wind_down();
        }
        End { status: Status::Failed, error: Some(Arc::new(error)), tier: None }
    }

    /// Passes inputs on as outputs: a bypassed node, or one that shares an equal one's results.
    fn pass_on(&self, place: u32, status: Status) -> End {
        if let Some(end) = self.refuse(place) {
            return end;
        }
        let shape = &self.plan.program.shape;
        let mut bytes = 0;
        for (slot, &source) in shape.slots(place).zip(shape.inputs(place)) {
            bytes += self.slots.fill(slot, self.slots.take(source, Take::Last));
            if self.plan.late.is_some() {
                let mut identities = self.identities.lock();
                identities[slot as usize] = identities[source as usize];
            }
        }
        self.cells[place as usize].bytes.store(bytes, Ordering::Relaxed);
        End::ok(status)
    }

    fn units_of(&self, place: u32) -> &[crate::step::Units] {
        super::gate::Needs::units(self, place)
    }
}

pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The error of a step that panicked.
fn panicked(payload: Box<dyn Any + Send>) -> Error {
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
fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "with a payload that is not text".to_owned())
}
