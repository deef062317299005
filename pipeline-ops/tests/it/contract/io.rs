//! Steps of `io`.

use pipeline_core::{Context, In, SampleType, Step};
use pipeline_ops::io::{
    Field, Frame, Open, OpenStack, Save, SaveFrame, SavePlot, SaveTable, SaveTraces, SavedStack,
    SeriesFile,
};
use pipeline_ops::measure::Table;

use super::{Row, SIZE, contract};
use crate::support::{filled, shipped};

fn open() {
    for name in ["basn6a08.png", "made-gray-f32.tif", "simple-rgb.webp"] {
        contract().run(&Open::path(shipped("files/good").join(name)), ());
    }
}

fn frame() {
    let stack = SeriesFile::open(shipped("cells/fields.ome.tif")).unwrap().stack(0, 1, 0).unwrap();
    contract().run(&Frame { frame: 2, finite: true }, In::new(stack));
}

fn open_stack() {
    let open = OpenStack { channel: 1, ..OpenStack::path(shipped("cells/fields.ome.tif")) };
    for field in [None, Some(In::new(Field(1)))] {
        contract().run(&open, field);
    }
}

fn save() {
    let folder = tempfile::tempdir().unwrap();
    for (name, sample) in [("a.png", SampleType::U16), ("a.tif", SampleType::F32)] {
        let image = filled(SIZE, 4, sample, 3);
        contract().run(&Save::path(folder.path().join(name)), In::new(image));
    }
}

fn save_frame() {
    let folder = tempfile::tempdir().unwrap();
    for (name, sample) in [("a.tif", SampleType::U16), ("a.npy", SampleType::F32)] {
        let image = filled(SIZE, 1, sample, 3);
        contract().run(&SaveFrame::path(folder.path().join(name)), (In::new(image), None));
    }
}

fn saved_stack() {
    let folder = tempfile::tempdir().unwrap();
    let image = In::new(filled(SIZE, 1, SampleType::U16, 3));
    let save = SaveFrame::path(folder.path().join("a.tif"));
    let file = save.run((image, None), &Context::default()).unwrap();
    contract().run(&SavedStack {}, (In::new(file), None));
}

/// Traces of two cells.
fn traces() -> In<Table> {
    let names = ["position_x", "bbox_x0", "bbox_x1", "position_y", "bbox_y0", "bbox_y1", "area"];
    let mut columns = vec![("cell", vec![1.0, 1.0, 2.0]), ("frame", vec![0.0, 1.0, 1.0])];
    columns.extend(names.map(|name| (name, vec![3.5, f64::NAN, 5.0])));
    In::new(Table::new(columns).unwrap())
}

fn save_plot() {
    let folder = tempfile::tempdir().unwrap();
    contract().run(&SavePlot::of("area", folder.path().join("a.svg")), traces());
}

fn save_table() {
    let folder = tempfile::tempdir().unwrap();
    let step = SaveTable { decimals: Some(6), ..SaveTable::path(folder.path().join("a.csv")) };
    contract().run(&step, traces());
}

fn save_traces() {
    let folder = tempfile::tempdir().unwrap();
    contract().run(&SaveTraces::path(folder.path().join("a.csv")), traces());
}

pub(super) const ROWS: &[Row] = &[
    ("frame", frame),
    ("open", open),
    ("open_stack", open_stack),
    ("save", save),
    ("save_frame", save_frame),
    ("saved_stack", saved_stack),
    ("save_plot", save_plot),
    ("save_table", save_table),
    ("save_traces", save_traces),
];
