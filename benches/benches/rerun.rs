//! What does it cost to run a graph again in which nothing has changed?

use criterion::{Criterion, criterion_group, criterion_main};
use pipeline_benches::rerun::Unchanged;

#[expect(clippy::print_stdout, reason = "counts, which criterion cannot show")]
fn unchanged(criterion: &mut Criterion) {
    let hundred = Unchanged::default();
    let (calls, bytes) = Unchanged::touched(|| hundred.again());
    println!("rerun/unchanged/100: {calls} step calls, {bytes} pixel bytes read");
    criterion.bench_function("rerun/unchanged/100", |b| b.iter(|| hundred.again()));
}

criterion_group!(benches, unchanged);
criterion_main!(benches);
