//! How soon does a blur of 12 megapixels return after it was told to stop?

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use pipeline_benches::cancel::{Cancel, distribution};
use pipeline_benches::figure::HEAD;

#[expect(clippy::print_stdout, reason = "a distribution, of which criterion shows the mean")]
fn blur_12mp(criterion: &mut Criterion) {
    let mut blur = Cancel::default();
    let mut stopped = Vec::new();
    let mut group = criterion.benchmark_group("cancel");
    group.sample_size(30).measurement_time(Duration::from_secs(30));
    group.bench_function("blur_12mp", |b| {
        b.iter_custom(|rounds| {
            let before = stopped.len();
            stopped.extend((0..rounds).map(|_| blur.once()));
            stopped[before..].iter().map(|stopped| stopped.after).sum()
        });
    });
    if !stopped.is_empty() {
        println!("of {} cancels:\n{HEAD}", stopped.len());
        distribution(&stopped).iter().for_each(|figure| println!("{figure}"));
    }
}

criterion_group!(benches, blur_12mp);
criterion_main!(benches);
