//! Times one operation on one picture, for comparisons with other programs.
//!
//! `operation STEP PARAMS FILE WIDTH HEIGHT CHANNELS TYPE THREADS REPEATS` reads raw samples, runs
//! the step on them, and prints `processor-time wall-time` in nanoseconds for each repeat.

#![expect(clippy::print_stdout, reason = "the times are what this program is for")]

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use pipeline_benches::clock::cpu;
use pipeline_core::data::{DataType, Value};
use pipeline_core::plan::Bindings;
use pipeline_core::{Executor, Graph, Image, Options, Registry, RunOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [step, params, file, width, height, channels, kind, threads, repeats] = &arguments[..]
    else {
        return Err("STEP PARAMS FILE WIDTH HEIGHT CHANNELS TYPE THREADS REPEATS".into());
    };
    let image = read(file, (width.parse()?, height.parse()?), channels.parse()?, kind)?;

    let mut registry = Registry::new();
    pipeline_ops::register(&mut registry)?;
    let kind = registry.find(step)?;
    let mut graph = Graph::new();
    let picture = graph.input::<Image>("picture");
    let node = graph.add_any("step", kind.build(&serde_json::from_str(params)?)?, Arc::clone(kind));
    for port in kind.inputs.iter().filter(|port| port.data == DataType::of::<Image>()) {
        graph.connect((picture.id(), "out"), (node, port.name))?;
    }

    let executor =
        Executor::new(Options { threads: Some(threads.parse()?), ..Options::default() })?;
    let bindings = Bindings::new().with_value("picture", Value::new(image))?;
    let options = RunOptions { bindings, ..RunOptions::default() };
    for _ in 0..repeats.parse::<u32>()? {
        let (start, busy) = (Instant::now(), cpu());
        let report = executor.run(&graph, &options)?;
        let times = ((cpu() - busy).as_nanos(), start.elapsed().as_nanos());
        report.ok()?;
        println!("{} {}", times.0, times.1);
    }
    Ok(())
}

/// An image from raw samples in the order of this machine's bytes.
fn read(
    file: &str,
    (width, height): (u32, u32),
    channels: u16,
    kind: &str,
) -> Result<Image, Box<dyn Error>> {
    let bytes = std::fs::read(file)?;
    let pairs = bytes.as_chunks::<2>().0.iter();
    let quads = bytes.as_chunks::<4>().0.iter();
    Ok(match kind {
        "u16" => {
            let samples: Vec<u16> = pairs.map(|&pair| u16::from_ne_bytes(pair)).collect();
            Image::from_samples(width, height, channels, samples)?
        }
        "f32" => {
            let samples: Vec<f32> = quads.map(|&quad| f32::from_ne_bytes(quad)).collect();
            Image::from_samples(width, height, channels, samples)?
        }
        _ => Image::from_samples(width, height, channels, bytes)?,
    })
}
