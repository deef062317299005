//! Files of tables: lines of numbers, traces as the original prints them, and plots.

use std::path::Path;

use pipeline_core::{Context, Error, In, Step};
use pipeline_ops::cells::Traces;
use pipeline_ops::io::{SavePlot, SaveTable, SaveTraces};
use pipeline_ops::measure::Table;

use crate::cells::traces;
use crate::io::data;
use crate::support::shipped;

fn saved<S: Step<Input = In<Table>, Output = ()>>(step: &S, table: &Table, path: &Path) -> String {
    step.run(In::new(table.clone()), &Context::default()).unwrap();
    std::fs::read_to_string(path).unwrap()
}

fn refused<S: Step<Input = In<Table>, Output = ()>>(step: &S, table: &Table) -> String {
    let error = step.run(In::new(table.clone()), &Context::default()).unwrap_err();
    assert!(matches!(error, Error::Input { .. } | Error::File { .. }), "{error:?}");
    error.to_string()
}

fn table(columns: &[(&str, &[f64])]) -> Table {
    Table::new(columns.iter().map(|&(name, numbers)| (name, numbers.to_vec())).collect()).unwrap()
}

#[test]
fn a_table_has_digits_as_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/deep/a.csv");
    let numbers = [0.1, f64::NAN, -2.0, f64::INFINITY];
    let all = table(&[("a, \"b\"", &[1.0, 2.0, -3.0, 1e15]), ("µ", &numbers)]);
    let exact = saved(&SaveTable::path(&path), &all, &path);
    assert_eq!(exact, "\"a, \"\"b\"\"\",µ\n1,0.1\n2,NaN\n-3,-2\n1000000000000000,inf\n");
    let step = SaveTable { decimals: Some(2), durable: false, ..SaveTable::path(&path) };
    let rounded = saved(&step, &all, &path);
    assert_eq!(rounded, "\"a, \"\"b\"\"\",µ\n1,0.10\n2,NaN\n-3,-2.00\n1000000000000000,inf\n");
    assert_eq!(saved(&step, &table(&[("a", &[]), ("b", &[])]), &path), "a,b\n");
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

/// The traces of the shipped movie that the original finds, of both channels.
fn both() -> Table {
    let of = |channel: usize| {
        let step = Traces { channels: vec![format!("ch_{channel}")], ..Traces::default() };
        traces(&shipped("cells/synth-b.ome.tif"), 0, channel, false, &step)
    };
    let (first, second) = (of(1), of(2));
    let sums = ("intensity_total_ch_2", second.column("intensity_total_ch_2").unwrap());
    let columns = first.columns().chain([sums]);
    Table::new(columns.map(|(name, numbers)| (name, numbers.to_vec())).collect()).unwrap()
}

/// The fields of the lines below the head of what the original prints of a channel.
fn printed(channel: usize) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(shipped(&format!("cells/traces-{channel}.csv"))).unwrap();
    let fields = |line: &str| line.split(',').map(str::to_owned).collect();
    text.lines().skip(1).map(fields).collect()
}

#[test]
fn traces_of_a_channel_are_the_file_of_the_original() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("traces_ch.csv");
    let both = both();
    for channel in [1, 2] {
        let mut expected =
            "fov,cell,time,good,position_x,position_y,intensity_total,area\n".to_owned();
        // What is shipped has no `fov`, but the frame and the box that this layout leaves out.
        for fields in printed(channel) {
            let kept = [0, 2, 3, 4, 5, 10, 11].map(|at: usize| &*fields[at]);
            expected += &format!("7,{}\n", kept.join(","));
        }
        let step = SaveTraces {
            channel: Some(format!("ch_{channel}")),
            fov: 7,
            ..SaveTraces::path(&path)
        };
        assert_eq!(saved(&step, &both, &path), expected, "channel {channel}");
    }
}

#[test]
fn traces_of_all_channels_are_the_file_of_the_original() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("traces.csv");
    let mut expected = "fov,cell,frame,time,good,position_x,position_y,bbox_x0,bbox_y0,bbox_x1,\
                        bbox_y1,area_ch_0,intensity_total_ch_1,intensity_total_ch_2\n"
        .to_owned();
    // What is shipped has a file for each channel, by frame and then by cell.
    let mut rows: Vec<_> = printed(1).into_iter().zip(printed(2)).collect();
    rows.sort_by_key(|(row, _)| [0, 1].map(|at: usize| row[at].parse::<u32>().unwrap()));
    for (first, second) in rows {
        let (places, sums) = (first[..10].join(","), [&*first[11], &first[10], &second[10]]);
        expected += &format!("0,{places},{}\n", sums.join(","));
    }
    assert_eq!(saved(&SaveTraces::path(&path), &both(), &path), expected);
}

