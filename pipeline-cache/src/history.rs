//! What each result is worth, those that are held and those that went.
//!
//! The worth of a held result is the chance that it is asked for, times the time to make it again
//! now, per byte. The time to make it again is its own and that of everything it is made from that
//! is not held either. The chance is its own and that of every result which went and would be made
//! from it: whoever asks for such a one asks for this.
//!
//! What went is remembered for some time, the longest gone is forgotten first.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::chances::{Chances, StepId};

/// The number of a fact: its place in the history.
pub(crate) type Number = u32;

/// No number.
pub(crate) const NONE: Number = Number::MAX;

/// What is known of one result.
#[derive(Debug)]
struct Fact {
    step: StepId,
    standing: Standing,
    /// Seconds that the step took.
    seconds: f32,
    bytes: f32,
    /// Requests that used it.
    uses: u32,
    /// The request that used it last.
    last: u32,
    /// The sum of the chances of what went and would be made from it.
    demand: f32,
    /// The walk that came by last.
    mark: u32,
    /// Told apart from what had this number before.
    generation: u32,
    /// How many had gone when it went.
    went: u32,
    inputs: Box<[Link]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing has this number.
    Free,
    /// Room is being made for it.
    Coming,
    /// Held, and does not go: whoever made it is not yet done.
    New,
    Held,
    /// Held, and goes last.
    Pinned,
    /// It goes if all goes that has to: then it is gone, or else what it was before.
    Leaving,
    Gone,
}

impl Standing {
    /// Whether it would have to be made again.
    const fn is_away(self) -> bool {
        matches!(self, Self::Leaving | Self::Gone)
    }
}

/// A fact, as long as it is not forgotten.
#[derive(Debug, Clone, Copy)]
struct Link {
    number: Number,
    generation: u32,
}

/// What is told of a result that was made.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) step: StepId,
    pub(crate) seconds: f32,
    pub(crate) bytes: u64,
}

/// All facts.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) chances: Chances,
    facts: Vec<Fact>,
    free: Vec<Number>,
    /// What went, and when. Of what came back, this is void.
    gone: VecDeque<(Number, u32)>,
    departures: u32,
    /// How many results that went are remembered.
    remembered: usize,
    request: u32,
    /// Requests that what goes was not used for, as the mean of the last.
    stay: f32,
    /// Whether the demand of what is held has to be added up anew.
    is_stale: bool,
    mark: u32,
    stack: Vec<Number>,
    /// Where the next look for something cheap begins, when not all are looked at.
    hand: usize,
}

/// Up to so many results that are held all are looked at to find the cheapest.
const FEW: usize = 256;

/// Results that are compared where there are more.
const SAMPLED: usize = 5;

/// Facts that one walk goes through at the most.
const WALK: usize = 64;

/// Facts whose chances a request counts at the most.
const COUNTED: usize = 1024;

/// How far to look ahead, as a multiple of the requests that what goes was not used for: so long a
/// result has to show that it is of use, the longer the more room there is.
const HORIZON: f32 = 1.4;

/// Results that went last whose mean this is.
const DEPARTURES: f32 = 50.0;

/// Numbers are given anew where there are so many and but one of so many is in use.
const MANY: usize = 4096;
const MUCH: usize = 4;

/// A result that was last used so many requests ago or more is no longer counted on.
const OLD: u32 = 256;

impl History {
    /// Bytes of a fact, without its inputs.
    pub(crate) const FACT: u64 =
        (2 * size_of::<Fact>() + 2 * size_of::<(Number, u32)>() + 4) as u64;

    pub(crate) fn new(remembered: usize) -> Self {
        Self {
            chances: Chances::new(),
            facts: Vec::new(),
            free: Vec::new(),
            gone: VecDeque::new(),
            departures: 0,
            remembered,
            request: 0,
            stay: 0.0,
            is_stale: false,
            mark: 0,
            stack: Vec::new(),
            hand: 0,
        }
    }

    pub(crate) fn standing(&self, number: Number) -> Standing {
        self.facts[number as usize].standing
    }

