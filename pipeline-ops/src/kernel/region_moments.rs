//! The moments of a label up to the third order: raw, central, normalized, and those of Hu.
//!
//! Raw ones are sums of integers. Central ones are small differences of them, so the sums are first
//! moved to the pixel nearest to the centroid, in integers too; floats only see what is left, which
//! is less than a pixel.

use super::regions::{Region, runs, squares_to};

/// The sums of third order of one label; its region has those of lower order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Cubes {
    xxx: u128,
    xxy: u128,
    xyy: u128,
    yyy: u128,
}

impl Cubes {
    /// Adds the pixels of row `y` from `start` to before `end`.
    ///
    /// Labels are at most 2³² pixels, so `Σ x³` is below 2¹²⁶ whatever their sides.
    fn add_run(&mut self, y: u32, start: u32, end: u32) {
        let before = |sum_to: fn(u64) -> u128| match start.checked_sub(1) {
            Some(last) => sum_to(last.into()),
            None => 0,
        };
        let (last, y, count) = (u64::from(end) - 1, u128::from(y), u128::from(end - start));
        self.xxx += cubes_to(last) - before(cubes_to);
        self.xxy += (squares_to(last) - before(squares_to)) * y;
        self.xyy += (u128::from(start) + u128::from(last)) * count / 2 * y * y;
        self.yyy += y * y * y * count;
    }

    /// Adds the sums of other pixels of the same label.
    pub(crate) fn add(&mut self, other: &Self) {
        self.xxx += other.xxx;
        self.xxy += other.xxy;
        self.xyy += other.xyy;
        self.yyy += other.yyy;
    }
}

/// `0³ + 1³ + … + last³`.
fn cubes_to(last: u64) -> u128 {
    let sum = u128::from(last) * (u128::from(last) + 1) / 2;
    sum * sum
}

/// Adds the pixels of row `y` to the cubes of their labels, of which number 0 stays empty.
pub(crate) fn add_cubes(labels: &[u32], y: u32, cubes: &mut [Cubes]) {
    runs(labels).for_each(|(label, start, end)| cubes[label].add_run(y, start, end));
}

/// `1, 1 1, 1 2 1, 1 3 3 1`.
const BINOMIAL: [[i128; 4]; 4] = [[1, 0, 0, 0], [1, 1, 0, 0], [1, 2, 1, 0], [1, 3, 3, 1]];

/// The moments of one label, which has pixels. `p` is the power of x and `q` that of y.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RegionMoments {
    region: Region,
    raw: [[u128; 4]; 4],
}

impl RegionMoments {
    /// The moments of these sums.
    #[must_use]
    pub(crate) fn new(region: &Region, cubes: &Cubes) -> Self {
        let mut raw = region.sums();
        (raw[3][0], raw[2][1], raw[1][2], raw[0][3]) = (cubes.xxx, cubes.xxy, cubes.xyy, cubes.yyy);
        Self { region: *region, raw }
    }

    /// `Σ xᵖ yᵠ`, of orders up to 3.
    #[must_use]
    pub(crate) fn raw(&self, p: usize, q: usize) -> f64 {
        self.raw[p][q] as f64
    }

    /// `Σ (x - x̄)ᵖ (y - ȳ)ᵠ`, of the orders 2 and 3.
    #[must_use]
    pub(crate) fn central(&self, p: usize, q: usize) -> f64 {
        let (xx, xy, yy) = self.region.central_moments();
        let about = |p, q| self.about_middle(p, q) as f64;
        let area = self.raw(0, 0);
        // How far the centroid is from the pixel nearest to it.
        let (sum_x, sum_y) = (about(1, 0), about(0, 1));
        let (x, y) = (sum_x / area, sum_y / area);
        match (p, q) {
            (2, 0) => xx,
            (1, 1) => xy,
            (0, 2) => yy,
            (3, 0) => about(3, 0) - 3.0 * x * about(2, 0) + 2.0 * x * x * sum_x,
            (2, 1) => about(2, 1) - 2.0 * x * about(1, 1) - y * about(2, 0) + 2.0 * x * x * sum_y,
            (1, 2) => about(1, 2) - 2.0 * y * about(1, 1) - x * about(0, 2) + 2.0 * y * y * sum_x,
            _ => about(0, 3) - 3.0 * y * about(0, 2) + 2.0 * y * y * sum_y,
        }
    }

    /// `Σ (x - a)ᵖ (y - b)ᵠ`, where (a, b) is the pixel nearest to the centroid.
    ///
    /// What is added up may not fit in 128 bits, but the sum does: it is right even so.
    fn about_middle(&self, p: usize, q: usize) -> i128 {
        let area = self.raw[0][0].max(1);
        let middle = |sum: u128| ((sum + area / 2) / area) as i128;
        let (left, up) = (-middle(self.raw[1][0]), -middle(self.raw[0][1]));
        let weights = |shift: i128, order: usize| {
            let powers = (0..=order as u32).rev().map(move |power| shift.wrapping_pow(power));
            BINOMIAL[order].into_iter().zip(powers).map(|(times, power)| power.wrapping_mul(times))
        };
        let mut sum = 0i128;
        for (row, x) in self.raw.iter().zip(weights(left, p)) {
            for (&moment, y) in row.iter().zip(weights(up, q)) {
                sum = sum.wrapping_add(x.wrapping_mul(y).wrapping_mul(moment as i128));
            }
        }
        sum
    }

    /// The central moment by `area ^ (1 + (p + q) / 2)`: scaling does not change it.
    #[must_use]
    pub(crate) fn normalized(&self, p: usize, q: usize) -> f64 {
        let area = self.raw(0, 0);
        let odd = if (p + q) % 2 == 1 { area.sqrt() } else { 1.0 };
        self.central(p, q) / (area * area * odd)
    }

