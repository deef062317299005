//! How likely it is that a result is asked for soon.
//!
//! Counted as it goes: of the results of one step that were used so often, and last so many
//! requests ago, how many were there and how many of them the next request used. What a step has
//! not shown yet is taken from all steps, and what those have not shown from the rule of thumb
//! `(uses + ½) / (age + 2)`. A result that grows older goes from class to class, so the chance that
//! one of the next requests uses it is `1 - Π (1 - hᵢ)ⁿⁱ`: it meets hazard `hᵢ` in `nᵢ` requests.

use std::collections::HashMap;
use std::sync::Arc;

/// A step, by its number among those that were seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct StepId(u16);

/// What is counted of the results in one class.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    seen: f32,
    used: f32,
}

/// Classes by uses: none, one, two or three, more.
const USES: usize = 4;

/// Classes by age: each twice as old as the one before.
const AGES: usize = 9;

/// Steps that are told apart; all beyond them count as one.
const STEPS: usize = 256;

/// Results that the rule of thumb counts for.
const GUESSED: f32 = 4.0;

/// Results of a step that those of all steps count for.
const SHARED: f32 = 8.0;

/// No chance is higher.
const SURE: f32 = 0.999;

/// A count is halved when it has seen so many: habits change.
const MEMORY: f32 = 4096.0;

/// The chances of all classes of a step.
type Outlook = [f32; USES * AGES];

/// What was counted for every step. The first row stands for all of them.
#[derive(Debug)]
pub(crate) struct Chances {
    counts: Vec<[Count; USES * AGES]>,
    /// The chances of each step, and the horizon that they are for, by its number.
    outlooks: Vec<(u32, Outlook)>,
    numbers: HashMap<Arc<str>, StepId>,
    names: Vec<Arc<str>>,
    /// The step that was asked for last.
    latest: StepId,
    /// Requests that a result has to be asked in.
    horizon: f32,
    horizons: u32,
}

impl Chances {
    pub(crate) fn new() -> Self {
        Self {
            counts: vec![[Count::default(); USES * AGES]],
            outlooks: vec![(0, [0.0; USES * AGES])],
            numbers: HashMap::new(),
            names: vec!["".into()],
            latest: StepId::default(),
            horizon: 1.0,
            horizons: 1,
        }
    }

    /// From now on chances are those of the next so many requests, as the counts are now.
    pub(crate) fn look_ahead(&mut self, requests: f32) {
        self.horizon = requests;
        self.horizons = self.horizons.wrapping_add(1);
    }

    /// The number of a step.
    pub(crate) fn step(&mut self, name: &str) -> StepId {
        // Mostly it is the step that made the result before.
        if self.latest != StepId::default() && *self.names[usize::from(self.latest.0)] == *name {
            return self.latest;
        }
        if let Some(&known) = self.numbers.get(name) {
            self.latest = known;
            return known;
        }
        let Ok(number) = u16::try_from(self.names.len()) else { return StepId::default() };
        if self.names.len() >= STEPS {
            return StepId::default();
        }
        let name: Arc<str> = name.into();
        self.counts.push([Count::default(); USES * AGES]);
        self.outlooks.push((0, [0.0; USES * AGES]));
        self.names.push(Arc::clone(&name));
        self.numbers.insert(name, StepId(number));
        StepId(number)
    }

    /// The name of a step; empty for those that are not told apart.
    pub(crate) fn name(&self, step: StepId) -> &Arc<str> {
        &self.names[usize::from(step.0)]
    }

    /// The chance that one of the requests up to the horizon uses a result, from 0 to 1.
    pub(crate) fn of(&mut self, step: StepId, uses: u32, age: u32) -> f32 {
        let (horizon, outlook) = &self.outlooks[usize::from(step.0)];
        if *horizon == self.horizons {
            return outlook[class(uses, age)];
        }
        let outlook = self.outlook(step);
        self.outlooks[usize::from(step.0)] = (self.horizons, outlook);
        outlook[class(uses, age)]
    }

    fn outlook(&self, step: StepId) -> Outlook {
        let mut outlook = [0.0; USES * AGES];
        for (uses, outlook) in outlook.chunks_exact_mut(AGES).enumerate() {
            let stays: [f32; AGES] =
                std::array::from_fn(|age| (1.0 - self.hazard(step, uses * AGES + age)).ln());
            for (age, chance) in outlook.iter_mut().enumerate() {
                let (mut left, mut stay) = (self.horizon, 0.0);
                for (age, log) in stays.iter().enumerate().skip(age) {
                    let spent = if age + 1 < AGES { left.min(requests(age)) } else { left };
                    stay += spent * log;
                    left -= spent;
                }
                *chance = 1.0 - stay.exp();
            }
        }
        outlook
    }

