//! What the program is asked for.

use std::ops::Range;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use pipeline_core::batch::Shard;
use pipeline_core::{Error, Result};
use pipeline_ops::cells::{TraceLayout, Workflow};
use pipeline_ops::io::SeriesFile;

/// Finds the cells of a time-lapse, follows them, and measures what they have of each channel.
#[derive(Debug, Parser)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line")]
pub(crate) struct Arguments {
    /// The movie: OME-TIFF, other TIFF, or .npy
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/data/cells.ome.tif"),
          hide_default_value = true)]
    pub(crate) input: PathBuf,
    /// The folder for all that is made
    #[arg(long, default_value = "out/cell_traces")]
    pub(crate) output: PathBuf,
    /// Fields of view, as in `0-3` or `2`; all by default
    #[arg(long)]
    fields: Option<String>,
    /// The channel that cells are found in
    #[arg(long, default_value_t = 0)]
    phase: u32,
    /// A channel that is measured; may be given more than once; all others by default
    #[arg(long = "signal")]
    signals: Vec<u32>,
    /// Threads, and fields of view at the same time
    #[arg(long, default_value_t = 2, value_parser = at_least_one)]
    pub(crate) workers: usize,
    /// Fields of view of a batch
    #[arg(long, default_value_t = 2, value_parser = at_least_one)]
    pub(crate) batch_size: usize,
    /// The part of the fields that is done here, as in `0/2`
    #[arg(long, default_value_t = Shard::WHOLE)]
    pub(crate) shard: Shard,
    /// Whether what is done and whole is left as it is
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    pub(crate) resume: bool,
    /// How often a field that failed is tried again
    #[arg(long, default_value_t = 1)]
    pub(crate) retries: u32,
    /// How cells are found and followed
    #[arg(long, value_enum, default_value_t = Way::Improved)]
    mode: Way,
    /// Which files there are of traces
    #[arg(long, value_enum, default_value_t = Layout::New)]
    layout: Layout,
    /// Write NumPy arrays in place of TIFF
    #[arg(long)]
    npy: bool,
    /// Save corrected channels as floats and not as whole counts
    #[arg(long)]
    floats: bool,
    /// Copy the channels, and save what is behind the cells, as pyama does
    #[arg(long)]
    copies: bool,
    /// Pixels by which cells are grown once they are found
    #[arg(long, default_value_t = 0.0)]
    grow: f32,
    /// Frames that a cell may be missing for; 2, and 0 in the compatible mode, by default
    #[arg(long)]
    gap: Option<u32>,
    /// Whether cells may divide; true, and false in the compatible mode, by default
    #[arg(long)]
    divisions: Option<bool>,
    /// Frames that a trace must have; 5, and 30 in the compatible mode, by default
    #[arg(long)]
    min_frames: Option<u32>,
    /// Pixels that a cell must stay away from the edge; 0 by default, and 50 in the compatible mode
    /// with the new layout
    #[arg(long)]
    margin: Option<u32>,
    /// The share of its frames that a cell may be missing in, from 0 to 1; any by default
    #[arg(long)]
    max_missing: Option<f32>,
    /// Frames of each field that are drawn with their cells
    #[arg(long, default_value_t = 1)]
    overlays: u32,
    /// MiB that results may take at the same time
    #[arg(long, default_value_t = 64)]
    pub(crate) memory: u64,
    /// Print what happens as lines of JSON, for another program
    #[arg(long)]
    pub(crate) json: bool,
    /// Keep no cells and measurements of single frames
    #[arg(long)]
    pub(crate) no_cache: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Way {
    /// As well as it can be done
    Improved,
    /// Equal to what pyama does
    Compatible,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Layout {
    /// One file for each field
    New,
    /// One file for each field and channel
    Old,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("expected a whole number above 0".to_owned()),
        Ok(number) => Ok(number),
    }
}

impl Arguments {
    /// What is to be done for each field.
    pub(crate) fn workflow(&self, file: &SeriesFile) -> Result<Workflow> {
        let mut workflow = Workflow::new(&self.input, &self.output);
        if let Layout::Old = self.layout {
            workflow.layout = TraceLayout::Old;
        }
        if let Way::Compatible = self.mode {
            workflow = workflow.compatible();
        }
        (workflow.npy, workflow.floats, workflow.copies) = (self.npy, self.floats, self.copies);
        (workflow.phase, workflow.overlays, workflow.grow) = (self.phase, self.overlays, self.grow);
        workflow.signals.clone_from(&self.signals);
        let Workflow { link, traces, .. } = &mut workflow;
        link.gap = self.gap.unwrap_or(link.gap);
        link.divisions = self.divisions.unwrap_or(link.divisions);
        traces.min_frames = self.min_frames.unwrap_or(traces.min_frames);
        traces.margin = self.margin.unwrap_or(traces.margin);
        traces.max_missing = self.max_missing;
        let first = file.fields().first();
        let channels = first.map_or(0, |field| field.channels.len());
        if self.signals.is_empty() {
            let channels = u32::try_from(channels).unwrap_or(u32::MAX);
            workflow.signals = (0..channels).filter(|&channel| channel != self.phase).collect();
        }
        Ok(workflow)
    }

    /// The fields that are asked for.
    pub(crate) fn fields(&self, file: &SeriesFile) -> Result<Range<u32>> {
        let Some(text) = &self.fields else {
            return Ok(0..u32::try_from(file.fields().len()).unwrap_or(u32::MAX));
        };
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (first.parse::<u32>(), last.parse::<u32>()) {
            (Ok(first), Ok(last)) if first <= last && last < u32::MAX => Ok(first..last + 1),
            _ => Err(Error::input("the fields", format!("`{text}`"), "`0-3` or `2`")),
        }
    }
}
