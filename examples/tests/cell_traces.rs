//! The program `cell_traces`, started, stopped and started again.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use pipeline_cache::{Codecs, DiskCache, DiskOptions};
use pipeline_core::batch::BatchOptions;
use pipeline_core::event::{Event, EventKind, Status};
use pipeline_core::{Executor, Labels, Options};
use pipeline_ops::cells::Workflow;
use pipeline_ops::io::SeriesFile;
use pipeline_ops::measure::Table;

const MOVIE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/cells.ome.tif");

/// The program, which `cargo test` builds beside the tests.
fn program() -> Command {
    let tests = std::env::current_exe().unwrap();
    let folder = tests.parent().unwrap().parent().unwrap().join("examples");
    let path = folder.join(format!("cell_traces{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{} is not built: run `cargo test`", path.display());
    Command::new(path)
}

fn run(output: &Path, arguments: &[&str]) -> Output {
    let mut command = program();
    command.arg("--output").arg(output).args(arguments);
    command.output().unwrap()
}

#[track_caller]
fn succeeds(output: &Path, arguments: &[&str]) -> String {
    let found = run(output, arguments);
    let error = String::from_utf8_lossy(&found.stderr).into_owned();
    assert!(found.status.success(), "{error}{}", String::from_utf8_lossy(&found.stdout));
    String::from_utf8(found.stdout).unwrap()
}

#[track_caller]
fn fails(output: &Path, arguments: &[&str]) -> String {
    let found = run(output, arguments);
    assert!(!found.status.success());
    String::from_utf8_lossy(&found.stderr).into_owned() + &String::from_utf8_lossy(&found.stdout)
}

/// All files that are made, but for what is known of them.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().to_owned();
            if path.is_file() {
                files.insert(name, fs::read(&path).unwrap());
            } else if name != Path::new("manifest") && name != Path::new("cache") {
                folders.push(path);
            }
        }
    }
    files
}

/// When each file was written.
fn times(folder: &Path) -> BTreeMap<PathBuf, std::time::SystemTime> {
    let time = |name: PathBuf| {
        let time = fs::metadata(folder.join(&name)).unwrap().modified().unwrap();
        (name, time)
    };
    files(folder).into_keys().map(time).collect()
}

#[test]
fn a_second_start_does_nothing_and_other_parameters_do_what_depends_on_them() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let first = succeeds(folder, &[]);
    assert!(first.contains("2 done in "), "{first}");
    let before = times(folder);
    let names: Vec<String> = before.keys().map(|name| name.display().to_string()).collect();
    for name in [
        "seg_ch_0.tif",
        "labels_ch_0.tif",
        "seg_labeled_ch_0.tif",
        "tracks.csv",
        "fl_corrected_ch_1.tif",
        "traces.csv",
        "traces_ch_1.svg",
        "overlay_t_006.png",
    ] {
        let name = format!("fov_001/cells_fov_001_{name}");
        assert!(names.contains(&name), "{name} of {names:?}");
    }
    let second = succeeds(folder, &[]);
    assert!(second.contains("nothing to do: all 2 fields are done"), "{second}");
    let after = times(folder);
    assert_eq!(before, after);

    let third = succeeds(folder, &["--min-frames", "12"]);
    assert!(third.contains("2 done in "), "{third}");
    let last = times(folder);
    let changed = last.iter().filter(|(name, time)| after[*name] != **time);
    let changed: Vec<String> = changed.map(|(name, _)| name.display().to_string()).collect();
    assert_eq!(
        changed,
        [
            "fov_000/cells_fov_000_traces.csv",
            "fov_000/cells_fov_000_traces_ch_1.svg",
            "fov_001/cells_fov_001_traces.csv",
            "fov_001/cells_fov_001_traces_ch_1.svg",
            "processing_results.yaml",
            "traces.csv"
        ]
    );
    // Traces of all fields, one after the other below one line of names.
    let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let of_field = |fov: usize| text(&format!("fov_00{fov}/cells_fov_00{fov}_traces.csv"));
    let second = of_field(1);
    let (_, rows) = second.split_once('\n').unwrap();
    assert!(of_field(0).lines().count() > 12 && rows.lines().count() >= 12);
    assert_eq!(text("traces.csv"), of_field(0) + rows);
}

#[test]
fn other_tracks_are_made_of_the_same_cells() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    succeeds(folder, &[]);
    let (cells, before) = (files(folder), times(folder));
    succeeds(folder, &["--gap", "0"]);
    let (after, made) = (files(folder), times(folder));
    for (name, is_made) in [
        ("seg_ch_0.tif", false),
        ("fl_corrected_ch_1.tif", false),
        ("tracks.csv", true),
        ("traces.csv", true),
        ("seg_labeled_ch_0.tif", true),
        // Tracked cells are read back from it.
        ("labels_ch_0.tif", true),
    ] {
        let name = PathBuf::from(format!("fov_001/cells_fov_001_{name}"));
        assert_eq!(made[&name] != before[&name], is_made, "{}", name.display());
    }
    let labels = Path::new("fov_001/cells_fov_001_labels_ch_0.tif");
    assert!(after[labels] == cells[labels]);
}

