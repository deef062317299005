//! Tone curves: how encoded samples and light belong together, as ICC profiles say it.

/// The light of a sample, both as shares of white.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tone {
    /// A formula, from black to white and beyond.
    Power(Power),
    /// Light at evenly spaced samples, two or more, from black to white; constant beyond them.
    Table(Vec<f32>),
}

impl Tone {
    /// The light of a sample. Below black it is that of the opposite sample, turned around.
    #[must_use]
    pub(crate) fn light(&self, share: f32) -> f32 {
        if share < 0.0 {
            return -self.light(-share);
        }
        match self {
            Self::Power(power) => power.light(share),
            Self::Table(table) => {
                let last = table.len() - 1;
                let place = if share > 1.0 { last as f32 } else { share * last as f32 };
                let at = (place as usize).min(last);
                let (low, high) = (table[at], table[(at + 1).min(last)]);
                low + (high - low) * (place - at as f32)
            }
        }
    }
}

/// `(a · share + b)^g` from `d` on, `c · share` below it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Power {
    pub(crate) g: f32,
    pub(crate) a: f32,
    pub(crate) b: f32,
    pub(crate) c: f32,
    pub(crate) d: f32,
    /// Added from `d` on.
    pub(crate) e: f32,
    /// Added below `d`.
    pub(crate) f: f32,
}

impl Power {
    /// The curve of sRGB.
    pub(crate) const SRGB: Self = Self {
        g: 2.4,
        a: 1.0 / 1.055,
        b: 0.055 / 1.055,
        c: 1.0 / 12.92,
        d: 0.04045,
        e: 0.0,
        f: 0.0,
    };

    /// Light is the sample to the power of `g`.
    #[must_use]
    pub(crate) const fn gamma(g: f32) -> Self {
        Self { g, a: 1.0, b: 0.0, c: 0.0, d: 0.0, e: 0.0, f: 0.0 }
    }

    fn light(&self, share: f32) -> f32 {
        if share < self.d {
            self.c * share + self.f
        } else {
            (self.a * share + self.b).powf(self.g) + self.e
        }
    }

    /// The sample of some light, for a curve that adds nothing. Below black it is that of the
    /// opposite light, turned around.
    #[must_use]
    pub(crate) fn share(&self, light: f32) -> f32 {
        if light < 0.0 {
            return -self.share(-light);
        }
        if light < self.c * self.d {
            light / self.c
        } else {
            (light.powf(1.0 / self.g) - self.b) / self.a
        }
    }
}

/// The smallest light that has an entry of its own: its sample rounds to black in 16 bits for every
/// curve that is encoded to.
const DARKEST: f32 = 1.0 / (1u64 << 40) as f32;

/// Bits of a float below those that choose an entry: 128 entries each time the light doubles.
const PART: u32 = 16;

/// Samples of light, from a table that is finer the darker it is: between its entries the curve is
/// straight to a few parts in a million.
#[derive(Debug)]
pub(crate) struct Encoding {
    samples: Vec<f32>,
}

impl Encoding {
    /// The samples of a curve, white being `white`.
    #[must_use]
    pub(crate) fn new(curve: &Power, white: f32) -> Self {
        let (first, last) = (DARKEST.to_bits() >> PART, 1f32.to_bits() >> PART);
        let lights = (first..=last + 1).map(|entry| f32::from_bits(entry << PART));
        let mut samples: Vec<f32> = lights.map(|light| curve.share(light) * white).collect();
        samples[0] = 0.0;
        Self { samples }
    }

    /// The sample of some light, from black to white; NaN is black.
    #[must_use]
    #[inline(always)]
    pub(crate) fn of(&self, light: f32) -> f32 {
        let light = if light > DARKEST { light.min(1.0) } else { DARKEST };
        let bits = light.to_bits() - DARKEST.to_bits();
        let (at, part) = ((bits >> PART) as usize, (bits & ((1 << PART) - 1)) as f32);
        let (low, high) = (self.samples[at], self.samples[at + 1]);
        low + (high - low) * (part * (1.0 / (1 << PART) as f32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURVES: [Power; 3] = [Power::SRGB, Power::gamma(2.2), Power::gamma(1.0)];

    #[test]
    fn light_comes_back_as_the_sample_it_was() {
        for curve in CURVES {
            for step in -200..=400 {
                let share = step as f32 / 200.0;
                let back = curve.share(Tone::Power(curve).light(share));
                assert!((back - share).abs() < 2e-6, "{curve:?}: {share} is {back}");
            }
        }
    }

    #[test]
    fn the_encoding_is_the_curve_to_a_quarter_of_the_finest_sample() {
        for curve in CURVES {
            let encoding = Encoding::new(&curve, 65535.0);
            for step in 0..=100_000 {
                let light = (step as f32 / 100_000.0).powi(3);
                let difference = encoding.of(light) - curve.share(light) * 65535.0;
                assert!(difference.abs() < 0.25, "{curve:?}: {light} is {difference} off");
            }
            for (light, sample) in [(-1.0, 0.0), (0.0, 0.0), (f32::NAN, 0.0), (2.0, 65535.0)] {
                let difference = encoding.of(light) - sample;
                assert!(difference.abs() < 0.01, "{curve:?}: {light} is {difference} off");
            }
        }
    }

    #[test]
    fn a_table_is_straight_between_its_entries_and_ends_at_white() {
        let tone = Tone::Table(vec![0.0, 0.5, 0.75]);
        let lights = [-0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1.5, f32::INFINITY];
        let expected = [-0.25, 0.0, 0.25, 0.5, 0.625, 0.75, 0.75, 0.75];
        assert_eq!(lights.map(|share| tone.light(share)), expected);
        assert!(tone.light(f32::NAN).is_nan());
    }
}
