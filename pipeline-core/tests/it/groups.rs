//! Which steps run as one, and what is told of them.

use std::sync::Arc;
use std::time::Duration;

use pipeline_core::cache::Cache;
use pipeline_core::data::{Image, In, Raster};
use pipeline_core::event::{EventKind, Finished, RunStatus, Status};
use pipeline_core::observe::Observer;
use pipeline_core::step::{CutOff, ImageRows, Rows, Sink, Source, Stream, gather};
use pipeline_core::{
    Bindings, Context, Error, Executor, Fusion, Graph, Layout, Node, NodeId, Options, Report,
    Result, RunOptions, SampleType, Services, Spec, Step, Tile, View, ViewMut,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::toy::{Door, Hoard, Listener};

/// Adds its images and a number, sample by sample.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Add {
    number: u8,
    fails: bool,
    hangs: bool,
}

impl Step for Add {
    const NAME: &'static str = "add";
    type Input = (In<Image>, In<Image>);
    type Output = Image;

    fn run(&self, (a, b): (In<Image>, In<Image>), ctx: &Context<'_>) -> Result<Image> {
        pipeline_core::tile(self, a, &[b.view()], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for Add {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        Ok(inputs[0])
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        if self.fails {
            return Err(Error::failed("as it should"));
        }
        if self.hangs {
            ctx.service::<Door>()?.pass();
        }
        let (a, b) = (inputs[0].typed::<u8>()?, inputs[1].typed::<u8>()?);
        let left = out.region().x as usize;
        let [skip_a, skip_b] = [0, 1].map(|at| left - inputs[at].region().x as usize);
        for (y, row) in out.rows::<u8>()? {
            let both = a.row(y)[skip_a..].iter().zip(&b.row(y)[skip_b..]);
            for (out, (a, b)) in row.iter_mut().zip(both) {
                *out = a.wrapping_mul(3).wrapping_add(*b).wrapping_add(self.number);
            }
        }
        Ok(())
    }
}

const SIDE: u32 = 400;

/// Bytes of the picture that all of it is done on.
const PICTURE: u64 = (SIDE * SIDE) as u64;

fn options() -> RunOptions {
    let samples: Vec<_> = (0..SIDE * SIDE).map(|at| u8::try_from(at % 251).unwrap()).collect();
    let photo = Image::from_samples(SIDE, SIDE, 1, samples).unwrap();
    let bindings = Bindings::new().with("photo", photo);
    RunOptions { bindings, ..RunOptions::default() }
}

fn run(graph: &Graph, fusion: Fusion, options: &RunOptions) -> Arc<Report> {
    let made = Options { fusion, threads: Some(2), ..Options::default() };
    Executor::new(made).unwrap().run(graph, options).unwrap()
}

/// Adds to itself what comes before.
fn add(graph: &mut Graph, name: &str, number: u8, before: Node<Image>) -> Node<Image> {
    graph.add(name, Add { number, ..Add::default() }, (before, before))
}

/// A chain of four, of which the third may be told to fail.
fn chain(fails: bool) -> (Graph, [Node<Image>; 4]) {
    let mut graph = Graph::new();
    let photo = graph.input::<Image>("photo");
    let a = add(&mut graph, "a", 1, photo);
    let b = add(&mut graph, "b", 2, a);
    let c = graph.add("c", Add { number: 3, fails, ..Add::default() }, (b, b));
    let d = add(&mut graph, "d", 4, c);
    graph.target(d);
    (graph, [a, b, c, d])
}

/// The statuses of a report and its only target are the same however it is run; returns the most
/// bytes of the run whose steps ran as one.
#[track_caller]
fn check(graph: &Graph, target: Node<Image>) -> u64 {
    let [apart, fused] = [Fusion::Never, Fusion::Auto].map(|fusion| run(graph, fusion, &options()));
    assert_eq!(*apart.output(target).unwrap(), *fused.output(target).unwrap());
    let ends = |report: &Report| -> Vec<_> {
        report.steps().map(|step| (step.id, step.record.status)).collect()
    };
    assert_eq!(ends(&apart), ends(&fused));
    fused.totals().peak_bytes
}

#[test]
fn a_step_that_is_switched_off_leaves_its_group_in_one_piece() {
    let (graph, [a, b, c, d]) = chain(false);
    for off in [vec![], vec![a], vec![b], vec![c], vec![d], vec![b, c], vec![a, d]] {
        let mut graph = graph.clone();
        off.iter().for_each(|node| graph.bypass(node.id()).unwrap());
        let peak = check(&graph, d);
        assert!(peak < 3 * PICTURE, "{off:?} off: {peak} bytes at once");
    }
    // What is wanted is there, though the node that gives it only passes it on.
    let mut graph = graph;
    graph.bypass(b.id()).unwrap();
    graph.target(b);
    let report = run(&graph, Fusion::Auto, &options());
    assert_eq!(
        *report.output(b).unwrap(),
        *run(&graph, Fusion::Never, &options()).output(b).unwrap()
    );
}

#[test]
fn equal_steps_of_a_group_are_one() {
    let mut graph = Graph::new();
    let photo = graph.input::<Image>("photo");
    let a = add(&mut graph, "a", 1, photo);
    let [b, same] = ["b", "same"].map(|name| add(&mut graph, name, 2, a));
    let end = graph.add("end", Add::default(), (b, same));
    graph.target(end);
    let peak = check(&graph, end);
    assert!(peak < 3 * PICTURE, "{peak} bytes at once");
    let report = run(&graph, Fusion::Auto, &options());
    assert_eq!(report.nodes_that(Status::Adopted).len(), 1);
}

/// How every node ended, as a listener heard it.
fn ends(graph: &Graph, fusion: Fusion) -> (Vec<(NodeId, Finished)>, Arc<Report>) {
    let heard = Listener::default();
    let observers: Vec<Arc<dyn Observer>> = vec![Arc::new(heard.clone())];
    let report = run(graph, fusion, &RunOptions { observers, ..options() });
    let ends = heard.of(report.run()).into_iter().filter_map(|event| match event.kind {
        EventKind::StepFinished(finished) => Some((event.node?, finished)),
        _ => None,
    });
    (ends.collect(), report)
}

#[test]
fn what_is_switched_off_in_a_group_that_fails_is_skipped() {
    let (mut graph, [a, b, c, d]) = chain(true);
    graph.bypass(b.id()).unwrap();
    let (told, report) = ends(&graph, Fusion::Auto);
    assert_eq!(report.step(c.id()).unwrap().status, Status::Failed);
    for node in [a, b, d] {
        let mut of = told.iter().filter(|(id, _)| *id == node.id());
        let (_, finished) = of.next().unwrap();
        assert_eq!((finished.status, finished.because), (Status::Skipped, Some(c.id())));
        assert!(of.next().is_none(), "it ends once");
    }
}

#[test]
fn events_and_plans_tell_which_steps_ran_as_one() {
    // The result of `b` is wanted, so that the chain is two groups.
    let (mut graph, [a, b, c, d]) = chain(false);
    let off = add(&mut graph, "off", 5, d);
    graph.bypass(off.id()).unwrap();
    graph.target(b);
    graph.target(off);
    let (told, report) = ends(&graph, Fusion::Auto);
    let of = |node: Node<Image>| told.iter().find(|(id, _)| *id == node.id()).unwrap().1.group;
    assert_eq!([a, b].map(of), [Some(0); 2]);
    assert_eq!([c, d].map(of), [Some(1); 2]);
    assert_eq!(of(off), None, "it passes on the result of a group");
    let plan = report.plan().to_string();
    let drawn = report.plan().to_dot();
    for (words, times) in [("fused in group 0", 1), ("run in group 0", 1), ("in group 1", 2)] {
        assert_eq!(plan.matches(words).count(), times, "{plan}");
        assert_eq!(drawn.matches(words).count(), times, "{drawn}");
    }
    assert_eq!(plan.matches("in group").count(), 4, "{plan}");

    let (told, report) = ends(&graph, Fusion::Never);
    assert!(told.iter().all(|(_, finished)| finished.group.is_none()));
    assert!(!report.plan().to_string().contains("group"));
}

#[test]
fn every_step_of_a_group_is_seen_to_begin_to_come_further_and_to_end() {
    let (graph, nodes) = chain(false);
    let heard = Listener::default();
    let observers: Vec<Arc<dyn Observer>> = vec![Arc::new(heard.clone())];
    let report = run(&graph, Fusion::Auto, &RunOptions { observers, ..options() });
    let events = heard.of(report.run());
    let first_end = events.iter().position(|event| {
        let of_a_step = nodes.iter().any(|node| event.node == Some(node.id()));
        of_a_step && matches!(event.kind, EventKind::StepFinished(_))
    });
    let (running, _) = events.split_at(first_end.unwrap());
    for node in nodes {
        let mut own = running.iter().filter(|event| event.node == Some(node.id()));
        let started = own.clone().find(|event| matches!(event.kind, EventKind::StepStarted { .. }));
        assert!(started.is_some(), "{:?} began", node.id());
        let rows = own.any(|event| match &event.kind {
            EventKind::StepProgress(progress) => progress.total == u64::from(SIDE),
            _ => false,
        });
        assert!(rows, "{:?} tells rows", node.id());
    }
}

#[test]
fn of_groups_that_hang_only_the_steps_that_do_are_given_up_on() {
    let door = Door::default();
    let services = Services::new().with(door.clone());
    let made = Options { services, threads: Some(2), ..Options::default() };
    let executor = Executor::new(made).unwrap();
    let (mut graph, [a, b, c, d]) = chain(false);
    graph.edit::<Add>(c.id(), |add| add.hangs = true).unwrap();
    let e = add(&mut graph, "e", 5, b);
    let f = graph.add("f", Add { hangs: true, ..Add::default() }, (e, e));
    let g = add(&mut graph, "g", 6, f);
    graph.target(b);
    graph.target(g);

    let heard = Listener::default();
    let limit = Duration::from_millis(30);
    let hurried = RunOptions { timeout: Some(limit), grace: limit, ..options() };
    let observers: Vec<Arc<dyn Observer>> = vec![Arc::new(heard.clone())];
    let run = executor.spawn(&graph, &RunOptions { observers, ..hurried }).unwrap();
    let report = run.wait();
    assert_eq!(report.status(), RunStatus::TimedOut);
    let of = |status| report.nodes_that(status);
    assert_eq!((of(Status::Computed), of(Status::Failed)), (vec!["a", "b"], vec!["c", "f"]));
    assert_eq!(of(Status::Skipped), ["d", "e", "g"]);
    let error = report.step(f.id()).unwrap().error.unwrap().to_string();
    assert!(error.contains("timed out"), "{error}");

    let events = heard.of(report.run());
    for node in [a, b, c, d, e, f, g] {
        let own = events.iter().filter(|event| event.node == Some(node.id()));
        let count =
            |is: fn(&EventKind) -> bool| own.clone().filter(|event| is(&event.kind)).count();
        let begun = count(|kind| matches!(kind, EventKind::StepStarted { .. }));
        let ended = count(|kind| matches!(kind, EventKind::StepFinished(_)));
        assert_eq!((begun, ended), (1, 1), "{node:?}");
        let record = report.step(node.id()).unwrap();
        assert!(record.duration.as_micros() <= u128::from(report.totals().duration_us));
    }
    // Nobody is missed, and nobody is counted twice.
    door.open();
    for _ in 0..3 {
        executor.spawn(&graph, &options()).unwrap().wait().ok().unwrap();
    }
}

/// Gives a black picture of 70 MiB row by row.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Black {}

impl Step for Black {
    const NAME: &'static str = "black";
    type Input = ();
    type Output = Image;

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<Image> {
        gather(self.open(ctx)?)
    }

    fn stream(&self) -> Option<Stream<'_>> {
        Some(Stream::Source(self))
    }
}

impl Source for Black {
    fn open<'a>(&'a self, _: &Context<'a>) -> Result<Box<dyn Rows + 'a>> {
        Ok(Box::new(Night))
    }
}

struct Night;

impl Rows for Night {
    fn layout(&self) -> Layout {
        Layout::new(1 << 13, 70 << 7, 1, SampleType::U8)
    }

