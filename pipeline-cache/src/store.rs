//! What a memory cache holds and knows, behind its lock.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::collections::hash_map::Entry::Vacant;
use std::hash::BuildHasherDefault;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pipeline_core::cache::{Evicted, Origin, Tier};
use pipeline_core::{Key, Value};

use crate::history::{History, Made, Number, Standing};
use crate::key_state::KeyState;
use crate::ledger::{HOLDER, Ledger, Weight};
use crate::memory::{EntryInfo, Policy};
use crate::slots::{Entry, Slots};
use crate::stats::Stats;

pub(crate) struct Store {
    policy: Policy,
    max_age: Option<Duration>,
    /// How often each key is pinned, whether it is held or not.
    pins: HashMap<Key, u32, BuildHasherDefault<KeyState>>,
    /// What is being made, and the bytes that are kept free for it: none any more once it has come
    /// in.
    making: HashMap<Key, u64, BuildHasherDefault<KeyState>>,
    /// What had to go for that, until somebody is told.
    untold: Vec<Evicted>,
    slots: Slots,
    history: History,
    /// What goes if all goes that has to.
    leaving: Vec<Leaving>,
    ledger: Ledger,
    /// The counters; what is held and saved is filled in when somebody asks.
    stats: Stats,
    /// Nanoseconds that were saved.
    saved: u64,
}

/// What may have to go: its number, what it is, and the bytes that it frees.
type Leaving = (Number, Standing, u64);

/// What is needed for all that is known of one result but its inputs.
const OVERHEAD: u64 = History::FACT + Slots::EACH as u64;

/// The most results that are remembered after they went.
const REMEMBERED: u64 = 1024;

/// Bytes that are kept free for a result beside its own: those of its buffer's holders, and of a
/// few inputs.
const ASIDE: u64 = OVERHEAD + HOLDER + 64;

/// For smaller results no room is made before they are there: as many are made at a time as there
/// are threads.
const SMALL: u64 = 64 << 10;

/// For a result of more than this part of the budget no room is made before it is there. Room for
/// all results, however large, took 4 of a hundred seconds that a cache saves, and half of them
/// where the budget was smallest; like this it takes 1.
const LARGE: u64 = 4;

/// The share of the budget that this may take.
const SHARE: u64 = 64;

impl Store {
    pub(crate) fn new(budget: u64, policy: Policy, max_age: Option<Duration>) -> Self {
        let remembered = match policy {
            Policy::Worth => REMEMBERED.min(budget / SHARE / OVERHEAD),
            Policy::LeastRecent => 0,
        };
        Self {
            policy,
            max_age,
            pins: HashMap::default(),
            making: HashMap::default(),
            untold: Vec::new(),
            slots: Slots::new(policy),
            history: History::new(remembered.try_into().unwrap_or_default()),
            leaving: Vec::new(),
            ledger: Ledger::new(budget),
            stats: Stats::default(),
            saved: 0,
        }
    }

    /// Starts anew; the counters, the pins and what is being made go on. Returns what it was.
    pub(crate) fn emptied(&mut self) -> Self {
        let mut empty = Self::new(self.ledger.budget(), self.policy, self.max_age);
        (empty.stats, empty.saved) = (self.stats, self.saved);
        empty.pins = std::mem::take(&mut self.pins);
        empty.making = std::mem::take(&mut self.making);
        empty.ledger.reserve(empty.making.values().sum());
        std::mem::replace(self, empty)
    }

    pub(crate) fn set_policy(&mut self, policy: Policy) {
        *self = Self::new(self.ledger.budget(), policy, self.max_age);
    }

    pub(crate) fn set_max_age(&mut self, age: Duration) {
        *self = Self::new(self.ledger.budget(), self.policy, Some(age));
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats {
            entries: self.slots.held(),
            bytes: self.ledger.held(),
            budget: self.ledger.budget(),
            saved: Duration::from_nanos(self.saved),
            ..self.stats
        }
    }

    pub(crate) fn infos(&self) -> Vec<EntryInfo> {
        let info = |(number, entry): (Number, &Entry)| {
            let info = EntryInfo {
                key: *self.slots.key(number),
                step: Arc::clone(self.history.step_name(number)),
                bytes: entry.weight().total(),
                time: Duration::from_nanos(entry.nanos()),
                hits: entry.hits(),
            };
            (number, info)
        };
        let mut infos: Vec<_> = self.slots.all().map(info).collect();
        if self.policy == Policy::Worth {
            infos.sort_by_key(|&(number, _)| Reverse(self.history.last_request(number)));
        }
        infos.into_iter().map(|(_, info)| info).collect()
    }

