//! What a movie of several fields of view costs from file to traces, with one worker and two, and
//! when nothing is left to do; and how much memory a long one takes.
//!
//! Each run is a process of its own, so what is resident is what the run needs.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use pipeline_cache::{Codecs, DiskCache, DiskOptions};
use pipeline_core::batch::{BatchEvent, BatchOptions, records};
use pipeline_core::{CancelReason, CancelToken, Executor, Labels, Options, Result, Services};
use pipeline_ops::cells::Workflow;
use pipeline_ops::io::{OpenFiles, SeriesFile};
use pipeline_ops::measure::Table;

use crate::clock::cpu;
use crate::figure::{Figure, ratio};
use crate::movie::{self, Extent};

/// The movie by which the program beside it was measured.
const MOVIE: Extent = Extent { fields: 4, frames: 60, size: (640, 576) };

/// A movie of many frames, which are so small that they take no time.
const LONG: Extent = Extent { fields: 1, frames: 4000, size: (96, 96) };

/// Processor time of that program for the movie, from file to traces: its older version with one
/// worker, which is its fastest.
const PEER_CPU: Duration = Duration::from_millis(58_700);

/// How often each run is repeated; the least of each figure counts, and of what is resident the
/// middle, as allocators and threads make it larger or smaller by a tenth.
const TURNS: usize = 5;

/// What a process says of its run.
#[derive(Debug, Clone, Copy)]
struct Run {
    wall: Duration,
    cpu: Duration,
    /// Bytes that were resident at once.
    peak: f64,
}

impl Run {
    /// What counts of several runs.
    fn of(runs: &[Self]) -> Self {
        let least = |time: fn(&Self) -> Duration| runs.iter().map(time).min().unwrap_or_default();
        let mut peaks: Vec<f64> = runs.iter().map(|run| run.peak).collect();
        peaks.sort_by(f64::total_cmp);
        let (wall, cpu) = (least(|run| run.wall), least(|run| run.cpu));
        Self { wall, cpu, peak: peaks[peaks.len() / 2] }
    }
}

/// Runs a workflow if the arguments ask for that, and prints what it took.
///
/// # Errors
/// If anything goes wrong.
pub fn child(arguments: &[String]) -> Result<Option<String>, Box<dyn Error>> {
    let [word, mode, workers, movie, output] = arguments else { return Ok(None) };
    if word != "run-workflow" {
        return Ok(None);
    }
    let workers: usize = workers.parse()?;
    let (begin, busy) = (Instant::now(), cpu());
    let file = SeriesFile::open(movie)?;
    let workflow = Workflow { signals: vec![1, 2], ..Workflow::new(movie, output) };
    let workflow = if mode == "compatible" { workflow.compatible() } else { workflow };
    let codecs = Codecs::none().with::<Labels>().with::<Table>();
    let options = DiskOptions { codecs, ..DiskOptions::default() };
    let cache = DiskCache::open(Path::new(output).join("cache"), options)?;
    let executor = Executor::new(Options {
        threads: Some(workers),
        services: Services::new().with(OpenFiles::default()),
        cache: Some(Arc::new(cache)),
        ..Options::default()
    })?;
    let options = BatchOptions {
        workers: Some(workers),
        folder: Some(output.into()),
        budget: Some(64 << 20),
        ..BatchOptions::default()
    };
    let fields = u32::try_from(file.fields().len())?;
    executor.batch(&workflow.items(&file, 0..fields)?, &options)?.ok()?;
    workflow.save_results(&file, &records(&workflow.output)?)?;
    drop(executor);
    let (wall, cpu) = (begin.elapsed(), cpu() - busy);
    let peak = resident()?;
    Ok(Some(format!("{} {} {peak}", wall.as_nanos(), cpu.as_nanos())))
}

/// The most that this process had resident at once, in bytes.
fn resident() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM")).ok_or("not told")?;
    let kilobytes: u64 = line.split_whitespace().nth(1).ok_or("no number")?.parse()?;
    Ok(kilobytes << 10)
}