    fn read(&mut self, rows: &mut [u8]) -> Result<()> {
        rows.fill(0);
        Ok(())
    }
}

/// Takes an image row by row and keeps nothing.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Forget {}

impl Step for Forget {
    const NAME: &'static str = "forget";
    type Input = In<Image>;
    type Output = ();

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<()> {
        self.write(&mut ImageRows::new(&image), ctx)
    }

    fn stream(&self) -> Option<Stream<'_>> {
        Some(Stream::Sink(self))
    }

    fn spec(&self) -> Spec {
        Spec::effect()
    }
}

impl Sink for Forget {
    fn write(&self, rows: &mut dyn Rows, _: &Context<'_>) -> Result<()> {
        let layout = rows.layout();
        let mut row = vec![0; layout.row_len()];
        (0..layout.height).try_for_each(|_| rows.read(&mut row))
    }

    fn aside(&self, _: Layout) -> u64 {
        0
    }
}

#[test]
fn beside_a_cache_groups_are_kept_as_one_if_the_program_says_so() {
    let cache = Arc::new(Hoard::default());
    let made = Options {
        cache: Some(Arc::<Hoard>::clone(&cache)),
        fusion: Fusion::Always,
        threads: Some(2),
        ..Options::default()
    };
    let executor = Executor::new(made).unwrap();
    let (mut graph, nodes) = chain(false);
    let statuses = |graph: &Graph, expected: [Status; 4]| {
        let report = executor.run(graph, &options()).unwrap();
        let found = nodes.map(|node| report.step(node.id()).map(|step| step.status));
        assert_eq!(found, expected.map(Some));
        let plain = run(graph, Fusion::Never, &options());
        assert_eq!(*report.output(nodes[3]).unwrap(), *plain.output(nodes[3]).unwrap());
        report
    };
    let report = statuses(&graph, [Status::Computed; 4]);
    let has = |node: Node<Image>| {
        cache.contains(&report.plan().key(node.id()).expect("nothing is late").port(0))
    };
    assert_eq!(nodes.map(has), [false, false, false, true], "what is between is not kept");

    let report = executor.run(&graph, &options()).unwrap();
    assert_eq!(report.step(nodes[3].id()).unwrap().status, Status::Cached);
    assert_eq!(report.nodes_that(Status::Computed), [""; 0]);

    // An edit makes its group again, and an undo nothing.
    let set = |graph: &mut Graph, number: u8| {
        graph.edit(nodes[1].id(), |add: &mut Add| add.number = number).unwrap();
    };
    set(&mut graph, 9);
    statuses(&graph, [Status::Computed; 4]);
    set(&mut graph, 2);
    let report = executor.run(&graph, &options()).unwrap();
    assert_eq!(report.nodes_that(Status::Computed), [""; 0]);

    // What is wanted is kept, and cuts off what is before it.
    graph.target(nodes[1]);
    let report = executor.run(&graph, &options()).unwrap();
    assert_eq!(report.nodes_that(Status::Computed), ["a", "b"]);
    graph.edit(nodes[2].id(), |add: &mut Add| add.number = 7).unwrap();
    let report = executor.run(&graph, &options()).unwrap();
    assert_eq!(report.nodes_that(Status::Computed), ["c", "d"]);
}

