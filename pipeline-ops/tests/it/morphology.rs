//! Laws of morphology.

use pipeline_core::testkit::tile;
use pipeline_core::{Image, SampleType};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::drawn::{edge, law, sample_type};
use crate::steps::run;
use crate::support::{filled, floats, registry};
use crate::windows::Edge;

fn element() -> impl Strategy<Value = (&'static str, u32)> {
    (prop_oneof![Just("square"), Just("disk"), Just("cross")], 0u32..12)
}

fn sides() -> impl Strategy<Value = (u32, u32)> {
    (1u32..9, 1u32..9)
}

/// The extrema by looking at every pixel of the element.
fn direct(image: &Image, (element, radius): (&str, u32), edge: Edge, op: &str) -> Vec<f32> {
    let samples = floats(image);
    let (width, height) = (i64::from(image.width()), i64::from(image.height()));
    let (channels, reach) = (i64::from(image.channels()), i64::from(radius));
    let inside = |x: i64, y: i64| match element {
        "disk" => x * x + y * y <= reach * reach,
        "cross" => x == 0 || y == 0,
        _ => true,
    };
    let sample = |x, y, channel| match (edge.walk(x, width), edge.walk(y, height), edge) {
        (Some(x), Some(y), _) => samples[((y * width + x) * channels + channel) as usize],
        (_, _, Edge::Constant(value)) => value,
        _ => unreachable!("only a constant has no place"),
    };
    let has_alpha = image.layout().has_alpha();
    let is_seen = |x, y| !has_alpha || sample(x, y, channels - 1) > 0.0;
    let pick = if op == "erode" { f32::min } else { f32::max };
    let mut out = Vec::new();
    for at in 0..width * height * channels {
        let (x, y, channel) = (at / channels % width, at / channels / width, at % channels);
        if has_alpha && channel == channels - 1 || !is_seen(x, y) {
            out.push(sample(x, y, channel));
            continue;
        }
        let offsets = (-reach..=reach).flat_map(|y| (-reach..=reach).map(move |x| (x, y)));
        let seen = offsets.filter(|&(dx, dy)| inside(dx, dy) && is_seen(x + dx, y + dy));
        out.extend(seen.map(|(dx, dy)| sample(x + dx, y + dy, channel)).reduce(pick));
    }
    out
}

#[test]
fn extrema_equal_direct_ones_at_every_border() {
    let strategy = (sides(), 1u16..=4, sample_type(), any::<u64>(), element(), edge());
    law(300, &strategy, |(sides, channels, sample, seed, element, edge)| {
        let image = filled(sides, channels, sample, seed);
        let params = json!({ "element": element.0, "radius": element.1, "border": edge.json() });
        for op in ["erode", "dilate"] {
            let found = floats(&run(op, &params, [image.clone()]).unwrap());
            prop_assert_eq!(found, direct(&image, element, edge, op), "{}", op);
        }
        Ok(())
    });
}

#[test]
fn openings_and_closings_are_made_once() {
    let strategy = (sides(), 1u16..=3, sample_type(), any::<u64>(), element());
    law(200, &strategy, |(sides, channels, sample, seed, (element, radius))| {
        let image = filled(sides, channels, sample, seed);
        let params = json!({ "element": element, "radius": radius });
        for op in ["opening", "closing"] {
            let once = run(op, &params, [image.clone()]).unwrap();
            for (before, after) in floats(&image).into_iter().zip(floats(&once)) {
                let (less, more) = if op == "opening" { (after, before) } else { (before, after) };
                prop_assert!(less <= more, "{}: {} of {}", op, after, before);
            }
            prop_assert_eq!(&run(op, &params, [once.clone()]).unwrap(), &once, "{}", op);
        }
        Ok(())
    });
}

#[test]
fn what_is_done_to_the_foreground_of_a_mask_is_undone_to_its_background() {
    let strategy = (sides(), any::<u64>(), element());
    law(200, &strategy, |(sides, seed, (element, radius))| {
        let noise = filled(sides, 1, SampleType::U8, seed);
        let bytes: Vec<u8> =
            noise.samples::<u8>().unwrap().iter().map(|&sample| u8::from(sample > 99)).collect();
        let swapped = |image: Image| {
            let bytes: Vec<u8> = image.bytes().iter().map(|&byte| 1 - byte).collect();
            Image::from_samples(sides.0, sides.1, 1, bytes).unwrap()
        };
        let mask = Image::from_samples(sides.0, sides.1, 1, bytes).unwrap();
        let params = json!({ "element": element, "radius": radius });
        for (op, other) in [("erode_mask", "dilate_mask"), ("opening_mask", "closing_mask")] {
            let one = run(op, &params, [mask.clone()]).unwrap();
            let two = run(other, &params, [swapped(mask.clone())]).unwrap();
            prop_assert_eq!(one, swapped(two), "{} and {}", op, other);
        }
        Ok(())
    });
}

#[test]
fn tiles_of_any_element_give_the_whole_image() {
    let registry = registry();
    let ops = ["erode", "dilate", "opening", "closing", "top_hat", "black_hat"];
    let strategy = (sides(), 1u16..=4, sample_type(), any::<u64>(), (0..ops.len(), element()));
    law(40, &strategy, |(sides, channels, sample, seed, (op, (element, radius)))| {
        let params = json!({ "element": element, "radius": radius });
        let step = registry.find(ops[op]).unwrap().build(&params).unwrap();
        tile::check(step.tile().unwrap(), &[filled(sides, channels, sample, seed)]);
        Ok(())
    });
}

#[test]
fn an_element_larger_than_the_image_sees_all_of_it() {
    let image = filled((40, 30), 1, SampleType::U16, 9);
    let least = floats(&image).into_iter().reduce(f32::min).unwrap();
    for element in ["square", "disk"] {
        let params: Json = json!({ "element": element, "radius": 4096 });
        let out = run("erode", &params, [image.clone()]).unwrap();
        assert!(floats(&out).iter().all(|&sample| sample == least), "{element}");
    }
}
