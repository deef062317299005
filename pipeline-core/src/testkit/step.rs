//! The contract of [`Step`].

use std::sync::Arc;

use super::subject::{Subject, assert_same, print, prints};
use super::supply::{Piece, Supply};
use super::tile::Input;
use super::{odd, params, schema, stop, stream, tile};
use crate::data::{Canvas, Image, Labels, Mask, Raster, Value};
use crate::step::{Kind, Services, Step, StepType, Stream};

/// Puts a step through the contract of [`Step`], with inputs that it works on.
///
/// The step is run some hundred times; give it inputs of some hundred pixels a side at the most,
/// and call the check once for each set of parameters that takes another way through the code. A
/// step that acts on the world does so each time: give it a folder of its own.
///
/// What is checked:
///
/// - **Parameters**: they survive JSON, under one key; those that are not required can be left out;
///   each has a description, and a range if it is a number; the schema accepts them; a change of
///   any of them changes the key.
/// - **Results**: the same bits when run again, on inputs it may overwrite, after the parameters
///   were written and read, in an executor with one, two and four threads, and, for steps that have
///   a tile-wise form, as tiles ([`tile::check`]) and, [by sample](crate::Spec::by_sample), as a
///   table, or for those that have a row-wise one, as rows ([`stream`]). A step that declares
///   itself [`Kind::Volatile`] is excused. Each byte of a mask is 0 or 1.
/// - **Cancel**: told to stop at any of its polls, alone and with helpers, it returns the error of
///   the cancel or the whole result, soon.
/// - **Inputs**: they are what they were. Images of other sizes, channels and sample types, samples
///   that are not numbers, and inputs left out where that is allowed give an error or a result,
///   never a panic.
///
/// Values without a codec are compared by what they print.
///
/// # Panics
/// If the step does not keep the contract, with what it did.
pub fn check<S: Step>(step: &S, inputs: S::Input)
where
    S::Input: Supply,
{
    Check::default().run(step, inputs);
}

/// How a step is checked, for those that need more than [`check`].
///
/// ```no_run
/// use pipeline_core::Services;
/// use pipeline_core::testkit::step::Check;
///
/// # #[derive(Debug)] struct Palette;
/// let check = Check { services: Services::new().with(Palette), ..Check::default() };
/// # let _ = check;
/// ```
#[derive(Debug, Clone)]
pub struct Check {
    /// What the program lends to the step.
    pub services: Services,
    /// Worker threads of the executors that the step is run in.
    pub threads: Vec<usize>,
    /// At how many of its polls the step is cancelled, at the most.
    pub cancels: usize,
    /// Parameters that may be any number, such as a threshold whose range is that of the image.
    pub unbounded: Vec<&'static str>,
}

impl Default for Check {
    fn default() -> Self {
        Self {
            services: Services::new(),
            threads: vec![1, 2, 4],
            cancels: 200,
            unbounded: Vec::new(),
        }
    }
}

impl Check {
    /// Puts a step through the contract.
    ///
    /// # Panics
    /// As [`check`].
    pub fn run<S: Step>(&self, step: &S, inputs: S::Input)
    where
        S::Input: Supply,
    {
        let kind = Arc::new(StepType::of::<S>());
        let mut subject = Subject {
            step: Arc::new(step.clone()),
            kind,
            inputs: inputs.pieces(),
            services: &self.services,
        };
        schema::check(&subject.kind, &self.unbounded);
        let again = params::check(step, &subject);

        let before = prints(&subject.values());
        let unchanged = |during: &str| {
            let name = subject.kind.name;
            let same = prints(&subject.values()) == before;
            assert!(same, "step `{name}`, {during}: an input differs from what it was");
        };
        let expected = subject.results("run once", subject.values());
        for mask in expected.iter().filter_map(|value| value.downcast_ref::<Mask>()) {
            let odd = mask.bytes().iter().find(|&&byte| byte > 1);
            assert!(odd.is_none(), "step `{}`: {odd:?} in a mask, not 0 or 1", subject.kind.name);
        }
        unchanged("run once");
        self.determinism(&subject, &expected);
        unchanged("run in many ways");
        stop::check(&subject, &expected, self.cancels);
        unchanged("cancelled");
        tiles(step, &subject, &expected);
        rows(step, &subject, &expected);
        odd::check(&subject);

        // A field that is neither written nor read back but changes the result would show here.
        subject.step = again;
        let found = subject.results("after its parameters were written and read", subject.values());
        if subject.is_steady() {
            assert_same(
                subject.kind.name,
                "after its parameters were written and read",
                &found,
                &expected,
            );
        }
    }

