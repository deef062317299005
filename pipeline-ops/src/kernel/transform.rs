//! Maps of the plane: affine and projective, as 3 × 3 matrices.

use super::vector::widest;

/// A matrix in rows: `(x, y)` goes to `((a x + b y + c) / w, (d x + e y + f) / w)` with
/// `w = g x + h y + i`. Pixel centres lie at half integers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Transform([f64; 9]);

/// Places on the plane, next to each other as they are computed with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places<'a> {
    pub(crate) u: &'a [f64],
    pub(crate) v: &'a [f64],
}

impl<'a> Places<'a> {
    pub(super) fn iter(self) -> impl Iterator<Item = (f64, f64)> + use<'a> {
        self.u.iter().copied().zip(self.v.iter().copied())
    }

    pub(super) fn chunks(self, size: usize) -> impl Iterator<Item = Self> + use<'a> {
        self.u.chunks(size).zip(self.v.chunks(size)).map(|(u, v)| Self { u, v })
    }
}

/// Farther than any image reaches: what lies at infinity is put there.
pub(crate) const FAR: f64 = (1u64 << 45) as f64;

/// How small a denominator may be against its terms before it counts as none.
const VANISHING: f64 = 1e-9;

impl Transform {
    /// The affine map `(a x + b y + c, d x + e y + f)`.
    pub(crate) const fn affine([a, b, c, d, e, f]: [f64; 6]) -> Self {
        Self([a, b, c, d, e, f, 0.0, 0.0, 1.0])
    }

    /// The map from a rectangle of this size to a quadrilateral, corner by corner: top left, top
    /// right, bottom right, bottom left (Heckbert 1989). None if the corners do not make a convex
    /// quadrilateral.
    pub(crate) fn onto(corners: [[f64; 2]; 4], (width, height): (f64, f64)) -> Option<Self> {
        let edge = |from: usize| {
            let ([x, y], [to_x, to_y]) = (corners[from % 4], corners[(from + 1) % 4]);
            (to_x - x, to_y - y)
        };
        let turns: [f64; 4] = std::array::from_fn(|at| {
            let ((x, y), (next_x, next_y)) = (edge(at), edge(at + 1));
            x * next_y - y * next_x
        });
        if !(turns.iter().all(|&turn| turn > 0.0) || turns.iter().all(|&turn| turn < 0.0)) {
            return None;
        }
        let [[x0, y0], [x1, y1], [x2, y2], [x3, y3]] = corners;
        let (sum_x, sum_y) = (x0 - x1 + x2 - x3, y0 - y1 + y2 - y3);
        let (right_x, right_y, left_x, left_y) = (x1 - x2, y1 - y2, x3 - x2, y3 - y2);
        let whole = right_x * left_y - left_x * right_y;
        let g = (sum_x * left_y - left_x * sum_y) / whole;
        let h = (right_x * sum_y - sum_x * right_y) / whole;
        let (across, down) =
            ([x1 - x0 + g * x1, y1 - y0 + g * y1], [x3 - x0 + h * x3, y3 - y0 + h * y3]);
        let matrix = [
            across[0] / width,
            down[0] / height,
            x0,
            across[1] / width,
            down[1] / height,
            y0,
            g / width,
            h / height,
            1.0,
        ];
        matrix.iter().all(|entry| entry.is_finite()).then_some(Self(matrix))
    }

    /// The map back, if an affine map has one whose entries are at most `most`.
    pub(crate) fn inverse(&self, most: f64) -> Option<Self> {
        let [a, b, c, d, e, f, ..] = self.0;
        let whole = a * e - b * d;
        let linear = [e / whole, -b / whole, -d / whole, a / whole];
        let moved = [-(linear[0] * c + linear[1] * f), -(linear[2] * c + linear[3] * f)];
        let [p, q, r, s] = linear;
        let is_usable = linear.iter().all(|entry| entry.abs() <= most)
            && moved.iter().all(|entry| entry.abs() <= FAR);
        is_usable.then_some(Self::affine([p, q, moved[0], r, s, moved[1]]))
    }

