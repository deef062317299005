//! Tile-wise forms that keep the contract, and forms that each break one part of it.

use std::sync::atomic::{AtomicU32, Ordering};

use pipeline_core::testkit::tile;
use pipeline_core::{Context, Error, Image, Layout, Region, Result, Tile, View, ViewMut};

use super::refuses;

/// What is wrong with a form.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Wrong {
    Nothing,
    FootprintTooSmall,
    FootprintTooLarge,
    ClampsAtTheTile,
    DependsOnTheTile,
    LeavesALineOut,
    CountsItsCalls,
    LayoutPanics,
    LayoutIsEmpty,
    LayoutChanges,
    Fails,
    ReadsOutside,
}

/// The mean of a sample and its neighbours above and below, rounded down; `Replicate` aaa|abcd|ddd.
#[derive(Debug)]
struct Mean {
    wrong: Wrong,
    calls: AtomicU32,
}

impl Mean {
    fn new(wrong: Wrong) -> Self {
        Self { wrong, calls: AtomicU32::new(0) }
    }
}

impl Tile for Mean {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        let layout = inputs[0];
        match self.wrong {
            Wrong::LayoutPanics if layout.channels > 4 => panic!("so many channels"),
            Wrong::LayoutIsEmpty => Ok(Layout { width: 0, ..layout }),
            Wrong::LayoutChanges => {
                let channels =
                    1 + u16::try_from(self.calls.fetch_add(1, Ordering::Relaxed)).unwrap();
                Ok(Layout { channels, ..layout })
            }
            _ if layout.sample != pipeline_core::SampleType::U8 => {
                Err(Error::input("the image", layout, "u8"))
            }
            _ => Ok(layout),
        }
    }

    fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
        let bounds = inputs[0].region();
        match self.wrong {
            Wrong::FootprintTooSmall => region,
            Wrong::FootprintTooLarge => Region::new(region.x, region.y, region.width, 1 << 20),
            _ => region.grow(0, 1, &bounds),
        }
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, _: &Context<'_>) -> Result<()> {
        let input = inputs[0].typed::<u8>()?;
        let region = out.region();
        let (first, last) = match self.wrong {
            Wrong::ClampsAtTheTile => (region.y, region.bottom() - 1),
            _ => (0, u64::from(out.image().height) - 1),
        };
        let last = u32::try_from(last).unwrap();
        let extra = match self.wrong {
            Wrong::DependsOnTheTile => u8::from(region.width == 1),
            Wrong::CountsItsCalls => {
                u8::from(self.calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(7))
            }
            _ => 0,
        };
        if self.wrong == Wrong::Fails && region.height == 1 {
            return Err(Error::failed("it is too thin"));
        }
        // The footprint may reach further to the left than the region does.
        let skip = (region.x - input.region().x) as usize * input.channels();
        for (y, row) in out.rows::<u8>()? {
            if self.wrong == Wrong::LeavesALineOut && y == 2 {
                continue;
            }
            let up = if self.wrong == Wrong::ReadsOutside { 2 } else { 1 };
            let above = &input.row(y.saturating_sub(up).max(first))[skip..];
            let (here, below) = (&input.row(y)[skip..], &input.row((y + 1).min(last))[skip..]);
            for (at, out) in row.iter_mut().enumerate() {
                let sum = u16::from(above[at]) + u16::from(here[at]) + u16::from(below[at]);
                *out = u8::try_from(sum / 3).unwrap().saturating_add(extra);
            }
        }
        Ok(())
    }
}

fn photo() -> Image {
    let samples: Vec<u8> = (0..19u32 * 13 * 3).map(|n| (n * n % 251) as u8).collect();
    Image::from_samples(19, 13, 3, samples).unwrap()
}

