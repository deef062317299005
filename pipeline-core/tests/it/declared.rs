//! What steps and nodes say about themselves, and what the engine makes of it: kinds, priorities,
//! seeds, names.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use pipeline_core::data::{Data, In};
use pipeline_core::event::Status;
use pipeline_core::{
    Context, Error, Executor, Graph, Node, Options, Registry, Result, RunOptions, Services, Spec,
    Step,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::toy::{Draw, Give, Hoard, Journal, Load, Number, comes_back, forgetful, mix, note};

/// Sends its input somewhere.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Send {}

impl Step for Send {
    const NAME: &'static str = "send";
    type Input = In<Number>;
    type Output = Number;

    fn run(&self, number: In<Number>, ctx: &Context<'_>) -> Result<Number> {
        note(ctx, "send");
        Ok(*number)
    }

    fn spec(&self) -> Spec {
        Spec::effect()
    }
}

/// Asks a sensor.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Sense {}

impl Step for Sense {
    const NAME: &'static str = "sense";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<Number> {
        note(ctx, "sense");
        Ok(Number(ctx.service::<AtomicI64>()?.load(Ordering::SeqCst)))
    }

    fn spec(&self) -> Spec {
        Spec::volatile()
    }
}

fn executor() -> (Executor, Journal) {
    let journal = Journal::default();
    let options = Options {
        threads: Some(1),
        cache: Some(Arc::new(Hoard::default())),
        services: Services::new().with(journal.clone()).with(AtomicI64::new(3)),
        ..Options::default()
    };
    (Executor::new(options).unwrap(), journal)
}

#[test]
fn an_effect_is_had_in_every_run_and_by_every_node_that_asks_for_it() {
    let (executor, journal) = executor();
    let mut graph = Graph::new();
    let top = graph.add("top", Give { number: 3, name: "top".into() }, ());
    let one = graph.add("one", Send {}, top);
    let two = graph.add("two", Send {}, top);
    for expected in [&["send", "send", "top"][..], &["send", "send"], &["send", "send"]] {
        let report = executor.run(&graph, &RunOptions::default()).unwrap();
        assert_eq!(journal.take(), expected);
        assert_eq!((report.output(one).unwrap().0, report.output(two).unwrap().0), (3, 3));
    }
}

#[test]
fn a_volatile_step_runs_in_every_run_and_its_content_decides_what_runs_below() {
    let (executor, journal) = executor();
    let mut graph = Graph::new();
    let sense = graph.add("sense", Sense {}, ());
    let below = mix(&mut graph, "below", 1, &[sense]);
    let last = mix(&mut graph, "last", 2, &[below]);
    let sensor = executor.service::<AtomicI64>().unwrap();
    let whole = ["below", "last", "sense"];
    for (reading, expected) in
        [(3, &whole[..]), (3, &["sense"]), (4, &whole), (3, &["sense"]), (4, &["sense"])]
    {
        sensor.store(reading, Ordering::SeqCst);
        let report = executor.run(&graph, &RunOptions::default()).unwrap();
        assert_eq!(journal.take(), expected);
        assert_eq!(report.output(last).unwrap().0, (31 + reading) + 2 * 31);
        assert_eq!(report.step(sense.id()).unwrap().status, Status::Computed);
    }
}

/// A source that notes its name.
fn give(graph: &mut Graph, name: &str) -> Node<Number> {
    graph.add(name, Give { name: name.to_owned(), ..Give::default() }, ())
}

