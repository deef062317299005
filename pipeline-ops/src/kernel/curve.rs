//! A function of one sample, given by its values at even steps.

use std::ops::Deref;

/// Values at even steps, with straight lines between them and the first and last value beyond.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Curve<V> {
    /// Where the first value stands.
    pub(crate) first: f64,
    /// How far apart the values stand.
    pub(crate) step: f64,
    /// The values; at least one.
    pub(crate) values: V,
}

impl<V: Deref<Target = [f32]>> Curve<V> {
    /// The value at `place`; NaN of NaN.
    #[must_use]
    pub(crate) fn at(&self, place: f32) -> f32 {
        if place.is_nan() {
            return place;
        }
        // In 64 bits, so that the samples of an integer type stand exactly at their values. Of
        // values that do not stand apart the first is taken.
        let place = (f64::from(place) - self.first) / self.step;
        let last = self.values.len() - 1;
        let index = (place.max(0.0) as usize).min(last);
        let (value, next) = (self.values[index], self.values[(index + 1).min(last)]);
        let part = (place - index as f64).clamp(0.0, 1.0);
        if part > 0.0 { value + (next - value) * part as f32 } else { value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_values_it_is_straight_and_beyond_them_flat() {
        let curve = Curve { first: 10.0, step: 2.0, values: vec![1.0, 3.0, 0.0] };
        let found = [f32::NEG_INFINITY, 9.0, 10.0, 11.0, 12.0, 13.5, 14.0, f32::INFINITY]
            .map(|place| curve.at(place));
        assert_eq!(found, [1.0, 1.0, 1.0, 2.0, 3.0, 0.75, 0.0, 0.0]);
        assert!(curve.at(f32::NAN).is_nan());
    }

    #[test]
    fn values_on_one_spot_give_the_first() {
        let curve = Curve { first: 0.25, step: 0.0, values: vec![1.0; 256] };
        assert_eq!(curve.at(0.25).to_bits(), 1f32.to_bits());
    }
}
