//! What is behind the objects of an image, as a mean of what lies around each pixel and is none.
//!
//! The mean is taken twice over a square, of cells of a few pixels, and between the middles of
//! cells it is a line along each axis: it is smooth, so that nothing is lost by that.

use super::vector::widest;

/// The side of a cell, in pixels.
const CELL: usize = 4;

/// The sums of cells, in rows.
#[derive(Debug)]
struct Cells {
    sums: Vec<f64>,
    width: usize,
}

/// Levels of what is behind an image, one for each cell.
#[derive(Debug)]
pub(crate) struct Backdrop {
    levels: Vec<f32>,
    width: usize,
}

impl Backdrop {
    /// The backdrop of the samples at which `mask` is 0, in rows of `width`, by means over squares
    /// of about `window` pixels a side. Where a square has none of them, and around it neither, it
    /// is the mean of all of them; without any, that of all samples.
    pub(crate) fn new(samples: &[f32], mask: &[u8], width: usize, window: usize) -> Self {
        let row_len = width.div_ceil(CELL);
        let mut sums = Cells { sums: Vec::new(), width: row_len };
        let mut counts = Cells { sums: Vec::new(), width: row_len };
        let bands = samples.chunks(CELL * width).zip(mask.chunks(CELL * width));
        for (samples, mask) in bands {
            let from = sums.sums.len();
            sums.sums.resize(from + row_len, 0.0);
            counts.sums.resize(from + row_len, 0.0);
            let (sums, counts) = (&mut sums.sums[from..], &mut counts.sums[from..]);
            for (samples, mask) in samples.chunks(width).zip(mask.chunks(width)) {
                add_cells(samples, mask, sums, counts);
            }
        }
        let (sum, count): (f64, f64) = (sums.sums.iter().sum(), counts.sums.iter().sum());
        let all = || samples.iter().map(|&sample| f64::from(sample)).sum::<f64>();
        let mean = if count > 0.0 { sum / count } else { all() / samples.len() as f64 };
        let reach = window.div_ceil(2 * CELL);
        for _ in 0..2 {
            sums.spread(reach);
            counts.spread(reach);
        }
        let level = |(sum, &count): (&f64, &f64)| {
            // Counts are whole numbers, and so are their sums.
            if count < 0.5 { mean as f32 } else { (sum / count) as f32 }
        };
        let levels = sums.sums.iter().zip(&counts.sums).map(level).collect();
        Self { levels, width: row_len }
    }

    /// Takes the backdrop from row `y` of the image.
    pub(crate) fn take_from(&self, y: usize, row: &mut [f32]) {
        // From the middle of one cell to that of the next; beyond the outer ones it stays.
        let (below, part) = ((y + CELL / 2) / CELL, ((y + CELL / 2) % CELL) as f32 + 0.5);
        let part = part / CELL as f32;
        let rows = self.levels.len() / self.width;
        let cells = |y: usize| &self.levels[y.min(rows - 1) * self.width..][..self.width];
        let pairs = cells(below.saturating_sub(1)).iter().zip(cells(below));
        let inner = pairs.map(|(above, below)| above + (below - above) * part);
        let mut levels: Vec<f32> = std::iter::once(0.0).chain(inner).collect();
        levels[0] = levels[1];
        levels.push(levels[levels.len() - 1]);
        let mut line = vec![[0.0f32; CELL]; levels.len() - 1];
        widest(
            #[inline(always)]
            || {
                for (line, pair) in line.iter_mut().zip(levels.windows(2)) {
                    for (x, level) in line.iter_mut().enumerate() {
                        let part = (x as f32 + 0.5) / CELL as f32;
                        *level = pair[0] + (pair[1] - pair[0]) * part;
                    }
                }
                let line = &line.as_flattened()[CELL / 2..];
                row.iter_mut().zip(line).for_each(|(sample, level)| *sample -= level);
            },
        );
    }
}

/// Adds the samples of a row at which `mask` is 0 to the sums of their cells, and their numbers.
fn add_cells(samples: &[f32], mask: &[u8], sums: &mut [f64], counts: &mut [f64]) {
    let cells = samples.chunks(CELL).zip(mask.chunks(CELL));
    for ((samples, mask), (sum, count)) in cells.zip(sums.iter_mut().zip(counts)) {
        let (mut own, mut number) = (0.0, 0u8);
        for (&sample, &mask) in samples.iter().zip(mask) {
            own += if mask == 0 { sample } else { 0.0 };
            number += u8::from(mask == 0);
        }
        *sum += f64::from(own);
        *count += f64::from(number);
    }
}

impl Cells {
    /// Sets each sum to that of the cells around it, `reach` on each side, as far as there are any.
    fn spread(&mut self, reach: usize) {
        let rows = self.sums.len() / self.width;
        let mut down = Vec::with_capacity(self.sums.len());
        let mut running = vec![0.0; self.width];
        let row = |y: usize| &self.sums[y * self.width..][..self.width];
        let add = |running: &mut [f64], y: usize, sign: f64| {
            running.iter_mut().zip(row(y)).for_each(|(sum, &cell)| *sum += sign * cell);
        };
        (0..reach.min(rows)).for_each(|y| add(&mut running, y, 1.0));
        for y in 0..rows {
            if y + reach < rows {
                add(&mut running, y + reach, 1.0);
            }
            if y > reach {
                add(&mut running, y - reach - 1, -1.0);
            }
            down.extend_from_slice(&running);
        }
        let rows = self.sums.chunks_exact_mut(self.width).zip(down.chunks_exact(self.width));
        for (out, row) in rows {
            let mut sum: f64 = row.iter().take(reach).sum();
            for (x, out) in out.iter_mut().enumerate() {
                sum += row.get(x + reach).copied().unwrap_or(0.0);
                sum -= if x > reach { row[x - reach - 1] } else { 0.0 };
                *out = sum;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slope_is_what_is_behind_and_objects_stay() {
        let (width, height) = (101, 67);
        let slope = |at: usize| (at % width) as f32 * 0.5 - (at / width) as f32;
        let mask: Vec<u8> = (0..width * height).map(|at| u8::from(at % 13 == 5)).collect();
        let objects = mask.iter().map(|&mask| f32::from(mask) * 1000.0);
        let samples: Vec<f32> =
            objects.enumerate().map(|(at, object)| slope(at) + object).collect();
        let backdrop = Backdrop::new(&samples, &mask, width, 16);
        for y in 20..height - 20 {
            let mut row = samples[y * width..][..width].to_vec();
            backdrop.take_from(y, &mut row);
            for x in 20..width - 20 {
                let object = f32::from(mask[y * width + x]) * 1000.0;
                assert!((row[x] - object).abs() < 1.0, "at {x}, {y}: {}", row[x] - object);
            }
        }
    }

    #[test]
    fn where_nothing_is_behind_it_is_the_mean() {
        for (width, height) in [(1, 1), (3, 2), (5, 1), (2, 9), (6, 6)] {
            let samples: Vec<f32> = (0..width * height).map(|at| at as f32).collect();
            let mean = samples.iter().sum::<f32>() / samples.len() as f32;
            let backdrop = Backdrop::new(&samples, &vec![1; samples.len()], width, 8);
            for (y, row) in samples.chunks(width).enumerate() {
                let mut found = row.to_vec();
                backdrop.take_from(y, &mut found);
                assert!(
                    found.iter().zip(row).all(|(found, row)| (row - found - mean).abs() < 1e-4)
                );
            }
        }
    }
}