/// Lets a process run the workflow.
fn run(mode: &str, workers: usize, movie: &Path, output: &Path) -> Result<Run, Box<dyn Error>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["run-workflow", mode, &workers.to_string()]).arg(movie).arg(output);
    let said = command.output()?;
    if !said.status.success() {
        return Err(String::from_utf8_lossy(&said.stderr).into_owned().into());
    }
    let said = String::from_utf8(said.stdout)?;
    let numbers: Vec<u64> =
        said.split_whitespace().map(str::parse).collect::<std::result::Result<_, _>>()?;
    let [wall, cpu, peak] = numbers[..] else { return Err(said.into()) };
    #[expect(clippy::cast_precision_loss, reason = "a figure of three digits")]
    let peak = peak as f64;
    Ok(Run { wall: Duration::from_nanos(wall), cpu: Duration::from_nanos(cpu), peak })
}

/// Bytes below a folder, those of the cache apart.
fn bytes_below(folder: &Path) -> std::io::Result<(u64, u64)> {
    let (mut made, mut cached) = (0, 0);
    let mut folders: Vec<(PathBuf, bool)> = vec![(folder.to_owned(), false)];
    while let Some((folder, is_cache)) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let is_cache = is_cache || entry.file_name() == "cache";
            match entry.metadata()? {
                meta if meta.is_dir() => folders.push((entry.path(), is_cache)),
                meta if is_cache => cached += meta.len(),
                meta => made += meta.len(),
            }
        }
    }
    Ok((made, cached))
}

/// Takes all bytes from the files below a folder, if there is one. The files stay until the end: to
/// make some a minute after others were removed can take a file system half a millisecond for each.
fn empty(folder: &Path) -> std::io::Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            empty(&entry.path())?;
        } else {
            fs::File::create(entry.path())?;
        }
    }
    Ok(())
}

/// All figures.
///
/// # Panics
/// If the movie cannot be written, or a run fails.
#[must_use]
pub fn figures() -> Vec<Figure> {
    measured().expect("no run fails")
}

