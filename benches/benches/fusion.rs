//! What does a chain of ten operations cost as one?

use criterion::{Criterion, criterion_group, criterion_main};
use pipeline_benches::clock::CpuTime;
use pipeline_benches::fusion::Chain;
use pipeline_core::exec::Fusion;

fn chain_10(criterion: &mut Criterion<CpuTime>) {
    let chain = Chain::new().expect("memory for a picture");
    let mut group = criterion.benchmark_group("fusion/chain_10");
    group.sample_size(10);
    for (name, fusion) in [("24mp", Fusion::Auto), ("24mp/unfused", Fusion::Never)] {
        let executor = Chain::executor(1, fusion);
        group.bench_function(name, |b| b.iter(|| chain.run(&executor)));
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = chain_10
}
criterion_main!(benches);
