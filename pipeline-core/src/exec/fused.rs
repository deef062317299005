//! A place that runs a group of steps as one: the run sees one place, people see all of its steps.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use super::cell::State;
use super::run::{Local, RunCore};
use super::task::{End, panicked};
use crate::data::{Layout, Value};
use crate::error::{Error, Result};
use crate::event::Status;
use crate::step::{Context, Fused, Group, Tile};
use crate::sync::atomic::{AtomicU64, Ordering};

/// Nanoseconds that threads spent in each step of a group.
#[derive(Debug)]
pub(super) struct Tally(Vec<AtomicU64>);

impl Tally {
    pub(super) fn of(group: &Group) -> Self {
        Self(group.members.iter().map(|_| AtomicU64::new(0)).collect())
    }
}

impl RunCore {
    /// Makes the result of a group.
    pub(super) fn run_group(
        &self,
        group: &Group,
        inputs: &[Value],
        ctx: &Context<'_>,
        tally: &Tally,
    ) -> Result<Value> {
        self.with_fused(group, ctx, tally, |fused| fused.run(inputs))
    }

    /// What the result of a group will look like.
    pub(super) fn group_layout(
        &self,
        group: &Group,
        inputs: impl FnOnce() -> Option<Vec<Layout>>,
    ) -> Option<Layout> {
        let (ctx, tally) = (Context::default(), Tally::of(group));
        let inputs = inputs()?;
        let layout = || self.with_fused(group, &ctx, &tally, |fused| fused.layout(&inputs));
        catch_unwind(AssertUnwindSafe(layout)).ok()?.ok()
    }

    fn with_fused<R>(
        &self,
        group: &Group,
        ctx: &Context<'_>,
        tally: &Tally,
        f: impl FnOnce(&Fused<'_>) -> Result<R>,
    ) -> Result<R> {
        let steps =
            group.members.iter().map(|member| self.plan.steps[member.place as usize].as_ref());
        let tiles: Option<Vec<&dyn Tile>> =
            steps.map(|step| step.and_then(|step| step.tile())).collect();
        let tiles = tiles.ok_or_else(|| Error::failed("a step lost its tile-wise form"))?;
        let within = |member: usize, body: &mut dyn FnMut() -> Result<()>| {
            let began = Instant::now();
            let result = catch_unwind(AssertUnwindSafe(body));
            let took = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
            tally.0[member].fetch_add(took, Ordering::Relaxed);
            let error = match result {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error @ Error::Cancelled(_))) => return Err(error),
                Ok(Err(error)) => error,
                Err(payload) => panicked(payload),
            };
            let info = &self.plan.infos[group.members[member].place as usize];
            Err(Error::Node {
                node: info.name().to_owned(),
                step: info.step_name().to_owned(),
                source: Arc::new(error),
            })
        };
        f(&Fused { group, tiles: &tiles, ctx, within: &within })
    }

    /// Shares the time of a group out among its steps, as they took it.
    pub(super) fn share_out(&self, group: &Group, tally: &Tally, place: u32, took: u64) {
        let helped = self.state.cells[place as usize].helped.load(Ordering::Relaxed);
        let spent = || tally.0.iter().map(|nanos| nanos.load(Ordering::Relaxed));
        let all = u128::from(spent().sum::<u64>().max(1));
        for (member, spent) in group.members.iter().zip(spent()) {
            let share = |of: u64| {
                u64::try_from(u128::from(of) * u128::from(spent) / all).unwrap_or(u64::MAX)
            };
            let cell = &self.state.cells[member.place as usize];
            cell.attempts.store(1, Ordering::Relaxed);
            cell.nanos.store(share(took), Ordering::Relaxed);
            cell.helped.store(share(helped), Ordering::Relaxed);
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
                group.members.iter().find(|member| info(member.place).name() == node)
            }
            _ => None,
        };
        let culprit = culprit.map_or(place, |member| member.place);
        let others = || match end.status {
            Status::Failed => {
                let because = info(culprit).name().to_owned();
                let error = Some(Arc::new(Error::Skipped { because }));
                End { status: Status::Skipped, error, tier: None }
            }
            _ => end.clone(),
        };
        for member in group.members.iter().filter(|member| member.place != place) {
            let own = if member.place == culprit { end.clone() } else { others() };
            let cell = &self.state.cells[member.place as usize];
            if own.status == Status::Skipped {
                cell.blame(self.state.cells[place as usize].blamed().unwrap_or(culprit));
            }
            if let Some(error) = &own.error {
                self.failures.lock().insert(member.place, Arc::clone(error));
            }
            if self.is_told() {
                let tale = &self.state.tales[member.place as usize];
                tale.ended_us.store(local.now / 1000, Ordering::Relaxed);
            }
            self.set(member.place, State::Ended(own.status));
            if self.bus.is_active() {
                if own.status == Status::Computed {
                    self.tell_started(member.place, 1, local);
                }
                self.tell_finished(member.place, own.status, local);
            }
        }
        if culprit == place {
            return end.clone();
        }
        self.state.cells[place as usize].set_blame(culprit);
        others()
    }
}
