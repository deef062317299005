//! Steps that keep the contract, and steps that each break one part of it.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pipeline_core::step::Kind;
use pipeline_core::testkit::step::Check;
use pipeline_core::testkit::{image_of, step};
use pipeline_core::{
    Bindings, CancelReason, Context, Data, Error, Executor, Graph, Image, In, Key, Options, Result,
    RunOptions, Services, Spec, Step,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::refuses;
use crate::toy::{Hoard, Journal, Number};

fn photo() -> Image {
    image_of::<u8>(&[&[0, 50, 100, 7], &[150, 200, 250, 8], &[1, 2, 3, 9]])
}

/// What is wrong with a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Wrong {
    /// Nothing is.
    #[default]
    Nothing,
    /// Every run differs.
    Counts,
    /// The result depends on whether it may overwrite its input.
    SeesItsMemory,
    /// A cancel becomes a failure.
    FailsOnCancel,
    /// A cancel is forgotten.
    ForgetsCancel,
    /// A cancel leaves a partial result.
    StopsHalfway,
    /// It says that it was cancelled.
    Lies,
    /// More is done than there is.
    Overreports,
    /// Other sample types are a panic.
    Unwraps,
    /// Row loops on the lane for waiting.
    LoopsWhileWaiting,
    /// It fails.
    Fails,
}

/// Adds a number to every sample.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Lift {
    /// What is added.
    #[schemars(range(min = 0, max = 255))]
    by: u8,
    /// What is wrong.
    wrong: Wrong,
}

static CALLS: AtomicU64 = AtomicU64::new(0);

impl Step for Lift {
    const NAME: &'static str = "lift";
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        let address = image.bytes().as_ptr();
        let mut image = image.into_owned();
        let row_len = image.layout().row_len();
        let found = image.sample_type();
        let samples = match image.samples_mut::<u8>() {
            Some(samples) => samples,
            None if self.wrong == Wrong::Unwraps => panic!("not u8"),
            None => return Err(Error::input("the image", found, "u8")),
        };
        if self.wrong == Wrong::Fails {
            return Err(Error::failed("it was told to"));
        }
        let by = match self.wrong {
            Wrong::Counts => u8::try_from(CALLS.fetch_add(1, Ordering::Relaxed) % 99).unwrap(),
            Wrong::SeesItsMemory => u8::from(samples.as_ptr() == address),
            _ => self.by,
        };
        if self.wrong == Wrong::Overreports {
            ctx.progress(7, 3, "rows");
        }
        let filled = ctx.fill_rows(samples, row_len, 1, |_, row| {
            if self.wrong == Wrong::ForgetsCancel {
                (0..100).for_each(|_| drop(ctx.check()));
            }
            row.iter_mut().for_each(|sample| *sample = sample.saturating_add(by));
            Ok(())
        });
        match self.wrong {
            Wrong::FailsOnCancel => filled.map_err(|_| Error::failed("oh"))?,
            Wrong::ForgetsCancel | Wrong::StopsHalfway => drop(filled),
            Wrong::Lies => return Err(Error::Cancelled(CancelReason::User)),
            _ => filled?,
        }
        Ok(image)
    }

    fn spec(&self) -> Spec {
        match self.wrong {
            Wrong::LoopsWhileWaiting => Spec::default().blocking(),
            _ => Spec::default(),
        }
    }
}

#[test]
fn each_fault_of_a_run_is_found() {
    let check = |wrong| step::check(&Lift { by: 3, wrong }, In::new(photo()));
    check(Wrong::Nothing);
    let faults = [
        (Wrong::Counts, "run twice: differs"),
        (Wrong::SeesItsMemory, "run on inputs of its own"),
        (Wrong::FailsOnCancel, "failed with `oh`"),
        (Wrong::ForgetsCancel, "cancelled after 0 polls"),
        (Wrong::StopsHalfway, "cancelled after 0 polls: the result differs"),
        (Wrong::Lies, "run once: cancelled on request"),
        (Wrong::Overreports, "reports 7 of 3 rows done"),
        (Wrong::Unwraps, "as `in`: panicked: not u8"),
        (Wrong::LoopsWhileWaiting, "on the threads for waiting but opens a row loop"),
        (Wrong::Fails, "run once: it was told to"),
    ];
    for (wrong, text) in faults {
        refuses(text, || check(wrong));
    }
}