    /// The seven moments of Hu: turning does not change them, and a mirror only the sign of the
    /// last.
    #[must_use]
    pub(crate) fn hu(&self) -> [f64; 7] {
        let nu = |p, q| self.normalized(p, q);
        let (slim, slant) = (nu(2, 0) - nu(0, 2), 2.0 * nu(1, 1));
        let (a, b) = (nu(3, 0) - 3.0 * nu(1, 2), 3.0 * nu(2, 1) - nu(0, 3));
        let (c, d) = (nu(3, 0) + nu(1, 2), nu(2, 1) + nu(0, 3));
        let (e, f) = (c * (c * c - 3.0 * d * d), d * (3.0 * c * c - d * d));
        [
            nu(2, 0) + nu(0, 2),
            slim * slim + slant * slant,
            a * a + b * b,
            c * c + d * d,
            a * e + b * f,
            slim * (c * c - d * d) + 2.0 * slant * c * d,
            b * e - a * f,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::super::regions::add_row;
    use super::*;

    /// The orders of central moments.
    const ORDERS: [(usize, usize); 7] = [(2, 0), (1, 1), (0, 2), (3, 0), (2, 1), (1, 2), (0, 3)];

    /// The moments of what is 1 in a grid whose first pixel is at (x, y).
    fn moments(grid: &[&[u32]], (x, y): (u32, u32)) -> RegionMoments {
        let (mut regions, mut cubes) = ([Region::default(); 2], [Cubes::default(); 2]);
        for (row, y) in grid.iter().zip(y..) {
            let row: Vec<u32> =
                std::iter::repeat_n(0, x as usize).chain(row.iter().copied()).collect();
            add_row(&row, y, &mut regions);
            add_cubes(&row, y, &mut cubes);
        }
        RegionMoments::new(&regions[1], &cubes[1])
    }

    const HOOK: [&[u32]; 4] =
        [&[1, 0, 0, 0, 0, 0], &[1, 0, 0, 0, 1, 0], &[1, 1, 1, 1, 1, 1], &[0, 1, 0, 0, 0, 0]];

    #[track_caller]
    fn check(found: f64, expected: f64, share: f64) {
        assert!((found - expected).abs() <= share * expected.abs(), "{found} for {expected}");
    }

    #[test]
    fn moments_are_sums_over_pixels() {
        let found = moments(&HOOK, (5, 3));
        let places = HOOK.iter().zip(3u8..).flat_map(|(row, y)| {
            let inside = row.iter().zip(5u8..).filter(|&(&label, _)| label == 1);
            inside.map(move |(_, x)| (f64::from(x), f64::from(y)))
        });
        let places: Vec<(f64, f64)> = places.collect();
        let sum = |x: f64, y: f64, (p, q): (usize, usize)| {
            let power = |base: f64, exponent| (0..exponent).map(|_| base).product::<f64>();
            places.iter().map(|place| power(place.0 - x, p) * power(place.1 - y, q)).sum::<f64>()
        };
        let area = places.len() as f64;
        let (x, y) = (sum(0.0, 0.0, (1, 0)) / area, sum(0.0, 0.0, (0, 1)) / area);
        for (p, q) in ORDERS.into_iter().chain([(0, 0), (1, 0), (0, 1)]) {
            assert_eq!(found.raw(p, q), sum(0.0, 0.0, (p, q)));
        }
        for (p, q) in ORDERS {
            let expected = sum(x, y, (p, q));
            check(found.central(p, q), expected, 1e-13);
            check(found.normalized(p, q), expected / area.powf(1.0 + (p + q) as f64 / 2.0), 1e-12);
        }
    }

    #[test]
    fn large_coordinates_cost_no_digit() {
        let (near, far) = (moments(&HOOK, (0, 0)), moments(&HOOK, (60_000, u32::MAX - 9)));
        for (p, q) in ORDERS {
            assert_eq!(near.central(p, q).to_bits(), far.central(p, q).to_bits(), "{p} {q}");
        }
        assert_eq!(near.hu(), far.hu());
        // A row of 2³² pixels less one, the longest there may be.
        let mut widest = Cubes::default();
        widest.add_run(0, 0, u32::MAX);
        assert_eq!(widest.xxx, cubes_to(u64::from(u32::MAX) - 1));
    }

    #[test]
    fn turning_changes_no_moment_of_hu_and_a_mirror_the_sign_of_the_last() {
        let turned: Vec<Vec<u32>> =
            (0..6).map(|x| HOOK.iter().rev().map(|row| row[x]).collect()).collect();
        let turned: Vec<&[u32]> = turned.iter().map(Vec::as_slice).collect();
        let upside_down: Vec<&[u32]> = HOOK.into_iter().rev().collect();
        let (own, turned) = (moments(&HOOK, (2, 9)).hu(), moments(&turned, (40, 1)).hu());
        let mirrored = moments(&upside_down, (0, 0)).hu();
        for at in 0..7 {
            check(turned[at], own[at], 1e-11);
            check(mirrored[at], if at == 6 { -own[at] } else { own[at] }, 1e-11);
        }
        assert!(own[6].abs() > 1e-9, "{own:?}");
    }

    #[test]
    fn one_pixel_has_no_extent() {
        let one = moments(&[&[1]], (7, 9));
        assert!(ORDERS.iter().all(|&(p, q)| one.normalized(p, q) == 0.0));
        assert_eq!((one.raw(2, 1), one.hu()), (441.0, [0.0; 7]));
    }
}
