//! How long a run that blurs 12 megapixels takes to return after it was told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use pipeline_core::data::In;
use pipeline_core::event::RunStatus;
use pipeline_core::{
    Context, Executor, Graph, Image, Layout, Options, Plan, Region, Result, RunOptions, Services,
    Step, Tile, View, ViewMut, tile,
};
use pipeline_ops::filter::GaussianBlur;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::wall_of;
use crate::figure::{Figure, Samples, millis};
use crate::work::Random;

const WIDTH: u32 = 4000;
const HEIGHT: u32 = 3000;

/// Takes note of chunks that begin after the run was told to stop.
#[derive(Debug, Clone, Default)]
pub struct Watch(Arc<(AtomicBool, AtomicUsize)>);

impl Watch {
    fn note(&self) {
        if self.0.0.load(Ordering::Relaxed) {
            self.0.1.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Gives a gray picture of 12 megapixels.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Picture {}

impl Step for Picture {
    const NAME: &'static str = "picture";
    type Input = ();
    type Output = Image;

    fn run(&self, (): (), _: &Context<'_>) -> Result<Image> {
        let mut random = Random::new(12);
        let samples: Vec<u8> =
            (0..WIDTH * HEIGHT).map(|_| random.number().to_le_bytes()[0]).collect();
        Image::from_samples(WIDTH, HEIGHT, 1, samples)
    }
}

/// The Gaussian blur of the operations, under watch.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Blur {
    /// The blur.
    pub blur: GaussianBlur,
}

impl Step for Blur {
    const NAME: &'static str = "watched_blur";
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for Blur {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        self.blur.layout(inputs)
    }

    fn footprint(&self, input: usize, region: Region, inputs: &[Layout]) -> Region {
        self.blur.footprint(input, region, inputs)
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        if let Ok(watch) = ctx.service::<Watch>() {
            watch.note();
        }
        self.blur.render(inputs, out, ctx)
    }
}

/// A blur that is told to stop somewhere on its way.
#[derive(Debug)]
pub struct Cancel {
    executor: Executor,
    plan: Plan,
    watch: Watch,
    random: Random,
    whole: Duration,
}

/// What one cancel took.
#[derive(Debug, Clone, Copy)]
pub struct Stopped {
    /// From the call to the return of the run.
    pub after: Duration,
    /// Chunks that began after the call.
    pub chunks: usize,
}

impl Default for Cancel {
    fn default() -> Self {
        let watch = Watch::default();
        let services = Services::new().with(watch.clone());
        let options = Options { threads: Some(2), services, ..Options::default() };
        let executor = Executor::new(options).expect("the threads start");
        let mut graph = Graph::new();
        let picture = Picture {}.run((), &Context::default()).expect("12 megapixels fit");
        let input = graph.input::<Image>("picture");
        let blur = GaussianBlur { sigma: 4.0, ..GaussianBlur::default() };
        graph.add("blur", Blur { blur }, input);
        let mut options = RunOptions::default();
        options.bindings = options.bindings.with("picture", picture);
        let plan = executor.plan(&graph, &options).expect("the graph is sound");
        let mut cancel =
            Self { executor, plan, watch, random: Random::new(1), whole: Duration::ZERO };
        cancel.whole = wall_of(|| cancel.blur());
        cancel
    }
}

impl Cancel {
    /// Blurs to the end.
    pub fn blur(&self) {
        let run = self
            .executor
            .spawn_plan(self.plan.clone(), &RunOptions::default())
            .expect("no resource is limited");
        run.wait().ok().expect("the blur succeeds");
    }

    /// The time that the whole blur took when it was tried.
    #[must_use]
    pub const fn whole(&self) -> Duration {
        self.whole
    }

    /// Tells the blur to stop after a tenth to eight tenths of its time.
    pub fn once(&mut self) -> Stopped {
        loop {
            let part = f64::from(100 + self.random.below(700)) / 1000.0;
            let Watch(watch) = &self.watch;
            watch.0.store(false, Ordering::Relaxed);
            watch.1.store(0, Ordering::Relaxed);
            let run = self
                .executor
                .spawn_plan(self.plan.clone(), &RunOptions::default())
                .expect("no resource is limited");
            // Another try if it has ended on its own.
            if run.wait_for(self.whole.mul_f64(part)).is_some() {
                continue;
            }
            watch.0.store(true, Ordering::Relaxed);
            let told = Instant::now();
            run.cancel();
            let report = run.wait();
            let after = told.elapsed();
            if report.status() == RunStatus::Cancelled {
                return Stopped { after, chunks: watch.1.load(Ordering::Relaxed) };
            }
        }
    }
}

/// The figures of this question.
#[must_use]
pub fn figures() -> Vec<Figure> {
    let mut cancel = Cancel::default();
    let stopped: Vec<Stopped> = (0..300).map(|_| cancel.once()).collect();
    let mut figures = distribution(&stopped);
    figures.push(Figure::new("cancel/blur_12mp/whole", millis(cancel.whole()), "ms"));
    figures
}

/// How many cancels took how long.
#[must_use]
pub fn distribution(stopped: &[Stopped]) -> Vec<Figure> {
    let samples = Samples::of(stopped.iter().map(|stopped| stopped.after).collect());
    let chunks = stopped.iter().map(|stopped| stopped.chunks).max().unwrap_or(0);
    let at = |percent| millis(samples.percentile(percent));
    let id = "cancel/blur_12mp";
    #[expect(clippy::cast_precision_loss, reason = "a handful of chunks")]
    let chunks = chunks as f64;
    vec![
        Figure::new(format!("{id}/p50"), at(50), "ms").reach(1.0).peer("libvips 3–16"),
        Figure::new(format!("{id}/p95"), at(95), "ms"),
        Figure::new(format!("{id}/p99"), at(99), "ms").reach(5.0).peer("libvips 264"),
        Figure::new(format!("{id}/late_chunks"), chunks, "chunks, 2 workers").reach(2.0),
    ]
}
