//! Fused steps gone through band by band, while rows are read ahead and bands are written behind.
//!
//! Three go on at the same time: a thread reads the windows of the next band, the run's threads
//! make a band, and a thread writes the one before. There are two windows on each source and two
//! bands, so each of the three waits for the slowest and none runs away. A window takes over the
//! rows that it has in common with the one before it; only the others are read.
//!
//! The threads that read and write live as long as the pass, because what they are lent lies on its
//! stack. They may wait, as those for waiting steps may, and take no part in row loops of others.

use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{ScopedJoinHandle, scope};
use std::time::{Duration, Instant};

use super::context::Context;
use super::course::{Course, Reading, row_bytes};
use super::fused::{Fused, Sources, packed};
use super::group::Watch;
use super::passes::Pass;
use super::stream::{Rows, Sink, no_more};
use crate::data::{Buffer, Layout, Region, Sample, Value, View, zeros};
use crate::error::{Error, Result};

/// Who takes the bands of the result.
pub(super) struct Taker<'a> {
    pub(super) place: u32,
    pub(super) sink: &'a dyn Sink,
    pub(super) icc: Option<Arc<[u8]>>,
}

/// Where bands go.
enum Output<'a, T> {
    /// To their places in the image.
    Whole(std::slice::ChunksMut<'a, T>),
    /// To another thread, which gives their memory back.
    Taken { full: Sender<(Vec<u64>, usize)>, free: Receiver<Vec<u64>> },
}

