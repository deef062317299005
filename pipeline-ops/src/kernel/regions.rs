//! What is summed of the pixels of each label: moments in exact integers, boxes, outlines.

/// The sums of one label.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Region {
    pub(crate) area: u64,
    /// The first and the last column and row.
    pub(crate) left: u32,
    pub(crate) right: u32,
    pub(crate) top: u32,
    pub(crate) bottom: u32,
    sum_x: u64,
    sum_y: u64,
    sum_xx: u128,
    sum_xy: u128,
    sum_yy: u128,
    /// Pixels of the outline that count as 1, as √2 and as the mean of both.
    straight: u64,
    slanted: u64,
    turning: u64,
}

impl Default for Region {
    fn default() -> Self {
        Self {
            area: 0,
            left: u32::MAX,
            right: 0,
            top: u32::MAX,
            bottom: 0,
            sum_x: 0,
            sum_y: 0,
            sum_xx: 0,
            sum_xy: 0,
            sum_yy: 0,
            straight: 0,
            slanted: 0,
            turning: 0,
        }
    }
}

impl Region {
    /// Adds the pixels of row `y` from `start` to before `end`.
    fn add_run(&mut self, y: u32, start: u32, end: u32) {
        self.left = self.left.min(start);
        self.right = self.right.max(end - 1);
        self.top = self.top.min(y);
        self.bottom = self.bottom.max(y);
        let (first, last) = (u64::from(start), u64::from(end) - 1);
        let count = u64::from(end - start);
        let sum_x = ((u128::from(first) + u128::from(last)) * u128::from(count) / 2) as u64;
        self.area += count;
        self.sum_x += sum_x;
        self.sum_y += u64::from(y) * count;
        self.sum_xx += squares_to(last) - first.checked_sub(1).map_or(0, squares_to);
        self.sum_xy += u128::from(sum_x) * u128::from(y);
        self.sum_yy += u128::from(y) * u128::from(y) * u128::from(count);
    }

    /// Adds the sums of other pixels of the same label.
    pub(crate) fn add(&mut self, other: &Self) {
        self.area += other.area;
        self.left = self.left.min(other.left);
        self.right = self.right.max(other.right);
        self.top = self.top.min(other.top);
        self.bottom = self.bottom.max(other.bottom);
        self.sum_x += other.sum_x;
        self.sum_y += other.sum_y;
        self.sum_xx += other.sum_xx;
        self.sum_xy += other.sum_xy;
        self.sum_yy += other.sum_yy;
        self.straight += other.straight;
        self.slanted += other.slanted;
        self.turning += other.turning;
    }

    /// The place whose coordinates are the means of the pixels' coordinates.
    pub(crate) fn centroid(&self) -> (f64, f64) {
        let area = self.area as f64;
        (self.sum_x as f64 / area, self.sum_y as f64 / area)
    }

    /// The central moments `Σ (x - x̄)²`, `Σ (x - x̄) (y - ȳ)`, `Σ (y - ȳ)²`.
    ///
    /// They are differences of large numbers and so taken in integers.
    pub(crate) fn central_moments(&self) -> (f64, f64, f64) {
        let (area, x, y) = (u128::from(self.area), self.sum_x, self.sum_y);
        let central = |sum: u128, one: u64, other: u64| {
            let (all, product) = (sum * area, u128::from(one) * u128::from(other));
            let difference = all.abs_diff(product) as f64 / self.area as f64;
            if all < product { -difference } else { difference }
        };
        (central(self.sum_xx, x, x), central(self.sum_xy, x, y), central(self.sum_yy, y, y))
    }

    /// The sums of orders 0 to 2, `Σ xᵖ yᵠ` at `[p][q]`.
    pub(super) fn sums(&self) -> [[u128; 4]; 4] {
        let (area, x, y) = (self.area.into(), self.sum_x.into(), self.sum_y.into());
        [[area, y, self.sum_yy, 0], [x, self.sum_xy, 0, 0], [self.sum_xx, 0, 0, 0], [0; 4]]
    }

