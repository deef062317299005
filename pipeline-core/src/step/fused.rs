//! Tile-wise steps that run as one: no image between them is made as a whole.
//!
//! The result is made tile by tile. For each tile the footprints are followed from the last step
//! back to the inputs, which says what every step has to make of its own image; then the steps run
//! in order, on regions that are small enough to stay in the cache of one core. A step that several
//! others read runs once per tile, on all that they need together.
//!
//! A neighbourhood needs more than it makes, so neighbouring tiles make its margin twice. Where a
//! step would make much more than its image that way, it is made as a whole first: `passes`
//! decides that, from the layouts and from what the steps are known to cost.
//! Not one bit of the result depends on it in any case, which is the contract of [`Tile`].
//!
//! A group may begin with steps that give their images row by row, and end with one that takes its
//! image so. Then it is gone through band by band (`streamed`), as far as the footprints allow.

use std::sync::Arc;

use super::context::Context;
use super::group::{Extent, Group, Member, Origin, Steps, Watch, lost};
use super::passes::{Pass, bytes, samples_of, saturate};
use super::stream::{ImageRows, Rows, Sink, Stream, gather};
use super::streamed::Taker;
use super::tile::{Profiled, keeps_profile};
use super::unit::{Unit, condense};
use crate::data::{
    Buffer, Canvas, Image, Layout, Mask, Raster, Region, Sample, Value, View, ViewMut, leftovers,
};
use crate::error::Result;

/// A group that is about to run, on inputs of known layouts.
pub(crate) struct Fused<'a> {
    pub(super) group: &'a Group,
    /// The members, some of which have become one.
    pub(super) units: Vec<Unit<'a>>,
    /// The row-wise form of the last step.
    pub(super) sink: Option<&'a dyn Sink>,
    /// Whatever a step does, it does within this.
    pub(super) watch: &'a dyn Watch,
    /// What the sources give, and what they take for it.
    pub(super) sources: Vec<(Layout, u64)>,
    pub(super) layouts: Layouts,
    /// What is made as a whole, in running order.
    passes: Vec<Pass>,
    /// The ICC profile of the result, once those of the inputs are known.
    profile: Option<Arc<[u8]>>,
}

/// What is known of the inputs of a group.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a> {
    pub(crate) layouts: &'a [Layout],
    /// Known only to a run.
    pub(crate) profiles: Option<&'a [Option<Arc<[u8]>>]>,
}

/// What members read and make.
#[derive(Default)]
pub(super) struct Layouts {
    /// The layouts of what each member reads.
    pub(super) reads: Vec<Vec<Layout>>,
    /// The layout of what each member makes.
    pub(super) makes: Vec<Layout>,
}

