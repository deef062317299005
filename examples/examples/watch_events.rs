//! Listening to a run: events as they come, a log that replays, figures, and advice.
//!
//! ```text
//!           ┌─▶ gray ──▶ level ──▶ shape       events ─┬─▶ this terminal
//!  photo ───┤  grayscale otsu      mask_image          ├─▶ out/watch_events/run.jsonl
//!           └─▶ quiet ──▶ edges                        └─▶ metrics ──▶ advice
//!              median     sobel
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::fs::{self, File};
use std::io::{BufReader, BufWriter};
use std::sync::{Arc, mpsc};

use pipeline_core::event::{EventKind, Snapshot, Warning};
use pipeline_core::observe::{self, Advice, JsonLines, Metrics, Received};
use pipeline_core::{Executor, Graph, Options, RunOptions};
use pipeline_ops::segment::{MaskImage, Otsu};
use pipeline_ops::{filter::Sobel, io::Open, point::Grayscale, rank::Median};

fn main() -> Result<(), Box<dyn std::error::Error>> {
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
    // So strict that of six steps there is always one to complain about.
    let advice = Advice { slow_share: 0.16, slow_us: 0, ..Advice::default() };
    let (tell, told) = mpsc::channel();
    let advice = advice.observer(move |_, advice: &[Warning]| drop(tell.send(advice.to_vec())));
    let executor = Executor::new(Options {
        observers: vec![Arc::new(log), Arc::<Metrics>::clone(&metrics), Arc::new(advice)],
        ..Options::default()
    })?;

    // Whoever joins gets the state so far, and every event after it.
    let run = executor.spawn(&graph, &RunOptions::default())?;
    let (mut state, events) = run.subscribe(1024);
    for received in events {
        match received {
            Received::Event(event) => {
                state.apply(&event);
                let node = event.node.and_then(|id| state.planned(id)).map_or("", |n| &*n.name);
                let detail = match &event.kind {
                    EventKind::StepProgress(p) => format!("{} of {} {}", p.done, p.total, p.unit),
                    EventKind::StepFinished(end) => end.status.to_string(),
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
    // Observers are told in turn: when the last one has heard the end, so have the others.
    let advice = told.recv()?;

    // The log tells the same story.
    let mut replayed = Snapshot::new(state.run, state.revision);
    for event in observe::read(BufReader::new(File::open("out/watch_events/run.jsonl")?)) {
        replayed.apply(&event?);
    }
    assert_eq!(replayed, state);
    println!("\nthe log replays to the same state: {} nodes ended\n", replayed.counts.total());
    println!("{}\n", metrics.summary());
    for Warning { message, suggestions, .. } in &advice {
        println!("{message}: {}", suggestions[0].text);
    }
    assert!(advice.iter().any(|warning| warning.code == "slow_step"));
    Ok(())
}