impl Fused<'_> {
    /// Makes the last member of a pass band by band; returns it, unless it is taken.
    ///
    /// # Errors
    /// That of a source before that of a member, and that before the sink's: whoever comes after
    /// one that failed ends early.
    pub(super) fn follow(
        &self,
        (pass, course): (&Pass, &Course),
        sources: &Sources<'_>,
        opened: &mut [Option<Box<dyn Rows + '_>>],
        taker: Option<Taker<'_>>,
        ctx: &Context<'_>,
    ) -> Result<Option<Buffer>> {
        let layout = self.layouts.makes[pass.root()];
        let readings = course.readings.iter();
        let rows: Vec<_> = readings.filter_map(|reading| opened[reading.source].take()).collect();
        crate::dispatch!(layout.sample, T => scope(|scope| {
            let mut windows = None;
            let reader = (!rows.is_empty()).then(|| {
                let (ahead, next) = sync_channel(0);
                windows = Some(next);
                scope.spawn(move || self.read_ahead(course, rows, &ahead, ctx))
            });
            let make = |output: Output<'_, T>| {
                self.make_bands::<T>((pass, course), sources, windows, output, ctx)
            };
            let (made, written) = if let Some(taker) = taker {
                let (full, bands) = channel();
                let (back, free) = channel();
                let len = row_bytes(&layout) * course.rows as usize;
                self.within(pass.root(), &mut || {
                    for _ in 0..2 {
                        let what = || format!("{} rows of {layout}", course.rows);
                        // It cannot be closed yet.
                        let _ = back.send(zeros(len.div_ceil(size_of::<u64>()), what)?);
                    }
                    Ok(())
                })?;
                let bands = Bands::new(layout, taker.icc, bands, back);
                let writer =
                    scope.spawn(move || self.write_behind(taker.place, taker.sink, bands, ctx));
                (make(Output::Taken { full, free }).map(|()| None), join(writer))
            } else {
                let made = self.room::<T>(pass.root()).and_then(|mut out| {
                    make(Output::Whole(out.chunks_mut(layout.row_len() * course.rows as usize)))?;
                    Ok(Some(out.into()))
                });
                (made, Ok(()))
            };
            // Where one of them failed, the others came to an early end without knowing why.
            reader.map_or(Ok(()), join)?;
            let made = made?;
            written?;
            Ok(made)
        }))
    }

    /// Hands the rows of a source to the sink as they are.
    pub(super) fn pass_through(
        &self,
        opened: Vec<Box<dyn Rows + '_>>,
        ctx: &Context<'_>,
    ) -> Result<Value> {
        for (rows, &place) in opened.into_iter().zip(&self.group.sources) {
            let (rest, took, error) = (size(&rows.layout()), Duration::ZERO, None);
            let mut rows = Through { rows, place, watch: self.watch, rest, took, error };
            if let (Some(sink), Some(place)) = (self.sink, self.group.sink) {
                let ctx = ctx.beside(place);
                let written = self.watch.within(&[place], &mut || {
                    sink.write(&mut rows, &ctx)?;
                    all_taken(rows.rest)
                });
                self.watch.waited(place, rows.took);
                rows.error.map_or(Ok(()), Err)?;
                written?;
            }
        }
        Ok(Value::new(()))
    }

    /// Makes all bands, or those before a thread stops that reads or writes.
    fn make_bands<T: Sample>(
        &self,
        (pass, course): (&Pass, &Course),
        sources: &Sources<'_>,
        windows: Option<Receiver<Arc<Vec<Window>>>>,
        mut output: Output<'_, T>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let layout = self.layouts.makes[pass.root()];
        let (row_len, height) = (layout.row_len(), layout.height as usize);
        // Gone with this call, so that nobody reads on for bands that are not made.
        let next = move || match &windows {
            None => Some(Arc::default()),
            Some(windows) => windows.recv().ok(),
        };
        for first in (0..height).step_by(course.rows as usize) {
            let rows = (course.rows as usize).min(height - first);
            let Some(windows) = next() else { return Ok(()) };
            let mut views = sources.rows.clone();
            for (reading, window) in course.readings.iter().zip(&*windows) {
                views[reading.source] = Some(window.view(self.sources[reading.source].0));
            }
            let sources = sources.with_rows(views);
            match &mut output {
                Output::Whole(bands) => {
                    let band = bands.next().unwrap_or_default();
                    self.fill(pass, first, band, &sources, ctx)?;
                }
                Output::Taken { full, free } => {
                    let Ok(mut memory) = free.recv() else { return Ok(()) };
                    let len = rows * row_len;
                    let band = &mut bytemuck::cast_slice_mut::<_, T>(&mut memory)[..len];
                    self.fill(pass, first, band, &sources, ctx)?;
                    // A source that fails behind the last row that is wanted fails all the same, so
                    // the end of the image is kept until it is known.
                    if first + rows == height && next().is_none()
                        || full.send((memory, len * size_of::<T>())).is_err()
                    {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// Reads the windows of all bands, and whatever stands below them.
    fn read_ahead(
        &self,
        course: &Course,
        mut rows: Vec<Box<dyn Rows + '_>>,
        ahead: &SyncSender<Arc<Vec<Window>>>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let read = self.read_windows(course, &mut rows, ahead, ctx);
        // To let go of them is code of the sources too.
        let gone = course.readings.iter().zip(rows).map(|(reading, rows)| {
            let mut rows = Some(rows);
            self.watch.within(&[self.group.sources[reading.source]], &mut || {
                drop(rows.take());
                Ok(())
            })
        });
        let gone = gone.fold(Ok(()), Result::and);
        read.and(gone)
    }

    fn read_windows(
        &self,
        course: &Course,
        rows: &mut [Box<dyn Rows + '_>],
        ahead: &SyncSender<Arc<Vec<Window>>>,
        ctx: &Context<'_>,
    ) -> Result<()> {
        let (mut last, mut spare) = (Arc::<Vec<Window>>::default(), Arc::default());
        let count = course.readings.first().map_or(0, |reading| reading.spans.len());
        for band in 0..count {
            ctx.check()?;
            // Whoever had it has the one after it by now.
            let mut windows: Vec<Window> = Arc::into_inner(spare).unwrap_or_default();
            windows.resize_with(rows.len(), Window::default);
            for (at, (reading, rows)) in course.readings.iter().zip(&mut *rows).enumerate() {
                let before = last.get(at);
                self.watch.within(&[self.group.sources[reading.source]], &mut || {
                    windows[at].advance(reading, band, before, &mut **rows)
                })?;
            }
            let windows = Arc::new(windows);
            if ahead.send(Arc::clone(&windows)).is_err() {
                return Ok(());
            }
            spare = std::mem::replace(&mut last, windows);
        }
        Ok(())
    }

    fn write_behind(
        &self,
        place: u32,
        sink: &dyn Sink,
        mut bands: Bands,
        ctx: &Context<'_>,
    ) -> Result<()> {
        // Its rows are counted where they are made.
        let ctx = ctx.beside(place).untold();
        let written = self.watch.within(&[place], &mut || {
            sink.write(&mut bands, &ctx)?;
            all_taken(bands.rest)
        });
        self.watch.waited(place, bands.waited);
        written
    }
}

/// Bytes of all rows of an image, which can exist.
fn size(layout: &Layout) -> usize {
    row_bytes(layout) * layout.height as usize
}

/// Refuses a sink that says that it took an image of which it left rows: what is wrong with them
/// would stay hidden.
fn all_taken(rest: usize) -> Result<()> {
    match rest {
        0 => Ok(()),
        _ => Err(Error::failed("the step took the image, but not all rows of it")),
    }
}

/// The end of a thread; if it panicked, so does this one.
fn join<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload))
}

/// Some rows of a source, in the full width.
#[derive(Debug, Default)]
struct Window {
    rows: Range<u32>,
    memory: Vec<u64>,
}

impl Window {
    /// Moves to the rows that a band needs, from those of the band before.
    fn advance(
        &mut self,
        reading: &Reading,
        band: usize,
        before: Option<&Self>,
        source: &mut dyn Rows,
    ) -> Result<()> {
        let (layout, room) = (source.layout(), reading.most());
        let row_bytes = row_bytes(&layout);
        let len = |rows: Range<u32>| rows.len() * row_bytes;
        if self.memory.is_empty() {
            let what = || format!("{room} rows of {layout}");
            self.memory = zeros(len(0..room).div_ceil(size_of::<u64>()), what)?;
        }
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut self.memory);
        let span = reading.spans[band].clone();
        let none = Self::default();
        let before = before.unwrap_or(&none);
        // Rows that no band needs.
        let mut at = before.rows.end;
        while at < span.start {
            let end = span.start.min(at.saturating_add(room));
            source.read(&mut bytes[..len(at..end)])?;
            at = end;
        }
        let kept = len(span.start..at);
        if kept > 0 {
            let old: &[u8] = bytemuck::cast_slice(&before.memory);
            let start = len(before.rows.start..span.start);
            bytes[..kept].copy_from_slice(&old[start..start + kept]);
        }
        if at < span.end {
            source.read(&mut bytes[kept..len(span.clone())])?;
        }
        self.rows = span;
        Ok(())
    }

    fn view(&self, layout: Layout) -> View<'_> {
        let height = self.rows.end - self.rows.start;
        packed(layout, Region::new(0, self.rows.start, layout.width, height), &self.memory)
    }
}

