//! What becomes of each cell: traces of tables made by hand.

use pipeline_core::{Context, In, Step};
use pipeline_ops::cells::{Link, Poor, Traces};
use pipeline_ops::measure::Table;

use crate::link::{LEFT, MOTHER, RIGHT, by_overlap, frame, squares};

#[test]
fn traces_are_left_out_that_are_short_or_near_an_edge() {
    let ctx = Context::default();
    let frames = || [frame(&[10, 2, 40]), frame(&[12, 9]), frame(&[14, 12])].to_vec();
    let tracks = In::new(by_overlap().run(frames(), &ctx).unwrap());
    let cells = |step: Traces| {
        let tables = [tracks.clone()].into_iter().chain(frames()).collect();
        step.run(tables, &ctx).unwrap().column("cell").unwrap().to_vec()
    };
    assert_eq!(cells(Traces::default()), [1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 3.0]);
    assert_eq!(cells(Traces { min_frames: 2, ..Traces::default() }).len(), 6);
    assert_eq!(cells(Traces { margin: 3, ..Traces::default() }), [1.0, 1.0, 1.0, 3.0]);
}

/// The cells that are good, and those that are not, over frames of squares.
fn judged(step: &Traces, frames: &[&[[f64; 3]]]) -> [Vec<f64>; 2] {
    let ctx = Context::default();
    let tables: Vec<In<Table>> = frames.iter().map(|frame| squares(frame)).collect();
    let tracks = In::new(Link::default().run(tables.clone(), &ctx).unwrap());
    let tables: Vec<In<Table>> = [tracks].into_iter().chain(tables).collect();
    let dropped = step.run(tables.clone(), &ctx).unwrap();
    let marked = Traces { poor: Poor::Mark, ..step.clone() }.run(tables, &ctx).unwrap();
    let of = |table: &Table, is_good: f64| {
        let rows = table.column("cell").unwrap().iter().zip(table.column("good").unwrap());
        let mut cells: Vec<f64> =
            rows.filter(|(_, good)| **good == is_good).map(|(cell, _)| *cell).collect();
        cells.dedup();
        cells
    };
    assert_eq!(of(&dropped, 1.0), of(&marked, 1.0));
    assert!(of(&dropped, 0.0).is_empty());
    [of(&marked, 1.0), of(&marked, 0.0)]
}

#[test]
fn a_trace_is_good_that_passes_all_limits() {
    let at = |x: f64, side: f64| [x, 200.0, side];
    let steady = at(100.0, 20.0);
    // The second one grows from 400 to 576 px, moves 9 px at once and then 6 px in two frames.
    let frames: [&[[f64; 3]]; 4] = [
        &[steady, at(200.0, 20.0)],
        &[steady, at(209.0, 24.0)],
        &[steady],
        &[steady, at(215.0, 24.0)],
    ];
    let both = [vec![1.0, 2.0], vec![]];
    let first = [vec![1.0], vec![2.0]];
    let limits = |missing, change, speed| {
        let [max_missing, max_change, max_speed] = [missing, change, speed];
        judged(&Traces { max_missing, max_change, max_speed, ..Traces::default() }, &frames)
    };
    assert_eq!(limits(None, None, None), both);
    assert_eq!(limits(Some(0.25), Some(1.44), Some(9.0)), both);
    assert_eq!(limits(Some(0.24), None, None), first);
    assert_eq!(limits(None, Some(1.43), None), first);
    assert_eq!(limits(None, None, Some(8.9)), first);
    assert_eq!(limits(Some(0.0), Some(1.0), Some(0.0)), first);
    // As small as it was before, which is the same change.
    let shrunk: [&[[f64; 3]]; 2] = [&[at(200.0, 24.0)], &[at(200.0, 20.0)]];
    let step = Traces { max_change: Some(1.43), ..Traces::default() };
    assert_eq!(judged(&step, &shrunk), [vec![], vec![1.0]]);
}

