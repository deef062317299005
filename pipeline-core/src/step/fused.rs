//! Tile-wise steps that run as one: no image between them is made as a whole.
//!
//! The result is made tile by tile. For each tile the footprints are followed from the last step
//! back to the inputs, which says what every step has to make of its own image; then the steps run
//! in order, on regions that are small enough to stay in the cache of one core. A step that several
//! others read runs once per tile, on all that they need together.
//!
//! A neighbourhood needs more than it makes, so neighbouring tiles make its margin twice. Where a
//! step would make much more than its image that way, it is made as a whole first: `passes`
//! decides that, from the layouts alone, so that it depends neither on threads nor on time.
//! Not one bit of the result depends on it in any case, which is the contract of [`Tile`].

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::context::Context;
use super::erased::AnyStep;
use super::tile::{Tile, keeps_profile};
use crate::data::{
    Buffer, DataType, Image, Layout, Mask, Raster, Region, Value, View, ViewMut, leftovers,
};
use crate::error::{Error, Result};

/// Steps that run as one, as a structure: in running order, the last one makes the result.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) members: Vec<Member>,
    /// The type of the result: an image or a mask.
    pub(crate) output: DataType,
}

/// One of the steps.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    /// Its place in the plan.
    pub(crate) place: u32,
    /// What it reads, in the order of its ports.
    pub(crate) inputs: Vec<Source>,
}

/// Where an input comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The input of this number of the group.
    Input(usize),
    /// The member of this number.
    Member(usize),
}

/// Runs code of the member of that number, which may fail or panic, and says whose fault it was.
pub(crate) type Within<'a> =
    dyn Fn(usize, &mut dyn FnMut() -> Result<()>) -> Result<()> + Sync + 'a;

/// How many times as many pixels as its image has a step may make before it is made as a whole.
const AGAIN: f64 = 1.35;

/// Bytes of a tile of the widest pixels: a few of them stay in the second-level cache of a core.
const TILE: usize = 160 << 10;

/// Bytes of the largest region that a member makes for a tile, as long as tiles can be made smaller.
const LARGEST: usize = 512 << 10;

/// The widest tile, in pixels.
const WIDEST: u32 = 512;

/// The longer side of the smallest tile, in pixels: in smaller ones every pixel costs too much.
const SMALLEST: u32 = 8;

/// A group that is about to run, on inputs of known layouts.
pub(crate) struct Fused<'a> {
    group: &'a Group,
    /// The tile-wise form of each member.
    tiles: Vec<&'a dyn Tile>,
    /// Whatever a member does, it does within this.
    within: &'a Within<'a>,
    layouts: Layouts,
    /// What is made as a whole, in running order.
    passes: Vec<Pass>,
}

/// One image that is made as a whole, and the members that are made tile by tile on the way.
struct Pass {
    /// In running order; the last one is made as a whole.
    members: Vec<usize>,
    /// For each of them the number of the last one that reads it.
    last_read: Vec<usize>,
    /// The size of a tile.
    width: u32,
    height: u32,
}

/// What members read and make.
#[derive(Default)]
struct Layouts {
    /// The layouts of what each member reads.
    reads: Vec<Vec<Layout>>,
    /// The layout of what each member makes.
    makes: Vec<Layout>,
}

impl Group {
    /// Bytes of the result, and the most bytes of whole images that the group makes and has at once;
    /// `None` if the steps do not say.
    pub(crate) fn bytes(
        &self,
        steps: &[Option<Arc<dyn AnyStep>>],
        inputs: &[Layout],
    ) -> Option<(u64, u64)> {
        let within: &Within<'_> = &|_, body| body();
        let bytes = || Fused::new(self, steps, inputs, within).ok().map(|fused| fused.bytes());
        catch_unwind(AssertUnwindSafe(bytes)).ok()?
    }
}

impl<'a> Fused<'a> {
    /// Decides how to run a group of the steps of a plan.
    ///
    /// # Errors
    /// If a step cannot work on what it is given.
    pub(crate) fn new(
        group: &'a Group,
        steps: &'a [Option<Arc<dyn AnyStep>>],
        inputs: &[Layout],
        within: &'a Within<'a>,
    ) -> Result<Self> {
        let step = |member: &Member| steps[member.place as usize].as_ref()?.tile();
        let tiles: Option<Vec<&dyn Tile>> = group.members.iter().map(step).collect();
        let tiles = tiles.ok_or_else(|| Error::failed("a step lost its tile-wise form"))?;
        let (layouts, passes) = (Layouts::default(), Vec::new());
        let mut fused = Self { group, tiles, within, layouts, passes };
        fused.layouts = fused.layouts(inputs)?;
        fused.passes = fused.passes()?;
        Ok(fused)
    }

