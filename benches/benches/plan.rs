//! How long does planning take, anew and after an edit, and does it grow with the graph alone?

use criterion::{BatchSize, Bencher, Criterion, criterion_group, criterion_main};
use pipeline_benches::graphs::{self, PLANNED};
use pipeline_benches::plan::{Planning, on_a_small_stack};
use pipeline_core::Graph;

fn cold(bencher: &mut Bencher<'_>, planning: &Planning) {
    let plan = |graph: &mut Graph| planning.cold(graph);
    bencher.iter_batched_ref(|| planning.unseen(), plan, BatchSize::SmallInput);
}

fn plan(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan");
    for (shape, build) in PLANNED {
        let mut small = Planning::new(build(1000));
        let large = Planning::new(build(2000));
        group.bench_function(format!("cold/1000/{shape}"), |b| cold(b, &small));
        group.bench_function(format!("one_edit/1000/{shape}"), |b| b.iter(|| small.one_edit()));
        group.bench_function(format!("1000/{shape}"), |b| cold(b, &small));
        group.bench_function(format!("2000/{shape}"), |b| cold(b, &large));
        group.bench_function(format!("build/1000/{shape}"), |b| b.iter(|| build(1000)));
    }
    // Plain code for comparison: one walk over the wires of the same graph.
    let graph = graphs::random(1000);
    group.bench_function("walk/1000/random", |b| b.iter(|| graph.wires().count()));
}

fn plan_and_run(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan_and_run/random");
    group.sample_size(10);
    group.bench_function("1000000", |b| {
        b.iter_custom(|rounds| {
            (0..rounds).map(|_| on_a_small_stack(1_000_000)).map(|took| took.plan + took.run).sum()
        });
    });
}

criterion_group!(benches, plan, plan_and_run);
criterion_main!(benches);
