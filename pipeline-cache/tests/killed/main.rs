//! What is left when processes are killed while they write results, two at a time into one
//! directory: everything that they had told of, and nothing that is wrong. Where the budget is so
//! small that they throw out as much as they write, only that nothing is wrong. And the same where
//! no file can be longer than so much, so that they are refused in the midst of one. Where nothing
//! may be written at all, everything is found.
//!
//! This program calls itself: with a directory, two numbers and a budget it is one of those that
//! write, or that only may read.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
#![expect(clippy::print_stdout, reason = "what a writer says is how far it has come")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::ops::Range;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pipeline_cache::{DiskCache, DiskOptions, OpenError};
use pipeline_core::cache::{Cache, Origin};
use pipeline_core::{Image, Key, Layout, SampleType, Value};

/// How often two writers are killed.
const ROUNDS: u64 = 110;

/// The same where the budget is small.
const SMALL_ROUNDS: u64 = 40;

/// Bytes of a few results.
const SMALL: u64 = 400_000;

/// How many results are a few.
const SOME: usize = 20;

/// How many pictures there are. Different results may have the same one.
const PICTURES: u64 = 40;

/// Where the results come from.
const MADE: Origin<'static> =
    Origin { step: "made", time: Duration::from_secs(1), inputs: &[], maker: None, identity: None };

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, what, folder, first, end, budget] = &arguments[..] {
        let numbers = first.parse().unwrap()..end.parse().unwrap();
        match &**what {
            "writes" => return write(Path::new(folder), numbers, budget.parse().unwrap()),
            "reads" => return read(Path::new(folder), numbers),
            _ => {}
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let told = kill(folder.path(), ROUNDS, u64::MAX);
    assert!(told.len() > 10 * SOME, "{} results is no trial", told.len());
    println!("{} results of {} writers that were killed are there", told.len(), 2 * ROUNDS);
    let folder = tempfile::tempdir().unwrap();
    let told = kill(folder.path(), SMALL_ROUNDS, SMALL);
    println!("of {} results with room for few none is wrong", told.len());
    #[cfg(unix)]
    {
        refuse();
        forbid();
    }
}

/// Lets writers run into the end of the disk, in files of all lengths, and then one that does not.
#[cfg(unix)]
fn refuse() {
    let folder = tempfile::tempdir().unwrap();
    let mut told = BTreeSet::new();
    let mut refused = 0;
    // In blocks of 512 bytes; the largest picture has 176.
    for (round, limit) in (0u64..).zip((1..60).step_by(2).chain((60..400).step_by(10))) {
        let numbers = round * PICTURES..(round + 1) * PICTURES;
        // The signal is ignored, and so the system call says what is wrong, as of a full disk.
        let mut command = Command::new("sh");
        command.args(["-c", &format!("trap '' XFSZ; ulimit -f {limit}; exec \"$@\""), "sh"]);
        command.arg(std::env::current_exe().unwrap());
        let writer = writes(&mut command, folder.path(), numbers, u64::MAX);
        let output = writer.wait_with_output().unwrap();
        assert!(output.status.success(), "with {limit} blocks: {output:?}");
        let said = numbers_in(&output.stdout);
        refused += PICTURES - said.len() as u64;
        told.extend(said);
        check(folder.path(), &told, u64::MAX);
    }
    assert!(refused > PICTURES && told.len() > 10 * SOME, "{refused} and {}", told.len());
    let end = u64::MAX >> 1;
    let writer = start(folder.path(), end..end + PICTURES, u64::MAX);
    let said = numbers_in(&writer.wait_with_output().unwrap().stdout);
    assert_eq!(said.len() as u64, PICTURES);
    told.extend(said);
    check(folder.path(), &told, u64::MAX);
    println!("{refused} results were refused by a full disk, and {} are there", told.len());
}

/// Lets somebody read who may not write.
#[cfg(unix)]
fn forbid() {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    write_some(&cache, 0..PICTURES);
    // Where all who run this program find it.
    let program = folder.path().join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let mut folders = vec![folder.path().to_owned()];
    while let Some(path) = folders.pop() {
        let entries = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path());
        folders.extend(entries.filter(|path| path.is_dir()));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o555)).unwrap();
    }
    let mut command = Command::new(&program);
    if fs::metadata(&cache).unwrap().uid() == 0 {
        // Whom nothing is forbidden becomes somebody else.
        command.uid(65_534).gid(65_534);
    }
    command.arg("reads").arg(&cache).args([0, PICTURES, 0].map(|number| number.to_string()));
    let status = command.status().unwrap();
    let mut folders = vec![folder.path().to_owned()];
    while let Some(path) = folders.pop() {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let entries = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path());
        folders.extend(entries.filter(|path| path.is_dir()));
    }
    assert!(status.success(), "{status}");
    println!("{PICTURES} results are found where nothing may be written");
}

/// Writes results of these numbers.
#[cfg(unix)]
fn write_some(folder: &Path, numbers: Range<u64>) {
    let writer = start(folder, numbers.clone(), u64::MAX);
    let said = numbers_in(&writer.wait_with_output().unwrap().stdout);
    assert!(said.iter().copied().eq(numbers));
}

