//! Small steps over numbers that count how often they run.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use pipeline_core::CancelToken;
use pipeline_core::cache::{Cache, Evicted, Hit, Origin, Tier};
use pipeline_core::data::{Codec, Data, In};
use pipeline_core::step::CutOff;
use pipeline_core::{
    Context, Error, Event, EventKind, Executor, Graph, Key, Observer, Options, Result, RunId,
    RunOptions, Services, Spec, Step, Value,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Stands for so many bytes.
#[derive(Debug)]
pub(crate) struct Load(pub(crate) u64);

impl Data for Load {
    const NAME: &'static str = "load";

    fn size_bytes(&self) -> usize {
        usize::try_from(self.0).unwrap()
    }
}

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
                let bytes = (**bytes).try_into().map_err(|_| Error::failed("eight bytes"))?;
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

    /// What ran since the last look, in the order in which it began.
    pub(crate) fn take_in_order(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock())
    }

    pub(crate) fn note(&self, name: &str) {
        self.0.lock().push(name.to_owned());
    }
}

/// Takes note of a step that begins.
pub(crate) fn note(ctx: &Context<'_>, name: &str) {
    if let Ok(journal) = ctx.service::<Journal>() {
        journal.note(name);
    }
}

/// A gate that tests open.
#[derive(Debug, Clone, Default)]
pub(crate) struct Door(Arc<(Mutex<bool>, Condvar)>, Arc<AtomicUsize>);

impl Door {
    pub(crate) fn open(&self) {
        *self.0.0.lock() = true;
        self.0.1.notify_all();
    }

    pub(crate) fn pass(&self) {
        self.arrive();
        let mut open = self.0.0.lock();
        while !*open {
            self.0.1.wait(&mut open);
        }
    }

    /// Counts one more that stands before the door, without waiting.
    pub(crate) fn arrive(&self) {
        self.1.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn is_open(&self) -> bool {
        *self.0.0.lock()
    }

    /// How many came so far.
    pub(crate) fn arrived(&self) -> usize {
        self.1.load(Ordering::SeqCst)
    }

    /// Blocks until `count` steps stand before the door.
    pub(crate) fn crowd(&self, count: usize) {
        while self.arrived() < count {
            std::thread::yield_now();
        }
    }
}

/// Longer than any thread of a busy machine stands still.
pub(crate) const LONG: Duration = Duration::from_secs(120);

/// Tells when it goes.
#[derive(Debug)]
pub(crate) struct Farewell(pub(crate) std::sync::mpsc::Sender<()>);

impl Drop for Farewell {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

/// Runs `f` on a thread of its own and fails, instead of standing still, if it does not come back.
#[track_caller]
pub(crate) fn comes_back<R: Send + 'static>(f: impl FnOnce() -> R + Send + 'static) -> R {
    let (done, wait) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || drop(done.send(f())));
    match wait.recv_timeout(LONG) {
        Ok(result) => result,
        Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => {
            std::panic::resume_unwind(thread.join().expect_err("it went without a result"))
        }
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("it does not come back"),
    }
}

/// An observer that keeps what it hears. A run may return before its observers have heard its end,
/// so [`of`](Self::of) waits for that. Cloning shares.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listener(Arc<(Mutex<Vec<Event>>, Condvar)>);

impl Listener {
    /// Options of a run that this listens to.
    pub(crate) fn options(&self) -> RunOptions {
        RunOptions { observers: vec![self.observer()], ..RunOptions::default() }
    }

    pub(crate) fn observer(&self) -> Arc<dyn Observer> {
        Arc::new(self.clone())
    }

    /// All events of a run, once its end was heard.
    #[track_caller]
    pub(crate) fn of(&self, run: RunId) -> Vec<Event> {
        let of_run = |event: &&Event| event.run == run;
        let is_end = |event: &Event| matches!(event.kind, EventKind::RunFinished(_));
        let mut heard = self.0.0.lock();
        while !heard.iter().filter(of_run).any(is_end) {
            let waited = self.0.1.wait_for(&mut heard, LONG);
            assert!(!waited.timed_out(), "the end of {run} is not heard");
        }
        heard.iter().filter(of_run).cloned().collect()
    }
}