/// The steps that a batch over the movie ran, and was not served by its cache, once something of
/// the workflow is changed.
fn ran(folder: &Path, change: impl FnOnce(&mut Workflow)) -> BTreeSet<String> {
    let heard = Arc::new(Mutex::new((HashMap::new(), BTreeSet::new())));
    let hears = Arc::clone(&heard);
    let observer = move |event: &Event| {
        let (steps, ran) = &mut *hears.lock().unwrap();
        match &event.kind {
            EventKind::RunStarted(run) => {
                let nodes =
                    run.nodes.iter().map(|node| ((event.run, node.id), node.step.to_string()));
                steps.extend(nodes);
            }
            EventKind::StepFinished(end) if end.status == Status::Computed => {
                ran.insert(steps[&(event.run, event.node.unwrap())].clone());
            }
            _ => {}
        }
    };
    let codecs = Codecs::none().with::<Labels>().with::<Table>();
    let options = DiskOptions { codecs, ..DiskOptions::default() };
    let executor = Executor::new(Options {
        cache: Some(Arc::new(DiskCache::open(folder.join("cache"), options).unwrap())),
        observers: vec![Arc::new(observer)],
        ..Options::default()
    })
    .unwrap();
    let mut workflow = Workflow { signals: vec![1], ..Workflow::new(MOVIE, folder) };
    change(&mut workflow);
    let file = SeriesFile::open(MOVIE).unwrap();
    let items = workflow.items(&file, 0..1).unwrap();
    let options = BatchOptions { folder: Some(folder.to_owned()), ..BatchOptions::default() };
    executor.batch(&items, &options).unwrap().ok().unwrap();
    drop(executor);
    heard.lock().unwrap().1.clone()
}

#[test]
fn another_parameter_runs_what_depends_on_it_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let all = ran(folder, |_| {});
    let check = |change: fn(&mut Workflow), expected: &[&str]| {
        let ran = ran(folder, change);
        assert!(ran.is_subset(&all));
        assert_eq!(ran.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    };
    check(|_| {}, &[]);
    check(|workflow| workflow.traces.min_frames = 9, &["save_plot", "save_traces", "traces"]);
    ran(folder, |_| {});
    check(
        |workflow| workflow.link.gap = 0,
        &[
            "convert",
            "draw_tracks",
            "frame",
            "label_image",
            "link",
            "open_stack",
            "relabel",
            "rescale",
            "save",
            "save_frame",
            "save_plot",
            "save_table",
            "save_traces",
            "saved_stack",
            "track_image",
        ],
    );
    ran(folder, |_| {});
    check(
        |workflow| workflow.background.tile = 40,
        &[
            "background",
            "cell_sums",
            "frame",
            "label_image",
            "open_stack",
            "save_frame",
            "save_plot",
            "save_traces",
            "threshold",
            "traces",
        ],
    );
    ran(folder, |_| {});
    // All of it depends on the cells.
    assert_eq!(ran(folder, |workflow| workflow.cells.min_area = 60), all);
}

#[test]
fn what_was_made_may_be_moved_with_its_movie() {
    let folder = tempfile::tempdir().unwrap();
    let [before, after] = ["before", "after"].map(|name| folder.path().join(name));
    fs::create_dir(&before).unwrap();
    let movie = |folder: &Path| folder.join("cells.ome.tif").to_string_lossy().into_owned();
    fs::copy(MOVIE, movie(&before)).unwrap();
    let run = |folder: &Path| {
        succeeds(&folder.join("out"), &["--input", &movie(folder), "--copies", "--no-cache"])
    };
    assert!(run(&before).contains("2 done in "));
    assert!(before.join("out/fov_000/cells_fov_000_fl_ch_1.tif").exists());
    fs::rename(&before, &after).unwrap();
    let said = run(&after);
    assert!(said.contains("nothing to do: all 2 fields are done"), "{said}");
}

/// All that is made; the results file without the folder, which it names.
fn made(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut made = files(folder);
    let results = made.get_mut(Path::new("processing_results.yaml")).unwrap();
    let text = String::from_utf8(std::mem::take(results)).unwrap();
    *results = text.replace(&folder.display().to_string(), "out").into_bytes();
    made
}

#[track_caller]
fn check_alike(found: &Path, expected: &BTreeMap<PathBuf, Vec<u8>>) {
    let found = made(found);
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, bytes) in expected {
        assert!(found[name] == *bytes, "{} is other", name.display());
    }
}