#[expect(clippy::cast_precision_loss, reason = "figures of three digits")]
fn measured() -> Result<Vec<Figure>, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let [movie, longer] =
        ["movie", "longer"].map(|name| folder.path().join(format!("{name}.ome.tif")));
    movie::write(&movie, MOVIE)?;
    let size = fs::metadata(&movie)?.len() as f64;
    let runs = AtomicUsize::new(0);
    let output = || folder.path().join(runs.load(Ordering::Relaxed).to_string());
    let anew = |mode: &str, workers: usize, movie: &Path| -> Result<Run, Box<dyn Error>> {
        empty(&output())?;
        runs.fetch_add(1, Ordering::Relaxed);
        run(mode, workers, movie, &output())
    };
    let mut figures = Vec::new();
    for mode in ["compatible", "improved"] {
        let (mut ones, mut twos) = (Vec::new(), Vec::new());
        for _ in 0..TURNS {
            ones.push(anew(mode, 1, &movie)?);
            twos.push(anew(mode, 2, &movie)?);
        }
        let (one, two) = (Run::of(&ones), Run::of(&twos));
        let (made, cached) = bytes_below(&output())?;
        let again: Vec<Run> =
            (0..TURNS).map(|_| run(mode, 2, &movie, &output())).collect::<Result<_, _>>()?;
        let again = Run::of(&again);
        let id = |what: &str| format!("workflow/{mode}/{what}");
        let each = one.cpu.as_secs_f64() * 1e3 / (MOVIE.fields * MOVIE.frames) as f64;
        let less = Figure::new(id("cpu_less"), ratio(PEER_CPU, one.cpu), "×");
        let output = Figure::new(id("output"), made as f64 / size, "of the movie");
        // What is done as that program does it is to take a twelfth; what is saved by default is to
        // be small, and floats are not.
        let (less, output) = match mode {
            "compatible" => (less.reach_at_least(12.0), output),
            _ => (less, output.reach(0.4)),
        };
        let output = output.peer("pyama 2.8");
        figures.extend([
            Figure::new(id("cpu"), each, "ms CPU/frame").peer("pyama 245"),
            less,
            Figure::new(id("second_worker"), ratio(one.wall, two.wall), "×")
                .reach_at_least(1.8)
                .peer("pyama 1.10 to 1.34"),
            Figure::new(id("peak"), two.peak / 1e6, "MB").reach(200.0).peer("pyama 1066"),
            Figure::new(id("nothing_to_do"), ratio(again.wall, two.wall), "of the first run")
                .reach(0.02)
                .peer("pyama 0.03 to 0.32"),
            output,
            Figure::new(id("cache"), cached as f64 / size, "of the movie"),
        ]);
        if mode == "improved" {
            let peak_of = |extent: Extent| -> Result<f64, Box<dyn Error>> {
                movie::write(&longer, extent)?;
                let runs: Vec<Run> =
                    (0..TURNS).map(|_| anew(mode, 2, &longer)).collect::<Result<_, _>>()?;
                Ok(Run::of(&runs).peak)
            };
            let grown = peak_of(Extent { frames: 2 * MOVIE.frames, ..MOVIE })? / two.peak;
            let half = LONG.frames / 2;
            let (shorter, longest) = (peak_of(Extent { frames: half, ..LONG })?, peak_of(LONG)?);
            let growth = (longest - shorter) / half as f64 / 1e3;
            figures.extend([
                Figure::new(id("peak/twice_as_long"), grown, "×").reach(1.1),
                Figure::new(id("peak/4000_frames"), longest / 1e6, "MB").reach(200.0),
                Figure::new(id("peak/each_frame"), growth, "KB"),
            ]);
        }
    }
    let longest = cancelled(&movie, &folder.path().join("out"))?;
    figures.push(Figure::new("workflow/cancel", longest.as_secs_f64() * 1e3, "ms").reach(110.0));
    Ok(figures)
}

/// How long it takes at the most until a batch returns that is told to stop, at one of so many
/// places from its first frame of a step to its last. A frame takes ten milliseconds at the most.
fn cancelled(movie: &Path, output: &Path) -> Result<Duration, Box<dyn Error>> {
    const PLACES: usize = 20;

    let file = SeriesFile::open(movie)?;
    // Tells how long it took after the frame of this number, and how many there were.
    let run = |at: usize| -> Result<(Duration, usize), Box<dyn Error>> {
        let _ = fs::remove_dir_all(output);
        let workflow = Workflow { signals: vec![1, 2], ..Workflow::new(movie, output) };
        let (token, told) = (CancelToken::new(), Arc::new(OnceLock::new()));
        let (stop, when) = (token.clone(), Arc::clone(&told));
        let frames = Arc::new(AtomicUsize::new(0));
        let heard = Arc::clone(&frames);
        let listener = move |event: &BatchEvent| {
            let is_frame = matches!(event, BatchEvent::Progress(_));
            if is_frame && heard.fetch_add(1, Ordering::Relaxed) == at {
                let _ = when.set(Instant::now());
                stop.cancel(CancelReason::User);
            }
        };
        let executor = Executor::new(Options {
            threads: Some(2),
            services: Services::new().with(OpenFiles::default()),
            ..Options::default()
        })?;
        let options = BatchOptions {
            every: 1,
            folder: Some(output.into()),
            token,
            listener: Some(Arc::new(listener)),
            ..BatchOptions::default()
        };
        executor.batch(&workflow.items(&file, 0..2)?, &options)?;
        let took = told.get().map_or(Duration::ZERO, Instant::elapsed);
        Ok((took, frames.load(Ordering::Relaxed)))
    };
    let (_, frames) = run(usize::MAX)?;
    let places = (0..PLACES).map(|place| place * frames / PLACES);
    places
        .map(|at| Ok(run(at)?.0))
        .try_fold(Duration::ZERO, |longest, took| took.map(|took: Duration| longest.max(took)))
}
