//! Which results of groups are made as a whole beside a cache that keeps them.

use std::sync::Arc;
use std::time::Duration;

use pipeline_core::event::Status;
use pipeline_core::{
    Bindings, Context, Executor, Fusion, Graph, Image, In, Layout, Options, Result, RunOptions,
    Spec, Step, Tile, View, ViewMut,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::toy::Hoard;

const SIDE: u32 = 400;

/// Bytes of the picture that all of it is done on.
const PICTURE: u64 = (SIDE * SIDE) as u64;

/// Adds a number to an image, and says that it takes long or next to nothing.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Priced {
    number: u8,
    is_dear: bool,
}

impl Step for Priced {
    const NAME: &'static str = "priced";
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        pipeline_core::tile(self, image, &[], ctx)
    }

    fn spec(&self) -> Spec {
        Spec::default().cost(Duration::from_nanos(if self.is_dear { 9 * PICTURE } else { 90 }))
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for Priced {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        Ok(inputs[0])
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, _: &Context<'_>) -> Result<()> {
        let before = inputs[0].typed::<u8>()?;
        let skip = out.region().x as usize - inputs[0].region().x as usize;
        for (y, row) in out.rows::<u8>()? {
            for (out, at) in row.iter_mut().zip(&before.row(y)[skip..]) {
                *out = at.wrapping_mul(5).wrapping_add(self.number);
            }
        }
        Ok(())
    }
}

#[test]
fn beside_a_cache_results_are_kept_that_take_long_or_are_read_by_what_is_edited() {
    let executor = Executor::new(Options {
        cache: Some(Arc::new(Hoard::default())),
        threads: Some(2),
        ..Options::default()
    });
    let executor = executor.unwrap();
    let mut graph = Graph::new();
    let mut last = graph.input::<Image>("photo");
    let mut nodes = Vec::new();
    for (number, name) in (1..).zip(["a", "b", "dear", "c", "d", "e", "f"]) {
        last = graph.add(name, Priced { number, is_dear: name == "dear" }, last);
        nodes.push(last);
    }
    let run = |graph: &Graph, photo: u8, ran: &[&str], groups: usize| {
        let photo = Image::from_samples(SIDE, SIDE, 1, vec![photo; (SIDE * SIDE) as usize]);
        let bindings = Bindings::new().with("photo", photo.unwrap());
        let options = RunOptions { bindings, ..RunOptions::default() };
        let report = executor.run(graph, &options).unwrap();
        let apart = Options { fusion: Fusion::Never, ..Options::default() };
        let plain = Executor::new(apart).unwrap().run(graph, &options).unwrap();
        assert_eq!(*report.output(last).unwrap(), *plain.output(last).unwrap());
        assert_eq!(report.nodes_that(Status::Computed), ran);
        let told = report.plan().to_string();
        let found = (0..9).filter(|number| told.contains(&format!("in group {number} "))).count();
        assert_eq!(found, groups, "{told}");
    };
    let all = ["a", "b", "dear", "c", "d", "e", "f"];
    let set = |graph: &mut Graph, node: usize, number: u8| {
        graph.edit(nodes[node].id(), |priced: &mut Priced| priced.number = number).unwrap();
    };
    // Before anything was measured every result is kept, also that before the last.
    run(&graph, 1, &all, 0);
    set(&mut graph, 6, 70);
    run(&graph, 1, &["f"], 0);
    // Of another picture what takes long and what `f` reads, for its next edit.
    run(&graph, 2, &all, 2);
    set(&mut graph, 6, 71);
    run(&graph, 2, &["f"], 0);
    // What was not kept is made again from what was, and then what `d` reads is.
    set(&mut graph, 4, 50);
    run(&graph, 2, &["c", "d", "e", "f"], 1);
    set(&mut graph, 4, 51);
    run(&graph, 2, &["d", "e", "f"], 1);
    // An undo finds what it gave.
    set(&mut graph, 4, 50);
    run(&graph, 2, &[], 0);
    // Five are edited by turns, and the first of them is forgotten.
    for node in [0, 1, 2] {
        set(&mut graph, node, 90);
    }
    run(&graph, 3, &all, 1);
}

/// A step that is switched off between what is edited and what that reads does not hide it.
#[test]
fn what_is_read_by_way_of_a_step_that_is_switched_off_is_kept_too() {
    let cache = Some(Arc::new(Hoard::default()) as Arc<_>);
    let options = Options { cache, threads: Some(2), ..Options::default() };
    let executor = Executor::new(options).unwrap();
    let mut graph = Graph::new();
    let mut last = graph.input::<Image>("photo");
    let mut add = |graph: &mut Graph, number, name| {
        last = graph.add(name, Priced { number, is_dear: false }, last);
        last
    };
    add(&mut graph, 1, "a");
    add(&mut graph, 2, "b");
    let off = add(&mut graph, 3, "off");
    let edited = add(&mut graph, 4, "edited");
    graph.settings(off.id(), |settings| settings.bypassed = true).unwrap();
    let computed = |graph: &Graph, photo: u8| {
        let photo = Image::from_samples(SIDE, SIDE, 1, vec![photo; (SIDE * SIDE) as usize]);
        let bindings = Bindings::new().with("photo", photo.unwrap());
        let report = executor.run(graph, &RunOptions { bindings, ..RunOptions::default() });
        report.unwrap().nodes_that(Status::Computed).join(" ")
    };
    let runs = [(1, "a b edited"), (1, "edited"), (2, "a b edited"), (2, "edited")];
    for (number, (photo, ran)) in (5..).zip(runs) {
        graph.edit(edited.id(), |priced: &mut Priced| priced.number = number).unwrap();
        assert_eq!(computed(&graph, photo), ran);
    }
}
