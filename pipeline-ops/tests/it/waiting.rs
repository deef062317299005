//! Sources and sinks that wait, hang, panic or say what cannot be, in runs where they go row by row.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use pipeline_core::event::Status;
use pipeline_core::step::{ImageRows, Rows, Sink, Source, Stream, gather};
use pipeline_core::{
    Context, Error, Executor, Fusion, Graph, Image, In, Layout, Node, Options, Report, Result,
    RunOptions, SampleType, Services, Spec, Step,
};
use pipeline_ops::geometry::Crop;
use pipeline_ops::point::{Gain, Grayscale};
use pipeline_ops::segment::Otsu;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many sources must be open before any of them goes on.
#[derive(Debug, Clone, Default)]
struct Door(Arc<(Mutex<u32>, Condvar)>, u32);

impl Door {
    fn pass(&self) -> Result<()> {
        let (count, come) = &*self.0;
        let mut count = count.lock().unwrap();
        *count += 1;
        come.notify_all();
        let limit = Duration::from_secs(20);
        let came = come.wait_timeout_while(count, limit, |count| *count < self.1).unwrap().1;
        if came.timed_out() { Err(Error::failed("nobody came")) } else { Ok(()) }
    }
}

/// An image of sevens.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Sevens {
    width: u32,
    height: u32,
    /// What panics, or waits for others.
    act: String,
}

struct Row(Layout, String);

impl Rows for Row {
    fn layout(&self) -> Layout {
        assert!(self.1 != "layout", "no layout");
        self.0
    }

    fn icc(&self) -> Option<Arc<[u8]>> {
        assert!(self.1 != "icc", "no profile");
        None
    }

    fn aside(&self) -> u64 {
        assert!(self.1 != "aside", "no idea how much");
        0
    }

    fn read(&mut self, rows: &mut [u8]) -> Result<()> {
        assert!(self.1 != "read", "no rows");
        rows.fill(7);
        Ok(())
    }
}

impl Drop for Row {
    fn drop(&mut self) {
        assert!(self.1 != "drop" || std::thread::panicking(), "not without a fight");
    }
}

impl Step for Sevens {
    const NAME: &'static str = "sevens";
    type Input = ();
    type Output = Image;

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<Image> {
        gather(self.open(ctx)?)
    }

    fn stream(&self) -> Option<Stream<'_>> {
        Some(Stream::Source(self))
    }

    fn spec(&self) -> Spec {
        Spec::default().blocking()
    }
}

impl Source for Sevens {
    fn open<'a>(&'a self, ctx: &Context<'a>) -> Result<Box<dyn Rows + 'a>> {
        // Nobody lends a service to a plan that asks for layouts.
        if self.act == "wait"
            && let Ok(door) = ctx.service::<Door>()
        {
            door.pass()?;
        }
        let layout = Layout::new(self.width, self.height, 1, SampleType::U8);
        Ok(Box::new(Row(layout, self.act.clone())))
    }
}

/// Takes so many rows, or all.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Drain {
    rows: Option<u32>,
    /// Whether it wants help with the last one.
    calls: bool,
}

impl Step for Drain {
    const NAME: &'static str = "drain";
    type Input = In<Image>;
    type Output = ();

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<()> {
        self.write(&mut ImageRows::new(&image), ctx)
    }

    fn stream(&self) -> Option<Stream<'_>> {
        Some(Stream::Sink(self))
    }

    fn spec(&self) -> Spec {
        Spec::effect().blocking()
    }
}

impl Sink for Drain {
    fn write(&self, rows: &mut dyn Rows, ctx: &Context<'_>) -> Result<()> {
        let layout = rows.layout();
        let mut row = vec![0; layout.row_len()];
        (0..self.rows.unwrap_or(layout.height)).try_for_each(|_| rows.read(&mut row))?;
        if !self.calls {
            return Ok(());
        }
        let height = layout.height as usize;
        ctx.rows_of(height - 2..height, height, 1, |_| ctx.service::<Door>()?.pass())
    }

    fn aside(&self, layout: Layout) -> u64 {
        layout.row_len() as u64
    }
}

fn options(fusion: Fusion, threads: usize) -> Options {
    Options { fusion, threads: Some(threads), ..Options::default() }
}

fn run(graph: &Graph, fusion: Fusion) -> Arc<Report> {
    Executor::new(options(fusion, 2)).unwrap().run(graph, &RunOptions::default()).unwrap()
}

/// A source, a crop that changes nothing, a gain, and a drain.
fn chain(source: Sevens, drain: Drain) -> (Graph, [Node<Image>; 3]) {
    let mut graph = Graph::new();
    let photo = graph.add("open", source, ());
    let part = graph.add("crop", Crop::default(), photo);
    let bright = graph.add("gain", Gain { factor: 2.0 }, part);
    let end = graph.add("drain", drain, bright);
    graph.target(end);
    (graph, [photo, part, bright])
}

fn sevens(width: u32, height: u32, act: &str) -> Sevens {
    Sevens { width, height, act: act.to_owned() }
}

#[test]
fn sources_that_wait_hold_no_worker_up() {
    let door = Door(Arc::default(), 4);
    let services = Services::new().with(door);
    let executor = Executor::new(Options { services, ..options(Fusion::Auto, 1) }).unwrap();
    let mut graph = Graph::new();
    for number in 0..4 {
        let photo = graph.add(format!("open{number}"), sevens(16, 400 + number, "wait"), ());
        let bright = graph.add(format!("gain{number}"), Gain { factor: 2.0 }, photo);
        let end = graph.add(format!("drain{number}"), Drain::default(), bright);
        graph.target(end);
    }
    executor.run(&graph, &RunOptions::default()).unwrap().ok().unwrap();
}

