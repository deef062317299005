//! The tile-wise form of a step: how most image operations are written.

use std::sync::Arc;

use super::context::Context;
use crate::data::{Canvas, In, Layout, Raster, Region, Sample, View, ViewMut, leftovers};
use crate::error::{Error, Result};

/// A step that can make any region of its output from regions of its inputs.
///
/// Written once, it gives the engine parallel bands, cancellation and progress between them, and
/// work in place where nobody else holds the input. Where nobody wants the image between two such
/// steps, a run does not make it: both run as one, tile by tile
/// ([`Fusion`](crate::exec::Fusion)), and a crop makes the steps before it do only what it shows.
/// A step that needs the whole image, such as a histogram, does not implement it.
///
/// # Contract
///
/// Called on any worker thread, for any region within the output and in any order, often for many
/// regions at once. Whatever the regions are, the samples must be the same: the whole image equals
/// the sum of any tiles. Nothing is kept between calls but scratch memory.
///
/// ```
/// use pipeline_core::{Context, Layout, Result, Tile, View, ViewMut};
///
/// /// Turns black into white, for 8-bit images.
/// #[derive(Debug)]
/// struct Invert;
///
/// impl Tile for Invert {
///     fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
///         Ok(inputs[0])
///     }
///
///     fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, _: &Context<'_>) -> Result<()> {
///         let input = inputs[0].typed::<u8>()?;
///         for (y, row) in out.rows::<u8>()? {
///             for (out, &sample) in row.iter_mut().zip(input.row(y)) {
///                 *out = 255 - sample;
///             }
///         }
///         Ok(())
///     }
/// }
/// ```
pub trait Tile: Send + Sync {
    /// What the output looks like for inputs of these layouts. Labels have samples of `u32`, which
    /// no output has.
    ///
    /// # Errors
    /// If the step cannot work on such inputs: [`Error::Input`] with what came and what was
    /// expected.
    fn layout(&self, inputs: &[Layout]) -> Result<Layout>;

    /// The region of input `input` needed to render `region` of the output.
    ///
    /// The default is the same region, as point operations need. A neighbourhood grows it by its
    /// halo ([`Region::grow`]), geometry maps it. It must lie within the input.
    fn footprint(&self, input: usize, region: Region, inputs: &[Layout]) -> Region {
        region.intersect(&inputs[input].region())
    }

    /// The form for a first input of this layout and this ICC profile, or of none, where samples or
    /// the profile of the output depend on it; it is asked for before anything is rendered. `None`,
    /// the default, is this form, and the profile stays as [`tile()`] says.
    ///
    /// The layout of the output must be the same: it is known before the profile is.
    ///
    /// # Errors
    /// If the step cannot work with such a profile.
    fn for_profile(&self, input: Layout, icc: Option<&Arc<[u8]>>) -> Result<Option<Profiled>> {
        let _ = (input, icc);
        Ok(None)
    }

    /// Fills all of `out` from the inputs, each of which covers at least its footprint.
    ///
    /// What `out` holds before is left over from earlier use. Of a mask each byte becomes 0 or 1.
    ///
    /// # Errors
    /// Whatever keeps the tile from being made; the step fails with it.
    fn render(&self, inputs: &[View<'_>], out: &mut ViewMut<'_>, ctx: &Context<'_>) -> Result<()>;
}

/// A form that knows the ICC profile of its first input.
pub struct Profiled {
    /// What makes the image.
    pub tile: Box<dyn Tile>,
    /// The profile that the image is in.
    pub icc: Option<Arc<[u8]>>,
}

impl std::fmt::Debug for Profiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = self.icc.as_ref().map(|icc| icc.len());
        f.debug_struct("Profiled").field("icc_bytes", &bytes).finish_non_exhaustive()
    }
}

/// Bytes of output that one band aims at: a band and what it reads stay in the cache of one core.
const BAND: usize = 256 << 10;

/// High bands are a multiple of this high: a step that turns pixels takes them in squares, and what
/// is left over costs it half as much again.
const SQUARE: usize = 8;

/// How many times as much as it makes a band may read.
const READ: usize = 4;

/// Bytes that an in-place point operation sets aside at a time: they stay in the nearest cache.
const STRIP: usize = 16 << 10;

