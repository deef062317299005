//! Tile-wise steps that run as one: no image between them is made as a whole.
//!
//! The result is made tile by tile. For each tile the footprints are followed from the last step
//! back to the inputs, which says what every step has to make of its own image; then the steps run
//! in order, on regions that are small enough to stay in the cache of one core. A step that several
//! others read runs once per tile, on all that they need together.
//!
//! A neighbourhood needs more than it makes, so neighbouring tiles make its margin twice. Where a
//! step would make much more than its image that way, it is made as a whole first: [`passes`]
//! decides that, from the layouts alone, so that the result depends neither on threads nor on time.
//! Not one bit depends on it in any case, which is the contract of [`Tile`].

use super::context::Context;
use super::tile::{Tile, keeps_profile};
use crate::data::{
    Buffer, DataType, Image, Layout, Mask, Raster, Region, Value, View, ViewMut, zeros,
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

/// Bytes of the largest region of a tile: a few of them stay in the second-level cache of a core.
const TILE: usize = 160 << 10;

/// The widest tile, in pixels.
const WIDEST: u32 = 512;

/// Runs a group.
pub(crate) struct Fused<'a> {
    pub(crate) group: &'a Group,
    /// The tile-wise form of each member.
    pub(crate) tiles: &'a [&'a dyn Tile],
    pub(crate) ctx: &'a Context<'a>,
    /// Whatever a member does, it does within this.
    pub(crate) within: &'a Within<'a>,
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

/// What is known of a group before it runs.
struct Layouts {
    /// The layouts of what each member reads.
    reads: Vec<Vec<Layout>>,
    /// The layout of what each member makes.
    makes: Vec<Layout>,
}

