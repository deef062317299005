//! A log of events as JSON, one object per line.

use std::io::{BufRead, Read, Write};

use parking_lot::Mutex;

use super::Observer;
use crate::error::{Error, Result};
use crate::event::{Event, EventKind};

/// No line of a log may be longer; the first line of a run lists all its nodes.
const LINE_LIMIT: u64 = 1 << 28;

/// Writes every event to `W` as one JSON object per line. [`read`] reads it back, and the events
/// add up to the same [`Snapshot`](crate::event::Snapshot) again.
///
/// Each event is written at once, so give it something buffered; it is flushed at the end of each
/// run. After a failed write nothing more is written, and [`finish`](Self::finish) tells.
#[derive(Debug)]
pub struct JsonLines<W> {
    out: Mutex<Out<W>>,
}

#[derive(Debug)]
struct Out<W> {
    writer: W,
    error: Option<std::io::Error>,
    line: Vec<u8>,
}

impl<W: Write + Send> JsonLines<W> {
    /// A log that is written to `writer`.
    pub const fn new(writer: W) -> Self {
        Self { out: Mutex::new(Out { writer, error: None, line: Vec::new() }) }
    }

    /// Flushes the log and gives the writer back.
    ///
    /// # Errors
    /// The first write that failed.
    pub fn finish(self) -> Result<W> {
        let Out { mut writer, error, .. } = self.out.into_inner();
        match error.map_or_else(|| writer.flush(), Err) {
            Ok(()) => Ok(writer),
            Err(error) => Err(Error::caused("the event log could not be written", error)),
        }
    }
}

impl<W: Write + Send> Observer for JsonLines<W> {
    fn on_event(&self, event: &Event) {
        let mut out = self.out.lock();
        if out.error.is_none()
            && let Err(error) = out.write(event)
        {
            out.error = Some(error);
        }
    }
}

impl<W: Write> Out<W> {
    fn write(&mut self, event: &Event) -> std::io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, event)?;
        self.line.push(b'\n');
        self.writer.write_all(&self.line)?;
        if matches!(event.kind, EventKind::RunFinished(_)) {
            self.writer.flush()?;
        }
        Ok(())
    }
}

/// Reads a log of events. A line that is damaged, such as the last one of a program that was
/// killed, is an error for itself; the next line is read all the same. Empty lines are passed over.
///
/// A log holds the events of all runs its observer heard; they may alternate.
pub fn read(log: impl BufRead) -> impl Iterator<Item = Result<Event>> {
    let mut lines = Lines { log, number: 0, line: Vec::new(), ended: false };
    std::iter::from_fn(move || lines.next_event())
}

struct Lines<R> {
    log: R,
    number: u64,
    line: Vec<u8>,
    ended: bool,
}

impl<R: BufRead> Lines<R> {
    fn next_event(&mut self) -> Option<Result<Event>> {
        while !self.ended {
            self.line.clear();
            self.number += 1;
            let mut limited = (&mut self.log).take(LINE_LIMIT);
            match limited.read_until(b'\n', &mut self.line) {
                Ok(0) => self.ended = true,
                Ok(_) if self.line.trim_ascii().is_empty() => {}
                Ok(length) => {
                    // What follows a cut line is not a line.
                    self.ended = length as u64 == LINE_LIMIT;
                    return Some(self.event());
                }
                Err(error) => {
                    self.ended = true;
                    return Some(Err(Error::caused("the event log could not be read", error)));
                }
            }
        }
        None
    }

    fn event(&self) -> Result<Event> {
        serde_json::from_slice(&self.line).map_err(|error| {
            Error::input(format!("line {} of the event log", self.number), error, "an event")
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::history::{history, log_of, replay, seeded};
    use crate::id::RunId;

    fn written(events: &[Event]) -> Vec<u8> {
        let log = JsonLines::new(Vec::new());
        events.iter().for_each(|event| log.on_event(event));
        log.finish().unwrap()
    }

    proptest! {
        #![proptest_config(seeded())]

        #[test]
        fn a_log_replays_to_the_same_state(history in history(6)) {
            let events = log_of(history);
            let replayed: Vec<_> = read(&*written(&events)).map(Result::unwrap).collect();
            prop_assert_eq!(replay(&replayed), replay(&events));
            prop_assert_eq!(replayed, events);
        }

        #[test]
        fn a_log_cut_anywhere_loses_one_line(
            history in history(4),
            at in any::<prop::sample::Index>(),
        ) {
            let events = log_of(history);
            let log = written(&events);
            let cut = &log[..at.index(log.len())];
            let read: Vec<_> = read(cut).collect();
            let whole = cut.iter().filter(|&&byte| byte == b'\n').count();
            for (read, event) in read.iter().zip(&events).take(whole) {
                prop_assert_eq!(read.as_ref().unwrap(), event);
            }
            prop_assert!(read.len() <= whole + 1);
        }
    }

    #[test]
    fn a_damaged_line_is_named_and_passed_over() {
        let good = r#"{"seq":0,"run":1,"revision":0,"t_us":1,"node":3,"kind":"step_queued"}"#;
        let log = format!("{good}\n\n{{\"seq\":\n\u{fffd}{good}\n{good}");
        let read: Vec<_> = read(log.as_bytes()).collect();
        assert_eq!(read.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, false, true]);
        let message = read[1].as_ref().unwrap_err().to_string();
        assert!(message.starts_with("line 3 of the event log is "), "{message}");
    }

    #[test]
    fn a_failed_write_is_told_at_the_end() {
        struct Full;

        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("disk full"))
            }

            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }

        let log = JsonLines::new(Full);
        let kind = EventKind::StepQueued;
        log.on_event(&Event { seq: 0, run: RunId(1), revision: 0, t_us: 0, node: None, kind });
        let error = log.finish().map(drop).unwrap_err();
        assert_eq!(error.causes(), ["disk full"]);
    }
}
