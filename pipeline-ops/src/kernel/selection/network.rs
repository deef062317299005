//! The comparisons that find the samples sought of a tile of windows.

use std::collections::BTreeMap;
use std::ops::Range;

/// A sample of the tile's surroundings, or one end of a comparison.
pub(super) type Value = u32;

/// Comparisons, one after the other. The values are the samples that the windows of the tile see,
/// row by row, and then of each comparison the lower value and the higher one.
#[derive(Debug)]
pub(super) struct Network {
    /// How many samples are seen.
    pub(super) samples: u32,
    pub(super) comparisons: Vec<[Value; 2]>,
    /// The samples sought, row by row.
    pub(super) found: Vec<Value>,
}

/// Rows and columns, in this order.
type Axes<T> = [T; 2];

/// Values in order.
type Sorted = Vec<Value>;

/// A rectangle of pixels of the tile, whose windows have this in common.
struct Part {
    first: Axes<usize>,
    len: Axes<usize>,
    /// What of the samples that all windows see may be the one sought.
    core: Sorted,
    /// How many samples that all windows see are known to come before it.
    before: usize,
    /// By axis and place along it: what lies beside those samples, as far as they reach across.
    beside: Axes<BTreeMap<usize, Sorted>>,
}

impl Network {
    /// For a tile of `side` by `side` windows of `size` by `size` samples, of which `below` come
    /// before the one sought.
    ///
    /// # Panics
    /// If the windows have no sample in common, or not so many.
    pub(super) fn new(size: usize, side: usize, below: usize) -> Self {
        assert!(side <= size && below < size * size, "windows that share the sample sought");
        let reach = size + side - 1;
        let mut maker = Maker { size, side, below, reach, comparisons: Vec::new(), found: vec![] };
        maker.found.resize(side * side, 0);
        let whole = maker.whole();
        maker.halve(&whole);
        let Maker { comparisons, found, .. } = maker;
        Self { samples: (reach * reach) as u32, comparisons, found }
    }
}

struct Maker {
    size: usize,
    side: usize,
    below: usize,
    /// Samples that the windows of the tile see along each axis.
    reach: usize,
    comparisons: Vec<[Value; 2]>,
    found: Vec<Value>,
}

impl Maker {
    /// The places along one axis that all windows see of pixels from `first` on.
    fn shared(&self, first: usize, len: usize) -> Range<usize> {
        first + len - 1..first + self.size
    }

    /// The sample at a place along `axis` and one across it.
    fn sample(&self, axis: usize, along: usize, across: usize) -> Value {
        let [row, column] = if axis == 0 { [along, across] } else { [across, along] };
        (row * self.reach + column) as Value
    }

    /// The whole tile.
    fn whole(&mut self) -> Part {
        let shared = self.shared(0, self.side);
        let mut beside = [0, 1].map(|axis| {
            let lines = (0..self.reach).map(|along| {
                let samples = shared.clone().map(|across| self.sample(axis, along, across));
                let samples: Vec<Value> = samples.collect();
                (along, self.sorted(&samples))
            });
            lines.collect::<BTreeMap<_, _>>()
        });
        // The rows that all windows see are put together; their columns are not needed then.
        let rows = shared.clone().filter_map(|row| beside[0].remove(&row)).collect();
        beside[1].retain(|column, _| !shared.contains(column));
        let sorted = self.merged_all(rows);
        let (core, before) = self.sought(sorted, 0, shared.len() * shared.len());
        Part { first: [0, 0], len: [self.side, self.side], core, before, beside }
    }

    /// Finds the sample sought of each pixel of a part, by halving it along its longer axis.
    fn halve(&mut self, part: &Part) {
        if part.len == [1, 1] {
            self.found[part.first[0] * self.side + part.first[1]] = part.core[0];
            return;
        }
        let axis = usize::from(part.len[1] >= part.len[0]);
        let half = part.len[axis] / 2;
        for (first, len) in [(part.first[axis], half), (part.first[axis] + half, half)] {
            let half = self.half(part, axis, (first, len));
            self.halve(&half);
        }
    }

