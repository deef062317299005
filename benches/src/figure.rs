//! One measured figure beside what it is meant to reach, and the table of them.

use std::fmt::{Display, Formatter};
use std::time::Duration;

/// How far a figure is to reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reach {
    /// No further than this.
    AtMost(f64),
    /// This far or further.
    AtLeast(f64),
}

impl Reach {
    fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        }
    }
}

impl Display for Reach {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtMost(most) => write!(f, "≤ {most}"),
            Self::AtLeast(least) => write!(f, "≥ {least}"),
        }
    }
}

/// A measured figure.
#[derive(Debug, Clone)]
pub struct Figure {
    /// The bench id, with a suffix where one bench gives several figures.
    pub id: String,
    /// What was measured.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// How far it is to reach, if something was set.
    pub reach: Option<Reach>,
    /// What other programs reach.
    pub peer: &'static str,
}

impl Figure {
    /// A figure without a target.
    pub fn new(id: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { id: id.into(), value, unit, reach: None, peer: "" }
    }

    /// Sets the most it may be.
    #[must_use]
    pub const fn reach(mut self, most: f64) -> Self {
        self.reach = Some(Reach::AtMost(most));
        self
    }

    /// Sets the least it may be.
    #[must_use]
    pub const fn reach_at_least(mut self, least: f64) -> Self {
        self.reach = Some(Reach::AtLeast(least));
        self
    }

    /// Says what other programs reach.
    #[must_use]
    pub const fn peer(mut self, peer: &'static str) -> Self {
        self.peer = peer;
        self
    }
}

/// The head of the table.
pub const HEAD: &str = "| id | figure | unit | reach | met | peer |\n|---|---|---|---|---|---|";

/// One line of the table.
impl Display for Figure {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Self { id, value, unit, reach, peer } = self;
        let (reach, met) = match reach {
            Some(reach) => (reach.to_string(), if reach.is_met(*value) { "yes" } else { "no" }),
            None => (String::new(), ""),
        };
        write!(f, "| `{id}` | {} | {unit} | {reach} | {met} | {peer} |", short(*value))
    }
}

/// Three digits that count.
fn short(value: f64) -> String {
    let digits = match value.abs() {
        0.0 => 0,
        size if size < 0.01 => 4,
        size if size < 0.1 => 3,
        size if size < 10.0 => 2,
        size if size < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$}")
}

/// Durations of repeated measurements, sorted.
#[derive(Debug, Clone)]
pub struct Samples(Vec<Duration>);

impl Samples {
    /// Measures `count` times, after one time that does not count.
    pub fn take(count: usize, mut one: impl FnMut() -> Duration) -> Self {
        one();
        Self::of((0..count.max(1)).map(|_| one()).collect())
    }

    /// Of durations measured elsewhere.
    #[must_use]
    pub fn of(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        Self(all)
    }

    /// The duration that `percent` of a hundred stay below or at.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> Duration {
        let at = (self.0.len() * percent).div_ceil(100).saturating_sub(1);
        self.0.get(at).copied().unwrap_or_default()
    }

    /// The one in the middle.
    #[must_use]
    pub fn median(&self) -> Duration {
        self.percentile(50)
    }
}

/// Nanoseconds as a number.
#[must_use]
pub fn nanos(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}

/// Microseconds as a number.
#[must_use]
pub fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Milliseconds as a number.
#[must_use]
pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The quotient of two durations.
#[must_use]
pub fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64().max(1e-12)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples() {
        let samples = Samples::of((1..=200).rev().map(Duration::from_millis).collect());
        assert_eq!(samples.median(), Duration::from_millis(100));
        assert_eq!(samples.percentile(99), Duration::from_millis(198));
        assert_eq!(samples.percentile(100), Duration::from_millis(200));
    }

    #[test]
    fn a_line_says_whether_the_target_is_met() {
        let line = Figure::new("a/b", 1.234, "ns").reach(2.0).to_string();
        assert_eq!(line, "| `a/b` | 1.23 | ns | ≤ 2 | yes |  |");
        let line = Figure::new("c", 1.5, "×").reach_at_least(1.8).peer("copy").to_string();
        assert_eq!(line, "| `c` | 1.50 | × | ≥ 1.8 | no | copy |");
    }
}
