//! The contract of [`Tile`].

use std::sync::Arc;

use super::dice::Dice;
use super::guard::no_panic;
use crate::data::{
    Buffer, Canvas, Element, Image, In, Labels, Layout, Raster, Region, SampleType, Samples, View,
    ViewMut,
};
use crate::error::Result;
use crate::step::{Context, Curve, Profiled, Tile, tile};

/// Puts a tile-wise form through the contract of [`Tile`], with images that it works on.
///
/// What is checked, on the images as they are and, where the form takes them, on larger ones that
/// repeat their pixels:
///
/// - the layout is the same each time, can exist, and is refused with an error, not a panic, for
///   images of other sizes, channels and sample types,
/// - every footprint lies within its input,
/// - any tiles make up the whole image, bit for bit: rows, columns, single pixels, rectangles at
///   random, cuts at random, in any order and from four threads,
/// - a tile reads nothing outside of its footprint and fills all of its region,
/// - in place and out of place are the same, and so is [`tile`].
///
/// # Panics
/// If the form does not keep the contract, with the region on which it did not.
///
/// ```
/// # use pipeline_core::{Context, Layout, Result, Tile, View, ViewMut};
/// use pipeline_core::testkit::{image_of, tile};
///
/// # #[derive(Debug)]
/// # struct Invert;
/// # impl Tile for Invert {
/// #     fn layout(&self, inputs: &[Layout]) -> Result<Layout> { Ok(inputs[0]) }
/// #     fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, _: &Context<'_>) -> Result<()> {
/// #         let input = inputs[0].typed::<u8>()?;
/// #         for (y, row) in out.rows::<u8>()? {
/// #             row.iter_mut().zip(input.row(y)).for_each(|(out, sample)| *out = 255 - sample);
/// #         }
/// #         Ok(())
/// #     }
/// # }
/// tile::check(&Invert, &[image_of::<u8>(&[&[0, 50, 100], &[150, 200, 250]])]);
/// ```
pub fn check(step: &dyn Tile, images: &[Image]) {
    check_inputs(step, &images.iter().map(Input::of).collect::<Vec<_>>());
}

/// As [`check`], for a form that reads more than images.
pub(super) fn check_inputs(step: &dyn Tile, inputs: &[Input]) {
    let layouts: Vec<_> = inputs.iter().map(|input| input.layout).collect();
    odd_layouts(step, &layouts);
    every(step, inputs, &|field| field.check());
}

/// Checks that a table of its samples makes what a tile-wise form does that is said to go
/// [by sample](crate::Spec::by_sample).
///
/// # Panics
/// If it does not.
pub fn check_by_sample(step: &dyn Tile, images: &[Image]) {
    check_inputs_by_sample(step, &images.iter().map(Input::of).collect::<Vec<_>>());
}

/// As [`check_by_sample`], for a form that reads more than images.
pub(super) fn check_inputs_by_sample(step: &dyn Tile, inputs: &[Input]) {
    every(step, inputs, &|field| field.by_sample());
}

/// A raster of any kind, by its parts.
#[derive(Clone)]
pub(super) struct Input {
    pub(super) layout: Layout,
    pub(super) icc: Option<Arc<[u8]>>,
    buffer: Buffer,
}

impl Input {
    pub(super) fn of<R: Raster>(raster: &R) -> Self {
        let (layout, buffer, icc) = raster.clone().into_parts();
        Self { layout, icc, buffer }
    }

    fn view(&self) -> View<'_> {
        View::whole(self.layout, &self.buffer)
    }

    /// What a step makes of this and the other inputs.
    fn through(self, step: &Borrowed<'_>, rest: &[View<'_>]) -> Result<Image> {
        let ctx = Context::default();
        if let Buffer::U32(labels) = self.buffer {
            let labels = Labels::new(self.layout.width, self.layout.height, labels)?;
            return tile(step, In::new(labels), rest, &ctx);
        }
        let image = Image::assemble(self.layout, self.buffer, self.icc)?;
        tile(step, In::new(image), rest, &ctx)
    }
}