/// Runs a step by its tile-wise form: in parallel bands, in place where it can be.
///
/// The body of [`Step::run`](super::Step::run) for a step that implements [`Tile`]; `rest` are the
/// inputs after the first. The ICC profile of the first input stays with the output, unless gray
/// and colour change places or the colour space does.
///
/// ```
/// # use pipeline_core::{Context, Image, In, Layout, Result, Tile, View, ViewMut, tile};
/// # #[derive(Debug)]
/// # struct Copy;
/// # impl Tile for Copy {
/// #     fn layout(&self, inputs: &[Layout]) -> Result<Layout> { Ok(inputs[0]) }
/// #     fn render(&self, _: &[View<'_>], _: &mut ViewMut<'_>, _: &Context<'_>) -> Result<()> {
/// #         Ok(())
/// #     }
/// # }
/// # impl Copy {
/// fn run(&self, image: In<Image>, ctx: &Context<'_>) -> Result<Image> {
///     tile(self, image, &[], ctx)
/// }
/// # }
/// ```
///
/// # Errors
/// Whatever the step's [`Tile`] methods report, [`Error::Input`] if they say that the output has
/// the samples of labels, [`Error::TooLarge`] if it cannot exist or there is no memory for it, and
/// [`Error::Cancelled`].
pub fn tile<A: Raster, R: Canvas>(
    step: &impl Tile,
    first: In<A>,
    rest: &[View<'_>],
    ctx: &Context<'_>,
) -> Result<R> {
    let mut layouts = Vec::with_capacity(1 + rest.len());
    layouts.push(first.view().image());
    layouts.extend(rest.iter().map(View::image));
    let layout = step.layout(&layouts)?;
    let samples = layout.image_samples()?;
    let bands = Bands { step, layouts: &layouts, layout, ctx, rows: 0 }.sized();

    let (mut source, mut buffer, icc) = first.into_owned().into_parts();
    let in_place = same_pixels(source, layout) && buffer.is_unique() && bands.is_stripwise();
    crate::dispatch!(layout.sample, T => {
        if in_place {
            // The sample types are equal, so there is always something to overwrite.
            if let Some(owned) = T::peek_mut(&mut buffer) {
                bands.in_place::<T>(owned.make_mut(), rest)?;
            }
        } else {
            let mut out = leftovers::<T>(samples, || format!("an image of {layout}"))?;
            let first = View::whole(source, &buffer);
            bands.fill::<T>(&mut out, first, rest)?;
            buffer = out.into();
        }
    });
    let icc = icc.filter(|_| keeps_profile(&source, &layout));
    source = layout;
    R::assemble(source, buffer, icc)
}

/// Whether the profile of an input holds for the output. It describes colours; it does not outlive
/// a change between gray and colour, nor one of what the numbers mean.
pub(super) fn keeps_profile(input: &Layout, output: &Layout) -> bool {
    (input.channels < 3) == (output.channels < 3) && input.color == output.color
}

/// Whether an output can take the place of an input, sample for sample.
fn same_pixels(input: Layout, output: Layout) -> bool {
    (input.width, input.height, input.channels, input.sample)
        == (output.width, output.height, output.channels, output.sample)
}

struct Bands<'a, S> {
    step: &'a S,
    layouts: &'a [Layout],
    layout: Layout,
    ctx: &'a Context<'a>,
    /// Rows of one band.
    rows: usize,
}

