//! Reading, computing and writing of a chain that goes row by row go on at the same time.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use pipeline_core::{
    Context, Error, Executor, Fusion, Graph, Image, In, Layout, Options, Result, RunOptions,
    Services, Step, Tile, View, ViewMut, tile,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sevens::{Drain, Watch, sevens};

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

/// Reading waits in the third band, and writing of eights in the first.
impl Watch for Meeting {
    fn read(&self, band: u32, rows: usize) -> Result<()> {
        match band {
            0 => self.0.band.store(u32::try_from(rows).unwrap(), Ordering::SeqCst),
            2 => self.wait(0)?,
            _ => {}
        }
        Ok(())
    }

    fn taken(&self, row: &[u8]) -> Result<()> {
        assert!(row.iter().all(|&sample| sample == 8));
        self.wait(2)
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

#[test]
fn a_band_is_written_while_one_is_computed_and_one_is_read() {
    for threads in [1, 2] {
        let meeting = Meeting::default();
        let watch: Arc<dyn Watch> = Arc::new(meeting.clone());
        let services = Services::new().with(meeting).with(watch);
        let (fusion, threads) = (Fusion::Auto, Some(threads));
        let options = Options { fusion, threads, services, ..Options::default() };
        let mut graph = Graph::new();
        let read = graph.add("read", sevens(64, 4000, ""), ());
        let computed = graph.add("compute", Computes {}, read);
        let written = graph.add("write", Drain::default(), computed);
        graph.target(written);
        let report = Executor::new(options).unwrap().run(&graph, &RunOptions::default()).unwrap();
        report.ok().unwrap();
    }
}