/// Checks a form on the inputs as they are, and on larger ones where it takes them.
fn every(step: &dyn Tile, inputs: &[Input], check: &dyn Fn(&Field<'_>)) {
    let whole = Field::of(step, inputs).unwrap_or_else(|error| panic!("the layout: {error}"));
    check(&whole);
    if let Some(larger) = enlarge(inputs)
        && let Ok(field) = Field::of(step, &larger)
    {
        check(&field);
    }
}

/// The samples of the whole output, for comparison with what a step returns.
pub(super) fn whole(step: &dyn Tile, inputs: &[Input]) -> Result<(Layout, Vec<u8>)> {
    let field = Field::of(step, inputs)?;
    Ok((field.layout, field.whole))
}

/// Layouts that differ from the given ones, one input at a time.
fn odd_layouts(step: &dyn Tile, layouts: &[Layout]) {
    for at in 0..layouts.len() {
        let right = layouts[at];
        let mut odd = Vec::new();
        for (width, height) in [(1, 1), (1, right.height), (right.width, 1), (u32::MAX, u32::MAX)] {
            odd.push(Layout { width, height, ..right });
        }
        odd.extend([1, 2, 3, 4, 5, u16::MAX].map(|channels| Layout { channels, ..right }));
        let samples = [SampleType::U8, SampleType::U16, SampleType::F32, SampleType::U32];
        odd.extend(samples.map(|sample| Layout { sample, ..right }));
        for odd in odd {
            let mut layouts = layouts.to_vec();
            layouts[at] = odd;
            // Any answer will do, as long as it is one.
            let _ = no_panic(format_args!("the layout for {odd}"), || step.layout(&layouts));
        }
    }
}

/// The same inputs repeated until a band does not hold them, if they are small and of one size.
fn enlarge(inputs: &[Input]) -> Option<Vec<Input>> {
    const SIDES: (u32, u32) = (251, 181);
    let first = inputs.first()?.layout;
    let alike =
        |input: &Input| (input.layout.width, input.layout.height) == (first.width, first.height);
    if !inputs.iter().all(alike) || first.width >= SIDES.0 || first.height >= SIDES.1 {
        return None;
    }
    let repeat = |input: &Input| {
        let layout = Layout { width: SIDES.0, height: SIDES.1, ..input.layout };
        let buffer = match &input.buffer {
            Buffer::U8(from) => Buffer::U8(repeated(from, input.layout, layout)),
            Buffer::U16(from) => Buffer::U16(repeated(from, input.layout, layout)),
            Buffer::F32(from) => Buffer::F32(repeated(from, input.layout, layout)),
            Buffer::U32(from) => Buffer::U32(repeated(from, input.layout, layout)),
        };
        Input { layout, buffer, icc: input.icc.clone() }
    };
    Some(inputs.iter().map(repeat).collect())
}

/// The samples of a larger layout: those of a smaller one again and again.
fn repeated<T: Element>(from: &[T], small: Layout, large: Layout) -> Samples<T> {
    let row = |y: usize| {
        let start = y % small.height as usize * small.row_len();
        from[start..start + small.row_len()].iter().copied().cycle().take(large.row_len())
    };
    (0..large.height as usize).flat_map(row).collect::<Vec<T>>().into()
}

/// How inputs reach a tile.
#[derive(Clone, Copy, PartialEq)]
enum Given {
    /// All of every input.
    Whole,
    /// The footprint as a window of the whole.
    Window,
    /// The footprint in a buffer of its own.
    Apart,
}

struct Field<'a> {
    step: &'a dyn Tile,
    inputs: &'a [Input],
    layouts: Vec<Layout>,
    layout: Layout,
    whole: Vec<u8>,
}

impl<'a> Field<'a> {
    fn of(step: &'a dyn Tile, inputs: &'a [Input]) -> Result<Self> {
        let layouts: Vec<_> = inputs.iter().map(|input| input.layout).collect();
        let layout = no_panic("the layout", || step.layout(&layouts))?;
        let same = step.layout(&layouts).is_ok_and(|again| again == layout);
        assert!(same, "the layout of the same inputs differs from call to call");
        layout.image_samples()?;
        let mut field = Self { step, inputs, layouts, layout, whole: Vec::new() };
        field.whole = field.render(layout.region(), Given::Whole, 0x00);
        Ok(field)
    }

