//! Rectangles of pixels.

use serde::{Deserialize, Serialize};

/// A rectangle of pixels; `x` and `y` are its first column and row.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// First column, in pixels.
    pub x: u32,
    /// First row, in pixels.
    pub y: u32,
    /// Columns, in pixels.
    pub width: u32,
    /// Rows, in pixels.
    pub height: u32,
}

impl Region {
    /// A region from its corner and size.
    #[must_use]
    pub const fn new(x: u32, y: u32, width: u32, height: u32) -> Self {
        Self { x, y, width, height }
    }

    /// The region of a whole image.
    #[must_use]
    pub const fn whole(width: u32, height: u32) -> Self {
        Self::new(0, 0, width, height)
    }

    /// The column after the last one. Wider than 32 bits, so it never overflows.
    #[must_use]
    pub fn right(&self) -> u64 {
        u64::from(self.x) + u64::from(self.width)
    }

    /// The row after the last one. Wider than 32 bits, so it never overflows.
    #[must_use]
    pub fn bottom(&self) -> u64 {
        u64::from(self.y) + u64::from(self.height)
    }

    /// Whether it has no pixels.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.width == 0 || self.height == 0
    }

    /// Whether every pixel of `other` lies within.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        other.x >= self.x
            && other.y >= self.y
            && other.right() <= self.right()
            && other.bottom() <= self.bottom()
    }

    /// The pixels that both have; empty where they do not meet.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let x = self.x.max(other.x);
        let y = self.y.max(other.y);
        let right = self.right().min(other.right());
        let bottom = self.bottom().min(other.bottom());
        Self::new(x, y, span(x, right), span(y, bottom))
    }

    /// This region with a halo of `x` columns and `y` rows on each side, cut off at `bounds`.
    #[must_use]
    pub fn grow(&self, x: u32, y: u32, bounds: &Self) -> Self {
        let left = self.x.saturating_sub(x);
        let top = self.y.saturating_sub(y);
        let right = self.right() + u64::from(x);
        let bottom = self.bottom() + u64::from(y);
        Self::new(left, top, span(left, right), span(top, bottom)).intersect(bounds)
    }

    /// The rows of this region in bands of at most `rows` rows, top to bottom.
    pub fn bands(self, rows: u32) -> impl Iterator<Item = Self> {
        let rows = rows.max(1);
        (0..self.height).step_by(rows as usize).map(move |start| {
            let height = rows.min(self.height - start);
            Self::new(self.x, self.y + start, self.width, height)
        })
    }
}

/// The length from `start` to `end`, at least 0 and at most `u32::MAX`.
fn span(start: u32, end: u64) -> u32 {
    u32::try_from(end.saturating_sub(u64::from(start))).unwrap_or(u32::MAX)
}

impl std::fmt::Display for Region {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}×{} at ({}, {})", self.width, self.height, self.x, self.y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grown_region_stays_within_its_bounds() {
        let bounds = Region::whole(10, 8);
        let tile = Region::new(0, 4, 5, 4);
        assert_eq!(tile.grow(2, 3, &bounds), Region::new(0, 1, 7, 7));
        assert_eq!(tile.grow(u32::MAX, u32::MAX, &bounds), bounds);
    }

    #[test]
    fn regions_that_do_not_meet_have_an_empty_intersection() {
        let far = Region::new(20, 20, 5, 5);
        assert!(Region::whole(10, 10).intersect(&far).is_empty());
    }

    #[test]
    fn bands_cover_every_row_once() {
        let bands: Vec<_> = Region::new(3, 10, 4, 7).bands(3).collect();
        let rows: Vec<_> = bands.iter().map(|band| (band.y, band.height)).collect();
        assert_eq!(rows, [(10, 3), (13, 3), (16, 1)]);
    }
}
