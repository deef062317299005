//! How short memory is.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// How short of memory the machine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Pressure {
    /// There is enough.
    Low,
    /// Programs wait for memory; caches should give some back.
    High,
}

impl Pressure {
    /// What Linux tells of this machine: pressure is where programs spent more than one of a
    /// hundred seconds waiting for memory, of the last ten. `Low` on other systems.
    ///
    /// A source for [`MemoryCache::with_pressure`](crate::MemoryCache::with_pressure).
    #[must_use]
    pub fn of_this_machine() -> Self {
        std::fs::read_to_string("/proc/pressure/memory")
            .ok()
            .and_then(|text| Self::parse(&text))
            .unwrap_or(Self::Low)
    }

    /// Reads what stands in `/proc/pressure/memory`, or in a control group's `memory.pressure`.
    fn parse(text: &str) -> Option<Self> {
        let line = text.lines().find_map(|line| line.strip_prefix("some "))?;
        let share: f64 =
            line.split(' ').find_map(|part| part.strip_prefix("avg10="))?.parse().ok()?;
        Some(if share > 1.0 { Self::High } else { Self::Low })
    }
}

/// Asks a source now and then, and goes a step at a time.
pub(crate) struct Gauge {
    source: Box<dyn Fn() -> Pressure + Send + Sync>,
    state: Mutex<(Option<Instant>, u64)>,
}

/// How often the source is asked.
const PERIOD: Duration = Duration::from_secs(1);

/// Steps that there are.
const STEPS: u64 = 3;

impl Gauge {
    pub(crate) fn new(source: impl Fn() -> Pressure + Send + Sync + 'static) -> Self {
        Self { source: Box::new(source), state: Mutex::new((None, 0)) }
    }

    /// The steps to give back from now on, if it was time to ask.
    pub(crate) fn look(&self, now: Instant) -> Option<u64> {
        // Whoever finds it locked need not ask: somebody does.
        let mut state = self.state.try_lock()?;
        let (asked, steps) = &mut *state;
        if asked.is_some_and(|asked| now.saturating_duration_since(asked) < PERIOD) {
            return None;
        }
        *asked = Some(now);
        *steps = match (self.source)() {
            Pressure::Low => steps.saturating_sub(1),
            Pressure::High => (*steps + 1).min(STEPS),
        };
        Some(*steps)
    }
}

impl std::fmt::Debug for Gauge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gauge").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn it_goes_a_step_at_a_time_and_asks_once_a_second() {
        let short = Arc::new(AtomicBool::new(true));
        let source = Arc::clone(&short);
        let gauge =
            Gauge::new(
                move || {
                    if source.load(Ordering::Relaxed) { Pressure::High } else { Pressure::Low }
                },
            );
        let start = Instant::now();
        let look = |millis| gauge.look(start + Duration::from_millis(millis));
        assert_eq!([look(0), look(999), look(1000)], [Some(1), None, Some(2)]);
        assert_eq!([look(2000), look(3000)], [Some(3), Some(3)]);
        short.store(false, Ordering::Relaxed);
        assert_eq!([look(4000), look(5000), look(6000)], [Some(2), Some(1), Some(0)]);
        assert_eq!([look(5500), look(7000)], [None, Some(0)], "clocks may go back");
    }

    #[test]
    fn pressure_is_read_as_linux_writes_it() {
        let text = |share: &str| {
            format!(
                "some avg10={share} avg60=0.00 avg300=0.00 total=0\n\
                 full avg10=50.00 avg60=0.00 avg300=0.00 total=0\n"
            )
        };
        assert_eq!(Pressure::parse(&text("0.99")), Some(Pressure::Low));
        assert_eq!(Pressure::parse(&text("1.27")), Some(Pressure::High));
        assert_eq!(Pressure::parse(""), None);
        assert_eq!(Pressure::parse("some avg10=much"), None);
    }
}
