//! Which object is which: tracks and divisions of tables made by hand.

use pipeline_core::{Context, In, Step};
use pipeline_ops::cells::{By, Link};
use pipeline_ops::measure::Table;

/// The sides of the picture that the squares are in.
const SIDE: f64 = 400.0;

/// The columns of the table of a frame.
const COLUMNS: [&str; 9] =
    ["label", "area", "x0", "y0", "x1", "y1", "centroid_x", "centroid_y", "edge"];

/// The row of a square by its middle and its side.
fn square(label: usize, [x, y, side]: [f64; 3]) -> [f64; 9] {
    let half = (side - 1.0) / 2.0;
    let [x0, y0, x1, y1] = [x - half, y - half, x + half, y + half];
    let edge = x0.min(y0).min(SIDE - x1).min(SIDE - y1);
    [label as f64, side * side, x0, y0, x1, y1, x, y, edge]
}

fn table(rows: &[[f64; 9]]) -> In<Table> {
    let column = |at: usize| rows.iter().map(|row| row[at]).collect::<Vec<f64>>();
    let columns = COLUMNS.iter().enumerate().map(|(at, &name)| (name, column(at))).collect();
    In::new(Table::new(columns).unwrap())
}

/// A table of a frame with these squares.
pub(crate) fn squares(squares: &[[f64; 3]]) -> In<Table> {
    let rows: Vec<[f64; 9]> =
        squares.iter().enumerate().map(|(at, &of)| square(at + 1, of)).collect();
    table(&rows)
}

/// A table of a frame with one square in each of these columns.
pub(crate) fn frame(columns: &[u32]) -> In<Table> {
    let all: Vec<[f64; 3]> = columns.iter().map(|&x| [f64::from(x) + 4.5, 9.5, 10.0]).collect();
    squares(&all)
}

/// The frame, the label, the track and the parent of each row.
fn run(step: &Link, frames: Vec<In<Table>>) -> Vec<[u32; 4]> {
    let tracks = step.run(frames, &Context::default()).unwrap();
    assert_eq!(tracks.column("parent").is_some(), step.divisions);
    let of = |name: &str, row: usize| tracks.column(name).map_or(0, |column| column[row] as u32);
    let row = |row| ["frame", "label", "track", "parent"].map(|name| of(name, row));
    (0..tracks.rows()).map(row).collect()
}

fn link(step: &Link, frames: &[&[u32]]) -> Vec<[u32; 3]> {
    let rows = run(step, frames.iter().map(|columns| frame(columns)).collect());
    rows.into_iter().map(|[frame, label, track, _]| [frame, label, track]).collect()
}

/// The tracks of squares, and what each came from.
fn followed(frames: &[&[[f64; 3]]]) -> Vec<[u32; 4]> {
    run(&Link::default(), frames.iter().map(|frame| squares(frame)).collect())
}

pub(crate) fn by_overlap() -> Link {
    Link { births: true, ..Link::compatible() }
}

#[test]
fn tracks_begin_end_and_go_on_over_gaps() {
    let frames: [&[u32]; 4] = [&[10, 50], &[12], &[13, 52, 90], &[]];
    let compatible = link(&Link::compatible(), &frames);
    assert_eq!(compatible, [[0, 1, 1], [0, 2, 2], [1, 1, 1], [2, 1, 1]]);
    for by in [By::Overlap, By::Shape] {
        let births = link(&Link { by, gap: 0, ..Link::default() }, &frames);
        assert_eq!(births[3..], [[2, 1, 1], [2, 2, 3], [2, 3, 4]]);
        let over_gaps = link(&Link { by, gap: 1, ..Link::default() }, &frames);
        assert_eq!(over_gaps[3..], [[2, 1, 1], [2, 2, 2], [2, 3, 3]]);
        assert_eq!(link(&Link { by, ..Link::default() }, &[]), [[0; 3]; 0]);
        // A frame without any costs but that frame, and also the first one.
        let blank = link(&Link { by, gap: 1, ..Link::default() }, &[&[], &[10], &[], &[11]]);
        assert_eq!(blank, [[1, 1, 1], [3, 1, 1]]);
        let one = link(&Link { by, ..Link::default() }, &[&[10, 30]]);
        assert_eq!(one, [[0, 1, 1], [0, 2, 2]]);
    }
}

