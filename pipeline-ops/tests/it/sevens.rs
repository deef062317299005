//! A source of sevens and a sink that go row by row, and in which a test has its say.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use pipeline_core::step::{ImageRows, Rows, Sink, Source, Stream, gather};
use pipeline_core::{Context, Error, Image, In, Layout, Result, SampleType, Spec, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many sources must be open before any of them goes on.
#[derive(Debug, Clone)]
pub(crate) struct Door(Arc<(Mutex<u32>, Condvar)>, u32);

impl Door {
    pub(crate) fn new(count: u32) -> Self {
        Self(Arc::default(), count)
    }

    pub(crate) fn pass(&self) -> Result<()> {
        let (count, come) = &*self.0;
        let mut count = count.lock().unwrap();
        *count += 1;
        come.notify_all();
        let limit = Duration::from_secs(20);
        let came = come.wait_timeout_while(count, limit, |count| *count < self.1).unwrap().1;
        if came.timed_out() { Err(Error::failed("nobody came")) } else { Ok(()) }
    }
}

/// What a test does in the middle of a source or a sink.
pub(crate) trait Watch: Send + Sync {
    /// Is told the number of a band that has been read, from 0 on, and how many rows it has.
    fn read(&self, band: u32, rows: usize) -> Result<()>;

    /// Is given a row that has been taken.
    fn taken(&self, row: &[u8]) -> Result<()>;
}

/// An image of sevens.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Sevens {
    width: u32,
    height: u32,
    /// What panics, or waits for others.
    act: String,
}

struct SevenRows {
    layout: Layout,
    act: String,
    watch: Option<Arc<dyn Watch>>,
    bands: u32,
}

impl Rows for SevenRows {
    fn layout(&self) -> Layout {
        assert!(self.act != "layout", "no layout");
        self.layout
    }

    fn icc(&self) -> Option<Arc<[u8]>> {
        assert!(self.act != "icc", "no profile");
        None
    }

    fn aside(&self) -> u64 {
        assert!(self.act != "aside", "no idea how much");
        0
    }

    fn read(&mut self, rows: &mut [u8]) -> Result<()> {
        assert!(self.act != "read", "no rows");
        rows.fill(7);
        let band = self.bands;
        self.bands += 1;
        let rows = rows.len() / self.layout.row_len();
        self.watch.as_ref().map_or(Ok(()), |watch| watch.read(band, rows))
    }
}

impl Drop for SevenRows {
    fn drop(&mut self) {
        assert!(self.act != "drop" || std::thread::panicking(), "not without a fight");
    }
}

impl Step for Sevens {
    const NAME: &'static str = "sevens";
    type Input = ();
    type Output = Image;

    fn run(&self, (): (), ctx: &Context<'_>) -> Result<Image> {
        gather(self.open(ctx)?)
    }

    fn stream(&self) -> Option<Stream<'_>> {
        Some(Stream::Source(self))
    }

    fn spec(&self) -> Spec {
        Spec::default().blocking()
    }
}

impl Source for Sevens {
    fn open<'a>(&'a self, ctx: &Context<'a>) -> Result<Box<dyn Rows + 'a>> {
        // Nobody lends a service to a plan that asks for layouts.
        let watch = ctx.service::<Arc<dyn Watch>>().ok().cloned();
        if self.act == "wait"
            && let Ok(door) = ctx.service::<Door>()
        {
            door.pass()?;
        }
        let layout = Layout::new(self.width, self.height, 1, SampleType::U8);
        Ok(Box::new(SevenRows { layout, act: self.act.clone(), watch, bands: 0 }))
    }
}

/// Takes so many rows, or all.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Drain {
    pub(crate) rows: Option<u32>,
    /// Whether it wants help with the last one.
    pub(crate) calls: bool,
}

impl Step for Drain {
    const NAME: &'static str = "drain";
    type Input = In<Image>;
    type Output = ();

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<()> {
        self.write(&mut ImageRows::new(&image), ctx)
    }

    fn stream(&self) -> Option<Stream<'_>> {
        Some(Stream::Sink(self))
    }

    fn spec(&self) -> Spec {
        Spec::effect().blocking()
    }
}

impl Sink for Drain {
    fn write(&self, rows: &mut dyn Rows, ctx: &Context<'_>) -> Result<()> {
        let layout = rows.layout();
        let mut row = vec![0; layout.row_len()];
        let watch = ctx.service::<Arc<dyn Watch>>().ok();
        for _ in 0..self.rows.unwrap_or(layout.height) {
            rows.read(&mut row)?;
            watch.map_or(Ok(()), |watch| watch.taken(&row))?;
        }
        if !self.calls {
            return Ok(());
        }
        let height = layout.height as usize;
        ctx.rows_of(height - 2..height, height, 1, |_| ctx.service::<Door>()?.pass())
    }

    fn aside(&self, layout: Layout) -> u64 {
        layout.row_len() as u64
    }
}

pub(crate) fn sevens(width: u32, height: u32, act: &str) -> Sevens {
    Sevens { width, height, act: act.to_owned() }
}
