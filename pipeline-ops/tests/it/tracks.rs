//! Tracks drawn on frames.

use pipeline_core::{ColorSpace, Context, Image, In, Labels, Step};
use pipeline_ops::draw::{DrawTracks, OutlineLabels};
use pipeline_ops::measure::Table;

/// The colours of the first tracks and of objects without one, black, and white.
const COLORS: [(char, [u8; 3]); 5] = [
    ('1', [90, 169, 255]),
    ('2', [255, 154, 46]),
    ('g', [190, 190, 190]),
    ('k', [0, 0, 0]),
    ('w', [255, 255, 255]),
];

fn tracks(rows: &[[f64; 3]]) -> Table {
    let column = |at: usize| rows.iter().map(|row| row[at]).collect::<Vec<f64>>();
    Table::new(vec![("frame", column(0)), ("label", column(1)), ("track", column(2))]).unwrap()
}

/// Labels from a grid of digits.
fn labels(grid: &[&str]) -> Labels {
    let (width, height) = (grid[0].len() as u32, grid.len() as u32);
    let digits = grid.concat().chars().map(|digit| digit.to_digit(10).unwrap()).collect::<Vec<_>>();
    Labels::new(width, height, digits).unwrap()
}

/// What is drawn on a gray image, `.` where that shows.
fn drawn(step: &DrawTracks, labels: &Labels, tracks: &Table) -> Vec<String> {
    let (width, height) = (labels.width(), labels.height());
    let image = Image::from_samples(width, height, 1, vec![70u8; (width * height) as usize]);
    let inputs = (In::new(image.unwrap()), In::new(labels.clone()), In::new(tracks.clone()));
    let out = step.run(inputs, &Context::default()).unwrap();
    assert_eq!((out.channels(), out.layout().color), (3, ColorSpace::Srgb));
    let letter = |pixel: &[u8; 3]| match COLORS.iter().find(|(_, color)| color == pixel) {
        Some((letter, _)) => *letter,
        None => {
            assert_eq!(pixel, &[70; 3]);
            '.'
        }
    };
    let (pixels, _) = out.samples::<u8>().unwrap().as_chunks::<3>();
    pixels.chunks(width as usize).map(|row| row.iter().map(letter).collect()).collect()
}

const CELLS: [&str; 6] =
    ["1111100000", "1111100333", "1111122333", "1111122333", "1111100333", "1111100000"];

#[test]
fn outlines_have_the_colours_of_their_tracks() {
    let labels = labels(&CELLS);
    let known = tracks(&[[3.0, 1.0, 1.0], [3.0, 2.0, 10.0], [2.0, 3.0, 2.0], [4.0, 9.0, 1.0]]);
    let step = DrawTracks { frame: 3, line: 1, numbers: false, ..DrawTracks::default() };
    let expected =
        ["....1.....", "....1..ggg", "....122g..", "....122g..", "....1..ggg", "....1....."];
    assert_eq!(drawn(&step, &labels, &known), expected);
    let wide = DrawTracks { line: 2, ..step.clone() };
    let expected =
        ["...11.....", "...11..ggg", "...1122g..", "...1122g..", "...11..ggg", "...11....."];
    assert_eq!(drawn(&wide, &labels, &known), expected);
    let none = DrawTracks { frame: 9, ..DrawTracks::default() };
    assert!(!drawn(&none, &labels, &known).concat().contains(['1', '2', 'w']));
    assert_eq!(drawn(&none, &labels, &tracks(&[])), drawn(&none, &labels, &known));
}

