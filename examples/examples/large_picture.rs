//! A picture goes from file to file in little memory, however high it is.
//!
//! ```text
//! open ─▶ crop ─▶ shrink ─▶ sharpen ─▶ gain ─▶ save
//! ```
//!
//! Some rows are read ahead, a band of the result is made, and the one before is written. Step by
//! step, the same graph makes every image as a whole. The side of the picture is the argument.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::time::Instant;

use pipeline_core::step::{Rows, Sink};
use pipeline_core::{
    Context, Error, Executor, Fusion, Graph, Layout, Options, Result, RunOptions, SampleType,
};
use pipeline_examples::TemporaryFolder;
use pipeline_ops::filter::UnsharpMask;
use pipeline_ops::geometry::{Crop, Resampling, Resize};
use pipeline_ops::io::{Open, Save};
use pipeline_ops::point::Gain;

/// Waves of colour, which are drawn while they are saved.
struct Waves(Layout, u32);

impl Rows for Waves {
    fn layout(&self) -> Layout {
        self.0
    }

    fn read(&mut self, rows: &mut [u8]) -> Result<()> {
        for row in rows.chunks_mut(self.0.row_len()) {
            for (sample, x) in row.iter_mut().zip(0u32..) {
                *sample = ((x / 9) ^ (self.1 / 5)).to_le_bytes()[0];
            }
            self.1 += 1;
        }
        Ok(())
    }
}

fn main() -> Result<()> {
    let side = std::env::args().nth(1).unwrap_or("3000".into());
    let Some(side) = side.parse().ok().filter(|&side| side >= 220) else {
        return Err(Error::input("the side", side, "pixels, 220 and more"));
    };
    let folder = TemporaryFolder::new("large-picture");
    let path = folder.path().join("large.tif");
    let layout = Layout::new(side, side, 3, SampleType::U8);
    Save::path(&path).write(&mut Waves(layout, 0), &Context::default())?;

    let mut graph = Graph::new();
    let open = Open { max_bytes: 2 * layout.size_bytes(), ..Open::path(path) };
    let picture = graph.add("open", open, ());
    let part = graph.add("crop", Crop { x: 100, y: 100, ..Crop::default() }, picture);
    let less = (side - 100) / 10 * 9;
    let shrink = Resize { filter: Resampling::Bilinear, ..Resize::to(less, less) };
    let small = graph.add("shrink", shrink, part);
    let sharpen = UnsharpMask { sigma: 1.0, ..UnsharpMask::default() };
    let sharp = graph.add("sharpen", sharpen, small);
    let bright = graph.add("gain", Gain { factor: 1.1 }, sharp);
    graph.add("save", Save::path(folder.path().join("small.tif")), bright);

    for fusion in [Fusion::Auto, Fusion::Never] {
        let executor = Executor::new(Options { fusion, ..Options::default() })?;
        let began = Instant::now();
        let report = executor.run(&graph, &RunOptions::default())?;
        report.ok()?;
        let (millis, whole) = (began.elapsed().as_millis(), layout.size_bytes() >> 20);
        let peak = report.totals().peak_bytes >> 20;
        println!("{fusion:?}: {peak} MiB of a picture of {whole} MiB at once, {millis} ms");
        // What the system says of the whole process, where it does.
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        status.lines().filter(|line| line.starts_with("VmHWM")).for_each(|line| println!("{line}"));
        assert!(fusion == Fusion::Never || side < 2000 || peak <= whole / 2);
    }
    Ok(())
}
