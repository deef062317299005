//! Exact Euclidean distances: down columns first, then along rows by the parabolas that are lowest.
//!
//! All of it is in integers. Of places equally near, the one in the leftmost column counts, and of
//! those in one column the upper one.

/// A distance where a column has no place at all. Sides of images are shorter.
pub(crate) const FAR: u32 = 1 << 30;

/// The longest side, in pixels: squares and products of three sides fit 64 bits.
pub(crate) const LONGEST: u32 = 1 << 20;

/// How far the nearest place in the column of a pixel is, and perhaps which it is.
pub(crate) trait Away: Copy + Send + Sync {
    /// No place in the column.
    const NOWHERE: Self;

    /// How far.
    fn distance(self) -> u32;

    /// The same place from so many rows further away.
    fn further(self, rows: u32) -> Self;

    /// The nearer of two; this one if they are equally near.
    fn or(self, other: Self) -> Self {
        if other.distance() < self.distance() { other } else { self }
    }
}

impl Away for u32 {
    const NOWHERE: Self = FAR;

    fn distance(self) -> u32 {
        self
    }

    fn further(self, rows: u32) -> Self {
        self + rows
    }
}

/// A distance and the label there.
impl Away for [u32; 2] {
    const NOWHERE: Self = [FAR, 0];

    fn distance(self) -> u32 {
        self[0]
    }

    fn further(self, rows: u32) -> Self {
        [self[0] + rows, self[1]]
    }
}

/// Sets each pixel of some rows to the nearest place in its column of these rows.
pub(crate) fn down_and_up<T: Away>(pixels: &mut [T], row_len: usize) {
    let from_beside = |beside: &[T], row: &mut [T]| {
        row.iter_mut().zip(beside).for_each(|(row, &beside)| *row = row.or(beside.further(1)));
    };
    let rows = pixels.len() / row_len;
    for below in 1..rows {
        let (above, rest) = pixels.split_at_mut(below * row_len);
        from_beside(&above[(below - 1) * row_len..], &mut rest[..row_len]);
    }
    for below in (1..rows).rev() {
        let (above, rest) = pixels.split_at_mut(below * row_len);
        from_beside(&rest[..row_len], &mut above[(below - 1) * row_len..]);
    }
}

/// The lowest parabolas of a row: which columns are nearest to which stretch of it.
#[derive(Debug, Default)]
pub(crate) struct Envelope {
    /// Column and squared distance within it.
    sites: Vec<(i64, i64)>,
}

impl Envelope {
    /// Gives the squared distance of each pixel of a row and the column of the nearest place to
    /// `each`, from the distances within the columns. Nothing is given if no column has a place.
    ///
    /// A column is dropped as soon as those beside it are nearer everywhere: Maurer, Qi and
    /// Raghavan (2003), who compare products instead of dividing.
    pub(crate) fn row(
        &mut self,
        columns: impl ExactSizeIterator<Item = u32>,
        mut each: impl FnMut(usize, u64, usize),
    ) {
        self.sites.clear();
        let len = columns.len() as i64;
        for (x, distance) in (0..).zip(columns).filter(|&(_, distance)| distance < FAR) {
            let site = (x, i64::from(distance) * i64::from(distance));
            while let [.., left, middle] = self.sites[..] {
                if !is_hidden(left, middle, site) {
                    break;
                }
                self.sites.pop();
            }
            self.sites.push(site);
        }
        let mut sites = self.sites.iter().copied();
        let Some(mut site) = sites.next() else { return };
        let mut after = sites.next();
        let squared = |(column, squared): (i64, i64), x: i64| (x - column) * (x - column) + squared;
        for x in 0..len {
            let mut distance = squared(site, x);
            while let Some(next) = after {
                let further = squared(next, x);
                if distance <= further {
                    break;
                }
                (site, distance, after) = (next, further, sites.next());
            }
            each(x as usize, distance as u64, site.0 as usize);
        }
    }
}

/// Whether `middle` is nowhere nearer than both others.
fn is_hidden(left: (i64, i64), middle: (i64, i64), right: (i64, i64)) -> bool {
    let (a, b) = (middle.0 - left.0, right.0 - middle.0);
    let c = a + b;
    c * middle.1 - b * left.1 - a * right.1 > a * b * c
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_of_every_pixel_is_found() {
        let columns = [FAR, 3, FAR, 0, 9, 9, 2, 2, FAR, 1, FAR, 5];
        let mut found = Vec::new();
        Envelope::default().row(columns.into_iter(), |x, squared, column| {
            assert_eq!(x, found.len());
            found.push((squared, column));
        });
        for (x, &found) in found.iter().enumerate() {
            let squared = |column: usize| {
                (column.abs_diff(x) as u64).pow(2) + u64::from(columns[column]).pow(2)
            };
            let near = (0..columns.len()).map(|column| (squared(column), column)).min();
            assert_eq!(Some(found), near, "pixel {x}");
        }
        assert_eq!(found.len(), columns.len());
    }

    #[test]
    fn without_a_place_nothing_is_given() {
        Envelope::default().row([FAR; 3].into_iter(), |_, _, _| unreachable!("no place is near"));
    }
}