impl Observer for Listener {
    fn on_event(&self, event: &Event) {
        self.0.0.lock().push(event.clone());
        if matches!(event.kind, EventKind::RunFinished(_)) {
            self.0.1.notify_all();
        }
    }
}

/// An executor that lends itself to its steps, for as long as this is held.
pub(crate) struct Home(Arc<Executor>);

/// The service by which steps reach the executor that runs them.
#[derive(Debug, Default)]
struct Slot(Mutex<Option<Arc<Executor>>>);

impl Home {
    pub(crate) fn new(threads: usize, services: Services) -> Self {
        let services = services.with(Slot::default());
        let options = Options { threads: Some(threads), services, ..Options::default() };
        let executor = Arc::new(Executor::new(options).unwrap());
        *executor.service::<Slot>().unwrap().0.lock() = Some(Arc::clone(&executor));
        Self(executor)
    }

    /// The executor that runs a step.
    pub(crate) fn of(ctx: &Context<'_>) -> Result<Arc<Executor>> {
        let executor = ctx.service::<Slot>()?.0.lock().clone();
        executor.ok_or_else(|| Error::failed("the executor is about to go"))
    }
}

impl std::ops::Deref for Home {
    type Target = Executor;

    fn deref(&self) -> &Executor {
        &self.0
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // Else the executor would hold itself.
        if let Ok(slot) = self.0.service::<Slot>() {
            slot.0.lock().take();
        }
    }
}

/// Counts the polls of all steps and sets a token at one of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Polls(Arc<(AtomicUsize, Mutex<Trip>)>);

/// The poll at which a token is set.
type Trip = Option<(usize, CancelToken)>;

impl Polls {
    /// Sets `token` at poll number `at`, counted from 0 anew.
    pub(crate) fn trip(&self, at: usize, token: &CancelToken) {
        self.0.0.store(0, Ordering::SeqCst);
        *self.0.1.lock() = Some((at, token.clone()));
    }

    /// Polls so far.
    pub(crate) fn count(&self) -> usize {
        self.0.0.load(Ordering::SeqCst)
    }

    fn poll(&self) {
        let number = self.0.0.fetch_add(1, Ordering::SeqCst);
        let token = self.0.1.lock().clone();
        if let Some((at, token)) = token
            && at == number
        {
            token.cancel(pipeline_core::CancelReason::User);
        }
    }
}

/// A point at which a step may be stopped.
pub(crate) fn poll(ctx: &Context<'_>) -> Result<()> {
    if let Ok(polls) = ctx.service::<Polls>() {
        polls.poll();
    }
    ctx.check()
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

/// Answers with its seed.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Draw {
    /// Part of what the seed is made of.
    pub(crate) number: i64,
    /// Does not say that it wants a seed.
    pub(crate) is_silent: bool,
}

impl Step for Draw {
    const NAME: &'static str = "draw";
    type Input = In<Number>;
    type Output = Number;

    fn run(&self, _: In<Number>, ctx: &Context<'_>) -> Result<Number> {
        Ok(Number(ctx.seed()?.cast_signed()))
    }

    fn spec(&self) -> Spec {
        Spec { seeded: !self.is_silent, ..Spec::default() }
    }
}

/// Which threads run a toy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum On {
    /// The workers.
    #[default]
    Workers,
    /// The rayon pool.
    Rayon,
    /// The threads that may wait.
    Blocking,
}

impl On {
    pub(crate) fn spec(self, spec: Spec) -> Spec {
        match self {
            Self::Workers => spec,
            Self::Rayon => spec.rayon(),
            Self::Blocking => spec.blocking(),
        }
    }
}

/// Stands before the door, deaf to everything, then gives a number.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Hang {
    /// The number.
    pub(crate) number: i64,
    /// Where it stands.
    pub(crate) lane: On,
    /// Units of the device that it holds meanwhile.
    pub(crate) units: u32,
    /// Bytes that it says its result has, if it says so.
    pub(crate) bytes: u64,
}