#[test]
fn the_node_set_to_go_first_goes_first_and_then_the_one_with_the_longest_way_to_go() {
    comes_back(|| {
        let (executor, journal) = forgetful(1);
        let mut graph = Graph::new();
        let low = give(&mut graph, "low");
        let short = give(&mut graph, "short");
        let long = give(&mut graph, "long");
        let high = give(&mut graph, "high");
        mix(&mut graph, "short1", 1, &[short]);
        let middle = mix(&mut graph, "long1", 2, &[long]);
        mix(&mut graph, "long2", 3, &[middle]);
        graph.settings(high.id(), |s| s.priority = 5).unwrap();
        graph.settings(low.id(), |s| s.priority = -5).unwrap();
        let run = executor.spawn(&graph, &RunOptions::default()).unwrap();
        assert!(run.wait().ok().is_ok());
        let order = journal.take_in_order();
        let place = |name: &str| order.iter().position(|ran| ran == name).unwrap();
        assert_eq!((place("high"), place("long"), place("low")), (0, 1, order.len() - 1));
        assert!(place("long") < place("short"), "{order:?}");
    });
}

#[test]
fn what_an_urgent_node_needs_goes_first_with_it() {
    comes_back(|| {
        let (executor, journal) = forgetful(1);
        let mut graph = Graph::new();
        let other = give(&mut graph, "other");
        let source = give(&mut graph, "source");
        let middle = mix(&mut graph, "middle", 1, &[source]);
        let urgent = mix(&mut graph, "urgent", 2, &[middle]);
        let longer = mix(&mut graph, "longer", 3, &[other]);
        let longest = mix(&mut graph, "longest", 4, &[longer]);
        mix(&mut graph, "end", 5, &[longest]);
        graph.settings(urgent.id(), |s| s.priority = 1).unwrap();
        let run = executor.spawn(&graph, &RunOptions::default()).unwrap();
        assert!(run.wait().ok().is_ok());
        assert_eq!(journal.take_in_order()[..3], ["source", "middle", "urgent"]);
    });
}

#[test]
fn the_seed_follows_from_parameters_and_inputs_and_from_nothing_else() {
    let seed = |threads: usize, name: &str, input: i64, number: i64| {
        let mut graph = Graph::new();
        let top = graph.add("top", Give { number: input, ..Give::default() }, ());
        let draw = graph.add(name, Draw { number, ..Draw::default() }, top);
        let report = forgetful(threads).0.run(&graph, &RunOptions::default()).unwrap();
        report.output(draw).unwrap().0
    };
    let plain = seed(1, "draw", 1, 1);
    assert_eq!(seed(2, "draw", 1, 1), plain);
    assert_eq!(seed(1, "another name", 1, 1), plain);
    assert_ne!(seed(1, "draw", 2, 1), plain);
    assert_ne!(seed(1, "draw", 1, 2), plain);
}

/// A step that takes the name of another.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Impostor {}

impl Step for Impostor {
    const NAME: &'static str = "give";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), _: &Context<'_>) -> Result<Number> {
        Ok(Number(0))
    }
}

/// Data that takes the name of another.
#[derive(Debug, Clone)]
struct Digits;

impl Data for Digits {
    const NAME: &'static str = "number";

    fn size_bytes(&self) -> usize {
        0
    }
}

/// Spells a number.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Spell {}

impl Step for Spell {
    const NAME: &'static str = "spell";
    type Input = ();
    type Output = Digits;

    fn run(&self, (): (), _: &Context<'_>) -> Result<Digits> {
        Ok(Digits)
    }
}

#[test]
fn a_registry_gives_each_name_once() {
    let mut registry = Registry::new();
    registry.register::<Give>().unwrap();
    let error = registry.register::<Give>().unwrap_err();
    assert!(matches!(error, Error::Input { .. }));
    let taken = "the step name is `give`, which is taken, expected a name of its own";
    assert_eq!(error.to_string(), taken);
    assert_eq!(registry.register::<Impostor>().unwrap_err().to_string(), taken);
    assert_eq!(registry.find("give").unwrap().summary(), "Gives a number.");
    let error = registry.register::<Spell>().unwrap_err().to_string();
    assert_eq!(
        error,
        "the name of the data on port `out` of `spell` is `number`, which is taken, expected a name \
         of its own"
    );
    assert!(registry.find("spell").is_err(), "what was refused is not there");
}

