//! Inputs that a step may not work on: it must say so.

use super::subject::Subject;
use super::supply::Piece;
use crate::data::{Data, Image, Labels, Layout, Mask, SampleType, Value};
use crate::step::Arity;

/// Runs the step on inputs of other sizes, channels, sample types and numbers. It may succeed or
/// fail, but not panic.
pub(super) fn check(subject: &Subject<'_>) {
    for (port, known) in subject.kind.inputs.iter().enumerate() {
        if known.arity != Arity::One {
            let mut fewer = subject.clone();
            fewer.inputs[port] = Vec::new();
            run(&fewer, format_args!("without any `{}`", known.name));
        }
        for wire in 0..subject.inputs[port].len() {
            for (odd, what) in others(&subject.inputs[port][wire]) {
                let mut other = subject.clone();
                other.inputs[port][wire] = subject.inputs[port][wire].with(odd);
                run(&other, format_args!("with {what} as `{}`", known.name));
            }
        }
    }
}

fn run(subject: &Subject<'_>, during: std::fmt::Arguments<'_>) {
    // What comes out is not looked at: a step may well work on this.
    let _ = subject.call(during, subject.values(), &subject.ctx());
}

/// Values of the same type that differ from this one in everything but that.
fn others(piece: &Piece) -> Vec<(Value, String)> {
    if let Some(image) = piece.value.downcast_ref::<Image>() {
        return images(image.layout()).into_iter().filter_map(dotted).collect();
    }
    let sizes = [(1, 1), (1, 9), (9, 1), (7, 5)];
    if piece.value.downcast_ref::<Labels>().is_some() {
        let labels = sizes.map(|(width, height)| {
            // One object for every other pixel.
            let numbers: Vec<u32> =
                (0..width * height).map(|at: u32| at % 2 * at.div_ceil(2)).collect();
            Some((Labels::new(width, height, numbers).ok()?, format!("{width}×{height} pixels")))
        });
        return labels.into_iter().flatten().map(|(labels, what)| named(labels, &what)).collect();
    }
    if piece.value.downcast_ref::<Mask>().is_some() {
        let masks = sizes.map(|(width, height)| {
            let bytes = (0..width * height).map(|at| u8::from(at % 3 == 0)).collect();
            Some((Mask::from_bytes(width, height, bytes).ok()?, format!("{width}×{height} pixels")))
        });
        return masks.into_iter().flatten().map(|(mask, what)| named(mask, &what)).collect();
    }
    Vec::new()
}

fn named<T: Data>(value: T, what: &str) -> (Value, String) {
    (Value::new(value), format!("a {} of {what}", T::NAME))
}

fn images(right: Layout) -> Vec<Layout> {
    let mut layouts = Vec::new();
    for (width, height) in [(1, 1), (1, 9), (9, 1), (7, 5)] {
        layouts.push(Layout { width, height, ..right });
    }
    for sample in [SampleType::U8, SampleType::U16, SampleType::F32] {
        for channels in [1, 2, 3, 4, 5] {
            layouts.push(Layout { width: 7, height: 5, channels, sample, ..right });
        }
        layouts.push(Layout { sample, ..right });
    }
    layouts
}

/// An image with extreme samples: the least, the most, and for floats what is not a number.
fn dotted(layout: Layout) -> Option<(Value, String)> {
    let mut image = Image::zeros(layout).ok()?;
    if let Some(samples) = image.samples_mut::<u8>() {
        samples.iter_mut().step_by(3).for_each(|sample| *sample = u8::MAX);
    }
    if let Some(samples) = image.samples_mut::<u16>() {
        samples.iter_mut().step_by(3).for_each(|sample| *sample = u16::MAX);
    }
    if let Some(samples) = image.samples_mut::<f32>() {
        let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN, -0.0, 1e-40];
        samples.iter_mut().zip(odd.into_iter().cycle()).for_each(|(sample, odd)| *sample = odd);
    }
    Some(named(image, &layout.to_string()))
}
