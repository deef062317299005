//! Times an operation, or some in a row, for comparisons with other programs.
//!
//! `operation STEPS WIDTH HEIGHT THREADS REPEATS RESULT TYPE FILE [TYPE FILE ...]` reads raw samples
//! of each type, `u8`, `u16`, `f32`, `mask` or `labels`, runs the steps on them, and prints
//! `processor-time wall-time` in nanoseconds for each repeat. STEPS is JSON:
//! `[["gaussian_blur", {"sigma": 2.0}]]`. What came out goes into the file RESULT as raw samples, a
//! table as lines of numbers.

#![expect(clippy::print_stdout, reason = "the times are what this program is for")]

use std::error::Error;
use std::fs;
use std::time::Instant;

use pipeline_benches::clock::cpu;
use pipeline_benches::operation::Operation;
use pipeline_core::data::Value;
use pipeline_core::{Executor, Image, Labels, Mask, Options, Sample};
use pipeline_ops::measure::Table;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [steps, width, height, threads, repeats, result, files @ ..] = &arguments[..] else {
        return Err("STEPS WIDTH HEIGHT THREADS REPEATS RESULT TYPE FILE ...".into());
    };
    let steps: Vec<(String, serde_json::Value)> = serde_json::from_str(steps)?;
    let steps: Vec<_> = steps.iter().map(|(step, params)| (step.as_str(), params)).collect();
    let size = (width.parse()?, height.parse()?);
    let files = files.as_chunks::<2>().0.iter();
    let values: Vec<Value> =
        files.map(|[kind, file]| read(kind, &fs::read(file)?, size)).collect::<Result<_, _>>()?;
    let values: Vec<&Value> = values.iter().collect();
    let operation = Operation::chain(&steps, &values)?;
    let executor =
        Executor::new(Options { threads: Some(threads.parse()?), ..Options::default() })?;
    for repeat in 0..repeats.parse::<u32>()? {
        let (start, busy) = (Instant::now(), cpu());
        let made = operation.run(&executor)?;
        let times = ((cpu() - busy).as_nanos(), start.elapsed().as_nanos());
        println!("{} {}", times.0, times.1);
        if repeat == 0 {
            fs::write(result, bytes(&made))?;
        }
    }
    Ok(())
}

/// A value from raw samples in the order of this machine's bytes.
fn read(kind: &str, bytes: &[u8], size: (u32, u32)) -> Result<Value, Box<dyn Error>> {
    let pairs = bytes.as_chunks::<2>().0.iter();
    let quads = bytes.as_chunks::<4>().0.iter();
    let (width, height) = size;
    Ok(match kind {
        "u8" => image(bytes.to_vec(), size)?,
        "u16" => image(pairs.map(|&pair| u16::from_ne_bytes(pair)).collect(), size)?,
        "f32" => image(quads.map(|&quad| f32::from_ne_bytes(quad)).collect(), size)?,
        "mask" => Value::new(Mask::from_bytes(width, height, bytes.to_vec())?),
        "labels" => {
            let labels: Vec<u32> = quads.map(|&quad| u32::from_ne_bytes(quad)).collect();
            Value::new(Labels::new(width, height, labels)?)
        }
        other => return Err(format!("no type `{other}`").into()),
    })
}

/// An image of as many channels as there are samples for.
fn image<T: Sample>(samples: Vec<T>, (width, height): (u32, u32)) -> Result<Value, Box<dyn Error>> {
    let channels = samples.len() / (width as usize * height as usize);
    Ok(Value::new(Image::from_samples(width, height, u16::try_from(channels)?, samples)?))
}

/// The raw samples of a value, or its lines of numbers.
fn bytes(value: &Value) -> Vec<u8> {
    if let Some(image) = value.downcast_ref::<Image>() {
        return image.bytes().to_vec();
    }
    if let Some(mask) = value.downcast_ref::<Mask>() {
        return mask.bytes().to_vec();
    }
    if let Some(labels) = value.downcast_ref::<Labels>() {
        return labels.labels().iter().flat_map(|label| label.to_ne_bytes()).collect();
    }
    value.downcast_ref::<Table>().map(|table| table.to_csv().into_bytes()).unwrap_or_default()
}