    /// A half of a part along `axis`.
    fn half(&mut self, part: &Part, axis: usize, (first, len): (usize, usize)) -> Part {
        let across = 1 - axis;
        let known = self.shared(part.first[axis], part.len[axis]);
        let shared = self.shared(first, len);
        let added: Vec<usize> = shared.clone().filter(|along| !known.contains(along)).collect();

        let lines = added.iter().map(|along| part.beside[axis][along].clone()).collect();
        let lines = self.merged_all(lines);
        let merged = self.merged(&part.core, &lines);
        let breadth = self.shared(part.first[across], part.len[across]).len();
        let (core, before) = self.sought(merged, part.before, shared.len() * breadth);

        // What lies beside becomes longer by what is added.
        let mut beside = [BTreeMap::new(), BTreeMap::new()];
        beside[axis] = part.beside[axis].clone();
        if part.len[across] > 1 {
            for (&place, line) in &part.beside[across] {
                let more: Vec<Value> =
                    added.iter().map(|&along| self.sample(axis, along, place)).collect();
                let more = self.sorted(&more);
                beside[across].insert(place, self.merged(line, &more));
            }
        }
        let (mut firsts, mut lens) = (part.first, part.len);
        (firsts[axis], lens[axis]) = (first, len);
        Part { first: firsts, len: lens, core, before, beside }
    }

    /// What of `sorted` may be the sample sought when `seen` samples of the window were looked at,
    /// of which `before` come before all of these; and how many come before what is left.
    fn sought(&self, mut sorted: Sorted, before: usize, seen: usize) -> (Sorted, usize) {
        let unseen = self.size * self.size - seen;
        // One more unseen sample before it than there are, and it would not be the one sought.
        sorted.truncate(self.below + 1 - before);
        let too_low = self.below.saturating_sub(before + unseen);
        sorted.drain(..too_low);
        (sorted, before + too_low)
    }

    fn compared(&mut self, one: Value, other: Value) -> [Value; 2] {
        let low = (self.reach * self.reach + 2 * self.comparisons.len()) as Value;
        self.comparisons.push([one, other]);
        [low, low + 1]
    }

    fn sorted(&mut self, values: &[Value]) -> Sorted {
        if let [] | [_] = values {
            return values.to_vec();
        }
        let (one, other) = values.split_at(values.len() / 2);
        let (one, other) = (self.sorted(one), self.sorted(other));
        self.merged(&one, &other)
    }

    /// All of some lists as one, the shortest ones first.
    fn merged_all(&mut self, mut lists: Vec<Sorted>) -> Sorted {
        loop {
            lists.sort_by_key(|list| std::cmp::Reverse(list.len()));
            let Some(one) = lists.pop() else { return Sorted::new() };
            let Some(other) = lists.pop() else { return one };
            lists.push(self.merged(&one, &other));
        }
    }

    /// Two lists as one: those of their even places and those of their odd ones are merged, and
    /// neighbours are compared (Batcher 1968).
    fn merged(&mut self, one: &[Value], other: &[Value]) -> Sorted {
        match (one, other) {
            ([], list) | (list, []) => return list.to_vec(),
            (&[one], &[other]) => return self.compared(one, other).to_vec(),
            _ => {}
        }
        let every_second = |list: &[Value], first| -> Vec<Value> {
            list.iter().skip(first).step_by(2).copied().collect()
        };
        let even = self.merged(&every_second(one, 0), &every_second(other, 0));
        let odd = self.merged(&every_second(one, 1), &every_second(other, 1));
        let pairs = odd.len().min(even.len() - 1);
        let mut merged = vec![even[0]];
        for (&odd, &even) in odd.iter().zip(&even[1..]) {
            merged.extend(self.compared(odd, even));
        }
        merged.extend(&odd[pairs..]);
        merged.extend(&even[1 + pairs..]);
        merged
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_any_two_lengths_are_merged() {
        for (one, other) in (0..10).flat_map(|one| (0..10).map(move |other| (one, other))) {
            let reach = 5;
            let (size, side, below) = (5, 1, 0);
            let mut maker =
                Maker { size, side, below, reach, comparisons: Vec::new(), found: vec![] };
            let inputs: Vec<Value> = (0..one + other).collect();
            let (first, second) = inputs.split_at(one as usize);
            let merged = maker.merged(first, second);
            // Every pair of sorted lists of zeros and ones is as good as every pair of lists.
            for (ones, others) in (0..=one).flat_map(|a| (0..=other).map(move |b| (a, b))) {
                let mut values = vec![0; 25 + 2 * maker.comparisons.len()];
                values[(one - ones) as usize..one as usize].fill(1);
                values[(one + other - others) as usize..(one + other) as usize].fill(1);
                for (at, &[a, b]) in maker.comparisons.iter().enumerate() {
                    let (a, b) = (values[a as usize], values[b as usize]);
                    (values[25 + 2 * at], values[26 + 2 * at]) = (a.min(b), a.max(b));
                }
                let merged = merged.iter().map(|&at| values[at as usize]);
                assert!(merged.is_sorted(), "{ones} of {one}, {others} of {other}");
            }
        }
    }
}
