//! Times an operation, or some in a row, for comparisons with other programs.
//!
//! `operation STEPS WIDTH HEIGHT THREADS REPEATS RESULT TYPE FILE [TYPE FILE ...]` reads raw
//! samples of each type, `u8`, `u16`, `f32`, `mask` or `labels`, runs the steps on them, and prints
//! `processor-time wall-time` in nanoseconds for each repeat. There are more repeats of what is
//! fast. STEPS is JSON: `[["gaussian_blur", {"sigma": 2.0}]]`. What came out goes into the file
//! RESULT as raw samples, a table as lines of numbers.

#![expect(clippy::print_stdout, reason = "the times are what this program is for")]

use std::error::Error;
use std::fs;
use std::time::{Duration, Instant};

use bytemuck::Pod;
use pipeline_benches::clock::cpu;
use pipeline_benches::operation::Operation;
use pipeline_core::data::{Value, zeros};
use pipeline_core::{Executor, Image, Labels, Mask, Options, Sample};
use pipeline_ops::measure::Table;

/// What all repeats together take at least, and how many there are for that at the most: what takes
/// no time has to settle in the caches of the processor.
const SHORT: Duration = Duration::from_millis(100);
const MOST: u32 = 50;

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
    let (least, mut spent) = (repeats.parse::<u32>()?, Duration::ZERO);
    for repeat in 0..least.max(MOST) {
        if repeat >= least && spent >= SHORT {
            break;
        }
        let (start, busy) = (Instant::now(), cpu());
        let made = operation.run(&executor)?;
        let times = ((cpu() - busy).as_nanos(), start.elapsed().as_nanos());
        println!("{} {}", times.0, times.1);
        spent += start.elapsed();
        if repeat == 0 {
            fs::write(result, bytes(&made))?;
        }
    }
    Ok(())
}

/// A value from raw samples in the order of this machine's bytes.
fn read(kind: &str, bytes: &[u8], size: (u32, u32)) -> Result<Value, Box<dyn Error>> {
    let (width, height) = size;
    Ok(match kind {
        "u8" => image::<u8>(bytes, size)?,
        "u16" => image::<u16>(bytes, size)?,
        "f32" => image::<f32>(bytes, size)?,
        "mask" => Value::new(Mask::from_bytes(width, height, numbers(bytes)?)?),
        "labels" => Value::new(Labels::new(width, height, numbers(bytes)?)?),
        other => return Err(format!("no type `{other}`").into()),
    })
}

/// Numbers in memory as that which images are decoded into.
fn numbers<T: Pod>(bytes: &[u8]) -> pipeline_core::Result<Vec<T>> {
    let mut numbers = zeros(bytes.len() / size_of::<T>(), || "a picture".into())?;
    let whole = size_of_val(&numbers[..]);
    bytemuck::cast_slice_mut(&mut numbers).copy_from_slice(&bytes[..whole]);
    Ok(numbers)
}

/// An image of as many channels as there are samples for.
fn image<T: Sample>(bytes: &[u8], (width, height): (u32, u32)) -> Result<Value, Box<dyn Error>> {
    let samples = numbers::<T>(bytes)?;
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
