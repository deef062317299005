//! What fused steps make as a whole, and what they make of each other for one tile.

use super::course::Course;
use super::fused::Fused;
use super::group::Origin;
use crate::data::{Layout, Region};
use crate::error::{Error, Result};

/// How many times as many pixels as its image has a step may make before it is made as a whole,
/// while it is not known what it costs.
const TIMES: f64 = 1.35;

/// The same of a step that costs next to nothing, so that what is made again has a bound.
const MOST_TIMES: f64 = 3.0;

/// The same of one that costs much: the margin of a single pixel is never worth an image.
const LEAST_TIMES: f64 = 1.02;

/// Nanoseconds per byte that it takes to write an image to memory and to read it again.
const WRITTEN: f32 = 0.35;

/// Bytes of a tile of the widest pixels: a few of them stay in the second-level cache of a core.
const TILE: usize = 160 << 10;

/// Bytes of the largest region that a member makes for a tile, as long as tiles can be made
/// smaller.
const LARGEST: usize = 512 << 10;

/// The widest tile, in pixels.
const WIDEST: u32 = 512;

/// The longer side of the smallest tile, in pixels: in smaller ones every pixel costs too much.
const SMALLEST: u32 = 8;

/// One image that is made as a whole, and the members that are made tile by tile on the way.
#[derive(Clone)]
pub(super) struct Pass {
    /// In running order; the last one is made as a whole.
    pub(super) members: Vec<usize>,
    /// For each of them the number of the last one that reads it.
    pub(super) last_read: Vec<usize>,
    /// The size of a tile.
    pub(super) width: u32,
    pub(super) height: u32,
    /// How it is made band by band, if it is.
    pub(super) course: Option<Course>,
}

/// What a member does for one tile.
#[derive(Debug, Clone, Default)]
pub(super) struct Work {
    pub(super) made: Region,
    /// The region of each input that it reads.
    pub(super) needed: Vec<Region>,
}