/// A step over numbers whose parameters are of the type `P`.
macro_rules! with_params {
    ($(#[$attribute:meta])* $step:ident { $($fields:tt)* } $run:expr) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
        struct $step { $($fields)* }

        impl Step for $step {
            const NAME: &'static str = "with_params";
            type Input = In<Number>;
            type Output = Number;

            fn run(&self, number: In<Number>, _: &Context<'_>) -> Result<Number> {
                let run: fn(&Self, i64) -> i64 = $run;
                Ok(Number(run(self, number.0)))
            }
        }
    };
}

/// What a border is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Border {
    /// aaa|abcd|ddd
    Replicate,
    /// A number.
    Constant(f32),
    /// Two sides.
    Sides {
        /// The left one.
        left: u8,
        /// The right one.
        right: u8,
    },
}

with_params! {
    /// Has parameters of every form.
    Rich {
        /// A size.
        #[schemars(range(min = 1))]
        size: Option<i32>,
        /// A border.
        border: Border,
        /// A text.
        text: String,
        /// A file.
        path: std::path::PathBuf,
        /// Points of a curve.
        #[schemars(inner(range(min = 0.0, max = 1.0)))]
        curve: Vec<f32>,
        /// Whether it is.
        flag: bool,
    } |_, number| number
}

with_params! {
    /// Has a number that may be anything.
    Boundless {
        /// A number.
        number: f32,
    } |_, number| number
}

with_params! {
    /// Has an unknown parameter.
    Secretive {
        number: u8,
    } |_, number| number
}

with_params! {
    Nameless {} |_, number| number
}

with_params! {
    /// Is written without a parameter that counts.
    Forgetful {
        /// A number.
        #[serde(skip_serializing, default)]
        number: u8,
    } |this, number| number + i64::from(this.number)
}

with_params! {
    /// Has a parameter that no file knows.
    Hiding {
        #[serde(skip)]
        number: i64,
    } |this, number| number + this.number
}

with_params! {
    /// Reads what it wrote in another way.
    Drifting {
        /// A number.
        #[serde(deserialize_with = "one_more")]
        number: u8,
    } |_, number| number
}

fn one_more<'de, D: serde::Deserializer<'de>>(from: D) -> Result<u8, D::Error> {
    u8::deserialize(from).map(|number| number.saturating_add(1))
}

with_params! {
    /// Has a set, which is written in any order.
    Unordered {
        /// Numbers.
        numbers: HashSet<u8>,
    } |_, number| number
}

with_params! {
    /// Breaks its own range.
    Outside {
        /// A number.
        #[schemars(range(min = 1, max = 3))]
        number: u8,
    } |_, number| number
}

with_params! {
    /// Says that a parameter has another default than it has.
    Misleading {
        /// A number.
        #[serde(default = "five")]
        #[schemars(default = "six")]
        number: u8,
    } |_, number| number
}

fn five() -> u8 {
    5
}

fn six() -> u8 {
    6
}

with_params! {
    /// Does not say that a parameter is required.
    Demanding {
        /// A number.
        #[schemars(default)]
        number: u8,
    } |_, number| number
}

fn number() -> In<Number> {
    In::new(Number(3))
}

#[test]
fn parameters_of_every_form_pass() {
    for border in [Border::Replicate, Border::Constant(0.1), Border::Sides { left: 1, right: 2 }] {
        let rich = Rich {
            size: None,
            border,
            text: "x".into(),
            path: "a/b".into(),
            curve: vec![0.0, 0.1, 1.0],
            flag: true,
        };
        step::check(&rich, number());
        step::check(&Rich { size: Some(3), curve: Vec::new(), ..rich }, number());
    }
}

#[test]
fn each_fault_of_the_parameters_is_found() {
    refuses("`number` is a number without a range", || {
        step::check(&Boundless { number: 1.0 }, number());
    });
    Check { unbounded: vec!["number"], ..Check::default() }
        .run(&Boundless { number: 1.0 }, number());
    refuses("`number` has no doc comment", || step::check(&Secretive { number: 1 }, number()));
    refuses("the struct has no doc comment", || step::check(&Nameless {}, number()));
    refuses("`number` does not enter the key", || {
        step::check(&Forgetful { number: 0 }, number());
    });
    refuses("after its parameters were written and read: the result differs", || {
        step::check(&Hiding { number: 1 }, number());
    });
    refuses("differ after they were written and read", || {
        step::check(&Drifting { number: 1 }, number());
    });
    refuses("differ after they were written and read", || {
        step::check(&Unordered { numbers: (0..9).collect() }, number());
    });
    refuses("its own schema refuses the parameters", || {
        step::check(&Outside { number: 9 }, number());
    });
    refuses("has another value when it is left out than 6", || {
        step::check(&Misleading { number: 1 }, number());
    });
    refuses("is not required but cannot be left out", || {
        step::check(&Demanding { number: 1 }, number());
    });
}