impl<'a> Fused<'a> {
    /// Decides how to run a group of the steps of a plan.
    ///
    /// # Errors
    /// If a step cannot work on what it is given.
    pub(crate) fn new(
        group: &'a Group,
        steps: &'a Steps,
        inputs: Given<'_>,
        opened: &[Box<dyn Rows + '_>],
        watch: &'a dyn Watch,
    ) -> Result<Self> {
        let step = |place: u32| steps[place as usize].as_ref();
        let unit = |member: &Member| Some(Unit::new(member, step(member.place)?.tile()?));
        let units: Option<Vec<Unit<'_>>> = group.members.iter().map(unit).collect();
        let units = units.ok_or_else(lost)?;
        let sink = match group.sink.map(|place| step(place).and_then(|step| step.stream())) {
            None => None,
            Some(Some(Stream::Sink(sink))) => Some(sink),
            Some(_) => return Err(lost()),
        };
        let mut sources = Vec::with_capacity(opened.len());
        for (rows, &place) in opened.iter().zip(&group.sources) {
            watch.within(&[place], &mut || {
                let layout = rows.layout();
                layout.image_samples()?;
                sources.push((layout, rows.aside()));
                Ok(())
            })?;
        }
        let (layouts, passes) = (Layouts::default(), Vec::new());
        let mut fused = Self { group, units, sink, watch, sources, layouts, passes, profile: None };
        fused.layouts = fused.layouts(inputs.layouts)?;
        let made = group.members.iter().zip(&fused.layouts.makes);
        for (unit, (member, layout)) in fused.units.iter_mut().zip(made) {
            unit.nanos = member.nanos_for(bytes(layout));
        }
        if let Some(profiles) = inputs.profiles {
            fused.profile = fused.take_profiles(profiles, opened)?;
        }
        (fused.units, fused.layouts) = condense(fused.units, fused.layouts, watch);
        if !fused.units.is_empty() {
            fused.passes = fused.passes()?;
        }
        for at in 0..fused.passes.len() {
            if let Some(pass) = fused.by_bands(at)? {
                fused.passes[at] = pass;
            }
        }
        Ok(fused)
    }

    /// What this takes beside its inputs.
    pub(crate) fn extent(&self) -> Extent {
        let size = |origin| match origin {
            Origin::Input(_) => 0,
            Origin::Source(source) => self.sources[source].0.size_bytes(),
            Origin::Member(member) => self.layouts.makes[member].size_bytes(),
        };
        let aside: u64 = self.sources.iter().map(|&(_, aside)| aside).sum();
        let taken = |layout| self.sink.map_or(0, |sink| sink.aside(layout));
        if self.units.is_empty() {
            let taken: u64 = self.sources.iter().map(|&(layout, _)| taken(layout)).sum();
            return Extent { result: 0, most: taken + aside, whole: Vec::new() };
        }
        let (mut live, mut most) = (Vec::new(), 0);
        for (at, pass) in self.passes.iter().enumerate() {
            live.extend(self.gathered(at).map(Origin::Source));
            let is_taken = pass.course.as_ref().is_some_and(|course| course.is_taken);
            live.extend((!is_taken).then_some(Origin::Member(pass.root())));
            let whole: u64 = live.iter().map(|&origin| size(origin)).sum();
            let bands = pass.course.as_ref().map_or(0, |course| self.course_bytes(pass, course));
            most = most.max(whole + bands);
            live.retain(|&origin| self.is_read_after(at, origin));
        }
        let result = if self.sink.is_some() { 0 } else { size(Origin::Member(self.last())) };
        let most = most + aside + taken(self.layouts.makes[self.last()]);
        let made = self.passes[..self.passes.len() - 1].iter().map(Pass::root);
        Extent { result, most, whole: made.map(|member| self.units[member].place()).collect() }
    }

    /// Makes the result; the [unit](Value) if a sink takes it.
    ///
    /// # Errors
    /// That of the first step that fails, and [`Error::Cancelled`].
    pub(crate) fn run(
        &self,
        inputs: &[Value],
        opened: Vec<Box<dyn Rows + '_>>,
        ctx: &Context<'_>,
    ) -> Result<Value> {
        if self.units.is_empty() {
            return self.pass_through(opened, ctx);
        }
        let mut opened: Vec<_> = opened.into_iter().map(Some).collect();
        let views: Vec<View<'_>> = inputs.iter().filter_map(Value::view).collect();
        let mut images: Vec<Option<Image>> = vec![None; opened.len()];
        let mut whole: Vec<Option<Buffer>> = vec![None; self.units.len()];
        for (at, pass) in self.passes.iter().enumerate() {
            for source in self.gathered(at) {
                self.watch.within(&[self.group.sources[source]], &mut || {
                    images[source] = opened[source].take().map(gather).transpose()?;
                    Ok(())
                })?;
            }
            let rows = images.iter().map(|image| image.as_ref().map(Image::view)).collect();
            let sources = Sources { inputs: &views, rows, whole: &whole };
            let made = match &pass.course {
                None => self.make(pass, &sources, ctx)?,
                Some(course) => {
                    let icc = || self.profile.clone();
                    let taker =
                        || Some(Taker { place: self.group.sink?, sink: self.sink?, icc: icc() });
                    let taker = if course.is_taken { taker() } else { None };
                    let by = (pass, course);
                    match self.follow(by, &sources, &mut opened, taker, ctx)? {
                        Some(made) => made,
                        None => return Ok(Value::new(())),
                    }
                }
            };
            whole[pass.root()] = Some(made);
            for (member, buffer) in whole.iter_mut().enumerate() {
                if !self.is_read_after(at, Origin::Member(member)) {
                    *buffer = None;
                }
            }
            for (source, image) in images.iter_mut().enumerate() {
                if !self.is_read_after(at, Origin::Source(source)) {
                    *image = None;
                }
            }
        }
        let buffer = whole.pop().flatten().expect("the last pass makes the last member");
        let layout = self.layouts.makes[self.last()];
        if self.group.is_mask {
            return Mask::assemble(layout, buffer, None).map(Value::new);
        }
        let image = Image::assemble(layout, buffer, self.profile.clone())?;
        let (Some(sink), Some(place)) = (self.sink, self.group.sink) else {
            return Ok(Value::new(image));
        };
        let mut rows = ImageRows::new(&image);
        self.watch.within(&[place], &mut || sink.write(&mut rows, &ctx.beside(place)))?;
        Ok(Value::new(()))
    }

    /// Runs code of a member, or says whose fault it was.
    pub(super) fn within(&self, member: usize, body: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        self.watch.within(&self.units[member].places, body)
    }

    /// Whether a later pass than this one reads what is there as a whole. The result is read by
    /// others.
    fn is_read_after(&self, pass: usize, origin: Origin) -> bool {
        origin == Origin::Member(self.last())
            || self.passes[pass + 1..].iter().any(|pass| self.reads(pass, origin))
    }

    /// Whether a pass reads that.
    fn reads(&self, pass: &Pass, origin: Origin) -> bool {
        pass.members.iter().any(|&member| self.units[member].inputs.contains(&origin))
    }

    /// The sources whose images are made as a whole for a pass.
    fn gathered(&self, pass: usize) -> impl Iterator<Item = usize> {
        let (before, from) = self.passes.split_at(pass);
        (0..self.sources.len()).filter(move |&source| {
            let is_streamed = from[0].course.as_ref().is_some_and(|course| course.reads(source));
            let reads = |pass: &Pass| self.reads(pass, Origin::Source(source));
            reads(&from[0]) && !is_streamed && !before.iter().any(reads)
        })
    }

    /// The sources that a pass reads and no other one does.
    pub(super) fn own_sources(&self, pass: usize) -> impl Iterator<Item = usize> {
        (0..self.sources.len()).filter(move |&source| {
            let mut passes = self.passes.iter().enumerate();
            passes.all(|(at, other)| self.reads(other, Origin::Source(source)) == (at == pass))
        })
    }

    /// A pass, and whether it makes the result.
    pub(super) fn pass_at(&self, at: usize) -> (&Pass, bool) {
        (&self.passes[at], at + 1 == self.passes.len())
    }

    pub(super) fn last(&self) -> usize {
        self.units.len() - 1
    }

    fn layouts(&self, inputs: &[Layout]) -> Result<Layouts> {
        let (mut reads, mut makes) = (Vec::new(), Vec::<Layout>::new());
        for (at, member) in self.units.iter().enumerate() {
            let read = |origin: &Origin| match *origin {
                Origin::Input(number) => inputs[number],
                Origin::Source(number) => self.sources[number].0,
                Origin::Member(number) => makes[number],
            };
            let read: Vec<Layout> = member.inputs.iter().map(read).collect();
            let mut made = None;
            self.within(at, &mut || {
                let layout = member.tile().layout(&read)?;
                layout.image_samples()?;
                made = Some(layout);
                Ok(())
            })?;
            makes.extend(made);
            reads.push(read);
        }
        Ok(Layouts { reads, makes })
    }

    /// Gives each member the ICC profile of its first input, and returns that of the result.
    fn take_profiles(
        &mut self,
        inputs: &[Option<Arc<[u8]>>],
        opened: &[Box<dyn Rows + '_>],
    ) -> Result<Option<Arc<[u8]>>> {
        let mut of_sources = vec![None; opened.len()];
        for (source, rows) in opened.iter().enumerate() {
            self.watch.within(&[self.group.sources[source]], &mut || {
                of_sources[source] = rows.icc();
                Ok(())
            })?;
        }
        let mut made: Vec<Option<Arc<[u8]>>> = Vec::with_capacity(self.units.len());
        for at in 0..self.units.len() {
            let (Some(&from), Some(&origin)) =
                (self.layouts.reads[at].first(), self.units[at].inputs.first())
            else {
                made.push(None);
                continue;
            };
            let icc = match origin {
                Origin::Input(number) => inputs[number].clone(),
                Origin::Source(number) => of_sources[number].clone(),
                Origin::Member(number) => made[number].clone(),
            };
            let mut profiled = None;
            self.within(at, &mut || {
                profiled = self.units[at].tile().for_profile(from, icc.as_ref())?;
                Ok(())
            })?;
            made.push(match profiled {
                Some(Profiled { tile, icc }) => {
                    self.units[at].take(tile);
                    icc
                }
                None => icc.filter(|_| keeps_profile(&from, &self.layouts.makes[at])),
            });
        }
        Ok(made.pop().flatten())
    }

    /// Makes the last member of a pass as a whole.
    fn make(&self, pass: &Pass, sources: &Sources<'_>, ctx: &Context<'_>) -> Result<Buffer> {
        let root = pass.root();
        let layout = self.layouts.makes[root];
        crate::dispatch!(layout.sample, T => {
            let mut out = self.room::<T>(root)?;
            self.fill(pass, 0, &mut out, sources, ctx)?;
            Ok(out.into())
        })
    }

    /// Room for all that a member makes.
    pub(super) fn room<T: Sample>(&self, member: usize) -> Result<Vec<T>> {
        let layout = self.layouts.makes[member];
        let mut out = Vec::new();
        self.within(member, &mut || {
            out = leftovers::<T>(layout.sample_count()?, || format!("an image of {layout}"))?;
            Ok(())
        })?;
        Ok(out)
    }

    /// Makes the rows of the last member of a pass that begin with `first`.
    pub(super) fn fill<T: Sample>(
        &self,
        pass: &Pass,
        first: usize,
        rows: &mut [T],
        sources: &Sources<'_>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let layout = self.layouts.makes[pass.root()];
        let (row_len, channels) = (layout.row_len(), usize::from(layout.channels));
        let (total, grain) = (layout.height as usize, pass.height as usize);
        ctx.fill_band(rows, row_len, first, total, grain, |first, band| {
            let (y, height) = (saturate(first), saturate(band.len() / row_len));
            for x in (0..layout.width).step_by(pass.width as usize) {
                ctx.check()?;
                let tile = Region::new(x, y, pass.width.min(layout.width - x), height);
                let samples = &mut band[x as usize * channels..];
                let mut out = ViewMut::strided(layout, tile, row_len, samples);
                self.tile(pass, tile, sources, &mut out, ctx)?;
            }
            Ok(())
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
            let reads = self.units[member].inputs.iter().zip(&work[at].needed);
            let views: Vec<View<'_>> = reads
                .map(|(&origin, &needed)| match origin {
                    Origin::Input(number) => sources.inputs[number].crop(needed),
                    Origin::Source(number) => {
                        let rows = sources.rows[number].as_ref();
                        rows.expect("gathered, or in the window of this band").crop(needed)
                    }
                    Origin::Member(before) => match pass.members[..at].binary_search(&before) {
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
            let step = self.units[member].tile();
            // Its seed is its own.
            let own = Context { node: self.units[member].place(), ..*ctx };
            let result = self.within(member, &mut || {
                if is_last {
                    return step.render(&views, out, &own);
                }
                packed_mut(layout, work[at].made, &mut memory, |out| step.render(&views, out, &own))
            });
            drop(views);
            let bytes = samples_of(&layout, work[at].made) * layout.sample.size();
            self.watch.made(&self.units[member].places, bytes);
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

/// Where members find what no tile of their own pass holds.
pub(super) struct Sources<'a> {
    inputs: &'a [View<'a>],
    /// What there is of the sources: all, a window, or nothing.
    pub(super) rows: Vec<Option<View<'a>>>,
    /// What earlier passes made.
    whole: &'a [Option<Buffer>],
}

impl<'a> Sources<'a> {
    /// The same with other rows.
    pub(super) fn with_rows<'b>(&self, rows: Vec<Option<View<'b>>>) -> Sources<'b>
    where
        'a: 'b,
    {
        Sources { inputs: self.inputs, rows, whole: self.whole }
    }
}

/// Samples that lie in working memory.
pub(super) fn packed(layout: Layout, region: Region, memory: &[u64]) -> View<'_> {
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