impl Fused<'_> {
    /// The layout of the result for inputs of these layouts.
    pub(crate) fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        self.layouts(inputs).map(|layouts| layouts.makes[self.last()])
    }

    /// Makes the result.
    pub(crate) fn run(&self, inputs: &[Value]) -> Result<Value> {
        let last = self.last();
        let wrong = || Error::failed("an input of fused steps is no image");
        let views: Option<Vec<View<'_>>> = inputs.iter().map(Value::view).collect();
        let views = views.ok_or_else(wrong)?;
        let shapes: Vec<Layout> = views.iter().map(View::image).collect();
        let layouts = self.layouts(&shapes)?;
        let passes = self.passes(&layouts)?;
        let mut whole: Vec<Option<Buffer>> = vec![None; self.tiles.len()];
        for (at, pass) in passes.iter().enumerate() {
            let made = self.make(pass, &layouts, &views, &whole)?;
            let root = pass.members[pass.members.len() - 1];
            whole[root] = Some(made);
            // What no later pass reads is let go of.
            let is_read = |member: usize| {
                let later = passes[at + 1..].iter().flat_map(|pass| &pass.members);
                later
                    .flat_map(|&m| &self.group.members[m].inputs)
                    .any(|&s| s == Source::Member(member))
            };
            for (member, buffer) in whole.iter_mut().enumerate() {
                if member != last && buffer.is_some() && !is_read(member) {
                    *buffer = None;
                }
            }
        }
        let icc = self.profile(inputs, &layouts);
        let buffer = whole.pop().flatten().ok_or_else(wrong)?;
        let layout = layouts.makes[last];
        if self.group.output == DataType::of::<Mask>() {
            return Mask::assemble(layout, buffer, None).map(Value::new);
        }
        Image::assemble(layout, buffer, icc).map(Value::new)
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
    fn profile(&self, inputs: &[Value], layouts: &Layouts) -> Option<std::sync::Arc<[u8]>> {
        let mut member = self.last();
        loop {
            let from = layouts.reads[member].first()?;
            if !keeps_profile(from, &layouts.makes[member]) {
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
    fn passes(&self, layouts: &Layouts) -> Result<Vec<Pass>> {
        let mut is_whole = vec![false; self.tiles.len()];
        is_whole[self.last()] = true;
        // Every round but the last makes one member more.
        'round: loop {
            let (mut passes, mut is_made) = (Vec::new(), vec![false; self.tiles.len()]);
            for root in (0..self.tiles.len()).rev().filter(|&member| is_whole[member]) {
                let pass = self.pass(root, layouts, &is_whole);
                if let Some(member) = self.excess(&pass, layouts, &is_made)? {
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
    fn pass(&self, root: usize, layouts: &Layouts, is_whole: &[bool]) -> Pass {
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
                widest = widest.max(pixel_bytes(&layouts.makes[member]));
            }
        }
        let made = layouts.makes[root];
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
        Pass { members, last_read, width, height }
    }

    /// The first member, from the result backwards, that tiles would make again too often.
    fn excess(&self, pass: &Pass, layouts: &Layouts, is_made: &[bool]) -> Result<Option<usize>> {
        let root = pass.members[pass.members.len() - 1];
        let made = layouts.makes[root].region();
        let tile = Region::new(
            made.width.saturating_sub(pass.width) / 2,
            made.height.saturating_sub(pass.height) / 2,
            pass.width,
            pass.height,
        );
        let regions = self.regions(pass, tile, layouts)?;
        let tiles = area(made) / area(tile);
        for (&member, region) in pass.members.iter().zip(&regions).rev() {
            let again = area(region.made) * tiles / area(layouts.makes[member].region());
            if member != root && (again > AGAIN || is_made[member]) {
                return Ok(Some(member));
            }
        }
        Ok(None)
    }

    /// What each member of a pass makes and reads for one tile of the result.
    fn regions(&self, pass: &Pass, tile: Region, layouts: &Layouts) -> Result<Vec<Work>> {
        let mut work: Vec<Work> = vec![Work::default(); pass.members.len()];
        work[pass.members.len() - 1].made = tile;
        for at in (0..pass.members.len()).rev() {
            let (member, made) = (pass.members[at], work[at].made);
            if made.is_empty() {
                continue;
            }
            let reads = &layouts.reads[member];
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
    fn make(
        &self,
        pass: &Pass,
        layouts: &Layouts,
        inputs: &[View<'_>],
        whole: &[Option<Buffer>],
    ) -> Result<Buffer> {
        let root = pass.members[pass.members.len() - 1];
        let layout = layouts.makes[root];
        crate::dispatch!(layout.sample, T => {
            let mut out = Vec::new();
            (self.within)(root, &mut || {
                out = zeros::<T>(layout.sample_count()?, || format!("an image of {layout}"))?;
                Ok(())
            })?;
            let (row_len, channels) = (layout.row_len(), usize::from(layout.channels));
            self.ctx.fill_rows(&mut out, row_len, pass.height as usize, |first, band| {
                let (y, height) = (saturate(first), saturate(band.len() / row_len));
                for x in (0..layout.width).step_by(pass.width as usize) {
                    self.ctx.check()?;
                    let tile = Region::new(x, y, pass.width.min(layout.width - x), height);
                    let samples = &mut band[x as usize * channels..];
                    let mut out = ViewMut::strided(layout, tile, row_len, samples);
                    self.tile(pass, tile, layouts, inputs, whole, &mut out)?;
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
        layouts: &Layouts,
        inputs: &[View<'_>],
        whole: &[Option<Buffer>],
        out: &mut ViewMut<'_>,
    ) -> Result<()> {
        let work = self.regions(pass, tile, layouts)?;
        let mut made: Vec<Option<Vec<u64>>> = vec![None; pass.members.len()];
        for (at, &member) in pass.members.iter().enumerate() {
            let is_last = at == pass.members.len() - 1;
            if work[at].made.is_empty() {
                continue;
            }
            let layout = layouts.makes[member];
            let mut memory = Vec::new();
            if !is_last {
                let bytes = samples_of(&layout, work[at].made) * layout.sample.size();
                let words = bytes.div_ceil(size_of::<u64>());
                memory = self.ctx.scratch(|scratch| scratch.take(words))?;
            }
            let sources = self.group.members[member].inputs.iter().zip(&work[at].needed);
            let views: Vec<View<'_>> = sources
                .map(|(&source, &needed)| match source {
                    Source::Input(number) => inputs[number].crop(needed),
                    Source::Member(before) => match pass.members[..at].binary_search(&before) {
                        Ok(place) => {
                            let memory = made[place].as_deref().unwrap_or_default();
                            packed(layouts.makes[before], work[place].made, memory).crop(needed)
                        }
                        Err(_) => {
                            let buffer = whole[before].as_ref();
                            let buffer = buffer.expect("made by an earlier pass, for this one");
                            View::whole(layouts.makes[before], buffer).crop(needed)
                        }
                    },
                })
                .collect();
            let step = self.tiles[member];
            // Its seed is its own.
            let ctx = Context { node: self.group.members[member].place, ..*self.ctx };
            let result = (self.within)(member, &mut || {
                if is_last {
                    return step.render(&views, out, &ctx);
                }
                packed_mut(layout, work[at].made, &mut memory, |out| step.render(&views, out, &ctx))
            });
            drop(views);
            made[at] = (!is_last).then_some(memory);
            for (memory, &last_read) in made.iter_mut().zip(&pass.last_read) {
                if (last_read == at || result.is_err())
                    && let Some(memory) = memory.take()
                {
                    self.ctx.scratch(|scratch| scratch.put_back(memory));
                }
            }
            result?;
        }
        Ok(())
    }
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