#[test]
fn of_all_pairs_those_are_chosen_that_have_most_in_common() {
    // The first would take what the second has alone.
    let found = link(&by_overlap(), &[&[10, 16], &[13, 8]]);
    assert_eq!(found, [[0, 1, 1], [0, 2, 2], [1, 1, 2], [1, 2, 1]]);
    let apart = Link { overlap: 0.9, ..by_overlap() };
    assert_eq!(link(&apart, &[&[10], &[12]]), [[0, 1, 1], [1, 1, 2]]);
}

#[test]
fn an_object_is_missed_for_two_frames_and_then_gone() {
    let (here, there) = ([100.0, 100.0, 20.0], [200.0, 200.0, 20.0]);
    let both: &[[f64; 3]] = &[here, there];
    let back = followed(&[both, &[there], &[there], both]);
    assert_eq!(back[4..], [[3, 1, 1, 0], [3, 2, 2, 0]], "two frames");
    let late = followed(&[both, &[there], &[there], &[there], both]);
    assert_eq!(late[5..], [[4, 1, 3, 0], [4, 2, 2, 0]], "three frames");
}

#[test]
fn objects_that_pass_each_other_stay_who_they_are() {
    // A large and a small one, 6 px a frame along one line: boxes lie over each other.
    let frames: Vec<Vec<[f64; 3]>> = (0..12)
        .map(|t| {
            let moved = 6.0 * f64::from(t);
            vec![[100.0 + moved, 100.0, 30.0], [166.0 - moved, 112.0, 16.0]]
        })
        .collect();
    let frames: Vec<&[[f64; 3]]> = frames.iter().map(Vec::as_slice).collect();
    assert!(followed(&frames).iter().all(|row| row[1] == row[2] && row[3] == 0));
}

#[test]
fn what_is_too_far_or_of_another_size_is_another_object() {
    let step =
        |x: f64, side: f64| followed(&[&[[200.0, 200.0, 20.0]], &[[200.0 + x, 200.0, side]]])[1][2];
    // A distance of 1 in roots of the larger area, or areas of which one is e² as large.
    assert_eq!([step(19.0, 20.0), step(21.0, 20.0)], [1, 2]);
    assert_eq!([step(0.0, 53.0), step(0.0, 56.0)], [1, 2]);
    let near = Link { reach: 0.5, ..Link::default() };
    let frames = vec![squares(&[[200.0, 200.0, 20.0]]), squares(&[[211.0, 200.0, 20.0]])];
    assert_eq!(run(&near, frames)[1], [1, 1, 2, 0]);
}

/// A cell, and two that it divides into.
pub(crate) const MOTHER: [f64; 3] = [200.0, 200.0, 30.0];
pub(crate) const LEFT: [f64; 3] = [184.0, 196.0, 26.0];
pub(crate) const RIGHT: [f64; 3] = [216.0, 205.0, 25.0];

#[test]
fn a_cell_divides_into_two() {
    let frames: [&[[f64; 3]]; 4] = [&[MOTHER], &[MOTHER], &[LEFT, RIGHT], &[LEFT, RIGHT]];
    let expected =
        [[0, 1, 1, 0], [1, 1, 1, 0], [2, 1, 2, 1], [2, 2, 3, 1], [3, 1, 2, 1], [3, 2, 3, 1]];
    assert_eq!(followed(&frames), expected, "one goes on with the track of the mother");
    // Both are too far away for that.
    let (left, right) = ([165.0, 198.0, 30.0], [236.0, 203.0, 28.0]);
    let apart: [&[[f64; 3]]; 4] = [&[MOTHER], &[MOTHER], &[left, right], &[left, right]];
    assert_eq!(followed(&apart), expected, "both begin a track");
    let none = Link { divisions: false, ..Link::default() };
    let rows = run(&none, frames.map(squares).to_vec());
    assert_eq!(rows.iter().map(|row| row[3]).max(), Some(0));
    // In the last frame, and seen once in between.
    assert_eq!(followed(&frames[..3])[2..], expected[2..4]);
    let flicker = followed(&[&[MOTHER], &[LEFT, RIGHT], &[MOTHER], &[MOTHER], &[MOTHER]]);
    assert!(flicker.iter().all(|row| row[3] == 0), "{flicker:?}");
}