#[test]
fn each_fault_of_a_tile_is_found() {
    let check = |wrong| tile::check(&Mean::new(wrong), &[photo()]);
    check(Wrong::Nothing);
    let faults = [
        (Wrong::FootprintTooSmall, "from its footprint"),
        (Wrong::FootprintTooLarge, "expected a region within 19×13 at (0, 0)"),
        (Wrong::ClampsAtTheTile, "differs from the same region of the whole"),
        (Wrong::DependsOnTheTile, "differs from the same region of the whole"),
        (Wrong::LeavesALineOut, "rendering the whole twice differs, first at (0, 2)"),
        (Wrong::CountsItsCalls, "differs"),
        (Wrong::LayoutPanics, "the layout for 19×13×5 u8: panicked: so many channels"),
        (Wrong::LayoutIsEmpty, "expected at least one pixel"),
        (Wrong::LayoutChanges, "the same inputs differs from call to call"),
        (Wrong::Fails, "it is too thin"),
        (Wrong::ReadsOutside, "panicked"),
    ];
    for (wrong, text) in faults {
        refuses(text, || check(wrong));
    }
}

/// Adds 1 to every sample, or not quite.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Add {
    EverySample,
    /// But not to the first of a row.
    ExceptTheFirst,
    /// Only to the first channel.
    OneChannel,
    /// And turns color into gray.
    Gray,
}

impl Tile for Add {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        let channels = if *self == Self::Gray { 1 } else { inputs[0].channels };
        Ok(Layout { channels, ..inputs[0] })
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, _: &Context<'_>) -> Result<()> {
        let input = inputs[0].typed::<u8>()?;
        let (from, read) = (input.region().x, input.channels());
        let (left, made) = (out.region().x, usize::from(out.image().channels));
        for (y, row) in out.rows::<u8>()? {
            let samples = &input.row(y)[(left - from) as usize * read..];
            for (at, out) in row.iter_mut().enumerate() {
                let (x, channel) = (left as usize + at / made, at % made);
                let adds = match self {
                    Self::ExceptTheFirst => x > 0,
                    Self::OneChannel => channel == 0,
                    Self::EverySample | Self::Gray => true,
                };
                *out = samples[at / made * read + channel].wrapping_add(u8::from(adds));
            }
        }
        Ok(())
    }
}

#[test]
fn a_step_that_is_not_by_sample_is_found_out() {
    let check = |add: Add| tile::check_by_sample(&add, &[photo()]);
    check(Add::EverySample);
    let different = "by its samples the step makes another image, first at (0, 0)";
    refuses(different, || check(Add::ExceptTheFirst));
    refuses(different, || check(Add::OneChannel));
    let layout = "expected the layout of its only input";
    refuses(layout, || check(Add::Gray));
}

/// Two inputs of which the second is read mirrored left to right.
#[derive(Debug)]
struct Fold;

impl Tile for Fold {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        let [a, b] = [inputs[0], inputs[1]];
        if a != b || a.channels != 1 {
            return Err(Error::input("the second image", b, format!("{a} of one channel")));
        }
        Ok(a)
    }

    fn footprint(&self, input: usize, region: Region, inputs: &[Layout]) -> Region {
        match input {
            0 => region,
            _ => Region { x: inputs[1].width - region.x - region.width, ..region },
        }
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, _: &Context<'_>) -> Result<()> {
        let (a, b) = (inputs[0].typed::<f32>()?, inputs[1].typed::<f32>()?);
        let (from_a, mirrored) = (out.region(), self.footprint(1, out.region(), &[out.image(); 2]));
        let (skip_a, skip_b) = (from_a.x - a.region().x, mirrored.x - b.region().x);
        for (y, row) in out.rows::<f32>()? {
            let a = &a.row(y)[skip_a as usize..];
            let b = &b.row(y)[skip_b as usize..][..mirrored.width as usize];
            for (out, (a, b)) in row.iter_mut().zip(a.iter().zip(b.iter().rev())) {
                *out = a - b;
            }
        }
        Ok(())
    }
}

#[test]
fn a_form_of_two_inputs_passes() {
    let image = |seed: u32| {
        let samples: Vec<f32> = (0..23 * 9).map(|n| (n * seed % 97) as f32).collect();
        Image::from_samples(23, 9, 1, samples).unwrap()
    };
    tile::check(&Fold, &[image(7), image(31)]);
}
