//! How much processor time does the engine add to a step?

use std::alloc::System;
use std::hint::black_box;

use criterion::measurement::{Measurement, WallTime};
use criterion::{Criterion, Throughput, criterion_group};
use pipeline_benches::clock::CpuTime;
use pipeline_benches::graphs::SHAPES;
use pipeline_benches::overhead::{LENGTHS, STEPS, VersusLoop, Warm};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn empty_steps<M: Measurement + 'static>(criterion: &mut Criterion<M>, clock: &str) {
    let mut group = criterion.benchmark_group("overhead");
    group.throughput(Throughput::Elements(STEPS.into()));
    let calls: Vec<Box<dyn Fn() -> u32>> =
        (0..STEPS).map(|tag| Box::new(move || tag) as Box<dyn Fn() -> u32>).collect();
    group.bench_function(format!("plain_calls/{STEPS}{clock}"), |b| {
        b.iter(|| calls.iter().for_each(|call| _ = black_box(call())));
    });
    for (shape, build) in SHAPES {
        let graph = build(STEPS);
        for (threads, suffix) in [(1, ""), (2, "/2_threads")] {
            let id = format!("{shape}/{STEPS}{suffix}");
            let warm = Warm::new(&graph, threads);
            group.bench_function(format!("{id}{clock}"), |b| b.iter(|| warm.run()));
            group
                .bench_function(format!("{id}/observed{clock}"), |b| b.iter(|| warm.run_watched()));
            let drain = warm.scheduler();
            group.bench_function(format!("{id}/scheduler{clock}"), |b| b.iter(|| drain.once()));
        }
    }
}

fn by_cpu(criterion: &mut Criterion<CpuTime>) {
    empty_steps(criterion, "");
    let mut group = criterion.benchmark_group("overhead/vs_loop");
    for (name, length, count, _) in LENGTHS {
        let versus = VersusLoop::new(length, count);
        group.throughput(Throughput::Elements(count.into()));
        group.bench_function(name, |b| b.iter(|| versus.steps()));
        group.bench_function(format!("{name}/plain"), |b| b.iter(|| versus.plain()));
    }
}

fn by_wall(criterion: &mut Criterion<WallTime>) {
    empty_steps(criterion, "/wall");
}

#[expect(clippy::print_stdout, reason = "a count, which criterion cannot show")]
fn allocations() {
    for (shape, build) in SHAPES {
        let warm = Warm::new(&build(STEPS), 1);
        let region = Region::new(ALLOCATOR);
        warm.run();
        let count = region.change().allocations;
        println!("overhead/{shape}/{STEPS}/allocations: {count} for {STEPS} steps");
    }
}

criterion_group! {
    name = cpu;
    config = Criterion::default().with_measurement(CpuTime);
    targets = by_cpu
}
criterion_group!(wall, by_wall);

fn main() {
    allocations();
    cpu();
    wall();
    Criterion::default().configure_from_args().final_summary();
}
