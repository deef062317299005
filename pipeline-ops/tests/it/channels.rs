//! Operations that take each colour for itself: three at once are what each of them is alone.

use std::collections::BTreeSet;

use pipeline_core::step::Port;
use pipeline_core::{Image, dispatch};

use crate::golden::{Case, cases};
use crate::steps::run;
use crate::support::{array, registry};

/// Operations of images of any channels that look at all colours of a pixel, or of the image.
const TOGETHER: [(&str, &str); 7] = [
    ("bilateral", "the distance of two colours decides"),
    ("clahe", "the brightness decides"),
    ("convert_profile", "a profile mixes colours"),
    ("equalize", "one curve for all colours"),
    ("grayscale", "mixes colours"),
    ("rescale", "one range for all colours"),
    ("text", "draws in a colour"),
];

/// An image of one channel, turned around, and moved along with a part of it painted over.
fn variants(image: &Image) -> [Image; 3] {
    dispatch!(image.sample_type(), T => {
        let samples = image.samples::<T>().unwrap().to_vec();
        let (mut turned, mut moved) = (samples.clone(), samples.clone());
        turned.reverse();
        moved.rotate_left(samples.len() / 3);
        let paint = moved[0];
        moved[samples.len() / 2..].fill(paint);
        [samples, turned, moved].map(|samples| {
            Image::from_samples(image.width(), image.height(), 1, samples).unwrap()
        })
    })
}

/// The image that has these as its channels.
fn together(channels: &[Image; 3]) -> Image {
    let [first, ..] = channels;
    dispatch!(first.sample_type(), T => {
        let channels = channels.each_ref().map(|image| image.samples::<T>().unwrap());
        let pixels = (0..channels[0].len()).flat_map(|at| channels.map(|samples| samples[at]));
        let samples: Vec<T> = pixels.collect();
        Image::from_samples(first.width(), first.height(), 3, samples).unwrap()
    })
}

/// What an operation makes of three colours, and of each of them alone.
fn both_ways(case: &Case) -> Option<[Image; 2]> {
    let of = |name: &String| Some(array(name)).filter(|image| image.channels() == 1);
    let images: Vec<Image> = case.inputs.iter().map(of).collect::<Option<_>>()?;
    let inputs: Vec<[Image; 3]> = images.iter().map(variants).collect();
    let colors: Vec<Image> = inputs.iter().map(together).collect();
    let found = match run(&case.op, &case.params, colors) {
        Err(error) if error.to_string().contains("put a `grayscale` step before") => return None,
        found => found.unwrap(),
    };
    let alone = [0, 1, 2].map(|at| {
        let inputs: Vec<Image> = inputs.iter().map(|of| of[at].clone()).collect();
        run(&case.op, &case.params, inputs).unwrap()
    });
    let is_gray = alone.iter().all(|image| image.channels() == 1);
    is_gray.then(|| [found, together(&alone)])
}

#[test]
fn each_colour_is_what_it_is_alone() {
    let registry = registry();
    let is_image = |port: &Port| port.data.name == "image";
    let (mut alike, mut others) = (BTreeSet::new(), BTreeSet::new());
    for (case, _) in cases() {
        let step = registry.find(&case.op).unwrap();
        let [output] = &step.outputs[..] else { continue };
        if !(step.inputs.iter().all(is_image) && is_image(output)) {
            continue;
        }
        let Some([found, alone]) = both_ways(&case) else { continue };
        let set = if found.bytes() == alone.bytes() { &mut alike } else { &mut others };
        set.insert(case.op);
    }
    let names = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>();
    assert_eq!(names(&others), TOGETHER.map(|(op, _)| op), "{alike:?}");
    assert_eq!(alike.len(), 48, "{alike:?}");
}