#[test]
fn idle_workers_help_whoever_writes() {
    // By bands, as a whole, and without steps between; each chunk waits for the other.
    for (height, with_steps) in [(4000, true), (16, true), (4000, false)] {
        let services = Services::new().with(Door(Arc::default(), 2));
        let executor = Executor::new(Options { services, ..options(Fusion::Auto, 2) }).unwrap();
        let drain = Drain { calls: true, ..Drain::default() };
        let (mut graph, _) = chain(sevens(16, height, ""), drain.clone());
        if !with_steps {
            graph = Graph::new();
            let photo = graph.add("open", sevens(16, height, ""), ());
            let end = graph.add("drain", drain, photo);
            graph.target(end);
        }
        executor.run(&graph, &RunOptions::default()).unwrap().ok().unwrap();
    }
}

#[test]
fn a_source_that_hangs_is_given_up_on_by_its_name() {
    let door = Door(Arc::default(), 2);
    let services = Services::new().with(door.clone());
    let executor = Executor::new(Options { services, ..options(Fusion::Auto, 1) }).unwrap();
    let (graph, [photo, ..]) = chain(sevens(16, 400, "wait"), Drain::default());
    let (limit, grace) = (Duration::from_millis(30), Duration::from_millis(30));
    let options = RunOptions { timeout: Some(limit), grace, ..RunOptions::default() };
    let report = executor.run(&graph, &options).unwrap();
    door.pass().unwrap();
    let error = report.ok().unwrap_err().to_string();
    assert!(error.starts_with("step `open` (sevens)") && error.contains("timed out"), "{error}");
    assert_eq!(report.step(photo.id()).unwrap().status, Status::Failed);
}

#[test]
fn a_panic_of_a_source_is_its_own() {
    for act in ["layout", "icc", "aside", "read", "drop"] {
        for height in [16, 4000] {
            // A whole image may be there before its source panics on its way out.
            let (graph, _) = chain(sevens(16, height, act), Drain::default());
            let report = run(&graph, Fusion::Auto);
            assert_eq!(report.nodes_that(Status::Failed), ["open"], "{act} {height}");
        }
    }
}

#[test]
fn an_image_that_cannot_be_is_the_fault_of_its_source() {
    for (width, height) in [(0, 16), (16, 0), (u32::MAX, u32::MAX)] {
        for with_steps in [false, true] {
            let texts = [Fusion::Never, Fusion::Auto].map(|fusion| {
                let (mut graph, [photo, ..]) = chain(sevens(width, height, ""), Drain::default());
                if !with_steps {
                    graph = Graph::new();
                    let photo = graph.add("open", sevens(width, height, ""), ());
                    let end = graph.add("drain", Drain::default(), photo);
                    graph.target(end);
                }
                let report = run(&graph, fusion);
                assert_eq!(report.nodes_that(Status::Failed), ["open"], "{photo:?}");
                report.ok().unwrap_err().to_string()
            });
            assert_eq!(texts[0], texts[1]);
        }
    }
}

#[test]
fn a_sink_that_leaves_rows_has_failed() {
    for height in [16, 4000] {
        for rows in [0, 1, height - 1] {
            let (mut graph, _) =
                chain(sevens(16, height, ""), Drain { rows: Some(rows), ..Drain::default() });
            for with_steps in [true, false] {
                if !with_steps {
                    graph = Graph::new();
                    let photo = graph.add("open", sevens(16, height, ""), ());
                    let end =
                        graph.add("drain", Drain { rows: Some(rows), ..Drain::default() }, photo);
                    graph.target(end);
                }
                let report = run(&graph, Fusion::Auto);
                if with_steps && height == 16 {
                    // It is made at once, and then no more can come to light.
                    report.ok().unwrap();
                    continue;
                }
                let error = report.ok().unwrap_err();
                assert!(error.to_string().starts_with("step `drain`"), "{error}");
                assert!(error.to_string().contains("not all rows of it"), "{error}");
            }
        }
    }
}

#[test]
fn to_go_row_by_row_never_takes_more_memory() {
    for (width, height) in [(3000, 300), (20_000, 260), (20_000, 300), (3000, 600), (100, 9000)] {
        let (graph, _) = chain(sevens(width, height, ""), Drain::default());
        let peaks = [Fusion::Never, Fusion::Auto].map(|fusion| {
            let report = run(&graph, fusion);
            report.ok().unwrap();
            report.totals().peak_bytes
        });
        // The row of the sink is counted only where the engine asks for it.
        assert!(peaks[1] <= peaks[0] + u64::from(width), "{width} × {height}: {peaks:?}");
    }
}

#[test]
fn a_result_known_by_its_content_elsewhere_changes_nothing() {
    let (mut graph, _) = chain(sevens(3000, 3000, ""), Drain::default());
    let alone = run(&graph, Fusion::Auto).totals().peak_bytes;
    let other = graph.add("other", sevens(10, 10, ""), ());
    let gray = graph.add("gray", Grayscale::default(), other);
    let mask = graph.add("light", Otsu::default(), gray);
    graph.target(mask);
    let report = run(&graph, Fusion::Auto);
    report.ok().unwrap();
    let peak = report.totals().peak_bytes;
    assert!(peak < alone + 100_000 && peak < 5_000_000, "{alone} alone, {peak} beside it");
}
