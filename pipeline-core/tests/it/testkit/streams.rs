//! The contracts of sources and sinks let right ones pass and find each fault.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use pipeline_core::step::{ImageRows, Rows, Sink, Source};
use pipeline_core::testkit::stream::{check_sink, check_source};
use pipeline_core::{Context, Error, Image, Layout, Result, SampleType};

use super::refuses;

fn photo() -> Image {
    let samples: Vec<u16> = (0..7u16 * 11 * 3).map(|n| n * 97).collect();
    Image::from_samples(7, 11, 3, samples).unwrap().with_icc(Some(vec![1, 2, 3].into()))
}

/// What is wrong with a source.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Off {
    Nothing,
    Fails,
    Panics,
    LayoutChanges,
    ProfileIsLost,
    RowsOfTwoAreMixed,
    StartsOverAtTheEnd,
    DependsOnTheCount,
    HidesTheCancel,
}

struct Shelf {
    image: Image,
    off: Off,
    opened: AtomicU32,
    shared: AtomicU32,
}

struct Line<'a> {
    shelf: &'a Shelf,
    number: u32,
    at: u32,
}

impl Source for Shelf {
    fn open<'a>(&'a self, ctx: &Context<'a>) -> Result<Box<dyn Rows + 'a>> {
        match (self.off, ctx.check()) {
            (Off::HidesTheCancel, Err(_)) => return Err(Error::failed("no idea why")),
            (Off::HidesTheCancel, Ok(())) => {}
            (_, checked) => checked?,
        }
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(Line { shelf: self, number, at: 0 }))
    }
}

impl Rows for Line<'_> {
    fn layout(&self) -> Layout {
        let layout = self.shelf.image.layout();
        match self.shelf.off {
            Off::LayoutChanges => Layout { height: 11 + self.number, ..layout },
            _ => layout,
        }
    }

    fn icc(&self) -> Option<Arc<[u8]>> {
        let is_lost = self.shelf.off == Off::ProfileIsLost && self.number > 0;
        self.shelf.image.icc().cloned().filter(|_| !is_lost)
    }

    fn read(&mut self, rows: &mut [u8]) -> Result<()> {
        let row = 7 * 3 * 2;
        let count = u32::try_from(rows.len() / row).unwrap();
        match self.shelf.off {
            Off::Fails if count < 11 => return Err(Error::failed("the shelf broke")),
            Off::Panics => panic!("the shelf fell"),
            _ => {}
        }
        let at = match self.shelf.off {
            Off::RowsOfTwoAreMixed => self.shelf.shared.fetch_add(count, Ordering::Relaxed) % 11,
            Off::StartsOverAtTheEnd => self.at % 11,
            _ => self.at,
        };
        self.at += count;
        let bytes = self.shelf.image.bytes().iter().cycle().skip(at as usize * row);
        if at + count > 11 && self.shelf.off != Off::RowsOfTwoAreMixed {
            return Err(Error::failed("no more rows"));
        }
        rows.iter_mut().zip(bytes).for_each(|(row, byte)| *row = *byte);
        if self.shelf.off == Off::DependsOnTheCount && count == 3 {
            rows[0] ^= 1;
        }
        Ok(())
    }
}

#[test]
fn each_fault_of_a_source_is_found() {
    let check = |off| {
        let (opened, shared) = (AtomicU32::new(0), AtomicU32::new(0));
        let shelf = Shelf { image: photo(), off, opened, shared };
        check_source(&shelf, &Context::default())
    };
    assert!(check(Off::Nothing) == photo());
    let faults = [
        (Off::Fails, "1 rows are read from row 0: the shelf broke"),
        (Off::Panics, "all rows are read: panicked: the shelf fell"),
        (Off::LayoutChanges, "the layout or profile differs"),
        (Off::ProfileIsLost, "the layout or profile differs"),
        (Off::RowsOfTwoAreMixed, "1 rows from row 0 differ from those of all"),
        (Off::StartsOverAtTheEnd, "there is a row behind the last one"),
        (Off::DependsOnTheCount, "3 rows from row 0 differ"),
        (Off::HidesTheCancel, "after a cancel: no idea why"),
    ];
    for (off, text) in faults {
        refuses(text, || {
            let _ = check(off);
        });
    }
}

