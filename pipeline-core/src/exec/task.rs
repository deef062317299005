//! One place of a run, from the queue to its end.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::OnFailure;
use super::cell::State;
use super::engine::{Drained, Follower, inside_step};
use super::inflight::Begin;
use super::run::{Abandoned, Local, RunCore, micros};
use super::slots::Take;
use crate::cache::{Cost, Hit, Tier};
use crate::data::Value;
use crate::error::{CancelReason, Error, Result};
use crate::event::{ErrorInfo, EventKind, Finished, Status};
use crate::key::Key;
use crate::observe::Emit;
use crate::plan::{Action, Identity};
use crate::step::{Context, Kind, Lane, Reader};
use crate::sync::atomic::Ordering;

/// The most outputs a step can have.
const OUTPUTS: usize = 4;

type Values = [Option<Value>; OUTPUTS];

/// How a place ended.
struct End {
    status: Status,
    error: Option<Arc<Error>>,
    tier: Option<Tier>,
}

impl End {
    const fn ok(status: Status) -> Self {
        Self { status, error: None, tier: None }
    }
}

/// What became of a place that was executed.
enum Outcome {
    Ended(End),
    /// It waits for another attempt, another thread or another run.
    Parked,
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
        if body.spec.lane == Lane::Blocking && !is_blocking_thread() {
            return match self.hand_over(place) {
                Ok(()) => Outcome::Parked,
                Err(error) => Outcome::Ended(self.failure(place, error, local)),
            };
        }
        self.attempt(place, local)
    }

    /// Runs the step once.
    fn attempt(self: &Arc<Self>, place: u32, local: &mut Local) -> Outcome {
        let cell = &self.cells[place as usize];
        let info = &self.plan.infos[place as usize];
        let Some(body) = info.body() else { return Outcome::Parked };
        let retry = info.settings().retry;
        let attempt = cell.attempts.load(Ordering::Relaxed).saturating_add(1);
        cell.attempts.store(attempt, Ordering::Relaxed);
        let began = local.now;
        cell.nanos.store(self.t_us(began) * 1000, Ordering::Relaxed);
        cell.set(State::Running);
        let deadline = info.settings().timeout.or(self.step_timeout).map(|limit| {
            self.watch(place, attempt, limit);
            (limit, began + limit)
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
            deadline: deadline.map(|(_, at)| at),
            helped: Some(&cell.helped),
        };
        let mut values = Values::default();
        let mut filled = 0;
        let result = inside_step(|| {
            catch_unwind(AssertUnwindSafe(|| {
                let mut read = |at: usize| inputs.get(at).map(|&slot| self.slots.take(slot, take));
                let mut reader = Reader::new(&mut read, shape.port_counts(place));
                body.step.call(&mut reader, &ctx, &mut |value| {
                    if let Some(output) = values.get_mut(filled) {
                        *output = Some(value);
                    }
                    filled += 1;
                })
            }))
        });
        local.now = Instant::now();
        let took = local.now.saturating_duration_since(began);
        let result = match result {
            Ok(Ok(())) if filled == shape.slots(place).len() => Ok(()),
            Ok(Ok(())) => Err(Error::failed(format!("returned {filled} results"))),
            Ok(Err(error)) => Err(error),
            Err(payload) => Err(Error::Panicked(panic_text(&*payload))),
        };
        let can_retry = result.as_ref().is_err_and(Error::is_transient)
            && u32::from(attempt) < retry.attempts
            && !self.token.is_cancelled();
        let status = match &result {
            Ok(()) => Status::Computed,
            Err(_) if can_retry => {
                cell.set(State::Pending);
                self.try_later(place, retry.pause(attempt.into()));
                return Outcome::Parked;
            }
            Err(Error::Cancelled(_)) if !cell.overdue.load(Ordering::Relaxed) => Status::Cancelled,
            Err(_) => Status::Failed,
        };
        if !cell.claim(status) {
            return Outcome::Abandoned;
        }
        cell.nanos.store(nanos(took), Ordering::Relaxed);
        match result {
            Ok(()) => {
                self.publish(place, &values, took, local);
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

    fn fill(&self, place: u32, values: Values) {
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
            self.schedule.push(next);
            self.engine.wake(1);
        }
        self.left(self.schedule.leave());
    }

    /// Ends a place: its record, its event, its inputs, its consumers. Returns the place to go on
    /// with.
    fn end(self: &Arc<Self>, place: u32, end: End, local: &mut Local) -> Option<u32> {
        let cell = &self.cells[place as usize];
        cell.set(State::Ended(end.status));
        if !end.status.is_ok() {
            self.resolve(place, None);
            let culprit = cell.blamed().unwrap_or(place);
            for &consumer in self.plan.program.shape.consumers(place) {
                self.cells[consumer as usize].blame(culprit);
            }
        }
        let tier = end.tier;
        if let Some(error) = end.error {
            self.failures.lock().insert(place, error);
        }
        if self.bus.is_active() {
            let mut finished = self.finished_event(place, end.status);
            finished.tier = tier;
            let node = Some(self.node(place));
            let kind = EventKind::StepFinished(finished);
            local.events.push(Emit { t_us: self.t_us(local.now), node, kind });
            self.bus.emit_all(&mut local.events);
        }
        self.schedule.done(place, self.units_of(place));
        for &slot in self.plan.program.shape.inputs(place) {
            self.slots.finish(slot);
        }
        let released = self.schedule.release(place);
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
    fn failure(self: &Arc<Self>, place: u32, error: Error, _: &mut Local) -> End {
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

/// Keys and the cache during a run.
impl RunCore {
    /// Looks for a result that came to be since the plan was made, here or in another run.
    fn look_up(self: &Arc<Self>, place: u32) -> Found {
        let was_late = self.come_to_light(place);
        let Some(cache) = &self.engine.cache else { return Found::Nothing };
        let Some(key) = self.cache_key(place) else { return Found::Nothing };
        if self.leading.lock().contains(&place) {
            return Found::Nothing;
        }
        let slots = self.plan.program.shape.slots(place).len();
        let hits = || -> Option<Vec<Hit>> {
            (0u16..).take(slots).map(|port| cache.get(&key.port(port))).collect()
        };
        let follow = || {
            self.schedule.enter();
            Follower { run: Arc::clone(self), place }
        };
        match self.engine.inflight.begin(key, hits, follow) {
            Begin::Leader => {
                self.leading.lock().insert(place);
                Found::Nothing
            }
            Begin::Follower => {
                // A cancel that came before the follower was in the list did not see it.
                if self.token.is_cancelled() {
                    self.wind_down();
                }
                Found::Elsewhere
            }
            Begin::Hit(hits) => {
                let tier = hits.first().map(|hit| hit.tier);
                let mut values = Values::default();
                for (value, hit) in values.iter_mut().zip(hits) {
                    *value = Some(hit.value);
                }
                self.digest(place, &values);
                self.fill(place, values);
                let status = if was_late { Status::CutOff } else { Status::Cached };
                Found::Result(End { tier, ..End::ok(status) })
            }
        }
    }

    /// Works out the key of a place whose inputs had no identity when the plan was made. Says
    /// whether the place is such a one.
    fn come_to_light(&self, place: u32) -> bool {
        let Some(late) = &self.plan.late else { return false };
        if !late.late[place as usize] {
            return false;
        }
        let Some(base) = late.bases.get(&place) else { return true };
        let shape = &self.plan.program.shape;
        let mut identities = self.identities.lock();
        let inputs: Option<Vec<Key>> = shape
            .inputs(place)
            .iter()
            .map(|&slot| match identities[slot as usize] {
                Identity::Known(key) => Some(key),
                Identity::Late | Identity::Never => None,
            })
            .collect();
        if let Some(inputs) = inputs {
            let key = Key::of_result(base, inputs);
            self.late_keys.lock().insert(place, key);
            let is_pure = self.plan.infos[place as usize]
                .body()
                .is_some_and(|body| body.spec.kind == Kind::Pure);
            if is_pure && !late.digested[place as usize] {
                for (slot, port) in shape.slots(place).zip(0u16..) {
                    identities[slot as usize] = Identity::Known(key.port(port));
                }
            }
        }
        true
    }

    /// The key under which a place's results may be kept.
    fn cache_key(&self, place: u32) -> Option<Key> {
        let body = self.plan.infos[place as usize].body()?;
        if body.spec.kind == Kind::Pure { self.key(place) } else { None }
    }

    /// Gives results the identity of their content where that is what decides below them.
    fn digest(&self, place: u32, values: &Values) {
        let Some(late) = &self.plan.late else { return };
        if !late.digested[place as usize] {
            return;
        }
        let key = self.cache_key(place);
        let slots = self.plan.program.shape.slots(place);
        for ((slot, value), port) in slots.zip(values.iter().flatten()).zip(0u16..) {
            let known = key.map(|key| key.port(port));
            let recorded = known.and_then(|key| self.engine.identities.find(&key));
            let identity = recorded.or_else(|| {
                // A type without a codec has no digest; then the derived key must do.
                let digest = value.digest().and_then(Result::ok).or(known)?;
                Some(known.map_or(digest, |key| self.engine.identities.record(key, digest)))
            });
            self.identities.lock()[slot as usize] =
                identity.map_or(Identity::Never, Identity::Known);
        }
    }

    /// The number that a step's random numbers start from.
    fn seed_of(&self, place: u32) -> u64 {
        match self.plan.keys[place as usize].known() {
            Some(key) => key.prefix(),
            None => self.key(place).map_or(0, |key| key.prefix()),
        }
    }
}

/// What `look_up` found.
enum Found {
    Nothing,
    Result(End),
    Elsewhere,
}

/// Waiting and giving up.
impl RunCore {
    /// Runs a place on the threads that may wait.
    fn hand_over(self: &Arc<Self>, place: u32) -> Result<()> {
        self.schedule.enter();
        let run = Arc::clone(self);
        let handed = self.engine.block(move || {
            BLOCKING.set(true);
            if run.drain_one(place) == Drained::Free {
                run.left(run.schedule.leave());
            }
        });
        if handed.is_err() {
            self.left(self.schedule.leave());
        }
        handed
    }

    /// Executes one place on a thread that is not a worker, and queues what follows.
    fn drain_one(self: &Arc<Self>, place: u32) -> Drained {
        let mut local = Local { events: Vec::new(), now: Instant::now() };
        match self.execute(place, &mut local) {
            Ok(next) => {
                if let Some(next) = next {
                    self.schedule.push(next);
                }
                self.engine.wake(1);
                Drained::Free
            }
            Err(Abandoned) => Drained::Lost,
        }
    }

    fn try_later(self: &Arc<Self>, place: u32, pause: Duration) {
        self.schedule.enter();
        let run = Arc::clone(self);
        self.engine.timer.at(Instant::now() + pause, self.id.0, move || run.come_back(place));
        // A cancel that came before the timer knew of this did not hurry it.
        if self.token.is_cancelled() {
            self.engine.timer.hurry(self.id.0);
        }
    }

    /// Sets the step's deadline: first it is asked to stop, then it is given up on.
    fn watch(self: &Arc<Self>, place: u32, attempt: u8, limit: Duration) {
        let run = Arc::downgrade(self);
        let engine = Arc::clone(&self.engine);
        let grace = self.grace;
        let group = self.id.0;
        let at = Instant::now() + limit;
        self.engine.timer.at(at, group, move || {
            let Some(strong) = run.upgrade() else { return };
            if !strong.is_still(place, attempt) {
                return;
            }
            strong.cells[place as usize].overdue.store(true, Ordering::Relaxed);
            engine.timer.at(at + grace, group, move || {
                if let Some(run) = run.upgrade()
                    && run.is_still(place, attempt)
                {
                    run.abandon(place);
                }
            });
        });
    }

    fn is_still(&self, place: u32, attempt: u8) -> bool {
        let cell = &self.cells[place as usize];
        cell.state() == State::Running && cell.attempts.load(Ordering::Relaxed) == attempt
    }

    /// Gives up on a step that does not return: the place fails, its thread is replaced, and what
    /// the step may still return is dropped.
    pub(super) fn abandon(self: &Arc<Self>, place: u32) {
        let cell = &self.cells[place as usize];
        if !cell.claim(Status::Failed) {
            return;
        }
        let began = Duration::from_nanos(cell.nanos.load(Ordering::Relaxed));
        let took = self.start.elapsed().saturating_sub(began);
        cell.nanos.store(nanos(took), Ordering::Relaxed);
        let mut local = Local { events: Vec::new(), now: Instant::now() };
        let limit = self.plan.infos[place as usize].settings().timeout.or(self.step_timeout);
        let after = limit.unwrap_or(took);
        let error = Error::TimedOut { after, still_running: true };
        let end = self.failure(place, error, &mut local);
        self.engine.lose_worker();
        if let Some(next) = self.end(place, end, &mut local) {
            self.schedule.push(next);
            self.engine.wake(1);
        }
        // The lost thread was counted in; it will not count itself out.
        self.left(self.schedule.leave());
    }
}

impl crate::step::Host for RunCore {
    fn interrupted(&self, place: u32) -> Option<CancelReason> {
        if self.cells[place as usize].overdue.load(Ordering::Relaxed) {
            return Some(CancelReason::Timeout);
        }
        let reason = self.token.reason()?;
        // What another run waits for goes on, unless nobody can wait for it any more.
        let is_wanted = reason != CancelReason::Shutdown
            && self.engine.cache.is_some()
            && self.leading.lock().contains(&place)
            && self.cache_key(place).is_some_and(|key| self.engine.inflight.has_followers(&key));
        (!is_wanted).then_some(reason)
    }

    fn progress(&self, place: u32, progress: crate::step::Progress) {
        if !self.bus.is_active() {
            return;
        }
        let progress = crate::event::StepProgress {
            done: progress.done,
            total: progress.total,
            unit: progress.unit.into(),
            message: progress.message,
            eta_ms: None,
        };
        self.bus.progress(micros(self.start.elapsed()), self.node(place), progress);
    }
}

thread_local! {
    /// Whether this thread may wait.
    static BLOCKING: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

fn is_blocking_thread() -> bool {
    BLOCKING.get()
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// What a panic said. The payload is only looked at, never formatted: its own code could panic.
fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "with a payload that is not text".to_owned())
}

impl RunCore {
    /// Bytes that the results of a place are expected to take: what its tile-wise form says of the
    /// inputs at hand, what the step declares, what it took before, or as much as its inputs.
    pub(super) fn expected_bytes(&self, place: u32) -> u64 {
        let Some(body) = self.plan.infos[place as usize].body() else { return 0 };
        if let Some(bytes) = body.spec.bytes {
            return bytes;
        }
        let shape = &self.plan.program.shape;
        if let Some(tile) = body.step.tile() {
            let layouts: Option<Vec<_>> =
                shape.inputs(place).iter().map(|&slot| self.slots.layout(slot)).collect();
            if let Some(layout) = layouts.and_then(|layouts| tile.layout(&layouts).ok()) {
                return layout.size_bytes();
            }
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an estimate; the cast saturates"
        )]
        let learned = self.plan.program.estimates.bytes[place as usize] as u64;
        if learned > 0 {
            return learned;
        }
        shape.inputs(place).iter().map(|&slot| self.slots.bytes(slot)).max().unwrap_or(0)
    }
}