impl<S: Tile> Bands<'_, S> {
    /// Chooses the height of a band: small enough for the cache, tall enough that the halo is not
    /// most of what is read.
    fn sized(mut self) -> Self {
        let row_bytes = (self.layout.row_len() * self.layout.sample.size()).max(1);
        let rows = (BAND / row_bytes).max(1);
        let middle = self.band(self.layout.height as usize / 2, 1);
        let around = self.step.footprint(0, middle, self.layouts).height;
        // A step that turns sees all rows of its input, however low a band is.
        let is_halo = self.layouts.first().is_some_and(|input| around < input.height);
        let halo = if is_halo { around as usize } else { 0 };
        self.rows = rows.max(halo).min(self.layout.height as usize);
        // A step that shrinks reads far more than it writes; then that decides.
        let band = self.band(0, self.rows);
        let reads = self.layouts.iter().enumerate().map(|(input, layout)| {
            let region = self.step.footprint(input, band, self.layouts);
            let samples = region.width as usize * usize::from(layout.channels);
            region.height as usize * samples * layout.sample.size()
        });
        let excess = reads.max().unwrap_or(0) / (READ * BAND);
        self.rows = (self.rows / excess.max(1)).max(1);
        if self.rows > SQUARE / 2 {
            self.rows = (self.rows + SQUARE / 2) / SQUARE * SQUARE;
        }
        self
    }

    fn band(&self, first: usize, rows: usize) -> Region {
        // Rows of an image fit in 32 bits.
        let first = u32::try_from(first).unwrap_or(u32::MAX);
        let rows = u32::try_from(rows).unwrap_or(u32::MAX);
        Region::new(0, first, self.layout.width, rows)
    }

    fn footprint(&self, input: usize, band: Region) -> Result<Region> {
        let region = self.step.footprint(input, band, self.layouts);
        let bounds = self.layouts[input].region();
        if bounds.contains(&region) {
            return Ok(region);
        }
        Err(Error::input("the footprint", region, format!("a region within {bounds}")))
    }

    /// Rows that are set aside at a time when a band is overwritten.
    fn strip(&self) -> usize {
        (STRIP / (self.layout.row_len() * self.layout.sample.size())).max(1)
    }

    /// Whether every strip is made from its own place alone, so that it may be overwritten. Strips
    /// are asked, not bands: a band that is the whole image has a footprint equal to itself.
    fn is_stripwise(&self) -> bool {
        let (rows, strip) = (self.layout.height as usize, self.strip());
        (0..rows).step_by(self.rows).all(|first| {
            let end = rows.min(first + self.rows);
            (first..end).step_by(strip).all(|start| {
                let region = self.band(start, strip.min(end - start));
                self.step.footprint(0, region, self.layouts) == region
            })
        })
    }

    fn fill<T: Sample>(&self, out: &mut [T], first: View<'_>, rest: &[View<'_>]) -> Result<()> {
        self.ctx.fill_rows(out, self.layout.row_len(), self.rows, |start, samples| {
            let band = self.band(start, samples.len() / self.layout.row_len());
            let mut views = Vec::with_capacity(1 + rest.len());
            for (input, view) in std::iter::once(&first).chain(rest).enumerate() {
                views.push(view.crop(self.footprint(input, band)?));
            }
            let mut out = ViewMut::packed(self.layout, band, samples);
            self.step.render(&views, &mut out, self.ctx)
        })
    }

    /// A strip of the input is set aside, then its place is overwritten.
    fn in_place<T: Sample>(&self, samples: &mut [T], rest: &[View<'_>]) -> Result<()> {
        let row_len = self.layout.row_len();
        let strip = self.strip();
        self.ctx.fill_rows(samples, row_len, self.rows, |start, band| {
            self.ctx.scratch(|scratch| {
                scratch.samples::<T, _>(strip * row_len, |aside, _| {
                    for (place, samples) in band.chunks_mut(strip * row_len).enumerate() {
                        let region = self.band(start + place * strip, samples.len() / row_len);
                        let aside = &mut aside[..samples.len()];
                        aside.copy_from_slice(samples);
                        let mut views = Vec::with_capacity(1 + rest.len());
                        views.push(View::packed(self.layouts[0], region, aside));
                        for (input, view) in rest.iter().enumerate() {
                            views.push(view.crop(self.footprint(input + 1, region)?));
                        }
                        let mut out = ViewMut::packed(self.layout, region, samples);
                        self.step.render(&views, &mut out, self.ctx)?;
                    }
                    Ok(())
                })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Image, Labels, SampleType};

    /// Adds the sample above, or 0 in the first row.
    struct AddAbove;

    impl Tile for AddAbove {
        fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
            Ok(inputs[0])
        }

        fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
            region.grow(0, 1, &inputs[0].region())
        }

        fn render(
            &self,
            inputs: &[View<'_>],
            out: &mut ViewMut<'_>,
            _: &Context<'_>,
        ) -> Result<()> {
            let input = inputs[0].typed::<u16>()?;
            for (y, row) in out.rows::<u16>()? {
                row.copy_from_slice(input.row(y));
                if y > 0 {
                    row.iter_mut().zip(input.row(y - 1)).for_each(|(out, above)| *out += above);
                }
            }
            Ok(())
        }
    }

    /// Sees as many rows above and below as it says, or the columns that become its rows.
    #[derive(Clone, Copy)]
    enum Sees {
        Rows(u32),
        Columns,
    }

    impl Tile for Sees {
        fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
            Ok(inputs[0])
        }

        fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
            match *self {
                Self::Rows(radius) => region.grow(0, radius, &inputs[0].region()),
                Self::Columns => Region::new(region.y, region.x, region.height, region.width),
            }
        }

        fn render(&self, _: &[View<'_>], _: &mut ViewMut<'_>, _: &Context<'_>) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn bands_fit_the_cache_unless_they_see_more_rows_than_they_have() {
        let layout = Layout::new(4096, 4096, 1, SampleType::U8);
        let rows = |step: &Sees| {
            let (layouts, ctx) = ([layout], Context::default());
            Bands { step, layouts: &layouts, layout, ctx: &ctx, rows: 0 }.sized().rows
        };
        let fits = BAND / 4096;
        assert_eq!(
            [Sees::Rows(0), Sees::Rows(2), Sees::Columns].map(|step| rows(&step)),
            [fits; 3]
        );
        assert!(rows(&Sees::Rows(60)) > fits);
    }

    #[test]
    fn tiles_read_labels_but_make_none() {
        struct Parity(SampleType);

        impl Tile for Parity {
            fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
                Ok(Layout { sample: self.0, ..inputs[0] })
            }

            fn render(
                &self,
                inputs: &[View<'_>],
                out: &mut ViewMut<'_>,
                _: &Context<'_>,
            ) -> Result<()> {
                assert!(inputs[0].typed::<f32>().is_err());
                let labels = inputs[0].typed::<u32>()?;
                for (y, row) in out.rows::<u8>()? {
                    row.iter_mut().zip(labels.row(y)).for_each(|(out, label)| {
                        *out = u8::from(label % 2 == 1);
                    });
                }
                Ok(())
            }
        }

        let run = |sample| -> Result<Image> {
            let labels = Labels::new(2, 2, vec![0, 1, 2, 3])?;
            tile(&Parity(sample), In::new(labels), &[], &Context::default())
        };
        assert_eq!(run(SampleType::U8).unwrap().bytes(), [0, 1, 0, 1]);
        let error = run(SampleType::U32).unwrap_err().to_string();
        assert_eq!(error, "the image is 2×2×1 u32, expected samples of u8, u16 or f32");
    }

    struct Double;

    impl Tile for Double {
        fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
            Ok(inputs[0])
        }

        fn render(
            &self,
            inputs: &[View<'_>],
            out: &mut ViewMut<'_>,
            _: &Context<'_>,
        ) -> Result<()> {
            let input = inputs[0].typed::<u16>()?;
            for (y, row) in out.rows::<u16>()? {
                row.iter_mut().zip(input.row(y)).for_each(|(out, sample)| *out = sample * 2);
            }
            Ok(())
        }
    }

    fn picture(height: u32) -> Image {
        let samples: Vec<u16> = (0..height * 700).map(|n| (n % 251) as u16).collect();
        Image::from_samples(700, height, 1, samples).unwrap()
    }

    /// Sees rows above and below.
    struct Around(u32);

    impl Tile for Around {
        fn layout(&self, inputs: &[Layout]) -> Result<Layout> {
            Ok(inputs[0])
        }

        fn footprint(&self, _: usize, region: Region, inputs: &[Layout]) -> Region {
            region.grow(0, self.0, &inputs[0].region())
        }

        fn render(&self, _: &[View<'_>], _: &mut ViewMut<'_>, _: &Context<'_>) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn bands_are_whole_squares_and_about_as_high_as_their_halo() {
        for (row_len, reach, expected) in
            [(18_000, 2, 16), (18_000, 20, 40), (6_000, 2, 40), (100_000, 0, 2), (300_000, 0, 1)]
        {
            let layout = Layout::new(row_len, 4_000, 1, SampleType::U8);
            let (layouts, ctx) = ([layout], Context::default());
            let step = Around(reach);
            let bands = Bands { step: &step, layouts: &layouts, layout, ctx: &ctx, rows: 0 };
            assert_eq!(bands.sized().rows, expected, "{row_len} bytes, {reach} rows around");
        }
    }

    #[test]
    fn bands_see_the_rows_of_their_halo() {
        let image = picture(900);
        let input = image.samples::<u16>().unwrap();
        let out: Image = tile(&AddAbove, In::new(image.clone()), &[], &Context::default()).unwrap();
        for (at, &sample) in out.samples::<u16>().unwrap().iter().enumerate() {
            let above = at.checked_sub(700).map_or(0, |at| input[at]);
            assert_eq!(sample, input[at] + above);
        }
    }

    #[test]
    fn a_halo_keeps_even_a_small_image_from_being_overwritten() {
        let image = picture(60);
        let kept = tile::<_, Image>(&AddAbove, In::new(image.clone()), &[], &Context::default());
        let owned = tile::<_, Image>(&AddAbove, In::new(picture(60)), &[], &Context::default());
        assert_eq!(owned.unwrap(), kept.unwrap());
    }

    #[test]
    fn a_point_operation_works_in_place_only_when_it_owns_the_pixels() {
        let image = picture(300);
        let kept = image.clone();
        let out: Image = tile(&Double, In::new(image), &[], &Context::default()).unwrap();
        assert_eq!(kept, picture(300), "a shared image must not change");

        let address = out.bytes().as_ptr();
        drop(kept);
        let again: Image = tile(&Double, In::new(out), &[], &Context::default()).unwrap();
        assert_eq!(again.bytes().as_ptr(), address);
        assert_eq!(again.samples::<u16>().unwrap()[250], 1000);
    }
}