    /// The number of the request that goes on.
    pub(crate) const fn request(&self) -> u32 {
        self.request
    }

    /// The request that used a result last.
    pub(crate) fn last_request(&self, number: Number) -> u32 {
        self.facts[number as usize].last
    }

    /// The name of the step that made a result.
    pub(crate) fn step_name(&self, number: Number) -> &Arc<str> {
        self.chances.name(self.facts[number as usize].step)
    }

    /// Bytes that are needed for the inputs of a result.
    pub(crate) fn input_bytes(&self, number: Number) -> u64 {
        size_of_val(&*self.facts[number as usize].inputs) as u64
    }

    /// Another request begins.
    pub(crate) fn begin(&mut self) {
        self.request = self.request.wrapping_add(1);
        self.is_stale = true;
        self.chances.look_ahead((HORIZON * self.stay).clamp(1.0, precise(OLD.into())));
        let (facts, chances) = (&self.facts, &mut self.chances);
        let from = if facts.len() > COUNTED { self.hand } else { 0 };
        let counted = facts.iter().cycle().skip(from).take(facts.len().min(COUNTED));
        for fact in counted.filter(|fact| fact.standing != Standing::Free) {
            let age = self.request.wrapping_sub(fact.last);
            if age <= OLD {
                chances.see(fact.step, fact.uses, age);
            }
        }
    }

    /// A result comes in that nothing is known of.
    pub(crate) fn enter(&mut self, made: &Made, inputs: impl Iterator<Item = Number>) -> Number {
        let inputs = inputs.map(|number| self.link(number)).collect();
        let number = self.free.pop().unwrap_or_else(|| {
            let number = Number::try_from(self.facts.len()).unwrap_or(Number::MAX);
            self.facts.push(Fact {
                step: StepId::default(),
                standing: Standing::Free,
                seconds: 0.0,
                bytes: 0.0,
                uses: 0,
                last: 0,
                demand: 0.0,
                mark: 0,
                generation: 0,
                went: 0,
                inputs: Box::default(),
            });
            number
        });
        let fact = &mut self.facts[number as usize];
        *fact = Fact {
            step: made.step,
            standing: Standing::Coming,
            seconds: made.seconds,
            bytes: precise(made.bytes),
            uses: 0,
            last: self.request,
            demand: 0.0,
            mark: 0,
            generation: fact.generation,
            went: 0,
            inputs,
        };
        number
    }

    /// A result that went was made again, and comes in.
    pub(crate) fn renew(
        &mut self,
        number: Number,
        made: &Made,
        inputs: impl Iterator<Item = Number>,
    ) {
        let inputs = inputs.map(|number| self.link(number)).collect();
        let fact = &mut self.facts[number as usize];
        // One run may have been held up.
        fact.seconds = f32::midpoint(fact.seconds, made.seconds);
        fact.bytes = precise(made.bytes);
        fact.inputs = inputs;
        fact.standing = Standing::Coming;
        // What went and would be made from it asks for it from now on.
        self.is_stale = true;
    }

    /// A result was asked for, whether it is held or went.
    pub(crate) fn ask(&mut self, number: Number) {
        let fact = &mut self.facts[number as usize];
        let age = self.request.wrapping_sub(fact.last);
        if age > 0 {
            self.chances.hit(fact.step, fact.uses, age);
            fact.uses = fact.uses.saturating_add(1);
            fact.last = self.request;
        }
    }

    /// A result is held from now on, and goes last if it is pinned.
    pub(crate) fn hold(&mut self, number: Number, is_pinned: bool) {
        let standing = if is_pinned { Standing::Pinned } else { Standing::Held };
        self.facts[number as usize].standing = standing;
    }

    /// A result is held from now on, by whoever made it too.
    pub(crate) fn take_in(&mut self, number: Number) {
        self.facts[number as usize].standing = Standing::New;
    }