#[test]
fn whole_files_of_both_versions_of_the_original_are_the_same_bytes() {
    let Some(all) = data("microscopy") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("traces.csv");
    for fov in 0..2u32 {
        for (version, margin, channel, name) in [
            ("seed", 0, Some("ch_1".to_owned()), format!("synth-a.ome_fov_00{fov}_traces_ch_1")),
            ("main", 50, None, format!("synth-a_fov_00{fov}_traces")),
        ] {
            let channels = vec!["ch_1".into()];
            let step = Traces { channels, min_frames: 30, margin, ..Traces::default() };
            let movie = all.join("synth-a/synth-a.ome.tiff");
            let found = traces(&movie, fov as usize, 1, true, &step);
            // The original takes the seconds of the movie for milliseconds.
            let step = SaveTraces { channel, fov, interval: 0.01, ..SaveTraces::path(&path) };
            let file = format!("golden/synth-a-{version}/workflow/fov_00{fov}/{name}.csv");
            let expected = std::fs::read_to_string(all.join(file)).unwrap();
            assert!(saved(&step, &found, &path) == expected, "{version}, field {fov}");
        }
    }
}

/// Traces of two cells that are in no order, with what `traces` does not give of itself.
fn unordered() -> Vec<(&'static str, &'static [f64])> {
    vec![
        ("cell", &[2.0, 1.0, 1.0]),
        ("frame", &[0.0, 1.0, 0.0]),
        ("time", &[0.5, 1.5, 0.5]),
        ("good", &[1.0, 0.0, 1.0]),
        ("position_x", &[9.5, 1.0, 1.0 / 3.0]),
        ("position_y", &[0.0, -0.0, 1e7]),
        ("area", &[f64::NAN, f64::NEG_INFINITY, 4.0]),
        ("intensity_total_ch_1", &[0.000_000_5, 2.5, 3.0]),
    ]
}

#[test]
fn traces_of_any_order_and_number_have_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("traces.csv");
    let step = SaveTraces { channel: Some("ch_1".to_owned()), ..SaveTraces::path(&path) };
    assert_eq!(
        saved(&step, &table(&unordered()), &path),
        "fov,cell,time,good,position_x,position_y,intensity_total,area\n\
         0,1,0.500000,True,0.333333,10000000.000000,3.000000,4.000000\n\
         0,2,0.500000,True,9.500000,0.000000,0.000000,\n\
         0,1,1.500000,False,1.000000,-0.000000,2.500000,-inf\n"
    );
    let none: Vec<_> = unordered().into_iter().map(|(name, _)| (name, &[][..])).collect();
    let head = "fov,cell,time,good,position_x,position_y,intensity_total,area\n";
    assert_eq!(saved(&step, &table(&none), &path), head);
}

#[test]
fn what_traces_lack_is_named() {
    let names = "cell, frame, time, good, position_x, position_y, area, intensity_total_ch_1";
    let channel = SaveTraces { channel: Some("ch_2".to_owned()), ..SaveTraces::path("a.csv") };
    let error = refused(&channel, &table(&unordered()));
    let expected =
        format!("the columns of the traces is {names}, expected `intensity_total_ch_2` among them");
    assert_eq!(error, expected);
    let error = refused(&SaveTraces::path("a.csv"), &table(&unordered()));
    assert!(error.ends_with("expected `bbox_x0` among them"), "{error}");
    let interval = SaveTraces { interval: f64::NAN, ..SaveTraces::path("a.csv") };
    let error = refused(&interval, &table(&unordered()));
    assert_eq!(error, "interval is NaN, expected 0 to 1000000000");
    let decimals = SaveTable { decimals: Some(18), ..SaveTable::path("a.csv") };
    let error = refused(&decimals, &table(&unordered()));
    assert_eq!(error, "decimals is 18, expected 0 to 17");
    assert!(!Path::new("a.csv").exists());
}

#[test]
fn a_file_that_cannot_be_written_is_named_and_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "as before").unwrap();
    let table = table(&unordered());
    for path in [file.join("a.svg"), folder.path().to_owned()] {
        let steps = [
            refused(&SaveTable::path(&path), &table),
            refused(
                &SaveTraces { channel: Some("ch_1".into()), ..SaveTraces::path(&path) },
                &table,
            ),
        ];
        for error in steps {
            assert!(error.contains(&*path.to_string_lossy()), "{error}");
        }
    }
    let error = refused(&SavePlot::of("area", file.join("a.svg")), &table);
    assert!(error.contains("a.svg"), "{error}");
    assert_eq!(refused(&SaveTable::path(""), &table), "path is empty, expected that of a file");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!((left.len(), std::fs::read(&file).unwrap()), (1, b"as before".to_vec()));
}

