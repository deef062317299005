//! How long does a run of nine empty steps take, drained by its caller and handed to the pool?

use criterion::{Criterion, criterion_group, criterion_main};
use pipeline_benches::latency::NineSteps;

fn run_9_steps(criterion: &mut Criterion) {
    let nine = NineSteps::default();
    let mut group = criterion.benchmark_group("latency/run_9_steps");
    group.bench_function("caller", |b| b.iter(|| nine.by_caller()));
    group.bench_function("pool", |b| b.iter(|| nine.by_pool()));
    group.bench_function("rayon_install", |b| b.iter(|| nine.plain_pool()));
}

criterion_group!(benches, run_9_steps);
criterion_main!(benches);
