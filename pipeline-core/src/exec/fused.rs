//! A place that runs a group of steps as one: the run sees one place, people see all of its steps.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::cell::State;
use super::run::{Local, RunCore};
use super::task::{End, panicked};
use crate::data::{Layout, Value};
use crate::error::{Error, Result};
use crate::event::Status;
use crate::step::{Context, Fused, Group};
use crate::sync::atomic::{AtomicU64, Ordering};

impl RunCore {
    /// Makes the result of a group, and shares its time out among the steps as they took it.
    pub(super) fn run_group(
        &self,
        place: u32,
        group: &Group,
        inputs: &[Value],
        ctx: &Context<'_>,
    ) -> Result<Value> {
        let spent: Vec<AtomicU64> = group.members.iter().map(|_| AtomicU64::new(0)).collect();
        let within = |member: usize, body: &mut dyn FnMut() -> Result<()>| {
            let began = Instant::now();
            let result = catch_unwind(AssertUnwindSafe(body));
            spent[member].fetch_add(nanos(began.elapsed()), Ordering::Relaxed);
            let error = match result {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error @ Error::Cancelled(_))) if ctx.is_cancelled() => return Err(error),
                Ok(Err(error)) => error,
                Err(payload) => panicked(payload),
            };
            Err(self.fault(group.members[member].place, error))
        };
        let began = Instant::now();
        let layouts: Option<Vec<Layout>> = inputs.iter().map(Value::layout).collect();
        let layouts =
            layouts.ok_or_else(|| Error::failed("an input of fused steps is no image"))?;
        let result = Fused::new(group, &self.plan.steps, &layouts, &within).and_then(|fused| {
            // What is made as a whole on the way takes its part of the memory.
            let (_, most) = fused.bytes();
            self.state.slots.begin_aside(most);
            let value = fused.run(inputs, ctx);
            self.state.slots.end_aside(most);
            value
        });
        self.share_out(place, group, &spent, nanos(began.elapsed()));
        result
    }

    /// Notes of each step the part of the time that was its own.
    fn share_out(&self, place: u32, group: &Group, spent: &[AtomicU64], took: u64) {
        let helped = self.state.cells[place as usize].helped.load(Ordering::Relaxed);
        let spent = || spent.iter().map(|nanos| nanos.load(Ordering::Relaxed));
        let all = u128::from(spent().sum::<u64>().max(1));
        for (member, spent) in group.members.iter().zip(spent()) {
            let share = |of: u64| {
                u64::try_from(u128::from(of) * u128::from(spent) / all).unwrap_or(u64::MAX)
            };
            let cell = &self.state.cells[member.place as usize];
            cell.helped.store(share(helped), Ordering::Relaxed);
            if member.place != place {
                // The last step's own is what is left, once its place has ended.
                cell.nanos.store(share(took), Ordering::Relaxed);
            }
        }
    }

    /// The part of the time that a place took which is its own step's.
    pub(super) fn own_share(&self, place: u32, took: u64) -> u64 {
        let Some(group) = self.plan.program.group(place) else { return took };
        let others = group.members.iter().filter(|member| member.place != place);
        let nanos = others
            .map(|other| self.state.cells[other.place as usize].nanos.load(Ordering::Relaxed));
        took.saturating_sub(nanos.sum())
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
                self.note_error(member.place, error);
            }
            let has_run = matches!(own.status, Status::Computed | Status::Failed);
            if has_run {
                cell.attempts.store(1, Ordering::Relaxed);
            }
            if self.is_told() {
                let tale = &self.state.tales[member.place as usize];
                tale.ended_us.store(local.now / 1000, Ordering::Relaxed);
            }
            self.set(member.place, State::Ended(own.status));
            if self.bus.is_active() {
                if has_run {
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

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