    /// The length of the outline through the middles of its pixels.
    pub(crate) fn perimeter(&self) -> f64 {
        let root = std::f64::consts::SQRT_2;
        let turning = self.turning as f64 * (1.0 + root) / 2.0;
        self.straight as f64 + self.slanted as f64 * root + turning
    }
}

/// `0² + 1² + … + last²`.
pub(super) fn squares_to(last: u64) -> u128 {
    let last = u128::from(last);
    last * (last + 1) * (2 * last + 1) / 6
}

/// The label of each run of pixels of a row that belong to one, its first column and the one after
/// it.
pub(super) fn runs(labels: &[u32]) -> impl Iterator<Item = (usize, u32, u32)> {
    let mut end = 0;
    let placed = labels.chunk_by(|a, b| a == b).map(move |run| {
        let start = end;
        end += run.len() as u32;
        (run[0] as usize, start, end)
    });
    placed.filter(|&(label, ..)| label != 0)
}

/// Adds the pixels of row `y` to the regions of their labels, of which number 0 stays empty.
pub(crate) fn add_row(labels: &[u32], y: u32, regions: &mut [Region]) {
    runs(labels).for_each(|(label, start, end)| regions[label].add_run(y, start, end));
}

/// Sets where a row is the outline of a label: a neighbour of four, or none, is of another.
pub(crate) fn outline(above: Option<&[u32]>, row: &[u32], below: Option<&[u32]>, out: &mut [bool]) {
    for (x, out) in out.iter_mut().enumerate() {
        let label = Some(&row[x]);
        let beside = x.checked_sub(1).map(|left| &row[left]);
        let is_inside = beside == label
            && row.get(x + 1) == label
            && above.map(|above| &above[x]) == label
            && below.map(|below| &below[x]) == label;
        *out = row[x] != 0 && !is_inside;
    }
}

/// Adds the outline of the middle of three rows to the regions; rows beyond the image are empty.
///
/// Each pixel of the outline counts by how many others of it are beside it and at its corners:
/// Benkrid and Crookes (2000).
pub(crate) fn add_outline(labels: [&[u32]; 3], outlines: [&[bool]; 3], regions: &mut [Region]) {
    for x in (0..labels[1].len()).filter(|&x| outlines[1][x]) {
        let label = labels[1][x];
        let is_same = |row: usize, x: Option<usize>| {
            let seen = x.and_then(|x| Some((*labels[row].get(x)?, *outlines[row].get(x)?)));
            usize::from(seen == Some((label, true)))
        };
        let (left, here, right) = (x.checked_sub(1), Some(x), Some(x + 1));
        let beside = is_same(0, here) + is_same(1, left) + is_same(1, right) + is_same(2, here);
        let corners = is_same(0, left) + is_same(0, right) + is_same(2, left) + is_same(2, right);
        let region = &mut regions[label as usize];
        match (beside, corners) {
            (2 | 3, 0..=2) => region.straight += 1,
            (0, 2) | (1, 3) => region.slanted += 1,
            (1, 1 | 2) => region.turning += 1,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_sum_as_their_pixels_do() {
        let mut run = Region::default();
        run.add_run(3, 5, 9);
        let mut pixels = Region::default();
        (5..8).for_each(|x| pixels.add_run(3, x, x + 1));
        let mut last = Region::default();
        last.add_run(3, 8, 9);
        pixels.add(&last);
        let sums = |region: Region| {
            let Region { area, sum_x, sum_y, sum_xx, sum_xy, sum_yy, .. } = region;
            (area, sum_x, sum_y, sum_xx, sum_xy, sum_yy)
        };
        assert_eq!(sums(run), sums(pixels));
        assert_eq!(run.centroid(), (6.5, 3.0));
        assert_eq!(run.central_moments(), (5.0, 0.0, 0.0));
        assert_eq!((pixels.left, pixels.right, pixels.top, pixels.bottom), (5, 8, 3, 3));
    }
}
