//! Small steps over numbers that count how often they run.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use pipeline_core::cache::{Cache, Cost, Evicted, Hit, Tier};
use pipeline_core::data::{Codec, Data, In};
use pipeline_core::{
    Context, Error, Executor, Graph, Key, Options, Result, Services, Spec, Step, Value,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Number(pub(crate) i64);

impl Data for Number {
    const NAME: &'static str = "number";

    fn size_bytes(&self) -> usize {
        8
    }

    fn codec() -> Option<Codec<Self>> {
        Some(Codec::new(
            1,
            |number, out| out.write_all(&number.0.to_le_bytes()),
            |bytes| {
                let bytes = bytes.try_into().map_err(|_| Error::failed("eight bytes"))?;
                Ok(Self(i64::from_le_bytes(bytes)))
            },
        ))
    }
}

/// The names of the steps that ran, in the order in which they began.
#[derive(Debug, Clone, Default)]
pub(crate) struct Journal(Arc<Mutex<Vec<String>>>);

impl Journal {
    /// What ran since the last look, sorted.
    pub(crate) fn take(&self) -> Vec<String> {
        let mut names = std::mem::take(&mut *self.0.lock());
        names.sort();
        names
    }

    fn note(&self, name: &str) {
        self.0.lock().push(name.to_owned());
    }
}

fn note(ctx: &Context<'_>, name: &str) {
    if let Ok(journal) = ctx.service::<Journal>() {
        journal.note(name);
    }
}

/// Gives a number.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Give {
    /// The number.
    pub(crate) number: i64,
    /// Tells nodes apart in the journal.
    pub(crate) name: String,
}

impl Step for Give {
    const NAME: &'static str = "give";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<Number> {
        note(ctx, &self.name);
        Ok(Number(self.number))
    }
}

/// What a [`Mix`] does besides adding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Fails.
    Fail,
    /// Panics.
    Panic,
    /// Fails twice, then succeeds.
    Flaky,
}

/// Adds its inputs and a constant, and keeps the sum small.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Mix {
    /// What is added to the sum.
    pub(crate) plus: i64,
    /// What the sum is divided by, so that different inputs can give equal results.
    pub(crate) divide: Option<i64>,
    /// What else happens.
    pub(crate) fault: Fault,
    /// Tells nodes apart in the journal.
    pub(crate) name: String,
    /// Whether the result is digested.
    pub(crate) digest: bool,
}

impl Step for Mix {
    const NAME: &'static str = "mix";
    type Input = Vec<In<Number>>;
    type Output = Number;

    fn run(&self, inputs: Vec<In<Number>>, ctx: &Context<'_>) -> Result<Number> {
        note(ctx, &self.name);
        match self.fault {
            Fault::Fail => return Err(Error::failed("it was told to")),
            Fault::Panic => panic!("it was told to"),
            Fault::Flaky if ctx.attempt() < 3 => return Err(Error::transient("not yet")),
            Fault::None | Fault::Flaky => {}
        }
        Ok(self.sum(inputs.iter().map(|number| number.0)))
    }

    fn spec(&self) -> Spec {
        let cut_off = if self.digest {
            pipeline_core::step::CutOff::Always
        } else {
            pipeline_core::step::CutOff::Never
        };
        Spec::default().cut_off(cut_off)
    }
}

impl Mix {
    pub(crate) fn sum(&self, inputs: impl Iterator<Item = i64>) -> Number {
        let sum = inputs.fold(self.plus, |sum, number| sum.wrapping_mul(31).wrapping_add(number));
        Number(sum / self.divide.unwrap_or(1).max(1))
    }
}

/// Keeps everything, and counts.
#[derive(Debug, Default)]
pub(crate) struct Hoard {
    values: Mutex<std::collections::HashMap<Key, Value>>,
    pub(crate) gets: AtomicUsize,
}

impl Cache for Hoard {
    fn get(&self, key: &Key) -> Option<Hit> {
        self.gets.fetch_add(1, Ordering::Relaxed);
        let value = self.values.lock().get(key)?.clone();
        Some(Hit { value, tier: Tier::Memory })
    }

    fn put(&self, key: Key, value: &Value, _: Cost) -> Vec<Evicted> {
        self.values.lock().insert(key, value.clone());
        Vec::new()
    }

    fn contains(&self, key: &Key) -> bool {
        self.values.lock().contains_key(key)
    }
}

/// An executor with a cache that keeps everything, and its journal.
pub(crate) fn hoarding(threads: usize) -> (Executor, Journal) {
    let journal = Journal::default();
    let options = Options {
        threads: Some(threads),
        cache: Some(Arc::new(Hoard::default())),
        services: Services::new().with(journal.clone()),
        ..Options::default()
    };
    (Executor::new(options).unwrap(), journal)
}

/// An executor without a cache, and its journal.
pub(crate) fn forgetful(threads: usize) -> (Executor, Journal) {
    let journal = Journal::default();
    let options = Options {
        threads: Some(threads),
        services: Services::new().with(journal.clone()),
        ..Options::default()
    };
    (Executor::new(options).unwrap(), journal)
}

/// Adds a [`Mix`] named after its node.
pub(crate) fn mix(
    graph: &mut Graph,
    name: &str,
    plus: i64,
    inputs: &[pipeline_core::Node<Number>],
) -> pipeline_core::Node<Number> {
    let step = Mix { plus, name: name.to_owned(), ..Mix::default() };
    graph.add(name, step, inputs.to_vec())
}
