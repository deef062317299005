//! Measures every figure once and prints them as one Markdown table, with what they were measured
//! on. `cargo run --release -p pipeline-benches -- plan events` measures only these questions.

#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

use std::alloc::System;
use std::process::Command;

use pipeline_benches::figure::{Figure, HEAD};
use pipeline_benches::{
    behind, cancel, cells, copies, disk, events, files, fusion, latency, memory, nested, order,
    overhead, peak, plan, radius, rerun, resize, threads, trace, workflow,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many heap allocations a piece of work makes, on all threads.
fn allocations(work: &dyn Fn()) -> usize {
    let region = Region::new(ALLOCATOR);
    work();
    region.change().allocations
}

/// How many bytes a piece of work allocates, on all threads.
fn allocated(work: &dyn Fn()) -> usize {
    let region = Region::new(ALLOCATOR);
    work();
    region.change().bytes_allocated
}

fn main() {
    type Question = (&'static str, fn() -> Vec<Figure>);
    let questions: [Question; 21] = [
        ("overhead", || overhead::figures(&allocations)),
        ("latency", latency::figures),
        ("plan", plan::figures),
        ("rerun", rerun::figures),
        ("trace", trace::figures),
        ("memory", || memory::figures(&allocations)),
        ("peak", peak::figures),
        ("disk", disk::figures),
        ("behind", behind::figures),
        ("order", order::figures),
        ("cancel", cancel::figures),
        ("nested", nested::figures),
        ("events", events::figures),
        ("fusion", || fusion::figures(&allocated)),
        ("copies", || copies::figures(&allocated)),
        ("radius", radius::figures),
        ("resize", resize::figures),
        ("files", files::figures),
        ("threads", threads::figures),
        ("cells", cells::figures),
        ("workflow", workflow::figures),
    ];
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if let Some(said) = workflow::child(&wanted).expect("a workflow that runs") {
        println!("{said}");
        return;
    }
    println!("{}\n\n{HEAD}", surroundings(&wanted));
    for (name, figures) in questions {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            figures().iter().for_each(|figure| println!("{figure}"));
        }
    }
}

/// The machine, the toolchain, the command and the date.
fn surroundings(wanted: &[String]) -> String {
    let first = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).output().ok()?;
        String::from_utf8(output.stdout).ok()?.lines().next().map(str::to_owned)
    };
    let unknown = || "unknown".to_owned();
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!(
        "Measured on {cores} cores of {}, load {}, {}, by `cargo run --release -p \
         pipeline-benches{}` on {}.",
        model.map_or_else(unknown, str::to_owned),
        load.split(' ').next().unwrap_or_default(),
        first("rustc", &["--version"]).unwrap_or_else(unknown),
        if wanted.is_empty() { String::new() } else { format!(" -- {}", wanted.join(" ")) },
        first("date", &["-u", "+%F"]).unwrap_or_else(unknown),
    )
}