impl Step for Hang {
    const NAME: &'static str = "hang";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<Number> {
        ctx.service::<Door>()?.pass();
        Ok(Number(self.number))
    }

    fn spec(&self) -> Spec {
        let spec = self.lane.spec(Spec::default());
        let spec = if self.bytes > 0 { spec.bytes(self.bytes) } else { spec };
        if self.units > 0 { spec.needs("device", self.units) } else { spec }
    }
}

/// What a [`Mix`] does besides adding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
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
        poll(ctx)?;
        match self.fault {
            Fault::Fail => return Err(Error::failed("it was told to")),
            Fault::Panic => panic!("it was told to"),
            Fault::Flaky if ctx.attempt() < 3 => return Err(Error::transient("not yet")),
            Fault::None | Fault::Flaky => {}
        }
        poll(ctx)?;
        Ok(self.sum(inputs.iter().map(|number| number.0)))
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(cut_off(self.digest))
    }
}

impl Mix {
    pub(crate) fn sum(&self, inputs: impl Iterator<Item = i64>) -> Number {
        let sum = inputs.fold(self.plus, |sum, number| sum.wrapping_mul(31).wrapping_add(number));
        Number(sum / self.divide.unwrap_or(1).max(1))
    }
}

/// One input, two outputs.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Split {
    /// What is added.
    pub(crate) plus: i64,
    /// Tells nodes apart in the journal.
    pub(crate) name: String,
    /// Whether the results are digested.
    pub(crate) digest: bool,
}

impl Step for Split {
    const NAME: &'static str = "split";
    type Input = In<Number>;
    type Output = (Number, Number);

    fn run(&self, input: In<Number>, ctx: &Context<'_>) -> Result<(Number, Number)> {
        note(ctx, &self.name);
        poll(ctx)?;
        Ok(self.parts(input.0))
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(cut_off(self.digest))
    }
}

impl Split {
    pub(crate) fn parts(&self, number: i64) -> (Number, Number) {
        (Number(number.wrapping_add(self.plus) / 7), Number(number.wrapping_mul(17)))
    }
}

/// One input, perhaps a second, and any number more.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Maybe {
    /// What is added.
    pub(crate) plus: i64,
    /// Tells nodes apart in the journal.
    pub(crate) name: String,
    /// Whether the result is digested.
    pub(crate) digest: bool,
}

impl Step for Maybe {
    const NAME: &'static str = "maybe";
    type Input = (In<Number>, Option<In<Number>>, Vec<In<Number>>);
    type Output = Number;

    fn run(&self, input: Self::Input, ctx: &Context<'_>) -> Result<Number> {
        note(ctx, &self.name);
        poll(ctx)?;
        let (one, second, more) = input;
        Ok(self.sum(one.0, second.map(|n| n.0), more.iter().map(|n| n.0)))
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(cut_off(self.digest))
    }
}

impl Maybe {
    pub(crate) fn sum(
        &self,
        one: i64,
        second: Option<i64>,
        more: impl Iterator<Item = i64>,
    ) -> Number {
        let first = one.wrapping_mul(3).wrapping_sub(second.unwrap_or(-1).wrapping_mul(5));
        Number(more.fold(first.wrapping_add(self.plus), |sum, n| sum.wrapping_mul(7) ^ n) / 3)
    }
}

fn cut_off(digest: bool) -> CutOff {
    if digest { CutOff::Always } else { CutOff::Never }
}

/// Keeps everything.
#[derive(Debug, Default)]
pub(crate) struct Hoard(Mutex<std::collections::HashMap<Key, Value>>);

impl Cache for Hoard {
    fn get(&self, key: &Key) -> Option<Hit> {
        let value = self.0.lock().get(key)?.clone();
        Some(Hit { value, tier: Tier::Memory })
    }

    fn put(&self, key: Key, value: &Value, _: Origin<'_>) -> Vec<Evicted> {
        self.0.lock().insert(key, value.clone());
        Vec::new()
    }

    fn contains(&self, key: &Key) -> bool {
        self.0.lock().contains_key(key)
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