#[test]
fn a_birth_beside_a_cell_is_no_division() {
    let born = |other: [f64; 3]| {
        let frames: [&[[f64; 3]]; 4] = [&[MOTHER], &[MOTHER], &[MOTHER, other], &[MOTHER, other]];
        followed(&frames).iter().all(|row| row[3] == 0)
    };
    assert!(born([240.0, 200.0, 30.0]), "the cell stays where it is");
    let uneven: [&[[f64; 3]]; 4] =
        [&[MOTHER], &[MOTHER], &[[195.0, 200.0, 30.0], [216.0, 205.0, 12.0]], &[MOTHER]];
    assert!(followed(&uneven).iter().all(|row| row[3] == 0));
}

#[test]
fn at_the_edge_daughters_may_be_cut_off() {
    // The mother lies half outside, and one daughter nearly all.
    let at = |x: f64, y: f64, side: f64| {
        let mut row = square(1, [x, y, side]);
        (row[2], row[8]) = (0.0, 0.0);
        row
    };
    let mother = at(8.0, 200.0, 16.0);
    let outer = at(2.0, 194.0, 8.0);
    let inner = square(2, [20.0, 206.0, 26.0]);
    let frames = || vec![table(&[mother]), table(&[outer, inner]), table(&[outer, inner])];
    let rows = run(&Link::default(), frames());
    assert_eq!(rows[1..3], [[1, 1, 2, 1], [1, 2, 3, 1]]);
    // The same in the open is none.
    let inside = |mut row: [f64; 9]| {
        row[8] = 50.0;
        row
    };
    let open = [mother, outer, inner].map(inside);
    let both = || table(&[open[1], open[2]]);
    let rows = run(&Link::default(), vec![table(&[open[0]]), both(), both()]);
    assert!(rows.iter().all(|row| row[3] == 0));
}

#[test]
fn a_daughter_that_divides_is_the_parent_of_hers() {
    // The track of the mother is cut twice, and each part is the parent of the next ones.
    let again = |of: [f64; 3], by: f64| {
        [[of[0] - by, of[1] - 12.0, 24.0], [of[0] + by, of[1] + 12.0, 24.0]]
    };
    let [up, down] = again(LEFT, 4.0);
    let frames: [&[[f64; 3]]; 7] = [
        &[MOTHER],
        &[MOTHER],
        &[LEFT, RIGHT],
        &[LEFT, RIGHT],
        &[LEFT, RIGHT],
        &[up, down, RIGHT],
        &[up, down, RIGHT],
    ];
    let rows = followed(&frames);
    assert_eq!(rows[2..4], [[2, 1, 2, 1], [2, 2, 3, 1]]);
    assert_eq!(rows[8..11], [[5, 1, 4, 2], [5, 2, 5, 2], [5, 3, 3, 1]]);
    assert_eq!(rows[11..], [[6, 1, 4, 2], [6, 2, 5, 2], [6, 3, 3, 1]]);
}

/// Numbers that look random, from 0 to below `most`.
fn random(state: &mut u32, most: f64) -> f64 {
    *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    f64::from(*state >> 8) / f64::from(1 << 24) * most
}

