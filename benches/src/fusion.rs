//! What a chain of image operations costs as one, tile by tile, against one image per operation.

use std::time::Duration;

use pipeline_core::exec::Fusion;
use pipeline_core::plan::Bindings;
use pipeline_core::{Executor, Graph, Image, Node, NodeId, Options, Result, RunOptions};
use pipeline_ops::filter::{BoxBlur, GaussianBlur};
use pipeline_ops::point::{BrightnessContrast, Gain, Gamma, Invert, Levels, Lookup, Scalar};

use crate::clock::{cpu_of, wall_of};
use crate::figure::{Figure, Samples, millis, ratio};
use crate::work::Random;

const WIDTH: u32 = 6000;
const HEIGHT: u32 = 4000;

/// Eight point operations and two neighbourhoods on 24 megapixels of RGB.
#[derive(Debug)]
pub struct Chain {
    graph: Graph,
    options: RunOptions,
}

impl Chain {
    /// The bytes of the picture, and of each result.
    pub const BYTES: usize = WIDTH as usize * HEIGHT as usize * 3;

    /// A chain on a picture of noise.
    ///
    /// # Errors
    /// If there is no memory for the picture.
    pub fn new() -> Result<Self> {
        let mut random = Random::new(24);
        let samples: Vec<u8> = (0..Self::BYTES).map(|_| random.number().to_le_bytes()[0]).collect();
        let picture = Image::from_samples(WIDTH, HEIGHT, 3, samples)?;

        let mut graph = Graph::new();
        let input: Node<Image> = graph.input("picture");
        let gain = graph.add("gain", Gain { factor: 1.1 }, input);
        let gamma = graph.add("gamma", Gamma { gamma: 1.2 }, gain);
        let levels = Levels { in_black: 0.02, in_white: 0.95, ..Levels::default() };
        let levels = graph.add("levels", levels, gamma);
        let blur = GaussianBlur { sigma: 1.0, ..GaussianBlur::default() };
        let blur = graph.add("gaussian", blur, levels);
        let contrast = BrightnessContrast { brightness: 0.05, contrast: 1.1 };
        let contrast = graph.add("contrast", contrast, blur);
        let scalar = Scalar { value: 3.0, ..Scalar::default() };
        let scalar = graph.add("scalar", scalar, contrast);
        let mean = BoxBlur { radius: 2, ..BoxBlur::default() };
        let mean = graph.add("box", mean, scalar);
        let table = Lookup { table: vec![0.0, 0.3, 0.7, 1.0] };
        let table = graph.add("lookup", table, mean);
        let dark = graph.add("dark", Gain { factor: 0.9 }, table);
        let last = graph.add("invert", Invert {}, dark);
        graph.target(last);

        let bindings = Bindings::new().with("picture", picture);
        Ok(Self { graph, options: RunOptions { bindings, ..RunOptions::default() } })
    }

    /// Asks for the results of all steps, not only that of the last.
    pub fn ask_for_all(&mut self) {
        let nodes = self.graph.nodes().filter(|(_, node)| node.step().is_some());
        let nodes: Vec<NodeId> = nodes.map(|(id, _)| id).collect();
        nodes.into_iter().for_each(|id| self.graph.target_any(id, 0));
    }

    /// An executor of so many threads.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn executor(threads: usize, fusion: Fusion) -> Executor {
        let options = Options { threads: Some(threads), fusion, ..Options::default() };
        Executor::new(options).expect("a pool")
    }

    /// Runs the chain once.
    ///
    /// # Panics
    /// If a step fails.
    pub fn run(&self, executor: &Executor) {
        let report = executor.run(&self.graph, &self.options).expect("a plan");
        report.ok().expect("no step fails");
    }
}

/// All figures; `allocated` counts the bytes that a piece of work allocates.
#[must_use]
pub fn figures(allocated: &dyn Fn(&dyn Fn()) -> usize) -> Vec<Figure> {
    let chain = Chain::new().expect("memory for a picture");
    let [fused, apart] = [Fusion::Auto, Fusion::Never].map(|fusion| Chain::executor(1, fusion));
    let two = Chain::executor(2, Fusion::Auto);
    let mut times: [Vec<Duration>; 4] = Default::default();
    for round in 0..6 {
        let taken = [
            cpu_of(|| chain.run(&fused)),
            cpu_of(|| chain.run(&apart)),
            wall_of(|| chain.run(&fused)),
            wall_of(|| chain.run(&two)),
        ];
        // The first round makes what the others have at hand.
        let counted = times.iter_mut().zip(taken).filter(|_| round > 0);
        counted.for_each(|(all, time)| all.push(time));
    }
    let [as_one, each, wall, wall_of_two] = times.map(|all| Samples::of(all).median());
    #[expect(clippy::cast_precision_loss, reason = "sizes of some megabytes")]
    let images = allocated(&|| chain.run(&fused)) as f64 / Chain::BYTES as f64;
    vec![
        Figure::new("fusion/chain_10/24mp", ratio(as_one, each), "× unfused, CPU").reach(0.35),
        Figure::new("fusion/chain_10/24mp/cpu", millis(as_one), "ms"),
        Figure::new("fusion/chain_10/24mp/2_threads", ratio(wall, wall_of_two), "× faster"),
        Figure::new("fusion/chain_10/24mp/allocated", images, "images").reach(1.05),
    ]
}
