//! What a run and its plan say of memory.

use std::sync::Arc;

use parking_lot::Mutex;
use pipeline_core::cache::{Cache, Claim, Evicted, Hit, Origin};
use pipeline_core::data::{Data, Image, In};
use pipeline_core::{
    Bindings, Context, Error, Executor, Graph, Key, Layout, Options, Result, RunOptions,
    SampleType, Services, Spec, Step, Tile, Value, View, ViewMut,
};
use proptest::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sketch::seeded;
use crate::toy::{Door, Load, comes_back};

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
    let bindings = Bindings::new().with("photo", photo);
    let options = RunOptions { bindings, ..RunOptions::default() };
    let plan = executor.plan(&graph, &options).unwrap();
    let planned = plan.peak_bytes();
    let report = executor.run_plan(plan, &options).unwrap();
    assert_eq!(planned, (report.totals().peak_bytes, true));
    assert!(planned.0 >= 4000, "{planned:?}");
}

/// Makes a load of loads, and takes a moment for it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Pile {
    number: usize,
    bytes: u64,
    says_its_size: bool,
}

impl Step for Pile {
    const NAME: &'static str = "pile";
    type Input = Vec<In<Load>>;
    type Output = Load;

    fn run(&self, _: Vec<In<Load>>, _: &Context<'_>) -> Result<Load> {
        // Others get on meanwhile, some further than others.
        (0..self.bytes % 50).for_each(|_| std::thread::yield_now());
        Ok(Load(self.bytes))
    }

    fn spec(&self) -> Spec {
        if self.says_its_size { Spec::default().bytes(self.bytes) } else { Spec::default() }
    }
}

/// Piles of these sizes; each reads some of the earlier ones, by their distance.
fn piles(seeds: &[(u64, Vec<usize>)], says_its_size: bool) -> Graph {
    let mut graph = Graph::new();
    let mut nodes: Vec<pipeline_core::Node<Load>> = Vec::new();
    for (number, (bytes, wires)) in seeds.iter().enumerate() {
        let inputs: Vec<_> =
            wires.iter().filter_map(|back| Some(nodes[number.checked_sub(back + 1)?])).collect();
        let pile = Pile { number, bytes: bytes + 1, says_its_size };
        nodes.push(graph.add(format!("pile{number}"), pile, inputs));
    }
    graph
}

proptest! {
    #![proptest_config(seeded(100))]

    #[test]
    fn a_budget_that_suffices_for_one_step_after_the_other_is_kept(
        seeds in prop::collection::vec(
            (0u64..1000, prop::collection::vec(0usize..12, 0..4)), 1..60,
        ),
        more in 0u64..1500,
    ) {
        let executor = Executor::new(Options { threads: Some(4), ..Options::default() }).unwrap();
        let graph = piles(&seeds, true);
        let plan = executor.plan(&graph, &RunOptions::default()).unwrap();
        let (needed, is_known) = plan.peak_bytes();
        prop_assert!(is_known);
        let budget = needed + more;
        let options = RunOptions { budget: Some(budget), ..RunOptions::default() };
        let report = executor.run_plan(plan, &options).unwrap();
        report.ok().unwrap();
        let peak = report.totals().peak_bytes;
        prop_assert!(peak <= budget, "{peak} of {budget}, {needed} would do");
    }

    #[test]
    fn a_budget_that_never_suffices_or_sizes_that_nobody_knows_stop_no_run(
        seeds in prop::collection::vec(
            (0u64..1000, prop::collection::vec(0usize..12, 0..4)), 1..60,
        ),
        budget in 0u64..3000,
        says_its_size in any::<bool>(),
    ) {
        let executor = Executor::new(Options { threads: Some(4), ..Options::default() }).unwrap();
        let options = RunOptions { budget: Some(budget), ..RunOptions::default() };
        executor.run(&piles(&seeds, says_its_size), &options).unwrap().ok().unwrap();
    }
}

/// Keeps nothing but how many bytes each step was said to make.
#[derive(Debug, Default)]
struct Told(Mutex<Vec<u64>>);

impl Cache for Told {
    fn get(&self, _: &Key) -> Option<Hit> {
        None
    }

    fn put(&self, _: Key, _: &Value, _: Origin<'_>) -> Vec<Evicted> {
        Vec::new()
    }

    fn contains(&self, _: &Key) -> bool {
        false
    }

    fn claim(&self, _: &Key, bytes: u64) -> Claim {
        self.0.lock().push(bytes);
        Claim::default()
    }
}

#[test]
fn a_cache_is_told_how_much_a_step_is_about_to_make() {
    for says_its_size in [true, false] {
        let told = Arc::new(Told::default());
        let cache = Some(Arc::<Told>::clone(&told) as Arc<dyn Cache>);
        let executor = Executor::new(Options { cache, ..Options::default() }).unwrap();
        let mut graph = Graph::new();
        let pile = |number, bytes| Pile { number, bytes, says_its_size };
        let first = graph.add("first", pile(0, 700), vec![]);
        let second = graph.add("second", pile(1, 900), vec![first]);
        graph.add("third", pile(2, 200), vec![first, second]);
        let run = || {
            executor.run(&graph, &RunOptions::default()).unwrap().ok().unwrap();
            std::mem::take(&mut *told.0.lock())
        };
        // Of what says nothing the cache is told what such steps took, once some did.
        if says_its_size {
            assert_eq!([run(), run()], [[700, 900, 200], [700, 900, 200]]);
        } else {
            assert_eq!(run()[1..], [0, 0]);
            assert_eq!(run(), [600, 600, 600]);
        }
    }
}
