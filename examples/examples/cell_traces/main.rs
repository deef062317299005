//! From a microscope file to the traces of its cells: all fields of view, several at a time, and
//! nothing that is done already.
//!
//! ```text
//!             ┌▶ fov_000: graph of the field ─▶ masks, tracks, traces, plot … ─┐
//! movie ──────┼▶ fov_001: graph of the field ─▶ …                              ├─▶ results
//! OME-TIFF …  └▶ …                                                             ┘
//! ```
//!
//! A whole program, so it is longer than a page: what it does is in `run`, what it is asked for in
//! `options`, and what is seen of it in `progress`.
//!
//! Bare it runs on the movie that comes with the examples; `--help` tells the rest. Stopped in any
//! way, by Ctrl-C or without notice, it goes on where it was when it is started again.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example shows what it does")]

mod options;
mod progress;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use options::Arguments;
use pipeline_cache::{Codecs, DiskCache, DiskOptions};
use pipeline_core::batch::{BatchOptions, ItemStatus, with_records};
use pipeline_core::cache::Cache;
use pipeline_core::{CancelReason, CancelToken, Executor, Labels, Options, Services};
use pipeline_ops::io::{OpenFiles, SeriesFile};
use pipeline_ops::measure::Table;
use progress::Bar;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprint!("{error}");
            let mut source = error.source();
            while let Some(cause) = source {
                eprint!(": {cause}");
                source = cause.source();
            }
            eprintln!();
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let file = SeriesFile::open(&arguments.input)?;
    let workflow = arguments.workflow(&file)?;
    let fields = arguments.fields(&file)?;
    let items = workflow.items(&file, fields)?;
    let (results, ours) =
        (workflow.output.join("processing_results.yaml"), workflow.output.join("manifest"));
    if results.exists() && !ours.exists() {
        return Err(format!(
            "{} is of another program; choose another output folder",
            results.display()
        )
        .into());
    }

    let mut executor = Options {
        threads: Some(arguments.workers),
        services: Services::new().with(OpenFiles::default()),
        ..Options::default()
    };
    if !arguments.no_cache {
        executor.cache = Some(cache(arguments)?);
    }
    let executor = Executor::new(executor)?;

    let bar = Arc::new(Bar::new(items.len(), arguments.json));
    let listener = Arc::clone(&bar);
    let options = BatchOptions {
        workers: Some(arguments.workers),
        batch_size: Some(arguments.batch_size),
        shard: arguments.shard,
        retries: arguments.retries,
        folder: Some(workflow.output.clone()),
        // Files have the name of the movie; another movie needs another folder.
        pipeline: format!("cell_traces of {}", workflow.movie()),
        redo: !arguments.resume,
        budget: Some(arguments.memory << 20),
        token: stopped_by_ctrl_c()?,
        listener: Some(Arc::new(move |event| listener.hear(event))),
        ..BatchOptions::default()
    };
    let report = executor.batch(&items, &options)?;
    bar.finish();

    let done = with_records(&workflow.output, |records| workflow.save_results(&file, records))?;
    if report.count(ItemStatus::Unchanged) == report.items.len() {
        println!("nothing to do: all {} fields are done", report.items.len());
    } else {
        println!("{report}");
    }
    println!("{done} fields in {}", workflow.output.join("processing_results.yaml").display());
    Ok(if report.ok().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The cells of single frames and what was measured of them, so that other parameters of tracks and
/// traces make anew only what depends on them, and a field that was stopped goes on where it was.
/// Images are not kept: most of them are among the files that are made.
fn cache(arguments: &Arguments) -> Result<Arc<dyn Cache>, Box<dyn Error>> {
    let codecs = Codecs::none().with::<Labels>().with::<Table>();
    let options = DiskOptions { codecs, ..DiskOptions::default() };
    Ok(Arc::new(DiskCache::open(arguments.output.join("cache"), options)?))
}

/// A token that Ctrl-C sets; a second one ends the program at once, which costs no more.
fn stopped_by_ctrl_c() -> Result<CancelToken, ctrlc::Error> {
    let token = CancelToken::new();
    let stopped = token.clone();
    ctrlc::set_handler(move || {
        if !stopped.cancel(CancelReason::User) {
            std::process::exit(130);
        }
    })?;
    Ok(token)
}
