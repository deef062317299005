//! The rims of objects: where they are bright, and how halos are peeled off them.

use pipeline_core::Result;

use super::basins::neighbours;
use crate::memory::push;

/// What has no room where there are too many.
const RIMS: &str = "the rims of objects";

/// The pixels of objects that have another label beside them, in rows of `width`.
///
/// # Errors
/// [`Error::TooLarge`](pipeline_core::Error::TooLarge) if there is no memory for them.
pub(crate) fn rims(labels: &[u32], width: usize) -> Result<Vec<u32>> {
    let mut rims = Vec::new();
    for (y, row) in labels.chunks_exact(width).enumerate() {
        let beside =
            |y: Option<usize>| y.and_then(|y| labels.get(y * width..)?.get(..width)).unwrap_or(row);
        let (above, below) = (beside(y.checked_sub(1)), beside(Some(y + 1)));
        for (x, &label) in row.iter().enumerate() {
            let (left, right) = (row[x.saturating_sub(1)], row[(x + 1).min(width - 1)]);
            let differs =
                (label ^ above[x]) | (label ^ below[x]) | (label ^ left) | (label ^ right);
            if label != 0 && differs != 0 {
                push(&mut rims, (y * width + x) as u32, RIMS)?;
            }
        }
    }
    Ok(rims)
}

/// For each label up to `count` how many of its rim lie at label 0, and how many of those are
/// within a pixel of one that is higher than `level`.
pub(crate) fn bright_rims(
    (labels, count): (&[u32], u32),
    rims: &[u32],
    (heights, width): (&[u16], usize),
    level: u16,
) -> Vec<[u64; 2]> {
    let mut found = vec![[0, 0]; count as usize + 1];
    for &at in rims {
        let at = at as usize;
        let mut around = neighbours(at, width, labels.len()).into_iter().flatten();
        if around.any(|near| labels[near] == 0) {
            let x = at % width;
            let columns = x.saturating_sub(1)..(x + 2).min(width);
            let row = at - x;
            let rows = [row.checked_sub(width), Some(row), Some(row + width)];
            let rows = rows.into_iter().flatten().filter_map(|row| heights.get(row..));
            let is_bright = rows.into_iter().any(|row| {
                row.get(columns.clone()).is_some_and(|near| near.iter().any(|&near| near > level))
            });
            let [all, bright] = &mut found[labels[at] as usize];
            *all += 1;
            *bright += u64::from(is_bright);
        }
    }
    found
}

/// Takes what is higher than `level` off the rims of objects, `depth` pixels deep.
///
/// # Errors
/// [`Error::TooLarge`](pipeline_core::Error::TooLarge) if there is no memory for the pixels.
pub(crate) fn peel(
    labels: &mut [u32],
    rims: &[u32],
    (heights, width): (&[u16], usize),
    level: u16,
    depth: u32,
) -> Result<()> {
    let is_high = |at: usize| heights[at] > level;
    let mut peeled: Vec<u32> = Vec::new();
    for &at in rims.iter().filter(|&&at| is_high(at as usize)) {
        push(&mut peeled, at, RIMS)?;
    }
    for layer in 0..depth {
        peeled.iter().for_each(|&at| labels[at as usize] = 0);
        if layer + 1 == depth {
            break;
        }
        // Those that lay at a rim are gone, so only what was beside them lies at one now.
        let mut next = Vec::new();
        for &at in &peeled {
            for near in neighbours(at as usize, width, labels.len()).into_iter().flatten() {
                if labels[near] != 0 && is_high(near) {
                    push(&mut next, near as u32, RIMS)?;
                }
            }
        }
        peeled = next;
    }
    Ok(())
}

/// The first and the last column and row of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) left: usize,
    pub(crate) right: usize,
    pub(crate) top: usize,
    pub(crate) bottom: usize,
}

impl Bounds {
    /// Those of nothing.
    pub(crate) const NONE: Self = Self { left: usize::MAX, right: 0, top: usize::MAX, bottom: 0 };

    /// Adds pixels of row `y` from column `left` to column `right`.
    pub(crate) fn add(&mut self, y: usize, left: usize, right: usize) {
        self.left = self.left.min(left);
        self.right = self.right.max(right);
        self.top = self.top.min(y);
        self.bottom = self.bottom.max(y);
    }

    /// Width and height; none of nothing.
    pub(crate) fn size(self) -> Option<(usize, usize)> {
        Some(((self.right + 1).checked_sub(self.left)?, (self.bottom + 1).checked_sub(self.top)?))
    }
}

/// The bounds of each label from 1 to `count`, in rows of `width`; those of nothing of 0.
pub(crate) fn bounds(labels: &[u32], width: usize, count: u32) -> Vec<Bounds> {
    let mut found = vec![Bounds::NONE; count as usize + 1];
    for (y, row) in labels.chunks_exact(width).enumerate() {
        let mut left = 0;
        for run in row.chunk_by(|a, b| a == b) {
            if run[0] != 0 {
                found[run[0] as usize].add(y, left, left + run.len() - 1);
            }
            left += run.len();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 6;

    const LABELS: [u32; 24] =
        [0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 0, 1, 1, 1, 2, 2, 0, 1, 1, 1, 2, 2, 0];

    #[test]
    fn rims_lie_at_other_labels_and_not_at_the_edge_of_the_image() {
        let found = rims(&LABELS, WIDTH).unwrap();
        assert_eq!(found, [6, 7, 8, 9, 10, 14, 15, 16, 20, 21, 22]);
        let mut heights = [0; 24];
        heights[12] = 9;
        heights[17] = 9;
        let bright = bright_rims((&LABELS, 2), &found, (&heights, WIDTH), 5);
        assert_eq!(bright, [[0, 0], [3, 2], [4, 3]]);
    }

    #[test]
    fn halos_are_peeled_off_in_layers() {
        let found = rims(&LABELS, WIDTH).unwrap();
        let (mut labels, heights) = (LABELS, [9; 24]);
        peel(&mut labels, &found, (&heights, WIDTH), 8, 1).unwrap();
        assert_eq!(labels[12..], [1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0]);
        let mut labels = LABELS;
        peel(&mut labels, &found, (&heights, WIDTH), 8, 2).unwrap();
        assert_eq!(labels[12..], [0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
        peel(&mut labels, &found, (&heights, WIDTH), 9, 2).unwrap();
        assert_eq!(labels[18], 1);
    }

    #[test]
    fn bounds_are_the_first_and_last_rows_and_columns() {
        let found = bounds(&LABELS, WIDTH, 3);
        assert_eq!(found[1], Bounds { left: 0, right: 2, top: 1, bottom: 3 });
        assert_eq!((found[2].size(), found[3].size()), (Some((2, 3)), None));
    }
}
