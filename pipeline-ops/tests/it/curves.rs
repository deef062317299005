//! Steps that make each sample by itself are one table, and give what they give one by one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use pipeline_core::event::Status;
use pipeline_core::plan::Bindings;
use pipeline_core::{
    Context, Error, Executor, Fusion, Graph, Image, In, Layout, Node, Options, Report, Result,
    RunOptions, SampleType, Spec, Step, Tile, View, ViewMut, tile,
};
use pipeline_ops::filter::BoxBlur;
use pipeline_ops::point::{
    Blend, BrightnessContrast, Gain, Gamma, Invert, Levels, Lookup, Scalar, ToLinear,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::support::filled;

fn run(graph: &Graph, photo: &Image, fusion: Fusion, threads: usize) -> Arc<Report> {
    let options = Options { fusion, threads: Some(threads), ..Options::default() };
    let bindings = Bindings::new().with("photo", photo.clone());
    let options_of_run = RunOptions { bindings, ..RunOptions::default() };
    Executor::new(options).unwrap().run(graph, &options_of_run).unwrap()
}

/// Steps in a row, of which some are no tables.
fn row(graph: &mut Graph, kinds: &[usize], from: Node<Image>, name: &str) -> Node<Image> {
    kinds.iter().enumerate().fold(from, |from, (at, kind)| {
        let name = format!("{name}{at}");
        match kind {
            0 => graph.add(name, Gain { factor: 1.3 }, from),
            1 => graph.add(name, Gamma { gamma: 1.7 }, from),
            2 => graph.add(name, Invert {}, from),
            3 => graph.add(name, Levels { in_black: 0.1, ..Levels::default() }, from),
            4 => graph.add(name, Lookup { table: vec![0.0, 0.9, 0.4, 1.0] }, from),
            5 => graph.add(name, Scalar { value: 40.0, ..Scalar::default() }, from),
            6 => {
                let step = BrightnessContrast { brightness: -0.1, contrast: 1.6 };
                graph.add(name, step, from)
            }
            7 => graph.add(name, ToLinear {}, from),
            _ => graph.add(name, BoxBlur { radius: 1, ..BoxBlur::default() }, from),
        }
    })
}

#[test]
fn tables_in_a_row_are_what_they_are_one_by_one() {
    let rows: [(&[usize], &[usize], &[usize]); 6] = [
        (&[0], &[], &[]),
        (&[0, 1, 2, 3, 4, 5, 6], &[], &[]),
        (&[2, 5], &[1, 3], &[4, 4]),
        (&[], &[6, 0, 2], &[0]),
        (&[8, 1, 1, 8, 2, 0, 8], &[3], &[5, 8, 6]),
        (&[1, 7, 2], &[0], &[3, 2]),
    ];
    for channels in 1..=4 {
        for sample in [SampleType::U8, SampleType::U16] {
            let photo = filled((211, 173), channels, sample, u64::from(channels));
            for (first, left, right) in rows {
                let mut graph = Graph::new();
                let input = graph.input("photo");
                let stem = row(&mut graph, first, input, "stem");
                let sides =
                    (row(&mut graph, left, stem, "left"), row(&mut graph, right, stem, "right"));
                let both = graph.add("both", Blend { opacity: 0.6, ..Blend::default() }, sides);
                let last = row(&mut graph, left, both, "last");
                graph.target(last);
                let expected = run(&graph, &photo, Fusion::Never, 1);
                for threads in [1, 2] {
                    let fused = run(&graph, &photo, Fusion::Auto, threads);
                    let same = *fused.output(last).unwrap() == *expected.output(last).unwrap();
                    assert!(same, "{first:?} {left:?} {right:?} {channels} {sample}");
                }
            }
        }
    }
}

#[test]
fn every_step_of_a_table_has_its_share_of_the_time_and_its_own_fault() {
    let chain = |gamma: f32| {
        let mut graph = Graph::new();
        let input = graph.input::<Image>("photo");
        let gain = graph.add("gain", Gain { factor: 1.1 }, input);
        let gamma = graph.add("gamma", Gamma { gamma }, gain);
        let invert = graph.add("invert", Invert {}, gamma);
        graph.target(invert);
        (graph, [gain, gamma, invert])
    };
    let photo = filled((600, 400), 3, SampleType::U8, 1);
    let (graph, nodes) = chain(1.5);
    let report = run(&graph, &photo, Fusion::Auto, 1);
    for node in nodes {
        let step = report.step(node.id()).unwrap();
        assert_eq!(step.status, Status::Computed);
        assert!(step.duration > std::time::Duration::ZERO);
    }
    let (graph, _) = chain(f32::NAN);
    let options = Options::default();
    let bindings = Bindings::new().with("photo", photo);
    let error = Executor::new(options)
        .unwrap()
        .run(&graph, &RunOptions { bindings, ..RunOptions::default() })
        .unwrap_err();
    assert!(error.to_string().contains("gamma"), "{error}");
}

/// Large images of 16 bits go through tables that small ones do not.
#[test]
fn a_large_image_of_words_is_made_of_what_small_ones_are() {
    for channels in [1, 4] {
        let (width, height) = (1200, 1000);
        let photo = filled((width, height), channels, SampleType::U16, 5);
        for kind in [1, 3, 4, 7] {
            let made = |photo: &Image| {
                let mut graph = Graph::new();
                let input = graph.input::<Image>("photo");
                let last = row(&mut graph, &[kind], input, "step");
                graph.target(last);
                run(&graph, photo, Fusion::Auto, 2).output(last).unwrap()
            };
            let strip = |from: usize| {
                let len = width as usize * 100 * usize::from(channels);
                let samples = photo.samples::<u16>().unwrap()[from * len..][..len].to_vec();
                Image::from_samples(width, 100, channels, samples).unwrap()
            };
            let whole = made(&photo);
            let strips: Vec<u16> = (0..10)
                .flat_map(|from| made(&strip(from)).samples::<u16>().unwrap().to_vec())
                .collect();
            assert!(whole.samples::<u16>() == Some(&strips), "step {kind}, {channels} channels");
        }
    }
}

/// Samples that were made, of which a table needs 256.
static MADE: AtomicU64 = AtomicU64::new(0);

/// Adds 1, and maybe takes images of three channels only.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Count {
    is_choosy: bool,
}

