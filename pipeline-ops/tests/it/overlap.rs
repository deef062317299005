//! Reading, computing and writing of a chain that goes row by row go on at the same time.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use pipeline_core::step::{ImageRows, Rows, Sink, Source, Stream, gather};
use pipeline_core::{
    Context, Error, Executor, Fusion, Graph, Image, In, Layout, Options, Result, RunOptions,
    SampleType, Services, Spec, Step, Tile, View, ViewMut, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the three wait for each other.
#[derive(Debug, Clone, Default)]
struct Meeting(Arc<Table>);

#[derive(Debug, Default)]
struct Table {
    come: Mutex<[bool; 3]>,
    all: Condvar,
    /// Rows of the first band.
    band: AtomicU32,
}

impl Meeting {
    fn wait(&self, who: usize) -> Result<()> {
        let Table { come, all, .. } = &*self.0;
        let mut come = come.lock().unwrap();
        come[who] = true;
        all.notify_all();
        let limit = Duration::from_secs(20);
        let waited = all.wait_timeout_while(come, limit, |come| come.contains(&false)).unwrap().1;
        if waited.timed_out() { Err(Error::failed("the others did not come")) } else { Ok(()) }
    }
}

const LAYOUT: Layout = Layout::new(64, 4000, 1, SampleType::U8);

/// Gives sevens; waits in the third band.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Reads {}

struct Sevens {
    /// Nobody lends it to a plan that asks for the layout.
    meeting: Option<Meeting>,
    bands: u32,
}

impl Rows for Sevens {
    fn layout(&self) -> Layout {
        LAYOUT
    }

    fn read(&mut self, rows: &mut [u8]) -> Result<()> {
        rows.fill(7);
        self.bands += 1;
        match (&self.meeting, self.bands) {
            (Some(meeting), 1) => {
                let band = u32::try_from(rows.len() / LAYOUT.row_len()).unwrap();
                meeting.0.band.store(band, Ordering::SeqCst);
                Ok(())
            }
            (Some(meeting), 3) => meeting.wait(0),
            _ => Ok(()),
        }
    }
}

impl Step for Reads {
    const NAME: &'static str = "reads";
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

impl Source for Reads {
    fn open<'a>(&'a self, ctx: &Context<'a>) -> Result<Box<dyn Rows + 'a>> {
        let meeting = ctx.service::<Meeting>().ok().cloned();
        Ok(Box::new(Sevens { meeting, bands: 0 }))
    }
}

/// Makes eights of sevens; waits in the second band.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Computes {}

impl Step for Computes {
    const NAME: &'static str = "computes";
    type Input = In<Image>;
    type Output = Image;

    fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
        tile(self, image, &[], ctx)
    }

    fn tile(&self) -> Option<&dyn Tile> {
        Some(self)
    }
}

impl Tile for Computes {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        Ok(inputs[0])
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        let meeting = ctx.service::<Meeting>()?;
        if out.region().y >= meeting.0.band.load(Ordering::SeqCst) {
            meeting.wait(1)?;
        }
        let input = inputs[0].typed::<u8>()?;
        for (y, row) in out.rows::<u8>()? {
            row.iter_mut().zip(input.row(y)).for_each(|(out, sample)| *out = sample + 1);
        }
        Ok(())
    }
}

/// Takes eights; waits in the first band.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Writes {}

impl Step for Writes {
    const NAME: &'static str = "writes";
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

impl Sink for Writes {
    fn write(&self, rows: &mut dyn Rows, ctx: &Context<'_>) -> Result<()> {
        let mut row = vec![0; LAYOUT.row_len()];
        for _ in 0..LAYOUT.height {
            rows.read(&mut row)?;
            assert!(row.iter().all(|&sample| sample == 8));
            ctx.service::<Meeting>()?.wait(2)?;
        }
        Ok(())
    }

    fn aside(&self, layout: Layout) -> u64 {
        layout.row_len() as u64
    }
}

#[test]
fn a_band_is_written_while_one_is_computed_and_one_is_read() {
    for threads in [1, 2] {
        let services = Services::new().with(Meeting::default());
        let (fusion, threads) = (Fusion::Auto, Some(threads));
        let options = Options { fusion, threads, services, ..Options::default() };
        let mut graph = Graph::new();
        let read = graph.add("read", Reads {}, ());
        let computed = graph.add("compute", Computes {}, read);
        let written = graph.add("write", Writes {}, computed);
        graph.target(written);
        let report = Executor::new(options).unwrap().run(&graph, &RunOptions::default()).unwrap();
        report.ok().unwrap();
    }
}