    fn check(&self) {
        let whole = self.layout.region();
        let filled = self.render(whole, Given::Whole, 0xA5);
        assert!(filled == self.whole, "rendering the whole twice differs{}", self.first(&filled));
        for given in [Given::Window, Given::Apart] {
            self.compare(whole, given);
        }
        for (region, at) in self.regions().into_iter().zip(0u32..) {
            self.compare(region, if at % 2 == 0 { Given::Window } else { Given::Apart });
        }
        std::thread::scope(|scope| {
            let cuts: Vec<_> = (0..4u64).map(|seed| scope.spawn(move || self.cut(seed))).collect();
            for cut in cuts {
                no_panic("tiles from four threads", || {
                    cut.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload));
                });
            }
        });
        self.in_place();
    }

    /// A table of what the step makes of each 8-bit sample makes the whole.
    fn by_sample(&self) {
        assert!(
            self.layouts == [self.layout],
            "a step by samples makes {} of {:?}, expected the layout of its only input",
            self.layout,
            self.layouts
        );
        if self.layout.sample == SampleType::U8 {
            let curve = no_panic("a ramp of samples", || Curve::alone(self.step, self.layout));
            let curve = curve.unwrap_or_else(|| panic!("a ramp of samples is refused"));
            let (layouts, whole) = (self.layouts.clone(), Vec::new());
            let table =
                Field { step: &curve, inputs: self.inputs, layouts, layout: self.layout, whole };
            let whole = table.render(self.layout.region(), Given::Whole, 0);
            let at = self.first(&whole);
            assert!(whole == self.whole, "by its samples the step makes another image{at}");
        }
    }

    /// Where the first difference to the whole is.
    fn first(&self, other: &[u8]) -> String {
        let at = self.whole.iter().zip(other).position(|(a, b)| a != b).unwrap_or(0);
        let (row, pixel) = (
            self.layout.row_len() * self.layout.sample.size(),
            usize::from(self.layout.channels) * self.layout.sample.size(),
        );
        format!(", first at ({}, {})", at % row / pixel, at / row)
    }

    fn compare(&self, region: Region, given: Given) {
        let tile = self.render(region, given, 0xA5);
        assert!(
            tile == self.part(region),
            "tile {region} of {} differs from the same region of the whole{}",
            self.layout,
            self.difference(region, &tile)
        );
    }

    fn difference(&self, region: Region, tile: &[u8]) -> String {
        let pixel = usize::from(self.layout.channels) * self.layout.sample.size();
        let at = self.part(region).iter().zip(tile).position(|(a, b)| a != b).unwrap_or(0) / pixel;
        let width = (region.width as usize).max(1);
        let (x, y) = (region.x as usize + at % width, region.y as usize + at / width);
        format!(", first at ({x}, {y})")
    }

    /// The bytes of a region of the whole.
    fn part(&self, region: Region) -> Vec<u8> {
        let pixel = usize::from(self.layout.channels) * self.layout.sample.size();
        let row = self.layout.width as usize * pixel;
        let rows = region.y as usize..region.y as usize + region.height as usize;
        let start = region.x as usize * pixel;
        let len = region.width as usize * pixel;
        rows.flat_map(|y| &self.whole[y * row + start..y * row + start + len]).copied().collect()
    }

    /// Renders a region over a buffer full of `poison`.
    fn render(&self, region: Region, given: Given, poison: u8) -> Vec<u8> {
        let mut footprints = Vec::with_capacity(self.inputs.len());
        for (input, layout) in self.layouts.iter().enumerate() {
            let during = format_args!("the footprint of {region}");
            let footprint = no_panic(during, || self.step.footprint(input, region, &self.layouts));
            let bounds = layout.region();
            assert!(
                bounds.contains(&footprint),
                "the footprint of {region} in input {input} is {footprint}, expected a region \
                 within {bounds}"
            );
            footprints.push(footprint);
        }
        let apart: Vec<Buffer> = match given {
            Given::Apart => self.inputs.iter().zip(&footprints).map(copy_of).collect(),
            Given::Whole | Given::Window => Vec::new(),
        };
        let views: Vec<View<'_>> = (self.inputs.iter().zip(&footprints).enumerate())
            .map(|(at, (input, &footprint))| match given {
                Given::Whole => input.view(),
                Given::Window => input.view().crop(footprint),
                Given::Apart => packed(input.layout, footprint, &apart[at]),
            })
            .collect();
        crate::dispatch!(self.layout.sample, T => {
            let row = region.width as usize * usize::from(self.layout.channels);
            let mut samples = vec![T::default(); row * region.height as usize];
            bytemuck::cast_slice_mut::<T, u8>(&mut samples).fill(poison);
            let mut out = ViewMut::packed(self.layout, region, &mut samples);
            let during = format_args!("rendering {region} from its footprint {footprints:?}");
            no_panic(during, || self.step.render(&views, &mut out, &Context::default()))
                .unwrap_or_else(|error| panic!("rendering {region}: {error}"));
            bytemuck::cast_slice::<T, u8>(&samples).to_vec()
        })
    }

    /// Rows, columns, pixels and rectangles; all of the thin ones where there are few.
    fn regions(&self) -> Vec<Region> {
        let Layout { width, height, .. } = self.layout;
        let mut dice = Dice::new(u64::from(width) << 32 | u64::from(height));
        let mut regions = Vec::new();
        for some in 0..height.min(24) {
            let y = if height <= 24 { some } else { dice.below(height) };
            regions.push(Region::new(0, y, width, 1));
        }
        for some in 0..width.min(24) {
            let x = if width <= 24 { some } else { dice.below(width) };
            regions.push(Region::new(x, 0, 1, height));
        }
        for _ in 0..48 {
            regions.push(Region::new(dice.below(width), dice.below(height), 1, 1));
        }
        let corners = [(0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)];
        regions.extend(corners.map(|(x, y)| Region::new(x, y, 1, 1)));
        for _ in 0..48 {
            let (x, y) = (dice.below(width), dice.below(height));
            let size = (1 + dice.below(width - x), 1 + dice.below(height - y));
            regions.push(Region::new(x, y, size.0, size.1));
        }
        regions
    }

    /// Cuts the whole into tiles at random and renders each.
    fn cut(&self, seed: u64) {
        let mut dice = Dice::new(seed);
        let mut open = vec![self.layout.region()];
        while let Some(region) = open.pop() {
            let Region { x, y, width, height } = region;
            let wide = u64::from(width) * u64::from(height) > self.area_of_a_tile();
            if wide && (dice.below(2) == 0 && width > 1 || height == 1) {
                let left = 1 + dice.below(width - 1);
                open.push(Region::new(x, y, left, height));
                open.push(Region::new(x + left, y, width - left, height));
            } else if wide {
                let above = 1 + dice.below(height - 1);
                open.push(Region::new(x, y, width, above));
                open.push(Region::new(x, y + above, width, height - above));
            } else {
                self.compare(region, Given::Window);
            }
        }
    }

    /// Small enough that there are many tiles, large enough that there are not thousands.
    fn area_of_a_tile(&self) -> u64 {
        (u64::from(self.layout.width) * u64::from(self.layout.height) / 48).max(1)
    }

    fn in_place(&self) {
        let Some((first, rest)) = self.inputs.split_first() else { return };
        let rest: Vec<_> = rest.iter().map(Input::view).collect();
        let step = Borrowed(self.step);
        let buffer = copy_of((first, &first.layout.region()));
        let copy = Input { buffer, ..first.clone() };
        for (input, how) in [(first.clone(), "out of place"), (copy, "in place")] {
            let made = no_panic(how, || input.through(&step, &rest));
            let made = made.unwrap_or_else(|error| panic!("{how}: {error}"));
            assert!(made.layout() == self.layout, "{how}: the image is {}", made.layout());
            let at = self.first(made.bytes());
            assert!(made.bytes() == self.whole, "{how} differs from the whole in one tile{at}");
        }
    }
}