impl Step for Count {
    const NAME: &'static str = "count";
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[], ctx)
    }

    fn spec(&self) -> Spec {
        Spec::default().by_sample()
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for Count {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        Ok(inputs[0])
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, _: &Context<'_>) -> Result<()> {
        if self.is_choosy && out.image().channels != 3 {
            return Err(Error::input("the image", out.image(), "three channels"));
        }
        let input = inputs[0].crop(out.region()).typed::<u8>()?;
        for (y, row) in out.rows::<u8>()? {
            MADE.fetch_add(row.len() as u64, Relaxed);
            row.iter_mut()
                .zip(input.row(y))
                .for_each(|(out, sample)| *out = sample.wrapping_add(1));
        }
        Ok(())
    }
}

#[test]
fn only_a_ramp_goes_through_the_steps_themselves() {
    let photo = filled((600, 400), 3, SampleType::U8, 1);
    for (is_choosy, expected) in [(false, 4 * 256), (true, 4 * 600 * 400 * 3)] {
        let mut graph = Graph::new();
        let input = graph.input::<Image>("photo");
        let add =
            |graph: &mut Graph, at, from| graph.add(format!("{at}"), Count { is_choosy }, from);
        let last = (0..4).fold(input, |from, at| add(&mut graph, at, from));
        graph.target(last);
        MADE.store(0, Relaxed);
        let report = run(&graph, &photo, Fusion::Auto, 2);
        let image = report.output(last).unwrap();
        let pairs = image.bytes().iter().zip(photo.bytes());
        assert!(pairs.into_iter().all(|(&out, &sample)| out == sample.wrapping_add(4)));
        assert_eq!(MADE.load(Relaxed), expected);
    }
}