/// Finds results in a directory in which nothing can be written, and is told so of each that it
/// tries to keep.
fn read(folder: &Path, numbers: Range<u64>) {
    let cache = DiskCache::open(folder, DiskOptions::default()).unwrap();
    for number in numbers.clone() {
        let hit = cache.get(&key(number)).unwrap();
        assert_eq!(hit.value.downcast_ref::<Image>(), Some(&picture(number)), "result {number}");
    }
    assert_eq!(cache.take_faults(), []);
    for number in numbers.map(|number| number + PICTURES) {
        assert!(cache.put(key(number), &Value::new(picture(number)), MADE).is_empty());
        let faults = cache.take_faults();
        assert!(matches!(&faults[..], [fault] if fault.path.starts_with(folder)), "{faults:?}");
        assert!(cache.get(&key(number)).is_none());
    }
    let other = folder.with_file_name("another cache");
    let refused = DiskCache::open(&other, DiskOptions::default()).unwrap_err();
    assert!(matches!(&refused, OpenError::Io { path, .. } if *path == other), "{refused}");
}

/// The numbers that a writer has told of; of the last line only if it ends.
fn numbers_in(said: &[u8]) -> BTreeSet<u64> {
    let said = std::str::from_utf8(said).unwrap();
    let whole = said.rfind('\n').map_or("", |end| &said[..end]);
    whole.lines().map(|line| line.parse::<u64>().unwrap()).collect()
}

/// Kills two writers again and again, and says of which results they have told.
fn kill(folder: &Path, rounds: u64, budget: u64) -> BTreeSet<u64> {
    let mut told = BTreeSet::new();
    let mut random = 1u64;
    let enough = time_for_some(folder, budget);
    for round in 0..rounds {
        let mut writers: Vec<Child> = (0..2)
            .map(|writer| start(folder, (2 * round + writer) << 20..u64::MAX, budget))
            .collect();
        // They are killed before the first result, in the midst of some, or after a few.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let share = (random >> 32) as f64 / f64::from(u32::MAX);
        let until = Instant::now() + enough.mul_f64(1.5 * share);
        while Instant::now() < until {
            std::thread::yield_now();
        }
        for writer in &mut writers {
            writer.kill().unwrap();
        }
        for writer in writers {
            told.extend(numbers_in(&writer.wait_with_output().unwrap().stdout));
        }
        if round % 10 == 9 {
            check(folder, &told, budget);
        }
    }
    told
}

/// How long a writer takes to start and to write a few results, on this machine.
fn time_for_some(folder: &Path, budget: u64) -> Duration {
    let start_of_it = Instant::now();
    let mut writer = start(folder, u64::MAX >> 1..u64::MAX, budget);
    let said = BufReader::new(writer.stdout.take().unwrap());
    assert_eq!(said.lines().take(SOME).count(), SOME);
    let time = start_of_it.elapsed();
    writer.kill().unwrap();
    writer.wait().unwrap();
    time
}

/// Starts a writer of results with these numbers.
fn start(folder: &Path, numbers: Range<u64>, budget: u64) -> Child {
    writes(&mut Command::new(std::env::current_exe().unwrap()), folder, numbers, budget)
}

/// The same, where this program is called by a command.
fn writes(command: &mut Command, folder: &Path, numbers: Range<u64>, budget: u64) -> Child {
    let numbers = [numbers.start, numbers.end, budget].map(|number| number.to_string());
    command.arg("writes").arg(folder).args(numbers).stdout(Stdio::piped()).spawn().unwrap()
}

/// Writes results, maybe until it is killed, and tells of each that is written.
fn write(folder: &Path, numbers: Range<u64>, budget: u64) {
    let cache = DiskCache::open(folder, DiskOptions { budget, ..DiskOptions::default() }).unwrap();
    let mut out = std::io::stdout().lock();
    for number in numbers {
        cache.put(key(number), &Value::new(picture(number)), MADE);
        let faults = cache.take_faults();
        assert!(faults.iter().all(|fault| fault.path.starts_with(folder)), "{faults:?}");
        if faults.is_empty() {
            writeln!(out, "{number}").unwrap();
            out.flush().unwrap();
        }
    }
}

/// All that was told of is there, unless there was no room, and right.
fn check(folder: &Path, told: &BTreeSet<u64>, budget: u64) {
    let cache = DiskCache::open(folder, DiskOptions { budget, ..DiskOptions::default() }).unwrap();
    for &number in told {
        let Some(hit) = cache.get(&key(number)) else {
            assert!(budget == SMALL, "{number} is lost");
            continue;
        };
        assert_eq!(hit.value.downcast_ref::<Image>(), Some(&picture(number)), "result {number}");
    }
    assert_eq!(cache.stats().damaged, 0);
    let mut unfinished = std::fs::read_dir(folder.join("unfinished")).unwrap();
    assert!(unfinished.next().is_none(), "what nobody writes any more is removed");
    // What two had begun may be above the budget until somebody makes room.
    cache.resize(budget);
    assert!(cache.stats().bytes <= budget);
}

fn key(number: u64) -> Key {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    Key::from_bytes(bytes)
}

/// One of a few pictures, small or large.
fn picture(number: u64) -> Image {
    let number = number % PICTURES;
    // Beside its record, in a file, and in one that is mapped.
    let side =
        if number.is_multiple_of(2) { 20 } else { [150, 150, 150, 600][number as usize / 2 % 4] };
    let mut image = Image::zeros(Layout::new(side, side, 1, SampleType::F32)).unwrap();
    let samples = image.samples_mut::<f32>().into_iter().flatten();
    samples.zip(0..).for_each(|(sample, at)| *sample = number as f32 + at as f32 / 7.0);
    image
}