/// A plot of these rows of `cell`, `frame` and `area`.
fn plotted(rows: &[[f64; 3]], step: SavePlot) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plot.svg");
    let column = |at: usize| rows.iter().map(|row| row[at]).collect::<Vec<f64>>();
    let (cells, frames, areas) = (column(0), column(1), column(2));
    let table = table(&[("cell", &cells), ("frame", &frames), ("area", &areas)]);
    let step = SavePlot { path: path.clone(), y: "area".into(), ..step };
    let text = saved(&step, &table, &path);
    assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    text
}

#[test]
fn a_plot_is_the_same_bytes_everywhere() {
    let rows = [
        [1.0, 0.0, 1.2e6],
        [1.0, 1.0, 1.5e6],
        [1.0, 2.0, 1.4e6],
        [1.0, 3.0, 2.1e6],
        [2.0, 3.0, 0.4e6],
        [2.0, 0.0, 0.9e6],
        [2.0, 1.0, f64::NAN],
        [2.0, 2.0, 0.6e6],
        [3.0, 1.0, 1.0e6],
        [3.0, 2.0, f64::INFINITY],
    ];
    let found = plotted(
        &rows,
        SavePlot {
            x_factor: 0.5,
            title: Some("Field 3 <\u{1}a & b>".to_owned()),
            x_label: Some("time / h".to_owned()),
            ..SavePlot::default()
        },
    );
    let path = shipped("golden/plot.svg");
    if std::env::var_os("PIPELINE_WRITE_TABLES").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    assert_eq!(found, std::fs::read_to_string(path).unwrap());
}

#[test]
fn a_plot_of_little_has_what_there_is() {
    let nothing = plotted(&[], SavePlot::default());
    assert!(nothing.contains(">no traces<") && nothing.contains(">frame<"), "{nothing}");
    let gaps = plotted(&[[1.0, 0.0, f64::NAN], [f64::NAN, 1.0, 3.0]], SavePlot::default());
    assert!(gaps.contains(">no traces<"), "{gaps}");
    let point = plotted(&[[1.0, 7.0, 3.0]], SavePlot::default());
    assert!(point.contains("<circle") && point.contains(">1 trace<"), "{point}");
    let constant = plotted(&[[1.0, 0.0, 5.0], [1.0, 1.0, 5.0]], SavePlot::default());
    assert!(constant.contains(">5<") && !constant.contains("<circle"), "{constant}");
    let huge = plotted(&[[1.0, 0.0, 1e300], [1.0, 1.0, -1e300]], SavePlot::default());
    assert!(huge.contains("(× 10³⁰⁰)"), "{huge}");
    let beyond = plotted(&[[1.0, 0.0, f64::MAX], [1.0, 1.0, 2.0]], SavePlot::default());
    assert!(beyond.contains("<circle"), "{beyond}");
}

#[test]
fn a_plot_of_much_is_no_larger_for_that() {
    let cells = (0..5000u32).flat_map(|cell| (0..180u32).map(move |frame| (cell, frame)));
    let row = |(cell, frame)| [cell, frame, cell * 7 % 1000 + frame].map(f64::from);
    let rows: Vec<[f64; 3]> = cells.map(row).collect();
    let text = plotted(&rows, SavePlot { lines: 50, ..SavePlot::default() });
    assert!(text.contains(">50 of 5000 traces, their median in black<"));
    assert!(text.len() < 150_000, "{} bytes", text.len());
    let rows: Vec<[f64; 3]> =
        (0..200_000u32).map(|at| [1.0, f64::from(at), f64::from(at * 31 % 1013)]).collect();
    let text = plotted(&rows, SavePlot::default());
    assert!(text.len() < 20_000, "{} bytes", text.len());
}

#[test]
fn what_a_plot_cannot_be_made_of_is_named() {
    let table = table(&[("cell", &[1.0]), ("frame", &[0.0])]);
    for (step, expected) in [
        (
            SavePlot::of("area", "a.svg"),
            "the columns of the table is cell, frame, expected `area` among them",
        ),
        (SavePlot::of("cell", "a.png"), "the extension of a.png is `png`, expected `svg`"),
        (SavePlot::of("cell", "a"), "the extension of a is ``, expected `svg`"),
        (SavePlot::of("cell", ""), "path is empty, expected that of a file"),
        (SavePlot { lines: 0, ..SavePlot::of("cell", "a.svg") }, "lines is 0, expected 1 to 10000"),
        (
            SavePlot { x_factor: f64::NAN, ..SavePlot::of("cell", "a.svg") },
            "x_factor is NaN, expected 0.000001 to 1000000",
        ),
    ] {
        assert_eq!(refused(&step, &table), expected);
    }
}
