//! A place that runs a group of steps as one: the run sees one place, people see all of its steps.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::cell::State;
use super::engine::{inside_step, runner};
use super::run::{Local, RunCore};
use super::slots::Slots;
use super::task::{End, panicked};
use crate::data::{Image, Layout, Value};
use crate::error::{Error, Result};
use crate::event::Status;
use crate::plan::Action;
use crate::step::{Context, Fused, Given, Group, Watch};
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};

impl RunCore {
    /// Makes the result of a group.
    pub(super) fn run_group(
        &self,
        place: u32,
        group: &Group,
        inputs: &[Value],
        ctx: &Context<'_>,
    ) -> Result<Value> {
        let steps = &self.plan.steps;
        let mut visits: Vec<Visits> = group.places().map(Visits::of).collect();
        visits.sort_unstable_by_key(|visits| visits.place);
        let visits = Arc::new(visits);
        self.groups.lock().insert(place, Arc::clone(&visits));
        let watch = Watcher { run: self, ctx, visits };
        let layouts: Option<Vec<Layout>> = inputs.iter().map(Value::layout).collect();
        let layouts =
            layouts.ok_or_else(|| Error::failed("an input of fused steps is no image"))?;
        let opened = group.open(steps, &watch, ctx)?;
        let profile = |input: &Value| input.downcast_ref::<Image>()?.icc().cloned();
        let profiles: Vec<_> = inputs.iter().map(profile).collect();
        let given = Given { layouts: &layouts, profiles: Some(&profiles) };
        let fused = Fused::new(group, steps, given, &opened, &watch)?;
        // What is made as a whole on the way takes its part of the memory, and so do windows.
        let _aside = Aside::of(&self.state.slots, fused.extent().most);
        fused.run(inputs, opened, ctx)
    }

    /// The step of a place that is inside its own code: of a group the first one that is.
    pub(super) fn inside(&self, place: u32) -> u32 {
        let groups = self.groups.lock();
        let mut visits = groups.get(&place).into_iter().flat_map(|visits| visits.iter());
        let found = visits.find(|visits| visits.inside.load(Ordering::Relaxed) > 0);
        found.map_or(place, |visits| visits.place)
    }

    /// Notes of each step the part of the time that was its own. Of steps that did all of it, later
    /// plans get to know what it cost to make so many bytes: parts of their images they may have
    /// made more than once, and others not at all.
    fn share_out(&self, root: u32, visits: &[Visits], took: u64, status: Status) {
        let helped = self.state.cells[root as usize].helped.load(Ordering::Relaxed);
        let spent = || visits.iter().map(|all| (all.place, all.nanos.load(Ordering::Relaxed)));
        let all = u128::from(spent().map(|(_, nanos)| nanos).sum::<u64>().max(1));
        for (visits, (place, spent)) in visits.iter().zip(spent()) {
            let share = |of: u64| {
                u64::try_from(u128::from(of) * u128::from(spent) / all).unwrap_or(u64::MAX)
            };
            let cell = &self.state.cells[place as usize];
            cell.helped.store(share(helped), Ordering::Relaxed);
            if status == Status::Computed {
                let (step, made) = (self.plan.infos[place as usize].step_name(), &visits.made);
                self.engine.costs.learn(step, share(took), made.load(Ordering::Relaxed));
            }
            if place != root {
                // The last step's own is what is left, once its place has ended.
                cell.nanos.store(share(took), Ordering::Relaxed);
            }
        }
    }

    /// The part of the time that a place took which is its own step's. That of a group is shared
    /// out among its steps as they took it.
    pub(super) fn own_share(&self, place: u32, took: u64, status: Status) -> u64 {
        let Some(group) = self.plan.program.group(place) else { return took };
        let visits = self.groups.lock().remove(&place);
        self.share_out(place, visits.as_deref().map_or(&[], Vec::as_slice), took, status);
        let others = group.places().filter(|&other| other != place);
        let nanos =
            others.map(|other| self.state.cells[other as usize].nanos.load(Ordering::Relaxed));
        took.saturating_sub(nanos.sum())
    }

    /// Says of the steps of a group but the last that they run.
    pub(super) fn begin_members(&self, place: u32, group: &Group, local: &mut Local) {
        for member in group.places().filter(|&member| member != place) {
            self.state.cells[member as usize].begin(1, local.now, runner());
            self.set(member, State::Running);
            if self.bus.is_active() {
                self.tell_started(member, 1, local);
            }
        }
    }

