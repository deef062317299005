//! Runs a pipeline file once, for comparisons with other programs.
//!
//! `pipeline FILE THREADS` prints the time that planning and running took and the processor time of
//! all threads, in nanoseconds, and how many bytes more than at the start were resident at once.
//! The run has a budget of [`BUDGET`].

#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]

use std::error::Error;
use std::fs;
use std::time::Instant;

use pipeline_benches::clock::cpu;
use pipeline_core::{Executor, Graph, Options, Registry, RunOptions};

/// Bytes that the results of a run may take at once.
const BUDGET: u64 = 256_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, threads] = &arguments[..] else { return Err("FILE THREADS".into()) };
    let mut registry = Registry::new();
    pipeline_ops::register(&mut registry)?;
    let graph = Graph::read(file, &registry)?;
    let before = resident("VmRSS")?;
    let (start, busy) = (Instant::now(), cpu());
    let executor =
        Executor::new(Options { threads: Some(threads.parse()?), ..Options::default() })?;
    let options = RunOptions { budget: Some(BUDGET), ..RunOptions::default() };
    executor.run(&graph, &options)?.ok()?;
    let times = (start.elapsed().as_nanos(), (cpu() - busy).as_nanos());
    println!("{} {} {}", times.0, times.1, resident("VmHWM")?.saturating_sub(before));
    Ok(())
}

/// Bytes that the process has, or had at once, by the name that Linux has for it.
fn resident(name: &str) -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(name)).ok_or("not told")?;
    let kilobytes: u64 = line.split_whitespace().nth(1).ok_or("no number")?.parse()?;
    Ok(kilobytes << 10)
}
