//! Rows that are made once for all the windows that see them.

use std::array;

use pipeline_core::Result;

/// As many rows of working memory as a window sees: a row stays where it is until the window has
/// passed it, and the next one to come takes its place.
#[derive(Debug)]
pub(crate) struct LineBuffer<'m, S> {
    memory: &'m mut [S],
    row_len: usize,
    height: usize,
    /// The rows that have been filled so far, those that have made way included.
    filled: usize,
}

impl<'m, S> LineBuffer<'m, S> {
    /// As many rows of `row_len` as fill `memory`.
    pub(crate) fn new(memory: &'m mut [S], row_len: usize) -> Self {
        let height = memory.len() / row_len.max(1);
        Self { memory, row_len, height, filled: 0 }
    }

    /// Has `fill` make the rows before row `end` that are not there yet; it is given the number of
    /// a row, counted from the first one of all, and the samples to fill.
    pub(crate) fn fill_to(
        &mut self,
        end: usize,
        mut fill: impl FnMut(usize, &mut [S]) -> Result<()>,
    ) -> Result<()> {
        for row in self.filled..end {
            let start = self.start(row);
            fill(row, &mut self.memory[start..][..self.row_len])?;
        }
        self.filled = end.max(self.filled);
        Ok(())
    }

    /// A row that no window has passed; one that was not filled yet holds anything.
    pub(crate) fn row(&self, row: usize) -> &[S] {
        &self.memory[self.start(row)..][..self.row_len]
    }

    /// The rows from `top` on.
    pub(crate) fn window<const HEIGHT: usize>(&self, top: usize) -> [&[S]; HEIGHT] {
        array::from_fn(|at| self.row(top + at))
    }

    fn start(&self, row: usize) -> usize {
        row % self.height * self.row_len
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_made_once_and_stays_until_the_window_has_passed_it() {
        let (mut memory, mut made) = ([0; 6], Vec::new());
        let mut lines = LineBuffer::new(&mut memory, 2);
        for top in 0..5 {
            lines
                .fill_to(top + 3, |row, samples| {
                    made.push(row);
                    samples.fill(row);
                    Ok(())
                })
                .unwrap();
            assert_eq!(lines.window(top), [[top; 2], [top + 1; 2], [top + 2; 2]]);
        }
        assert_eq!(made, [0, 1, 2, 3, 4, 5, 6]);
    }
}
