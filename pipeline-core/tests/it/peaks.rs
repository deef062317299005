//! What a run and its plan say of memory.

use pipeline_core::data::{Data, Image, In};
use pipeline_core::{
    Bindings, Context, Error, Executor, Graph, Layout, Options, Result, RunOptions, SampleType,
    Services, Spec, Step, Tile, View, ViewMut,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::toy::{Door, comes_back};

/// Takes a thousand bytes.
#[derive(Debug, Clone)]
struct Block;

impl Data for Block {
    const NAME: &'static str = "block";

    fn size_bytes(&self) -> usize {
        1000
    }
}

/// Makes a block.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Make {
    number: u8,
}

impl Step for Make {
    const NAME: &'static str = "make";
    type Input = ();
    type Output = Block;

    fn run(&self, (): (), _: &Context<'_>) -> Result<Block> {
        Ok(Block)
    }
}

/// Makes a block of a block and stands at the door with both.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Press {
    number: u8,
    says_its_size: bool,
}

impl Step for Press {
    const NAME: &'static str = "press";
    type Input = In<Block>;
    type Output = Block;

    fn run(&self, _: In<Block>, ctx: &Context<'_>) -> Result<Block> {
        let block = Block;
        ctx.service::<Door>()?.pass();
        Ok(block)
    }

    fn spec(&self) -> Spec {
        if self.says_its_size { Spec::default().bytes(1000) } else { Spec::default() }
    }
}

/// The most bytes of a run in which three blocks are pressed at once.
fn pressed(says_its_size: bool) -> u64 {
    comes_back(move || {
        let door = Door::default();
        let services = Services::new().with(door.clone());
        let options = Options { threads: Some(3), services, ..Options::default() };
        let executor = Executor::new(options).unwrap();
        let mut graph = Graph::new();
        for number in 0..3 {
            let block = graph.add(format!("make{number}"), Make { number }, ());
            graph.add(format!("press{number}"), Press { number, says_its_size }, block);
        }
        let run = executor.spawn(&graph, &RunOptions::default()).unwrap();
        door.crowd(3);
        door.open();
        let report = run.wait();
        report.ok().unwrap();
        report.totals().peak_bytes
    })
}

#[test]
fn what_running_steps_say_that_they_take_counts_while_they_run() {
    assert_eq!(pressed(true), 6000, "three steps, each with what it reads and what it makes");
    assert!((4000..6000).contains(&pressed(false)), "what they have made is not known yet");
}

/// Has a tile-wise form and fails.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Fail {}

impl Step for Fail {
    const NAME: &'static str = "fail";
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, _: In<Image>, _: &Context<'_>) -> Result<Image> {
        Err(Error::failed("as it should"))
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for Fail {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        Ok(Layout { channels: 3, ..inputs[0] })
    }

    fn render(&self, _: &[View<'_>], _: &mut ViewMut<'_>, _: &Context<'_>) -> Result<()> {
        Ok(())
    }
}

#[test]
fn what_a_tile_wise_form_says_counts_while_its_step_runs() {
    let executor = Executor::new(Options { threads: Some(1), ..Options::default() }).unwrap();
    let mut graph = Graph::new();
    let photo = graph.input::<Image>("photo");
    graph.add("fail", Fail {}, photo);
    let photo = Image::zeros(Layout::new(100, 10, 1, SampleType::U8)).unwrap();
    let bindings = Bindings::new().with("photo", photo).unwrap();
    let options = RunOptions { bindings, ..RunOptions::default() };
    let plan = executor.plan(&graph, &options).unwrap();
    let planned = plan.peak_bytes();
    let report = executor.run_plan(plan, &options).unwrap();
    assert_eq!(planned, (report.totals().peak_bytes, true));
    assert!(planned.0 >= 4000, "{planned:?}");
}