#[test]
fn stopped_without_notice_it_ends_with_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, stopped) = (folder.path().join("whole"), folder.path().join("stopped"));
    let events = succeeds(&whole, &["--json"]).lines().count();
    let expected = made(&whole);
    let mut state = 7u64;
    let mut kills = 0;
    while kills < 20 {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Before its first word, after its last one, and anywhere between.
        let words = usize::try_from(state >> 33).unwrap() % (events + 2);
        let mut command = program();
        command.arg("--json").arg("--output").arg(&stopped).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        if lines.by_ref().take(words).count() == words {
            process.kill().unwrap();
            process.wait().unwrap();
            kills += 1;
        } else {
            // It came to its end before it was stopped: from the beginning once more.
            assert!(process.wait().unwrap().success());
            check_alike(&stopped, &expected);
            fs::remove_dir_all(&stopped).unwrap();
        }
    }
    succeeds(&stopped, &[]);
    check_alike(&stopped, &expected);
}

/// Of so many starts one is interrupted in the midst of its work, however fast it is.
#[cfg(unix)]
const STARTS: usize = 50;

#[test]
#[cfg(unix)]
fn ctrl_c_ends_it_and_what_is_left_is_made_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    succeeds(&whole, &[]);
    let expected = made(&whole);
    let was_interrupted = |at: usize| {
        let output = folder.path().join(at.to_string());
        let mut command = program();
        command.args(["--json", "--workers", "1", "--output"]).arg(&output).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        // The handler is there before the first field begins.
        lines.next().unwrap().unwrap();
        let id = process.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        let said: Vec<String> = lines.map(Result::unwrap).collect();
        let code = process.wait().unwrap().code();
        let was_interrupted = said.iter().any(|line| line.contains("cancelled"));
        assert_eq!(code, Some(i32::from(was_interrupted)), "{said:?}");
        succeeds(&output, &[]);
        check_alike(&output, &expected);
        was_interrupted
    };
    assert!((0..STARTS).any(was_interrupted));
}

#[test]
fn a_folder_of_something_else_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (folder.path().join("ours"), folder.path().join("theirs"));
    fs::create_dir(&theirs).unwrap();
    fs::write(theirs.join("processing_results.yaml"), "channels: 1").unwrap();
    let said = fails(&theirs, &[]);
    assert!(said.contains("processing_results.yaml is of another program"), "{said}");
    assert_eq!(fs::read_dir(&theirs).unwrap().count(), 1);

    succeeds(&ours, &[]);
    let before = times(&ours);
    let other = folder.path().join("other.ome.tif");
    fs::copy(MOVIE, &other).unwrap();
    let said = fails(&ours, &["--input", &other.to_string_lossy()]);
    assert!(said.contains("cell_traces of cells") && said.contains("other"), "{said}");
    assert_eq!(times(&ours), before);
}

#[test]
fn without_resuming_all_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    succeeds(folder, &[]);
    let (before, expected) = (times(folder), made(folder));
    let said = succeeds(folder, &["--resume", "false"]);
    assert!(said.contains("2 done in "), "{said}");
    for (name, time) in times(folder) {
        // What is written of all fields together would say the same.
        let is_of_all = name.components().count() == 1;
        assert_eq!(before[&name] == time, is_of_all, "{}", name.display());
    }
    check_alike(folder, &expected);
}

#[test]
fn shards_make_what_one_process_makes() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, shared) = (folder.path().join("whole"), folder.path().join("shared"));
    succeeds(&whole, &["--no-cache"]);
    for shard in ["1/2", "0/2"] {
        succeeds(&shared, &["--no-cache", "--shard", shard, "--workers", "1"]);
    }
    let (mut whole, mut shared) = (files(&whole), files(&shared));
    for files in [&mut whole, &mut shared] {
        let yaml = files.remove(Path::new("processing_results.yaml")).unwrap();
        let yaml = String::from_utf8(yaml).unwrap();
        assert!(yaml.contains("  '0':\n") && yaml.contains("  '1':\n"), "{yaml}");
    }
    assert_eq!(whole.keys().collect::<Vec<_>>(), shared.keys().collect::<Vec<_>>());
    assert!(whole == shared);
}