/// The rows of a source for a sink that reads them itself.
struct Through<'a> {
    rows: Box<dyn Rows + 'a>,
    place: u32,
    watch: &'a dyn Watch,
    /// Bytes of the rows that were not read yet.
    rest: usize,
    /// How long the source took.
    took: Duration,
    /// The fault of the source, which is not that of the sink.
    error: Option<Error>,
}

impl Rows for Through<'_> {
    fn layout(&self) -> Layout {
        self.rows.layout()
    }

    fn icc(&self) -> Option<Arc<[u8]>> {
        self.rows.icc()
    }

    fn read(&mut self, rows: &mut [u8]) -> Result<()> {
        let began = Instant::now();
        let Some(rest) = self.rest.checked_sub(rows.len()) else { return Err(no_more()) };
        self.rest = rest;
        let read = self.watch.within(&[self.place], &mut || self.rows.read(rows));
        self.took += began.elapsed();
        read.map_err(|error| {
            self.error = Some(error);
            no_more()
        })
    }
}

/// The rows of the bands that are made, for whoever takes them.
struct Bands {
    layout: Layout,
    icc: Option<Arc<[u8]>>,
    full: Receiver<(Vec<u64>, usize)>,
    back: Sender<Vec<u64>>,
    band: Vec<u64>,
    /// The bytes of the band that are left.
    left: Range<usize>,
    /// The bytes of all rows that are left.
    rest: usize,
    /// How long it took until bands were there.
    waited: Duration,
}

impl Bands {
    fn new(
        layout: Layout,
        icc: Option<Arc<[u8]>>,
        full: Receiver<(Vec<u64>, usize)>,
        back: Sender<Vec<u64>>,
    ) -> Self {
        let (rest, waited) = (size(&layout), Duration::ZERO);
        Self { layout, icc, full, back, band: Vec::new(), left: 0..0, rest, waited }
    }
}

impl Rows for Bands {
    fn layout(&self) -> Layout {
        self.layout
    }

    fn icc(&self) -> Option<Arc<[u8]>> {
        self.icc.clone()
    }

    fn read(&mut self, mut rows: &mut [u8]) -> Result<()> {
        while !rows.is_empty() {
            if self.left.is_empty() {
                let began = Instant::now();
                let next = self.full.recv();
                self.waited += began.elapsed();
                let Ok((band, len)) = next else { return Err(no_more()) };
                (self.band, self.left) = (band, 0..len);
            }
            let len = rows.len().min(self.left.len());
            let (next, rest) = rows.split_at_mut(len);
            let bytes: &[u8] = bytemuck::cast_slice(&self.band);
            next.copy_from_slice(&bytes[self.left.start..][..len]);
            self.left.start += len;
            self.rest -= len;
            rows = rest;
            if self.left.is_empty() {
                // If nobody makes another band, nobody needs it.
                let _ = self.back.send(std::mem::take(&mut self.band));
            }
        }
        Ok(())
    }
}
