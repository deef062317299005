//! The places of keys in the order of all keys of a block.

use std::ops::Range;

/// Numbers keys by their order, so that they can be counted though there are too many different
/// ones for a histogram.
#[derive(Debug)]
pub(crate) struct Order<K> {
    /// The keys in order, each with its place in the block.
    sorted: Vec<(K, u32)>,
    /// The number of each key of the block, row by row.
    numbers: Vec<u32>,
    width: usize,
}

impl<K: Copy + Ord> Order<K> {
    /// Of no keys.
    pub(crate) const fn new() -> Self {
        Self { sorted: Vec::new(), numbers: Vec::new(), width: 0 }
    }

    /// Numbers the keys of some columns of one channel. There are fewer than 2^32.
    pub(crate) fn number(
        &mut self,
        rows: &[&[K]],
        columns: Range<usize>,
        (channel, channels): (usize, usize),
    ) {
        self.width = columns.len();
        self.sorted.clear();
        for row in rows {
            let keys = row[columns.start * channels + channel..].iter().step_by(channels);
            let first = self.sorted.len();
            self.sorted
                .extend((first as u32..).zip(keys.take(columns.len())).map(|(at, &key)| (key, at)));
        }
        self.sorted.sort_unstable_by_key(|&(key, _)| key);
        self.numbers.clear();
        self.numbers.resize(self.sorted.len(), 0);
        for (number, &(_, at)) in (0..).zip(&self.sorted) {
            self.numbers[at as usize] = number;
        }
    }

    /// The rows of the block, with numbers for keys.
    pub(crate) fn rows(&self) -> Vec<&[u32]> {
        self.numbers.chunks_exact(self.width.max(1)).collect()
    }

    /// Bits of the numbers.
    pub(crate) fn bits(&self) -> u32 {
        usize::BITS - self.sorted.len().leading_zeros()
    }

    /// The key of a number.
    pub(crate) fn key(&self, number: usize) -> K {
        self.sorted[number].0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_order_as_keys_do() {
        let rows: [&[i32]; 2] = [&[9, 5, 0, -3, 0, 8, 9], &[9, 5, 1, 7, 2, -8, 9]];
        let mut order = Order::new();
        // The first of two channels, without the pixel at either end.
        order.number(&rows, 1..3, (0, 2));
        let numbers = order.rows();
        assert_eq!((numbers.len(), order.bits()), (2, 3));
        let keys = numbers.iter().flat_map(|row| row.iter().map(|&at| order.key(at as usize)));
        assert_eq!(keys.collect::<Vec<_>>(), [0, 0, 1, 2]);
        let mut all = numbers.concat();
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3]);
    }
}