#[test]
fn the_order_of_rows_in_a_frame_does_not_matter() {
    let state = &mut 11;
    for step in [Link::default(), Link::compatible(), by_overlap()] {
        for _ in 0..20 {
            let frames: Vec<Vec<[f64; 9]>> = (0..6)
                .map(|_| {
                    let count = random(state, 30.0) as usize;
                    let of = |at| {
                        let side = 8.0 + random(state, 30.0).floor();
                        square(at + 1, [random(state, SIDE), random(state, SIDE), side])
                    };
                    (0..count).map(of).collect()
                })
                .collect();
            let tables = frames.iter().map(|rows| table(rows)).collect();
            let turned = frames.iter().map(|rows| {
                let mut rows = rows.clone();
                rows.reverse();
                let middle = rows.len() / 2;
                rows.rotate_left(middle / 2);
                table(&rows)
            });
            assert_eq!(run(&step, tables), run(&step, turned.collect()), "{step:?}");
        }
    }
}

#[test]
fn numbers_that_are_none_link_nothing_and_harm_no_other_object() {
    let rows = [square(1, MOTHER), square(2, [100.0, 100.0, 20.0])];
    for step in [Link::default(), Link::compatible(), by_overlap()] {
        for at in 1..COLUMNS.len() {
            for harm in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1e300, 0.0] {
                let mut harmed = rows;
                harmed[0][at] = harm;
                for frames in [[rows, harmed, rows], [harmed, rows, rows], [harmed, harmed, harmed]]
                {
                    let tables = frames.iter().map(|rows| table(rows)).collect();
                    let found = run(&step, tables);
                    let other: Vec<u32> =
                        found.iter().filter(|row| row[1] == 2).map(|row| row[2]).collect();
                    assert_eq!(other, [2; 3], "{} is {harm}: {step:?}", COLUMNS[at]);
                }
            }
        }
    }
}

#[test]
fn thousands_of_objects_keep_their_tracks() {
    // Cells side by side, each as far from its neighbours as it may go, and one that covers all.
    let (side, step) = (70, 20.0);
    let grid = |moved: f64| {
        let mut rows: Vec<[f64; 9]> = (0..side * side)
            .map(|at| {
                let place = |at: usize| step * at as f64 + moved;
                square(at + 1, [place(at % side) + 50.0, place(at / side) + 50.0, 21.0])
            })
            .collect();
        rows.push(square(side * side + 1, [700.0, 700.0, 1400.0]));
        table(&rows)
    };
    let rows = run(&Link::default(), vec![grid(0.0), grid(4.0), grid(9.0)]);
    assert!(rows.iter().all(|row| row[1] == row[2] && row[3] == 0));
    // All of them after nothing, and after one that covers all.
    let flat = table(&[square(1, [700.0, 700.0, 1400.0])]);
    assert_eq!(run(&Link::default(), vec![flat, grid(0.0), table(&[])]).len(), side * side + 2);
}

#[test]
fn tables_that_do_not_fit_are_named() {
    let ctx = Context::default();
    let areas = || In::new(Table::new(vec![("area", vec![1.0])]).unwrap());
    let error = Link::default().run(vec![areas()], &ctx).unwrap_err().to_string();
    assert_eq!(error, "the columns of frame 0 is area, expected `label` among them");
    // Boxes are enough without divisions.
    let boxes = |step: &Link| {
        let columns = COLUMNS[..6].iter().filter(|name| **name != "area");
        let columns = columns.map(|&name| (name, vec![1.0])).collect();
        step.run(vec![frame(&[3]), In::new(Table::new(columns).unwrap())], &ctx)
    };
    assert!(boxes(&by_overlap()).is_ok());
    let error = boxes(&Link { divisions: true, ..by_overlap() }).unwrap_err().to_string();
    assert!(error.contains("of frame 1") && error.contains("`centroid_x` among them"), "{error}");
    for (step, expected) in [
        (Link { overlap: 2.0, ..Link::default() }, "overlap is 2, expected 0 to 1"),
        (Link { reach: f32::NAN, ..Link::default() }, "reach is NaN, expected 0 to 10"),
        (Link { gap: 1001, ..Link::default() }, "gap is 1001, expected 0 to 1000"),
    ] {
        let error = step.run(Vec::new(), &ctx).unwrap_err().to_string();
        assert_eq!(error, expected);
    }
}
