//! Keys and the cache while a run goes on.
//!
//! The plan knows most keys. Those below a digested result come to light here, when the result has
//! been made; then the cache may know the rest. And a result may have come to be since the plan was
//! made, or be in the making in another run.

use std::sync::Arc;
use std::time::Duration;

use super::engine::Follower;
use super::inflight::Begin;
use super::run::RunCore;
use super::task::{End, Values};
use crate::cache::{Cache, Claim, Claimed, Hit};
use crate::data::Value;
use crate::event::Status;
use crate::key::Key;
use crate::plan::{GivenValue, Identity};
use crate::step::{CutOff, Kind};

/// How soon a place asks again whether what others are at is there.
const ELSEWHERE: Duration = Duration::from_millis(5);

impl RunCore {
    /// Looks for a result that came to be since the plan was made, here or in another run.
    pub(super) fn look_up(self: &Arc<Self>, place: u32) -> Found {
        let was_late = self.come_to_light(place);
        let Some(cache) = &self.engine.cache else { return Found::Nothing };
        let Some(key) = self.cache_key(place) else { return Found::Nothing };
        let slots = self.plan.program.shape.slots(place).len();
        let keys = || (0u16..).take(slots).map(|port| key.port(port));
        let hits = || -> Option<Vec<Hit>> { keys().map(|key| cache.get(&key)).collect() };
        // What the plan has asked for was missed once already, and is got only if it is there by
        // now; a key that has come to light is asked for here.
        let is_there = || was_late || keys().all(|key| cache.contains(&key));
        let follow = || {
            self.schedule.enter();
            // Before the leader can send it back: afterwards what it holds may be that of its next
            // turn.
            self.schedule.put_back(place, self.units_of(place));
            Follower { run: Arc::clone(self), place }
        };
        // It comes back to be tried again, or after somebody else was at it.
        let claimed = self.leading.lock().get(&place).map(Option::is_some);
        match claimed {
            Some(true) => return Found::Nothing,
            Some(false) => return self.claim(place, &key, was_late, hits),
            None => {}
        }
        if self.is_nested {
            // To wait for another run would hold up the thread that the other may need.
            return match is_there().then(hits).flatten() {
                Some(hits) => self.serve(place, &key, hits, was_late),
                None => Found::Nothing,
            };
        }
        match self.engine.inflight.begin(key, is_there, hits, follow) {
            Begin::Leader => self.claim(place, &key, was_late, hits),
            Begin::Follower => {
                // A cancel that came before the follower was in the list did not see it.
                if self.token.is_cancelled() {
                    self.bring_back();
                }
                Found::Elsewhere
            }
            Begin::Hit(hits) => self.serve(place, &key, hits, was_late),
        }
    }

    /// Makes a result, unless somebody else who shares the cache is at it or has made it.
    fn claim(
        self: &Arc<Self>,
        place: u32,
        key: &Key,
        was_late: bool,
        hits: impl Fn() -> Option<Vec<Hit>>,
    ) -> Found {
        let Some(cache) = &self.engine.cache else { return Found::Nothing };
        // Of several outputs some may be there, which nobody makes.
        let outputs = u16::try_from(self.plan.program.shape.slots(place).len()).unwrap_or(u16::MAX);
        let mut keys = (1..outputs).map(|port| key.port(port - 1));
        let first = keys.find(|key| !cache.contains(key));
        let first = first.unwrap_or_else(|| key.port(outputs.saturating_sub(1)));
        let kind = self.plan.infos[place as usize].step_type();
        let is_kept = kind.is_none_or(|kind| kind.outputs.iter().any(|out| cache.keeps(out.data)));
        let claim =
            if is_kept { cache.claim(&first, self.bytes_to_make(place)) } else { Claim::default() };
        if matches!(claim, Claim::Elsewhere) {
            self.leading.lock().insert(place, None);
            // As above: before it can come back.
            self.schedule.put_back(place, self.units_of(place));
            self.try_later(place, ELSEWHERE);
            return Found::Elsewhere;
        }
        let made = if matches!(claim, Claim::Made) { hits() } else { None };
        let claimed = if let Claim::Mine(claimed) = claim { claimed } else { Claimed::default() };
        self.leading.lock().insert(place, Some(claimed));
        let Some(hits) = made else { return Found::Nothing };
        self.serve(place, key, hits, was_late)
    }

    /// Takes hits as the results of a place, unless they are to be checked.
    fn serve(self: &Arc<Self>, place: u32, key: &Key, hits: Vec<Hit>, was_late: bool) -> Found {
        if self.plan.recheck.picks(key) {
            self.keep_for_check(place, &hits);
            return Found::Nothing;
        }
        let tier = hits.first().map(|hit| hit.tier);
        let mut values = Values::default();
        hits.into_iter().for_each(|hit| values.push(hit.value));
        self.digest(place, &values);
        self.resolve(place, Some(&values));
        self.fill(place, values);
        let status = if was_late { Status::CutOff } else { Status::Cached };
        Found::Result(End { tier, ..End::ok(status) })
    }

