//! What is seen while it goes on.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pipeline_core::batch::{BatchEvent, Progress};

/// A bar over the fields of view, with what is going on behind it, and a line for each that ended.
///
/// Where nobody looks at a terminal there are the lines alone.
#[derive(Debug)]
pub(crate) struct Bar {
    bar: ProgressBar,
    json: bool,
}

impl Bar {
    /// With `json` every event is a line of it, and there is nothing else.
    pub(crate) fn new(fields: usize, json: bool) -> Self {
        let bar = ProgressBar::new(fields as u64);
        let style =
            ProgressStyle::with_template("{bar:30} {pos}/{len} fields  {elapsed}  {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        if json {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        } else {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self { bar, json }
    }

    pub(crate) fn hear(&self, event: &BatchEvent) {
        if self.json {
            println!("{}", serde_json::to_string(event).unwrap_or_default());
            return;
        }
        match event {
            BatchEvent::Progress(Progress { fov, message, .. }) => {
                self.bar.set_message(format!("{fov}  {message}"));
            }
            BatchEvent::ItemFinished { fov, status, message, again, duration_ms, done, .. } => {
                self.bar.set_position(*done as u64);
                let again = if *again { ", to be tried again" } else { "" };
                let why = message.as_ref().map(|why| format!("  {why}")).unwrap_or_default();
                let status = status.name();
                self.line(&format!("{fov}  {status} in {duration_ms} ms{again}{why}"));
            }
            BatchEvent::BatchFinished { batch, batches } => {
                self.line(&format!("batch {} of {batches} finished", batch + 1));
            }
            _ => {}
        }
    }

    /// Prints a line above the bar.
    fn line(&self, line: &str) {
        self.bar.suspend(|| println!("{line}"));
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