/// What is wrong with a sink.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Bad {
    Nothing,
    LeavesTheLastRow,
    ReadsOneMore,
    PartsRows,
    ForgetsTheError,
    ReplacesTheError,
    AsksAgain,
    PanicsForFloats,
    TakesNothingForGray,
    AsideOverflows,
}

struct Drain(Bad);

impl Sink for Drain {
    fn write(&self, rows: &mut dyn Rows, ctx: &Context<'_>) -> Result<()> {
        let layout = rows.layout();
        match (self.0, layout.sample) {
            (Bad::PanicsForFloats, SampleType::F32) => panic!("so wide"),
            (_, SampleType::F32) => return Err(Error::input("the image", layout, "integers")),
            (Bad::TakesNothingForGray, _) if layout.channels == 1 => return Ok(()),
            _ => {}
        }
        let mut row = vec![0u32; (layout.row_len() * layout.sample.size()).div_ceil(4)];
        let len = layout.row_len() * layout.sample.size();
        let row: &mut [u8] = &mut bytemuck::cast_slice_mut(&mut row)[..len];
        let height = match self.0 {
            Bad::LeavesTheLastRow => layout.height - 1,
            Bad::ReadsOneMore => layout.height + 1,
            _ => layout.height,
        };
        for _ in 0..height {
            ctx.check()?;
            let part = if self.0 == Bad::PartsRows { &mut row[1..] } else { &mut *row };
            match (self.0, rows.read(part)) {
                (_, Ok(())) => {}
                (Bad::ForgetsTheError, Err(_)) => return Ok(()),
                (Bad::ReplacesTheError, Err(_)) => return Err(Error::failed("something")),
                (Bad::AsksAgain, Err(_)) => rows.read(part)?,
                (_, Err(error)) => return Err(error),
            }
        }
        Ok(())
    }

    fn aside(&self, layout: Layout) -> u64 {
        let (width, height) = (u64::from(layout.width), u64::from(layout.height));
        let bytes = width.checked_mul(height).and_then(|pixels| pixels.checked_mul(8));
        if self.0 == Bad::AsideOverflows { bytes.expect("so large") } else { width }
    }
}

#[test]
fn each_fault_of_a_sink_is_found() {
    let check = |bad| check_sink(&Drain(bad), &photo(), &Context::default());
    check(Bad::Nothing);
    let faults = [
        (Bad::LeavesTheLastRow, "10 of 11 rows were read"),
        (Bad::ReadsOneMore, "1 rows from row 11 are asked for, but there are 11"),
        (Bad::PartsRows, "expected whole rows of 42 bytes"),
        (Bad::ForgetsTheError, "taken, though row 0 did not come"),
        (Bad::ReplacesTheError, "row 0 did not come, but the error is: something"),
        (Bad::AsksAgain, "rows are asked for after others did not come"),
        (Bad::PanicsForFloats, "an image of 7×11×3 f32: panicked: so wide"),
        (Bad::TakesNothingForGray, "an image of 7×11×1 u16 was taken"),
        (Bad::AsideOverflows, "panicked: so large"),
    ];
    for (bad, text) in faults {
        refuses(text, || check(bad));
    }
}

#[test]
fn rows_of_an_image_are_a_source() {
    struct There(Image);

    impl Source for There {
        fn open<'a>(&'a self, _: &Context<'a>) -> Result<Box<dyn Rows + 'a>> {
            Ok(Box::new(ImageRows::new(&self.0)))
        }
    }

    assert!(check_source(&There(photo()), &Context::default()) == photo());
}
