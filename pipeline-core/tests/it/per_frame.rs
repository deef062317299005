//! Steps on images that run on each frame of a stack.

use std::sync::atomic::{AtomicUsize, Ordering};

use pipeline_core::step::PerFrame;
use pipeline_core::{
    Bindings, Context, Error, Executor, Graph, Image, In, Layout, Options, Result, RunOptions,
    SampleType, Stack, Step,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

static RUNS: AtomicUsize = AtomicUsize::new(0);

/// Adds to each sample; refuses what becomes too large.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Plus {
    number: u8,
}

impl Step for Plus {
    const NAME: &'static str = "plus";
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, _: &Context<'_>) -> Result<Image> {
        RUNS.fetch_add(1, Ordering::SeqCst);
        let sum = image.bytes().iter().map(|sample| sample.checked_add(self.number)).collect();
        let sum: Option<Vec<u8>> = sum;
        let sum = sum.ok_or_else(|| Error::failed("too large"))?;
        Image::from_samples(image.width(), image.height(), 1, sum)
    }
}

/// Another step with the same parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Minus {
    number: u8,
}

impl Step for Minus {
    const NAME: &'static str = "minus";
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, _: &Context<'_>) -> Result<Image> {
        let less: Vec<u8> = image.bytes().iter().map(|sample| sample - self.number).collect();
        Image::from_samples(image.width(), image.height(), 1, less)
    }
}

fn stack() -> Stack {
    let layout = Layout::new(2, 1, 1, SampleType::U8);
    Stack::new(layout, 3, vec![1u8, 2, 3, 4, 5, 255].into()).unwrap()
}

#[test]
fn a_step_on_images_makes_a_stack_of_a_stack() {
    let mut graph = Graph::new();
    let movie = graph.input::<Stack>("movie");
    let sum = graph.add("sum", PerFrame::of(Plus { number: 10 }), movie);
    let bindings = Bindings::new().with("movie", stack());
    let options = RunOptions { bindings, ..RunOptions::to(sum) };
    let report = Executor::new(Options::default()).unwrap().run(&graph, &options).unwrap();
    let sum = report.output(sum).unwrap();
    let before = RUNS.load(Ordering::SeqCst);
    assert_eq!((sum.frames(), before), (3, 1), "only the first frame is looked at");
    assert_eq!(sum.frame(1).unwrap().bytes(), [13, 14]);
    assert_eq!(RUNS.load(Ordering::SeqCst), 2);
    let error = sum.frame(2).unwrap_err().to_string();
    assert_eq!(error, "step `frame 2` (plus): too large");
    assert!(sum.frame(3).is_err());
}

#[test]
fn frames_of_different_steps_have_different_keys() {
    let json = |step: serde_json::Value| step.to_string();
    let plus = json(serde_json::to_value(PerFrame::of(Plus { number: 1 })).unwrap());
    let minus = json(serde_json::to_value(PerFrame::of(Minus { number: 1 })).unwrap());
    assert_ne!(plus, minus);
    let step: PerFrame<Minus> = serde_json::from_str(&plus).unwrap();
    let error = step.run(In::new(stack()), &Context::default()).unwrap_err().to_string();
    assert_eq!(error, "the step is plus 1, expected minus 1");
}
