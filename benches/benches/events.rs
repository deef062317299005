//! What does an event cost, when nobody listens and when one subscriber does?

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use pipeline_benches::events::{EVENTS, emit, hear, heard, silent};

fn events(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("events");
    group.throughput(Throughput::Elements(EVENTS.into()));
    let bus = silent();
    group.bench_function("none", |b| b.iter(|| emit(&bus)));
    group.bench_function("one_subscriber", |b| {
        b.iter_batched_ref(
            heard,
            |(bus, subscription)| {
                emit(bus);
                assert_eq!(hear(subscription), EVENTS, "no event is lost");
            },
            BatchSize::PerIteration,
        );
    });
    // The plain way to tell another thread something.
    group.bench_function("one_subscriber/std_mpsc", |b| {
        b.iter_batched_ref(
            std::sync::mpsc::channel,
            |(sender, receiver)| {
                (0..EVENTS).for_each(|event| sender.send(event).expect("the receiver lives"));
                assert_eq!(receiver.try_iter().count(), EVENTS as usize);
            },
            BatchSize::PerIteration,
        );
    });
}

criterion_group!(benches, events);
criterion_main!(benches);