    /// A result is to go, unless [`stay`](Self::stay) is said of it. Returns what it was.
    pub(crate) fn leave(&mut self, number: Number) -> Standing {
        let fact = &mut self.facts[number as usize];
        let standing = std::mem::replace(&mut fact.standing, Standing::Leaving);
        let demand = fact.demand;
        if !self.is_stale && !fact.inputs.is_empty() {
            let chance = demand + self.chance(number);
            self.add_demand(number, chance);
        }
        standing
    }

    /// A result that was to go stays as it was.
    pub(crate) fn stay(&mut self, number: Number, standing: Standing) {
        self.facts[number as usize].standing = standing;
        self.is_stale = true;
    }

    /// A result went.
    pub(crate) fn let_go(&mut self, number: Number) {
        if self.facts[number as usize].standing != Standing::Leaving {
            self.leave(number);
        }
        self.departures = self.departures.wrapping_add(1);
        let fact = &mut self.facts[number as usize];
        fact.standing = Standing::Gone;
        fact.went = self.departures;
        let age = precise(self.request.wrapping_sub(fact.last).into());
        self.stay += (age - self.stay) / DEPARTURES;
        self.gone.push_back((number, self.departures));
    }

    /// Whether as much is forgotten as goes, once so many more have gone.
    pub(crate) fn is_full(&self, more: usize) -> bool {
        self.gone.len() + more > self.remembered
    }

    /// How many results that went are remembered, at the most.
    pub(crate) fn remembered_now(&self) -> u64 {
        self.gone.len() as u64
    }

    pub(crate) fn remembers_too_much(&self) -> bool {
        self.gone.len() > self.remembered
    }

    /// Forgets what went longest ago. Returns its number and the bytes of its inputs, if
    /// anything went and did not come back.
    pub(crate) fn forget_oldest(&mut self) -> Option<(Number, u64)> {
        while let Some((oldest, went)) = self.gone.pop_front() {
            if self.is_gone(oldest, went) {
                let bytes = self.input_bytes(oldest);
                self.forget(oldest);
                return Some((oldest, bytes));
            }
        }
        None
    }

    /// Whether a result is still gone since then.
    fn is_gone(&self, number: Number, went: u32) -> bool {
        let fact = &self.facts[number as usize];
        fact.standing == Standing::Gone && fact.went == went
    }

    fn forget(&mut self, number: Number) {
        let fact = &mut self.facts[number as usize];
        fact.standing = Standing::Free;
        fact.generation = fact.generation.wrapping_add(1);
        fact.inputs = Box::default();
        self.free.push(number);
    }

    /// Numbers what is known anew, if that is little beside what once was: memory is given back.
    /// Returns the new numbers, at the places of the old ones.
    pub(crate) fn renumber(&mut self) -> Option<Vec<Number>> {
        let known = self.facts.len() - self.free.len();
        if self.facts.len() < MANY || known > self.facts.len() / MUCH {
            return None;
        }
        let mut numbers = 0..NONE;
        let number = |fact: &Fact| match fact.standing {
            Standing::Free => NONE,
            _ => numbers.next().unwrap_or(NONE),
        };
        let numbers: Vec<Number> = self.facts.iter().map(number).collect();
        let generations: Vec<u32> = self.facts.iter().map(|fact| fact.generation).collect();
        self.facts.retain(|fact| fact.standing != Standing::Free);
        self.facts.shrink_to_fit();
        for link in self.facts.iter_mut().flat_map(|fact| &mut fact.inputs) {
            let old = link.number as usize;
            let is_known = generations.get(old) == Some(&link.generation);
            link.number = if is_known { numbers[old] } else { NONE };
        }
        (self.free, self.hand) = (Vec::new(), 0);
        self.gone.retain_mut(|(number, _)| {
            *number = numbers[*number as usize];
            *number != NONE
        });
        Some(numbers)
    }

    /// The held result that is worth least, and its worth; one that is pinned only if there is no
    /// other.
    pub(crate) fn cheapest(&mut self) -> Option<(Number, f32)> {
        self.bring_up_to_date();
        self.cheapest_that_is(Standing::Held).or_else(|| self.cheapest_that_is(Standing::Pinned))
    }

