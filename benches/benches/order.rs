//! Does the order of steps keep eight workers busy, and memory within its budget?

use criterion::{Criterion, criterion_group, criterion_main};
use pipeline_benches::order::{Images, Skew};

fn order(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("order");
    group.sample_size(20);
    let skew = Skew::default();
    group.bench_function("skew_8x8", |b| b.iter(|| skew.run()));
    group.bench_function("skew_8x8/by_level", |b| b.iter(|| skew.by_level()));
    group.bench_function("skew_8x8/critical_path", |b| b.iter(|| skew.critical_path()));
    let images = Images::default();
    group.bench_function("64_images", |b| b.iter(|| images.budgeted()));
    group.bench_function("64_images/tight", |b| b.iter(|| images.tight()));
    group.bench_function("64_images/unbudgeted", |b| b.iter(|| images.free()));
}

criterion_group!(benches, order);
criterion_main!(benches);
