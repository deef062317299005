//! Listening to a run: events as they come, a log that replays, figures, and advice.
//!
//! ```text
//!           ┌─▶ gray ──▶ level ──▶ shape       events ─┬─▶ this terminal
//!  photo ───┤  grayscale otsu      mask_image          ├─▶ out/watch_events/run.jsonl
//!           └─▶ quiet ──▶ edges                        └─▶ metrics ──▶ advice
//!              median     sobel
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter};
use std::sync::Arc;

use pipeline_core::event::{EventKind, Snapshot};
use pipeline_core::observe::{self, Advice, JsonLines, Metrics, Received};
use pipeline_core::{Executor, Graph, Options, RunOptions};
use pipeline_ops::filter::Sobel;
use pipeline_ops::io::Open;
use pipeline_ops::point::Grayscale;
use pipeline_ops::rank::Median;
use pipeline_ops::segment::{MaskImage, Otsu};

fn main() -> Result<(), Box<dyn Error>> {
    let mut graph = Graph::new();
    let photo = graph.add("photo", Open::path("examples/data/rocket.jpg"), ());
    let gray = graph.add("gray", Grayscale::default(), photo);
    let level = graph.add("level", Otsu {}, gray);
    graph.add("shape", MaskImage {}, level);
    let quiet = graph.add("quiet", Median { radius: 9, ..Median::default() }, photo);
    graph.add("edges", Sobel::default(), quiet);

    fs::create_dir_all("out/watch_events")?;
    let log = JsonLines::new(BufWriter::new(File::create("out/watch_events/run.jsonl")?));
    let metrics = Arc::new(Metrics::new());
    let executor = Executor::new(Options {
        observers: vec![Arc::new(log), Arc::<Metrics>::clone(&metrics)],
        ..Options::default()
    })?;

    // Whoever joins gets the state so far, and every event after it.
    let run = executor.spawn(&graph, &RunOptions::default())?;
    let (mut state, events) = run.subscribe(1024);
    println!("joined before event {}", state.next_seq);
    for received in events {
        match received {
            Received::Event(event) => {
                state.apply(&event);
                let node = event.node.and_then(|node| state.info(node));
                let node = node.map_or("", |info| &*info.name);
                let detail = match &event.kind {
                    EventKind::StepProgress(p) => format!("{} of {} {}", p.done, p.total, p.unit),
                    EventKind::StepFinished(end) => end.status.to_string(),
                    EventKind::RunFinished(end) => end.status.to_string(),
                    _ => String::new(),
                };
                let ms = std::time::Duration::from_micros(event.t_us).as_secs_f64() * 1e3;
                println!("{ms:8.2} ms  {:13}  {node:6}  {detail}", event.kind.name());
            }
            // A slow listener loses no more than this: the state is right again.
            Received::Lagged(now) => state = *now,
        }
    }
    run.wait().ok()?;

    // The log tells the same story.
    let mut replayed = Snapshot::new(state.run, state.revision);
    for event in observe::read(BufReader::new(File::open("out/watch_events/run.jsonl")?)) {
        replayed.apply(&event?);
    }
    assert_eq!(replayed, state);
    println!("\nthe log replays to the same state: {} nodes ended\n", replayed.counts.total());

    let figures = metrics.report();
    println!("{figures}\n");
    let advice = Advice { slow_us: 1_000, ..Advice::default() }.of(&figures);
    for warning in &advice {
        println!("{}: {}", warning.code, warning.message);
        warning.suggestions.iter().for_each(|suggestion| println!("  - {}", suggestion.text));
    }
    assert!(advice.iter().any(|warning| warning.code == "slow_step"));
    Ok(())
}