    pub(crate) fn begin(&mut self) {
        if let Some(numbers) = self.history.renumber() {
            self.slots.renumber(&numbers);
        }
        if self.policy == Policy::Worth {
            self.history.begin();
        }
    }

    pub(crate) fn get(&mut self, key: &Key) -> Option<Value> {
        let found = self.find(key);
        if found.is_none() {
            self.stats.misses += 1;
        }
        found
    }

    #[inline]
    fn find(&mut self, key: &Key) -> Option<Value> {
        let number = self.slots.ask(key)?;
        let request = self.history.request();
        let Some(entry) = self.slots.entry_mut(number) else {
            self.history.ask(number);
            return None;
        };
        if entry.is_asked_anew(request) {
            self.history.ask(number);
        }
        if entry.is_older_than(self.max_age) {
            return None;
        }
        entry.hit();
        self.stats.hits += 1;
        self.saved = self.saved.saturating_add(entry.nanos());
        Some(entry.value().clone())
    }

    pub(crate) fn contains(&self, key: &Key) -> bool {
        let entry = self.slots.find(key).and_then(|number| self.slots.entry(number));
        entry.is_some_and(|entry| !entry.is_older_than(self.max_age))
    }

    /// Takes note that a result is about to be made, and makes room for it. Answers whether nobody
    /// else is making it. Nothing goes for what is large beside the budget before it is known to be
    /// worth it, nor for more than half of the budget in all.
    pub(crate) fn begin_making(&mut self, key: Key, bytes: u64, gone: &mut Gone) -> bool {
        let is_small = bytes < SMALL;
        let bytes = bytes.saturating_add(ASIDE);
        let is_large = bytes > self.ledger.budget() / LARGE;
        let has_room = !is_small && !is_large && self.ledger.may_reserve(bytes);
        let Vacant(place) = self.making.entry(key) else { return false };
        place.insert(if has_room { bytes } else { 0 });
        if has_room {
            self.ledger.reserve(bytes);
            self.shrink(gone);
            self.untold.append(&mut gone.report);
        }
        true
    }

    /// Takes note that the maker of a result has ended. If the budget has become smaller meanwhile,
    /// the result may go now.
    pub(crate) fn end_making(&mut self, key: &Key, gone: &mut Gone) {
        let Some(reserved) = self.making.remove(key) else { return };
        self.ledger.unreserve(reserved);
        if let Some(number) = self.slots.find(key)
            && self.history.standing(number) == Standing::New
        {
            self.history.hold(number, self.pins.contains_key(key));
            self.shrink(gone);
            self.untold.append(&mut gone.report);
        }
    }