    /// Where a point goes; what has no place is far away.
    #[inline(always)]
    pub(crate) fn place(&self, x: f64, y: f64) -> (f64, f64) {
        let [a, b, c, d, e, f, g, h, i] = self.0;
        // Terms of the row first, so that a row can compute them once.
        let (u, v) = (a * x + (b * y + c), d * x + (e * y + f));
        #[expect(clippy::manual_clamp, reason = "what is no number is to be far away, not kept")]
        let far = |place: f64| place.max(-FAR).min(FAR);
        if g == 0.0 && h == 0.0 && i == 1.0 {
            return (far(u), far(v));
        }
        let w = g * x + (h * y + i);
        (far(u / w), far(v / w))
    }

    /// Where the pixels of row `y` from `x` on have their centres.
    pub(crate) fn row(&self, x: u32, y: u32, us: &mut [f64], vs: &mut [f64]) {
        let y = f64::from(y) + 0.5;
        widest(
            #[inline(always)]
            || {
                for ((u, v), at) in us.iter_mut().zip(vs).zip(0u32..) {
                    (*u, *v) = self.place(f64::from(x) + f64::from(at) + 0.5, y);
                }
            },
        );
    }

    /// The corners of a box that holds the places of all points between two, the least and the
    /// greatest; none where the box has no bounds.
    pub(crate) fn bounds(
        &self,
        (left, top): (f64, f64),
        (right, bottom): (f64, f64),
    ) -> Option<[(f64, f64); 2]> {
        let [.., g, h, i] = self.0;
        let corners = [(left, top), (right, top), (right, bottom), (left, bottom)];
        // Between corners on one side of the horizon, straight lines stay straight.
        let sides = corners.map(|(x, y)| {
            let w = g * x + (h * y + i);
            let terms = (g * x).abs() + (h * y).abs() + i.abs();
            if w.abs() > VANISHING * terms { w.signum() } else { 0.0 }
        });
        if sides[0] == 0.0 || sides.iter().any(|&side| side != sides[0]) {
            return None;
        }
        let places = corners.map(|(x, y)| self.place(x, y));
        let [first, ..] = places;
        let least = places.iter().fold(first, |a, b| (a.0.min(b.0), a.1.min(b.1)));
        let most = places.iter().fold(first, |a, b| (a.0.max(b.0), a.1.max(b.1)));
        Some([least, most])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_and_its_inverse_undo_each_other() {
        let map = Transform::affine([2.0, 0.5, 7.0, -1.0, 3.0, -4.0]);
        let back = map.inverse(1e6).unwrap();
        let (x, y) = map.place(3.25, -8.5);
        let (x, y) = back.place(x, y);
        assert!((x - 3.25).abs() < 1e-12 && (y + 8.5).abs() < 1e-12, "{x} {y}");
        assert!(Transform::affine([1.0, 2.0, 0.0, 2.0, 4.0, 0.0]).inverse(1e6).is_none());
        assert!(Transform::affine([1e-9, 0.0, 0.0, 0.0, 1.0, 0.0]).inverse(1e6).is_none());
    }

    #[test]
    fn corners_go_to_corners() {
        let quad = [[10.0, 5.0], [40.0, 8.0], [35.0, 30.0], [12.0, 28.0]];
        let map = Transform::onto(quad, (20.0, 10.0)).unwrap();
        let corners = [(0.0, 0.0), (20.0, 0.0), (20.0, 10.0), (0.0, 10.0)];
        for (corner, [x, y]) in corners.into_iter().zip(quad) {
            let place = map.place(corner.0, corner.1);
            assert!((place.0 - x).abs() < 1e-9 && (place.1 - y).abs() < 1e-9, "{place:?}");
        }
        let crossed = [quad[0], quad[2], quad[1], quad[3]];
        assert!(Transform::onto(crossed, (20.0, 10.0)).is_none());
        assert!(Transform::onto([[1.0, 1.0]; 4], (20.0, 10.0)).is_none());
    }

    #[test]
    fn a_box_across_the_horizon_has_no_bounds() {
        let map = Transform([1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, -0.1, 1.0]);
        assert!(map.bounds((0.0, 0.0), (9.0, 9.0)).is_some());
        assert!(map.bounds((0.0, 0.0), (9.0, 11.0)).is_none());
        assert!(map.bounds((0.0, 0.0), (9.0, 10.0)).is_none());
        assert_eq!(map.place(4.0, 10.0), (FAR, FAR));
        assert_eq!(map.place(0.0, 10.0), (-FAR, FAR), "no number at all");
    }
}