#[test]
fn numbers_stand_within_the_image_with_black_around_them() {
    let rows = vec!["1".repeat(24); 20];
    let all: Vec<&str> = rows.iter().map(String::as_str).collect();
    let found = drawn(&DrawTracks::default(), &labels(&all), &tracks(&[[0.0, 1.0, 17.0]]));
    let expected = [
        "......kkk...kkkkkkkk....",
        ".....kkwk...kwwwwwwk....",
        "....kkwwk...kkkkkkwk....",
        "....kwkwk......kkwkk....",
        "....kkkwk......kwkk.....",
        "......kwk.....kkwk......",
        "......kwk.....kwkk......",
        "......kwk....kkwk.......",
        "....kkkwkkk..kwkk.......",
        "....kwwwwwk..kwk........",
        "....kkkkkkk..kkk........",
    ];
    let from = found.iter().position(|row| row.contains('k')).unwrap();
    assert_eq!(found[from..][..expected.len()], expected, "{found:#?}");
    // At a corner they are moved inwards, and in a picture that is too small cut off.
    let mut corner = vec!["0".repeat(30); 20];
    corner[19].replace_range(29.., "1");
    let corner: Vec<&str> = corner.iter().map(String::as_str).collect();
    let found = drawn(&DrawTracks::default(), &labels(&corner), &tracks(&[[0.0, 1.0, 17.0]]));
    let white = |rows: &[String]| rows.concat().matches('w').count();
    assert_eq!(white(&found), 29, "{found:#?}");
    let found = drawn(&DrawTracks::default(), &labels(&["111"]), &tracks(&[[0.0, 1.0, 17.0]]));
    assert_eq!(found.len(), 1);
    let large = DrawTracks { scale: 3, ..DrawTracks::default() };
    let rows = vec!["1".repeat(60); 50];
    let all: Vec<&str> = rows.iter().map(String::as_str).collect();
    let found = drawn(&large, &labels(&all), &tracks(&[[0.0, 1.0, 17.0]]));
    assert_eq!(white(&found), 29 * 9);
}

#[test]
fn a_thin_outline_is_that_of_outline_labels() {
    let labels = labels(&CELLS);
    let image = || In::new(Image::from_samples(10, 6, 3, vec![7u8; 180]).unwrap());
    let all = tracks(&[[0.0, 1.0, 1.0], [0.0, 2.0, 1.0], [0.0, 3.0, 1.0]]);
    let step = DrawTracks { line: 1, numbers: false, ..DrawTracks::default() };
    let ctx = Context::default();
    let found = step.run((image(), In::new(labels.clone()), In::new(all)), &ctx).unwrap();
    let color = [90u8, 169, 255].map(|level| f32::from(level) / 255.0);
    let step = OutlineLabels { color, ..OutlineLabels::default() };
    let expected = step.run((image(), In::new(labels)), &ctx).unwrap();
    assert_eq!(found.samples::<u8>(), expected.samples::<u8>());
}

#[test]
fn what_tracks_cannot_be_drawn_on_is_named() {
    let gray = |width| Image::from_samples(width, 6, 1, vec![0u8; width as usize * 6]).unwrap();
    let known = tracks(&[[0.0, 1.0, 1.0]]);
    let refused = |step: DrawTracks, image: Image, tracks: &Table| {
        let inputs = (In::new(image), In::new(labels(&CELLS)), In::new(tracks.clone()));
        step.run(inputs, &Context::default()).unwrap_err().to_string()
    };
    let of = |image, tracks: &Table| refused(DrawTracks::default(), image, tracks);
    assert_eq!(of(gray(9), &known), "`labels` is 10×6, expected 9×6 as `in`");
    let floats = Image::from_samples(10, 6, 1, vec![0f32; 60]).unwrap();
    assert_eq!(
        of(floats, &known),
        "the image is 10×6×1 f32, expected gray or RGB of u8; put `rescale` and `convert` steps \
         before"
    );
    let none = Table::new(vec![("frame", vec![0.0])]).unwrap();
    assert_eq!(
        of(gray(10), &none),
        "the columns of the tracks is frame, expected `label` among them"
    );
    for label in [4.0, 0.0, 1.5, f64::NAN] {
        assert_eq!(
            of(gray(10), &tracks(&[[0.0, label, 6.0]])),
            format!(
                "track 6 of frame 0 is label {label}, expected an object of the labels, which are \
                 1 to 3"
            )
        );
    }
    let wide = DrawTracks { line: 17, ..DrawTracks::default() };
    assert_eq!(refused(wide, gray(10), &known), "line is 17 px, expected 1 to 16 px");
    let small = DrawTracks { scale: 0, ..DrawTracks::default() };
    assert_eq!(refused(small, gray(10), &known), "scale is 0 px, expected 1 to 64 px");
}
