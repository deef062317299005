//! How much longer does a tiny row loop take while a long one runs beside it?

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use pipeline_benches::nested::Nested;

fn short_beside_long(criterion: &mut Criterion) {
    let nested = Nested::default();
    let mut group = criterion.benchmark_group("nested");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    let mut measure = |id: &str, one: &dyn Fn() -> Duration| {
        group.bench_function(id, |b| b.iter_custom(|rounds| (0..rounds).map(|_| one()).sum()));
    };
    measure("short_beside_long", &|| nested.beside());
    measure("short_beside_long/handed_over", &|| nested.handed_over());
    measure("short_beside_long/alone", &|| nested.alone());
    measure("short_beside_long/rayon_install", &|| nested.plain());
}

criterion_group!(benches, short_beside_long);
criterion_main!(benches);
