//! What do opening and saving a picture cost beside the crates for its format?

use criterion::{Criterion, criterion_group, criterion_main};
use pipeline_benches::clock::CpuTime;
use pipeline_benches::files::{FORMATS, Pictures};

fn open(criterion: &mut Criterion<CpuTime>) {
    let pictures = Pictures::new().expect("a picture");
    let mut group = criterion.benchmark_group("files/open");
    group.sample_size(10);
    for format in &FORMATS {
        let name = format!("{}/6mp", format.name);
        group.bench_function(&name, |b| b.iter(|| pictures.open(format)));
        let path = pictures.file(format);
        for direct in format.decoders {
            let name = format!("{name}/{}", direct.name);
            group.bench_function(name, |b| b.iter(|| (direct.call)(&path)));
        }
    }
}

fn save(criterion: &mut Criterion<CpuTime>) {
    let pictures = Pictures::new().expect("a picture");
    let mut group = criterion.benchmark_group("files/save");
    group.sample_size(10);
    for format in &FORMATS {
        let name = format!("{}/6mp", format.name);
        group.bench_function(&name, |b| b.iter(|| pictures.save(format)));
        for direct in format.encoders {
            let name = format!("{name}/{}", direct.name);
            group.bench_function(name, |b| b.iter(|| pictures.save_with(direct, format)));
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = open, save
}
criterion_main!(benches);
