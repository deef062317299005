//! The range of an axis, and the round numbers on it.
//!
//! Powers of ten are taken from the decimal form of numbers and not from logarithms, which differ
//! from machine to machine in their last bit.

/// A range of numbers from which nothing is lost on the way to a place on an axis.
#[derive(Debug)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    /// The digit of the distance of ticks: 1, 2 or 5.
    digit: i64,
    /// The power of ten that it is of.
    power: i32,
    /// The power of ten that the labels are to be multiplied by.
    pub(super) exponent: i32,
}

/// A round number on an axis.
#[derive(Debug, PartialEq)]
pub(super) struct Tick {
    /// From 0 at the low end of the axis to 1.
    pub(super) place: f64,
    pub(super) label: String,
}

/// The magnitude of what is taken for a number: beyond it ranges would be infinite.
pub(super) const LARGEST: f64 = 1e300;

/// The share of a range that stays free at both ends.
const FREE: f64 = 0.03;

/// Fewer parts of a number than this cannot be told apart on an axis.
const FINEST: f64 = 1e-9;

/// Numbers below are 0: steps between them would be none.
const SMALLEST: f64 = 1e-280;

impl Axis {
    /// The axis of these numbers, none of them above `LARGEST`, with up to `ticks` ticks or one
    /// more. Between whole numbers there are none; without numbers it is that of 0 to 1.
    pub(super) fn new(numbers: impl Iterator<Item = f64> + Clone, ticks: u32) -> Self {
        let least = numbers.clone().fold(f64::INFINITY, f64::min);
        let most = numbers.clone().fold(f64::NEG_INFINITY, f64::max);
        let (low, high) = if least <= most { (least, most) } else { (0.0, 1.0) };
        let magnitude = low.abs().max(high.abs());
        let free = if magnitude < SMALLEST {
            1.0
        } else if high - low <= magnitude * FINEST {
            magnitude * 0.1
        } else {
            (high - low) * FREE
        };
        let (low, high) = (low - free, high + free);

        let part = (high - low) / f64::from(ticks);
        let mut power = power_of(part);
        let share = part / ten_to(power);
        let digit = [1, 2, 5, 10].into_iter().find(|&digit| share <= f64::from(digit));
        let mut digit = i64::from(digit.unwrap_or(10));
        if digit == 10 {
            (digit, power) = (1, power + 1);
        }
        if power < 0 && least <= most && numbers.into_iter().all(|number| number.fract() == 0.0) {
            (digit, power) = (1, 0);
        }
        let magnitude = power_of(low.abs().max(high.abs()));
        let exponent = if (-2..5).contains(&magnitude) { 0 } else { magnitude.div_euclid(3) * 3 };
        Self { low, high, digit, power, exponent }
    }

    /// Where a number lies: from 0 at the low end to 1 at the high end.
    pub(super) fn place(&self, number: f64) -> f64 {
        (number - self.low) / (self.high - self.low)
    }

    /// The round numbers from the low end to the high end.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "a number has up to 10⁹ parts, of which a tick is at least one"
    )]
    pub(super) fn ticks(&self) -> Vec<Tick> {
        let step = self.digit as f64 * ten_to(self.power);
        let [first, last] = [(self.low / step).ceil(), (self.high / step).floor()];
        let tick = |at: i64| {
            let units = (at * self.digit) as f64;
            let shift = self.power - self.exponent;
            let label = match usize::try_from(-shift) {
                Ok(decimals) => format!("{:.decimals$}", units / ten_to(-shift)),
                Err(_) => format!("{}", units * ten_to(shift)),
            };
            // A hyphen is too short for a sign.
            let label = label.replace('-', "−");
            Tick { place: self.place(at as f64 * step), label }
        };
        (first as i64..=last as i64).map(tick).collect()
    }
}

/// The power of ten that the first digit of a positive number stands at.
fn power_of(number: f64) -> i32 {
    let text = format!("{number:e}");
    text.split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0)
}

/// A power of ten, as near as can be.
fn ten_to(power: i32) -> f64 {
    format!("1e{power}").parse().unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(numbers: &[f64], labels: &[&str], exponent: i32) {
        let axis = Axis::new(numbers.iter().copied(), 5);
        let ticks = axis.ticks();
        let found: Vec<&str> = ticks.iter().map(|tick| &*tick.label).collect();
        assert_eq!((&found[..], axis.exponent), (labels, exponent));
        assert!(ticks.iter().all(|tick| (0.0..=1.0).contains(&tick.place)), "{ticks:?}");
        assert!(numbers.iter().all(|&number| (0.0..=1.0).contains(&axis.place(number))));
    }

    #[test]
    fn ticks_are_round_and_few() {
        check(&[0.0, 10.0], &["0", "5", "10"], 0);
        check(&[0.0, 7.0], &["0", "2", "4", "6"], 0);
        check(&[0.0, 2.0], &["0", "1", "2"], 0);
        check(&[0.5, 2.0], &["0.5", "1.0", "1.5", "2.0"], 0);
        check(&[-30.0, 30.0], &["−20", "0", "20"], 0);
        check(&[0.0, 48_000.0], &["0", "20000", "40000"], 0);
        check(&[1.0e6, 2.4e6], &["1.0", "1.5", "2.0"], 6);
        check(&[0.0, 0.004], &["0", "1", "2", "3", "4"], -3);
        check(&[1e300, -1e300], &["−1.0", "−0.5", "0.0", "0.5", "1.0"], 300);
    }

    #[test]
    fn ranges_that_are_none_become_some() {
        check(&[], &["0.0", "0.5", "1.0"], 0);
        check(&[0.0], &["−1", "0", "1"], 0);
        check(&[7.5, 7.5], &["7.0", "7.5", "8.0"], 0);
        check(&[-4.0], &["−4"], 0);
        check(&[5e-324, 0.0], &["−1.0", "−0.5", "0.0", "0.5", "1.0"], 0);
        check(&[1e12, 1e12 + 1.0], &["0.90", "0.95", "1.00", "1.05", "1.10"], 12);
    }
}