    /// The chance that the next request uses a result of a class; below 1.
    fn hazard(&self, step: StepId, class: usize) -> f32 {
        let (uses, age) = (class / AGES, class % AGES);
        let rate = (requests(uses.saturating_sub(1)) * f32::from(u8::from(uses > 0)) + 0.5)
            / (requests(age) + 1.0);
        let guess = rate / (1.0 + rate);
        let all = self.counts[0][class];
        let all = (all.used + GUESSED * guess) / (all.seen + GUESSED);
        if step == StepId::default() {
            return all.min(SURE);
        }
        let own = self.counts[usize::from(step.0)][class];
        ((own.used + SHARED * all) / (own.seen + SHARED)).min(SURE)
    }

    /// A request begins that may use such a result.
    pub(crate) fn see(&mut self, step: StepId, uses: u32, age: u32) {
        self.count(step, uses, age, |count| {
            count.seen += 1.0;
            if count.seen >= MEMORY {
                *count = Count { seen: count.seen / 2.0, used: count.used / 2.0 };
            }
        });
    }

    /// The request uses it.
    pub(crate) fn hit(&mut self, step: StepId, uses: u32, age: u32) {
        self.count(step, uses, age, |count| count.used += 1.0);
    }

    fn count(&mut self, step: StepId, uses: u32, age: u32, change: impl Fn(&mut Count)) {
        let class = class(uses, age);
        change(&mut self.counts[0][class]);
        if step != StepId::default() {
            change(&mut self.counts[usize::from(step.0)][class]);
        }
    }
}

fn class(uses: u32, age: u32) -> usize {
    let uses = match uses {
        0 | 1 => uses as usize,
        2 | 3 => 2,
        _ => 3,
    };
    let age = age.saturating_add(1).ilog2() as usize;
    uses * AGES + age.min(AGES - 1)
}

/// Requests for which a result stays in a class of ages, which is also the age that it comes in
/// with and one more; and the uses at which a class but the first begins.
fn requests(class: usize) -> f32 {
    (0..class).fold(1.0, |requests, _| 2.0 * requests)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_has_seen_goes_by_the_rule_of_thumb() {
        let mut chances = Chances::new();
        let step = chances.step("blur");
        let mut of = |uses, age| chances.of(step, uses, age);
        // A rate of ½ in 3 requests.
        assert!((of(0, 1) - 1.0 / 7.0).abs() < 1e-6, "{}", of(0, 1));
        assert!(of(1, 1) > of(0, 1) && of(4, 1) > of(1, 1));
        assert!(of(1, 1) > of(1, 9) && of(1, 9) > of(1, u32::MAX));
    }

    #[test]
    fn each_step_has_habits_of_its_own() {
        let mut chances = Chances::new();
        let (never, always) = (chances.step("never"), chances.step("always"));
        for _ in 0..1000 {
            chances.see(never, 0, 1);
            chances.see(always, 0, 1);
            chances.hit(always, 0, 1);
        }
        let new = chances.step("new");
        let [never, always, new] = [never, always, new].map(|step| chances.of(step, 0, 1));
        assert!(never < 0.01 && always > 0.99, "{never} {always}");
        assert!((new - 0.5).abs() < 0.01, "{new}");
    }

    #[test]
    fn chances_of_many_requests_are_those_of_the_ages_that_a_result_goes_through() {
        let mut chances = Chances::new();
        let step = chances.step("undone");
        // One in four is used when it is one or two requests old, and hardly any that is older.
        for at in 0..4000 {
            chances.see(step, 0, 1);
            if at % 4 == 0 {
                chances.hit(step, 0, 1);
            }
            (2..=8).for_each(|age| chances.see(step, 0, (1 << age) - 1));
        }
        let mut of = |requests, age| {
            chances.look_ahead(requests);
            chances.of(step, 0, age)
        };
        assert!((of(1.0, 1) - 0.25).abs() < 0.01);
        assert!((of(2.0, 1) - (1.0 - 0.75 * 0.75)).abs() < 0.01);
        assert!((of(100.0, 1) - (1.0 - 0.75 * 0.75)).abs() < 0.1);
        assert!(of(100.0, 3) < 0.1, "{}", of(100.0, 3));
    }

    #[test]
    fn steps_beyond_the_most_share_what_is_known_of_all() {
        let mut chances = Chances::new();
        for number in 0..1000 {
            chances.step(&number.to_string());
        }
        assert_eq!(chances.step("one more"), StepId::default());
        assert_eq!(chances.step("7"), StepId(8));
        assert_eq!(&**chances.name(StepId(8)), "7");
    }
}