/// Adds a number to an image; goes by the content of its result.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Settle {
    number: u8,
}

impl Step for Settle {
    const NAME: &'static str = "settle";
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, _: &Context<'_>) -> Result<Image> {
        let mut image = image.into_owned();
        let samples = image.samples_mut::<u8>().expect("the pictures here have 8 bits");
        samples.iter_mut().for_each(|at| *at = at.wrapping_add(self.number));
        Ok(image)
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Always)
    }
}

/// Adds a part of its seed to an image.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Stir {
    number: u8,
}

impl Step for Stir {
    const NAME: &'static str = "stir";
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        pipeline_core::tile(self, image, &[], ctx)
    }

    fn spec(&self) -> Spec {
        Spec::default().seeded()
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for Stir {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        Ok(inputs[0])
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        let before = inputs[0].typed::<u8>()?;
        let skip = out.region().x as usize - inputs[0].region().x as usize;
        let [seed, ..] = ctx.seed()?.to_le_bytes();
        for (y, row) in out.rows::<u8>()? {
            for (out, at) in row.iter_mut().zip(&before.row(y)[skip..]) {
                *out = at.wrapping_add(seed);
            }
        }
        Ok(())
    }
}

/// What comes out does not depend on what the graph was before an edit.
#[test]
fn names_that_come_late_after_an_edit_keep_steps_apart() {
    let make = || {
        let mut graph = Graph::new();
        let photo = graph.input::<Image>("photo");
        let settled = graph.add("settled", Settle { number: 1 }, photo);
        let first = graph.add("first", Stir { number: 1 }, settled);
        let second = graph.add("second", Stir { number: 2 }, first);
        graph.target(second);
        (graph, settled, second)
    };
    for fusion in [Fusion::Auto, Fusion::Always] {
        for has_cache in [false, true] {
            let cache = has_cache.then(|| Arc::new(Hoard::default()) as Arc<dyn Cache>);
            let made = Options { fusion, cache, threads: Some(1), ..Options::default() };
            let edited = Executor::new(made).unwrap();
            let (mut graph, settled, second) = make();
            for number in [1, 1, 1, 2, 3, 2, 1] {
                graph.edit(settled.id(), |settle: &mut Settle| settle.number = number).unwrap();
                let found = edited.run(&graph, &options()).unwrap();
                let (mut fresh, settled, _) = make();
                fresh.edit(settled.id(), |settle: &mut Settle| settle.number = number).unwrap();
                let expected = run(&fresh, Fusion::Never, &options());
                assert_eq!(
                    *found.output(second).unwrap(),
                    *expected.output(second).unwrap(),
                    "{number} with {fusion:?}, cache: {has_cache}"
                );
            }
        }
    }
}