/// Has time until its deadline and no longer, and says how much.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Clock {}

impl Step for Clock {
    const NAME: &'static str = "clock";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<Number> {
        Ok(Number(ctx.time_left().map_or(-1, |left| left.as_secs().cast_signed())))
    }
}

#[test]
fn a_step_knows_how_much_time_it_has() {
    let (executor, _) = forgetful(1);
    let mut graph = Graph::new();
    let clock = graph.add("clock", Clock {}, ());
    let left = |graph: &Graph, options: RunOptions| {
        executor.run(graph, &options).unwrap().output(clock).unwrap().0
    };
    assert_eq!(left(&graph, RunOptions::default()), -1);
    let hour = Some(Duration::from_secs(3600));
    let of_run = RunOptions { step_timeout: hour, ..RunOptions::default() };
    assert!((1..=3600).contains(&left(&graph, of_run.clone())));
    graph.settings(clock.id(), |s| s.timeout = Some(Duration::from_secs(86_400))).unwrap();
    assert!((3601..=86_400).contains(&left(&graph, of_run)), "the node's own limit counts");
}

/// Makes something of a size.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Make {
    name: String,
    bytes: u64,
}

impl Step for Make {
    const NAME: &'static str = "make";
    type Input = Vec<In<Load>>;
    type Output = Load;

    fn run(&self, _: Vec<In<Load>>, ctx: &Context<'_>) -> Result<Load> {
        note(ctx, &self.name);
        Ok(Load(self.bytes))
    }

    fn spec(&self) -> Spec {
        Spec::default().bytes(self.bytes)
    }
}

#[test]
fn where_memory_is_short_that_goes_first_which_leaves_least_of_what_it_takes() {
    let (executor, journal) = forgetful(1);
    let mut graph = Graph::new();
    let mut make = |name: &str, bytes: u64, inputs: &[Node<Load>]| {
        graph.add(name, Make { name: name.into(), bytes }, inputs.to_vec())
    };
    let hold = make("hold", 600, &[]);
    let light = make("light", 200, &[]);
    // A longer way to go than the heavy one has.
    let light = make("lighter", 1, &[light]);
    let light = make("lightest", 1, &[light]);
    let heavy = make("heavy", 300, &[]);
    let heavy = make("small", 10, &[heavy]);
    make("join", 1, &[hold, light, heavy]);
    graph.settings(hold.id(), |s| s.priority = 9).unwrap();
    for (budget, expected) in [
        (None, ["hold", "light"]),
        // With more than half of it in use.
        (Some(1000), ["hold", "heavy"]),
    ] {
        let options = RunOptions { budget, ..RunOptions::default() };
        executor.spawn(&graph, &options).unwrap().wait().ok().unwrap();
        assert_eq!(journal.take_in_order()[..2], expected, "{budget:?}");
    }
}

/// Has a default that it does not take.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("required" = ["name"]))]
struct Misset {
    /// Out of range.
    #[schemars(range(min = 1.0, max = 5.0))]
    sigma: f32,
    /// In range.
    #[schemars(range(max = 3))]
    radius: u32,
    /// Must be given.
    #[schemars(length(min = 1))]
    name: String,
}

impl Default for Misset {
    fn default() -> Self {
        Self { sigma: 0.5, radius: 3, name: String::new() }
    }
}

impl Step for Misset {
    const NAME: &'static str = "misset";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), _: &Context<'_>) -> Result<Number> {
        Ok(Number(0))
    }
}

#[test]
fn a_default_that_its_parameter_does_not_take_is_told_when_the_step_is_registered() {
    let error = Registry::new().register::<Misset>().unwrap_err();
    let Error::Invalid(faults) = error else { panic!("{error:?}") };
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["steps.misset.params.sigma: found 0.5, expected 1 to 5"]);
}
