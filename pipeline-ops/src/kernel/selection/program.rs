//! A network as a program: where in memory each value is, and vectors that go through it.

use super::super::Rank;
use super::super::vector::widest;
use super::network::{Network, Value};

/// Windows, and which of their samples are sought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sought {
    /// Samples along each side of a window; at least 3.
    pub(crate) size: usize,
    /// How many samples of a window come before the one sought.
    pub(crate) below: usize,
}

impl Sought {
    /// Pixels along each side of a tile: of larger tiles the windows have too little in common.
    #[must_use]
    pub(crate) const fn side(self) -> usize {
        match self.size {
            ..5 => 2,
            5..15 => 4,
            _ => 8,
        }
    }
}

/// Bytes of a vector of values: as many as make the way through memory worth a comparison.
const BYTES: usize = 128;

/// Where a vector is, as many vectors into the memory.
type Slot = u32;

/// Finds the samples sought of tiles that lie side by side, one in each lane of a vector. A tile is
/// the windows of a square of pixels.
///
/// The memory holds one vector that is written and never read, then those in use, then the rows of
/// samples.
#[derive(Debug)]
pub(crate) struct Selection {
    sought: Sought,
    /// What is compared, and where the lower and the higher go. Places are in samples.
    steps: Vec<[u32; 4]>,
    /// Where the samples sought are, row by row.
    found: Vec<u32>,
    /// Where the rows of samples begin.
    rows: usize,
    /// Tiles that lie side by side.
    lanes: usize,
}

impl Selection {
    /// For samples of type `T`.
    pub(crate) fn new<T>(sought: Sought) -> Self {
        let lanes = BYTES / size_of::<T>();
        let network = Network::new(sought.size, sought.side(), sought.below);
        let placed = Placed::new(&network);
        let mut selection = Self {
            sought,
            steps: Vec::new(),
            found: Vec::new(),
            rows: placed.slots as usize * lanes,
            lanes,
        };
        selection.steps =
            placed.steps.iter().map(|step| step.map(|place| selection.offset(place))).collect();
        selection.found = placed.found.iter().map(|&place| selection.offset(place)).collect();
        selection
    }

    /// Tiles that lie side by side.
    #[must_use]
    pub(crate) const fn lanes(&self) -> usize {
        self.lanes
    }

    /// Rows that windows of a tile see.
    #[must_use]
    pub(crate) const fn reach(&self) -> usize {
        self.sought.size + self.sought.side() - 1
    }

    /// Samples of a row of which each is a tile's width away from the next one.
    #[must_use]
    pub(crate) const fn stride(&self) -> usize {
        self.lanes + self.reach().div_ceil(self.sought.side()) - 1
    }

    /// Samples of memory that [`find`](Self::find) needs.
    #[must_use]
    pub(crate) const fn memory(&self) -> usize {
        self.rows + self.reach() * self.sought.side() * self.stride()
    }

    /// Where in memory the samples go of which the first is at a column of a row that is seen, each
    /// a tile's width away from the one before.
    #[must_use]
    pub(crate) const fn at(&self, row: usize, column: usize) -> usize {
        self.rows + (row * self.sought.side() + column) * self.stride()
    }

    fn offset(&self, place: Place) -> u32 {
        let (side, reach) = (self.sought.side(), self.reach());
        let offset = match place {
            Place::Slot(slot) => slot as usize * self.lanes,
            Place::Sample(at) => {
                let (row, column) = (at as usize / reach, at as usize % reach);
                self.at(row, column % side) + column / side
            }
        };
        offset as u32
    }

    /// Finds the samples sought of `tiles` tiles, which are as many as there are
    /// [`lanes`](Self::lanes) at most.
    ///
    /// # Panics
    /// If the memory is smaller than [`memory`](Self::memory) says.
    pub(crate) fn find<T: Rank>(&self, tiles: usize, memory: &mut [T::Key]) {
        widest(
            #[inline(always)]
            || match size_of::<T>() {
                1 => self.of_lanes::<T, 128, 64>(tiles, memory),
                2 => self.of_lanes::<T, 64, 32>(tiles, memory),
                _ => self.of_lanes::<T, 32, 16>(tiles, memory),
            },
        );
    }

    #[inline(always)]
    fn of_lanes<T: Rank, const ALL: usize, const HALF: usize>(
        &self,
        tiles: usize,
        memory: &mut [T::Key],
    ) {
        if tiles > HALF {
            compare::<_, ALL>(&self.steps, memory);
        } else {
            compare::<_, HALF>(&self.steps, memory);
        }
    }

    /// The samples sought of the pixels at a place of each tile.
    #[must_use]
    pub(crate) fn found<'m, K>(&self, row: usize, column: usize, memory: &'m [K]) -> &'m [K] {
        let at = self.found[row * self.sought.side() + column] as usize;
        &memory[at..][..self.lanes]
    }
}