#[test]
fn a_large_picture_that_could_have_been_streamed_is_told_of() {
    let mut graph = Graph::new();
    let black = graph.add("black", Black {}, ());
    let end = graph.add("end", Forget {}, black);
    graph.target(end);
    let warnings = |has_cache: bool, step_timeout: Option<Duration>, fusion: Fusion| {
        let heard = Listener::default();
        let cache = has_cache.then(|| Arc::new(Hoard::default()) as Arc<dyn Cache>);
        let made = Options { cache, fusion, threads: Some(1), ..Options::default() };
        let options = RunOptions { step_timeout, ..heard.options() };
        let report = Executor::new(made).unwrap().run(&graph, &options).unwrap();
        report.ok().unwrap();
        let heard = heard.of(report.run()).into_iter().filter_map(|event| match event.kind {
            EventKind::Warning(warning) => Some((event.node, warning.code.to_string())),
            _ => None,
        });
        heard.collect::<Vec<_>>()
    };
    let expected = [(Some(black.id()), "not_streamed".to_owned())];
    assert_eq!(warnings(true, None, Fusion::Auto), expected);
    assert_eq!(warnings(false, Some(Duration::from_secs(600)), Fusion::Auto), expected);
    assert_eq!(warnings(false, None, Fusion::Auto), []);
    assert_eq!(warnings(true, None, Fusion::Always), []);
    assert_eq!(warnings(true, None, Fusion::Never), []);
}