#[test]
fn rows_are_in_order_whatever_the_order_of_the_tracks_is() {
    let ctx = Context::default();
    let columns = |rows: &[[f64; 3]]| {
        let column = |at: usize| rows.iter().map(|row| row[at]).collect();
        Table::new(vec![("frame", column(0)), ("label", column(1)), ("track", column(2))]).unwrap()
    };
    // The first cell is given twice in frame 1, and the last word counts.
    let tracks = columns(&[
        [1.0, 1.0, 2.0],
        [1.0, 2.0, 1.0],
        [0.0, 1.0, 2.0],
        [1.0, 3.0, 1.0],
        [0.0, 2.0, 1.0],
    ]);
    let tables = [tracks].map(In::new).into_iter();
    let tables = tables.chain([frame(&[10, 20]), frame(&[30, 40, 50])]).collect();
    let traces = Traces::default().run(tables, &ctx).unwrap();
    let of = |name: &str| traces.column(name).unwrap().to_vec();
    assert_eq!(of("cell"), [1.0, 1.0, 2.0, 2.0]);
    assert_eq!(of("frame"), [0.0, 1.0, 0.0, 1.0]);
    assert_eq!(of("bbox_x0"), [20.0, 50.0, 10.0, 30.0]);
}

#[test]
fn no_frames_have_all_columns() {
    let tracks = Table::new(["frame", "label", "track"].map(|name| (name, vec![])).into()).unwrap();
    let step = Traces { channels: vec!["a".into()], ..Traces::default() };
    let traces = step.run(vec![In::new(tracks)], &Context::default()).unwrap();
    assert_eq!(traces.column("intensity_total_a"), Some(&[][..]));
}

#[test]
fn daughters_are_cells_of_their_own() {
    let ctx = Context::default();
    let frames: [&[[f64; 3]]; 4] = [&[MOTHER], &[MOTHER], &[LEFT, RIGHT], &[LEFT, RIGHT]];
    let tables: Vec<In<Table>> = frames.iter().map(|frame| squares(frame)).collect();
    let tracks = Link::default().run(tables.clone(), &ctx).unwrap();
    let tables: Vec<In<Table>> = [In::new(tracks)].into_iter().chain(tables).collect();
    // The jump from the mother to a daughter is none of a trace.
    let step = Traces { max_speed: Some(0.0), max_change: Some(1.0), ..Traces::default() };
    let traces = step.run(tables, &ctx).unwrap();
    assert_eq!(traces.column("cell").unwrap(), [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]);
    assert_eq!(traces.column("parent").unwrap(), [0.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
    assert_eq!(traces.column("frame").unwrap(), [0.0, 1.0, 2.0, 3.0, 2.0, 3.0]);
}

#[test]
fn tables_that_do_not_fit_are_named() {
    let ctx = Context::default();
    let two = Traces { channels: vec!["a".into(), "b".into()], ..Traces::default() };
    let tracks = || In::new(Link::default().run(vec![frame(&[3])], &ctx).unwrap());
    let refused =
        |step: &Traces, tables: Vec<In<Table>>| step.run(tables, &ctx).unwrap_err().to_string();
    let error = refused(&two, vec![tracks(), frame(&[3])]);
    let expected = "the features and as many sums for each of 2 channels";
    assert_eq!(error, format!("the tables of frames is 1, expected {expected}"));
    assert!(refused(&two, Vec::new()).contains("the tracks"));
    let error = refused(&Traces::default(), vec![tracks(), frame(&[])]);
    assert!(error.contains("object 1 of frame 0"), "{error}");
    let one = Traces { channels: vec!["a".into()], ..Traces::default() };
    let error = refused(&one, vec![tracks(), frame(&[3]), frame(&[3])]);
    assert!(error.contains("`intensity_total` among them"), "{error}");
    for (labels, row, found, expected) in [
        (vec![], 0, "none", "object 1"),
        (vec![2.0], 0, "object 2", "object 1"),
        (vec![1.0, 2.0], 1, "object 2", "none"),
    ] {
        let totals = vec![0.5; labels.len()];
        let sums = Table::new(vec![("label", labels), ("intensity_total", totals)]).unwrap();
        let error = refused(&one, vec![tracks(), frame(&[3]), In::new(sums)]);
        let what = format!("row {row} of the sums of a in frame 0 is {found}");
        assert_eq!(error, format!("{what}, expected {expected}, as the features have it"));
    }
    let none = Traces { min_frames: 0, ..Traces::default() };
    assert!(refused(&none, vec![tracks()]).contains("min_frames is 0, expected 1 to 1000000"));
    let still = Traces { max_change: Some(0.5), ..Traces::default() };
    assert!(refused(&still, vec![tracks()]).contains("max_change is 0.5, expected 1 to 1000000"));
}