#[inline(always)]
fn compare<K: Copy + Ord + Default, const LANES: usize>(steps: &[[u32; 4]], memory: &mut [K]) {
    for &[one, other, low, high] in steps {
        let [one, other]: [&[K]; 2] = [one, other].map(
            #[inline(always)]
            |at| &memory[at as usize..][..LANES],
        );
        let (mut lows, mut highs) = ([K::default(); LANES], [K::default(); LANES]);
        for lane in 0..LANES {
            lows[lane] = one[lane].min(other[lane]);
            highs[lane] = one[lane].max(other[lane]);
        }
        memory[low as usize..][..LANES].copy_from_slice(&lows);
        memory[high as usize..][..LANES].copy_from_slice(&highs);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Of the samples that windows see, row by row.
    Sample(u32),
    Slot(Slot),
}

/// A network whose values have places, without the comparisons whose outcome nobody asks for.
struct Placed {
    steps: Vec<[Place; 4]>,
    found: Vec<Place>,
    slots: Slot,
}

/// Where goes what nobody asks for.
const NOWHERE: Place = Place::Slot(0);

impl Placed {
    fn new(network: &Network) -> Self {
        let first = network.samples as usize;
        let last_uses = last_uses(network);
        let mut places: Vec<Place> = (0..network.samples).map(Place::Sample).collect();
        places.resize(last_uses.len(), NOWHERE);
        let (mut slots, mut free) = (1, Vec::new());
        let mut steps = Vec::new();
        for (step, &[one, other]) in network.comparisons.iter().enumerate() {
            let ends = [first + 2 * step, first + 2 * step + 1];
            if ends.iter().all(|&end| last_uses[end].is_none()) {
                continue;
            }
            let compared = [one, other].map(|value| value as usize);
            for value in compared {
                if let Place::Slot(slot) = places[value]
                    && last_uses[value] == Some(step)
                {
                    free.push(slot);
                }
            }
            for end in ends.into_iter().filter(|&end| last_uses[end].is_some()) {
                let slot = free.pop().unwrap_or_else(|| {
                    slots += 1;
                    slots - 1
                });
                places[end] = Place::Slot(slot);
            }
            let [one, other] = compared.map(|value| places[value]);
            steps.push([one, other, places[ends[0]], places[ends[1]]]);
        }
        let found = network.found.iter().map(|&value| places[value as usize]).collect();
        Self { steps, found, slots }
    }
}

/// The last comparison that looks at each value, if one does whose outcome somebody asks for; those
/// sought are looked at after all of them.
fn last_uses(network: &Network) -> Vec<Option<usize>> {
    let first = network.samples as usize;
    let mut last_uses = vec![None; first + 2 * network.comparisons.len()];
    let at = |value: Value| value as usize;
    network.found.iter().for_each(|&value| last_uses[at(value)] = Some(usize::MAX));
    for (step, compared) in network.comparisons.iter().enumerate().rev() {
        let ends = [first + 2 * step, first + 2 * step + 1];
        if ends.iter().any(|&end| last_uses[end].is_some()) {
            for &value in compared {
                last_uses[at(value)].get_or_insert(step);
            }
        }
    }
    last_uses
}

#[cfg(test)]
mod tests {
    use super::super::super::rank::select_row;
    use super::*;

    fn check<T: Rank>(size: usize, below: usize, sample: impl Fn(u32) -> T) {
        let sought = Sought { size, below };
        let selection = Selection::new::<T>(sought);
        let (side, reach) = (sought.side(), selection.reach());
        let len = selection.stride() * side;
        let keys: Vec<T::Key> = (0..(reach * len) as u32)
            .map(|n| sample(n.wrapping_mul(2_654_435_761) >> 9).key())
            .collect();
        let rows: Vec<&[T::Key]> = keys.chunks(len).collect();
        let mut memory = vec![T::LAST.key(); selection.memory()];
        for (row, keys) in rows.iter().enumerate() {
            for column in 0..side {
                let keys = keys.iter().skip(column).step_by(side);
                let place = &mut memory[selection.at(row, column)..][..selection.stride()];
                place.iter_mut().zip(keys).for_each(|(place, &key)| *place = key);
            }
        }
        let mut expected = vec![T::FIRST; selection.lanes() * side];
        for tiles in [selection.lanes(), 3] {
            selection.find::<T>(tiles, &mut memory);
            for (row, rows) in rows.windows(size).enumerate() {
                let expected = &mut expected[..tiles * side];
                select_row(rows, 1, below, expected, &mut Vec::new());
                for column in 0..side {
                    let found = selection.found(row, column, &memory)[..tiles].iter();
                    let expected = expected.iter().skip(column).step_by(side);
                    let is_equal = found.zip(expected).all(|(&key, &sample)| key == sample.key());
                    assert!(is_equal, "size {size}, {below} below, row {row}, column {column}");
                }
            }
        }
    }

    #[test]
    fn networks_and_selection_agree_for_every_place_in_the_order() {
        for size in [3, 4, 5] {
            for below in 0..size * size {
                check(size, below, |n| n as u8);
                check(size, below, |n| (n % 2) as u16);
                check(size, below, |n| n as f32 - 4_000_000.0);
            }
        }
    }

    #[test]
    fn networks_and_selection_agree_for_large_windows() {
        for size in [7, 9, 14, 15, 17, 31] {
            let last = size * size - 1;
            for below in [0, last / 10, last / 2, last - 3, last] {
                check(size, below, |n| n as u8);
                check(size, below, |n| n as u16);
                check(size, below, |n| (n % 2) as f32);
            }
        }
    }
}