impl Fused<'_> {
    /// What has to be made as a whole, in running order. The last member always is; another one is
    /// if that costs less than what tiles would make of it again and again.
    pub(super) fn passes(&self) -> Result<Vec<Pass>> {
        let mut is_whole = vec![false; self.units.len()];
        is_whole[self.last()] = true;
        // Every round but the last makes one member more.
        'round: loop {
            let (mut passes, mut is_made) = (Vec::new(), vec![false; self.units.len()]);
            for root in (0..self.units.len()).rev().filter(|&member| is_whole[member]) {
                let pass = self.pass(root, &is_whole)?;
                if let Some(member) = self.excess(&pass, &is_made)? {
                    is_whole[member] = true;
                    continue 'round;
                }
                pass.members.iter().for_each(|&member| is_made[member] = true);
                passes.push(pass);
            }
            passes.reverse();
            return Ok(passes);
        }
    }

    /// The pass that makes `root` as a whole.
    fn pass(&self, root: usize, is_whole: &[bool]) -> Result<Pass> {
        let mut is_in = vec![false; root + 1];
        is_in[root] = true;
        let mut widest = 0;
        for member in (0..=root).rev().filter(|&member| member == root || !is_whole[member]) {
            if is_in[member] {
                for &origin in &self.units[member].inputs {
                    if let Origin::Member(before) = origin {
                        is_in[before] |= !is_whole[before];
                    }
                }
                widest = widest.max(pixel_bytes(&self.layouts.makes[member]));
            }
        }
        let made = self.layouts.makes[root];
        let width = made.width.min(WIDEST);
        let rows = TILE / (width as usize * widest.max(1)).max(1);
        let height = u32::try_from(rows.max(1)).unwrap_or(u32::MAX).min(made.height);
        let members: Vec<usize> = (0..=root).filter(|&member| is_in[member]).collect();
        let mut last_read = vec![0; members.len()];
        for (at, &member) in members.iter().enumerate() {
            for &origin in &self.units[member].inputs {
                if let Origin::Member(before) = origin
                    && let Ok(before) = members.binary_search(&before)
                {
                    last_read[before] = at;
                }
            }
        }
        let mut pass = Pass { members, last_read, width, height, course: None };
        // A step that shrinks reads far more than it makes; then that decides.
        while self.largest(&pass)? > LARGEST && pass.width.max(pass.height) > SMALLEST {
            let side = if pass.width > pass.height { &mut pass.width } else { &mut pass.height };
            *side /= 2;
        }
        Ok(pass)
    }

    /// Bytes of the largest region that is made for a tile in the middle.
    fn largest(&self, pass: &Pass) -> Result<usize> {
        let work = self.regions(pass, self.middle(pass))?;
        let bytes = pass.members.iter().zip(&work).map(|(&member, work)| {
            let layout = &self.layouts.makes[member];
            samples_of(layout, work.made) * layout.sample.size()
        });
        Ok(bytes.max().unwrap_or(0))
    }

    /// A tile in the middle, where no edge cuts anything off.
    fn middle(&self, pass: &Pass) -> Region {
        let made = self.layouts.makes[pass.root()];
        let (x, y) = (made.width - pass.width, made.height - pass.height);
        Region::new(x / 2, y / 2, pass.width, pass.height)
    }

    /// The first member, from the result backwards, that tiles would make again too often.
    fn excess(&self, pass: &Pass, is_made: &[bool]) -> Result<Option<usize>> {
        let (root, tile) = (pass.root(), self.middle(pass));
        let work = self.regions(pass, tile)?;
        let tiles = area(self.layouts.makes[root].region()) / area(tile);
        for (at, (&member, work)) in pass.members.iter().zip(&work).enumerate().rev().skip(1) {
            let times = area(work.made) * tiles / area(self.layouts.makes[member].region());
            if is_made[member] || (times > LEAST_TIMES && times > self.most_times(pass, at)) {
                return Ok(Some(member));
            }
        }
        Ok(None)
    }

    /// How many times its image a member may make before it costs less to keep it in memory: to
    /// make a part of it again, and that of all it is made of, costs as much as to write and read
    /// it once.
    fn most_times(&self, pass: &Pass, at: usize) -> f64 {
        let member = pass.members[at];
        let mut is_needed = vec![false; member + 1];
        is_needed[member] = true;
        let mut nanos = Some(0.0);
        for &before in pass.members[..=at].iter().rev() {
            if !is_needed[before] {
                continue;
            }
            nanos = nanos.zip(self.units[before].nanos).map(|(sum, own)| sum + own);
            for &origin in &self.units[before].inputs {
                if let Origin::Member(input) = origin {
                    is_needed[input] = true;
                }
            }
        }
        let Some(nanos) = nanos else { return TIMES };
        let written = WRITTEN * bytes(&self.layouts.makes[member]);
        // From file to file nothing is made as a whole for the sake of time: memory would grow.
        let is_streamed = !self.sources.is_empty() || self.sink.is_some();
        (1.0 + f64::from(written / nanos))
            .clamp(if is_streamed { TIMES } else { LEAST_TIMES }, MOST_TIMES)
    }

    /// Whether tiles of this size make anything again too often.
    pub(super) fn is_excessive(&self, pass: &Pass) -> Result<bool> {
        let none = vec![false; self.units.len()];
        Ok(self.excess(pass, &none)?.is_some())
    }

    /// Tells what a pass reads of sources for one tile of the result.
    pub(super) fn sources_read(
        &self,
        pass: &Pass,
        tile: Region,
        mut tell: impl FnMut(usize, Region),
    ) -> Result<()> {
        for (&member, work) in pass.members.iter().zip(self.regions(pass, tile)?) {
            for (&origin, needed) in self.units[member].inputs.iter().zip(work.needed) {
                if let Origin::Source(source) = origin
                    && !needed.is_empty()
                {
                    tell(source, needed);
                }
            }
        }
        Ok(())
    }

    /// What each member of a pass makes and reads for one tile of the result.
    pub(super) fn regions(&self, pass: &Pass, tile: Region) -> Result<Vec<Work>> {
        let mut work: Vec<Work> = vec![Work::default(); pass.members.len()];
        work[pass.members.len() - 1].made = tile;
        for at in (0..pass.members.len()).rev() {
            let (member, made) = (pass.members[at], work[at].made);
            if made.is_empty() {
                continue;
            }
            let reads = &self.layouts.reads[member];
            for (input, &origin) in self.units[member].inputs.iter().enumerate() {
                let mut needed = Region::default();
                self.within(member, &mut || {
                    needed = self.units[member].tile().footprint(input, made, reads);
                    let bounds = reads[input].region();
                    if bounds.contains(&needed) {
                        return Ok(());
                    }
                    Err(Error::input("the footprint", needed, format!("a region within {bounds}")))
                })?;
                work[at].needed.push(needed);
                if let Origin::Member(before) = origin
                    && let Ok(before) = pass.members[..at].binary_search(&before)
                {
                    work[before].made = union(work[before].made, needed);
                }
            }
        }
        Ok(work)
    }
}

impl Pass {
    /// The member that is made as a whole.
    pub(super) fn root(&self) -> usize {
        self.members[self.members.len() - 1]
    }
}

/// The size of an image, as estimates are.
#[expect(clippy::cast_precision_loss, reason = "an estimate needs no more than 24 bits")]
pub(super) fn bytes(layout: &Layout) -> f32 {
    layout.size_bytes() as f32
}

fn pixel_bytes(layout: &Layout) -> usize {
    usize::from(layout.channels) * layout.sample.size()
}

pub(super) fn samples_of(layout: &Layout, region: Region) -> usize {
    region.width as usize * region.height as usize * usize::from(layout.channels)
}

fn area(region: Region) -> f64 {
    f64::from(region.width) * f64::from(region.height)
}

/// The smallest region that holds both.
fn union(a: Region, b: Region) -> Region {
    if a.is_empty() || b.is_empty() {
        return if a.is_empty() { b } else { a };
    }
    let (x, y) = (a.x.min(b.x), a.y.min(b.y));
    // Both lie within one image, whose sides fit in 32 bits.
    let side = |end: u64, start: u32| u32::try_from(end - u64::from(start)).unwrap_or(u32::MAX);
    Region::new(x, y, side(a.right().max(b.right()), x), side(a.bottom().max(b.bottom()), y))
}

pub(super) fn saturate(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