    /// Works out the key of a place whose inputs had no identity when the plan was made. Says
    /// whether the place is such a one.
    fn come_to_light(&self, place: u32) -> bool {
        let Some(late) = &self.plan.late else { return false };
        if !late.late[place as usize] {
            return false;
        }
        let Some(base) = late.base(place) else { return true };
        let shape = &self.plan.program.shape;
        let identities = self.identities.lock();
        let inputs: Option<Vec<Key>> = shape
            .inputs(place)
            .iter()
            .map(|&slot| match identities[slot as usize] {
                Identity::Known(key) => Some(key),
                Identity::Late | Identity::Never => None,
            })
            .collect();
        drop(identities);
        let Some(inputs) = inputs else { return true };
        let key = Key::of_result(base, inputs);
        self.late_keys.lock().insert(place, key);
        let Some(body) = self.plan.infos[place as usize].body() else { return true };
        if body.spec.kind != Kind::Pure || late.digested[place as usize] {
            return true;
        }
        let may_differ = body.spec.cut_off != CutOff::Never;
        for (slot, port) in shape.slots(place).zip(0u16..) {
            let key = key.port(port);
            let recorded = may_differ.then(|| self.recorded(&key)).flatten();
            self.identities.lock()[slot as usize] = Identity::Known(recorded.unwrap_or(key));
        }
        true
    }

    /// The key under which a place's results may be kept.
    pub(super) fn cache_key(&self, place: u32) -> Option<Key> {
        let body = self.plan.infos[place as usize].body()?;
        if body.spec.kind == Kind::Pure { self.key(place) } else { None }
    }

    /// The keys under which the inputs of a place may be kept.
    pub(super) fn kept_inputs(&self, place: u32) -> Vec<Key> {
        let program = &self.plan.program;
        let key = |&slot: &u32| {
            let mut slot = slot;
            while program.actions[program.shape.producer(slot) as usize].is_passing() {
                let place = program.shape.producer(slot);
                slot = program.shape.inputs(place)[usize::from(program.shape.port(slot))];
            }
            let key = self.cache_key(program.shape.producer(slot))?;
            Some(key.port(program.shape.port(slot)))
        };
        program.shape.inputs(place).iter().filter_map(key).collect()
    }

    /// Gives results the identity of their content where that is what decides below them.
    pub(super) fn digest(&self, place: u32, values: &Values) {
        let Some(late) = &self.plan.late else { return };
        if !late.digested[place as usize] {
            return;
        }
        let slots = self.plan.program.shape.slots(place);
        for (slot, value) in slots.zip(values.iter()) {
            self.identify_slot(place, slot, value);
        }
    }

    /// Gives a value that was there before the run the identity of its content, if nothing has
    /// recorded it: the cache may know more than the executor that it serves.
    pub(super) fn identify(&self, given: &GivenValue) {
        let place = self.plan.program.shape.producer(given.slot);
        if let Some(late) = &self.plan.late
            && late.digested[place as usize]
            && late.identities[given.slot as usize] == Identity::Late
        {
            self.identify_slot(place, given.slot, &given.value);
        }
        self.settle(place);
    }

    /// Records that results which may be digested, but were not, go by their derived key, so that
    /// those below keep theirs once the digest would pay.
    pub(super) fn settle(&self, place: u32) {
        if !self.plan.traits.has_digests {
            return;
        }
        let body = self.plan.infos[place as usize].body();
        if body.is_none_or(|body| body.spec.cut_off != CutOff::Auto)
            || self.plan.late.as_ref().is_some_and(|late| late.digested[place as usize])
        {
            return;
        }
        let Some(key) = self.cache_key(place) else { return };
        for slot in self.plan.program.shape.slots(place) {
            let key = key.port(self.plan.program.shape.port(slot));
            self.engine.identities.record(key, key);
        }
    }

    /// What is known of the content behind a key.
    fn recorded(&self, key: &Key) -> Option<Key> {
        let cache = self.engine.cache.as_ref().map(|cache| cache as &dyn Cache);
        self.engine.identities.look_up(key, cache)
    }

    fn identify_slot(&self, place: u32, slot: u32, value: &Value) {
        let port = self.plan.program.shape.port(slot);
        let known = self.cache_key(place).map(|key| key.port(port));
        let identity = known.and_then(|key| self.recorded(&key)).or_else(|| {
            // A type without a codec has no digest; then the derived key must do.
            let digest = value.try_digest().or(known)?;
            Some(known.map_or(digest, |key| self.engine.identities.record(key, digest)))
        });
        self.identities.lock()[slot as usize] = identity.map_or(Identity::Never, Identity::Known);
    }
}

/// What `look_up` found.
pub(super) enum Found {
    Nothing,
    Result(End),
    Elsewhere,
}