    /// Bytes of the result, and the most bytes of whole images that there are at once.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        let size = |member: usize| self.layouts.makes[member].size_bytes();
        let (mut live, mut most) = (Vec::new(), 0);
        for (at, pass) in self.passes.iter().enumerate() {
            live.push(pass.root());
            most = most.max(live.iter().map(|&member| size(member)).sum());
            live.retain(|&member| self.is_read_after(at, member));
        }
        (size(self.last()), most)
    }

    /// Makes the result.
    ///
    /// # Errors
    /// That of the first member that fails, and [`Error::Cancelled`].
    pub(crate) fn run(&self, inputs: &[Value], ctx: &Context<'_>) -> Result<Value> {
        let views: Vec<View<'_>> = inputs.iter().filter_map(Value::view).collect();
        let mut whole: Vec<Option<Buffer>> = vec![None; self.tiles.len()];
        for (at, pass) in self.passes.iter().enumerate() {
            let made = self.make(pass, &Sources { inputs: &views, whole: &whole }, ctx)?;
            whole[pass.root()] = Some(made);
            for (member, buffer) in whole.iter_mut().enumerate() {
                if !self.is_read_after(at, member) {
                    *buffer = None;
                }
            }
        }
        let buffer = whole.pop().flatten().expect("the last pass makes the last member");
        let layout = self.layouts.makes[self.last()];
        if self.group.output == DataType::of::<Mask>() {
            return Mask::assemble(layout, buffer, None).map(Value::new);
        }
        Image::assemble(layout, buffer, self.profile(inputs)).map(Value::new)
    }

    /// Whether a later pass than this one reads what a member makes as a whole. The result is read
    /// by others.
    fn is_read_after(&self, pass: usize, member: usize) -> bool {
        let later = self.passes[pass + 1..].iter().flat_map(|pass| &pass.members);
        let mut sources = later.flat_map(|&member| &self.group.members[member].inputs);
        member == self.last() || sources.any(|&source| source == Source::Member(member))
    }

    fn last(&self) -> usize {
        self.tiles.len() - 1
    }

    fn layouts(&self, inputs: &[Layout]) -> Result<Layouts> {
        let (mut reads, mut makes) = (Vec::new(), Vec::<Layout>::new());
        for (at, member) in self.group.members.iter().enumerate() {
            let read = |source: &Source| match *source {
                Source::Input(number) => inputs[number],
                Source::Member(number) => makes[number],
            };
            let read: Vec<Layout> = member.inputs.iter().map(read).collect();
            let mut made = None;
            (self.within)(at, &mut || {
                let layout = self.tiles[at].layout(&read)?;
                layout.sample_count()?;
                made = Some(layout);
                Ok(())
            })?;
            makes.extend(made);
            reads.push(read);
        }
        Ok(Layouts { reads, makes })
    }

    /// The ICC profile that reaches the result: each step keeps that of its first input.
    fn profile(&self, inputs: &[Value]) -> Option<Arc<[u8]>> {
        let mut member = self.last();
        loop {
            let from = self.layouts.reads[member].first()?;
            if !keeps_profile(from, &self.layouts.makes[member]) {
                return None;
            }
            match self.group.members[member].inputs.first()? {
                Source::Member(before) => member = *before,
                Source::Input(number) => {
                    return inputs[*number].downcast_ref::<Image>()?.icc().cloned();
                }
            }
        }
    }

    /// What has to be made as a whole, in running order. The last member always is; another one is
    /// if tiles would make it again and again.
    fn passes(&self) -> Result<Vec<Pass>> {
        let mut is_whole = vec![false; self.tiles.len()];
        is_whole[self.last()] = true;
        // Every round but the last makes one member more.
        'round: loop {
            let (mut passes, mut is_made) = (Vec::new(), vec![false; self.tiles.len()]);
            for root in (0..self.tiles.len()).rev().filter(|&member| is_whole[member]) {
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
                for &source in &self.group.members[member].inputs {
                    if let Source::Member(before) = source {
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
            for &source in &self.group.members[member].inputs {
                if let Source::Member(before) = source
                    && let Ok(before) = members.binary_search(&before)
                {
                    last_read[before] = at;
                }
            }
        }
        let mut pass = Pass { members, last_read, width, height };
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
        for (&member, work) in pass.members.iter().zip(&work).rev() {
            let again = area(work.made) * tiles / area(self.layouts.makes[member].region());
            if member != root && (again > AGAIN || is_made[member]) {
                return Ok(Some(member));
            }
        }
        Ok(None)
    }

    /// What each member of a pass makes and reads for one tile of the result.
    fn regions(&self, pass: &Pass, tile: Region) -> Result<Vec<Work>> {
        let mut work: Vec<Work> = vec![Work::default(); pass.members.len()];
        work[pass.members.len() - 1].made = tile;
        for at in (0..pass.members.len()).rev() {
            let (member, made) = (pass.members[at], work[at].made);
            if made.is_empty() {
                continue;
            }
            let reads = &self.layouts.reads[member];
            for (input, &source) in self.group.members[member].inputs.iter().enumerate() {
                let mut needed = Region::default();
                (self.within)(member, &mut || {
                    needed = self.tiles[member].footprint(input, made, reads);
                    let bounds = reads[input].region();
                    if bounds.contains(&needed) {
                        return Ok(());
                    }
                    Err(Error::input("the footprint", needed, format!("a region within {bounds}")))
                })?;
                work[at].needed.push(needed);
                if let Source::Member(before) = source
                    && let Ok(before) = pass.members[..at].binary_search(&before)
                {
                    work[before].made = union(work[before].made, needed);
                }
            }
        }
        Ok(work)
    }

    /// Makes the last member of a pass as a whole.
    fn make(&self, pass: &Pass, sources: &Sources<'_>, ctx: &Context<'_>) -> Result<Buffer> {
        let root = pass.root();
        let layout = self.layouts.makes[root];
        crate::dispatch!(layout.sample, T => {
            let mut out = Vec::new();
            (self.within)(root, &mut || {
                out = leftovers::<T>(layout.sample_count()?, || format!("an image of {layout}"))?;
                Ok(())
            })?;
            let (row_len, channels) = (layout.row_len(), usize::from(layout.channels));
            ctx.fill_rows(&mut out, row_len, pass.height as usize, |first, band| {
                let (y, height) = (saturate(first), saturate(band.len() / row_len));
                for x in (0..layout.width).step_by(pass.width as usize) {
                    ctx.check()?;
                    let tile = Region::new(x, y, pass.width.min(layout.width - x), height);
                    let samples = &mut band[x as usize * channels..];
                    let mut out = ViewMut::strided(layout, tile, row_len, samples);
                    self.tile(pass, tile, sources, &mut out, ctx)?;
                }
                Ok(())
            })?;
            Ok(out.into())
        })
    }

    /// Makes one tile of the last member of a pass.
    fn tile(
        &self,
        pass: &Pass,
        tile: Region,
        sources: &Sources<'_>,
        out: &mut ViewMut<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let work = self.regions(pass, tile)?;
        let mut made: Vec<Option<Vec<u64>>> = vec![None; pass.members.len()];
        for (at, &member) in pass.members.iter().enumerate() {
            let is_last = at == pass.members.len() - 1;
            if work[at].made.is_empty() {
                continue;
            }
            let layout = self.layouts.makes[member];
            let mut memory = Vec::new();
            if !is_last {
                let bytes = samples_of(&layout, work[at].made) * layout.sample.size();
                let words = bytes.div_ceil(size_of::<u64>());
                memory = ctx.scratch(|scratch| scratch.take(words))?;
            }
            let reads = self.group.members[member].inputs.iter().zip(&work[at].needed);
            let views: Vec<View<'_>> = reads
                .map(|(&source, &needed)| match source {
                    Source::Input(number) => sources.inputs[number].crop(needed),
                    Source::Member(before) => match pass.members[..at].binary_search(&before) {
                        Ok(place) => {
                            let memory = made[place].as_deref().unwrap_or_default();
                            packed(self.layouts.makes[before], work[place].made, memory)
                                .crop(needed)
                        }
                        Err(_) => {
                            let buffer = sources.whole[before].as_ref();
                            let buffer = buffer.expect("made by an earlier pass, for this one");
                            View::whole(self.layouts.makes[before], buffer).crop(needed)
                        }
                    },
                })
                .collect();
            let step = self.tiles[member];
            // Its seed is its own.
            let own = Context { node: self.group.members[member].place, ..*ctx };
            let result = (self.within)(member, &mut || {
                if is_last {
                    return step.render(&views, out, &own);
                }
                packed_mut(layout, work[at].made, &mut memory, |out| step.render(&views, out, &own))
            });
            drop(views);
            made[at] = (!is_last).then_some(memory);
            for (memory, &last_read) in made.iter_mut().zip(&pass.last_read) {
                if (last_read == at || result.is_err())
                    && let Some(memory) = memory.take()
                {
                    ctx.scratch(|scratch| scratch.put_back(memory));
                }
            }
            result?;
        }
        Ok(())
    }
}

impl Pass {
    /// The member that is made as a whole.
    fn root(&self) -> usize {
        self.members[self.members.len() - 1]
    }
}

/// Where members find what no tile of their own pass holds.
struct Sources<'a> {
    inputs: &'a [View<'a>],
    /// What earlier passes made.
    whole: &'a [Option<Buffer>],
}

/// What a member does for one tile.
#[derive(Debug, Clone, Default)]
struct Work {
    made: Region,
    /// The region of each input that it reads.
    needed: Vec<Region>,
}

fn pixel_bytes(layout: &Layout) -> usize {
    usize::from(layout.channels) * layout.sample.size()
}

fn samples_of(layout: &Layout, region: Region) -> usize {
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

fn saturate(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Samples that lie in working memory.
fn packed(layout: Layout, region: Region, memory: &[u64]) -> View<'_> {
    let len = samples_of(&layout, region);
    crate::dispatch!(layout.sample, T => {
        View::packed::<T>(layout, region, &bytemuck::cast_slice(memory)[..len])
    })
}

fn packed_mut<R>(
    layout: Layout,
    region: Region,
    memory: &mut [u64],
    f: impl FnOnce(&mut ViewMut<'_>) -> R,
) -> R {
    let len = samples_of(&layout, region);
    crate::dispatch!(layout.sample, T => {
        let samples = &mut bytemuck::cast_slice_mut(memory)[..len];
        f(&mut ViewMut::packed::<T>(layout, region, samples))
    })
}
