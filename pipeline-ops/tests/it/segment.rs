//! Laws of masks and labels.

use pipeline_core::{Image, SampleType};
use proptest::prelude::*;
use serde_json::json;

use crate::drawn::law;
use crate::steps::run;
use crate::support::{filled, floats};

/// A mask of which about a share of `parts` in 256 is foreground.
fn noise(sides: (u32, u32), parts: u8, seed: u64) -> Image {
    let noise = filled(sides, 1, SampleType::U8, seed);
    let bytes = noise.samples::<u8>().unwrap().iter().map(|&sample| u8::from(sample < parts));
    Image::from_samples(sides.0, sides.1, 1, bytes.collect::<Vec<_>>()).unwrap()
}

fn masks() -> impl Strategy<Value = Image> {
    ((1u32..14, 1u32..14), 20u8..240, any::<u64>())
        .prop_map(|(sides, parts, seed)| noise(sides, parts, seed))
}

/// Numbers of objects, found by going from pixel to pixel.
fn flooded(mask: &Image, corners: bool) -> Vec<f32> {
    let (width, height) = (mask.width() as usize, mask.height() as usize);
    let bytes = mask.samples::<u8>().unwrap();
    let mut numbers = vec![0.0; bytes.len()];
    let mut count = 0.0;
    for first in 0..bytes.len() {
        if bytes[first] == 0 || numbers[first] > 0.0 {
            continue;
        }
        count += 1.0;
        numbers[first] = count;
        let mut open = vec![first];
        while let Some(at) = open.pop() {
            let (x, y) = (at % width, at / width);
            for near_y in y.saturating_sub(1)..(y + 2).min(height) {
                for near_x in x.saturating_sub(1)..(x + 2).min(width) {
                    let near = near_y * width + near_x;
                    let touches = corners || near_x == x || near_y == y;
                    if touches && bytes[near] == 1 && numbers[near] == 0.0 {
                        numbers[near] = count;
                        open.push(near);
                    }
                }
            }
        }
    }
    numbers
}

#[test]
fn objects_equal_flooded_ones() {
    // Large enough for several chunks, whose objects are joined; sparse enough for u16.
    for (parts, corners) in [(70, true), (110, false), (140, false)] {
        let mask = noise((700, 450), parts, 3);
        let params = json!({ "connectivity": if corners { "eight" } else { "four" } });
        let found = run("connected_components", &params, [mask.clone()]).unwrap();
        assert!(floats(&found) == flooded(&mask, corners), "{parts} in 256");
    }
    law(200, &(masks(), any::<bool>()), |(mask, corners)| {
        let params = json!({ "connectivity": if corners { "eight" } else { "four" } });
        let found = run("connected_components", &params, [mask.clone()]).unwrap();
        prop_assert_eq!(floats(&found), flooded(&mask, corners));
        Ok(())
    });
}

#[test]
fn distances_equal_direct_ones() {
    law(200, &masks(), |mask| {
        let width = mask.width() as usize;
        let bytes = mask.samples::<u8>().unwrap();
        let found = floats(&run("distance_transform", &json!({}), [mask.clone()]).unwrap());
        for (at, found) in found.into_iter().enumerate() {
            let squared = |other: usize| {
                let (x, y) =
                    ((other % width).abs_diff(at % width), (other / width).abs_diff(at / width));
                x * x + y * y
            };
            let nearest = (0..bytes.len()).filter(|&other| bytes[other] == 0).map(squared).min();
            let expected = nearest.map_or(f32::INFINITY, |squared| (squared as f64).sqrt() as f32);
            prop_assert_eq!(found.to_bits(), expected.to_bits());
        }
        Ok(())
    });
}

#[test]
fn a_skeleton_hangs_together_as_its_mask_does() {
    law(200, &masks(), |mask| {
        let count = |mask: Image| {
            let labels = run("connected_components", &json!({}), [mask]).unwrap();
            floats(&labels).into_iter().fold(0.0, f32::max)
        };
        let thin = run("skeleton", &json!({}), [mask.clone()]).unwrap();
        let within = thin.bytes().iter().zip(mask.bytes()).all(|(thin, mask)| thin <= mask);
        prop_assert!(within);
        prop_assert_eq!(count(thin.clone()), count(mask));
        prop_assert_eq!(run("skeleton", &json!({}), [thin.clone()]).unwrap(), thin);
        Ok(())
    });
}

#[test]
fn what_is_filled_or_removed_is_so_once() {
    let ops = ["fill_holes", "clear_border", "remove_small_objects", "remove_small_holes"];
    law(100, &(masks(), any::<bool>()), |(mask, corners)| {
        for op in ops {
            let mut params = json!({ "connectivity": if corners { "eight" } else { "four" } });
            if op.starts_with("remove") {
                params["max_area"] = json!(4);
            }
            let once = run(op, &params, [mask.clone()]).unwrap();
            let fills = op.contains("hole");
            for (&after, &before) in once.bytes().iter().zip(mask.bytes()) {
                let (less, more) = if fills { (before, after) } else { (after, before) };
                prop_assert!(less <= more, "{}", op);
            }
            prop_assert_eq!(&run(op, &params, [once.clone()]).unwrap(), &once, "{}", op);
        }
        Ok(())
    });
}

#[test]
fn water_reaches_everything_that_is_open() {
    let image = filled((40, 30), 1, SampleType::F32, 4);
    let mut seeds = vec![0u16; 1200];
    (seeds[45], seeds[900]) = (1, 2);
    let seeds = Image::from_samples(40, 30, 1, seeds).unwrap();
    let whole = run("watershed", &json!({}), [image.clone(), seeds.clone()]).unwrap();
    assert!(floats(&whole).iter().all(|&label| label > 0.0));

    // A marker that the mask leaves nothing of gives its number away.
    let mask: Vec<u8> = (0..1200).map(|at| u8::from(at >= 600)).collect();
    let mask = Image::from_samples(40, 30, 1, mask).unwrap();
    let lower = floats(&run("watershed", &json!({}), [image, seeds, mask]).unwrap());
    assert!(lower[..600].iter().all(|&label| label == 0.0));
    assert!(lower[600..].iter().all(|&label| label == 1.0));
}