    fn determinism(&self, subject: &Subject<'_>, expected: &[Value]) {
        let name = subject.kind.name;
        let steady = subject.is_steady();
        let again = subject.results("run twice", subject.values());
        assert!(!steady || prints(&again) == prints(expected), "step `{name}`, run twice: differs");
        if let Some(copies) = subject.copies() {
            let owned = subject.results("run on inputs of its own", copies);
            if steady {
                assert_same(name, "run on inputs of its own", &owned, expected);
            }
        }
        // Under an executor a step has another seed than by hand.
        let mut first: Option<Vec<Value>> = None;
        for &threads in &self.threads {
            let during = format!("run by {threads} threads");
            let outputs = match subject.execute(threads) {
                Ok(outputs) => outputs,
                Err(error) => panic!("step `{name}`, {during}: {error}"),
            };
            match &first {
                Some(first) if steady => assert_same(name, &during, &outputs, first),
                Some(_) => {}
                None => first = Some(outputs),
            }
        }
    }
}

/// The tile-wise form makes what the step makes.
fn tiles<S: Step>(step: &S, subject: &Subject<'_>, expected: &[Value]) {
    let Some(form) = Step::tile(step) else { return };
    let name = S::NAME;
    let inputs: Option<Vec<_>> = subject.inputs.iter().flatten().map(raster).collect();
    let Some(inputs) = inputs else {
        panic!("step `{name}` has a tile-wise form, but an input is no image, mask or labels");
    };
    let profile = |input: &Input| form.for_profile(input.layout, input.icc.as_ref());
    let profiled = match inputs.first().map(profile) {
        None => None,
        Some(Ok(profiled)) => profiled,
        Some(Err(error)) => panic!("step `{name}`, for the profile of its input: {error}"),
    };
    let form = profiled.as_ref().map_or(form, |profiled| &*profiled.tile);
    tile::check_inputs(form, &inputs);
    if Step::spec(step).by_sample {
        tile::check_inputs_by_sample(form, &inputs);
    }
    let (layout, bytes) = match tile::whole(form, &inputs) {
        Ok(whole) => whole,
        Err(error) => panic!("step `{name}`, as one tile: {error}"),
    };
    let [result] = expected else {
        panic!("step `{name}` has a tile-wise form and {} results", expected.len());
    };
    let Some(image) = image_in(result) else {
        panic!("step `{name}` has a tile-wise form, but its result is {}", print(result));
    };
    let kind = Step::spec(step).kind;
    assert!(
        kind != Kind::Volatile,
        "step `{name}` has a tile-wise form but declares itself volatile"
    );
    let made = image.layout();
    let alike = (made.width, made.height, made.channels, made.sample)
        == (layout.width, layout.height, layout.channels, layout.sample);
    assert!(alike, "step `{name}` returns {made}, but the layout of its tiles is {layout}");
    assert!(image.bytes() == bytes, "step `{name}`: run makes other samples than its tiles");
    if let Some(profiled) = profiled {
        let alike = image.icc() == profiled.icc.as_ref();
        assert!(alike, "step `{name}`: run gives another ICC profile than its tiles");
    }
}

/// The row-wise form gives or takes what the step does.
fn rows<S: Step>(step: &S, subject: &Subject<'_>, expected: &[Value]) {
    let name = S::NAME;
    let only = |values: &[Value]| match values {
        [value] => image_in(value),
        _ => None,
    };
    match Step::stream(step) {
        None => {}
        Some(Stream::Source(source)) => {
            let given = stream::check_source(source, &subject.ctx());
            let made = only(expected);
            assert!(made == Some(given), "step `{name}`: run makes another image than its rows");
        }
        Some(Stream::Sink(sink)) => {
            let Some(image) = only(&subject.values()) else {
                panic!("step `{name}` takes rows, but its input is not one image");
            };
            stream::check_sink(sink, &image, &subject.ctx());
        }
    }
}

fn raster(piece: &Piece) -> Option<Input> {
    let labels = piece.value.downcast_ref::<Labels>().map(Input::of);
    labels.or_else(|| image_in(&piece.value).as_ref().map(Input::of))
}

/// The pixels of an image or a mask.
fn image_in(value: &Value) -> Option<Image> {
    if let Some(image) = value.downcast_ref::<Image>() {
        return Some(image.clone());
    }
    let (layout, buffer, icc) = value.downcast_ref::<Mask>()?.clone().into_parts();
    Image::assemble(layout, buffer, icc).ok()
}