#[test]
fn processes_that_start_at_once_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, shared) = (folder.path().join("whole"), folder.path().join("shared"));
    succeeds(&whole, &[]);
    let start = |_| {
        let mut command = program();
        command.arg("--output").arg(&shared).args(["--workers", "1", "--batch-size", "1"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let processes: Vec<_> = (0..3).map(start).collect();
    let ends: Vec<Output> =
        processes.into_iter().map(|process| process.wait_with_output().unwrap()).collect();
    // Whoever ends while another one is at work says so; the last one finds all done.
    assert!(ends.iter().any(|end| end.status.success()), "{ends:?}");
    for end in ends.iter().filter(|end| !end.status.success()) {
        let said = String::from_utf8_lossy(&end.stdout);
        assert!(said.contains("elsewhere  another process works on it"), "{end:?}");
    }
    assert!(succeeds(&shared, &[]).contains("nothing to do: all 2 fields are done"));
    let (mut whole, mut shared) = (files(&whole), files(&shared));
    for files in [&mut whole, &mut shared] {
        files.remove(Path::new("processing_results.yaml")).unwrap();
    }
    assert_eq!(whole.keys().collect::<Vec<_>>(), shared.keys().collect::<Vec<_>>());
    assert!(whole == shared);
}

#[test]
fn a_field_that_is_damaged_fails_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (movie, output) = (folder.path().join("cells.ome.tif"), folder.path().join("out"));
    let mut bytes = fs::read(MOVIE).unwrap();
    // A strip of a frame of the first field.
    let at = bytes.len() / 4;
    bytes[at..at + 4000].fill(0x55);
    fs::write(&movie, bytes).unwrap();
    let movie = movie.to_string_lossy().into_owned();
    let said = fails(&output, &["--input", &movie, "--retries", "0"]);
    assert!(said.contains("1 done, 1 failed in "), "{said}");
    assert!(said.contains("fov_000  failed  step `") && said.contains("]` (frame): "), "{said}");
    assert!(output.join("fov_001/cells_fov_001_traces.csv").exists());
    let yaml = fs::read_to_string(output.join("processing_results.yaml")).unwrap();
    assert!(!yaml.contains("'0':") && yaml.contains("'1':"), "{yaml}");
    // The whole movie in its place: what is missing is made.
    fs::copy(MOVIE, &movie).unwrap();
    let said = succeeds(&output, &["--input", &movie]);
    assert!(said.contains("2 fields in "), "{said}");
}

#[test]
fn what_cannot_be_done_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out");
    let said = fails(&output, &["--signal", "5"]);
    assert!(said.contains("the channel of fov_000 is 5, expected 0 to 1 of "), "{said}");
    let said = fails(&output, &["--fields", "1-2"]);
    assert!(
        said.contains("the fields of view is 1 to 2, expected one or more of 0 to 1"),
        "{said}"
    );
    let said = fails(&output, &["--fields", "x"]);
    assert!(said.contains("the fields is `x`"), "{said}");
    let said = fails(&output, &["--shard", "2/2"]);
    assert!(said.contains("the shard is 2/2"), "{said}");
    let said = fails(&output, &["--workers", "0"]);
    assert!(said.contains("expected a whole number above 0"), "{said}");
    // Its description stands at its end.
    let (movie, bytes) = (folder.path().join("cut off.tif"), fs::read(MOVIE).unwrap());
    fs::write(&movie, &bytes[..bytes.len() * 4 / 5]).unwrap();
    let said = fails(&output, &["--input", &movie.to_string_lossy()]);
    assert!(said.contains("cut off.tif: cannot decode: it is cut off, and"), "{said}");
    let said = fails(&output, &["--input", "nowhere.tif"]);
    assert!(said.contains("nowhere.tif"), "{said}");
    assert!(!output.exists() || files(&output).is_empty());

    let file = folder.path().join("file");
    fs::write(&file, "in the way").unwrap();
    let said = fails(&file, &["--no-cache"]);
    assert!(said.contains("file/manifest/pipeline.json: cannot "), "{said}");
    assert!(succeeds(&output, &["--help"]).contains("--batch-size"));
}

/// A full disk is a limit on the length of files here: the program goes on when it is gone.
#[test]
#[cfg(unix)]
fn what_finds_no_room_is_made_when_there_is_some() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out");
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 200; exec \"$@\"", "sh"]);
    command.arg(program().get_program()).arg("--output").arg(&output);
    let found = command.args(["--no-cache", "--retries", "0"]).output().unwrap();
    let said = String::from_utf8_lossy(&found.stdout);
    assert!(!found.status.success(), "{said}");
    assert!(said.contains("fov_000  failed  step `save corrected ch_1["), "{said}");
    assert!(said.contains("fl_corrected_ch_1.tif: cannot write"), "{said}");
    let whole = folder.path().join("whole");
    succeeds(&whole, &[]);
    let said = succeeds(&output, &["--no-cache"]);
    assert!(said.contains("2 done in "), "{said}");
    check_alike(&output, &made(&whole));
}

#[test]
fn a_field_that_cannot_be_written_fails_alone() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("fov_000"), "in the way").unwrap();
    let said = fails(folder, &["--retries", "0"]);
    assert!(said.contains("1 done, 1 failed in "), "{said}");
    assert!(said.contains("fov_000  failed  step `save "), "{said}");
    assert!(said.contains("fov_000_") && said.contains("cannot write"), "{said}");
    assert!(folder.join("fov_001/cells_fov_001_traces.csv").exists());
}