    fn bring_up_to_date(&mut self) {
        if self.is_stale {
            self.add_up_demand();
        }
    }

    fn cheapest_that_is(&mut self, standing: Standing) -> Option<(Number, f32)> {
        let count = self.facts.len();
        // All that is known of and not held went, so there are few more of those.
        let is_few = count - self.free.len() <= FEW + self.gone.len();
        let (from, most) = if is_few { (0, usize::MAX) } else { (self.hand, SAMPLED) };
        let mut cheapest: Option<(Number, f32)> = None;
        let mut compared = 0;
        for step in 0..count {
            let at = if from + step < count { from + step } else { from + step - count };
            if self.facts[at].standing != standing {
                continue;
            }
            let number = Number::try_from(at).unwrap_or(Number::MAX);
            let worth = self.worth(number);
            if cheapest.is_none_or(|(_, least)| worth < least) {
                cheapest = Some((number, worth));
            }
            compared += 1;
            if compared == most {
                self.hand = (at + 1) % count;
                break;
            }
        }
        cheapest
    }

    /// What a result is worth, if the demand is up to date, as it is after a look for the cheapest.
    pub(crate) fn worth(&mut self, number: Number) -> f32 {
        let seconds = self.rebuild(number);
        let chance = self.chance(number);
        let fact = &self.facts[number as usize];
        (chance + fact.demand) * seconds / fact.bytes.max(1.0)
    }

    fn chance(&mut self, number: Number) -> f32 {
        let fact = &self.facts[number as usize];
        self.chances.of(fact.step, fact.uses, self.request.wrapping_sub(fact.last))
    }

    /// Seconds to make a result from what is held.
    fn rebuild(&mut self, number: Number) -> f32 {
        let mut seconds = self.facts[number as usize].seconds;
        if self.facts[number as usize].inputs.is_empty() {
            return seconds;
        }
        self.walk(number, |fact| {
            if fact.standing.is_away() {
                seconds += fact.seconds;
            }
        });
        seconds
    }

    /// Adds up, for each held result, the chances of what went and would be made from it.
    fn add_up_demand(&mut self) {
        self.is_stale = false;
        self.facts.iter_mut().for_each(|fact| fact.demand = 0.0);
        for at in 0..self.gone.len() {
            let (number, went) = self.gone[at];
            let fact = &self.facts[number as usize];
            let is_young = self.request.wrapping_sub(fact.last) <= OLD;
            if is_young && !fact.inputs.is_empty() && self.is_gone(number, went) {
                let chance = self.chance(number);
                self.add_demand(number, chance);
            }
        }
    }

    /// Adds a chance to what a result would be made from that is held.
    fn add_demand(&mut self, number: Number, chance: f32) {
        self.walk(number, |fact| {
            if !fact.standing.is_away() {
                fact.demand += chance;
            }
        });
    }

    /// Goes through what a result is made from, and on through what of it is not held.
    fn walk(&mut self, number: Number, mut visit: impl FnMut(&mut Fact)) {
        self.mark = self.mark.wrapping_add(1);
        self.facts[number as usize].mark = self.mark;
        let mut stack = std::mem::take(&mut self.stack);
        stack.push(number);
        let mut passed = 0;
        while let Some(number) = stack.pop() {
            passed += 1;
            if passed > WALK {
                break;
            }
            let inputs = std::mem::take(&mut self.facts[number as usize].inputs);
            for link in &inputs {
                let Some(input) = self.facts.get_mut(link.number as usize) else { continue };
                if input.generation != link.generation || input.mark == self.mark {
                    continue;
                }
                input.mark = self.mark;
                visit(input);
                if input.standing.is_away() {
                    stack.push(link.number);
                }
            }
            self.facts[number as usize].inputs = inputs;
        }
        stack.clear();
        self.stack = stack;
    }

    fn link(&self, number: Number) -> Link {
        Link { number, generation: self.facts[number as usize].generation }
    }
}

#[expect(clippy::cast_precision_loss, reason = "worth needs no more than a few digits")]
fn precise(bytes: u64) -> f32 {
    bytes as f32
}
