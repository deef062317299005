//! What there is of all fields of view, in the form that `pyama` reads.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use pipeline_core::batch::{ItemStatus, Record};
use pipeline_core::{Error, Result};

use super::field_files::item_name;
use super::workflow::{Mode, TraceLayout, Workflow};
use crate::io::{SeriesFile, renew_text};

impl Workflow {
    /// Writes `processing_results.yaml`, and in the new layout `traces.csv` with the traces of all
    /// fields, from what is recorded of the folder: all fields are in it that are done and have the
    /// files of this workflow, whoever did them and when. A file that says just this already is
    /// left as it is.
    ///
    /// Returns their number.
    ///
    /// # Errors
    /// [`Error::File`] if a file cannot be read or written; [`Error::Input`] if the traces of two
    /// fields have other columns, as those of other versions may.
    pub fn save_results(&self, file: &SeriesFile, records: &[Record]) -> Result<usize> {
        let done = records.iter().filter(|record| record.status == ItemStatus::Done);
        let fields = done.filter_map(|record| {
            let fov = field_of(&record.item)?;
            let made: HashSet<PathBuf> =
                record.outputs.iter().map(|output| self.output.join(&output.path)).collect();
            self.results_of(fov).iter().all(|path| made.contains(path)).then_some(fov)
        });
        let mut fields: Vec<u32> = fields.collect();
        fields.sort_unstable();
        let yaml = self.yaml(&fields, file);
        let path = self.output.join("processing_results.yaml");
        renew_text(&path, |out| out.write_all(yaml.as_bytes()))?;
        if self.layout == TraceLayout::New {
            let tables: Vec<PathBuf> = fields.iter().map(|&fov| self.files(fov).traces()).collect();
            let path = self.output.join("traces.csv");
            for table in &tables[1.min(tables.len())..] {
                let [first, other] = [&tables[0], table].map(|table| names_of(table));
                let (first, other) = (first?, other?);
                if first != other {
                    let what = format!("the columns of {}", table.display());
                    let expected = format!("{first}, as those of {}", tables[0].display());
                    return Err(Error::input(what, other, expected));
                }
            }
            renew_text(&path, |out| join(&tables, out))?;
        }
        Ok(fields.len())
    }

    /// The files of a field that results speak of.
    fn results_of(&self, fov: u32) -> Vec<PathBuf> {
        let files = self.files(fov);
        let mut all = vec![files.masks(self.phase), files.tracked(self.phase)];
        all.extend(self.signals.iter().map(|&channel| files.corrected(channel)));
        if self.copies {
            all.push(files.phase(self.phase));
            all.extend(self.signals.iter().map(|&channel| files.signal(channel)));
        }
        if self.has_backgrounds() {
            all.extend(self.signals.iter().map(|&channel| files.background(channel)));
        }
        match self.layout {
            TraceLayout::New => all.push(files.traces()),
            TraceLayout::Old => {
                all.extend(self.signals.iter().map(|&channel| files.traces_of(channel)));
            }
        }
        all
    }

    /// The results file: the keys of `pyama` in their order, for the files that there are: copies
    /// of channels and backgrounds only if they are wanted, and corrected channels always.
    fn yaml(&self, fields: &[u32], file: &SeriesFile) -> String {
        let mut yaml = String::new();
        // Nothing is written to but memory.
        let _ = self.write_yaml(fields, file, &mut yaml);
        yaml
    }

    fn write_yaml(&self, fields: &[u32], file: &SeriesFile, yaml: &mut String) -> std::fmt::Result {
        let is_new = self.layout == TraceLayout::New;
        let channels = &self.signals;
        writeln!(yaml, "output_dir: {}", quoted(&self.output))?;
        writeln!(yaml, "channels:")?;
        if is_new {
            writeln!(yaml, "  pc: [{}, [area]]", self.phase)?;
            let each = channels.iter().map(|channel| format!("[{channel}, [intensity_total]]"));
            writeln!(yaml, "  fl: [{}]", each.collect::<Vec<_>>().join(", "))?;
        } else {
            writeln!(yaml, "  pc: {}", self.phase)?;
            let each: Vec<String> = channels.iter().map(ToString::to_string).collect();
            writeln!(yaml, "  fl: [{}]", each.join(", "))?;
        }
        let key = if is_new { "results" } else { "results_paths" };
        let none = if fields.is_empty() { " {}" } else { "" };
        writeln!(yaml, "{key}:{none}")?;
        for &fov in fields {
            let files = self.files(fov);
            writeln!(yaml, "  '{fov}':")?;
            let one = |name: &str, path: &Path| {
                format!("    {name}: [{}, {}]\n", self.phase, quoted(path))
            };
            let each = |name: &str, path: &dyn Fn(u32) -> PathBuf| {
                let pair = |&channel| format!("[{channel}, {}]", quoted(&path(channel)));
                let pairs: Vec<String> = channels.iter().map(pair).collect();
                format!("    {name}: [{}]\n", pairs.join(", "))
            };
            if self.copies {
                yaml.push_str(&one("pc", &files.phase(self.phase)));
                yaml.push_str(&each("fl", &|channel| files.signal(channel)));
            }
            yaml.push_str(&one("seg", &files.masks(self.phase)));
            yaml.push_str(&one("seg_labeled", &files.tracked(self.phase)));
            if self.has_backgrounds() {
                yaml.push_str(&each("fl_background", &|channel| files.background(channel)));
            }
            yaml.push_str(&each("fl_corrected", &|channel| files.corrected(channel)));
            if is_new {
                writeln!(yaml, "    traces: {}", quoted(&files.traces()))?;
            } else {
                yaml.push_str(&each("traces_csv", &|channel| files.traces_of(channel)));
            }
        }
        writeln!(yaml, "params:")?;
        writeln!(yaml, "  min_frames: {}", self.traces.min_frames)?;
        writeln!(yaml, "  margin: {}", self.traces.margin)?;
        if is_new {
            // All of it is subtracted.
            writeln!(yaml, "  background_weight: 1.0")?;
        }
        let has_time = |&fov: &u32| {
            let info = file.fields().get(fov as usize);
            info.is_some_and(|info| info.seconds_per_frame.is_some())
        };
        let has_times = fields.iter().all(has_time);
        // The original says minutes always, and prints what it takes for them.
        let is_told = has_times || self.mode == Mode::Compatible;
        writeln!(yaml, "time_units: {}", if is_told { "min" } else { "frame" })
    }
}

/// The number of the field that an item is.
fn field_of(item: &str) -> Option<u32> {
    let fov = item.strip_prefix("fov_")?.parse().ok()?;
    (item_name(fov) == item).then_some(fov)
}

/// A path as YAML takes any text.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', "''"))
}

/// The first line of a table.
fn names_of(table: &Path) -> Result<String> {
    let read = || {
        let mut names = String::new();
        BufReader::new(File::open(table)?).read_line(&mut names)?;
        Ok(names.trim_end().to_owned())
    };
    read().map_err(|error: std::io::Error| Error::File {
        path: table.to_owned(),
        action: "read",
        source: error.into(),
    })
}

/// Tables of the same columns, one after the other under one line of names.
fn join(tables: &[PathBuf], out: &mut dyn Write) -> std::io::Result<()> {
    let mut names = None;
    for table in tables {
        let mut lines = BufReader::new(File::open(table)?);
        let mut first = String::new();
        lines.read_line(&mut first)?;
        if names.is_none() {
            out.write_all(first.as_bytes())?;
            names = Some(first);
        }
        std::io::copy(&mut lines, out)?;
    }
    Ok(())
}
