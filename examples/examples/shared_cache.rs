//! Two processes compute one pipeline at the same time, with a directory of results between them:
//! no step is computed by both.
//!
//! ```text
//!                    ┌▶ soft 2  bilateral ─┐
//! photo ──▶ large ───┼▶ soft 3  bilateral ─┼▶ sheet
//! open      resize   ├▶ …                  │  contact_sheet
//!                    └▶ soft 9  bilateral ─┘
//! ```
//!
//! The program starts itself twice; with `computes` as its argument it is one of the two.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::io::{BufRead, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;

use pipeline_cache::{DiskCache, DiskOptions};
use pipeline_core::event::Status;
use pipeline_core::{Executor, Graph, Options, RunOptions};
use pipeline_ops::draw::ContactSheet;
use pipeline_ops::filter::Bilateral;
use pipeline_ops::geometry::Resize;
use pipeline_ops::io::Open;

const CACHE: &str = "out/shared_cache/cache";

/// How many steps the graph has.
const STEPS: usize = 11;

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args().any(|argument| argument == "computes") {
        return compute();
    }
    // What an earlier start has left would be found by both.
    let _ = std::fs::remove_dir_all(CACHE);
    let mut processes = Vec::new();
    for _ in 0..2 {
        let mut command = Command::new(std::env::current_exe()?);
        let command = command.arg("computes").stdin(Stdio::piped()).stdout(Stdio::piped());
        processes.push(command.spawn()?);
    }
    // Both begin when they hear a line.
    for process in &mut processes {
        process.stdin.take().ok_or("no input")?.write_all(b"go\n")?;
    }
    let mut computed = Vec::new();
    for (number, process) in (1..).zip(processes) {
        let output = process.wait_with_output()?;
        assert!(output.status.success(), "a process failed");
        let names = String::from_utf8(output.stdout)?;
        print!("process {number} computed: {names}");
        computed.extend(names.trim_end().split_terminator(", ").map(str::to_owned));
    }
    println!("{} steps, each computed once", computed.len());
    assert_eq!(computed.len(), STEPS, "a step was computed twice, or by none: {computed:?}");
    Ok(())
}

/// What each of the two processes does.
fn compute() -> Result<(), Box<dyn Error>> {
    let mut graph = Graph::new();
    let photo = graph.add("photo", Open::path("examples/data/coffee.png"), ());
    let large = graph.add("large", Resize::to(1200, 800), photo);
    let mut soft = Vec::new();
    for radius in 2..10 {
        let step = Bilateral { radius, ..Bilateral::default() };
        soft.push(graph.add(format!("soft {radius}"), step, large));
    }
    graph.add("sheet", ContactSheet::default(), soft);

    let cache = Arc::new(DiskCache::open(CACHE, DiskOptions::default())?);
    let executor = Executor::new(Options { cache: Some(cache), ..Options::default() })?;
    std::io::stdin().lock().read_line(&mut String::new())?;
    let report = executor.run(&graph, &RunOptions::default())?;
    report.ok()?;
    println!("{}", report.nodes_that(Status::Computed).join(", "));
    Ok(())
}
