//! The processor time of all threads, for criterion and by hand.

use std::time::{Duration, Instant};

use criterion::Throughput;
use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use rustix::time::{ClockId, clock_gettime};

/// The time that all threads of this process have spent on a processor so far.
#[must_use]
pub fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// The processor time that `f` took on all threads.
pub fn cpu_of(f: impl FnOnce()) -> Duration {
    let start = cpu();
    f();
    cpu().saturating_sub(start)
}

/// The time that `f` took.
pub fn wall_of(f: impl FnOnce()) -> Duration {
    let start = Instant::now();
    f();
    start.elapsed()
}

/// The least time of each of some things that `turn` does one after the other, of at least five
/// turns and a second: whatever disturbs one makes it longer.
pub fn least_in_turn<const N: usize>(mut turn: impl FnMut() -> [Duration; N]) -> [Duration; N] {
    // The first turn makes what the others have at hand.
    turn();
    let (start, mut least) = (Instant::now(), [Duration::MAX; N]);
    let mut turns = 0;
    while turns < 5 || start.elapsed() < Duration::from_secs(1) {
        turns += 1;
        least.iter_mut().zip(turn()).for_each(|(least, time)| *least = time.min(*least));
    }
    least
}

/// Measures the processor time of all threads: on a busy machine it says more than the time of day.
#[derive(Debug, Clone, Copy)]
pub struct CpuTime;

impl Measurement for CpuTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        cpu()
    }

    fn end(&self, start: Duration) -> Duration {
        cpu().saturating_sub(start)
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        value.as_secs_f64() * 1e9
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        &Nanos
    }
}

/// Nanoseconds, per element where a throughput is set.
struct Nanos;

impl ValueFormatter for Nanos {
    fn scale_values(&self, typical: f64, values: &mut [f64]) -> &'static str {
        WallTime.formatter().scale_values(typical, values)
    }

    fn scale_throughputs(
        &self,
        _: f64,
        throughput: &Throughput,
        values: &mut [f64],
    ) -> &'static str {
        let Throughput::Elements(count) = *throughput else { return "ns" };
        #[expect(clippy::cast_precision_loss, reason = "element counts are small")]
        values.iter_mut().for_each(|value| *value /= count as f64);
        "ns/step"
    }

    fn scale_for_machines(&self, _: &mut [f64]) -> &'static str {
        "ns"
    }
}