/// A counter that every reader changes: what no [`Data`] may be.
#[derive(Debug)]
struct Counter(AtomicU64);

impl Data for Counter {
    const NAME: &'static str = "counter";

    fn size_bytes(&self) -> usize {
        8
    }
}

/// Reads a counter.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct Tap {}

impl Step for Tap {
    const NAME: &'static str = "tap";
    type Input = In<Counter>;
    type Output = ();

    fn run(&self, counter: In<Counter>, _: &Context<'_>) -> Result<()> {
        counter.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

#[test]
fn a_step_that_changes_its_input_is_found() {
    refuses("an input differs from what it was", || {
        step::check(&Tap {}, In::new(Counter(AtomicU64::new(0))));
    });
}

/// Rolls dice.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct Roll {}

impl Step for Roll {
    const NAME: &'static str = "roll";
    type Input = ();
    type Output = Number;

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<Number> {
        ctx.check()?;
        Ok(Number(i64::try_from(CALLS.fetch_add(1, Ordering::Relaxed)).unwrap()))
    }

    fn spec(&self) -> Spec {
        Spec::volatile()
    }
}

#[test]
fn a_volatile_step_may_differ() {
    assert_eq!(Step::spec(&Roll {}).kind, Kind::Volatile);
    step::check(&Roll {}, ());
}

/// Joins lists, needs a service, has two outputs.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct Join {}

impl Step for Join {
    const NAME: &'static str = "join_2";
    type Input = (Vec<In<Number>>, Option<In<Number>>, In<Image>);
    type Output = (Number, Image);

    fn run(&self, input: Self::Input, ctx: &Context<'_>) -> Result<(Number, Image)> {
        let (list, more, image) = input;
        ctx.service::<Journal>()?;
        let sum: i64 = list.iter().chain(&more).map(|number| number.0).sum();
        Ok((Number(sum), image.into_owned()))
    }
}

#[test]
fn ports_of_every_arity_and_services_are_given() {
    let inputs = || (vec![number(), number()], Some(number()), In::new(photo()));
    let check = Check { services: Services::new().with(Journal::default()), ..Check::default() };
    check.run(&Join {}, inputs());
    check.run(&Join {}, (Vec::new(), None, In::new(photo())));
    refuses("the service is not registered", || step::check(&Join {}, inputs()));
}

/// A source like another one, but for its name or version.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct Source<const VERSION: u32, const OTHER: bool> {}

impl<const NUMBER: u32, const OTHER: bool> Step for Source<NUMBER, OTHER> {
    const NAME: &'static str = if OTHER { "other" } else { "source" };
    const VERSION: u32 = NUMBER;
    type Input = In<Number>;
    type Output = Number;

    fn run(&self, number: In<Number>, _: &Context<'_>) -> Result<Number> {
        Ok(*number)
    }
}

#[test]
fn name_version_and_input_enter_the_key_and_nothing_else_does() {
    fn key<const V: u32, const O: bool>(node: &str, input: i64, threads: usize) -> Option<Key> {
        let cache = Some(Arc::new(Hoard::default()) as _);
        let options = Options { threads: Some(threads), cache, ..Options::default() };
        let executor = Executor::new(options).unwrap();
        let mut graph = Graph::new();
        let number = graph.input::<Number>("number");
        let node = graph.add(node, Source::<V, O> {}, number);
        let bindings = Bindings::new().with("number", Number(input));
        let options = RunOptions { bindings, ..RunOptions::default() };
        executor.plan(&graph, &options).unwrap().key(node.id())
    }
    let first = key::<1, false>("a", 1, 1);
    assert!(first.is_some());
    assert_eq!(first, key::<1, false>("b", 1, 2));
    assert_ne!(first, key::<2, false>("a", 1, 1));
    assert_ne!(first, key::<1, true>("a", 1, 1));
    assert_ne!(first, key::<1, false>("a", 2, 1));
}
