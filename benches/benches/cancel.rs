//! How soon does a blur of 12 megapixels return after it was told to stop?

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use pipeline_benches::cancel::{self, Cancel};

#[expect(clippy::print_stdout, reason = "a distribution, of which criterion shows the mean")]
fn blur_12mp(criterion: &mut Criterion) {
    cancel::figures().iter().for_each(|figure| println!("{figure}"));
    let mut blur = Cancel::default();
    let mut group = criterion.benchmark_group("cancel");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    group.bench_function("blur_12mp", |b| {
        b.iter_custom(|rounds| (0..rounds).map(|_| blur.once().after).sum());
    });
}

criterion_group!(benches, blur_12mp);
criterion_main!(benches);