/// The samples of a region of an input, in a buffer of their own.
fn copy_of((input, region): (&Input, &Region)) -> Buffer {
    fn rows<T: Element>(input: &Input, region: &Region) -> Samples<T> {
        let plane = input.view().crop(*region).typed::<T>();
        let plane = plane.unwrap_or_else(|error| panic!("{error}"));
        plane.rows().flatten().copied().collect::<Vec<T>>().into()
    }
    match input.layout.sample {
        SampleType::U8 => Buffer::U8(rows(input, region)),
        SampleType::U16 => Buffer::U16(rows(input, region)),
        SampleType::F32 => Buffer::F32(rows(input, region)),
        SampleType::U32 => Buffer::U32(rows(input, region)),
    }
}

fn packed(layout: Layout, region: Region, buffer: &Buffer) -> View<'_> {
    match buffer {
        Buffer::U8(samples) => View::packed(layout, region, samples),
        Buffer::U16(samples) => View::packed(layout, region, samples),
        Buffer::F32(samples) => View::packed(layout, region, samples),
        Buffer::U32(samples) => View::packed(layout, region, samples),
    }
}

/// A form whose type is not known, for functions that want one that is.
struct Borrowed<'a>(&'a dyn Tile);

#[deny(clippy::missing_trait_methods)]
impl Tile for Borrowed<'_> {
    fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
        self.0.layout(inputs)
    }

    fn footprint(&self, input: usize, region: Region, inputs: &[Layout]) -> Region {
        self.0.footprint(input, region, inputs)
    }

    fn for_profile(&self, input: Layout, icc: Option<&Arc<[u8]>>) -> Result<Option<Profiled>> {
        self.0.for_profile(input, icc)
    }

    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()> {
        self.0.render(inputs, out, ctx)
    }
}