    /// Ends the steps of a group but the last, whose own end is returned.
    pub(super) fn end_members(
        self: &Arc<Self>,
        place: u32,
        group: &Group,
        end: &End,
        local: &mut Local,
    ) -> End {
        let info = |place: u32| &self.plan.infos[place as usize];
        let culprit = match end.error.as_deref() {
            Some(Error::Node { node, .. }) => {
                group.places().find(|&place| info(place).name() == node)
            }
            _ => None,
        };
        let culprit = culprit.unwrap_or(place);
        let others = |member: u32| match (end.status, self.plan.program.actions[member as usize]) {
            (Status::Failed, _) => {
                let because = info(culprit).name().to_owned();
                let error = Some(Arc::new(Error::Skipped { because }));
                End { status: Status::Skipped, error, tier: None }
            }
            (status, Action::FusePass) if status.is_ok() => End::ok(Status::Bypassed),
            (status, Action::FuseShare) if status.is_ok() => End::ok(Status::Adopted),
            _ => end.clone(),
        };
        for member in group.others(place) {
            let own = if member == culprit { end.clone() } else { others(member) };
            let cell = &self.state.cells[member as usize];
            if own.status == Status::Skipped {
                cell.blame(self.state.cells[place as usize].blamed().unwrap_or(culprit));
            }
            if let Some(error) = &own.error {
                self.note_error(member, error);
            }
            if self.is_told() {
                let tale = &self.state.tales[member as usize];
                tale.ended_us.store(local.now / 1000, Ordering::Relaxed);
            }
            self.set(member, State::Ended(own.status));
            if self.bus.is_active() {
                self.tell_finished(member, own.status, local);
            }
        }
        if culprit == place {
            return end.clone();
        }
        self.state.cells[place as usize].set_blame(culprit);
        others(place)
    }
}

/// What is known of a step of a group while the group runs.
#[derive(Debug)]
pub(super) struct Visits {
    place: u32,
    /// Time that was spent inside its code.
    nanos: AtomicU64,
    /// Bytes that it made.
    made: AtomicU64,
    /// Threads that are inside now.
    inside: AtomicU32,
}

impl Visits {
    fn of(place: u32) -> Self {
        Self { place, nanos: AtomicU64::new(0), made: AtomicU64::new(0), inside: AtomicU32::new(0) }
    }
}

/// Bytes that a group takes beside its result, as long as this lives.
struct Aside<'a> {
    slots: &'a Slots,
    bytes: u64,
}

impl<'a> Aside<'a> {
    fn of(slots: &'a Slots, bytes: u64) -> Self {
        slots.begin_aside(bytes);
        Self { slots, bytes }
    }
}

impl Drop for Aside<'_> {
    fn drop(&mut self) {
        self.slots.end_aside(self.bytes);
    }
}

/// Watches over the steps of a group.
struct Watcher<'a> {
    run: &'a RunCore,
    ctx: &'a Context<'a>,
    /// In the order of their places.
    visits: Arc<Vec<Visits>>,
}

impl Watcher<'_> {
    fn visits(&self, place: u32) -> Option<&Visits> {
        let at = self.visits.binary_search_by_key(&place, |visits| visits.place).ok()?;
        Some(&self.visits[at])
    }
}

impl Watch for Watcher<'_> {
    fn within(&self, places: &[u32], body: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        let visits = || places.iter().filter_map(|&place| self.visits(place));
        for visits in visits() {
            visits.inside.fetch_add(1, Ordering::Relaxed);
        }
        let began = Instant::now();
        let result = inside_step(|| catch_unwind(AssertUnwindSafe(body)));
        let took = nanos(began.elapsed()) / places.len() as u64;
        for visits in visits() {
            visits.inside.fetch_sub(1, Ordering::Relaxed);
            visits.nanos.fetch_add(took, Ordering::Relaxed);
        }
        let error = match result {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error @ Error::Cancelled(_))) if self.ctx.is_cancelled() => return Err(error),
            Ok(Err(error)) => error,
            Err(payload) => panicked(payload),
        };
        Err(self.run.fault(places[places.len() - 1], error))
    }

    fn waited(&self, place: u32, time: Duration) {
        if let Some(visits) = self.visits(place) {
            visits.nanos.fetch_sub(nanos(time), Ordering::Relaxed);
        }
    }

    fn made(&self, places: &[u32], bytes: usize) {
        for visits in places.iter().filter_map(|&place| self.visits(place)) {
            visits.made.fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