    /// Takes a value in, unless it is there already. To lose it costs the time of its origin; to
    /// make it took `made`.
    pub(crate) fn put(
        &mut self,
        key: Key,
        (value, weight): (&Value, Weight),
        (origin, made): (Origin<'_>, Duration),
        gone: &mut Gone,
    ) {
        gone.report.append(&mut self.untold);
        let Some(number) = self.note(key, &weight, origin, gone) else { return };
        let reserved = self.making.get(&key).copied().unwrap_or(0);
        self.ledger.unreserve(reserved);
        if !self.book(number, &weight, gone) {
            // Whoever made it has it all the same.
            self.ledger.reserve(reserved);
            self.let_go(number);
            self.stats.refusals += 1;
            // What is known of it may itself be too much.
            while self.ledger.is_over() && self.forget_oldest() {}
            return;
        }
        let since = self.max_age.map(|_| Instant::now());
        let entry = Entry::new(value.clone(), weight, made, self.history.request());
        self.slots.fill(number, entry.since(since));
        self.stats.inserts += 1;
        if let Some(reserved) = self.making.get_mut(&key) {
            *reserved = 0;
            self.history.take_in(number);
            return;
        }
        let is_pinned = !self.pins.is_empty() && self.pins.contains_key(&key);
        self.history.hold(number, is_pinned);
    }

    /// Changes the budget; what is above it goes.
    pub(crate) fn set_budget(&mut self, budget: u64, gone: &mut Gone) {
        self.ledger.set_budget(budget);
        self.shrink(gone);
    }

    /// Leaves so many quarters of the budget unused; what is above the rest goes.
    pub(crate) fn give_back(&mut self, quarters: u64, gone: &mut Gone) {
        self.ledger.give_back(quarters);
        self.shrink(gone);
    }

    /// The same where nobody is told yet what goes.
    pub(crate) fn relieve(&mut self, quarters: u64, gone: &mut Gone) {
        self.give_back(quarters, gone);
        self.untold.append(&mut gone.report);
    }

    fn shrink(&mut self, gone: &mut Gone) {
        while self.slots.held() > 0 && self.ledger.is_crowded() && self.evict(gone) {}
        // With nothing left to throw out, what went is forgotten.
        while self.ledger.is_over() && self.forget_oldest() {}
    }

    pub(crate) fn purge(&mut self, key: &Key) -> Option<Value> {
        let number = self.slots.find(key)?;
        self.take(number)
    }

    pub(crate) fn purge_step(&mut self, name: &str) -> Vec<Value> {
        let numbers = self.slots.all().map(|(number, _)| number);
        let of_step = numbers.filter(|&number| **self.history.step_name(number) == *name);
        let of_step: Vec<Number> = of_step.collect();
        of_step.into_iter().filter_map(|number| self.take(number)).collect()
    }

    /// The number of a result that comes in; nothing if it is held already.
    fn note(
        &mut self,
        key: Key,
        weight: &Weight,
        origin: Origin<'_>,
        gone: &mut Gone,
    ) -> Option<Number> {
        let mut known = self.slots.ask(&key);
        if let Some(number) = known
            && let Some(entry) = self.slots.entry(number)
        {
            if !entry.is_older_than(self.max_age) {
                return None;
            }
            gone.add(self.take(number));
            // It may have been forgotten with that.
            known = self.slots.find(&key);
        }
        let Self { slots, history, .. } = self;
        let made = Made {
            step: history.chances.step(origin.step),
            seconds: origin.time.as_secs_f32(),
            bytes: weight.total(),
        };
        let inputs = origin.inputs.iter().filter_map(|input| slots.find(input));
        if let Some(number) = known {
            let before = history.input_bytes(number);
            history.renew(number, &made, inputs);
            self.ledger.refund(before);
            self.ledger.charge(history.input_bytes(number));
            return known;
        }
        let number = history.enter(&made, inputs);
        slots.insert(key, number);
        self.ledger.charge(OVERHEAD + history.input_bytes(number));
        Some(number)
    }

    /// Makes room and takes it, if there can be room.
    fn book(&mut self, coming: Number, weight: &Weight, gone: &mut Gone) -> bool {
        let bookkeeping = OVERHEAD + self.history.input_bytes(coming);
        let Some(need) = self.ledger.begin(weight, bookkeeping) else { return false };
        let has_room = self.replace(need, coming, gone);
        if has_room {
            self.ledger.take(need);
        } else {
            self.ledger.give_up(weight);
        }
        has_room
    }

    /// Makes room for bytes if what may go for them is enough. Nothing goes before that is known.
    fn replace(&mut self, need: u64, coming: Number, gone: &mut Gone) -> bool {
        let mut leaving = std::mem::take(&mut self.leaving);
        let has_room = match self.policy {
            Policy::Worth => self.choose_by_worth(need, coming, &mut leaving),
            Policy::LeastRecent => self.choose_by_age(need, &mut leaving),
        };
        for (number, standing, bytes) in leaving.drain(..) {
            if has_room {
                self.throw_out(number, bytes, gone);
            } else {
                self.history.stay(number, standing);
                let entry = self.slots.entry(number);
                entry.into_iter().for_each(|entry| self.ledger.restore(entry.weight()));
            }
        }
        self.leaving = leaving;
        while has_room && !self.ledger.has_room(need, 0) && self.forget_oldest() {}
        has_room && self.ledger.has_room(need, 0)
    }

    /// Chooses what costs least to lose, and answers whether there is room without it: not if any
    /// of it is worth more than what comes.
    fn choose_by_worth(&mut self, need: u64, coming: Number, leaving: &mut Vec<Leaving>) -> bool {
        // Bytes of what will be forgotten.
        let mut forgotten = 0;
        while !self.ledger.has_room(need, forgotten) {
            let Some((number, worth)) = self.history.cheapest() else {
                // With nothing left to throw out, all that went may be forgotten.
                return self.ledger.has_room(need, self.history.remembered_now() * OVERHEAD);
            };
            if self.history.worth(coming) < worth {
                return false;
            }
            let Some(entry) = self.slots.entry(number) else { return false };
            let weight = *entry.weight();
            leaving.push((number, self.history.leave(number), self.ledger.release(&weight)));
            if self.history.is_full(leaving.len()) {
                forgotten += OVERHEAD;
            }
        }
        true
    }

    /// Chooses what was not used for longest, and last what is pinned. Answers whether there is
    /// room without it.
    fn choose_by_age(&mut self, need: u64, leaving: &mut Vec<Leaving>) -> bool {
        let Self { slots, history, ledger, .. } = self;
        for standing in [Standing::Held, Standing::Pinned] {
            let of_it = slots.oldest_first().filter(|&number| history.standing(number) == standing);
            for number in of_it {
                // What goes is forgotten at once.
                if ledger.has_room(need, leaving.len() as u64 * OVERHEAD) {
                    return true;
                }
                if let Some(entry) = slots.entry(number) {
                    leaving.push((number, standing, ledger.release(entry.weight())));
                }
            }
        }
        ledger.has_room(need, leaving.len() as u64 * OVERHEAD)
    }

    /// Throws something out. Returns whether there was anything.
    fn evict(&mut self, gone: &mut Gone) -> bool {
        let Some((number, weight)) = self.next_to_go() else { return false };
        let bytes = self.ledger.release(&weight);
        self.throw_out(number, bytes, gone);
        true
    }

    /// What goes next.
    fn next_to_go(&mut self) -> Option<(Number, Weight)> {
        let number = match self.policy {
            Policy::Worth => self.history.cheapest().map(|(number, _)| number),
            Policy::LeastRecent => self.oldest(),
        }?;
        Some((number, *self.slots.entry(number)?.weight()))
    }

    /// Takes out what the ledger has released.
    fn throw_out(&mut self, number: Number, bytes: u64, gone: &mut Gone) {
        let (key, before) = (*self.slots.key(number), self.ledger.held());
        gone.add(self.slots.empty(number).map(Entry::into_value));
        self.stats.evictions += 1;
        self.let_go(number);
        // What is known of it may be forgotten with it.
        let bytes = bytes + before.saturating_sub(self.ledger.held());
        gone.report.push(Evicted { key, bytes, tier: Tier::Memory });
    }

    fn forget_oldest(&mut self) -> bool {
        let Some((number, inputs)) = self.history.forget_oldest() else { return false };
        self.slots.forget(number);
        self.ledger.refund(OVERHEAD + inputs);
        true
    }

    /// What was not used for longest, of what is not pinned if there is any.
    fn oldest(&self) -> Option<Number> {
        let oldest_that_is = |standing| {
            self.slots.oldest_first().find(|&number| self.history.standing(number) == standing)
        };
        oldest_that_is(Standing::Held).or_else(|| oldest_that_is(Standing::Pinned))
    }

    /// Takes out what came too long ago.
    pub(crate) fn take_overdue(&mut self) -> Vec<Value> {
        let Some(max_age) = self.max_age else { return Vec::new() };
        let old = self.slots.all().filter(|(_, entry)| entry.is_older_than(Some(max_age)));
        let old: Vec<Number> = old.map(|(number, _)| number).collect();
        old.into_iter().filter_map(|number| self.take(number)).collect()
    }

    pub(crate) fn pin(&mut self, keys: &[Key]) {
        for key in keys {
            *self.pins.entry(*key).or_default() += 1;
            self.set_pinned(key, true);
        }
    }

    pub(crate) fn unpin(&mut self, keys: &[Key]) {
        for key in keys {
            let Some(count) = self.pins.get_mut(key) else { continue };
            *count -= 1;
            if *count == 0 {
                self.pins.remove(key);
                self.set_pinned(key, false);
            }
        }
    }

    fn set_pinned(&mut self, key: &Key, is_pinned: bool) {
        if let Some(number) = self.slots.find(key)
            && self.slots.entry(number).is_some()
            && self.history.standing(number) != Standing::New
        {
            self.history.hold(number, is_pinned);
        }
    }

    /// Takes out what is held under a number.
    fn take(&mut self, number: Number) -> Option<Value> {
        let entry = self.slots.empty(number)?;
        self.ledger.release(entry.weight());
        self.let_go(number);
        Some(entry.into_value())
    }

    fn let_go(&mut self, number: Number) {
        self.history.let_go(number);
        if self.history.remembers_too_much() {
            self.forget_oldest();
        }
    }
}

/// Values on their way out: collected under the lock, dropped after it.
#[derive(Default)]
pub(crate) struct Gone {
    /// Mostly it is one, which needs no allocation.
    first: Option<Value>,
    others: Vec<Value>,
    report: Vec<Evicted>,
}

impl Gone {
    fn add(&mut self, value: Option<Value>) {
        if self.first.is_none() {
            self.first = value;
        } else {
            self.others.extend(value);
        }
    }

    /// Drops the values and says which they were; the bytes are what each freed.
    pub(crate) fn report(self) -> Vec<Evicted> {
        self.report
    }
}
